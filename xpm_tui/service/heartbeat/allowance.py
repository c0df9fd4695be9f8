"""Calls to Xero that are left, as far as the call times on disk tell. No network."""

from __future__ import annotations

from pathlib import Path

from xpm_tui.model.ports import Allowance, Clock
from xpm_tui.service.practice import OpenPractice
from xpm_tui.xero.limits import ALL_MINUTE, FileGate

GATE_FILE = "gate.json"


def allowance(practice: OpenPractice) -> Allowance:
    """What is left; before the first call everything of the minute, and nothing known of the day."""
    return allowance_at(practice.state, practice.clock)


def allowance_at(state: Path, clock: Clock) -> Allowance:
    """The same by the practice's state folder, where its book is not open."""
    path = state / GATE_FILE
    if not path.exists():
        return Allowance(minute_left=ALL_MINUTE)
    gate = FileGate(path, clock)
    try:
        return gate.allowance()
    finally:
        gate.close()
