"""A run, a creation and a staff creation against every error that a write may raise: who goes on, who stops,
what is sent again, who is named."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sync.fixtures import SyncFixture, client, contact, linked, xpm
from tests.sync.test_create import create
from tests.sync.test_create_staff import create as create_member
from tests.sync.test_create_staff import world as staff_world
from tests.sync.test_outbox import EXPECTED
from xpm_tui.domain.errors import AppError, DecisionNeeded, Refused
from xpm_tui.domain.ignition import TeamMember
from xpm_tui.domain.ports import WRITE_ERRORS
from xpm_tui.domain.tables import INTENTS, RUNS
from xpm_tui.sync.applying.recovery import resolve, unresolved_intents
from xpm_tui.sync.policy import Policy

ERRORS = pytest.mark.parametrize("error", WRITE_ERRORS, ids=lambda error: error.__name__)
TO_XPM = Policy(direction="to_xpm")


def three(**second: Any) -> SyncFixture:
    """Three linked clients whose phones go to XPM."""
    return SyncFixture(
        [client(1, phone="1"), client(2, **{"phone": "2", **second}), client(3, phone="3")],
        [xpm(number) for number in (1, 2, 3)],
        links=[linked(number) for number in (1, 2, 3)],
        policy=TO_XPM,
    )


@ERRORS
async def test_a_run_with_one_client_that_fails(error: type[AppError]) -> None:
    ending, state, goes_on = EXPECTED[error]
    world = three()
    failing = error("It failed.")
    world.practice.faults = [None, failing]
    world.practice.lost = [failing]
    await world.refresh()
    plan, records = world.plan()
    if goes_on:
        run = await world.apply(plan, records)
        assert run.outcome == {"unknown": "partial"}.get(ending, "partial")
        assert [world.practice.rows[f"u{n}"].phone for n in (1, 2, 3)] == ["1", "", "3"]
        named = [event.record for event in world.events.all if event.key == f"sync.{ending}"]
        assert named == ["c2"]
        assert "Client 2 (c2)" in run.error
    else:
        with pytest.raises(error):
            await world.apply(plan, records)
        assert [world.practice.rows[f"u{n}"].phone for n in (1, 2, 3)] == ["1", "", ""]
    (run,) = world.store.snapshot().rows(RUNS)
    assert run.outcome != "running"
    intents = {intent.record: intent.state for intent in world.store.snapshot().rows(INTENTS)}
    # What got no answer was looked up at the end of the run: XPM shows that it did not take effect.
    assert intents["c2"] == ("failed" if ending == "unknown" else state)
    # The next run looks first, then sends again exactly what is not there.
    await resolve(
        store=world.store,
        practice=world.practice,
        clock=world.clock,
        tell=world.events.emit,
        create_lag=300.0,
    )
    world.practice.faults = []
    before = len(world.practice.sent)
    await world.sync()
    assert [world.practice.rows[f"u{n}"].phone for n in (1, 2, 3)] == ["1", "2", "3"]
    assert len(world.practice.sent) - before == (1 if goes_on else 2)


@ERRORS
async def test_a_creation_that_fails(error: type[AppError]) -> None:
    ending, state, _ = EXPECTED[error]
    world = SyncFixture([client(1, phone="1")], policy=TO_XPM)
    failing = error("It failed.")
    world.practice.faults, world.practice.lost = [failing], [failing]
    with pytest.raises(DecisionNeeded if ending == "unknown" else error):
        await create(world)
    (intent,) = world.store.snapshot().rows(INTENTS)
    assert intent.state == ("held" if ending == "unknown" else state)
    (run,) = world.store.snapshot().rows(RUNS)
    assert run.outcome == ("held" if ending == "unknown" else "failed")
    assert run.error
    if intent.state == "failed":
        assert (await create(world)).client == "c1"
        assert len(world.practice.rows) == 1
    else:
        with pytest.raises(DecisionNeeded):
            await create(world)
        assert len(world.practice.sent) == 1


@ERRORS
async def test_a_staff_creation_that_fails(error: type[AppError]) -> None:
    ending, state, _ = EXPECTED[error]
    world = staff_world(team=(TeamMember(id="t1", name="Bo Li"),))
    failing = error("It failed.")
    world.practice.faults, world.practice.lost = [failing], [failing]
    with pytest.raises(DecisionNeeded if ending == "unknown" else error):
        await create_member(world)
    (intent,) = world.store.snapshot().rows(INTENTS)
    assert intent.state == ("held" if ending == "unknown" else state)


@pytest.mark.parametrize("bad", ["1\x0b2", "\x00", "a\ufffe"])
@pytest.mark.parametrize("place", ["client", "contact"])
async def test_one_value_that_cannot_be_sent_holds_one_client(bad: str, place: str) -> None:
    values: dict[str, Any] = {"phone": bad}
    if place == "contact":
        values = {"phone": "", "contacts": (contact(1, name="Jo", mobile=bad),)}
    world = three(**values)
    run = await world.sync()
    assert (run.outcome, run.counts["unsendable"]) == ("partial", 1)
    assert [world.practice.rows[f"u{n}"].phone for n in (1, 3)] == ["1", "3"]
    assert "Client 2 (c2" in run.error
    assert ("'Phone'" if place == "client" else "'Contact mobile'") in run.error
    assert f"U+{ord(bad[1:][:1] or bad):04X}" in run.error
    (event,) = [event for event in world.events.all if event.key == "sync.unsendable"]
    assert event.record.partition("/")[0] == "c2"
    assert unresolved_intents(world.store.snapshot()) == []
    # Every run names it, and sends nothing of it; once it is corrected, it goes.
    before = len(world.practice.sent)
    assert (await world.sync()).outcome == "partial"
    assert len(world.practice.sent) == before
    if place == "client":
        world.edit("c2", phone="12")
    else:
        world.edit_contact("c2", "k1", mobile="12")
    assert (await world.sync()).outcome == "done"
    assert len(world.practice.sent) == before + 1


async def test_the_end_of_a_run_names_the_first_three_and_counts_the_rest() -> None:
    numbers = range(1, 6)
    world = SyncFixture(
        [client(n, phone="1\x0b1") for n in numbers] + [client(9, phone="9")],
        [xpm(n) for n in (*numbers, 9)],
        links=[linked(n) for n in (*numbers, 9)],
        policy=TO_XPM,
    )
    run = await world.sync()
    assert run.counts["unsendable"] == 5
    assert run.error.count("was not sent to XPM") == 3
    assert "2 more could not be sent" in run.error
    assert world.practice.rows["u9"].phone == "9"


@pytest.mark.parametrize(
    ("number", "rest"), [(2, ""), (5, ""), (7, "; and 2 more (xpm-tui runs retry --list)")]
)
async def test_the_end_of_a_run_names_whom_xpm_refused_and_what_it_said(number: int, rest: str) -> None:
    refused = range(1, number + 1)
    world = SyncFixture(
        [client(n, phone=str(n)) for n in (*refused, 9)],
        [xpm(n) for n in (*refused, 9)],
        links=[linked(n) for n in (*refused, 9)],
        policy=TO_XPM,
    )
    world.practice.faults = [Refused("It failed.", words=f"No {n}\x1b.") for n in refused]
    run = await world.sync()
    assert (run.outcome, run.counts["refused"], run.counts["records"]) == ("partial", number, 1)
    named = "; ".join(f"Client {n} (c{n}): No {n}␛" for n in refused[:5])
    assert run.error == f"XPM refused {named}{rest}."
    assert world.practice.rows["u9"].phone == "9"
