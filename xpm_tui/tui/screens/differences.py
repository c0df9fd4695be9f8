"""Differences: the fields that differ and that a plan leaves as they are, each with its reason."""

from __future__ import annotations

from itertools import islice
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType

from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.presenters.differences import DifferenceView, plan_differences
from xpm_tui.application.runs import plans
from xpm_tui.commands.differences import remaining_count
from xpm_tui.domain import formatting, labels
from xpm_tui.domain.difference_labels import DIFFERENCES
from xpm_tui.domain.plan import Direction, Plan
from xpm_tui.tui.dialogs.help import HelpPage
from xpm_tui.tui.screens.base import RecordListScreen
from xpm_tui.tui.theme import style
from xpm_tui.tui.widgets.cells import Line, Span, lines, ours, span, wrap
from xpm_tui.tui.widgets.table import Table, TableColumn

MOST = 2_000
"""Differences that the table shows; the command line lists them all."""


class Differences(RecordListScreen[None, DifferenceView]):
    """The table over both values and the reason of the one under the cursor."""

    AREA = "sync"
    CSS_PATH: ClassVar = style("differences")
    GROUP: ClassVar = "differences"
    PANEL = "Left as they are"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "client", "Client", tooltip="Go to the client"),
    ]

    def __init__(self, plan_id: str) -> None:
        table: Table[DifferenceView] = Table(
            (
                TableColumn("Client", 16, grow=2),
                TableColumn("Field", 12, grow=1),
                TableColumn("Ignition", 11, grow=2),
                TableColumn("XPM", 11, grow=2),
                TableColumn("Why", 17, grow=1),
            ),
            self._cells,
            lambda view: f"{view.record}/{view.field}",
            empty="All differences are in the plan. esc goes back.",
        )
        super().__init__(table, "differences")
        self._plan_id = plan_id
        self._direction: Direction = "from_xpm"

    def on_screen_resume(self) -> None:
        """Read again whenever it comes up."""
        self.again()

    async def look(self) -> None:
        """Read them, up to the number that is shown."""

        def read(practice: OpenPractice) -> tuple[Plan, list[DifferenceView]]:
            plan, _ = plans.load(practice, self._plan_id)
            return plan, list(islice(plan_differences(practice, plan), MOST))

        plan, found = await self.host.worker.ask(read)
        self._direction = plan.direction
        number = max(plan.left_different, len(found))
        head: list[Line] = [[ours(f" {remaining_count(number)}", "head")]]
        if number > len(found):
            head.append([ours(f" The first {len(found):,} are shown; plan --json lists them all.", "muted")])
        self._head.say(lines(head))
        self.put(found)

    def _cells(self, view: DifferenceView) -> list[Line]:
        contact = view.record.partition("/")[2]
        return [
            [span(view.name, "strong"), span(f" {view.record.partition('/')[0]}", "muted")],
            [ours(view.label), *([span(f" {contact[:8]}", "muted")] if contact else [])],
            [Span(formatting.value(view.ignition_shown))],
            [Span(formatting.value(view.xpm_shown))],
            [ours(reason_label(view.rule, self._direction), "muted")],
        ]

    def telling(self, view: DifferenceView) -> list[Line]:
        """Both values in full, the reason, and what to do."""
        told = f"{view.reason} {view.hint}".strip()
        return [
            [ours(view.label), span(f" of {view.name}"), span(f"  {view.record}", "muted")],
            [ours(" Ignition  ", "muted"), Span(formatting.value(view.ignition_shown), "strong")],
            [ours(" XPM       ", "muted"), Span(formatting.value(view.xpm_shown), "strong")],
            *wrap([ours(" why       ", "muted"), span(told)], max(34, self.size.width - 5)),
        ]

    def why_not(self, action: str) -> str:
        """There is a client to go to."""
        return "Nothing is listed here." if action == "client" and self._table.item is None else ""

    @on(Table.Chosen)
    def _chosen(self, event: Table.Chosen) -> None:
        event.stop()
        self.action_client()

    def action_client(self) -> None:
        """Both sides of the whole client."""
        view = self._table.item
        if view is not None:
            self.dismiss(None)
            self.host.show_client(view.record.partition("/")[0])

    def help_page(self) -> HelpPage:
        """F1."""
        return HelpPage(
            "What differs",
            "The fields that differ between Ignition and XPM and that the plan leaves as they are: the "
            "master has no value, the field is not synced in this direction, it is frozen or switched off, "
            "or a person is not linked. The reason for the selected one is shown below the table.",
            [
                ("enter", "go to the client"),
                ("esc", "back; nothing is changed by looking"),
            ],
        )


def reason_label(rule: str, direction: Direction) -> str:
    """Return the label of a reason in a direction."""
    side = "ignition" if direction == "from_xpm" else "xpm"
    return labels.of_sides(labels.label(DIFFERENCES, rule).text, side)
