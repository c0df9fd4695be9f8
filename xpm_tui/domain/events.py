"""Events of the log, and the progress of long work.

Names and sentences are filled in when an event is shown, so masking is exact.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal

import msgspec

Severity = Literal["debug", "info", "warning", "error"]
Scalar = str | int | float | bool | None


class Event(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One event of the log: ``key`` selects the sentence, and the other attributes fill it in.

    ``numbers`` holds counts, seconds and other values that identify no one. ``record`` is an id in the store,
    ``uuid`` one of XPM. ``call`` is the method and path of a call to Xero, ``correlation`` Xero's id of it.
    """

    key: str
    at: datetime | None = None
    id: str = ""
    level: Severity = "info"
    by: str = ""
    run: str = ""
    record: str = ""
    uuid: str = ""
    field: str = ""
    rule: str = ""
    numbers: dict[str, Scalar] = msgspec.field(default_factory=dict)
    call: str = ""
    status: int = 0
    correlation: str = ""
    case: str = ""
    outcome: str = ""


TENANT = "tenant:"
"""What precedes the id of a practice where ids of records are looked up by name."""

Phase = Literal["lists", "plan", "apply", "stop"]


class Progress(msgspec.Struct, frozen=True):
    """``done`` of ``total`` steps of a phase; ``total`` of 0: unknown. ``calls`` to Xero so far.

    ``expected`` is the estimated number of calls, 0 if it is unknown. The phase ``stop`` says that someone
    has just asked to stop.
    """

    phase: Phase
    done: int = 0
    total: int = 0
    calls: int = 0
    expected: int = 0


Report = Callable[[Progress], None]


def ignore_progress(progress: Progress) -> None:
    """Ignore the progress."""
