"""The rate limiter and the login that several machines share: one minute and one renewal for all."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.store.test_postgres import admin, end_session
from tests.support.moved_clock import MovedClock
from tests.support.postgres_server import fresh_practice
from tests.support.profile import count
from tests.support.virtual import VirtualClock, run_virtual
from tests.xero.fake import CONFIG, Sink
from tests.xero.test_rate_limiter import BACKGROUND, PERSON, Server, push, through
from tests.xero.test_tokens import OLD, Identity
from xpm_tui.domain.errors import AllowanceUsedUp, LoginNeeded
from xpm_tui.domain.ports import Clock
from xpm_tui.domain.secret import Secret
from xpm_tui.files.machine import SystemClock
from xpm_tui.store.database_store import DatabaseStore
from xpm_tui.xero.auth import token_store
from xpm_tui.xero.auth.session import LoginSession
from xpm_tui.xero.rate_limiter import RateLimiter
from xpm_tui.xero.shared_access import SharedLimiter, SharedTokenStore


@pytest.fixture
def machines() -> Iterator[tuple[DatabaseStore, DatabaseStore]]:
    """Two machines with one practice."""
    url, name = fresh_practice()
    both = [DatabaseStore(url, name, clock=SystemClock()) for _ in range(2)]
    yield both[0], both[1]
    for each in both:
        each.close()


def limiter(machine: DatabaseStore, clock: Clock) -> RateLimiter:
    shared = SharedLimiter(machine, clock)
    return RateLimiter(shared, shared.clock)


def test_machines_with_different_clocks_keep_one_minute(
    machines: tuple[DatabaseStore, DatabaseStore],
) -> None:
    writes = count(130, 600)

    async def main() -> None:
        clock = VirtualClock()
        server = Server(clock)
        clocks = (clock, VirtualClock(ahead=timedelta(seconds=37)))
        gates = [limiter(*each) for each in zip(machines, clocks, strict=True)]
        todo = list(range(writes))
        await asyncio.gather(*(push(gate, server, todo) for gate in gates))
        assert server.worst <= 60
        assert server.most_flying <= 4
        assert writes - 55 >= 0.9 * 55 * (clock.monotonic() / 60.0 - 1)
        assert gates[0].allowance().minute_left == gates[1].allowance().minute_left

    run_virtual(main())


def test_a_call_of_a_dead_process_frees_its_slot_and_a_day_ends_for_all(
    machines: tuple[DatabaseStore, DatabaseStore],
) -> None:
    async def main() -> None:
        gates = [limiter(each, VirtualClock()) for each in machines]
        for number in range(4):
            assert gates[0]._try(PERSON, f"call {number}") == 0
        waits = asyncio.create_task(through(gates[1], PERSON, lambda: asyncio.sleep(0)))
        await asyncio.sleep(30)
        assert not waits.done(), "four calls are in flight"
        machines[0].close()
        await waits
        gates[1].shut_day(3600)
        with pytest.raises(AllowanceUsedUp):
            await gates[1].enter(BACKGROUND).__aenter__()

    run_virtual(main())


def login(machine: DatabaseStore, folder: Path, identity: Identity, clock: MovedClock) -> LoginSession:
    saved = SharedTokenStore(machine, folder / "state", config_folder=folder / "config", environ={})
    return LoginSession(saved, identity, CONFIG, clock=clock, events=Sink())


async def test_one_renewal_serves_all_machines_and_the_key_stays_outside(
    tmp_path: Path, machines: tuple[DatabaseStore, DatabaseStore]
) -> None:
    clock = MovedClock()
    identity = Identity(clock)
    first, second = (login(machine, tmp_path, identity, clock) for machine in machines)
    await first.keep(identity.grant())
    assert (await second.access(), identity.calls) == (Secret("access-0"), 0)
    clock.move(OLD)
    found = await asyncio.gather(first.access(), second.access())
    assert (list(found), identity.calls) == ([Secret("access-1")] * 2, 1)
    stored = bytes(admin("SELECT body FROM xpm_tui.shared WHERE name = 'login'")[0][0])
    key = (tmp_path / "config" / "token.key").read_bytes().strip()
    assert b"access" not in stored
    assert key not in stored
    assert second.where().startswith("encrypted in the database")
    stranger = login(machines[1], tmp_path / "other", identity, clock)
    with pytest.raises(LoginNeeded, match="cannot be decrypted"):
        await stranger.access()
    with pytest.raises(LoginNeeded, match="another key") as caught:
        await stranger.keep(identity.grant())
    assert "Copy the key file" in caught.value.hint
    assert not token_store.is_refused(tmp_path, machines[0])
    end_session(machines[0])
    clock.move(OLD)
    assert await first.access() == Secret("access-2")
    await first.forget()
    assert second.saved() is None
