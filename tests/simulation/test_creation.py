"""A creation that is killed at each of its steps, in an XPM that shows new records sooner, later or never."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Literal

import pytest

from tests.simulation.faults import CALM, FIGURES, FaultRates
from tests.simulation.practice import Engine
from tests.support.profile import in_soak, spread
from tests.support.virtual import run_virtual
from xpm_tui.application.clients.links import create_in_xpm
from xpm_tui.application.runs import plans
from xpm_tui.domain.errors import AppError, DecisionNeeded, NotFound
from xpm_tui.domain.runs import Intent
from xpm_tui.domain.tables import INTENTS, LINKS
from xpm_tui.sync.applying.recovery import Choice, decision_writes, held_intents

NAME = "Tūī Nest Builders Ltd"
ADD = "POST /practicemanager/3.1/client.api/add"
KILLS = {
    "before INTENT": "before commit client.add intent",
    "after INTENT": "after commit client.add intent",
    "after SENT": "after commit client.add sent",
    "bytes sent": f"before {ADD}",
    "server committed": f"after {ADD}",
    "before DONE": "before commit client.add done",
    "after DONE": "after commit client.add done",
    "reply lost": "",
}
SHOWN = {"at once": 0.0, "after 90 s": 90.0, "after 10 min": 600.0, "never": 1e9}
NEVER_SENT = ("before INTENT", "after INTENT")
NOT_THERE = (*NEVER_SENT, "after SENT", "bytes sent")


class Creation:
    """One cell of the matrix: the client is asked for, the process dies, and others go on."""

    def __init__(self, folder: Path, kill: str, shown: float) -> None:
        self.engine = Engine(folder)
        self.kill = kill
        self.shown = shown

    async def begin(self) -> None:
        """Ask for the client, die where the cell says, and run again."""
        engine = self.engine
        await engine.connect()
        (self.id,) = engine.add([NAME])
        engine.switch(create_lag=self.shown)
        if self.kill == "reply lost":
            await self.lose_the_reply()
        else:
            wanted = KILLS[self.kill]
            engine.life.trips.append(lambda name: name == wanted)
            await engine.survive(lambda: create_in_xpm(engine.practice, self.id))
            assert FIGURES["crashes"], "the step was never reached"
            if engine.life.dead or engine.life.trips:
                engine.restart()
        self.ended = await engine.run(reviewed=True)
        self.check()

    async def lose_the_reply(self) -> None:
        """The answer to the creation alone is lost; the process lives on and looks."""
        engine = self.engine

        def storm(name: str) -> bool:
            engine.way.rates = FaultRates(lose_after=1.0) if name == f"before {ADD}" else engine.way.rates
            engine.way.rates = CALM if name.startswith("before GET") else engine.way.rates
            return False

        engine.life.trips.append(storm)
        await engine.survive(lambda: create_in_xpm(engine.practice, self.id))
        engine.way.rates = CALM

    @property
    def there(self) -> list[str]:
        """The clients of that name in XPM, shown or not."""
        return [row.uuid for row in self.engine.sandbox.practice.clients.values() if row.name == NAME]

    @property
    def linked(self) -> str:
        link = self.engine.practice.snapshot().get(LINKS, self.id)
        return link.uuid if link is not None else ""

    @property
    def held(self) -> list[Intent]:
        return self.engine.practice.snapshot().find(INTENTS, "state", "held")

    def check(self) -> None:
        """What holds whatever happened: never two, never a link to another one, no word left open."""
        FIGURES["creations killed"] += 1
        FIGURES["records doubled"] += len(self.there) > 1
        assert len(self.there) <= 1
        assert self.linked in ("", *self.there)
        assert self.engine.practice.snapshot().find(INTENTS, "state", "sent") == []
        assert self.linked or self.held or not self.there, "a client that nobody knows of"


def _open(folder: Path, kill: str, shown: str) -> Creation:
    creation = Creation(folder, kill, SHOWN[shown])
    return creation


@pytest.mark.parametrize(("kill", "shown"), spread(product(KILLS, SHOWN), 9))
def test_there_is_exactly_one_client_or_a_run_that_says_why_not(folder: Path, kill: str, shown: str) -> None:
    creation = _open(folder, kill, shown)

    async def scenario() -> None:
        await creation.begin()
        engine = creation.engine
        in_time = SHOWN[shown] <= 300 or kill == "after DONE"
        if kill in NEVER_SENT:
            assert (creation.held, creation.linked) == ([], "")
            await engine.survive(lambda: create_in_xpm(engine.practice, creation.id))
            creation.check()
            assert [creation.linked] == creation.there
        elif kill in NOT_THERE or not in_time:
            (intent,) = creation.held
            assert intent.note
            if kill != "reply lost":
                assert creation.ended.outcome == "held"
                assert "unknown-outcome" in {stop.rule for stop in creation.ended.stops}
                assert creation.ended.exit_code == 4
            with pytest.raises(DecisionNeeded):
                await create_in_xpm(engine.practice, creation.id)
            creation.check()
        else:
            assert [creation.linked] == creation.there
            assert creation.ended.outcome == "done"
            assert (await plans.make(engine.practice)).counts["items"] == 0

    try:
        run_virtual(scenario())
    finally:
        creation.engine.close()


@pytest.mark.parametrize("choice", ["adopt", "again", "drop"])
@pytest.mark.parametrize("kill", ["server committed", in_soak("bytes sent")])
def test_a_person_decides_about_one_that_is_held(
    folder: Path, kill: str, choice: Literal["adopt", "again", "drop"]
) -> None:
    creation = _open(folder, kill, "after 10 min")

    async def scenario() -> None:
        await creation.begin()
        engine = creation.engine
        (intent,) = creation.held
        await engine.clock.sleep(600)
        made = creation.there
        if not made:
            still = await engine.run(reviewed=True, full=True)
            assert (still.outcome, still.exit_code) == ("held", 4), "it waits until somebody has decided"
        await plans.make(engine.practice, full=True)
        assert creation.linked == ""
        assert held_intents(engine.practice.snapshot()) == [intent]
        if choice == "adopt" and not made:
            with pytest.raises(NotFound) as no:
                _settle(engine, intent.id, choice, "")
            assert no.value.hint
            return
        _settle(engine, intent.id, choice, made[0] if made else "")
        assert held_intents(engine.practice.snapshot()) == []
        if choice != "adopt":
            again = await engine.survive(lambda: create_in_xpm(engine.practice, creation.id))
            assert isinstance(again, AppError) == bool(made)
        assert (await engine.run(reviewed=True)).outcome == "done"
        creation.check()
        assert [creation.linked] == creation.there

    try:
        run_virtual(scenario())
    finally:
        creation.engine.close()


def _settle(engine: Engine, intent: str, choice: Choice, uuid: str) -> None:
    store = engine.practice.store
    store.commit(decision_writes(store.snapshot(), intent, choice, engine.clock.now(), uuid))
