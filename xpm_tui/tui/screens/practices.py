"""The Practices screen: the practices of this user account; switch to one or add one."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from xpm_tui.application.status.practices import PracticeView, practices
from xpm_tui.domain import formatting
from xpm_tui.tui.dialogs.help import HelpPage
from xpm_tui.tui.screens.base import DetailScreen
from xpm_tui.tui.theme import stylesheet_path
from xpm_tui.tui.widgets.cells import Line, fixed, lines, span
from xpm_tui.tui.widgets.table import Table, TableColumn
from xpm_tui.tui.widgets.text import TextLabel


class Practices(DetailScreen[None]):
    """The practices, one row each; enter opens the console for another one."""

    AREA = "overview"
    CSS_PATH: ClassVar = stylesheet_path("practices")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "switch", "Switch"),
        Binding("n", "new", "New practice"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._head = TextLabel(classes="practices-head")
        self._table: Table[PracticeView] = Table(
            (
                TableColumn("Practice", 20, grow=2),
                TableColumn("Folder", 12, grow=1),
                TableColumn("XPM", 15),
                TableColumn("Last sync", 11),
                TableColumn("Now", 10),
            ),
            self._cells,
            lambda view: view.name,
        )
        self._table.add_class("panel", "-table")
        self._table.border_title = "Practices"

    def body(self) -> ComposeResult:
        """Compose the explanation and the table."""
        yield self._head
        yield self._table

    def on_mount(self) -> None:
        """Read the status of each practice."""
        self._head.say(lines([[fixed(" Reading each practice …", "muted")]]))
        self.host.work(lambda: self._read(), "practices", exclusive=True, node=self)

    async def _read(self) -> None:
        found = await self.host.worker.ask(practices)
        here = next((view.name for view in found if view.open), "")
        total = f" {formatting.count(len(found), 'practice')}, each with its own data. "
        self._head.say(
            lines([[fixed(total, "muted"), fixed("enter", "accent"),
                   fixed(" opens another, ", "muted"), fixed("n", "accent"), fixed(" adds one.", "muted")]])
        )  # fmt: skip
        self._table.show(found, here)
        self._table.rows.focus()

    def _cells(self, view: PracticeView) -> list[Line]:
        now = self.host.worker.practice.clock.now()
        state = [fixed("● connected", "good")] if view.connected else [fixed("○ not connected", "warn")]
        if view.sandbox:
            state = [fixed("● SANDBOX" if view.connected else "○ SANDBOX", "accent")]
        if view.problem:
            state = [span(f"✗ {view.problem}", "bad")]
        activity = f"▶ {view.running}" if view.running else "■ held" if view.held else ""
        activity = " ".join(filter(None, ("▸ open" if view.open else "", activity)))
        return [
            [span(view.title or view.name, "strong")],
            [span(view.name, "muted")],
            state,
            [fixed(formatting.ago(view.last_good, now, never="no sync yet"), "muted")],
            [fixed(activity, "accent" if view.running else "warn")],
        ]

    @on(Table.Chosen)
    def _chosen(self, event: Table.Chosen) -> None:
        event.stop()
        self.action_switch()

    def action_switch(self) -> None:
        """Start the console again with the selected practice; a run of this one continues."""
        view = self._table.item
        if view is None:
            return
        if view.open:
            self.host.toast(f"{view.title or view.name} is already open: select another one.")
        else:
            self.do("practices.switch", {"name": view.name})

    def action_new(self) -> None:
        """Create a practice and open the console for it, where the wizard connects it."""
        self.do("practices.add", {"switch": True}, ask=True)

    def help_page(self) -> HelpPage:
        """Return the help page."""
        return HelpPage(
            "Practices",
            "Each XPM practice has its own connection, data and settings in its own folder. "
            "Switching opens the console for another practice; a run in progress here continues.",
            [
                ("enter", "open the console for the selected practice"),
                ("n", "add a practice: the console opens it, and the wizard connects it"),
                ("esc", "stay with this one"),
            ],
        )
