"""What was asked of Xero, as far as an error may tell it: no query, no body, no token."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Asked:
    """One call: verb and path without query, whether it writes, and what came back so far."""

    call: str = ""
    write: bool = False
    status: int = 0
    correlation: str = ""
