"""An open store: its files, its state in memory, and the order in which both change."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from xpm_tui.domain.errors import AppError, DiskError, ReadOnly, StoreUnreadable
from xpm_tui.domain.ports import Clock
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import TableSchema
from xpm_tui.files.durable import replace_bytes
from xpm_tui.files.locks import Lock
from xpm_tui.files.machine import DISK, Disk
from xpm_tui.files.private import ensure_private
from xpm_tui.lazy import lazy_imports
from xpm_tui.store.backup import migrate_rows, upgrade
from xpm_tui.store.commit_log import (
    BROKEN,
    RECORD_EVERY,
    CommitLog,
    Mark,
    Scan,
    first_line,
    peek_position,
    write_log_end,
)
from xpm_tui.store.encoding import EncodedWrite
from xpm_tui.store.loader import Loaded, describe_mark, follow, load, rescue, to_milliseconds
from xpm_tui.store.manifest import HEAD, Manifest, StoreDamaged, newest, read_manifest, write_manifest
from xpm_tui.store.memory import Index, LiveTable
from xpm_tui.store.snapshot import StoreSnapshot
from xpm_tui.store.snapshot_set import PATIENCE, STORE_LOCK, both_locks

with lazy_imports():
    import secrets

_FileState = tuple[int, int, int]
"""Inode, size and time of the last change (ns) of a file."""

MOVED = "moved"
"""The file with the address of the database to which a store was moved. Nothing is written here then."""

CLOSING_PATIENCE = 2.0
"""Seconds to wait for another process on closing, to record the end of the log."""


class Engine:
    """The engine of an open store. It holds no lock between calls, which may come from any thread.

    ``damage`` says why a store that was to be written is open for reading only.
    """

    def __init__(
        self, folder: Path, *, read_only: bool, clock: Clock, person: str = "", disk: Disk = DISK
    ) -> None:
        self.folder = folder
        self.disk = disk
        self.clock = clock
        self.damage: StoreUnreadable | None = None
        self._read_only = read_only
        self._closed = False
        self._mutex = threading.RLock()
        self._views: weakref.WeakSet[StoreSnapshot] = weakref.WeakSet()
        self._lock: Lock | None = None
        self._log: CommitLog | None = None
        self._failed: _FileState | None = None
        if not read_only:
            ensure_private(folder)
            self._lock = Lock(folder / STORE_LOCK, clock=clock, person=person, what="writing")
        self._head_path = str(folder / HEAD)
        before = _stat(self._head_path)
        loaded = self._open()
        self.state, self.head = loaded.state, loaded.head
        self._log_path = str(folder / self.head.log)
        self._committed = self.state.mark
        self._recorded = self.state.mark.position
        # The state of the file is that from before reading, so that no later change is missed.
        self._seen: tuple[_FileState, _FileState | None] = (before, None)
        if not self.read_only and loaded.tail != "clean":
            with self.locked():
                pass  # the torn tail is cut when the lock is taken
        self.refresh()

    # -- reading ---------------------------------------------------------------------------------------

    @property
    def read_only(self) -> bool:
        """Whether writes are refused, by request or because of damage."""
        return self._read_only or self.damage is not None

    @property
    def mark(self) -> Mark:
        """The mark of the latest known commit."""
        return self.state.mark

    def snapshot(self) -> StoreSnapshot:
        """Return the current state, including commits of other processes."""
        # While another thread commits, the state that it saw under the lock is the latest.
        if self._mutex.acquire(timeout=0.01):
            try:
                self.refresh()
            finally:
                self._mutex.release()
        return self.view()

    def view(self) -> StoreSnapshot:
        """Return the state in memory."""
        view = StoreSnapshot(self.state, self._build, self.head.store_id)
        self._views.add(view)
        return view

    def watch(self) -> int:
        """Return the position on disk, from two ``stat`` calls and the last bytes of the log."""
        known = self.state.mark.position
        if self.damage is not None:
            return known
        head, log = self._file_states()
        if (head, log) == self._seen:
            return known
        before = self._seen[1]
        if head != self._seen[0] or (before is not None and log[1] <= before[1]):
            # Another generation, or a log that has changed without growing: it must be read.
            return self.snapshot().position
        try:
            fd = os.open(self.folder / self.head.log, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return known
        try:
            return peek_position(fd, log[1]) or known
        finally:
            os.close(fd)

    # -- writing ---------------------------------------------------------------------------------------

    def transact(self, make: Callable[[StoreSnapshot], Sequence[EncodedWrite]]) -> int:
        """Commit what ``make`` returns for the latest state, with other writers locked out.

        Raises:
            ReadOnly: The store is open for reading only.
            StoreUnreadable: The store is damaged.
            DiskError: The commit cannot be written. Nothing is written after any of these errors.
            Busy: Another process holds the store.
        """
        self._refuse_reading()
        with self.locked():
            changes = list(make(self.view()))
            if changes:
                self._append(changes)
            return self.state.mark.position

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the store lock with the latest state in memory and the log intact after it."""
        self._refuse_reading()
        assert self._lock is not None
        with self._mutex, self._lock.hold(PATIENCE):
            self.refresh(locked=True)
            refuse_moved(self.folder)
            yield

    def refresh(self, *, locked: bool = False) -> None:
        """Read what other processes have committed.

        ``locked``: the store lock is held, so the tail is repaired, and damage is raised. Without the lock, a
            reader
        keeps its state, and ``damage`` is set.
        """
        if self.damage is not None:
            return
        seen = self._file_states()
        if seen == self._seen and (not locked or seen[1][1] == self.state.mark.offset):
            return
        if self._failed == seen[1] and seen[0] == self._seen[0] and not locked:
            return  # The difference is our own failed write, which could not be removed yet.
        log = self._log_path
        try:
            self._catch_up(seen, locked)
        except StoreUnreadable as error:
            self.damage = error
            if locked:
                raise
            return
        if locked:
            self._committed = self.state.mark
            self._failed = None
        # Without the lock, someone may have written meanwhile: then the next check finds a difference.
        self._seen = self._file_states() if locked else (seen[0], seen[1] if log == self._log_path else None)

    def _catch_up(self, seen: tuple[_FileState, _FileState], locked: bool) -> None:
        head, log = seen
        known = self._seen[1]
        if locked and self._failed == log and head == self._seen[0] and self._log is not None:
            # Our last write failed and could not be removed; no one has written after it since.
            self._log.cut(self.state.mark)
        elif head != self._seen[0]:
            self._switch(locked)
        elif log[1] < self.state.mark.offset or (
            known is not None and (log[0] != known[0] or (log[1] == known[1] and log != known))
        ):
            # Another file, a shorter one, or one rewritten with the same length: read and verify everything.
            self._reload(locked)
        else:
            self._read_on(locked)

    def adopt(self, head: Manifest, mark: Mark) -> None:
        """Switch to a new generation that this process has just installed. The store lock is held."""
        self.head = head
        self.state.version.mark = mark
        self._committed = mark
        self._reopen()
        with suppress(DiskError):
            self._record()
        self._seen = self._file_states()

    def replace_state(self, loaded: Loaded) -> None:
        """Switch to another state; existing snapshots keep the old one."""
        self.state, self.head = loaded.state, loaded.head
        self._reopen()

    def record_end(self, patience: float = PATIENCE) -> None:
        """Record durably how far the log reaches, if this process has committed since the last record.

        Raises:
            Busy: Another process holds the store.
            StoreUnreadable: The store is damaged.
            DiskError: The record cannot be written; the store itself is intact.
        """
        if self.read_only or self._lock is None or self._committed.position <= self._recorded:
            return
        with self._mutex, self._lock.hold(patience):
            self.refresh(locked=True)
            self._record()

    def _record(self) -> None:
        write_log_end(self.folder, self.head, self.state.mark, disk=self.disk)
        self._recorded = self.state.mark.position

    def close(self) -> None:
        """Record the end of the log and close the files; a second call has no effect."""
        with suppress(AppError):
            if not self._closed:
                self.record_end(CLOSING_PATIENCE)
        with self._mutex:
            if self._log is not None:
                self._log.close()
                self._log = None
            if self._lock is not None:
                self._lock.close()
            self._closed = True

    # -- opening and catching up -----------------------------------------------------------------------

    def _open(self) -> Loaded:
        try:
            loaded = load(self.folder)
            if loaded is None:
                return self._create()
            return loaded if loaded.head.format == newest() else self._upgrade(loaded)
        except StoreUnreadable as error:
            saved = rescue(self.folder, error)
            self.damage = saved.damage
            return saved.loaded

    def _create(self) -> Loaded:
        if self._lock is None:
            raise StoreUnreadable(f"There is no data in {self.folder}.", hint="Check --home and --practice.")
        with self._lock.hold(PATIENCE):
            loaded = load(self.folder)
            if loaded is not None:
                return loaded
            head = Manifest(
                format=newest(),
                store_id=secrets.token_hex(8),
                generation=1,
                position=0,
                chain=0,
                made=self.clock.now(),
                tables={},
            )
            size = replace_bytes(self.folder / head.log, first_line(head), disk=self.disk)
            write_manifest(self.folder, head, disk=self.disk)
            write_log_end(self.folder, head, Mark(size, 0, 0), disk=self.disk)
            made = load(self.folder)
            assert made is not None
            return made

    def _upgrade(self, loaded: Loaded) -> Loaded:
        """Migrate an older format; a reader does so only in memory."""
        if self._read_only:
            return migrate_rows(loaded)
        with both_locks(self.folder, self.clock, "changing the format"):
            loaded = upgrade(self.folder, self.clock, self.disk)
        return loaded

    def _append(self, changes: list[EncodedWrite]) -> None:
        if self._log is None:
            self._log = CommitLog(self.folder / self.head.log, disk=self.disk)
        try:
            mark = self._log.append(changes, self.state.mark, to_milliseconds(self.clock.now()))
        except DiskError:
            log = self._file_states()[1]
            self._failed = log if log[1] > self.state.mark.offset else None
            raise
        self.state.apply(changes, mark, watched=len(self._views) > 0)
        self._committed = mark
        if mark.position - self._recorded >= RECORD_EVERY:
            with suppress(DiskError):  # the commit itself is durable, and the next one tries again
                self._record()
        self._seen = self._file_states()

    def _read_on(self, locked: bool) -> None:
        scan = Scan(self.folder / self.head.log, self.state.mark)
        for transaction in scan:
            self.state.apply(transaction.changes, transaction.mark, watched=len(self._views) > 0)
        if scan.tail == "damaged":
            # Possibly a failed write that was removed after we read it: only reading everything shows that.
            self._reload(locked)
        elif locked:
            self._repair(scan.tail)

    def _switch(self, locked: bool) -> None:
        """Switch to a new generation that another process has installed."""
        if (self.folder / self.head.log).exists():
            self._read_on(locked=False)
        head = read_manifest(self.folder / HEAD)
        if head is None or head.store_id != self.head.store_id:
            raise StoreDamaged(
                self.folder / HEAD, "was replaced by that of another practice. Nothing was written."
            )
        try:
            # The new generation contains all of the old log, so a state at its position can continue there.
            tail = follow(self.state, self.folder / head.log, watched=len(self._views) > 0)
        except StoreDamaged:
            tail = None
        if tail is None or tail in BROKEN:
            self._reload(locked)
            return
        self.head = head
        self._reopen()
        if locked:
            self._repair(tail)

    def _reload(self, locked: bool) -> None:
        loaded = load(self.folder)
        if loaded is None:
            raise StoreDamaged(self.folder / HEAD, "is gone: the data was deleted. Nothing was written.")
        if loaded.head.store_id != self.head.store_id:
            raise StoreDamaged(
                self.folder / HEAD, "was replaced by that of another practice. Nothing was written."
            )
        same = loaded.head.generation == self.head.generation
        if locked and same and loaded.state.mark.position < self._committed.position:
            raise StoreDamaged(
                self.folder / loaded.head.log,
                f"was cut by another program: it ends at {describe_mark(loaded.state.mark)} and was at "
                f"{describe_mark(self._committed)}. Nothing was written.",
            )
        self.replace_state(loaded)
        if locked:
            self._repair(loaded.tail)

    def _repair(self, tail: str) -> None:
        """Cut a torn tail, or complete a line; the store lock is held."""
        if tail == "clean":
            return
        if self._log is None:
            self._log = CommitLog(self.folder / self.head.log, disk=self.disk)
        if tail == "whole":
            self._log.heal(self.state.mark)
            self._read_on(locked=False)
        else:
            self._log.cut(self.state.mark)

    def _reopen(self) -> None:
        self._log_path = str(self.folder / self.head.log)
        if self._log is not None:
            self._log.close()
            self._log = None

    def _file_states(self) -> tuple[_FileState, _FileState]:
        return _stat(self._head_path), _stat(self._log_path)

    def _build(self, live: LiveTable, table: TableSchema[Any], name: str) -> Index:
        with self._mutex:
            return live.indexes.get(name) or live.indexes.build(table, name, live.rows)

    def _refuse_reading(self) -> None:
        if self._closed:
            raise ReadOnly("The data store is closed.")
        if self.damage is not None:
            raise self.damage
        if self._read_only:
            raise ReadOnly(
                "The data is open for reading only.", hint="Run it again without --read-only to write."
            )


def refuse_moved(folder: Path) -> None:
    """Raise ``StoreUnreadable`` if the store in a folder was moved to a database."""
    try:
        address = (folder / MOVED).read_text(encoding="utf-8")
    except OSError:
        return
    raise StoreUnreadable(
        f"The data was moved to {visible(address, 240)}.",
        hint="Open the practice again. If it is not found there, finish the move: xpm-tui data move --to URL",
    )


def _stat(path: str) -> _FileState:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return (0, -1, 0)
    return (found.st_ino, found.st_size, found.st_mtime_ns)
