"""The rate limiter in simulated time, against a server that counts as Xero does."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.moved_clock import MovedClock
from tests.support.profile import count
from tests.support.virtual import VirtualClock, run_virtual
from xpm_tui.domain.errors import AllowanceUsedUp, AppError, RunStopped
from xpm_tui.domain.pace import BACKGROUND_MINUTE
from xpm_tui.domain.ports import Priority
from xpm_tui.xero.rate_limiter import RateLimiter

BACKGROUND, PERSON = Priority.BACKGROUND, Priority.INTERACTIVE


class Server:
    """Counts calls in the rolling minute and in flight, as they arrive after a delay on the way."""

    def __init__(self, clock: VirtualClock, seed: int = 7) -> None:
        self.clock = clock
        self.random = random.Random(seed)
        self.window: deque[float] = deque()
        self.arrivals: list[float] = []
        self.worst = 0
        self.flying = 0
        self.most_flying = 0

    async def call(self) -> None:
        """One call: on the way, at the server, on the way back."""
        self.flying += 1
        self.most_flying = max(self.most_flying, self.flying)
        await self.clock.sleep(self.random.uniform(0.02, 0.25))
        now = self.clock.monotonic()
        self.window.append(now)
        self.arrivals.append(now)
        while self.window[0] <= now - 60.0:
            self.window.popleft()
        self.worst = max(self.worst, len(self.window))
        await self.clock.sleep(self.random.uniform(0.02, 0.25))
        self.flying -= 1


async def through(gate: RateLimiter, priority: Priority, work: Callable[[], Awaitable[None]]) -> None:
    """One call through the gate."""
    async with gate.enter(priority):
        await work()


async def push(gate: RateLimiter, server: Server, todo: list[int], workers: int = 3) -> None:
    """Make the calls that are left with a few workers, as a run does."""

    async def work() -> None:
        while todo:
            todo.pop()
            await through(gate, BACKGROUND, server.call)

    await asyncio.gather(*(work() for _ in range(workers)))


def test_a_push_by_two_gates_keeps_the_minute_and_uses_nine_tenths_of_it(tmp_path: Path) -> None:
    writes = count(330, 3_000)

    async def main() -> None:
        clock = VirtualClock()
        server = Server(clock)
        gates = [RateLimiter(tmp_path / "gate.json", clock) for _ in range(2)]
        waits: list[float] = []

        async def person() -> None:
            for _ in range(max(4, writes // 100)):
                await clock.sleep(server.random.uniform(25.0, 70.0))
                asked = clock.monotonic()
                await through(random.Random(1).choice(gates), PERSON, server.call)
                waits.append(clock.monotonic() - asked)

        todo = list(range(writes))
        watching = asyncio.create_task(person())
        await asyncio.gather(*(push(gate, server, todo) for gate in gates))
        minutes = clock.monotonic() / 60.0
        await watching
        assert server.worst <= 60
        assert server.most_flying <= 4
        assert max(waits) <= 2.0
        assert len(waits) >= 4
        # 55 in the first seconds, then 55 a minute: nine tenths of the minutes that follow.
        assert writes - 55 >= 0.9 * 55 * (minutes - 1)

    run_virtual(main())


def test_a_restart_cannot_spend_the_minute_twice(tmp_path: Path) -> None:
    async def main() -> None:
        clock = VirtualClock()
        server = Server(clock)
        todo = list(range(200))
        first = asyncio.create_task(push(RateLimiter(tmp_path / "gate.json", clock), server, todo))
        await clock.sleep(20.0)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        assert len(server.arrivals) >= 55
        server.flying = 0
        await push(RateLimiter(tmp_path / "gate.json", clock), server, todo)
        assert server.worst <= 60
        assert max(sum(1 for a in server.arrivals if t - 60 < a <= t) for t in server.arrivals) <= 55

    run_virtual(main())


def test_a_stop_ends_a_wait_at_once_and_no_call_is_made(tmp_path: Path) -> None:
    async def main() -> None:
        clock = VirtualClock()
        gate = RateLimiter(tmp_path / "gate.json", clock)
        for _ in range(BACKGROUND_MINUTE):
            async with gate.enter(BACKGROUND):
                await clock.sleep(0.1)
        pace = gate.pace()
        assert 50 < pace.wait < 60
        assert pace.spacing == pytest.approx(0.1, abs=0.02)
        assert pace.likely_seconds(56) > pace.minimum_seconds(56) > 110, "waits for two full minutes"
        began = clock.monotonic()

        def stop() -> bool:
            return clock.monotonic() - began > 3

        with pytest.raises(RunStopped):
            async with gate.enter(BACKGROUND, stop):
                raise AssertionError("a call was made")
        assert 3 < clock.monotonic() - began <= 3.5
        assert clock.monotonic() < began + pace.wait
        with pytest.raises(RunStopped):
            async with RateLimiter(tmp_path / "other.json", clock).enter(BACKGROUND, lambda: True):
                raise AssertionError("a call was made")

    run_virtual(main())


def test_retry_after_is_obeyed_exactly_by_all(tmp_path: Path) -> None:
    async def main() -> None:
        clock = VirtualClock()
        gates = [RateLimiter(tmp_path / "gate.json", clock) for _ in range(2)]
        gates[0].shut_minute(22.0)
        assert gates[1].allowance().minute_left == 0
        for gate in gates:
            for priority in Priority:
                async with gate.enter(priority):
                    assert clock.monotonic() >= 22.0
        assert clock.monotonic() == pytest.approx(22.0, abs=0.01)

    run_virtual(main())


def test_the_days_limit_is_learnt_a_push_leaves_the_reserve_and_nobody_sleeps(tmp_path: Path) -> None:
    async def main() -> None:
        clock = VirtualClock()
        gate = RateLimiter(tmp_path / "gate.json", clock, reserve=100)
        assert gate.allowance().day_left is None
        gate.learn({"x-daylimit-remaining": "101", "x-minlimit-remaining": "59"})
        async with gate.enter(BACKGROUND):
            pass
        with pytest.raises(AllowanceUsedUp, match="Only 100 calls") as caught:
            await through(gate, BACKGROUND, clock_never)
        assert caught.value.until is not None
        assert caught.value.until > clock.now()
        async with gate.enter(PERSON):
            pass
        assert gate.allowance().day_left == 99
        assert gate.allowance().day_limit == 1_000
        gate.learn({"x-daylimit-remaining": "0"})
        with pytest.raises(AllowanceUsedUp, match="used up"):
            await through(gate, PERSON, clock_never)
        assert clock.monotonic() < 1.0
        await clock.sleep(86_400 + 700)
        async with gate.enter(BACKGROUND):
            pass

    run_virtual(main())


async def clock_never() -> None:
    raise AssertionError("the gate let a call through")


def test_a_day_429_shuts_until_the_time_it_names_and_other_processes_know(tmp_path: Path) -> None:
    async def main() -> None:
        clock = VirtualClock()
        error = RateLimiter(tmp_path / "gate.json", clock).shut_day(66_975)
        other = RateLimiter(tmp_path / "gate.json", clock)
        assert error.until == other.allowance().until
        with pytest.raises(AllowanceUsedUp) as caught:
            await through(other, PERSON, clock_never)
        assert caught.value.until == error.until
        assert caught.value.exit_code == 6

    run_virtual(main())


def test_own_calls_of_yesterday_come_free_again(tmp_path: Path) -> None:
    async def main() -> None:
        clock = VirtualClock()
        gate = RateLimiter(tmp_path / "gate.json", clock, reserve=100)
        for _ in range(5):
            async with gate.enter(BACKGROUND):
                pass
        await clock.sleep(3_600.0)
        gate.learn({"x-daylimit-remaining": "98"})
        with pytest.raises(AllowanceUsedUp) as caught:
            await through(gate, BACKGROUND, clock_never)
        assert caught.value.until is not None
        wait = (caught.value.until - clock.now()).total_seconds()
        assert 82_000 < wait < 84_000
        await clock.sleep(wait + 1)
        async with gate.enter(BACKGROUND):
            pass

    run_virtual(main())


def test_calls_of_the_same_app_from_elsewhere_are_counted_in(tmp_path: Path) -> None:
    async def main() -> None:
        clock = VirtualClock()
        gate = RateLimiter(tmp_path / "gate.json", clock)
        async with gate.enter(BACKGROUND):
            gate.learn({"x-minlimit-remaining": "9"})
        assert gate.allowance().minute_left == 59 - 51
        gate.learn({"x-minlimit-remaining": "9"})
        assert gate.allowance().minute_left == 59 - 51
        for _ in range(4):
            async with gate.enter(BACKGROUND):
                pass
        assert clock.monotonic() < 1.0
        async with gate.enter(BACKGROUND):
            pass
        assert clock.monotonic() >= 59.0

    run_virtual(main())


@pytest.mark.parametrize("damage", [b"{torn", b"", b"\x00" * 64, b'{"tickets":[["a",-1,1,true]]}', b"[]"])
def test_a_damaged_file_is_reported_and_one_call_shows_what_is_left(tmp_path: Path, damage: bytes) -> None:
    """Up to 59 calls may have been made: one more stays within Xero's 60, and its answer tells the rest."""

    async def main() -> None:
        clock, reported = VirtualClock(), list[AppError]()
        (tmp_path / "gate.json").write_bytes(damage)
        gate = RateLimiter(tmp_path / "gate.json", clock, notice=reported.append)
        other = RateLimiter(tmp_path / "gate.json", clock, notice=reported.append)
        async with gate.enter(BACKGROUND):
            assert clock.monotonic() == 0.0
            second = asyncio.create_task(through(other, PERSON, lambda: clock.sleep(0)))
            await clock.sleep(2.0)
            assert not second.done(), "one at a time, until Xero has told"
            gate.learn({"x-minlimit-remaining": "20"})
        await second
        assert clock.monotonic() < 3.0
        assert gate.allowance().minute_left == 20 - 1 - 1
        assert len(reported) == 1
        assert "cannot be used" in reported[0].message

    run_virtual(main())


def test_a_damaged_file_is_a_spent_minute_where_xero_reports_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        clock, reported = VirtualClock(), list[AppError]()
        (tmp_path / "gate.json").write_bytes(b"{torn")
        gate = RateLimiter(tmp_path / "gate.json", clock, notice=reported.append)
        for _ in range(2):
            async with gate.enter(PERSON):
                pass
        assert clock.monotonic() == pytest.approx(60.0, abs=0.1)
        assert ["Waiting for Xero's limit" in each.message for each in reported] == [False, True], (
            "never in silence"
        )

    run_virtual(main())


def test_slots_of_a_dead_process_are_given_back(tmp_path: Path) -> None:
    async def main() -> None:
        clock = VirtualClock()
        now = clock.now().timestamp()
        dead = ",".join(f'["{n}",4194399,{now},true]' for n in range(4))
        (tmp_path / "gate.json").write_text(f'{{"tickets":[{dead}]}}')
        gate = RateLimiter(tmp_path / "gate.json", clock)
        async with gate.enter(BACKGROUND):
            pass
        assert clock.monotonic() == 0.0
        assert gate.allowance().minute_left == 59 - 5

    run_virtual(main())


def test_a_clock_that_goes_back_never_locks_the_gate(tmp_path: Path) -> None:
    clock = MovedClock()
    gate = RateLimiter(tmp_path / "gate.json", clock)

    async def main() -> None:
        for _ in range(55):
            async with gate.enter(BACKGROUND):
                pass
        clock._now = clock._now.replace(year=2020)
        async with gate.enter(BACKGROUND):
            pass
        assert clock.monotonic() <= 61.0

    asyncio.run(main())


async def test_a_day_limit_ends_within_a_day(tmp_path: Path) -> None:
    clock = MovedClock()
    gate = RateLimiter(tmp_path / "gate", clock)
    clock.move(timedelta(days=400))
    gate.shut_day(3600)
    clock.move(timedelta(days=-400))
    for _ in range(30):
        clock.move(timedelta(hours=1))
        try:
            async with gate.enter(Priority.INTERACTIVE):
                return
        except AllowanceUsedUp:
            pass
    pytest.fail("it never opens again")


async def test_an_odd_retry_after_shuts_for_a_day_at_most(tmp_path: Path) -> None:
    clock = MovedClock()
    gate = RateLimiter(tmp_path / "gate", clock)
    gate.shut_day(99_999_999)
    clock.move(timedelta(hours=25))
    async with gate.enter(Priority.INTERACTIVE):
        pass
