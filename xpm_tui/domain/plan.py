"""Plans and changes: what would happen, computed without side effect, shown before it is done."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from xpm_tui.domain.links import Value

Direction = Literal["from_xpm", "to_xpm"]
Level = Literal["everything", "name", "nothing"]
Side = Literal["ignition", "xpm"]
Mark = Literal["", "first", "drift", "conflict", "clearing", "former"]


class Change(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The unit that is shown, written, logged and undone.

    ``record`` is a client's id (``c12``) or a contact's (``c12/k3``); ``field`` a field of the policy, or
    ``link``, ``contact`` (a whole contact comes or goes), ``state``. ``side`` is the side that is written.
    ``rule`` names the rule of the policy that asks for it; ``mark`` what makes it remarkable. A change that
    is not ticked waits for a person. ``came_from`` is the UUID of the XPM client that the value came from,
    where that is another one than it would be sent to. A change to a contact that several XPM clients share
    names the contact (``shared``) and the other clients (``also``); a change that brings it to the copy of
    another client here names the record of the one that it ``follows``.
    """

    record: str
    field: str
    side: Side
    rule: str
    old: Value = None
    new: Value = None
    mark: Mark = ""
    ticked: bool = True
    held: str = ""
    came_from: str = ""
    shared: str = ""
    also: tuple[str, ...] = ()
    follows: str = ""

    @property
    def conflict(self) -> bool:
        """True where both sides were edited since they last agreed."""
        return self.mark == "conflict"


class PlannedRecord(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """All changes of one client in one plan; ``id`` is ``<plan>/<client>``.

    ``ignition`` and ``xpm`` are fingerprints of what the plan was made from: a record that moved since drops
    out.
    """

    id: str
    plan: str
    client: str
    uuid: str
    changes: tuple[Change, ...]
    ignition: str = ""
    xpm: str = ""


class UndecidedClient(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A client that no rule can decide: why, and the first proposal where there is one."""

    client: str
    reason: str
    uuid: str = ""


class Estimate(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a run would cost: calls to Xero and the least number of seconds they take."""

    calls: int = 0
    seconds: float = 0.0


Why = Literal[
    "edited", "client-edited", "contact-edited", "in-use", "stays-in-xpm", "relinked", "archived", "missing"
]
"""Why an undo leaves something as it is."""

_WHY: dict[Why, str] = {
    "edited": "It has been changed again since then: it is neither the value that the run wrote nor the one "
    "before.",
    "client-edited": "The client has been edited in Ignition since it was added, so it stays.",
    "contact-edited": "The contact has been edited in Ignition since it was added, so it stays.",
    "in-use": "Proposals or jobs use the client, so it stays.",
    "stays-in-xpm": "It stays in XPM: remove it there if you do not want it.",
    "relinked": "The client's link has been changed since then.",
    "archived": "The client has been archived in XPM since then, so nothing is written to it.",
    "missing": "The record no longer exists.",
}


class Unclear(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What an undo leaves as it is: the value it would have restored, the one that is there, and why.

    ``address`` is where the record is found in XPM, when it is one that stays there.
    """

    record: str
    field: str
    wanted: Value = None
    present: Value = None
    why: Why
    address: str = ""

    @property
    def sentence(self) -> str:
        """Why, in words."""
        return _WHY[self.why]


class Plan(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The head of a plan (``p7``); its records are rows of their own.

    ``policy``, ``tenant`` and ``scopes`` are hashes or ids: when one of them changed, the plan is refused
    whole. ``counts`` tells changes by rule, mark and field (keys ``rule:…``, ``mark:…``, ``field:…``,
    ``records``, ``items``, ``waiting``). ``differences`` counts the fields that differ and are not planned,
    by their reason. ``only`` narrows it to one client, ``fields`` to some fields.
    ``left`` is what an undo (of the run ``undo_of``) leaves as it is.
    """

    id: str
    made: datetime
    by: str
    direction: Direction
    level: Level
    tenant: str
    policy: str
    scopes: str
    counts: dict[str, int] = msgspec.field(default_factory=dict)
    differences: dict[str, int] = msgspec.field(default_factory=dict)
    people: tuple[UndecidedClient, ...] = ()
    estimate: Estimate = Estimate()
    first: bool = False
    full: bool = True
    only: str = ""
    fields: tuple[str, ...] = ()
    undo_of: str = ""
    left: tuple[Unclear, ...] = ()
    state: Literal["draft", "applied", "replaced"] = "draft"

    @property
    def left_different(self) -> int:
        """How many fields differ and stay as they are."""
        return sum(self.differences.values())
