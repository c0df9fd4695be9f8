"""The types of the rows of the field registry (:mod:`xpm_tui.domain.fields`), and how values are compared."""

from __future__ import annotations

import unicodedata
from typing import Literal

import msgspec

from xpm_tui.domain.links import Value
from xpm_tui.domain.plan import Direction
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    import hashlib

Record = Literal["client", "contact"]

Kind = Literal[
    "text", "email", "phone", "postcode", "choice", "flag", "names", "person", "contacts", "id", "masked",
    "client",
]  # fmt: skip
"""What a field holds.

``text``, ``email``, ``phone`` and ``postcode`` are texts (a spreadsheet spoils the last two), ``choice`` is
one of a few words. ``flag`` is yes, no or, unless the field is required, not known. ``names`` is a list of
names. ``person`` is a team member here and a staff record in XPM. ``contacts`` are all contacts of a
client. ``id`` identifies the record in Ignition. ``masked`` values and the ``client`` that is billed are only
read.
"""

TEXTS: frozenset[Kind] = frozenset({"text", "email", "phone", "postcode", "choice"})
"""The kinds whose value is a text on both sides."""


class SyncRule(msgspec.Struct, frozen=True, kw_only=True):
    """When sync writes a field: in each direction, at the creation of a record and later.

    ``name_level``: also written later where *What to sync* is "Client name only".
    """

    from_creation: bool = False
    from_later: bool = False
    to_creation: bool = False
    to_later: bool = False
    name_level: bool = False

    @property
    def is_ever_synced(self) -> bool:
        """Return whether sync ever writes the field."""
        return self.from_creation or self.from_later or self.to_creation or self.to_later

    @property
    def to_xpm(self) -> bool:
        """Return whether sync ever writes the field to XPM."""
        return self.to_creation or self.to_later

    def is_synced(self, direction: Direction, *, creation: bool) -> bool:
        """Return whether sync writes the field in this direction, at creation or later."""
        if direction == "from_xpm":
            return self.from_creation if creation else self.from_later
        return self.to_creation if creation else self.to_later


NEVER = SyncRule()
BOTH_WAYS = SyncRule(from_creation=True, from_later=True, to_creation=True, to_later=True)
FROM_XPM = SyncRule(from_creation=True, from_later=True)
AT_CREATION = SyncRule(from_creation=True, to_creation=True)
ALSO_NAME_LEVEL = msgspec.structs.replace(BOTH_WAYS, name_level=True)


class XpmField(msgspec.Struct, frozen=True):
    """A field in XPM: its elements in replies, and its element in requests (empty: never sent).

    ``place`` is the position of the element in a request, as on Xero's page; rows with the same place keep
    the order of the registry. ``member`` is the element inside a list.
    """

    read: tuple[str, ...]
    write: str = ""
    place: int = 0
    member: str = ""


class FieldPart(msgspec.Struct, frozen=True):
    """An additional column that holds part of a field's value."""

    name: str
    heading: str
    also: tuple[str, ...] = ()


class CsvField(msgspec.Struct, frozen=True):
    """The column of a field in Ignition's clients form.

    ``place`` is its position in an export, ``also`` are other headings for it, in lower case with single
    spaces. ``doubtful`` headings mean this field only if the cells fit its kind; with ``must_fit`` this
    applies to all its headings. ``always``: Ignition's import requires the column. ``computed``: Ignition
    computes the value itself, so it is not exported unless Ignition's own file had the column.
    """

    place: int
    heading: str
    also: tuple[str, ...] = ()
    doubtful: tuple[str, ...] = ()
    must_fit: bool = False
    always: bool = False
    computed: bool = False
    parts: tuple[FieldPart, ...] = ()


class ChoiceOption(msgspec.Struct, frozen=True):
    """One value of a ``choice``: the stored word, its label, and other words for it in a file."""

    value: str
    label: str
    also: tuple[str, ...] = ()


class NamesakeDetail(msgspec.Struct, frozen=True):
    """How a list of XPM clients shows a field to distinguish namesakes: its position and its label."""

    place: int
    label: str


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the registry.

    ``name`` is the name of the field in the policy, settings and plans: the attribute, with the prefix
    ``contact_`` for a contact's field. ``ignition``: Ignition's record has the field. ``required``: XPM has
    no record without it, so it is never cleared. ``whole``: it is compared for all contacts of a client
    together.
    """

    name: str
    label: str
    help: str
    of: Record = "client"
    kind: Kind = "text"
    ignition: bool = True
    xpm: XpmField | None = None
    csv: CsvField | None = None
    sync: SyncRule = NEVER
    required: bool = False
    whole: bool = False
    editable: bool = False
    choices: tuple[ChoiceOption, ...] = ()
    namesake_detail: NamesakeDetail | None = None

    def __post_init__(self) -> None:
        """Refuse a row that contradicts itself."""
        if self.sync.is_ever_synced and (not self.ignition or self.xpm is None):
            raise ValueError(f"{self.name} is synced, so both sides have to have it")
        if self.sync.to_xpm and not (self.xpm and self.xpm.write):
            raise ValueError(f"{self.name} goes to XPM, so it needs an element for requests")
        if (self.editable or self.csv is not None) and not self.ignition:
            raise ValueError(f"{self.name} is edited or imported, so Ignition's record has to have it")
        if bool(self.choices) != (self.kind == "choice"):
            raise ValueError(f"{self.name}: a choice, and nothing else, has choices")

    @property
    def attribute(self) -> str:
        """Return the name of the attribute in the records."""
        if self.kind in ("contacts", "id"):
            return "contacts" if self.kind == "contacts" else self.name
        return self.name.removeprefix("contact_") if self.of == "contact" else self.name

    @property
    def contact(self) -> bool:
        """Return whether it is a field of a contact that is compared contact by contact."""
        return self.of == "contact" and not self.whole

    @property
    def element(self) -> str:
        """Return XPM's element with its parent element; empty if XPM has none."""
        word = self.xpm.read[0] if self.xpm else ""
        return f"Contact/{word}" if word and self.of == "contact" else word

    @property
    def short_label(self) -> str:
        """Return the label to show next to the name of the contact, such as ``e-mail``."""
        short = self.label
        if self.of == "contact":
            short = short.removeprefix("Contact ").removesuffix(" contact")
        return short[:1].lower() + short[1:]


def clean(text: str) -> str:
    r"""Return the canonical form of a text: NFC with ``\n`` line ends, trimmed."""
    if not text:
        return ""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.strip()


def is_blank(value: Value) -> bool:
    """Return whether a value is blank: no text, no names, neither yes nor no."""
    return value is None or value == "" or value == ()


def is_same(a: object, b: object) -> bool:
    """Return whether two values of one field are the same in their canonical form.

    This is the only comparison of a stored value with a present one: a list read from a file equals the tuple
    it was, None equals an empty text, and two Unicode spellings of one text are equal.
    """
    return a == b or _comparable(a) == _comparable(b)


def short_hash(content: object) -> str:
    """Return a short hash of values, by which a change is noticed later."""
    return hashlib.blake2b(msgspec.json.encode(content), digest_size=8).hexdigest()


def _comparable(value: object) -> object:
    if isinstance(value, str):
        return clean(value) or None
    if isinstance(value, (list, tuple)):
        if all(isinstance(each, str) for each in value):
            return tuple(sorted({clean(each) for each in value} - {""})) or None
        return tuple(value)
    return value
