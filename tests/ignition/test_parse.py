"""Columns and cells of the forms."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpm_tui.domain.errors import BadInput
from xpm_tui.ignition.csv_text import normalise_heading
from xpm_tui.ignition.forms import FORMS, parse_mapping
from xpm_tui.ignition.parser import ParsedFile, clean, escape_cell, parse


def clients(text: str, **mapping: str) -> ParsedFile:
    return parse(text.encode(), "clients", mapping)


def fields(parsed: ParsedFile) -> dict[str, str]:
    return {column.heading: column.field for column in parsed.columns}


def test_headings_are_matched_in_any_case_and_spelling() -> None:
    parsed = clients("CLIENT id,ContactID,client_name*,contact name,E-mail,Mobile,GST Registered,Zip\n")
    assert list(fields(parsed).values()) == [
        "client_id", "contact_id", "name", "contact_name", "contact_email", "contact_mobile",
        "tax_registered", "postcode",
    ]  # fmt: skip


def test_no_synonym_corresponds_to_two_fields() -> None:
    for form in FORMS.values():
        heads = [name for each in form.fields for name in {normalise_heading(each.heading), *each.also}]
        twice = {name for name in heads if heads.count(name) > 1}
        assert twice <= {"primary contact"}, form.name
        assert all(also == normalise_heading(also) for each in form.fields for also in each.also)


def test_unknown_columns_are_kept_and_named() -> None:
    parsed = clients("Client Name,Shoe size,\nA,44,x\n")
    assert parsed.unknown == ("Shoe size", "Column 3")
    assert parsed.rows[0].extra == {"Shoe size": "44", "Column 3": "x"}


def test_the_form_s_own_heading_wins_over_a_synonym() -> None:
    parsed = clients("Email,Client Name,Contact Email\na@x.nz,A,b@x.nz\n")
    assert parsed.rows[0].cells == {"name": "A", "contact_email": "b@x.nz"}
    assert parsed.unknown == ("Email",)


def test_of_two_equal_headings_the_first_is_used_and_the_other_reported() -> None:
    parsed = clients("Client Name,Phone,Phone\nA,1,2\n")
    assert parsed.rows[0].cells["phone"] == "1"
    assert parsed.rows[0].extra == {"Phone (2)": "2"}
    assert parsed.notes == (
        "Phone (2): an earlier column has the same heading; this column is kept, but not used.",
    )


@pytest.mark.parametrize(("cell", "field"), [("Lead", "state"), ("VIC", "region")])
def test_state_is_distinguished_by_what_is_in_it(cell: str, field: str) -> None:
    assert fields(clients(f"Client Name,State\nA,{cell}\n"))["State"] == field


@pytest.mark.parametrize(("cell", "field"), [("Yes", "contact_primary"), ("Ann Lee", "contact_name")])
def test_primary_contact_is_distinguished_by_what_is_in_it(cell: str, field: str) -> None:
    assert fields(clients(f"Client Name,Primary Contact\nA,{cell}\n"))["Primary Contact"] == field


def test_a_heading_can_be_mapped_to_a_field_by_name_or_heading() -> None:
    parsed = parse(
        b"Kunde,Tel,Junk\nA,1,2\n", "clients", {"kunde": "Client Name", "Tel": "phone", "Junk": "ignore"}
    )
    assert parsed.rows[0].cells == {"name": "A", "phone": "1"}
    assert parsed.unknown == ()


def test_a_remembered_mapping_is_used_where_it_fits() -> None:
    parsed = parse(b"Kunde\nA\n", "clients", remembered={"Kunde": "name", "Gone": "phone"})
    assert parsed.rows[0].cells == {"name": "A"}
    assert parsed.mapping == {}


def test_a_bad_mapping_is_reported() -> None:
    with pytest.raises(BadInput) as refused:
        clients("Client Name\nA\n", **{"Client Name": "contact_emial"})
    assert refused.value.hint == "Did you mean contact_email?"
    with pytest.raises(BadInput, match="no column Tel"):
        clients("Client Name\nA\n", Tel="phone")
    with pytest.raises(BadInput, match="not a mapping"):
        parse_mapping("Tel")
    assert parse_mapping("A = B = phone") == ("A = B", "phone")


def test_no_usable_column_names_what_is_there_and_what_is_needed() -> None:
    with pytest.raises(BadInput) as refused:
        clients("Foo,Bar\x1b[31m\n1,2\n")
    assert "Found: Foo, Bar␛[31m. Needed: Client ID or Client Name" in refused.value.message
    assert "--map 'Heading=name'" in refused.value.hint


@pytest.mark.parametrize("raw", [b"", b"\n\n", b",,\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_reported(raw: bytes) -> None:
    with pytest.raises(BadInput, match="empty"):
        parse(raw, "clients")


def test_bad_rows_are_refused_by_number_and_stop_nothing() -> None:
    parsed = clients("Client Name,Phone\nA,1\nB\nC,\x00\nD,#NAME?\n" + "E," + "x" * 40000 + "\nF,2\n")
    assert [row.number for row in parsed.rows] == [2, 5, 7]
    assert [(each.row, each.reason[:12]) for each in parsed.refused] == [
        (3, "it has 1 cel"),
        (4, "a cell conta"),
        (6, "a cell is lo"),
    ]


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="does not exist"):
        parse(tmp_path / "x.csv", "clients")
    with pytest.raises(BadInput, match="is a folder"):
        parse(tmp_path, "clients")


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ('="0211"', "0211"),
        ("'+64 21", "+64 21"),
        ("+64 21", "+64 21"),
        (" a\r\nb ", "a\nb"),
        ("e\u0301", "é"),
        ("'tis", "'tis"),
    ],
)
def test_spreadsheets_ways_to_keep_a_text_are_undone(cell: str, value: str) -> None:
    assert clean(cell) == value


def test_formulas_are_texts_and_are_counted() -> None:
    parsed = clients("Client Name,Phone\nA,=1+1\n")
    assert parsed.rows[0].cells["phone"] == "=1+1"
    assert "1 cell begins with =" in parsed.notes[0]


@given(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00")), st.booleans())
def test_a_shielded_value_comes_back(text: str, spreadsheet: bool) -> None:
    value = clean(text)
    if clean(value) == value or not value.startswith("="):
        assert clean(escape_cell(value, spreadsheet)) == value


def test_the_default_flavour_leaves_a_phone_as_it_is() -> None:
    assert escape_cell("+64 21 555", spreadsheet=False) == "+64 21 555"
    assert escape_cell("+64 21 555", spreadsheet=True) == "'+64 21 555"
    assert escape_cell("=HYPERLINK(1)", spreadsheet=True) == "'=HYPERLINK(1)"
