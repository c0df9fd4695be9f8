"""Faults on demand: which there are, and which calls they hit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase

ANSWERS = (
    "401-expired",
    "401-unsuccessful",
    "401-scope",
    "403",
    "404",
    "409",
    "429-minute",
    "429-day",
    "429-concurrent",
    "429-appminute",
    "500",
    "500-broken-json",
    "502",
    "503",
    "invalid-grant",
    "unauthorized-client",
    "reset",
    "hang",
)
"""Instead of the answer; with `after` the call takes effect first."""
SPOILERS = (
    "slow",
    "cut",
    "broken-xml",
    "wrong-encoding",
    "doctype",
    "html",
    "status-error",
    "empty",
    "deep-xml",
    "endless",
)
"""Done to the true answer on its way."""
ODD = (
    "no-name",
    "no-uuid",
    "odd-flag",
    "odd-character",
    "contact-twice",
    "contact-without-uuid",
    "empty-group",
    "manager-without-uuid",
)
"""Done to one record in the middle of a list, to be found in the XML only."""
ROWS = ("duplicate-uuids", "half-list", "empty-list", "next-loops", "next-leaves", *ODD)
"""Done to the records of a list."""
LATE = "late"
"""What the call creates shows in lists only `seconds` later."""
_SHORT = {"401": "401-expired", "429": "429-minute"}
KINDS = (*ANSWERS, *SPOILERS, *ROWS, LATE)


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that is injected into matching calls.

    Attributes:
        endpoint: A pattern over names such as `client.api/list`, `connect/token` or `connections`, with the
            method before it if wanted (`PUT client.api/*`).
        nth: Hit only this one of the matching calls.
        every: Hit every call with a multiple of this number; without `nth` and `every`, all calls are hit.
        times: Hit at most so many calls, 0 being no limit.
        seconds: The wait that a 429 names, the pause between chunks of a slow body, or how long a record
            stays unseen.
    """

    kind: str
    endpoint: str = "*"
    nth: int = 0
    every: int = 0
    times: int = 0
    seconds: float = 0.0
    after: bool = False

    @classmethod
    def read(cls, values: Mapping[str, object]) -> Fault:
        """A fault from JSON or text values. Raises ValueError in words."""
        known = {item.name: item.type for item in fields(cls)}
        for name in values:
            if name not in known:
                raise ValueError(f"A fault has no {name!r}. Known: {', '.join(known)}.")
        kind = str(values.get("kind", ""))
        kind = _SHORT.get(kind, kind)
        if kind not in KINDS:
            raise ValueError(f"There is no fault {kind!r}. Known: {', '.join(KINDS)}.")
        try:
            return cls(
                kind,
                str(values.get("endpoint", "*")),
                int(str(values.get("nth", 0))),
                int(str(values.get("every", 0))),
                int(str(values.get("times", 0))),
                float(str(values.get("seconds", 0))),
                str(values.get("after", "no")).lower() in ("yes", "true", "on", "1"),
            )
        except ValueError as error:
            raise ValueError(f"Fault {kind}: nth, every, times and seconds are numbers ({error}).") from error

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Return a fault from its form on the command line.

        The form is `KIND[,name=value…]`, such as `429-minute,endpoint=client.api/list,nth=2,seconds=30`.

        Raises:
            ValueError: The text is not a fault; the message says why.
        """
        kind, *rest = (part.strip() for part in text.split(","))
        values: dict[str, object] = {"kind": kind}
        for part in rest:
            name, equals, value = part.partition("=")
            if not equals:
                raise ValueError(f"A fault is KIND,name=value,…: {part!r} is no name=value.")
            values[name.strip()] = value.strip()
        return cls.read(values)

    def matches(self, method: str, endpoint: str) -> bool:
        """Return whether the fault is meant for calls of this method and endpoint."""
        verb, _, pattern = self.endpoint.rpartition(" ")
        return (not verb or verb.upper() == method) and fnmatchcase(endpoint, pattern)

    def hits(self, seen: int, fired: int) -> bool:
        """Whether it hits the `seen`-th matching call after having hit `fired` of them."""
        if self.times and fired >= self.times:
            return False
        if self.nth:
            return seen == self.nth
        return not self.every or seen % self.every == 0


@dataclass(frozen=True, slots=True)
class Installed:
    """A fault in force, with how many calls matched and how many it hit."""

    fault: Fault
    seen: int = 0
    fired: int = 0


class Faults:
    """The faults in force. A call is hit by the first that fits; all that match count it."""

    def __init__(self) -> None:
        self._installed: list[Installed] = []

    def __iter__(self) -> Iterator[Installed]:
        return iter(self._installed)

    def add(self, fault: Fault) -> None:
        """Install a fault."""
        self._installed.append(Installed(fault))

    def clear(self) -> None:
        """Remove all faults."""
        self._installed.clear()

    def take(self, method: str, endpoint: str) -> Fault | None:
        """Count the call, and give the fault that hits it."""
        hit = None
        for place, item in enumerate(self._installed):
            if not item.fault.matches(method, endpoint):
                continue
            seen, fired = item.seen + 1, item.fired
            if hit is None and item.fault.hits(seen, fired):
                hit, fired = item.fault, fired + 1
            self._installed[place] = Installed(item.fault, seen, fired)
        return hit
