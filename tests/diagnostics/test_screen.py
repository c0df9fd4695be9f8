"""The doctor in the console: one probe after another, the remedy one key away, a preview of the bundle."""

from __future__ import annotations

import asyncio
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Button

from tests.application.fixtures import PracticeFixture
from tests.support.profile import in_soak
from tests.tui.fixtures import TERMINAL, press, settle, text_of
from xpm_tui.diagnostics.known_problems import BROWSER
from xpm_tui.domain.errors import AccessDenied, CaseId, LoginNeeded
from xpm_tui.sandbox.faults import Fault
from xpm_tui.tui.app import Console
from xpm_tui.tui.screens.doctor import DoctorScreen
from xpm_tui.tui.wizard.screen import Wizard
from xpm_tui.tui.wizard.sign_in import AuthorisePane
from xpm_tui.tui.wizard.step_pane import StepPane
from xpm_tui.tui.worker_thread import WorkerThread


@pytest.fixture
def env(tmp_path: Path) -> Iterator[PracticeFixture]:
    made = PracticeFixture(tmp_path)
    yield made
    made.close()


@pytest.fixture
def app(env: PracticeFixture) -> Iterator[Console]:
    worker = WorkerThread(env.open)
    worker.open()
    yield Console(worker, environ=TERMINAL, welcome=False)
    worker.close()


async def opened(pilot: Pilot[Any], app: Console) -> DoctorScreen:
    await settle(pilot)
    app.screen.action_run_command("doctor")  # type: ignore[attr-defined]
    await ended(pilot, app)
    assert isinstance(app.screen, DoctorScreen)
    return app.screen


async def ended(pilot: Pilot[Any], app: Console) -> None:
    for _ in range(400):
        await settle(pilot)
        if " to XPM." in text_of(app):
            return
        await asyncio.sleep(0.01)
    raise AssertionError(text_of(app))


@pytest.mark.soak
@pytest.mark.parametrize("size", [(80, 24), in_soak((120, 40))])
async def test_an_error_is_in_front_with_its_way_out(
    env: PracticeFixture, app: Console, size: tuple[int, int]
) -> None:
    await env.connect()
    await env.control("permission", user="ana", allowed=False)
    async with app.run_test(size=size) as pilot:
        await opened(pilot, app)
        shown = text_of(app)
        assert "1 problem," in shown
        assert "✖ Problem" in shown
        assert "Known problem T1" in shown
        await pilot.press("enter")
        await settle(pilot)
        assert "Connect third-party add-ons" in text_of(app)
        await pilot.press("escape")
        await settle(pilot)
        await env.control("permission", user="ana", allowed=True)
        await pilot.press("t")
        await settle(pilot)
        await ended(pilot, app)
        assert "✖" not in text_of(app)
        assert "All is well" in text_of(app)
        await pilot.press("escape")
        await settle(pilot)
        assert not isinstance(app.screen, DoctorScreen)


@pytest.mark.soak
async def test_from_a_probe_leaves_those_before_it(env: PracticeFixture, app: Console) -> None:
    await env.connect()
    env.sandbox.faults.add(Fault("html", endpoint="staff.api/list"))
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app)
        before = env.net.asked("connections")
        env.sandbox.faults.clear()
        await pilot.press("t")
        await settle(pilot)
        await ended(pilot, app)
        assert env.net.asked("connections") == before
        assert "All is well" in text_of(app)
        assert "Names of Xero" in text_of(app)


async def test_the_bundle_is_shown_before_it_is_written(
    env: PracticeFixture, app: Console, tmp_path: Path
) -> None:
    await env.connect()
    target = tmp_path / "own-home" / "xpm-tui-support.zip"
    target.parent.mkdir(exist_ok=True)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app)
        await pilot.press("b")
        for _ in range(100):
            await settle(pilot)
            if "events.jsonl" in text_of(app):
                break
            await asyncio.sleep(0.01)
        shown = text_of(app)
        assert "events.jsonl" in shown
        assert "names masked" in shown
        await press(pilot, "down", "down", "down")
        assert '"name": "environment"' in text_of(app)
        await press(pilot, "F")
        assert "names are INCLUDED" in text_of(app)
        assert not target.exists()
        await press(pilot, "F", "w", "enter")
    assert zipfile.is_zipfile(target)


async def test_an_error_in_the_console_names_its_case(app: Console) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        app.report_error(LoginNeeded("Xero no longer accepts the login.", asked="POST /connect/token"))
        await settle(pilot)
        assert "Known problem T6" in text_of(app)
        await pilot.press("v")
        await settle(pilot)
        assert "What to do:" in text_of(app)
        assert "POST /connect/token" in text_of(app)


@pytest.mark.soak
async def test_a_page_that_never_comes_back_is_picked_from_a_list(app: Console) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        app.connect()
        await settle(pilot)
        wizard = app.screen
        assert isinstance(wizard, Wizard)
        pane = AuthorisePane()
        await wizard.mount(pane)
        app.work(pane._ask_symptom, "seen")
        await settle(pilot)
        shown = text_of(app)
        assert "What do you see in the browser?" in shown
        for each in BROWSER:
            assert each.words[:30] in shown
        for _ in range(2):
            await pilot.press("down")
        await pilot.press("enter")
        await settle(pilot)
        assert "Connect third-party add-ons" in text_of(app)
        assert "Authorise 3rd Party Full Access" in text_of(app)


@pytest.mark.soak
async def test_the_wizard_reports_the_way_out_at_its_step(env: PracticeFixture, app: Console) -> None:
    async with app.run_test(size=(100, 40)) as pilot:
        await settle(pilot)
        app.connect()
        await settle(pilot)
        pane = app.screen.query(StepPane).first()
        pane.show_error(AccessDenied("The login reaches no practice.", case=CaseId.NO_PERMISSION))
        await settle(pilot)
        shown = text_of(app)
        assert "Known problem T1" in shown
        assert "First: In XPM, as an administrator" in shown
        pane.query_one(".way-out", Button).press()
        await settle(pilot)
        shown = text_of(app)
        assert '3. Switch on "Connect third-party add-ons" and save.' in shown
        assert '"Authorise 3rd Party Full Access"' in shown
