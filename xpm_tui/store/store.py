"""Opening a practice's store: the Store port over TinyDB."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Self

from xpm_tui.domain.errors import AppError, Busy, StoreUnreadable
from xpm_tui.domain.ports import Clock, Snapshot, Write
from xpm_tui.files.machine import DISK, Disk
from xpm_tui.files.private import network_file_system
from xpm_tui.store.compaction import compact, due
from xpm_tui.store.tables import PracticeDB, TableSnapshot


class DiskStore:
    """The store of one practice: the store port, and what its owner needs to know about it.

    It holds no lock between two calls; any thread may call it. A thread of its own merges the commit log into
    the snapshot files, so that commits do not wait for it.
    """

    def __init__(self, folder: Path, *, read_only: bool, clock: Clock, person: str, disk: Disk) -> None:
        self.folder = folder
        self.db = PracticeDB(folder, read_only=read_only, clock=clock, person=person, disk=disk)
        self._engine = self.db.engine
        self._folding: threading.Thread | None = None
        self.summarise_error: AppError | None = None

    @property
    def read_only(self) -> bool:
        """Whether commits are refused, because it was requested or because of damage."""
        return self._engine.read_only

    @property
    def damage(self) -> StoreUnreadable | None:
        """Why the store can only be read, and what the state shown may lack; None if complete."""
        return self._engine.damage

    @property
    def generation(self) -> int:
        """The number of the current generation: one more than the number of compactions."""
        return self._engine.head.generation

    @property
    def warnings(self) -> tuple[str, ...]:
        """What its owner should be told once: a network file system, a log that could not be merged."""
        kind = network_file_system(self.folder)
        said = []
        if kind:
            said.append(
                f"The data is on a network file system ({kind}): locks and durable writes are only "
                "as reliable as the server. A local disk is safe."
            )
        if self.summarise_error is not None:
            said.append(f"The commit log could not be compacted: {self.summarise_error.message}")
        return tuple(said)

    def snapshot(self) -> TableSnapshot:
        """Return the current state, including other processes' commits."""
        return self.db.snapshot()

    def commit(self, writes: Iterable[Write], *, since: Snapshot | None = None) -> int:
        """Make the writes durable, all or none, and return the new position.

        Without writes there is no commit. Nothing is written if this raises.

        Args:
            writes: The rows to write and delete.
            since: If given, commit only if none of these rows has changed after that snapshot.

        Raises:
            BadInput: A value does not fit its field.
            ReadOnly: The store is open for reading only.
            StoreUnreadable: The store is damaged.
            DiskError: The disk is full or cannot be written.
            Busy: Another process holds the store lock.
            StoreChanged: A row has changed after ``since``.
        """
        position = self.db.commit(writes, since=since)
        if writes:
            self._fold_soon()
        return position

    def transact(self, make: Callable[[TableSnapshot], Iterable[Write]]) -> int:
        """Commit the writes that ``make`` returns for the newest snapshot, with other writers kept out."""
        position = self.db.transact(make)
        self._fold_soon()
        return position

    def watch(self) -> int:
        """Return the position on disk; it differs from a snapshot's if the store has changed."""
        return self._engine.watch()

    def compact(self) -> bool:
        """Merge the log now; return False if another process is doing so. Raises what a commit raises."""
        return compact(self._engine)

    def record_end(self) -> None:
        """Record the length of the commit log durably, at the end of a run. Raises what a commit raises."""
        self._engine.record_end()

    def close(self) -> None:
        """Merge a long log and close the files. Never raises for a full disk."""
        if self._folding is not None:
            self._folding.join()
            self._folding = None
        if not self.read_only and due(self._engine):
            with suppress(AppError):
                compact(self._engine)
        self.db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _fold_soon(self) -> None:
        if not due(self._engine) or (self._folding is not None and self._folding.is_alive()):
            return
        self._folding = threading.Thread(target=self._fold, name="book-fold")
        self._folding.start()

    def _fold(self) -> None:
        try:
            compact(self._engine)
            self.summarise_error = None
        except Busy:
            return
        except AppError as trouble:
            self.summarise_error = trouble


def open_store(
    folder: Path, *, read_only: bool = False, clock: Clock, person: str = "", disk: Disk = DISK
) -> DiskStore:
    """Open the store in ``folder``, or create it unless ``read_only``.

    A damaged store is opened for reading only at its last good state, as ``read_only`` and ``damage`` of the
    result show.

    Raises:
        StoreUnreadable: There is no store (``read_only``), its format is unknown, or no state can be
            verified.
        BadInput: The folder is not private.
        DiskError: The disk is full or cannot be written.
    """
    return DiskStore(folder, read_only=read_only, clock=clock, person=person, disk=disk)
