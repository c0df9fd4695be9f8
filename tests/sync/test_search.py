"""The picker's search: exact matches come first, and every hit has its reason."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.profile import count
from xpm_tui.domain.xpm import XpmClient, XpmContact
from xpm_tui.sync.matching.search_index import GUESS, PickerIndex


def uuid(n: int) -> str:
    return f"{n:08x}-2222-4222-8222-222222222222"


def row(n: int, name: str, **more: object) -> XpmClient:
    return XpmClient(uuid=uuid(n), name=name, number=str(14071000 + n), **more)  # type: ignore[arg-type]


ROWS = [
    row(1, "Smith Plumbing Pty Ltd", code="SMI01", email="jo@smith.example"),
    row(2, "Smith Plumbing Pty Ltd"),
    row(3, "Blacksmith & Daughters"),
    row(4, "Kōwhai [Family] Trust", contacts=(XpmContact(uuid="k", email="aroha@kowhai.example"),)),
    row(5, "Plumbing Smiths United"),
    row(6, "Gone Ltd", deleted=True),
    row(7, "ACME [/] Pty", city="Whanganui"),
    row(8, "ACME Tiling", postal_city="Te Anau"),
]
INDEX = PickerIndex.build(ROWS)


def names(query: str) -> list[str]:
    return [hit.name for hit in INDEX.search(query)]


def test_a_pasted_address_number_or_uuid_finds_exactly_one() -> None:
    for typed in (
        "https://practicemanager.xero.com/Client/14071002/Detail",
        "https://go.xero.com/app/!x1y2/practice-manager/clients/14071002",
        "https://practicemanager.xero.com/ClientDetail.aspx?tab=3&id=14071002#notes",
        "https://practicemanager.xero.com/clients/14071002",
        "practicemanager.xero.com/client/14071002/jobs/14071001?page=14071001",
        "https://practicemanager.xero.com/clients?id=14071002#top",
        "<https://go.xero.com/app/!Ab1/practice?clientId=14071002&tab=1>",
        "https://xero.example/somewhere/new/14071002/",
        "(https://practicemanager.xero.com/clients/14071002)",
        "https://login.xero.com/?returnUrl=%2Fclients%2F14071002",
        "clients/14071002",
        "#14071002",
        "14071002",
        uuid(2),
        uuid(2).upper(),
        f"  {uuid(2)} ",
    ):
        hits = INDEX.search(typed)
        assert [hit.uuid for hit in hits] == [uuid(2)]
        assert INDEX.resolve(typed) == uuid(2)
    for other in (
        "https://practicemanager.xero.com/Client/999/Detail",
        "https://practicemanager.xero.com/Client/999/jobs/14071002",
        "https://practicemanager.xero.com/Job/14071002/Detail",
        "https://practicemanager.xero.com/job?id=14071002",
        "https://practicemanager.xero.com/Job.aspx?id=14071002",
        "https://xero.example/14071001/14071002",
    ):
        assert INDEX.search(other) == [], other


def test_a_city_finds_its_clients_alone_and_with_part_of_the_name() -> None:
    assert [hit.why for hit in INDEX.search("whanga")] == ["its city"]
    assert names("acme te anau") == ["ACME Tiling"]
    assert names("anau") == ["ACME Tiling"]
    assert names("smith te anau") == []


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("A.B.C. Motors Ltd", ["abc", "ABC motors", "a.b.c", "A B C Motors Limited", "a b c mot"]),
        ("ABC Motors Ltd", ["a.b.c. mo", "A B C"]),
        ("Tāmaki Rōpū Trust", ["tamaki", "taamaki roopuu", "Tāmaki ro", "tamaki ropu tst"]),
        ("Taamaki Trust", ["Tāmaki", "tāmaki trust"]),
        ("O\u2019Rourke & Sons", ["o'rourke", "orourke", "o rourke and s", "O\u2018Rourke", "rourke"]),
        ("Mc Kenzie Farms", ["mckenzie", "mc kenz", "McKenzie Farms"]),
        ("McKenzie Farms", ["mc kenzie"]),
        ("Łukasz Sørensen", ["lukasz", "sorensen"]),
        ("Kea P/L", ["kea pty ltd", "kea pty", "KEA P/L"]),
        ("Kea Pty Limited", ["kea p/l", "kea pty lim"]),
        ("Unit A Building", ["unit a b"]),
        ("The Smith Super Fund", ["smith smsf", "the smith sup"]),
        ("J R Smith", ["jr smith", "j r smith", "J.R. Smith", "smith r"]),
    ],
)
def test_a_name_is_found_in_every_form_in_which_it_is_the_same(written: str, typed: list[str]) -> None:
    index = PickerIndex.build([row(1, written), row(2, "Zebra Unrelated"), row(3, "Quokka Lodge")])
    for query in typed:
        hits = index.search(query)
        assert [(hit.name, hit.why != GUESS) for hit in hits[:1]] == [(written, True)], query


def test_deleted_clients_are_never_found() -> None:
    assert "Gone Ltd" not in names("gone")
    assert INDEX.resolve(uuid(6)) is None


def test_tiers_come_in_order() -> None:
    assert names("smith")[:2] == ["Smith Plumbing Pty Ltd", "Smith Plumbing Pty Ltd"]
    assert names("smith").index("Plumbing Smiths United") < names("smith").index("Blacksmith & Daughters")
    assert INDEX.search("smi01")[0].why == "its client code"
    assert names("aroha@")[0] == "Kōwhai [Family] Trust"
    assert names("plumb smith") == names("plumb smith")


def test_a_name_that_only_ends_with_the_text_is_not_an_exact_match() -> None:
    assert [hit.why for hit in INDEX.search("trust")] == ["its words start with this"]
    assert INDEX.search("smith plumbing pty ltd")[0].why == "exactly this name"


def test_two_clients_with_one_name_are_both_found() -> None:
    assert {hit.uuid for hit in INDEX.search("smith plumbing pty ltd")[:2]} == {uuid(1), uuid(2)}


def test_accents_case_and_typing_errors_are_forgiven() -> None:
    assert names("kowhai fam")[0] == "Kōwhai [Family] Trust"
    assert "Smith Plumbing Pty Ltd" in names("smth plumbng")


def test_marked_characters_are_those_of_the_name_as_written() -> None:
    hit = INDEX.search("kowhai fam")[0]
    assert [hit.name[a:b] for a, b in hit.spans] == ["Kōwhai", "Fam"]
    hit = INDEX.search("acme")[0]
    assert [hit.name[a:b] for a, b in hit.spans] == ["ACME"]


def test_an_empty_query_returns_the_first_clients_by_name() -> None:
    assert names("")[0] == "ACME [/] Pty"
    assert len(INDEX.search("", limit=3)) == 3


@given(st.text(max_size=30))
@example(":+\x08")  # its loose form is empty, and another form of it is "and"
@example("№.")
@settings(max_examples=count(200, 20_000), deadline=None)
def test_any_query_returns_each_client_once_with_spans_inside_the_name(query: str) -> None:
    hits = INDEX.search(query, limit=5)
    assert len({hit.uuid for hit in hits}) == len(hits) <= 5
    for hit in hits:
        assert all(0 <= a < b <= len(hit.name) for a, b in hit.spans)


@given(st.sampled_from(ROWS[:5]), st.integers(1, 8))
@settings(max_examples=count(50, 2_000), deadline=None)
def test_the_start_of_a_name_finds_its_client(client: XpmClient, length: int) -> None:
    assert client.uuid in {hit.uuid for hit in INDEX.search(client.name[:length])}
