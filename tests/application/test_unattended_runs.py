"""When the scheduled run is due."""

from __future__ import annotations

import errno
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.moved_clock import MovedClock
from xpm_tui.application.practice import ListState, OpenPractice, PracticeIdentity, open_practice, put
from xpm_tui.application.runs.unattended_runs import (
    ScheduledSyncs,
    due,
    full_is_due,
    record_sign_in,
    scheduled_syncs,
    skipped_day,
)
from xpm_tui.domain.ports import Put
from xpm_tui.domain.runs import Outcome, Run, Trigger
from xpm_tui.domain.tables import RUNS
from xpm_tui.files.machine import Disk


@pytest.fixture
def ready(practice: OpenPractice, clock: MovedClock) -> OpenPractice:
    practice.settings.set("practice.timezone", "Pacific/Auckland", practice=True)
    practice.store.commit([put("identity", PracticeIdentity(tenant="t", title="Hill"))])
    clock.move(datetime(2026, 5, 4, 19, 0, tzinfo=UTC) - clock.now())  # 07:00 on the 5th in Auckland
    record_sign_in(practice)
    return practice


def daily(
    practice: OpenPractice, outcome: Outcome, number: int = 1, trigger: Trigger = "daily", plan: str = "p1"
) -> None:
    started = practice.clock.now()
    run = Run(id=f"r{number}", started=started, by="mere", trigger=trigger, outcome=outcome, plan=plan)
    practice.store.commit([Put(RUNS, run)])


def test_it_is_due_after_its_hour_in_the_practices_zone(ready: OpenPractice, clock: MovedClock) -> None:
    assert due(ready).now
    clock.move(timedelta(hours=-1))
    assert due(ready).why == "too-early"


def test_once_a_day(ready: OpenPractice, clock: MovedClock) -> None:
    daily(ready, "done")
    assert due(ready).why == "done-today"
    clock.move(timedelta(hours=23))
    assert due(ready).why == "too-early"
    clock.move(timedelta(hours=1))
    record_sign_in(ready)
    assert due(ready).now


def test_only_while_someone_uses_the_tool(ready: OpenPractice, clock: MovedClock) -> None:
    clock.move(timedelta(hours=24))
    assert due(ready).now
    clock.move(timedelta(minutes=1))
    assert due(ready).why == "no-sign-in"
    ready.settings.set("schedule.require_sign_in", "no", practice=True)
    assert due(ready).now


def test_a_skipped_day_is_shown_until_a_run_makes_up_for_it(ready: OpenPractice, clock: MovedClock) -> None:
    assert skipped_day(ready.snapshot()) is None
    daily(ready, "skipped")
    assert skipped_day(ready.snapshot()) is not None
    clock.move(timedelta(hours=1))
    daily(ready, "failed", 2, "hand")
    assert skipped_day(ready.snapshot()) is not None
    clock.move(timedelta(hours=1))
    daily(ready, "done", 3, "hand")
    assert skipped_day(ready.snapshot()) is None


def test_when_the_next_one_is_due_follows_from_what_the_timer_did(
    ready: OpenPractice, clock: MovedClock
) -> None:
    zone = ready.time_zone()
    assert scheduled_syncs(ready).text(clock.now(), zone) == "none has run yet"
    daily(ready, "done", trigger="hand")
    assert scheduled_syncs(ready) == ScheduledSyncs()
    daily(ready, "done", 2)
    assert scheduled_syncs(ready).text(clock.now(), zone) == "6 May 06:30"
    ready.settings.set("schedule.every", "30m", practice=True)
    assert scheduled_syncs(ready).text(clock.now(), zone) == "5 May 07:30"
    clock.move(timedelta(hours=3))
    found = scheduled_syncs(ready)
    assert found.is_overdue(clock.now())
    assert found.text(clock.now(), zone) == "overdue: the last one was 3 h ago"
    daily(ready, "skipped", 3)
    assert not scheduled_syncs(ready).is_overdue(clock.now())


def test_everything_is_compared_weekly(ready: OpenPractice, clock: MovedClock) -> None:
    assert full_is_due(ready)
    ready.store.commit([put("list:clients", ListState(full=clock.now()))])
    assert not due(ready).full
    clock.move(timedelta(days=7))
    record_sign_in(ready)
    assert due(ready).full


def test_signing_in_is_written_every_few_minutes_only(ready: OpenPractice, clock: MovedClock) -> None:
    before = ready.store.watch()
    for _ in range(10):
        record_sign_in(ready)
    assert ready.store.watch() == before
    clock.move(timedelta(minutes=6))
    record_sign_in(ready)
    assert ready.store.watch() == before + 1


def test_nothing_is_due_before_connecting(practice: OpenPractice) -> None:
    assert due(practice).why == "not-connected"


def test_someone_at_work_is_noted_only_where_there_is_room(
    practice: OpenPractice, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Disk, fd: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Disk, "write", full)
    record_sign_in(practice)
    assert practice.snapshot().position == 0


def test_someone_at_work_may_look_at_a_damaged_store(practice: OpenPractice, clock: MovedClock) -> None:
    for _ in range(3):
        record_sign_in(practice)
        clock.move(timedelta(hours=1))
    log = practice.data / "book" / "log.1"
    data = bytearray(log.read_bytes())
    data[len(data) // 2] ^= 1
    log.write_bytes(data)
    with open_practice(practice.home, person="mere", environ={}, clock=clock) as damaged:
        assert damaged.store.damage is not None
        record_sign_in(damaged)


def test_a_daily_run_under_a_clock_that_ran_ahead_is_not_the_last_for_good(
    ready: OpenPractice, clock: MovedClock
) -> None:
    clock.move(timedelta(days=400))
    daily(ready, "done")
    clock.move(timedelta(days=-400))
    for day in range(1, 10):
        clock.move(timedelta(days=1))
        record_sign_in(ready)
        assert due(ready).now, f"day {day}"
