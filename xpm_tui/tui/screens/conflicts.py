"""The Conflicts screen: fields that both sides changed, which value wins, and why.

The Differences screen: fields that differ and that a plan leaves as they are, each with the reason.
"""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType

from xpm_tui.application.clients.field_policy import list_conflicts
from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.presenters.lookup import DifferenceView, plan_differences, shown_ids
from xpm_tui.application.presenters.views import ConflictView
from xpm_tui.application.runs import plans
from xpm_tui.commands.consequences import remaining_count
from xpm_tui.commands.plans import TickPlan
from xpm_tui.commands.registry import by_name
from xpm_tui.domain import formatting, labels
from xpm_tui.domain.fields import label as field_label
from xpm_tui.domain.links import Value
from xpm_tui.domain.plan import Direction, Plan
from xpm_tui.domain.reason_labels import DIFFERENCES
from xpm_tui.domain.safe_text import visible
from xpm_tui.tui.dialogs.help import HelpPage
from xpm_tui.tui.screens.base import RecordListScreen
from xpm_tui.tui.theme import stylesheet_path
from xpm_tui.tui.widgets import cells
from xpm_tui.tui.widgets.cells import Line, Span, fixed, named, span, wrap
from xpm_tui.tui.widgets.table import Cell, Table, TableColumn

ACTIONS = ("open", "hold", "freeze", "undo", "plan")
"""The actions on the selected conflict."""


class Conflicts(RecordListScreen[None, ConflictView]):
    """A table of conflicts, with both values of the selected one."""

    AREA = "clients"
    CSS_PATH: ClassVar = stylesheet_path("conflicts")
    GROUP: ClassVar = "conflicts"
    TITLE = "Conflicts"
    PANEL = "Fields that both sides changed"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Client", tooltip="Go to the client"),
        Binding("space", "hold", "Hold or release", tooltip="Hold the change back, or release it"),
        Binding("f", "freeze", "Freeze"),
        Binding("u", "undo", "Undo"),
        Binding("v", "plan", "Plan", tooltip="View its plan"),
    ]
    HELP_PAGE: ClassVar = HelpPage(
        "Conflicts",
        "A conflict is a field that was changed both in Ignition and in XPM since the last "
        "sync. The direction decides which value wins; the other value is kept, and undo "
        "restores it. Held conflicts wait until you release them. “When both sides changed” in "
        "Settings holds all conflicts from the start.",
        [
            ("space", "hold a planned one so that no sync writes it, or release it"),
            ("f", "freeze the field of this client: both values stay as they are"),
            ("u", "undo an overwritten one: the plan is shown first, and the field is frozen"),
            ("v", "look at its plan, or at the run that decided it"),
            ("enter", "go to the client"),
            ("esc", "go back; viewing changes nothing"),
        ],
    )

    def __init__(self) -> None:
        table: Table[ConflictView] = Table(
            (
                TableColumn("Client", 20, grow=2),
                TableColumn("Field", 16, grow=1),
                TableColumn("State", 14),
                TableColumn("Wins", 8),
                TableColumn("When", 12),
            ),
            self._cells,
            lambda view: f"{view.plan}{view.run}/{view.record}/{view.field}",
            empty="There are no conflicts: no field was changed on both sides since the last sync. "
            "esc goes back.",
        )
        super().__init__(table, "conflicts")
        self._ids: dict[str, str] = {}
        """The ids that users know, by record."""

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        """Read again whenever the screen is shown: a plan, undo or run may have changed the conflicts."""
        self.reload()

    async def load(self) -> None:
        """Read all conflicts."""

        def read(practice: OpenPractice) -> tuple[list[ConflictView], dict[str, str]]:
            views = list_conflicts(practice)
            return views, shown_ids(practice.snapshot(), (view.record for view in views))

        found, self._ids = await self.host.worker.ask(read)
        self._head.show_subject(state_counts(found))
        self.show_items(found)

    def _cells(self, view: ConflictView) -> list[Cell]:
        return [
            partial(named, visible(view.name), visible(self._ids[view.record]), look="strong"),
            [fixed(field_label(view.field)), *([fixed(" ❄", "accent")] if view.frozen else [])],
            [cells.CONFLICT_STATES.draw(view.state)],
            [fixed(labels.SIDES[view.wins].text)],
            [fixed(formatting.when_short(view.at), "muted")],
        ]

    def details_of(self, view: ConflictView) -> list[Line]:
        """Return both values, the last synced value, and which side wins."""
        return conflict_lines(view, self.size.width - 4)

    @property
    def _view(self) -> ConflictView | None:
        return self._table.item

    def why_not(self, action: str) -> str:
        """Return why an action is unavailable: planned conflicts can be held, and decided ones undone."""
        view = self._view
        if action in ("leave", ""):
            return ""
        if view is None:
            return "There is no conflict here." if action in ACTIONS else ""
        if action == "hold" and not view.plan:
            return f"Run {view.run} has already decided it: u undoes that."
        if action == "undo" and view.plan:
            return "It is only planned: space holds it back, f keeps both values as they are."
        if action == "undo" and view.state == "undone":
            return "It is already undone."
        if action == "freeze" and view.frozen:
            return "The field is already frozen: no sync changes it."
        return ""

    def action_open(self) -> None:
        """Go to the client."""
        view = self._view
        if view is not None:
            self.dismiss(None)
            self.host.show_client(view.client)

    def action_hold(self) -> None:
        """Hold the conflict by unticking it in its plan, or release it by ticking it again."""
        view = self._view
        if view is not None and view.plan and not self.is_refused("plan.tick"):
            self.host.work(lambda: self._hold(view), "hold", exclusive=True, node=self)

    async def _hold(self, view: ConflictView) -> None:
        command = by_name("plan.tick" if view.state == "held" else "plan.untick")
        what = (f"{view.record}:{view.field}",)
        await self.host.run_command(command, TickPlan(plan=view.plan or "", what=what))
        await self.load()

    def action_freeze(self) -> None:
        """Freeze the field, so that both sides keep their values."""
        view = self._view
        if view is not None:
            preset = {"client": view.client, "field": (view.key,), "reason": "conflict: both values stay"}
            self.perform("clients.freeze", preset, after=self.reload, record=view.client, linked=True)

    def action_undo(self) -> None:
        """Restore the value that was overwritten; the undo is shown as a plan first."""
        view = self._view
        if view is not None and view.run and not self.is_refused("undo"):
            self.host.undo(run=view.run, client=view.client, field=view.field)

    def action_plan(self) -> None:
        """Show the plan of the conflict, or the run that decided it."""
        view = self._view
        if view is not None and view.plan:
            self.host.show_plan(view.plan)
        elif view is not None and view.run:
            self.host.show_run(view.run)


def state_counts(found: list[ConflictView]) -> Line:
    """Return the number of conflicts in each state."""
    pieces: list[Span] = []
    for state in labels.CONFLICT_STATES:
        number = sum(view.state == state for view in found)
        if number:
            pieces += [fixed(f"{'   ' if pieces else ''}{number:,} "), cells.CONFLICT_STATES.draw(state)]
    return pieces


def conflict_lines(view: ConflictView, columns: int) -> list[Line]:
    """Return a title, both values, the last synced value, the reason and what to do."""

    def side(name: str, value: Value, wins: bool) -> list[Line]:
        mark = fixed("  ◀ wins" if view.plan else "  ◀ won", "good") if wins else fixed("")
        line = [fixed(f" {name:<13}", "muted"), Span(formatting.value(value), "strong"), mark]
        return wrap(line, max(34, columns - 2))

    where = f"plan {view.plan}, made" if view.plan else f"run {view.run},"
    frozen = "  ❄ frozen: no sync changes it" if view.frozen else ""
    return [
        [fixed(field_label(view.field)), span(f" of {view.name}"), fixed("   "),
         cells.CONFLICT_STATES.draw(view.state),
         fixed(frozen, "accent")],
        *side("Ignition", view.ignition, view.wins == "ignition"),
        *side("XPM", view.xpm, view.wins == "xpm"),
        *side("last synced", view.agreed, False),
        *wrap([fixed(f" {'why':<13}", "muted"), span(view.why)], max(34, columns - 2)),
        [fixed(f" {'when':<13}", "muted"), fixed(f"{where} {formatting.when_short(view.at)}"),
         span(f" by {view.by}")],
        [fixed(f" {'what to do':<13}", "muted"), *_key_hints(view)],
    ]  # fmt: skip


def _key_hints(view: ConflictView) -> list[Span]:
    """Return the keys that apply in the state of a conflict, with what they do."""
    choices: dict[str, tuple[tuple[str, str], ...]] = {
        "planned": (("space", "holds it"), ("f", "keeps both"), ("esc", "leaves it planned")),
        "held": (("space", "releases it"), ("f", "keeps both"), ("esc", "leaves it held")),
        "overwritten": (("u", "restores the old value"), ("esc", "leaves it as it is")),
        "undone": (("", "Undone. The field is frozen until you unfreeze it in Clients."),),
    }
    pieces: list[Span] = []
    for key, effect in choices[view.state]:
        pieces += [fixed(f"{key} ", "accent") if key else fixed(""), fixed(f"{effect}   ")]
    return pieces


MOST = 2_000
"""The most differences that are listed; the command line lists them all."""


class Differences(RecordListScreen[None, DifferenceView]):
    """A table of differences, with the reason for the selected one."""

    AREA = "sync"
    CSS_PATH: ClassVar = stylesheet_path("differences")
    GROUP: ClassVar = "differences"
    TITLE = "Differences"
    PANEL = "Left as they are"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Client", tooltip="Go to the client"),
    ]
    HELP_PAGE: ClassVar = HelpPage(
        "What differs",
        "The fields that differ between Ignition and XPM and that the plan leaves as they are: the "
        "master has no value, the field is not synced in this direction, it is frozen or switched off, "
        "or a person is not linked. The reason for the selected one is shown below the table.",
        [
            ("enter", "go to the client"),
            ("esc", "go back; viewing changes nothing"),
        ],
    )

    def __init__(self, plan_id: str) -> None:
        table: Table[DifferenceView] = Table(
            (
                TableColumn("Client", 21, grow=2),
                TableColumn("Field", 12, grow=1),
                TableColumn("Ignition", 9, grow=2),
                TableColumn("XPM", 9, grow=2),
                TableColumn("Why", 16, grow=1),
            ),
            self._cells,
            lambda view: f"{view.record}/{view.field}",
            empty="All differences are in the plan. esc goes back.",
        )
        super().__init__(table, "differences")
        self._ids: dict[str, str] = {}
        """The ids that users know, by record."""
        self._plan_id = plan_id
        self._direction: Direction = "from_xpm"

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        """Read again whenever the screen is shown."""
        self.reload()

    async def load(self) -> None:
        """Read the first differences of the plan, and how many there are."""

        def read(practice: OpenPractice) -> tuple[Plan, list[DifferenceView], dict[str, str]]:
            plan, _ = plans.load(practice, self._plan_id)
            views = list(islice(plan_differences(practice, plan), MOST))
            return plan, views, shown_ids(practice.snapshot(), (view.record for view in views))

        plan, found, self._ids = await self.host.worker.ask(read)
        self._direction = plan.direction
        number = max(plan.left_different, len(found))
        more = f" The first {len(found):,} are shown; plan --json lists them all."
        below = [[fixed(more, "muted")]] if number > len(found) else []
        self._head.show_subject([fixed(remaining_count(number))], *below)
        self.show_items(found)

    def _cells(self, view: DifferenceView) -> list[Cell]:
        return [
            partial(named, visible(view.name), visible(self._ids[view.record]), look="strong"),
            [fixed(view.label)],
            [Span(formatting.value(view.ignition_shown))],
            [Span(formatting.value(view.xpm_shown))],
            [fixed(reason_label(view.rule, self._direction), "muted")],
        ]

    def details_of(self, view: DifferenceView) -> list[Line]:
        """Return both values in full, the reason, and what to do."""
        reason = f"{view.reason} {view.hint}".strip()
        return [
            [fixed(view.label), span(f" of {view.name}"), span(f"  {self._ids[view.record]}", "muted")],
            [fixed(" Ignition  ", "muted"), Span(formatting.value(view.ignition_shown), "strong")],
            [fixed(" XPM       ", "muted"), Span(formatting.value(view.xpm_shown), "strong")],
            *wrap([fixed(" why       ", "muted"), span(reason)], max(34, self.size.width - 5)),
        ]

    def why_not(self, action: str) -> str:
        """Return why there is no client to go to; empty if one is selected."""
        return "Nothing is listed here." if action == "open" and self._table.item is None else ""

    def action_open(self) -> None:
        """Go to the client."""
        view = self._table.item
        if view is not None:
            self.dismiss(None)
            self.host.show_client(view.record.partition("/")[0])


def reason_label(rule: str, direction: Direction) -> str:
    """Return the label of the rule that leaves a field as it is, with the sides named for a direction."""
    side = "ignition" if direction == "from_xpm" else "xpm"
    return labels.of_sides(labels.label(DIFFERENCES, rule).text, side)
