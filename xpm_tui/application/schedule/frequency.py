"""How often a practice syncs by itself: at which minutes, and what that costs of Xero's allowance.

Knows no timer of the system: :mod:`xpm_tui.application.schedule.timer` writes what is worked out here.
"""

from __future__ import annotations

from datetime import timedelta
from math import ceil
from typing import Literal

import msgspec

from xpm_tui.application.home import practices
from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.practice_identity import LISTS
from xpm_tui.application.runs.due import INTERVALS
from xpm_tui.application.runs.xpm_refresh import SMALL_LISTS_REST
from xpm_tui.application.status.summary import allowance_at
from xpm_tui.domain.formatting import count
from xpm_tui.domain.safe_text import visible
from xpm_tui.settings.store import Settings

Every = Literal["15m", "30m", "1h", "daily"]
HOUR = 60
DAY = timedelta(days=1)

WORDS: dict[str, str] = {
    "15m": "Every 15 minutes",
    "30m": "Every 30 minutes",
    "1h": "Every hour",
    "daily": "Once a day",
}
"""How often, at the beginning of a sentence."""

PER_SYNC = len(LISTS)
"""Calls of a sync that finds nothing changed: one for each list of XPM."""


class CallEstimate(msgspec.Struct, frozen=True, kw_only=True):
    """Calls to Xero a day while nothing changes: ``syncs`` and the ``calls`` that they need at most.

    ``day_limit`` is what Xero allows a day and ``reserve`` what runs leave of it; the limit is None before
    the first reply has shown it.
    """

    syncs: int
    calls: int
    day_limit: int | None
    reserve: int

    def sentences(self) -> tuple[str, ...]:
        """What a user should know before the schedule is installed."""
        of = (
            f"of {self.day_limit:,} that Xero allows"
            if self.day_limit
            else "of the 5,000 that Xero allows (1,000 in the Starter tier)"
        )
        return (
            f"Estimated calls to Xero: at most {self.calls:,} a day {of}, for {count(self.syncs, 'sync')}. "
            "Each client that is updated in XPM needs about one more.",
            f"It leaves {count(self.reserve, 'call')} of the day for your own work (gate.day_reserve).",
        )


def estimate(practice: OpenPractice, every: str) -> CallEstimate:
    """Return the calls that a schedule needs; reads files only."""
    apart = INTERVALS.get(every, DAY)
    syncs = round(DAY / apart)
    # The small lists are read again only after a while, and with the complete comparison.
    small = min(syncs, round(DAY / (apart * ceil(SMALL_LISTS_REST / apart))) + 1)
    return CallEstimate(
        syncs=syncs,
        calls=syncs + small * (PER_SYNC - 1),
        day_limit=allowance_at(practice.state, practice.clock).day_limit,
        reserve=practice.settings.number("gate.day_reserve"),
    )


def period(every: str) -> int:
    """Return the minutes between two starts of the timer; also a daily sync is looked at every hour."""
    return round(INTERVALS.get(every, timedelta(hours=1)) / timedelta(minutes=1))


def minutes(every: str, minute: int) -> tuple[int, ...]:
    """Return the minutes of the hour at which the timer starts."""
    apart = period(every)
    return tuple(sorted((minute + step * apart) % HOUR for step in range(HOUR // apart)))


def start_minute(practice: OpenPractice, every: str) -> int:
    """Return the minute of the hour for a practice: the one set, or the one farthest from the others'."""
    if practice.settings.origin("schedule.minute") != "default":
        return practice.settings.number("schedule.minute")
    others = _others(practice)

    def distance(minute: int) -> tuple[int, int]:
        near = [_apart(minute, other, min(period(every), period(often))) for other, often in others]
        return min(near, default=0), min((_apart(minute, other, HOUR) for other, _ in others), default=0)

    return max(range(HOUR), key=lambda minute: (*distance(minute), -minute))


def _apart(one: int, other: int, around: int) -> int:
    """Return the minutes between two starts that repeat after ``around`` minutes."""
    gap = (one - other) % around
    return min(gap, around - gap)


def _others(practice: OpenPractice) -> list[tuple[int, str]]:
    """Return minute and frequency of the other practices here whose schedule was installed."""
    found = []
    for name in practices(practice.home):
        config = practice.home.practice(name)[0]
        if name == practice.name:
            continue
        settings = Settings.load(practice.home.settings_file, config / "settings.toml", {}, {}, lenient=True)
        if settings.origin("schedule.minute") == "practice":
            found.append((settings.number("schedule.minute"), settings.text("schedule.every")))
    return found


def when(every: str, at: str, minute: int, *, exact: bool) -> str:
    """Return when it syncs, in words that begin a sentence. ``exact``: the timer also starts at ``at``."""
    starts = ", ".join(f":{each:02}" for each in minutes(every, minute))
    if every == "daily":
        return (
            f"Every day at {at}, then every hour until it succeeds"
            if exact
            else (f"Every hour ({starts}), once a day from {at}")
        )
    return f"{WORDS[every]} ({starts}), and a comparison of everything once a day from {visible(at)}"
