"""The Team area: filters, links, staff added and created, and undo; checked against the store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.support.profile import in_soak
from tests.tui.fixtures import HOSTILE, ConsoleFixture, press, settle, text_of
from tests.tui.people import UUID, asked, fill
from xpm_tui.domain.ignition import TeamMember
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import TEAM
from xpm_tui.tui.app import Console
from xpm_tui.tui.screens.chooser import AddStaffPicker, MapStaffPicker
from xpm_tui.tui.screens.team import TeamArea

Make = Callable[..., Console]
Shot = Callable[..., bool]
PLAIN = {"TERM": "xterm-256color", "NO_COLOR": "1"}


def member(env: ConsoleFixture, id_: str) -> TeamMember:
    with env.open(read_only=True) as practice:
        found = practice.snapshot().get(TEAM, id_)
    assert found is not None
    return found


def names(app: Console) -> list[str]:
    assert isinstance(app.screen, TeamArea)
    return [row.name for row in app.screen.table.rows.items]


async def to(pilot: Pilot[Any], app: Console, name: str) -> None:
    """Go to Team, the cursor on the first member of that name."""
    app.go("team")
    await settle(pilot)
    await press(pilot, "slash", f"={name}", "enter")


async def test_the_team_stands_beside_xpms_staff(env: ConsoleFixture, console: Make) -> None:
    await fill(env)
    app = console(env)
    async with app.run_test(size=(160, 48)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "t")
        assert sorted(names(app)) == sorted(
            ["Ana Reid", "Tom Reid", "Sam Lee", "Gail Former", "Bo Li", HOSTILE[0], "Tom Reid", "Sam Lee",
             "Sam Lee", HOSTILE[1], HOSTILE[4]]
        )  # fmt: skip
        shown = text_of(app)
        for reported in ("● Ana Reid", "◇ same e-mail: Tom Reid", "◇ by name: Sam Lee",
                         "✗ Gail Former (left)", "Bo Li no access", "○ unlinked",
                         "· only in XPM"):  # fmt: skip
            assert reported in shown, reported
        await press(pilot, "slash", "=tom", "enter")
        shown = text_of(app)
        assert "partner of 2 clients" in shown
        assert "the same e-mail" in shown
        assert "m links to XPM staff" in shown


@pytest.mark.soak
async def test_saved_filters_and_letters_narrow(env: ConsoleFixture, console: Make) -> None:
    await fill(env)
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "t")
        seen = {}
        for _ in TeamArea.FILTERS:
            assert isinstance(app.screen, TeamArea)
            seen[app.screen.filter_name] = sorted(names(app))
            await press(pilot, "right_square_bracket")
        assert seen["needs-link"] == sorted(["Tom Reid", "Sam Lee", "Gail Former", "Bo Li", HOSTILE[0]])
        assert seen["proposed"] == ["Sam Lee", "Tom Reid"]
        assert seen["left"] == ["Gail Former"]
        assert seen["same-name"] == ["Sam Lee", "Sam Lee", "Sam Lee"]
        assert seen["no-access"] == ["Bo Li"]
        assert len(seen["xpm-only"]) == 5
        await press(pilot, "slash", "=zzz")
        assert "No one matches this filter." in text_of(app)
        await press(pilot, "escape")
        assert len(names(app)) == 11


@pytest.mark.soak
async def test_mapping_says_what_it_does_before_enter_and_goes_back_after(
    env: ConsoleFixture, console: Make
) -> None:
    await fill(env)
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await to(pilot, app, "bo li")
        await press(pilot, "m")
        assert isinstance(app.screen, MapStaffPicker)
        await press(pilot, "=samuel")
        shown = text_of(app)
        assert UUID.format(1, 4) in shown
        assert "The e-mail addresses differ" in shown
        assert "Nothing is written to XPM." in shown
        await press(pilot, "enter")
        assert member(env, "t5").staff == UUID.format(1, 4)
        assert "add_staff" not in env.xpm.asked
        await press(pilot, "u")
        assert member(env, "t5").staff == ""


@pytest.mark.soak
async def test_someone_elses_record_is_refused_and_the_proposal_stands_first(
    env: ConsoleFixture, console: Make
) -> None:
    await fill(env)
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await to(pilot, app, "tom")
        await press(pilot, "m")
        assert isinstance(app.screen, MapStaffPicker)
        assert app.screen.current is not None
        assert app.screen.current.name == "Tom Reid"
        await press(pilot, "=ana")
        assert "is already linked to Ana Reid (t1)" in text_of(app)
        await press(pilot, "enter")
        assert isinstance(app.screen, MapStaffPicker)
        assert member(env, "t2").staff == ""
        await press(pilot, "f4", "enter")
        assert member(env, "t2").staff == UUID.format(1, 2)


async def test_all_e_mail_matches_are_accepted_after_asking_with_the_count(
    env: ConsoleFixture, console: Make
) -> None:
    await fill(env)
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "t")
        await asked(pilot, "Link 1 person whose e-mail is the same?", "a")
        await press(pilot, "escape")
        assert member(env, "t2").staff == ""
        await asked(pilot, "Link 1 person", "a")
        await press(pilot, "y")
        assert (member(env, "t2").staff, member(env, "t3").staff) == (UUID.format(1, 2), "")


async def test_staff_are_picked_one_by_one_or_all_and_undone(env: ConsoleFixture, console: Make) -> None:
    await fill(env)
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "t", "p")
        assert isinstance(app.screen, AddStaffPicker)
        await press(pilot, "=samuel")
        assert "Adds a team member without access" in text_of(app)
        await press(pilot, "enter")
        assert "Is Sam Lee a different person?" in text_of(app)
        await press(pilot, "y")
        assert (member(env, "t7").name, member(env, "t7").access) == ("Sam Lee", False)
        await press(pilot, "f4", "f5")
        assert "Bring in 3 people from XPM?" in text_of(app)
        await press(pilot, "y")
        assert "1 person not linked to a team member" in text_of(app), "XPM's other Sam Lee"
        assert member(env, "t2").staff == UUID.format(1, 2)
        await press(pilot, "escape", "u", "u")
        with env.open(read_only=True) as practice:
            assert practice.snapshot().count(TEAM) == 6


@pytest.mark.soak
async def test_a_person_is_made_in_xpm_only_after_seeing_what_is_sent(
    env: ConsoleFixture, console: Make
) -> None:
    await fill(env)
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await to(pilot, app, "bo li")
        await press(pilot, "C")
        await asked(pilot, "Create Bo Li", "=03 555", "f10")
        shown = text_of(app)
        for reported in (
            "staff.api/add",
            "bo@hill.example",
            "03 555",
            "without login",
            "Create Bo Li in XPM's staff?",
        ):
            assert reported in shown, reported
        await press(pilot, "escape")
        assert "add_staff" not in env.xpm.asked
        await press(pilot, "C")
        await asked(pilot, "Create Bo Li", "=03 555", "f10")
        await press(pilot, "y")
        assert env.xpm.asked.count("add_staff") == 1
        made = env.xpm.people[-1]
        assert (made.name, made.email, made.phone) == ("Bo Li", "bo@hill.example", "03 555")
        assert member(env, "t5").staff == made.uuid


@pytest.mark.soak
async def test_who_is_there_already_is_not_made_again(env: ConsoleFixture, console: Make) -> None:
    await fill(env)
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await to(pilot, app, "tom")
        await press(pilot, "C", "f10")
        shown = text_of(app)
        assert "already: the e-mail is" in shown
        assert "Different person: create" in shown
        await press(pilot, "escape")
        assert "add_staff" not in env.xpm.asked


@pytest.mark.soak
async def test_members_are_made_edited_and_unlinked(env: ConsoleFixture, console: Make) -> None:
    await fill(env)
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "t", "n", "=Mere H", "f10")
        assert member(env, "t7").name == "Mere H"
        await press(pilot, "escape")
        await to(pilot, app, "ana")
        await press(pilot, "e", "=.", "f10")
        assert member(env, "t1").name == "Ana Reid."
        await press(pilot, "escape")
        await to(pilot, app, "ana reid.")
        await press(pilot, "delete")
        assert member(env, "t1").staff == ""


async def test_someone_only_in_xpm_is_no_member_yet(env: ConsoleFixture, console: Make) -> None:
    await fill(env)
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await to(pilot, app, "samuel")
        for key in ("m", "C", "e", "delete"):
            await press(pilot, key)
            assert isinstance(app.screen, TeamArea), key
        assert "only in XPM" in text_of(app)


async def test_a_closed_list_and_an_empty_team_say_what_to_do(env: ConsoleFixture, console: Make) -> None:
    from xpm_tui.application.practice import ListState, put

    with env.open() as practice:
        closed = "Staff cannot be listed: the login lacks the scope practicemanager.staff.read."
        practice.store.commit([put("list:staff", ListState(note=closed, scope="practicemanager.staff.read"))])
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "t")
        assert "lacks the scope practicemanager.staff.read" in text_of(app)
        assert "staff list has not been read yet" in text_of(app)


async def test_who_connected_and_left_is_shown_here_and_on_overview(
    env: ConsoleFixture, console: Make
) -> None:
    await fill(env)
    from xpm_tui.application.practice import PracticeIdentity, put

    with env.open() as practice:
        practice.store.commit(
            [put("identity", PracticeIdentity(tenant="t", title="Hill", login="Gail Former"))]
        )
    app = console(env)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        assert "Gail Former, who connected this practice" in " ".join(text_of(app).split())
        await press(pilot, "g", "t")
        assert "is no longer among XPM's staff" in text_of(app)


async def test_hostile_names_are_text(env: ConsoleFixture, console: Make) -> None:
    await fill(env)
    app = console(env)
    async with app.run_test(size=(160, 60)) as pilot:
        await settle(pilot)
        for keys in (("g", "t"), ("m",), ("escape", "p")):
            await press(pilot, *keys)
            shown = text_of(app)
            assert not {"\x1b", "\x07", "\u202e", "\x9b"} & set(shown)
        assert str(visible(HOSTILE[4]))[:16] in shown
        assert "[@click=app.quit]Click[/]" in shown


SIZES = [(80, 24), in_soak((120, 40)), in_soak((160, 48))]


@pytest.mark.parametrize("way", ["team", "map"])
@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40", "160x48"])
def test_picture(
    way: str, size: tuple[int, int], env: ConsoleFixture, console: Make, snap_compare: Shot
) -> None:
    assert snap_compare(console(env), terminal_size=size, run_before=walk(env, way))


@pytest.mark.soak
def test_picture_without_colour(
    env: ConsoleFixture, console: Make, snap_compare: Shot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = console(env, environ=PLAIN)
    assert snap_compare(app, terminal_size=(80, 24), run_before=walk(env, "team"))


def walk(env: ConsoleFixture, way: str) -> Callable[[Pilot[Any]], Any]:
    asyncio.run(fill(env))

    async def go(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        await press(pilot, "g", "t", "slash", "=tom", "enter")
        if way == "map":
            await press(pilot, "m")
        else:
            await press(pilot, "escape")

    return go
