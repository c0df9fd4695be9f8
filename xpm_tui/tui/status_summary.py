"""The status of the practice as the console's head shows it: read now and then, frozen, cheap to compare."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application import condition
    from xpm_tui.application.status import summary

if TYPE_CHECKING:
    from xpm_tui.application.practice import OpenPractice


class PracticeStatus(NamedTuple):
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
    needs_jobs: int = 0
    """Jobs and proposals that do not go on without the user."""
    direction: str = ""
    condition: str = ""
    """The worst that is wrong with the store or with what it says: its state's name; empty for nothing."""
    known: bool = True
    """Whether it has been read yet."""


def _hours(at: datetime, now: datetime) -> float:
    """By the minute, so that the header changes no more often than what it says."""
    return max(0, int((now - at).total_seconds() // 60)) / 60


_SAID_BY_ITSELF = ("sound", "login_needed")


def read_practice_status(practice: OpenPractice) -> tuple[object, PracticeStatus]:
    """Where store and settings stand, and the heartbeat there. For the desk."""
    position = practice.place()
    worst = condition.conditions(practice)[0].state
    beat = summary.summarize(practice)
    jobs = beat.jobs
    return position, PracticeStatus(
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
        needs_jobs=jobs.failed + jobs.held + jobs.going + jobs.missed + jobs.changed + jobs.to_take,
        direction=practice.policy().direction,
        condition="" if worst in _SAID_BY_ITSELF else worst,
    )
