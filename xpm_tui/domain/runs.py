"""Runs and their journal: one execution of a plan, step by step, so that a killed run loses nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from xpm_tui.domain.ignition import Contact
from xpm_tui.domain.links import Base, Freeze, Ignored, Link, Pair, Provenance, Value
from xpm_tui.domain.plan import Consequences, Direction, Level, Side

Outcome = Literal["running", "done", "partial", "held", "failed", "interrupted", "stopped", "skipped"]
Trigger = Literal["hand", "daily", "resume", "release", "undo"]
Kind = Literal["", "deploy"]
IntentState = Literal["intent", "sent", "done", "failed", "held"]


UNKNOWN = "unknown-outcome"
"""The rule of a stop that waits for a decision about a write without an answer, as opposed to the guard."""


class Stop(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Why the guard stopped a run: its rule, the number, the limit, and what to do next."""

    rule: str
    counted: int = 0
    limit: int = 0
    sentence: str = ""


class Run(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One run (``r12``): ``calls`` to Xero, ``total`` and ``done`` steps.

    ``counts`` has the number of records and changes by result, ``exit_code`` is the exit code of its command.
    ``reviewed``: a user had reviewed its plan. ``kind`` is ``deploy`` for a run that created jobs. ``only``
    and ``fields`` restrict it, like those of a plan. ``consequences`` is what was expected before its first
    write.
    """

    id: str
    started: datetime
    by: str
    kind: Kind = ""
    host: str = ""
    pid: int = 0
    plan: str = ""
    trigger: Trigger = "hand"
    direction: Direction = "from_xpm"
    level: Level = "everything"
    outcome: Outcome = "running"
    ended: datetime | None = None
    calls: int = 0
    total: int = 0
    done: int = 0
    counts: dict[str, int] = msgspec.field(default_factory=dict)
    stops: tuple[Stop, ...] = ()
    error: str = ""
    case: str = ""
    exit_code: int = 0
    reviewed: bool = False
    only: str = ""
    fields: tuple[str, ...] = ()
    consequences: Consequences | None = None


class StopRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request to stop a run; ``id`` is the run's id."""

    id: str
    by: str
    at: datetime


class Intent(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The journal of one write to XPM (``i9``): intended, sent (durable before the first byte), ended.

    ``before`` has the UUIDs that existed before a creation, ``payload`` a hash of what is sent. The outcome
    of an intent that was sent and has no end is unknown: it is never sent again without checking.
    """

    id: str
    run: str
    kind: str
    record: str
    uuid: str = ""
    state: IntentState = "intent"
    payload: str = ""
    sent_at: datetime | None = None
    before: tuple[str, ...] = ()
    values: dict[str, Value] = msgspec.field(default_factory=dict)
    found: str = ""
    note: str = ""


class Written(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One change that was made, with the data that undo needs. ``came``: the previous value came from XPM."""

    record: str
    field: str
    side: Side
    rule: str
    old: Value = None
    new: Value = None
    pair: Pair | None = None
    came: bool = False

    @property
    def contact(self) -> str:
        """Return the id of the contact that was changed; empty for the client itself."""
        return self.record.partition("/")[2]


class Relinked(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a client had before its link was changed manually, so that undo can restore all of it.

    ``contacts`` are those that were removed. Every pair of ``base`` is stored in full.
    """

    contacts: tuple[Contact, ...] = ()
    link: Link | None = None
    base: Base | None = None
    provenance: Provenance | None = None
    freezes: tuple[Freeze, ...] = ()
    ignored: Ignored | None = None


class BeforeImage(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Before-image of one client in one run; ``id`` is ``<run>/<client>``."""

    id: str
    run: str
    client: str
    uuid: str = ""
    written: tuple[Written, ...] = ()
    created: bool = False
    undone: tuple[str, ...] = ()
    relinked: Relinked | None = None
