"""What a record of either side tells about itself, prepared for comparing.

How alike two clients are, as a score with its reasons in words; and when that may be called sure.

A score proposes, it never links. "Sure" means that a person may accept it together with others in one go, so
it is given only where the name says the same in another form, or a number or an address backs it, and where
nothing on either side could be meant as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec
from rapidfuzz import fuzz

from xpm_tui.domain.identity import exact, name_key
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.xpm import XpmClient
from xpm_tui.sync.matching.name_parts import NameParts, fold, is_latin, take_apart

_NUMBER_HEADINGS = re.compile(
    r"\b(a\.?b\.?n|a\.?c\.?n|nzbn|business number|company number|gst number)\b", re.I
)
_CODE_HEADINGS = re.compile(r"\b(client code|code)\b", re.I)


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What of a record speaks for or against its being the same as another.

    ``exact`` is the name after NFC and trimming; ``numbers`` business and company numbers as digits;
    ``people`` the folded names of its contacts; ``structure`` its folded business structure.
    """

    exact: str
    parts: NameParts
    emails: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    structure: str = ""
    code: str = ""


def facts_of(client: Client) -> Facts:
    """What a client of the book tells about itself, columns that we do not know by heart included."""
    numbers = [v for k, v in client.extra.items() if _NUMBER_HEADINGS.search(k)]
    code = next((v for k, v in client.extra.items() if _CODE_HEADINGS.search(k)), "")
    parts = take_apart(client.name)
    return Facts(
        exact=exact(client.name),
        parts=parts,
        emails=_emails(contact.email for contact in client.contacts),
        numbers=_numbers(numbers),
        phones=_phones((client.phone, *(p for c in client.contacts for p in (c.phone, c.mobile)))),
        structure=name_key(client.structure),
        code=fold(code.strip() or parts.code),
    )


def facts_of_xpm(row: XpmClient) -> Facts:
    """What an XPM client tells about itself."""
    live = [contact for contact in row.contacts if not contact.deleted]
    return Facts(
        exact=exact(row.name),
        parts=take_apart(row.name),
        emails=_emails((row.email, *(contact.email for contact in live))),
        numbers=_numbers((row.company_number, row.business_number)),
        phones=_phones((row.phone, *(p for c in live for p in (c.phone, c.mobile)))),
        structure=name_key(row.structure),
        code=fold(row.code.strip()),
    )


def _emails(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(text.strip().casefold() for text in texts if "@" in text)


def _numbers(texts: Iterable[str]) -> frozenset[str]:
    digits = ("".join(c for c in text if c.isdigit()) for text in texts if "*" not in text)
    return frozenset(d for d in digits if len(d) >= 8)


def _phones(texts: Iterable[str]) -> frozenset[str]:
    digits = ("".join(c for c in text if c.isdigit()) for text in texts)
    return frozenset(d[-8:] for d in digits if len(d) >= 8)


LIKELY = 80
WEAK = 55

_CONSUMER_KINDS = ("trust", "super", "partnership", "estate")


class Likeness(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome, ``score`` 0 to 100.

    ``same_name``: only the form differs; ``backed``: other facts say so too; ``against``: some say no.
    """

    score: int
    reasons: tuple[str, ...]
    same_name: bool
    backed: bool
    against: bool


def compare(ours: Facts, theirs: Facts) -> Likeness:
    """How alike a client of the book and one of XPM are."""
    score, reasons, same = _names(ours, theirs)
    cap, doubts = _doubts(ours, theirs)
    backed, words, lift = _backing(ours, theirs)
    lifted = score + (100 - score) * lift if score >= 45 or lift >= 0.8 else score
    score = min(lifted, cap if not (backed and lift >= 0.9) else max(cap, 85))
    if ours.exact == theirs.exact and not doubts:
        score = 100.0
    return Likeness(
        score=max(0, min(100, round(score))),
        reasons=(*reasons, *words, *doubts),
        same_name=same and not doubts,
        backed=backed,
        against=bool(doubts),
    )


def _names(ours: Facts, theirs: Facts) -> tuple[float, list[str], bool]:
    a, b = ours.parts, theirs.parts
    if ours.exact == theirs.exact:
        return 100.0, ["the name is the same"], True
    if a.key == b.key:
        return 97.0, [_form(ours, theirs)], True
    if a.bag == b.bag:
        return 95.0, ["the same words in another order"], a.like_business
    if "".join(a.words) == "".join(b.words) and len(a.key) > 5:
        return 93.0, ["the same name with spaces elsewhere"], False
    if _initials(a.words, b.words):
        return 84.0, ["the given name is an initial on one side"], False
    if _alias(a, b):
        return 86.0, ["the trading name or trustee of one is the name of the other"], False
    if _without_middle(a.words, b.words):
        return 82.0, ["the same but for a middle name"], False
    if not all(map(is_latin, a.words + b.words)):
        ratio = fuzz.ratio(a.key, b.key)
        return ratio * 0.9, ["a similar name"], False
    return _spelling(a, b)


def _spelling(a: NameParts, b: NameParts) -> tuple[float, list[str], bool]:
    ratio = max(fuzz.ratio(a.bag, b.bag), fuzz.ratio(a.key, b.key))
    ours, theirs = set(a.words), set(b.words)
    if ours and theirs and (ours < theirs or theirs < ours):
        share = min(len(ours), len(theirs)) / max(len(ours), len(theirs))
        more = sorted(ours ^ theirs)
        return max(ratio * 0.85, 60 + 20 * share), [f'"{" ".join(more)}" stands on one side only'], False
    if ratio >= 88:
        return ratio * 0.92, ["nearly the same spelling"], False
    return ratio * 0.82, ["a similar name"], False


def _form(ours: Facts, theirs: Facts) -> str:
    if (ours.parts.kind == "company") != (theirs.parts.kind == "company"):
        return 'the same name but for the legal form ("Pty Ltd", "Limited")'
    if ours.parts.code != theirs.parts.code:
        return "the same name but for a code before it"
    return "the same name but for case, accents or punctuation"


def _initials(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    """J Smith and John Smith; J A Smith and John Andrew Smith; the last word must be spelt out and equal."""
    if len(a) != len(b) or len(a) < 2 or a[-1] != b[-1] or len(a[-1]) < 2 or "and" in a or "and" in b:
        return False
    return all(
        x == y or (1 in (len(x), len(y)) and x[0] == y[0]) for x, y in zip(a[:-1], b[:-1], strict=True)
    )


def _alias(a: NameParts, b: NameParts) -> bool:
    names = {a.words, *a.others} & {b.words, *b.others}
    return any(name and (name != a.words or name != b.words) for name in names)


def _without_middle(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    longer, shorter = (a, b) if len(a) > len(b) else (b, a)
    return (
        len(shorter) == 2 and len(longer) == 3 and (longer[0], longer[2]) == shorter and "and" not in longer
    )


def _doubts(ours: Facts, theirs: Facts) -> tuple[float, list[str]]:
    """What speaks against it; the lowest cap of the score wins."""
    a, b = ours.parts, theirs.parts
    cap = 100.0
    words: list[str] = []
    if a.numbers != b.numbers:
        cap, words = min(cap, 68), [*words, _differ("number", a.numbers, b.numbers)]
    if a.generation != b.generation:
        cap, words = min(cap, 66), [*words, f'"{a.generation or b.generation}" stands on one side only']
    if a.title and b.title and a.title != b.title:
        cap, words = min(cap, 66), [*words, f"{a.title.capitalize()} here, {b.title.capitalize()} in XPM"]
    if a.code and b.code and a.code != b.code:
        cap, words = min(cap, 78), [*words, f'"{a.code}" before the name here, "{b.code}" in XPM']
    if a.kind in ("trust", "super") and a.others and b.others and set(a.others).isdisjoint(b.others):
        cap, words = min(cap, 88), [*words, "the trustees or trading names differ"]
    if _kinds_clash(ours, theirs):
        cap, words = min(cap, 78), [*words, f"{_entity(a)} here, {_entity(b)} in XPM"]
    if ours.numbers and theirs.numbers and not ours.numbers & theirs.numbers:
        cap, words = min(cap, 60), [*words, "the business numbers differ"]
    if ours.structure and theirs.structure and _structures_clash(ours.structure, theirs.structure):
        cap, words = min(cap, 72), [*words, f"{ours.structure} here, {theirs.structure} in XPM"]
    return cap, words


def _differ(what: str, a: tuple[str, ...], b: tuple[str, ...]) -> str:
    if a and b:
        return f"{what} {' '.join(a)} here, {' '.join(b)} in XPM"
    return f'{what} "{" ".join(a or b)}" stands on one side only'


def _kinds_clash(ours: Facts, theirs: Facts) -> bool:
    """A trust, fund or estate is never the company or person of that name; a person never their company."""
    a, b = ours.parts, theirs.parts
    if a.kind == b.kind:
        return False
    if a.kind in _CONSUMER_KINDS or b.kind in _CONSUMER_KINDS:
        return True
    bare = b if a.kind == "company" else a
    return not (bare.like_business or _is_company(ours if bare is a else theirs))


def _is_company(facts: Facts) -> bool:
    return "company" in facts.structure


def _entity(parts: NameParts) -> str:
    names = {"": "no legal form", "super": "a super fund", "estate": "an estate"}
    return names.get(parts.kind, f"a {parts.kind}")


def _structures_clash(a: str, b: str) -> bool:
    return a != b and not (a in b or b in a)


def _backing(ours: Facts, theirs: Facts) -> tuple[bool, list[str], float]:
    lift = 0.0
    words: list[str] = []
    if ours.numbers & theirs.numbers:
        lift, words = 0.92, ["the business number is the same"]
    if ours.emails & theirs.emails:
        lift, words = max(lift, 0.55), [*words, "an e-mail address is the same"]
    if ours.code and ours.code == theirs.code:
        lift, words = max(lift, 0.7), [*words, "the client code is the same"]
    strong = lift >= 0.55
    if ours.phones & theirs.phones:
        lift, words = max(lift, 0.3), [*words, "a phone number is the same"]
    return strong, words, lift
