"""Looking after a book from outside: check, repair, compact, back up, restore, purge."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path

import msgspec

from xpm_tui.domain.errors import BadInput, StoreUnreadable
from xpm_tui.domain.ports import Clock
from xpm_tui.files.atomic import leftovers
from xpm_tui.files.disk import disk_error
from xpm_tui.files.private import ensure_private
from xpm_tui.store.backup import BACKUPS, Backup, own_backup, unpacked, write_backup
from xpm_tui.store.integrity import IntegrityFinding, Report, check
from xpm_tui.store.loader import Loaded, at, load, rescue, salvage
from xpm_tui.store.log_end import LOG_END
from xpm_tui.store.manifest import HEAD, StoreDamaged, previous_manifest
from xpm_tui.store.snapshot_set import both_locks, generation_files, install
from xpm_tui.store.store import open_store
from xpm_tui.store.upgrades import migrated, private_view

__all__ = ["Backup", "Compacted", "IntegrityFinding", "Purged", "Repaired", "Report", "Restored"]
__all__ += ["backup", "check", "compact", "purge", "repair", "restore"]


class Repaired(msgspec.Struct, frozen=True, kw_only=True):
    """What a repair did: ``kept`` says where the damaged files are, ``lost_rows`` how many could not be read.

    ``changed`` is false for a book that needed none. ``lossless``: nothing that was committed is missing.
    """

    changed: bool
    lossless: bool
    position: int
    lost_rows: int = 0
    kept: str = ""
    lines: tuple[str, ...] = ()


class Compacted(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes of all files of the book before and after; ``done`` is false where another process is at it."""

    done: bool
    before: int
    after: int


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """The new position; ``backed_up`` is where what was there before is, ``rows`` what is there now."""

    position: int
    backed_up: str
    rows: dict[str, int]


class Purged(msgspec.Struct, frozen=True, kw_only=True):
    """Files and bytes that are gone; ``left`` are files that are not the book's."""

    files: int
    bytes: int
    left: tuple[str, ...] = ()


def backup(folder: Path, target: Path, *, clock: Clock) -> Backup:
    """Write a backup to ``target`` and read it back. Commits wait meanwhile.

    Raises ``StoreUnreadable`` (damaged: a backup of damage is none), ``BadInput`` (the file is already
    there),
    ``DiskError``, ``Busy``.
    """
    _need(folder)
    with both_locks(folder, clock, "making a backup"):
        return write_backup(folder, target)


def compact(folder: Path, *, clock: Clock) -> Compacted:
    """Fold the commit log in now, and remove what is no longer needed. Raises what a commit raises."""
    _need(folder)
    before = _size(folder)
    with open_store(folder, clock=clock) as book:
        if book.damage is not None:
            raise book.damage
        done = book.compact()
    return Compacted(done=done, before=before, after=_size(folder))


def repair(folder: Path, *, clock: Clock, lossy: bool = False) -> Repaired:
    """Make a damaged book whole again from its last good state. The damaged files are kept beside it.

    ``lossy`` also takes what can be read of files that nothing else stands in for, and tells how many rows
    could not. Raises ``StoreUnreadable`` where that would be needed and was not asked for, or nothing is
    left.
    """
    _need(folder)
    with both_locks(folder, clock, "repairing the data"):
        try:
            loaded = load(folder)
        except StoreDamaged as damage:
            return _repair(folder, damage, clock, lossy)
        if loaded is None:
            raise StoreUnreadable(f"There is no data in {folder}.", hint="Restore a backup into it.")
        if loaded.tail == "clean":
            words = f"The data is intact, as of {at(loaded.state.mark)}: nothing to repair."
            return Repaired(changed=False, lossless=True, position=loaded.state.mark.position, lines=(words,))
    # A torn write at the end of the log was never acknowledged; opening for writing cuts it.
    with open_store(folder, clock=clock) as book:
        position = book.snapshot().position
    line = "An incomplete write was removed from the commit log; it had not been confirmed."
    return Repaired(changed=True, lossless=True, position=position, lines=(line,))


def _repair(folder: Path, damage: StoreDamaged, clock: Clock, lossy: bool) -> Repaired:
    lines = [damage.message]
    lost = 0
    try:
        saved = rescue(folder, damage)
        loaded, lossless = saved.loaded, saved.lossless
        lacks = "no commit is missing" if lossless else "what was committed after it is lost"
        lines.append(f"Restored the state of {at(loaded.state.mark)}: {lacks}.")
    except StoreUnreadable:
        if not lossy:
            raise
        loaded, told = salvage(folder, damage)
        lost, lossless = told.lost_rows, False
        lines += told.lines
    old = {path for _, path in generation_files(folder)}
    old |= {path for path in (folder / HEAD, previous_manifest(folder)) if path.exists()}
    ends = [folder / HEAD, previous_manifest(folder), folder / LOG_END]
    kept = ensure_private(folder / f"damaged-{clock.now():%Y%m%dT%H%M%S}")
    with disk_error(kept):
        for path in ends:
            if path.exists():
                (kept / path.name).write_bytes(path.read_bytes())
    _put(folder, loaded, clock)
    with disk_error(kept, "moved"):
        for path in sorted(old):
            if path.name != HEAD and path != previous_manifest(folder):
                path.rename(kept / path.name)
        previous_manifest(folder).unlink(missing_ok=True)
    lines.append(f"The damaged files are kept in {kept}.")
    return Repaired(
        changed=True,
        lossless=lossless,
        position=loaded.state.mark.position + 1,
        lost_rows=lost,
        kept=str(kept),
        lines=tuple(lines),
    )


def restore(folder: Path, source: Path, *, clock: Clock) -> Restored:
    """Put the state of a backup in place; what was there before is backed up first, or kept as it is.

    Other processes see it as one change of everything. Raises ``BadInput`` for a file that is no whole
    backup, ``DiskError``, ``Busy``. The caller holds the run lock.
    """
    ensure_private(folder)
    with unpacked(source) as found, both_locks(folder, clock, "restoring a backup"):
        backed_up = ""
        now: Loaded | None = None
        try:
            now = load(folder)
            if now is not None:
                backed_up = write_backup(folder, own_backup(folder, "before-restore", clock.now())).path
        except StoreUnreadable:
            backed_up = str(_aside(folder, clock))
        position = max(now.state.mark.position if now else 0, found.state.mark.position) + 1
        book = now.head.book if now else found.head.book
        _put(folder, migrated(found), clock, book=book, position=position)
        rows = {name: len(live.rows) for name, live in found.state.tables.items() if live.rows}
    return Restored(position=position, backed_up=backed_up, rows=rows)


def purge(folder: Path, *, clock: Clock) -> Purged:
    """Delete the book, its backups and what repairs kept. Deleted is not shredded: a disk may keep traces."""
    _need(folder)
    with both_locks(folder, clock, "deleting the data"):
        ours = [path for _, path in generation_files(folder)] + leftovers(folder)
        ends = (folder / HEAD, previous_manifest(folder), folder / LOG_END)
        ours += [path for path in ends if path.exists()]
        for place in [folder / BACKUPS, *folder.glob("damaged-*")]:
            ours += [path for path in place.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in ours)
        with disk_error(folder, "deleted"):
            for path in ours:
                path.unlink()
            for place in [folder / BACKUPS, *folder.glob("damaged-*")]:
                if place.is_dir() and not any(place.iterdir()):
                    place.rmdir()
        locks = {"book.lock", "compact.lock"}
        left = sorted(path.name for path in folder.iterdir() if path.name not in locks)
    return Purged(files=len(ours), bytes=size, left=tuple(left))


def _put(folder: Path, loaded: Loaded, clock: Clock, *, book: str = "", position: int | None = None) -> None:
    mark = loaded.state.mark
    install(
        folder,
        private_view(loaded.state),
        book=book or loaded.head.book,
        position=mark.position + 1 if position is None else position,
        # A chain of its own: no process may take this for a continuation of what it has in memory.
        chain=secrets.randbits(32),
        clock=clock,
    )


def _aside(folder: Path, clock: Clock) -> Path:
    kept = ensure_private(folder / f"damaged-{clock.now():%Y%m%dT%H%M%S}")
    with disk_error(kept, "moved"):
        files: Sequence[Path] = [path for _, path in generation_files(folder)]
        for path in [*files, folder / HEAD, previous_manifest(folder), folder / LOG_END]:
            if path.exists():
                path.rename(kept / path.name)
    return kept


def _need(folder: Path) -> None:
    if not folder.is_dir() or not (
        (folder / HEAD).exists() or previous_manifest(folder).exists() or generation_files(folder)
    ):
        raise BadInput(f"There is no data in {folder}.", hint="Check --home and --practice.")


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for _, path in generation_files(folder))
