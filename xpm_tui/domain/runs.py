"""Runs and their journal: one execution of a plan, step by step, so that a kill loses nothing."""

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
"""The rule of a stop that waits for a decision about a write without an answer, not for the guard's."""


class Stop(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Why the guard stopped a run: its rule, what was counted, the limit, and what to do next."""

    rule: str
    counted: int = 0
    limit: int = 0
    sentence: str = ""


class Run(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One run (``r12``): ``calls`` to Xero, ``total`` and ``done`` steps.

    ``counts`` tells records and changes by what became of them, ``exit_code`` what its command ended with.
    ``reviewed``: a person had looked at its plan. ``kind``: ``deploy`` for one that made jobs. ``only`` and
    ``fields`` are what it was narrowed to, like those of a plan. ``consequences`` is what was expected of it
    before its first write.
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
    """Somebody asked a run to stop; ``id`` is the run's id."""

    id: str
    by: str
    at: datetime


class Intent(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The journal of one write to XPM (``i9``): intent, sent (durable before the first byte), end.

    ``before`` keeps the UUIDs present before a creation, ``payload`` a hash of what is sent. An intent that
    was sent and has no end is unknown: it is never sent again blindly.
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
    """One change that was made, with what undo needs. ``came``: the value before came from XPM."""

    record: str
    field: str
    side: Side
    rule: str
    old: Value = None
    new: Value = None
    pair: Pair | None = None
    came: bool = False


class Relinked(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a client had before its link was set by hand, so that undo can bring it all back.

    ``contacts`` are those that were removed. Every pair of ``base`` is written out.
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
