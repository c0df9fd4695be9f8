"""A dialog that asks for a path, which is typed, pasted or selected in the list of the folder."""

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
from xpm_tui.files.private import FolderEntry, FolderListing, list_folder
from xpm_tui.tui.app_protocol import AppProtocol
from xpm_tui.tui.dialogs.dialog import Dialog
from xpm_tui.tui.safe_text import content
from xpm_tui.tui.widgets.cells import Line, fit, fixed, span
from xpm_tui.tui.widgets.inputs import TextField
from xpm_tui.tui.widgets.rows import Items, Rows
from xpm_tui.tui.widgets.text import StaticText


class FolderRows(Items[FolderEntry]):
    """The entries of the folder."""

    driven = True
    can_focus = False

    def draw(self, row: int, line: int, columns: int) -> Line:
        """Return the name, and the size of a file."""
        entry = self.items[row]
        size = "folder" if entry.folder else format_size(entry.size)
        name = entry.path.name + (os.sep if entry.folder else "")
        return [
            fixed(" "),
            *fit([span(name, "accent" if entry.folder else "")], max(8, columns - 12)),
            *fit([fixed(size, "muted")], 10, right=True),
            fixed(" "),
        ]


class FilePicker(Dialog[str]):
    """A file picker; its result is the path as text, or None.

    Tab completes, enter chooses, escape cancels. ``new``: the file is to be written and need not exist.
    """

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
        """Compose the purpose, the path, the entries and the keys."""
        yield StaticText(content(self._about))
        yield self._field
        yield self._note
        yield self._rows
        keys = "tab completes · arrows choose · F2 parent folder · enter opens"
        yield Static(content(Shown(keys)), classes="hint")

    def on_mount(self) -> None:
        """Focus the path."""
        self._field.focus()
        self._field.cursor_position = len(self._field.value)
        self._refresh_listing()

    @on(TextField.Changed)
    def _typed(self, event: TextField.Changed) -> None:
        event.stop()
        self._refresh_listing()

    def _refresh_listing(self) -> None:
        typed = self._field.value
        self.host.work(lambda: self._read(typed), "files", exclusive=True, node=self)

    async def _read(self, typed: str) -> None:
        def read(practice: OpenPractice) -> FolderListing:
            return list_folder(typed, self._suffix)

        found = self._listing = await self.host.worker.ask(read)
        self._moved = False
        self._rows.show(found.entries)
        self._show_problem(found.problem)

    def _show_problem(self, problem: str) -> None:
        self._note.update(content(visible(problem)))

    def action_move(self, by: int) -> None:
        """Move the cursor of the list while the field keeps the focus."""
        self._moved = True
        self._rows.cursor += by

    def action_complete(self) -> None:
        """Complete the path as far as all entries agree, or to the selected one."""
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
            self._show_problem(
                "This name has characters that cannot be typed: rename the file first, or choose another one."
            )
            return
        self._field.value = text
        self._field.cursor_position = len(text)

    @on(TextField.Submitted)
    def _submitted(self, event: TextField.Submitted) -> None:
        event.stop()
        self._accept()

    @on(Rows.Chosen)
    def _chosen(self, event: Rows.Chosen) -> None:
        event.stop()
        self._moved = True
        self._accept()

    def _accept(self) -> None:
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
            self._show_problem(f"The file {found.path} does not exist.")


def folder_of(app: AppProtocol) -> str:
    """Return the folder of the last file, or the one where the console was started, with a final slash."""
    folder = app.folder or os.getcwd()
    return folder if folder.endswith(os.sep) else folder + os.sep


def format_size(size: int) -> str:
    """Return a size in bytes for reading."""
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024 or unit == "GB":
            return f"{size:.0f} {unit}"
        size //= 1024
    return ""
