"""Which XPM client a client of the book probably is: proposals with scores and reasons.

Candidates come from blocks (name key, rare words and their ends, numbers, e-mails), so that five thousand
clients against fifty thousand stay quick; only candidates are compared in full.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from xpm_tui.domain.identity import exact
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.tables import APART, CLIENTS, LINKS, XPM_CLIENTS
from xpm_tui.domain.xpm import XpmClient
from xpm_tui.sync.matching.evidence import LIKELY, WEAK, Facts, Likeness, compare, facts_of, facts_of_xpm
from xpm_tui.sync.matching.name_parts import NameParts, take_apart

CANDIDATES = 60
"""Most records compared in full for one client."""

_ABN = 11

_COMMON = 1_500
"""A block shared by more records than this says nothing."""


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """One XPM client that a client of the book may stand for; ``score`` 0 to 100, reasons in words."""

    uuid: str
    number: str
    name: str
    score: int
    sure: bool
    level: Literal["sure", "likely", "weak"]
    reasons: tuple[str, ...]


class _Theirs(msgspec.Struct, frozen=True):
    uuid: str
    number: str
    name: str
    facts: Facts
    archived: bool
    prospect: bool


class MatchIndex:
    """Both sides, prepared for proposing; made from one snapshot and never changed."""

    def __init__(
        self,
        theirs: Iterable[XpmClient],
        ours: Iterable[Client],
        *,
        linked: frozenset[str] = frozenset(),
        apart: frozenset[tuple[str, str]] = frozenset(),
    ) -> None:
        self._linked = linked
        self._apart = apart
        self._rows: list[_Theirs] = []
        self._blocks: dict[str, list[int]] = defaultdict(list)
        self._keys: Counter[str] = Counter()
        self._exact: Counter[str] = Counter()
        for row in theirs:
            if not row.deleted:
                self._add(row)
        self._our_keys: Counter[str] = Counter()
        self._our_exact: Counter[str] = Counter()
        for client in ours:
            self._our_keys[_same_key(take_apart(client.name))] += 1
            self._our_exact[exact(client.name)] += 1

    @classmethod
    def build(cls, snapshot: Snapshot) -> MatchIndex:
        """From the book and the mirror. XPM's deleted clients are left out: they are never proposed."""
        return cls(
            snapshot.rows(XPM_CLIENTS),
            snapshot.rows(CLIENTS),
            linked=frozenset(link.uuid for link in snapshot.rows(LINKS)),
            apart=frozenset((pair.client, pair.uuid) for pair in snapshot.rows(APART)),
        )

    def propose(self, client: Client, limit: int = 5) -> list[Proposal]:
        """The most probable XPM clients, best first; pairs that were taken apart are left out."""
        ours = facts_of(client)
        found = []
        for place in self._candidates(ours):
            row = self._rows[place]
            if (client.id, row.uuid) in self._apart:
                continue
            likeness = compare(ours, row.facts)
            if likeness.score >= WEAK:
                found.append((row, likeness))
        best = sorted(found, key=lambda pair: self._rank(pair[0], pair[1].score))
        lead = _lead([likeness.score for _, likeness in best])
        return [
            self._proposal(ours, row, likeness.score, likeness.reasons,
                           sure=place == 0 and lead and self._sure(ours, row, likeness))
            for place, (row, likeness) in enumerate(best[:limit])
        ]  # fmt: skip

    def _rank(self, row: _Theirs, score: int) -> tuple[int, bool, bool, bool, str, str]:
        return (-score, row.archived, row.uuid in self._linked, row.prospect, row.name, row.uuid)

    def _sure(self, ours: Facts, row: _Theirs, likeness: Likeness) -> bool:
        """Only where no other record of either side could be meant, and nothing speaks against it."""
        if likeness.against or row.archived or row.prospect or row.uuid in self._linked:
            return False
        key, their_key = _same_key(ours.parts), _same_key(row.facts.parts)
        alone = (
            self._keys[key] <= 1
            and self._keys[their_key] <= 1
            and self._our_keys[key] <= 1
            and self._our_keys[their_key] <= 1
            and self._our_exact[ours.exact] <= 1
            and self._exact[row.facts.exact] <= 1
        )
        if not alone:
            return False
        if likeness.same_name:
            return True
        return likeness.backed and likeness.score >= 90 and _backs_up(ours, row.facts)

    def _proposal(
        self, ours: Facts, row: _Theirs, score: int, reasons: tuple[str, ...], *, sure: bool
    ) -> Proposal:
        words = list(reasons)
        if row.archived:
            words.append("archived in XPM")
        if row.prospect:
            words.append("a prospect in XPM: its number will change when it becomes a client")
        if row.uuid in self._linked:
            words.append("already linked to another client")
        if self._exact[row.facts.exact] > 1 or self._keys[_same_key(row.facts.parts)] > 1:
            words.append("XPM has several clients of this name")
        if self._our_exact[ours.exact] > 1 or self._our_keys[_same_key(ours.parts)] > 1:
            words.append("Ignition has several clients of this name")
        return Proposal(
            uuid=row.uuid,
            number=row.number,
            name=row.name,
            score=score,
            sure=sure,
            level="sure" if sure else "likely" if score >= LIKELY else "weak",
            reasons=tuple(words),
        )

    def _add(self, row: XpmClient) -> None:
        facts = facts_of_xpm(row)
        place = len(self._rows)
        self._rows.append(_Theirs(row.uuid, row.number, row.name, facts, row.archived, row.prospect))
        self._keys[_same_key(facts.parts)] += 1
        self._exact[facts.exact] += 1
        for block in set(_blocks(facts)):
            self._blocks[block].append(place)

    def _candidates(self, ours: Facts) -> list[int]:
        weights: dict[int, float] = defaultdict(float)
        for block in set(_blocks(ours)):
            places = self._blocks.get(block, ())
            strong = block[0] in "=#@"
            if not places or (len(places) > _COMMON and not strong):
                continue
            weight = (50.0 if strong else 1.0) / len(places) ** 0.5
            for place in places[:_COMMON]:
                weights[place] += weight
        return sorted(weights, key=lambda place: (-weights[place], place))[:CANDIDATES]


def _lead(scores: list[int]) -> bool:
    """True where the first is ahead of the second, so that "the best one" is one."""
    return len(scores) < 2 or scores[0] - scores[1] >= 3


def _backs_up(ours: Facts, theirs: Facts) -> bool:
    """A shared number always backs a name; a shared e-mail only one that differs by spelling alone.

    On a trust or fund only its own business number counts (11 digits, the ABN): a company number is that of
    its trustee, and one company is trustee of several.
    """
    shared = ours.numbers & theirs.numbers
    if any(len(number) == _ABN for number in shared):
        return True
    if shared:
        return theirs.parts.kind not in ("trust", "super")
    a, b = ours.parts.words, theirs.parts.words
    return (
        len(a) == len(b) and "and" not in (*a, *b) and ours.parts.like_business and theirs.parts.like_business
    )


def _same_key(parts: NameParts) -> str:
    """Records of equal key may be confused by a person who reads quickly."""
    return parts.bag


def _blocks(facts: Facts) -> Iterator[str]:
    parts = facts.parts
    yield "=" + parts.bag
    yield "=" + "".join(parts.words)
    for other in parts.others:
        yield "=" + " ".join(sorted(other))
    for number in facts.numbers:
        yield "#" + number
    for email in facts.emails:
        yield "@" + email
    for word in {*parts.words, *(w for other in parts.others for w in other)}:
        yield "w" + word
        if len(word) >= 4:
            yield "<" + word[:3]
            yield ">" + word[-3:]
        if len(word) >= 6:
            yield "~" + "".join(c for c in word if c not in "aeiouhy")
    if parts.words and not "".join(parts.words).isascii():
        joined = "".join(parts.words)
        for start in range(len(joined) - 1):
            yield "2" + joined[start : start + 2]
