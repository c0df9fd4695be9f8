"""Strict cells: repaired if only one reading is possible, otherwise refused with row, column and reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ignition.support import NOW, ImportedStore, decode
from xpm_tui.application.csv_io.imports import plan_import
from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.ignition import Client, Contact, Service
from xpm_tui.domain.tables import CLIENTS, SERVICES
from xpm_tui.ignition.cell_readers import (
    CellError,
    DateStyle,
    KnownIds,
    NoDate,
    clean_cell,
    date_style,
    is_error_word,
    total_row,
)
from xpm_tui.ignition.csv_source import CsvSource
from xpm_tui.ignition.parser import parse


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2026-03-31T11:00:00Z", "time zone"),
        ("2026-03-31 11:00 +13:00", "time zone"),
        ("1/04/2026 9:30 NZST", "time zone"),
        ("1/04/2026 - 31/03/2027", "something follows"),
        ("2026-04-01 to 2027-03-31", "something follows"),
        ("1 Apr 2026 (est.)", "something follows"),
        ("2026-04-01 25:00", "something follows"),
        ("31/12/99", "century is not clear"),
        ("1-Jan-75", "century is not clear"),
        ("26-03-31", "first or last"),
        ("31 June 2026", "no such day"),
        ("0026-04-01", "cannot be right"),
        ("Mon 1 Sept 2026", "was a Tuesday"),
        ("46112", "not a date"),
        ("April 2026", "not a date"),
    ],
)
def test_a_date_with_two_readings_is_refused(text: str, why: str) -> None:
    with pytest.raises(NoDate, match=why):
        DateStyle().read(text)


def test_in_a_file_of_both_kinds_only_clear_dates_are_read() -> None:
    style = date_style(["13/04/2026", "04/14/2026", "3/4/2026"])
    assert (style.read("13/04/2026").month, style.read("04/14/2026").day, style.read("5/5/2026").day) == (
        4,
        14,
        5,
    )
    with pytest.raises(NoDate, match="both orders"):
        style.read("3/4/2026")


@pytest.mark.parametrize(
    "text",
    [
        "#REF!",
        "#ERROR!",
        "#BLOCKED!",
        "#N/A",
        "#NV",
        "#DIV/0!",
        "=#REF!",
        "#¿NOMBRE?",
        "Loading...",
        "Err:508",
        "####",
    ],
)
def test_a_word_that_a_spreadsheet_shows_for_a_value_is_no_value(text: str) -> None:
    assert is_error_word(text)
    plan = ImportedStore().preview(
        f"Client ID,Client Name,Phone,Notes\n1,{text},,\n2,B,{text},\n3,C,,{text}\n4,#1 Cars,,\n"
    )[1]
    assert [(each.row, each.reason.split(":")[0]) for each in plan.refused] == [
        (2, "Client Name"), (3, "Phone"), (4, "Notes"),
    ]  # fmt: skip
    assert plan.counts["new"] == 1


def test_invisible_characters_are_dropped_wherever_they_stand() -> None:
    imported = ImportedStore()
    imported.load("Client ID,Client Name,Contact Name,Contact Email,Phone\n"
              "1,Mi\u200bro\u00a0\u2060Ltd\u00ad,A\ufeffl,"
              "a\u200dl\u00ad@x.nz,\u202a09 1\u202c\n")  # fmt: skip
    (client,) = imported.clients()
    assert (client.name, client.phone) == ("Miro Ltd", "09 1")
    assert (client.contacts[0].name, client.contacts[0].email) == ("Al", "al@x.nz")
    assert clean_cell("👩\u200d👩 می\u200cخواهم") == "👩\u200d👩 می\u200cخواهم", (
        "joiners that mean something stay"
    )


MANGLED = [
    "101",
    "1E+14",
    "1,01E+05",
    "101.0",
    "1,234",
    "4-Mar",
    "12345678901234500000",
    "2026-03-04",
    "#####",
]


@pytest.mark.parametrize("mangled", MANGLED)
def test_an_id_that_a_spreadsheet_has_changed_is_refused_in_every_form(mangled: str) -> None:
    imported = ImportedStore(
        (
            CLIENTS,
            Client(id="c1", name="A", client_id="00101", contacts=(Contact(id="k1", contact_id="00101"),)),
        ),
        (SERVICES, Service(id="s1", name="Audit", extra={"Service ID": "00101"})),
    )
    cell = f'"{mangled}"'
    for form, text in (
        ("clients", f"Client ID,Client Name\n{cell},New\n"),
        ("clients", f"Client ID,Contact ID,Client Name,Contact Name\n00102,{cell},New,Di\n"),
        ("services", f"Service ID,Service Name\n{cell},New\n"),
        ("proposals", f"Proposal Number,Client ID,Service Name\n00101,00101,A\n{cell},00101,A\n"),
        ("proposals", f"Proposal Number,Client ID,Service Name\nP-1,{cell},A\n"),
    ):
        plan = plan_import(imported.store.snapshot(), parse(text.encode(), form), None, NOW)  # type: ignore[arg-type]
        assert [each.reason.split(":")[0] for each in plan.refused] in (
            ["Client ID"], ["Contact ID"], ["Service ID"], ["Proposal Number"],
        ), text  # fmt: skip


def test_an_id_that_is_known_is_that_id_whatever_it_looks_like() -> None:
    ids = KnownIds(["1E+14", "0042", "CLI-1001"])
    assert [ids.read(each) for each in ("1E+14", "0042", "CLI-1002", "12345")] == [
        "1E+14", "0042", "CLI-1002", "12345",
    ]  # fmt: skip
    with pytest.raises(CellError, match="may be 0042 without its leading zeros"):
        ids.read("42")
    with pytest.raises(CellError, match="leading zeros are lost"):
        ids.read("7")


def test_rows_that_hold_no_record_are_skipped_and_said() -> None:
    head = "Service ID,Service Name,Price,\n"
    totals = ",Total,500,\n,Total,,\n7,Total,1,\n"
    text = head + "1,Audit,500,\n" + head + "SERVICE ID,service_name,,\n" + totals
    parsed = parse(text.encode(), "services")
    assert [(row.number, row.cells["name"]) for row in parsed.rows] == [(2, "Audit"), (7, "Total")]
    assert [each.row for each in parsed.skipped] == [3, 4, 5]
    assert [each.row for each in parsed.refused] == [6], "the word alone may be a name"
    assert [column.heading for column in parsed.columns] == ["Service ID", "Service Name", "Price"]
    assert not total_row(["Total Ltd", "5"])
    assert total_row(["Total: ", "$1,285.00"]) == total_row(["Grand total", "9"]) == "total"


WORDS = [
    "Café",
    "Zoë",
    "O’Brien",
    "CAFÉ",
    "Étienne",
    "A – B",
    "Smith’s – “Best”",
    "Société",
    "Foo…",
    "Jörg Åkesson",
]


@pytest.mark.parametrize("encoding", ["cp1252", "mac-roman"])
@pytest.mark.parametrize("word", WORDS)
def test_one_byte_encodings_are_distinguished_by_the_words(word: str, encoding: str) -> None:
    text = f"Client ID,Client Name\n1,{word}\n"
    try:
        assert decode(text.encode(encoding))[0] == text
    except BadInput as refused:
        pytest.fail(f"{word} in {encoding}: {refused.message}")


def test_what_is_no_plain_file_is_refused_at_once(tmp_path: Path) -> None:
    hole = tmp_path / "hole.csv"
    with hole.open("wb") as file:
        file.truncate(257 * 1024 * 1024)
    for path, why in (
        (Path("/dev/zero"), "is a device"),
        (tmp_path, "is a folder"),
        (hole, "larger than 256 MB"),
    ):
        with pytest.raises(BadInput, match=why):
            CsvSource.of(path)
    with hole.open("r+b") as file:
        file.truncate(9 * 1024 * 1024)
    with pytest.raises(BadInput, match="binary file"):
        CsvSource.of(hole)
