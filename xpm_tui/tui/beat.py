"""The heartbeat as the header tells it."""

from __future__ import annotations

from datetime import datetime

from xpm_tui.service.condition import conditions
from xpm_tui.service.heartbeat.status import heartbeat
from xpm_tui.service.practice import OpenPractice
from xpm_tui.tui.pulse import Pulse


def _hours(at: datetime, now: datetime) -> float:
    """By the minute, so that the header changes no more often than what it says."""
    return max(0, int((now - at).total_seconds() // 60)) / 60


_SAID_BY_ITSELF = ("sound", "login_needed")


def read_pulse(practice: OpenPractice) -> tuple[object, Pulse]:
    """Where store and settings stand, and the heartbeat there. For the desk."""
    position = practice.place()
    worst = conditions(practice)[0].state
    beat = heartbeat(practice)
    return position, Pulse(
        title=beat.title,
        sandbox=beat.sandbox,
        connected=beat.connected,
        login_needed=beat.login_needed,
        read_only=practice.read_only,
        hours=None if beat.last_good is None else _hours(beat.last_good, practice.clock.now()),
        minute_left=beat.minute_left,
        day_left=beat.day_left,
        running=beat.running,
        held=len(beat.held),
        needs_person=beat.needs_person,
        condition="" if worst in _SAID_BY_ITSELF else worst,
    )
