"""What an import would do: steps on rows of the book, counts and sentences; and how to take it back."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from xpm_tui.domain.ignition import ImportImage
from xpm_tui.domain.ports import Drop, Put, PutRaw, Snapshot, Write
from xpm_tui.domain.tables import ALL as TABLES
from xpm_tui.domain.tables import CLIENTS, FREEZES, IGNORED, IMPORT_IMAGES, IMPORTED, LINKS, PROPOSALS, Table
from xpm_tui.ignition.parser import Parsed, Refused

_ENCODER = msgspec.json.Encoder()


class Step:
    """One row of the store before and after the import; ``before`` is None for a new one.

    Both are kept as bytes and decoded when they are asked for: a large file has many rows.
    """

    __slots__ = ("_before", "key", "raw", "table")

    def __init__(self, table: Table[Any], key: str, before: bytes | None, raw: bytes) -> None:
        self.table = table
        self.key = key
        self.raw = raw
        self._before = before

    @classmethod
    def of(cls, table: Table[Any], before: Any, after: Any) -> Step:
        """A step between two rows."""
        was = None if before is None else _ENCODER.encode(before)
        return cls(table, table.key(after), was, _ENCODER.encode(after))

    @classmethod
    def to_new(cls, table: Table[Any], after: Any) -> Step:
        """A step to a new row, whose key is its id."""
        return cls(table, after.id, None, _ENCODER.encode(after))

    @property
    def is_new(self) -> bool:
        """Whether the row was not there before."""
        return self._before is None

    @property
    def before(self) -> Any:
        """The row before; None for a new one."""
        return None if self._before is None else msgspec.json.decode(self._before, type=self.table.row)

    @property
    def after(self) -> Any:
        """The row after."""
        return msgspec.json.decode(self.raw, type=self.table.row)


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

    def writes(self, batch: str) -> Iterator[Write]:
        """Every write of the import ``batch``, before-images included, one after the other."""
        made: dict[str, dict[str, str]] = {}
        blocks = Counter[str]()
        for step in self.steps:
            yield PutRaw(step.table, step.key, step.raw)
            name = step.table.name
            if not step.is_new:
                yield Put(IMPORT_IMAGES, _image(step, batch))
                continue
            block = made.setdefault(name, {})
            block[step.key] = "" if name == IMPORTED.name else _digest(step.raw)
            if len(block) == _BLOCK:
                blocks[name] += 1
                yield Put(IMPORT_IMAGES, _block(batch, name, blocks[name], made.pop(name)))
        for name, block in made.items():
            yield Put(IMPORT_IMAGES, _block(batch, name, blocks[name] + 1, block))
        yield from self.settled


_BLOCK = 500
"""New rows whose digests are kept in one row of images."""


def _block(batch: str, table: str, number: int, made: dict[str, str]) -> ImportImage:
    return ImportImage(id=f"{batch}/{table}/+{number}", batch=batch, table=table, row="", made=made)


def _image(step: Step, batch: str) -> ImportImage:
    return ImportImage(
        id=f"{batch}/{step.table.name}/{step.key}",
        batch=batch,
        table=step.table.name,
        row=step.key,
        before=msgspec.to_builtins(step.before),
        after=msgspec.to_builtins(step.after),
    )


def _images(snapshot: Snapshot, batch: str) -> Iterator[ImportImage]:
    """The images of an import: of changed rows, and of each new one as if it had an image of its own."""
    for image in snapshot.rows(IMPORT_IMAGES):
        if image.batch != batch:
            continue
        if not image.made:
            yield image
        for row, told in image.made.items():
            yield msgspec.structs.replace(image, row=row, digest=told, made={})


def file_notes(parsed: Parsed) -> list[Note]:
    """What is to be said of a file whatever it holds: of its columns, and of rows that are no records."""
    return [
        *(Note(0, text) for text in parsed.notes),
        *(Note(each.row, each.reason) for each in parsed.skipped),
    ]


def _digest(raw: bytes) -> str:
    return hashlib.blake2b(raw, digest_size=8).hexdigest()


def digest(row: msgspec.Struct) -> str:
    """A short digest of a row."""
    return _digest(_ENCODER.encode(row))


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
    dropped: set[str] = set()
    # In order of arrival a client comes before what the file said of it: that stays while the client does.
    for image in _images(snapshot, batch):
        table = tables[image.table]
        if image.id not in dropped:
            dropped.add(image.id)
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
