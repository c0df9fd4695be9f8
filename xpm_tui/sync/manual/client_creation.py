"""Create an Ignition client in XPM: only on request, and only if no client there may be the same one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Literal

import msgspec

from xpm_tui.domain.errors import DecisionNeeded, NotFound
from xpm_tui.domain.field_types import clean, is_blank
from xpm_tui.domain.fields import SYNCED_BY_NAME
from xpm_tui.domain.identity import exact
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.links import Value
from xpm_tui.domain.ports import Clock, EventSink, IdSource, Snapshot, Store, XpmPort
from xpm_tui.domain.tables import BLOCKED_PAIRS, CLIENTS, LINKS, XPM_CLIENTS
from xpm_tui.domain.xpm import XpmClient, XpmContact, quarantined_in
from xpm_tui.sync.applying.adoption import adoption_writes
from xpm_tui.sync.base import PRIMARY, block_as_different, foreign_values, live_link
from xpm_tui.sync.canonical import TeamLinks, contact_values, ignition_values, primary_of, write_client
from xpm_tui.sync.journal import ADD_CLIENT, is_linked, unanswered
from xpm_tui.sync.manual.creation import CreationRequest, RecordCreator, refuse_unreadable
from xpm_tui.sync.matching.proposals import MatchIndex, SimilarClient
from xpm_tui.sync.mirror import commit_rows
from xpm_tui.sync.outbox import Message, client_creation
from xpm_tui.sync.planning.links import lost_links, survivors
from xpm_tui.sync.policy import CLIENT_FIELDS, Policy

BlockReason = Literal[
    "linked", "was-linked", "no-name", "merged", "twin", "same", "near", "unknown", "twin-unknown"
]
Lookup = Callable[[Client], Sequence[SimilarClient]]

SHOWN = 3
"""The number of similar clients that are named."""

_WHY = {
    "linked": "It is already linked to an XPM client.",
    "was-linked": "It was linked to an XPM client before: link it to that one again, or to another one.",
    "no-name": "It has no name, and XPM does not accept a client without a name.",
    "merged": "Its XPM client is gone, and another one may be its successor.",
    "twin": "XPM has a client with exactly this name.",
    "same": "XPM has a client with the same name in another form.",
    "near": "XPM has a client that may be the same.",
    "unknown": "It was already sent to XPM, but no answer came. First find out what happened to it.",
    "twin-unknown": "Another client with this name was sent to XPM, but no answer came. First find out what "
    "happened to it.",
}


class CreationBlocked(msgspec.Struct, frozen=True):
    """Why a client is not created in XPM: the UUIDs to compare, and the similar clients."""

    why: BlockReason
    uuids: tuple[str, ...] = ()
    alike: tuple[SimilarClient, ...] = ()

    @property
    def sentence(self) -> str:
        """Return the reason in words, naming the similar clients."""
        if not self.alike:
            return _WHY[self.why]
        more = len(self.alike) - SHOWN
        text = " ".join(each.sentence for each in self.alike[:SHOWN])
        return text + (f" And {more} more." if more > 0 else "")

    def advice(self, client: str) -> str:
        """Return what to do about it."""
        if self.why in ("unknown", "twin-unknown"):
            return (
                "Run a sync, which looks for it in XPM. If the outcome is still unknown, use `runs release`."
            )
        if not self.alike:
            return {
                "linked": f"Look at its link: `clients show {client}`.",
                "no-name": f"Give it a name: `clients edit {client}`.",
            }.get(self.why, "Decide in the review: `clients review`.")
        numbers = [each.number or each.uuid for each in self.alike]
        consent = " ".join(f"--different-from {number}" for number in numbers)
        if self.why == "merged" and self.alike[0].linked:
            return (
                "Two Ignition clients are now one client in XPM. Keep one and ignore the other: xpm-tui "
                f"clients ignore {client}. If it is a different client: xpm-tui clients create {client} "
                f"{consent}"
            )
        return (
            f"Link to that client: xpm-tui clients link {client} {numbers[0]}. If it is a "
            f"different client: xpm-tui clients create {client} {consent}"
        )


LEFT_OUT = "XPM has no such person or business structure, or the value came from a former XPM client."
"""Why a field is left out of a new client."""


class CreationHeld(DecisionNeeded):
    """The client is not created in XPM until a user decides; ``find_obstacle`` says why."""

    code = "create-waits"

    def __init__(self, blocked: CreationBlocked, client: str) -> None:
        super().__init__(blocked.sentence, hint=blocked.advice(client))
        self.blocked = blocked


class CreatedClient(msgspec.Struct, frozen=True, kw_only=True):
    """The client as XPM created it, and the fields that were left out.

    A field is left out if it is an unlinked person, an unknown structure, or a value of another XPM client.
    """

    client: str
    row: XpmClient
    left_out: tuple[str, ...] = ()


def find_obstacle(
    snapshot: Snapshot, client: Client, alike: Lookup | None = None, different: Collection[str] = ()
) -> CreationBlocked | None:
    """Return why this client must not be created in XPM, or None.

    Args:
        snapshot: The store and the mirror.
        client: The client to create.
        alike: Returns the XPM clients whose name is the same or near; by default, an index is built for it.
        different: UUIDs of XPM clients that a user says are different clients. Earlier answers are stored.
    """
    name = exact(client.name)
    if live_link(snapshot, client.id) is not None:
        return CreationBlocked("linked")
    if not name:
        return CreationBlocked("no-name")
    pairs = snapshot.find(BLOCKED_PAIRS, "client", client.id)
    if former := tuple(each.uuid for each in pairs if not each.different and _is_there(snapshot, each.uuid)):
        return CreationBlocked("was-linked", former)
    pending = [intent for intent in unanswered(snapshot) if intent.kind == ADD_CLIENT]
    if any(intent.record == client.id for intent in pending):
        return CreationBlocked("unknown")
    # A client with this name that XPM shows later could be either of the two.
    if any(
        exact(str(intent.values.get("name") or "")) == name and not is_linked(snapshot, intent)
        for intent in pending
    ):
        return CreationBlocked("twin-unknown")
    settled = {each.uuid for each in pairs} | set(different)
    look_up = alike or MatchIndex.build(snapshot).alike
    successors = [each for each in _successors(snapshot, client) if each.uuid not in settled]
    known = {each.uuid for each in successors}
    same = (each for each in look_up(client) if each.blocks and each.uuid not in settled | known)
    found = (*successors, *same)
    if not found:
        return None
    if successors:
        return CreationBlocked("merged", tuple(each.uuid for each in found), found)
    twin = any(exact(each.name) == name for each in found)
    why: BlockReason = "twin" if twin else "same" if found[0].same else "near"
    return CreationBlocked(why, tuple(each.uuid for each in found), found)


def _is_there(snapshot: Snapshot, uuid: str) -> bool:
    row = snapshot.get(XPM_CLIENTS, uuid)
    return row is not None and not row.deleted


def _successors(snapshot: Snapshot, client: Client) -> list[SimilarClient]:
    """Return the XPM clients that may have replaced the one that the client was linked to, best first."""
    found: list[SimilarClient] = []
    for each in (s for link in lost_links(snapshot, client.id) for s in survivors(snapshot, client.id, link)):
        row = snapshot.get(XPM_CLIENTS, each.uuid)
        if row is None or each.level == "weak":
            continue
        merged = "was merged" if each.level == "sure" else "may have been merged"
        found.append(
            SimilarClient(
                uuid=row.uuid,
                number=row.number,
                name=row.name,
                same=True,
                reason=f"its XPM client {merged} into this one ({', '.join(each.evidence)})",
                archived=row.archived,
                prospect=row.prospect,
                linked=bool(snapshot.find(LINKS, "uuid", row.uuid)),
            )
        )
    return found


async def create_client(
    client_id: str,
    *,
    store: Store,
    practice: XpmPort,
    clock: Clock,
    ids: IdSource,
    events: EventSink,
    policy: Policy,
    by: str,
    run: str,
    index: MatchIndex | None = None,
    different: Collection[str] = (),
    create_lag: float = 300.0,
    stop: Callable[[], bool] = lambda: False,
) -> CreatedClient:
    """Create a client in XPM with all fields that are synced at creation, and link the two.

    ``run`` is a run that is already in the store, or the id of a new one. ``different`` are the UUIDs of XPM
    clients that the user says are different clients; the answer is stored for each pair. XPM is searched for
    the name again before anything is sent.

    Raises:
        CreationHeld: The user has to decide: XPM has a client with the same or a near name.
        DecisionNeeded: It is unknown whether XPM created it.
        Refused: XPM refused it.
    """
    snapshot = store.snapshot()
    client = snapshot.get(CLIENTS, client_id)
    if client is None:
        raise NotFound(f"There is no client with the id {client_id}.")
    index = index or MatchIndex.build(snapshot)
    found = find_obstacle(snapshot, client, index.alike, different)
    if found is not None:
        raise CreationHeld(found, client.id)
    calls = practice.calls
    there = await practice.search(exact(client.name))
    refuse_unreadable(store.snapshot(), "clients", quarantined_in(there), client.name)
    commit_rows(store, [row for row in there if snapshot.raw(XPM_CLIENTS, row.uuid) is None], clock.now())
    for each in there:
        index.add(each)
    found = find_obstacle(store.snapshot(), client, index.alike, different)
    if found is not None:
        raise CreationHeld(found, client.id)
    if different:
        store.commit(
            [block_as_different(client.id, uuid, by=by, now=clock.now()) for uuid in sorted(set(different))]
        )
    message, left_out = creation_message(store.snapshot(), client, policy, [row.uuid for row in there])
    request = CreationRequest(
        message,
        name=client.name,
        noun="client",
        table=XPM_CLIENTS,
        adopt=lambda snapshot, intent, row: adoption_writes(snapshot, intent, row, clock.now()),
    )
    creator = RecordCreator(store, practice, clock, ids, events, by, run, policy.direction, calls)
    row = await creator.create(request, create_lag, stop)
    index.add(row, linked=True)
    return CreatedClient(client=client.id, row=row, left_out=left_out)


def creation_message(
    snapshot: Snapshot, client: Client, policy: Policy, before: Sequence[str] = ()
) -> tuple[Message[XpmClient], tuple[str, ...]]:
    """Return the message that creates a client, and the fields that have to be left out of it.

    ``before`` are the UUIDs of the XPM clients that have its name.
    """
    client, former = without_former(snapshot, client)
    values, left_out = creation_values(snapshot, client, policy)
    left_out = (*left_out, *(field for field in former if field in SYNCED_BY_NAME))
    return client_creation(client.id, values, creation_contacts(client, policy), before), left_out


def without_former(snapshot: Snapshot, client: Client) -> tuple[Client, tuple[str, ...]]:
    """Return a client without the values that came from a former XPM client, and the names of these fields.

    They are not sent to another XPM client without a review.
    """
    team = TeamLinks.read(snapshot)
    former = foreign_values(snapshot, client, "", team)
    if not former:
        return client, ()
    theirs = {key.partition(".")[0] for key in former if "." in key}
    contacts = tuple(each for each in client.contacts if each.id not in theirs)
    own = {field: None for field in former if field in SYNCED_BY_NAME and not SYNCED_BY_NAME[field].required}
    own.pop(PRIMARY, None)
    blank = write_client(msgspec.structs.replace(client, contacts=contacts), own, team)
    return blank, tuple(sorted(own))


def creation_values(
    snapshot: Snapshot, client: Client, policy: Policy
) -> tuple[dict[str, Value], tuple[str, ...]]:
    """Return what is sent to XPM at creation, at any level, and the fields that are left out."""
    team = TeamLinks.read(snapshot)
    ours = ignition_values(client, team)
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
    """Return the contacts that are sent as well: XPM accepts none without a name."""
    if "contact" in policy.off:
        return []
    fields = Policy(direction="to_xpm", off=policy.off).new_contact_fields()
    return [
        msgspec.convert(
            {
                "uuid": "",
                "primary": contact.id == primary_of(client),
                **{
                    SYNCED_BY_NAME[name].attribute: value
                    for name, value in contact_values(contact).items()
                    if name in fields
                },
            },
            XpmContact,
        )
        for contact in client.contacts
        if clean(contact.name)
    ]


def _is_known_structure(snapshot: Snapshot, structure: str) -> bool:
    """Return whether a structure is in use, as XPM accepts only those of its settings and has no list."""
    return any(row.structure == structure for row in snapshot.rows(XPM_CLIENTS) if not row.deleted)
