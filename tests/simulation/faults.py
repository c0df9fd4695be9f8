"""Faults between product and sandbox: delays, losses, repetitions and killed processes, by a seed."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Literal

import httpx

from tests.support.inprocess import InProcess
from xpm_tui.domain.ports import Clock

Moment = Literal["before", "after"]
"""Of a request: its bytes have not left, or its effect is there and no answer came."""


FIGURES: Counter[str] = Counter()
"""What was done to the engine, and what came of it, over all the tests of one session."""


class Crash(BaseException):
    """The process is gone: nothing catches it, and nothing that this process does has an effect any more."""


@dataclass(frozen=True)
class FaultRates:
    """How bad the way is: seconds of delay at most, and how likely each misfortune is for one request."""

    delay: float = 0.0
    lose_before: float = 0.0
    lose_after: float = 0.0
    double: float = 0.0
    colleague: float = 0.0


CALM = FaultRates()
STORM = FaultRates(delay=4.0, lose_before=0.05, lose_after=0.08, double=0.08, colleague=0.15)


class Life:
    """Of a process: counts its calls and commits, and ends it at a chosen one.

    ``trips`` are asked at each step, by its name, and kill by saying True.
    """

    def __init__(self) -> None:
        self.dead = False
        self.steps = 0
        self.trips: list[Callable[[str], bool]] = []

    def step(self, name: str) -> None:
        """One step that a process can die at; raises :class:`Crash` from then on."""
        self.steps += 1
        if self.dead or any(trip(name) for trip in self.trips):
            FIGURES["crashes"] += not self.dead
            self.dead = True
            raise Crash

    def at(self, number: int) -> None:
        """Die at the so-manieth step from now."""
        wanted = self.steps + number
        self.trips.append(lambda _: self.steps >= wanted)


class FaultyTransport(httpx.AsyncBaseTransport):
    """Carries requests through ``rates`` to the sandbox; ``seen`` is what was carried, in order.

    ``meanwhile`` is what a colleague does when one is at work. Only what may be repeated without harm is
    doubled, as a proxy would.
    """

    def __init__(self, net: InProcess, clock: Clock, rng: Random, meanwhile: Callable[[], None]) -> None:
        self.net = net
        self.clock = clock
        self.rates = CALM
        self.life = Life()
        self.seen: list[tuple[str, ...]] = []
        self._rng = rng
        self._meanwhile = meanwhile

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        life, rng = self.life, self._rng
        body = await request.aread()
        name = f"{request.method} {request.url.path}"
        own = "api" in request.url.path.rpartition("/")[0]
        digest = hashlib.sha256(body).hexdigest()[:12] if own else ""
        FIGURES["requests"] += 1
        life.step(f"before {name}")
        rates = self.rates
        self.seen.append((name, request.url.query.decode() if own else "", digest))
        await self.clock.sleep(rng.uniform(0.0, rates.delay))
        if rng.random() < rates.colleague:
            FIGURES["edits by a colleague under way"] += 1
            self._meanwhile()
        if rng.random() < rates.lose_before:
            FIGURES["requests lost before the effect"] += 1
            raise httpx.ReadError("lost on its way there", request=request)
        response = await self.net.handle_async_request(request)
        if request.method in ("GET", "PUT") and rng.random() < rates.double:
            FIGURES["requests doubled"] += 1
            await response.aclose()
            await self.clock.sleep(rng.uniform(0.0, rates.delay))
            response = await self.net.handle_async_request(request)
        try:
            life.step(f"after {name}")
            await self.clock.sleep(rng.uniform(0.0, rates.delay))
            if rng.random() < rates.lose_after:
                FIGURES["requests lost after the effect"] += 1
                raise httpx.ReadError("lost on its way back", request=request)
        except BaseException:
            await response.aclose()
            raise
        return response
