"""The log: whole lines from many processes, ids in order, and no failure that stops the work."""

from __future__ import annotations

import multiprocessing
import os
import stat
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.support.moved_clock import MovedClock
from xpm_tui.domain.events import Event
from xpm_tui.log.event_log import EventFilter, EventLog, assign_to_run


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
def log(tmp_path: Path, clock: MovedClock) -> EventLog:
    return EventLog(tmp_path / "events", clock, "mere")


def keys(events: object) -> list[str]:
    return [event.key for event in events]  # type: ignore[attr-defined]


def test_an_event_is_filled_in_and_kept_private(log: EventLog, clock: MovedClock) -> None:
    with assign_to_run("r1"):
        log.emit(Event(key="run.started"))
    log.emit(Event(key="plan.made", by="tane"))
    plan, started = list(log.read())
    assert (started.by, started.run, started.at) == ("mere", "r1", clock.now())
    assert (plan.by, plan.run) == ("tane", "")
    assert started.id < plan.id
    (path,) = log.folder.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(log.folder.stat().st_mode) == 0o700


def test_making_a_log_and_reading_none_touches_no_disk(log: EventLog) -> None:
    assert list(log.read()) == []
    assert log.tail().poll() == []
    assert not log.folder.exists()


def test_ids_sort_in_the_order_of_making_also_when_the_clock_goes_back(
    log: EventLog, clock: MovedClock
) -> None:
    for number in range(50):
        log.emit(Event(key="call", numbers={"n": number}))
        clock.move(timedelta(seconds=-1 if number % 7 == 0 else 0.001))
    events = sorted(log.read(), key=lambda event: event.id)
    assert [event.numbers["n"] for event in events] == list(range(50))
    assert len({event.id for event in events}) == 50


def test_a_day_has_a_file_and_reading_goes_back_over_them(log: EventLog, clock: MovedClock) -> None:
    for number in range(5):
        log.emit(Event(key=f"a.{number}"))
        log.emit(Event(key=f"b.{number}"))
        clock.move(timedelta(days=1))
    assert len(list(log.folder.iterdir())) == 5
    assert keys(log.read())[:3] == ["b.4", "a.4", "b.3"]
    since = clock.now() - timedelta(days=2, seconds=1)
    assert keys(log.read(EventFilter(since=since))) == ["b.4", "a.4", "b.3", "a.3"]


def test_reading_backwards_crosses_blocks(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xpm_tui.log.event_log.BLOCK", 37)
    for number in range(40):
        log.emit(Event(key="call", call="x" * number, numbers={"n": number}))
    assert [event.numbers["n"] for event in log.read()] == list(range(39, -1, -1))


def test_filters(log: EventLog) -> None:
    log.emit(Event(key="call", level="debug", call="GET client.api/list"))
    log.emit(Event(key="change.made", record="c12/k3", field="contact_email"))
    log.emit(Event(key="change.made", record="c12", uuid="u-1"))
    log.emit(Event(key="change.made", record="c123", run="r9", level="error"))
    assert len(list(log.read(EventFilter(record="c12")))) == 2
    assert len(list(log.read(EventFilter(record="u-1")))) == 1
    assert len(list(log.read(EventFilter(level="error")))) == 1
    assert len(list(log.read(EventFilter(run="r9")))) == 1
    names = {"c123": "Ngā Tōtara [/] Pty"}
    found = list(log.read(EventFilter(text="tōtara"), lambda id_: names.get(id_, "")))
    assert [event.record for event in found] == ["c123"]
    assert len(list(log.read(EventFilter(text="CLIENT.API")))) == 1


def test_a_disk_that_refuses_fails_nothing_and_is_reported_later(
    log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.emit(Event(key="one"))

    def full(fd: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("xpm_tui.log.event_log.os.write", full)
        log.emit(Event(key="two"))
        log.emit(Event(key="three"))
        assert log.lost == 2
    log.emit(Event(key="four"))
    assert log.lost == 0
    four, lost, one = list(log.read())
    assert (four.key, lost.key, one.key) == ("four", "log.lost", "one")
    assert lost.numbers == {"events": 2}


def test_a_torn_line_costs_itself_alone(log: EventLog, clock: MovedClock) -> None:
    log.emit(Event(key="one"))
    log.close()
    (path,) = log.folder.iterdir()
    with path.open("ab") as file:
        file.write(b'{"key":"torn","at":"20')
    again = EventLog(log.folder, clock, "mere")
    again.emit(Event(key="two"))
    assert keys(again.read()) == ["two", "one"]
    again.close()


def test_a_log_thrown_away_is_started_again(log: EventLog) -> None:
    log.emit(Event(key="one"))
    (path,) = log.folder.iterdir()
    path.unlink()
    log.emit(Event(key="two"))
    assert keys(log.read()) == ["two"]


def test_days_that_are_over_are_dropped(log: EventLog, clock: MovedClock) -> None:
    for _ in range(10):
        log.emit(Event(key="day"))
        clock.move(timedelta(days=1))
    assert log.drop_older(0) == 0
    assert log.drop_older(3) == 7
    assert len(list(log.read())) == 3


class TestTail:
    def test_it_gives_the_last_ones_then_each_once(self, log: EventLog) -> None:
        for number in range(5):
            log.emit(Event(key=f"old.{number}"))
        tail = log.tail(last=2)
        log.emit(Event(key="new.0"))
        assert keys(tail.poll()) == ["old.3", "old.4", "new.0"]
        assert tail.poll() == []
        log.emit(Event(key="new.1"))
        assert keys(tail.poll()) == ["new.1"]

    def test_it_begins_before_the_log_does(self, log: EventLog) -> None:
        tail = log.tail()
        assert tail.poll() == []
        log.emit(Event(key="first"))
        assert keys(tail.poll()) == ["first"]

    def test_it_crosses_midnight_and_hears_a_late_one(
        self, log: EventLog, clock: MovedClock, tmp_path: Path
    ) -> None:
        late = EventLog(log.folder, MovedClock(clock.now()), "tane")
        tail = log.tail()
        log.emit(Event(key="evening"))
        clock.move(timedelta(days=1))
        log.emit(Event(key="morning"))
        assert keys(tail.poll()) == ["evening", "morning"]
        late.emit(Event(key="late"))
        log.emit(Event(key="noon"))
        assert keys(tail.poll()) == ["late", "noon"]
        late.close()

    def test_half_a_line_waits_for_its_other_half(self, log: EventLog) -> None:
        log.emit(Event(key="one"))
        tail = log.tail()
        (path,) = log.folder.iterdir()
        with path.open("ab") as file:
            file.write(b'{"key":"ha')
        assert tail.poll() == []
        with path.open("ab") as file:
            file.write(b'lf"}\n')
        assert keys(tail.poll()) == ["half"]


def _write_many(folder: str, number: int, count: int) -> None:
    log = EventLog(
        Path(folder), MovedClock(datetime.fromisoformat("2026-05-04T09:00:00+00:00")), f"p{number}"
    )
    for step in range(count):
        log.emit(Event(key="call", call="GET " + "y" * (step % 90), numbers={"n": step}))
    log.close()
    os._exit(0 if log.lost == 0 else 1)


def test_processes_share_the_log_without_mixing_lines(log: EventLog) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_write_many, args=(str(log.folder), n, 300)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    events = list(log.read())
    assert len(events) == 1200
    assert len({event.id for event in events}) == 1200
    for number in range(4):
        mine = [event.numbers["n"] for event in events if event.by == f"p{number}"]
        assert mine == list(range(299, -1, -1))


def test_since_in_the_practices_own_time(tmp_path: Path) -> None:
    clock = MovedClock()
    zone = ZoneInfo("Pacific/Auckland")
    log = EventLog(tmp_path / "log", clock)
    log.emit(Event(key="call"))
    at = next(iter(log.read())).at
    assert at is not None
    local = at.astimezone(zone)
    clock.move(datetime(local.year, local.month, local.day + 1, 1, 0, tzinfo=zone) - at)
    log.emit(Event(key="run.started"))
    since = datetime(local.year, local.month, local.day + 1, 0, 30, tzinfo=zone)
    assert [event.key for event in log.read(EventFilter(since=since))] == ["run.started"]
