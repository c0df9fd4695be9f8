"""Events that happen meanwhile: pending searches, colleagues, slow stores, work in progress."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import msgspec
import pytest
from textual.events import Key
from textual.pilot import Pilot
from textual.widgets import Button

from tests.application.fixtures import ticked_changes
from tests.deploy.fixtures import JobsFixture
from tests.support.profile import count, in_soak
from tests.tui.fixtures import ROUND, TERMINAL, ConsoleFixture, press, prose_of, settle, text_of, until
from xpm_tui.application.clients import link_review
from xpm_tui.application.clients import links as linking
from xpm_tui.application.csv_io import imports
from xpm_tui.application.health import bundle
from xpm_tui.application.jobs import queries as jobs
from xpm_tui.application.runs import history, plans, runner, undo_plans
from xpm_tui.application.runs.xpm_refresh import refresh
from xpm_tui.domain.errors import Busy
from xpm_tui.domain.links import Link
from xpm_tui.domain.ports import Drop, Put
from xpm_tui.domain.runs import BeforeImage, Intent, Run, Written
from xpm_tui.domain.tables import CLIENTS, IMAGES, INTENTS, LINKS, RUNS, XPM_CLIENTS
from xpm_tui.domain.xpm import Staff
from xpm_tui.tui import navigation
from xpm_tui.tui.app import Console
from xpm_tui.tui.dialogs import consent
from xpm_tui.tui.dialogs.consent import ConsentScreen
from xpm_tui.tui.dialogs.dialog import (
    ChoiceDialog,
    ConfirmDialog,
    InputDialog,
    MessageDialog,
    confirmation_lines,
)
from xpm_tui.tui.dialogs.form import FormDialog
from xpm_tui.tui.screens import picker
from xpm_tui.tui.screens.chooser import AddStaffPicker
from xpm_tui.tui.screens.clients import Clients
from xpm_tui.tui.screens.doctor import BundleScreen
from xpm_tui.tui.screens.job_actions import DeployReview, JobDialog
from xpm_tui.tui.screens.jobs import Jobs
from xpm_tui.tui.screens.plan_review import CHANGED
from xpm_tui.tui.screens.review import Review
from xpm_tui.tui.worker_thread import WorkerThread

LONGEST = 20.0
"""Seconds after which slow work continues by itself; no test depends on time."""
Consoles = Callable[..., Console]
UUID = "00000000-0000-0000-0000-0000000000{:02}"


async def taken_in(pilot: Pilot[Any]) -> None:
    """Wait until no key waits for the previous one."""
    app = pilot.app
    assert isinstance(app, Console)
    while not app._type_ahead.idle:
        await pilot.pause(ROUND)


async def mirrored(env: ConsoleFixture) -> None:
    with env.open() as practice:
        await refresh(practice, full=True)


async def test_picker_enter_right_after_typing_takes_what_was_typed(
    env: ConsoleFixture, console: Consoles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Enter arrives while the results of the previous words are still shown."""
    await mirrored(env)
    app = console(env)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "c", "down", "down", "m")
        await until(pilot, "XPM data, updated")
        await settle(pilot)
        monkeypatch.setattr(picker, "TYPING_SECONDS", 0.06)
        for key in (*UUID.format(11), "enter"):
            await pilot.press(key)
        await settle(pilot)
        await settle(pilot)
    with env.open() as practice:
        links = {row.id: row.uuid for row in practice.snapshot().rows(LINKS)}
    assert UUID.format(2) not in links.values(), links


@pytest.mark.soak
async def test_picking_enter_right_after_typing(
    env: ConsoleFixture, console: Consoles, monkeypatch: pytest.MonkeyPatch
) -> None:
    env.books = False
    with env.open() as practice:
        practice.store.commit([Drop(CLIENTS, row.id) for row in practice.snapshot().rows(CLIENTS)])
    await mirrored(env)
    app = console(env)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "c", "p")
        await until(pilot, "XPM data, updated")
        await settle(pilot)
        monkeypatch.setattr(picker, "TYPING_SECONDS", 0.06)
        await press(pilot, "=Client")
        await settle(pilot)
        for key in (*" 00007", "enter"):
            await pilot.press("space" if key == " " else key)
        await settle(pilot)
    with env.open() as practice:
        names = [row.name for row in practice.snapshot().rows(CLIENTS)]
    assert names in ([], ["Client 00007"])


@pytest.mark.soak
async def test_leaving_an_import_that_is_under_way(
    env: ConsoleFixture, console: Consoles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """esc during an import: the next screen stays open, and the result is shown."""
    await mirrored(env)
    (env.root / "new.csv").write_text("Client ID,Client Name\nCLI-0005,Brand New Ltd\n", encoding="utf-8")
    app = console(env)
    app.folder = str(env.root)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "c", "I", "=new.csv", "enter")
        await until(pilot, "1 changed")
        await settle(pilot)
        stock = imports.import_file

        let = Event()

        def slowly(*args: Any, **more: Any) -> Any:
            let.wait(LONGEST)
            return stock(*args, **more)

        monkeypatch.setattr(imports, "import_file", slowly)
        await pilot.press("a", "escape", "n")
        await until(pilot, "Add a client")
        let.set()
        await settle(pilot)
        assert "Internal error" not in text_of(app)
        assert isinstance(app.screen, FormDialog), text_of(app)
    assert "Brand New Ltd" in names(env)


@pytest.mark.soak
async def test_esc_while_a_run_starts_does_not_give_it_up(
    env: ConsoleFixture, console: Consoles, monkeypatch: pytest.MonkeyPatch, inline: None
) -> None:
    """The run has started, so the dialog must not say that nothing is written, nor close."""
    await mirrored(env)
    with env.open() as practice:
        linking.accept_sure(practice, link_review.sure_proposals(practice))
    wait = runner.wait_for_run

    let = asyncio.Event()

    async def slow(*args: Any, **more: Any) -> Any:
        await let.wait()
        return await wait(*args, **more)

    monkeypatch.setattr(runner, "wait_for_run", slow)
    app = console(env)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await press(pilot, "s")
        await until(pilot, "Review plan p")
        await settle(pilot)
        await pilot.press("a")
        await until(pilot, "Apply 43 changes?")
        await pilot.press("y")
        await until(pilot, "in a separate process")
        reported = text_of(app)
        await pilot.press("escape", "r")
        let.set()
        await settle(pilot)
        assert "nothing is written" not in reported
        assert [type(each).__name__ for each in app.screen_stack] == ["Overview", "RunScreen"]


@pytest.mark.soak
async def test_a_box_leaves_with_its_work_under_another_one(
    env: ConsoleFixture, console: Consoles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The window shrinks during planning: the dialog must be closed when it is large again."""
    await mirrored(env)
    stock = plans.make

    let = asyncio.Event()

    async def slow(*args: Any, **more: Any) -> Any:
        await let.wait()
        return await stock(*args, **more)

    monkeypatch.setattr(plans, "make", slow)
    app = console(env)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await pilot.press("s")
        await until(pilot, "Reading XPM")
        await pilot.resize_terminal(20, 5)
        await until(pilot, "too")
        let.set()
        await settle(pilot)
        await pilot.resize_terminal(100, 30)
        await settle(pilot)
        await press(pilot, "escape")
        assert "ProgressDialog" not in [type(each).__name__ for each in app.screen_stack]


async def test_a_plan_ticked_elsewhere_is_not_applied_unseen(
    env: ConsoleFixture, console: Consoles, inline: None
) -> None:
    """Two consoles have one plan open: the ticks of the other one are shown before they are applied."""
    await mirrored(env)
    app = console(env)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await press(pilot, "s")
        await until(pilot, "Review plan p")
        await settle(pilot)
        await press(pilot, "space")
        with env.open() as other:
            plan = plans.latest_plan(other)
            assert plan is not None
            plans.tick(other, plan.id, plans.Selector(), True)
            now = sum(1 for _ in ticked_changes(plans.load(other, plan.id)[1]))
        await press(pilot, "a")
        assert f"Apply {now} change" not in text_of(app)
        assert CHANGED in [n.message for n in app._notifications]
        await pilot.press("a")
        await until(pilot, f"Apply {now} changes?")
        with env.open() as other:
            plans.tick(other, plan.id, plans.Selector(field="phone"), False)
        await press(pilot, "y")
        assert [type(each).__name__ for each in app.screen_stack] == ["Overview", "PlanReview"]
        assert [n.message for n in app._notifications].count(CHANGED) == 2
    with env.open() as practice:
        assert not history.list_runs(practice), "what was asked about is what is applied"


@pytest.mark.soak
async def test_review_does_not_replace_a_colleagues_link(env: ConsoleFixture, console: Consoles) -> None:
    """The client was linked in another console meanwhile: enter must not re-map it without a question."""
    await mirrored(env)
    app = console(env)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "c", "r")
        screen = app.screen
        assert isinstance(screen, Review)
        await until(pilot, "Review clients 1 of")
        await settle(pilot)
        view = screen._view
        assert view is not None
        proposed = view.proposals[0].uuid
        with env.open() as other:
            linking.link(other, view.id, UUID.format(5))
        await press(pilot, "enter")
    assert links(env)[view.id] == UUID.format(5), (view.id, proposed)


@pytest.mark.soak
async def test_review_undo_after_busy_takes_back_the_last(
    env: ConsoleFixture, console: Consoles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Undo found the store in use: the next undo is for the same client, not for the one before."""
    await mirrored(env)
    app = console(env)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "c", "r")
        await until(pilot, "Review clients 1 of")
        await settle(pilot)
        screen = app.screen
        assert isinstance(screen, Review)
        await press(pilot, "enter", "enter")
        assert len(screen._decisions) == 2
        first, _ = (each[0] for each in screen._decisions)
        stock = link_review.restore_states

        def busy(*args: Any) -> Any:
            monkeypatch.setattr(link_review, "restore_states", stock)
            raise Busy("Another process has the book.")

        monkeypatch.setattr(link_review, "restore_states", busy)
        await press(pilot, "u", "escape", "u")
    assert set(links(env)) == {first}


@pytest.mark.soak
async def test_review_slow_accept_twice_is_still_undone(
    env: ConsoleFixture, console: Consoles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Enter is pressed again while the store is slow: u still undoes the last decision."""
    await mirrored(env)
    app = console(env)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "c", "r")
        await until(pilot, "Review clients 1 of")
        await settle(pilot)
        screen = app.screen
        assert isinstance(screen, Review)
        await press(pilot, "enter")
        first = screen._decisions[0][0]
        view = screen._view
        assert view is not None
        stock = linking.link

        let = Event()

        def slow(*args: Any, **more: Any) -> Any:
            let.wait(LONGEST)
            return stock(*args, **more)

        monkeypatch.setattr(linking, "link", slow)
        monkeypatch.setattr(navigation, "SCREEN_SECONDS", 0.05)
        await pilot.press("enter", "enter")
        await taken_in(pilot)
        let.set()
        await settle(pilot)
        await press(pilot, *(("escape",) if isinstance(app.screen, MessageDialog) else ()))
        monkeypatch.setattr(linking, "link", stock)
        await press(pilot, "u")
    assert first in links(env), "u took back another than the last"


@pytest.mark.soak
async def test_the_cursor_stays_where_a_row_went_away(env: ConsoleFixture, console: Consoles) -> None:
    """A colleague links the client under the cursor: the next key does not apply to the first in the list."""
    await mirrored(env)
    app = console(env)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "c", "right_square_bracket", *("down",) * 6)
        screen = app.screen
        assert isinstance(screen, Clients)
        view, after = screen.table.item, screen.table.rows.items[7]
        assert view is not None
        with env.open() as other:
            linking.link(other, view.id, UUID.format(int(view.id[1:])))
        await app.refresh_status()
        await settle(pilot)
        now = screen.table.item
        assert now is not None
        assert now.id == after.id


@pytest.mark.soak
async def test_undo_after_mapping_is_for_what_was_mapped(env: ConsoleFixture, console: Consoles) -> None:
    """The filter has removed it and put the cursor on the next one; a user who moves on means that one."""
    await mirrored(env)
    app = console(env)
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await settle(pilot)
        await press(pilot, "g", "c", "right_square_bracket", "down", "m")
        await until(pilot, "XPM data, updated")
        await settle(pilot)
        await press(pilot, "enter")
        assert "u undoes it." in text_of(app)
        assert [*links(env)] == ["c1"]
        await press(pilot, "u")
        shown = text_of(app)
        assert "undoes run" in shown
        assert "Client 00001" in shown
        await press(pilot, "escape", "down", "u")
        assert "There is nothing to undo for Client 0000" in text_of(app)


@pytest.mark.soak
@pytest.mark.parametrize("keys", [("slash", "=00003", "enter"), ("right_square_bracket",) * 5])
async def test_another_list_after_mapping_is_moving_on(
    env: ConsoleFixture, console: Consoles, keys: tuple[str, ...]
) -> None:
    await mirrored(env)
    with env.open() as practice:
        linking.ignore(practice, "c4", "no")
    app = console(env)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "c", "right_square_bracket", "down", "m")
        await until(pilot, "XPM data, updated")
        await settle(pilot)
        await press(pilot, "enter", *keys, "u")
        assert "There is nothing to undo for Client 0000" in text_of(app)


async def test_names_are_not_written_with_a_bundle_that_says_masked(
    env: ConsoleFixture, console: Consoles, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """F is followed by w at once: the file is written in the form that the heading names."""
    await mirrored(env)
    app = console(env)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        screen = BundleScreen([])
        app.push_screen(screen)
        await settle(pilot)
        await until(pilot, "names masked")
        await press(pilot, "F")
        await until(pilot, "names are INCLUDED")
        stock = bundle.gather

        let = asyncio.Event()

        async def slow(*args: Any, **more: Any) -> Any:
            await let.wait()
            return await stock(*args, **more)

        monkeypatch.setattr(bundle, "gather", slow)
        named = screen._parts
        monkeypatch.setattr(navigation, "SCREEN_SECONDS", 0.05)
        await pilot.press("F", "w")
        await taken_in(pilot)
        asks = isinstance(app.screen, InputDialog)
        assert not (asks and screen._parts is named and not screen._with_names)
        let.set()


async def test_the_sandbox_gone_while_its_page_is_open(env: ConsoleFixture, console: Consoles) -> None:
    app = console(env)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        screen = ConsentScreen("http://127.0.0.1:9/authorize")
        screen._read = _nothing  # type: ignore[method-assign]
        app.push_screen(screen)
        await settle(pilot)
        screen._page = consent.ConsentPage(
            action="http://127.0.0.1:9/x", buttons=[("decision", "allow", "Allow")]
        )
        await screen.query_one(".buttons").mount(Button("Allow", id="press-0"))
        screen.query_one(Button).focus()
        await press(pilot, "enter")
        assert app.is_running
        assert "does not answer" in text_of(app)


async def _nothing() -> None:
    pass


@pytest.mark.soak
async def test_saving_the_log_on_a_full_disk(
    env: ConsoleFixture, console: Consoles, monkeypatch: pytest.MonkeyPatch
) -> None:
    await mirrored(env)
    app = console(env)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "s")

        def full(name: str, text: str) -> Path:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(app, "save_text", full)
        await press(pilot, "w")
        assert app.is_running


async def test_ctrl_q_over_a_question_while_a_run_is_on(env: ConsoleFixture, console: Consoles) -> None:
    await mirrored(env)
    app = console(env)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        app.practice_status = app.practice_status._replace(running="r9")
        app.push_screen(ConfirmDialog("Stop this run?", title="Run r9"))
        await settle(pilot)
        await pilot.press("ctrl+q")
        await settle(pilot)
        assert "Leave the console" in text_of(app) or not app.is_running


@pytest.mark.parametrize("sentences", [8, 30], ids=["fits", "scrolls"])
async def test_a_question_shows_all_of_its_sentences(
    env: ConsoleFixture, console: Consoles, sentences: int
) -> None:
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        said = "so many words that they fit on a line only without a label"
        text = "\n".join(f"Label {n}: {said}" for n in range(sentences))
        asked = ConfirmDialog(text, title="Run r9", yes="Resume", wide=True)
        app.push_screen(asked)
        await settle(pilot)
        words = asked.query_one(".words")
        wrapped = confirmation_lines(text.split("\n"), words.content_size.width)
        assert words.virtual_size.height == len(wrapped) > sentences
        assert (words.max_scroll_y > 0) is (sentences > 8)
        assert asked.query_one("#yes").region.bottom < 24


def links(env: ConsoleFixture) -> dict[str, str]:
    with env.open() as practice:
        return {row.id: row.uuid for row in practice.snapshot().rows(LINKS)}


def names(env: ConsoleFixture) -> list[str]:
    with env.open() as practice:
        return [row.name for row in practice.snapshot().rows(CLIENTS)]


@pytest.mark.soak
async def test_what_comes_up_in_a_small_window_stays_when_it_grows(
    env: ConsoleFixture, console: Consoles
) -> None:
    """An error while the window is too small is shown once the window is large again."""
    await mirrored(env)
    app = console(env)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await pilot.resize_terminal(20, 5)
        await settle(pilot)
        app.report_error(Busy("Another process is using the practice."))
        await settle(pilot)
        await pilot.resize_terminal(100, 30)
        await settle(pilot)
        assert "Another process is using the practice." in text_of(app)
        await press(pilot, "escape")
        assert [type(each).__name__ for each in app.screen_stack] == ["Overview"]


@pytest.mark.parametrize("key", ["i", in_soak("d")])
async def test_the_key_in_a_job_that_is_read_is_for_that_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    """The list is read again while the job is opened, and the job is no longer in it."""
    env = JobsFixture(tmp_path)
    await env.ready()
    for n in range(3):
        env.accepted(f"Job {n}", env.clients[n])
    worker = WorkerThread(lambda: env.open())
    worker.open()
    app = Console(worker, environ=TERMINAL, welcome=False)
    try:
        async with app.run_test(size=(100, 30), notifications=True) as pilot:
            await settle(pilot)
            await press(pilot, "g", "j", "home", "down")
            screen = app.screen
            assert isinstance(screen, Jobs)
            view = screen.job
            assert view is not None
            with env.open() as other:
                jobs.skip(other, view.id)
            stock = jobs.list_jobs

            let = Event()

            def slow(*args: Any, **more: Any) -> Any:
                let.wait(LONGEST)
                return stock(*args, **more)

            monkeypatch.setattr(jobs, "list_jobs", slow)
            monkeypatch.setattr(navigation, "SCREEN_SECONDS", 0.05)
            await app.refresh_status()
            await pilot.press("enter")
            await taken_in(pilot)
            let.set()
            await settle(pilot)
            assert isinstance(app.screen, JobDialog)
            await press(pilot, key)
            assert not isinstance(app.screen, DeployReview | ChoiceDialog)
        with env.open() as after:
            assert [jobs.row_of(after, f"w{n + 1}").state for n in range(3)].count("skipped") == 1
    finally:
        worker.close()


async def test_a_file_is_not_taken_in_before_it_was_shown(
    env: ConsoleFixture, console: Consoles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """a is pressed while the file is still being read."""
    await mirrored(env)
    (env.root / "new.csv").write_text("Client ID,Client Name\nCLI-0005,Brand New Ltd\n", encoding="utf-8")
    app = console(env)
    app.folder = str(env.root)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        stock = imports.import_file

        let = Event()

        def slowly(*args: Any, **more: Any) -> Any:
            let.wait(LONGEST)
            return stock(*args, **more)

        await press(pilot, "g", "c", "I", "=new.csv")
        monkeypatch.setattr(imports, "import_file", slowly)
        monkeypatch.setattr(navigation, "SCREEN_SECONDS", 0.05)
        await pilot.press("enter", "a")
        await taken_in(pilot)
        let.set()
        await settle(pilot)
    assert "Brand New Ltd" not in names(env)


WRITING = (
    ("g", "e", "enter", "down", "enter"), ("g", "e", "down", "delete"), ("g", "e", "P", "space"),
    ("g", "c", "m", "enter"), ("g", "c", "p", "enter"), ("g", "c", "p", "f5", "y"),
    ("g", "c", "r", "enter"), ("g", "c", "r", "i"), ("g", "c", "r", "S", "y"), ("g", "c", "f"),
    ("g", "c", "i"), ("g", "c", "u"), ("g", "t", "C"), ("g", "t", "u"), ("g", "l", "0"),
    ("g", "s", "v", "space"), ("g", "s", "v", "a", "y"), ("g", "s", "v", "w"), ("g", "s", "w"),
    ("g", "s", "u"), ("g", "s", "s"), ("g", "o", "c"), ("g", "o", "s"), ("g", "o", "W", "space"),
    ("g", "o", "f9", "n"), ("colon", "=doctor", "enter", "h", "enter"),
)  # fmt: skip
"""Keys that lead to calls that write."""


@pytest.mark.soak
async def test_nothing_is_written_where_nothing_may_be(env: ConsoleFixture, console: Consoles) -> None:
    await mirrored(env)
    with env.open() as practice:
        await plans.make(practice)

    def files() -> dict[str, bytes]:
        return {str(p): p.read_bytes() for p in env.root.rglob("*") if p.is_file() and "lock" not in p.name}

    before = files()
    app = console(env, read_only=True)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        for keys in WRITING[:: count(3, 1)]:
            await press(pilot, *keys)
            for _ in range(5):
                await press(pilot, "escape")
            assert files() == before, keys


@pytest.mark.soak
async def test_enter_twice_picks_one_client(env: ConsoleFixture, console: Consoles) -> None:
    """The second enter of a double press is for the same client, not for the first of the list."""
    with env.open() as practice:
        practice.store.commit([Drop(CLIENTS, row.id) for row in practice.snapshot().rows(CLIENTS)])
    await mirrored(env)
    app = console(env)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "c", "p")
        await until(pilot, "XPM data, updated")
        await settle(pilot)
        await press(pilot, "=Client", "down", "down", "down")
        await pilot.press("enter", "enter")
        await settle(pilot)
    assert len(names(env)) == 1, names(env)


@pytest.mark.soak
async def test_picking_staff_continues_below(env: ConsoleFixture, console: Consoles) -> None:
    """The cursor neither returns to the row where the list was opened nor to the first one."""
    env.xpm.people = [Staff(uuid=f"staff-{n}", name=f"Person {n}") for n in range(9)]
    await mirrored(env)
    app = console(env)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "t", "down", "p")
        screen = app.screen
        assert isinstance(screen, AddStaffPicker)
        await press(pilot, "down", "down", "down")
        here = [row.uuid for row in screen.rows.items]
        at = screen.rows.cursor
        await press(pilot, "enter")
        assert screen.current is not None
        assert screen.current.uuid == here[at + 1]


async def test_keys_that_still_wait_when_the_console_ends_are_dropped(
    env: ConsoleFixture, console: Consoles
) -> None:
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
    # Its screens are closed now.
    ahead = navigation.TypeAhead(app)
    ahead.handed_on()
    assert ahead.holds(Key("x", "x"))
    task = ahead._settle_task
    assert task is not None
    await task
    assert ahead.idle


async def test_a_link_is_undone_while_a_run_is_in_progress(env: ConsoleFixture, console: Consoles) -> None:
    """During the run, which stays the newest sync, calls that would send something wait and say why."""
    await mirrored(env)
    app = console(env)
    with env.open() as other:
        row = Run(
            id=other.ids.new("r")[0], started=other.clock.now(), by="ann", host=socket.gethostname(),
            pid=os.getpid(), plan="p1",
        )  # fmt: skip
        there = other.snapshot().get(XPM_CLIENTS, UUID.format(5))
        assert there is not None
        sent = Written(record="c5", field="phone", side="xpm", rule="changed", old="1", new=there.phone)
        image = BeforeImage(id="r0/c5", run="r0", client="c5", uuid=UUID.format(5), written=(sent,))
        before = msgspec.structs.replace(row, id="r0", outcome="done", pid=0)
        other.store.commit([
            Put(RUNS, row), Put(RUNS, before), Put(IMAGES, image),
            Put(LINKS, Link(id="c5", uuid=UUID.format(5))),
        ])  # fmt: skip
        for client in ("c0", "c7"):
            linking.link(other, client, UUID.format(int(client[1:])))
        other.store.commit(
            [Put(INTENTS, Intent(id="i1", run=row.id, kind="update", record="c7", state="sent"))]
        )
        with other.lock("sync").hold():
            async with app.run_test(size=(100, 30), notifications=True) as pilot:
                await settle(pilot)
                await press(pilot, "g", "c", "home")
                assert f"run {row.id}" in text_of(app)
                await pilot.press("u")
                await until(pilot, "Undo 1 change of run")
                assert "No call to Xero." in prose_of(app), "the run in progress looks up its own calls"
                await press(pilot, "u")
                assert "c0" not in links(env), text_of(app)
                await press(pilot, *("down",) * 5)
                await pilot.press("u")
                await until(pilot, "this undo would change XPM as well")
            plan, *_ = undo_plans.make_undo(other, undo_plans.last_write(other.snapshot(), "c7"), client="c7")
            with pytest.raises(Busy, match="is sending Client 00007"):
                await runner.undo_during_run(other, plan.id)
        assert [each.outcome for each in history.list_runs(other)[:2]] == ["done", "done"]
        assert history.newest_sync(other.snapshot()) is not None


async def test_a_stopped_run_is_the_next_step_until_it_is_resumed(
    env: ConsoleFixture, console: Consoles
) -> None:
    await mirrored(env)
    with env.open() as practice:
        now = practice.clock.now()
        row = Run(
            id="r7", started=now, ended=now, by="ann", host="here", pid=1, plan="p1", outcome="stopped",
            total=9, done=4,
        )  # fmt: skip
        practice.store.commit([Put(RUNS, row)])
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "Resume run r7, which was stopped" in text_of(app)
        assert "▸ Resume  enter" in text_of(app)
        await pilot.press("enter")
        await until(pilot, "Resume run r7?")
        await press(pilot, "escape")
