"""Clients: search, lists, comparison of both sides, freezing, ignoring and editing."""

from __future__ import annotations

import msgspec
import pytest

from xpm_tui.application.clients import edits, field_policy, link_review, links
from xpm_tui.application.clients import queries as clients
from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.presenters import lookup
from xpm_tui.application.presenters.lookup import find_client, find_xpm
from xpm_tui.domain.errors import BadInput, DecisionNeeded, NotFound
from xpm_tui.domain.ignition import Client, Contact, TeamMember
from xpm_tui.domain.links import Base, ContactLink, Link
from xpm_tui.domain.ports import Put, Write
from xpm_tui.domain.reason_labels import DIFFERENCES
from xpm_tui.domain.tables import BASE, CLIENTS, LINKS, STAFF, TEAM, XPM_CLIENTS
from xpm_tui.domain.xpm import WHOLE, RecordFault, RecordReference, Staff, XpmClient, XpmContact

ONE = "11111111-1111-4111-8111-111111111111"
TWO = "22222222-2222-4222-8222-222222222222"
ANA = "aaaaaaaa-0000-4000-8000-000000000001"
WHO = "33333333-3333-4333-8333-333333333333"


def rows() -> list[Write]:
    contact = Contact(id="k1", name="Jo Tane", email="jo@kowhai.example", primary=True)
    return [
        Put(
            CLIENTS,
            Client(
                id="c1", name="Kowhai Ltd", client_id="CLI-1", phone="1", partner="t1", contacts=(contact,)
            ),
        ),
        Put(CLIENTS, Client(id="c2", name="John Smith", client_id="CLI-2", state="active")),
        Put(CLIENTS, Client(id="c3", name="John Smith", state="lead")),
        Put(TEAM, TeamMember(id="t1", name="Ana Silva", email="ana@x.example", staff=ANA)),
        Put(STAFF, Staff(uuid=ANA, name="Ana Silva", email="ana@x.example")),
        Put(
            XPM_CLIENTS,
            XpmClient(
                uuid=ONE,
                name="Kowhai Limited",
                number="7001",
                code="KOW",
                phone="2",
                partner=RecordReference(ANA, "Ana Silva"),
                contacts=(XpmContact(uuid=WHO, name="Jo Tane", email="jo@kowhai.example", primary=True),),
            ),
        ),
        Put(XPM_CLIENTS, XpmClient(uuid=TWO, name="John Smith", number="7002", archived=True)),
        Put(LINKS, Link(id="c1", uuid=ONE, number="7001", contacts=(ContactLink(contact="k1", uuid=WHO),))),
        Put(BASE, Base(id="c1", agreed=("phone",))),
    ]


@pytest.fixture
def filled(practice: OpenPractice) -> OpenPractice:
    for prefix, count in (("c", 3), ("k", 1), ("t", 1)):
        practice.ids.new(prefix, count)
    practice.store.commit(rows())
    return practice


@pytest.mark.parametrize("typed", ["c1", "CLI-1", " Kowhai Ltd "])
def test_a_client_is_found_by_either_id_and_by_its_name(filled: OpenPractice, typed: str) -> None:
    assert find_client(filled.snapshot(), typed).id == "c1"


def test_a_name_of_two_is_not_guessed(filled: OpenPractice) -> None:
    with pytest.raises(BadInput, match="Several clients") as met:
        find_client(filled.snapshot(), "John Smith")
    assert "c2 (CLI-2), c3 (no Client ID)" in met.value.hint


@pytest.mark.parametrize(
    "typed", [ONE, ONE.upper(), "7001", "https://practicemanager.xero.com/app/x/client/7001/details", "kow"]
)
def test_an_xpm_client_is_found_by_what_people_have_at_hand(filled: OpenPractice, typed: str) -> None:
    assert find_xpm(filled.snapshot(), typed).uuid == ONE


@pytest.mark.parametrize("typed", ["", "7999", "Kowhai Limited", TWO.replace("2", "9")])
def test_what_xpm_does_not_have_is_said(filled: OpenPractice, typed: str) -> None:
    with pytest.raises(NotFound):
        find_xpm(filled.snapshot(), typed)


def test_the_list_reports_links_people_and_needs(filled: OpenPractice) -> None:
    one, two, three = clients.list_clients(filled)
    assert one.link is not None
    assert (one.link.uuid, one.link.number, one.link.state, one.link.name) == (
        ONE,
        "7001",
        "linked",
        "Kowhai Limited",
    )
    assert one.partner is not None
    assert (one.partner.name, one.partner.staff) == ("Ana Silva", ANA)
    assert one.contacts[0].uuid == WHO
    assert (two.link, two.link_state) == (None, "ambiguous")
    assert two.needs
    assert not three.needs, "a lead can wait"


@pytest.mark.parametrize(
    ("only", "ids"),
    [("linked", ["c1"]), ("unlinked", ["c2", "c3"]), ("needs-link", ["c2"]), ("same-name", ["c2", "c3"]),
     ("broken", ["c2", "c3"]), ("frozen", []), ("conflict", []), ("archived", [])],
)  # fmt: skip
def test_the_list_can_be_narrowed(filled: OpenPractice, only: str, ids: list[str]) -> None:
    assert [view.id for view in clients.list_clients(filled, only=only)] == ids


def test_the_list_can_be_searched(filled: OpenPractice) -> None:
    assert [v.id for v in clients.list_clients(filled, text="KOWHAI.example")] == ["c1"]


def test_both_sides_with_the_reason(filled: OpenPractice) -> None:
    reported = {side.field: side for side in clients.side_by_side(filled, "c1")}
    phone = reported["phone"]
    assert (phone.ignition, phone.xpm, phone.agreed, phone.has_agreed) == ("1", "2", "2", True)
    assert "edited in Ignition" in phone.reason
    assert reported["name"].agreed is None
    assert "not synced before" in reported["name"].reason
    assert reported["partner"].ignition == reported["partner"].xpm == "Ana Silva"
    assert reported["partner"].reason == ""
    assert reported["k1.contact_email"].xpm == "jo@kowhai.example"
    assert clients.side_by_side(filled, "c2") == []


@pytest.mark.parametrize(
    ("attribute", "marked"),
    [(WHOLE, ["name"]), ("phone", ["phone"]), ("contacts", ["k1.contact_name", "k1.contact_email"])],
)
def test_a_value_that_xpm_sends_unreadable_is_shown_as_an_old_one(
    filled: OpenPractice, attribute: str, marked: list[str]
) -> None:
    row = filled.snapshot().get(XPM_CLIENTS, ONE)
    assert row is not None
    fault = RecordFault(attribute, "Odd", "has a control character", "character")
    filled.store.commit([Put(XPM_CLIENTS, msgspec.structs.replace(row, unread=(fault,)))])
    reported = [side.field for side in clients.side_by_side(filled, "c1") if "cannot be read" in side.reason]
    assert reported[: len(marked)] == marked
    assert all(field.startswith("k1.") for field in reported[1:])


def test_over_a_broken_link_nothing_is_said_to_be_overwritten(filled: OpenPractice) -> None:
    row = filled.snapshot().get(XPM_CLIENTS, ONE)
    assert row is not None
    filled.store.commit([Put(XPM_CLIENTS, msgspec.structs.replace(row, deleted=True))])
    reported = {side.field: side for side in clients.side_by_side(filled, "c1")}
    assert reported["phone"].reason == DIFFERENCES["link"].help


def test_search_marks_and_reports_who_is_linked(filled: OpenPractice) -> None:
    (first,) = clients.search_xpm(filled, "7001")
    assert (first.uuid, first.id, [ref.id for ref in first.linked]) == (ONE, ONE, ["c1"])
    found = clients.search_xpm(filled, "john")
    assert [view.archived for view in found if view.uuid == TWO] == [True]


def test_review_lists_who_needs_a_person_and_why(filled: OpenPractice) -> None:
    (view,) = link_review.clients_to_review(filled)
    assert view.id == "c2"
    assert view.proposals[0].uuid == TWO
    assert not view.proposals[0].sure
    assert link_review.sure_proposals(filled) == []


def test_a_frozen_field_is_left_alone_until_it_is_lifted(filled: OpenPractice) -> None:
    view = field_policy.freeze(filled, "CLI-1", ["phone", "k1.contact_email"], "private")
    assert view.frozen == ("k1.contact_email", "phone")
    reported = {side.field: side for side in clients.side_by_side(filled, "c1")}
    assert reported["phone"].frozen
    assert reported["phone"].reason.startswith("Frozen")
    assert field_policy.unfreeze(filled, "c1", ["phone"])[1] == 1
    view, lifted = field_policy.unfreeze(filled, "c1")
    assert (view.frozen, lifted) == ((), 1)


@pytest.mark.parametrize("field", ["fone", "k9.contact_email", "k1.phone", "", "contact.name"])
def test_a_field_that_is_none_is_not_frozen(filled: OpenPractice, field: str) -> None:
    with pytest.raises(BadInput, match="no field"):
        field_policy.freeze(filled, "c1", [field])
    assert lookup.show_client(filled, "c1").frozen == ()


def test_ignoring_decides_it_and_can_be_undone(filled: OpenPractice) -> None:
    assert links.ignore(filled, "c2", "one-off").ignored == "one-off"
    assert link_review.clients_to_review(filled) == []
    assert links.unignore(filled, "c2").needs
    with pytest.raises(BadInput, match="is linked"):
        links.ignore(filled, "c1")


def test_editing_takes_a_cell_as_a_file_does(filled: OpenPractice) -> None:
    view, warnings = edits.edit_client(
        filled,
        "c1",
        {"phone": " 09 555 ", "groups": "B;A", "tax_registered": "Yes", "partner": "ana@x.example",
         "k1.email": "jo@new.example", "client_id": "CLI-9"},
    )  # fmt: skip
    assert (view.phone, view.groups, view.tax_registered, view.client_id) == (
        "09 555",
        ("B", "A"),
        True,
        "CLI-9",
    )
    assert view.contacts[0].email == "jo@new.example"
    assert len(warnings) == 1
    assert "XPM will overwrite this: Phone" in warnings[0]
    assert edits.edit_client(filled, "c2", {"phone": "1"})[1] == [], "nothing masters an unlinked client"
    assert edits.edit_client(filled, "c1", {"phone": "", "tax_registered": ""})[0].tax_registered is None


@pytest.mark.parametrize(
    ("field", "text", "why"),
    [("name", " ", "must have a name"), ("fone", "1", "no field"), ("k1.email", "nobody", "not an e-mail"),
     ("k7.email", "a@b.cd", "no contact"), ("state", "odd", "not a valid client status"),
     ("partner", "Nobody", "no team member"), ("client_id", "CLI-2", "belongs to"),
     ("tax_registered", "perhaps", "neither yes nor no"), ("phone", "1" * 2001, "longer")],
)  # fmt: skip
def test_a_bad_edit_changes_nothing(filled: OpenPractice, field: str, text: str, why: str) -> None:
    before = lookup.show_client(filled, "c1")
    with pytest.raises(BadInput, match=why):
        edits.edit_client(filled, "c1", {"city": "Hobart", field: text})
    assert lookup.show_client(filled, "c1") == before


def test_a_new_client_of_a_known_name_is_asked_about(filled: OpenPractice) -> None:
    view = edits.new_client(
        filled, "Puffin Ltd", {"contact_name": "Rosa", "contact_email": "r@p.example", "city": "Hobart"}
    )
    assert (view.city, view.contacts[0].email, view.contacts[0].primary, view.link) == (
        "Hobart",
        "r@p.example",
        True,
        None,
    )
    with pytest.raises(DecisionNeeded, match="already"):
        edits.new_client(filled, "Puffin Ltd", {})
    assert edits.new_client(filled, "Puffin Ltd", {}, anyway=True).id != view.id


def test_every_manual_action_is_in_the_log_with_its_user(filled: OpenPractice) -> None:
    field_policy.freeze(filled, "c1", ["phone"])
    links.ignore(filled, "c2")
    edits.edit_client(filled, "c1", {"city": "Hobart"})
    reported = [(event.key, event.by, event.record) for event in filled.events.read()]
    assert reported == [
        ("client.edited", "mere", "c1"),
        ("client.ignored", "mere", "c2"),
        ("client.frozen", "mere", "c1"),
    ]
