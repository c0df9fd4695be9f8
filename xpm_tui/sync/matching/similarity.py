"""How similar clients are: the evidence of a match as a score with reasons, and duplicates on either side.

For duplicates it says which one is safest to keep and what to do. Nothing is merged here.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

import msgspec
from rapidfuzz import fuzz

from xpm_tui.domain.formatting import count
from xpm_tui.domain.identity import Answer, compare_names, name_key
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.names import ParsedName, key_of, parse_name
from xpm_tui.domain.plan import Side
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.spelling import fold, spellings
from xpm_tui.domain.tables import CLIENTS, JOBS, LINKS, XPM_CLIENTS
from xpm_tui.domain.xpm import XpmClient

_NUMBER_HEADINGS = re.compile(
    r"\b(a\.?b\.?n|a\.?c\.?n|nzbn|business number|company number|gst number)\b", re.I
)
_CODE_HEADINGS = re.compile(r"\b(client code|code)\b", re.I)
_BIRTH_HEADINGS = re.compile(r"\b(date of birth|birth ?date|dob|born)\b", re.I)
_NO_DIGIT = re.compile(r"\D+")
_ABN, _ACN = 11, 9
"""The digits of an Australian business number and of a company number."""


class MatchFacts(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The facts of a record that count for or against a match.

    ``numbers`` are business and company numbers as digits; ``people`` the loose names of its contacts;
    ``structure`` its loose business structure; ``code`` the client code, folded, and ``raw_code`` as written.
    """

    name: ParsedName
    emails: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    people: frozenset[str] = frozenset()
    structure: str = ""
    code: str = ""
    raw_code: str = ""
    birth_date: str = ""


_NONE: frozenset[str] = frozenset()


def facts_of(client: Client) -> MatchFacts:
    """Return the facts of an Ignition client, including those in unknown columns."""
    numbers = [v for k, v in client.extra.items() if _NUMBER_HEADINGS.search(k)]
    code = next((v for k, v in client.extra.items() if _CODE_HEADINGS.search(k)), "")
    birth_date = next((v for k, v in client.extra.items() if _BIRTH_HEADINGS.search(k)), "")
    name = parse_name(client.name)
    return MatchFacts(
        name=name,
        emails=_emails(contact.email for contact in client.contacts),
        numbers=_numbers(numbers),
        phones=_phones((client.phone, *(p for c in client.contacts for p in (c.phone, c.mobile)))),
        people=frozenset(filter(None, (name_key(contact.name) for contact in client.contacts))),
        structure=name_key(client.structure),
        code=fold(code.strip()) or name.code,
        birth_date="".join(c for c in birth_date if c.isdigit()),
    )


def facts_of_xpm(row: XpmClient) -> MatchFacts:
    """Return the facts of an XPM client."""
    live = row.present_contacts if row.contacts else ()
    return MatchFacts(
        name=parse_name(row.name),
        emails=_emails((row.email, *(contact.email for contact in live))) if row.email or live else _NONE,
        numbers=_numbers((row.company_number, row.business_number)),
        phones=_phones((row.phone, *(p for c in live for p in (c.phone, c.mobile)))) if row.phone or live
        else _NONE,
        people=frozenset(filter(None, (name_key(contact.name) for contact in live))) if live else _NONE,
        structure=name_key(row.structure) if row.structure else "",
        code=fold(row.code.strip()) if row.code else "",
        raw_code=row.code.strip(),
    )  # fmt: skip


def _emails(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(text.strip().casefold() for text in texts if "@" in text)


def _numbers(texts: Iterable[str]) -> frozenset[str]:
    digits = [_NO_DIGIT.sub("", text) for text in texts if text and "*" not in text]
    return frozenset([d for d in digits if len(d) >= 7]) if digits else _NONE


def _phones(texts: Iterable[str]) -> frozenset[str]:
    digits = [_NO_DIGIT.sub("", text) for text in texts if text]
    return frozenset(d[-8:] for d in digits if len(d) >= 8)


LIKELY = 80
WEAK = 55
NEAREST = 94
"""The score of a near name before deductions for its differences."""
FURTHEST = 76
"""The most that a different name can score by its spelling alone."""


class Likeness(msgspec.Struct, frozen=True, kw_only=True):
    """How similar two clients are, with a ``score`` of 0 to 100.

    ``identity`` compares the names only. ``supported``: a number, code or address supports the match;
    ``contradicted``: a fact other than the name contradicts it.
    """

    score: int
    reasons: tuple[str, ...]
    identity: Answer
    supported: bool
    contradicted: bool


def compare(ours: MatchFacts, theirs: MatchFacts) -> Likeness:
    """Return how similar an Ignition client and an XPM client are."""
    found = compare_names(ours.name, theirs.name, theirs.raw_code)
    supported, words, lift, certain = _supporting_evidence(ours, theirs)
    numbered = certain or not ours.numbers.isdisjoint(theirs.numbers)
    doubts = _doubts(ours, theirs)
    if found.answer == "same":
        score, reasons = 100.0 - found.cost, list(found.reasons)
    elif found.answer == "near":
        score, reasons = float(max(NEAREST - found.cost, WEAK)), list(found.reasons)
    else:
        score, reasons = _spelling(ours.name, theirs.name)
    if found.suggests_another and not certain:
        lift *= 0.4
    if score >= 45 or numbered:
        score += (100 - score) * lift
    if found.answer != "same":
        score = min(score, 96.0)
    if doubts:
        score = min(score, 62.0 if found.answer != "same" else 74.0)
    return Likeness(
        score=max(0, min(100, round(score))),
        reasons=(*reasons, *words, *doubts),
        identity=found.answer,
        supported=supported,
        contradicted=bool(doubts),
    )


def _spelling(a: ParsedName, b: ParsedName) -> tuple[float, list[str]]:
    """Return the similarity of two different names, and a reason."""
    x, y = " ".join(a.core), " ".join(b.core)
    if not x or not y:
        return 0.0, ["another name"]
    ratio = fuzz.ratio(x, y)
    ours, theirs = set(a.core), set(b.core)
    one_kind = 4 if a.forms == b.forms else 0
    if ours < theirs or theirs < ours:
        share = min(len(ours), len(theirs)) / max(len(ours), len(theirs))
        more = " ".join(word.lower() for word in sorted(ours ^ theirs))
        text = f'"{more}" is in only one of the names'
        return min(FURTHEST, max(ratio * 0.8, 50 + 20 * share) + one_kind), [text]
    if any(set(other) >= theirs or set(other) >= ours for other in (*a.others, *b.others)):
        return 70.0, ["a trading name or trustee of one is like the other"]
    sorted_ratio = fuzz.ratio(" ".join(sorted(a.core)), " ".join(sorted(b.core)))
    return min(FURTHEST, max(ratio, sorted_ratio) * 0.8 + one_kind), ["a similar name"]


def _doubts(ours: MatchFacts, theirs: MatchFacts) -> list[str]:
    """Return facts other than the name that contradict the match."""
    words: list[str] = []
    if ours.numbers and theirs.numbers and _numbers_clash(ours.numbers, theirs.numbers):
        words.append("the business numbers differ")
    if ours.structure and theirs.structure and _structures_clash(ours.structure, theirs.structure):
        words.append(f"{ours.structure} here, {theirs.structure} in XPM")
    if ours.birth_date and theirs.birth_date and ours.birth_date != theirs.birth_date:
        words.append("the dates of birth differ")
    return words


def _numbers_clash(ours: frozenset[str], theirs: frozenset[str]) -> bool:
    """Return whether numbers differ; only those of one kind can, and an ABN ends with the company's ACN."""
    if _shared(ours, theirs):
        return False
    return not {len(number) for number in ours}.isdisjoint(len(number) for number in theirs)


def _shared(ours: frozenset[str], theirs: frozenset[str]) -> set[str]:
    found = set(ours & theirs)
    for some, others in ((ours, theirs), (theirs, ours)):
        found |= {n for n in some if len(n) == _ABN and any(len(m) == _ACN and n.endswith(m) for m in others)}
    return found


def _structures_clash(a: str, b: str) -> bool:
    return a != b and not (a in b or b in a)


def _supporting_evidence(ours: MatchFacts, theirs: MatchFacts) -> tuple[bool, list[str], float, bool]:
    """Return whether other facts support the match, the reasons, their weight, and whether one is an id.

    A company number on a trust or fund is that of its trustee, who may be trustee of several.
    """
    lift, certain = 0.0, False
    words: list[str] = []
    if ours.numbers and theirs.numbers and (shared := _shared(ours.numbers, theirs.numbers)):
        no_trustee = {"trust", "super fund", "super"}.isdisjoint((*ours.name.forms, *theirs.name.forms))
        certain = no_trustee or any(len(number) == _ABN for number in shared)
        lift, words = 0.92 if certain else 0.5, ["the business number is the same"]
    if ours.code and ours.code == theirs.code:
        lift, words = max(lift, 0.8), [*words, "the client code is the same"]
    if not ours.emails.isdisjoint(theirs.emails):
        lift, words = max(lift, 0.55), [*words, "an e-mail address is the same"]
    strong = lift >= 0.5
    if not ours.phones.isdisjoint(theirs.phones):
        lift, words = max(lift + 0.05, 0.3), [*words, "a phone number is the same"]
    if not ours.people.isdisjoint(theirs.people):
        lift, words = max(lift + 0.05, 0.3), [*words, "a contact has the same name"]
    return strong, words, min(lift, 0.95), certain


class DuplicateRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One of several records that may be the same.

    Attributes:
        id: The id here, or XPM's UUID.
        linked: Records of the other side that are linked to it.
        jobs: Number of XPM's current jobs on it.
    """

    id: str
    name: str
    number: str = ""
    code: str = ""
    linked: tuple[str, ...] = ()
    contacts: int = 0
    jobs: int = 0
    archived: bool = False
    prospect: bool = False


class DuplicateGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Clients of one side whose names are the same, whatever their form.

    Attributes:
        survivor: The safest record to keep.
        why: The evidence for it.
        steps: What to do manually, in this order.
    """

    side: Side
    key: str
    members: tuple[DuplicateRecord, ...]
    survivor: str
    why: str
    steps: tuple[str, ...]


def duplicates(snapshot: Snapshot) -> list[DuplicateGroup]:
    """Return all duplicates, XPM's first, in order of the name."""
    found = [*_of_side("xpm", _xpm_members(snapshot)), *_of_side("ignition", _ignition_members(snapshot))]
    return sorted(found, key=lambda group: (group.side == "ignition", group.key))


def _of_side(side: Side, members: Iterator[DuplicateRecord]) -> Iterator[DuplicateGroup]:
    groups: defaultdict[str, list[DuplicateRecord]] = defaultdict(list)
    with_macrons: list[tuple[tuple[str, ...], DuplicateRecord]] = []
    for member in members:
        spelt = spellings(key_of(member.name))
        if len(spelt) == 1:
            groups[spelt[0]].append(member)
        else:
            with_macrons.append((spelt, member))
    for spelt, member in with_macrons:
        groups[next((key for key in spelt if key in groups), spelt[0])].append(member)
    for same, group in groups.items():
        if same and len(group) > 1:
            key = min(name_key(member.name) for member in group)
            group.sort(key=_safest_first)
            keep = group[0]
            steps = _xpm_steps(keep, group[1:]) if side == "xpm" else _ignition_steps(keep, group[1:])
            yield DuplicateGroup(
                side=side,
                key=key,
                members=tuple(group),
                survivor=keep.id,
                why=_why(keep, group[1:]),
                steps=tuple(steps),
            )


def _safest_first(member: DuplicateRecord) -> tuple[bool, bool, bool, int, int, int, str]:
    """Return a sort key by what others depend on: links, jobs, contacts, and then age."""
    age = int(member.number) if member.number.isdecimal() else 0
    return (
        not member.linked,
        member.archived,
        member.prospect,
        -member.jobs,
        -member.contacts,
        age,
        member.id.zfill(12),
    )


def _why(keep: DuplicateRecord, others: Sequence[DuplicateRecord]) -> str:
    if keep.linked and not any(other.linked for other in others):
        return "It is the only one that is linked."
    if not keep.archived and all(other.archived for other in others):
        return "The others are archived."
    if not keep.prospect and all(other.prospect or other.archived for other in others):
        return "The others are prospects or archived."
    if keep.jobs > max(other.jobs for other in others):
        return "It has the most current jobs."
    if keep.contacts > max(other.contacts for other in others):
        return "It has the most contacts."
    return "They differ only in age: this is the older one."


def _xpm_steps(keep: DuplicateRecord, others: Sequence[DuplicateRecord]) -> Iterator[str]:
    yield f"Open them in XPM and make sure that they are the same client: {_number_list([keep, *others])}."
    for other in others:
        # If any of them is linked, so is the one to keep, because it comes first in the order.
        for client in other.linked:
            yield f"Decide which client of Ignition stays; {client} is linked to number {other.number}."
        if other.jobs:
            yield f"Finish or move the {count(other.jobs, 'current job')} of number {other.number} in XPM."
        if other.contacts:
            yield f"Copy what only number {other.number} has (contacts, notes, addresses) to {keep.number}."
        if not other.archived:
            yield f"Archive number {other.number} in XPM."
    yield "Sync, so that Ignition sees it."


def _ignition_steps(keep: DuplicateRecord, others: Sequence[DuplicateRecord]) -> Iterator[str]:
    yield f"Make sure that they are the same client: {', '.join([keep.id, *(other.id for other in others)])}."
    for other in others:
        if other.linked:
            yield f"Unlink {other.id}: `clients unlink {other.id}`."
        yield f"Archive {other.id} in Ignition, and ignore it here: `clients ignore {other.id}`."


def _number_list(members: Sequence[DuplicateRecord]) -> str:
    return ", ".join(f"number {member.number}" if member.number else member.id for member in members)


def _xpm_members(snapshot: Snapshot) -> Iterator[DuplicateRecord]:
    linked: defaultdict[str, list[str]] = defaultdict(list)
    for link in snapshot.rows(LINKS):
        linked[link.uuid].append(link.id)
    jobs = Counter(job.client.uuid for job in snapshot.rows(JOBS) if job.client is not None and not job.gone)
    for row in snapshot.rows(XPM_CLIENTS):
        if not row.deleted:
            yield DuplicateRecord(
                id=row.uuid,
                name=row.name,
                number=row.number,
                code=row.code,
                linked=tuple(linked[row.uuid]) if row.uuid in linked else (),
                contacts=len(row.contacts),
                jobs=jobs[row.uuid],
                archived=row.archived,
                prospect=row.prospect,
            )


def _ignition_members(snapshot: Snapshot) -> Iterator[DuplicateRecord]:
    for client in snapshot.rows(CLIENTS):
        link = snapshot.get(LINKS, client.id)
        yield DuplicateRecord(
            id=client.id,
            name=client.name,
            number=link.number if link is not None else "",
            code=client.client_id,
            linked=(link.uuid,) if link is not None else (),
            contacts=len(client.contacts),
        )
