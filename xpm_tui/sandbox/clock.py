"""The simulator's clock, its time formats, and ids and tokens derived from the seed and counters."""

from __future__ import annotations

import base64
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from hashlib import blake2b

MINUTE = 60.0
HOUR = 60 * MINUTE
DAY = 24 * HOUR

SAMPLE_NOW = datetime(2026, 9, 14, 9, 30, tzinfo=UTC).timestamp()
"""The initial time of a manual clock: a Monday after Xero's content negotiation became strict."""


class SandboxClock:
    """Seconds since the epoch (UTC) from `source`, plus the sum of all advances."""

    def __init__(self, source: Callable[[], float] = time.time) -> None:
        self._source = source
        self._offset = 0.0

    @classmethod
    def manual(cls, start: float = SAMPLE_NOW) -> SandboxClock:
        """Return a clock that stands still at `start` until it is advanced."""
        return cls(lambda: start)

    def now(self) -> float:
        """Return the current time in seconds since the epoch, including all advances."""
        return self._source() + self._offset

    def advance(self, seconds: float) -> float:
        """Move the clock forward by `seconds` and return the new time.

        Raises:
            ValueError: The step is negative: rolling windows and token lifetimes need a clock that only
                advances.
        """
        if seconds < 0:
            raise ValueError("the sandbox clock only moves forward")
        self._offset += seconds
        return self.now()


def utc(moment: float) -> datetime:
    """Return a time as an aware datetime in UTC."""
    return datetime.fromtimestamp(moment, UTC)


def http_date(moment: float) -> str:
    """Return a time as in HTTP headers (RFC 9110, section 5.6.7)."""
    return format_datetime(utc(moment), usegmt=True)


def stamp(moment: float) -> str:
    """Return `yyyy-MM-ddTHH:mm:ss` without a zone, as Practice Manager writes times."""
    return utc(moment).strftime("%Y-%m-%dT%H:%M:%S")


def stamp7(moment: float) -> str:
    """Return a time as in /connections: seven decimals, no `Z`."""
    return utc(moment).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0"


def day_of(moment: float) -> str:
    """Return `yyyy-MM-dd` of a time, in UTC."""
    return utc(moment).strftime("%Y-%m-%d")


def shift_day(day: str, days: int) -> str:
    """Return a `yyyy-MM-dd` day shifted by whole days."""
    return (datetime.fromisoformat(day) + timedelta(days=days)).strftime("%Y-%m-%d")


def uuid_from(seed: int, kind: str, number: int) -> str:
    """Return the UUID (version 4 in form, lower case) of a `kind` and `number` for a `seed`."""
    digits = blake2b(f"{seed}:{kind}:{number}".encode(), digest_size=16).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def opaque_from(seed: int, kind: str, number: int) -> str:
    """Return url-safe text without padding, such as codes and refresh tokens."""
    raw = blake2b(f"{seed}:{kind}:{number}".encode(), digest_size=32).digest()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


class SequentialIds:
    """Counters per kind, so that the n-th record of a kind has the same id in every run with a seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._counts: defaultdict[str, int] = defaultdict(int)

    def count(self, kind: str) -> int:
        """Return the next number of a kind, starting at 1."""
        self._counts[kind] += 1
        return self._counts[kind]

    def uuid(self, kind: str) -> str:
        """Return the next UUID of a kind."""
        return uuid_from(self.seed, kind, self.count(kind))

    def opaque(self, kind: str) -> str:
        """Return the next opaque text of a kind, such as a token."""
        return opaque_from(self.seed, kind, self.count(kind))
