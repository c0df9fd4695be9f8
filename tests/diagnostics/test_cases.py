"""Every known problem has a symptom, cause and remedy; its symptom leads to it, by verb and in the bundle."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import pytest

from tests.support.command import Inline
from tests.support.every_verb import command_of
from tests.support.sandbox_process import SandboxProcess
from xpm_tui.commands.command import list_params
from xpm_tui.diagnostics.error_presenter import problem_lines
from xpm_tui.diagnostics.known_problems import KNOWN_PROBLEMS, find_problem, search_problems
from xpm_tui.domain.errors import CaseId
from xpm_tui.files.locks import Lock
from xpm_tui.files.machine import SystemClock


@pytest.mark.parametrize("id_", list(CaseId))
def test_every_id_has_its_case(id_: CaseId) -> None:
    found = KNOWN_PROBLEMS[id_]
    assert found.id == id_
    assert found.title
    assert found.sign
    assert found.cause
    assert found.steps


def test_the_three_answers_to_a_refused_connection() -> None:
    assert "not ticked" in KNOWN_PROBLEMS[CaseId.NO_PERMISSION].cause
    stale = KNOWN_PROBLEMS[CaseId.STALE_PERMISSION]
    assert [("off" in s or "on again" in s) for s in stale.steps[1:3]] == [True, True]
    other = KNOWN_PROBLEMS[CaseId.OTHER_XERO_ERROR]
    assert "screenshot" in other.steps[0]
    assert "Xero support" in other.steps[-1]


def test_an_unknown_id_is_no_error() -> None:
    assert find_problem("T99") is None
    assert find_problem("T1") is KNOWN_PROBLEMS[CaseId.NO_PERMISSION]


COMMAND = re.compile(r"xpm-tui ((?:[a-z][a-z-]* ?)+)((?:--[a-z-]+ ?)*)")


@pytest.mark.parametrize("id_", list(CaseId))
def test_every_command_that_a_case_names_exists(id_: CaseId) -> None:
    each = KNOWN_PROBLEMS[id_]
    text = "\n".join((each.sign, each.cause, *each.steps, *each.old_screens, each.support))
    for match in COMMAND.finditer(text):
        words = match.group(1).split()
        act = next((a for n in (2, 1) if (a := command_of(*words[:n])) is not None), None)
        assert act is not None, match.group()
        flags = {param.flag for param in list_params(act.params)}
        assert set(match.group(2).split()) <= flags, match.group()


@pytest.mark.parametrize("id_", [CaseId.NO_PERMISSION, CaseId.STALE_PERMISSION, CaseId.NO_PRIVILEGE_BOX])
def test_the_permission_is_reported_for_both_of_xpms_screens(id_: CaseId) -> None:
    each = KNOWN_PROBLEMS[id_]
    assert "Connect third-party add-ons" in " ".join((*each.steps, each.cause, each.sign)) or each.old_screens
    assert "Authorise 3rd Party Full Access" in " ".join(each.old_screens)
    lines = problem_lines(each)
    assert any("new screens" in line for line in lines)
    assert any("old screens" in line for line in lines)
    assert "  1. " in "".join(lines)


@pytest.mark.parametrize(
    ("seen", "case_"),
    [
        ("You don't have access to connect any Xero Practice Manager accounts", CaseId.NO_PERMISSION),
        ("although the box is ticked", CaseId.STALE_PERMISSION),
        ("can be found", CaseId.NO_PRIVILEGE_BOX),
        ("error from Xero that is not in this list", CaseId.OTHER_XERO_ERROR),
        ("No page appears", CaseId.NOTHING_OPENS),
        ("clients are not the ones you expect", CaseId.WRONG_PRACTICE),
        ("another one stopped", CaseId.SECOND_PRACTICE),
        ("Every practice has had to sign in again", CaseId.MASS_OUTAGE),
        ("cannot be found here", CaseId.CLIENT_MISSING),
        ("Invalid scope for client", CaseId.SCOPE_NOT_ATTACHED),
        ("Invalid redirect_uri", CaseId.UNKNOWN_APP),
        ("access denied", CaseId.CANCELLED),
    ],
)
def test_what_a_person_reads_on_a_page_finds_its_case(seen: str, case_: CaseId) -> None:
    assert search_problems(seen)[0].id is case_


def test_no_words_find_all_and_odd_ones_none() -> None:
    assert len(search_problems("")) == len(KNOWN_PROBLEMS) == len(CaseId)
    assert search_problems("no such words at all") == ()


def test_by_verb(command: Inline) -> None:
    listed = command("cases", "list", "--json").json["items"]
    assert {item["id"] for item in listed} == {str(each) for each in CaseId}
    shown = command("cases", "show", "t1", "--json").json
    assert (shown["id"], shown["name"]) == ("T1", KNOWN_PROBLEMS[CaseId.NO_PERMISSION].title)
    text = command("cases", "show", "T4").out
    assert "screenshot" in text
    assert "correlation id" in text
    assert (
        command("cases", "list", "Invalid", "scope", "for", "client").out.splitlines()[1].startswith("scope")
    )
    assert command("cases", "show", "T99", code=2).err


def test_an_error_by_verb_names_its_case_and_the_first_step(command: Inline) -> None:
    done = command("sync", "--yes", code=3)
    assert "Known problem not-connected" in done.err
    assert "xpm-tui cases show not-connected" in done.err
    sentence = command("sync", "--yes", "--json", code=3).error
    assert sentence["case"] == "not-connected"
    assert sentence["steps"] == list(KNOWN_PROBLEMS[CaseId.NOT_CONNECTED].steps)


@pytest.mark.parametrize(
    ("fault", "case_", "code"),
    [
        ("429-day", "day-limit", 6),
        ("403", "T9", 3),
        ("html", "bad-reply", 7),
        ("doctype", "bad-reply", 7),
    ],
)
def test_a_sync_that_fails_names_its_case_in_the_verb_and_in_the_bundle(
    connected: Inline, sandbox: SandboxProcess, tmp_path: Path, fault: str, case_: str, code: int
) -> None:
    sandbox.control("POST", "faults", {"kind": fault, "endpoint": "client.api/list", "seconds": 7200})
    done = connected("sync", "--yes", "--json", code=code)
    assert done.error["case"] == case_
    assert done.error["steps"]
    sandbox.control("DELETE", "faults")
    assert f"xpm-tui cases show {case_}" in connected("runs", "show", "last").out
    target = tmp_path / "support.zip"
    connected("doctor", "--json", "--from", "store", "--bundle", str(target))
    with zipfile.ZipFile(target) as archive:
        assert f"{case_}: {KNOWN_PROBLEMS[CaseId(case_)].title}" in archive.read("cases.txt").decode()


@pytest.mark.soak
def test_cancel_scopes_and_another_error_by_verb(command: Inline, sandbox: SandboxProcess) -> None:
    for answer, case_ in (
        ("error=access_denied", "cancelled"),
        ("error=unauthorized_client&error_description=Invalid+scope+for+client", "scope-not-attached"),
        ("error=server_error", "T4"),
        ("code=x&state=y", "state-mismatch"),
    ):
        process = command.start("connect", "--no-browser", "--json")
        out, _ = process.communicate(f"http://localhost:8765/callback?{answer}\n", timeout=60)
        error = json.loads(out.splitlines()[-1])["error"]
        assert error["case"] == case_
        assert error["steps"]


def test_a_run_lock_held_by_another_process(connected: Inline) -> None:
    lock = next(connected.home.glob("state/practices/*")) / "run.lock"
    held = Lock(lock, clock=SystemClock(), person="ana", what="sync")
    held.acquire()
    try:
        error = connected("sync", "--yes", "--json", code=5).error
    finally:
        held.close()
    assert error["case"] == "locked"
    assert "ana" in error["message"]
