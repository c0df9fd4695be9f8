"""Opening a practice's book: the Book port over TinyDB."""

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
    """The book of one practice: the Book port, and what its owner needs to know about it.

    Holds no lock between two calls; any thread may call it. The commit log is folded into the snapshot files
    by a thread of its own, so no commit waits for that.
    """

    def __init__(self, folder: Path, *, read_only: bool, clock: Clock, person: str, disk: Disk) -> None:
        self.folder = folder
        self.db = PracticeDB(folder, read_only=read_only, clock=clock, person=person, disk=disk)
        self._engine = self.db.engine
        self._folding: threading.Thread | None = None
        self.summarise_error: AppError | None = None

    @property
    def read_only(self) -> bool:
        """Whether commits are refused, by wish or because of damage."""
        return self._engine.read_only

    @property
    def damage(self) -> StoreUnreadable | None:
        """Why a book can only be read, in words that also tell what the state shown may lack; None: whole."""
        return self._engine.damage

    @property
    def generation(self) -> int:
        """How often the log was folded into fresh snapshot files, and once more."""
        return self._engine.head.generation

    @property
    def warnings(self) -> tuple[str, ...]:
        """What its owner should hear once: a network file system, a log that could not be folded in."""
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
        """What is there now, other processes' commits included."""
        return self.db.snapshot()

    def commit(self, writes: Iterable[Write], *, since: Snapshot | None = None) -> int:
        """Make the writes durable, all or none; gives the new position. No writes: no commit.

        ``since``: only where none of these rows has changed after that snapshot. Raises ``BadInput`` (a value
        that does not fit), ``ReadOnly``, ``StoreUnreadable``, ``DiskError``, ``Busy`` and ``StoreChanged``;
        nothing is written then.
        """
        position = self.db.commit(writes, since=since)
        if writes:
            self._fold_soon()
        return position

    def transact(self, make: Callable[[TableSnapshot], Iterable[Write]]) -> int:
        """Commit what ``make`` asks for when it is shown the newest snapshot, nobody coming in between."""
        position = self.db.transact(make)
        self._fold_soon()
        return position

    def watch(self) -> int:
        """Position on disk, read cheaply: differs from a snapshot's when the book has moved."""
        return self._engine.watch()

    def compact(self) -> bool:
        """Fold the log in now; False where another process is at it. Raises what a commit raises."""
        return compact(self._engine)

    def record_end(self) -> None:
        """Record durably how far the commit log reaches: at the end of a run. Raises what a commit raises."""
        self._engine.record_end()

    def close(self) -> None:
        """Fold a long log in, and give the files back. Never raises for a disk that is full."""
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
    """Open (and, unless ``read_only``, where missing make) the book in ``folder``.

    A damaged book opens for reading only at its last good state: ``read_only`` and ``damage`` of the result
    tell. Raises ``StoreUnreadable`` where there is no book (``read_only``), none that this version knows, or
    nothing that can be proved good; ``BadInput`` for a folder that is not private; ``DiskError``.
    """
    return DiskStore(folder, read_only=read_only, clock=clock, person=person, disk=disk)
