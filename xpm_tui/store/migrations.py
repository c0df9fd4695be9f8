"""Formats of the book: one step from each to the next. A new one is appended, and never changed after."""

from __future__ import annotations

from collections.abc import Callable

Tables = dict[str, dict[str, bytes]]
Step = Callable[[Tables], Tables]


def _same_rows(tables: Tables) -> Tables:
    """Format 2 changes files only: checksums of whole snapshot files, the recorded end of the log."""
    return tables


STEPS: list[Step] = [_same_rows]
"""``STEPS[0]`` leads from format 1 to 2, and so on: rows in, rows out, as JSON bytes by table and id."""


def newest() -> int:
    """The format that this version writes."""
    return 1 + len(STEPS)


def migrate(tables: Tables, found: int) -> Tables:
    """Rows of the format ``found`` as rows of the newest."""
    for step in STEPS[found - 1 :]:
        tables = step(tables)
    return tables
