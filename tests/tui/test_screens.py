"""Every screen: its picture, its footer at 80 columns, hostile names as text, and a way back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets._footer import FooterKey

from tests.support.profile import in_soak, spread
from tests.tui.fixtures import HOSTILE, TERMINAL, ConsoleFixture, press, settle, text_of, words_in
from xpm_tui.application.runs import plans, runner, xpm_refresh
from xpm_tui.application.runs.history import field_progress
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import LINKS
from xpm_tui.tui.app import Console
from xpm_tui.tui.widgets.rows import Rows
from xpm_tui.tui.widgets.text import TextLabel

Make = Callable[..., Console]
Shot = Callable[..., bool]

SCREEN_KEYS: dict[str, Sequence[str]] = {
    "overview": (),
    "clients": ("g", "c"),
    "team": ("g", "t"),
    "templates": ("g", "l"),
    "jobs": ("g", "j"),
    "sync": ("g", "s"),
    "settings": ("g", "e", "slash", "=redirect", "enter"),
    "plan-review": ("s", "right"),
    "picker": ("g", "c", "slash", "=john", "enter", "m"),
    "bulk-review": ("g", "c", "r"),
    "palette": ("colon",),
    "letters": ("g",),
    "help": ("g", "c", "f1"),
    "setting-dialog": ("g", "e", "slash", "=redirect", "enter", "enter"),
    "apply-dialog": ("s", "a"),
    "conflicts": ("W",),
    "policy": ("g", "e", "P", "down", "space"),
    "practices": ("f9",),
    "pick-file": ("g", "c", "I"),
    "import": ("g", "c", "I", "enter"),
    "export": ("g", "c", "X", "v", "v"),
    "edit-client": ("g", "c", "e"),
    "wizard": ("c",),
}
PICTURES = [(name, size) for name in SCREEN_KEYS for size in ((80, 24), (120, 40), (160, 48))]
FILE = """Client ID,Client Name,Contact Name,Contact Email,Tel,City
CLI-0001,Client 00001,Pat Doe 1,c1@example.com,07 123,Nelson
CLI-0002,Client 00002,Pat Doe 2,new@example.com,,Nelson
CLI-9999,,Nobody,nobody@example.com,,
"""
PLAIN = {"TERM": "xterm-256color", "NO_COLOR": "1"}


async def walked(env: ConsoleFixture, pilot: Pilot[Any], way: Sequence[str]) -> None:
    """Fill the mirror, link clients with a first run, then go to the screen."""
    await settle(pilot)
    await press(pilot, *way)


async def seeded(env: ConsoleFixture) -> None:
    """Fill the mirror, as the wizard does; nothing is linked yet."""
    with env.open() as practice:
        await xpm_refresh.refresh(practice, full=True)


@pytest.fixture
def shown(env: ConsoleFixture, console: Make, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Return a console and the keys to press for a picture: the same on every machine and in every folder."""
    (env.root / "files").mkdir()
    (env.root / "files" / "clients.csv").write_text(FILE, encoding="utf-8")
    monkeypatch.chdir(env.root)

    def prepared(name: str, **about: Any) -> tuple[Console, Callable[[Pilot[Any]], Any]]:
        here = ConsoleFixture(env.root / "new", connected=False) if name == "wizard" else env
        if name != "wizard":
            asyncio.run(seeded(here))
        app = console(here, **about)
        app.folder = "files"

        async def go(pilot: Pilot[Any]) -> None:
            await settle(pilot)
            await walked(here, pilot, SCREEN_KEYS[name])

        return app, go

    return prepared


IN_PROFILE = [(name, size) if size == (80, 24) else in_soak(name, size) for name, size in PICTURES]


@pytest.mark.parametrize(("name", "size"), IN_PROFILE, ids=[f"{n}-{s[0]}x{s[1]}" for n, s in PICTURES])
def test_picture(name: str, size: tuple[int, int], shown: Callable[..., Any], snap_compare: Shot) -> None:
    app, go = shown(name)
    assert snap_compare(app, terminal_size=size, run_before=go)


@pytest.mark.parametrize("name", spread(SCREEN_KEYS, 4))
def test_picture_without_colour(
    name: str, shown: Callable[..., Any], snap_compare: Shot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app, go = shown(name, environ=PLAIN)
    assert snap_compare(app, terminal_size=(80, 24), run_before=go)


@pytest.mark.parametrize("name", spread(["clients", "picker", "bulk-review", "plan-review", "team"], 2))
async def test_hostile_names_are_text(name: str, env: ConsoleFixture, console: Make) -> None:
    await seeded(env)
    app = console(env)
    async with app.run_test(size=(160, 60)) as pilot:
        await settle(pilot)
        await press(pilot, *SCREEN_KEYS[name])
        if name == "plan-review":
            await press(pilot, "left", "v")
        if name == "picker":
            for hostile in HOSTILE:
                await press(pilot, "f4")
                app.screen.query_one("TextField").value = hostile  # type: ignore[attr-defined]
                await settle(pilot)
                assert visible(hostile)[:16] in text_of(app)
            return
        shown = text_of(app)
        if name in ("clients", "plan-review"):
            for hostile in HOSTILE[:6]:
                assert visible(hostile)[:20] in shown
        assert "\x1b" not in shown
        assert "\u202e" not in shown
        assert "\x9b" not in shown


@pytest.mark.parametrize(
    ("way", "says"),
    [
        (("f9",), "Switch"),
        in_soak(("g", "e"), "Change"),
        in_soak(("g", "e", "P"), "Frozen clients"),
        (("colon", "=doctor", "enter"), "What to do"),
    ],
)
async def test_enter_is_explained_while_the_list_has_focus(
    way: Sequence[str], says: str, env: ConsoleFixture, console: Make
) -> None:
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, *way)
        assert isinstance(app.focused, Rows)
        reported = [key.description for key in app.screen.query(FooterKey) if key.key == "enter"]
        assert reported == [says]


async def test_a_run_shows_its_progress_by_field_where_there_is_room(
    env: ConsoleFixture, console: Make
) -> None:
    with env.open() as practice:
        await xpm_refresh.refresh(practice, full=True)
        run = await runner.run(practice, plan_id=(await plans.make(practice)).id)
        links = next(each for each in field_progress(practice, run) if each.label == "Link")
        assert links.done == links.total == sum(1 for _ in practice.snapshot().rows(LINKS))
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        app.show_run(run.id)
        await settle(pilot)
        assert "By field" not in text_of(app)
        for size in ((120, 40), (160, 48)):
            await pilot.resize_terminal(*size)
            await settle(pilot)
            assert f" {links.total} of {links.total} ✓" in words_in(app, ".run-fields")


async def test_a_wider_window_compares_both_sides_at_once(env: ConsoleFixture, console: Make) -> None:
    await seeded(env)
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, *SCREEN_KEYS["picker"])
        await pilot.resize_terminal(120, 40)
        await settle(pilot)
        shown = words_in(app, ".compare")
        assert "CLI-0020 XPM 1020" in shown, "an id is never cut"
        assert "City – + Hobart" in shown


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_sync_area_lists_the_earlier_runs(
    size: tuple[int, int], env: ConsoleFixture, console: Make
) -> None:
    for number in (1, 2):
        with env.open() as practice:
            await xpm_refresh.refresh(practice, full=True)
            await runner.run(practice, plan_id=(await plans.make(practice)).id)
        app = console(env)
        async with app.run_test(size=size) as pilot:
            await settle(pilot)
            await press(pilot, "g", "s")
            assert f"Run r{number}: ✓ Done" in text_of(app)
            if number == 1:
                assert "Last syncs" not in text_of(app), "the only run is shown in full above"
                continue
            assert "✓ r1" in words_in(app, "RunList")
            await press(pilot, "tab", "down")
            assert "by mere, manual, 0 calls, From XPM ─╯" in text_of(app)
            await press(pilot, "enter")
            assert text_of(app).startswith(" Run r1 ")


async def test_a_screen_below_a_dialog_is_laid_out_for_a_new_size(env: ConsoleFixture, console: Make) -> None:
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "s")
        wanted = text_of(app)
        for size in ((120, 40), (80, 40)):
            await pilot.resize_terminal(*size)
            await settle(pilot)
            assert "╰" in text_of(app).splitlines()[5], "no empty line is left in the summary"
        await pilot.resize_terminal(120, 40)
        await settle(pilot)
        await press(pilot, "a")
        await pilot.resize_terminal(80, 24)
        await settle(pilot)
        await press(pilot, "escape")
        assert text_of(app) == wanted


async def test_a_review_in_the_smallest_window_says_what_accepting_does(
    env: ConsoleFixture, console: Make
) -> None:
    await seeded(env)
    app = console(env)
    async with app.run_test(size=(60, 18)) as pilot:
        await settle(pilot)
        await press(pilot, *SCREEN_KEYS["bulk-review"])
        shown = text_of(app)
        assert "→ The next sync would make 3 changes in Ignition, and" in shown
        assert shown.count("╰") == 3, "each panel has its lower border"


async def test_a_footer_counts_the_keys_that_do_not_fit(env: ConsoleFixture, console: Make) -> None:
    app = console(env)
    async with app.run_test(size=(60, 18)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "c")
        assert text_of(app).splitlines()[-1] == "r Review e Edit m Link p Bring in i Ignore f Freeze +1 more"
        await pilot.resize_terminal(80, 24)
        await settle(pilot)
        assert "f Freeze s Sync this" in text_of(app).splitlines()[-1]
        assert "more" not in text_of(app).splitlines()[-1]


async def test_a_search_without_result_says_how_to_end_it(env: ConsoleFixture, console: Make) -> None:
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "s", "slash", "=zzz")
        assert "No change contains “zzz”. esc shows all changes again." in text_of(app)
        await press(pilot, "escape")
        assert "Link by exact name" in text_of(app)
        await press(pilot, "escape", "g", "s", "slash", "=zzz")
        assert "No line contains “zzz”. esc shows all lines again." in text_of(app)


async def test_the_number_of_a_choice_is_whole_or_left_out(env: ConsoleFixture, console: Make) -> None:
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "e", "slash", "=ignition", "enter")
        (row,) = [line for line in text_of(app).splitlines() if "‹ Not known yet ›" in line]
        assert "1…" not in row


async def test_a_plan_by_client_names_clients_by_their_ignition_id(
    env: ConsoleFixture, console: Make
) -> None:
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "s", "v")
        assert "Client 00000  CLI-0000" in text_of(app)


@pytest.mark.parametrize("size", [in_soak((59, 24)), (80, 17), in_soak((20, 5)), (1, 1)])
async def test_too_small_is_said(size: tuple[int, int], env: ConsoleFixture, console: Make) -> None:
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "too small" not in text_of(app)
        await pilot.resize_terminal(*size)
        await settle(pilot)
        if size[0] > 30 and size[1] > 3:
            assert "This window is too small." in text_of(app)
        await pilot.resize_terminal(80, 24)
        await settle(pilot)
        assert "Overview" in text_of(app)


@pytest.mark.parametrize("keys", [("g", "c"), ("g", "c", "m")])
async def test_a_toast_covers_nothing(keys: Sequence[str], env: ConsoleFixture, console: Make) -> None:
    app = console(env)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await settle(pilot)
        await press(pilot, *keys)
        app.toast("Client 00001 is linked to 1005 Client 00001.\nNothing will be synced to it.")
        await settle(pilot)
        shown = text_of(app).splitlines()
        assert "Nothing will be synced to it." in shown[-2]
        assert "is linked to 1005" in shown[-3]
        assert "╰" in shown[-4], "the panel above ends above the message"


async def test_sixteen_colours_get_the_terminals_own(env: ConsoleFixture, console: Make) -> None:
    assert console(env, environ={"TERM": "xterm"}).theme == "xpm-ansi-dark"
    assert console(env, environ={"TERM": "xterm", "COLORFGBG": "0;15"}).theme == "xpm-ansi-light"
    assert console(env, environ=TERMINAL).theme == "xpm-dark"
    assert console(env, environ={**TERMINAL, "NO_COLOR": "1"}).theme == "xpm-ansi-dark"


async def test_an_error_of_the_program_is_reported_without_a_value(
    env: ConsoleFixture, console: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = "canary-5f1c"

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(canary)

    monkeypatch.setattr("xpm_tui.application.clients.queries.side_by_side", broken)
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "c")
        shown = text_of(app)
        assert "Something went wrong inside xpm-tui." in shown
        assert canary not in shown
    (log,) = Path(env.root).rglob("console-errors.log")
    assert canary not in log.read_text(encoding="utf-8")
    assert log.stat().st_mode & 0o777 == 0o600


@pytest.mark.soak
@pytest.mark.parametrize("size", [in_soak((80, 24)), (60, 18)])
async def test_the_cards_and_the_names_of_the_areas_are_whole(
    size: tuple[int, int], env: ConsoleFixture, console: Make
) -> None:
    app = console(env)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        for area in ("overview", "clients", "team", "templates", "jobs", "sync", "settings"):
            app.go(area)
            await settle(pilot)
            names = text_of(app).splitlines()[1]
            assert names.rstrip().endswith("Settings"), names
        app.go("overview")
        await settle(pilot)
        words = " ".join(text_of(app).split())
        for whole in ("no import yet", "Everything", "clients to link"):
            assert whole in words, words
        for panel in app.screen.query(".panel").results(TextLabel):
            longest = max(line.cell_length for line in panel._text.split("\n", allow_blank=True))
            assert size[0] < 80 or longest <= panel.content_size.width, panel._text.plain


async def test_no_row_stays_painted_as_selected(env: ConsoleFixture, console: Make) -> None:
    """The next key may arrive after a repaint was requested, and before it has happened."""
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "c")
        rows = app.screen.query(Rows).first()
        rows.cursor = 1
        rows._check_refresh()
        rows.cursor = 2
        assert {region.y for region in rows._repaint_regions} >= {0, 1, 2}
