"""The heartbeat as the console knows it, read every now and then: frozen, cheap to compare."""

from __future__ import annotations

from typing import NamedTuple


class Pulse(NamedTuple):
    """The heartbeat as the header tells it; ``None`` where nothing is known."""

    title: str = ""
    sandbox: bool = False
    connected: bool = False
    login_needed: bool = False
    """Whether Xero has to be signed in to again before anything can be read or sent."""
    read_only: bool = False
    hours: float | None = None
    minute_left: int | None = None
    day_left: int | None = None
    running: str = ""
    held: int = 0
    needs_person: int = 0
    condition: str = ""
    """The worst that is wrong with the store or with what it says: its state's name; empty for nothing."""
    known: bool = True
    """Whether it has been read yet."""
