"""From bytes to records: encodings, delimiters, quotes."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ignition.support import decode
from xpm_tui.domain.errors import BadInput
from xpm_tui.ignition.csv_text import find_delimiter, read_records

TEXT = "Client ID,Client Name\n1,Māori Café 茶 😀\n"
LATIN = "Client ID,Client Name\n1,Café – “Zoë”\n"


@pytest.mark.parametrize(
    ("raw", "text", "spoken"),
    [
        (TEXT.encode(), TEXT, "UTF-8"),
        (TEXT.encode("utf-8-sig"), TEXT, "UTF-8 with BOM"),
        (TEXT.encode("utf-16"), TEXT, "UTF-16"),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), TEXT, "UTF-16"),
        (TEXT.encode("utf-16-le"), TEXT, "UTF-16"),
        (TEXT.encode("utf-16-be"), TEXT, "UTF-16"),
        (LATIN.encode("cp1252"), LATIN, "Windows-1252"),
        (b"", "", "UTF-8"),
    ],
)
def test_the_encoding_is_found_and_named(raw: bytes, text: str, spoken: str) -> None:
    assert decode(raw) == (text, spoken)


def test_an_encoding_can_be_named() -> None:
    assert decode(LATIN.encode("cp1252"), "windows-1252")[0] == LATIN
    assert decode(TEXT.encode("utf-16-le"), "UTF-16LE")[0] == TEXT
    with pytest.raises(BadInput, match="is not supported"):
        decode(b"", "klingon")
    with pytest.raises(BadInput, match="not UTF-8"):
        decode(LATIN.encode("cp1252"), "utf-8")


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"PK\x03\x04rest", "an Excel workbook"),
        (b"\xd0\xcf\x11\xe0rest", "old Excel"),
        (b"%PDF-1.7", "a PDF"),
        (b"\n<!DOCTYPE html><html>", "a web page"),
        (
            b"name\nCaf\x82",
            "encoding cannot be determined: a word in it is Caf. in Windows-1252 and Caf. in Mac Roman",
        ),
        (b"name\nM\xc4\x81ori M\xc4\x81 \xe9", "UTF-8 with damaged characters"),
        (b"\xff\xfea\x00b", "not UTF-16"),
    ],
)
def test_what_is_no_csv_is_reported_by_its_kind(raw: bytes, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        decode(raw)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_by_the_headings(delimiter: str) -> None:
    head = delimiter.join(["Client ID", "Client Name", "Notes, and more"])
    head = head.replace("Notes, and more", '"Notes, and more"')
    assert find_delimiter(f"\n{head}\n", ["Client ID", "Client Name"]) == delimiter


def test_a_spreadsheet_may_name_the_delimiter() -> None:
    text = "sep=;\nClient ID;Client Name\n1;A\n"
    assert find_delimiter(text, []) == ";"
    assert [record.cells for record in read_records(text, ";")] == [("Client ID", "Client Name"), ("1", "A")]


def read(text: str) -> list[tuple[int, tuple[str, ...], str]]:
    return [(record.row, record.cells, record.reason) for record in read_records(text, ",")]


def test_cells_over_several_lines_and_blank_rows_keep_the_row_numbers_of_a_spreadsheet() -> None:
    assert read('a,b\n1,"x\ny"\n\n,\n2,z\n') == [
        (1, ("a", "b"), ""),
        (2, ("1", "x\ny"), ""),
        (5, ("2", "z"), ""),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end(end: str) -> None:
    assert [cells for _, cells, _ in read(f"a,b{end}1,2{end}3,4")] == [("a", "b"), ("1", "2"), ("3", "4")]


def test_an_odd_line_separator_inside_a_cell_is_just_a_character() -> None:
    assert read("a,b\n1,x\u2028y\x0bz\n")[1][1] == ("1", "x\u2028y\x0bz")


def test_a_quote_that_is_never_closed_costs_one_row() -> None:
    rows = read('a,b,c\n1,"Smith,q\n2,Jones,r\n3,"Brown, Bob",s\n4,x,y\n')
    assert [row for row, _, reason in rows if reason] == [2]
    assert [cells for _, cells, reason in rows if not reason][1:] == [
        ("2", "Jones", "r"),
        ("3", "Brown, Bob", "s"),
        ("4", "x", "y"),
    ]


def test_a_quote_open_at_the_end_costs_one_row() -> None:
    rows = read('a,b\n1,"open\n2,fine\n3,fine\n')
    assert [(row, bool(reason)) for row, _, reason in rows] == [(1, False), (2, True), (3, False), (4, False)]


def test_quotes_inside_plain_cells_and_behind_closing_quotes_are_taken() -> None:
    assert read('a,b\n1,The "Man" Smith\n2,"Bo" Smith\n')[1:] == [
        (2, ("1", 'The "Man" Smith'), ""),
        (3, ("2", "Bo Smith"), ""),
    ]


def test_a_row_of_another_length_is_refused() -> None:
    rows = read("a,b,c\n1,2\n1,2,3,4\n1,2,3,,\n")
    assert [(row, reason) for row, _, reason in rows[1:]] == [
        (2, "it has 2 cells, but the file has 3 headings"),
        (3, "it has 4 cells, but the file has 3 headings"),
        (4, ""),
    ]


_cell = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00\r"), max_size=12)


@given(st.lists(st.tuples(_cell, _cell, _cell), min_size=1, max_size=8))
def test_what_a_csv_writer_writes_is_read_again(rows: list[tuple[str, str, str]]) -> None:
    kept = [("a", "b", "c"), *rows]
    file = io.StringIO(newline="")
    csv.writer(file).writerows(kept)
    found = [record.cells for record in read_records(file.getvalue(), ",")]
    assert found == [row for row in kept if any(cell.strip() for cell in row)]


@given(st.text(alphabet='ab",\n', max_size=60))
def test_no_text_stops_the_reader(text: str) -> None:
    found = list(read_records("a,b\n" + text, ","))
    numbers = [record.row for record in found]
    assert numbers == sorted(set(numbers))
    assert all(record.reason or len(record.cells) == 2 for record in found)
