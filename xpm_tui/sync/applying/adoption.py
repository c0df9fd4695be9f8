"""Link a record that was created in XPM to the record here: a client, or a staff record of a member. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from xpm_tui.domain.identity import exact
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.links import Base, ContactLink, Link, Value
from xpm_tui.domain.ports import Put, Snapshot, Write
from xpm_tui.domain.runs import Intent, Run, Written
from xpm_tui.domain.tables import BASE, CLIENTS, LINKS, RUNS, STAFF, TEAM
from xpm_tui.domain.xpm import Staff, XpmClient, XpmContact
from xpm_tui.sync.applying.run_results import image_write
from xpm_tui.sync.base import agreed_pair, live_link, mirror_values, record_agreement
from xpm_tui.sync.canonical import TeamLinks, Values, contact_values
from xpm_tui.sync.mirror import client_writes
from xpm_tui.sync.planning.comparison import ClientPair, compare
from xpm_tui.sync.planning.decisions import Rules
from xpm_tui.sync.policy import Policy


def adoption_writes(snapshot: Snapshot, intent: Intent, row: XpmClient, now: datetime) -> list[Write]:
    """Return the writes that link the client of ``intent`` to the XPM client that was created for it.

    Values that XPM stored differently from what was sent are recorded as agreed, and are not planned again. A
    link that a user made meanwhile stays; one whose XPM client is gone is replaced.
    """
    client = snapshot.get(CLIENTS, intent.record)
    writes = client_writes(snapshot, [row], now)
    if client is None or live_link(snapshot, client.id) is not None:
        return writes
    run = snapshot.get(RUNS, intent.run) or Run(id=intent.run, started=now, by="")
    link = Link(
        id=client.id,
        uuid=row.uuid,
        number=row.number,
        origin="created",
        at=now,
        by=run.by,
        run=run.id,
    )
    link = msgspec.structs.replace(link, contacts=_same_contacts(client, row))
    mirror = mirror_values(row, link)
    sent = {key: agreed_pair(value, mirror.get(key, value), "to_xpm") for key, value in intent.values.items()}
    base = record_agreement(Base(id=client.id), sent, mirror)
    rules = Rules.of(Policy(direction="to_xpm"), TeamLinks.read(snapshot))
    compared = compare(rules, ClientPair(client, row, link, base))
    lost = snapshot.get(LINKS, client.id)
    former = lost.uuid if lost is not None else None
    written = Written(record=client.id, field="link", side="xpm", rule="create", old=former, new=row.uuid)
    return [
        *writes,
        Put(LINKS, compared.link),
        Put(BASE, compared.base),
        image_write(snapshot, run.id, client.id, row.uuid, [written], created=True),
    ]


def _same_contacts(client: Client, row: XpmClient) -> tuple[ContactLink, ...]:
    """Return which XPM contact was created for which contact, each at most once.

    It is the one with the same values, otherwise one without contradicting values, because switched-off
    fields are not sent. Two people may share a name and have no e-mail, and must not be created again.
    """
    free = [*row.present_contacts]
    joined: dict[str, str] = {}
    for whole in (True, False):
        for ours in client.contacts:
            values = contact_values(ours)
            same = next((theirs for theirs in free if _corresponds(values, theirs, whole=whole)), None)
            if same is not None and ours.id not in joined:
                free.remove(same)
                joined[ours.id] = same.uuid
    return tuple(ContactLink(contact=contact, uuid=uuid) for contact, uuid in joined.items())


def _corresponds(values: Values, theirs: XpmContact, *, whole: bool) -> bool:
    shown = contact_values(theirs)
    return shown == values if whole else all(values.get(name) == text for name, text in shown.items() if text)


STAFF_FIELDS = ("name", "email", "phone", "mobile")
"""The fields that are sent when a staff record is created, in this order."""


def matching_staff(sent: Mapping[str, Value], rows: Iterable[Staff]) -> list[Staff]:
    """Return the staff with the same e-mail, or exactly the same name, as what is sent."""
    email = str(sent.get("email") or "").casefold()
    name = exact(str(sent.get("name") or ""))
    return [
        row for row in rows if exact(row.name) == name or (email and row.email.strip().casefold() == email)
    ]


def created_candidates(snapshot: Snapshot, intent: Intent, rows: Iterable[Staff]) -> list[Staff]:
    """Return new records that are not linked elsewhere and have the name or e-mail that was sent."""
    return [
        row
        for row in matching_staff(intent.values, rows)
        if row.uuid not in intent.before
        and not any(member.id != intent.record for member in snapshot.find(TEAM, "staff", row.uuid))
    ]


def equals_sent(intent: Intent, row: Staff) -> bool:
    """Return whether the record equals what was sent."""
    return all(
        exact(getattr(row, field)) == exact(str(intent.values.get(field) or ""))
        for field in STAFF_FIELDS
        if intent.values.get(field)
    )


def staff_adoption_writes(snapshot: Snapshot, intent: Intent, row: Staff) -> list[Write]:
    """Return the writes that link the member of ``intent`` to its record; a linked member stays unchanged."""
    writes: list[Write] = [Put(STAFF, row)]
    member = snapshot.get(TEAM, intent.record)
    if member is not None and not member.staff:
        writes.append(Put(TEAM, msgspec.structs.replace(member, staff=row.uuid)))
    return writes
