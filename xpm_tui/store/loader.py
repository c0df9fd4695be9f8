"""Loads a store from its files: the latest state or, after damage, the last one that is provably valid.

If there is none, it salvages block by block what can be read, and counts what is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from xpm_tui.domain.errors import StoreUnreadable
from xpm_tui.domain.formatting import count, when_utc
from xpm_tui.store.commit_log import BROKEN, LogEnd, Mark, Scan, Tail, read_base, read_log_end
from xpm_tui.store.manifest import HEAD, Manifest, StoreDamaged, previous_manifest, read_manifest
from xpm_tui.store.memory import MemoryState
from xpm_tui.store.snapshot_set import read_table, salvage_table

T = TypeVar("T")

_TRIES = 20


class Loaded(NamedTuple):
    """A state, the manifest from which it was loaded, and how its log ended."""

    state: MemoryState
    head: Manifest
    tail: Tail


class RescuedRows(NamedTuple):
    """The last valid state after damage; ``lossless`` means that it is also the latest one."""

    loaded: Loaded
    damage: StoreUnreadable
    lossless: bool


def load(folder: Path) -> Loaded | None:
    """Return the latest state; None if there is no store.

    No lock is taken: if another process installs a new generation meanwhile, loading starts again.

    Raises:
        StoreDamaged: A file is damaged.
        StoreUnreadable: The format is newer.
    """
    damage: StoreDamaged | None = None
    for _ in range(_TRIES):
        head = None
        try:
            # The end is read first: what it records was in the log by then, whatever is written meanwhile.
            end = read_log_end(folder)
            head = read_manifest(folder / HEAD)
            if head is None:
                _refuse_headless(folder)
                return None
            loaded = load_generation(folder, head, end)
            if loaded.tail not in BROKEN:
                return loaded
            found = log_damage(folder, loaded)
        except StoreDamaged as error:
            if head is None and error.path == folder / HEAD:
                raise
            found = error
            head = head or read_manifest(folder / HEAD)
        # Files of an older manifest may be removed while they are read, and a failed write may be undone.
        if read_manifest(folder / HEAD) == head and damage is not None and str(damage) == str(found):
            raise found
        damage = found
    raise StoreUnreadable(f"{folder} keeps being rewritten.", hint="Try again in a minute.")


def load_generation(folder: Path, head: Manifest, end: LogEnd | None = None) -> Loaded:
    """Return the state of a generation: its snapshot files, then its log.

    ``end`` is how far the log is known to reach: otherwise the tail is ``short``.

    Raises:
        StoreDamaged: A file is damaged.
    """
    tables = {name: read_table(folder / known.file, known) for name, known in head.tables.items()}
    base = Mark(0, head.position, head.chain, to_milliseconds(head.made))
    state = MemoryState(tables, base)
    tail = follow(state, folder / head.log)
    if tail is None:
        raise StoreDamaged(folder / head.log, "does not belong to this state of the store.")
    if tail != "damaged" and end is not None and end.is_beyond(head, state.mark):
        tail = "short"
    return Loaded(state, head, tail)


def follow(state: MemoryState, log: Path, *, watched: bool = False) -> Tail | None:
    """Apply a log that starts at the state's position or before it.

    Raises:
        StoreDamaged: The log is missing or its first line is damaged.

    Returns:
        How the log ends; None, with the state unchanged, if the log does not continue it.
    """
    base = read_base(log)
    scan = Scan(log, base)
    is_continued = base.position == state.mark.position and base.chain == state.mark.chain
    if is_continued:
        state.version.mark = base._replace(millis=state.mark.millis)
    for transaction in scan:
        mark = transaction.mark
        if is_continued:
            state.apply(transaction.changes, mark, watched=watched)
        elif mark.position == state.mark.position:
            if mark.chain != state.mark.chain:
                return None
            state.version.mark = mark
            is_continued = True
    return scan.tail if is_continued else None


def rescue(folder: Path, damage: StoreUnreadable) -> RescuedRows:
    """Return the last valid state, for reading only. Raises ``damage`` if there is none."""
    if not isinstance(damage, StoreDamaged):
        raise damage
    head = _readable(read_manifest, folder / HEAD)
    end = _readable(read_log_end, folder)
    newest = _readable(load_generation, folder, head, end) if head is not None else None
    if newest is not None:
        return _rescued(damage, newest, lossless=newest.tail not in BROKEN)
    before = _readable(read_manifest, previous_manifest(folder))
    older = _readable(load_generation, folder, before) if before is not None else None
    if before is None or older is None:
        raise damage
    log = folder / f"log.{head.generation if head is not None else before.generation + 1}"
    try:
        tail = follow(older.state, log)
    except StoreDamaged as error:
        # Without a newer log, the older generation may be the latest that was ever complete.
        tail = "clean" if error.missing and head is None else None
    reached = head is None or older.state.mark.position >= head.position
    if end is not None and end.is_beyond(before, older.state.mark):
        reached = False
    lossless = tail is not None and tail not in BROKEN and reached
    return _rescued(damage, older._replace(tail=tail or "damaged"), lossless=lossless)


def log_damage(folder: Path, loaded: Loaded) -> StoreDamaged:
    """Return the error for a log that is damaged after its last valid transaction, or that ends too early."""
    if loaded.tail == "short":
        end = describe_mark(loaded.state.mark)
        words = f"has lost commits at its end: it ends at {end}, but was longer before."
        return StoreDamaged(folder / loaded.head.log, words)
    return StoreDamaged(folder / loaded.head.log, f"is damaged after {describe_mark(loaded.state.mark)}.")


def describe_mark(mark: Mark) -> str:
    """Return a mark for users: ``commit 812 of 2026-11-22 15:40:07 UTC``."""
    made = datetime.fromtimestamp(mark.millis / 1000, UTC)
    return f"commit {mark.position} of {when_utc(made)}"


def to_milliseconds(moment: datetime) -> int:
    """Return milliseconds since 1970 (UTC)."""
    return round(moment.timestamp() * 1000)


def _rescued(damage: StoreDamaged, loaded: Loaded, *, lossless: bool) -> RescuedRows:
    where = describe_mark(loaded.state.mark)
    loss = "no commit is missing" if lossless else "what was committed after it cannot be read"
    words = f"{damage.message} The data is open for reading only, as of {where}: {loss}."
    return RescuedRows(loaded, StoreUnreadable(words, hint=damage.hint), lossless)


def _readable(read: Callable[..., T], *arguments: Any) -> T | None:
    """Return what ``read`` returns, or None if a file is damaged."""
    try:
        return read(*arguments)
    except StoreDamaged:
        return None


def _refuse_headless(folder: Path) -> None:
    """Raise an error if a folder has files of a store but no manifest: it is damaged, not new."""
    if not folder.is_dir():
        return
    found = [path.name for path in folder.iterdir() if path.name.startswith("log.") or path.suffix == ".rows"]
    # A new store gets its log before its manifest: a kill in between leaves a log without a commit.
    if found and not (found == ["log.1"] and (folder / "log.1").read_bytes().count(b"\n") <= 1):
        words = f"is missing, though other files of the store are there ({min(found)})."
        raise StoreDamaged(folder / HEAD, words, missing=True)


class SalvageReport(msgspec.Struct, frozen=True):
    """What could not be read, in words, and the number of rows that were lost with it."""

    lines: tuple[str, ...]
    lost_rows: int


def salvage(folder: Path, damage: StoreDamaged) -> tuple[Loaded, SalvageReport]:
    """Return the rows of all intact blocks, with as much of the log as continues them.

    Raises ``damage`` if not even a manifest can be read.
    """
    current = _readable(read_manifest, folder / HEAD)
    head = current or _readable(read_manifest, previous_manifest(folder))
    if head is None:
        raise damage
    tables: dict[str, dict[str, bytes]] = {}
    lines: list[str] = []
    lost = 0
    for name, known in head.tables.items():
        try:
            tables[name] = salvage_table(folder / known.file)
            unread = max(0, known.rows - len(tables[name]))
        except StoreDamaged:
            unread = known.rows
        if unread:
            lines.append(f"{known.file}: {unread} of {count(known.rows, 'row')} could not be read.")
            lost += unread
    state = MemoryState(tables, Mark(0, head.position, head.chain, to_milliseconds(head.made)))
    tail = _readable(follow, state, folder / head.log) or "damaged"
    if tail == "damaged":
        lines.append(f"{head.log}: what was committed after commit {state.mark.position} could not be read.")
    return Loaded(state, head, tail), SalvageReport(tuple(lines), lost)
