"""The whole engine in simulated time, from one seed: lost answers, refusals, killed processes, colleagues.

Whatever happens, it comes to rest with every value where it belongs, nothing lost and nothing made twice; and
the same seed gives the same trace.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from random import Random
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.profile import count
from tests.sync.fixtures import SyncFixture, end_interrupted_runs
from tests.sync.practices import TEAM, perturbed, perturbed_row, practice
from xpm_tui.domain.errors import EditConflict, OutcomeUnknown, Refused, XeroError
from xpm_tui.domain.ports import Write
from xpm_tui.domain.tables import CLIENTS, INTENTS, RUNS
from xpm_tui.domain.xpm import XpmContact
from xpm_tui.sync.applying.recovery import (
    decision_writes,
    held_intents,
    resolve,
    unresolved_intents,
)
from xpm_tui.sync.policy import Policy

EXAMPLES = settings(max_examples=count(default=50, soak=10_000), deadline=None)
ROUNDS = 4


class Killed(BaseException):
    """The process is gone."""


@EXAMPLES
@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
@example(4484, 4)  # two contacts sent alike, one answer lost: both were taken for the one that was made
def test_whatever_happens_the_practice_becomes_stable_and_nothing_is_created_twice(
    seed: int, size: int
) -> None:
    first = asyncio.run(_live_through(seed, size))
    assert asyncio.run(_live_through(seed, size)) == first


async def _live_through(seed: int, size: int) -> list[Any]:
    dice = Random(seed)
    people = practice(dice, size)
    policy = Policy(
        direction=dice.choice(("to_xpm", "to_xpm", "from_xpm")), clear=dice.choice(("never", "ask", "yes"))
    )
    env = SyncFixture(people.clients, people.rows, links=people.links, policy=policy, team=TEAM)
    env.practice.lag = dice.choice((0, 0, 90, 1_000))
    witness = _Witness(env)
    for _ in range(ROUNDS):
        await _bad_day(env, dice)
    env.practice.faults, env.practice.lag = [], 0
    await _good_days(env, witness)
    witness.nothing_made_twice()
    return [
        [(event.key, event.record, event.field, event.rule) for event in env.events.all],
        env.practice.sent,
        [*env.store.snapshot().rows(CLIENTS)],
        [*env.practice.rows.values()],
    ]


async def _bad_day(env: SyncFixture, dice: Random) -> None:
    """People edit, the wire fails, a colleague edits under the plan, and sometimes the process is killed."""
    for client in [*env.store.snapshot().rows(CLIENTS)]:
        if dice.random() < 0.5:
            env.put(CLIENTS, [perturbed(dice, client, dice.randint(10, 10**6))])
    env.practice.faults = [_fault(env, dice) for _ in range(12)]
    try:
        await _recover(env)
        await env.refresh()
        plan, records = env.plan()
        for row in [*env.practice.rows.values()]:
            if dice.random() < 0.2:
                env.practice.add(perturbed_row(dice, row, dice.randint(10, 10**6)))
        with _Deadly(env, dice.randint(1, 60)):
            await env.apply(plan, records)
    except (XeroError, Killed):
        pass


async def _recover(env: SyncFixture) -> None:
    """What every run does first: end what was killed, find out what became of its writes."""
    running = [run.id for run in env.store.snapshot().rows(RUNS) if run.outcome == "running"]
    await resolve(
        store=env.store,
        practice=env.practice,
        clock=env.clock,
        emit=env.events.emit,
        create_lag=300.0,
    )
    assert unresolved_intents(env.store.snapshot()) == []
    end_interrupted_runs(env, *running)


async def _good_days(env: SyncFixture, witness: _Witness) -> None:
    """Nothing fails any more; a user settles what is held; then there is nothing left to do."""
    for _ in range(3):
        await _recover(env)
        await env.refresh()
        for intent in held_intents(env.store.snapshot()):
            env.store.commit(_settled(env, witness, intent.id))
        plan, records = env.plan()
        await env.apply(plan, records)
    plan, records = env.plan()
    assert plan.counts["items"] == 0, records
    assert {intent.state for intent in env.store.snapshot().rows(INTENTS)} <= {"done", "failed"}
    assert all(run.outcome != "running" for run in env.store.snapshot().rows(RUNS))


def _settled(env: SyncFixture, witness: _Witness, intent_id: str) -> list[Write]:
    """A user looks into XPM: what is there is adopted, what is not is sent again."""
    snapshot, now = env.store.snapshot(), env.clock.now()
    intent = snapshot.get(INTENTS, intent_id)
    assert intent is not None
    row = env.mirror(intent.uuid)
    ours = [contact.uuid for contact in row.contacts if witness.made.get(contact.uuid) == intent.record]
    return decision_writes(snapshot, intent_id, "adopt" if ours else "again", now, ours[0] if ours else "")


def _fault(env: SyncFixture, dice: Random) -> XeroError | None:
    """Mostly none; else a refusal, no way through, or an answer that never came, with or without effect."""
    roll = dice.random()
    if roll < 0.6:
        return None
    if roll < 0.8:
        lost = OutcomeUnknown("No answer.")
        if dice.random() < 0.5:
            env.practice.lost.append(lost)
        return lost
    faults: Sequence[XeroError] = (Refused("No."), EditConflict("Busy."), XeroError("Out of reach."))
    return dice.choice(faults)


class _Witness:
    """Knows, as nobody else does, for which contact of ours each contact in XPM was made."""

    def __init__(self, env: SyncFixture) -> None:
        self.made: dict[str, str] = {}
        self._env = env
        self._add = env.practice.add_contact
        env.practice.add_contact = self._watch  # type: ignore[method-assign]

    async def _watch(self, client: str, contact: XpmContact) -> XpmContact:
        intent = unresolved_intents(self._env.store.snapshot())[-1]
        before = {each.uuid for each in self._env.practice.rows[client].contacts}
        try:
            return await self._add(client, contact)
        finally:
            for each in self._env.practice.rows[client].contacts:
                if each.uuid not in before:
                    self.made[each.uuid] = intent.record

    def nothing_made_twice(self) -> None:
        """No contact of ours has two in XPM."""
        alive = [contact.uuid for row in self._env.practice.rows.values() for contact in row.contacts]
        twice = Counter(self.made[uuid] for uuid in alive if uuid in self.made)
        assert all(times == 1 for times in twice.values()), twice


class _Deadly:
    """Kills the process at the n-th commit: before it, so that nothing of it is durable."""

    def __init__(self, env: SyncFixture, at: int) -> None:
        self._env = env
        self._left = at
        self._commit = env.store.commit

    def __enter__(self) -> None:
        self._env.store.commit = self._count  # type: ignore[method-assign]

    def __exit__(self, *_: object) -> None:
        self._env.store.commit = self._commit  # type: ignore[method-assign]

    def _count(self, writes: Iterable[Write], **how: Any) -> int:
        self._left -= 1
        if self._left == 0:
            raise Killed
        return self._commit(writes, **how)
