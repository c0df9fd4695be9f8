"""The parameters that the console's screens use exist as options, too."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import pytest

from tests.support.command import Inline
from tests.support.sandbox_process import SandboxProcess
from xpm_tui.application.runs.plans import Selector
from xpm_tui.commands.plans import selector
from xpm_tui.domain.errors import BadInput


def test_a_plan_is_made_from_stored_data_and_an_undo_is_made_a_plan(
    connected: Inline, sandbox: SandboxProcess, ignition: Path
) -> None:
    connected("import", "clients", str(ignition), code=None)
    sandbox.control("DELETE", "requests")
    plan = connected("plan", "--stored", "--json").json
    assert plan["items"]
    assert not sandbox.asked("client.api/list")
    links = [item for item in plan["items"] if item["field"] == "link"]
    unticked = connected("plan", "untick", plan["id"], f"rule:{links[0]['rule']},field:link", "--json").json
    assert unticked["changed"] == sum(item["rule"] == links[0]["rule"] for item in links)
    connected("plan", "tick", plan["id"], f"rule:{links[0]['rule']},field:link")
    run = connected("sync", "--plan", plan["id"], "--json", code=None).json
    made = connected("undo", run["id"], "--review", "--json").json
    shown = connected("plan", "export", made["plan"]).out
    saved = {(row["record"], row["field"]) for row in csv.DictReader(io.StringIO(shown))}
    assert saved == {(item["record"], item["field"]) for item in made["items"]}
    assert connected("runs", "show", "last", "--json").json["id"] == run["id"], "nothing was undone yet"


def test_an_older_file_is_distinguished_from_a_newer_one(command: Inline, tmp_path: Path) -> None:
    head = "Client ID,Client Name,Contact Name,Contact Email,Phone\n"
    path = tmp_path / "c.csv"
    path.write_text(f"{head}1,Matai,Jo,jo@m.nz,2\n", encoding="utf-8")
    command("import", "clients", str(path))
    path.write_text(f"{head}1,Matai,Jo,jo@m.nz,1\n2,Tawa,Al,al@t.nz,3\n", encoding="utf-8")
    os.utime(path, (1.7e9, 1.7e9))
    done = command("import", "clients", str(path), code=1)
    assert "Values as of 14 Nov 2023" in done.out
    assert "1 value of" in done.err
    assert "--as-of now" in done.err
    done = command("import", "clients", str(path), "--as-of", "now", "--json")
    assert (done.json["as_of_from"], done.json["counts"]["cells"]) == ("given", 1)


def test_the_habits_of_other_command_lines(connected: Inline, ignition: Path) -> None:
    connected("import", "clients", str(ignition), "-q", code=1)
    listed = connected("clients", "list", "--limit", "2", "--json").json
    assert (listed["count"], len(listed["items"])) == (2, 2)
    assert "more" in connected("clients", "list", "--limit", "2").out.splitlines()[-1]
    assert connected("help", "clients", "list").out == connected("clients", "list", "--help").out
    assert connected("help").out == connected("--help").out
    assert connected("version").out == connected("--version").out


def test_direction_and_level_are_chosen_at_once(connected: Inline) -> None:
    chosen = connected("policy", "set", "--direction", "to_xpm", "--level", "name", "--json").json
    assert (chosen["direction"], chosen["level"]) == ("to_xpm", "name")
    assert connected("settings", "get", "sync.level", "--json").json["value"] == "name"
    kept = connected("policy", "set", "--direction", "from_xpm", "--json").json
    assert (kept["direction"], kept["level"]) == ("from_xpm", "name")
    assert "--direction" in connected("policy", "set", "--json", code=2).error["message"]


def test_options_that_do_not_go_together_are_refused(connected: Inline) -> None:
    for words, sentence in (
        (("jobs", "retry", "w1", "--wait"), "--wait works only with --sent"),
        (("jobs", "retry", "w1", "--sent", "again", "--dry-run"), "cannot be combined with --dry-run"),
        (("jobs", "deploy", "w1", "--automatic"), "--automatic chooses the jobs itself"),
    ):
        assert sentence in connected(*words, "--json", code=2).error["message"]


@pytest.mark.parametrize(
    "meant",
    [
        Selector(),
        Selector(record="c12"),
        Selector(record="c12/k3", field="phone"),
        Selector(field="phone", rule="first"),
        Selector(record="c12", field="phone", rule="first", mark="clearing"),
    ],
)
def test_what_a_selector_says_is_read_as_that_selector(meant: Selector) -> None:
    assert selector(meant.typed()) == meant


@pytest.mark.parametrize("word", ["", "c12:", ":phone", "field:", "field:phone,", "c1,c2", "rule:a,rule:b"])
def test_a_word_that_leaves_a_part_empty_or_says_it_twice_is_refused(word: str) -> None:
    with pytest.raises(BadInput):
        selector(word)
