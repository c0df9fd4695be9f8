"""The review by verb: clients are decided one by one, and a decision is undone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.command import Inline

BOOK = """Client ID,Client Name,Contact Name,Contact Email
CLI-1,Kowhai Plumbing Pty Ltd,Jo Tane,jo@kowhai.example
CLI-3,John Smith,John Smith,john1@smith.example
CLI-7,Only Here Ltd,Ina Here,ina@here.example
"""


@pytest.fixture
def cli(connected: Inline, tmp_path: Path) -> Inline:
    path = tmp_path / "book.csv"
    path.write_text(BOOK, encoding="utf-8")
    connected("import", "clients", str(path))
    return connected


def states(cli: Inline) -> dict[str, str]:
    return {view["client_id"]: view["link_state"] for view in cli("clients", "list", "--json").json["items"]}


def proposals(cli: Inline, client: str) -> list[dict[str, Any]]:
    (view,) = cli("clients", "review", client, "--json").json["items"]
    found: list[dict[str, Any]] = view["proposals"]
    return found


def test_one_client_is_linked_and_stands_as_before(cli: Inline) -> None:
    before = states(cli)
    proposal = proposals(cli, "CLI-3")[0]
    done = cli("clients", "review", "CLI-3", "--link", proposal["uuid"], "--json")
    assert (done.code, done.json["link"]["uuid"]) == (0, proposal["uuid"])
    again = cli("clients", "review", "CLI-3", "--link", proposal["uuid"], "--json", code=2)
    assert (again.code, again.json["error"]["code"]) == (2, "bad-input"), "it is settled, and stays"
    assert "needs no decision" in again.json["error"]["message"]
    undone = cli("clients", "review", "--undo")
    assert undone.out == "The decision on John Smith was undone.\n"
    assert states(cli) == before
    assert proposals(cli, "CLI-3")[0]["uuid"] == proposal["uuid"], "the pair is proposed as it was"
    cli("clients", "review", "--undo", code=2)  # there is no decision left


def test_a_link_that_an_undo_removed_is_proposed_first_with_a_word_and_never_sure(
    cli: Inline, tmp_path: Path
) -> None:
    (there,) = cli("clients", "search", "Bright Sparks", "--json").json["items"]
    cli("clients", "link", "CLI-7", there["uuid"])
    cli("undo", "last", "--yes")
    (view,) = cli("clients", "review", "CLI-7", "--json").json["items"]
    first = view["proposals"][0]
    assert (first["uuid"], first["sure"]) == (there["uuid"], False)
    assert "unlinked when run r" in first["reasons"][0]
    assert view["reason"].startswith("Its link was removed when run r")
    cli("clients", "review", "--accept-sure", "--json")
    assert states(cli)["CLI-7"] == "unlinked"
    path = tmp_path / "review.csv"
    cli("clients", "review", "CLI-7", "--export", str(path))
    text = path.read_text(encoding="utf-8-sig").splitlines()
    path.write_text("\n".join([text[0], text[1] + "link"]), encoding="utf-8")
    assert cli("clients", "review", "--import", str(path), "--json").json["linked"] == 1


def test_the_last_decision_about_one_client_is_undone(cli: Inline) -> None:
    cli("clients", "review", "CLI-7", "--ignore")
    cli("clients", "review", "CLI-3", "--ignore")
    assert (states(cli)["CLI-7"], states(cli)["CLI-3"]) == ("ignored", "ignored")
    cli("clients", "review", "CLI-7", "--undo")
    assert (states(cli)["CLI-7"], states(cli)["CLI-3"]) == ("unlinked", "ignored")
    cli("clients", "review", "CLI-7", "--undo", code=2)


def test_all_sure_ones_are_undone_together(cli: Inline) -> None:
    before = states(cli)
    linked = cli("clients", "review", "--accept-sure", "--json").json["count"]
    assert linked > 0
    assert cli("clients", "review", "--undo", "--json").json["count"] == linked
    assert states(cli) == before


def test_what_has_moved_since_stays_and_is_not_offered_again(cli: Inline) -> None:
    cli("clients", "review", "CLI-7", "--ignore")
    cli("clients", "review", "CLI-3", "--link", proposals(cli, "CLI-3")[0]["uuid"])
    cli("clients", "unlink", "CLI-3")
    moved = cli("clients", "review", "--undo", "--json", code=2)
    assert "has changed since then" in moved.json["error"]["message"]
    cli("clients", "review", "--undo")
    assert states(cli)["CLI-7"] == "unlinked"


@pytest.mark.parametrize(
    "words", [("CLI-3", "CLI-7", "--ignore"), ("--ignore",), ("CLI-3", "--ignore", "--undo")]
)
def test_one_decision_about_one_client(cli: Inline, words: tuple[str, ...]) -> None:
    before = states(cli)
    cli("clients", "review", *words, code=2)
    assert states(cli) == before
