"""Records by verbs: files in and out, contacts, team, services; no call to Xero is made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from xpm_tui.cli.main import main

HEAD = "Client ID,Contact ID,Client Name,Contact Name,Contact Email,Tel\n"


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    def verb(*words: str) -> tuple[int, Any]:
        try:
            code = main(["--home", str(tmp_path / "home"), *words, "--json"])
        except SystemExit as left:
            code = left.code  # type: ignore[assignment]
        return code or 0, json.loads(capsys.readouterr().out.splitlines()[-1])

    return verb


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "clients.csv"
    path.write_text(HEAD + "1,11,Kowhai,Ann,ann@x.nz,1\n2,12,ACME [/] Pty,Bo,bo@x.nz,2\n", encoding="utf-8")
    return path


def test_the_loop_to_ignition(run: Any, file: Path, tmp_path: Path) -> None:
    code, reported = run("import", "clients", str(file), "--map", "Tel=phone", "--dry-run")
    assert (code, reported["counts"]["new"], reported["dry_run"]) == (0, 2, True)
    assert run("clients", "list")[1]["items"] == []
    assert run("import", "clients", str(file), "--map", "Tel=phone")[0] == 0
    assert run("import", "clients", str(file))[1]["counts"]["same"] == 2
    run("clients", "edit", "1", "phone=+64 9 1")
    out = tmp_path / "out.csv"
    code, reported = run("export", "clients", str(out), "--changed")
    assert (code, reported["rows"]) == (0, 1)
    assert out.read_text(encoding="utf-8").splitlines()[1] == "1,11,Kowhai,Ann,ann@x.nz,+64 9 1"
    assert run("export", "clients", str(tmp_path / "again.csv"), "--changed")[1]["rows"] == 0


@pytest.mark.parametrize(
    ("good", "words", "said"),
    [
        (True, (), "The other rows were imported. "),
        (True, ("--dry-run",), "The other rows can be imported. "),
        (False, (), ""),
    ],
)
def test_what_becomes_of_the_other_rows_is_true(
    run: Any, tmp_path: Path, good: bool, words: tuple[str, ...], said: str
) -> None:
    path = tmp_path / "some.csv"
    path.write_text(HEAD + "1.23E+05,9,Rata,Ann,ann@x.nz,1\n" + "2,12,Tawa,Bo,bo@x.nz,2\n" * good)
    code, reported = run("import", "clients", str(path), *words)
    assert code == 1
    assert reported["error"]["hint"] == f"{said}Fix these in the file and import it again."


def test_a_bad_row_ends_1_and_is_named(run: Any, file: Path) -> None:
    with file.open("a", encoding="utf-8") as more:
        more.write("3,13,,Cy,cy@x.nz,\n")
    code, reported = run("import", "clients", str(file))
    assert code == 1
    assert [row["row"] for row in reported["refused"]] == [4]
    assert len(run("clients", "list")[1]["items"]) == 2


@pytest.mark.parametrize("text", ["Foo,Bar\n1,2\n", "", "PK\x03\x04"])
def test_a_file_that_is_none_ends_2(run: Any, file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
    code, reported = run("import", "clients", str(file))
    assert (code, reported["ok"]) == (2, False)
    assert reported["error"]["code"] == "bad-input"


def test_an_import_is_undone(run: Any, file: Path) -> None:
    run("import", "clients", str(file))
    assert run("import", "undo", "--yes")[1]["counts"] == {"removed": 2, "restored": 0, "left": 0}
    assert run("clients", "list")[1]["items"] == []
    assert run("import", "undo", "--yes")[0] == 2


def test_an_import_undo_that_restores_nothing_is_not_used_up(run: Any, file: Path) -> None:
    run("import", "clients", str(file))
    ids = [each["id"] for each in run("clients", "list")[1]["items"]]
    for id_ in ids:
        run("clients", "freeze", id_, "phone")
    code, reported = run("import", "undo", "--yes")
    assert (code, reported["undone"], reported["counts"]["left"]) == (4, False, 2)
    assert "frozen" in reported["error"]["message"]
    run("clients", "unfreeze", ids[0])
    code, reported = run("import", "undo", "--yes")
    assert (code, reported["counts"]) == (0, {"removed": 1, "restored": 0, "left": 1})
    run("clients", "unfreeze", ids[1])
    assert run("import", "undo", "--yes")[0] == 0
    assert run("clients", "list")[1]["items"] == []


def test_contacts_team_and_services(run: Any, file: Path) -> None:
    run("import", "clients", str(file))
    assert run("contacts", "add", "1", "name=Cy", "email=cy@x.nz")[1]["contact"]["name"] == "Cy"
    code, reported = run("contacts", "edit", "1", "cy@x.nz", "mobile=021")
    assert (code, reported["contacts"][1]["mobile"]) == (0, "021")
    member = run("team", "new", "Bo Li", "access=no")[1]
    assert run("team", "edit", "Bo Li", "email=bo@x.nz")[1]["id"] == member["id"]
    assert run("services", "new", "Accounts", "price=9")[1]["fields"] == {"Price": "9"}
    run("services", "edit", "Accounts", "name=Annual accounts")
    assert [item["name"] for item in run("services")[1]["items"]] == ["Annual accounts"]
    code, reported = run("contacts", "edit", "1", "cy@x.nz", "emial=x")
    assert (code, reported["error"]["hint"]) == (2, "Did you mean email?")
