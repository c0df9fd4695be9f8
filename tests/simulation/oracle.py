"""What the two sides really contain, field by field: read from the rows of the sandbox itself."""

from __future__ import annotations

from collections import Counter
from unicodedata import normalize

from tests.simulation.practice import Engine
from xpm_tui.domain.ignition import Client, Contact
from xpm_tui.domain.tables import CLIENTS, LINKS, TEAM
from xpm_tui.sandbox.records import ClientRecord as Real
from xpm_tui.sandbox.records import ContactRecord as RealContact

BOTH_WAYS = ("name", "phone", "fax", "website", "partner", "manager")
PLACES = (
    ("address", "street"), ("city", "city"), ("region", "region"), ("postcode", "post_code"),
    ("country", "country"),
)  # fmt: skip
CONTACT = ("name", "email", "phone", "mobile", "salutation", "addressee")


def _text(value: object) -> str:
    """As it reads: one form of each letter, one blank between words."""
    return " ".join(normalize("NFC", str(value)).split())


def ours(engine: Engine, client: Client) -> dict[str, str]:
    """The fields of one client of the store, people as staff UUIDs."""
    staff = {member.id: member.staff for member in engine.practice.snapshot().rows(TEAM)}
    found = {name: getattr(client, name) for name in BOTH_WAYS}
    found["partner"], found["manager"] = staff.get(client.partner, ""), staff.get(client.manager, "")
    for prefix in ("", "postal_"):
        found.update({f"{prefix}{mine}": getattr(client, f"{prefix}{mine}") for mine, _ in PLACES})
    found["groups"] = "; ".join(sorted(client.groups))
    found["tax"] = {True: "Yes", False: "No", None: ""}[client.tax_registered]
    return {name: _text(value) for name, value in found.items()}


def theirs(engine: Engine, real: Real) -> dict[str, str]:
    """The same fields of one client of XPM; people who are not linked are nobody."""
    found = {name: getattr(real, name) or "" for name in BOTH_WAYS}
    staff = {member.staff for member in engine.practice.snapshot().rows(TEAM)}
    for person in ("partner", "manager"):
        found[person] = found[person] if found[person] in staff else ""
    for prefix, place in (("", real.address), ("postal_", real.postal)):
        found.update({f"{prefix}{mine}": getattr(place, other) for mine, other in PLACES})
    found["groups"] = "; ".join(sorted(engine.sandbox.practice.group_name(uuid) for uuid in real.groups))
    found["tax"] = real.tax.gst_registered if real.tax else ""
    return {name: _text(value) for name, value in found.items()}


def contact_texts(contact: Contact | RealContact) -> tuple[str, ...]:
    """A contact's carried fields."""
    return tuple(_text(getattr(contact, name)) for name in CONTACT)


def real_contacts(engine: Engine, real: Real) -> list[RealContact]:
    """The contacts of a client in XPM that are there."""
    found = (engine.sandbox.practice.contacts[link.contact] for link in real.contacts)
    return [contact for contact in found if not contact.deleted]


def differences(engine: Engine, *, to_xpm: bool) -> list[str]:
    """Where the master's values did not arrive; a blank of the master's changes nothing."""
    snapshot, found = engine.practice.snapshot(), []
    for link in snapshot.rows(LINKS):
        client, real = snapshot.get(CLIENTS, link.id), engine.sandbox.practice.clients.get(link.uuid)
        if client is None or real is None or link.quiet or real.deleted or (to_xpm and real.archived):
            continue
        mine, other = ours(engine, client), theirs(engine, real)
        skipped = {"groups", "tax", "website"} if to_xpm else set()
        for name in mine.keys() - skipped:
            master, slave = (mine, other) if to_xpm else (other, mine)
            if master[name] and master[name] != slave[name]:
                found.append(f"{client.id} {name}: {mine[name]!r} here, {other[name]!r} there")
        people = {contact.id: contact for contact in client.contacts}
        there = {contact.uuid: contact for contact in real_contacts(engine, real)}
        pairs = {joined.uuid: joined.contact for joined in link.contacts if joined.contact and joined.uuid}
        alone = people.keys() - pairs.values() if to_xpm else there.keys() - pairs.keys()
        apart = [joined for joined in link.contacts if joined.removed]
        settled = {joined.uuid for joined in apart} | {joined.contact for joined in apart}
        found += [f"{client.id}: contact {each} did not arrive" for each in alone - settled]
        for uuid, id_ in pairs.items():
            if id_ not in people or uuid not in there:
                continue
            both = zip(CONTACT, contact_texts(people[id_]), contact_texts(there[uuid]), strict=True)
            for name, mine_, other_ in both:
                if (mine_ if to_xpm else other_) and mine_ != other_:
                    found.append(f"{client.id}/{id_} {name}: {mine_!r} here, {other_!r} there")
    return found


def doubles(engine: Engine) -> list[str]:
    """Whatever is there twice: links to one XPM client, contacts of one client."""
    snapshot = engine.practice.snapshot()
    linked = Counter(link.uuid for link in snapshot.rows(LINKS) if not link.quiet)
    found = [f"{uuid} is linked {times} times" for uuid, times in linked.items() if times > 1]
    for client in snapshot.rows(CLIENTS):
        joined = [c.uuid for c in link.contacts if c.uuid] if (link := snapshot.get(LINKS, client.id)) else []
        found += [f"{client.id}: {uuid} twice" for uuid, times in Counter(joined).items() if times > 1]
    return found
