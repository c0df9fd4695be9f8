"""Events of the log. Names and sentences are filled in when an event is shown, so masking is exact."""

from __future__ import annotations

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
