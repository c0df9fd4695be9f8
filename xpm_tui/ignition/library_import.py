"""Plans the import of the services and team forms, whose rows are matched by id, e-mail or exact name.

Blank cells change nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from xpm_tui.domain.identity import compare, exact
from xpm_tui.domain.ignition import SERVICE_ID, Service, TeamMember
from xpm_tui.domain.ports import IdSource, Snapshot
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import SERVICES, TEAM, TableSchema
from xpm_tui.ignition.cell_readers import CellError, KnownIds, read_cell, read_text
from xpm_tui.ignition.forms import FORMS, CsvForm
from xpm_tui.ignition.import_steps import (
    CellEdit,
    ImportPlan,
    ImportStep,
    file_notes,
    ids_for_new_records,
)
from xpm_tui.ignition.parser import FileRow, ParsedFile, RefusedRow

_YES = {"yes", "true", "y", "1", "active", "enabled", "current", "admin", "member", "principal", "user"}
_NO = {
    "no", "false", "n", "0", "inactive", "disabled", "archived", "deactivated", "no access", "none", "left",
}  # fmt: skip


class _BadLibraryRow(Exception):
    """A row that cannot be imported; the message says why."""


class ReadRow(NamedTuple):
    """A row whose cells were read according to the kinds of their fields."""

    number: int
    cells: dict[str, str]
    extra: dict[str, str]


def read_row(row: FileRow, form: CsvForm, known: Mapping[str, KnownIds]) -> ReadRow:
    """Read every cell of a row; ``known`` are the ids in the store, by field.

    Raises:
        CellError: A cell is invalid; the text has the column and the reason.
    """
    cells, extra = row.cells, row.extra
    heading = ""
    try:
        for name, text in cells.items():
            heading = form.by_name[name].heading
            kind = form.by_name[name].kind
            cells[name] = known[name].read(read_text(text)) if name in known else read_cell(kind, text)
        for column, text in extra.items():
            heading = column
            read_text(text)
    except CellError as wrong:
        raise CellError(f"{visible(heading, 60)}: {visible(str(wrong), 200)}") from None
    return ReadRow(row.number, cells, extra)


def plan_services(snapshot: Snapshot, parsed: ParsedFile, ids: IdSource | None) -> ImportPlan:
    """Plan the import of a services file; rows are matched by Service ID, or else by exact name."""
    services = list(snapshot.rows(SERVICES))
    by_id = {service.extra[SERVICE_ID]: service for service in services if SERVICE_ID in service.extra}
    known_ids = KnownIds(by_id)
    known_ids.add_from_file(parsed.column("service_id"))
    by_name: dict[str, list[Service]] = {}
    for service in services:
        by_name.setdefault(exact(service.name), []).append(service)

    def find(row: ReadRow) -> Service | None:
        service_id = row.cells.get("service_id", "")
        if service_id in by_id:
            return by_id[service_id]
        name = row.cells.get("name", "")
        if not name:
            raise _BadLibraryRow("Service Name is blank")
        same = [s for s in by_name.get(exact(name), []) if not service_id or SERVICE_ID not in s.extra]
        if len(same) > 1:
            raise _BadLibraryRow(f"{', '.join(s.id for s in same)} all have this name; add a Service ID")
        return same[0] if same else None

    def values(row: ReadRow, now: Service | None) -> dict[str, Any]:
        extra = dict(row.extra)
        if "service_id" in row.cells:
            extra[SERVICE_ID] = row.cells["service_id"]
        name = {"name": row.cells["name"]} if "name" in row.cells else {}
        return {**name, "extra": {**(now.extra if now else {}), **extra}}

    def key(row: ReadRow) -> str:
        return row.cells.get("service_id") or exact(row.cells.get("name", ""))

    return _LibraryImportPlanner(SERVICES, "s", parsed, find, values, key, {"service_id": known_ids}).plan(
        ids
    )


def plan_team(snapshot: Snapshot, parsed: ParsedFile, ids: IdSource | None) -> ImportPlan:
    """Plan the import of a team file; rows are matched by e-mail, or else by name.

    A row that may be about a member who has no other row in the file is rejected: the user decides.
    """
    members = list(snapshot.rows(TEAM))
    emails = {row.cells.get("email", "").casefold() for row in parsed.rows}
    names = {exact(_name(row)) for row in parsed.rows}

    def find(row: ReadRow) -> TeamMember | None:
        email, name = row.cells.get("email", "").casefold(), exact(_name(row))
        if not name and not email:
            raise _BadLibraryRow("name and e-mail are both blank")
        by_email = [member for member in members if email and member.email.casefold() == email]
        same = by_email or [
            member
            for member in members
            if name and compare(name, member.name).answer == "same" and not (email and member.email)
        ]
        if len(same) > 1:
            raise _BadLibraryRow(f"{', '.join(member.id for member in same)} all match; add an e-mail")
        for member in members if not same else ():
            answer = compare(name, member.name)
            has_own_row = member.email.casefold() in emails or (
                answer.answer == "near" and exact(member.name) in names
            )
            if answer.answer != "different" and not has_own_row:
                raise _BadLibraryRow(
                    f"{visible(member.name, 80)} ({member.id}) may be the same person: "
                    f"{answer.reasons[0]}. Set this e-mail for that team member (team edit), or: "
                    f"team new --different-from {member.id}"
                )
        return same[0] if same else None

    def values(row: ReadRow, now: TeamMember | None) -> dict[str, Any]:
        found: dict[str, Any] = {"extra": {**(now.extra if now else {}), **row.extra}}
        if _name(row) or now is None:
            found["name"] = _name(row) or row.cells["email"]
        if "email" in row.cells:
            found["email"] = row.cells["email"]
        for field in ("access", "active"):
            if field in row.cells:
                found[field] = _read_flag(field, row.cells[field])
        return found

    def key(row: ReadRow) -> str:
        return row.cells.get("email", "").casefold() or exact(_name(row))

    return _LibraryImportPlanner(TEAM, "t", parsed, find, values, key, {}).plan(ids)


def _name(row: FileRow | ReadRow) -> str:
    parts = [row.cells[part] for part in ("first_name", "last_name") if part in row.cells]
    return row.cells.get("name") or " ".join(parts)


def _read_flag(field: str, text: str) -> bool:
    word = text.casefold()
    if word not in _YES | _NO:
        raise _BadLibraryRow(f"{field}: {visible(text, 60)} is neither yes nor no")
    return word in _YES


class _LibraryImportPlanner:
    """Plans the rows of a simple form, one per record."""

    def __init__(
        self,
        table: TableSchema[Any],
        prefix: str,
        parsed: ParsedFile,
        find: Callable[[ReadRow], Any],
        values: Callable[[ReadRow, Any], dict[str, Any]],
        key: Callable[[ReadRow], str],
        known: Mapping[str, KnownIds],
    ) -> None:
        self._table, self._prefix, self._parsed = table, prefix, parsed
        self._find, self._values, self._key = find, values, key
        self._known = known

    def plan(self, ids: IdSource | None) -> ImportPlan:
        """Return the plan; with ``ids`` None, no id is taken."""
        refused: list[RefusedRow] = list(self._parsed.refused)
        counts: Counter[str] = Counter({"new": 0, "changed": 0, "same": 0, "cells": 0})
        steps: list[tuple[Any, dict[str, Any]]] = []
        edits: list[CellEdit] = []
        seen: dict[str, int] = {}
        first_rows: dict[str, int] = {}
        for unread in self._parsed.rows:
            try:
                row = read_row(unread, FORMS[self._parsed.form], self._known)
                now = self._find(row)
                values = self._values(row, now)
                self._refuse_repeated(row, now, seen, first_rows)
            except (_BadLibraryRow, CellError) as reason:
                refused.append(RefusedRow(unread.number, str(reason)))
                continue
            if now is None:
                counts["new"] += 1
                steps.append((None, values))
                continue
            changed = {name: value for name, value in values.items() if getattr(now, name) != value}
            counts["changed" if changed else "same"] += 1
            if changed:
                steps.append((now, changed))
                made = list(_edits(now, changed, row.number))
                counts["cells"] += len(made)
                edits += made
        new_ids = ids_for_new_records(ids, self._prefix, sum(now is None for now, _ in steps))
        groups = tuple(
            (
                ImportStep.of(
                    self._table,
                    now,
                    msgspec.structs.replace(now, **values)
                    if now is not None
                    else self._table.row(id=next(new_ids), **values),
                ),
            )
            for now, values in steps
        )
        rows = {"rows": len(self._parsed.rows) + len(self._parsed.refused)}
        notes = tuple(file_notes(self._parsed))
        return ImportPlan(
            groups,
            {**rows, **counts, "refused": len(refused)},
            tuple(edits),
            tuple(sorted(refused, key=lambda row: row.row)),
            notes,
        )

    def _refuse_repeated(
        self, row: ReadRow, now: Any, seen: dict[str, int], first_rows: dict[str, int]
    ) -> None:
        """Raise ``_BadLibraryRow`` if an earlier row is about the same record."""
        key = self._key(row)
        first = seen.setdefault(key, row.number)
        if now is not None:
            first = min(first, first_rows.setdefault(now.id, row.number))
        if first != row.number:
            raise _BadLibraryRow(f"row {first} has the same record")


def _edits(now: Any, changed: dict[str, Any], row: int) -> Iterable[CellEdit]:
    for name, value in changed.items():
        if name != "extra":
            yield CellEdit(now.id, name, _text(getattr(now, name)), _text(value), row)
            continue
        for heading, text in value.items():
            if now.extra.get(heading) != text:
                yield CellEdit(now.id, heading, now.extra.get(heading, ""), text, row)


def _text(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
