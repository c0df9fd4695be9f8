"""Compare two names: same, near or different, and why. Pure; it ignores all other evidence.

*Same* names differ in form only: case, accents, macrons, kinds of apostrophe, dots, spaces in initials and
after Mc, Mac and O', ``&`` and "and", spellings of one legal form, a leading "The", "Surname, First", a
leading code that is the XPM client's own. *Near* names may belong to the same client or to a related one:
initials, nicknames, order, misspellings, titles, trustee and trading names, another legal form or number.
Only a *same* name may count as sure; *same* and *near* names both prevent a client from being created without
a question.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import permutations
from typing import Literal

import msgspec

from xpm_tui.domain.formatting import sequence
from xpm_tui.domain.names import ParsedName, PersonName, exact, key_of, parse_name_cached, without_code
from xpm_tui.domain.spelling import BUSINESS_WORDS, SPELT_FORMS, misspelt, same_word
from xpm_tui.lazy import pattern

__all__ = [
    "Answer",
    "NameComparison",
    "compare",
    "compare_names",
    "exact",
    "name_key",
    "search_forms",
]

Answer = Literal["same", "near", "different"]

_WORDS = pattern(r"[^\W_]+")

_NICKNAMES = """
robert rob bob bobby robbie bert|william will bill billy willie|richard rick dick rich ricky
james jim jimmy jamie|john jack johnny jon|jonathan jon jonny|michael mike mick micky|thomas tom tommy
edward ed eddie ted ned|charles charlie chuck|elizabeth liz beth betty lizzie eliza libby bess
margaret maggie meg peggy marg|katherine catherine kathryn kate katie kathy cathy kath cath kat
patricia pat trish tricia patty|patrick pat paddy|anthony tony|christopher chris kit
christine chris tina chrissie|alexander alex sandy alec|alexandra alex sandra|andrew andy drew
daniel dan danny|david dave davey|stephen steven steve|matthew matt|nicholas nick nicky|samuel sam
samantha sam|joseph joe joey|benjamin ben benny|timothy tim|gregory greg|geoffrey jeffrey geoff jeff
kenneth ken kenny|ronald ron ronnie|donald don donny|raymond ray|peter pete|philip phillip phil
frederick fred freddie|henry harry hank|harold harry|lawrence laurence larry laurie|leonard len lenny
albert bert al|francis frank|frances fran|susan sue suzanne susie|deborah debra deb debbie
jennifer jen jenny|rebecca becky bec|victoria vicky tori|jacqueline jackie|barbara barb|pamela pam
sandra sandy|judith judy|dorothy dot|helen nell|eleanor ellie nell|gerald gerry jerry|terence terry
theresa teresa terry|vincent vince|walter wally walt|graham graeme|joshua josh|zachary zac zack
oliver ollie|olivia liv|isabella bella izzy|charlotte lottie charlie|abigail abby|amanda mandy
angela angie|cynthia cindy|allan alan al|wiremu bill wi|hemi jim james|hohepa joe joseph|mere mary
rawiri david dave|tamati tom thomas|pita peter pete
"""
_GROUPS: dict[str, frozenset[int]] = {}
_INITIALS: dict[str, frozenset[str]] = {}
for _number, _group in enumerate(_NICKNAMES.strip().replace("|", "\n").split("\n")):
    _words = _group.split()
    _firsts = frozenset(_word[0] for _word in _words)
    for _word in _words:
        _GROUPS[_word] = _GROUPS.get(_word, frozenset()) | {_number}
        _INITIALS[_word] = _INITIALS.get(_word, frozenset()) | _firsts

_COMPANIES = frozenset(["ltd", "pty ltd", "pty", "inc", "llc", "plc", "corp", "gmbh", "nl", "company"])


class NameComparison(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a comparison: the distance of the names (0: equal) and the differences in words.

    ``suggests_another``: the difference usually means another entity (a number, a title, a kind of entity).
    """

    answer: Answer
    cost: int = 0
    reasons: tuple[str, ...] = ()
    suggests_another: bool = False


DIFFERENT = NameComparison(answer="different", cost=100)


def initials_of(person: PersonName) -> frozenset[str]:
    """Return the letters that a person's given name may begin with: Bob may also be Robert."""
    if not person.given:
        return frozenset()
    first = person.given[0].lower()
    return _INITIALS.get(first) or frozenset(first[0])


def name_key(name: str) -> str:
    """Return a loose form of a name: case, accents, macrons and punctuation dropped, ``&`` read as "and"."""
    name = name.replace("&", " and ")
    if name.isascii():
        return " ".join(_WORDS.findall(name.lower()))
    plain = unicodedata.normalize("NFKD", name).casefold()
    return " ".join(_WORDS.findall("".join(c for c in plain if not unicodedata.combining(c))))


def search_forms(name: str) -> tuple[str, ...]:
    """Return the forms in which someone may type a name; the first is its :func:`name_key`.

    The others have initials and Mc joined, apostrophes dropped, one spelling of each legal form, and a vowel
    with a macron both as that vowel and as that vowel doubled.
    """
    loose, key = name_key(name), key_of(name)
    if key == loose:
        return (loose,)
    plain = key.lower()
    if plain == key:
        return (loose, key)
    doubled = "".join(2 * char.lower() if char in "AEIOU" else char for char in key)
    return tuple(dict.fromkeys((loose, plain, doubled)))


def compare(ours: str, theirs: str, code: str = "") -> NameComparison:
    """Compare two names; ``code`` is the XPM client's own code, which either name may begin with."""
    return compare_names(parse_name_cached(ours), parse_name_cached(theirs), code)


def compare_names(a: ParsedName, b: ParsedName, code: str = "") -> NameComparison:
    """Compare names that are already parsed, as :func:`compare` does.

    The result is symmetric except for the wording of reasons.
    """
    if a.exact == b.exact:
        return NameComparison(answer="same", reasons=("the name is the same",))
    if _same(a, b):
        return NameComparison(answer="same", cost=2, reasons=(_difference_of_form(a, b),))
    if code and _same_without_code(a, b, code):
        return NameComparison(
            answer="same", cost=3, reasons=("the same name except for the client code in it",)
        )
    return _near(a, b) or DIFFERENT


def _same(a: ParsedName, b: ParsedName) -> bool:
    return bool(a.key) and same_word(a.key, b.key)


def _same_without_code(a: ParsedName, b: ParsedName, code: str) -> bool:
    ours, theirs = without_code(a.exact, code), without_code(b.exact, code)
    if ours and _same(parse_name_cached(ours), b):
        return True
    return bool(theirs) and (
        _same(a, parse_name_cached(theirs))
        or (bool(ours) and _same(parse_name_cached(ours), parse_name_cached(theirs)))
    )


def _difference_of_form(a: ParsedName, b: ParsedName) -> str:
    """Return in words what differs between two names that are the same."""
    x, y = a.exact, b.exact
    found: list[str] = []
    if x.casefold() == y.casefold():
        return "the same name except for upper and lower case"
    ours, theirs = _plain(x), _plain(y)
    if _letter_cases(x) != _letter_cases(y):
        found.append("case")
    if _combining_marks(x) != _combining_marks(y):
        found.append("macrons" if "\u0304" in _combining_marks(x) + _combining_marks(y) else "accents")
    if ("&" in x) != ("&" in y) or ("+" in x) != ("+" in y):
        found.append('"&"')
    if _spelt_forms(ours) != _spelt_forms(theirs):
        found.append("the spelling of the legal form")
    if (ours[:1] == ["the"]) != (theirs[:1] == ["the"]):
        found.append('a leading "The"')
    if ("," in x) != ("," in y) and ours != theirs and sorted(ours) == sorted(theirs):
        found.append("the order of surname and first name")
    elif _punctuation(x) != _punctuation(y):
        found.append("punctuation")
    if ours != theirs and "".join(ours) == "".join(theirs):
        found.append("spaces")
    if not found:
        return "the same name except for " + ("spaces" if x.isascii() and y.isascii() else "accents")
    return f"the same name except for {sequence(found)}"


def _plain(name: str) -> list[str]:
    return name_key(name.replace("'", "").replace("’", "")).split()


def _letter_cases(name: str) -> list[bool]:
    """Return whether all letters are upper case, and whether all are lower case."""
    return [name.isupper(), name.islower()]


def _combining_marks(name: str) -> str:
    return "".join(sorted(c for c in unicodedata.normalize("NFD", name) if unicodedata.combining(c)))


def _spelt_forms(words: Sequence[str]) -> list[str]:
    return [word for word in words if word in SPELT_FORMS]


def _punctuation(name: str) -> str:
    return "".join(c for c in name if not (c.isalnum() or c.isspace() or c in "&+"))


def _near(a: ParsedName, b: ParsedName) -> NameComparison | None:
    if not a.core or not b.core:
        return None
    found = _core(a, b)
    if found is None:
        return _of_other_names(a, b)
    cost, words, another = found
    for more, reasons, other in (_forms(a, b), _numbers(a, b), _titles(a, b), _others(a, b)):
        cost, words, another = cost + more, [*words, *reasons], another or other
    if not words:
        cost, words = 5, [_other_difference(a, b)]
    return NameComparison(answer="near", cost=min(cost, 60), reasons=tuple(words), suggests_another=another)


def _other_difference(a: ParsedName, b: ParsedName) -> str:
    """Return what differs between names with the same words, forms and numbers that are not the same."""
    if a.numbers:
        return "the same name, with its number written differently"
    if sorted(a.key.replace("-", " ").split()) == sorted(b.key.replace("-", " ").split()):
        if "-" in a.key + b.key:
            return "the same name except for hyphens"
        return "the same words in a different order"
    if a.key.replace(" ", "") == b.key.replace(" ", ""):
        return "the same name except for spaces"
    return 'the same name except for small words such as "of" or "and"'


_Found = tuple[int, list[str], bool]


def _core(a: ParsedName, b: ParsedName) -> _Found | None:
    """Return how the words that name the entity differ, or None if they are unrelated."""
    if _equal(a.core, b.core):
        if len(a.persons) != len(b.persons):
            return 12, ["one person here, two in XPM" if len(a.persons) < 2 else "two people here"], True
        return 0, [], False
    couple = len(a.persons) != len(b.persons) and max(len(a.persons), len(b.persons)) > 1
    joined = not couple and same_word(a.joined, b.joined)
    if joined and len(a.joined) > 3:
        return 5, ["the same name except for spaces or hyphens"], False
    people = _people(a, b)
    if people is not None:
        return people
    if sorted(w.lower() for w in a.core) == sorted(w.lower() for w in b.core):
        return 14, ["the same words in a different order"], True
    return _spelling(a, b)


def _equal(a: Sequence[str], b: Sequence[str]) -> bool:
    return len(a) == len(b) and all(map(same_word, a, b))


def _spelling(a: ParsedName, b: ParsedName) -> _Found | None:
    """Return differences that are misspelt words, or a letter that distinguishes one of a series."""
    if len(a.core) == len(b.core):
        pairs = [(x, y) for x, y in zip(a.core, b.core, strict=True) if not same_word(x, y)]
        if len(pairs) > max(1, len(a.core) // 2):
            return None
        if len(pairs) == 1 and len(pairs[0][0]) == len(pairs[0][1]) == 1:
            x, y = pairs[0]
            series = a.core[0] != x and (a.forms or b.forms or not BUSINESS_WORDS.isdisjoint(a.core))
            return (30, [f'"{x.upper()}" here, "{y.upper()}" in XPM'], True) if series else None
        if all(misspelt(x, y) for x, y in pairs):
            messages = [f'"{x.lower()}" here, "{y.lower()}" in XPM' for x, y in pairs]
            return 8 * len(pairs), messages, False
        return None
    x, y = a.joined, b.joined
    if min(len(w) for w in (*a.core, *b.core)) > 1 and min(len(x), len(y)) >= 9 and misspelt(x, y):
        return 10, ["almost the same spelling, with different spaces"], False
    return None


def _people(a: ParsedName, b: ParsedName) -> _Found | None:
    ours, theirs = a.persons, b.persons
    if not ours or len(ours) != len(theirs) or not _equal(a.tail, b.tail):
        return None
    best: _Found | None = None
    for order in permutations(theirs):
        found = _in_this_order(ours, order)
        if found is not None:
            cost, words = found
            if order != theirs and len(ours) > 1:
                cost, words = cost + 4, [*words, "the people are named in a different order"]
            if best is None or cost < best[0]:
                best = cost, list(dict.fromkeys(words)), False
    return best


def _in_this_order(ours: Sequence[PersonName], theirs: Sequence[PersonName]) -> tuple[int, list[str]] | None:
    cost, words = 0, []
    for x, y in zip(ours, theirs, strict=True):
        if not same_word(x.surname, y.surname):
            if not misspelt(x.surname, y.surname):
                return None
            cost += 8
            words.append(f'"{x.surname.lower()}" here, "{y.surname.lower()}" in XPM')
        given = _given(x.given, y.given)
        if given is None:
            return None
        cost += given[0]
        words += given[1]
    return cost, words


def _given(a: Sequence[str], b: Sequence[str]) -> tuple[int, list[str]] | None:
    """Return differences of given names that may be one person's: initials, nicknames, middle names."""
    if _equal(a, b):
        return 0, []
    if not a or not b:
        return 10, ["a given name is missing in one of the names"]
    for short, long in ((a, b), (b, a)):
        letters = "".join(short)
        if len(letters) <= 3 and len(long) > 1 and letters == "".join(word[0] for word in long):
            return 6, ["one of the names has initials for given names"]
    if len(a) == len(b) == 1 and _fewer_initials(*sorted((a[0], b[0]), key=len)):
        return 14, ["only one of the names has an initial"]
    cost = 0
    words: list[str] = []
    for x, y in zip(a, b, strict=False):
        if same_word(x, y):
            continue
        if 1 in (len(x), len(y)) and x[0].lower() == y[0].lower():
            cost, words = cost + 6, [*words, "a given name is an initial in one of the names"]
        elif len(x) <= 3 and len(a) < len(b) and y[0] == x[0] and x not in _GROUPS:
            return None
        elif not _GROUPS.get(x, frozenset()).isdisjoint(_GROUPS.get(y, frozenset())):
            short, long = sorted((x.lower(), y.lower()), key=lambda word: (len(word), word))
            cost, words = cost + 7, [*words, f"{short.title()} may be short for {long.title()}"]
        elif misspelt(x, y):
            cost, words = cost + 9, [*words, f'"{x.lower()}" here, "{y.lower()}" in XPM']
        elif _initials(x, y, a, b):
            cost, words = cost + 12, [*words, "a given name is an initial in one of the names"]
        else:
            return None
    if len(a) != len(b):
        cost, words = cost + 7, [*words, "only one of the names has a middle name"]
    return cost, words


def _fewer_initials(short: str, long: str) -> bool:
    """Return whether one side has fewer initials of the same person, such as J and AJ."""
    return len(short) < len(long) <= 3 and set(short) <= set(long)


def _initials(x: str, y: str, a: Sequence[str], b: Sequence[str]) -> bool:
    """Return whether initials match, such as JR with J or John: same first letter, one side has more."""
    short, long = sorted((x, y), key=len)
    single = len(a) == 1 and len(b) == 1
    vowels = set("aeiouy")
    return single and len(short) in (2, 3) and vowels.isdisjoint(short) and short[0] == long[0].lower()


def _forms(a: ParsedName, b: ParsedName) -> _Found:
    """Return differences in legal forms: another one, a missing one, or a misspelt one."""
    if a.forms == b.forms:
        if a.loose or b.loose:
            return 3, ["the legal form is spelt differently"], False
        return 0, [], False
    ours, theirs = set(map(_kind_of, a.forms)), set(map(_kind_of, b.forms))
    if ours == theirs:
        return 4, [f"{_spell(a.forms)} here, {_spell(b.forms)} in XPM"], False
    if not ours or not theirs:
        there = set(a.forms or b.forms)
        text = f'"{_spell(there)}" is in only one of the names'
        light = there <= _COMPANIES
        business = light and not BUSINESS_WORDS.isdisjoint(a.core)
        return (6 if business else 12 if light else 16), [text], not business
    text = f"{_spell(a.forms)} here, {_spell(b.forms)} in XPM"
    if ours <= _COMPANIES and theirs <= _COMPANIES:
        return 9, [text], False
    if ours & theirs:
        return 14, [text], True
    return 20, [text], True


def _kind_of(form: str) -> str:
    return "super fund" if form == "super" else form


def _spell(forms: Sequence[str] | set[str]) -> str:
    return " ".join(
        {"lp": "LP", "llc": "LLC", "llp": "LLP", "plc": "PLC", "nl": "NL"}.get(form, form.title())
        for form in sorted(forms)
    )


def _numbers(a: ParsedName, b: ParsedName) -> _Found:
    cost, reasons = 0, []
    if a.numbers != b.numbers:
        cost, reasons = 32, [_difference_sentence("number", " ".join(a.numbers), " ".join(b.numbers))]
    if a.code != b.code:
        if a.code and b.code:
            cost, reasons = cost + 24, [*reasons, f'"{a.code}" before the name here, "{b.code}" in XPM']
        else:
            cost, reasons = cost + 10, [*reasons, f'"{a.code or b.code}" is before only one of the names']
    return cost, reasons, cost > 20


def _titles(a: ParsedName, b: ParsedName) -> _Found:
    cost, reasons = 0, []
    if a.generation != b.generation:
        cost, reasons = 32, [_difference_sentence("generation", a.generation, b.generation)]
    if a.titles != b.titles:
        ours, theirs = " ".join(a.titles).title(), " ".join(b.titles).title()
        if ours and theirs:
            cost, reasons = cost + 30, [*reasons, f"{ours} here, {theirs} in XPM"]
        else:
            cost, reasons = cost + 3, [*reasons, f"{ours or theirs} is in only one of the names"]
    return cost, reasons, cost > 10


def _others(a: ParsedName, b: ParsedName) -> _Found:
    """Return differences in trading names and trustees, if one or both names have them."""
    if a.trustee == b.trustee and a.others == b.others:
        return 0, [], False
    if a.others and b.others and not any(_equal(x, y) for x in a.others for y in b.others):
        return 18, ["the trustees or trading names differ"], True
    if a.trustee != b.trustee:
        return 4, ["only one of the names has a trustee"], False
    return 4, ["only one of the names has a trading name"], False


def _of_other_names(a: ParsedName, b: ParsedName) -> NameComparison | None:
    """Return whether the trading name or trustee of one is the name of the other."""
    for x, y in ((a, b), (b, a)):
        if any(len("".join(other)) > 3 and _equal(other, y.core) for other in x.others):
            kind, cost = ("the trustee", 24) if x.trustee else ("the trading name", 12)
            text = f"{kind} of one is the name of the other"
            return NameComparison(answer="near", cost=cost, reasons=(text,), suggests_another=x.trustee)
    return None


def _difference_sentence(what: str, ours: str, theirs: str) -> str:
    if ours and theirs:
        return f"{what} {ours} here, {theirs} in XPM"
    return f'{what} "{ours or theirs}" is in only one of the names'
