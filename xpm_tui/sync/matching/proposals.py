"""Proposals of links: which XPM client an Ignition client probably is, with scores and reasons.

Candidates come from blocks (the name in one word, its words, persons, numbers, e-mails), so that five
thousand clients against fifty thousand stay fast; only candidates are compared in full.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Literal

import msgspec
from rapidfuzz import fuzz, process

from xpm_tui.collector import paused_collector
from xpm_tui.domain.identity import Answer, NameComparison, initials_of
from xpm_tui.domain.identity import compare as compare_identity
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.names import ParsedName, parse_name, without_code
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.spelling import spellings
from xpm_tui.domain.tables import BLOCKED_PAIRS, CLIENTS, LINKS, XPM_CLIENTS
from xpm_tui.domain.xpm import XpmClient
from xpm_tui.sync.matching.similarity import (
    LIKELY,
    WEAK,
    Likeness,
    MatchFacts,
    compare,
    facts_of,
    facts_of_xpm,
)

CANDIDATES = 40
"""The most records compared in full for one client."""

_COMMON = 1_500
"""A block shared by more records than this is ignored."""

_SIMILAR = 8
"""The most records compared in full only because their spelling is similar."""

_COMPARED = 200
"""The most similar names that are compared in full with a new one."""

_ENOUGH = 300
"""With this many candidates from rare blocks, more common ones are skipped."""


class LinkProposal(msgspec.Struct, frozen=True, kw_only=True):
    """One XPM client that an Ignition client may be; ``score`` 0 to 100, reasons in words."""

    uuid: str
    number: str
    name: str
    score: int
    sure: bool
    level: Literal["sure", "likely", "weak"]
    reasons: tuple[str, ...]
    identity: Answer = "different"


class SimilarClient(msgspec.Struct, frozen=True, kw_only=True):
    """An XPM client with the same or a near name. ``linked``: to another client."""

    uuid: str
    number: str
    name: str
    same: bool
    reason: str
    archived: bool = False
    prospect: bool = False
    linked: bool = False

    @property
    def blocks(self) -> bool:
        """Return whether it prevents a creation: a near one that is linked elsewhere does not."""
        return self.same or not self.linked

    @property
    def sentence(self) -> str:
        """Return which client this is, and why it may be the same one."""
        marks = [word for word, on in (("archived", self.archived), ("a prospect", self.prospect),
                                       ("linked to another client", self.linked)) if on]  # fmt: skip
        where = ", ".join([f"number {self.number}" if self.number else self.uuid, *marks])
        return f"XPM has {self.name} ({where}): {self.reason}."


class _XpmCandidate(msgspec.Struct, frozen=True, gc=False):
    uuid: str
    number: str
    name: str
    facts: MatchFacts
    archived: bool
    prospect: bool


class MatchIndex:
    """An index of both sides for proposals, from one snapshot. Only :meth:`add` changes it."""

    def __init__(
        self,
        theirs: Iterable[XpmClient],
        ours: Iterable[Client],
        *,
        linked: frozenset[str] = frozenset(),
        blocked: frozenset[tuple[str, str]] = frozenset(),
    ) -> None:
        self._linked = linked
        self._blocked = blocked
        self._rows: list[_XpmCandidate] = []
        self._joined: list[str] = []
        self._blocks: dict[str, list[int]] = defaultdict(list)
        self._keys: dict[str, list[int]] = defaultdict(list)
        self._known: dict[str, int] = {}
        self._our_keys: dict[str, list[str]] = defaultdict(list)
        with paused_collector():
            for row in theirs:
                if not row.deleted:
                    self._add(row)
            for client in ours:
                for key in name_keys(parse_name(client.name)):
                    self._our_keys[key].append(client.id)

    @classmethod
    def build(cls, snapshot: Snapshot) -> MatchIndex:
        """Build the index from store and mirror, without XPM's deleted clients."""
        return cls(
            snapshot.rows(XPM_CLIENTS),
            snapshot.rows(CLIENTS),
            linked=frozenset(link.uuid for link in snapshot.rows(LINKS)),
            blocked=frozenset((pair.client, pair.uuid) for pair in snapshot.rows(BLOCKED_PAIRS)),
        )

    def propose(self, client: Client, limit: int = 5) -> list[LinkProposal]:
        """Return the most probable XPM clients, best first, without blocked pairs."""
        ours = facts_of(client)
        found = []
        for place in self._candidates(ours):
            row = self._rows[place]
            if (client.id, row.uuid) in self._blocked:
                continue
            likeness = compare(ours, row.facts)
            if likeness.score >= WEAK:
                found.append((row, likeness))
        found.sort(key=lambda each: self._rank(ours, *each))
        if not found:
            return []
        sure = self._sure(client, ours, *found[0], [likeness for _, likeness in found[1:]])
        return [
            self._proposal(client, ours, *each, sure=rank == 0 and sure)
            for rank, each in enumerate(found[:limit])
        ]

    def proposal_for(self, client: Client, uuid: str) -> LinkProposal | None:
        """Return the proposal of one XPM client, which is never sure; None if XPM does not have it."""
        place = self._known.get(uuid)
        if place is None:
            return None
        ours, row = facts_of(client), self._rows[place]
        return self._proposal(client, ours, row, compare(ours, row.facts), sure=False)

    def add(self, row: XpmClient, *, linked: bool = False) -> None:
        """Add a client that was created in XPM since; ``linked``: for one of Ignition's."""
        if linked:
            self._linked |= {row.uuid}
        if row.uuid not in self._known and not row.deleted:
            self._add(row)

    def alike(self, client: Client) -> list[SimilarClient]:
        """Return all XPM clients with the same or a near name, best first, including blocked pairs."""
        ours = facts_of(client)
        found = []
        for place in self._candidates(ours, most=400):
            row = self._rows[place]
            likeness = compare(ours, row.facts)
            if likeness.identity != "different":
                found.append((row, likeness))
        found.sort(key=lambda each: (each[1].identity != "same", self._rank(ours, *each)))
        return [
            SimilarClient(
                uuid=row.uuid,
                number=row.number,
                name=row.name,
                same=likeness.identity == "same",
                reason=likeness.reasons[0],
                archived=row.archived,
                prospect=row.prospect,
                linked=row.uuid in self._linked,
            )
            for row, likeness in found
        ]

    def _rank(
        self, ours: MatchFacts, row: _XpmCandidate, likeness: Likeness
    ) -> tuple[int, bool, bool, bool, float, str, str]:
        raw = -fuzz.ratio(ours.name.exact, row.name)
        return (
            -likeness.score, row.archived, row.uuid in self._linked, row.prospect, raw, row.name, row.uuid,
        )  # fmt: skip

    def _sure(
        self,
        client: Client,
        ours: MatchFacts,
        row: _XpmCandidate,
        likeness: Likeness,
        others: list[Likeness],
    ) -> bool:
        """Return whether the names are the same, no other record is possible, and nothing contradicts it."""
        if likeness.identity != "same" or likeness.contradicted or not ours.name.core:
            return False
        if row.archived or row.prospect or row.uuid in self._linked:
            return False
        if self._several_in_xpm(ours, row) or self._several_in_ignition(client, ours, row):
            return False
        return likeness.supported or not any(other.supported and other.score >= LIKELY for other in others)

    def _several_in_xpm(self, ours: MatchFacts, row: _XpmCandidate) -> bool:
        """Return whether XPM has more than one client that is the same as either of the two."""
        return len({place for key in _shared_keys(ours, row) for place in self._keys.get(key, ())}) > 1

    def _several_in_ignition(self, client: Client, ours: MatchFacts, row: _XpmCandidate) -> bool:
        """Return whether Ignition has another client that is the same as either of the two."""
        return any(id_ != client.id for key in _shared_keys(ours, row) for id_ in self._our_keys.get(key, ()))

    def _proposal(
        self, client: Client, ours: MatchFacts, row: _XpmCandidate, likeness: Likeness, *, sure: bool
    ) -> LinkProposal:
        words = list(likeness.reasons)
        if row.archived:
            words.append("archived in XPM")
        if row.prospect:
            words.append("a prospect in XPM: its number will change when it becomes a client")
        if row.uuid in self._linked:
            words.append("already linked to another client")
        if likeness.identity == "same":
            if self._several_in_xpm(ours, row):
                words.append("XPM has several clients with this name")
            if self._several_in_ignition(client, ours, row):
                words.append("Ignition has several clients with this name")
        return LinkProposal(
            uuid=row.uuid,
            number=row.number,
            name=row.name,
            score=likeness.score,
            sure=sure,
            level="sure" if sure else "likely" if likeness.score >= LIKELY else "weak",
            reasons=tuple(words),
            identity=likeness.identity,
        )

    def _add(self, row: XpmClient) -> None:
        facts = facts_of_xpm(row)
        place = len(self._rows)
        self._known[row.uuid] = place
        self._rows.append(_XpmCandidate(row.uuid, row.number, row.name, facts, row.archived, row.prospect))
        self._joined.append(facts.name.joined.lower())
        for key in name_keys(facts.name, facts.raw_code):
            self._keys[key].append(place)
        blocks = self._blocks
        for block in {*_strong(facts), *_weak(facts)}:
            blocks[block].append(place)

    def _candidates(self, ours: MatchFacts, most: int = CANDIDATES) -> list[int]:
        """Return the records to compare in full, those with the rarest common blocks first."""
        weights: dict[int, float] = defaultdict(float)
        for block in set(_strong(ours)):
            places = self._blocks.get(block)
            if places is not None and (len(places) <= _COMMON or block[0] in "=#@"):
                weight = (50.0 if block[0] in "=#@" else 8.0) / len(places) ** 0.5
                for place in places[:_COMMON]:
                    weights[place] += weight
        found = sorted(weights, key=lambda place: (-weights[place], place))[:most]
        return [*found, *self._similar(ours, weights)]

    def _similar(self, ours: MatchFacts, known: dict[int, float]) -> list[int]:
        """Return other records that share words and have the most similar spelling."""
        weak = [places for block in set(_weak(ours)) if (places := self._blocks.get(block)) is not None]
        seen: set[int] = set()
        for places in sorted(weak, key=len):
            if len(seen) + len(places) > _ENOUGH:
                break
            seen.update(places)
        order = sorted(seen.difference(known))
        if not order:
            return []
        names = [self._joined[place] for place in order]
        close = process.extract(
            ours.name.joined.lower(),
            names,
            scorer=fuzz.ratio,
            processor=None,
            score_cutoff=60,
            limit=_SIMILAR,
        )
        return [order[at] for _, _, at in close]


def similar_names(name: str, names: Sequence[str]) -> list[tuple[int, NameComparison]]:
    """Return the positions of the names that are the same or near, best first.

    Only the most similar ones are compared in full, because that is slow for a whole practice.
    """
    forms = [each.casefold() for each in names]
    places: set[int] = set()
    for scorer in (fuzz.token_set_ratio, fuzz.ratio):
        close = process.extract(
            name.casefold(), forms, scorer=scorer, score_cutoff=40, limit=_COMPARED, processor=None
        )
        places.update(at for _, _, at in close)
    found = [(at, compare_identity(name, names[at])) for at in sorted(places)]
    alike = [(at, answer) for at, answer in found if answer.answer != "different"]
    return sorted(alike, key=lambda each: each[1].cost)


def name_keys(name: ParsedName, code: str = "") -> set[str]:
    """Return the keys by which a name finds all names that are the same."""
    found = set(spellings(name.key))
    if code and (bare := without_code(name.exact, code)):
        found |= set(spellings(parse_name(bare).key))
    return found


def _shared_keys(ours: MatchFacts, row: _XpmCandidate) -> set[str]:
    code = row.facts.raw_code
    return name_keys(ours.name, code) | name_keys(row.facts.name, code)


def _strong(facts: MatchFacts) -> Iterator[str]:
    """Return blocks in which every record finds those whose names are the same or near."""
    name = facts.name
    core = [word.lower() for word in name.core]
    joined = "".join(core)
    yield "=" + joined
    if len(core) > 1:
        yield "b" + " ".join(sorted(core))
        at = 0
        for word in core:
            after = at + len(word)
            yield f"d{joined[:at]}.{joined[after:]}{word[0]}"
            at = after
    if joined != (spelt_out := name.joined):
        for spelt in spellings(spelt_out):
            yield "=" + spelt
    for other in name.others:
        yield "=" + "".join(other).lower()
    for number in facts.numbers:
        yield "#" + number[-9:]
    for email in facts.emails:
        yield "@" + email
    if facts.code:
        yield "c" + facts.code
    for person in name.persons:
        for letter in initials_of(person):
            yield f"p{person.surname.lower()} {letter}"
        yield "s" + _skeleton(person.surname) + "".join(initials_of(person))


def _weak(facts: MatchFacts) -> Iterator[str]:
    """Return blocks of words, their beginnings, ends and consonants, for misspelt or similar names."""
    name = facts.name
    for word in name.core if not name.others else {*name.core, *(w for o in name.others for w in o)}:
        word = word.lower()
        yield "w" + word
        if len(word) >= 4:
            yield "<" + word[:4]
    joined = name.joined
    if not joined.isascii():
        for start in range(len(joined) - 1):
            yield "2" + joined[start : start + 2]
    elif len(joined) >= 4:
        yield "~" + _skeleton(joined)


_VOWELS = str.maketrans(dict.fromkeys("aeiouhyAEIOU"))
_DOUBLED = re.compile(r"(.)\1+")


@lru_cache(maxsize=65536)
def _skeleton(word: str) -> str:
    """Return a word's first letter and consonants, without repetitions."""
    return word[0].lower() + _DOUBLED.sub(r"\1", word[1:].translate(_VOWELS))
