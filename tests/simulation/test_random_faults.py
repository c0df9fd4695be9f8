"""Random faults from a seed: requests delayed, lost and repeated, colleagues, crashes, a wrong clock."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from random import Random

import msgspec
import pytest

from tests.simulation import oracle
from tests.simulation.faults import CALM, FIGURES, STORM
from tests.simulation.practice import Engine, fast_folder
from tests.support.profile import count
from tests.support.virtual import run_virtual
from xpm_tui.application.clients.picks import pick_all
from xpm_tui.domain.ignition import Contact
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import CLIENTS, INTENTS, LINKS, XPM_CLIENTS
from xpm_tui.sync.applying.recovery import decision_writes

SEEDS = count(4, 500)
ROUNDS = 3


class Storm:
    """One history: what a seed decides, and what must be true at its end."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.engine = Engine(folder, seed=seed)
        self.rng = Random(seed * 7919)
        self.to_xpm = seed % 2 == 1
        self.wanted: dict[tuple[str, str], str] = {}
        self.added = 0

    async def carry_out(self) -> Engine:
        """Connect, link, rounds of trouble, and at last calm until nothing is left."""
        engine = self.engine
        await engine.connect()
        engine.team()
        if self.rng.random() < 0.5:
            pick_all(engine.practice)
        else:
            engine.add(engine.unique_names())
        assert (await engine.run(reviewed=True)).outcome == "done"
        self.clients = set(engine.sandbox.practice.clients)
        self.contacts = self._contact_count()
        if self.to_xpm:
            engine.set(sync_direction="to_xpm")
        for _ in range(ROUNDS):
            await self.round()
        engine.way.rates = CALM
        engine.clock.skew = timedelta(0)
        await engine.clock.sleep(26 * 3600)
        await engine.survive(lambda: engine.run(reviewed=True, full=True))
        self.decide_what_is_held()
        await engine.until_idle()
        self.check()
        return engine

    async def round(self) -> None:
        """Edits on both sides, then a run through the storm that may be killed at any step."""
        engine, rng = self.engine, self.rng
        for _ in range(rng.randrange(1, 5)):
            engine.colleague()
        self.edit_book()
        engine.way.rates = STORM
        engine.clock.skew = timedelta(days=rng.choice([0, 0, 0, 1, -1]))
        if rng.random() < 0.6:
            engine.life.at(rng.randrange(1, 120))
        await engine.survive(lambda: engine.run(reviewed=True, full=rng.random() < 0.5))
        engine.way.rates = CALM
        if engine.life.trips:
            engine.restart()
        await engine.clock.sleep(rng.choice([60, 3600, 90_000]))

    def edit_book(self) -> None:
        """A user edits clients of the store; To XPM these edits must all arrive, and stay."""
        engine, rng = self.engine, self.rng
        linked = [link.id for link in engine.practice.snapshot().rows(LINKS)]
        for id_ in rng.sample(linked, min(4, len(linked))):
            client = engine.client(id_)
            field = rng.choice(["phone", "fax", "city", "website", "postal_address"])
            value = f"https://b{rng.randrange(10_000)}.example"
            changes: dict[str, object] = {field: value}
            self.wanted[id_, field] = value
            if self.to_xpm and rng.random() < 0.4 and not engine.real(id_).archived:
                (contact,) = engine.practice.ids.new("k")
                made = Contact(id=contact, name=f"Person {contact}", email=f"{contact}@example.test")
                changes["contacts"] = (*client.contacts, made)
                self.added += 1
            engine.practice.store.commit([Put(CLIENTS, msgspec.structs.replace(client, **changes))])

    def decide_what_is_held(self) -> None:
        """A user looks into XPM and decides on writes with an unknown outcome."""
        store = self.engine.practice.store
        for intent in store.snapshot().find(INTENTS, "state", "held"):
            real = self.engine.sandbox.practice.clients[intent.uuid]
            name = intent.values.get("contact_name")
            there = [c.uuid for c in oracle.real_contacts(self.engine, real) if c.name == name]
            now = self.engine.clock.now()
            choice = decision_writes(store.snapshot(), intent.id, "adopt", now, there[0]) if there else []
            store.commit(choice or decision_writes(store.snapshot(), intent.id, "again", now))

    def check(self) -> None:
        """Nothing lost, nothing doubled, nothing half, nothing written that should not be."""
        engine = self.engine
        snapshot = engine.practice.snapshot()
        lost, doubled = oracle.differences(engine, to_xpm=self.to_xpm), oracle.doubles(engine)
        FIGURES["storms"] += 1
        FIGURES["values lost or half written"] += len(lost)
        FIGURES["records doubled"] += len(doubled)
        assert (lost, doubled) == ([], [])
        assert set(engine.sandbox.practice.clients) == self.clients
        assert {row.uuid for row in snapshot.rows(XPM_CLIENTS)} == self.clients
        assert not any("***" in row.body for row in engine.writes())
        if self.to_xpm:
            assert self._contact_count() == self.contacts + self.added
            for (id_, field), value in self.wanted.items():
                assert getattr(engine.client(id_), field) == value, (id_, field)
        else:
            assert engine.writes() == []
            assert self._contact_count() == self.contacts

    def _contact_count(self) -> int:
        return len(self.engine.sandbox.practice.contacts)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_storm_leaves_nothing_lost_doubled_or_half_written(folder: Path, seed: int) -> None:
    storm = Storm(folder, seed)
    try:
        run_virtual(storm.carry_out())
    finally:
        storm.engine.close()


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(3, 3 + count(1, 40)))
def test_the_same_seed_leaves_the_same_trace(seed: int) -> None:
    traces = []
    for _ in range(2):
        with fast_folder() as place:
            storm = Storm(place, seed)
            run_virtual(storm.carry_out())
            traces.append(storm.engine.trace())
            storm.engine.close()
    assert len(traces[0]) > 50
    assert traces[0] == traces[1]
