"""The plan of an import: its steps on rows of the store, with counts and notes; and the undo of an import."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from xpm_tui.domain.field_types import is_same
from xpm_tui.domain.fields import label
from xpm_tui.domain.formatting import plural, sequence
from xpm_tui.domain.ignition import Contact, ImportImage
from xpm_tui.domain.ports import Drop, IdSource, Put, PutRaw, Snapshot, Write
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import ALL as TABLES
from xpm_tui.domain.tables import (
    CLIENTS,
    FREEZES,
    IGNORED,
    IMPORT_IMAGES,
    IMPORTED,
    LINKS,
    PROPOSALS,
    TableSchema,
)
from xpm_tui.ignition.parser import ParsedFile, RefusedRow

_ENCODER = msgspec.json.Encoder()


class ImportStep:
    """A row of the store before and after the import; ``before`` is None for a new one.

    Both are stored as bytes and decoded on demand, because a large file has many rows.
    """

    __slots__ = ("_before", "key", "raw", "table")

    def __init__(self, table: TableSchema[Any], key: str, before: bytes | None, raw: bytes) -> None:
        self.table = table
        self.key = key
        self.raw = raw
        self._before = before

    @classmethod
    def of(cls, table: TableSchema[Any], before: Any, after: Any) -> ImportStep:
        """Return the step from one row to another."""
        was = None if before is None else _ENCODER.encode(before)
        return cls(table, table.key(after), was, _ENCODER.encode(after))

    @classmethod
    def to_new(cls, table: TableSchema[Any], after: Any) -> ImportStep:
        """Return the step that adds a row, whose key is its id."""
        return cls(table, after.id, None, _ENCODER.encode(after))

    @property
    def is_new(self) -> bool:
        """Whether the row is new."""
        return self._before is None

    @property
    def before(self) -> Any:
        """The row before the import; None for a new one."""
        return None if self._before is None else msgspec.json.decode(self._before, type=self.table.row)

    @property
    def after(self) -> Any:
        """The row after the import."""
        return msgspec.json.decode(self.raw, type=self.table.row)


@dataclass(frozen=True)
class CellEdit:
    """A cell that the import changes: ``record`` is ``c1`` or ``c1/k2``; ``old`` and ``new`` are cells.

    ``both``: the cell was also changed here since the last import.
    """

    record: str
    field: str
    old: str
    new: str
    row: int
    both: bool = False


@dataclass(frozen=True)
class ImportNote:
    """A note for the user: ``row`` is 0 if it is about the file."""

    row: int
    text: str


@dataclass(frozen=True)
class ImportPlan:
    """What an import would do. The ids of new records are ``+c1``, ``+k1`` until ids are taken.

    Attributes:
        groups: The steps, those of a record together.
        counts: ``rows``, ``new``, ``changed``, ``same``, ``adopted``, ``contacts``, ``cells``, ``both``,
            ``mended`` (repaired) and ``refused``.
        file_facts: What to store about the file itself.
    """

    groups: tuple[tuple[ImportStep, ...], ...]
    counts: dict[str, int]
    edits: tuple[CellEdit, ...] = ()
    refused: tuple[RefusedRow, ...] = ()
    notes: tuple[ImportNote, ...] = ()
    file_facts: tuple[Write, ...] = ()

    @property
    def steps(self) -> Iterator[ImportStep]:
        """Yield all steps in order."""
        return (step for group in self.groups for step in group)

    def writes(self, batch: str) -> Iterator[Write]:
        """Yield every write of the import ``batch``, including before-images."""
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
        yield from self.file_facts


_BLOCK = 500
"""The number of new rows whose digests share a row of images."""


def _block(batch: str, table: str, number: int, made: dict[str, str]) -> ImportImage:
    return ImportImage(id=f"{batch}/{table}/+{number}", batch=batch, table=table, row="", made=made)


def _image(step: ImportStep, batch: str) -> ImportImage:
    return ImportImage(
        id=f"{batch}/{step.table.name}/{step.key}",
        batch=batch,
        table=step.table.name,
        row=step.key,
        before=msgspec.to_builtins(step.before),
        after=msgspec.to_builtins(step.after),
    )


def _images(snapshot: Snapshot, batch: str) -> Iterator[ImportImage]:
    """Yield the images of an import: of changed rows, and of each new one as if it had its own image."""
    for image in snapshot.rows(IMPORT_IMAGES):
        if image.batch != batch:
            continue
        if not image.made:
            yield image
        for row, made_digest in image.made.items():
            yield msgspec.structs.replace(image, row=row, digest=made_digest, made={})


def ids_for_new_records(ids: IdSource | None, prefix: str, number: int) -> Iterator[str]:
    """Yield the ids of new records: new ones, or placeholders such as ``+c1`` if ``ids`` is None."""
    if ids is not None and number:
        return iter(ids.new(prefix, number))
    return (f"+{prefix}{at}" for at in range(1, number + 1))


def file_notes(parsed: ParsedFile) -> list[ImportNote]:
    """Return the notes about a file of any form: on its columns, and on rows without a record."""
    return [
        *(ImportNote(0, text) for text in parsed.notes),
        *(ImportNote(row.row, row.reason) for row in parsed.skipped),
    ]


def _digest(raw: bytes) -> str:
    return hashlib.blake2b(raw, digest_size=8).hexdigest()


@dataclass(frozen=True)
class UnrestoredRecord:
    """A record, or a part of one, that undoing an import does not change, and why."""

    record: str
    name: str
    reason: str

    @property
    def text(self) -> str:
        """The record and the reason."""
        record = f"{visible(self.name, 80)} ({self.record})" if self.name else self.record
        return f"{record}: {self.reason}"


@dataclass(frozen=True)
class UndoPlan:
    """What undoing an import would do; ``left`` lists what stays, whose images are kept for a later undo.

    ``counts``: records ``removed`` and ``restored``, and those ``left`` as a whole or in part.
    """

    writes: tuple[Write, ...]
    counts: dict[str, int]
    left: tuple[UnrestoredRecord, ...]

    @property
    def restores(self) -> bool:
        """Whether anything is removed or restored."""
        return bool(self.counts["removed"] or self.counts["restored"])


def plan_undo(snapshot: Snapshot, batch: str) -> UndoPlan:
    """Plan the undo of an import.

    New records are removed; changed cells and contacts are restored if they were not edited since. A record
    that was edited since, or that other records need, stays and is listed.
    """
    tables = {table.name: table for table in TABLES}
    writes: list[Write] = []
    left: list[UnrestoredRecord] = []
    counts = {"removed": 0, "restored": 0, "left": 0}
    remaining: set[str] = set()
    blocks: dict[str, dict[str, str]] = {}
    images = [*_images(snapshot, batch)]
    # The imported cells of a client come after the client, because they stay if it does.
    for image in sorted(images, key=lambda image: image.table == IMPORTED.name):
        table = tables[image.table]
        now = snapshot.get(table, image.row)
        reason = ""
        cells_stay = False
        if now is None:
            pass
        elif image.table == IMPORTED.name:
            cells_stay = image.row in remaining
            if not cells_stay:
                before = None if image.before is None else msgspec.convert(image.before, table.row)
                writes.append(Drop(table, image.row) if before is None else Put(table, before))
        elif image.before is None:
            reason = _why_stays(snapshot, table, image, now)
            if not reason:
                writes.append(Drop(table, image.row))
                counts["removed"] += 1
        else:
            row, changed = _restored(image, now, table)
            if changed:
                stay = plural(len(changed), "it stays/they stay")
                reason = f"{sequence(changed)} has changed since the import, so {stay}."
            if row != now:
                writes.append(Put(table, row))
                counts["restored"] += 1
        if reason:
            remaining.add(image.row)
            left.append(UnrestoredRecord(image.row, str(getattr(now, "name", "")), reason))
        staying = blocks.setdefault(image.id, {})
        if reason or cells_stay:
            staying[image.row] = image.digest
    writes += _images_of_what_stays(snapshot, blocks)
    counts["left"] = len(left)
    return UndoPlan(tuple(writes), counts, tuple(left))


def _images_of_what_stays(snapshot: Snapshot, blocks: Mapping[str, dict[str, str]]) -> Iterator[Write]:
    """Yield the removal of the images that are no longer needed; those of rows that stay are kept."""
    for id_, staying in blocks.items():
        image = snapshot.get(IMPORT_IMAGES, id_)
        if not staying:
            yield Drop(IMPORT_IMAGES, id_)
        elif image is not None and image.made and len(staying) < len(image.made):
            yield Put(IMPORT_IMAGES, msgspec.structs.replace(image, made=staying))


def _why_stays(snapshot: Snapshot, table: TableSchema[Any], image: ImportImage, now: msgspec.Struct) -> str:
    if table is CLIENTS:
        if snapshot.raw(LINKS, image.row) is not None:
            return "It is linked to an XPM client, so it stays."
        if snapshot.raw(IGNORED, image.row) is not None:
            return "It is marked as needing no XPM client, so it stays."
        if snapshot.find(FREEZES, "client", image.row):
            return "It has frozen fields, so it stays."
        if any(proposal.ours for proposal in snapshot.find(PROPOSALS, "client", image.row)):
            return "It has proposals, so it stays."
    return (
        "It has been changed since the import, so it stays."
        if _digest(_ENCODER.encode(now)) != image.digest
        else ""
    )


def _restored(image: ImportImage, now: Any, table: TableSchema[Any]) -> tuple[Any, list[str]]:
    """Return the row as before the import, and the labels of what has changed since the import."""
    before, after = (msgspec.convert(state or {}, table.row) for state in (image.before, image.after))
    return _merged(before, after, now, "")


def _merged(before: Any, after: Any, now: Any, prefix: str) -> tuple[Any, list[str]]:
    """Restore what differs between ``before`` and ``after``, if ``now`` still equals ``after``."""
    values: dict[str, Any] = {}
    stays: list[str] = []
    for name in now.__struct_fields__:
        old, new, present = getattr(before, name), getattr(after, name), getattr(now, name)
        if is_same(old, new) or is_same(present, old):
            continue
        if is_same(present, new):
            values[name] = old
        elif name == "contacts":
            values[name], more = _contacts(old, new, present)
            stays += more
        else:
            stays.append(label(f"{prefix}{name}"))
    return msgspec.structs.replace(now, **values), stays


def _contacts(
    before: Sequence[Contact], after: Sequence[Contact], now: Sequence[Contact]
) -> tuple[tuple[Contact, ...], list[str]]:
    """Restore contacts: those that the import added are removed, those that it changed are restored."""
    old, new = {contact.id: contact for contact in before}, {contact.id: contact for contact in after}
    found: list[Contact] = []
    stays: list[str] = []
    for contact in now:
        if contact.id not in new:
            found.append(contact)
        elif contact.id in old:
            row, changed = _merged(old[contact.id], new[contact.id], contact, "contact_")
            found.append(row)
            stays += [f"{label_} ({contact.id})" for label_ in changed]
        elif contact != new[contact.id]:
            found.append(contact)
            stays.append(f"contact {visible(contact.name, 80)} ({contact.id})")
    return tuple(found), stays
