"""What can still be read of a book of which no good state is left: block by block, honestly counted."""

from __future__ import annotations

from pathlib import Path

import msgspec

from xpm_tui.book.commit_log import Mark
from xpm_tui.book.head import HEAD, Damage, previous_head, read_head
from xpm_tui.book.loading import Loaded, follow, millis
from xpm_tui.book.state import State
from xpm_tui.book.table_file import Salvage, read_table
from xpm_tui.model.formatting import count


class Told(msgspec.Struct, frozen=True):
    """What the salvage could not read, in words, and how many rows that is."""

    lines: tuple[str, ...]
    lost_rows: int


def salvage(folder: Path, damage: Damage) -> tuple[Loaded, Told]:
    """The rows of all whole blocks, then as much of the log as goes on from there.

    Raises ``damage`` where not even a head can be read.
    """
    head = None
    for path in (folder / HEAD, previous_head(folder)):
        try:
            head = head or read_head(path)
        except Damage:
            continue
    if head is None:
        raise damage
    tables: dict[str, dict[str, bytes]] = {}
    lines: list[str] = []
    lost = 0
    for name, known in head.tables.items():
        told = Salvage()
        try:
            tables[name] = read_table(folder / known.file, known, told)
            gone = told.rows
        except Damage:
            gone = known.rows
        if gone:
            lines.append(f"{known.file}: {gone} of {count(known.rows, 'row')} could not be read.")
            lost += gone
    state = State(tables, Mark(0, head.position, head.chain, millis(head.made)))
    try:
        tail = follow(state, folder / head.log) or "damaged"
    except Damage:
        tail = "damaged"
    if tail == "damaged":
        lines.append(f"{head.log}: what was committed after commit {state.mark.position} could not be read.")
    return Loaded(state, head, tail), Told(tuple(lines), lost)
