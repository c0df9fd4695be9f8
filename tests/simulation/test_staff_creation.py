"""A staff record asked for while the process dies at each step, in an XPM that shows it late or never."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from tests.simulation.faults import CALM, FIGURES, FaultRates
from tests.simulation.practice import Engine
from tests.support.profile import spread
from tests.support.virtual import run_virtual
from xpm_tui.application.team.members import create_in_xpm
from xpm_tui.domain.errors import DecisionNeeded
from xpm_tui.domain.ignition import TeamMember
from xpm_tui.domain.ports import Put
from xpm_tui.domain.runs import Intent
from xpm_tui.domain.tables import INTENTS, TEAM

NAME = "Bo \N{BRAHMI LETTER A} <Li> & [/]"
ADD = "POST /practicemanager/3.1/staff.api/add"
KILLS = {
    "before INTENT": "before commit staff.add intent",
    "after INTENT": "after commit staff.add intent",
    "after SENT": "after commit staff.add sent",
    "bytes sent": f"before {ADD}",
    "server committed": f"after {ADD}",
    "before DONE": "before commit staff.add done",
    "after DONE": "after commit staff.add done",
    "reply lost": "",
}
SHOWN = {"at once": 0.0, "after 90 s": 90.0, "after 10 min": 600.0, "never": 1e9}
NEVER_SENT = ("before INTENT", "after INTENT")
NOT_THERE = (*NEVER_SENT, "after SENT", "bytes sent")


class Asked:
    """One cell of the matrix: the record is asked for, the process dies, and it is asked for again."""

    def __init__(self, folder: Path, kill: str, shown: float) -> None:
        self.engine = Engine(folder)
        self.kill = kill
        self.shown = shown

    async def begin(self) -> None:
        engine = self.engine
        await engine.connect()
        (self.id,) = engine.practice.ids.new("t")
        engine.practice.store.commit([Put(TEAM, TeamMember(id=self.id, name=NAME, email="bo@x.example"))])
        engine.switch(create_lag=self.shown)
        if self.kill == "reply lost":
            engine.life.trips.append(self.lose)
            await engine.survive(lambda: create_in_xpm(engine.practice, self.id))
            engine.way.rates = CALM
        else:
            wanted = KILLS[self.kill]
            crashes = FIGURES["crashes"]
            engine.life.trips.append(lambda name: name == wanted)
            await engine.survive(lambda: create_in_xpm(engine.practice, self.id))
            assert FIGURES["crashes"] > crashes, "the step was never reached"
            if engine.life.dead or engine.life.trips:
                engine.restart()
        self.check()

    def lose(self, name: str) -> bool:
        way = self.engine.way
        way.rates = FaultRates(lose_after=1.0) if name == f"before {ADD}" else way.rates
        way.rates = CALM if name.startswith("before GET") else way.rates
        return False

    @property
    def there(self) -> list[str]:
        return [row.uuid for row in self.engine.sandbox.practice.staff.values() if row.name == NAME]

    @property
    def linked(self) -> str:
        member = self.engine.practice.snapshot().get(TEAM, self.id)
        return member.staff if member is not None else ""

    @property
    def held(self) -> list[Intent]:
        return self.engine.practice.snapshot().find(INTENTS, "state", "held")

    def check(self) -> None:
        assert len(self.there) <= 1
        assert self.linked in ("", *self.there)


@pytest.mark.parametrize(("kill", "shown"), spread(product(KILLS, SHOWN), 7))
def test_there_is_exactly_one_record_or_a_write_that_waits(folder: Path, kill: str, shown: str) -> None:
    asked = Asked(folder, kill, SHOWN[shown])

    async def scenario() -> None:
        await asked.begin()
        engine = asked.engine
        for _ in range(2):
            await engine.survive(lambda: create_in_xpm(engine.practice, asked.id))
            asked.check()
        if kill in NEVER_SENT or kill == "after DONE":
            assert [asked.linked] == asked.there
            return
        ended = await engine.run(reviewed=True)
        asked.check()
        assert engine.practice.snapshot().find(INTENTS, "state", "sent") == []
        if kill in NOT_THERE or SHOWN[shown] > 300:
            (intent,) = asked.held
            assert intent.note
            assert (asked.linked, ended.outcome) == ("", "held")
            with pytest.raises(DecisionNeeded):
                await create_in_xpm(engine.practice, asked.id)
            asked.check()
        else:
            assert [asked.linked] == asked.there
            assert (asked.held, ended.outcome) == ([], "done")

    try:
        run_virtual(scenario())
    finally:
        asked.engine.close()
