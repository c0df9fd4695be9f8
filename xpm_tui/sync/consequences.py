"""What a plan or an undo would do, computed from its records: the only place that counts it. Pure.

Calls are counted by the rules by which the executor sends: it takes the records to write, the possible
changes, and the interval of its checks from this module.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping

import msgspec

from xpm_tui.domain.field_types import is_blank
from xpm_tui.domain.links import Value
from xpm_tui.domain.pace import Pace
from xpm_tui.domain.plan import (
    NAMED,
    Change,
    Consequences,
    LastingEffects,
    LastingKind,
    LocalCounts,
    Plan,
    PlannedRecord,
    PreservedValues,
    ReplacedValues,
    Requests,
    SkippedUndo,
    Subject,
    XpmCounts,
)
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.safe_text import is_sendable
from xpm_tui.domain.tables import CLIENTS, INTENTS, LINKS, XPM_CLIENTS
from xpm_tui.domain.xpm import XpmContact
from xpm_tui.sync.base import PRIMARY, frozen_fields, link_and_row
from xpm_tui.sync.canonical import new_contact_values, unread_fields
from xpm_tui.sync.journal import ADD_CLIENT, ADD_CONTACT, ADD_STAFF, UPDATE_CLIENT, UPDATE_CONTACT
from xpm_tui.sync.policy import Policy
from xpm_tui.sync.undo_freezes import frozen_counts, undo_freezes

MOVED_CHECK = 300
"""The number of writes after which XPM is asked again what has changed there."""

LISTS = 5
"""Calls that update the mirror: clients, staff, templates, categories, current jobs."""

UNSENDABLE = (
    "The value contains a character that XML does not allow. Correct it (clients edit, contacts edit)."
)
"""Why a change is not sent to XPM, and what to do."""

_MARKS = {"first": "overwrites", "drift": "drift", "conflict": "conflicts", "clear": "clearings"}
"""The kind of the replaced value, by the rule of a change."""
_LASTING: dict[str, LastingKind] = {"contact": "contact", PRIMARY: "primary", "client": "client"}
_KINDS = (UPDATE_CLIENT, UPDATE_CONTACT, ADD_CONTACT)


def record_name(snapshot: Snapshot, record: str) -> str:
    """Return how a sentence names a client or one of its contacts: ``Ann Lee (Acme)``; its id if unknown."""
    id_, _, contact = record.partition("/")
    client = snapshot.get(CLIENTS, id_)
    _, row = link_and_row(snapshot, id_)
    name = client.name if client is not None else row.name if row is not None else ""
    if not contact:
        return name or record
    people = {each.id: each for each in client.contacts} if client is not None else {}
    there = {each.uuid: each for each in row.contacts} if row is not None else {}
    found = people.get(contact) or there.get(contact)
    person = (found.name or found.email) if found is not None else ""
    return f"{person or contact} ({name or id_})"


def written_records(record: PlannedRecord) -> dict[str, list[Change]]:
    """Return the ticked changes to XPM by the record that is written: the client, then each contact.

    Each record takes one call.
    """
    calls: dict[str, list[Change]] = {}
    for change in record.changes:
        if change.ticked and change.side == "xpm" and change.field != "link":
            calls.setdefault(change.record, []).append(change)
    return calls


def is_wanted(record: PlannedRecord) -> bool:
    """Return whether anything of the record is to be done; without its link, no value is."""
    ticked = [change for change in record.changes if change.ticked]
    return bool(ticked) and not any(c.field == "link" and not c.ticked for c in record.changes)


def possible_changes(planned: Iterable[Change], wanted: tuple[Change, ...]) -> tuple[Change, ...]:
    """Return the wanted changes among a client's planned ones, without those that are impossible alone.

    A contact that is not created does not become the primary one, and the copies of a shared contact change
    with it.
    """
    planned = tuple(planned)
    if any(change.follows for change in planned):
        wanted = _with_followers(planned, wanted)
    made = {change.record for change in wanted if change.field == "contact"}
    unmade = {change.record for change in planned if change.field == "contact"} - made
    if not unmade:
        return wanted
    return tuple(c for c in wanted if c.field != PRIMARY or c.record not in unmade)


def _with_followers(planned: tuple[Change, ...], wanted: tuple[Change, ...]) -> tuple[Change, ...]:
    """Return the wanted changes, with those that follow a wanted change to a shared contact."""
    sent = {(change.record, change.field) for change in wanted if change.side == "xpm"}
    chosen = frozenset(wanted)
    return tuple(
        msgspec.structs.replace(change, ticked=True) if change.follows else change
        for change in planned
        if ((change.follows, change.field) in sent if change.follows else change in chosen)
    )


def plan_consequences(
    snapshot: Snapshot,
    plan: Plan,
    records: Iterable[PlannedRecord],
    policy: Policy,
    *,
    before: Requests | None = None,
    pace: Pace | None = None,
) -> Consequences:
    """Return what applying a plan, or an undo, would do, and what an undo leaves as it is.

    Args:
        snapshot: What the records are compared with: names of contacts, freezes of users.
        plan: The head of the plan; with ``undo_of`` it is an undo.
        records: Its records with their ticks.
        policy: The policy under which it is applied: which fields a new contact is sent with.
        before: Calls of the run before it writes, such as lists that are read again.
        pace: What the rate limiter allows; by default an unused minute.
    """
    work = _Counting(snapshot, policy, undo=bool(plan.undo_of))
    records = [*records]
    for record in records:
        work.record(record)
    work.left(plan.left)
    frozen = frozen_counts(undo_freezes(snapshot, plan, records)) if plan.undo_of else ()
    subject: Subject = "undo" if plan.undo_of else "plan"
    kept = work.kept()
    lists = [*work.lasting.values(), *(each.records for each in kept)]
    if sum(each.number for each in frozen) <= NAMED:
        lists += [each.records for each in frozen]
    shown = {record.partition(":")[0] for ids in lists if len(ids) <= NAMED for record in ids}
    return with_pace(
        Consequences(
            of=subject,
            about=plan.undo_of or plan.id,
            xpm=XpmCounts(**work.xpm),
            here=LocalCounts(**work.here),
            replaced=ReplacedValues(**work.replaced),
            lasting=tuple(
                LastingEffects(what=what, number=len(ids), records=tuple(ids))
                for what, ids in work.lasting.items()
            ),
            kept=kept,
            also=tuple(work.also),
            freezes=sum(each.number for each in frozen),
            frozen=frozen,
            waiting=work.waiting,
            requests=Requests(**work.requests) + (before or Requests()),
            names={record: record_name(snapshot, record) for record in sorted(shown)},
        ),
        pace,
    )


def with_pace(found: Consequences, pace: Pace | None = None) -> Consequences:
    """Return the consequences with their calls summed and timed by the rate limiter's own rule."""
    pace, calls = pace or Pace(), found.requests.total
    beyond = pace.beyond_today(calls)
    return msgspec.structs.replace(
        found,
        calls=calls,
        seconds=pace.minimum_seconds(calls),
        beyond_today=beyond,
        day_until=pace.day_until if beyond else None,
    )


def preserved_values(records: Mapping[str, Collection[str]]) -> tuple[PreservedValues, ...]:
    """Return what stays as it is, from the ids of the records by reason."""
    return tuple(
        PreservedValues(why=why, number=len(ids), records=tuple(ids)) for why, ids in records.items()
    )


def lookups(snapshot: Snapshot) -> Requests:
    """Return the calls by which a run first resolves earlier writes without an answer.

    They are one list for all clients, one for all staff, and one read for every other write.
    """
    kinds = Counter(intent.kind for intent in snapshot.find(INTENTS, "state", "sent"))
    lists = bool(kinds[ADD_CLIENT]) + bool(kinds[ADD_STAFF])
    return Requests(lookups=lists + sum(kinds[kind] for kind in _KINDS))


def link_consequences(
    clients: Collection[str] = (),
    *,
    people: int = 0,
    services: int = 0,
    former: Mapping[str, int] | None = None,
) -> Consequences:
    """Return what linking these clients, people or services would do.

    All of it is saved here, and nothing is sent. ``former`` counts what came from former XPM clients.
    """
    here = LocalCounts(clients=len(clients), links=len(clients), people=people, services=services)
    return _with_former(Consequences(of="links", here=here), former or {})


def _with_former(found: Consequences, former: Mapping[str, int]) -> Consequences:
    """Count the values and contacts of former XPM clients that are replaced or removed with a link."""
    values = former.get("replaced", 0) + former.get("removed", 0)
    removed = former.get("contacts_removed", 0)
    here = found.here
    changes = here.links + here.people + here.services + here.ignored + values + removed
    return msgspec.structs.replace(
        found,
        here=msgspec.structs.replace(here, changes=changes, values=values, removed=removed),
        replaced=ReplacedValues(values=values),
    )


def pick_consequences(
    added: int, linked: int, kept: Mapping[str, Collection[str]], names: Mapping[str, str] | None = None
) -> Consequences:
    """Return what bringing in clients would do.

    ``added`` XPM clients are added here, ``linked`` are linked, and those ``kept``, by reason, are skipped.
    """
    both = added + linked
    shown = [id_ for ids in kept.values() if len(ids) <= NAMED for id_ in ids]
    return Consequences(
        of="picks",
        here=LocalCounts(changes=both, clients=both, added=added, links=linked),
        kept=preserved_values(kept),
        names={id_: names[id_] for id_ in shown if names and id_ in names},
    )


def staff_pick_consequences(picked: int) -> Consequences:
    """Return what adding this many people of XPM's staff to the team would do."""
    return Consequences(of="picks", here=LocalCounts(changes=picked, people=picked))


def review_consequences(linked: int, ignored: int, former: Mapping[str, int] | None = None) -> Consequences:
    """Return what the choices of a review file would do; ``former`` counts what came from former clients."""
    found = Consequences(
        of="review", here=LocalCounts(clients=linked + ignored, links=linked, ignored=ignored)
    )
    return _with_former(found, former or {})


def creation_consequences(what: LastingKind, record: str, name: str, contacts: int = 0) -> Consequences:
    """Return what creating one client (with its contacts) or one staff record in XPM would do."""
    client = what == "client"
    return with_pace(
        Consequences(
            of="client" if client else "staff",
            about=record,
            xpm=XpmCounts(
                changes=1,
                clients=int(client),
                contacts=contacts,
                clients_created=int(client),
                staff_created=int(not client),
            ),
            here=LocalCounts(changes=1, clients=int(client), links=int(client), people=int(not client)),
            lasting=(LastingEffects(what=what, number=1, records=(record,)),),
            requests=Requests(
                client_creations=int(client),
                searches=int(client),
                staff_creations=int(not client),
                staff_lists=int(not client),
            ),
            names={record: name},
        )
    )


class _Counting:
    """The counting of one plan's records."""

    def __init__(self, snapshot: Snapshot, policy: Policy, *, undo: bool) -> None:
        self._snapshot = snapshot
        self._policy = policy
        self._undo = undo
        self._until_check = 0
        self._clients: defaultdict[str, set[str]] = defaultdict(set)
        self.xpm: Counter[str] = Counter()
        self.here: Counter[str] = Counter()
        self.replaced: Counter[str] = Counter()
        self.requests: Counter[str] = Counter()
        self.lasting: defaultdict[LastingKind, list[str]] = defaultdict(list)
        self.also: dict[str, None] = {}
        self._kept: defaultdict[str, list[str]] = defaultdict(list)
        self.waiting = 0
        self._unsendable: list[str] = []

    def left(self, skipped: Iterable[SkippedUndo]) -> None:
        """Count what an undo leaves: what stays in XPM cannot be undone, the rest has its reason."""
        for each in skipped:
            lasting = _LASTING.get(each.field) if each.why == "stays-in-xpm" else None
            if lasting is not None:
                self.lasting[lasting].append(each.record)
            else:
                self._kept[each.sentence].append(f"{each.record}:{each.field}")

    def kept(self) -> tuple[PreservedValues, ...]:
        """Return what an undo leaves as it is, by reason, and the changes that cannot be sent."""
        unsendable = {UNSENDABLE: self._unsendable} if self._unsendable else {}
        return preserved_values({**self._kept, **unsendable})

    def record(self, record: PlannedRecord) -> None:
        """Count one client: the effects of its ticked changes, and their calls."""
        ticked = tuple(change for change in record.changes if change.ticked)
        done = possible_changes(record.changes, ticked) if is_wanted(record) else ()
        self.waiting += len(record.changes) - len(done)
        record = msgspec.structs.replace(record, changes=done)
        unsent = self._unsent(record)
        if unsent:
            self._unsendable += (f"{change.record}:{change.field}" for change in unsent)
            done = tuple(change for change in done if change not in unsent)
        for side, tally in (("xpm", self.xpm), ("ignition", self.here)):
            found = [change for change in done if change.side == side]
            tally["changes"] += len(found)
            self._clients[side].update(change.record.partition("/")[0] for change in found)
            tally["clients"] = len(self._clients[side])
            for change in found:
                tally[_part(change)] += 1
        for change in done:
            self._replaced(change)
            self._lasting(change)
            for uuid in change.also:
                other = self._snapshot.get(XPM_CLIENTS, uuid)
                self.also[f"{other.name} ({other.number})" if other is not None else uuid] = None
        self._calls(record, unsent)

    def _unsent(self, record: PlannedRecord) -> list[Change]:
        """Return the changes of the first call with an invalid character, and those that follow it.

        The client's remaining calls wait for it.
        """
        unsent: list[Change] = []
        for target, changes in written_records(record).items():
            if unsent or not all(map(is_sendable, self._values(record, target, changes))):
                unsent += changes
        return unsent

    def _values(self, record: PlannedRecord, target: str, changes: Iterable[Change]) -> Iterable[Value]:
        """Return what a call sends; of an added contact, every field that the policy allows."""
        contact = target.partition("/")[2]
        if contact and any(change.field == "contact" for change in changes):
            client = self._snapshot.get(CLIENTS, record.client)
            row = self._snapshot.get(XPM_CLIENTS, record.uuid)
            ours = client.contact(contact) if client is not None else None
            if ours is None or row is None:
                return ()
            frozen = frozen_fields(self._snapshot, record.client) | unread_fields(row)
            return new_contact_values(ours, self._policy.new_contact_fields(frozen)).values()
        return [change.new for change in changes]

    def _replaced(self, change: Change) -> None:
        if change.field in ("link", "contact", "client"):
            return
        # A value that was emptied on the other side was edited there, so filling it in replaces an edit.
        self.replaced["values"] += not is_blank(change.old) or change.rule in ("drift", "conflict")
        if change.rule in _MARKS:
            self.replaced[_MARKS[change.rule]] += 1

    def _lasting(self, change: Change) -> None:
        """Count what cannot be undone: XPM removes no contact, and cannot be left without a primary one."""
        if self._undo or change.side != "xpm":
            return
        if change.field == "contact":
            self.lasting["contact"].append(change.record)
        elif change.field == PRIMARY and not change.old:
            self.lasting["primary"].append(change.record)

    def _calls(self, record: PlannedRecord, unsent: Collection[Change]) -> None:
        """Count the calls for one client in order, up to one that cannot be sent."""
        targets = written_records(record)
        if not targets:
            return
        if self._until_check <= 0:
            self.requests["checks"] += 1
            self._until_check = MOVED_CHECK
        nameless = _NameLookup(self._snapshot, record)
        for target, changes in targets.items():
            self._until_check -= 1
            if changes[0] in unsent:
                return
            contact = target.partition("/")[2]
            if not contact:
                self.requests["client_updates"] += 1
            elif any(change.field == "contact" for change in changes):
                self.requests["contact_additions"] += 1
            else:
                self.requests["contact_updates"] += 1
                self.requests["contact_reads"] += nameless(contact, changes)


class _NameLookup:
    """The check whether a contact's name has to be read before it is written: the mirror may have none."""

    def __init__(self, snapshot: Snapshot, record: PlannedRecord) -> None:
        self._find: Callable[[str], XpmContact | None] | None = None
        row = snapshot.get(XPM_CLIENTS, record.uuid)
        there = row.present_contacts if row is not None else ()
        if all(each.name for each in there):
            return
        link, client = snapshot.get(LINKS, record.client), snapshot.get(CLIENTS, record.client)
        joined = {each.contact: each.uuid for each in link.contacts} if link is not None else {}
        emails = {each.id: each.email.casefold() for each in (client.contacts if client is not None else ())}

        def find(contact: str) -> XpmContact | None:
            uuid = joined.get(contact, contact)
            email = emails.get(contact, "")
            same = (each for each in there if email and each.email.casefold() == email)
            return next((each for each in there if each.uuid == uuid), None) or next(same, None)

        self._find = find

    def __call__(self, contact: str, changes: Iterable[Change]) -> bool:
        if self._find is None or any(c.field == "contact_name" and c.new for c in changes):
            return False
        found = self._find(contact)
        return found is not None and not found.name


def _part(change: Change) -> str:
    """Return which part of the counts a change belongs to."""
    if change.field == "link":
        return "links"
    if change.field == "client":
        return "removed"
    if change.field == "contact":
        return "contacts" if change.new is not None else "removed"
    return "values"
