"""What an import would do: steps on rows of the book, counts and sentences; and how to take it back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from xpm_tui.domain.ignition import ImportImage
from xpm_tui.domain.ports import Drop, Put, Snapshot, Write
from xpm_tui.domain.tables import ALL as TABLES
from xpm_tui.domain.tables import CLIENTS, FREEZES, IGNORED, IMPORT_IMAGES, LINKS, PROPOSALS, Table
from xpm_tui.ignition.parser import Refused


@dataclass(frozen=True)
class Step:
    """One row of the book before and after; ``before`` is None for a new one."""

    table: Table[Any]
    before: Any
    after: Any


@dataclass(frozen=True)
class Edit:
    """One cell that the import changes: ``record`` is ``c1`` or ``c1/k2``; ``old`` and ``new`` are cells.

    ``both`` marks a cell that had been changed here too since the last import.
    """

    record: str
    field: str
    old: str
    new: str
    row: int
    both: bool = False


@dataclass(frozen=True)
class Note:
    """Something that a person should read: ``row`` is 0 where it is about the file."""

    row: int
    text: str


@dataclass(frozen=True)
class ImportPlan:
    """What an import would do. ``groups`` are the steps that belong together, one group for each record.

    ``counts``: ``rows``, ``new``, ``changed``, ``same``, ``adopted``, ``contacts``, ``cells``, ``both``,
    ``mended``, ``refused``. Ids of new records are ``+c1``, ``+k1`` while no ids were given out.
    """

    groups: tuple[tuple[Step, ...], ...]
    counts: dict[str, int]
    edits: tuple[Edit, ...] = ()
    refused: tuple[Refused, ...] = ()
    notes: tuple[Note, ...] = ()
    settled: tuple[Write, ...] = field(default=())

    @property
    def steps(self) -> Iterator[Step]:
        """All steps in order."""
        return (step for group in self.groups for step in group)

    def writes(self, batch: str) -> tuple[Write, ...]:
        """Every write of the import ``batch``, before-images included."""
        return tuple(write for group in self.groups for write in group_writes(group, batch)) + self.settled


def group_writes(group: Iterable[Step], batch: str) -> Iterator[Write]:
    """The writes of one group, each with its before-image."""
    for step in group:
        yield Put(step.table, step.after)
        yield Put(IMPORT_IMAGES, _image(step, batch))


def _image(step: Step, batch: str) -> ImportImage:
    row = step.table.key(step.after)
    image = ImportImage(id=f"{batch}/{step.table.name}/{row}", batch=batch, table=step.table.name, row=row)
    if step.before is None:
        return msgspec.structs.replace(image, digest=digest(step.after))
    before, after = msgspec.to_builtins(step.before), msgspec.to_builtins(step.after)
    return msgspec.structs.replace(image, before=before, after=after)


def digest(row: msgspec.Struct) -> str:
    """A short digest of a row."""
    return hashlib.blake2b(msgspec.json.encode(row), digest_size=8).hexdigest()


@dataclass(frozen=True)
class UndoPlan:
    """What taking an import back would do; ``left`` are the records that stay, with the reason."""

    writes: tuple[Write, ...]
    counts: dict[str, int]
    left: tuple[Note, ...]


_HANGS = {
    LINKS.name: "it is linked",
    IGNORED.name: "it is marked as ignored",
    FREEZES.name: "it has frozen fields",
}


def plan_undo(snapshot: Snapshot, batch: str) -> UndoPlan:
    """Take an import back: new records leave, changed cells get their old value where untouched since.

    A record that was edited since, or that something hangs on, stays and is listed.
    """
    tables = {table.name: table for table in TABLES}
    writes: list[Write] = []
    left: list[Note] = []
    counts = {"removed": 0, "restored": 0, "left": 0}
    kept: set[str] = set()
    # In order of arrival a client comes before what the file said of it: that stays while the client does.
    for image in snapshot.rows(IMPORT_IMAGES):
        if image.batch != batch:
            continue
        table = tables[image.table]
        writes.append(Drop(IMPORT_IMAGES, image.id))
        now = snapshot.get(table, image.row)
        if now is None:
            continue
        if image.table == "imported":
            if image.row not in kept:
                writes.append(
                    Drop(table, image.row)
                    if image.before is None
                    else Put(table, msgspec.convert(image.before, table.row))
                )
        elif image.before is None:
            reason = _why_stays(snapshot, table, image, now)
            if reason:
                kept.add(image.row)
                left.append(Note(0, f"{image.row} stays: {reason}."))
            else:
                writes.append(Drop(table, image.row))
                counts["removed"] += 1
        else:
            row, stays = _restored(image, now, table)
            if stays:
                kept.add(image.row)
                left.append(Note(0, f"{image.row}: {', '.join(stays)} changed since; left as it is."))
            if row != now:
                writes.append(Put(table, row))
                counts["restored"] += 1
    counts["left"] = len(left)
    return UndoPlan(tuple(writes), counts, tuple(left))


def _why_stays(snapshot: Snapshot, table: Table[Any], image: ImportImage, now: msgspec.Struct) -> str:
    if digest(now) != image.digest:
        return "it was changed since"
    if table is CLIENTS:
        if snapshot.raw(LINKS, image.row) is not None:
            return _HANGS[LINKS.name]
        if snapshot.raw(IGNORED, image.row) is not None:
            return _HANGS[IGNORED.name]
        if snapshot.find(FREEZES, "client", image.row):
            return _HANGS[FREEZES.name]
        made_here = [p for p in snapshot.find(PROPOSALS, "client", image.row) if p.ours]
        if made_here:
            return "it has proposals"
    return ""


def _restored(image: ImportImage, now: msgspec.Struct, table: Table[Any]) -> tuple[Any, Sequence[str]]:
    """The row with its old values, and the fields that are no longer as the import left them."""
    before, after, present = image.before or {}, image.after or {}, msgspec.to_builtins(now)
    stays = []
    for name in {*before, *after}:
        if before.get(name) == after.get(name):
            continue
        if present.get(name) == after.get(name):
            present.pop(name, None)
            if name in before:
                present[name] = before[name]
        elif present.get(name) != before.get(name):
            stays.append(name)
    return msgspec.convert(present, table.row), sorted(stays)
