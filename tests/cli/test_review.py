"""Clients settled one by one in a review, and the decision undone: by the verb that the console runs too."""

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
def office(connected: Inline, tmp_path: Path) -> Inline:
    path = tmp_path / "book.csv"
    path.write_text(BOOK, encoding="utf-8")
    connected("import", "clients", str(path))
    return connected


def states(office: Inline) -> dict[str, str]:
    return {
        view["client_id"]: view["link_state"] for view in office("clients", "list", "--json").json["items"]
    }


def proposals(office: Inline, client: str) -> list[dict[str, Any]]:
    (view,) = office("clients", "review", client, "--json").json["items"]
    found: list[dict[str, Any]] = view["proposals"]
    return found


def test_one_client_is_linked_and_stands_as_before(office: Inline) -> None:
    before = states(office)
    proposal = proposals(office, "CLI-3")[0]
    done = office("clients", "review", "CLI-3", "--link", proposal["uuid"], "--json")
    assert (done.code, done.json["link"]["uuid"]) == (0, proposal["uuid"])
    again = office("clients", "review", "CLI-3", "--link", proposal["uuid"], "--json", code=2)
    assert (again.code, again.json["error"]["code"]) == (2, "bad-input"), "it is settled, and stays"
    assert "needs no decision" in again.json["error"]["message"]
    undone = office("clients", "review", "--undo")
    assert undone.out == "The decision on John Smith was undone.\n"
    assert states(office) == before
    assert proposals(office, "CLI-3")[0]["uuid"] == proposal["uuid"], "the pair is proposed as it was"
    office("clients", "review", "--undo", code=2)  # there is no decision left


def test_a_link_that_an_undo_removed_is_proposed_first_with_a_word_and_never_sure(
    office: Inline, tmp_path: Path
) -> None:
    (there,) = office("clients", "search", "Bright Sparks", "--json").json["items"]
    office("clients", "link", "CLI-7", there["uuid"])
    office("undo", "last", "--yes")
    (view,) = office("clients", "review", "CLI-7", "--json").json["items"]
    first = view["proposals"][0]
    assert (first["uuid"], first["sure"]) == (there["uuid"], False)
    assert "unlinked when run r" in first["reasons"][0]
    assert view["reason"].startswith("Its link was removed when run r")
    office("clients", "review", "--accept-sure", "--json")
    assert states(office)["CLI-7"] == "unlinked"
    path = tmp_path / "review.csv"
    office("clients", "review", "CLI-7", "--export", str(path))
    text = path.read_text(encoding="utf-8-sig").splitlines()
    path.write_text("\n".join([text[0], text[1] + "link"]), encoding="utf-8")
    assert office("clients", "review", "--import", str(path), "--json").json["linked"] == 1


def test_the_last_decision_about_one_client_is_undone(office: Inline) -> None:
    office("clients", "review", "CLI-7", "--ignore")
    office("clients", "review", "CLI-3", "--ignore")
    assert (states(office)["CLI-7"], states(office)["CLI-3"]) == ("ignored", "ignored")
    office("clients", "review", "CLI-7", "--undo")
    assert (states(office)["CLI-7"], states(office)["CLI-3"]) == ("unlinked", "ignored")
    office("clients", "review", "CLI-7", "--undo", code=2)


def test_all_sure_ones_are_undone_together(office: Inline) -> None:
    before = states(office)
    linked = office("clients", "review", "--accept-sure", "--json").json["count"]
    assert linked > 0
    assert office("clients", "review", "--undo", "--json").json["count"] == linked
    assert states(office) == before


def test_what_has_moved_since_stays_and_is_not_offered_again(office: Inline) -> None:
    office("clients", "review", "CLI-7", "--ignore")
    office("clients", "review", "CLI-3", "--link", proposals(office, "CLI-3")[0]["uuid"])
    office("clients", "unlink", "CLI-3")
    moved = office("clients", "review", "--undo", "--json", code=2)
    assert "has changed since then" in moved.json["error"]["message"]
    office("clients", "review", "--undo")
    assert states(office)["CLI-7"] == "unlinked"


@pytest.mark.parametrize(
    "words", [("CLI-3", "CLI-7", "--ignore"), ("--ignore",), ("CLI-3", "--ignore", "--undo")]
)
def test_one_decision_about_one_client(office: Inline, words: tuple[str, ...]) -> None:
    before = states(office)
    office("clients", "review", *words, code=2)
    assert states(office) == before
