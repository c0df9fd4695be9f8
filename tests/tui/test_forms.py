"""Forms and searches: the keys do what the hints under the fields say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import msgspec
import pytest
from textual.dom import check_identifiers
from textual.widgets import Checkbox, Select

from tests.support.profile import count
from tests.tui.fixtures import ConsoleFixture, press, prose_of, settle, text_of
from xpm_tui.application.jobs.proposals import list_proposals
from xpm_tui.application.presenters.lookup import find_client
from xpm_tui.commands.command import Command
from xpm_tui.commands.parameter_labels import choice_labels, field_choices, parameter_label, placeholder
from xpm_tui.commands.registry import all_commands, by_name
from xpm_tui.domain.errors import BadInput, NotFound
from xpm_tui.domain.fields import editable
from xpm_tui.domain.formatting import date_hint
from xpm_tui.domain.ignition import TeamMember
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import FREEZES, TEAM
from xpm_tui.tui.app import Console
from xpm_tui.tui.command_runner import SELECT_FIRST
from xpm_tui.tui.dialogs.edit import EditDialog
from xpm_tui.tui.dialogs.form import FormDialog, open_parameters, rows_of
from xpm_tui.tui.dialogs.form_errors import invalid_field
from xpm_tui.tui.widgets.inputs import TextField

Make = Callable[..., Console]


async def test_enter_continues_over_every_field_of_a_form(env: ConsoleFixture, console: Make) -> None:
    """The hint below the fields: space opens a list and ticks a box."""
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        app.perform(by_name("proposals.take"), {"proposals": ("o1",)})
        await settle(pilot)
        seen = [app.focused]
        for _ in range(5):
            await press(pilot, "enter")
            seen.append(app.focused)
        assert [widget.id for widget in seen if widget] == [
            "p-all", "p-repeat", "p-until", "p-last_day", "p-start", "p-per",
        ]  # fmt: skip
        assert not any(box.value for box in app.screen.query(Checkbox)), "passed over, not ticked"
        assert not any(select.expanded for select in app.screen.query(Select))
        await press(pilot, "space")
        assert app.screen.query_one("#p-per", Select).expanded


async def test_a_setting_is_found_by_its_name_before_others_that_speak_of_it(
    env: ConsoleFixture, console: Make
) -> None:
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "e", "slash", "=ignition", "enter", "enter")
        assert "┏━ Ignition creates jobs" in text_of(app)


PARTS = count(1, 3)
FILLABLE = [command for command in all_commands() if open_parameters(command, {})]


def test_the_id_of_every_field_is_valid() -> None:
    for command in FILLABLE:
        check_identifiers("id", *(row.key for row in rows_of(command, {})))


OTHER_SCREEN = ("clients.review", "log", "import.", "export.", *SELECT_FIRST)
"""Commands that the console opens as a screen, and never as a form."""


def test_a_form_shows_no_code_of_the_command_line() -> None:
    for command in FILLABLE:
        if command.name.startswith(OTHER_SCREEN):
            continue
        rows = rows_of(command, {})
        for text in (command.purpose, *(row.help for row in rows), *(placeholder(row.param) for row in rows)):
            assert not any(sign in text for sign in ("--", "`", "_")), (command.name, text)
        for row in rows:
            codes = {code for code, _ in choice_labels(command, row.param)} - {""}
            assert not codes & set(row.help.partition(": ")[2].rstrip(".").split(", ")), row.help


async def test_a_new_client_gets_a_partner_from_the_team(env: ConsoleFixture, console: Make) -> None:
    with env.open() as practice:
        practice.store.commit([Put(TEAM, TeamMember(id="t1", name="Mere Tau", email="mere@x.example"))])
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        app.perform(by_name("clients.new"), {})
        await settle(pilot)
        await press(pilot, "=Rata Ltd")
        app.screen.query_one("#v-partner").focus()
        await press(pilot, "space", "down", "enter")
        assert "Partner                 Mere Tau  mere@x.example" in text_of(app)
        await press(pilot, "f10")
    with env.open() as practice:
        assert find_client(practice.snapshot(), "Rata Ltd").partner == "t1"


async def test_an_empty_choice_of_a_client_is_named(env: ConsoleFixture, console: Make) -> None:
    """What is undone for all clients says so: nothing is for all because a field was left empty."""
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        app.perform(by_name("undo"), {})
        await settle(pilot)
        assert "Client                  All clients" in text_of(app)
        assert "Field                   Every field" in text_of(app)


def refusing(command: Command[Any]) -> Command[Any]:
    """Return the same command, which refuses all values."""

    async def run(*_: object) -> Any:
        raise BadInput("That will not do.", hint="Try another one.")

    return msgspec.structs.replace(command, run=run)


@pytest.mark.soak
@pytest.mark.parametrize("part", range(PARTS))
async def test_a_refused_form_of_any_act_comes_back_as_it_was_typed(
    part: int, env: ConsoleFixture, console: Make
) -> None:
    """Return every 24th command; the soak profile takes all."""
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        for command in FILLABLE[part::PARTS][:: count(24, 1)]:
            app.perform(refusing(command), {})
            await settle(pilot)
            form = app.screen
            assert isinstance(form, FormDialog), command.name
            before = {}
            for row in form.query(TextField):
                if row.id and row.id.startswith("v-"):
                    row.value = before[row.id] = "some text"
            for select in form.query(Select):
                if (
                    select.value == ""
                    and len(select._options) > 1
                    and str(select._options[0][0]).startswith("Choose")
                ):
                    select.value = select._options[1][1]
            for param in open_parameters(command, {}):
                for field in form.query(f"#p-{param.name}").results(TextField):
                    field.value = "7" if param.kind is int else "a, b" if param.many else "some text"
                    before[f"p-{param.name}"] = field.value
            await press(pilot, "f10")
            again = app.screen
            assert isinstance(again, FormDialog), (command.name, text_of(app))
            assert again is not form, command.name
            assert {each.id: each.value for each in again.query(TextField)} == before, command.name
            assert "Cancel" in text_of(app), (command.name, text_of(app))
            assert "! That will not do. Try another one." in text_of(app), command.name
            await press(pilot, "escape")
            assert "Discard your changes?" in text_of(app), command.name
            await press(pilot, "y")
            assert not isinstance(app.screen, FormDialog), command.name


@pytest.mark.soak
async def test_what_is_wrong_is_said_under_its_field(env: ConsoleFixture, console: Make) -> None:
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        app.perform(by_name("proposals.new"), {})
        await settle(pilot)
        await press(pilot, "=Accounts 2026", "enter", "space", "=Client 00001", "enter")
        assert "Client 00001  CLI-0001" in text_of(app)
        await press(pilot, *("enter",) * 3, "=soon")
        assert "Not a date yet: write year, month and day" in prose_of(app)
        await press(pilot, "f10")
        lines = text_of(app).splitlines()
        field = next(place for place, line in enumerate(lines) if "soon" in line)
        assert "! 'soon' is not a date. For example:" in lines[field + 1]
        assert "Accounts 2026" in text_of(app)
        assert "Client 00001" in text_of(app)
        assert app.focused is not None
        assert app.focused.id == "v-start"
        await press(pilot, *("backspace",) * 4, "=2026-07-01")
        assert "Wednesday 1" in text_of(app)
        await press(pilot, "f10")
        assert not isinstance(app.screen, FormDialog)
    with env.open() as practice:
        assert [view.name for view in list_proposals(practice)] == ["Accounts 2026"]


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "today is 2026-05-04, a Monday."),
        ("2026-05-05", "Tuesday 5 May 2026, in 1 day."),
        ("20260504", "Monday 4 May 2026, today."),
        ("2027-02-29", "There is no such day: February 2027 has 28 days."),
        ("2026-13-01", "There is no month 13"),
        ("31/12/2026", "write it as 2026-12-31."),
        ("3/4/2026", "write year, month and day"),
        ("next week", "write year, month and day"),
    ],
)
def test_a_date_says_its_day_or_what_is_wrong_with_it(typed: str, says: str) -> None:
    assert says in date_hint(typed, date(2026, 5, 4))


@pytest.mark.soak
async def test_a_record_that_is_refused_stays_open_as_it_was_typed(
    env: ConsoleFixture, console: Make
) -> None:
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "t", "n", "f10")
        assert "“name” is required." in text_of(app)
        await press(pilot, "=Mere Hall", "down", "=mere(at)example.com", "f10")
        assert isinstance(app.screen, EditDialog)
        lines = text_of(app).splitlines()
        field = next(place for place, line in enumerate(lines) if "mere(at)" in line)
        assert "! " in lines[field + 1]
        await press(pilot, "home", *("delete",) * 20, "=mere@example.com", "f10")
        assert "Add a team member" not in text_of(app)
    with env.open() as practice:
        made = [(row.name, row.email) for row in practice.snapshot().rows(TEAM)]
    assert made == [("Mere Hall", "mere@example.com")]


async def test_a_clients_form_has_every_field_and_choices_for_what_is_chosen(
    env: ConsoleFixture, console: Make
) -> None:
    with env.open() as practice:
        practice.store.commit(
            [Put(TEAM, TeamMember(id="t1", name="Mere Tau")), Put(TEAM, TeamMember(id="t2", name="Bo Li"))]
        )
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "c", "slash", "=00006", "enter", "e")
        edit = app.screen
        assert isinstance(edit, EditDialog)
        contact = next(key.partition(".")[0] for key in edit._inputs if "." in key)
        assert set(edit._inputs) == {
            *(field.attribute for field in editable("client")),
            *(f"{contact}.{field.attribute}" for field in editable("contact")),
        }
        edit._inputs["partner"].focus()
        await press(pilot, "space", "down", "enter")
        assert "Mere Tau" in text_of(app)
        assert "The team member who is the client's partner." in text_of(app)
        for key, value in {
            "tax_registered": "yes", "state": "lead", "groups": "Farms; Arts", "manager": "t2",
            "referral_source": "A friend", f"{contact}.salutation": "Pat", f"{contact}.primary": "no",
        }.items():  # fmt: skip
            edit._inputs[key].value = value
        await press(pilot, "f10")
        assert not isinstance(app.screen, EditDialog)
    with env.open() as practice:
        found = find_client(practice.snapshot(), "CLI-0006")
    assert (found.partner, found.manager, found.state, found.groups) == (
        "t1",
        "t2",
        "lead",
        ("Farms", "Arts"),
    )
    assert (found.tax_registered, found.referral_source) == (True, "A friend")
    assert (found.contacts[0].salutation, found.contacts[0].primary) == ("Pat", False)


@pytest.mark.parametrize(
    ("field", "typed"),
    [("p-until", "=2027-01-01"), ("p-last_day", "space")],
    ids=["until", "last-day"],
)
async def test_a_sentence_that_names_no_field_stands_at_its_field_all_the_same(
    field: str, typed: str, env: ConsoleFixture, console: Make
) -> None:
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        app.perform(by_name("proposals.take"), {"proposals": ("o1",)})
        await settle(pilot)
        app.screen.query_one(f"#{field}").focus()
        await press(pilot, typed, "f10")
        assert isinstance(app.screen, FormDialog)
        assert "! An end and the last day of the month are only for" in prose_of(app), text_of(app)
        assert app.focused is not None
        assert app.focused.id == field


@pytest.mark.parametrize(
    ("error", "field"),
    [
        (BadInput("budget: 'x' is not a number."), "budget"),
        (BadInput("due days: 'x' is no number."), "due_days"),
        (BadInput("end: '1' is not a date."), "values"),
        (NotFound("No client is called 'Nobody Ltd'."), "client"),
        (BadInput("The number P7 is taken."), "values"),
        (BadInput("Say it otherwise.", field="client"), "client"),
        (BadInput("Nothing is held."), ""),
    ],
)
def test_the_field_that_an_error_is_about(error: BadInput, field: str) -> None:
    typed = {"budget": "x1", "due_days": "", "client": "Nobody Ltd", "values": ["end=1", "number=P7"]}
    assert invalid_field(error, typed) == field


async def test_a_number_that_is_none_is_said_in_words(env: ConsoleFixture, console: Make) -> None:
    app = console(env)
    command = next(
        command for command in FILLABLE if any(param.kind is int for param in open_parameters(command, {}))
    )
    name = next(param.name for param in open_parameters(command, {}) if param.kind is int)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        app.perform(command, {})
        await settle(pilot)
        for param in open_parameters(command, {}):
            field = app.screen.query_one(f"#p-{param.name}")
            if isinstance(field, TextField):
                field.value = "many"
        await press(pilot, "f10")
        label = parameter_label(
            command, next(param for param in open_parameters(command, {}) if param.name == name)
        )
        assert f"! “{label}” must be a whole number" in text_of(app)
        assert app.focused is not None
        assert app.focused.id == f"p-{name}"


def test_every_parameter_and_choice_has_a_label() -> None:
    for command in FILLABLE:
        for param in open_parameters(command, {}):
            if param.name != "values":
                label = parameter_label(command, param)
                assert label[:1].isupper(), (command.name, param.name)
                assert "_" not in label
            assert all(text for _, text in choice_labels(command, param)) if param.choices else True


async def test_an_empty_field_to_freeze_never_means_all(env: ConsoleFixture, console: Make) -> None:
    app = console(env, environ={"TERM": "xterm", "NO_COLOR": "1"})
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        app.perform(by_name("clients.freeze"), {"client": "c1"})
        await settle(pilot)
        await press(pilot, "f10")
        assert "! “Field” is required." in text_of(app)
        choice = app.screen.query_one("#p-field", Select)
        command = by_name("clients.freeze")
        options = field_choices(command, open_parameters(command, {})[1], ("k1.contact_email",))
        assert [label for _, label in options[:2]] == ["Choose a field", "The whole client"]
        assert ("phone", "Phone") in options
        assert options[-1][0] == "k1.contact_email"
        choice.value = "phone"
        await press(pilot, "f10")
    with env.open() as practice:
        assert [row.field for row in practice.snapshot().rows(FREEZES)] == ["phone"]


async def test_a_ticked_box_differs_by_its_mark(env: ConsoleFixture, console: Make) -> None:
    app = console(env, environ={"TERM": "xterm", "NO_COLOR": "1"})
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        app.perform(by_name("proposals.take"), {"proposals": ("o1",)})
        await settle(pilot)
        assert text_of(app).count("[ ]") == 2
        await press(pilot, "space")
        assert (text_of(app).count("[x]"), text_of(app).count("[ ]")) == (1, 1)
