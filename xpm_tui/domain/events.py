"""Events: one line of the log each. Names and sentences are filled in when shown, so masking is exact."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

Severity = Literal["debug", "info", "warning", "error"]
Scalar = str | int | float | bool | None


class Event(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What happened: ``key`` names the sentence, the rest fills it in.

    ``numbers`` carries counts, seconds and other values that name nobody. ``record`` is an id of the book,
    ``uuid`` one of XPM. ``call`` is the verb and path asked of Xero, ``correlation`` Xero's id for it.
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
