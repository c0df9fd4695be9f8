"""Data moves between files and a database, and backups of each engine are restored on the other."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.store.script import holds, writes
from tests.support.postgres_server import fresh_practice
from xpm_tui.application.health import maintenance
from xpm_tui.application.home import Home, add_practice, find_home
from xpm_tui.application.practice import OpenPractice, open_practice
from xpm_tui.domain.errors import BadInput, Busy, ReadOnly, StoreUnreadable
from xpm_tui.domain.ports import Priority
from xpm_tui.domain.secret import Secret
from xpm_tui.domain.tables import CLIENTS
from xpm_tui.store import postgres_admin
from xpm_tui.xero.auth.token_store import SavedLogin, TokenStore
from xpm_tui.xero.rate_limiter import RateLimiter

NOW = datetime(2026, 11, 30, tzinfo=UTC)
LOGIN = SavedLogin(
    access=Secret("a"),
    refresh=Secret("r"),
    expires_at=NOW,
    renewed_at=NOW,
    client_id="",
    identity_url="https://identity.xero.com",
)


def opened(home: Home, name: str, **options: Any) -> OpenPractice:
    return open_practice(home, name, environ={"XPM_TUI_USER": "kim"}, **options)


@pytest.fixture
def url() -> str:
    return fresh_practice()[0]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return find_home(str(tmp_path / "home"), {})


async def test_data_goes_to_a_database_and_back_while_readers_stay_online(
    home: Home, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = add_practice(home, fresh_practice()[1])
    config, _, state = home.practice(name)
    with opened(home, name) as practice:
        for step in range(1, 12):
            practice.store.commit(writes(step))
        TokenStore(state, config_folder=config, use_keyring=False, environ={}).write(LOGIN)
        gate = RateLimiter(state / "gate.json", practice.clock)
        async with gate.enter(Priority.INTERACTIVE):
            pass
        gate.close()

        # Interrupted in the middle: nobody can use the half, and the next attempt goes on with it.
        monkeypatch.setattr(postgres_admin, "BATCH", 3)
        with monkeypatch.context() as broken:
            broken.setattr(postgres_admin, "_verify", _fail)
            with pytest.raises(ZeroDivisionError):
                maintenance.move(home, name, url, "kim")
        practice.store.commit(writes(12))
        before, order = holds(practice.snapshot()), list(practice.snapshot().ids(CLIENTS))
        with pytest.raises(StoreUnreadable, match="not complete yet"):
            opened(home, name, overrides={"store.url": url})
        copied: list[int] = []
        real = postgres_admin.copy_rows

        def counted(*given: Any) -> int:
            copied.append(real(*given))
            return copied[-1]

        monkeypatch.setattr(postgres_admin, "copy_rows", counted)
        done = maintenance.move(home, name, url, "kim")
        assert (done.rows, done.place) == (len(before), "database")
        assert copied == [len(writes(12)), 0], "only what has changed since the first attempt"
        assert holds(practice.snapshot()) == before, "a reader stays online"
        with pytest.raises(StoreUnreadable, match="was moved to postgresql"):
            practice.store.commit(writes(13))

    second = find_home(str(tmp_path / "second"), {})
    add_practice(second, name)
    with opened(home, name) as practice, opened(second, name, overrides={"store.url": url}) as other:
        assert practice.database is not None
        assert holds(practice.snapshot()) == holds(other.snapshot()) == before
        assert list(practice.snapshot().ids(CLIENTS)) == order
        with practice.lock("sync").hold():
            owner = other.lock_holder()
            assert owner is not None
            assert (owner.person, owner.what) == ("kim", "sync")
            with pytest.raises(Busy, match="in use by kim"):
                other.lock("sync").acquire()
        async with practice.wire() as wire, other.wire() as elsewhere:
            saved = wire.tokens.saved()
            assert saved is not None
            assert saved.refresh == LOGIN.refresh
            assert elsewhere.limiter.allowance().minute_left == wire.limiter.allowance().minute_left == 58
        practice.store.commit(writes(13))
        now = holds(practice.snapshot())
        assert maintenance.move(home, name, "files", "kim").rows == len(now)
        assert holds(other.snapshot()) == now
        with pytest.raises(StoreUnreadable, match="was moved from"):
            other.store.commit(writes(14))
    with opened(home, name) as practice:
        assert practice.database is None
        assert holds(practice.snapshot()) == now
        practice.store.commit(writes(14))
    assert TokenStore(state, config_folder=config, use_keyring=False, environ={}).read() == LOGIN
    with pytest.raises(BadInput, match="already"):
        maintenance.move(home, name, "files", "kim")


def test_a_backup_of_each_engine_is_restored_on_the_other(home: Home, url: str, tmp_path: Path) -> None:
    names = [add_practice(home, fresh_practice()[1]) for _ in range(2)]
    given: tuple[dict[str, str], dict[str, str]] = ({}, {"store.url": url})
    for steps, name, settings in zip((5, 9), names, given, strict=True):
        with opened(home, name, overrides=settings) as practice:
            for step in range(1, steps + 1):
                practice.store.commit(writes(step))
    files = [tmp_path / "files.zip", tmp_path / "database.zip"]
    rows = [
        maintenance.backup(home, name, file, settings).rows
        for name, file, settings in zip(names, files, given, strict=True)
    ]
    assert rows[0] != rows[1]
    for name, file, settings, wanted in zip(names, reversed(files), given, reversed(rows), strict=True):
        with opened(home, name, overrides=settings) as reader:
            done = maintenance.restore(home, name, "kim", file, settings)
            assert done.rows == wanted
            assert Path(done.backed_up).exists()
            if settings:
                reader.store.transact(lambda now: [])  # a commit always sees the newest state
                assert len(holds(reader.snapshot())) == sum(wanted.values())
        report = maintenance.check(home, name, settings)
        assert (report.ok, report.rows) == (True, wanted)
        assert maintenance.compact(home, name, settings).done


def test_the_database_says_who_the_user_is(home: Home, url: str) -> None:
    name = add_practice(home, fresh_practice()[1])
    opened(home, name, overrides={"store.url": url}).close()
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("INSERT INTO xpm_tui.people VALUES (session_user, 'Ana Ruiz')")
        try:
            with opened(home, name, overrides={"store.url": url}) as practice:
                assert practice.person == "Ana Ruiz"
            with pytest.raises(BadInput, match=r"knows who you are \(Ana Ruiz\), so --as"):
                opened(home, name, person="Someone", overrides={"store.url": url})
        finally:
            admin.execute("DELETE FROM xpm_tui.people")
    with opened(home, name, read_only=True, overrides={"store.url": url}) as reading, pytest.raises(ReadOnly):
        reading.writable()


def _fail(*_: object) -> None:
    raise ZeroDivisionError
