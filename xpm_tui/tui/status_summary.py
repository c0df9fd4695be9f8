"""The status of the practice for the console's header: read periodically, frozen, cheap to compare."""

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
    """The status as the header shows it; ``None`` means unknown."""

    title: str = ""
    sandbox: bool = False
    connected: bool = False
    login_needed: bool = False
    """Whether Xero requires a new login before anything can be read or sent."""
    read_only: bool = False
    hours: float | None = None
    minute_left: int | None = None
    day_left: int | None = None
    running: str = ""
    held: int = 0
    needs_person: int = 0
    needs_jobs: int = 0
    """Jobs and proposals that need the user."""
    direction: str = ""
    condition: str = ""
    """The worst condition of the practice, by the name of its state; empty if it is sound."""
    known: bool = True
    """Whether it has been read yet."""


def _hours(at: datetime, now: datetime) -> float:
    """Return the age rounded to minutes, so that the header changes only when its text does."""
    return max(0, int((now - at).total_seconds() // 60)) / 60


_SAID_BY_ITSELF = ("sound", "login_needed")


def read_practice_status(practice: OpenPractice) -> tuple[object, PracticeStatus]:
    """Return the positions of store and settings, and the status. For the worker thread."""
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
