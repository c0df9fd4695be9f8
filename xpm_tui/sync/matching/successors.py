"""Successors of linked XPM clients that XPM no longer has: candidates with evidence. Pure.

XPM does not report a merge: the merged client is missing from the list, and its jobs, contacts and groups are
on the survivor. So evidence that something *moved* since a list last contained the client counts far more
than what the two have in common: a related entity shares contacts and address without being a successor.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from xpm_tui.domain.formatting import count, plural
from xpm_tui.domain.identity import Answer, compare_names, name_key
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.links import Link, LostClient, Successor
from xpm_tui.domain.names import ParsedName
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.tables import JOBS, MOVES, XPM_CLIENTS
from xpm_tui.domain.xpm import XpmClient
from xpm_tui.sync.matching.proposals import name_keys
from xpm_tui.sync.matching.similarity import facts_of, facts_of_xpm
from xpm_tui.sync.mirror import OVERLAP

MAX_CANDIDATES = 5
"""The most candidates for one client."""

STRONG, LIKELY, WEAK = 90, 40, 12
"""Scores: of strong evidence at least, from which a candidate is likely, and from which it is named."""

_COMMON = 60
"""A fact that more XPM clients than this share is ignored."""

_RARE = 30
"""A word of a name that more XPM clients than this have finds no candidates."""


_FORMS = frozenset(
    "ltd limited pty trust family super fund the and company holdings group partnership".split()
)
"""Words that are too common in names to find candidates."""


class _Person(msgspec.Struct, frozen=True, gc=False):
    """What identifies a contact."""

    uuid: str
    email: str
    name: str

    @property
    def is_known(self) -> bool:
        """Return whether there is anything that identifies the contact."""
        return bool(self.uuid or self.email or self.name)


class _Facts(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of an XPM client; for a client that has disappeared, as XPM last had them."""

    uuid: str
    name: ParsedName
    people: tuple[_Person, ...] = ()
    groups: frozenset[str] = frozenset()
    names: dict[str, str] = {}
    numbers: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    email: str = ""
    code: str = ""
    places: frozenset[str] = frozenset()
    archived: bool = False
    prospect: bool = False
    tokens: frozenset[str] = frozenset()


class _Evidence(msgspec.Struct, kw_only=True):
    """The evidence for one candidate."""

    jobs: int = 0
    by_uuid: int = 0
    by_email: int = 0
    by_name: int = 0
    arrived: int = 0
    weight: float = 0.0
    groups: tuple[str, ...] = ()
    groups_arrived: tuple[str, ...] = ()
    email: bool = False
    new: bool = False
    code: bool = False
    number: bool = False
    phone: bool = False
    place: bool = False
    answer: Answer = "different"
    name_reason: str = ""

    @property
    def people(self) -> int:
        """Return how many contacts of the lost client are on this one."""
        return self.by_uuid + self.by_email + self.by_name


class SuccessorIndex:
    """XPM clients that have something in common with lost ones, from one snapshot.

    Parsing a name is slow, so only clients that share a word, a contact, a number or the like are parsed.
    """

    def __init__(self, snapshot: Snapshot, lost: Iterable[tuple[Client, Link]]) -> None:
        self._facts = {(client.id, link.uuid): _lost_facts(snapshot, client, link) for client, link in lost}
        self._rows: dict[str, _Facts] = {}
        self._blocks: dict[str, list[str]] = defaultdict(list)
        self._jobs: dict[str, dict[str, list[datetime]]] = defaultdict(lambda: defaultdict(list))
        self._arrived: dict[str, dict[str, tuple[datetime, bool]]] = defaultdict(dict)
        self._staying: set[str] = set()
        self._read_moves(snapshot)
        self._read_clients(snapshot)

    def _read_moves(self, snapshot: Snapshot) -> None:
        uuids = {uuid for _, uuid in self._facts}
        for job in snapshot.rows(JOBS):
            if not job.gone and job.client is not None and job.client.uuid in uuids:
                self._staying.add(job.client.uuid)
        for move in snapshot.rows(MOVES):
            if move.kind == "job":
                self._jobs[move.was][move.to].append(move.at)
            else:
                self._arrived[move.to][move.what] = (move.at, move.new)

    def _read_clients(self, snapshot: Snapshot) -> None:
        wanted = {token for facts in self._facts.values() for token in facts.tokens}
        job_owners = {to for _, uuid in self._facts for to in self._jobs.get(uuid, ())}
        for row in snapshot.rows(XPM_CLIENTS):
            if not row.deleted and (row.uuid in job_owners or not wanted.isdisjoint(_row_tokens(row))):
                facts = self._rows[row.uuid] = _row_facts(row)
                for block in _blocks(facts):
                    self._blocks[block].append(row.uuid)

    def find(self, client: Client, link: Link, lost: LostClient) -> tuple[Successor, ...]:
        """Return the possible successors of the XPM client that ``client`` has lost, best first."""
        facts = self._facts[client.id, link.uuid]
        since = lost.since - OVERLAP if lost.since is not None else None
        found = {uuid: self._gather(facts, self._rows[uuid], since) for uuid in self._candidates(facts)}
        strong = [uuid for uuid, each in found.items() if self._is_strong(facts, uuid, each)]
        views = [
            Successor(
                uuid=uuid,
                score=_score(each, strong == [uuid]),
                level="sure" if strong == [uuid] else "likely" if _score(each) >= LIKELY else "weak",
                evidence=tuple(_evidence_texts(each, self._rows[uuid])),
                new=each.new,
            )
            for uuid, each in found.items()
        ]
        views = [each for each in views if each.score >= WEAK and each.evidence]
        views.sort(key=lambda each: (-each.score, self._rows[each.uuid].archived, each.uuid))
        return tuple(views[:MAX_CANDIDATES])

    def _candidates(self, facts: _Facts) -> set[str]:
        found = {uuid for uuid in self._jobs.get(facts.uuid, ()) if uuid in self._rows}
        for block in _blocks(facts):
            places = self._blocks.get(block, ())
            if len(places) <= (_RARE if block[0] == "w" else _COMMON):
                found.update(places)
        found.discard(facts.uuid)
        return found

    def _gather(self, facts: _Facts, theirs: _Facts, since: datetime | None) -> _Evidence:
        compared = compare_names(facts.name, theirs.name)
        evidence = _Evidence(
            jobs=sum(since is None or at >= since for at in self._jobs[facts.uuid][theirs.uuid]),
            code=bool(facts.code) and facts.code == theirs.code,
            number=not facts.numbers.isdisjoint(theirs.numbers),
            email=bool(facts.email) and facts.email == theirs.email,
            phone=not facts.phones.isdisjoint(theirs.phones),
            place=not facts.places.isdisjoint(theirs.places),
            answer=compared.answer,
            name_reason=compared.reasons[0] if compared.answer != "different" else "",
        )
        came = self._arrived_since(theirs.uuid, since)
        for person in facts.people:
            self._add_contact(evidence, person, theirs, came)
        shared = facts.groups & theirs.groups
        evidence.groups = tuple(sorted(theirs.names[group] for group in shared - came))
        evidence.groups_arrived = tuple(sorted(theirs.names[group] for group in shared & came))
        evidence.new = any(new for _, new in self._arrived.get(theirs.uuid, {}).values()) and bool(came)
        return evidence

    def _arrived_since(self, uuid: str, since: datetime | None) -> set[str]:
        """Return what arrived at a client since XPM last had the lost one."""
        if since is None:
            return set()
        return {what for what, (at, _) in self._arrived.get(uuid, {}).items() if at >= since}

    def _add_contact(self, evidence: _Evidence, person: _Person, theirs: _Facts, came: set[str]) -> None:
        """Count one contact of the candidate, and whether it arrived there only recently."""
        same = [each for each in theirs.people if person.uuid and each.uuid == person.uuid]
        by_email = [each for each in theirs.people if person.email and each.email == person.email]
        by_name = [each for each in theirs.people if person.name and each.name == person.name]
        for found, field, block in (
            (by_email, "by_email", "@" + person.email),
            (same, "by_uuid", "u" + person.uuid),
            (by_name, "by_name", "n" + person.name),
        ):
            if found:
                setattr(evidence, field, getattr(evidence, field) + 1)
                share = 1 / max(1, len(self._blocks.get(block, ()))) ** 0.5
                evidence.weight += share * (0.5 if field == "by_name" else 1.0)
                before = [each for each in (*same, *by_email, *by_name) if each.uuid not in came]
                evidence.arrived += not before
                return

    def _is_strong(self, facts: _Facts, uuid: str, found: _Evidence) -> bool:
        """Return whether only a merge explains the evidence: jobs moved, or all contacts and groups did."""
        theirs = self._rows[uuid]
        if theirs.archived or theirs.prospect or facts.uuid in self._staying:
            return False
        moved = self._jobs.get(facts.uuid, {})
        if any(jobs for other, jobs in moved.items() if other != uuid):
            return False
        if found.jobs:
            return found.people > 0 or not facts.people
        if found.new or not facts.people or found.people < len(facts.people) or not found.arrived:
            return False
        if not facts.groups <= theirs.groups:
            return False
        # A single contact may have been moved manually before the client was deleted.
        other_evidence = bool(found.groups_arrived) or found.code or found.number or found.answer == "same"
        return found.arrived > 1 or other_evidence


def _score(found: _Evidence, strong: bool = False) -> int:
    """Return 0 to 100: what moved counts most, then what identifies, then what related clients share."""
    score = 45.0 + 3 * min(found.jobs - 1, 4) if found.jobs else 0.0
    score += 22.0 + 8 * min(found.arrived - 1, 3) if found.arrived else 0.0
    score += min(20.0, 12 * found.weight)
    score += 14 * min(len(found.groups_arrived), 2) + 2 * min(len(found.groups), 2)
    score += 22 * found.code + 22 * found.number + 8 * found.email + 5 * found.place + 4 * found.phone
    score += {"same": 30, "near": 16, "different": 0}[found.answer]
    return min(100, max(STRONG, round(score))) if strong else min(STRONG - 1, round(score))


def _evidence_texts(found: _Evidence, theirs: _Facts) -> Iterator[str]:
    """Return the evidence in words, the strongest first."""
    if found.by_email:
        yield f"{count(found.by_email, 'contact')} with the same e-mail"
    if found.by_uuid:
        yield f"{count(found.by_uuid, 'contact')} in common"
    if found.by_name:
        yield f"{count(found.by_name, 'contact')} with the same name"
    if found.jobs:
        yield f"{count(found.jobs, 'job')} moved"
    if found.code:
        yield "the same client code"
    if found.number:
        yield "the same business number"
    if found.groups_arrived:
        yield f"{count(len(found.groups_arrived), 'group')} moved ({', '.join(found.groups_arrived[:3])})"
    if found.groups:
        yield f"the same {plural(len(found.groups), 'group')} ({', '.join(found.groups[:3])})"
    if found.name_reason:
        yield found.name_reason
    if found.email:
        yield "the same e-mail"
    if found.place:
        yield "the same address"
    if found.phone:
        yield "the same phone number"
    if theirs.archived:
        yield "archived in XPM"
    if theirs.prospect:
        yield "a prospect in XPM"


def _lost_facts(snapshot: Snapshot, client: Client, link: Link) -> _Facts:
    """Return the facts of a lost client: as XPM last had them, otherwise as in Ignition."""
    row, ours = snapshot.get(XPM_CLIENTS, link.uuid), _client_facts(client, link)
    if row is None:
        return msgspec.structs.replace(ours, tokens=_name_words(client.name) | _fact_tokens(ours))
    facts = _row_facts(row)
    if not facts.people:
        facts = msgspec.structs.replace(facts, people=ours.people)
    return msgspec.structs.replace(facts, tokens=_row_tokens(row) | _fact_tokens(facts))


def _fact_tokens(facts: _Facts) -> frozenset[str]:
    people = {text for person in facts.people for text in (person.uuid, person.email, person.name) if text}
    numbers = {number[-8:] for number in facts.numbers}
    return facts.phones | numbers | people | {word.lower() for word in facts.name.core if len(word) > 2}


def _name_words(name: str) -> frozenset[str]:
    return frozenset(word for word in name.casefold().split() if len(word) > 2 and word not in _FORMS)


def _row_tokens(row: XpmClient) -> frozenset[str]:
    """Return tokens of which two rows must have one in common to be candidates; cheap to compute."""
    found = {row.email.strip().casefold(), row.code.strip().casefold(), row.address.casefold().strip()}
    found.update((row.postal_address.casefold().strip(), *_name_words(row.name)))
    found.update(
        "".join(filter(str.isdigit, text))[-8:]
        for text in (row.phone, row.business_number, row.company_number)
        if text
    )
    found.update(group.uuid for group in row.groups or ())
    for contact in row.contacts:
        found.update((contact.uuid, contact.email.strip().casefold(), contact.name.casefold()))
    return frozenset(found - {""})


def _row_facts(row: XpmClient) -> _Facts:
    traits = facts_of_xpm(row)
    return _Facts(
        uuid=row.uuid,
        name=traits.name,
        people=_people((each.uuid, each.email, each.name) for each in row.present_contacts),
        groups=frozenset(each.uuid for each in row.groups or ()),
        names={each.uuid: each.name for each in row.groups or ()},
        numbers=traits.numbers,
        phones=_phone(row.phone),
        email=row.email.strip().casefold(),
        code=traits.code,
        places=_places(
            (row.address, row.city, row.postcode), (row.postal_address, row.postal_city, row.postal_postcode)
        ),
        archived=row.archived,
        prospect=row.prospect,
    )


def _client_facts(client: Client, link: Link) -> _Facts:
    """Return the facts in Ignition's record, for an XPM client that the mirror never had."""
    traits = facts_of(client)
    joined = {each.contact: each.uuid for each in link.contacts}
    return _Facts(
        uuid=link.uuid,
        name=traits.name,
        people=_people((joined.get(each.id, ""), each.email, each.name) for each in client.contacts),
        numbers=traits.numbers,
        phones=_phone(client.phone),
        code=traits.code,
        places=_places(
            (client.address, client.city, client.postcode),
            (client.postal_address, client.postal_city, client.postal_postcode),
        ),
    )


def _people(found: Iterable[tuple[str, str, str]]) -> tuple[_Person, ...]:
    people = (
        _Person(uuid, email.strip().casefold() if "@" in email else "", _full_name(name))
        for uuid, email, name in found
    )
    return tuple(person for person in people if person.is_known)


def _phone(text: str) -> frozenset[str]:
    digits = "".join(c for c in text if c.isdigit())
    return frozenset([digits[-8:]]) if len(digits) >= 8 else frozenset()


def _full_name(name: str) -> str:
    """Return a name that can distinguish people, which one word cannot."""
    key = name_key(name)
    return key if " " in key else ""


def _places(*addresses: tuple[str, str, str]) -> frozenset[str]:
    found = (name_key(" ".join(parts)) for parts in addresses if parts[0].strip())
    return frozenset(place for place in found if any(c.isdigit() for c in place))


def _blocks(facts: _Facts) -> set[str]:
    """Return the keys by which a client finds those that have something in common with it."""
    found = {"=" + key for key in name_keys(facts.name)}
    found |= {"w" + word.lower() for word in facts.name.core if len(word) > 2}
    found.add("j" + "".join(facts.name.core).lower())
    for person in facts.people:
        found |= {
            block + text
            for block, text in (("u", person.uuid), ("@", person.email), ("n", person.name))
            if text
        }
    found |= {"#" + number for number in facts.numbers} | {"t" + phone for phone in facts.phones}
    found |= {"a" + place for place in facts.places} | {"g" + group for group in facts.groups}
    if facts.email:
        found.add("e" + facts.email)
    if facts.code:
        found.add("c" + facts.code)
    return found
