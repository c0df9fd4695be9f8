"""Which client of the book rows are about: by id, by adoption, by exact name, or a new one.

Importing the clients form: every row finds its client, and only edited cells change anything.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from xpm_tui.domain.identity import compare, exact
from xpm_tui.domain.ignition import Client, Contact, Imported
from xpm_tui.domain.names import key_of
from xpm_tui.domain.ports import Ids, Put, Snapshot
from xpm_tui.domain.spelling import spellings
from xpm_tui.domain.tables import CLIENTS, IMPORTED, META, TEAM, Meta
from xpm_tui.ignition.cells import EXTRA, PEOPLE, People
from xpm_tui.ignition.client_merge import Merge, Merged
from xpm_tui.ignition.client_rows import ClientRow, read_rows
from xpm_tui.ignition.import_steps import Edit, ImportPlan, Note, Step
from xpm_tui.ignition.parser import Parsed, Refused


@dataclass(frozen=True)
class Target:
    """``client`` is None for a new one; ``adopts``: the rows' new id goes to a client that had none.

    ``refused`` says why the rows cannot be taken, ``note`` what a person should look at.
    """

    client: Client | None = None
    adopts: bool = False
    refused: str = ""
    note: str = ""


class Resolver:
    """Finds targets in one snapshot. A client that adopted an id is not offered a second time."""

    def __init__(self, snapshot: Snapshot, groups: Iterable[list[ClientRow]]) -> None:
        self._snapshot = snapshot
        self._adopted: set[str] = set()
        self._named_with_id: dict[str, ClientRow] = {}
        for group in groups:
            if group[0].client_id:
                name = next((row.name for row in group if row.name), "")
                self._named_with_id.setdefault(exact(name), group[0])
        self._by_contact: dict[str, str] | None = None
        self._by_key: dict[str, list[str]] | None = None

    def target(self, group: list[ClientRow]) -> Target:
        """The client that a group of rows is about."""
        name = exact(next((row.name for row in group if row.name), ""))
        emails = {row.email for row in group} - {""}
        if group[0].client_id:
            return self._by_id(group[0].client_id, name, emails)
        return self._by_name(name, emails) if name else self._by_contact_id(group[0].contact_id)

    def _by_id(self, client_id: str, name: str, emails: set[str]) -> Target:
        found = self._snapshot.find(CLIENTS, "client_id", client_id)
        if found:
            return Target(found[0])
        if not name:
            return Target(
                refused=f"the book has no client with Client ID {client_id}, and Client Name is blank"
            )
        same = self._same(name)
        free = [client for client in same if not client.client_id and client.id not in self._adopted]
        fits = [client for client in free if emails & _emails(client)]
        if len(fits) == 1:
            self._adopted.add(fits[0].id)
            return Target(fits[0], adopts=True)
        if fits:
            return Target(
                refused=f"{_ids(fits)} have this name and e-mail and no Client ID; give it to the right one: "
                f"xpm-tui clients edit {fits[0].id} client_id={client_id}"
            )
        return Target(note=f"made anew, though {_ids(same)} has the same name") if same else Target()

    def _by_name(self, name: str, emails: set[str]) -> Target:
        same = self._same(name)
        twin = self._named_with_id.get(name)
        if not same and twin is not None:
            return Target(refused=f"its Client ID is blank, and row {twin.number} has the same name with one")
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
        """The clients of exactly this name; where none has it, those whose name differs in form only."""
        found = self._snapshot.find(CLIENTS, "name", name)
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
    return {contact.email.casefold() for contact in client.contacts if contact.email}


def _ids(clients: list[Client]) -> str:
    shown = ", ".join(client.id for client in clients[:5])
    return shown if len(clients) <= 5 else f"{shown} and {len(clients) - 5} more"


HEADINGS = "import.headings.clients"
"""Row of META: heading and field of every column of the last clients file, in its order."""

CONTACT_LEVEL = "import.contact_level"
"""Row of META: headings of unknown columns that belong to the contact."""


def plan_clients(snapshot: Snapshot, parsed: Parsed, ids: Ids | None, now: datetime) -> ImportPlan:
    """What importing a parsed clients file would do; ``ids`` None only looks, and gives out no id."""
    return _Planner(snapshot, parsed, now).plan(ids)


class _Planner:
    def __init__(self, snapshot: Snapshot, parsed: Parsed, now: datetime) -> None:
        self._snapshot = snapshot
        self._now = now
        self._parsed = parsed
        people = snapshot.rows(TEAM) if parsed.fields & PEOPLE else ()
        remembered = snapshot.get(META, CONTACT_LEVEL)
        self._level: set[str] = set(remembered.value if remembered else ())
        self._reading = read_rows(parsed, People(people), self._level)
        self._refused: list[Refused] = [*parsed.refused, *self._reading.refused]
        self._notes: list[Note] = [*(Note(0, text) for text in parsed.notes), *self._reading.notes]
        self._counts: Counter[str] = Counter(
            dict.fromkeys(("new", "changed", "same", "adopted", "contacts", "cells", "both", "mended"), 0)
        )
        self._made = Counter[str]()
        # Several groups of rows may be about one client: each goes on from what the one before left.
        self._work: dict[str, tuple[Client | None, Imported | None, Merged]] = {}

    def plan(self, ids: Ids | None) -> ImportPlan:
        resolver = Resolver(self._snapshot, self._reading.groups)
        merge = Merge(self._now, lambda: self._token("k"))
        for group in self._reading.groups:
            target = resolver.target(group)
            if target.refused:
                self._refused += [Refused(row.number, target.refused) for row in group]
                continue
            self._merge(merge, target, group)
        groups, edits = self._groups()
        names = self._names(ids)
        groups = [tuple(_renamed(step, names) for step in group) for group in groups]
        counts = {
            "rows": len(self._parsed.rows) + len(self._parsed.refused),
            **self._counts,
            "refused": len(self._refused),
        }
        return ImportPlan(
            tuple(groups),
            counts,
            tuple(_renamed_edit(edit, names) for edit in edits),
            tuple(sorted(self._refused, key=lambda each: each.row)),
            tuple(self._notes),
            self._settled(),
        )

    def _token(self, prefix: str) -> str:
        self._made[prefix] += 1
        return f"+{prefix}{self._made[prefix]}"

    def _merge(self, merge: Merge, target: Target, group: list[ClientRow]) -> None:
        made = target.client is None
        client = target.client or Client(
            id=self._token("c"), name="", client_id=group[0].client_id, created=self._now
        )
        old, known, before = self._work.get(client.id, (target.client, None, None))
        if before is None:
            known = None if made else self._snapshot.get(IMPORTED, client.id)
        merged = merge.run(
            before.client if before else client,
            before.imported if before else known,
            group,
            new=made,
            client_id=group[0].client_id,
        )
        self._refused += merged.refused
        if before is not None:
            merged.edits = before.edits + merged.edits
        self._counts["adopted"] += target.adopts
        self._counts["contacts"] += merged.contacts
        self._counts["mended"] += merged.mended
        if target.note:
            self._notes.append(Note(group[0].number, target.note))
        if merged.client.name or not made:
            self._work[client.id] = (old, known, merged)

    def _groups(self) -> tuple[list[tuple[Step, ...]], list[Edit]]:
        groups: list[tuple[Step, ...]] = []
        edits: list[Edit] = []
        for old, known, merged in self._work.values():
            steps = []
            if merged.client != old:
                steps.append(Step(CLIENTS, old, merged.client))
            if merged.imported != known:
                steps.append(Step(IMPORTED, known, merged.imported))
            if steps:
                groups.append(tuple(steps))
            self._counts["new" if old is None else "changed" if merged.client != old else "same"] += 1
            self._counts["cells"] += len(merged.edits)
            self._counts["both"] += sum(edit.both for edit in merged.edits)
            edits += merged.edits
        return groups, edits

    def _names(self, ids: Ids | None) -> dict[str, str]:
        """Real ids for the tokens of new records; none when nothing is to be written."""
        if ids is None:
            return {}
        names: dict[str, str] = {}
        for prefix, count in self._made.items():
            fresh = ids.new(prefix, count)
            names |= {f"+{prefix}{at}": new for at, new in enumerate(fresh, 1)}
        return names

    def _settled(self) -> tuple[Put, ...]:
        """What is remembered of the file: its headings for the next export, columns of contacts."""
        level = self._level | {
            key.removeprefix(EXTRA)
            for group in self._reading.groups
            for row in group
            for key in row.contact
            if key.startswith(EXTRA)
        }
        heads = [[column.heading, column.field] for column in self._parsed.columns if not column.ignored]
        facts = (Meta(id=CONTACT_LEVEL, value=sorted(level)), Meta(id=HEADINGS, value=heads))
        return tuple(
            Put(META, fact) for fact in facts if fact.value and self._snapshot.get(META, fact.id) != fact
        )


def _renamed(step: Step, names: dict[str, str]) -> Step:
    after: Any = step.after
    if not names:
        return step
    if isinstance(after, Client):
        contacts = tuple(_renamed_contact(contact, names) for contact in after.contacts)
        after = msgspec.structs.replace(after, id=names.get(after.id, after.id), contacts=contacts)
    elif isinstance(after, Imported):
        cells = {names.get(key, key): each for key, each in after.contacts.items()}
        after = msgspec.structs.replace(after, id=names.get(after.id, after.id), contacts=cells)
    return Step(step.table, step.before, after)


def _renamed_contact(contact: Contact, names: dict[str, str]) -> Contact:
    return msgspec.structs.replace(contact, id=names[contact.id]) if contact.id in names else contact


def _renamed_edit(edit: Edit, names: dict[str, str]) -> Edit:
    record = "/".join(names.get(part, part) for part in edit.record.split("/"))
    return Edit(record, edit.field, edit.old, edit.new, edit.row, edit.both)
