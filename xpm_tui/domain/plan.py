"""Plans and changes: what would happen, computed without side effect, shown before it is done.

What an operation would do, in numbers: the value that preview, question, log and result all show.

It is computed in ``sync.consequences`` and, for what sync does not know, in ``deploy.consequences`` and the
service; it is put into words in ``acts.consequences``. Nothing else counts or words consequences.
"""

from __future__ import annotations

import math
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
"""What the consequences are of."""

What = Literal["contact", "primary", "client", "staff", "job"]
"""What cannot be undone: a contact added in XPM, who is primary there, or a record created there."""


class Requests(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Every call to XPM, by kind: first the writes, then the reads that go with them.

    ``checks`` ask what changed just before writing, ``lists`` bring the mirror up to date, ``lookups`` find
    out what became of earlier writes without an answer, ``searches`` look for a client of the same name,
    ``client_reads`` look at a client just before its job is created.
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
        """Calls that change something in XPM."""
        return sum(getattr(self, name) for name in WRITES)

    @property
    def total(self) -> int:
        """All calls."""
        return sum(getattr(self, name) for name in self.__struct_fields__)

    def __add__(self, other: Requests) -> Requests:
        """Both together."""
        names = self.__struct_fields__
        return Requests(**{name: getattr(self, name) + getattr(other, name) for name in names})


WRITES = (
    "client_updates", "contact_updates", "contact_additions", "client_creations", "staff_creations",
    "job_creations", "template_additions", "job_assignments", "job_states",
)  # fmt: skip
"""The kinds of requests that change something in XPM."""


class XpmCounts(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What changes in XPM: ``changes`` in all, for so many ``clients``, and what they are made of.

    ``jobs_finished`` are there already and get what is missing.
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
    """What is saved here alone: ``changes`` in all, for so many ``clients``, and what they are made of.

    ``links`` join clients, ``people`` team members and ``services`` services to records of XPM;
    ``ignored`` clients need no link.
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
    """Values that are lost on the written side.

    ``values`` counts all of them, the other attributes those that are remarkable; ``clearings`` are replaced
    by nothing.
    """

    values: int = 0
    overwrites: int = 0
    drift: int = 0
    conflicts: int = 0
    clearings: int = 0


class LastingEffects(msgspec.Struct, frozen=True, kw_only=True):
    """What no undo takes back: ``records`` are the ids of what it is about."""

    what: What
    number: int
    records: tuple[str, ...] = ()


class PreservedValues(msgspec.Struct, frozen=True, kw_only=True):
    """What is left as it is, and why, in a sentence."""

    why: str
    number: int
    records: tuple[str, ...] = ()


class FrozenCounts(msgspec.Struct, frozen=True, kw_only=True):
    """A field that an undo freezes, and the ids of the clients and contacts for which it does."""

    field: str
    number: int
    records: tuple[str, ...] = ()


class Consequences(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What applying something would do.

    ``about`` names it: the plan, the undone run, the file. ``waiting`` changes are not ticked; ``freezes``
    counts the fields that an undo freezes, and ``frozen`` names them; ``kept`` is what it leaves as it is, or
    jobs that are kept back. ``also`` names other XPM clients that are changed because they share a contact.
    ``calls`` is the sum of ``requests`` and ``seconds`` the least time that Xero's allowance gives them;
    ``beyond_today`` of them do not fit into the day, which has more again at ``day_until``. ``then`` is what
    the next sync does because of it.
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

    @property
    def changes(self) -> int:
        """All changes, on whichever side they are saved."""
        return self.xpm.changes + self.here.changes

    @property
    def not_undoable(self) -> int:
        """How many things cannot be undone."""
        return sum(each.number for each in self.lasting)

    def shortened(self, records: int = 20) -> Consequences:
        """The same with at most so many records named each time: for what is rewritten at every step."""
        return msgspec.structs.replace(
            self,
            lasting=tuple(
                msgspec.structs.replace(each, records=each.records[:records]) for each in self.lasting
            ),
            kept=tuple(msgspec.structs.replace(each, records=each.records[:records]) for each in self.kept),
            frozen=tuple(
                msgspec.structs.replace(each, records=each.records[:records]) for each in self.frozen
            ),
        )

    @property
    def minutes(self) -> int:
        """The least time in whole minutes, rounded up."""
        return math.ceil(self.seconds / 60)
