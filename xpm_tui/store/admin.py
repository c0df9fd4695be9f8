"""Administration of a store: check, repair, compact, back up, restore and purge.

A check reads every byte, every row and every reference, and changes nothing.
"""

from __future__ import annotations

import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from xpm_tui.domain.errors import BadInput, StoreUnreadable
from xpm_tui.domain.formatting import count, plural
from xpm_tui.domain.ports import Clock
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import ALL, BASE, CLIENTS, IMAGES, LINKS, META, PLANNED, PLANS, RUNS, TableSchema
from xpm_tui.files.durable import temporary_files
from xpm_tui.files.machine import disk_error
from xpm_tui.files.private import ensure_private, network_file_system
from xpm_tui.store.backup import (
    BACKUPS,
    Backup,
    automatic_backup_path,
    migrate_rows,
    private_view,
    unpacked,
    write_backup,
)
from xpm_tui.store.commit_log import LOG_END
from xpm_tui.store.encoding import decode
from xpm_tui.store.loader import Loaded, describe_mark, load, load_generation, rescue, salvage
from xpm_tui.store.manifest import HEAD, StoreDamaged, previous_manifest, read_manifest
from xpm_tui.store.snapshot import StoreSnapshot
from xpm_tui.store.snapshot_set import both_locks, generation_files, install
from xpm_tui.store.store import open_store

_COUNTED: dict[str, TableSchema[Any]] = {"c": CLIENTS, "p": PLANS, "r": RUNS}


class IntegrityFinding(msgspec.Struct, frozen=True):
    """A finding: an ``error`` (the store is damaged), a ``warning`` (it may soon be), or a ``note``."""

    level: Literal["error", "warning", "note"]
    text: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a check: its findings, the rows by table, and the bytes of all files."""

    position: int
    generation: int
    rows: dict[str, int]
    bytes: int
    findings: tuple[IntegrityFinding, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether no error was found."""
        return not any(finding.level == "error" for finding in self.findings)


def check(folder: Path) -> Report:
    """Check everything in the store in ``folder``.

    Raises:
        StoreUnreadable: There is no store that can be read.
    """
    findings: list[IntegrityFinding] = []
    try:
        loaded = load(folder)
        if loaded is None:
            raise StoreUnreadable(f"There is no data in {folder}.", hint="Check --home and --practice.")
        if loaded.tail != "clean":
            findings.append(
                IntegrityFinding(
                    "note", "The commit log ends with an incomplete write; the next commit removes it."
                )
            )
    except StoreDamaged as damage:
        findings.append(IntegrityFinding("error", damage.message))
        try:
            saved = rescue(folder, damage)
        except StoreUnreadable:
            findings.append(
                IntegrityFinding(
                    "error", "No complete and intact state of the data is left: restore a backup."
                )
            )
            return Report(
                position=0, generation=0, rows={}, bytes=_size_on_disk(folder), findings=tuple(findings)
            )
        loaded = saved.loaded
        findings.append(IntegrityFinding("note", saved.damage.message))
    view = private_view(loaded.state)
    findings += _check_folder(folder, loaded)
    findings += check_rows(view)
    return Report(
        position=view.position,
        generation=loaded.head.generation,
        rows={name: view.count_in(name) for name in view.names()},
        bytes=_size_on_disk(folder),
        findings=tuple(findings),
    )


def _check_folder(folder: Path, loaded: Loaded) -> Iterator[IntegrityFinding]:
    kind = network_file_system(folder)
    if kind:
        yield IntegrityFinding("warning", f"The data is on a network file system ({kind}): use a local disk.")
    if stat.S_IMODE(folder.stat().st_mode) & 0o077:
        yield IntegrityFinding("warning", f"{folder} is open to other accounts: run chmod 700 on it.")
    for path in sorted(folder.iterdir()):
        if path.is_symlink():
            yield IntegrityFinding("warning", f"{path.name} is a symbolic link.")
        elif path.is_file() and stat.S_IMODE(path.stat().st_mode) & 0o077:
            yield IntegrityFinding("warning", f"{path.name} is open to other accounts: run chmod 600 on it.")
    for path in temporary_files(folder):
        yield IntegrityFinding(
            "note", f"{path.name} was left by a killed process; the next compaction removes it."
        )
    try:
        before = read_manifest(previous_manifest(folder))
        if before is not None and before.generation < loaded.head.generation:
            load_generation(folder, before)
            yield IntegrityFinding(
                "note",
                f"The previous generation is intact, too ({describe_mark(loaded.state.mark)} is the newest).",
            )
    except StoreDamaged as damage:
        yield IntegrityFinding(
            "warning", f"The previous generation can no longer be used as a fallback: {damage.message}"
        )


def check_rows(view: StoreSnapshot) -> list[IntegrityFinding]:
    """Decode every row and read every reference, on any engine; return what is wrong."""
    findings = list(_rows(view))
    if not any(finding.level == "error" for finding in findings):
        findings += _references(view)
    return findings


def _rows(view: StoreSnapshot) -> Iterator[IntegrityFinding]:
    known = {table.name: table for table in ALL}
    for name in view.names():
        table = known.get(name)
        if table is None:
            yield IntegrityFinding(
                "note",
                f"The table {visible(name, 40)} is unknown to this version "
                f"({count(view.count_in(name), 'row')}).",
            )
            continue
        bad = [id_ for id_, raw in view.items(name) if not _fits(table, id_, raw)]
        if bad:
            some = ", ".join(visible(id_, 40) for id_ in bad[:5])
            yield IntegrityFinding(
                "error", f"{count(len(bad), 'row')} of the table {name} cannot be read: {some}."
            )


def _fits(table: TableSchema[Any], id_: str, raw: bytes) -> bool:
    try:
        return bool(table.key(decode(table, id_, raw)) == id_)
    except StoreUnreadable:
        return False


def _references(view: StoreSnapshot) -> Iterator[IntegrityFinding]:
    references: tuple[tuple[TableSchema[Any], str, TableSchema[Any]], ...] = (
        (LINKS, "id", CLIENTS),
        (BASE, "id", LINKS),
        (PLANNED, "plan", PLANS),
        (IMAGES, "run", RUNS),
    )
    for table, field, into in references:
        ids = view.ids(into)
        lost = [row.id for row in view.rows(table) if getattr(row, field) not in ids]
        if lost:
            some = ", ".join(visible(id_, 40) for id_ in lost[:5])
            yield IntegrityFinding(
                "warning",
                f"{count(len(lost), 'row')} of {table.name} {plural(len(lost), 'refers/refer')} to missing "
                f"rows of {into.name}: {some}.",
            )
    for prefix, counted in _COUNTED.items():
        row = view.get(META, f"ids/{prefix}")
        given = row.value if row is not None and isinstance(row.value, int) else 0
        numbers = [id_[1:] for id_ in view.ids(counted) if id_[:1] == prefix]
        highest = max((int(number) for number in numbers if number.isdecimal()), default=0)
        if highest > given:
            yield IntegrityFinding(
                "warning", f"{prefix}{highest} exists, but the highest id given out is {prefix}{given}"
            )


def _size_on_disk(folder: Path) -> int:
    files = (path for path in folder.iterdir() if path.is_file() and not path.is_symlink())
    return sum(
        path.stat().st_size
        for path in files
        if path.name.startswith((HEAD, "log.")) or path.suffix == ".rows"
    )


class Repaired(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a repair.

    Attributes:
        changed: Whether a repair was needed.
        lossless: Whether all committed data is still there.
        lost_rows: The number of rows that were lost.
        kept: The folder of the damaged files.
        lines: What was done, for users.
    """

    changed: bool
    lossless: bool
    position: int
    lost_rows: int = 0
    kept: str = ""
    lines: tuple[str, ...] = ()


class Compacted(msgspec.Struct, frozen=True, kw_only=True):
    """The bytes of the store's files before and after; ``done`` is False if another process compacts."""

    done: bool
    before: int
    after: int


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a restore: the new position, the backup of the previous state, and the rows by table."""

    position: int
    backed_up: str
    rows: dict[str, int]


class Purged(msgspec.Struct, frozen=True, kw_only=True):
    """The files and bytes that were deleted; ``left`` are the files that do not belong to the store."""

    files: int
    bytes: int
    left: tuple[str, ...] = ()


def backup(folder: Path, target: Path, *, clock: Clock) -> Backup:
    """Write a backup to ``target`` and read it back. Commits wait meanwhile.

    Raises:
        StoreUnreadable: The store is damaged; a backup of it would be useless.
        BadInput: The file exists.
        DiskError: The file cannot be written.
        Busy: Another process holds the store.
    """
    _require_data(folder)
    with both_locks(folder, clock, "making a backup"):
        return write_backup(folder, target)


def compact(folder: Path, *, clock: Clock) -> Compacted:
    """Compact the commit log now, and remove files that are no longer needed. Raises what a commit raises."""
    _require_data(folder)
    before = _size(folder)
    with open_store(folder, clock=clock) as store:
        if store.damage is not None:
            raise store.damage
        done = store.compact()
    return Compacted(done=done, before=before, after=_size(folder))


def repair(folder: Path, *, clock: Clock, lossy: bool = False) -> Repaired:
    """Repair a damaged store from its last valid state. The damaged files are kept beside it.

    ``lossy`` also uses what can be read of files that cannot be restored otherwise, and reports how many rows
    are lost.

    Raises:
        StoreUnreadable: Only a lossy repair is possible and was not requested, or nothing is left.
    """
    _require_data(folder)
    with both_locks(folder, clock, "repairing the data"):
        try:
            loaded = load(folder)
        except StoreDamaged as damage:
            return _repair(folder, damage, clock, lossy)
        if loaded is None:
            raise StoreUnreadable(f"There is no data in {folder}.", hint="Restore a backup into it.")
        if loaded.tail == "clean":
            words = f"The data is intact, as of {describe_mark(loaded.state.mark)}: nothing to repair."
            return Repaired(changed=False, lossless=True, position=loaded.state.mark.position, lines=(words,))
    # A torn write at the end of the log was never acknowledged; opening the store for writing removes it.
    with open_store(folder, clock=clock) as store:
        position = store.snapshot().position
    line = "An incomplete write was removed from the commit log; it had not been confirmed."
    return Repaired(changed=True, lossless=True, position=position, lines=(line,))


def _repair(folder: Path, damage: StoreDamaged, clock: Clock, lossy: bool) -> Repaired:
    lines = [damage.message]
    lost = 0
    try:
        saved = rescue(folder, damage)
        loaded, lossless = saved.loaded, saved.lossless
        loss = "no commit is missing" if lossless else "what was committed after it is lost"
        lines.append(f"Restored the state of {describe_mark(loaded.state.mark)}: {loss}.")
    except StoreUnreadable:
        if not lossy:
            raise
        loaded, report = salvage(folder, damage)
        lost, lossless = report.lost_rows, False
        lines += report.lines
    old = [path for _, path in generation_files(folder)]
    kept = _folder_for_damage(folder, clock)
    with disk_error(kept):
        for path in _manifest_files(folder):
            (kept / path.name).write_bytes(path.read_bytes())
    _install(folder, loaded, clock)
    with disk_error(kept, "moved"):
        for path in old:
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
    """Replace the state by that of a backup; the previous state is backed up first, or its files are kept.

    Other processes see this as a single change. The caller holds the run lock.

    Raises:
        BadInput: The file is not a complete backup.
        DiskError: The files cannot be written.
        Busy: Another process holds the store.
    """
    ensure_private(folder)
    with unpacked(source) as found, both_locks(folder, clock, "restoring a backup"):
        backed_up = ""
        now: Loaded | None = None
        try:
            now = load(folder)
            if now is not None:
                backed_up = write_backup(
                    folder, automatic_backup_path(folder, "before-restore", clock.now())
                ).path
        except StoreUnreadable:
            backed_up = str(_keep_damaged(folder, clock))
        position = max(now.state.mark.position if now else 0, found.state.mark.position) + 1
        store_id = now.head.store_id if now else found.head.store_id
        _install(folder, migrate_rows(found), clock, store_id=store_id, position=position)
        rows = {name: len(live.lazy_rows) for name, live in found.state.tables.items() if live.lazy_rows}
    return Restored(position=position, backed_up=backed_up, rows=rows)


def purge(folder: Path, *, clock: Clock) -> Purged:
    """Delete the store, its backups and what repairs have kept. Traces may remain on the disk."""
    _require_data(folder)
    with both_locks(folder, clock, "deleting the data"):
        files = (
            [path for _, path in generation_files(folder)] + temporary_files(folder) + _manifest_files(folder)
        )
        subfolders = [folder / BACKUPS, *folder.glob("damaged-*")]
        for subfolder in subfolders:
            files += [path for path in subfolder.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files)
        with disk_error(folder, "deleted"):
            for path in files:
                path.unlink()
            for subfolder in subfolders:
                if subfolder.is_dir() and not any(subfolder.iterdir()):
                    subfolder.rmdir()
        locks = {"book.lock", "compact.lock"}
        left = sorted(path.name for path in folder.iterdir() if path.name not in locks)
    return Purged(files=len(files), bytes=size, left=tuple(left))


def _install(
    folder: Path, loaded: Loaded, clock: Clock, *, store_id: str = "", position: int | None = None
) -> None:
    """Install a state as the newest generation."""
    mark = loaded.state.mark
    install(
        folder,
        private_view(loaded.state),
        store_id=store_id or loaded.head.store_id,
        position=mark.position + 1 if position is None else position,
        # A new chain, so that no process takes this for a continuation of its state in memory.
        chain=secrets.randbits(32),
        clock=clock,
    )


def _keep_damaged(folder: Path, clock: Clock) -> Path:
    """Move the files of a damaged store into a folder beside it, and return that folder."""
    kept = _folder_for_damage(folder, clock)
    with disk_error(kept, "moved"):
        for path in [*(path for _, path in generation_files(folder)), *_manifest_files(folder)]:
            path.rename(kept / path.name)
    return kept


def _folder_for_damage(folder: Path, clock: Clock) -> Path:
    return ensure_private(folder / f"damaged-{clock.now():%Y%m%dT%H%M%S}")


def _manifest_files(folder: Path) -> list[Path]:
    """Return the manifests and the record of the log's end, as far as they exist."""
    paths = (folder / HEAD, previous_manifest(folder), folder / LOG_END)
    return [path for path in paths if path.exists()]


def _require_data(folder: Path) -> None:
    if not folder.is_dir() or not (
        (folder / HEAD).exists() or previous_manifest(folder).exists() or generation_files(folder)
    ):
        raise BadInput(f"There is no data in {folder}.", hint="Check --home and --practice.")


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for _, path in generation_files(folder))
