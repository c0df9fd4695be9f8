"""The login, stored and in use: one renewal, stored before it is used, never lost."""

from __future__ import annotations

import asyncio
import logging
import random
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests.support.moved_clock import MovedClock
from tests.support.profile import count
from tests.xero.fake import CONFIG, FakeXero, Sink, open_fake, sign_in
from xpm_tui.domain.errors import BadInput, CaseId, DiskError, LoginNeeded, XeroUnreachable
from xpm_tui.domain.secret import Secret
from xpm_tui.xero.auth.authorization import Grant
from xpm_tui.xero.auth.session import LoginSession
from xpm_tui.xero.auth.token_store import KeyringKey, TokenStore
from xpm_tui.xero.config import WireConfig

OLD = timedelta(minutes=29)


class Identity:
    """An identity server's rotation with its grace, in plain Python; can die before or after it acts."""

    def __init__(self, clock: MovedClock) -> None:
        self.clock = clock
        self.current = 0
        self.used_at: dict[int, datetime] = {}
        self.calls = 0
        self.asked = asyncio.Event()
        self.lose: list[str] = []
        self.revoked = False
        self.hold: asyncio.Event | None = None

    def grant(self) -> Grant:
        return Grant(
            access=Secret(f"access-{self.current}"),
            refresh=Secret(f"refresh-{self.current}"),
            expires_at=self.clock.now() + timedelta(minutes=30),
        )

    async def refresh(self, refresh: Secret) -> Grant:
        self.calls += 1
        self.asked.set()
        fate = self.lose.pop(0) if self.lose else ""
        if fate == "before":
            raise XeroUnreachable("no network", repeatable=True)
        n = int(refresh.reveal().removeprefix("refresh-"))
        used = self.used_at.get(n)
        if self.revoked or n > self.current or (used and self.clock.now() - used >= timedelta(minutes=30)):
            raise LoginNeeded("invalid_grant", case=CaseId.NEEDS_RECONNECT)
        self.used_at.setdefault(n, self.clock.now())
        self.current += 1
        if self.hold is not None:
            await self.hold.wait()
        if fate == "after":
            raise XeroUnreachable("answer lost", repeatable=True)
        if fate == "kill":
            raise KeyboardInterrupt
        return self.grant()


def tokens(folder: Path, identity: Identity, clock: MovedClock, sink: Sink | None = None) -> LoginSession:
    """A process's view of the login in ``folder``."""
    login_store = TokenStore(folder / "state", config_folder=folder / "config", use_keyring=False, environ={})
    return LoginSession(
        login_store, identity, CONFIG, clock=clock, events=sink or Sink(), jitter=random.Random(3)
    )


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
def identity(clock: MovedClock) -> Identity:
    return Identity(clock)


async def test_a_good_pair_is_used_and_an_old_one_renewed(
    tmp_path: Path, identity: Identity, clock: MovedClock
) -> None:
    ours = tokens(tmp_path, identity, clock)
    await ours.keep(identity.grant())
    assert await ours.access() == Secret("access-0")
    clock.move(OLD)
    assert await ours.access() == Secret("access-1")
    assert identity.calls == 1
    saved = ours.saved()
    assert saved is not None
    assert saved.previous == Secret("refresh-0")
    assert "refresh-" not in repr(saved)


async def test_twenty_tasks_and_two_processes_renew_once(
    tmp_path: Path, identity: Identity, clock: MovedClock
) -> None:
    first, second = (tokens(tmp_path, identity, clock) for _ in range(2))
    await first.keep(identity.grant())
    clock.move(OLD)
    found = await asyncio.gather(*(one.access() for one in (first, second) for _ in range(10)))
    assert set(found) == {Secret("access-1")}
    assert identity.calls == 1


async def test_a_token_that_xero_refused_is_renewed_once_for_all_who_held_it(
    tmp_path: Path, identity: Identity, clock: MovedClock
) -> None:
    first, second = (tokens(tmp_path, identity, clock) for _ in range(2))
    await first.keep(identity.grant())
    stale = await second.access()
    assert await first.access(stale) == Secret("access-1")
    assert await second.access(stale) == Secret("access-1")
    assert identity.calls == 1


async def test_a_cancelled_task_does_not_tear_the_renewal(
    tmp_path: Path, identity: Identity, clock: MovedClock
) -> None:
    ours = tokens(tmp_path, identity, clock)
    await ours.keep(identity.grant())
    clock.move(OLD)
    identity.hold = asyncio.Event()
    asking = asyncio.create_task(ours.access())
    await identity.asked.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    identity.hold.set()
    await ours.aclose()
    again = tokens(tmp_path, identity, clock)
    assert await again.access() == Secret("access-1")
    assert identity.calls == 1


@pytest.mark.parametrize("fate", ["before", "after"])
async def test_a_lost_answer_is_asked_for_again(
    tmp_path: Path, identity: Identity, clock: MovedClock, fate: str
) -> None:
    ours = tokens(tmp_path, identity, clock)
    await ours.keep(identity.grant())
    clock.move(OLD)
    identity.lose = [fate]
    assert (await ours.access()).reveal().startswith("access-")
    assert identity.calls == 2
    identity.lose = ["before"] * 3
    with pytest.raises(XeroUnreachable):
        await ours.access(await ours.access())
    assert ours.state() == "good"


async def test_what_xero_refuses_is_kept_and_needing_a_login_is_a_state(
    tmp_path: Path, identity: Identity, clock: MovedClock
) -> None:
    sink = Sink()
    ours = tokens(tmp_path, identity, clock, sink)
    with pytest.raises(LoginNeeded, match="no login yet"):
        await ours.access()
    await ours.keep(identity.grant())
    clock.move(OLD)
    identity.revoked = True
    with pytest.raises(LoginNeeded):
        await ours.access()
    assert ours.state() == "needed"
    calls = identity.calls
    with pytest.raises(LoginNeeded):
        await ours.access()
    assert identity.calls == calls
    saved = ours.saved()
    assert saved is not None
    assert saved.refresh == Secret("refresh-0")
    assert [e.key for e in sink.events] == ["token.failed"]
    identity.revoked = False
    clock.move(timedelta(minutes=2))
    assert await ours.access() == Secret("access-1")
    assert ours.state() == "good"


async def test_the_token_before_is_tried_within_its_grace(
    tmp_path: Path, identity: Identity, clock: MovedClock
) -> None:
    ours = tokens(tmp_path, identity, clock)
    await ours.keep(identity.grant())
    clock.move(OLD)
    await ours.access()
    saved = ours.saved()
    assert saved is not None
    # The server never kept the rotation that it answered with (a restore on its side).
    identity.current = 0
    assert await ours.access(saved.access) == Secret("access-1")
    assert identity.calls == 3


async def test_a_new_pair_that_cannot_be_saved_is_not_used_and_not_lost(
    tmp_path: Path, identity: Identity, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = tokens(tmp_path, identity, clock)
    await ours.keep(identity.grant())
    clock.move(OLD)
    write, full = TokenStore.write, [False, True, True]

    def maybe(self: TokenStore, saved: object) -> None:
        if full and full.pop(0):
            raise DiskError("disk full")
        write(self, saved)  # type: ignore[arg-type]

    monkeypatch.setattr(TokenStore, "write", maybe)
    for _ in range(2):
        with pytest.raises(DiskError):
            await ours.access()
    assert await ours.access() == Secret("access-1")
    assert identity.calls == 1


async def test_keep_alive_renews_after_a_week_only(
    tmp_path: Path, identity: Identity, clock: MovedClock
) -> None:
    ours = tokens(tmp_path, identity, clock)
    assert not await ours.keep_alive()
    await ours.keep(identity.grant())
    clock.move(timedelta(days=6))
    assert not await ours.keep_alive()
    clock.move(timedelta(days=1))
    assert await ours.keep_alive()
    assert identity.calls == 1


async def test_a_login_is_never_sent_to_another_server_or_app(
    tmp_path: Path, identity: Identity, clock: MovedClock
) -> None:
    await tokens(tmp_path, identity, clock).keep(identity.grant())
    other = WireConfig(client_id="A1B2C3", identity_url="http://localhost:1")
    login_store = TokenStore(
        tmp_path / "state", config_folder=tmp_path / "config", use_keyring=False, environ={}
    )
    ours = LoginSession(login_store, identity, other, clock=clock, events=Sink())
    assert ours.state() == "none"
    with pytest.raises(LoginNeeded, match="another app or another Xero address"):
        await ours.access()
    assert identity.calls == 0


async def test_no_login_is_lost_however_renewals_are_killed(
    tmp_path: Path, identity: Identity, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = random.Random(11)
    ours = tokens(tmp_path, identity, clock)
    await ours.keep(identity.grant())
    write = TokenStore.write

    def dying(self: TokenStore, saved: object) -> None:
        fate = dice.random()
        if fate < 0.05:
            raise Killed
        write(self, saved)  # type: ignore[arg-type]
        if fate > 0.95:
            raise Killed

    monkeypatch.setattr(TokenStore, "write", dying)
    for _ in range(count(60, 10_000)):
        clock.move(OLD if dice.random() < 0.7 else timedelta(days=dice.uniform(0.1, 50.0)))
        identity.lose = [dice.choice(["", "", "before", "after"]) for _ in range(2)]
        while True:
            try:
                await ours.access()
                break
            except (Killed, XeroUnreachable):
                # The process is gone; another begins within the grace.
                await ours.aclose()
                clock.move(timedelta(minutes=dice.uniform(0.0, 2.0)))
                ours = tokens(tmp_path, identity, clock)
    assert ours.state() == "good"


class Killed(Exception):
    """Stands for the end of the process."""


def test_the_key_decides_who_can_open_the_file(tmp_path: Path, clock: MovedClock) -> None:
    identity = Identity(clock)

    def login_store(**environ: str) -> TokenStore:
        return TokenStore(
            tmp_path / "state", config_folder=tmp_path / "config", use_keyring=False, environ=environ
        )

    async def keep(one: TokenStore) -> None:
        await LoginSession(one, identity, CONFIG, clock=clock, events=Sink()).keep(identity.grant())

    key = tmp_path / "key"
    key.write_text("0123456789abcdef0123")
    key.chmod(0o600)
    asyncio.run(keep(login_store(XPM_TUI_KEY_FILE=str(key))))
    assert not (tmp_path / "config" / "token.key").exists()
    assert b"refresh-0" not in (tmp_path / "state" / "login.bin").read_bytes()
    with pytest.raises(LoginNeeded, match="key is gone"):
        login_store().read()
    key.write_text("another key, long enough")
    with pytest.raises(LoginNeeded, match="another key"):
        login_store(XPM_TUI_KEY_FILE=str(key)).read()
    key.chmod(0o644)
    with pytest.raises(BadInput, match="can be read by other accounts"):
        login_store(XPM_TUI_KEY_FILE=str(key)).read()
    key.write_text("short")
    key.chmod(0o600)
    with pytest.raises(BadInput, match="too short"):
        login_store(XPM_TUI_KEY_FILE=str(key)).read()
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "xpm-tui-key").write_text("0123456789abcdef0123")
    assert login_store(CREDENTIALS_DIRECTORY=str(tmp_path / "credentials")).read() is not None
    asyncio.run(keep(login_store()))
    assert (tmp_path / "config" / "token.key").stat().st_mode & 0o777 == 0o600
    assert "file of this account" in login_store().where()
    (tmp_path / "state" / "login.bin").write_bytes(b"torn")
    with pytest.raises(LoginNeeded, match="damaged"):
        login_store().read()


class Ring:
    """A keyring back end with a trap."""

    def __init__(self, trap: str = "") -> None:
        self.trap = trap
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, name: str) -> str | None:
        if self.trap == "raises":
            raise RuntimeError("canary in the message")
        if self.trap == "hangs":
            import threading

            threading.Event().wait(2.0)
        return None if self.trap == "forgets" else self.kept.get((service, name))

    def set_password(self, service: str, name: str, value: str) -> None:
        self.kept[(service, name)] = value


@pytest.mark.parametrize("trap", ["", "raises", "forgets", "hangs"])
def test_a_keyring_is_used_only_when_it_proves_itself(tmp_path: Path, clock: MovedClock, trap: str) -> None:
    ring, identity = Ring(trap), Identity(clock)

    def login_store() -> TokenStore:
        return TokenStore(
            tmp_path / "state", config_folder=tmp_path / "config", use_keyring=True, environ={},
            keyring=KeyringKey("practice", ring, seconds=0.05 if trap == "hangs" else 5.0),
        )  # fmt: skip

    first = login_store()
    asyncio.run(LoginSession(first, identity, CONFIG, clock=clock, events=Sink()).keep(identity.grant()))
    assert ("keyring of this account" in first.where()) is (trap == "")
    assert "canary" not in first.where()
    assert login_store().read() is not None
    if not trap:
        ring.trap = "raises"
        with pytest.raises(LoginNeeded, match="keyring failed") as caught:
            login_store().read()
        assert caught.value.case is CaseId.KEYRING


async def test_no_secret_in_any_file_log_event_or_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    fake, sink = FakeXero(), Sink()
    moved = MovedClock()
    async with open_fake(tmp_path, fake, sink=sink, clock=moved) as wire:
        await sign_in(wire)
        moved.move(OLD)
        fake.token_answers.append(httpx.Response(400, json={"error": "invalid_grant"}))
        fake.token_answers.append(httpx.Response(400, json={"error": "invalid_grant"}))
        with pytest.raises(LoginNeeded) as caught:
            await wire.connections.tenants()
    reported = (
        f"{caplog.text} {sink.events!r} {caught.value!r} {caught.getrepr(style='long', showlocals=True)}"
    )
    assert "canary" not in reported
    for file in tmp_path.rglob("*"):
        if file.is_file():
            assert b"canary" not in file.read_bytes()
