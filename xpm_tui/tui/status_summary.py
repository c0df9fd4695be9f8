"""The status of the practice for the header of the console: immutable and cheap to compare."""

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
    """The facts that the header shows; ``None`` where a value is not known."""

    title: str = ""
    sandbox: bool = False
    connected: bool = False
    login_needed: bool = False
    """Whether the user must sign in to Xero before anything can be read or sent."""
    read_only: bool = False
    colour: str = ""
    """The colour of the practice's name; empty for the colour of other text."""
    hours: float | None = None
    minute_left: int | None = None
    day_left: int | None = None
    running: str = ""
    held: int = 0
    needs_person: int = 0
    needs_jobs: int = 0
    """The number of jobs and proposals that need the user."""
    direction: str = ""
    condition: str = ""
    """The worst condition of the practice by its name; empty if it is sound."""
    synced: datetime | None = None
    """When the last successful sync ended."""
    known: bool = True
    """Whether the status has been read."""


def _hours(at: datetime, now: datetime) -> float:
    """Return the hours between two times, in whole minutes so that the header rarely changes."""
    return max(0, int((now - at).total_seconds() // 60)) / 60


_SAID_BY_ITSELF = ("sound", "login_needed")


def read_practice_status(practice: OpenPractice) -> tuple[object, PracticeStatus]:
    """Return the position of store and settings, and the status there. Runs on the worker thread."""
    position = practice.place()
    worst = condition.conditions(practice)[0].state
    facts = summary.summarize(practice)
    jobs = facts.jobs
    return position, PracticeStatus(
        title=facts.title,
        sandbox=facts.sandbox,
        connected=facts.connected,
        login_needed=facts.login_needed,
        read_only=practice.read_only,
        colour=practice.settings.text("practice.colour").replace("none", ""),
        hours=None if facts.last_good is None else _hours(facts.last_good, practice.clock.now()),
        minute_left=facts.minute_left,
        day_left=facts.day_left,
        running=facts.running,
        held=len(facts.held),
        needs_person=facts.needs_person,
        needs_jobs=jobs.failed + jobs.held + jobs.going + jobs.missed + jobs.changed + jobs.to_take,
        direction=practice.policy().direction,
        synced=facts.last_good,
        condition="" if worst in _SAID_BY_ITSELF else worst,
    )
