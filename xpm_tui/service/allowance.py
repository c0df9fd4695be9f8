"""Calls to Xero that are left, as far as the call times on disk tell. No network."""

from __future__ import annotations

from xpm_tui.model.ports import Allowance
from xpm_tui.service.practice import OpenPractice

PER_MINUTE = 60
"""Calls that Xero allows in a minute for one practice (Xero: OAuth 2.0 API limits)."""


def allowance(practice: OpenPractice) -> Allowance:
    """What is left; before the first call everything of the minute, and nothing known of the day."""
    return Allowance(minute_left=PER_MINUTE)
