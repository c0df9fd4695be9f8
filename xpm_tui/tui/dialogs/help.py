"""Help for what is in front of you: the area in a sentence, then every key with what it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.widgets import Static

from xpm_tui.domain.safe_text import Shown, visible
from xpm_tui.tui.dialogs.dialog import DialogBody, TextDialog
from xpm_tui.tui.safe_text import content
from xpm_tui.tui.widgets.cells import Span, fit, lines, ours, span
from xpm_tui.tui.widgets.text import StaticText

EVERYWHERE: tuple[tuple[str, str], ...] = (
    ("g then a letter", "go to an area"),
    (": or ctrl+p", "all actions, searchable"),
    ("? or F1", "this help"),
    ("esc", "one level up"),
    ("tab, shift+tab", "next and previous part of the screen"),
    ("arrows, j k, page keys", "move"),
    ("enter", "open what is marked"),
    ("ctrl+l", "redraw the screen, if another program wrote over it"),
    ("ctrl+q, or ctrl+c twice", "leave the console; a run in progress continues"),
)


@dataclass(frozen=True)
class HelpPage:
    """What help tells: ``about`` in sentences, ``keys`` with what they do."""

    title: str
    about: str
    keys: Sequence[tuple[str, str]]


class HelpDialog(TextDialog[None]):
    """A page of help, to scroll and leave."""

    def __init__(self, page: HelpPage) -> None:
        super().__init__(classes="wide")
        self.title_text = visible(f"Help: {page.title}")
        self._page = page

    def box(self) -> ComposeResult:
        """Sentences, the keys here, the keys everywhere."""
        told: list[list[Span]] = []
        for head, keys in (("Here", self._page.keys), ("Everywhere", EVERYWHERE)):
            if keys:
                told.append([ours(head, "head")])
                room = min(26, max(len(key) for key, _ in keys) + 2)
                told += [[ours("  "), *fit([span(key, "accent")], room), span(what)] for key, what in keys]
                told.append([ours("")])
        with DialogBody(classes="words"):
            yield StaticText(content(visible(self._page.about, 2000)), classes="about")
            yield StaticText(lines([list(line) for line in told]))
        yield Static(content(Shown("esc closes")), classes="hint")
