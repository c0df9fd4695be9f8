"""The contracts of the other ports: store, ids, clock, rate limiter and event log, real and fake."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.memory_store import MemoryIds, MemoryStore
from tests.support.moved_clock import MovedClock
from tests.support.postgres_server import opener
from tests.support.virtual import VirtualClock, run_virtual
from tests.sync.fixtures import Events, client
from tests.xero.fake import Sink
from xpm_tui.application.home import find_home
from xpm_tui.application.practice import OpenPractice, open_practice
from xpm_tui.domain import ports
from xpm_tui.domain.errors import AllowanceUsedUp, AppError, BadInput, Busy, ReadOnly, StoreChanged
from xpm_tui.domain.events import Event
from xpm_tui.domain.ports import PORT_ERRORS, Drop, Priority, Put
from xpm_tui.domain.tables import CLIENTS
from xpm_tui.files.machine import SystemClock
from xpm_tui.store.snapshot import BlockIds
from xpm_tui.xero.rate_limiter import RateLimiter

PORTS = (
    ports.Clock,
    ports.IdSource,
    ports.Snapshot,
    ports.Store,
    ports.ClientList,
    ports.XpmJobsPort,
    ports.CallLimiter,
    ports.EventSink,
)


@pytest.mark.parametrize("port", PORTS, ids=lambda port: port.__name__)
def test_each_method_of_each_port_names_its_errors(port: type[Any]) -> None:
    methods = {
        name
        for each in port.__mro__
        if each.__module__ == ports.__name__
        for name in vars(each)
        if not name.startswith("_") or name == "__aiter__"
    }
    assert set(PORT_ERRORS[port]) == methods
    for errors in PORT_ERRORS[port].values():
        assert len(set(errors)) == len(errors)
        assert all(issubclass(error, AppError) for error in errors)


def test_every_port_is_in_the_list() -> None:
    declared = {
        value
        for value in vars(ports).values()
        if isinstance(value, type)
        and getattr(value, "_is_protocol", False)
        and value.__module__ == ports.__name__
    }
    assert declared - {ports.XpmPort} == set(PORT_ERRORS) == set(PORTS)


# -- store and ids -----------------------------------------------------------------------------------------


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[OpenPractice]:
    home = find_home(str(tmp_path / "home"), {})
    practice = open_practice(home, None, person="kim", environ={}, clock=MovedClock())
    yield practice
    practice.close()


@pytest.fixture(params=["on disk", "in PostgreSQL", "in memory"])
def store(request: pytest.FixtureRequest, opened: OpenPractice, tmp_path: Path) -> Iterator[Any]:
    if request.param == "in PostgreSQL":
        with opener("postgres", tmp_path)() as found:
            yield found
    else:
        yield opened.store if request.param == "on disk" else MemoryStore()


def test_a_commit_is_all_or_nothing(store: Any) -> None:
    before = store.snapshot()
    position = store.commit([Put(CLIENTS, client(1)), Put(CLIENTS, client(2))])
    after = store.snapshot()
    assert (before.count(CLIENTS), after.count(CLIENTS)) == (0, 2)
    assert after.position == position == before.position + 1
    assert store.watch() == position or before.position >= 0
    assert after.get(CLIENTS, "c1") == client(1)
    assert [row.id for row in after.find(CLIENTS, "name", "Client 2")] == ["c2"]
    assert [row.id for row in after.rows(CLIENTS)] == ["c1", "c2"]
    assert set(after.ids(CLIENTS)) == {"c1", "c2"}
    store.commit([Drop(CLIENTS, "c1"), Drop(CLIENTS, "c9")])
    assert store.snapshot().get(CLIENTS, "c1") is None
    assert after.get(CLIENTS, "c1") == client(1), "a snapshot does not move"


def test_a_value_that_does_not_fit_writes_nothing(store: Any) -> None:
    with pytest.raises((BadInput, UnicodeEncodeError)):
        store.commit([Put(CLIENTS, client(1)), Put(CLIENTS, client(2, "\ud800"))])
    assert store.snapshot().count(CLIENTS) == 0


def test_what_somebody_else_changed_is_overtaken(store: Any) -> None:
    store.commit([Put(CLIENTS, client(1))])
    since = store.snapshot()
    store.commit([Put(CLIENTS, client(1, "Another"))])
    with pytest.raises(StoreChanged):
        store.commit([Put(CLIENTS, client(1, "Mine"))], since=since)
    assert store.snapshot().get(CLIENTS, "c1").name == "Another"


def test_transact_sees_the_newest_and_commits_what_is_asked_for(store: Any) -> None:
    store.commit([Put(CLIENTS, client(1))])
    seen = []

    def make(snapshot: Any) -> list[Any]:
        seen.append(snapshot.count(CLIENTS))
        return [Put(CLIENTS, client(2))]

    store.transact(make)
    assert seen == [1]
    assert store.snapshot().count(CLIENTS) == 2


def test_a_store_that_is_opened_to_read_refuses_writes(tmp_path: Path, opened: OpenPractice) -> None:
    home = find_home(str(tmp_path / "home"), {})
    reading = open_practice(home, None, person="kim", environ={}, clock=MovedClock(), read_only=True)
    for each in (reading.store, MemoryStore(read_only=True)):
        with pytest.raises(ReadOnly):
            each.commit([Put(CLIENTS, client(1))])
    reading.close()


def test_ids_are_never_given_twice(opened: OpenPractice) -> None:
    for ids in (opened.ids, BlockIds(opened.ids), MemoryIds()):
        given = [*ids.new("c", 3), *ids.new("c"), *ids.new("k")]
        assert len(set(given)) == 5
        assert all(each[0] in "ck" and each[1:].isdecimal() for each in given)


# -- clock, rate limiter, events ---------------------------------------------------------------------------


@pytest.mark.parametrize("clock", [SystemClock, MovedClock], ids=["system", "moved"])
def test_a_clock(clock: Callable[[], ports.Clock]) -> None:
    asyncio.run(_clock(clock()))


def test_a_virtual_clock() -> None:
    run_virtual(_clock(VirtualClock()))


async def _clock(clock: ports.Clock) -> None:
    now, since = clock.now(), clock.monotonic()
    assert now.tzinfo is UTC
    await clock.sleep(0.02)
    await clock.sleep(-1)
    assert clock.monotonic() - since >= 0.019
    assert clock.now() - now >= timedelta(seconds=0.019)


async def test_the_rate_limiter_raises_what_it_names(tmp_path: Path) -> None:
    gate = RateLimiter(tmp_path / "gate.json", clock=MovedClock())
    assert gate.allowance().minute_left > 0
    async with gate.enter(Priority.INTERACTIVE):
        pass
    gate.shut_day(60)
    with pytest.raises(AllowanceUsedUp) as caught:
        async with gate.enter(Priority.BACKGROUND):
            pass
    assert caught.value.until is not None
    assert gate.allowance().day_left == 0
    assert {AllowanceUsedUp, Busy} <= set(PORT_ERRORS[ports.CallLimiter]["enter"])
    gate.close()


def test_an_event_sink_never_fails_the_work(opened: OpenPractice) -> None:
    for sink in (opened.events, Events(), Sink()):
        sink.emit(Event(key="sync.unsendable", record="c1", field="a\ud800"))
        sink.emit(Event(key="", numbers={"n": float("nan")}))
