"""From which numbers on a run waits for a person; each is a setting."""

from __future__ import annotations

import msgspec


class GuardLimits(msgspec.Struct, frozen=True, kw_only=True):
    """From which counts a run waits for a person. A count passes up to ``max(min, share of the records)``."""

    list_share: float = 0.9
    list_fewer: int = 5
    records_min: int = 20
    records_share: float = 0.3
    field_min: int = 20
    field_share: float = 0.3
    emptied_min: int = 5
    emptied_share: float = 0.1
    new_jobs: int = 10


DEFAULT = GuardLimits()
