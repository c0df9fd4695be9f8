"""Journeys through the console with the keyboard alone."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot
from textual.screen import Screen

from tests.application.fixtures import ticked_changes
from tests.support.fake_xpm import client
from tests.support.moved_clock import MovedClock
from tests.tui.fixtures import TERMINAL, ConsoleFixture, press, prose_of, settle, text_of, until, words_in
from xpm_tui.application import home as homes
from xpm_tui.application.clients import field_policy, links
from xpm_tui.application.runs import history, plans
from xpm_tui.domain.tables import BLOCKED_PAIRS, CLIENTS, IGNORED, IMPORTS, LINKS, XPM_CLIENTS
from xpm_tui.ignition.forms import FORMS
from xpm_tui.tui.app import Console
from xpm_tui.tui.command_runner import SWITCH
from xpm_tui.tui.dialogs.edit import EditDialog
from xpm_tui.tui.dialogs.pickers import FilePicker
from xpm_tui.tui.screens.clients import Clients
from xpm_tui.tui.screens.conflicts import Conflicts
from xpm_tui.tui.screens.csv_previews import ExportPreview, ImportPreview
from xpm_tui.tui.screens.picker import Picker
from xpm_tui.tui.screens.plan_review import PlanReview
from xpm_tui.tui.screens.policy import PolicyScreen
from xpm_tui.tui.screens.practices import Practices
from xpm_tui.tui.screens.review import Review
from xpm_tui.tui.screens.sync import RunScreen
from xpm_tui.tui.widgets.table import TableRows
from xpm_tui.tui.worker_thread import WorkerThread

Make = Callable[..., Console]


def shows(app: Console, kind: type[Screen[Any]]) -> bool:
    """Return whether the active screen is of this kind."""
    return isinstance(app.screen, kind)


@pytest.mark.usefixtures("inline")
async def test_plan_review_run(env: ConsoleFixture, console: Make) -> None:
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "s")
        assert shows(app, PlanReview)
        shown = text_of(app)
        assert "Link by exact name" in shown
        assert "first sync" in shown
        await press(pilot, "a")
        reported = words_in(app, ".words")
        assert "Undo A change can be undone as long as nobody changes the value again." in reported
        assert app.focused is not None
        assert app.focused.id == "no", "the safe button has the focus"
        await press(pilot, "y")
        assert shows(app, RunScreen)
        assert "✓ Done" in text_of(app)
        screen = app.screen
        assert isinstance(screen, RunScreen)
        screen._pane.flush()
        await settle(pilot)
        assert "Run r1 is done" in text_of(app), "what the run logged is here to its last line"
        await press(pilot, "escape")
    with env.open() as practice:
        (run,) = history.list_runs(practice)
        assert run.outcome == "done"
        assert practice.snapshot().count(LINKS) == 12 + 7, "same-name clients are not linked"
        assert practice.snapshot().get(LINKS, "c20") is None


async def test_an_unticked_change_stays_out(env: ConsoleFixture, console: Make) -> None:
    app = console(env)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await press(pilot, "s", "down", "right", "down", "space")
        assert shows(app, PlanReview)
        assert "1 unticked" in text_of(app)
        await press(pilot, "escape")
    with env.open() as practice:
        _, records = plans.load(practice, "last")
        assert len(list(ticked_changes(records, on=False))) == 1


@pytest.mark.soak
async def test_two_clients_of_one_name_are_mapped_apart_by_number(env: ConsoleFixture, console: Make) -> None:
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "c")
        assert shows(app, Clients)
        await press(pilot, "slash", "=john", "enter", "down", "m")
        assert shows(app, Picker)
        shown = text_of(app)
        assert shown.count("John Smith  same name") == 2
        assert "Hobart" in shown
        assert "Darwin" in shown
        await press(pilot, "=1021")  # in place of the client's own name
        shown = text_of(app)
        assert "00000000-0000-0000-0000-000000000021" in shown
        assert "000000000020" not in shown, "a number finds exactly one"
        await press(pilot, "enter")
        assert shows(app, Clients)
        assert "● Linked" in text_of(app)
        await press(pilot, "u")
        assert shows(app, PlanReview)
        assert "1021 John Smith → –" in text_of(app), "an undo names what it takes away"
        await press(pilot, "escape")
    with env.open() as practice:
        snapshot = practice.snapshot()
        link = snapshot.get(LINKS, "c21")
        assert link is not None
        assert link.number == "1021"
        assert snapshot.get(LINKS, "c20") is None


async def test_review_settles_one_client_per_key(env: ConsoleFixture, console: Make) -> None:
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "c", "r")
        assert shows(app, Review)
        assert "1 of 22" in text_of(app)
        await press(pilot, "enter", "enter")
        assert "1 of 20" in text_of(app)
        await press(pilot, "n", "i")
        assert "of 19" in text_of(app)
        await press(pilot, "S")
        assert "Link " in text_of(app)
        await press(pilot, "y", "escape")
    with env.open() as practice:
        assert practice.snapshot().count(LINKS) == 18, "two by enter, sixteen by all sure ones"


async def test_a_setting_is_found_and_changed(env: ConsoleFixture, console: Make) -> None:
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "e", "slash", "=day_reserve", "enter", "enter")
        await press(pilot, "backspace", "backspace", "backspace", "=250", "enter")
        assert "250" in text_of(app)
        assert "Practice" in text_of(app)
        await press(pilot, "enter", "=x", "enter")
        assert "cannot be" in text_of(app)
    with env.open() as practice:
        assert practice.settings.number("gate.day_reserve") == 250


@pytest.mark.soak
async def test_a_setting_of_a_few_words_is_chosen(env: ConsoleFixture, console: Make) -> None:
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "e", "slash", "=sync.clear", "enter", "enter")
        assert app.focused is not None
        assert app.focused.id == "choice-1", "what is in force has the focus"
        await press(pilot, "up", "enter")
        assert "never" in text_of(app)
    with env.open() as practice:
        assert practice.settings.text("sync.clear") == "never"


async def test_read_only_shows_all_and_writes_nothing(env: ConsoleFixture, console: Make) -> None:
    with env.open() as practice:
        before = practice.store.watch()
    app = console(env, read_only=True)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await settle(pilot)
        assert "READ-ONLY" in text_of(app)
        await press(pilot, "s")
        assert "read-only" in text_of(app)
        await press(pilot, "g", "c", "i")
        assert shows(app, Clients)
        assert "read-only" in text_of(app)
    with env.open() as practice:
        assert practice.store.watch() == before


async def test_a_key_that_cannot_be_used_says_why(env: ConsoleFixture, console: Make) -> None:
    env = ConsoleFixture(env.root / "other", connected=False)
    app = console(env)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await settle(pilot)
        assert "not connected" in text_of(app)
        await press(pilot, "s")
        assert "not connected to XPM yet" in text_of(app)


async def test_the_palette_does_what_a_key_does(env: ConsoleFixture, console: Make) -> None:
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "colon", "=make a plan", "enter")
        assert shows(app, PlanReview)
        await press(pilot, "escape", "ctrl+p", "=go to sett", "enter")
        assert "Which system is the master" in text_of(app)


async def test_leaving(env: ConsoleFixture, console: Make) -> None:
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "escape", "escape")
        assert app.is_running, "escape never leaves the console"
        await pilot.press("ctrl+c")
        assert app.is_running
        await pilot.press("ctrl+c")
        await pilot.pause()
    assert app.return_value == 0


async def in_step(env: ConsoleFixture) -> None:
    """A practice after its first run: every client that can be linked is linked, and both sides agree."""
    from xpm_tui.application.runs import runner

    with env.open() as practice:
        await runner.run(practice, full=True, reviewed=True)


def edited_on_both_sides(env: ConsoleFixture, number: int) -> None:
    """Change a phone number in Ignition, and differently in XPM."""
    from xpm_tui.application.clients.edits import edit_client

    with env.open() as practice:
        edit_client(practice, f"c{number}", {"phone": "07 000 0001"})
    env.xpm.edit(f"00000000-0000-0000-0000-{number:012}", phone="07 999 9999")


@pytest.mark.usefixtures("inline")
async def test_a_conflict_is_understood_and_undone(env: ConsoleFixture, console: Make) -> None:
    await in_step(env)
    edited_on_both_sides(env, 3)
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "s", "escape", "W")
        assert shows(app, Conflicts)
        shown = text_of(app)
        assert "1 ⇄ Planned" in shown
        assert "07 000 0001" in shown
        assert "07 999 9999  ◀ wins" in shown
        assert "last synced  09 555 0003" in shown, shown
        assert "the master and wins" in prose_of(app)
        assert "⏎ Client" in shown
        await press(pilot, "space")
        assert "■ Held for you" in text_of(app)
        await press(pilot, "space", "v")
        assert shows(app, PlanReview)
        await press(pilot, "a", "y")
        assert "✓ Done" in text_of(app)
        await press(pilot, "escape", "escape", "g", "s", "W")
        assert "● Overwritten" in text_of(app)
        await press(pilot, "u")
        assert shows(app, PlanReview)
        assert "undoes run" in text_of(app)
        await press(pilot, "a", "y", "escape")
        assert shows(app, Conflicts)
        shown = text_of(app)
        assert "↶ Undone" in shown
        assert "❄ frozen" in shown
    with env.open() as practice:
        client = practice.snapshot().get(CLIENTS, "c3")
        assert client is not None
        assert client.phone == "07 000 0001", "Ignition has its own value back"


@pytest.mark.soak
@pytest.mark.usefixtures("inline")
async def test_a_held_conflict_is_let_go_by_a_tick(env: ConsoleFixture, console: Make) -> None:
    env.settings = {"sync.on_conflict": "hold"}
    await in_step(env)
    edited_on_both_sides(env, 3)
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "s", "escape", "W")
        assert "held for you" in text_of(app)
        await press(pilot, "space")
        assert "⇄ Planned" in text_of(app)
        await press(pilot, "v", "a", "y", "escape")
    with env.open() as practice:
        client = practice.snapshot().get(CLIENTS, "c3")
        assert client is not None
        assert client.phone == "07 999 9999"


@pytest.mark.soak
async def test_a_field_is_switched_off_in_the_policy_table(env: ConsoleFixture, console: Make) -> None:
    await in_step(env)
    with env.open() as practice:
        field_policy.freeze(practice, "c3", ["phone"], "private number")
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "e", "P")
        assert shows(app, PolicyScreen)
        rows = app.screen.query_one(TableRows)
        phone = next(place for place, row in enumerate(rows.items) if row.field == "phone")
        await press(pilot, *("down",) * phone)
        assert "Frozen for 1 client" in text_of(app)
        await press(pilot, "space")
        assert "Save this change?" in text_of(app), "what follows from it is shown before it is saved"
        await press(pilot, "s")
        assert "○ off" in text_of(app)
        assert "1 field switched off" in text_of(app)
        await press(pilot, "enter")
        assert "private number" in text_of(app)
        await press(pilot, "enter")
        assert shows(app, Clients)
        assert "Client 00003" in text_of(app)
    with env.open() as practice:
        assert practice.policy().off == {"phone"}


def crowd(env: ConsoleFixture, count: int) -> None:
    """Store clients on both sides whose names are similar but not equal, so that each has one proposal."""
    from xpm_tui.domain.ignition import Client, Contact
    from xpm_tui.domain.ports import Put

    names = [f"{first} {second}" for first in TREES for second in TRADES][:count]
    env.xpm.rows = {
        row.uuid: row
        for row in (
            client(500 + n, name=f"The {name}", email=f"{n}@x.example") for n, name in enumerate(names)
        )
    }
    with env.open() as practice:
        writes = []
        for n, name in enumerate(names):
            contact = Contact(id=f"k{500 + n}", name="Somebody", email=f"{n}@x.example", primary=True)
            writes.append(Put(CLIENTS, Client(id=f"c{500 + n}", name=name, contacts=(contact,))))
        practice.store.commit(writes)


TREES = ("Kowhai", "Rimu", "Totara", "Kauri", "Matai", "Rata", "Puriri", "Titoki")
TRADES = ("Plumbing", "Electrical", "Bakery", "Dental", "Motors")


@pytest.mark.soak
async def test_forty_proposals_are_reviewed_with_one_key_each(env: ConsoleFixture, console: Make) -> None:
    env = ConsoleFixture(env.root / "forty", books=False)
    crowd(env, 40)
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "c", "r")
        assert "1 of 40" in text_of(app)
        assert "because" in text_of(app) or "name" in text_of(app)
        await press(pilot, *("enter",) * 39)
        assert "1 of 1" in text_of(app)
        assert "39 done" in text_of(app)
        await press(pilot, "enter")
        assert "No client needs your decision. 40 clients decided." in text_of(app)
    with env.open() as practice:
        snapshot = practice.snapshot()
        assert snapshot.count(LINKS) == 40
        for n in range(40):
            link = snapshot.get(LINKS, f"c{500 + n}")
            assert link is not None
            assert link.uuid == f"00000000-0000-0000-0000-{500 + n:012}"


@pytest.mark.soak
async def test_the_last_decision_is_undone(env: ConsoleFixture, console: Make) -> None:
    env = ConsoleFixture(env.root / "few", books=False)
    crowd(env, 5)
    with env.open() as practice:
        before = {row.id: row for row in practice.snapshot().rows(CLIENTS)}
    app = console(env)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await settle(pilot)
        await press(pilot, "g", "c", "r", "enter", "i", "u")
        assert "1 of 4" in text_of(app)
        assert "The decision on Kowhai Electrical was undone." in text_of(app)
        await press(pilot, "u")
        assert "1 of 5" in text_of(app)
        assert "The Kowhai Plumbing" in text_of(app), "the pair is proposed as it was"
        await press(pilot, "u")
        assert "There is no decision here to undo." in text_of(app)
        await press(pilot, "S", "y")
        assert "No client needs your decision" in text_of(app)
        await press(pilot, "u")
        assert "of 5" in text_of(app)
    with env.open() as practice:
        snapshot = practice.snapshot()
        assert snapshot.count(LINKS) == 0
        assert snapshot.count(IGNORED) == 0
        assert snapshot.count(BLOCKED_PAIRS) == 0
        assert {row.id: row for row in snapshot.rows(CLIENTS)} == before


@pytest.mark.soak
async def test_review_begins_where_it_was_left(env: ConsoleFixture, console: Make) -> None:
    env = ConsoleFixture(env.root / "few", books=False)
    crowd(env, 5)
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "c", "r", "n", "n", "n", "escape")
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "c", "r")
        assert "4 of 5" in text_of(app), "another console of the same person goes on there"


async def test_a_review_left_open_does_not_replace_a_link_made_meanwhile(
    env: ConsoleFixture, console: Make
) -> None:
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "c", "r")
        review = app.screen
        assert isinstance(review, Review)
        view = review._view
        assert view is not None
        with env.open() as other:
            taken = {proposal.uuid for proposal in view.proposals}
            free = next(
                row.uuid
                for row in other.snapshot().rows(XPM_CLIENTS)
                if row.uuid not in taken
                and not row.deleted
                and not other.snapshot().find(LINKS, "uuid", row.uuid)
            )
            links.link(other, view.id, free)
        await press(pilot, "enter")
        with env.open() as other:
            link = other.snapshot().get(LINKS, view.id)
        assert link is not None
        assert link.uuid == free


@pytest.mark.soak
async def test_a_review_goes_out_as_a_file_and_comes_back(
    env: ConsoleFixture, console: Make, tmp_path: Path
) -> None:
    env = ConsoleFixture(env.root / "few", books=False)
    crowd(env, 5)
    app = console(env)
    app.folder = str(tmp_path)
    path = tmp_path / "review.csv"
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "c", "r", "w", "enter")
        rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
        first = [row for row in rows if row["Rank"] == "1"]
        for row, choice in zip(first, ("link", "ignore", "", "link", "nonsense"), strict=True):
            row["Choice"] = choice
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        await press(pilot, "I", "=review.csv", "enter")
        shown = text_of(app)
        assert "2 would be linked, 1 would be ignored" in shown
        assert "refused" in shown
        assert app.focused is not None
        assert app.focused.id == "no"
        await press(pilot, "y")
        assert "2 linked, 1 ignored" in text_of(app)
        await press(pilot, "escape")
        assert "of 2" in text_of(app)
        await press(pilot, "u")
        assert "of 5" in text_of(app)


@pytest.mark.soak
@pytest.mark.usefixtures("inline")
async def test_a_client_is_edited_and_exported_to_ignition(
    env: ConsoleFixture, console: Make, tmp_path: Path
) -> None:
    await in_step(env)
    source = tmp_path / "clients.csv"
    source.write_text(
        "Client ID,Contact ID,Client Name,Contact Name,Contact Email,Tel,City\n"
        "CLI-0005,CON-5,Client 00005,Pat Doe 5,c5@example.com,1,Nelson\n"
        "CLI-0006,CON-6,Client 00006,Pat Doe 6,c6@example.com,2,\n"
        "CLI-9007,CON-7,,Nobody,c7@example.com,2,\n",
        encoding="utf-8",
    )
    app = console(env)
    app.folder = str(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "c", "I")
        assert shows(app, FilePicker)
        await press(pilot, "=cl", "tab", "enter")
        assert shows(app, ImportPreview)
        shown = text_of(app)
        assert "1 row refused" in shown
        assert "1 unknown column" in shown
        assert "Nelson" in shown
        assert "Tel" in shown
        with env.open() as practice:
            assert practice.snapshot().count(IMPORTS) == 0, "a preview writes nothing"
        await press(pilot, "down", "m")
        assert "What does the column “Tel” mean?" in text_of(app)
        names = [each.name for each in FORMS["clients"].fields]
        await press(pilot, *("down",) * names.index("contact_phone"), "enter")
        assert "unknown column" not in text_of(app)
        await press(pilot, "a")
        assert "refused" in text_of(app)
        await press(pilot, "escape")
        assert shows(app, Clients)
        await press(pilot, "slash", "=00006", "enter", "e")
        assert shows(app, EditDialog)
        await press(pilot, "down", "=12 Quay St", "f10")
        await press(pilot, "X")
        assert shows(app, ExportPreview)
        assert "is exported" in text_of(app)
        assert "Client 00006" in text_of(app)
        await press(pilot, "w")
        assert shows(app, FilePicker)
        await press(pilot, *("backspace",) * len("clients.csv"), "=out.csv", "enter")
        assert shows(app, Clients)
        await press(pilot, "X")
        assert "Ignition has everything" in text_of(app), "what went out is remembered"
    out = (tmp_path / "out.csv").read_text(encoding="utf-8-sig")
    assert "12 Quay St" in out
    assert "Client 00006" in out
    with env.open() as practice:
        row = practice.snapshot().get(CLIENTS, "c5")
        assert row is not None
        assert row.contacts[0].phone == "1"


@pytest.mark.soak
async def test_an_import_is_undone(env: ConsoleFixture, console: Make, tmp_path: Path) -> None:
    source = tmp_path / "clients.csv"
    source.write_text(
        "Client ID,Client Name,Contact Name,Contact Email,Phone\n"
        "CLI-0005,Client 00005,Pat Doe 5,c5@example.com,07 123\n",
        encoding="utf-8",
    )

    def phone() -> str:
        with env.open() as practice:
            row = practice.snapshot().get(CLIENTS, "c5")
            return row.phone if row is not None else "gone"

    app = console(env)
    app.folder = str(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "c", "I", "down", "enter", "a")
        assert phone() == "07 123"
        await press(pilot, "colon", "=last import back")
        await pilot.press("enter")
        await until(pilot, "Undo 1 change of")  # the worker thread waits for the answer
        await press(pilot, "y")
    assert phone() == ""


async def left(pilot: Pilot[Any], *keys: str) -> None:
    """Press the last keys of a console, and wait until it has ended."""
    await pilot.press(*keys)
    for _ in range(400):
        if pilot.app.return_value is not None:
            return
        await pilot.pause(0.01)
    raise AssertionError("the console did not end")


@pytest.mark.soak
async def test_another_practice_is_added_and_switched_to(env: ConsoleFixture, console: Make) -> None:
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "f9")
        assert shows(app, Practices)
        shown = text_of(app)
        assert "Hill [&] Partners" in shown
        assert "▸ needs you" in shown, "the open one"
        await press(pilot, "n", "=Harbour & Co")
        await left(pilot, "enter")
    assert app.return_value == SWITCH, "the console begins anew over the new one"
    assert homes.current(env.home) == "harbour-co"
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "escape", "f9")
        assert "harbour-co" in text_of(app)
        assert "Hill [&] Partners" in text_of(app)
        assert "○ not connected" in text_of(app)
        await press(pilot, "2")
        assert "clients need a decision" not in text_of(app)
        await press(pilot, "down")
        assert "22 clients need a decision" in text_of(app), "what the selected practice waits for"
        await press(pilot, "1", "up")
        await left(pilot, "down", "enter")
    assert app.return_value == SWITCH
    assert homes.current(env.home) == "practice"


@pytest.mark.soak
@pytest.mark.usefixtures("inline")
async def test_a_held_run_is_released_where_its_stops_are_read(env: ConsoleFixture, console: Make) -> None:
    from xpm_tui.application.runs import runner

    with env.open() as practice:
        assert (await runner.run(practice, full=True, trigger="daily")).outcome == "held"
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "s")
        assert "a releases it" in text_of(app)
        await press(pilot, "a")
        assert "Release run" in text_of(app)
        await press(pilot, "y")
        assert shows(app, RunScreen)
        assert "✓ Done" in text_of(app)
        await press(pilot, "escape", "a")
        assert "No run is waiting: the last run finished." in [n.message for n in app._notifications]


@pytest.mark.soak
@pytest.mark.usefixtures("inline")
async def test_a_held_run_is_released(env: ConsoleFixture, console: Make) -> None:
    from xpm_tui.application.runs import runner

    with env.open() as practice:
        held = await runner.run(practice, full=True, trigger="daily")
        assert held.outcome == "held"
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "1 held" in text_of(app)
        await press(pilot, "enter")
        assert shows(app, RunScreen)
        shown = text_of(app)
        assert "■ Held for you" in shown
        assert "first" in shown, "the stop is told in a sentence"
        assert "a Release" in shown
        await press(pilot, "x")
        assert "The run has ended: there is nothing to stop." in [n.message for n in app._notifications]
        await press(pilot, "a")
        assert "Release run" in text_of(app)
        assert app.focused is not None
        assert app.focused.id == "no"
        await press(pilot, "y")
        assert shows(app, RunScreen)
        assert "✓ Done" in text_of(app)
        await press(pilot, "escape")
        assert "held" not in text_of(app).splitlines()[0]
    with env.open() as practice:
        assert practice.snapshot().count(LINKS) > 0


@pytest.mark.soak
async def test_a_colleagues_run_is_watched_live(env: ConsoleFixture, console: Make) -> None:
    """Two consoles over one practice: the second one follows the run of the first, and shows whose it is."""
    from xpm_tui.application.runs import runner

    app = console(env)
    half = asyncio.Event()
    go_on = asyncio.Event()

    async def waits(*_: object) -> None:
        half.set()
        await go_on.wait()

    with env.open() as practice:
        practice.person = "ana"
        env.xpm.before = waits
        async with app.run_test(size=(80, 24)) as pilot:
            await settle(pilot)
            work = asyncio.create_task(runner.run(practice, full=True, reviewed=True))
            await half.wait()
            await app.refresh_status()
            await settle(pilot)
            assert "◷ run r1" in text_of(app).splitlines()[0], "the head says that a run is on"
            await press(pilot, "enter")
            assert shows(app, RunScreen)
            await until(pilot, "by ana")
            assert "▶ Running" in text_of(app)
            await press(pilot, "u")
            go_on.set()
            done = await work
            assert done.outcome == "done"
            await until(pilot, "✓ Done")
            await until(pilot, "Run r1 is done")
            await press(pilot, "home", "slash", "=linked", "enter")
            assert "is linked to" in text_of(app)


@pytest.mark.usefixtures("inline")
async def test_first_run_to_first_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From an empty home: permission, app, a pasted address, practice, direction, clients, plan, run."""
    from tests.application.fixtures import PracticeFixture as Sandboxed
    from tests.support.inprocess import consent
    from xpm_tui.application.practice import OpenPractice
    from xpm_tui.cli.demo import _free_port
    from xpm_tui.tui.wizard.screen import Wizard
    from xpm_tui.tui.wizard.sign_in import AuthorisePane

    async def still(_: MovedClock, seconds: float) -> None:
        await asyncio.sleep(seconds if seconds > 60 else 0)

    monkeypatch.setattr(MovedClock, "sleep", still)  # the wait for the browser has no time limit here
    env = Sandboxed(tmp_path, clients=12)
    port = str(_free_port())

    def opened() -> OpenPractice:
        practice = env.open()
        practice.settings.set("xero.redirect_port", port, practice=True)
        return practice

    worker = WorkerThread(opened)
    worker.open()
    app = Console(worker, environ=TERMINAL)
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            await settle(pilot)
            assert shows(app, Wizard)
            assert "step 1 of 9" in text_of(app)
            await pilot.press("enter")  # the box is ticked, and the app is known
            await until(pilot, "step 3 of 9")
            await until(pilot, "authorize?respon")
            pane = app.screen.query_one(AuthorisePane)
            first = pane._login
            assert first is not None
            pane.query_one("#copy").focus()
            app.post_message(events.Paste(consent(env.sandbox, first.url, deny=True)))
            await until(pilot, "A new attempt has started")
            text = text_of(app)
            assert "Cancel was pressed" in text
            assert pane._login is not None
            assert (
                text.index("Cancel was pressed")
                < text.index("paste the address")
                < text.index(pane._login.url[:20])
            )
            assert pane._login is not None
            assert pane._login.url != first.url, "a fresh address, and somebody waits for its answer"
            pane.query_one("#again").focus()
            address = consent(env.sandbox, pane._login.url, tenant=env.tenant)
            app.post_message(events.Paste(f"{address[:40]}\n{address[40:]}\n"))
            await until(pilot, "step 5 of 9")
            await settle(pilot)
            await pilot.press("enter")
            await until(pilot, "step 6 of 9")
            await settle(pilot)
            await pilot.press("tab", "tab", "enter")  # bring in from XPM
            await until(pilot, "Cancel")
            await press(pilot, "y")
            await until(pilot, "left for your decision")
            await press(pilot, "escape")
            assert "step 7 of 9" in text_of(app)
            await press(pilot, "enter", "y")  # bring in XPM's staff
            for _ in range(3):
                if "step 9 of 9" not in text_of(app):
                    await press(pilot, "f3")
            assert "step 9 of 9" in text_of(app)
            await press(pilot, "enter")
            assert shows(app, PlanReview)
            assert "first sync" in text_of(app)
            await press(pilot, "a")
            await until(pilot, "Cancel")
            await press(pilot, "y")
            await until(pilot, "✓ Done")
            assert shows(app, RunScreen)
            await press(pilot, "escape")
            assert "synced" in text_of(app).splitlines()[0]
            assert "never" not in text_of(app).splitlines()[0]
    finally:
        worker.close()
        env.close()


async def test_the_screen_is_drawn_again_by_key_and_by_palette(
    env: ConsoleFixture, console: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(Console, "action_redraw", lambda _: asked.append("redraw"))
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        asked.clear()  # the first size requests it, too
        await press(pilot, "colon", "=draw the screen", "enter")
        assert asked == ["redraw"]
        await press(pilot, "question_mark", "ctrl+l", "escape")
        assert asked == ["redraw"] * 2, "over a box, too"


@pytest.mark.soak
async def test_a_plan_without_clients_does_not_say_that_both_sides_agree(tmp_path: Path) -> None:
    env = ConsoleFixture(tmp_path, books=False)
    app = env.console()
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            await settle(pilot)
            await press(pilot, "n")
            assert "nothing to compare" in prose_of(app)
            assert "agree" not in prose_of(app)
    finally:
        app.worker.close()
