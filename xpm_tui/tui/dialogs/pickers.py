"""Dialogs in which typing searches a list: the file picker, and the command palette."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from rapidfuzz import fuzz
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from xpm_tui.application.practice import OpenPractice
from xpm_tui.domain.safe_text import Shown, visible
from xpm_tui.files.private import FolderEntry, FolderListing, list_folder
from xpm_tui.tui.app_protocol import AppProtocol
from xpm_tui.tui.base_screen import BaseScreen
from xpm_tui.tui.dialogs.dialog import Dialog
from xpm_tui.tui.theme import stylesheet_path
from xpm_tui.tui.widgets.cells import Line, Span, content, fit, fixed, lines, span
from xpm_tui.tui.widgets.inputs import TextField
from xpm_tui.tui.widgets.rows import Items, Rows
from xpm_tui.tui.widgets.text import StaticText

_CURSOR_KEYS = [
    Binding(key, f"move({by})", show=False, priority=True)
    for key, by in (("up", -1), ("down", 1), ("pageup", -8), ("pagedown", 8))
]
"""Keys that move the cursor of the list while the text field keeps the focus."""


class FolderRows(Items[FolderEntry]):
    """The entries of a folder."""

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
    """A dialog that asks for a file. The result is its path, or None.

    Tab completes the path, enter chooses, escape cancels. With ``new``, the file need not exist. ``suffix``
    is the only suffix that is listed.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "Complete", show=False, priority=True),
        *_CURSOR_KEYS,
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
        self._is_entry_selected = False
        """Whether the user has moved to an entry, which enter then chooses instead of the typed path."""
        self._listing: FolderListing | None = None

    def box(self) -> ComposeResult:
        """Compose the purpose, the field for the path, the entries and the keys."""
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
        self._is_entry_selected = False
        self._rows.show(found.entries)
        self._show_problem(found.problem)

    def _show_problem(self, problem: str) -> None:
        self._note.update(content(visible(problem)))

    def action_move(self, by: int) -> None:
        """Move the cursor of the list while the field keeps the focus."""
        self._is_entry_selected = True
        self._rows.action_move(by)

    def action_complete(self) -> None:
        """Complete the path to the selected entry, or as far as all entries are equal."""
        entries = self._rows.items
        if not entries:
            return
        names = [entry.path.name for entry in entries]
        common = os.path.commonprefix(names)  # noqa: RUF071
        typed = "" if self._field.value.endswith(os.sep) else os.path.basename(self._field.value)
        if len(entries) > 1 and not self._is_entry_selected and len(common) > len(typed):
            self._set_path(entries[0].path.parent / common)
        elif (entry := self._rows.current) is not None:
            self._set_path(entry.path, folder=entry.folder)

    def action_up_folder(self) -> None:
        """Go to the parent folder."""
        if self._listing is not None:
            inside = self._field.value.endswith(os.sep)
            self._set_path(self._listing.folder.parent if inside else self._listing.folder, folder=True)

    def _set_path(self, path: Path, folder: bool = False) -> None:
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
        self._is_entry_selected = True
        self._accept()

    def _accept(self) -> None:
        found, entry = self._listing, self._rows.current
        if found is None:
            return
        if (
            entry is not None
            and (self._is_entry_selected or not (self._new or found.is_file))
            and not found.is_file
        ):
            if entry.folder:
                self._set_path(entry.path, folder=True)
            else:
                self.dismiss(str(entry.path))
        elif found.is_folder:
            self._set_path(found.path, folder=True)
        elif (self._new and found.folder.is_dir() and found.path.name) or found.is_file:
            self.dismiss(str(found.path))
        else:
            self._show_problem(f"The file {found.path} does not exist.")


def start_folder(app: AppProtocol) -> str:
    """Return the folder of the last file or, at first, the current one; with a slash at the end."""
    folder = app.folder or os.getcwd()
    return folder if folder.endswith(os.sep) else folder + os.sep


def format_size(size: int) -> str:
    """Return a size in bytes as users read it, such as 12 KB."""
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024 or unit == "GB":
            return f"{size:.0f} {unit}"
        size //= 1024
    return ""


@dataclass(frozen=True)
class PaletteEntry:
    """An entry of the palette.

    ``name`` is the result if it is chosen. ``words`` are further words that find it. ``reason`` says why it
    is unavailable; empty if it is available.
    """

    name: str
    title: str
    help: str
    key: str = ""
    words: str = ""
    reason: str = ""


def rank_entries(query: str, entries: Sequence[PaletteEntry]) -> list[PaletteEntry]:
    """Return the entries that match a query, the best first; typing errors are tolerated."""
    terms = query.casefold().split()
    if not terms:
        return list(entries)
    scored: list[tuple[int, int, PaletteEntry]] = []
    for place, entry in enumerate(entries):
        title = entry.title.casefold()
        whole = f"{title} {entry.words} {entry.help}".casefold()
        starts = whole.replace("-", " ").split()
        known = f"{title} {entry.words}".casefold().replace("-", " ").split()
        if title.removeprefix("go to ").startswith(" ".join(terms)):
            score = 450  # the name of an area leads there
        elif all(any(word.startswith(term) for word in title.split()) for term in terms):
            score = 400
        elif all(any(word.startswith(term) for word in known) for term in terms):
            score = 350
        elif all(any(word.startswith(term) for word in starts) for term in terms):
            score = 300
        elif all(term in whole for term in terms):
            score = 200
        else:
            score = int(fuzz.partial_ratio(query.casefold(), title))
            if score < 75:
                continue
        scored.append((-score, place, entry))
    return [entry for _, _, entry in sorted(scored, key=lambda found: found[:2])]


NOT_NOW = "not now"


class PaletteRows(Items[PaletteEntry]):
    """The entries of the palette, one line each."""

    driven = True

    def draw(self, row: int, line: int, columns: int) -> Line:
        """Return the title and the key, dimmed if the entry is unavailable."""
        entry = self.items[row]
        off = bool(entry.reason)
        right: list[Span] = [fixed(f" {NOT_NOW}", "warn")] if off else []
        right += [fixed(" "), *fit([fixed(entry.key, "accent")], 9, right=True)] if entry.key else []
        room = columns - 2 - sum(len(piece.text) for piece in right)
        title = fit([span(entry.title, "muted" if off else "strong")], room)
        return [fixed(" "), *title, *right, fixed(" ")]


class Palette(BaseScreen, ModalScreen[str]):
    """The command palette. The result is the name of the chosen entry, or None."""

    CSS_PATH: ClassVar = stylesheet_path("palette")
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Back", show=False),
        Binding("ctrl+p", "dismiss(None)", "Back", show=False),
        *_CURSOR_KEYS,
    ]

    def __init__(self, entries: Sequence[PaletteEntry]) -> None:
        super().__init__()
        self._entries = entries
        self._field = TextField(placeholder="What would you like to do?")
        self._rows = PaletteRows()
        self._about = StaticText(classes="about")
        self._none = Static(content(Shown("No match. Try other words; esc goes back.")), classes="empty")

    def compose(self) -> ComposeResult:
        """Compose the search field, the entries, and the description of the selected one."""
        with Vertical(classes="box"):
            yield self._field
            yield self._none
            yield self._rows
            yield self._about

    def on_mount(self) -> None:
        """Show all entries and focus the field."""
        self._field.focus()
        self._find("")

    @on(TextField.Changed)
    def _changed(self, event: TextField.Changed) -> None:
        event.stop()
        self._find(event.value)

    @on(TextField.Submitted)
    def _submitted(self, event: TextField.Submitted) -> None:
        event.stop()
        self._accept()

    @on(Rows.Chosen)
    def _chosen(self, event: Rows.Chosen) -> None:
        event.stop()
        self._accept()

    @on(Rows.Moved)
    def _moved(self, event: Rows.Moved) -> None:
        event.stop()
        self._describe_current()

    def action_move(self, by: int) -> None:
        """Move the cursor while the field keeps the focus."""
        self._rows.action_move(by)

    def _find(self, query: str) -> None:
        found = rank_entries(query, self._entries)
        self._none.display = not found
        self._rows.display = bool(found)
        self._rows.show(found)
        self._describe_current()

    def _describe_current(self) -> None:
        entry = self._rows.current
        rows: list[Line] = []
        if entry is not None and entry.reason:
            rows.append([fixed(f"{NOT_NOW.capitalize()}: ", "warn"), span(entry.reason, "warn")])
        if entry is not None and entry.help:
            rows.append([span(entry.help)])
        self._about.update(lines(rows))

    def _accept(self) -> None:
        if (entry := self._rows.current) is not None:
            self.dismiss(entry.name)
