"""Masks what leaves this machine in a support bundle: texts of the program, and rows of the store.

In texts, names, numbers and secrets are replaced. In rows, names and values are replaced by made-up ones, so
that a masked bundle can be opened: the same word always becomes the same made-up word, so that equal or
similar values stay equal or similar. The key is random for each bundle and is not stored, so words cannot be
computed back and bundles cannot be compared. Ids, times, XPM's numbers, rules and states stay; tax numbers,
digests and web addresses are left out.
"""

from __future__ import annotations

import hmac
import re
import secrets
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date, datetime
from typing import Any

import msgspec
from msgspec import inspect

from xpm_tui.domain.secret import Secret
from xpm_tui.domain.spelling import AFTER_FORM, FILLER, GENERATIONS, LOOSE_FORMS, SPELT_FORMS, TITLES
from xpm_tui.domain.tables import IMPORT_IMAGES, STAMPS, XPM_CLIENTS, TableSchema

HIDDEN = "[hidden]"
_QUOTED = re.compile(r'"[^"\n]*"|“[^”\n]*”')
_MAIL = re.compile(r"[^\s@<>\"']+@[^\s@<>\"']+")
_TOKEN = re.compile(
    r"eyJ[\w-]{4,}\.[\w-]*\.?[\w-]*|(?i:(?<=bearer ))\S+"
    r"|(?:(?<=code=)|(?<=token=)|(?<=secret=)|(?<=verifier=))[^&\s\"]+"
)
_NUMBER = re.compile(r"(?<![0-9A-Fa-f-])(?!\d{4}-\d\d-\d\d(?!\d))\d(?:[ -]?\d){7,10}(?![0-9A-Fa-f-])")
_LOGIN = "***@"
"""Replaces user name and password in the address of a proxy."""
_STARS = re.compile(r"\*{2,}\w{1,6}")


class Mask:
    """Masks texts: sentences, errors and facts.

    ``names`` are texts with their replacements; ``places`` are paths that would reveal a user account, and
    are always replaced. With ``keep_names``, names, e-mail addresses and XPM's messages stay. Secrets, tokens
    and tax numbers are always masked.
    """

    def __init__(
        self,
        *,
        names: Iterable[tuple[str, str]] = (),
        places: Mapping[str, str] | None = None,
        secrets: Iterable[Secret] = (),
        keep_names: bool = False,
    ) -> None:
        self.keep_names = keep_names
        self._secrets = [secret for secret in secrets if len(secret.reveal()) >= 8]
        self._places = sorted((places or {}).items(), key=lambda pair: -len(pair[0]))
        self._names: dict[str, tuple[str, str]] = {}
        for name, stand_in in names:
            known = unicodedata.normalize("NFC", name.strip())
            if known:
                self._names.setdefault(known.casefold(), (known, stand_in))
        self._people: dict[str, str] = {}
        # Searching for every name of a large practice takes milliseconds, and texts repeat.
        self._masked: dict[str, str] = {}

    def person(self, name: str) -> str:
        """Return the replacement of a user of this practice, a number that is always the same."""
        if self.keep_names or not name:
            return name
        if name not in self._people:
            self._people[name] = f"person {len(self._people) + 1}"
            self._masked.clear()
        return self._people[name]

    def text(self, text: str) -> str:
        """Return an error, a sentence or a fact with names, numbers and secrets masked."""
        if text not in self._masked:
            self._masked[text] = self._text(text)
        return self._masked[text]

    def _text(self, text: str) -> str:
        text = self.secret(text).replace(
            _LOGIN, "[login]"
        )  # before e-mail addresses, because a proxy's host would look like one
        if not self.keep_names:
            for path, stand_in in self._places:
                text = text.replace(path, stand_in)
            # Before the following patterns replace a number, an address or a quoted word within a name.
            text = self._without_names(text)
        text = _STARS.sub(HIDDEN, _NUMBER.sub("[number]", text))
        if self.keep_names:
            return text
        # Quoted texts are mostly XPM's messages, which may contain any name.
        return _MAIL.sub("[e-mail]", _QUOTED.sub('"[words]"', text))

    def secret(self, text: str) -> str:
        """Return a text of the program with only its secrets masked."""
        for secret in self._secrets:
            text = text.replace(secret.reveal(), HIDDEN)
        return _TOKEN.sub(HIDDEN, text)

    def _without_names(self, text: str) -> str:
        text = unicodedata.normalize("NFC", text)
        folded = text.casefold()
        people = {name.casefold(): (name, alias) for name, alias in self._people.items()}
        present = {
            fold: pair for known in (people, self._names) for fold, pair in known.items() if fold in folded
        }
        if not present:
            return text
        pattern = re.compile("|".join(map(_alone, sorted(present, key=len, reverse=True))))
        # Found in the folded text, which may be longer ("ß" is "ss"), and replaced in the original.
        places = [at for at, char in enumerate(text) for _ in char.casefold()]
        out, done = [], 0
        for match in pattern.finditer(folded):
            start, end = places[match.start()], places[match.end() - 1] + 1
            out += [text[done:start], present[match.group()][1]]
            done = end
        return "".join([*out, text[done:]])


def _alone(fold: str) -> str:
    """Return a pattern for a name that is not part of a longer word.

    Scripts that are written without spaces have no word boundaries.
    """
    before = "" if unicodedata.east_asian_width(fold[0]) in "WF" else r"(?<![^\W_])"
    after = "" if unicodedata.east_asian_width(fold[-1]) in "WF" else r"(?![^\W_])"
    return f"{before}{re.escape(fold)}{after}"


LEFT_OUT: tuple[TableSchema[Any], ...] = (IMPORT_IMAGES, STAMPS)
"""Tables that are not in a bundle, because nothing can be undone or imported there.

The keys of ``STAMPS`` contain names and e-mail addresses.
"""

KEPT = frozenset(
    """id uuid number field fields agreed exceptions rule case kind form encoding tenant policy scopes scope
    held only undo_of undone table attribute state_code status applied what cause api permission skipped
    settled connection task_uuid""".split()
)
"""Attributes whose text comes from the program or XPM and contains no names."""

SENTENCES = frozenset(
    """Run.error Stop.sentence Intent.note Deployment.why PreservedValues.why UndecidedClient.reason
    Successor.evidence RecordFault.problem RecordFault.where Consequences.about Consequences.also
    LastingEffects.records PreservedValues.records FrozenCounts.records Audit.about Meta.note""".split()
)
"""Texts of the program that may contain names."""

DROPPED = frozenset(["digest", "payload", "web_url", "url", "host"])
FINGERPRINTS = frozenset(["PlannedRecord.ignition", "PlannedRecord.xpm", "SkippedUndo.address"])
"""Hashes and addresses from which a value could be guessed."""

JOB_STATES = frozenset(["planned", "in progress", "completed", "cancelled", "on hold"])

_KEPT_WORDS = (
    SPELT_FORMS | FILLER | AFTER_FORM | TITLES.keys() | GENERATIONS.keys() | LOOSE_FORMS.keys()
    | {"trustee", "trustees", "for", "yes", "no", "true", "false"}
)  # fmt: skip
"""Common words in names that identify nobody: legal forms, titles, and words in between."""

_ID = re.compile(r"(?:[a-z]{1,2}\d+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
_IDS = re.compile(rf"{_ID.pattern}(?:[ /.](?:{_ID.pattern}|[a-z_*]+))*|")
_TIME = re.compile(r"\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d)?)?")
_WORD = re.compile(r"[^\W\d_]+|\d+")
_LETTER = re.compile(r"[^\W\d_]")
_KEY = re.compile(r"[a-z][a-z_]*|\*")
_CONSONANTS, _VOWELS = "bdfghklmnprstvz", "aeiou"
_LETTERS = "abcdefghijklmnopqrstuvwxyz"

_MOST_TEXTS = 200_000
"""The number of texts in the cache; most recur, on both sides and in the base between them."""

Masker = Callable[[Any], Any]


class RowMask:
    """Masks rows of the store for one bundle.

    Args:
        mask: Masks names and secrets in sentences.
        names: Names that stay as they are, if the bundle shows names.
        key: For tests; a bundle has a random one.
    """

    def __init__(self, mask: Mask, names: Collection[str] = (), *, key: bytes | None = None) -> None:
        self._mask = mask
        self._names = frozenset(names)
        self._key = key or secrets.token_bytes(32)
        letters = sorted(_LETTERS, key=lambda letter: self._digest(f"letter {letter}"))
        self._letters = dict(zip(_LETTERS, letters, strict=True))
        self._words: dict[str, str] = {}
        self._texts: dict[str, str] = {}
        self._maskers: dict[type, Masker] = {}

    def row(self, table: TableSchema[Any], row: Any) -> Any:
        """Return a row as masked plain JSON values."""
        if table is XPM_CLIENTS and row.tax_number is not None:
            row = msgspec.structs.replace(row, tax_number=None)
        if table.row not in self._maskers:
            self._masker_of(inspect.type_info(table.row), "", "")
        return self._maskers[table.row](msgspec.to_builtins(row, builtin_types=(date, datetime)))

    def stand_in(self, text: str) -> str:
        """Return a made-up text of the same shape; the same one for the same words."""
        if not text or text in self._names:
            return text
        known = self._texts.get(text)
        if known is None:
            if len(self._texts) >= _MOST_TEXTS:
                self._texts.clear()
            made = _WORD.sub(self._replaced, text) if _LETTER.search(text) else self._digits(text)
            known = self._texts[text] = made
        return known

    def _replaced(self, match: re.Match[str]) -> str:
        return self._word(match.group())

    def _word(self, word: str) -> str:
        known = self._words.get(word)
        if known is None:
            known = self._words[word] = self._made_up(word)
        return known

    def _made_up(self, word: str) -> str:
        if word.isdigit():
            return self._digits(word)
        plain = unicodedata.normalize("NFKD", word).casefold()
        plain = "".join(char for char in plain if not unicodedata.combining(char))
        if plain in _KEPT_WORDS:
            return word
        bits = self._digest(plain)
        made = self._letters.get(plain[:1], _CONSONANTS[bits[0] % len(_CONSONANTS)])
        if len(plain) > 1:
            made += _VOWELS[bits[1] % 5] if made not in _VOWELS else ""
            for at in range(2, 2 + 2 * max(1, min(3, len(plain) // 2)), 2):
                made += _CONSONANTS[bits[at] % len(_CONSONANTS)] + _VOWELS[bits[at + 1] % 5]
        if word.isupper():
            return made.upper()
        return made.capitalize() if word[:1].isupper() else made

    def _digits(self, text: str) -> str:
        """Replace all digits by those of one number, whatever is between them."""
        whole = "".join(char for char in text if char.isdigit())
        made = str(int.from_bytes(self._digest(f"number {whole}"), "big"))
        found = iter(made[-len(whole) :] if whole else "")
        return "".join(next(found, "0") if char.isdigit() else char for char in text)

    def _digest(self, text: str) -> bytes:
        return hmac.digest(self._key, text.encode("utf-8", "surrogatepass"), "sha256")

    # -- by type -------------------------------------------------------------------------------------------

    def _masker_of(self, kind: inspect.Type, struct: str, name: str) -> Masker:
        if isinstance(kind, inspect.StructType):
            return self._of_struct(kind)
        if isinstance(kind, inspect.UnionType):
            return self._of_union(kind, struct, name)
        if isinstance(kind, inspect.DictType):
            return self._of_mapping(kind, struct, name)
        if isinstance(kind, inspect.VarTupleType | inspect.ListType):
            item = self._masker_of(kind.item_type, struct, name)
            return lambda values: [item(value) for value in values]
        if isinstance(kind, inspect.StrType):
            return self._of_text(struct, name)
        if isinstance(kind, inspect.AnyType):
            return lambda value: self._anything(value, struct, name)
        return lambda value: value

    def _of_struct(self, kind: inspect.StructType) -> Masker:
        struct = kind.cls.__name__
        if kind.cls in self._maskers:  # recursive type
            return lambda values: self._maskers[kind.cls](values)
        self._maskers[kind.cls] = lambda values: values
        parts = {field.encode_name: self._masker_of(field.type, struct, field.name) for field in kind.fields}
        if kind.array_like:
            each = list(parts.values())
            made: Masker = lambda values: [part(value) for part, value in zip(each, values, strict=False)]  # noqa: E731
        else:
            made = lambda values: {name: parts[name](value) for name, value in values.items()}  # noqa: E731
        self._maskers[kind.cls] = made
        return made

    def _of_union(self, kind: inspect.UnionType, struct: str, name: str) -> Masker:
        choices: dict[type, Masker] = {}
        for each in kind.types:
            masker = self._masker_of(each, struct, name)
            if isinstance(each, inspect.StructType):
                choices[list if each.array_like else dict] = masker
            elif isinstance(each, inspect.VarTupleType | inspect.ListType):
                ordered = isinstance(each.item_type, inspect.StrType)  # a value that is a list is sorted
                choices[list] = choices[tuple] = _sorted(masker) if ordered else masker
            elif isinstance(each, inspect.StrType):
                choices[str] = masker
            elif isinstance(each, inspect.DictType):
                choices[dict] = masker
        return lambda value: choices[type(value)](value) if type(value) in choices else value

    def _of_mapping(self, kind: inspect.DictType, struct: str, name: str) -> Masker:
        if name == "extra":
            return lambda values: {}
        part = self._masker_of(kind.value_type, struct, name)
        return lambda values: {self._map_key(key): part(value) for key, value in values.items()}

    def _map_key(self, key: str) -> str:
        plain = _KEY.fullmatch(key) or _IDS.fullmatch(key) or key.startswith(("rule:", "mark:", "field:"))
        return key if plain else self.stand_in(key)

    def _of_text(self, struct: str, name: str) -> Masker:
        where = f"{struct}.{name}"
        if name == "by":
            return self._mask.person
        if name in DROPPED or where in FINGERPRINTS:
            return lambda text: ""
        if where in SENTENCES:
            return self._mask.text
        if name in KEPT:
            return lambda text: text
        if where == "XpmJob.state":
            return lambda text: text if text.casefold() in JOB_STATES else self.stand_in(text)
        return lambda text: text if _IDS.fullmatch(text) else self.stand_in(text)

    def _anything(self, value: Any, struct: str, name: str) -> Any:
        if isinstance(value, dict):
            return {
                self._map_key(str(key)): self._anything(each, struct, str(key)) for key, each in value.items()
            }
        if isinstance(value, list | tuple):
            return [self._anything(each, struct, name) for each in value]
        if isinstance(value, str) and not _TIME.fullmatch(value):
            return self._of_text(struct, name)(value)
        return value


def _sorted(masker: Masker) -> Masker:
    return lambda values: sorted(masker(values))
