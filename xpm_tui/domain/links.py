"""Links between the two sides, what was last agreed, and what a person has settled."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal, NamedTuple

import msgspec

Value = str | bool | None | tuple[str, ...]
"""A field's canonical value: text, yes/no, nobody said, or a sorted list of names. People are staff UUIDs."""

LinkState = Literal["linked", "archived", "gone", "converted", "merged", "ambiguous", "ignored", "unlinked"]
LinkOrigin = Literal["name", "picked", "pasted", "review", "created", "undo"]


class XpmReference(NamedTuple):
    """What a pasted text refers to in XPM: UUIDs, and the number of a client.

    ``is_whole``: the text is nothing but a UUID, a number or a web address, so it is no name either.
    """

    uuids: tuple[str, ...]
    numbers: tuple[str, ...]
    is_whole: bool


_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_ADDRESS = re.compile(
    r"(?:[a-z][a-z0-9+.-]*://|www\.|[a-z0-9-]+(?:\.[a-z0-9-]+)+/|/clients?/)\S*", re.IGNORECASE
)
_OF_A_CLIENT = re.compile(r"(?:/clients?/|[?&#;/]client_?(?:id|number|no)?=)(\d+)(?!\w)", re.IGNORECASE)
_BY_ID = re.compile(r"[?&#;](?:id|number|no)=(\d+)(?!\w)", re.IGNORECASE)
_PART = re.compile(r"(?<=[/=])(\d+)(?=[/?#&;]|\Z)")
_OF_ANOTHER = re.compile(
    r"(?:job|staff|contact|invoice|quote|supplier|lead|task|template|categor(?:y|ie)|group|cost|time)s?"
    r"(?:_?id)?[/?#&;=]",
    re.IGNORECASE,
)
"""What an address of another kind of record has in it: its number is no client's."""


def read_reference(text: str) -> XpmReference:
    """Return what a number, a UUID or any web address of an XPM client refers to.

    XPM's screens have had several addresses (``/Client/14070107/Detail``, ``/clients/14070107``,
    ``?id=14070107``). In any other one a number counts where it is the only one, and no other kind of record
    is named.
    """
    typed = text.strip().strip("<>\"'").rstrip(".,;)")
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
    """Which XPM contact a contact stands for. ``removed``: on which side it went away after being agreed.

    One half is empty where the contact was only ever on one side. Then it is settled that the other side has
    none, for the direction of that sync, or for good where a user decided it (``by_user``).
    """

    contact: str
    uuid: str
    removed: Literal["", "ignition", "xpm"] = ""
    by_user: bool = False


class Link(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """Which XPM client a client of the book stands for; ``id`` is the client's id.

    ``quiet`` marks a second client on one XPM client: it carries no field. ``number`` is kept beside the
    UUID because people know the number from XPM's web address.
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
    """An XPM client that may have taken over a client that XPM no longer has; ``evidence`` in words.

    ``level`` is ``sure`` where the evidence is strong, ``likely`` or ``weak`` otherwise. ``new``: XPM has had
    it only since the other one disappeared.
    """

    uuid: str
    score: int
    level: Literal["sure", "likely", "weak"]
    evidence: tuple[str, ...]
    new: bool = False


class Vanished(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A linked XPM client that XPM no longer has, by its UUID, and its possible successors, best first.

    ``since`` is when a complete list last had it, ``searched`` when successors were last looked for, and
    ``asked`` whether XPM was asked for the jobs of possible successors.
    """

    id: str
    since: datetime | None = None
    searched: datetime | None = None
    asked: bool = False
    found: tuple[Successor, ...] = ()


class Pair(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, array_like=True):
    """Both sides' value of one field when they last agreed.

    Two values that differ are settled for one direction only: ``under`` names it. It is empty where the two
    are equal, and in stores of versions that did not record it.
    """

    ignition: Value = None
    xpm: Value = None
    under: Literal["", "from_xpm", "to_xpm"] = ""


class Base(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """What both sides agreed on, for one link; ``id`` is the client's id.

    Every field in ``agreed`` has a pair. A pair is stored in ``pairs`` only where one of its halves differs
    from the mirror; else both halves are the mirror's value. Contact fields are ``<contact id>.<field>``.

    ``picked``: the client was brought in from XPM, so that its values came from there, except for the fields
    in ``exceptions``. Otherwise ``exceptions`` are the fields whose value came from XPM.
    """

    id: str
    agreed: tuple[str, ...] = ()
    pairs: dict[str, Pair] = msgspec.field(default_factory=dict)
    picked: bool = False
    exceptions: tuple[str, ...] = ()


class CameFrom(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, array_like=True):
    """A value of Ignition that came from an XPM client: its UUID, and the value that came.

    ``kept`` is the value that stayed when the client was linked to another XPM client; before that it is the
    same as ``value``, or None.
    """

    uuid: str
    value: Value = None
    kept: Value = None

    @property
    def stayed(self) -> Value:
        """The value by which it is known that the present one came from there."""
        return self.value if self.kept is None else self.kept


class Provenance(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a client still has of XPM clients that it was linked to; ``id`` is the client's id.

    Keys are those of a :class:`Base`. The value of ``contact_primary`` is the id of our contact. ``removed``
    are contacts that went with a former link, by e-mail or name, with the UUID of the XPM client: a file of
    Ignition may bring them back.
    """

    id: str
    values: dict[str, CameFrom] = msgspec.field(default_factory=dict)
    removed: dict[str, str] = msgspec.field(default_factory=dict)


class Freeze(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A field that sync leaves alone for one client; ``id`` is ``<client>/<field>``, field ``*`` is all.

    ``undo`` marks a freeze that an undo made; linking anew lifts those.
    """

    id: str
    client: str
    field: str
    reason: str = ""
    by: str = ""
    at: datetime | None = None
    undo: bool = False


class Ignored(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A client of the book that is not meant to have an XPM client; ``id`` is the client's id."""

    id: str
    reason: str = ""
    by: str = ""
    at: datetime | None = None


class BlockedPair(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A pair that was linked and taken apart; ``id`` is ``<client>/<uuid>``.

    It is not linked again until a user links it. ``undone`` is the run whose undo removed the link: then the
    pair is still proposed, with these words. ``different``: the two were never linked;
    a user said that they are different, so that one does not keep the other from being created.
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
        """Why a pair that an undo removed is proposed, and never sure; empty for any other."""
        words = f"set aside by the undo of run {self.undone}: link it again if it is right"
        return words if self.undone else ""
