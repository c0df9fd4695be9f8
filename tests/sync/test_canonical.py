"""The canonical form of both sides."""

from __future__ import annotations

from tests.sync.fixtures import client, contact, member, xpm, xpm_contact
from xpm_tui.domain.xpm import RecordReference
from xpm_tui.sync.canonical import (
    TeamLinks,
    Values,
    contact_values,
    ignition_fingerprint,
    ignition_values,
    write_client,
    write_contact,
    xpm_fingerprint,
    xpm_values,
)

TEAM = TeamLinks.of([member(1, staff="s1"), member(2)])
NOBODY = TeamLinks.of([])


def test_text_is_nfc_with_line_feeds_and_trimmed() -> None:
    values = ignition_values(client(name="Māori\u00a0", address="1 A St\r\nHobart \n"), TEAM)
    assert values["name"] == "Māori"
    assert values["address"] == "1 A St\nHobart"


def test_composed_and_decomposed_characters_are_equal() -> None:
    assert ignition_values(client(city="Whanga\u0304rei"), TEAM)["city"] == "Whangārei"


def test_a_person_is_the_uuid_of_the_linked_staff_record() -> None:
    ours = ignition_values(client(partner="t1", manager="t2"), TEAM)
    theirs = xpm_values(xpm(partner=RecordReference("s1", "Ana"), manager=RecordReference("s9", "Tom")))
    assert ours["partner"] == theirs["partner"] == "s1"
    assert (ours["manager"], theirs["manager"]) == ("t2", "s9")


def test_groups_are_sorted_names_and_missing_if_not_given() -> None:
    assert ignition_values(client(groups=("b", "a ", "b")), TEAM)["groups"] == ("a", "b")
    assert xpm_values(xpm(groups=(RecordReference("g", "b"), RecordReference("h", "a"))))["groups"] == (
        "a",
        "b",
    )
    assert "groups" not in xpm_values(xpm(groups=None))


def test_a_masked_value_has_no_canonical_form() -> None:
    assert "phone" not in ignition_values(client(phone="******789"), TEAM)
    assert "phone" not in xpm_values(xpm(phone=" ***1"))
    assert "contact_mobile" not in contact_values(contact(1, mobile="****"))


def test_writing_reads_back_as_written() -> None:
    values: Values = {
        "partner": "s1",
        "manager": "t2",
        "groups": ("a",),
        "tax_registered": False,
        "phone": "5",
    }
    written = write_client(client(), values, TEAM)
    assert (written.partner, written.manager) == ("t1", "t2")
    assert {key: ignition_values(written, TEAM)[key] for key in values} == values
    blanked = write_client(written, dict.fromkeys(values), TEAM)
    assert ignition_values(blanked, TEAM) == ignition_values(client(), TEAM)


def test_a_contact_is_written_by_the_names_of_the_policy() -> None:
    assert write_contact(contact(1), {"contact_email": "a@b"}).email == "a@b"


def test_if_two_members_have_one_staff_record_the_active_one_is_written() -> None:
    team = TeamLinks.of([member(1, staff="s1", active=False), member(2, staff="s1")])
    assert write_client(client(), {"partner": "s1"}, team).partner == "t2"
    assert ignition_values(client(partner="t1"), team)["partner"] == "s1"


def test_the_fingerprints_change_only_with_values_that_sync_reads() -> None:
    before = ignition_fingerprint(client(), NOBODY)
    assert ignition_fingerprint(client(extra={"Colour": "red"}, state="active"), NOBODY) == before
    assert ignition_fingerprint(client(phone="1"), NOBODY) != before
    assert ignition_fingerprint(client(contacts=(contact(1),)), NOBODY) != before
    row = xpm_fingerprint(xpm())
    assert xpm_fingerprint(xpm(code="X", company_number="5")) == row
    assert xpm_fingerprint(xpm(archived=True)) != row
    assert xpm_fingerprint(xpm(contacts=(xpm_contact(1, deleted=True),))) == row
    assert xpm_fingerprint(xpm(contacts=(xpm_contact(1),))) != row


def test_the_order_of_contacts_does_not_matter() -> None:
    one, two = xpm_contact(1, name="A"), xpm_contact(2, name="B")
    assert xpm_fingerprint(xpm(contacts=(one, two))) == xpm_fingerprint(xpm(contacts=(two, one)))
