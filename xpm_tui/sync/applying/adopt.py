"""A client that was made in XPM for a client of the book: from then on the two are linked and in step."""

from __future__ import annotations

from datetime import datetime

import msgspec

from xpm_tui.model.book import Client
from xpm_tui.model.links import Base, ContactLink, Link, Pair
from xpm_tui.model.ports import Put, Snapshot, Write
from xpm_tui.model.runs import Intent, Run, Written
from xpm_tui.model.tables import BASE, CLIENTS, LINKS, RUNS
from xpm_tui.model.xpm import XpmClient, XpmContact
from xpm_tui.sync.applying.settle import image_write
from xpm_tui.sync.base import agree, mirror_values
from xpm_tui.sync.mirror import client_writes
from xpm_tui.sync.planning.compare import Sides, compare
from xpm_tui.sync.planning.rules import Rules
from xpm_tui.sync.policy import Policy
from xpm_tui.sync.view import Team, Values, contact_values, xpm_contacts


def adopted(snapshot: Snapshot, intent: Intent, row: XpmClient, now: datetime) -> list[Write]:
    """The writes that link the client of ``intent`` to what was made for it; what XPM kept otherwise than it
    was sent is remembered as agreed, not planned again. A link that a person made meanwhile stays."""
    client = snapshot.get(CLIENTS, intent.record)
    writes = client_writes(snapshot, [row], now)
    if client is None or snapshot.raw(LINKS, client.id) is not None:
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
    sent = {key: Pair(value, mirror.get(key, value)) for key, value in intent.values.items()}
    base = agree(Base(id=client.id), sent, mirror)
    rules = Rules.of(Policy(direction="to_xpm"), Team.read(snapshot))
    met = compare(rules, Sides(client, row, link, base))
    written = Written(record=client.id, field="link", side="xpm", rule="create", new=row.uuid)
    return [
        *writes,
        Put(LINKS, met.link),
        Put(BASE, met.base),
        image_write(snapshot, run.id, client.id, row.uuid, [written], created=True),
    ]


def _same_contacts(client: Client, row: XpmClient) -> tuple[ContactLink, ...]:
    """Which contact was made for which: the one with the same values, else one that says nothing else, since
    a field that is switched off was not sent; each but once. Two people may share a name and have no e-mail,
    and must not be made again for that."""
    free = [*xpm_contacts(row)]
    joined: dict[str, str] = {}
    for whole in (True, False):
        for ours in client.contacts:
            values = contact_values(ours)
            same = next((theirs for theirs in free if _reads(values, theirs, whole=whole)), None)
            if same is not None and ours.id not in joined:
                free.remove(same)
                joined[ours.id] = same.uuid
    return tuple(ContactLink(contact=contact, uuid=uuid) for contact, uuid in joined.items())


def _reads(values: Values, theirs: XpmContact, *, whole: bool) -> bool:
    shown = contact_values(theirs)
    return shown == values if whole else all(values.get(name) == text for name, text in shown.items() if text)
