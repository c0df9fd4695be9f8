"""Safe text on screens: text from outside is shown only as plain text, never as markup.

``Content`` and ``Text`` created here have no tags, so brackets, ``[/]`` and ``[@click=…]`` stay text.
"""

from __future__ import annotations

from rich.text import Text
from textual.content import Content

from xpm_tui.domain.safe_text import LIMIT, Shown, visible


def content(shown: Shown, style: str = "") -> Content:
    """Return safe text as content for any widget, title, toast or tooltip; ``style`` is never data."""
    return Content.styled(shown, style) if style else Content(shown)


def show(text: str, style: str = "", limit: int = LIMIT) -> Content:
    """Return any text as content, made safe first."""
    return content(visible(text, limit), style)


def rich(shown: Shown) -> Text:
    """Return safe text for the few places that still need Rich text."""
    return Text(shown, no_wrap=True, end="")
