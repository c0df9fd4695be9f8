"""Words that users know from Ignition and Xero lead to the right place, and support sees what they see."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.tui.fixtures import HOSTILE, ConsoleFixture, press, settle, text_of
from xpm_tui.application.runs import plans
from xpm_tui.application.runs.xpm_refresh import refresh
from xpm_tui.commands.command import Situation
from xpm_tui.commands.registry import all_commands
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.ports import Put
from xpm_tui.domain.runs import Stop
from xpm_tui.domain.tables import CLIENTS
from xpm_tui.sync.planning import guard
from xpm_tui.tui import keymap, screenshot
from xpm_tui.tui.app import Console
from xpm_tui.tui.dialogs.edit import EditDialog
from xpm_tui.tui.dialogs.pickers import rank_entries
from xpm_tui.tui.screens.picker import Picker

Make = Callable[..., Console]
SEEN = 12
"""Entries of the palette that a window of 24 lines shows without scrolling."""


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("third party", {"connect", "problem:T1"}),
        ("apps", {"connect", "clients.link"}),
        ("error", {"doctor", "cases.list", "problem:T4"}),
        ("csv", {"import.clients", "import.team", "export.clients"}),
        ("revert", {"undo"}),
        ("screenshot", {"screenshot"}),
        ("engagement", {"proposals.list", "go:jobs"}),
        ("engagement letter", {"proposals.list"}),
        ("renewal", {"proposals.rollover"}),
        ("integration", {"connect"}),
        ("disconnect", {"disconnect", "clients.unlink"}),
        ("reconnect", {"connect"}),
        ("2fa", {"connect"}),
        ("logout", {"disconnect"}),
        ("phone", {"clients.edit", "contacts.edit"}),
        ("group", {"clients.edit"}),
        ("dark mode", {"settings.set"}),
        ("pause", {"runs.stop"}),
        ("webhook", {"inbox.setup"}),
        ("recurring", {"proposals.accept", "proposals.take"}),
        ("job not created", {"jobs.deploy"}),
        ("password", {"connect"}),
        ("duplicate", {"duplicates"}),
        ("staff", {"team.link", "team.pick", "team.create", "go:team"}),
        ("archive", {"data.backup"}),
        ("history", {"go:sync", "command-log"}),
        ("timezone", {"settings.set"}),
        ("quit", {"leave"}),
        ("sync", {"sync", "go:sync", "policy"}),
    ],
)
def test_the_palette_knows_the_words_of_ignition(typed: str, names: set[str]) -> None:
    assert {command.name for command in all_commands()} >= set(keymap.SYNONYMS), (
        "a synonym of a command that is gone"
    )
    entries = [
        *keymap.palette_entries("overview", Situation(area="overview")),
        *keymap.general_entries(),
        *keymap.problem_entries(),
    ]
    assert {entry.name for entry in rank_entries(typed, entries)[:SEEN]} >= names


@pytest.mark.parametrize(
    ("typed", "first"), [("sett", "go:settings"), ("Clients", "go:clients"), ("conn", "connect")]
)
def test_what_a_title_begins_with_comes_first(typed: str, first: str) -> None:
    entries = [*keymap.palette_entries("overview", Situation(area="overview")), *keymap.general_entries()]
    assert rank_entries(typed, entries)[0].name == first


async def test_a_known_problem_opens_from_the_palette(env: ConsoleFixture, console: Make) -> None:
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "colon", "=no longer accepts", "enter")
        assert "T6: Xero no longer accepts the login" in text_of(app)


@pytest.mark.soak
async def test_the_edit_form_leads_to_the_xpm_client(env: ConsoleFixture, console: Make) -> None:
    with env.open() as practice:
        await refresh(practice, full=True)
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "c", "e", "=x", "up")
        assert "Choose …  ○ not linked" in text_of(app)
        await press(pilot, "enter")
        assert "Discard your changes?" in text_of(app)
        await press(pilot, "n")
        assert isinstance(app.screen, EditDialog), "the user goes on editing"
        await press(pilot, "enter", "y")
        assert isinstance(app.screen, Picker)


async def test_a_key_saves_the_screen_masked_or_as_it_is(env: ConsoleFixture, console: Make) -> None:
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "c", "f8", "enter")
        await press(pilot, "f8", "down", "enter")
    saved = sorted(env.home.state.rglob("screenshot-*"))
    assert sorted(path.suffix for path in saved) == [".svg", ".txt"], "the later ones are of the same second"
    assert all(path.stat().st_mode & 0o077 == 0 for path in saved)
    assert "Pat Doe 0" in next(path for path in saved if path.suffix == ".txt").read_text()


def test_a_masked_screen_has_no_names() -> None:
    for name in (*HOSTILE, "Grace Mitchell Adela…", "c0@example.com", "09 555 0101"):
        words = [word for word in screenshot._WORD.findall(screenshot.masked(name)) if set(word) != {"x"}]
        assert {word.casefold() for word in words} <= screenshot._own_words(), name
    assert screenshot.masked("Grace Mitchell Adela… 14070107") == "xxxxx xxxxxxxx xxxxx… 00000000"
    svg = '<text class="a">Adela &amp; Weka</text><style>.a{fill:red}</style>'
    assert (
        screenshot.masked_picture(svg) == '<text class="a">xxxxx &amp; xxxx</text><style>.a{fill:red}</style>'
    )


NAMES_OF_OUR_WORDS = ("Grace Field", "Sync Settings Limited", "Needs Attention", "Overview")


@pytest.mark.parametrize(
    ("shown", "safe"),
    [
        ("│ Grace Field  CLI-1001 │", "│ xxxxx xxxxx  xxx-0000 │"),
        ("Field  City  Client name", "Field  City  Client name"),
        ("│ Sync Settin…        │", "│ xxxx xxxxxx…        │"),
        ("Sync Settings Limited is linked", "xxxx xxxxxxxx xxxxxxx is linked"),
        ("│ Overview  linked │", "│ xxxxxxxx  linked │"),
        ("│ Sync…  Sync │", "│ xxxx…  Sync │"),
        ("Overview of calls", "Overview of calls"),
        ("▲ needs attention, go on", "▲ xxxxx xxxxxxxxx, go on"),
    ],
)
def test_names_made_of_our_own_words_are_masked_where_they_stand(shown: str, safe: str) -> None:
    known = screenshot._own_words()
    words = screenshot.words_of_texts(NAMES_OF_OUR_WORDS)
    masked = screenshot.masked(shown, words)
    assert {"field", "sync", "client"} <= known
    assert masked == safe
    svg = f'<text x="0" y="1" textLength="{len(shown)}">{shown}</text>'
    assert screenshot.masked_picture(svg, words) == svg.replace(shown, safe)


def test_a_name_in_two_styles_is_masked_in_a_picture() -> None:
    words = screenshot.words_of_texts(NAMES_OF_OUR_WORDS)
    svg = '<text x="0" y="1" textLength="6">Grace </text><text x="6" y="1" textLength="5">Field</text>'
    assert "Field" not in screenshot.masked_picture(svg, words)


async def test_the_words_of_records_come_from_all_tables_with_names(env: ConsoleFixture) -> None:
    with env.open() as practice:
        practice.store.commit([Put(CLIENTS, Client(id="c900", name="Client Field", city="Sync"))])
        words = screenshot.record_words(practice.snapshot())
    assert ("client", "field") in words.pairs
    assert "sync" in words.alone


def test_a_stop_does_not_lead_to_the_plan_that_is_being_applied() -> None:
    look = guard._REVIEW_FIRST.format(plan="p4")
    stop = Stop(rule="many-records", sentence=f"40 of 90 clients would change. {look}")
    assert guard.without_advice(stop, "p4") == "40 of 90 clients would change."


async def test_a_plan_exported_from_the_palette_is_in_a_file(env: ConsoleFixture, console: Make) -> None:
    app = console(env)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        with env.open() as practice:
            await refresh(practice, full=True)
            await plans.make(practice)
        await press(pilot, "colon", "=export a plan", "enter", "f10")
        assert any("plan-export-p1.csv" in each.message for each in app._notifications)
        file = app.worker.practice.state / "plan-export-p1.csv"
        assert file.read_text().startswith(plans.export(app.worker.practice, "p1").splitlines()[0])
