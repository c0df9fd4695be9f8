"""Exports of clients: Ignition's peculiarities, and files that are imported again."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ignition.support import NOW, ImportedStore
from tests.support.profile import count
from xpm_tui.domain.ignition import Client, Contact, TeamMember
from xpm_tui.domain.tables import CLIENTS, IMPORTED, TEAM
from xpm_tui.ignition.cells import TeamLookup
from xpm_tui.ignition.export import ExportedFile, Flavour, export_clients
from xpm_tui.ignition.pending_changes import PendingChange, client_pending, last_file_columns

FIRST = (
    "Client ID,Contact ID,Client Name,Contact Name,Contact Email,Tel,Tag\n"
    "11,21,Kowhai Ltd,Ann Lee,ann@kowhai.nz,+64 9 1,vip\n"
    "11,22,Kowhai Ltd,Bob Lee,bob@kowhai.nz,+64 9 1,vip\n"
    "12,23,Rimu,Cy,cy@rimu.nz,,\n"
)


def ann(at: int, email: str = "ann@x.nz", **more: Any) -> Contact:
    return Contact(id=f"k{at}", name="Ann", email=email, **more)


@pytest.fixture
def imported() -> ImportedStore:
    imported = ImportedStore()
    imported.load(FIRST, mapping={"Tel": "phone"})
    return imported


def send(imported: ImportedStore, **options: Any) -> ExportedFile:
    exported = export_clients(imported.store.snapshot(), NOW + timedelta(days=1), **options)
    imported.store.commit(exported.writes)
    return exported


def rows(raw: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")))


def all_pending(imported: ImportedStore) -> dict[str, tuple[PendingChange, ...]]:
    snapshot = imported.store.snapshot()
    people, columns = TeamLookup(snapshot.rows(TEAM)), last_file_columns(snapshot)
    return {
        client.id: client_pending(client, snapshot.get(IMPORTED, client.id), people, columns)
        for client in snapshot.rows(CLIENTS)
    }


def pending(imported: ImportedStore) -> tuple[int, int]:
    found = [each for client in all_pending(imported).values() for each in client]
    return sum(each.waits for each in found), sum(each.sent for each in found)


def test_the_export_has_ignition_s_own_headings_in_its_order(imported: ImportedStore) -> None:
    exported = send(imported)
    head = exported.files[0].split(b"\r\n")[0].decode()
    assert head == "Client ID,Contact ID,Client Name,Contact Name,Contact Email,Tel,Tag"
    assert exported.files[0].decode() == FIRST.replace("\n", "\r\n")
    assert (exported.rows, len(exported.records)) == (3, 2)


def test_fields_that_have_a_value_get_a_column(imported: ImportedStore) -> None:
    imported.put((TEAM, TeamMember(id="t1", name="Mere")))
    imported.put(
        (
            CLIENTS,
            msgspec.structs.replace(imported.client("12"), partner="t1", groups=("B", "A"), city="Ōtaki"),
        )
    )
    rimu = rows(send(imported).files[0])[2]
    assert (rimu["Partner"], rimu["Client Groups"], rimu["City"]) == ("Mere", "B; A", "Ōtaki")


def test_what_is_not_in_ignition_is_counted_sent_and_confirmed(imported: ImportedStore) -> None:
    assert pending(imported) == (0, 0)
    imported.put((CLIENTS, msgspec.structs.replace(imported.client("12"), phone="0800")))
    assert pending(imported) == (1, 0)
    exported = send(imported, changed_only=True)
    assert [row["Client Name"] for row in rows(exported.files[0])] == ["Rimu"]
    assert pending(imported) == (0, 1)
    assert send(imported, changed_only=True).files == ()
    assert send(imported, changed_only=True, again=True).rows == 1
    imported.load(FIRST.replace("cy@rimu.nz,", "cy@rimu.nz,0800"), mapping={"Tel": "phone"})
    assert pending(imported) == (0, 0)


def test_what_ignition_did_not_take_is_pending_again(imported: ImportedStore) -> None:
    kowhai = imported.client("11")
    imported.put((CLIENTS, msgspec.structs.replace(kowhai, phone="0800")))
    send(imported, changed_only=True)
    plan = imported.load(FIRST, mapping={"Tel": "phone"})
    assert plan.counts["cells"] == 0
    assert imported.client("11").phone == "0800"
    assert pending(imported) == (1, 0)


def test_a_changed_contact_is_sent_without_the_others(imported: ImportedStore) -> None:
    kowhai = imported.client("11")
    bob = msgspec.structs.replace(kowhai.contacts[1], mobile="021")
    imported.put((CLIENTS, msgspec.structs.replace(kowhai, contacts=(kowhai.contacts[0], bob))))
    found = all_pending(imported)[kowhai.id]
    assert [(each.record, each.field, each.new) for each in found] == [
        (f"{kowhai.id}/{bob.id}", "contact_mobile", "021")
    ]
    assert [row["Contact Name"] for row in rows(send(imported, changed_only=True).files[0])] == ["Bob Lee"]


def test_a_client_without_id_goes_out_once(imported: ImportedStore) -> None:
    imported.put((CLIENTS, Client(id="c7", name="Miro", contacts=(ann(7),))))
    assert pending(imported) == (1, 0)
    assert send(imported, only=["c7"]).records == ("c7",)
    second = send(imported, only=["c7"])
    assert second.files == ()
    assert "was exported on 5 May 2026 and has no Client ID yet" in second.refused[0].reason
    assert send(imported, only=["c7"], again=True).records == ("c7",)
    imported.load("Client ID,Contact ID,Client Name,Contact Name,Contact Email\n31,41,Miro,Ann,ann@x.nz\n")
    assert imported.client("31").id == "c7"
    assert pending(imported) == (0, 0)
    assert send(imported, only=["c7"]).records == ("c7",)


def test_a_new_contact_of_a_known_client_goes_out_once(imported: ImportedStore) -> None:
    kowhai = imported.client("11")
    imported.put((CLIENTS, msgspec.structs.replace(kowhai, contacts=(*kowhai.contacts, ann(7)))))
    assert [row["Contact Name"] for row in rows(send(imported, changed_only=True).files[0])] == ["Ann"]
    second = send(imported)
    assert [row["Contact Name"] for row in rows(second.files[0])] == ["Ann Lee", "Bob Lee", "Cy"]
    assert second.refused[0].record == f"{kowhai.id}/k7"


def test_rows_that_ignition_would_refuse_are_named(imported: ImportedStore) -> None:
    imported.put(
        (CLIENTS, Client(id="c7", name="No contact")),
        (CLIENTS, Client(id="c8", name="No e-mail", contacts=(Contact(id="k8", name="Ann"), ann(9)))),
        (CLIENTS, Client(id="c9", name=" ", contacts=(ann(10),))),
        (CLIENTS, Client(id="c6", name="No name", contacts=(Contact(id="k11", email="a@x.nz"),))),
    )
    exported = send(imported)
    assert [(each.record, re.split(", which|;", each.reason)[0]) for each in exported.refused] == [
        ("c7", "it has no contact"),
        ("c8/k8", "its contact Ann has no e-mail"),
        ("c9", "it has no name"),
        ("c6/k11", "its contact a@x.nz has no name"),
    ]
    assert [row["Contact Email"] for row in rows(exported.files[0]) if row["Client Name"] == "No e-mail"] == [
        "ann@x.nz"
    ]


def test_clients_of_one_name_without_id_never_meet_in_one_file(imported: ImportedStore) -> None:
    for at, name in enumerate(["Twin", "Twin", "twin ", "Other"], 7):
        imported.put((CLIENTS, Client(id=f"c{at}", name=name, contacts=(ann(at, f"a{at}@x.nz"),))))
    exported = send(imported)
    names = [[row["Client Name"] for row in rows(raw) if not row["Client ID"]] for raw in exported.files]
    assert names == [["Twin", "Other"], ["Twin"], ["twin"]]
    assert [each.record for each in exported.splits] == ["c8", "c9"]


def test_the_spreadsheet_flavour_holds_everything_and_runs_nothing(imported: ImportedStore) -> None:
    evil = Client(id="c7", name='=HYPERLINK("x")')
    imported.put((CLIENTS, evil))
    exported = send(imported, flavour="spreadsheet")
    assert exported.files[0].startswith(b"\xef\xbb\xbf")
    found = rows(exported.files[0])
    assert found[-1]["Client Name"] == '\'=HYPERLINK("x")'
    assert found[0]["Tel"] == "'+64 9 1"
    assert exported.writes == ()
    assert imported.load(exported.files[0], mapping={"Tel": "phone"}).counts["cells"] == 0


def test_the_default_flavour_keeps_phones(imported: ImportedStore) -> None:
    assert rows(send(imported).files[0])[0]["Tel"] == "+64 9 1"


# There and back, with a spreadsheet in between.

_word = st.text(
    st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters=";"), min_size=1, max_size=8
).filter(lambda text: bool(text.strip()) and text.casefold().strip() not in ("yes", "no"))
_text = st.one_of(
    st.just(""), _word, st.sampled_from(["=1+1", "'=x", '="021"', "+64 21", "-a", "a\nb", 'q"q', "0211"])
)


@st.composite
def books(draw: st.DrawFn) -> list[Client]:
    clients = []
    for at in range(draw(st.integers(1, 5))):
        contacts = tuple(
            Contact(
                id=f"k{at}{k}",
                contact_id=f"{at}{k}" if draw(st.booleans()) else "",
                name=f"Person {k} {draw(_text)}",
                email=f"p{k}@x{at}.nz",
                phone=draw(_text),
                mobile=draw(_text),
                salutation=draw(_text),
                primary=k == 0,
            )
            for k in range(draw(st.integers(1, 3)))
        )
        clients.append(
            Client(
                id=f"c{at}",
                client_id=str(100 + at) if draw(st.booleans()) else "",
                name=f"Client {at} {draw(_text)}",
                contacts=contacts,
                phone=draw(_text),
                address=draw(_text),
                region=draw(_word) if draw(st.booleans()) else "",
                website=draw(_text),
                tax_registered=draw(st.sampled_from([None, True, False])),
                groups=tuple(draw(st.lists(_word, max_size=2, unique=True))),
                extra={"Tag": draw(_word)} if draw(st.booleans()) else {},
            )
        )
    return clients


@settings(max_examples=count(25, 2000), deadline=None)
@given(
    books(), st.randoms(use_true_random=False), st.sampled_from(["ignition", "spreadsheet"]), st.booleans()
)
def test_only_edited_cells_change(clients: list[Client], random: Any, flavour: Flavour, edit: bool) -> None:
    imported = ImportedStore(*((CLIENTS, client) for client in clients))
    exported = export_clients(imported.store.snapshot(), NOW, flavour=flavour)
    assert not exported.refused
    table = list(csv.reader(io.StringIO(exported.files[0].decode("utf-8-sig"), newline="")))
    head, body = table[0], table[1:]
    before = {client.id: client for client in imported.clients()}
    chosen = random.choice(body)
    owner = next(
        c for c in clients if any(k.email == chosen[head.index("Contact Email")] for k in c.contacts)
    )
    # Delete rows, blank cells, reorder columns, edit one cell.
    body = [row for row in body if row is chosen or random.random() > 0.2]
    keep = {"Client ID", "Contact ID", "Client Name", "Contact Name", "Contact Email"}
    for row in body:
        for at, heading in enumerate(head):
            if heading not in keep and random.random() < 0.2:
                row[at] = ""
    if edit:
        if "Website" not in head:
            head.append("Website")
            body = [[*row, ""] for row in body]
            chosen = next(row for row in body if row[: len(chosen)] == chosen)
        for row in body:
            if row[head.index("Client Name")] == chosen[head.index("Client Name")]:
                row[head.index("Website")] = ""
        chosen[head.index("Website")] = "https://edited.example"
    order = random.sample(range(len(head)), len(head))
    file = io.StringIO(newline="")
    csv.writer(file).writerows([[row[at] for at in order] for row in [head, *body]])
    raw = file.getvalue().encode()
    plan = imported.load(raw)
    assert not plan.refused
    after = {client.id: client for client in imported.clients()}
    if edit:
        assert [(each.record, each.field, each.new) for each in plan.edits] == [
            (owner.id, "website", "https://edited.example")
        ]
        assert after[owner.id] == msgspec.structs.replace(before[owner.id], website="https://edited.example")
        after[owner.id] = before[owner.id]
    assert after == before
    position = imported.store.snapshot().position
    assert imported.load(raw).groups == ()
    assert imported.store.snapshot().position == position
