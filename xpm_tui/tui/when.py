"""Times, counts and values as people read them."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

from xpm_tui.model.text import Shown, visible

if TYPE_CHECKING:
    from xpm_tui.model.links import Value


def ago(hours: float) -> str:
    """Hours since something, as people say it."""
    if hours < 1 / 60:
        return "just now"
    if hours < 1:
        return f"{int(hours * 60)} min ago"
    if hours < 48:
        return f"{int(hours)} h ago"
    return f"{int(hours / 24)} days ago"


def since(at: datetime | None, now: datetime, never: str = "never") -> str:
    """How long ago a time was."""
    return never if at is None else ago(max(0.0, (now - at).total_seconds() / 3600))


def stamp(at: datetime | None, zone: tzinfo | None = None) -> str:
    """A day and time, in the machine's zone unless another is given."""
    return at.astimezone(zone).strftime("%d %b %Y %H:%M") if at else ""


def short(at: datetime | None, zone: tzinfo | None = None) -> str:
    """Day and time without the year."""
    return at.astimezone(zone).strftime("%d %b %H:%M") if at else ""


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its noun."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def seconds(number: float) -> str:
    """A duration: 40 s, 3 min, 2 h."""
    if number < 90:
        return f"{round(number)} s"
    return f"{round(number / 60)} min" if number < 5400 else f"{number / 3600:.1f} h"


def value(of: Value, limit: int = 200) -> Shown:
    """A field's value; nothing is an en dash, so that an empty cell is never a doubt."""
    if of is None or of in ("", ()):
        return Shown("–")
    if isinstance(of, bool):
        return Shown("yes" if of else "no")
    if isinstance(of, tuple):
        return visible(", ".join(of), limit)
    return visible(of, limit)


DIRECTIONS = {"from_xpm": "From XPM", "to_xpm": "To XPM"}
LEVELS = {"everything": "Everything", "name": "Client name", "nothing": "Nothing"}
OUTCOMES = {
    "running": "▶ running",
    "done": "✓ done",
    "partial": "! in part",
    "held": "■ held",
    "failed": "✗ failed",
    "interrupted": "✗ cut off",
    "stopped": "■ stopped",
    "skipped": "– skipped",
}
LINK_STATES = {
    "linked": "● linked",
    "archived": "◐ archived",
    "gone": "✗ gone",
    "converted": "! converted",
    "ambiguous": "! ambiguous",
    "ignored": "– ignored",
    "unlinked": "○ no link",
}
"""Each state a glyph and a word: never by colour alone."""
