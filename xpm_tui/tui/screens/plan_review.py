"""Plan review: everything that would be done, grouped, before any of it is."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.presenters.presenter import change_views
from xpm_tui.application.presenters.set_aside import set_aside_lines
from xpm_tui.application.presenters.views import ChangeView
from xpm_tui.application.runs import plans
from xpm_tui.application.runs.consequences import consequences
from xpm_tui.commands.consequences import cost
from xpm_tui.commands.differences import nothing_planned
from xpm_tui.domain import formatting, labels
from xpm_tui.domain.consequences import Consequences
from xpm_tui.domain.errors import StoreChanged
from xpm_tui.domain.plan import Plan
from xpm_tui.lazy import lazy_imports
from xpm_tui.tui.dialogs.help import HelpPage
from xpm_tui.tui.plan_rows import PlanOutline, client_of
from xpm_tui.tui.screens.base import DetailScreen
from xpm_tui.tui.theme import style
from xpm_tui.tui.widgets.cells import Line, lines, ours, span, wrap
from xpm_tui.tui.widgets.plan_tree import PlanTree
from xpm_tui.tui.widgets.rows import Rows
from xpm_tui.tui.widgets.text import StaticText, TextLabel

with lazy_imports():
    from xpm_tui.tui.screens import differences, review


REASONS = 6
"""Reasons that are counted one by one where a plan has no change."""

CHANGED = "This plan was changed in another window. Review it again."


class PlanReview(DetailScreen[str]):
    """Look, tick, apply. Gives the id of the run that applies it, or None."""

    AREA = "sync"
    CSS_PATH: ClassVar = style("plan_review")
    SAVES = frozenset({"export"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "apply", "Apply"),
        Binding("space", "tick", "Tick"),
        Binding("v", "turn", "By client", tooltip="Group by field, or by client"),
        Binding("r", "people", "Needs you", tooltip="Review the clients that need your decision"),
        Binding("w", "export", "CSV", tooltip="Save the plan as a CSV file"),
        Binding("W", "differences", "Differs", tooltip="List the differences that stay as they are"),
        Binding("escape", "leave", "Back"),
    ]

    def __init__(self, plan_id: str) -> None:
        super().__init__()
        self._plan_id = plan_id
        self._plan: Plan | None = None
        self._tree = PlanOutline()
        self._rows = PlanTree(self._tree)
        self._head = TextLabel(classes="plan-head")
        self._why = TextLabel(classes="plan-why", fixed=False)
        self._none = StaticText(classes="empty")

    def body(self) -> ComposeResult:
        """Summary, groups, the reason for the row under the cursor."""
        yield self._head
        yield self._none
        yield self._rows
        yield self._why

    def on_mount(self) -> None:
        """Read the plan."""
        self._none.display = False
        self.host.work(lambda: self._read(), "plan", exclusive=True, node=self)

    async def _read(self) -> None:
        def load(practice: OpenPractice) -> tuple[Plan, list[ChangeView], Consequences, list[str]]:
            plan, records = plans.load(practice, self._plan_id)
            found, snapshot = consequences(practice, plan, records), practice.snapshot()
            aside = set_aside_lines(plans.set_aside_of(snapshot, plan), shown=2)
            return plan, list(change_views(snapshot, records)), found, aside

        first = self._plan is None
        plan, changes, found, aside = await self.host.worker.ask(load)
        self._plan = plan
        kept = self._rows.row
        self._tree.take(changes)
        if first and len(self._tree.groups) == 1:
            self._tree.all(True)
        self._rows.display = bool(changes)
        self._none.display = not changes
        self._none.update(lines(self._nothing(plan, aside)))
        self._rows.reload(self._tree.place(kept) if kept else 0)
        if first:
            self._rows.focus()
        told = [line for text in aside for line in wrap([span(text, "warn")], self.size.width)]
        self._head.say(lines([*summary(plan, changes, found), *(told if changes else [])]))
        self._why.say(lines(self._rows.whole(self.size.width)))
        self.refresh_bindings()

    def _nothing(self, plan: Plan, aside: list[str]) -> list[Line]:
        mark = ours("≠ ", "warn") if plan.left_different else ours("✓ ", "good")
        found: list[Line] = [[mark, ours(nothing_planned(plan))]]
        for rule, number in sorted(plan.differences.items(), key=lambda each: -each[1])[:REASONS]:
            found.append(
                [ours(f"  {number:>6,}  "), ours(differences.reason_label(rule, plan.direction), "muted")]
            )
        if len(plan.differences) > REASONS:
            found.append([ours(f"          and {len(plan.differences) - REASONS} more reasons", "muted")])
        if plan.left_different:
            found.append([ours("  W", "accent"), ours(" lists them with their reasons.")])
        if aside:
            found.append([ours("! ", "warn"), ours("Some of XPM's data cannot be read:")])
            found += [[span(text.strip())] for text in aside]
        if plan.people:
            found.append([ours("! ", "warn"), ours(f"{formatting.count(len(plan.people), 'client')} "
                          "for your decision: r reviews.")])  # fmt: skip
        return found

    @on(Rows.Moved)
    def _moved(self, event: Rows.Moved) -> None:
        event.stop()
        self._why.say(lines(self._rows.whole(self.size.width)))

    @on(PlanTree.Ticked)
    def _ticked(self, event: PlanTree.Ticked) -> None:
        event.stop()
        self.host.work(lambda: self._tick(event.selector, event.on), "tick", node=self)

    async def _tick(self, selector: plans.Selector, on_: bool) -> None:
        act = "plan.tick" if on_ else "plan.untick"
        await self.host.run_named(act, {"plan": self._plan_id, "what": (selector.typed(),)})
        await self._read()

    @property
    def _count(self) -> int:
        return sum(change.ticked for change in self._tree.changes)

    def why_not(self, action: str) -> str:
        """Apply only what can be applied."""
        plan = self._plan
        if action not in ("apply", "tick", "people", "differences", "turn", "export"):
            return ""
        if plan is None:
            return "The plan is being read."
        if action == "apply" and plan.state != "draft":
            return "This plan was applied already: make a new one."
        if action == "apply" and not self._count:
            return "Nothing is ticked: there is nothing to apply."
        if action in ("tick", "turn") and not self._tree.changes:
            return "The plan has no change."
        if action == "differences" and not plan.left_different:
            return "No other field differs."
        if action == "people" and not plan.people:
            return "No client needs your decision."
        return ""

    def action_tick(self) -> None:
        """The row under the cursor."""
        self._rows.action_tick()

    def action_turn(self) -> None:
        """By rule and field, or by client."""
        self._tree.turn("client" if self._tree.by == "rule" else "rule")
        self._rows.reload(0)
        self.host.toast("Grouped by client." if self._tree.by == "client" else "Grouped by rule and field.")

    def action_people(self) -> None:
        """The clients that no rule can decide."""
        self.app.push_screen(review.Review())

    def action_differences(self) -> None:
        """What differs and is not in the plan."""
        self.app.push_screen(differences.Differences(self._plan_id))

    def action_export(self) -> None:
        """The plan as CSV, in a private file."""
        self.host.work(lambda: self._export(), "export", node=self)

    async def _export(self) -> None:
        result = await self.host.run_named("plan.export", {"plan": self._plan_id})
        path = self.host.save_text(f"plan-{self._plan_id}.csv", result.raw)
        self.host.toast(f"The plan is in {path}")

    def action_apply(self) -> None:
        """The command asks once, with the numbers; then a run of its own does it."""
        self.host.work(lambda: self._apply(), "apply", exclusive=True, node=self)

    async def _apply(self) -> None:
        if self.refused("sync") or not await self._as_shown():
            return
        preset, title = {"plan": self._plan_id}, f"Plan {self._plan_id}"
        try:
            _, run = await self.host.start_command("sync", preset, title=title)
        except StoreChanged:
            await self._read()
            self.host.toast(CHANGED, "warning")
            return
        if run:
            self.dismiss(run)

    async def _as_shown(self) -> bool:
        """Whether the plan is still what stands here; another console may have ticked or applied it."""
        shown = self._ticks
        await self._read()
        if self._ticks == shown and not self.why_not("apply"):
            return True
        self.host.toast(CHANGED, "warning")
        return False

    @property
    def _ticks(self) -> list[tuple[str, bool]]:
        return [(change.selector, change.ticked) for change in self._tree.changes]

    def help_page(self) -> HelpPage:
        """F1."""
        return HelpPage(
            "Plan review",
            "Everything that a sync would do. Changes are grouped by rule and field with their "
            "counts; enter or the right arrow opens a group. Changes without a tick are left out. "
            "Clearings and held conflicts wait until you tick them. The reason for the selected "
            "change is shown below.",
            [
                ("a", "apply what is ticked"),
                ("space", "tick or untick a change, or a whole group"),
                ("enter, right, left", "open and close a group"),
                ("+ and -", "open and close all groups"),
                ("v", "group by client, or by rule and field"),
                ("r", "review the clients that need a person"),
                ("W", "list the differences that stay as they are, with the reasons"),
                ("w", "save the plan as CSV"),
                ("esc", "back; the plan is kept"),
            ],
        )


def summary(plan: Plan, changes: list[ChangeView], found: Consequences) -> list[Line]:
    """The plan in two lines."""
    ticked = [change for change in changes if change.ticked]
    records = len({client_of(change.record) for change in ticked})
    side = "into Ignition" if plan.direction == "from_xpm" else "into XPM"
    first: list[Line] = [
        [
            ours(" Plan ", "head"), span(plan.id, "head"), ours("  "),
            ours(formatting.count(len(ticked), "change"), "strong"),
            ours(f" in {formatting.count(records, 'client')}, {side}"),
            *([ours("  first run", "accent")] if plan.first else []),
            *([span(f"  undoes run {plan.undo_of}", "accent")] if plan.undo_of else []),
            *([ours(f"  {plan.state}", "warn")] if plan.state != "draft" else []),
        ]
    ]  # fmt: skip
    facts = [f"{labels.DIRECTIONS[plan.direction].text} · {labels.LEVELS[plan.level].text}"]
    waiting = len(changes) - len(ticked)
    if waiting:
        facts.append(f"{waiting:,} wait for a tick")
    if plan.left_different:
        facts.append(f"{plan.left_different:,} differ (W)")
    if plan.people:
        facts.append(f"{formatting.count(len(plan.people), 'client')} for your decision")
    facts.append(cost(found))
    first.append([ours(" " + " · ".join(facts), "muted")])
    return first
