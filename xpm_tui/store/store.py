"""Opens a practice's store: the Store port over TinyDB."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Self, cast

from xpm_tui.domain.errors import AppError, Busy, StoreUnreadable
from xpm_tui.domain.ports import Clock, Snapshot, Write
from xpm_tui.files.machine import DISK, Disk
from xpm_tui.files.private import network_file_system
from xpm_tui.store.compaction import compact, is_due
from xpm_tui.store.engine import Engine, refuse_moved
from xpm_tui.store.tables import PracticeDB, TableSnapshot


class TableStore:
    """The store of one practice on any engine: the Store port, and what its owner needs to know about it.

    Holds no lock between two calls; any thread may call it.
    """

    db: PracticeDB

    @property
    def read_only(self) -> bool:
        """Whether commits are refused, by wish or because of damage."""
        return bool(self.db.engine.read_only)

    @property
    def damage(self) -> StoreUnreadable | None:
        """Why a store can only be read, in words that also tell what is missing; None: nothing is wrong."""
        return cast("StoreUnreadable | None", self.db.engine.damage)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What its owner should hear once."""
        return ()

    def snapshot(self) -> TableSnapshot:
        """Return the current state, other processes' commits included."""
        return self.db.snapshot()

    def commit(self, writes: Iterable[Write], *, since: Snapshot | None = None) -> int:
        """Make the writes durable, all or none; gives the new position. No writes: no commit.

        ``since``: only where none of these rows has changed after that snapshot. Raises ``BadInput`` (a value
        that does not fit), ``ReadOnly``, ``StoreUnreadable``, ``DiskError``, ``Busy`` and ``StoreChanged``;
        nothing is written then.
        """
        return self.db.commit(writes, since=since)

    def transact(self, make: Callable[[TableSnapshot], Iterable[Write]]) -> int:
        """Commit what ``make`` asks for when it is shown the newest snapshot, nobody coming in between."""
        return self.db.transact(make)

    def watch(self) -> int:
        """Return the newest position, read cheaply: differs from a snapshot's when the store has moved."""
        return int(self.db.engine.watch())

    def record_end(self) -> None:
        """Do what is due at the end of a run. Raises what a commit raises."""

    def close(self) -> None:
        """Give everything back."""
        self.db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class DiskStore(TableStore):
    """The store of one practice in a folder of this machine.

    The commit log is folded into the snapshot files by a thread of its own, so no commit waits for that.
    """

    def __init__(self, folder: Path, *, read_only: bool, clock: Clock, person: str, disk: Disk) -> None:
        self.folder = folder
        self.db = PracticeDB(folder, read_only=read_only, clock=clock, person=person, disk=disk)
        self._engine: Engine = self.db.engine
        self._folding: threading.Thread | None = None
        self.summarise_error: AppError | None = None

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

    def commit(self, writes: Iterable[Write], *, since: Snapshot | None = None) -> int:
        """Commit like :meth:`TableStore.commit`; a long log is compacted afterwards."""
        position = self.db.commit(writes, since=since)
        if writes:
            self._compact_soon()
        return position

    def transact(self, make: Callable[[TableSnapshot], Iterable[Write]]) -> int:
        """Commit like :meth:`TableStore.transact`; a long log is compacted afterwards."""
        position = self.db.transact(make)
        self._compact_soon()
        return position

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
        if not self.read_only and is_due(self._engine):
            with suppress(AppError):
                compact(self._engine)
        self.db.close()

    def _compact_soon(self) -> None:
        if not is_due(self._engine) or (self._folding is not None and self._folding.is_alive()):
            return
        self._folding = threading.Thread(target=self._compact, name="book-fold")
        self._folding.start()

    def _compact(self) -> None:
        try:
            compact(self._engine)
            self.summarise_error = None
        except Busy:
            return
        except AppError as error:
            self.summarise_error = error


def open_store(
    folder: Path, *, read_only: bool = False, clock: Clock, person: str = "", disk: Disk = DISK
) -> DiskStore:
    """Open the store in ``folder``; create it if it is missing, unless ``read_only``.

    A damaged store is opened for reading only, at its last intact state: see ``read_only`` and ``damage`` of
    the result. Raises ``StoreUnreadable`` if there is no store (``read_only``), if its format is unknown, if
    no intact state is left, or if it was moved to a database; ``BadInput`` for a folder that is not private;
    ``DiskError``.
    """
    refuse_moved(folder)
    return DiskStore(folder, read_only=read_only, clock=clock, person=person, disk=disk)
