"""The command palette: searches the available commands by their words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rapidfuzz import fuzz
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from xpm_tui.domain.safe_text import Shown
from xpm_tui.tui.base_screen import BaseScreen
from xpm_tui.tui.safe_text import content
from xpm_tui.tui.theme import stylesheet_path
from xpm_tui.tui.widgets.cells import Line, Span, fit, fixed, lines, span
from xpm_tui.tui.widgets.inputs import TextField
from xpm_tui.tui.widgets.rows import Items, Rows
from xpm_tui.tui.widgets.text import StaticText


@dataclass(frozen=True)
class PaletteEntry:
    """An entry. ``name`` is the result when it is chosen, ``reason`` says why it is unavailable."""

    name: str
    title: str
    help: str
    key: str = ""
    words: str = ""
    reason: str = ""


def rank(query: str, entries: Sequence[PaletteEntry]) -> list[PaletteEntry]:
    """Return the entries that match a query, best first; typing errors are tolerated."""
    terms = query.casefold().split()
    if not terms:
        return list(entries)
    scored: list[tuple[int, int, PaletteEntry]] = []
    for place, entry in enumerate(entries):
        title = entry.title.casefold()
        whole = f"{title} {entry.words} {entry.help}".casefold()
        starts = whole.replace("-", " ").split()
        known = f"{title} {entry.words}".casefold().replace("-", " ").split()
        if all(any(word.startswith(term) for word in title.split()) for term in terms):
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
    """The entries, one line each."""

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
    """The palette. Its result is the name of the chosen entry, or None."""

    CSS_PATH: ClassVar = stylesheet_path("palette")
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Back", show=False),
        Binding("ctrl+p", "dismiss(None)", "Back", show=False),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("pageup", "move(-8)", show=False, priority=True),
        Binding("pagedown", "move(8)", show=False, priority=True),
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
        self._rows.cursor += by

    def _find(self, query: str) -> None:
        found = rank(query, self._entries)
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
