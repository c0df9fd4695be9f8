"""Edits of clients and contacts: what is refused, what is warned of, what is saved."""

from __future__ import annotations

import os
import socket

import msgspec
import pytest

from xpm_tui.application.clients.edits import (
    add_contact,
    delete_contact,
    edit_client,
    edit_contact,
    find_contact,
    new_client,
)
from xpm_tui.application.jobs import workflow_edits as job_editing
from xpm_tui.application.jobs.services import edit_service, list_services, new_service
from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.team.members import edit_member, new_member
from xpm_tui.domain.errors import BadInput, Busy, DecisionNeeded, NotFound, ReadOnly
from xpm_tui.domain.ignition import Client, Contact, Service, TeamMember
from xpm_tui.domain.links import Freeze, Link
from xpm_tui.domain.ports import Put
from xpm_tui.domain.runs import Intent, Run
from xpm_tui.domain.tables import CLIENTS, FREEZES, INTENTS, LINKS, RUNS, SERVICES, TEAM, TEMPLATES
from xpm_tui.domain.xpm import Template

KOWHAI = Client(
    id="c1",
    client_id="11",
    name="Kowhai",
    contacts=(
        Contact(id="k1", name="Ann", email="ann@x.nz", contact_id="21", primary=True),
        Contact(id="k2", name="Bob", email="bob@x.nz"),
    ),
)


@pytest.fixture
def filled(practice: OpenPractice) -> OpenPractice:
    practice.ids.new("c", 9)
    practice.ids.new("k", 9)
    practice.ids.new("t", 9)
    practice.store.commit(
        [Put(CLIENTS, KOWHAI), Put(TEAM, TeamMember(id="t1", name="Mere", email="mere@x.nz"))]
    )
    return practice


def kowhai(practice: OpenPractice) -> Client:
    found = practice.snapshot().get(CLIENTS, "c1")
    assert found is not None
    return found


def test_only_the_client_that_a_run_is_sending_is_locked(filled: OpenPractice) -> None:
    now = filled.clock.now()
    run = Run(id="r1", started=now, by="ann", host=socket.gethostname(), pid=os.getpid())
    intent = Intent(id="i1", run="r1", kind="client.update", record="c1/k1")
    filled.store.commit([Put(RUNS, run), Put(CLIENTS, Client(id="c2", name="Rimu"))])
    locked = (
        lambda: edit_client(filled, "c1", {"phone": "09 1"}),
        lambda: edit_contact(filled, "c1", "k2", {"phone": "09 1"}),
        lambda: add_contact(filled, "c1", {"name": "Cy"}),
        lambda: delete_contact(filled, "c1", "k2"),
    )
    with filled.lock("sync").hold():
        for state in ("intent", "sent"):
            filled.store.commit([Put(INTENTS, msgspec.structs.replace(intent, state=state))])
            for edit in locked:
                with pytest.raises(Busy, match=r"Run r1 is sending Kowhai \(c1\) to XPM"):
                    edit()
            edit_client(filled, "c2", {"phone": f"09 {len(state)}"})
    assert kowhai(filled) == KOWHAI
    filled.store.commit([Put(INTENTS, msgspec.structs.replace(intent, state="done"))])
    edit_client(filled, "c1", {"phone": "09 1"})
    assert kowhai(filled).phone == "09 1"


def test_fields_are_edited_as_cells_are_read(filled: OpenPractice) -> None:
    edit_client(
        filled, "11", {"tax_registered": "Yes", "groups": "B; A", "partner": "mere@x.nz", "k2.mobile": "021"}
    )
    client = kowhai(filled)
    assert (client.tax_registered, client.groups, client.partner) == (True, ("B", "A"), "t1")
    assert client.contacts[1].mobile == "021"
    edit_client(filled, "c1", {"tax_registered": "", "partner": ""})
    assert (kowhai(filled).tax_registered, kowhai(filled).partner) == (None, "")


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"phnoe": "1"}, "There is no field 'phnoe'"),
        ({"name": " "}, "must have a name"),
        ({"k1.email": "ann at x"}, "be used for"),
        ({"k9.email": "a@x.nz"}, "no contact 'k9'"),
        ({"partner": "Nobody"}, "no team member"),
        ({"state": "won"}, "is not a valid client status"),
        ({"phone": "x" * 3000}, "longer than"),
        ({"name": "a\0b"}, "null character"),
    ],
)
def test_a_bad_value_changes_nothing(filled: OpenPractice, values: dict[str, str], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        edit_client(filled, "c1", {"city": "Nelson", **values})
    assert kowhai(filled) == KOWHAI


def test_an_unknown_field_names_the_nearest(filled: OpenPractice) -> None:
    with pytest.raises(BadInput) as refused:
        edit_client(filled, "c1", {"k1.emial": "a@x.nz"})
    assert refused.value.hint == "Did you mean email?"


def test_a_client_id_belongs_to_one_client(filled: OpenPractice) -> None:
    other = new_client(filled, "Rimu", {"contact_email": "r@x.nz"})
    with pytest.raises(BadInput, match="belongs to Kowhai"):
        edit_client(filled, other.id, {"client_id": "11"})


def test_a_second_client_of_a_name_needs_a_yes(filled: OpenPractice) -> None:
    for name in ("Kowhai", "KOWHAI", "The Kōwhai", "Kowhai Ltd"):
        with pytest.raises(DecisionNeeded, match=r"already a client Kowhai \(c1\)"):
            new_client(filled, name, {})
    assert new_client(filled, "Kowhai", {}, different=["c1"]).id != "c1"
    assert new_client(filled, "Kowhai", {}, anyway=True).id != "c1"


def linked(practice: OpenPractice, *freezes: str) -> None:
    practice.store.commit([Put(LINKS, Link(id="c1", uuid="u1"))])
    for field in freezes:
        practice.store.commit([Put(FREEZES, Freeze(id=f"c1/{field}", client="c1", field=field))])


def test_what_xpm_masters_is_warned_of(filled: OpenPractice) -> None:
    assert edit_client(filled, "c1", {"phone": "1"})[1] == []
    linked(filled)
    (warning,) = edit_client(filled, "c1", {"phone": "2", "k1.mobile": "3"})[1]
    assert warning.startswith("XPM will overwrite this: ")
    assert "clients freeze c1" in warning
    filled.settings.set("sync.level", "name")
    assert edit_client(filled, "c1", {"phone": "4"})[1] == []
    assert len(edit_client(filled, "c1", {"name": "Kowhai Ltd"})[1]) == 1
    filled.settings.set("sync.direction", "to_xpm")
    assert edit_client(filled, "c1", {"name": "Kowhai"})[1] == []


def test_a_frozen_field_is_not_warned_of(filled: OpenPractice) -> None:
    linked(filled, "phone")
    assert edit_client(filled, "c1", {"phone": "1"})[1] == []


def test_a_contact_is_added_and_edited(filled: OpenPractice) -> None:
    view, _ = add_contact(filled, "c1", {"name": "Cy", "email": "cy@x.nz"})
    assert [(contact.name, contact.primary) for contact in view.contacts] == [
        ("Ann", True),
        ("Bob", False),
        ("Cy", False),
    ]
    edit_contact(filled, "c1", "cy@x.nz", {"phone": "09", "contact_primary": "yes"})
    assert [(c.name, c.phone, c.primary) for c in kowhai(filled).contacts][2] == ("Cy", "09", True)
    assert sum(contact.primary for contact in kowhai(filled).contacts) == 1


def test_the_first_contact_is_primary(filled: OpenPractice) -> None:
    made = new_client(filled, "Rimu", {})
    view, _ = add_contact(filled, made.id, {"email": "r@x.nz"})
    assert view.contacts[0].primary


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({}, "must have a name or an e-mail"),
        ({"name": "Ann", "email": "ANN@x.nz"}, "already has this contact: k1"),
        ({"name": "Bob"}, "already has this contact: k2"),
        ({"name": "Di", "email": "di"}, "be used for"),
        ({"nmae": "Di"}, "There is no field 'nmae'"),
    ],
)
def test_a_bad_contact_is_refused(filled: OpenPractice, values: dict[str, str], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        add_contact(filled, "c1", values)
    assert kowhai(filled) == KOWHAI


@pytest.mark.parametrize(("text", "found"), [("k2", "k2"), ("21", "k1"), ("BOB@x.nz", "k2"), ("Ann", "k1")])
def test_a_contact_is_found_by_what_people_know(text: str, found: str) -> None:
    assert find_contact(KOWHAI, text).id == found


def test_a_contact_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(NotFound) as missing:
        find_contact(KOWHAI, "Zed")
    assert missing.value.hint == "It has: k1 Ann, k2 Bob."


def test_team_members_are_made_and_edited(filled: OpenPractice) -> None:
    view = new_member(filled, "Bo Li", {"access": "no"})
    assert (view.name, view.access, view.active) == ("Bo Li", False, True)
    assert edit_member(filled, "Bo Li", {"email": "bo@x.nz", "active": "no"}).email == "bo@x.nz"
    assert edit_member(filled, "bo@x.nz", {"name": "Bo"}).id == view.id


@pytest.mark.parametrize(
    ("name", "values", "says"),
    [
        ("", {}, "must have a name"),
        ("Di", {"email": "MERE@x.nz"}, "already has that e-mail address"),
        ("Di", {"email": "di"}, "be used for"),
        ("Di", {"access": "perhaps"}, "access must be yes or no"),
        ("Di", {"staff": "u1"}, "There is no field 'staff'"),
    ],
)
def test_a_bad_member_is_refused(filled: OpenPractice, name: str, values: dict[str, str], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        new_member(filled, name, values)
    assert filled.snapshot().count(TEAM) == 1


@pytest.mark.parametrize("name", ["Mere", "MERE", "Mère"])
def test_a_member_of_a_same_name_is_created_only_as_a_different_person(
    filled: OpenPractice, name: str
) -> None:
    with pytest.raises(DecisionNeeded, match=r"already a team member Mere \(t1\)"):
        new_member(filled, name, {})
    assert filled.snapshot().count(TEAM) == 1
    assert new_member(filled, name, {}, different=["t1"]).id != "t1"
    assert new_member(filled, "Other One", {}).name == "Other One"


def test_services_are_listed_made_and_edited(filled: OpenPractice) -> None:
    template = Template(uuid="u1", name="Annual")
    old = Service(id="s0", name="Accounts", templates=("u1", "u9"), extra={"Service ID": "7"})
    filled.store.commit([Put(TEMPLATES, template), Put(SERVICES, old)])
    made = new_service(filled, "Payroll", {"price": "50"})
    assert (made.name, made.fields) == ("Payroll", {"Price": "50"})
    assert edit_service(filled, "Payroll", {"Price": "", "name": "Pay"}).fields == {}
    accounts = edit_service(filled, "7", {"Billing type": "Monthly"})
    assert accounts.fields == {"Service ID": "7", "Billing Type": "Monthly"}
    assert [(ref.id, ref.name) for ref in accounts.templates] == [("u1", "Annual"), ("u9", "u9")]
    assert [view.name for view in list_services(filled)] == ["Accounts", "Pay"]


def test_a_bad_service_is_refused(filled: OpenPractice) -> None:
    new_service(filled, "Payroll", {})
    for name, values, says in (
        ("Payroll", {}, "already"),
        (" ", {}, "must have a name"),
        ("New", {"Prise": "1"}, "no field 'Prise'"),
    ):
        with pytest.raises(BadInput, match=says):
            new_service(filled, name, values)
    with pytest.raises(NotFound):
        edit_service(filled, "Nothing", {"name": "x"})
    assert filled.snapshot().count(SERVICES) == 1


def test_read_only_edits_nothing(filled: OpenPractice) -> None:
    filled.read_only = True
    for act in (
        lambda: edit_client(filled, "c1", {"phone": "1"}),
        lambda: add_contact(filled, "c1", {"name": "x"}),
        lambda: new_member(filled, "x", {}),
        lambda: new_service(filled, "x", {}),
    ):
        with pytest.raises(ReadOnly):
            act()


def test_an_edit_is_reported_without_its_value(filled: OpenPractice) -> None:
    edit_client(filled, "c1", {"phone": "secret phone"})
    (event,) = [event for event in filled.events.read() if event.key == "client.edited"]
    assert (event.record, event.field) == ("c1", "phone")
    assert b"secret phone" not in msgspec.json.encode(event)


@pytest.mark.parametrize("typed", ["9" * 5000, "\N{SUPERSCRIPT TWO}"], ids=["long", "raised"])
def test_what_is_no_number_of_days_is_refused(practice: OpenPractice, typed: str) -> None:
    with pytest.raises(BadInput):
        job_editing._value(practice.snapshot(), "due_days", typed)
