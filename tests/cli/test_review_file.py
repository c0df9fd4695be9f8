"""The review as a file: exported, edited as in a spreadsheet, and imported."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import Inline

Rows = list[dict[str, str]]
BOOK = """Client ID,Client Name,Contact Name,Contact Email
CLI-1,Kowhai Plumbing Pty Ltd,Jo Tane,jo@kowhai.example
CLI-3,John Smith,John Smith,john1@smith.example
CLI-5,ACME [/] Pty,Somebody,click@acme.example
CLI-7,Only Here Ltd,Ina Here,ina@here.example
CLI-9,"=HYPERLINK(""http://evil.example"")",Eve Il,eve@evil.example
"""


@pytest.fixture
def cli(connected: Inline, tmp_path: Path) -> Inline:
    path = tmp_path / "book.csv"
    path.write_text(BOOK, encoding="utf-8")
    connected("import", "clients", str(path))
    return connected


def exported(cli: Inline, path: Path) -> Rows:
    cli("clients", "review", "--export", str(path), "--replace")
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))


def written(path: Path, rows: Iterable[dict[str, str]]) -> str:
    rows = list(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=";")
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


def first(rows: Rows, client_id: str) -> dict[str, str]:
    return next(row for row in rows if row["Ignition ID"] == client_id)


def links(cli: Inline) -> dict[str, Any]:
    items = cli("clients", "list", "--json").json["items"]
    return {view["client_id"]: view["link"] and view["link"]["uuid"] for view in items}


def test_it_holds_what_review_tells(cli: Inline, tmp_path: Path) -> None:
    rows = exported(cli, tmp_path / "review.csv")
    views = cli("clients", "review", *dict.fromkeys(r["Client"] for r in rows), "--json").json["items"]
    reported = [
        (v["id"], v["client_id"], at, p["number"], p["uuid"], p["score"], p["sure"], "; ".join(p["reasons"]))
        for v in views
        for at, p in enumerate(v["proposals"], 1)
    ]
    assert len(reported) >= 2
    assert [
        (r["Client"], r["Ignition ID"], int(r["Rank"]), r["XPM Number"], r["XPM UUID"], int(r["Score"]),
         r["Sure"] == "yes", r["Reasons"])
        for r in rows if r["Rank"]
    ] == reported  # fmt: skip
    alone = [r["Ignition ID"] for r in rows if not r["Rank"]]
    assert alone == [v["client_id"] for v in views if not v["proposals"]]
    assert {r["Choice"] for r in rows} == {""}
    assert (tmp_path / "review.csv").stat().st_mode & 0o777 == 0o600
    assert (
        "already exists"
        in cli("clients", "review", "--export", str(tmp_path / "review.csv"), "--json", code=2).error[
            "message"
        ]
    )
    assert cli("clients", "review", "--export", "-").out.startswith("Client,Ignition ID,")


def test_a_name_never_runs_as_a_formula_and_comes_back(cli: Inline, tmp_path: Path) -> None:
    rows = exported(cli, tmp_path / "review.csv")
    evil = first(rows, "CLI-9")
    assert evil["Client Name"] == '\'=HYPERLINK("http://evil.example")'
    assert not any(cell[:1] in "=+-@" for row in rows for cell in row.values() if cell)
    evil["Choice"] = "ignore"
    done = cli("clients", "review", "--import", written(tmp_path / "in.csv", rows), "--json").json
    assert [(each["choice"], each["name"]) for each in done["items"]] == [
        ("ignore", '=HYPERLINK("http://evil.example")')
    ]


def test_choices_are_carried_out(cli: Inline, tmp_path: Path) -> None:
    rows = exported(cli, tmp_path / "review.csv")
    kowhai, smith, acme = (first(rows, f"CLI-{n}") for n in (1, 3, 5))
    kowhai["Choice"] = "Link"
    second = next(r for r in rows if r["Ignition ID"] == "CLI-3" and r["Rank"] == "2")
    smith["Choice"] = f"https://practicemanager.xero.com/client/{second['XPM Number']}/detail"
    acme["Choice"] = acme["XPM UUID"].upper()
    first(rows, "CLI-7")["Choice"] = "ignore"
    path = written(tmp_path / "in.csv", rows)
    before = links(cli)
    would = cli("clients", "review", "--import", path, "--dry-run", "--json").json
    assert (would["linked"], would["ignored"], would["refused"], would["dry_run"]) == (3, 1, [], True)
    assert links(cli) == before
    done = cli("clients", "review", "--import", path, "--json").json
    assert (done["linked"], done["ignored"], done["same"], done["open"]) == (3, 1, 0, 1)
    after = links(cli)
    assert (after["CLI-1"], after["CLI-3"]) == (kowhai["XPM UUID"], second["XPM UUID"])
    assert (after["CLI-5"], after["CLI-7"], after["CLI-9"]) == (acme["XPM UUID"], None, None)
    assert cli("clients", "show", "CLI-7", "--json").json["ignored"]
    again = cli("clients", "review", "--import", path, "--json").json
    assert (again["linked"], again["ignored"], again["same"], again["refused"]) == (0, 0, 4, [])


def stranger(row: dict[str, str]) -> None:
    row |= {"Client": "c999", "Choice": "link"}


def nonsense(row: dict[str, str]) -> None:
    row["Choice"] = "perhaps"


def sorted_alone(row: dict[str, str]) -> None:
    row |= {"Client Name": "John Smith", "Choice": "link"}


def other_number(row: dict[str, str]) -> None:
    row |= {"XPM Number": "1", "Choice": "link"}


def no_proposal(row: dict[str, str]) -> None:
    row |= {"XPM UUID": "", "Choice": "link"}


def spoilt(row: dict[str, str]) -> None:
    row["Choice"] = "#NAME?"


def nobody(row: dict[str, str]) -> None:
    row |= {"Client": "", "Choice": "link"}


@pytest.mark.parametrize(
    ("corrupt", "why"),
    [
        (stranger, "There is no client 'c999'"),
        (nonsense, "XPM has no client with the number, UUID, address or code 'perhaps'"),
        (sorted_alone, "has another name"),
        (other_number, "and XPM UUID belong to different"),
        (no_proposal, "no proposal to link"),
        (spoilt, "what a spreadsheet shows in place of a value"),
        (nobody, "does not name a client"),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_a_bad_row_is_refused_by_its_number_and_stops_nothing_else(
    cli: Inline, tmp_path: Path, corrupt: Callable[[dict[str, str]], None], why: str
) -> None:
    rows = exported(cli, tmp_path / "review.csv")
    kowhai = first(rows, "CLI-1")
    corrupt(kowhai)
    first(rows, "CLI-7")["Choice"] = "ignore"
    done = cli("clients", "review", "--import", written(tmp_path / "in.csv", rows), "--json", code=1)
    (refused,) = done.json["refused"]
    assert refused["row"] == rows.index(kowhai) + 2
    assert why in refused["reason"]
    assert done.error["code"] == "partial"
    assert done.json["ignored"] == 1
    assert links(cli)["CLI-1"] is None


def test_two_choices_that_cannot_both_be_are_refused(cli: Inline, tmp_path: Path) -> None:
    rows = exported(cli, tmp_path / "review.csv")
    smiths = [row for row in rows if row["Ignition ID"] == "CLI-3"]
    smiths[0]["Choice"] = smiths[1]["Choice"] = "link"
    kowhai = first(rows, "CLI-1")
    kowhai["Choice"] = "link"
    first(rows, "CLI-7")["Choice"] = kowhai["XPM UUID"]
    path = written(tmp_path / "in.csv", rows)
    for words in (("--dry-run",), ()):
        done = cli("clients", "review", "--import", path, *words, "--json", code=1).json
        reasons = [each["reason"] for each in done["refused"]]
        assert len(reasons) == 2
        assert any("has a different choice" in reason for reason in reasons)
        assert any("another client" in reason for reason in reasons)
    assert [links(cli)[f"CLI-{n}"] for n in (1, 3, 7)] == [kowhai["XPM UUID"], None, None]


def test_what_is_no_review_file_is_refused_whole(cli: Inline, tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text(BOOK)
    reported = cli("clients", "review", "--import", str(path), "--json", code=2).error
    assert "lacks the column" in reported["message"]
    assert "--export" in reported["hint"]
    assert (
        "does not exist"
        in cli("clients", "review", "--import", str(tmp_path / "none.csv"), "--json", code=2).error["message"]
    )
    cli("clients", "review", "--export", "-", "--accept-sure", "--json", code=2)
    cli("--read-only", "clients", "review", "--import", str(path), "--json", code=2)
    there = sorted(tmp_path.rglob("*.csv"))
    for kept in (tmp_path / "other.csv", path):
        words = ("clients", "review", "--export", str(kept), "--replace")
        assert cli("--read-only", *words, "--json", code=2).error["code"] == "read-only"
    assert sorted(tmp_path.rglob("*.csv")) == there
    assert "Choice" in cli("--read-only", "clients", "review", "--export", "-").out
