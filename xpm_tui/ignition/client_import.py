"""Plans the import of the clients form: finds the client of each row, and changes only edited cells.

A client is found by an id or by its exact name, in which case it may adopt the id of the row; otherwise it is
new.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from xpm_tui.domain.formatting import plural
from xpm_tui.domain.identity import compare, exact
from xpm_tui.domain.ignition import Client, Imported
from xpm_tui.domain.names import key_of
from xpm_tui.domain.ports import IdSource, Put, Snapshot
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.spelling import spellings
from xpm_tui.domain.tables import CLIENTS, IMPORTED, META, TEAM, Meta
from xpm_tui.ignition.cell_readers import clean_cell
from xpm_tui.ignition.cells import PEOPLE, TeamLookup
from xpm_tui.ignition.client_rows import ClientRow, ClientRowReader, is_untouched
from xpm_tui.ignition.forms import RECORD
from xpm_tui.ignition.import_steps import CellEdit, ImportNote, ImportPlan, ImportStep, file_notes
from xpm_tui.ignition.parser import TICK, ParsedFile, RefusedRow, ignore_tick
from xpm_tui.ignition.record_merge import Merge, MergedClient


@dataclass(frozen=True)
class Target:
    """The client that rows are about.

    Attributes:
        client: None for a new client.
        adopts: Whether a client without an id gets the id of the rows.
        refused: Why the rows cannot be imported.
        note: What the user should check.
    """

    client: Client | None = None
    adopts: bool = False
    refused: str = ""
    note: str = ""


_NEW = Target()


class Resolver:
    """Finds the targets of rows in a snapshot. A client that has adopted an id adopts no other one."""

    def __init__(self, snapshot: Snapshot, reader: ClientRowReader) -> None:
        self._snapshot = snapshot
        self._empty = not snapshot.count(CLIENTS)
        self._adopted: set[str] = set()
        # Clients with an id are indexed only by the names of rows without one.
        self._named_with_id: dict[str, int] = {}
        if reader.names:
            for name, number in reader.names_with_id():
                if name in reader.names:
                    self._named_with_id.setdefault(name, number)
        self._by_contact: dict[str, str] | None = None
        self._by_key: dict[str, list[str]] | None = None
        self._cleaned: dict[str, list[str]] | None = None

    def target(self, group: list[ClientRow]) -> Target:
        """Return the client that a group of rows is about."""
        first = group[0]
        if self._empty and first.client_id and first.name and not first.record:
            return _NEW
        name = exact(next((row.name for row in group if row.name), ""))
        emails = {row.email for row in group} - {""}
        if group[0].record:
            return self._by_record(group, name, emails)
        if group[0].client_id:
            return self._by_id(group[0].client_id, name, emails)
        return self._by_name(name, emails) if name else self._by_contact_id(group[0].contact_id)

    def _named(self, name: str) -> list[Client]:
        """Return the clients with the name of a cell; names from sync may have invisible characters."""
        found = self._snapshot.find(CLIENTS, "name", name)
        if self._cleaned is None:
            self._cleaned = {}
            for client in self._snapshot.rows(CLIENTS):
                if exact(clean_cell(client.name)) != exact(client.name):
                    self._cleaned.setdefault(exact(clean_cell(client.name)), []).append(client.id)
        also = (self._snapshot.get(CLIENTS, id_) for id_ in self._cleaned.get(name, ()))
        return [*found, *filter(None, also)]

    def is_untouched(self, row: ClientRow) -> bool:
        """Return whether a row without ids has only values that a client of its name already has."""
        return any(is_untouched(row, client) for client in self._namesakes(row))

    def is_shared(self, row: ClientRow) -> bool:
        """Return whether several clients have the name of a row without an id."""
        return len(self._namesakes(row)) > 1

    def _namesakes(self, row: ClientRow) -> list[Client]:
        """Return the clients with the name of a row without an id."""
        if row.record or row.client_id or not row.name or self._empty:
            return []
        return self._named(exact(row.name))

    def _by_record(self, group: list[ClientRow], name: str, emails: set[str]) -> Target:
        record = group[0].record
        client = self._snapshot.get(CLIENTS, record)
        if client is None:
            return Target(refused=f"there is no client {visible(record, 40)} here")
        client_id = next((row.client_id for row in group if row.client_id), "")
        known = {client.client_id} if client.client_id else set()
        if (client_id and known and client_id not in known) or not (
            client_id in known
            or (not name and not emails)
            or name == exact(clean_cell(client.name))
            or emails & _emails(client)
        ):
            return Target(
                refused=f"{record} is {visible(client.name, 60)} here, and nothing in the row matches that "
                "client: the file may be from another practice"
            )
        return Target(client)

    def _by_id(self, client_id: str, name: str, emails: set[str]) -> Target:
        if self._empty and name:
            return Target()
        found = self._snapshot.find(CLIENTS, "client_id", client_id)
        if found:
            return Target(found[0])
        if not name:
            return Target(refused=f"there is no client with Client ID {client_id}, and Client Name is blank")
        same = self._same(name)
        free = [client for client in same if not client.client_id and client.id not in self._adopted]
        fits = [client for client in free if emails & _emails(client)]
        if len(fits) == 1:
            self._adopted.add(fits[0].id)
            return Target(fits[0], adopts=True)
        if fits:
            return Target(
                refused=f"{_ids(fits)} have this name and e-mail and no Client ID; set it for the right "
                f"one: xpm-tui clients edit {fits[0].id} client_id={client_id}"
            )
        if not same:
            return Target()
        verb = plural(len(same), "has/have")
        return Target(note=f"added as a new client, though {_ids(same)} {verb} the same name")

    def _by_name(self, name: str, emails: set[str]) -> Target:
        same = [] if self._empty else self._same(name)
        twin = self._named_with_id.get(name)
        if not same and twin is not None:
            return Target(refused=f"its Client ID is blank, and row {twin} has the same name and a Client ID")
        fits = [client for client in same if emails & _emails(client)]
        free = [client for client in same if not client.client_id]
        if len(fits) == 1:
            return Target(fits[0])
        if len(same) == 1 and free:
            return Target(free[0])
        if not same:
            return Target()
        if len(same) > 1:
            return Target(refused=f"its Client ID is blank, and {_ids(same)} all have this name")
        return Target(
            refused=f"its Client ID is blank, and {same[0].id} has this name with Client ID "
            f"{same[0].client_id}, but not this e-mail"
        )

    def _same(self, name: str) -> list[Client]:
        """Return the clients with exactly this name, or else those whose name differs only in form."""
        found = self._named(name)
        if found:
            return found
        if self._by_key is None:
            self._by_key = defaultdict(list)
            for client in self._snapshot.rows(CLIENTS):
                for key in spellings(key_of(client.name)):
                    self._by_key[key].append(client.id)
        ids = dict.fromkeys(id_ for key in spellings(key_of(name)) for id_ in self._by_key.get(key, ()))
        rows = [self._snapshot.get(CLIENTS, id_) for id_ in ids]
        return [row for row in rows if row is not None and compare(name, row.name).answer == "same"]

    def _by_contact_id(self, contact_id: str) -> Target:
        if not contact_id:
            return Target(refused="Client ID and Client Name are both blank")
        if self._by_contact is None:
            self._by_contact = {
                contact.contact_id: client.id
                for client in self._snapshot.rows(CLIENTS)
                for contact in client.contacts
                if contact.contact_id
            }
        client = self._snapshot.get(CLIENTS, self._by_contact.get(contact_id, ""))
        if client is None:
            return Target(refused=f"no client has a contact with Contact ID {contact_id}")
        return Target(client)


def _emails(client: Client) -> set[str]:
    return {clean_cell(contact.email).casefold() for contact in client.contacts if contact.email}


def _ids(clients: list[Client]) -> str:
    shown = ", ".join(client.id for client in clients[:5])
    return shown if len(clients) <= 5 else f"{shown} and {len(clients) - 5} more"


HEADINGS = "import.headings.clients"
"""The row of META with the heading and field of every column of the last clients file, in its order."""

CONTACT_COLUMNS = "import.contact_level"
"""The row of META with the headings of the unknown columns that belong to the contact."""


def plan_clients(
    snapshot: Snapshot,
    parsed: ParsedFile,
    ids: IdSource | None,
    now: datetime,
    tick: Callable[[int], None] = ignore_tick,
) -> ImportPlan:
    """Plan the import of a clients file; if ``ids`` is None, no ids are taken.

    ``tick`` is called at intervals with the number of clients processed.
    """
    return _ClientImportPlanner(snapshot, parsed, ids, now).plan(tick)


class _ClientImportPlanner:
    def __init__(self, snapshot: Snapshot, parsed: ParsedFile, ids: IdSource | None, now: datetime) -> None:
        self._snapshot = snapshot
        self._now = now
        self._parsed = parsed
        self._ids = ids
        self._own = RECORD in parsed.fields
        people = snapshot.rows(TEAM) if parsed.fields & PEOPLE else ()
        remembered = snapshot.get(META, CONTACT_COLUMNS)
        self._contact_columns: set[str] = set(remembered.value if remembered else ())
        self._reader = ClientRowReader(snapshot, parsed, TeamLookup(people), self._contact_columns)
        self._refused: list[RefusedRow] = [*parsed.refused, *self._reader.refused]
        self._notes: list[ImportNote] = file_notes(parsed)
        self._counts: Counter[str] = Counter(
            dict.fromkeys(("new", "changed", "same", "adopted", "contacts", "cells", "both", "mended"), 0)
        )
        self._placeholders = Counter[str]()
        self._next: dict[str, str] = {}
        self._steps: list[tuple[ImportStep, ...]] = []
        self._edits: list[CellEdit] = []
        # Several groups of rows may be about one client: each continues with the result of the previous one.
        self._work: dict[str, tuple[Client, Imported | None, MergedClient]] = {}
        self._same: set[str] = set()

    def plan(self, tick: Callable[[int], None]) -> ImportPlan:
        resolver = Resolver(self._snapshot, self._reader)
        merge = Merge(self._now, lambda: self._new_id("k"), own=self._own)
        for at, rows in enumerate(self._reader.groups(), 1):
            group = rows
            if resolver.is_shared(group[0]):
                group = [row for row in rows if not resolver.is_untouched(row)]
            target = resolver.target(group) if group else None
            if target is not None and target.refused:
                group = [row for row in group if not resolver.is_untouched(row)]
                self._refused += [RefusedRow(row.number, target.refused) for row in group]
                target = None
            if target is None and not group:
                self._counts["same"] += 1
            elif target is not None:
                self._merge(merge, target, group)
            if not at % TICK:
                tick(at)
        self._finish()
        counts = {
            "rows": len(self._parsed.rows) + len(self._parsed.refused),
            **self._counts,
            "refused": len(self._refused),
        }
        return ImportPlan(
            tuple(self._steps),
            counts,
            tuple(self._edits),
            tuple(sorted(self._refused, key=lambda item: item.row)),
            tuple(sorted([*self._notes, *self._reader.notes_at_end()], key=lambda item: item.row)),
            () if self._own else self._file_facts(),
        )

    def _new_id(self, prefix: str) -> str:
        """Return the id for a new record, or the one that :meth:`_next_id` has returned."""
        found = self._next.pop(prefix, "")
        if found:
            return found
        self._placeholders[prefix] += 1
        return self._ids.new(prefix)[0] if self._ids else f"+{prefix}{self._placeholders[prefix]}"

    def _next_id(self, prefix: str) -> str:
        """Return the id that the next new record will get."""
        if prefix not in self._next:
            self._next[prefix] = self._new_id(prefix)
        return self._next[prefix]

    def _merge(self, merge: Merge, target: Target, group: list[ClientRow]) -> None:
        if target.note:
            self._notes.append(ImportNote(group[0].number, target.note))
        if target.client is None:
            self._create(merge, group)
            return
        client = target.client
        old, known, before = self._work.get(client.id, (client, None, None))
        if before is None:
            known = self._snapshot.get(IMPORTED, client.id)
        merged = merge.run(
            before.client if before else client,
            before.imported if before else known,
            group,
            new=False,
            client_id=group[0].client_id,
        )
        self._count(merged)
        if before is not None:
            merged.edits = before.edits + merged.edits
        self._counts["adopted"] += target.adopts
        if merged.client == old and merged.imported == (known or Imported(id=client.id)):
            self._work.pop(client.id, None)
            self._same.add(client.id)
        else:
            self._work[client.id] = (old, known, merged)

    def _create(self, merge: Merge, group: list[ClientRow]) -> None:
        blank = Client(id=self._next_id("c"), name="", client_id=group[0].client_id, created=self._now)
        merged = merge.run(blank, None, group, new=True, client_id=group[0].client_id)
        self._count(merged)
        if not merged.client.name:
            return
        self._new_id("c")
        steps = [ImportStep.to_new(CLIENTS, merged.client)]
        if not self._own:
            steps.append(ImportStep.to_new(IMPORTED, merged.imported))
        self._steps.append(tuple(steps))
        self._counts["new"] += 1

    def _count(self, merged: MergedClient) -> None:
        self._refused += merged.refused
        self._counts["contacts"] += merged.contacts
        self._counts["mended"] += merged.repaired

    def _finish(self) -> None:
        """Add the steps and counts of clients that existed before."""
        self._counts["same"] += len(self._same - self._work.keys())
        for old, known, merged in self._work.values():
            steps = []
            if merged.client != old:
                steps.append(ImportStep.of(CLIENTS, old, merged.client))
            if merged.imported != known:
                steps.append(ImportStep.of(IMPORTED, known, merged.imported))
            self._steps.append(tuple(steps))
            self._counts["changed" if merged.client != old else "same"] += 1
            self._counts["cells"] += len(merged.edits)
            self._counts["both"] += sum(edit.both for edit in merged.edits)
            self._edits += merged.edits

    def _file_facts(self) -> tuple[Put, ...]:
        """Return what to store about the file: its headings, for the next export, and columns of contacts."""
        contact_columns = self._contact_columns | self._reader.contact_headings
        heads = [[column.heading, column.field] for column in self._parsed.columns if not column.ignored]
        facts = (Meta(id=CONTACT_COLUMNS, value=sorted(contact_columns)), Meta(id=HEADINGS, value=heads))
        return tuple(
            Put(META, fact) for fact in facts if fact.value and self._snapshot.get(META, fact.id) != fact
        )
