"""A run, a creation and a staff creation against every error that a write may raise: who goes on, who stops,
what is sent again, who is named."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sync.fixtures import SyncFixture, client, contact, linked, xpm
from tests.sync.test_create import create
from tests.sync.test_create_staff import create as create_member
from tests.sync.test_create_staff import env as staff_env
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
    env = three()
    failing = error("It failed.")
    env.practice.faults = [None, failing]
    env.practice.lost = [failing]
    await env.refresh()
    plan, records = env.plan()
    if goes_on:
        run = await env.apply(plan, records)
        assert run.outcome == {"unknown": "partial"}.get(ending, "partial")
        assert [env.practice.rows[f"u{n}"].phone for n in (1, 2, 3)] == ["1", "", "3"]
        named = [event.record for event in env.events.all if event.key == f"sync.{ending}"]
        assert named == ["c2"]
        assert "Client 2 (c2)" in run.error
    else:
        with pytest.raises(error):
            await env.apply(plan, records)
        assert [env.practice.rows[f"u{n}"].phone for n in (1, 2, 3)] == ["1", "", ""]
    (run,) = env.store.snapshot().rows(RUNS)
    assert run.outcome != "running"
    intents = {intent.record: intent.state for intent in env.store.snapshot().rows(INTENTS)}
    # What got no answer was looked up at the end of the run: XPM shows that it did not take effect.
    assert intents["c2"] == ("failed" if ending == "unknown" else state)
    # The next run looks first, then sends again exactly what is not there.
    await resolve(
        store=env.store,
        practice=env.practice,
        clock=env.clock,
        emit=env.events.emit,
        create_lag=300.0,
    )
    env.practice.faults = []
    before = len(env.practice.sent)
    await env.sync()
    assert [env.practice.rows[f"u{n}"].phone for n in (1, 2, 3)] == ["1", "2", "3"]
    assert len(env.practice.sent) - before == (1 if goes_on else 2)


@ERRORS
async def test_a_creation_that_fails(error: type[AppError]) -> None:
    ending, state, _ = EXPECTED[error]
    env = SyncFixture([client(1, phone="1")], policy=TO_XPM)
    failing = error("It failed.")
    env.practice.faults, env.practice.lost = [failing], [failing]
    with pytest.raises(DecisionNeeded if ending == "unknown" else error):
        await create(env)
    (intent,) = env.store.snapshot().rows(INTENTS)
    assert intent.state == ("held" if ending == "unknown" else state)
    (run,) = env.store.snapshot().rows(RUNS)
    assert run.outcome == ("held" if ending == "unknown" else "failed")
    assert run.error
    if intent.state == "failed":
        assert (await create(env)).client == "c1"
        assert len(env.practice.rows) == 1
    else:
        with pytest.raises(DecisionNeeded):
            await create(env)
        assert len(env.practice.sent) == 1


@ERRORS
async def test_a_staff_creation_that_fails(error: type[AppError]) -> None:
    ending, state, _ = EXPECTED[error]
    env = staff_env(team=(TeamMember(id="t1", name="Bo Li"),))
    failing = error("It failed.")
    env.practice.faults, env.practice.lost = [failing], [failing]
    with pytest.raises(DecisionNeeded if ending == "unknown" else error):
        await create_member(env)
    (intent,) = env.store.snapshot().rows(INTENTS)
    assert intent.state == ("held" if ending == "unknown" else state)


@pytest.mark.parametrize("bad", ["1\x0b2", "\x00", "a\ufffe"])
@pytest.mark.parametrize("place", ["client", "contact"])
async def test_one_value_that_cannot_be_sent_holds_one_client(bad: str, place: str) -> None:
    values: dict[str, Any] = {"phone": bad}
    if place == "contact":
        values = {"phone": "", "contacts": (contact(1, name="Jo", mobile=bad),)}
    env = three(**values)
    run = await env.sync()
    assert (run.outcome, run.counts["unsendable"]) == ("partial", 1)
    assert [env.practice.rows[f"u{n}"].phone for n in (1, 3)] == ["1", "3"]
    assert "Client 2 (c2" in run.error
    assert ("'Phone'" if place == "client" else "'Contact mobile'") in run.error
    assert f"U+{ord(bad[1:][:1] or bad):04X}" in run.error
    (event,) = [event for event in env.events.all if event.key == "sync.unsendable"]
    assert event.record.partition("/")[0] == "c2"
    assert unresolved_intents(env.store.snapshot()) == []
    # Every run names it, and sends nothing of it; once it is corrected, it goes.
    before = len(env.practice.sent)
    assert (await env.sync()).outcome == "partial"
    assert len(env.practice.sent) == before
    if place == "client":
        env.edit("c2", phone="12")
    else:
        env.edit_contact("c2", "k1", mobile="12")
    assert (await env.sync()).outcome == "done"
    assert len(env.practice.sent) == before + 1


async def test_the_end_of_a_run_names_the_first_three_and_counts_the_rest() -> None:
    numbers = range(1, 6)
    env = SyncFixture(
        [client(n, phone="1\x0b1") for n in numbers] + [client(9, phone="9")],
        [xpm(n) for n in (*numbers, 9)],
        links=[linked(n) for n in (*numbers, 9)],
        policy=TO_XPM,
    )
    run = await env.sync()
    assert run.counts["unsendable"] == 5
    assert run.error.count("was not sent to XPM") == 3
    assert "2 more could not be sent" in run.error
    assert env.practice.rows["u9"].phone == "9"


@pytest.mark.parametrize(
    ("number", "rest"), [(2, ""), (5, ""), (7, "; and 2 more (xpm-tui runs retry --list)")]
)
async def test_the_end_of_a_run_names_refused_records_and_xpms_reason(number: int, rest: str) -> None:
    refused = range(1, number + 1)
    env = SyncFixture(
        [client(n, phone=str(n)) for n in (*refused, 9)],
        [xpm(n) for n in (*refused, 9)],
        links=[linked(n) for n in (*refused, 9)],
        policy=TO_XPM,
    )
    env.practice.faults = [Refused("It failed.", words=f"No {n}\x1b.") for n in refused]
    run = await env.sync()
    assert (run.outcome, run.counts["refused"], run.counts["records"]) == ("partial", number, 1)
    named = "; ".join(f"Client {n} (c{n}): No {n}␛" for n in refused[:5])
    assert run.error == f"XPM refused {named}{rest}."
    assert env.practice.rows["u9"].phone == "9"
