"""Links between the two sides, the last agreed values, and the user's decisions about them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal, NamedTuple
from urllib.parse import unquote

import msgspec

from xpm_tui.lazy import pattern

Value = str | bool | None | tuple[str, ...]
"""A field's canonical value: text, yes or no, None, or a sorted list of names. People are staff UUIDs."""

LinkState = Literal["linked", "archived", "gone", "converted", "merged", "ambiguous", "ignored", "unlinked"]
LinkOrigin = Literal["name", "picked", "pasted", "review", "created", "undo"]


class XpmReference(NamedTuple):
    """What a pasted text refers to in XPM: UUIDs, and the number of a client.

    ``is_whole``: the text is nothing but a UUID, a number or a web address, so it cannot be a name.
    """

    uuids: tuple[str, ...]
    numbers: tuple[str, ...]
    is_whole: bool


_UUID = pattern(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_ADDRESS = pattern(
    r"(?:[a-z][a-z0-9+.-]*://|www\.|[a-z0-9-]+(?:\.[a-z0-9-]+)+/|/clients?/|clients?/\d)\S*", re.IGNORECASE
)
_OF_A_CLIENT = pattern(r"(?:(?:/|\A)clients?/|[?&#;/]client_?(?:id|number|no)?=)(\d+)(?!\w)", re.IGNORECASE)
_BY_ID = pattern(r"[?&#;](?:id|number|no)=(\d+)(?!\w)", re.IGNORECASE)
_PART = pattern(r"(?<=[/=])(\d+)(?=[/?#&;]|\Z)")
_OF_ANOTHER = pattern(
    r"(?:job|staff|contact|invoice|quote|supplier|lead|task|template|categor(?:y|ie)|group|cost|time)s?"
    r"(?:_?id)?(?:\.\w+)?[/?#&;=]",
    re.IGNORECASE,
)
"""Parts of addresses of other kinds of records, whose numbers are not those of clients."""


def read_reference(text: str) -> XpmReference:
    """Return the reference in a number, a UUID or any web address of an XPM client.

    XPM's screens have had several addresses (``/Client/14070107/Detail``, ``/clients/14070107``,
    ``?id=14070107``). In any other address a number is accepted if it is the only one and no other kind of
    record is named.
    """
    typed = unquote(text.strip().lstrip("<(\"'#").rstrip(".,;)>\"'"))
    uuids = tuple(dict.fromkeys(found.lower() for found in _UUID.findall(typed)))
    if typed.isascii() and typed.isdigit():
        return XpmReference((), (typed,), True)
    if _ADDRESS.match(typed) is None:
        return XpmReference(uuids, (), bool(uuids) and _UUID.fullmatch(typed) is not None)
    found = _OF_A_CLIENT.findall(typed)
    if not found and _OF_ANOTHER.search(typed) is None:
        found = _BY_ID.findall(typed) or _PART.findall(typed)
    numbers = tuple(dict.fromkeys(found))
    return XpmReference(uuids, numbers if len(numbers) == 1 else (), re.search(r"\s", typed) is None)


class ContactLink(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """The XPM contact that a contact corresponds to; ``removed`` is the side on which it was removed later.

    One half is empty if the contact was only ever on one side. Then it is decided that the other side has
    none, for the direction of that sync, or permanently if a user decided it (``by_user``).
    """

    contact: str
    uuid: str
    removed: Literal["", "ignition", "xpm"] = ""
    by_user: bool = False


class Link(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """The XPM client that a client in the store corresponds to; ``id`` is the client's id.

    ``quiet`` marks a second client linked to the same XPM client: nothing is synced for it. ``number`` is
    stored with the UUID because users know the number from XPM's web address.
    """

    id: str
    uuid: str
    number: str = ""
    origin: LinkOrigin = "picked"
    quiet: bool = False
    contacts: tuple[ContactLink, ...] = ()
    at: datetime | None = None
    by: str = ""
    run: str = ""


class Successor(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An XPM client that may have replaced one that XPM no longer has; ``evidence`` is in words.

    ``level`` is ``sure`` if the evidence is strong, otherwise ``likely`` or ``weak``. ``new``: it has existed
    in XPM only since the other one disappeared.
    """

    uuid: str
    score: int
    level: Literal["sure", "likely", "weak"]
    evidence: tuple[str, ...]
    new: bool = False


class LostClient(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A linked XPM client that XPM no longer has, by UUID, with its possible successors, best first.

    ``since`` is when a complete list last contained it, ``searched`` when successors were last looked for,
    and ``asked`` whether XPM was asked for the jobs of possible successors.
    """

    id: str
    since: datetime | None = None
    searched: datetime | None = None
    asked: bool = False
    found: tuple[Successor, ...] = ()


class Pair(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, array_like=True):
    """The values of one field on both sides when they last agreed.

    Two values that differ are accepted for one direction only: ``under`` names it. It is empty if the two are
    equal, and in stores of versions that did not record it.
    """

    ignition: Value = None
    xpm: Value = None
    under: Literal["", "from_xpm", "to_xpm"] = ""


class Base(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """The values that both sides last agreed on, for one link; ``id`` is the client's id.

    Every field in ``agreed`` has a pair. A pair is stored in ``pairs`` only if one of its halves differs from
    the mirror; otherwise both halves are the mirror's value. Contact fields are ``<contact id>.<field>``.
    ``picked``: the client was brought in from XPM, so its values came from there, except for the fields in
    ``exceptions``. Otherwise ``exceptions`` are the fields whose value came from XPM.
    """

    id: str
    agreed: tuple[str, ...] = ()
    pairs: dict[str, Pair] = msgspec.field(default_factory=dict)
    picked: bool = False
    exceptions: tuple[str, ...] = ()


class ValueOrigin(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, array_like=True):
    """A value in Ignition that came from an XPM client: its UUID, and the value that came.

    ``kept`` is the value that stayed when the client was linked to another XPM client; before that it is
    equal to ``value``, or None.
    """

    uuid: str
    value: Value = None
    kept: Value = None

    @property
    def stayed(self) -> Value:
        """Return the value by which a present value is recognised as having come from there."""
        return self.value if self.kept is None else self.kept


class Provenance(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a client still has from XPM clients that it was linked to; ``id`` is the client's id.

    Keys are those of a :class:`Base`. The value of ``contact_primary`` is the id of our contact. ``removed``
    are contacts that were removed with a former link, by e-mail or name, with the UUID of the XPM client: one
    of Ignition's files may bring them back.
    """

    id: str
    values: dict[str, ValueOrigin] = msgspec.field(default_factory=dict)
    removed: dict[str, str] = msgspec.field(default_factory=dict)


class Freeze(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A field of one client that sync does not change; ``id`` is ``<client>/<field>``, field ``*`` means all.

    ``undo`` marks a freeze that an undo made; linking the client again removes those.
    """

    id: str
    client: str
    field: str
    reason: str = ""
    by: str = ""
    at: datetime | None = None
    undo: bool = False


class Ignored(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A client in the store that has no XPM client on purpose; ``id`` is the client's id."""

    id: str
    reason: str = ""
    by: str = ""
    at: datetime | None = None


class BlockedPair(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A pair that was linked and unlinked again; ``id`` is ``<client>/<uuid>``.

    It is not linked again until a user links it. ``undone`` is the run whose undo removed the link: the pair
    is then still proposed, with this reason. ``different``: the two were never linked; a user said that they
    are different, so neither prevents the other from being created.
    """

    id: str
    client: str
    uuid: str
    by: str = ""
    at: datetime | None = None
    different: bool = False
    undone: str = ""

    @property
    def sentence(self) -> str:
        """Return why a pair that an undo unlinked is proposed but never sure; empty for any other pair."""
        words = f"unlinked when run {self.undone} was undone: link it again if it is right"
        return words if self.undone else ""
