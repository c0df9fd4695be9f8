"""The Inbox screen: the files that other programs have delivered, and what each of them changed."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType

from xpm_tui.application.csv_io.inbox import InboxStatus, inbox_status, list_newest
from xpm_tui.application.practice import OpenPractice
from xpm_tui.domain import formatting
from xpm_tui.domain.ignition import ReceivedFile
from xpm_tui.tui.dialogs.help import HelpPage
from xpm_tui.tui.screens.base import RecordListScreen
from xpm_tui.tui.theme import stylesheet_path
from xpm_tui.tui.widgets.cells import RECEIVED_STATES, Line, Span, fixed, span, wrap
from xpm_tui.tui.widgets.table import Table, TableColumn

MOST = 1_000
"""The most files in the table, newest first; ``inbox list --limit 0`` lists all."""


class Inbox(RecordListScreen[None, ReceivedFile]):
    """A table of the files that came in, with what the selected one changed."""

    AREA = "overview"
    CSS_PATH: ClassVar = stylesheet_path("inbox")
    GROUP: ClassVar = "inbox"
    TITLE = "Inbox"
    PANEL = "Came in"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "run", "Import now", tooltip="Import every complete file of the inbox"),
        Binding("t", "retry", "Try again", tooltip="Import the selected file again"),
        Binding("enter", "open", "Open", tooltip="Go to what the file changed"),
        Binding("e", "folder", "Folder", tooltip="Choose the folder of the inbox"),
    ]
    HELP_PAGE: ClassVar = HelpPage(
        "Inbox",
        "Other programs write Ignition's CSV files, and small JSON files about one event, to the "
        "inbox. Each complete file is imported exactly once, and moved to done or failed with a note "
        "beside it that says what happened. An older file never replaces newer values. Nothing is sent "
        "to XPM or deployed by it. The scheduled sync empties the inbox first.",
        [
            ("a", "import every complete file now"),
            ("t", "import the selected file again, as it is"),
            ("enter", "go to what the file changed"),
            ("e", "choose the folder"),
            ("esc", "back"),
        ],
    )

    def __init__(self) -> None:
        table: Table[ReceivedFile] = Table(
            (
                TableColumn("Came in", 12),
                TableColumn("Result", 18),
                TableColumn("File", 16, grow=1),
                TableColumn("What", 16, grow=1),
                TableColumn("Changed", 8, grow=1),
            ),
            self._cells,
            lambda row: row.id,
            empty="Nothing has come in yet. a imports what is in the folder.",
        )
        super().__init__(table, "inbox")
        self._status = InboxStatus()

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        """Read again whenever the screen is shown."""
        self.reload()

    async def load(self) -> None:
        """Read the folder, and the newest imported files."""

        def read(practice: OpenPractice) -> tuple[InboxStatus, list[ReceivedFile]]:
            return inbox_status(practice), list_newest(practice, MOST)

        self._status, found = await self.host.worker.ask(read)
        subject, *below = self._subject_lines(self._status, len(found))
        self._head.show_subject(subject, *below)
        self.show_items(found)

    def _subject_lines(self, status: InboxStatus, shown: int) -> list[Line]:
        if not status.folder:
            return [
                [fixed("not set up yet", "muted")],
                [fixed(" Zapier, Make, an SFTP server or you write Ignition's files to a folder. ", "muted"),
                 fixed("e", "accent"), fixed(" chooses it.", "muted")],
            ]  # fmt: skip
        waiting = status.waiting + status.claimed
        counts: list[Span] = [
            fixed(
                f" {formatting.count(waiting, 'file', zero='No')} waiting", "accent" if waiting else "muted"
            )
        ]
        if status.unfinished:
            counts.append(fixed(f" · {status.unfinished:,} still being uploaded", "muted"))
        if status.failed:
            counts.append(fixed(f" · {status.failed:,} failed", "bad"))
        counts.append(fixed(f" · {status.received:,} came in", "muted"))
        if status.received > shown:
            counts.append(fixed(f", the newest {shown:,} are shown", "muted"))
        rows: list[Line] = [[span(status.folder, "strong")], counts]
        return [*rows, [span(f" {status.problem}", "bad")]] if status.problem else rows

    def _cells(self, row: ReceivedFile) -> list[Line]:
        changed = formatting.sequence(row.records, most=3)
        return [
            [fixed(formatting.when_short(row.at), "muted")],
            [RECEIVED_STATES.draw(row.state)],
            [span(row.name, "strong")],
            [fixed(row.event or row.kind, "muted")],
            [span(changed)],
        ]

    def details_of(self, row: ReceivedFile) -> list[Line]:
        """Return all that is known about the import of a file."""
        columns = max(34, self.size.width - 5)
        rows: list[Line] = [*wrap([fixed(" "), span(row.sentence)], columns)]
        for each in row.details:
            rows += wrap([fixed(" "), span(each, "muted")], columns)
        if row.copies:
            copies = formatting.count(row.copies, "more file/more files")
            rows.append([fixed(f" {copies} with the same content came in.", "muted")])
        return [[span(row.name), span(f"  {row.id}", "muted")], *rows]

    def why_not(self, action: str) -> str:
        """Return why an action is unavailable: it needs a file to import again, or a record to go to."""
        row = self._table.item
        if action == "retry" and row is None:
            return "Nothing is listed here."
        if action == "open" and (row is None or not _changed_record(row)):
            return "This file changed no client and no proposal."
        return ""

    def action_open(self) -> None:
        """Go to the client that the selected file changed, or to the proposals."""
        row = self._table.item
        target = _changed_record(row) if row is not None else ""
        if target.startswith("c"):
            self.dismiss(None)
            self.host.show_client(target)
        elif target and (way := self.host.screen_opener("proposals.list")) is not None:
            way()

    def action_run(self) -> None:
        """Import the files in the inbox."""
        self.perform("inbox.run", {"dry_run": False}, after=self.reload)

    def action_retry(self) -> None:
        """Import the selected file again."""
        row = self._table.item
        if row is not None:
            self.perform("inbox.retry", {"files": (row.id,)}, after=self.reload)

    def action_folder(self) -> None:
        """Choose the folder of the inbox."""
        self.perform("inbox.setup", {}, ask=True, after=self.reload)


def _changed_record(row: ReceivedFile) -> str:
    """Return the first client or proposal that a file changed; empty if there is none."""
    return next((each for each in row.records if each[:1] in ("c", "o")), "")
