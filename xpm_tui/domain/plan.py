"""Plans and changes, and the consequences of an operation in numbers.

A plan says what would happen; it is computed without side effects and shown before it is applied. Previews,
questions, the log and results show the consequences. Those of sync are computed in ``sync.consequences``,
those of jobs in ``deploy.batch``, and others in the application layer; ``commands.consequences`` puts them
into words. Nothing else computes or words consequences.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeVar

import msgspec

from xpm_tui.domain.links import Value

Direction = Literal["from_xpm", "to_xpm"]
Level = Literal["everything", "name", "nothing"]
Side = Literal["ignition", "xpm"]
Mark = Literal["", "first", "drift", "conflict", "clearing", "former"]


class Change(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One change: the unit that is shown, written, logged and undone.

    ``record`` is a client's id (``c12``) or a contact's (``c12/k3``); ``field`` a field of the policy, or
    ``link``, ``contact`` (a whole contact is added or removed), ``state``. ``side`` is the side that is
    written. ``rule`` names the rule of the policy that requires it; ``mark`` is its mark for the user. A
    change that is not ticked waits for a decision. ``came_from`` is the UUID of the XPM client that the value
    came from, if it would be sent to another one. A change to a contact that several XPM clients share names
    the contact (``shared``) and the other clients (``also``); a change that applies it to the copy of another
    client here names the record that it ``follows``.
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
    def contact(self) -> str:
        """Return the id of the contact that changes; empty for the client itself."""
        return self.record.partition("/")[2]

    @property
    def conflict(self) -> bool:
        """Return whether both sides were edited since they last agreed."""
        return self.mark == "conflict"


class PlannedRecord(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """All changes of one client in one plan; ``id`` is ``<plan>/<client>``.

    ``ignition`` and ``xpm`` are fingerprints of the records from which the plan was made; a record that has
    changed since is skipped.
    """

    id: str
    plan: str
    client: str
    uuid: str
    changes: tuple[Change, ...]
    ignition: str = ""
    xpm: str = ""


class UndecidedClient(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A client that needs a decision: why, and the first proposal if there is one."""

    client: str
    reason: str
    uuid: str = ""


UndoReason = Literal[
    "edited", "client-edited", "contact-edited", "in-use", "stays-in-xpm", "relinked", "archived", "missing"
]
"""Why an undo leaves something as it is."""

_WHY: dict[UndoReason, str] = {
    "edited": (
        "It has been changed since then: it has neither the value that the run wrote nor the one before."
    ),
    "client-edited": "The client has been edited in Ignition since it was added, so it stays.",
    "contact-edited": "The contact has been edited in Ignition since it was added, so it stays.",
    "in-use": "Proposals or jobs use the client, so it stays.",
    "stays-in-xpm": "It stays in XPM: remove it there if you do not want it.",
    "relinked": "The client's link has been changed since then.",
    "archived": "The client has been archived in XPM since then, so nothing is written to it.",
    "missing": "The record no longer exists.",
}


class SkippedUndo(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Something that an undo leaves as it is: the value it would have restored, the present one, and why.

    ``address`` is the record's web address in XPM, if it stays there.
    """

    record: str
    field: str
    wanted: Value = None
    present: Value = None
    why: UndoReason
    address: str = ""

    @property
    def sentence(self) -> str:
        """Return the reason as a sentence."""
        return _WHY[self.why]


class Plan(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The header of a plan (``p7``); its records are stored as separate rows.

    ``policy``, ``tenant`` and ``scopes`` are hashes or ids: if one of them has changed, the whole plan is
    refused. ``counts`` has the number of changes by rule, mark and field (keys ``rule:…``, ``mark:…``,
    ``field:…``, ``records``, ``items``, ``waiting``). ``differences`` counts the fields that differ and are
    not planned, by reason. ``only`` restricts it to one client, ``fields`` to some fields. ``left`` is what
    an undo (of the run ``undo_of``) leaves as it is.
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
    first: bool = False
    full: bool = True
    only: str = ""
    fields: tuple[str, ...] = ()
    undo_of: str = ""
    left: tuple[SkippedUndo, ...] = ()
    state: Literal["draft", "applied", "replaced"] = "draft"

    @property
    def left_different(self) -> int:
        """Return how many fields differ and stay as they are."""
        return sum(self.differences.values())


Subject = Literal[
    "plan",
    "undo",
    "jobs",
    "import",
    "import-undo",
    "links",
    "picks",
    "review",
    "client",
    "staff",
    "roll-over",
]
"""The kind of operation that the consequences are of."""

LastingKind = Literal["contact", "primary", "client", "staff", "job"]
"""Something that cannot be undone: an added contact, a new primary contact, or a record created in XPM."""


class Requests(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Calls to XPM by kind: first the writes, then the reads that go with them.

    ``checks`` ask what has changed just before a write, ``lists`` bring the mirror up to date, ``lookups``
    find out what happened to earlier writes without an answer, ``searches`` look for a client with the same
    name, and ``client_reads`` read a client just before its job is created.
    """

    client_updates: int = 0
    contact_updates: int = 0
    contact_additions: int = 0
    client_creations: int = 0
    staff_creations: int = 0
    job_creations: int = 0
    template_additions: int = 0
    job_assignments: int = 0
    job_states: int = 0
    checks: int = 0
    contact_reads: int = 0
    client_reads: int = 0
    searches: int = 0
    staff_lists: int = 0
    job_reads: int = 0
    job_lists: int = 0
    lists: int = 0
    lookups: int = 0

    @property
    def writes(self) -> int:
        """Return the number of calls that change something in XPM."""
        return sum(getattr(self, name) for name in WRITES)

    @property
    def total(self) -> int:
        """Return the number of all calls."""
        return sum(getattr(self, name) for name in self.__struct_fields__)

    def __add__(self, other: Requests) -> Requests:
        """Return the sum of both, kind by kind."""
        names = self.__struct_fields__
        return Requests(**{name: getattr(self, name) + getattr(other, name) for name in names})


WRITES = (
    "client_updates", "contact_updates", "contact_additions", "client_creations", "staff_creations",
    "job_creations", "template_additions", "job_assignments", "job_states",
)  # fmt: skip
"""The kinds of requests that change something in XPM."""


class XpmCounts(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Numbers of changes in XPM: all ``changes``, the ``clients`` they are for, and each kind.

    ``jobs_finished`` exist already and are completed.
    """

    changes: int = 0
    clients: int = 0
    values: int = 0
    contacts: int = 0
    clients_created: int = 0
    staff_created: int = 0
    jobs_created: int = 0
    jobs_finished: int = 0


class LocalCounts(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Numbers of changes that are saved here only: all ``changes``, the ``clients``, and each kind.

    ``links`` link clients, ``people`` team members and ``services`` services to records of XPM; ``ignored``
    clients need no link.
    """

    changes: int = 0
    clients: int = 0
    values: int = 0
    contacts: int = 0
    links: int = 0
    people: int = 0
    services: int = 0
    added: int = 0
    removed: int = 0
    ignored: int = 0


class ReplacedValues(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Numbers of values that are lost on the side that is written.

    ``values`` counts all of them, the other attributes count the marked ones; ``clearings`` are replaced by
    nothing.
    """

    values: int = 0
    overwrites: int = 0
    drift: int = 0
    conflicts: int = 0
    clearings: int = 0


class LastingEffects(msgspec.Struct, frozen=True, kw_only=True):
    """Effects that cannot be undone; ``records`` are the ids of the records."""

    what: LastingKind
    number: int
    records: tuple[str, ...] = ()


class PreservedValues(msgspec.Struct, frozen=True, kw_only=True):
    """Values that stay as they are, and a sentence that says why."""

    why: str
    number: int
    records: tuple[str, ...] = ()


class FrozenCounts(msgspec.Struct, frozen=True, kw_only=True):
    """A field that an undo freezes, and the ids of the clients and contacts for which it is frozen."""

    field: str
    number: int
    records: tuple[str, ...] = ()


NAMED = 5
"""The number of records that a sentence names; more are counted."""

T = TypeVar("T", LastingEffects, PreservedValues, FrozenCounts)


def _first_records(effects: tuple[T, ...]) -> tuple[T, ...]:
    return tuple(msgspec.structs.replace(each, records=each.records[:20]) for each in effects)


class Consequences(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What applying something would do.

    ``about`` names it: the plan, the undone run, the file. ``waiting`` changes are not ticked; ``freezes``
    counts the fields that an undo freezes, and ``frozen`` names them; ``kept`` is what an undo leaves as it
    is, or jobs that are held. ``also`` names other XPM clients that change because they share a contact.
    ``calls`` is the sum of ``requests``, and ``seconds`` the minimum time that they take within Xero's
    limits; ``beyond_today`` of them exceed the day's allowance, which is renewed at ``day_until``. ``then``
    is what the next sync does as a result. ``names`` has the records that a sentence may name, in words.
    """

    of: Subject
    about: str = ""
    xpm: XpmCounts = XpmCounts()
    here: LocalCounts = LocalCounts()
    replaced: ReplacedValues = ReplacedValues()
    lasting: tuple[LastingEffects, ...] = ()
    kept: tuple[PreservedValues, ...] = ()
    also: tuple[str, ...] = ()
    freezes: int = 0
    frozen: tuple[FrozenCounts, ...] = ()
    waiting: int = 0
    requests: Requests = Requests()
    calls: int = 0
    seconds: float = 0.0
    beyond_today: int = 0
    day_until: datetime | None = None
    then: Consequences | None = None
    names: dict[str, str] = {}

    @property
    def changes(self) -> int:
        """Return the number of all changes, on both sides."""
        return self.xpm.changes + self.here.changes

    @property
    def not_undoable(self) -> int:
        """Return how many effects cannot be undone."""
        return sum(each.number for each in self.lasting)

    def shortened(self) -> Consequences:
        """Return a copy that names at most 20 records in each list, for values that are stored often."""
        return msgspec.structs.replace(
            self,
            lasting=_first_records(self.lasting),
            kept=_first_records(self.kept),
            frozen=_first_records(self.frozen),
        )

    @property
    def minutes(self) -> int:
        """Return the whole minutes that the calls take at least."""
        return int(self.seconds // 60)
