"""Imports of services, team and proposals, and their undo."""

from __future__ import annotations

from datetime import date

import pytest

from tests.ignition.support import NOW, ImportedStore
from xpm_tui.application.csv_io.imports import plan_import
from xpm_tui.domain.ignition import Client, Proposal, Service, TeamMember
from xpm_tui.domain.tables import CLIENTS, PROPOSALS, SERVICES, TEAM
from xpm_tui.ignition.cell_readers import DateStyle, NoDate, date_style
from xpm_tui.ignition.export import export_proposals, export_services, export_team
from xpm_tui.ignition.import_steps import ImportPlan, plan_undo
from xpm_tui.ignition.parser import parse


def load(imported: ImportedStore, form: str, text: str | bytes, batch: str = "m9") -> ImportPlan:
    parsed = parse(text.encode() if isinstance(text, str) else text, form)  # type: ignore[arg-type]
    plan = plan_import(imported.store.snapshot(), parsed, imported.ids, NOW)
    imported.store.commit(plan.writes(batch))
    return plan


@pytest.fixture
def imported() -> ImportedStore:
    return ImportedStore()


SERVICE_FILE = "Service ID,Service Name,Price\n1,Annual accounts,500\n2,Payroll,50\n"


def test_services_are_known_by_id_else_by_name(imported: ImportedStore) -> None:
    imported.put((SERVICES, Service(id="s90", name="Payroll", templates=("u1",))))
    assert load(imported, "services", SERVICE_FILE).counts["new"] == 1
    assert load(imported, "services", SERVICE_FILE).groups == ()
    plan = load(
        imported, "services", SERVICE_FILE.replace("Annual accounts", "Accounts").replace("50\n", "60\n")
    )
    assert [(edit.field, edit.old, edit.new) for edit in plan.edits] == [
        ("name", "Annual accounts", "Accounts"),
        ("Price", "50", "60"),
    ]
    payroll = imported.store.snapshot().get(SERVICES, "s90")
    assert payroll == Service(
        id="s90", name="Payroll", templates=("u1",), extra={"Service ID": "2", "Price": "60"}
    )


def test_a_service_twice_is_refused(imported: ImportedStore) -> None:
    plan = load(imported, "services", "Service Name,Price\nA,1\nA,2\n,3\n")
    assert [(each.row, each.reason) for each in plan.refused] == [
        (3, "row 2 has the same record"),
        (4, "Service Name is blank"),
    ]


TEAM_FILE = (
    "First Name,Last Name,Email,Access,Status,Role\nMere,Tau,mere@x.nz,yes,Active,Admin\nBo,Li,,no,,\n"
)


def test_team_members_are_known_by_email_else_by_name(imported: ImportedStore) -> None:
    load(imported, "team", TEAM_FILE)
    mere, bo = imported.store.snapshot().rows(TEAM)
    assert (mere.name, mere.email, mere.access, mere.active, mere.extra) == (
        "Mere Tau", "mere@x.nz", True, True, {"Role": "Admin"},
    )  # fmt: skip
    assert (bo.name, bo.access) == ("Bo Li", False)
    assert load(imported, "team", TEAM_FILE).groups == ()
    load(imported, "team", "Name,Email\nMere Smith,MERE@x.nz\nBo Li,bo@x.nz\n")
    names = {member.id: (member.name, member.email) for member in imported.store.snapshot().rows(TEAM)}
    assert names == {mere.id: ("Mere Smith", "MERE@x.nz"), bo.id: ("Bo Li", "bo@x.nz")}


def test_bad_team_rows_are_named(imported: ImportedStore) -> None:
    plan = load(
        imported, "team", "Name,Email,Access\nA,no mail,yes\nB,b@x.nz,perhaps\nC,c@x.nz,no\nC,c@x.nz,no\n"
    )
    assert [each.row for each in plan.refused] == [2, 3, 5]


PROPOSAL_FILE = (
    "Proposal Number,Proposal Name,Client ID,Client Name,Service Name,Start,End,Price,Billing Type\n"
    'PROP-1,Year 2026,11,Kowhai,Accounts,01/04/2026,31/03/2027,"$1,200.00",Monthly\n'
    "PROP-1,Year 2026,11,Kowhai,Payroll,01/05/2026,,50,Monthly\n"
    "PROP-2,Advice,,Nobody Ltd,Unheard of,01/04/2026,30/04/2026,,On acceptance\n"
)


@pytest.fixture
def loaded(imported: ImportedStore) -> ImportedStore:
    imported.put((CLIENTS, Client(id="c1", client_id="11", name="Kowhai")))
    imported.put((SERVICES, Service(id="s1", name="Accounts")), (SERVICES, Service(id="s2", name="Payroll")))
    imported.put((TEAM, TeamMember(id="t1", name="Mere")))
    return imported


def proposals(imported: ImportedStore) -> list[Proposal]:
    return list(imported.store.snapshot().rows(PROPOSALS))


def test_rows_of_active_services_make_proposals(loaded: ImportedStore) -> None:
    plan = load(loaded, "proposals", PROPOSAL_FILE)
    year, advice = proposals(loaded)
    assert (year.number, year.name, year.client, year.state, year.ours) == (
        "PROP-1", "Year 2026", "c1", "accepted", False,
    )  # fmt: skip
    assert [(s.name, s.service, s.start, s.end) for s in year.services] == [
        ("Accounts", "s1", date(2026, 4, 1), date(2027, 3, 31)),
        ("Payroll", "s2", date(2026, 5, 1), None),
    ]
    assert (year.start, year.end, advice.end) == (date(2026, 4, 1), None, date(2026, 4, 30))
    assert (advice.client, advice.client_name) == ("", "Nobody Ltd")
    assert [note.text for note in plan.notes] == [
        "Service Unheard of is not in the list of services: kept under its name (1 row).",
        "Client Nobody Ltd is unknown here (1 row).",
    ]
    assert plan.counts["services"] == 3


def test_the_same_proposals_twice_change_nothing(loaded: ImportedStore) -> None:
    load(loaded, "proposals", PROPOSAL_FILE)
    assert load(loaded, "proposals", PROPOSAL_FILE).groups == ()


def test_blank_cells_stay_and_services_that_are_no_longer_named_go(loaded: ImportedStore) -> None:
    load(loaded, "proposals", PROPOSAL_FILE)
    report = load(
        loaded, "proposals", "Proposal Number,Service Name,Start Date,Price\nPROP-1,Payroll,01/05/2026,\n"
    )
    year = proposals(loaded)[0]
    assert [(s.name, s.price) for s in year.services] == [("Payroll", "50")]
    assert any("1 service no longer in the file, removed: Accounts" in note.text for note in report.notes)
    load(loaded, "proposals", "Proposal Number,Status\nPROP-1,Revoked\n")
    load(loaded, "proposals", "Proposal Number,Client ID\nPROP-1,11\n")
    assert proposals(loaded)[0].state == "revoked"


def test_a_proposal_that_was_made_here_is_left_as_it_is(loaded: ImportedStore) -> None:
    load(loaded, "proposals", PROPOSAL_FILE)
    import msgspec

    loaded.put((PROPOSALS, msgspec.structs.replace(proposals(loaded)[0], ours=True, origin="new")))
    plan = load(loaded, "proposals", PROPOSAL_FILE.replace("Year 2026", "Year 2027"))
    assert plan.groups == ()
    assert any("was created here: not changed" in note.text for note in plan.notes)


def test_bad_proposal_rows_are_named_one_by_one(loaded: ImportedStore) -> None:
    head = "Proposal Number,Proposal Name,Service Name,Start Date,End Date,Price\n"
    plan = load(
        loaded,
        "proposals",
        head
        + "P1,A,Accounts,13/13/2026,,\nP1,A,Accounts,2026-05-01,2026-04-01,\nP1,A,Accounts,,,12O\n"
        + ",,Accounts,,,\nP1,A,Accounts,2026-05-01,,$10\n",
    )
    assert [(each.row, each.reason) for each in plan.refused] == [
        (2, "Start Date: 13/13/2026 cannot be read: there is no such day in the calendar"),
        (3, "its end 2026-04-01 is before its start 2026-05-01"),
        (4, "Price 12O is not a number"),
        (5, "Proposal Number and Proposal Name are both blank"),
    ]
    assert len(proposals(loaded)) == 1


def test_every_form_goes_out_and_comes_back_unchanged(loaded: ImportedStore) -> None:
    load(loaded, "services", SERVICE_FILE)
    load(loaded, "team", TEAM_FILE)
    load(loaded, "proposals", PROPOSAL_FILE)
    snapshot = loaded.store.snapshot()
    for form, exported in (
        ("services", export_services(snapshot)),
        ("team", export_team(snapshot, "spreadsheet")),
        ("proposals", export_proposals(snapshot)),
    ):
        plan = load(loaded, form, exported.files[0])
        assert (plan.refused, plan.groups) == ((), ()), form


def test_an_import_of_proposals_can_be_undone(loaded: ImportedStore) -> None:
    load(loaded, "proposals", PROPOSAL_FILE)
    loaded.store.commit(plan_undo(loaded.store.snapshot(), "m9").writes)
    assert proposals(loaded) == []


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-04-03", date(2026, 4, 3)),
        ("2026-04-03T10:00:00", date(2026, 4, 3)),
        ("1 Sept 2026", date(2026, 9, 1)),
        ("Fri 3rd April, 2026", date(2026, 4, 3)),
        ("3/4/2026 9:30 am", date(2026, 4, 3)),
        ("3/4/2026", date(2026, 4, 3)),
        ("03.04.26", date(2026, 4, 3)),
        ("3 Apr 2026", date(2026, 4, 3)),
        ("April 3, 2026", date(2026, 4, 3)),
        ("03-Apr-26", date(2026, 4, 3)),
    ],
)
def test_dates_as_spreadsheets_write_them(text: str, day: date) -> None:
    assert DateStyle().read(text) == day


def test_the_whole_file_decides_whether_the_day_comes_first() -> None:
    assert date_style(["01/02/2026", "31/03/2026"]) == DateStyle(day_first=True)
    assert date_style(["01/02/2026", "03/31/2026"]) == DateStyle(day_first=False)
    assert date_style(["01/02/2026"]) == DateStyle(day_first=True, guessed=True)
    assert date_style(["2026-01-02", "1/1/2026"]) == DateStyle(day_first=True)
    with pytest.raises(NoDate):
        DateStyle().read("soon")


@pytest.mark.parametrize("name", ["Mere Parata", "MERE PARATA", "M Parata", "Parata, Mere"])
def test_someone_whom_a_member_may_be_is_not_added_by_a_team_file(imported: ImportedStore, name: str) -> None:
    imported.put((TEAM, TeamMember(id="t1", name="Mere Parata", email="mere@old.nz")))
    plan = load(imported, "team", f'Name,Email\n"{name}",mere@new.nz\nBo Li,bo@x.nz\n')
    assert [each.row for each in plan.refused] == [2]
    assert "Mere Parata (t1) may be the same person" in plan.refused[0].reason
    both = load(imported, "team", f'Name,Email\n"{name}",mere@new.nz\nMere Parata,mere@old.nz\n')
    assert both.refused == (), "the file itself says that they are two"
