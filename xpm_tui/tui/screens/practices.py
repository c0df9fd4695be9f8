"""The Practices screen: the practices of this user account; switch to one or add one."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from xpm_tui.application.status.practices import PracticeView, practices
from xpm_tui.commands.practices import calls_left, running
from xpm_tui.domain import formatting
from xpm_tui.tui.dialogs.help import HelpPage
from xpm_tui.tui.screens.base import RecordListScreen
from xpm_tui.tui.theme import stylesheet_path
from xpm_tui.tui.widgets.cells import Line, fixed, span, wrap
from xpm_tui.tui.widgets.table import Table, TableColumn


class Practices(RecordListScreen[None, PracticeView]):
    """A table of the practices; enter opens the console for another one."""

    AREA = "overview"
    CSS_PATH: ClassVar = stylesheet_path("practices")
    GROUP: ClassVar = "practices"
    TITLE = "Practices"
    PANEL = "Practices"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Switch"),
        Binding("1", "filter(False)", "All"),
        Binding("2", "filter(True)", "Needs you"),
        Binding("n", "new", "New practice"),
    ]
    HELP_PAGE: ClassVar = HelpPage(
        "Practices",
        "Each XPM practice has its own connection, data and settings in its own folder. "
        "Switching opens the console for another practice; a run in progress here continues.",
        [
            ("enter", "open the console for the selected practice"),
            ("1", "show all practices"),
            ("2", "show only practices in which something needs you"),
            ("n", "add a practice: the console opens it, and the wizard connects it"),
            ("esc", "stay with this one"),
        ],
    )

    def __init__(self) -> None:
        table: Table[PracticeView] = Table(
            (
                TableColumn("Practice", 20, grow=2),
                TableColumn("Folder", 10, grow=1),
                TableColumn("XPM", 15),
                TableColumn("Last sync", 11),
                TableColumn("Now", 12),
            ),
            self._cells,
            lambda view: view.name,
            empty="Nothing needs you in any practice.",
        )
        super().__init__(table, "practices")
        self._all: list[PracticeView] = []
        self._only_needs = False

    def on_mount(self) -> None:
        """Read the status of each practice."""
        self._head.show_subject([fixed("Reading each practice …", "muted")])
        self.reload()

    async def load(self) -> None:
        """Read the status of each practice, and select the one that is open."""
        self._all = await self.host.worker.ask(practices)
        self._show()
        open_one = next((view.name for view in self._all if view.open), "")
        self._table.show(self._shown(), open_one)
        self._show_details(self._table.item)

    def _shown(self) -> list[PracticeView]:
        return [view for view in self._all if view.needs_you or not self._only_needs]

    def _show(self) -> None:
        number = sum(view.needs_you for view in self._all)
        total = formatting.count(len(self._all), "practice")
        needs = (
            f", {number:,} {formatting.plural(number, 'needs/need')} you" if number else ", nothing needs you"
        )
        self._head.show_subject([fixed(total, "muted"), fixed(needs, "warn" if number else "muted")])
        self._table.border_title = "Needs you" if self._only_needs else self.PANEL
        self.show_items(self._shown())

    def _cells(self, view: PracticeView) -> list[Line]:
        now = self.host.worker.practice.clock.now()
        state = [fixed("● connected", "good")] if view.connected else [fixed("○ not connected", "warn")]
        if view.sandbox:
            state = [fixed("● SANDBOX" if view.connected else "○ SANDBOX", "accent")]
        if view.problem:
            state = [span(f"✗ {view.problem}", "bad")]
        need = "■ held" if view.held else "needs you" if view.needs else ""
        activity = f"▶ {view.running}" if view.running else need
        if view.open:
            activity = f"▸ {activity or 'open'}"
        return [
            [span(view.title or view.name, "strong")],
            [span(view.name, "muted")],
            state,
            [fixed(formatting.ago(view.last_good, now, never="no sync yet"), "muted")],
            [fixed(activity, "accent" if view.running else "warn")],
        ]

    def details_of(self, view: PracticeView) -> list[Line]:
        """Return what runs there, the calls left, and what needs a decision and by whom."""
        now = self.host.worker.practice.clock.now()
        columns = max(34, self.size.width - 5)
        facts = {
            "Running": running(view),
            "Login": view.login,
            "Calls left": calls_left(view),
            "XPM data": f"updated {formatting.ago(view.mirror_at, now)}" if view.mirror_at else "",
        }
        known = " · ".join(f"{name}: {value}" for name, value in facts.items() if value)
        rows = wrap([fixed(" "), span(known, "muted")], columns) if known else []
        if view.problem:
            rows += wrap([fixed(" "), span(view.problem, "bad")], columns)
        if view.needs:
            rows.append([fixed(" Waits for ", "warn"), span(view.waits_for or "a user", "strong")])
        for each in view.needs:
            rows += wrap([fixed("   "), span(each)], columns)
        return [[span(view.title or view.name)], *rows]

    def action_filter(self, only_needs: bool) -> None:
        """Show all practices, or only those in which something needs a user."""
        self._only_needs = only_needs
        self._show()

    def action_open(self) -> None:
        """Open the console for the selected practice; a run of the present one continues."""
        view = self._table.item
        if view is None:
            return
        if view.open:
            self.host.toast(f"{view.title or view.name} is already open: select another one.")
        else:
            self.perform("practices.switch", {"name": view.name})

    def action_new(self) -> None:
        """Create a practice and open the console for it, where the wizard connects it."""
        self.perform("practices.add", {"switch": True}, ask=True)
