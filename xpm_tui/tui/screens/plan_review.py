"""The review of a plan: all its changes, in groups, before any of them is applied."""

from __future__ import annotations

from itertools import zip_longest
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical

from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.presenters import lookup
from xpm_tui.application.presenters.presenter import change_views, set_aside_lines
from xpm_tui.application.presenters.views import ChangeView
from xpm_tui.application.runs import plans
from xpm_tui.application.runs.consequences import consequences
from xpm_tui.commands.consequences import NOTHING_TO_COMPARE, Figure, figure_columns, nothing_planned
from xpm_tui.domain import formatting, labels
from xpm_tui.domain.errors import StoreChanged
from xpm_tui.domain.plan import Consequences, Plan
from xpm_tui.domain.tables import CLIENTS
from xpm_tui.lazy import lazy_imports
from xpm_tui.tui.dialogs.help import HelpPage
from xpm_tui.tui.plan_rows import PlanOutline, client_of
from xpm_tui.tui.screens.base import DetailScreen
from xpm_tui.tui.theme import stylesheet_path
from xpm_tui.tui.widgets.cells import Line, fit, fixed, lines, span, width, words, wrap
from xpm_tui.tui.widgets.frame import ScreenHeading, direction_spans
from xpm_tui.tui.widgets.inputs import TextField
from xpm_tui.tui.widgets.plan_tree import PlanTree
from xpm_tui.tui.widgets.rows import Rows
from xpm_tui.tui.widgets.text import StaticText, TextLabel

with lazy_imports():
    from xpm_tui.tui.screens import conflicts, review


REASONS = 6
"""The most reasons for differences that are listed if a plan has no changes."""

LINES_LOW, LINES_TALL = 3, 5
"""The lines for the selected change in low and in tall windows; a longer value gets more."""
CLIENT_COLUMNS = 34
"""The width of the panel with all changes of a client, in columns."""

_PlanData = tuple[Plan, list[ChangeView], Consequences, list[str], dict[str, str]]
"""The plan, its changes, what applying it does, unreadable records, and the ids that users know."""

CHANGED = "This plan was changed in another window. Review it again."


class PlanReview(DetailScreen[str]):
    """A plan to tick and apply. The result is the id of its run, or None."""

    AREA = "sync"
    CSS_PATH: ClassVar = stylesheet_path("plan_review")
    SAVES = frozenset({"export"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "apply", "Apply"),
        Binding("space", "tick", "Tick"),
        Binding("slash", "find", "Find", tooltip="Show only changes with this text"),
        Binding("v", "turn", "By client", tooltip="Group by field, or by client"),
        Binding("r", "people", "Needs you", tooltip="Review the clients that need your decision"),
        Binding("w", "export", "CSV", tooltip="Save the plan as a CSV file"),
        Binding("W", "differences", "Differs", tooltip="List the differences that stay as they are"),
    ]
    HELP_PAGE: ClassVar = HelpPage(
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
            ("/", "show only changes with this text; esc shows all again"),
            ("v", "group by client, or by rule and field"),
            ("r", "review the clients that need your decision"),
            ("W", "list the differences that stay as they are, with the reasons"),
            ("w", "save the plan as CSV"),
            ("esc", "back; you can apply the plan later"),
        ],
    )

    def __init__(self, plan_id: str) -> None:
        super().__init__()
        self._plan_id = plan_id
        self._plan: Plan | None = None
        self._figures: Consequences | None = None
        self._set_aside: list[str] = []
        self._tree = PlanOutline()
        self._rows = PlanTree(self._tree)
        self._head = ScreenHeading("Review plan", classes="plan-title")
        self._has_clients = True
        self._summary = TextLabel(classes="panel plan-head", fixed=False)
        self._find = TextField(placeholder="client, id, field or value", classes="find")
        self._changes = Vertical(classes="panel -table plan-changes")
        self._why = TextLabel(classes="panel plan-why")
        self._client = TextLabel(classes="panel plan-client")
        self._none = StaticText(classes="empty")

    def body(self) -> ComposeResult:
        """Compose the consequences, the changes and the selected one; wide screens also show its client."""
        yield self._head
        yield self._summary
        with Horizontal(classes="plan-halves"):
            with self._changes:
                yield self._find
                yield self._none
                yield self._rows
            yield self._client
        yield self._why

    def on_mount(self) -> None:
        """Read the plan."""
        self._none.display = self._find.display = False
        self._summary.border_title = "What applying does"
        self._changes.border_title = "Changes"
        self._client.border_title = "This client"
        self.host.work(lambda: self._read(), "plan", exclusive=True, node=self)

    async def _read(self) -> None:
        def load(practice: OpenPractice) -> _PlanData:
            plan, records = plans.load(practice, self._plan_id)
            figures, snapshot = consequences(practice, plan, records), practice.snapshot()
            set_aside = set_aside_lines(plans.set_aside_of(snapshot, plan), shown=2)
            changes = list(change_views(snapshot, records))
            named = {change.record for change in changes}
            ids = lookup.shown_ids(snapshot, named | set(map(client_of, named)))
            self._has_clients = snapshot.count(CLIENTS) > 0
            return plan, changes, figures, set_aside, ids

        is_first = self._plan is None
        plan, changes, figures, set_aside, self._tree.ids = await self.host.worker.ask(load)
        self._plan = plan
        selected = self._rows.row
        self._tree.set_changes(changes)
        if is_first and len(self._tree.groups) == 1:
            self._tree.expand_all(True)
        self._set_aside = set_aside
        self._show_rows()
        self._rows.reload(self._tree.position(selected) if selected else 0)
        if is_first:
            self._rows.focus()
        self._figures = figures
        self._draw()
        self.refresh_bindings()

    def on_resize(self) -> None:
        """Fit columns and lines to the size."""
        self._draw()

    def _draw(self) -> None:
        plan, figures, columns = self._plan, self._figures, self.size.width
        if plan is None or figures is None:
            return
        self._head.show_subject(subject(plan))
        # A plan without changes lists them in place of the changes.
        set_aside = self._set_aside if self._tree.changes else ()
        rows = [line for text in set_aside for line in wrap([span(text, "warn")], columns - 4)]
        self._summary.say(lines([*summary(plan, figures, columns - 4), *rows]))
        self._show_selected()

    def _show_selected(self) -> None:
        """Show the selected row in full; its panel grows only for a value that needs more lines."""
        columns = self.size.width - 4
        rows = self._rows.whole(columns)
        low = LINES_TALL if self.has_class("-tall") else LINES_LOW
        height = max(low, min(len(rows), self.size.height // 2))
        self._why.styles.height = height + 2
        self._why.border_title = words(self._rows.title(columns - 2))
        self._why.say(lines(rows))
        if self._client.display:
            self._client.say(lines(self._rows.of_client(CLIENT_COLUMNS)))
        shown, total = len(self._tree.matching), len(self._tree.changes)
        ticked = formatting.count(self._ticked_count, "change") + " ticked"
        self._changes.border_subtitle = f"{shown:,} of {total:,} found" if self._tree.filter_text else ticked

    def _show_rows(self) -> None:
        """Show the changes or, if there are none or none is found, a sentence instead."""
        has_rows = bool(self._tree.rows)
        self._rows.display = self._why.display = has_rows
        self._none.display = not has_rows
        if self._tree.changes and not has_rows:
            text = f"No change contains “{self._tree.filter_text}”. esc shows all changes again."
            self._none.update(lines([[span(text, "muted")]]))
        elif self._plan is not None:
            self._none.update(lines(self._empty_lines(self._plan, self._set_aside)))

    def _empty_lines(self, plan: Plan, set_aside: list[str]) -> list[Line]:
        """Return why a plan has no changes: the differences that stay, by reason, and what cannot be read."""
        if not self._has_clients:
            where = fixed(
                "  Clients (g c) imports Ignition's file with I, and brings them in from XPM with p."
            )
            return [[fixed("○ ", "warn"), fixed(NOTHING_TO_COMPARE)], [where]]
        mark = fixed("≠ ", "warn") if plan.left_different else fixed("✓ ", "good")
        found: list[Line] = [[mark, fixed(nothing_planned(plan))]]
        for rule, number in sorted(plan.differences.items(), key=lambda each: -each[1])[:REASONS]:
            found.append(
                [fixed(f"  {number:>6,}  "), fixed(conflicts.reason_label(rule, plan.direction), "muted")]
            )
        if len(plan.differences) > REASONS:
            more = formatting.count(len(plan.differences) - REASONS, "more reason")
            found.append([fixed(f"          and {more}", "muted")])
        if plan.left_different:
            found.append([fixed("  W", "accent"), fixed(" lists them with their reasons.")])
        if set_aside:
            found.append([fixed("! ", "warn"), fixed("Some of XPM's data cannot be read:")])
            found += [[span(text.strip())] for text in set_aside]
        if plan.people:
            found.append([fixed("! ", "warn"), fixed(f"{formatting.count(len(plan.people), 'client')} "
                          "for your decision: r reviews.")])  # fmt: skip
        return found

    @on(Rows.Moved)
    def _moved(self, event: Rows.Moved) -> None:
        event.stop()
        if self._plan is not None:
            self._show_selected()

    @on(PlanTree.Ticked)
    def _ticked(self, event: PlanTree.Ticked) -> None:
        event.stop()
        self.host.work(lambda: self._tick(event.selectors, event.on), "tick", node=self)

    async def _tick(self, selectors: tuple[plans.Selector, ...], on_: bool) -> None:
        command = "plan.tick" if on_ else "plan.untick"
        await self.host.run_named(
            command, {"plan": self._plan_id, "what": tuple(each.typed() for each in selectors)}
        )
        await self._read()

    @property
    def _ticked_count(self) -> int:
        return sum(change.ticked for change in self._tree.changes)

    def why_not(self, action: str) -> str:
        """Return why an action is unavailable, such as applying a plan without ticks."""
        plan = self._plan
        if action not in ("apply", "tick", "people", "differences", "turn", "export", "find"):
            return ""
        if plan is None:
            return "The plan is being read."
        if action == "apply" and plan.state != "draft":
            return f"{labels.PLAN_STATES[plan.state].help} Make a new one."
        if action == "apply" and not self._ticked_count:
            return "Nothing is ticked: there is nothing to apply."
        if action in ("tick", "turn", "find") and not self._tree.changes:
            return "The plan has no changes."
        if action == "differences" and not plan.left_different:
            return "No other field differs."
        if action == "people" and not plan.people:
            return "No client needs your decision."
        return ""

    def action_tick(self) -> None:
        """Tick or untick the selected row."""
        self._rows.action_tick()

    def action_turn(self) -> None:
        """Group the changes by rule and field, or by client."""
        self._tree.group_by("client" if self._tree.by == "rule" else "rule")
        self._rows.reload(0)
        self.host.toast("Grouped by client." if self._tree.by == "client" else "Grouped by rule and field.")

    def action_find(self) -> None:
        """Start to search for a client, an id, a field or a value."""
        self._find.display = True
        self._find.focus()

    @on(TextField.Changed)
    def _typed(self, event: TextField.Changed) -> None:
        event.stop()
        self._tree.filter(event.value)
        self._show_rows()
        self._rows.reload(0)

    @on(TextField.Submitted)
    def _search_submitted(self, event: TextField.Submitted) -> None:
        event.stop()
        self._rows.focus()

    def action_leave(self) -> None:
        """End the search; without one, close the screen."""
        if not self._find.display:
            self.dismiss(None)
            return
        selected = self._rows.row
        self._find.display = False
        with self.prevent(TextField.Changed):
            self._find.value = ""
        self._tree.filter("")
        self._show_rows()
        self._rows.reload(self._tree.position(selected) if selected else 0)
        self._rows.focus()

    def action_people(self) -> None:
        """Open the review of the clients that need a decision."""
        self.app.push_screen(review.Review())

    def action_differences(self) -> None:
        """Show the differences that the plan leaves as they are."""
        self.app.push_screen(conflicts.Differences(self._plan_id))

    def action_export(self) -> None:
        """Save the plan as CSV in a private file."""
        self.host.work(lambda: self._export(), "export", node=self)

    async def _export(self) -> None:
        result = await self.host.run_named("plan.export", {"plan": self._plan_id})
        path = self.host.save_text(f"plan-{self._plan_id}.csv", result.raw)
        self.host.toast(f"The plan is in {path}")

    def action_apply(self) -> None:
        """Apply the plan: the command asks once, with its numbers, and starts a run."""
        self.host.work(lambda: self._apply(), "apply", exclusive=True, node=self)

    async def _apply(self) -> None:
        if self.is_refused("sync") or not await self._is_as_shown():
            return
        preset, title = {"plan": self._plan_id}, f"Plan {self._plan_id}"
        try:
            _, run_id = await self.host.start_command("sync", preset, title=title)
        except StoreChanged:
            await self._read()
            self.host.toast(CHANGED, "warning")
            return
        if run_id:
            self.dismiss(run_id)

    async def _is_as_shown(self) -> bool:
        """Return whether the plan is still as shown; another console may have ticked or applied it."""
        shown = self._ticks
        await self._read()
        if self._ticks == shown and not self.why_not("apply"):
            return True
        self.host.toast(CHANGED, "warning")
        return False

    @property
    def _ticks(self) -> list[tuple[str, bool]]:
        return [(change.selector, change.ticked) for change in self._tree.changes]


def subject(plan: Plan) -> Line:
    """Return the subject of the title: the plan, its direction, what it syncs, and its state."""
    undone = [span(f"  undoes run {plan.undo_of}", "accent")] if plan.undo_of else []
    # The least important comes last: in a narrow window, the subject is left out from its end.
    return [
        span(plan.id, "strong"),
        *([fixed(f"  {labels.PLAN_STATES[plan.state].inline}", "warn")] if plan.state != "draft" else []),
        fixed("  "), *direction_spans(plan.direction), *undone,
        fixed(f"  {labels.LEVELS[plan.level].text}", "muted"),
        *([fixed("  first sync", "accent")] if plan.first else []),
    ]  # fmt: skip


def summary(plan: Plan, figures: Consequences, columns: int) -> list[Line]:
    """Return what applying does, in two columns: the changes and calls, and what to know before.

    If the columns do not fit side by side, the numbers are shown without their parts; if even these do not
    fit, one below the other.
    """
    first: list[Line] = []
    second: list[Line] = []
    for short in (False, True):
        changes, notes = figure_columns(figures, short=short)
        r, w = ("", "") if short else (" (r)", " (W)")
        parts = [f"{figures.waiting:,} unticked" if figures.waiting else ""]
        parts += [f"{len(plan.people):,} need you{r}" if plan.people else ""]
        parts += [f"{plan.left_different:,} differ{w}" if plan.left_different else ""]
        if rest := ", ".join(filter(None, parts)):
            notes.append(Figure("○", "muted", None, rest))
        first, second = ([_figure_line(each, side) for each in side] for side in (changes, notes))
        half, other_half = max(map(width, first)) + 2, max(map(width, second), default=0)
        if half + other_half <= columns:
            half = max(half, min(columns // 2, columns - other_half))
            return [
                [*fit(list(one), half), *other] for one, other in zip_longest(first, second, fillvalue=())
            ]
    return [row for line in (*first, *second) for row in wrap(line, columns)]


def _figure_line(figure: Figure, column: list[Figure]) -> Line:
    """Return a figure with its number aligned with the others of its column."""
    room = max(len(f"{other.number or 0:,}") for other in column)
    number = [fixed(f"{figure.number:>{room},} ", "strong")] if figure.number is not None else []
    return [fixed(f"{figure.glyph} ", figure.weight), *number, fixed(figure.words)]
