"""Is the book whole? Every byte is read, every row decoded, every reference followed; nothing is changed."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from xpm_tui.domain.errors import StoreUnreadable
from xpm_tui.domain.formatting import count, plural
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import ALL, BASE, CLIENTS, IMAGES, LINKS, META, PLANNED, PLANS, RUNS, TableSchema
from xpm_tui.files.atomic import leftovers
from xpm_tui.files.listing import network_file_system
from xpm_tui.store.encoding import decode
from xpm_tui.store.loader import Loaded, at, load, load_generation, rescue
from xpm_tui.store.manifest import HEAD, StoreDamaged, previous_manifest, read_manifest
from xpm_tui.store.snapshot import StoreSnapshot
from xpm_tui.store.upgrades import private_view

_COUNTED: dict[str, TableSchema[Any]] = {"c": CLIENTS, "p": PLANS, "r": RUNS}


class IntegrityFinding(msgspec.Struct, frozen=True):
    """One thing found: ``error`` (the book is damaged), ``warning`` (it may be soon), ``note``."""

    level: Literal["error", "warning", "note"]
    text: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a check found. ``rows`` by table; ``bytes`` of all its files."""

    position: int
    generation: int
    rows: dict[str, int]
    bytes: int
    findings: tuple[IntegrityFinding, ...] = ()

    @property
    def ok(self) -> bool:
        """No error was found."""
        return not any(finding.level == "error" for finding in self.findings)


def check(folder: Path) -> Report:
    """Read everything of the book in ``folder``. Raises ``StoreUnreadable`` where there is none to read."""
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
                IntegrityFinding("error", "No complete sound state of the data is left: restore a backup.")
            )
            return Report(position=0, generation=0, rows={}, bytes=_size(folder), findings=tuple(findings))
        loaded = saved.loaded
        findings.append(IntegrityFinding("note", saved.damage.message))
    view = private_view(loaded.state)
    findings += _surroundings(folder, loaded)
    findings += _rows(view)
    if not any(finding.level == "error" for finding in findings):
        findings += _references(view)
    return Report(
        position=view.position,
        generation=loaded.head.generation,
        rows={name: view.count_in(name) for name in view.names()},
        bytes=_size(folder),
        findings=tuple(findings),
    )


def _surroundings(folder: Path, loaded: Loaded) -> Iterator[IntegrityFinding]:
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
    for path in leftovers(folder):
        yield IntegrityFinding(
            "note", f"{path.name} was left by a killed process; the next compaction removes it."
        )
    try:
        before = read_manifest(previous_manifest(folder))
        if before is not None and before.generation < loaded.head.generation:
            load_generation(folder, before)
            yield IntegrityFinding(
                "note", f"The previous generation is intact, too ({at(loaded.state.mark)} is the newest)."
            )
    except StoreDamaged as damage:
        yield IntegrityFinding(
            "warning", f"The previous generation can no longer be used as a fallback: {damage.message}"
        )


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
            some = ", ".join(visible(each, 40) for each in bad[:5])
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
            some = ", ".join(visible(each, 40) for each in lost[:5])
            yield IntegrityFinding(
                "warning",
                f"{count(len(lost), 'row')} of {table.name} "
                f"{plural(len(lost), 'belongs/belong')} to nothing in {into.name}: {some}.",
            )
    for prefix, counted in _COUNTED.items():
        row = view.get(META, f"ids/{prefix}")
        given = row.value if row is not None and isinstance(row.value, int) else 0
        numbers = [each[1:] for each in view.ids(counted) if each[:1] == prefix]
        highest = max((int(number) for number in numbers if number.isdecimal()), default=0)
        if highest > given:
            yield IntegrityFinding(
                "warning", f"{prefix}{highest} exists, but the highest id given out is {prefix}{given}"
            )


def _size(folder: Path) -> int:
    files = (path for path in folder.iterdir() if path.is_file() and not path.is_symlink())
    return sum(
        path.stat().st_size for path in files if path.name.startswith((HEAD, "log.")) or _is_rows(path)
    )


def _is_rows(path: Path) -> bool:
    return path.suffix == ".rows"
