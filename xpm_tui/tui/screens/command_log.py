"""The command log: for each action of this session, the command line that does the same."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from xpm_tui.commands.registry import LoggedCommand
from xpm_tui.domain import formatting
from xpm_tui.tui.dialogs.help import HelpPage
from xpm_tui.tui.screens.base import RecordListScreen
from xpm_tui.tui.theme import stylesheet_path
from xpm_tui.tui.widgets.cells import Line, Look, fixed, span, wrap
from xpm_tui.tui.widgets.table import Table, TableColumn

OUTCOMES: dict[str, tuple[str, Look]] = {
    "done": ("Done", "good"),
    "declined": ("Not done", "muted"),
    "failed": ("Failed", "bad"),
}


class CommandLog(RecordListScreen[None, LoggedCommand]):
    """A table of the actions, newest first, with the full command line of the selected one."""

    CSS_PATH: ClassVar = stylesheet_path("command_log")
    GROUP: ClassVar = "command-log"
    TITLE = "Command log"
    PANEL = "Commands"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy", "Copy", tooltip="Copy the command line"),
    ]
    HELP_PAGE: ClassVar = HelpPage(
        "Command log",
        "Each action of this console with the command that does the same on the command line. Copy one "
        "to repeat it, to put it into a script, or to send it to support. Secrets are left out.",
        [("y", "copy the command line of the selected action"), ("esc", "back")],
    )

    def __init__(self) -> None:
        table: Table[LoggedCommand] = Table(
            (TableColumn("Time", 8), TableColumn("Command", 40, grow=1), TableColumn("Outcome", 8)),
            self._cells,
            lambda logged: f"{logged.at.isoformat()} {logged.line}",
            empty="Nothing was done in this console yet. esc goes back.",
        )
        super().__init__(table, "command-log")

    def on_mount(self) -> None:
        """Read the command log."""
        self.reload()

    async def load(self) -> None:
        """Read the command log."""
        found = list(reversed(self.host.command_log))
        number = formatting.count(len(found), "action")
        self._head.show_subject([fixed(f"{number} in this console", "muted")])
        self.show_items(found)

    def _cells(self, logged: LoggedCommand) -> list[Line]:
        outcome, look = OUTCOMES[logged.outcome]
        return [
            [fixed(formatting.clock(logged.at), "muted")],
            [span(logged.short)],
            [fixed(outcome, look)],
        ]

    def details_of(self, logged: LoggedCommand) -> list[Line]:
        """Return the full command line, its title in the console, and why it failed."""
        width = max(34, self.size.width - 5)
        rows: list[Line] = [[span(logged.title, "strong")], *wrap([span(logged.line)], width)]
        return [*rows, *(wrap([span(logged.message, "warn")], width) if logged.message else [])]

    def why_not(self, action: str) -> str:
        """Return why nothing can be copied; empty if a line is selected."""
        return "Nothing is listed here." if action == "copy" and self._table.item is None else ""

    def action_copy(self) -> None:
        """Copy the command line of the selected action."""
        logged = self._table.item
        if logged is not None:
            self.app.copy_to_clipboard(logged.line)
            self.host.toast("The command line was copied.")
