"""A bar of block characters: exact to an eighth of a cell, still until its number changes."""

from __future__ import annotations

_EIGHTHS = " ▏▎▍▌▋▊▉█"


def bar(part: float, columns: int) -> str:
    """``columns`` cells, filled to ``part`` of one."""
    full, rest = divmod(round(max(0.0, min(1.0, part)) * columns * 8), 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(columns)
