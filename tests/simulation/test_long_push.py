"""A sync To XPM over days: a crash, a stop, an expired token, every kind of 429, the daily limit."""

from __future__ import annotations

import re
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.simulation import oracle
from tests.simulation.faults import FIGURES, Crash
from tests.simulation.practice import Engine
from tests.simulation.test_counts import pulled
from tests.support.profile import count
from tests.support.virtual import run_virtual
from xpm_tui.domain.errors import AllowanceUsedUp, AppError
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.ports import Put
from xpm_tui.domain.runs import Run
from xpm_tui.domain.tables import CLIENTS
from xpm_tui.sandbox.faults import Fault

CLIENTS_PUSHED = count(120, 3_000)
DAY_LIMIT = count(100, 1_000)
RESERVE = count(20, 100)
UPDATE = "PUT /practicemanager/3.1/client.api/update"


class LongPush:
    """The push, and what happens to it on its way: at the so-manieth update, one thing after the other."""

    def __init__(self, folder: Path) -> None:
        self.engine = Engine(folder, clients=CLIENTS_PUSHED * 7 // 6)
        self.updates = 0
        self.happened: list[str] = []
        part = CLIENTS_PUSHED // 10
        self.due: list[tuple[int, str, Callable[[], bool]]] = [
            (part, "a token expires", self.expire),
            (2 * part, "429 of the minute", lambda: self.refuse("429-minute", 17)),
            (3 * part, "429 of too many at once", lambda: self.refuse("429-concurrent", 0)),
            (4 * part, "429 of the app's minute", lambda: self.refuse("429-appminute", 11)),
            (5 * part, "killed before the bytes", lambda: True),
            (6 * part, "killed after the effect", lambda: True),
            (7 * part, "a hang-up", self.hang_up),
            (8 * part, "429 of the day", lambda: self.refuse("429-day", 7_200)),
        ]

    def watch(self) -> None:
        """Let things happen in the process that runs now."""
        self.engine.life.trips.append(self.trip)

    def trip(self, name: str) -> bool:
        moment = "after" if self.due and "after" in self.due[0][1] else "before"
        self.updates += name == f"before {UPDATE}"
        if name == f"{moment} {UPDATE}" and self.due and self.updates >= self.due[0][0]:
            _, what, do = self.due.pop(0)
            self.happened.append(what)
            return do()
        return False

    def expire(self) -> bool:
        self.engine.tell("tokens", expire=True)
        return False

    def refuse(self, kind: str, seconds: float) -> bool:
        fault = Fault(kind, endpoint="PUT client.api/update", times=1, seconds=seconds)
        self.engine.sandbox.faults.add(fault)
        return False

    def hang_up(self) -> bool:
        signal.raise_signal(signal.SIGHUP)
        return False

    async def carry_out(self) -> list[str]:
        """Run until nothing is left; gives how each run ended."""
        engine, ended = self.engine, []
        while True:
            self.watch()
            done = await engine.survive(lambda: engine.run(reviewed=True))
            ended.append(_told(done))
            assert len(ended) < 40, ended
            if isinstance(done, AllowanceUsedUp) and done.until is not None:
                await engine.clock.sleep((done.until - engine.clock.now()).total_seconds())
            elif isinstance(done, Run) and done.outcome == "done":
                return ended


def _told(done: Run | AppError | Crash) -> str:
    if isinstance(done, Run):
        return done.outcome
    return "killed" if isinstance(done, Crash) else type(done).__name__


@pytest.mark.soak
def test_every_client_is_written_exactly_once(folder: Path) -> None:
    push = LongPush(folder)
    engine = push.engine

    async def scenario() -> None:
        await pulled(engine)
        engine.set(sync_direction="to_xpm", gate_day_reserve=str(RESERVE))
        await engine.clock.sleep(2 * 86_400)
        wanted: dict[str, Client] = {}
        for client in list(engine.practice.snapshot().rows(CLIENTS)):
            if not engine.real(client.id).archived and len(wanted) < CLIENTS_PUSHED:
                wanted[client.id] = msgspec.structs.replace(client, fax=f"fax {client.id}")
        engine.practice.store.commit([Put(CLIENTS, client) for client in wanted.values()])
        engine.switch(day_limit=DAY_LIMIT)
        began = engine.clock.now()
        ended = await push.carry_out()
        written = Counter(
            re.findall(r"<UUID>([^<]+)</UUID>", row.body)[0].lower()
            for row in engine.writes("client.api/update")
            if row.status == 200
        )
        twice = [uuid for uuid, times in written.items() if times > 1]
        FIGURES["clients pushed over days"] += len(written)
        FIGURES["records doubled"] += len(twice)
        assert twice == []
        assert len(written) == len(wanted) > CLIENTS_PUSHED * 0.9
        assert oracle.differences(engine, to_xpm=True) == []
        assert push.due == []
        assert ended.count("killed") == 2
        assert "stopped" in ended
        assert ended.count("AllowanceUsedUp") >= 1 + CLIENTS_PUSHED // DAY_LIMIT
        refused = Counter(row.problem for row in engine.sandbox.log.rows(lambda row: row.status == 429))
        assert sum(refused.values()) == 4, refused
        assert (engine.clock.now() - began).total_seconds() < 86_400 * (3 + CLIENTS_PUSHED / DAY_LIMIT)

    try:
        run_virtual(scenario())
    finally:
        engine.close()
