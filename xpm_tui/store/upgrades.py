"""Upgrades a store of an older format: a backup first, then a new generation."""

from __future__ import annotations

from pathlib import Path

import msgspec

from xpm_tui.domain.ports import Clock
from xpm_tui.domain.tables import TableSchema
from xpm_tui.files.machine import Disk
from xpm_tui.store.backup import own_backup, write_backup
from xpm_tui.store.loader import Loaded, load
from xpm_tui.store.manifest import migrate, newest
from xpm_tui.store.memory import Index, LiveTable, MemoryState
from xpm_tui.store.snapshot import StoreSnapshot
from xpm_tui.store.snapshot_set import install


def migrate_rows(loaded: Loaded) -> Loaded:
    """Return the same state with rows of the newest format."""
    tables = {name: live.rows for name, live in loaded.state.tables.items()}
    state = MemoryState(migrate(tables, loaded.head.format), loaded.state.mark)
    return loaded._replace(state=state, head=msgspec.structs.replace(loaded.head, format=newest()))


def upgrade(folder: Path, clock: Clock, disk: Disk) -> Loaded:
    """Install the newest format. The caller holds both locks. Raises what a commit raises."""
    old = load(folder)
    assert old is not None
    if old.head.format < newest():
        write_backup(folder, own_backup(folder, f"format-{old.head.format}", clock.now()))
        new = migrate_rows(old)
        mark = old.state.mark
        install(
            folder,
            private_view(new.state),
            book=old.head.book,
            position=mark.position + 1,
            chain=mark.chain ^ 1,
            clock=clock,
            disk=disk,
        )
    loaded = load(folder)
    assert loaded is not None
    return loaded


def private_view(state: MemoryState) -> StoreSnapshot:
    """Return a view of a state that no one else uses."""

    def build(live: LiveTable, table: TableSchema[object], name: str) -> Index:  # type: ignore[type-var]
        return live.indexes.build(table, name, live.rows)

    return StoreSnapshot(state, build)
