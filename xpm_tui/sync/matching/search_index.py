"""Search as you type over all XPM clients, for the picker.

Results are ranked in tiers: a pasted web address, number or UUID finds one client; then code, exact name,
word starts, all words anywhere, city, e-mail, and last a similarity that tolerates typing errors. The names
are in one sorted text, so that ``str.find`` does the work in C.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, partial
from heapq import merge
from itertools import accumulate, islice
from typing import TypeVar

import msgspec
from rapidfuzz import fuzz, process

from xpm_tui.domain.identity import name_key, search_forms
from xpm_tui.domain.links import XpmReference, read_reference
from xpm_tui.domain.xpm import XpmClient

_FUZZY_FROM = 3
_ENOUGH = 20
"""With this many exact hits, typing errors are not considered."""
_FUZZY_CUTOFF = 72
PIECE = 2_000
"""The number of names that are sorted or compared at a time; more would block other threads."""

T = TypeVar("T")

GUESS = "sounds alike"
"""The reason of a hit with typing errors."""


class Hit(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One client found: the reason in words, and which characters of its name to mark."""

    uuid: str
    name: str
    why: str
    spans: tuple[tuple[int, int], ...] = ()


class PickerEntry(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The searched data of one client.

    ``forms`` are the other forms of its name, ``extra`` the words that only these have, ``initials`` the
    first letters of its words. ``checksum`` is that of its row in the mirror, 0 if it is not known.
    """

    key: str
    name: str
    uuid: str
    forms: tuple[str, ...]
    extra: str
    initials: str
    number: str
    code: str
    cities: tuple[str, ...]
    mails: tuple[str, ...]
    checksum: int = 0


_ENTRIES = msgspec.msgpack.Decoder(list[PickerEntry])
_FORMS = msgspec.msgpack.Decoder(list[tuple[str, int]])


class PickerIndex:
    """An index of all clients of the mirror, built in small steps; safe to use from another thread.

    ``entries`` are in order of key, name and UUID. ``others`` are the other forms of all names, in order,
    each with the position of its entry.
    """

    def __init__(self, entries: Sequence[PickerEntry], others: Sequence[tuple[str, int]]) -> None:
        self.entries = entries
        self._others = others
        self._keys = [entry.key for entry in entries]
        self._lines = [f" {entry.key} {entry.extra}" if entry.extra else f" {entry.key}" for entry in entries]
        self._names = [entry.name for entry in entries]
        self._uuids = [entry.uuid for entry in entries]
        self._initials = [entry.initials for entry in entries]
        self._places = {uuid: place for place, uuid in enumerate(self._uuids)}
        self._by_initial: dict[str, list[int]] = {}
        self._starts = [0, *accumulate(len(line) + 1 for line in self._lines)][:-1]
        self._text = "".join(f"{line}\n" for line in self._lines)
        self._numbers: dict[str, str] = {}
        self._codes: dict[str, list[int]] = {}
        self._cities: dict[str, list[int]] = {}
        self._mail_places: list[int] = []
        mails: list[str] = []
        for place, entry in enumerate(entries):
            if entry.number:
                self._numbers.setdefault(entry.number, entry.uuid)
            if entry.code:
                self._codes.setdefault(entry.code, []).append(place)
            for city in entry.cities:
                self._cities.setdefault(city, []).append(place)
            for mail in entry.mails:
                mails.append(f"{mail}\n")
                self._mail_places.append(place)
        self._city_words = {city: name_key(city).split() for city in self._cities}
        self._mail_text = "".join(mails)
        self._mail_starts = [0, *accumulate(map(len, mails))]

    @classmethod
    def build(cls, rows: Iterable[XpmClient]) -> PickerIndex:
        """Build the index from the mirror's rows, without deleted ones, which cannot be picked."""
        read = ((row.uuid, 0, partial(_itself, row)) for row in rows)
        return next(index for index in cls.renew(read, ()) if index is not None)

    @classmethod
    def renew(
        cls,
        rows: Iterable[tuple[str, int, Callable[[], XpmClient | None]]],
        known: Sequence[PickerEntry],
    ) -> Iterator[PickerIndex | None]:
        """Build the index in steps, between which the thread can do other work; the last step yields it.

        ``rows`` are UUIDs, checksums of rows, and functions that read a row; ``known`` are the entries of an
        earlier index. Only rows whose checksum is not that of their entry are read, and only names that it
        does not have are analysed.
        """
        named = {entry.name: entry for entry in known}
        checksums = {entry.uuid: entry.checksum for entry in known}
        unchanged: set[str] = set()
        pieces = []
        for piece in _pieces(rows):
            made = []
            for uuid, checksum, read in piece:
                if checksum and checksums.get(uuid) == checksum:
                    unchanged.add(uuid)
                elif (row := read()) is not None and not row.deleted:
                    made.append(_entry(row, named.get(row.name), checksum))
            pieces.append(sorted((each.key, each.name, each.uuid, each) for each in made))
            yield None
        pieces.append([(each.key, each.name, each.uuid, each) for each in known if each.uuid in unchanged])
        yield None
        entries = [entry for *_, entry in merge(*pieces)]
        yield None
        forms = ((form, place) for place, entry in enumerate(entries) for form in entry.forms)
        others = list(_in_order(forms))
        yield None
        yield cls(entries, others)

    def pieces(self) -> list[bytes]:
        """Return the index as bytes, in pieces that are quick to encode and decode."""
        forms = [msgspec.msgpack.encode(piece) for piece in _pieces(self._others)]
        entries = [msgspec.msgpack.encode(piece) for piece in _pieces(self.entries)]
        return [msgspec.msgpack.encode(len(forms)), *forms, *entries]

    @classmethod
    def of_pieces(cls, pieces: Sequence[bytes]) -> PickerIndex:
        """Return the index from its pieces. Raises ``msgspec.MsgspecError`` if they are invalid."""
        number = msgspec.msgpack.decode(pieces[0], type=int)
        others = [form for piece in pieces[1 : number + 1] for form in _FORMS.decode(piece)]
        return cls(cls.entries_of(pieces), others)

    @staticmethod
    def entries_of(pieces: Sequence[bytes]) -> list[PickerEntry]:
        """Return only the entries from the pieces. Raises ``msgspec.MsgspecError`` if they are invalid."""
        number = msgspec.msgpack.decode(pieces[0], type=int)
        return [entry for piece in pieces[number + 1 :] for entry in _ENTRIES.decode(piece)]

    def __len__(self) -> int:
        return len(self._keys)

    @cached_property
    def _in_order(self) -> list[str]:
        return list(_in_order(self._numbers))

    def resolve(self, text: str) -> str | None:
        """Return the UUID for a pasted web address, number or UUID; None if there is no such client."""
        return self._resolved(read_reference(text))

    def _resolved(self, typed: XpmReference) -> str | None:
        for uuid in typed.uuids:
            if uuid in self._places:
                return uuid
        return next((self._numbers[number] for number in typed.numbers if number in self._numbers), None)

    def search(self, query: str, limit: int = 100) -> list[Hit]:
        """Return the best clients for the query, at most ``limit``; without a query, the first by name."""
        typed = query.strip()
        if not typed:
            return [self._hit(place, "", ()) for place in range(min(limit, len(self._keys)))]
        reference = read_reference(typed)
        direct = self._resolved(reference)
        if direct is not None:
            why = "its UUID" if direct in reference.uuids else "the number in its web address"
            return [self._hit(self._places[direct], why, ())]
        if reference.is_whole and not typed.isdigit():
            return []
        forms = search_forms(typed)
        terms = forms[0].split()
        hits: dict[int, str] = {}
        for why, places in self._tiers(typed, forms, limit):
            if why == GUESS and len(hits) >= _ENOUGH:
                break
            for place in places:
                if place not in hits:
                    hits[place] = why
                if len(hits) >= limit:
                    break
            if len(hits) >= limit:
                break
        return [self._hit(place, why, _spans(self._names[place], terms)) for place, why in hits.items()]

    def _tiers(self, typed: str, forms: tuple[str, ...], limit: int) -> Iterator[tuple[str, Iterable[int]]]:
        folded = typed.casefold()
        yield "its client code", self._codes.get(folded, ())
        if typed.isdigit() and len(typed) >= 3:
            yield "its number starts with this", self._by_number(typed)
        split = [(form, form.split()) for form in forms if form]
        if not split:
            return
        for form, _ in split:
            yield "exactly this name", self._from(form, form.__eq__)
        for form, _ in split:
            yield "the name starts with this", self._from(form, partial(_begins, form))
        for _, terms in split:
            yield "its words start with this", self._find(f" {terms[0]}", self._all_start(terms), limit)
        for _, terms in split:
            yield "it contains all these words", self._find(max(terms, key=len), self._all_in(terms), limit)
        yield "its city", self._by_city(split[0][1])
        if len(folded) >= _FUZZY_FROM:
            yield "its e-mail address", self._by_mail(folded)
            yield GUESS, self._fuzzy(split[0][0], limit)

    def _by_number(self, digits: str) -> Iterator[int]:
        for at in range(bisect_left(self._in_order, digits), len(self._in_order)):
            if not self._in_order[at].startswith(digits):
                return
            yield self._places[self._numbers[self._in_order[at]]]

    def _from(self, key: str, accept: Callable[[str], bool]) -> Iterator[int]:
        """Yield the accepted places from ``key`` on, in the order of names, then of their other forms.

        It stops in each order at the first place that is not accepted.
        """
        for place in range(bisect_left(self._keys, key), len(self._keys)):
            if not accept(self._keys[place]):
                break
            yield place
        for at in range(bisect_left(self._others, (key, 0)), len(self._others)):
            form, place = self._others[at]
            if not accept(form):
                return
            yield place

    def _find(self, needle: str, accept: Callable[[str], bool], limit: int) -> Iterator[int]:
        """Yield the entries whose line contains ``needle`` and is accepted, by name, at most ``limit``."""
        found, at, text = 0, 0, self._text
        while found < limit:
            at = text.find(needle, at)
            if at < 0:
                return
            place = bisect_right(self._starts, at) - 1
            if accept(self._lines[place]):
                found += 1
                yield place
            at = self._starts[place + 1] if place + 1 < len(self._starts) else len(text)

    def _by_city(self, terms: list[str]) -> Iterator[int]:
        """Yield clients in a city that some words begin; the other words begin words of the name."""
        for city, words in self._city_words.items():
            others = [term for term in terms if not any(word.startswith(term) for word in words)]
            if len(others) == len(terms):
                continue
            accept = self._all_start(others)
            yield from (place for place in self._cities[city] if accept(self._lines[place]))

    def _by_mail(self, typed: str) -> Iterator[int]:
        at = self._mail_text.find(typed)
        while at >= 0:
            line = bisect_right(self._mail_starts, at) - 1
            yield self._mail_places[line]
            at = self._mail_text.find(typed, self._mail_starts[line + 1])

    @staticmethod
    def _all_start(terms: list[str]) -> Callable[[str], bool]:
        needles = [f" {term}" for term in terms]
        return lambda line: all(needle in line for needle in needles)

    @staticmethod
    def _all_in(terms: list[str]) -> Callable[[str], bool]:
        return lambda line: all(term in line for term in terms)

    def _fuzzy(self, key: str, limit: int) -> Iterator[int]:
        """Yield the entries whose names match with typing errors, lazily.

        The first letter of a word is rarely mistyped, so only names with words of these letters are compared.
        """
        there = {term[0]: self._beginning(term[0]) for term in key.split()}
        first, *others = sorted(there, key=lambda letter: len(there[letter]))
        near = there[first]
        for letter in others:
            near = [place for place in near if letter in self._initials[place]]
        rough: list[tuple[float, int]] = []
        for some in _pieces(near):
            found = process.extract(
                key, [self._keys[place] for place in some], scorer=fuzz.partial_ratio,
                score_cutoff=_FUZZY_CUTOFF, limit=limit, processor=None,
            )  # fmt: skip
            rough += [(-score, some[at]) for _, score, at in found]
        best = sorted(rough)[:limit]
        fine = [(-fuzz.WRatio(key, self._keys[place]), score, place) for score, place in best]
        yield from (place for _, _, place in sorted(fine))

    def _beginning(self, letter: str) -> list[int]:
        """Return the positions of names with a word that begins with this letter."""
        found = self._by_initial.get(letter)
        if found is None:
            found = [place for place, letters in enumerate(self._initials) if letter in letters]
            self._by_initial[letter] = found
        return found

    def _hit(self, place: int, why: str, spans: tuple[tuple[int, int], ...]) -> Hit:
        return Hit(uuid=self._uuids[place], name=self._names[place], why=why, spans=spans)


def _entry(row: XpmClient, known: PickerEntry | None, checksum: int) -> PickerEntry:
    """Return the searched data of a client; ``known`` is the entry of a client with the same name."""
    if known is None:
        key, *forms = search_forms(row.name)
        words = key.split()
        of_forms = dict.fromkeys(word for form in forms for word in form.split())
        extra = " ".join(word for word in of_forms if word not in words)
        initials = "".join({word[0] for word in words})
    else:
        key, forms, extra, initials = known.key, [*known.forms], known.extra, known.initials
    return PickerEntry(
        key=key,
        name=row.name,
        uuid=row.uuid,
        forms=tuple(forms),
        extra=extra,
        initials=initials,
        number=row.number,
        code=row.code.casefold(),
        cities=tuple(dict.fromkeys(filter(None, (row.city, row.postal_city)))),
        mails=tuple(
            dict.fromkeys(
                mail.casefold() for mail in (row.email, *(contact.email for contact in row.contacts)) if mail
            )
        ),
        checksum=checksum,
    )


def _itself(row: XpmClient) -> XpmClient:
    return row


def _begins(start: str, name: str) -> bool:
    return name.startswith(start)


def _pieces(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while piece := list(islice(rest, PIECE)):
        yield piece


def _in_order(items: Iterable[T]) -> Iterator[T]:
    """Sort in pieces, so that no single call blocks other threads."""
    return merge(*(sorted(piece) for piece in _pieces(items)))  # type: ignore[type-var]


def _spans(name: str, terms: list[str]) -> tuple[tuple[int, int], ...]:
    """Return where the typed words are in the name as it is written, as offsets, without overlap."""
    folded: list[str] = []
    origin: list[int] = []
    for place, char in enumerate(name):
        for part in name_key(char) or " ":
            folded.append(part)
            origin.append(place)
    line = " " + "".join(folded)
    spans: list[tuple[int, int]] = []
    for term in sorted(terms, key=len, reverse=True):
        at = line.find(f" {term}")
        at = at + 1 if at >= 0 else line.find(term)
        if at < 1 or at - 1 + len(term) > len(origin):
            continue
        start, end = origin[at - 1], origin[at - 2 + len(term)] + 1
        if all(end <= s or start >= e for s, e in spans):
            spans.append((start, end))
    return tuple(sorted(spans))
