"""Tracks the time of each imported value, so that older files never replace newer values.

Files and events may arrive late, twice and in any order. Every filled cell from the inbox leaves a stamp (a
time, a sequence number and a rank) under the sender's name for the record. A file that a user imports has
many records and one time, so only the names of its records are stored, many in one row. A cell whose field
has a newer time is blanked before the import is planned, and a blank cell changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from zlib import crc32

from xpm_tui.domain.identity import exact
from xpm_tui.domain.ignition import Client, Contact, FieldStamps, Import
from xpm_tui.domain.ports import Put, Snapshot
from xpm_tui.domain.tables import CLIENTS, IMPORTS, STAMPS, TEAM
from xpm_tui.ignition.cells import EXTRA, PEOPLE, TeamLookup, client_cells, contact_cells
from xpm_tui.ignition.forms import RECORD, SERVICE_FIELDS, FormName
from xpm_tui.ignition.parser import FileRow, ParsedFile, RefusedRow

_CONTACT = "contact_"
_NEWER = "newer values of this record had come in before"
_MANUAL = "hand"
_BUCKETS = 256
"""The number of rows over which the names of a form's records are spread, so that each row stays small."""


def stamp(at: datetime, sequence: int = 0, rank: int = 0) -> str:
    """Return a stamp as text; texts compare as (time, sequence, rank).

    ``rank`` orders events of the same time and sequence: a proposal is sent before it is accepted.
    """
    return f"{at.astimezone(UTC).isoformat(timespec='microseconds')}/{sequence:020d}/{rank}"


@dataclass(frozen=True)
class AdmittedFile:
    """A file without the cells that are older than what was imported before.

    ``older`` is the number of omitted cells that would have changed something; ``dropped`` are the rows of
    which nothing is left.
    """

    parsed: ParsedFile
    older: int = 0
    dropped: tuple[RefusedRow, ...] = ()

    @property
    def outdated(self) -> bool:
        """Whether everything in the file is older than what is stored."""
        return bool(self.dropped) and not self.parsed.rows


def admit(snapshot: Snapshot, parsed: ParsedFile, mark: str) -> AdmittedFile:
    """Return a file without the cells that newer files and events have set.

    ``mark`` is the stamp of rows without a time of their own.
    """
    if not snapshot.count(STAMPS):
        return AdmittedFile(parsed)
    people = TeamLookup(snapshot.rows(TEAM))
    rows: list[FileRow] = []
    dropped: list[RefusedRow] = []
    older, behind = 0, False
    for row in parsed.rows:
        record, row_mark = _StampedRow(snapshot, parsed, row), _mark_of(row, mark)
        newest, later = record.newest(), record.later_imports(row_mark)
        behind = behind or bool(later) or any(newest_mark > row_mark for newest_mark in newest.values())
        stale = record.stale(newest, row_mark, later, people)
        if not stale:
            rows.append(row)
            continue
        older += len(record.replacing(stale, people))
        if record.cells.keys() - stale - record.names:
            rows.append(_without(parsed, row, stale))
        else:
            dropped.append(RefusedRow(row.number, _NEWER))
    if not behind:
        return AdmittedFile(parsed)
    # Services that newer events have added are not in this file, so it does not name all of them.
    admitted = replace(parsed, rows=tuple(rows), completeness="parts")
    return AdmittedFile(admitted, older, tuple(dropped))


def _mark_of(row: FileRow, mark: str) -> str:
    """Return the stamp of a row: that of its own time, or else ``mark``, which is that of the file."""
    return mark if row.as_of is None else stamp(row.as_of)


def has_newer(snapshot: Snapshot, form: FormName, at: datetime) -> bool:
    """Return whether anything of a form was imported that is newer than a time."""
    mark, prefix = stamp(at), f"{form}/"
    if any(
        done.form == form and done.as_of is not None and done.as_of > at for done in _manual_imports(snapshot)
    ):
        return True
    rows = (snapshot.get(STAMPS, key) for key in snapshot.ids(STAMPS) if key.startswith(prefix))
    return any(newest_mark > mark for row in rows if row is not None for newest_mark in row.fields)


def manual_import_marks(
    snapshot: Snapshot, parsed: ParsedFile, done: Import, refused: Iterable[int]
) -> Iterator[Put]:
    """Yield the rows of the store that list the records of a user's import, except its rejected rows.

    Rows with their own time leave stamps, like those of an inbox file.
    """
    rejected = set(refused)
    buckets: dict[str, set[str]] = {}
    for row in parsed.rows:
        if row.number not in rejected and row.as_of is None:
            for key in _StampedRow(snapshot, parsed, row).keys:
                buckets.setdefault(_bucket(key), set()).add(key)
    imports = {row.id: row for row in _manual_imports(snapshot)}
    # The import before this one keeps its names, because this one can be undone.
    last = max(imports, key=lambda id_: int(id_[1:]), default="")
    for id_, keys in buckets.items():
        before = snapshot.get(STAMPS, id_)
        others: dict[str, tuple[str, ...]] = {}
        for import_id, names in (before.fields if before else {}).items():
            older = import_id in imports and _as_of(imports[import_id]) <= _as_of(done) and import_id != last
            remaining = tuple(name for name in names if not (older and name in keys))
            if import_id in imports and remaining:
                others[import_id] = remaining
        yield Put(STAMPS, FieldStamps(id=id_, fields={**others, done.id: tuple(sorted(keys))}))
    timed = tuple(row for row in parsed.rows if row.as_of is not None)
    yield from stamps(snapshot, replace(parsed, rows=timed), "", rejected)


def _manual_imports(snapshot: Snapshot) -> Iterator[Import]:
    """Yield the imports whose records :func:`manual_import_marks` lists, unless they were undone."""
    for done in snapshot.rows(IMPORTS):
        if done.by_hand and done.state == "done":
            yield done


def _as_of(done: Import) -> datetime:
    return done.as_of or done.at


def _bucket(key: str) -> str:
    form = key.partition("/")[0]
    return f"{_MANUAL}/{form}/{crc32(key.encode()) % _BUCKETS:02x}"


def stamps(snapshot: Snapshot, parsed: ParsedFile, mark: str, refused: Iterable[int]) -> Iterator[Put]:
    """Yield the stamps that an admitted file leaves, without its rejected rows."""
    rejected = set(refused)
    stamped: dict[str, dict[str, set[str]]] = {}
    for row in parsed.rows:
        if row.number not in rejected:
            record, row_mark = _StampedRow(snapshot, parsed, row), _mark_of(row, mark)
            for key in record.keys:
                stamped.setdefault(key, {}).setdefault(row_mark, set()).update(record.all_fields())
    for key, marks in stamped.items():
        before = snapshot.get(STAMPS, key)
        fields = dict(before.fields) if before else {}
        for row_mark in sorted(marks):
            fields = _stamped(fields, row_mark, marks[row_mark])
        stamped_row = FieldStamps(id=key, fields=fields)
        if stamped_row != before:
            yield Put(STAMPS, stamped_row)


def _stamped(
    before: Mapping[str, tuple[str, ...]], mark: str, fields: set[str]
) -> dict[str, tuple[str, ...]]:
    """Return the stamps of a record after ``fields`` were set at ``mark``."""
    result: dict[str, tuple[str, ...]] = {}
    newer: set[str] = set()
    for own_mark, names in before.items():
        if own_mark > mark:
            newer.update(names)
        remaining = names if own_mark > mark else tuple(name for name in names if name not in fields)
        if remaining:
            result[own_mark] = remaining
    added = tuple(sorted({*result.get(mark, ()), *(fields - newer)}))
    return {**result, **({mark: added} if added else {})}


def _without(parsed: ParsedFile, row: FileRow, stale: set[str]) -> FileRow:
    assert parsed.layout is not None
    names = [field or heading for field, heading in parsed.kept]
    values = ["" if name in stale else value for name, value in zip(names, row.values, strict=True)]
    return FileRow(row.number, parsed.layout, values, row.as_of)


class _StampedRow:
    """A row of a file, with the keys of its record and the names under which its cells are stamped.

    ``names`` are the cells that identify the record or a part of it, which are never removed.
    """

    def __init__(self, snapshot: Snapshot, parsed: ParsedFile, row: FileRow) -> None:
        self._snapshot = snapshot
        self._form: FormName = parsed.form
        self._known = row.cells
        self.cells: Mapping[str, str] = {**row.extra, **self._known}
        self.keys = [f"{parsed.form}/{key}" for key in self._record_keys()]
        self._parts = self._part_keys()

    def newest(self) -> dict[str, str]:
        """Return the newest stamp of every field of the record."""
        found: dict[str, str] = {}
        for key in self.keys:
            row = self._snapshot.get(STAMPS, key)
            for mark, names in (row.fields if row else {}).items():
                for name in names:
                    found[name] = max(mark, found.get(name, ""))
        return found

    def later_imports(self, mark: str) -> list[Import]:
        """Return the users' imports that contain the record and are newer than ``mark``."""
        found: dict[str, Import] = {}
        for key in self.keys:
            row = self._snapshot.get(STAMPS, _bucket(key))
            for import_id, names in (row.fields if row else {}).items():
                done = self._snapshot.get(IMPORTS, import_id) if key in names else None
                if done is not None and done.state == "done" and stamp(_as_of(done)) > mark:
                    found[import_id] = done
        return list(found.values())

    def stale(
        self, newest: Mapping[str, str], mark: str, later: Iterable[Import], people: TeamLookup
    ) -> set[str]:
        """Return the cells whose field has a newer stamp than ``mark``, or was in a ``later`` import."""
        stale = {
            name
            for name in self.cells.keys() - self.names
            if any(newest.get(field, "") > mark for field in self._fields(name))
        }
        for done in later:
            stale |= self._older_than(done, people)
        if self._form == "clients" and stale & {"contact_name", "contact_email", "contact_first_name"}:
            stale |= self._contact_stale(stale)
        elif self._form == "proposals":
            service = self.cells.keys() & set(SERVICE_FIELDS) if self.cells.get("service") else set()
            if service and service - {"service"} <= stale and (service > {"service"} or "service" in stale):
                stale |= service
            elif service - stale:
                stale.discard("service")
        return stale

    def _older_than(self, done: Import, people: TeamLookup) -> set[str]:
        """Return the cells whose columns a newer import had as well.

        What is stored about that import does not say which of its cells were filled. A client's cell is
        therefore only older if it would replace a value; a file has all values of a proposal, service or team
        member.
        """
        known, extra = set(done.fields), self.cells.keys() - self._known
        same = {name for name in self.cells.keys() - self.names if name in known or name in extra}
        if self._form != "clients":
            return same
        return self.replacing(same, people, blank=False)

    def replacing(self, names: set[str], people: TeamLookup, *, blank: bool = True) -> set[str]:
        """Return the cells that differ from the client; ``blank``: also if the client has no value."""
        if self._form != "clients":
            return names
        client, contact = self._present_client(), self._present_contact()
        present = client_cells(client, people) if client else {}
        for name, text in contact_cells(contact).items() if contact else ():
            present[name if name.startswith(EXTRA) else _CONTACT + name] = text
        for name in PEOPLE & present.keys():
            present[name] = people.label(present[name])
        texts = {name: present.get(name if name in self._known else EXTRA + name, "") for name in names}
        return {name for name, text in texts.items() if (text or blank) and text != self.cells[name]}

    def all_fields(self) -> set[str]:
        """Return the names under which the filled cells are stamped."""
        return {field for name in self.cells.keys() - self.names for field in self._fields(name)}

    @property
    def names(self) -> set[str]:
        """The cells that identify the record."""
        if self._form == "clients":
            return {"client_id", "contact_id", RECORD} | (set() if "client_id" in self.cells else {"name"})
        if self._form == "proposals":
            return {"number"} if "number" in self.cells else {"name", "client_id", "client_name"}
        return {"service_id", "email", "name"} & self.cells.keys()

    def _record_keys(self) -> list[str]:
        cells = self.cells
        if self._form == "clients":
            return self._client_keys(cells.get("client_id", "").casefold(), exact(cells.get("name", "")))
        if self._form == "proposals":
            if "number" in cells:
                return [f"number:{cells['number'].casefold()}"]
            client = cells.get("client_id") or exact(cells.get("client_name", ""))
            return [f"name:{client}/{exact(cells.get('name', ''))}".casefold()]
        identity = next((cells[name] for name in ("service_id", "email", "name") if name in cells), "")
        return [f"name:{exact(identity)}".casefold()]

    def _client_keys(self, client_id: str, name: str) -> list[str]:
        """Return the keys of a client: its id, and its name until it has one."""
        by_name = f"name:{name}".casefold()
        namesakes = self._snapshot.find(CLIENTS, "name", name) if name else []
        if client_id:
            adopted = len(namesakes) == 1 and not namesakes[0].client_id
            return [f"id:{client_id}", *([by_name] if adopted else [])]
        if name:
            known = namesakes[0].client_id.casefold() if len(namesakes) == 1 else ""
            return [*([f"id:{known}"] if known else []), by_name]
        return [f"contact:{self.cells.get('contact_id', '')}"]

    def _part_keys(self) -> list[str]:
        """Return the names of a contact or service of the record."""
        cells = self.cells
        if self._form == "proposals":
            return [f"service {exact(cells['service']).casefold()}"] if cells.get("service") else []
        name = cells.get("contact_name") or " ".join(
            filter(None, (cells.get("contact_first_name"), cells.get("contact_last_name")))
        )
        identity = {
            "id": cells.get("contact_id", ""),
            "name": exact(name),
            "email": cells.get("contact_email", ""),
        }
        return [f"contact {kind} {text.casefold()}" for kind, text in identity.items() if text]

    def _fields(self, name: str) -> list[str]:
        of_part = name in SERVICE_FIELDS if self._form == "proposals" else name.startswith(_CONTACT)
        return [f"{part}/{name}" for part in self._parts] if of_part and self._parts else [name]

    def _contact_stale(self, stale: set[str]) -> set[str]:
        """Return the other cells to drop from a contact whose name or address is out of date.

        If the contact still has the stale name or address, it does no harm and identifies the contact.
        Otherwise the contact could only be guessed, so all of its cells are dropped.
        """
        of_contact = {name for name in self.cells if name.startswith(_CONTACT) and name != "contact_id"}
        if not of_contact - stale or "contact_id" in self.cells:
            return set()
        present = self._present_contact()
        if present is not None:
            if exact(present.name) == exact(self.cells.get("contact_name", "")):
                stale.discard("contact_name")
            if present.email.casefold() == self.cells.get("contact_email", "").casefold():
                stale.discard("contact_email")
        found = {"contact_name", "contact_email"} & (self.cells.keys() - stale)
        return set() if found else of_contact

    def _present_contact(self) -> Contact | None:
        client = self._present_client()
        name, email = (
            exact(self.cells.get("contact_name", "")),
            self.cells.get("contact_email", "").casefold(),
        )
        for contact in client.contacts if client else ():
            if (email and contact.email.casefold() == email) or (name and exact(contact.name) == name):
                return contact
        return None

    def _present_client(self) -> Client | None:
        client_id = self.cells.get("client_id", "")
        found = self._snapshot.find(CLIENTS, "client_id", client_id) if client_id else []
        found = found or self._snapshot.find(CLIENTS, "name", exact(self.cells.get("name", "")))
        return found[0] if len(found) == 1 else None
