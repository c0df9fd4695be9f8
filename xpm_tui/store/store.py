"""Opens a practice's store: the Book port over TinyDB."""

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
    """The store of a practice: the Book port, with its condition.

    It holds no lock between calls, which may come from any thread. A thread of its own compacts the commit
    log, so no commit waits for that.
    """

    def __init__(self, folder: Path, *, read_only: bool, clock: Clock, person: str, disk: Disk) -> None:
        self.folder = folder
        self.db = PracticeDB(folder, read_only=read_only, clock=clock, person=person, disk=disk)
        self._engine = self.db.engine
        self._folding: threading.Thread | None = None
        self.summarise_error: AppError | None = None

    @property
    def read_only(self) -> bool:
        """Whether commits are refused, by request or because of damage."""
        return self._engine.read_only

    @property
    def damage(self) -> StoreUnreadable | None:
        """Why the store can only be read, and what the state may lack; None if it is intact."""
        return self._engine.damage

    @property
    def generation(self) -> int:
        """The number of the generation, which increases with each compaction."""
        return self._engine.head.generation

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings for the user: a network file system, or a log that could not be compacted."""
        kind = network_file_system(self.folder)
        messages = []
        if kind:
            messages.append(
                f"The data is on a network file system ({kind}): locks and durable writes are only "
                "as reliable as the server. A local disk is safe."
            )
        if self.summarise_error is not None:
            messages.append(f"The commit log could not be compacted: {self.summarise_error.message}")
        return tuple(messages)

    def snapshot(self) -> TableSnapshot:
        """Return the current state, including commits of other processes."""
        return self.db.snapshot()

    def commit(self, writes: Iterable[Write], *, since: Snapshot | None = None) -> int:
        """Commit writes durably, all or none; return the new position. Without writes there is no commit.

        ``since``: only if none of these rows has changed after that snapshot. Nothing is written after an
        error.

        Raises:
            BadInput: A value does not match its field.
            ReadOnly: The store is open for reading only.
            StoreUnreadable: The store is damaged.
            StoreChanged: A row has changed since the snapshot.
            DiskError: The commit cannot be written.
            Busy: Another process holds the store.
        """
        position = self.db.commit(writes, since=since)
        if writes:
            self._compact_soon()
        return position

    def transact(self, make: Callable[[TableSnapshot], Iterable[Write]]) -> int:
        """Commit what ``make`` returns for the latest snapshot, with other writers locked out."""
        position = self.db.transact(make)
        self._compact_soon()
        return position

    def watch(self) -> int:
        """Return the position on disk, which is cheap to read and changes with every commit."""
        return self._engine.watch()

    def compact(self) -> bool:
        """Compact the log now; return False if another process does. Raises what a commit raises."""
        return compact(self._engine)

    def record_end(self) -> None:
        """Record durably how far the commit log reaches, at the end of a run. Raises what a commit raises."""
        self._engine.record_end()

    def close(self) -> None:
        """Compact a long log, and close the files. A full disk raises no error."""
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

    def _compact_soon(self) -> None:
        if not due(self._engine) or (self._folding is not None and self._folding.is_alive()):
            return
        self._folding = threading.Thread(target=self._compact, name="book-fold")
        self._folding.start()

    def _compact(self) -> None:
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
    """Open the store in ``folder``; create it if missing, unless ``read_only``.

    A damaged store is opened for reading only, at its last valid state: see ``read_only`` and ``damage``.

    Raises:
        StoreUnreadable: There is no store (``read_only``), its format is not known, or no valid state is
            left.
        BadInput: The folder is not private.
        DiskError: The files cannot be read or written.
    """
    return DiskStore(folder, read_only=read_only, clock=clock, person=person, disk=disk)
