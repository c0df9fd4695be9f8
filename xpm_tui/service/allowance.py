"""Calls to Xero that are left, as far as the call times on disk tell. No network."""

from __future__ import annotations

from xpm_tui.model.ports import Allowance
from xpm_tui.service.practice import OpenPractice
from xpm_tui.xero.limits import ALL_MINUTE, FileGate

GATE_FILE = "gate.json"


def allowance(practice: OpenPractice) -> Allowance:
    """What is left; before the first call everything of the minute, and nothing known of the day."""
    path = practice.state / GATE_FILE
    if not path.exists():
        return Allowance(minute_left=ALL_MINUTE)
    gate = FileGate(path, practice.clock)
    try:
        return gate.allowance()
    finally:
        gate.close()
