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
from xpm_tui.sync.matching.proposals import keys
from xpm_tui.sync.matching.similarity import facts_of, facts_of_xpm
from xpm_tui.sync.mirror import OVERLAP

MOST = 5
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
    def said(self) -> bool:
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


class _Count(msgspec.Struct, kw_only=True):
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
    alike: str = ""

    @property
    def people(self) -> int:
        """Return how many contacts of the lost client are on this one."""
        return self.by_uuid + self.by_email + self.by_name


class SuccessorIndex:
    """XPM clients that have something in common with lost ones, from one snapshot.

    Parsing a name is slow, so only clients that share a word, a contact, a number or the like are parsed.
    """

    def __init__(self, snapshot: Snapshot, lost: Iterable[tuple[Client, Link]]) -> None:
        self._signs = {(client.id, link.uuid): _of_lost(snapshot, client, link) for client, link in lost}
        self._rows: dict[str, _Facts] = {}
        self._blocks: dict[str, list[str]] = defaultdict(list)
        self._jobs: dict[str, dict[str, list[datetime]]] = defaultdict(lambda: defaultdict(list))
        self._arrived: dict[str, dict[str, tuple[datetime, bool]]] = defaultdict(dict)
        self._staying: set[str] = set()
        self._read_moves(snapshot)
        self._read_clients(snapshot)

    def _read_moves(self, snapshot: Snapshot) -> None:
        uuids = {uuid for _, uuid in self._signs}
        for job in snapshot.rows(JOBS):
            if not job.gone and job.client is not None and job.client.uuid in uuids:
                self._staying.add(job.client.uuid)
        for move in snapshot.rows(MOVES):
            if move.kind == "job":
                self._jobs[move.was][move.to].append(move.at)
            else:
                self._arrived[move.to][move.what] = (move.at, move.new)

    def _read_clients(self, snapshot: Snapshot) -> None:
        wanted = {token for signs in self._signs.values() for token in signs.tokens}
        went = {to for _, uuid in self._signs for to in self._jobs.get(uuid, ())}
        for row in snapshot.rows(XPM_CLIENTS):
            if not row.deleted and (row.uuid in went or not wanted.isdisjoint(_tokens(row))):
                signs = self._rows[row.uuid] = _of_row(row)
                for block in _blocks(signs):
                    self._blocks[block].append(row.uuid)

    def find(self, client: Client, link: Link, vanished: LostClient) -> tuple[Successor, ...]:
        """Return the possible successors of the XPM client that ``client`` has lost, best first."""
        signs = self._signs[client.id, link.uuid]
        since = vanished.since - OVERLAP if vanished.since is not None else None
        found = {uuid: self._count(signs, self._rows[uuid], since) for uuid in self._candidates(signs)}
        strong = [uuid for uuid, each in found.items() if self._is_strong(signs, uuid, each)]
        views = [
            Successor(
                uuid=uuid,
                score=_score(each, strong == [uuid]),
                level="sure" if strong == [uuid] else "likely" if _score(each) >= LIKELY else "weak",
                evidence=tuple(_words(each, self._rows[uuid])),
                new=each.new,
            )
            for uuid, each in found.items()
        ]
        views = [each for each in views if each.score >= WEAK and each.evidence]
        views.sort(key=lambda each: (-each.score, self._rows[each.uuid].archived, each.uuid))
        return tuple(views[:MOST])

    def _candidates(self, signs: _Facts) -> set[str]:
        found = {uuid for uuid in self._jobs.get(signs.uuid, ()) if uuid in self._rows}
        for block in _blocks(signs):
            places = self._blocks.get(block, ())
            if len(places) <= (_RARE if block[0] == "w" else _COMMON):
                found.update(places)
        found.discard(signs.uuid)
        return found

    def _count(self, signs: _Facts, theirs: _Facts, since: datetime | None) -> _Count:
        compared = compare_names(signs.name, theirs.name)
        made = _Count(
            jobs=sum(since is None or at >= since for at in self._jobs[signs.uuid][theirs.uuid]),
            code=bool(signs.code) and signs.code == theirs.code,
            number=not signs.numbers.isdisjoint(theirs.numbers),
            email=bool(signs.email) and signs.email == theirs.email,
            phone=not signs.phones.isdisjoint(theirs.phones),
            place=not signs.places.isdisjoint(theirs.places),
            answer=compared.answer,
            alike=compared.reasons[0] if compared.answer != "different" else "",
        )
        came = self._came(theirs.uuid, since)
        for person in signs.people:
            self._meet(made, person, theirs, came)
        shared = signs.groups & theirs.groups
        made.groups = tuple(sorted(theirs.names[group] for group in shared - came))
        made.groups_arrived = tuple(sorted(theirs.names[group] for group in shared & came))
        made.new = any(new for _, new in self._arrived.get(theirs.uuid, {}).values()) and bool(came)
        return made

    def _came(self, uuid: str, since: datetime | None) -> set[str]:
        """Return what arrived at a client since XPM last had the lost one."""
        if since is None:
            return set()
        return {what for what, (at, _) in self._arrived.get(uuid, {}).items() if at >= since}

    def _meet(self, made: _Count, person: _Person, theirs: _Facts, came: set[str]) -> None:
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
                setattr(made, field, getattr(made, field) + 1)
                share = 1 / max(1, len(self._blocks.get(block, ()))) ** 0.5
                made.weight += share * (0.5 if field == "by_name" else 1.0)
                before = [each for each in (*same, *by_email, *by_name) if each.uuid not in came]
                made.arrived += not before
                return

    def _is_strong(self, signs: _Facts, uuid: str, found: _Count) -> bool:
        """Return whether only a merge explains the evidence: jobs moved, or all contacts and groups did."""
        theirs = self._rows[uuid]
        if theirs.archived or theirs.prospect or signs.uuid in self._staying:
            return False
        moved = self._jobs.get(signs.uuid, {})
        if any(jobs for other, jobs in moved.items() if other != uuid):
            return False
        if found.jobs:
            return found.people > 0 or not signs.people
        if found.new or not signs.people or found.people < len(signs.people) or not found.arrived:
            return False
        if not signs.groups <= theirs.groups:
            return False
        # A single contact may have been moved manually before the client was deleted.
        besides = bool(found.groups_arrived) or found.code or found.number or found.answer == "same"
        return found.arrived > 1 or besides


def _score(found: _Count, strong: bool = False) -> int:
    """Return 0 to 100: what moved counts most, then what identifies, then what related clients share."""
    score = 45.0 + 3 * min(found.jobs - 1, 4) if found.jobs else 0.0
    score += 22.0 + 8 * min(found.arrived - 1, 3) if found.arrived else 0.0
    score += min(20.0, 12 * found.weight)
    score += 14 * min(len(found.groups_arrived), 2) + 2 * min(len(found.groups), 2)
    score += 22 * found.code + 22 * found.number + 8 * found.email + 5 * found.place + 4 * found.phone
    score += {"same": 30, "near": 16, "different": 0}[found.answer]
    return min(100, max(STRONG, round(score))) if strong else min(STRONG - 1, round(score))


def _words(found: _Count, theirs: _Facts) -> Iterator[str]:
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
    if found.alike:
        yield found.alike
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


def _of_lost(snapshot: Snapshot, client: Client, link: Link) -> _Facts:
    """Return the facts of a lost client: as XPM last had them, otherwise as in Ignition."""
    row, ours = snapshot.get(XPM_CLIENTS, link.uuid), _of_client(client, link)
    if row is None:
        return msgspec.structs.replace(ours, tokens=_words_of(client.name) | _tokens_of(ours))
    signs = _of_row(row)
    if not signs.people:
        signs = msgspec.structs.replace(signs, people=ours.people)
    return msgspec.structs.replace(signs, tokens=_tokens(row) | _tokens_of(signs))


def _tokens_of(signs: _Facts) -> frozenset[str]:
    people = {text for person in signs.people for text in (person.uuid, person.email, person.name) if text}
    numbers = {number[-8:] for number in signs.numbers}
    return signs.phones | numbers | people | {word.lower() for word in signs.name.core if len(word) > 2}


def _words_of(name: str) -> frozenset[str]:
    return frozenset(word for word in name.casefold().split() if len(word) > 2 and word not in _FORMS)


def _tokens(row: XpmClient) -> frozenset[str]:
    """Return tokens of which two rows must have one in common to be candidates; cheap to compute."""
    found = {row.email.strip().casefold(), row.code.strip().casefold(), row.address.casefold().strip()}
    found.update((row.postal_address.casefold().strip(), *_words_of(row.name)))
    found.update(
        "".join(filter(str.isdigit, text))[-8:]
        for text in (row.phone, row.business_number, row.company_number)
        if text
    )
    found.update(group.uuid for group in row.groups or ())
    for contact in row.contacts:
        found.update((contact.uuid, contact.email.strip().casefold(), contact.name.casefold()))
    return frozenset(found - {""})


def _of_row(row: XpmClient) -> _Facts:
    traits = facts_of_xpm(row)
    return _Facts(
        uuid=row.uuid,
        name=traits.name,
        people=_people((each.uuid, each.email, each.name) for each in row.contacts if not each.deleted),
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


def _of_client(client: Client, link: Link) -> _Facts:
    """Return the same from Ignition's record, if the mirror never had the XPM client."""
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
    return tuple(person for person in people if person.said)


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


def _blocks(signs: _Facts) -> set[str]:
    """Return the keys by which a client finds those that have something in common with it."""
    found = {"=" + key for key in keys(signs.name)}
    found |= {"w" + word.lower() for word in signs.name.core if len(word) > 2}
    found.add("j" + "".join(signs.name.core).lower())
    for person in signs.people:
        found |= {
            block + text
            for block, text in (("u", person.uuid), ("@", person.email), ("n", person.name))
            if text
        }
    found |= {"#" + number for number in signs.numbers} | {"t" + phone for phone in signs.phones}
    found |= {"a" + place for place in signs.places} | {"g" + group for group in signs.groups}
    if signs.email:
        found.add("e" + signs.email)
    if signs.code:
        found.add("c" + signs.code)
    return found
