"""Converts text from records to ``Content`` and Rich ``Text`` without ever reading it as markup.

The results carry no tags, so brackets, ``[/]`` and ``[@click=…]`` are shown as they are.
"""

from __future__ import annotations

from rich.text import Text
from textual.content import Content

from xpm_tui.domain.safe_text import LIMIT, Shown, visible


def content(shown: Shown, style: str = "") -> Content:
    """Return shown text as content for widgets, titles, notifications and tooltips.

    ``style`` comes from our code, never from data.
    """
    return Content.styled(shown, style) if style else Content(shown)


def show(text: str, style: str = "", limit: int = LIMIT) -> Content:
    """Return any text as content, with control characters made visible."""
    return content(visible(text, limit), style)


def rich(shown: Shown) -> Text:
    """Return shown text as Rich text, for the few APIs that still need it."""
    return Text(shown, no_wrap=True, end="")
