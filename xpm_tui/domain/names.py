"""Parse a client's name into words, legal forms, numbers, persons and trading names. Pure.

Every normal form of a name is computed here. What distinguishes entities is kept (legal form, numbers, word
order, titles); what does not is dropped (case, accents, kinds of apostrophe, dots, spellings of one legal
form). The forms of names are those that Australian and New Zealand practices type: "The Trustee for the Smith
Family Trust", "Smith, John", "1478 Blue Bell Group", "Kowhai Holdings Pty Ltd t/as Kowhai Plumbing".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

import msgspec

from xpm_tui.domain.spelling import (
    AFTER_FORM,
    APOSTROPHES,
    BUSINESS_WORDS,
    FILLER,
    FORM_RUNS,
    FORM_WORDS,
    FORMS,
    GENERATIONS,
    LOOSE_FORMS,
    NOT_MISSPELT,
    NUMBER_MARKS,
    ORDINALS,
    PARTICLES,
    ROMAN,
    RUN_STARTS,
    SPELT,
    SPELT_OUT,
    TITLES,
    edit_distance,
    fold,
)
from xpm_tui.lazy import pattern

_TOKENS = pattern(r"\d+(?:[.,:/]\d+)+|[^\W_]+(?:-[^\W_]+)*|#(?=\s*\d)")
_O_SPACE = pattern(rf"\b([oO])[{APOSTROPHES}]\s+(?=\w)")
_SLASHED = pattern(r"\b(p/l|s/f)(?!\w)", re.IGNORECASE)
_ALIAS = pattern(r"\b(?:t/as|t/a|trading\s+as|also\s+known\s+as|aka|formerly)(?!\w)", re.IGNORECASE)
_TRUSTEE = pattern(
    r"\b(?:as\s+)?(?:the\s+)?trustees?\s+(?:for|of)\b|\ba\.?t\.?f\b\.?|\bas\s+trustees?\b", re.IGNORECASE
)
_TRUSTEE_HINT = pattern(r"trustee|a\.?t\.?f\b", re.IGNORECASE)
_CODE = pattern(
    r"^\s*(?:([A-Za-z]{1,6}\d{1,6}|\d{4,6})\s*[-–:|/.]?|([A-Za-z]{2,8}|\d{1,6})\s+[-–:|/]|(\d{2,3})[-–:|.])\s+(?=\S)"
)
"""A code before a name. A short number does not count: it may be that of a house ("12 Queen Street")."""

_DESIGNATED = pattern(r"(?:no|nr)(\d+)")


class PersonName(msgspec.Struct, frozen=True, gc=False):
    """A person in a name; ``given`` may be initials, and is empty for an unnamed spouse."""

    given: tuple[str, ...]
    surname: str


class NameParts(msgspec.Struct, frozen=True, gc=False):
    """The parts of a name; see :class:`ParsedName`."""

    core: tuple[str, ...]
    forms: tuple[str, ...] = ()
    loose: bool = False
    numbers: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    generation: str = ""
    persons: tuple[PersonName, ...] = ()
    tail: tuple[str, ...] = ()


class ParsedName(NameParts, frozen=True, gc=False, kw_only=True):
    """A name in its normal forms, in which an upper-case letter is a vowel with a macron.

    ``key`` is the form in which equal names are the same: words in order, legal forms in one spelling.
    ``core`` are the words that name the entity, without ``forms``, ``numbers``, ``titles``, ``generation``
    and ``code``. ``persons`` is empty unless the name is that of persons, and ``tail`` is what follows them
    ("family", "plumbing"). ``others`` are trading names and trustees, each as its own core.
    """

    exact: str
    key: str
    code: str = ""
    others: tuple[tuple[str, ...], ...] = ()
    trustee: bool = False

    @property
    def joined(self) -> str:
        """Return the core as one word."""
        return "".join(self.core)


def exact(name: str) -> str:
    """Return the exact form: NFC and trimmed. Only this form links automatically.

    Case and punctuation count.
    """
    return unicodedata.normalize("NFC", name).strip()


def key_of(name: str) -> str:
    """Return only the ``key`` of a name."""
    return " ".join(_tokens(_surname_last(_apostrophes_closed(exact(name)))))


def _apostrophes_closed(text: str) -> str:
    """Close up apostrophes: "O' Brien" becomes "O'Brien"."""
    return _O_SPACE.sub(r"\1'", text) if "'" in text or "`" in text or not text.isascii() else text


def parse_name(name: str) -> ParsedName:
    """Parse a name into its normal forms. It never fails; a name without a word has an empty ``core``."""
    whole = exact(name)
    text = _apostrophes_closed(whole)
    tokens = _tokens(_surname_last(text))
    key = " ".join(tokens)
    code, rest = split_code(text)
    main, aliases, trustee = _aliases(rest)
    main = _surname_last(main)
    if code or aliases or trustee:
        tokens = _tokens(main)
    parts = _parts(tokens)
    others = [_parts(_tokens(_surname_last(alias))).core for alias in aliases]
    return ParsedName(
        *msgspec.structs.astuple(parts),
        exact=whole,
        key=key,
        code=code,
        others=tuple(other for other in others if other),
        trustee=trustee,
    )


parse_name_cached = lru_cache(maxsize=4096)(parse_name)
"""Parse a name, or return a cached result. Loops over a whole practice do not use the cache."""


def without_code(name: str, code: str) -> str:
    """Return the name without the leading code ``code``, or an empty text if it does not begin with it."""
    text, wanted = exact(name), exact(code)
    if len(wanted) < 2 or not text.casefold().startswith(wanted.casefold()):
        return ""
    rest = text[len(wanted) :]
    parted = re.match(r"\s*[-–:|/]\s*|\.?\s+", rest)
    if parted is None or not (any(c.isdigit() for c in wanted) or parted.group().strip(" .")):
        return ""
    return rest[parted.end() :].strip()


def split_code(text: str) -> tuple[str, str]:
    """Return a leading code in its folded form, and the rest."""
    found = _CODE.match(text)
    if found is None:
        return "", text
    code = next(group for group in found.groups() if group)
    rest = text[found.end() :]
    if not any(c.isalpha() for c in rest) or not (code.isupper() or code.isdigit()):
        return "", text
    return fold(code), rest


def _aliases(text: str) -> tuple[str, list[str], bool]:
    aliases: list[str] = []
    if "/" in text or " " in text:
        text, *aliases = _ALIAS.split(text)
    trustee = False
    if _TRUSTEE_HINT.search(text):
        before, *after = _TRUSTEE.split(text)
        if after and after[-1].strip():
            text, trustee = after[-1], True
            aliases.append(before)
        elif after:
            text, trustee = before, True
    return text, aliases, trustee


def _surname_last(text: str) -> str:
    """Move a leading surname last: "Smith, John" becomes "John Smith".

    A comma before a legal form is left as it is.
    """
    if text.count(",") != 1:
        return text
    before, _, after = text.partition(",")
    first = fold(after.replace("&", " and ")).replace(".", " ").split()
    last = fold(before).split()
    longest = 4 if PARTICLES.intersection(last) else 2
    if not first or not last or len(last) > longest or len(first) > 5:
        return text
    for word in (*first, *last):
        if word in FORM_WORDS or word in GENERATIONS or word in BUSINESS_WORDS or not word[0].isalpha():
            return text
        if word in LOOSE_FORMS or word in AFTER_FORM or word in NUMBER_MARKS:
            return text
    return f"{after} {before}"


def _tokens(text: str) -> list[str]:
    """Return the words in order, folded, with legal forms in one spelling and initials joined."""
    if "&" in text or "+" in text:
        text = text.replace("&", " and ").replace("+", " and ")
    slashed = _SLASHED.search(text) is not None if "/" in text else False
    if slashed:
        text = _SLASHED.sub(lambda found: found.group().replace("/", "ǁ"), text)
    raw: list[str] = _TOKENS.findall(fold(text))
    if slashed:
        raw = [token.replace("ǁ", "/") for token in raw]
    if len(raw) > 1 and raw[0] == "the":
        del raw[0]
    out: list[str] = []
    place, total, initials = 0, len(raw), False
    while place < total:
        token = raw[place]
        if out and token in RUN_STARTS and (run := _run(raw, place)):
            out.append(FORM_RUNS[run])
            place += len(run)
            initials = False
            continue
        if out and token in FORM_WORDS:
            out.append(FORM_WORDS[token])
            initials = False
        elif len(token) == 1 and token.isalpha():
            if initials:
                out[-1] += token
            else:
                out.append(token)
            initials = True
        elif token in ("mc", "mac") and place + 1 < total and _joins(raw[place + 1]):
            out.append(token + raw[place + 1])
            place += 1
            initials = False
        else:
            out.append(token)
            initials = False
        place += 1
    if any(map(FORM_WORDS.__contains__, out[1:])):  # "S.M.S.F.", whose letters were joined just now
        out[1:] = [FORM_WORDS.get(token, token) for token in out[1:]]
    return out


def _run(raw: Sequence[str], place: int) -> tuple[str, ...]:
    for length in (4, 3, 2):
        run = tuple(raw[place : place + length])
        if len(run) == length and run in FORM_RUNS:
            return run
    return ()


def _joins(word: str) -> bool:
    return (
        len(word) > 2 and word.isalpha() and word not in BUSINESS_WORDS and word not in FORM_WORDS
        and word not in ("and", "the", "family")
    )  # fmt: skip


def _parts(tokens: Sequence[str]) -> NameParts:
    words: list[str] = []
    forms: list[str] = []
    numbers: list[str] = []
    titles: list[str] = []
    generation, loose = "", False
    total = len(tokens)
    place = 0
    while place < total:
        token = tokens[place]
        kind, value = _kind(token)
        later = place > 0
        if kind == "word":
            words.append(token)
        elif kind == "mark" and place + 1 < total and (number := _number(tokens[place + 1])):
            numbers.append(number)
            place += 1
        elif (
            kind == "digits"
            or (kind == "ordinal" and (later or _counts(tokens)))
            or (kind == "count" and later and _ends(tokens, place))
        ):
            numbers.append(value)
        elif kind == "form" and later:
            forms.append(value)
        elif kind == "loose" and later:
            forms.append(value)
            loose = True
        elif kind == "part" and (forms or (later and token != "fund")):
            loose = True
        elif kind == "generation" and later:
            generation = value
        elif kind == "title" and place + 1 < total:
            titles.append(value)
        elif kind == "hyphen":
            words += [part for part in token.split("-") if part]
        else:
            words.append(token)
        place += 1
    if not words:
        words = [token for token in tokens if token not in FORMS] or list(tokens)
    while len(words) > 1 and words[-1] == "and":
        words.pop()
    while len(words) > 1 and words[0] == "and":
        words.pop(0)
    persons, tail = _persons(words, titles)
    core = tuple(w for w in words if w not in FILLER) or tuple(words)
    return NameParts(
        core,
        tuple(dict.fromkeys(forms)),
        loose,
        tuple(sorted(numbers)) if numbers else (),
        tuple(sorted(set(titles))) if titles else (),
        generation,
        persons,
        tail,
    )


@lru_cache(maxsize=65536)
def _kind(token: str) -> tuple[str, str]:
    """Return what a word may be besides an ordinary word, and its value."""
    if token in FORMS:
        return "form", token
    if token in ORDINALS:
        return "ordinal", ORDINALS[token]
    if any(c.isdigit() for c in token):
        found = _DESIGNATED.fullmatch(token)
        bare = found.group(1) if found else token
        return "digits", bare.lstrip("0") or "0"
    if token in NUMBER_MARKS:
        return "mark", ""
    if token in ROMAN or token in SPELT:
        return "count", ROMAN.get(token) or SPELT[token]
    if token in AFTER_FORM:
        return "part", ""
    if token in GENERATIONS:
        return "generation", GENERATIONS[token]
    if token in TITLES:
        return "title", TITLES[token]
    form = _loose_form(token)
    if form:
        return "loose", form
    return ("hyphen", "") if "-" in token else ("word", "")


def _number(token: str) -> str:
    """Return the number after a mark such as "No"."""
    kind, value = _kind(token)
    return value if kind in ("digits", "ordinal", "count") else ""


def _ends(tokens: Sequence[str], place: int) -> bool:
    """Return whether only legal forms follow."""
    return all(token in FORMS for token in tokens[place + 1 :])


def _counts(tokens: Sequence[str]) -> bool:
    """Return whether an ordinal before the name counts trusts or funds: "Second Lee Family Trust"."""
    return "trust" in tokens or "super fund" in tokens


def _loose_form(token: str) -> str:
    """Return the legal form that a word abbreviates or misspells."""
    if token in LOOSE_FORMS:
        return LOOSE_FORMS[token]
    if len(token) < 4 or token in BUSINESS_WORDS or token in NOT_MISSPELT:
        return ""
    for word, form in SPELT_OUT.items():
        if token[0] == word[0] and edit_distance(token, word) <= (2 if len(word) > 10 else 1):
            return form
    return ""


_PLACE_WORDS = frozenset(["family", "estate", "late"])


def _persons(words: Sequence[str], titles: Sequence[str]) -> tuple[tuple[PersonName, ...], tuple[str, ...]]:
    """Return the persons in the words: "q and f urquhart family" are two with one surname and a tail."""
    end = len(words)
    while end > 0 and (words[end - 1] in _PLACE_WORDS or words[end - 1] in BUSINESS_WORDS):
        end -= 1
    people, tail = list(words[:end]), tuple(words[end:])
    if not 2 <= len(people) <= 9 or any(
        word in BUSINESS_WORDS or word in FILLER - {"and"} for word in people
    ):
        return (), tail
    if len(people[-1]) <= 2 < len(people[0]) and "and" not in people:
        people = [*people[1:], people[0]]  # "Smith J R"
    groups = list(_groups(people))
    last = groups[-1]
    if len(last) < 2 or len(groups) > 4 or any(not 1 <= len(group) <= 4 for group in groups):
        return (), tail
    surname = last[-1]
    if len(surname) < 2:
        return (), tail
    persons = []
    for group in groups:
        if len(group) == 1 or (group is not last and len(group[-1]) == 1):
            persons.append(PersonName(tuple(group), surname))
        else:
            persons.append(PersonName(tuple(group[:-1]), group[-1]))
    if len(persons) == 1 and "mr" in titles and not {"mrs", "ms", "miss"}.isdisjoint(titles):
        persons.append(PersonName((), surname))
    return tuple(persons), tail


def _groups(words: Sequence[str]) -> Iterator[list[str]]:
    group: list[str] = []
    for word in words:
        if word == "and":
            yield group
            group = []
        else:
            group.append(word)
    yield group
