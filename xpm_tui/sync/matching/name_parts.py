"""What a client's name is made of: words, kind of entity, numbers, generation, trading names.

Names of entities follow what Australian and New Zealand practices type: "The Trustee for the Smith Family
Trust", "Smith, John", "1478 Blue Bell Group", "Kowhai Holdings Pty Ltd t/as Kowhai Plumbing".
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

import msgspec

Kind = Literal["", "company", "trust", "super", "partnership", "estate"]
Title = Literal["", "mr", "mrs"]

_COMPANY = frozenset(
    "pty ltd limited proprietary inc incorporated llc plc corp corporation nl gmbh co company lp".split()
)
_FILLER = frozenset(["the", "of"])
# Not "a": in "John A Smith" and "A Smith Pty Ltd" it is an initial.
_GENERATION = {
    "jnr": "junior", "jr": "junior", "junior": "junior", "snr": "senior", "sr": "senior", "senior": "senior",
}  # fmt: skip
_ROMAN = {"ii": "2", "iii": "3", "iv": "4", "vi": "6", "vii": "7", "viii": "8"}
_SPELT = {
    "one": "1",
    "two": "2",
    "three": "3",
    "four": "4",
    "five": "5",
    "six": "6",
    "second": "2",
    "third": "3",
}
_TITLES = frozenset(["mr", "mrs", "ms", "miss", "dr", "prof", "sir", "dame"])
_HERS = frozenset(["mrs", "ms", "miss", "dame"])
_HIS = frozenset(["mr", "sir"])

BUSINESS_WORDS = frozenset(
    """accounting advisory agency air architects auto bakery bar beauty books builders building bus cafe
    capital care catering centre civil clean cleaning clinic coffee collective concrete construction
    constructions consultancy consulting contracting contractors creative dairy dental design developments
    digital distribution drilling earthmoving education electrical electronics energy engineering enterprises
    entertainment equipment estate events excavation exports farm farming farms fencing finance financial
    fisheries fitness floors foods foundation freight furniture garage gardens global group haulage health
    holdings homes horticulture hospitality hotel imports industries installations insurance interiors
    international investment investments joinery kitchens labour landscapes landscaping legal lending
    logistics machinery maintenance management manufacturing marine marketing mechanical media medical metals
    mining motors nominees nursery office orchards painting partners partnership pastoral pharmacy
    physiotherapy plastering plumbing print printing products projects properties property real recruitment
    rentals repairs resources restaurant retail roofing school security services shipping software solutions
    sports station steel storage store studio studios supplies surveying systems tech technologies technology
    tiling timber tools tourism tours towing trade trading training transport travel ventures veterinary
    wholesale wine wines winery works workshop""".split()
)

_ALIAS = re.compile(r"\b(?:t/as|t/a|trading\s+as|also\s+known\s+as|aka|formerly)\b", re.IGNORECASE)
_TRUSTEE = re.compile(
    r"\b(?:as\s+)?(?:the\s+)?trustees?\s+(?:for|of)\b|\ba\.?t\.?f\.?(?=\s)|\bas\s+trustees?\b", re.IGNORECASE
)
_CODE = re.compile(
    r"^\s*(?:(?:[A-Z]{2,6}\d{1,6}|\d{4,6}|[A-Z]\d{2,6})\s*[-–:|/.]?|\d{2,3}\s*[-–:|/.])\s+(?=\S)"
)
"""A short bare number is none: it is the house in "12 Queen Street Pty Ltd"."""
_DEED = re.compile(
    r"[#№]\s*(?=\d)|\b(?:no|number|nr)\b\.?\s*(?=\d|one\b|two\b|three\b|four\b|five\b)", re.IGNORECASE
)
_PL = re.compile(r"\bP/L\b", re.IGNORECASE)
_WORDS = re.compile(r"[^\W_]+")
_NOT_LATIN = re.compile(r"[^\x00-\u024f\u1e00-\u1eff]")


class NameParts(msgspec.Struct, frozen=True, kw_only=True):
    """A name taken apart; words are folded (no case, marks or punctuation).

    ``words`` are what names the entity, in order. ``company`` tells that a legal form was given. ``numbers``
    are what sets "No 2" apart. ``others`` are trading names and trustees: further names of the same record.
    ``title`` tells a title that only a man or only a woman has ("mr", "mrs"); none where both are named.
    """

    words: tuple[str, ...]
    kind: Kind = ""
    numbers: tuple[str, ...] = ()
    generation: str = ""
    title: Title = ""
    code: str = ""
    others: tuple[tuple[str, ...], ...] = ()

    @property
    def key(self) -> str:
        """Words in order: equal keys differ in form only."""
        return " ".join(self.words)

    @property
    def bag(self) -> str:
        """Words sorted: equal bags differ in order only."""
        return " ".join(sorted(self.words))

    @property
    def like_business(self) -> bool:
        """True where a word says that this is no person's own name."""
        return any(word in BUSINESS_WORDS for word in self.words)


def fold(text: str) -> str:
    """Case folded, marks dropped (macrons, accents, ligatures by NFKD), "&" and "+" read as "and"."""
    plain = unicodedata.normalize("NFKD", text.replace("&", " and ").replace("+", " and ").replace("'", ""))
    plain = plain.replace("’", "").replace("ß", "ss").replace("ø", "o").replace("Ø", "O").casefold()
    return "".join(c for c in plain if not unicodedata.combining(c))


def take_apart(name: str) -> NameParts:
    """Take a client's name apart. Never fails; a name of no words gives empty parts."""
    text = _PL.sub("Pty Ltd", name.strip())
    code = ""
    found = _CODE.match(text)
    if found and len(_WORDS.findall(text[found.end() :])) >= 1:
        code = fold(found.group()).strip(" -–:|/.")
        text = text[found.end() :]
    text, *aliases = _ALIAS.split(text)
    trustee, *trusts = _TRUSTEE.split(text)
    others = [_words(alias)[0] for alias in aliases]
    if trusts and trusts[-1].strip():
        text = trusts[-1]
        others.append(_words(trustee)[0])
    words, kind, numbers, generation, title = _words(_surname_last(text))
    return NameParts(
        words=words,
        kind=kind,
        numbers=numbers,
        generation=generation,
        title=title,
        code=code,
        others=tuple(tuple(other) for other in others if other),
    )


def _surname_last(text: str) -> str:
    """ "Smith, John" becomes "John Smith"; a comma before a legal form stays what it is."""
    before, comma, after = text.partition(",")
    after_words = _WORDS.findall(fold(after))
    if not comma or not before.strip() or not after_words or len(after_words) > 3 or "," in after:
        return text
    if any(w in _COMPANY or w in BUSINESS_WORDS or w in _GENERATION or w.isdigit() for w in after_words):
        return text
    return f"{after} {before}"


def _words(text: str) -> tuple[tuple[str, ...], Kind, tuple[str, ...], str, Title]:
    tokens = _WORDS.findall(fold(_DEED.sub(" no ", text)))
    kind: Kind = ""
    numbers: list[str] = []
    generation = ""
    words: list[str] = []
    titles: set[str] = set()
    after_no = False
    for place, token in enumerate(tokens):
        if token == "no" and place + 1 < len(tokens) and (_number(tokens[place + 1])):
            after_no = True
            continue
        last_roman = token in _ROMAN and 0 < place == len(tokens) - 1
        number = _number(token) if after_no or token.isdigit() or last_roman else ""
        after_no = False
        if number:
            numbers.append(number)
        elif token in _GENERATION and place > 0:
            generation = _GENERATION[token]
        elif token in _COMPANY and place > 0:
            kind = kind or "company"
        elif token in _TITLES:
            titles.add(token)
        elif token not in _FILLER:
            words.append(token)
    if not words:
        words = [t for t in tokens if t != "no"]
    while len(words) > 1 and words[-1] == "and":
        words.pop()
    spelt, special = _kind_of(words)
    his, hers = not titles.isdisjoint(_HIS), not titles.isdisjoint(_HERS)
    title: Title = "" if his == hers else "mr" if his else "mrs"
    return tuple(spelt), special or kind, tuple(sorted(numbers)), generation, title


def _number(token: str) -> str:
    if token.isdigit():
        return token.lstrip("0") or "0"
    return _ROMAN.get(token) or _SPELT.get(token, "")


def _kind_of(words: list[str]) -> tuple[list[str], Kind]:
    """The kind that words themselves tell; spellings of one thing become one word."""
    kinds = set(words)
    if kinds & {"superannuation", "smsf", "super"}:
        kept = [w for w in words if w not in {"superannuation", "smsf", "super", "fund", "sf"}]
        return [*kept, "super"], "super"
    if kinds & {"trust", "trusts"}:
        return ["trust" if w == "trusts" else w for w in words], "trust"
    if "partnership" in kinds:
        return words, "partnership"
    if "estate" in kinds and ("late" in kinds or words[0] == "estate"):
        return [w for w in words if w != "late"], "estate"
    return words, ""


def is_latin(word: str) -> bool:
    """False for scripts whose words are not spelt in letters: there, one sign is already a word."""
    return _NOT_LATIN.search(word) is None
