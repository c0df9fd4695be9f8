"""The terms on which jobs are made: the practice's choices, as one frozen value."""

from __future__ import annotations

from typing import Literal

import msgspec

Per = Literal["proposal", "project"]


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """Settings ``jobs.*``. ``category`` is a name; ``number`` a pattern for job numbers of our own, empty
    where XPM gives them. ``ours``: Ignition no longer deploys to XPM, so this tool may.
    """

    category: str = ""
    budget: Literal["none", "proposal"] = "none"
    state_code: str = ""
    days_early: int = 0
    due_days: int = 365
    per: Per = "proposal"
    name: str = "{proposal}"
    name_recurring: str = "{proposal} {period}"
    reference: Literal["none", "client", "proposal"] = "proposal"
    number: str = ""
    missing_person: Literal["skip", "hold"] = "skip"
    automatic: bool = False
    ours: bool = False
