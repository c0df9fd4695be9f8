"""The door: text from outside reaches the screen only as shown text, never as markup.

``Content`` and ``Text`` made here carry no tags, so brackets, ``[/]`` and ``[@click=…]`` stay letters.
"""

from __future__ import annotations

from rich.text import Text
from textual.content import Content

from xpm_tui.domain.safe_text import LIMIT, Shown, visible


def content(shown: Shown, style: str = "") -> Content:
    """Shown text as content for any widget, title, toast or tooltip; ``style`` is ours, never data."""
    return Content.styled(shown, style) if style else Content(shown)


def show(text: str, style: str = "", limit: int = LIMIT) -> Content:
    """Any text at all, made visible first: the short way for one value."""
    return content(visible(text, limit), style)


def rich(shown: Shown) -> Text:
    """Shown text for the few places that still take Rich text."""
    return Text(shown, no_wrap=True, end="")
