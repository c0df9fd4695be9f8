"""Reading XPM into the mirror."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.fake_xpm import FakeXpm, client, wired
from tests.support.moved_clock import MovedClock
from xpm_tui.application.practice import OpenPractice, PracticeIdentity, list_state, put
from xpm_tui.application.runs.xpm_refresh import ensure_mirror, refresh
from xpm_tui.domain.errors import CaseId, DecisionNeeded, LoginNeeded, ScopeMissing, XeroUnreachable
from xpm_tui.domain.tables import JOBS, STAFF, TEMPLATES, XPM_CLIENTS


@pytest.fixture
def xpm(practice: OpenPractice, clock: MovedClock) -> FakeXpm:
    practice.store.commit([put("identity", PracticeIdentity(tenant="t", title="Hill"))])
    made = FakeXpm(clock, [client(number) for number in range(20)])
    wired(practice, made)
    return made


def keys(practice: OpenPractice) -> list[str]:
    return [event.key for event in practice.events.read()]


async def test_all_lists_in_five_calls(practice: OpenPractice, xpm: FakeXpm) -> None:
    got = await refresh(practice)
    assert (got.clients, got.changed, got.calls, got.complete, got.notes) == (20, 20, 5, True, ())
    assert got.lists == {"staff": 1, "templates": 1, "categories": 1, "jobs": 1}
    snapshot = practice.snapshot()
    assert [snapshot.count(t) for t in (XPM_CLIENTS, STAFF, TEMPLATES, JOBS)] == [20, 1, 1, 1]
    again = await refresh(practice)
    assert (again.clients, again.changed, again.calls) == (20, 0, 5)
    assert set(keys(practice)) == {
        "list.clients",
        "list.staff",
        "list.templates",
        "list.categories",
        "list.jobs",
    }


async def test_not_connected_asks_nothing(practice: OpenPractice, clock: MovedClock) -> None:
    xpm = FakeXpm(clock)
    wired(practice, xpm)
    with pytest.raises(LoginNeeded):
        await refresh(practice)
    assert xpm.calls == 0


async def test_a_list_that_the_scopes_do_not_open_is_a_note(practice: OpenPractice, xpm: FakeXpm) -> None:
    xpm.problems["templates"] = ScopeMissing("The login may not list templates.", case=CaseId.SCOPE_MISSING)
    got = await refresh(practice)
    assert [(note.list, note.scope) for note in got.notes] == [("templates", "practicemanager.read")]
    assert list_state(practice.snapshot(), "templates").note
    assert "list.closed" in keys(practice)
    del xpm.problems["templates"]
    assert not (await refresh(practice)).notes
    assert not list_state(practice.snapshot(), "templates").note


async def test_a_small_list_may_fail_and_keeps_what_was_there(practice: OpenPractice, xpm: FakeXpm) -> None:
    await refresh(practice)
    xpm.problems["staff"] = XeroUnreachable("Xero did not answer.")
    got = await refresh(practice)
    assert [note.list for note in got.notes] == ["staff"]
    assert practice.snapshot().count(STAFF) == 1


async def test_the_client_list_failing_ends_it(practice: OpenPractice, xpm: FakeXpm) -> None:
    xpm.problems["clients"] = XeroUnreachable("Xero did not answer.")
    with pytest.raises(XeroUnreachable):
        await refresh(practice)
    assert xpm.asked == ["clients"]


async def test_a_slow_list_is_not_read_whole_again_until_it_is_due(
    practice: OpenPractice, xpm: FakeXpm, clock: MovedClock
) -> None:
    xpm.seconds = 75.0
    await refresh(practice)
    assert list_state(practice.snapshot(), "clients").seconds == 75.0
    clock.move(timedelta(hours=1))
    xpm.edit(client(3).uuid, phone="new")
    got = await refresh(practice)
    assert (got.complete, got.clients, got.changed) == (False, 1, 1)
    assert xpm.since[-1] is not None
    assert (await refresh(practice, full=True)).complete
    clock.move(timedelta(days=8))
    assert (await refresh(practice)).complete


async def test_another_practices_list_is_not_taken_over(practice: OpenPractice, xpm: FakeXpm) -> None:
    await refresh(practice)
    xpm.rows = {row.uuid: row for row in (client(number) for number in range(900, 950))}
    with pytest.raises(DecisionNeeded) as refused:
        await refresh(practice)
    assert refused.value.case is CaseId.WRONG_PRACTICE
    assert {row.number for row in practice.snapshot().rows(XPM_CLIENTS)} == {str(1000 + n) for n in range(20)}
    assert not any(row.deleted for row in practice.snapshot().rows(XPM_CLIENTS))


async def test_one_known_client_is_enough(practice: OpenPractice, xpm: FakeXpm) -> None:
    await refresh(practice)
    rows = [client(number) for number in range(900, 930)] + [client(number) for number in range(19)]
    xpm.rows = {row.uuid: row for row in rows}
    got = await refresh(practice)
    assert (got.clients, got.changed, got.gone) == (49, 30, 1)


async def test_the_mirror_is_filled_once(practice: OpenPractice, xpm: FakeXpm) -> None:
    assert (await ensure_mirror(practice)) is not None
    assert (await ensure_mirror(practice)) is None
    assert xpm.asked.count("clients") == 1
