"""A creation in XPM that is killed at one of its steps, where XPM shows new records sooner or later."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from tests.simulation.faults import CALM, FIGURES, FaultRates
from tests.simulation.practice import Engine
from xpm_tui.domain.runs import Intent
from xpm_tui.domain.tables import INTENTS

SHOWN = {"at once": 0.0, "after 90 s": 90.0, "after 10 min": 600.0, "never": 1e9}
"""How long XPM takes to list the new record, in seconds."""
NEVER_SENT = ("before INTENT", "after INTENT")
NOT_THERE = (*NEVER_SENT, "after SENT", "bytes sent")
STEPS = (*NOT_THERE, "server committed", "before DONE", "after DONE", "reply lost")


class KilledCreation(ABC):
    """One cell of the matrix: a record is asked for, the process dies, and others go on."""

    kind: ClassVar[str]
    """``client`` or ``staff``, as in the intents and in XPM's addresses."""

    def __init__(self, folder: Path, step: str, shown: str) -> None:
        self.engine = Engine(folder)
        self.step = step
        self.lag = SHOWN[shown]

    @abstractmethod
    def add(self) -> str:
        """Add the record here and return its id."""

    @abstractmethod
    async def create(self) -> object:
        """Ask for the record in XPM."""

    @property
    @abstractmethod
    def there(self) -> list[str]:
        """The UUIDs of the records of that name in XPM, listed or not."""

    @property
    @abstractmethod
    def linked(self) -> str:
        """The UUID that the record here is linked to; empty if to none."""

    @property
    def held(self) -> list[Intent]:
        """The writes that wait for a decision."""
        return self.engine.practice.snapshot().find(INTENTS, "state", "held")

    @property
    def _call(self) -> str:
        return f"POST /practicemanager/3.1/{self.kind}.api/add"

    def _is_reached(self, name: str) -> bool:
        when, _, what = self.step.partition(" ")
        step = {"bytes sent": f"before {self._call}", "server committed": f"after {self._call}"}
        return name == step.get(self.step, f"{when} commit {self.kind}.add {what.lower()}")

    def _lose_the_reply(self, name: str) -> bool:
        """Lose the answer to the creation alone; the process lives on and looks."""
        way = self.engine.way
        way.rates = FaultRates(lose_after=1.0) if name == f"before {self._call}" else way.rates
        way.rates = CALM if name.startswith("before GET") else way.rates
        return False

    async def begin(self) -> None:
        """Ask for the record, and die at the step."""
        engine = self.engine
        await engine.connect()
        self.id = self.add()
        engine.switch(create_lag=self.lag)
        crashes = FIGURES["crashes"]
        lost = self.step == "reply lost"
        engine.life.trips.append(self._lose_the_reply if lost else self._is_reached)
        await engine.survive(self.create)
        if lost:
            engine.way.rates = CALM
        else:
            assert FIGURES["crashes"] > crashes, "the step was never reached"
            if engine.life.dead or engine.life.trips:
                engine.restart()

    def check(self) -> None:
        """Check what holds whatever happened: never two, and never a link to another one."""
        FIGURES["creations killed"] += 1
        FIGURES["records doubled"] += len(self.there) > 1
        assert len(self.there) <= 1
        assert self.linked in ("", *self.there)

    def check_no_open_writes(self) -> None:
        """Check that no write is left without an outcome or a decision to make."""
        assert self.engine.practice.snapshot().find(INTENTS, "state", "sent") == []
        assert self.linked or self.held or not self.there, "a record that nobody knows of"
