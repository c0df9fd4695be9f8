"""Clients and staff are created while the process dies at a step: never two, and none is forgotten."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Literal

import pytest

from tests.simulation.creation import NEVER_SENT, NOT_THERE, SHOWN, STEPS, KilledCreation
from tests.simulation.practice import Engine
from tests.support.profile import in_soak, spread
from tests.support.virtual import run_virtual
from xpm_tui.application.clients import links
from xpm_tui.application.runs import plans
from xpm_tui.application.team import members
from xpm_tui.domain.errors import AppError, DecisionNeeded, NotFound
from xpm_tui.domain.ignition import TeamMember
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import INTENTS, LINKS, TEAM
from xpm_tui.sync.applying.recovery import Choice, decision_writes, held_intents

CLIENT = "Tūī Nest Builders Ltd"
PERSON = "Bo \N{BRAHMI LETTER A} <Li> & [/]"


class ClientCreation(KilledCreation):
    kind = "client"

    def add(self) -> str:
        (id_,) = self.engine.add([CLIENT])
        return id_

    async def create(self) -> object:
        return await links.create_in_xpm(self.engine.practice, self.id)

    @property
    def there(self) -> list[str]:
        return [row.uuid for row in self.engine.sandbox.practice.clients.values() if row.name == CLIENT]

    @property
    def linked(self) -> str:
        link = self.engine.practice.snapshot().get(LINKS, self.id)
        return link.uuid if link is not None else ""

    async def begin_and_run(self) -> None:
        """Die at the step, then sync."""
        await self.begin()
        self.ended = await self.engine.run(reviewed=True)
        self.check()
        self.check_no_open_writes()


class StaffCreation(KilledCreation):
    kind = "staff"

    def add(self) -> str:
        (id_,) = self.engine.practice.ids.new("t")
        self.engine.practice.store.commit([Put(TEAM, TeamMember(id=id_, name=PERSON, email="bo@x.example"))])
        return id_

    async def create(self) -> object:
        return await members.create_in_xpm(self.engine.practice, self.id)

    @property
    def there(self) -> list[str]:
        return [row.uuid for row in self.engine.sandbox.practice.staff.values() if row.name == PERSON]

    @property
    def linked(self) -> str:
        member = self.engine.practice.snapshot().get(TEAM, self.id)
        return member.staff if member is not None else ""


@pytest.mark.parametrize(("step", "shown"), spread(product(STEPS, SHOWN), 9))
def test_there_is_exactly_one_client_or_a_run_that_says_why_not(folder: Path, step: str, shown: str) -> None:
    creation = ClientCreation(folder, step, shown)

    async def scenario() -> None:
        await creation.begin_and_run()
        engine = creation.engine
        in_time = SHOWN[shown] <= 300 or step == "after DONE"
        if step in NEVER_SENT:
            assert (creation.held, creation.linked) == ([], "")
            await engine.survive(creation.create)
            creation.check()
            assert [creation.linked] == creation.there
        elif step in NOT_THERE or not in_time:
            (intent,) = creation.held
            assert intent.note
            if step != "reply lost":
                assert creation.ended.outcome == "held"
                assert "unknown-outcome" in {stop.rule for stop in creation.ended.stops}
                assert creation.ended.exit_code == 4
            with pytest.raises(DecisionNeeded):
                await creation.create()
            creation.check()
        else:
            assert [creation.linked] == creation.there
            assert creation.ended.outcome == "done"
            assert (await plans.make(engine.practice)).counts["items"] == 0

    try:
        run_virtual(scenario())
    finally:
        creation.engine.close()


@pytest.mark.parametrize(("step", "shown"), spread(product(STEPS, SHOWN), 7))
def test_there_is_exactly_one_staff_record_or_a_held_write(folder: Path, step: str, shown: str) -> None:
    creation = StaffCreation(folder, step, shown)

    async def scenario() -> None:
        await creation.begin()
        creation.check()
        engine = creation.engine
        for _ in range(2):
            await engine.survive(creation.create)
            creation.check()
        if step in NEVER_SENT or step == "after DONE":
            assert [creation.linked] == creation.there
            return
        ended = await engine.run(reviewed=True)
        creation.check()
        assert engine.practice.snapshot().find(INTENTS, "state", "sent") == []
        if step in NOT_THERE or SHOWN[shown] > 300:
            (intent,) = creation.held
            assert intent.note
            assert (creation.linked, ended.outcome) == ("", "held")
            with pytest.raises(DecisionNeeded):
                await creation.create()
            creation.check()
        else:
            assert [creation.linked] == creation.there
            assert (creation.held, ended.outcome) == ([], "done")

    try:
        run_virtual(scenario())
    finally:
        creation.engine.close()


@pytest.mark.parametrize("choice", ["adopt", "again", "drop"])
@pytest.mark.parametrize("step", ["server committed", in_soak("bytes sent")])
def test_a_person_decides_about_one_that_is_held(
    folder: Path, step: str, choice: Literal["adopt", "again", "drop"]
) -> None:
    creation = ClientCreation(folder, step, "after 10 min")

    async def scenario() -> None:
        await creation.begin_and_run()
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
            again = await engine.survive(creation.create)
            assert isinstance(again, AppError) == bool(made)
        assert (await engine.run(reviewed=True)).outcome == "done"
        creation.check()
        creation.check_no_open_writes()
        assert [creation.linked] == creation.there

    try:
        run_virtual(scenario())
    finally:
        creation.engine.close()


def _settle(engine: Engine, intent: str, choice: Choice, uuid: str) -> None:
    store = engine.practice.store
    store.commit(decision_writes(store.snapshot(), intent, choice, engine.clock.now(), uuid))
