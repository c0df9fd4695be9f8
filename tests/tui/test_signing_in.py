"""The wizard's sign-in step: every attempt that fails is followed by another, and its outcome is seen."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Button

from tests.application.fixtures import PracticeFixture
from tests.support.inprocess import consent
from tests.support.moved_clock import MovedClock
from tests.tui.fixtures import TERMINAL, calm, settle, text_of, until
from xpm_tui.application.practice import OpenPractice
from xpm_tui.cli.demo import _free_port
from xpm_tui.sandbox.faults import Fault
from xpm_tui.tui.app import Console
from xpm_tui.tui.dialogs.dialog import Dialog
from xpm_tui.tui.wizard.screen import Wizard
from xpm_tui.tui.wizard.sign_in import AuthorisePane
from xpm_tui.tui.worker_thread import WorkerThread


@pytest.fixture
def signing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[PracticeFixture, Console]]:
    """A practice that was never connected, in a console; the wait for the browser has no time limit."""

    async def still(_: MovedClock, seconds: float) -> None:
        await asyncio.sleep(seconds if seconds > 60 else 0)

    monkeypatch.setattr(MovedClock, "sleep", still)
    env = PracticeFixture(tmp_path, clients=12)
    port = str(_free_port())

    def opened() -> OpenPractice:
        practice = env.open()
        practice.settings.set("xero.redirect_port", port, practice=True)
        return practice

    worker = WorkerThread(opened)
    worker.open()
    yield env, Console(worker, environ=TERMINAL)
    worker.close()
    env.close()


async def new_address(pilot: Pilot[int], before: str = "") -> str:
    """Wait until the step shows another address, and return it."""
    while True:
        found = pilot.app.screen.query(AuthorisePane)
        login = found.first()._login if found else None
        if login is not None and login.url != before:
            await calm(pilot)
            return login.url
        await pilot.pause(0.01)


def opened_in_browser(address: str) -> str:
    with urllib.request.urlopen(address, timeout=10) as reply:
        return str(reply.read().decode())


@pytest.mark.soak
async def test_the_outcome_is_seen_over_any_dialog(signing: tuple[PracticeFixture, Console]) -> None:
    env, app = signing
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        first = await new_address(pilot)
        answers: tuple[Callable[[str], object], ...] = (
            lambda address: app.post_message(events.Paste(address)),
            opened_in_browser,
        )
        address = first
        for answer in answers:
            app.screen.query_one("#seen").focus()
            await pilot.press("enter")
            await until(pilot, "What do you see in the browser?")
            cancelled = consent(env.sandbox, address, deny=True)
            await asyncio.to_thread(answer, cancelled) if answer is opened_in_browser else answer(cancelled)
            address = await new_address(pilot, address)
            assert not isinstance(app.screen, Dialog)
            assert "Cancel was pressed" in text_of(app)
        await pilot.press("f1")
        app.post_message(events.Paste("not an address"))
        await calm(pilot)
        assert isinstance(app.screen, Dialog), "only an answer closes it"
        await pilot.press("escape")
        # The wizard is left and opened again; then access is allowed on the page that was opened before.
        await pilot.press("escape")
        await calm(pilot)
        assert not isinstance(app.screen, Wizard)
        await pilot.press("c")
        await new_address(pilot, address)
        assert "is using port" not in text_of(app)
        page = await asyncio.to_thread(opened_in_browser, consent(env.sandbox, address, tenant=env.tenant))
        assert "Signed in" in page
        await until(pilot, "step 5 of 9")


@pytest.mark.soak
async def test_an_address_in_two_pastes_and_one_after_half_of_it(
    signing: tuple[PracticeFixture, Console],
) -> None:
    env, app = signing
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        first = await new_address(pilot)
        whole = consent(env.sandbox, first, deny=True)
        for focused in ("#again", "RedirectField"):
            app.screen.query_one(focused).focus()
            app.post_message(events.Paste(whole[:31]))
            await calm(pilot)
        app.post_message(events.Paste(whole[31:]))
        second = await new_address(pilot, first)
        assert "Cancel was pressed" in text_of(app)
        whole = consent(env.sandbox, second, tenant=env.tenant)
        app.post_message(events.Paste(whole[:31]))
        await calm(pilot)
        app.post_message(events.Paste(whole))
        await until(pilot, "step 5 of 9")


@pytest.mark.soak
async def test_lists_that_cannot_be_read_can_be_read_again(signing: tuple[PracticeFixture, Console]) -> None:
    env, app = signing
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        address = await new_address(pilot)
        env.sandbox.faults.add(Fault("empty", endpoint="client.api/list"))
        app.post_message(events.Paste(consent(env.sandbox, address, tenant=env.tenant)))
        await until(pilot, "✗")
        await calm(pilot)
        assert "step 4 of 9" in text_of(app)
        env.sandbox.faults.clear()
        assert isinstance(app.focused, Button), "the practice, to be read again"
        await pilot.press("enter")
        await until(pilot, "step 5 of 9")
        await calm(pilot)
        await pilot.press("f2")
        await until(pilot, "step 4 of 9")
        await calm(pilot)
        assert "step 4 of 9" in text_of(app), "nothing is read again by itself"
        await pilot.press("f2")
        await until(pilot, "step 3 of 9")
