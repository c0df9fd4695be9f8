"""Every known problem: its symptom is produced, and leads to its remedy in verb, bundle and console."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from textual.pilot import Pilot

from tests.diagnostics.fault_fixtures import FaultFixture
from tests.diagnostics.signs import SIGNS, Closed, Met, Picked, Probed, Sign, Signed
from tests.support.profile import spread
from tests.support.terminal import terminal
from tests.tui.fixtures import calm, press, settle, text_of
from xpm_tui.commands.registry import by_name
from xpm_tui.diagnostics.known_problems import KNOWN_PROBLEMS, SYMPTOMS
from xpm_tui.domain.errors import CaseId
from xpm_tui.tui.app import Console
from xpm_tui.tui.dialogs.dialog import ChoiceDialog
from xpm_tui.tui.dialogs.help import ErrorDialog
from xpm_tui.tui.screens.doctor import DoctorScreen
from xpm_tui.tui.wizard.screen import Wizard
from xpm_tui.tui.wizard.sign_in import AuthorisePane

S = TypeVar("S", bound=Sign)


def of_kind(*kinds: type[S]) -> list[tuple[CaseId, S]]:
    return [(case, sign) for case, sign in SIGNS.items() if isinstance(sign, kinds)]


@pytest.fixture
def env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultFixture]:
    made = FaultFixture(tmp_path, monkeypatch)
    yield made
    made.close()


def on_screen(env: FaultFixture, walk: Callable[[Console, Pilot[Any]], Awaitable[None]]) -> None:
    """Walk through a console of 80x24 over it."""

    async def show() -> None:
        app, worker = env.console()
        try:
            async with app.run_test(size=(80, 24)) as pilot:
                await settle(pilot)
                await walk(app, pilot)
        finally:
            worker.close()

    env.run(show())


async def until(pilot: Pilot[Any], there: Any) -> None:
    for _ in range(600):
        await calm(pilot)  # not settled: a wait for the browser has no end
        if there():
            return
        await asyncio.sleep(0.01)
    assert isinstance(pilot.app, Console)
    raise AssertionError(text_of(pilot.app))


def one_line(text: str) -> str:
    """A screen's text without frames and breaks."""
    return " ".join("".join(" " if ord(c) > 0x24FF and ord(c) < 0x2600 else c for c in text).split())


def assert_shown(text: str, case: CaseId) -> None:
    """The way out stands on the screen."""
    assert one_line(KNOWN_PROBLEMS[case].steps[0])[:40] in one_line(text), text


def assert_bundled(parts: dict[str, str], case: CaseId) -> None:
    assert f"{case}: {KNOWN_PROBLEMS[case].title}" in parts["cases.txt"], parts["cases.txt"]
    assert KNOWN_PROBLEMS[case].steps[-1] in parts["cases.txt"]
    where = [name for name in ("doctor.json", "errors.json", "runs.json") if f'"{case}"' in parts[name]]
    assert where, parts["errors.json"]


def assert_error(error: dict[str, Any], case: CaseId) -> None:
    assert error.get("case") == case, error
    assert error["steps"] == list(KNOWN_PROBLEMS[case].steps)
    assert error["hint"] or error["steps"]


def test_no_case_is_without_a_sign() -> None:
    assert set(SIGNS) == set(CaseId)
    assert {each.case for each in SYMPTOMS if each.case} >= {case for case, _ in of_kind(Picked)}


@pytest.mark.parametrize(("case", "sign"), spread(of_kind(Met), 3))
def test_an_act_meets_it(env: FaultFixture, case: CaseId, sign: Met) -> None:
    sign.make(env)
    assert_error(env.verb(f"{sign.verb} --json").error, case)

    async def walk(app: Console, pilot: Pilot[Any]) -> None:
        app.perform(by_name(sign.act), sign.preset, ask=False)
        await until(pilot, lambda: f"Known problem {case}: " in text_of(app))
        assert isinstance(app.screen, ErrorDialog)
        await press(pilot, "v")
        assert_shown(text_of(app), case)

    on_screen(env, walk)
    env.disk_is_full = False  # a bundle goes where there is room; the doctor's own look still tells
    _, parts = env.bundle("--from disk")
    assert_bundled(parts, case)


async def at_the_doctor(app: Console, pilot: Pilot[Any]) -> DoctorScreen:
    """The doctor, at its end."""
    screen = DoctorScreen()
    app.push_screen(screen)
    await until(pilot, lambda: " to XPM." in text_of(app))
    return screen


@pytest.mark.parametrize(("case", "sign"), spread(of_kind(Probed), 3))
def test_the_doctor_finds_it(env: FaultFixture, case: CaseId, sign: Probed) -> None:
    sign.make(env)
    reported, parts = env.bundle("")
    found = {item["name"]: item for item in reported["items"]}[sign.probe]
    assert (found["case"], found["verdict"] in ("note", "trouble")) == (case, True), found
    if found["verdict"] == "trouble":
        assert_error(reported["error"], case)
    assert_bundled(parts, case)

    async def walk(app: Console, pilot: Pilot[Any]) -> None:
        screen = await at_the_doctor(app, pilot)
        screen.select_probe(sign.probe)
        await settle(pilot)
        assert f"Known problem {case}: " in text_of(app)
        await press(pilot, "enter")
        assert_shown(text_of(app), case)

    on_screen(env, walk)


def assert_picked(env: FaultFixture, case: CaseId, answer: str) -> None:
    """At the doctor, a key opens the list of what only a user sees; the answer shows its way out."""

    async def walk(app: Console, pilot: Pilot[Any]) -> None:
        await at_the_doctor(app, pilot)
        await press(pilot, "h")
        await until(pilot, lambda: isinstance(app.screen, ChoiceDialog))
        place = [each.key for each in SYMPTOMS].index(answer)
        await press(pilot, *["down"] * place, "enter")
        assert_shown(text_of(app), case)

    on_screen(env, walk)


@pytest.mark.parametrize(("case", "sign"), spread(of_kind(Picked), 1))
def test_a_person_picks_it(env: FaultFixture, case: CaseId, sign: Picked) -> None:
    sign.make(env)
    listed = {item["id"]: item["case"] for item in env.verb("cases seen --json", code=0).json["items"]}
    assert listed[sign.answer] == case
    reported = env.verb(f"cases seen {sign.answer} --json", code=0).json["case"]
    assert (reported["id"], reported["steps"]) == (case, list(KNOWN_PROBLEMS[case].steps))
    _, parts = env.bundle()
    assert_bundled(parts, case)
    assert_picked(env, case, sign.answer)


@pytest.mark.parametrize(("case", "sign"), spread(of_kind(Signed), 1))
def test_signing_in_meets_it(env: FaultFixture, case: CaseId, sign: Signed) -> None:
    sign.make(env)
    env.answer = env.answer or sign.answer
    words = sign.words.replace("SECOND", str(env.answer.get("tenant", "")))
    assert_error(env.verb(f"connect --no-browser --json {words}").error, case)
    _, parts = env.bundle()
    assert_bundled(parts, case)
    if sign.picked:
        assert_picked(env, case, sign.picked)
        return

    env.waits()

    async def walk(app: Console, pilot: Pilot[Any]) -> None:
        pane = await at_authorise(app, pilot)
        assert pane._login is not None
        await pane._submit(env.redirect(pane._login.url))
        await until(pilot, lambda: pane._steps_button.display)
        pane.action_show_steps()
        await calm(pilot)
        assert_shown(text_of(app), case)

    on_screen(env, walk)


async def at_authorise(app: Console, pilot: Pilot[Any]) -> AuthorisePane:
    """The wizard, at the step that signs in, waiting for an answer."""
    app.connect()
    await until(pilot, lambda: isinstance(app.screen, Wizard))
    wizard = app.screen
    assert isinstance(wizard, Wizard)
    app.work(lambda: wizard._show_next("authorise"), "wizard")
    await calm(pilot)
    pane = wizard.query_one(AuthorisePane)
    pane._start()
    await until(pilot, lambda: pane._login is not None)
    return pane


@pytest.mark.parametrize(("case", "sign"), spread(of_kind(Closed), 1))
def test_where_no_console_opens_it_is_reported(env: FaultFixture, case: CaseId, sign: Closed) -> None:
    sign.make(env)
    with terminal([], {**env.command.environ, "TERM": "xterm-256color", **sign.environ}) as shown:
        assert shown.end() != 0
    assert f"Known problem {case}: " in shown.text
    assert one_line(KNOWN_PROBLEMS[case].steps[0])[:30] in one_line(shown.text)
    if sign.verb:
        assert_error(env.verb(f"{sign.verb} --json").error, case)
    _, parts = env.bundle("")
    assert_bundled(parts, case)
