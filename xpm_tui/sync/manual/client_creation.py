"""Making a client of the book in XPM: only when asked, only when nobody there could be the same one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from xpm_tui.domain.errors import NeedsPerson, NotFound
from xpm_tui.domain.identity import exact
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.links import Value
from xpm_tui.domain.ports import Book, Clock, EventSink, Ids, Practice, Snapshot
from xpm_tui.domain.tables import APART, CLIENTS, LINKS, XPM_CLIENTS
from xpm_tui.domain.xpm import XpmClient, XpmContact
from xpm_tui.sync.applying.adoption import adopted
from xpm_tui.sync.canonical import Team, book_values, clean, contact_values, is_blank, primary_of
from xpm_tui.sync.journal import ADD_CLIENT, is_linked, without_end
from xpm_tui.sync.manual.creation import Maker, Making
from xpm_tui.sync.mirror import take
from xpm_tui.sync.outbox import Message, client_creation
from xpm_tui.sync.policy import BY_NAME, CLIENT_FIELDS, Policy

Why = Literal["linked", "was-linked", "no-name", "twin", "sure", "unknown", "twin-unknown"]

_WHY = {
    "linked": "It is linked to an XPM client already.",
    "was-linked": "It was linked to an XPM client before: link that one again, or another one.",
    "no-name": "It has no name, and XPM takes no client without one.",
    "twin": "XPM has a client of exactly this name. Link that one, or give one of the two another name.",
    "sure": "XPM has a client that is very probably the same one. Link it, or set the two apart.",
    "unknown": "It was sent to XPM before and no answer came. What became of that has to be found out first.",
    "twin-unknown": "Another client of this name was sent to XPM and no answer came. What became of that has "
    "to be found out first.",
}


class Blocked(msgspec.Struct, frozen=True):
    """Why a client is not made in XPM: the UUIDs to look at in the picker."""

    why: Why
    uuids: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """Why, in words."""
        return _WHY[self.why]


class MustWait(NeedsPerson):
    """The client is not made in XPM until a person chooses; ``blocked`` says why."""

    code = "create-waits"

    def __init__(self, blocked: Blocked) -> None:
        lost = blocked.why in ("unknown", "twin-unknown")
        way = "Sync: it is looked for then; what stays unknown is for `runs release`."
        super().__init__(blocked.sentence, hint=way if lost else "Open the picker: `clients review`.")
        self.blocked = blocked


class Created(msgspec.Struct, frozen=True, kw_only=True):
    """The client as XPM made it, and the fields that were left out (an unlinked person, an unknown
    structure)."""

    client: str
    row: XpmClient
    left_out: tuple[str, ...] = ()


def blocked(
    snapshot: Snapshot, client: Client, sure: Callable[[Client], str] = lambda _: ""
) -> Blocked | None:
    """Why this client must not be made in XPM, or None. ``sure`` gives the UUID of a sure proposal."""
    name = exact(client.name)
    if snapshot.raw(LINKS, client.id) is not None:
        return Blocked("linked")
    if not name:
        return Blocked("no-name")
    apart = snapshot.find(APART, "client", client.id)
    if apart:
        return Blocked("was-linked", tuple(each.uuid for each in apart))
    pending = [intent for intent in without_end(snapshot) if intent.kind == ADD_CLIENT]
    if any(intent.record == client.id for intent in pending):
        return Blocked("unknown")
    # What XPM shows later could not be told apart, and may be this client's twin.
    if any(
        exact(str(intent.values.get("name") or "")) == name and not is_linked(snapshot, intent)
        for intent in pending
    ):
        return Blocked("twin-unknown")
    twins = [row.uuid for row in snapshot.find(XPM_CLIENTS, "name", name) if not row.deleted]
    if twins:
        return Blocked("twin", tuple(twins))
    found = sure(client)
    return Blocked("sure", (found,)) if found else None


async def create_client(
    client_id: str,
    *,
    book: Book,
    practice: Practice,
    clock: Clock,
    ids: Ids,
    events: EventSink,
    policy: Policy,
    by: str,
    run: str,
    sure: Callable[[Client], str] = lambda _: "",
    create_lag: float = 300.0,
    stop: Callable[[], bool] = lambda: False,
) -> Created:
    """Make a client in XPM with all that is carried at creation, and link the two.

    ``run`` is a run that is in the book already, or the id for one that this act is by itself. XPM is asked
    once more for the name before anything is sent. Raises ``MustWait`` where a person has to choose,
    ``NeedsPerson`` when nobody can tell whether XPM made it, ``Refused`` when XPM said no, and what the wire
    raises.
    """
    snapshot = book.snapshot()
    client = snapshot.get(CLIENTS, client_id)
    if client is None:
        raise NotFound(f"There is no client with the id {client_id}.")
    found = blocked(snapshot, client, sure)
    if found is not None:
        raise MustWait(found)
    there = await practice.search(exact(client.name))
    take(book, [row for row in there if snapshot.raw(XPM_CLIENTS, row.uuid) is None], clock.now())
    twins = [row.uuid for row in there if exact(row.name) == exact(client.name) and not row.deleted]
    if twins:
        raise MustWait(Blocked("twin", tuple(twins)))
    message, left_out = creation_message(book.snapshot(), client, policy, [row.uuid for row in there])
    asked = Making(
        message,
        name=client.name,
        noun="client",
        table=XPM_CLIENTS,
        adopt=lambda snapshot, intent, row: adopted(snapshot, intent, row, clock.now()),
    )
    maker = Maker(book, practice, clock, ids, events, by, run, policy.direction)
    row = await maker.make(asked, create_lag, stop)
    return Created(client=client.id, row=row, left_out=left_out)


def creation_message(
    snapshot: Snapshot, client: Client, policy: Policy, before: Sequence[str] = ()
) -> tuple[Message[XpmClient], tuple[str, ...]]:
    """Return the message that creates a client, and the fields that have to be left out of it; ``before`` are
    the UUIDs of the XPM clients that have its name."""
    values, left_out = creation_values(snapshot, client, policy)
    return client_creation(client.id, values, creation_contacts(client, policy), before), left_out


def creation_values(
    snapshot: Snapshot, client: Client, policy: Policy
) -> tuple[dict[str, Value], tuple[str, ...]]:
    """What goes to XPM at creation, whatever the level, and the fields that have to be left out."""
    team = Team.read(snapshot)
    ours = book_values(client, team)
    values: dict[str, Value] = {}
    left_out: list[str] = []
    for rule in Policy(direction="to_xpm", off=policy.off).fields(creation=True):
        if rule not in CLIENT_FIELDS:
            continue
        value = ours.get(rule.name)  # a masked value has no canonical form
        if is_blank(value):
            continue
        unlinked = rule.kind == "person" and value not in team.member
        if unlinked or (rule.name == "structure" and not _is_known_structure(snapshot, str(value))):
            left_out.append(rule.name)
        else:
            values[rule.name] = value
    return values, tuple(left_out)


def creation_contacts(client: Client, policy: Policy) -> list[XpmContact]:
    """The contacts that go along: XPM takes none without a name."""
    if "contact" in policy.off:
        return []
    carried = Policy(direction="to_xpm", off=policy.off).of_new_contact()
    return [
        msgspec.convert(
            {
                "uuid": "",
                "primary": contact.id == primary_of(client),
                **{
                    BY_NAME[name].attribute: value
                    for name, value in contact_values(contact).items()
                    if name in carried
                },
            },
            XpmContact,
        )
        for contact in client.contacts
        if clean(contact.name)
    ]


def _is_known_structure(snapshot: Snapshot, structure: str) -> bool:
    """XPM takes only structures of its own settings and tells no list of them: one in use is known."""
    return any(row.structure == structure for row in snapshot.rows(XPM_CLIENTS) if not row.deleted)
