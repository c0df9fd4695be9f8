"""The Templates area: services and their templates, choices and undo; checked against the store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.support.profile import in_soak
from tests.tui.fixtures import HOSTILE, ConsoleFixture, press, prose_of, settle, text_of
from tests.tui.people import SERVICE_ROWS, UUID, asked, fill
from xpm_tui.domain.ignition import Service
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import SERVICES, TEMPLATES
from xpm_tui.tui.app import Console
from xpm_tui.tui.screens.service_templates import ServiceTemplates
from xpm_tui.tui.screens.templates import TemplatesArea

Make = Callable[..., Console]
Shot = Callable[..., bool]
PLAIN = {"TERM": "xterm-256color", "NO_COLOR": "1"}


def service(env: ConsoleFixture, id_: str) -> Service:
    with env.open(read_only=True) as practice:
        found = practice.snapshot().get(SERVICES, id_)
    assert found is not None
    return found


def names(app: Console) -> list[str]:
    assert isinstance(app.screen, TemplatesArea)
    return [row.name for row in app.screen.table.rows.items]


async def to(pilot: Pilot[Any], app: Console, name: str) -> None:
    """Go to Templates, the cursor on the first service of that name."""
    app.go("templates")
    await settle(pilot)
    await press(pilot, "slash", f"={name}", "enter")


async def test_services_stand_with_their_templates_and_what_is_not_covered(
    env: ConsoleFixture, console: Make
) -> None:
    await fill(env)
    app = console(env)
    async with app.run_test(size=(160, 48)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "l")
        shown = text_of(app)
        for reported in ("◇ same name: Annual Accounts", "◇ maybe: Payroll", "○ nothing chosen",
                     "✗ Vanished (gone)", "– no job, by choice", "  not used",
                     "! on proposals, no service", "Unheard of",
                     "XPM no longer has the job template Vanished: 1 service uses it",
                     "New jobs: category none"):  # fmt: skip
            assert reported in shown, reported


@pytest.mark.soak
async def test_saved_filters_narrow(env: ConsoleFixture, console: Make) -> None:
    await fill(env)
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "l")
        seen = {}
        for _ in TemplatesArea.FILTERS:
            assert isinstance(app.screen, TemplatesArea)
            seen[app.screen.filter_name] = names(app)
            await press(pilot, "right_square_bracket")
        assert seen["open"] == ["Advice", "Annual Accounts", "Payroll run"]
        assert seen["proposed"] == ["Annual Accounts", "Payroll run"]
        assert (seen["gone"], seen["no-job"], seen["unknown"]) == (["Old work"], ["Chat"], ["Unheard of"])
        assert seen["unused"] == ["Annual Accounts", "GST Return", "Payroll"]


@pytest.mark.soak
async def test_several_templates_are_chosen_in_order_and_undone(env: ConsoleFixture, console: Make) -> None:
    await fill(env)
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await to(pilot, app, "advice")
        await press(pilot, "m")
        assert isinstance(app.screen, ServiceTemplates)
        await press(pilot, "=payroll", "enter", "f4", "=annual", "enter")
        assert "Job templates: 1 Payroll  2 Annual Accounts" in text_of(app)
        assert service(env, "s3").templates == ()
        await press(pilot, "f10")
        assert service(env, "s3").templates == (UUID.format(2, 3), UUID.format(2, 1))
        await press(pilot, "m", "enter", "tab", "enter")
        assert service(env, "s3").templates == (UUID.format(2, 1),)
        await press(pilot, "u", "u")
        assert service(env, "s3") == SERVICE_ROWS[2]


@pytest.mark.soak
async def test_leaving_keeps_nothing_and_no_job_is_a_choice(env: ConsoleFixture, console: Make) -> None:
    await fill(env)
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await to(pilot, app, "advice")
        await press(pilot, "m", "enter", "escape")
        assert service(env, "s3") == SERVICE_ROWS[2]
        await press(pilot, "m", "f6")
        assert service(env, "s3").no_job
        await press(pilot, "delete")
        assert not service(env, "s3").no_job
        await press(pilot, "0")
        assert service(env, "s3").no_job


async def test_all_of_the_same_name_are_accepted_after_asking_with_the_count(
    env: ConsoleFixture, console: Make
) -> None:
    await fill(env)
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "l")
        await asked(pilot, "Link 1 service to the job template with the same name?", "a")
        await press(pilot, "escape")
        assert service(env, "s1").templates == ()
        await asked(pilot, "Link 1 service", "a")
        await press(pilot, "y")
        assert service(env, "s1").templates == (UUID.format(2, 1),)
        assert service(env, "s2").templates == ()


@pytest.mark.soak
async def test_what_is_gone_is_replaced(env: ConsoleFixture, console: Make) -> None:
    await fill(env)
    app = console(env)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        assert "no longer has the job template Vanished" in " ".join(text_of(app).split())
        await to(pilot, app, "old work")
        assert "XPM no longer has it" in text_of(app)
        await press(pilot, "m")
        assert "gone in XPM" in text_of(app)
        await press(pilot, "enter", "=payroll", "enter", "f10")
        assert service(env, "s4").templates == (UUID.format(2, 3),)
        assert "no longer has the job template" not in text_of(app)


@pytest.mark.soak
async def test_what_new_jobs_follow_is_changed_here(env: ConsoleFixture, console: Make) -> None:
    await fill(env)
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "l", "P", "enter")
        assert "Compliance" in text_of(app)
        await press(pilot, "down", "enter")
        assert "category Compliance" in text_of(app)
        await press(pilot, "P", *("down",) * 4, "enter", "backspace", "=3", "enter")
        assert "3 days early" in prose_of(app)
        with env.open(read_only=True) as practice:
            assert practice.settings.text("jobs.default_category") == "Compliance"
            assert practice.settings.number("jobs.days_early") == 3


async def test_a_default_category_that_xpm_lacks_is_reported(env: ConsoleFixture, console: Make) -> None:
    await fill(env)
    with env.open() as practice:
        practice.settings.set("jobs.default_category", "Tax", practice=True)
    app = console(env)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        assert "XPM has no job category Tax" in " ".join(text_of(app).split())
        await press(pilot, "g", "l")
        assert "✗ XPM has no job category Tax: jobs that would get it are held." in text_of(app)


@pytest.mark.soak
async def test_services_are_made_from_a_name_on_proposals_and_edited(
    env: ConsoleFixture, console: Make
) -> None:
    await fill(env)
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await to(pilot, app, "unheard")
        await press(pilot, "m")
        assert isinstance(app.screen, TemplatesArea)
        await press(pilot, "n", "f10")
        assert service(env, "s7").name == "Unheard of"
        await press(pilot, "escape")
        await to(pilot, app, "chat")
        await press(pilot, "e", "=s", "f10")
        assert service(env, "s5").name == "Chats"


@pytest.mark.soak
async def test_a_closed_list_takes_a_typed_uuid(env: ConsoleFixture, console: Make) -> None:
    from xpm_tui.application.practice import ListState, put
    from xpm_tui.domain.ports import Drop

    await fill(env)
    note = "Job templates cannot be listed: the login lacks the scope practicemanager.read."
    with env.open() as practice:
        gone = [Drop(TEMPLATES, id_) for id_ in practice.snapshot().ids(TEMPLATES)]
        practice.store.commit(
            [*gone, put("list:templates", ListState(note=note, scope="practicemanager.read"))]
        )
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await to(pilot, app, "advice")
        assert "lacks the scope" in " ".join(text_of(app).split())
        await press(pilot, "m", f"={UUID.format(7, 7)}", "enter", "f10")
        assert service(env, "s3").templates == (UUID.format(7, 7),)


async def test_an_empty_library_says_what_to_press(env: ConsoleFixture, console: Make) -> None:
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "l")
        assert "There are no services yet. Press n to add one" in " ".join(text_of(app).split())


async def test_hostile_names_are_text(env: ConsoleFixture, console: Make) -> None:
    await fill(env)
    app = console(env)
    async with app.run_test(size=(160, 60)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "l")
        assert str(visible(HOSTILE[5]))[:16] in text_of(app)
        assert HOSTILE[3] in text_of(app)
        await press(pilot, "m")
        assert not {"\x1b", "\x07", "\u202e", "\x9b"} & set(text_of(app))


SIZES = [(80, 24), in_soak((120, 40)), in_soak((160, 48))]


@pytest.mark.parametrize("way", ["templates", "map"])
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
    assert snap_compare(app, terminal_size=(80, 24), run_before=walk(env, "templates"))


def walk(env: ConsoleFixture, way: str) -> Callable[[Pilot[Any]], Any]:
    asyncio.run(fill(env))

    async def go(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        await press(pilot, "g", "l")
        if way == "map":
            await press(pilot, "slash", "=payroll", "enter", "m", "enter")

    return go
