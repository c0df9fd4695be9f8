"""Links between the two sides, what was last agreed, and what a person has settled."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

Value = str | bool | None | tuple[str, ...]
"""A field's canonical value: text, yes/no, nobody said, or a sorted list of names. People are staff UUIDs."""

LinkState = Literal["linked", "archived", "gone", "converted", "ambiguous", "ignored", "unlinked"]
LinkOrigin = Literal["name", "picked", "pasted", "review", "created", "undo"]


class ContactLink(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """Which XPM contact a contact stands for. ``removed``: on which side it went away after being agreed."""

    contact: str
    uuid: str
    removed: Literal["", "ignition", "xpm"] = ""


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


class Pair(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, array_like=True):
    """Both sides' value of one field when they last agreed."""

    ignition: Value = None
    xpm: Value = None


class Base(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """What both sides agreed on, for one link; ``id`` is the client's id.

    Every field in ``agreed`` has a pair. A pair is stored in ``pairs`` only where one of its halves differs
    from the mirror; else both halves are the mirror's value. Contact fields are ``<contact id>.<field>``.
    """

    id: str
    agreed: tuple[str, ...] = ()
    pairs: dict[str, Pair] = msgspec.field(default_factory=dict)


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


class Apart(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
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
