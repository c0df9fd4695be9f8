"""Choose a file: type, paste or browse. Tab completes, enter chooses, escape goes back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from xpm_tui.application.practice import OpenPractice
from xpm_tui.domain.safe_text import Shown, visible
from xpm_tui.files.private import FolderEntry, FolderListing, listing
from xpm_tui.tui.app_protocol import AppProtocol
from xpm_tui.tui.dialogs.dialog import Dialog
from xpm_tui.tui.safe_text import content
from xpm_tui.tui.widgets.cells import Line, fit, ours, span
from xpm_tui.tui.widgets.inputs import TextField
from xpm_tui.tui.widgets.rows import Items, Rows
from xpm_tui.tui.widgets.text import StaticText


class FolderRows(Items[FolderEntry]):
    """The contents of the folder."""

    driven = True
    can_focus = False

    def draw(self, row: int, line: int, columns: int) -> Line:
        """Draw the name, and the size of a file."""
        entry = self.items[row]
        size = "folder" if entry.folder else sized(entry.size)
        name = entry.path.name + (os.sep if entry.folder else "")
        return [
            ours(" "),
            *fit([span(name, "accent" if entry.folder else "")], max(8, columns - 12)),
            *fit([ours(size, "muted")], 10, right=True),
            ours(" "),
        ]


class FilePicker(Dialog[str]):
    """Returns the path as text, or None. ``new``: a file to be written, which need not exist."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "Complete", show=False, priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("pageup", "move(-8)", show=False, priority=True),
        Binding("pagedown", "move(8)", show=False, priority=True),
        Binding("f2", "up_folder", "Parent folder", show=False, priority=True),
    ]

    def __init__(
        self, title: str, about: str, *, start: str = "", new: bool = False, suffix: str = ""
    ) -> None:
        super().__init__(classes="wide files")
        self.title_text = visible(title)
        self._about = visible(about)
        self._new = new
        self._suffix = suffix
        self._field = TextField(start, placeholder="the path of a file")
        self._rows = FolderRows()
        self._note = Static(classes="error")
        self._moved = False
        self._listing: FolderListing | None = None

    def box(self) -> ComposeResult:
        """Yield the purpose, the path, the folder's contents, and the keys."""
        yield StaticText(content(self._about))
        yield self._field
        yield self._note
        yield self._rows
        keys = "tab completes · arrows choose · F2 parent folder · enter opens"
        yield Static(content(Shown(keys)), classes="hint")

    def on_mount(self) -> None:
        """Focus the field."""
        self._field.focus()
        self._field.cursor_position = len(self._field.value)
        self._look()

    @on(TextField.Changed)
    def _typed(self, event: TextField.Changed) -> None:
        event.stop()
        self._look()

    def _look(self) -> None:
        typed = self._field.value
        self.host.work(lambda: self._read(typed), "files", exclusive=True, node=self)

    async def _read(self, typed: str) -> None:
        def read(practice: OpenPractice) -> FolderListing:
            return listing(typed, self._suffix)

        found = self._listing = await self.host.worker.ask(read)
        self._moved = False
        self._rows.show(found.entries)
        self._tell(found.problem)

    def _tell(self, problem: str) -> None:
        self._note.update(content(visible(problem)))

    def action_move(self, by: int) -> None:
        """Move the selection in the list; the field keeps the focus."""
        self._moved = True
        self._rows.cursor += by

    def action_complete(self) -> None:
        """Complete as far as unique, or to the selected entry."""
        entries = self._rows.items
        if not entries:
            return
        names = [entry.path.name for entry in entries]
        common = os.path.commonprefix(names)  # noqa: RUF071
        typed = "" if self._field.value.endswith(os.sep) else os.path.basename(self._field.value)
        if len(entries) > 1 and not self._moved and len(common) > len(typed):
            self._put(entries[0].path.parent / common)
        elif (entry := self._rows.current) is not None:
            self._put(entry.path, folder=entry.folder)

    def action_up_folder(self) -> None:
        """Go to the parent folder."""
        if self._listing is not None:
            inside = self._field.value.endswith(os.sep)
            self._put(self._listing.folder.parent if inside else self._listing.folder, folder=True)

    def _put(self, path: Path, folder: bool = False) -> None:
        text = str(path)
        if folder and not text.endswith(os.sep):
            text += os.sep
        if visible(text, len(text) + 1) != text:
            self._tell(
                "This name has characters that cannot be typed: rename the file first, or choose another one."
            )
            return
        self._field.value = text
        self._field.cursor_position = len(text)

    @on(TextField.Submitted)
    def _submitted(self, event: TextField.Submitted) -> None:
        event.stop()
        self._take()

    @on(Rows.Chosen)
    def _chosen(self, event: Rows.Chosen) -> None:
        event.stop()
        self._moved = True
        self._take()

    def _take(self) -> None:
        found, entry = self._listing, self._rows.current
        if found is None:
            return
        if entry is not None and (self._moved or not (self._new or found.is_file)) and not found.is_file:
            if entry.folder:
                self._put(entry.path, folder=True)
            else:
                self.dismiss(str(entry.path))
        elif found.is_folder:
            self._put(found.path, folder=True)
        elif (self._new and found.folder.is_dir() and found.path.name) or found.is_file:
            self.dismiss(str(found.path))
        else:
            self._tell(f"The file {found.path} does not exist.")


def folder_of(app: AppProtocol) -> str:
    """Return the folder of the last file, ready to be typed on; at first where the console was started."""
    folder = app.folder or os.getcwd()
    return folder if folder.endswith(os.sep) else folder + os.sep


def sized(size: int) -> str:
    """Return a size in bytes as text."""
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024 or unit == "GB":
            return f"{size:.0f} {unit}"
        size //= 1024
    return ""
