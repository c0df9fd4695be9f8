"""How fast calls may be made: Xero's limits, ours below them, and how long a number of calls takes.

Xero allows 60 calls in any rolling minute, 5 at once, and 5,000 (or 1,000) a day, per app and practice
(developer.xero.com, limits). We take less, so that delays on the way cannot squeeze calls over the limit: a
run 55 of a minute and 3 at once, all together 59 and 4. So there is always a slot for someone who waits. The
rate limiter and the forecast of a run both follow ``until_free``.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from datetime import datetime

import msgspec

MINUTE = 60.0
PUSH_MINUTE = 55
ALL_MINUTE = 59
PUSH_FLIGHT = 3
ALL_FLIGHT = 4


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
    """What the rate limiter would allow from now on.

    ``frees``: in how many seconds each call of the last minute leaves the window. ``closed``: seconds for
    which nobody may call. ``day_left``: what a run may still call today (None: not known), and ``day_until``
    when there will be more. ``limit``: calls in a minute.
    """

    frees: tuple[float, ...] = ()
    closed: float = 0.0
    day_left: int | None = None
    day_until: datetime | None = None
    limit: int = PUSH_MINUTE

    def least_seconds(self, calls: int) -> float:
        """Return the least number of seconds until the last of so many calls may start, by simulating them
        one after the other in the sliding window. Time at the server comes on top."""
        if calls < 1:
            return 0.0
        ends = sorted(self.frees)
        now = self.closed
        for _ in range(calls):
            while ends and ends[0] <= now:
                ends.pop(0)
            now += until_free(ends, self.limit, now)
            while ends and ends[0] <= now:
                ends.pop(0)
            insort(ends, now + MINUTE)
        return round(now, 3)

    def beyond_today(self, calls: int) -> int:
        """Return how many of so many calls today's allowance does not cover."""
        return 0 if self.day_left is None else max(0, calls - self.day_left)
