"""The header of the console shows when the store is damaged, and the console follows settings."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.tui.fixtures import ConsoleFixture, press, settle, text_of
from xpm_tui.domain.ports import Put
from xpm_tui.domain.runs import Intent
from xpm_tui.domain.tables import INTENTS
from xpm_tui.tui.app import Console
from xpm_tui.xero.auth import token_store

Consoles = Callable[..., Console]


async def looked(app: Console) -> None:
    """Let the console check whether the store or the settings have changed, as it does regularly."""
    app._status_cost = 0.0
    await app._check_store()


async def test_the_head_names_the_condition_of_the_practice(env: ConsoleFixture, console: Consoles) -> None:
    app = console(env)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        assert app.practice_status.condition == ""
        with env.open() as other:
            intent = Intent(id="i1", run="r1", kind="update-client", record="c1", state="sent")
            other.store.commit([Put(INTENTS, intent)])
            folder = other.data / "book"
        await looked(app)
        await settle(pilot)
        assert "unknown outcome" in text_of(app).splitlines()[0]
        log = max(folder.glob("log.*"))
        data = bytearray(log.read_bytes())
        data[-100] ^= 1
        log.write_bytes(bytes(data))
        await looked(app)
        await settle(pilot)
        assert "STORE DAMAGED" in text_of(app).splitlines()[0]


@pytest.mark.soak
async def test_a_console_follows_settings_that_another_process_changes(
    env: ConsoleFixture, console: Consoles
) -> None:
    app = console(env)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "e", "slash", *"sync.direction", "enter")
        await settle(pilot)
        assert "(•) From XPM" in text_of(app)
        with env.open() as other:
            other.settings.set("sync.direction", "to_xpm", practice=True)
        await looked(app)
        await settle(pilot)
        assert await app.worker.ask(lambda practice: practice.policy().direction) == "to_xpm"
        assert "(•) To XPM" in text_of(app)


async def test_overview_says_that_a_login_is_needed_as_its_head_does(
    env: ConsoleFixture, console: Consoles, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "Connected ●" in text_of(app)
        monkeypatch.setattr(token_store, "is_refused", lambda *_: True)
        await app.refresh_status()
        await settle(pilot)
        seen = text_of(app)
        assert "Login needed" in seen.splitlines()[0]
        assert "Connected ●" not in seen, "the store is as it was, but the login is not"
        assert "signs in" in seen
