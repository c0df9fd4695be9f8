"""A time in another zone selects the right days of the log."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.support.moved_clock import MovedClock
from xpm_tui.domain.events import Event
from xpm_tui.log.event_log import EventFilter, EventLog


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
