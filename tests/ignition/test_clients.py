"""Imports of clients: which client a row belongs to, what counts as an edit, and what stays."""

from __future__ import annotations

import msgspec
import pytest

from tests.ignition.support import HEAD, ImportedStore
from xpm_tui.domain.ignition import Client, Contact, TeamMember
from xpm_tui.domain.tables import CLIENTS, IMPORTED, META, TEAM

FIRST = HEAD + (
    "11,21,Kowhai Ltd,Ann Lee,ann@kowhai.nz,021 1,09 1,1 High St,Otago\n"
    "11,22,Kowhai Ltd,Bob Lee,bob@kowhai.nz,021 2,09 1,1 High St,Otago\n"
    "12,23,ACME [/] Pty,Cy,cy@acme.nz,,,,\n"
)


@pytest.fixture
def imported() -> ImportedStore:
    return ImportedStore()


def test_several_rows_of_one_client_are_several_contacts(imported: ImportedStore) -> None:
    plan = imported.load(FIRST)
    kowhai = imported.client("11")
    assert [(c.contact_id, c.name, c.primary) for c in kowhai.contacts] == [
        ("21", "Ann Lee", True),
        ("22", "Bob Lee", False),
    ]
    assert (kowhai.phone, kowhai.address, kowhai.city) == ("09 1", "1 High St", "Otago")
    assert kowhai.contacts[1].phone == "021 2"
    assert plan.counts == {
        "rows": 3, "new": 2, "changed": 0, "same": 0, "adopted": 0, "contacts": 3, "cells": 0, "both": 0,
        "mended": 0, "refused": 0,
    }  # fmt: skip


def test_looking_gives_out_no_id_and_writes_nothing(imported: ImportedStore) -> None:
    before = imported.ids.new("c")
    _, plan = imported.preview(FIRST)
    assert plan.counts["new"] == 2
    assert [step.after.id for step in plan.steps if step.table is CLIENTS] == ["+c1", "+c2"]
    assert int(imported.ids.new("c")[0][1:]) == int(before[0][1:]) + 1
    assert imported.clients() == []


def test_the_same_file_twice_changes_nothing(imported: ImportedStore) -> None:
    imported.load(FIRST)
    plan = imported.load(FIRST)
    assert plan.groups == ()
    assert (plan.counts["same"], plan.counts["cells"]) == (2, 0)


def test_absent_rows_and_blank_cells_change_nothing(imported: ImportedStore) -> None:
    imported.load(FIRST)
    before = imported.clients()
    plan = imported.load(HEAD + "11,21,Kowhai Ltd,,,,,,\n")
    assert plan.groups == ()
    assert imported.clients() == before


def test_an_edited_cell_is_taken_and_reported(imported: ImportedStore) -> None:
    imported.load(FIRST)
    kowhai = imported.client("11")
    plan = imported.load(FIRST.replace("021 2", "021 222").replace("Otago", "Dunedin", 1))
    assert {(edit.record, edit.field, edit.old, edit.new) for edit in plan.edits} == {
        (kowhai.id, "city", "Otago", "Dunedin"),
        (f"{kowhai.id}/{kowhai.contacts[1].id}", "contact_phone", "021 2", "021 222"),
    }
    assert imported.client("11").city == "Dunedin"
    assert imported.client("11").id == kowhai.id


def test_a_cell_equal_to_the_last_import_is_no_edit(imported: ImportedStore) -> None:
    imported.load(FIRST)
    imported.put((CLIENTS, msgspec.structs.replace(imported.client("11"), phone="from XPM")))
    plan = imported.load(FIRST)
    assert plan.groups == ()
    assert imported.client("11").phone == "from XPM"


def test_a_cell_changed_on_both_sides_is_taken_and_counted(imported: ImportedStore) -> None:
    imported.load(FIRST)
    imported.put((CLIENTS, msgspec.structs.replace(imported.client("11"), phone="from XPM")))
    plan = imported.load(FIRST.replace("09 1", "09 2"))
    assert plan.counts["both"] == 1
    assert imported.client("11").phone == "09 2"


def test_what_we_sent_coming_back_is_no_edit_even_when_the_store_moved_on(imported: ImportedStore) -> None:
    imported.load(FIRST)
    kowhai = imported.client("11")
    reported = msgspec.structs.replace(imported.reported(kowhai.id), out={"phone": "sent"})
    imported.put((IMPORTED, reported), (CLIENTS, msgspec.structs.replace(kowhai, phone="newer")))
    plan = imported.load(FIRST.replace("09 1", "sent"))
    assert plan.counts["cells"] == 0
    assert imported.client("11").phone == "newer"
    assert imported.reported(kowhai.id).cells["phone"] == "sent"
    assert imported.reported(kowhai.id).out == {}


def test_a_new_id_is_adopted_by_the_client_of_that_name_and_email(imported: ImportedStore) -> None:
    own = Client(
        id="c7", name="Rimu", contacts=(Contact(id="k7", name="Di", email="DI@rimu.nz"),), origin="pick"
    )
    imported.put((CLIENTS, own))
    plan = imported.load(HEAD + "31,41,Rimu,Di,di@rimu.nz,,,,\n")
    assert (plan.counts["adopted"], plan.counts["new"]) == (1, 0)
    assert imported.client("31").id == "c7"
    assert imported.client("31").contacts[0].contact_id == "41"


def test_another_email_adopts_nothing_and_says_so(imported: ImportedStore) -> None:
    imported.put((CLIENTS, Client(id="c7", name="Rimu", contacts=(Contact(id="k7", email="di@rimu.nz"),))))
    plan = imported.load(HEAD + "31,41,Rimu,Di,other@rimu.nz,,,,\n")
    assert plan.counts["new"] == 1
    assert plan.notes[0].text == "added as a new client, though c7 has the same name"


def test_two_clients_that_could_adopt_are_left_to_a_person(imported: ImportedStore) -> None:
    for at in (7, 8):
        contact = Contact(id=f"k{at}", email="di@rimu.nz")
        imported.put((CLIENTS, Client(id=f"c{at}", name="Rimu", contacts=(contact,))))
    plan = imported.load(HEAD + "31,41,Rimu,Di,di@rimu.nz,,,,\n")
    assert "c7, c8 have this name and e-mail" in plan.refused[0].reason
    assert len(imported.clients()) == 2


def test_one_client_adopts_once(imported: ImportedStore) -> None:
    imported.put((CLIENTS, Client(id="c7", name="Rimu", contacts=(Contact(id="k7", email="di@rimu.nz"),))))
    plan = imported.load(HEAD + "31,,Rimu,Di,di@rimu.nz,,,,\n32,,Rimu,Di,di@rimu.nz,,,,\n")
    assert (plan.counts["adopted"], plan.counts["new"]) == (1, 1)


NO_IDS = "Client Name,Contact Name,Contact Email\nRata,Ann,ann@x.nz\nRata,Bob,bob@x.nz\nMiro,Cy,cy@x.nz\n"


def test_rows_without_ids_are_one_client_by_exact_name(imported: ImportedStore) -> None:
    imported.load(NO_IDS)
    assert [(c.name, len(c.contacts)) for c in imported.clients()] == [("Rata", 2), ("Miro", 1)]
    assert imported.load(NO_IDS).groups == ()


def test_a_row_without_id_whose_name_has_one_is_refused_unless_the_email_fits(
    imported: ImportedStore,
) -> None:
    imported.load(FIRST)
    plan = imported.load(
        "Client Name,Contact Email,Phone\nKowhai Ltd,ann@kowhai.nz,1\nACME [/] Pty,new@x.nz,2\n"
    )
    assert imported.client("11").phone == "1"
    assert [each.row for each in plan.refused] == [3]
    assert "has this name with Client ID 12" in plan.refused[0].reason


def test_a_row_without_id_beside_a_new_one_with_it_is_refused(imported: ImportedStore) -> None:
    plan = imported.load(HEAD + "11,,Rata,,,,,,\n,,Rata,Bob,bob@x.nz,,,,\n")
    assert [each.row for each in plan.refused] == [3]
    assert len(imported.clients()) == 1


def test_rows_that_name_nobody_are_refused(imported: ImportedStore) -> None:
    plan = imported.load(HEAD + ",,,Ann,ann@x.nz,,,,\n99,,,Ann,ann@x.nz,,,,\n,77,,Ann,ann@x.nz,,,,\n")
    assert [each.reason for each in plan.refused] == [
        "Client ID and Client Name are both blank",
        "there is no client with Client ID 99, and Client Name is blank",
        "no client has a contact with Contact ID 77",
    ]


def test_a_contact_id_alone_finds_its_client(imported: ImportedStore) -> None:
    imported.load(FIRST)
    imported.load("Contact ID,Contact Phone\n22,0800\n")
    assert imported.client("11").contacts[1].phone == "0800"


def test_rows_of_one_client_that_contradict_each_other_are_refused(imported: ImportedStore) -> None:
    plan = imported.load(FIRST.replace("09 1,1 High St", "09 1,2 High St", 1))
    assert [(each.row, each.reason) for each in plan.refused] == [
        (3, "address is 1 High St, and row 2 of the same client says 2 High St")
    ]
    assert len(imported.client("11").contacts) == 1


def test_an_edit_in_one_of_a_client_s_rows_is_enough(imported: ImportedStore) -> None:
    imported.load(FIRST)
    for old, new, count in (("1 High St", "2 High St", 1), ("2 High St", "3 High St", 1)):
        text = FIRST.replace("1 High St", old)
        imported.load(text.replace(old, new, count))
        assert imported.client("11").address == new


def test_a_wrong_id_does_not_rename_a_client(imported: ImportedStore) -> None:
    imported.load(FIRST)
    plan = imported.load(HEAD + "11,21,Kowhai Ltd,Ann Lee,,,,,\n11,,Somebody Else,Ed,ed@x.nz,,,,\n")
    assert [each.row for each in plan.refused] == [3]
    assert imported.client("11").name == "Kowhai Ltd"


def test_a_bare_phone_that_differs_within_a_client_is_the_contact_s(imported: ImportedStore) -> None:
    head = "Client ID,Client Name,Contact Name,Contact Email,Phone\n"
    plan = imported.load(head + "1,A,Ann,a@x.nz,021\n1,A,Bob,b@x.nz,022\n2,B,Cy,c@x.nz,023\n")
    assert plan.counts["refused"] == 0
    assert [contact.phone for contact in imported.client("1").contacts] == ["021", "022"]
    assert "treated as the contact's phone" in plan.notes[0].text


def test_people_who_share_an_email_stay_two(imported: ImportedStore) -> None:
    text = HEAD + "1,,A,John,smith@x.nz,,,,\n1,,A,Jane,smith@x.nz,,,,\n"
    imported.load(text)
    assert [contact.name for contact in imported.client("1").contacts] == ["John", "Jane"]
    assert imported.load(text).groups == ()
    imported.load(text.replace("Jane,smith@x.nz,", "Jane,smith@x.nz,027"))
    assert [contact.phone for contact in imported.client("1").contacts] == ["", "027"]


def test_a_contact_is_known_by_email_or_name_when_the_other_changes(imported: ImportedStore) -> None:
    imported.load("Client ID,Client Name,Contact Name,Contact Email\n1,A,Ann,ann@x.nz\n")
    imported.load("Client ID,Client Name,Contact Name,Contact Email\n1,A,Ann Lee,ann@x.nz\n")
    imported.load("Client ID,Client Name,Contact Name,Contact Email\n1,A,Ann Lee,lee@x.nz\n")
    (contact,) = imported.client("1").contacts
    assert (contact.name, contact.email) == ("Ann Lee", "lee@x.nz")


def test_a_row_twice_is_one_contact_and_a_contradicting_one_is_refused(imported: ImportedStore) -> None:
    row = "1,21,A,Ann,ann@x.nz,{},,,\n"
    plan = imported.load(HEAD + row.format("1") + row.format("1") + row.format("2"))
    assert len(imported.client("1").contacts) == 1
    assert [each.row for each in plan.refused] == [4]


def test_the_primary_contact_follows_the_file(imported: ImportedStore) -> None:
    head = "Client ID,Client Name,Contact Name,Contact Email,Primary\n"
    imported.load(head + "1,A,Ann,a@x.nz,no\n1,A,Bob,b@x.nz,yes\n")
    assert [contact.primary for contact in imported.client("1").contacts] == [False, True]
    imported.load(head + "1,A,Ann,a@x.nz,yes\n1,A,Bob,b@x.nz,\n")
    assert [contact.primary for contact in imported.client("1").contacts] == [True, False]


@pytest.mark.parametrize(
    ("old", "spoilt"), [("0211234", "211234"), ("+6421123", "6421123"), ("+64 21 123", "+64 21 123")]
)
def test_a_phone_that_lost_its_zeros_in_a_spreadsheet_is_no_edit(
    imported: ImportedStore, old: str, spoilt: str
) -> None:
    text = "Client ID,Client Name,Phone,Postcode\n1,A,{},0620\n"
    imported.load(text.format(old))
    plan = imported.load(text.format(spoilt).replace("0620", "620"))
    assert plan.groups == ()
    assert plan.counts["mended"] == (2 if old != spoilt else 1)
    assert imported.client("1").phone == old


@pytest.mark.parametrize(
    ("column", "cell", "says"),
    [
        ("Contact Email", "ann at x", "Contact Email: ann at x is not an e-mail address"),
        ("Contact Email", "a@x.nz; b@x.nz", "not an e-mail address"),
        ("Phone", "6.42E+10", "a spreadsheet has shortened"),
    ],
)
def test_a_spoilt_cell_refuses_its_row(imported: ImportedStore, column: str, cell: str, says: str) -> None:
    plan = imported.load(f"Client ID,Client Name,{column}\n1,A,{cell}\n2,B,\n")
    assert [each.row for each in plan.refused] == [2]
    assert says in plan.refused[0].reason
    assert [client.name for client in imported.clients()] == ["B"]


def test_words_that_stand_for_nothing_are_left_out_and_counted(imported: ImportedStore) -> None:
    imported.put((TEAM, TeamMember(id="t1", name="Mere", email="mere@x.nz")))
    head = "Client ID,Client Name,Partner,Manager,Client Status,Tax Registered,Groups\n"
    plan = imported.load(
        head + "1,A,MERE,mere@x.nz,Lead,Yes,G1; G2\n2,B,Nobody,,Won,maybe,\n3,C,Nobody,,,,\n"
    )
    one = imported.client("1")
    assert (one.partner, one.manager, one.state, one.tax_registered) == ("t1", "t1", "lead", True)
    assert one.groups == ("G1", "G2")
    assert [note.text for note in plan.notes] == [
        "Partner: no team member is called Nobody: skipped in 2 rows.",
        "Client Status: Won is not a valid client status: skipped in 1 row.",
        "Tax Registered: maybe is neither yes nor no: skipped in 1 row.",
    ]
    imported.put((TEAM, TeamMember(id="t2", name="Nobody")))
    imported.load(head + "2,B,Nobody,,,,\n")
    assert imported.client("2").partner == "t2"


def test_unknown_columns_are_kept_with_the_client_or_the_contact(imported: ImportedStore) -> None:
    head = "Client ID,Client Name,Contact Name,Contact Email,Tag,Position,Contact Role\n"
    imported.load(head + "1,A,Ann,a@x.nz,vip,Boss,x\n1,A,Bob,b@x.nz,vip,Clerk,x\n")
    client = imported.client("1")
    assert client.extra == {"Tag": "vip"}
    assert [c.extra["Position"] for c in client.contacts] == ["Boss", "Clerk"]
    meta = imported.store.snapshot().get(META, "import.contact_level")
    assert meta is not None
    assert meta.value == ["Contact Role", "Position"]
    imported.load(head + "2,B,Cy,c@x.nz,,Head,\n")
    assert imported.client("2").contacts[0].extra == {"Position": "Head"}


def test_first_and_last_name_make_a_contact_name(imported: ImportedStore) -> None:
    imported.load("Client Name,First Name,Last Name,Email\nA,Ann,Lee,a@x.nz\n")
    assert imported.clients()[0].contacts[0].name == "Ann Lee"


HOSTILE = (
    "ACME [/] Pty|[@click=app.quit]Click[/]|\x1b[31mred|\u202eevil|\x9b31m|Ngā Ōtau|株式会社|🙂 Ltd".split(
        "|"
    )
)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_kept_as_they_are(imported: ImportedStore, name: str) -> None:
    imported.load(f"Client ID,Client Name\n1,{name}\n")
    assert imported.client("1").name == name


def test_undo_takes_new_clients_away_and_gives_old_values_back(imported: ImportedStore) -> None:
    imported.load(FIRST)
    before, reported = imported.clients(), imported.reported(imported.client("11").id)
    imported.load(FIRST.replace("Otago", "Dunedin") + "13,,New,Di,di@x.nz,,,,\n")
    plan = imported.undo()
    assert plan.counts == {"removed": 1, "restored": 1, "left": 0}
    assert imported.clients() == before
    assert imported.reported(before[0].id) == reported
    assert imported.undo().counts == {"removed": 0, "restored": 0, "left": 0}


def test_undo_leaves_what_changed_since_and_restores_the_rest(imported: ImportedStore) -> None:
    imported.load(FIRST)
    imported.load(FIRST.replace("Otago", "Dunedin").replace("1 High St", "9 Low St"))
    imported.put((CLIENTS, msgspec.structs.replace(imported.client("11"), city="Nelson")))
    plan = imported.undo()
    kowhai = imported.client("11")
    assert (kowhai.city, kowhai.address) == ("Nelson", "1 High St")
    assert plan.left[0].text == f"Kowhai Ltd ({kowhai.id}): City has changed since the import, so it stays."


def test_undo_keeps_a_new_client_that_something_hangs_on(imported: ImportedStore) -> None:
    from xpm_tui.domain.links import Link
    from xpm_tui.domain.tables import LINKS

    imported.load(FIRST)
    kowhai = imported.client("11")
    imported.put((LINKS, Link(id=kowhai.id, uuid="u1")))
    plan = imported.undo()
    assert imported.clients() == [kowhai]
    assert plan.left[0].text == f"Kowhai Ltd ({kowhai.id}): It is linked to an XPM client, so it stays."
    assert imported.reported(kowhai.id).cells["phone"] == "09 1"


GROUPED = "Client ID,Client Name,Client Group,Phone,Contact ID,Contact Name,Contact Email,Contact Phone\n"


def test_undo_restores_groups_and_contacts_one_by_one(imported: ImportedStore) -> None:
    """Rows come from the disk as lists and are compared with tuples: nothing here was changed since."""
    first = f"{GROUPED}11,Kowhai,Old,1,21,Jo,jo@x.nz,5\n"
    imported.load(first)
    before = imported.clients()
    imported.load(f"{GROUPED}11,Kowhai,New,2,21,Jo,jo@x.nz,6\n11,Kowhai,New,2,22,Al,al@x.nz,7\n")
    assert len(imported.client("11").contacts) == 2
    assert imported.undo().counts == {"removed": 0, "restored": 1, "left": 0}
    assert imported.clients() == before


def test_undo_leaves_one_contact_that_changed_since_and_restores_the_others(imported: ImportedStore) -> None:
    imported.load(f"{GROUPED}11,Kowhai,Old,1,21,Jo,jo@x.nz,5\n")
    imported.load(f"{GROUPED}11,Kowhai,New,2,21,Jo,jo@x.nz,6\n11,Kowhai,New,2,22,Al,al@x.nz,7\n")
    jo, al = imported.client("11").contacts
    changed = (jo, msgspec.structs.replace(al, phone="99"))
    imported.put((CLIENTS, msgspec.structs.replace(imported.client("11"), contacts=changed)))
    plan = imported.undo()
    jo, al = imported.client("11").contacts
    assert (jo.phone, al.phone, imported.client("11").groups, imported.client("11").phone) == (
        "5",
        "99",
        ("Old",),
        "1",
    )
    assert [each.reason for each in plan.left] == [
        f"contact Al ({al.id}) has changed since the import, so it stays."
    ]
    assert imported.undo().counts == {"removed": 0, "restored": 0, "left": 1}, (
        "what stays can be undone later"
    )


@pytest.mark.parametrize("name", ["KOWHAI", "The Kōwhai", "Kowhai"])
def test_a_row_without_client_id_meets_the_client_whose_name_is_the_same(
    imported: ImportedStore, name: str
) -> None:
    imported.put((CLIENTS, Client(id="c1", name="Kowhai")))
    imported.load(f"Client ID,Client Name,Phone\n,{name},5\n")
    assert [(each.id, each.phone) for each in imported.clients()] == [("c1", "5")]
