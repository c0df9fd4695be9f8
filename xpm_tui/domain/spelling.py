"""Spellings of a single word: case, accents, macrons and typing errors. Pure.

The tables at the end list words that have a meaning in the names of clients: legal forms, titles, numbers,
trades.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from xpm_tui.lazy import lazy_imports

with lazy_imports():
    import rapidfuzz.distance.OSA


APOSTROPHES = "'’‘‛`´ʼʻʹʾʿ′＇ꞌ՚"
_LETTERS = {
    "ł": "l", "Ł": "l", "đ": "d", "Đ": "d", "ð": "d", "Ð": "d", "æ": "ae", "Æ": "ae", "ø": "o", "Ø": "o",
    "œ": "oe", "Œ": "oe", "þ": "th", "Þ": "th", "ı": "i", "ħ": "h", "Ħ": "h", "№": "#",
}  # fmt: skip
_FOLDED = str.maketrans({**_LETTERS, **dict.fromkeys("‐‑‒–—―−", "-"), **dict.fromkeys(APOSTROPHES, None)})
_MACRON = "\u0304"


def fold(text: str) -> str:
    """Return the text without case, accents and apostrophes.

    A vowel with a macron becomes an upper-case letter.
    """
    if text.isascii():
        return text.replace("'", "").replace("`", "").lower()
    return " ".join(map(_fold_word, text.split(" ")))


@lru_cache(maxsize=65536)
def _fold_word(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.translate(_FOLDED)).casefold().translate(_FOLDED)
    out: list[str] = []
    for char in plain:
        if not unicodedata.combining(char):
            out.append(char)
        elif char == _MACRON and out and out[-1] in "aeiou":
            out[-1] = out[-1].upper()
    return "".join(out)


def spellings(word: str) -> tuple[str, ...]:
    """Return every way to write a folded word without macrons: the vowel, or that vowel doubled."""
    if word.islower() or word == word.lower():
        return (word,)
    return _with_macrons(word)


@lru_cache(maxsize=16384)
def _with_macrons(word: str) -> tuple[str, ...]:
    found = [""]
    doubled = 0
    for char in word:
        if char.isupper() and char in "AEIOU" and doubled < 6:
            doubled += 1
            found = [start + low for start in found for low in (char.lower(), 2 * char.lower())]
        else:
            found = [start + char.lower() for start in found]
    return tuple(found)


def same_word(a: str, b: str) -> bool:
    """Return whether two folded texts are equal; a macron equals its vowel or that vowel doubled."""
    if a == b:
        return True
    if (a.islower() and b.islower()) or abs(len(a) - len(b)) > 6:
        return False
    return not set(spellings(a)).isdisjoint(spellings(b))


def edit_distance(a: str, b: str) -> int:
    """Return how many letters were lost, doubled, replaced or swapped between two words, at most 3."""
    return int(rapidfuzz.distance.OSA.distance(a, b, score_cutoff=2))


@lru_cache(maxsize=65536)
def misspelt(a: str, b: str) -> bool:
    """Return whether one word may be the other with a typing error, or its plural.

    A short word with one letter replaced is a different word ("Mark", "Mary"); one lost letter is a typing
    error.
    """
    a, b = a.lower(), b.lower()
    if a == b or not a.isalpha() or not b.isalpha():
        return False
    short, long = sorted((a, b), key=len)
    if len(short) < 3 or len(long) - len(short) > 3:
        return False
    if _stem(a) == _stem(b):
        return True
    if a[0] != b[0] and (len(short) < 6 or sorted(a[:2]) != sorted(b[:2])):
        return False
    distance = edit_distance(a, b)
    if distance == 1:
        if len(short) == 3:
            return False
        return len(a) != len(b) or sorted(a) == sorted(b) or len(short) >= 5
    return distance == 2 and len(short) >= 7


def _stem(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word


BUSINESS_WORDS = frozenset(
    """accountants accounting advisory agency air architects auto automotive bakery bar beauty books brewing
    builders building bus cafe capital care catering centre civil clean cleaning clinic co coffee collective
    company concrete construction constructions consultancy consultants consulting contracting contractors
    creative dairy dental design designs developments digital distribution drilling earthmoving education
    electrical electronics energy engineering enterprises entertainment equipment estate events excavation
    exports farm farming farms fencing finance financial fisheries fitness floors flying foods forestry
    foundation freight furniture garage gardens global group haulage health holdings homes horticulture
    hospitality hotel imports industries installations insurance interiors international investment
    investments joinery kitchens labour landscapes landscaping legal lending logistics machinery maintenance
    management manufacturing marine marketing mechanical media medical metals mining motors nominees nursery
    office orchard orchards painting partners partnership pastoral pharmacy physiotherapy plastering plumbing
    print printing products projects properties property real recruitment rentals repairs resources
    restaurant retail roofing school security services shipping software solutions sons sports station steel
    storage store studio studios supplies surveying systems tech technologies technology tiling timber tools
    tourism tours towing trade traders trading training transport travel trustee trustees ventures veterinary
    vineyard vineyards wholesale wine winery wines works workshop""".split()
)
"""Words that do not occur in personal names."""

FORM_WORDS = {
    "ltd": "ltd", "limited": "ltd", "inc": "inc", "incorporated": "inc", "llc": "llc", "llp": "llp",
    "lp": "lp", "plc": "plc", "corp": "corp", "corporation": "corp", "gmbh": "gmbh", "nl": "nl",
    "co": "company", "company": "company", "trust": "trust", "tst": "trust", "smsf": "super fund",
    "superfund": "super fund", "partnership": "partnership", "p/l": "pty ltd", "pty": "pty",
}  # fmt: skip
FORM_RUNS = {
    ("pty", "ltd"): "pty ltd", ("pty", "limited"): "pty ltd", ("proprietary", "limited"): "pty ltd",
    ("proprietary", "ltd"): "pty ltd", ("limited", "partnership"): "lp", ("no", "liability"): "nl",
    ("limited", "liability", "partnership"): "llp", ("limited", "liability", "company"): "llc",
    ("superannuation", "fund"): "super fund", ("super", "fund"): "super fund",
    ("self", "managed", "superannuation", "fund"): "super fund",
    ("self", "managed", "super", "fund"): "super fund", ("self-managed", "super", "fund"): "super fund",
    ("self-managed", "superannuation", "fund"): "super fund",
}  # fmt: skip
RUN_STARTS = frozenset(run[0] for run in FORM_RUNS)
FORMS = frozenset(FORM_WORDS.values()) | frozenset(FORM_RUNS.values())
"""Legal forms and kinds of entity, each in one standard spelling."""

SPELT_FORMS = frozenset(word for run in FORM_RUNS for word in run) | frozenset(FORM_WORDS)
"""Every word of every spelling of the legal forms."""

LOOSE_FORMS = {
    "super": "super", "superannuation": "super", "s/f": "super", "sf": "super",
    "trusts": "trust", "trs": "trust", "pship": "partnership", "ptnrship": "partnership",
}  # fmt: skip
SPELT_OUT = {
    "limited": "ltd", "trust": "trust", "superannuation": "super", "partnership": "partnership",
    "proprietary": "pty", "incorporated": "inc", "company": "company",
}  # fmt: skip
NOT_MISSPELT = frozenset(["truss", "trusty", "tryst", "trout", "true", "companion", "limit", "limits"])
AFTER_FORM = frozenset(["fund", "self", "managed", "self-managed", "fd"])

TITLES = {
    "mr": "mr", "mister": "mr", "sir": "sir", "mrs": "mrs", "ms": "ms", "miss": "miss", "mx": "mx",
    "dr": "dr", "doctor": "dr", "prof": "prof", "professor": "prof", "dame": "dame", "rev": "rev",
}  # fmt: skip
GENERATIONS = {"jnr": "junior", "jr": "junior", "junior": "junior", "snr": "senior", "sr": "senior",
                "senior": "senior"}  # fmt: skip
ROMAN = {"ii": "2", "iii": "3", "iv": "4", "vi": "6", "vii": "7", "viii": "8", "ix": "9"}
SPELT = {"one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7"}
ORDINALS = {"second": "2", "third": "3", "fourth": "4", "fifth": "5", "2nd": "2", "3rd": "3", "4th": "4",
             "5th": "5", "1st": "1"}  # fmt: skip
NUMBER_MARKS = frozenset(["no", "number", "nr", "num", "#"])
FILLER = frozenset(["the", "of", "and"])
PARTICLES = frozenset("van von der den de la le ten ter du di da del dos st".split())
"""Words before a surname that belong to it."""
