"""Pacing of calls: Xero's limits, our lower ones, and how long a number of calls takes.

Xero allows 60 calls in any rolling minute, 5 at once, and 5,000 (or 1,000) a day, per app and practice
(developer.xero.com, limits). The limits here are lower, so that network delays cannot push calls over Xero's:
55 of a minute and 3 at once for a run, 59 and 4 for everything together. A slot therefore always remains for
a user who is waiting. The rate limiter and the forecast of a run both use ``until_free``.
"""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Sequence
from datetime import datetime

import msgspec

MINUTE = 60.0
BACKGROUND_MINUTE = 55
ALL_MINUTE = 59
BACKGROUND_FLIGHT = 3
ALL_FLIGHT = 4
XERO_MINUTE = 60

LIMITER_FILE = "gate.json"
"""The rate limiter's file in the state folder of a practice."""


def waiting(seconds: float) -> str:
    """Return, without a full stop, that calls wait for Xero's limit, and when they continue."""
    return f"Waiting for Xero's limit of {XERO_MINUTE} calls a minute, resumes in {math.ceil(seconds)} s"


def until_free(ends: Sequence[float], limit: int, now: float) -> float:
    """Return the seconds until one more call may be made.

    Args:
        ends: When each call of the last minute leaves the window, the earliest first.
        limit: Calls that may be in the window.
        now: The present moment, on the clock of ``ends``.
    """
    over = len(ends) - limit
    return 0.0 if over < 0 else max(0.001, ends[over] - now)


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """What the rate limiter allows from now on.

    ``expiries``: the seconds until each call of the last minute leaves the window. ``closed``: seconds for
    which no call may be made. ``day_left``: the calls that a run may still make today (None: unknown), and
    ``day_until`` when the allowance is renewed. ``limit``: calls in a minute. ``spacing``: the usual seconds
    between two calls of the last minute, without waits (0: unknown).
    """

    expiries: tuple[float, ...] = ()
    closed: float = 0.0
    day_left: int | None = None
    day_until: datetime | None = None
    limit: int = BACKGROUND_MINUTE
    spacing: float = 0.0

    @property
    def wait(self) -> float:
        """Return the seconds until a run may make its next call; 0 if it may now."""
        ends = sorted(end for end in self.expiries if end > self.closed)
        return self.closed + until_free(ends, self.limit, self.closed)

    def minimum_seconds(self, calls: int) -> float:
        """Return the minimum number of seconds until the last of ``calls`` calls may start.

        The calls are simulated one after the other in the sliding window, without the server's response time.
        """
        return self._simulated(calls, 0.0)

    def likely_seconds(self, calls: int) -> float:
        """Return in how many seconds ``calls`` calls are likely to be done.

        That is the sum of the rate limiter's waits and the usual time of each call.
        """
        return self._simulated(calls, self.spacing)

    def _simulated(self, calls: int, spacing: float) -> float:
        if calls < 1:
            return 0.0
        ends = sorted(self.expiries)
        now = self.closed
        for _ in range(calls):
            while ends and ends[0] <= now:
                ends.pop(0)
            now += until_free(ends, self.limit, now)
            while ends and ends[0] <= now:
                ends.pop(0)
            insort(ends, now + MINUTE)
            now += spacing
        return round(now, 3)

    def beyond_today(self, calls: int) -> int:
        """Return how many of ``calls`` calls today's allowance does not cover."""
        return 0 if self.day_left is None else max(0, calls - self.day_left)
