"""Jobs by verbs: a service, templates, an imported proposal taken over, previewed, deployed once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import connect
from tests.support.command import CommandLine, Inline
from tests.support.sandbox_process import SandboxProcess
from xpm_tui.application.home import find_home
from xpm_tui.application.practice import open_practice
from xpm_tui.application.runs.runner import start_background_run, wait_for_run

FILE = """Proposal Number,Proposal Name,Client Name,Service Name,Price,Start Date,End Date,Proposal Status
PROP-77,Verb Compliance 2026,{client},Annual accounts,1200.00,2026-07-01,2027-06-30,Accepted
PROP-77,Verb Compliance 2026,{client},Unknown service,50.00,2026-07-01,2027-06-30,Accepted
"""


def test_the_acceptance_journey_by_verbs(sandbox: SandboxProcess, tmp_path: Path) -> None:
    # The granular scopes alone do not open the list of templates.
    environ = {**sandbox.environ, "XPM_TUI_USER": "tester", "XPM_TUI_XERO_SCOPES": "both"}
    connect(CommandLine(tmp_path / "home", environ), sandbox, tenant=sandbox.greeting["tenants"][0]["id"])
    connected = Inline(tmp_path / "home", environ)
    found = connected("clients", "search", "Bright Sparks", "--json").json["items"]
    connected("clients", "pick", found[0]["uuid"], "--json")
    listed = connected("templates", "list", "--json").json
    names = [view["name"] for view in listed["templates"]][:2]
    connected("services", "new", "Annual accounts", "--json")
    linked = connected("templates", "link", "Annual accounts", *names, "--json").json
    assert [ref["name"] for ref in linked["templates"]] == names

    file = tmp_path / "proposals.csv"
    file.write_text(FILE.format(client=found[0]["name"]), encoding="utf-8")
    imported = connected("import", "proposals", str(file), code=None).out
    assert "This creates no jobs. For 1 accepted proposal" in imported
    assert "take the proposals over: xpm-tui proposals take-over" in imported
    assert "jobs.ignition_deploys no" in imported
    assert connected("status", "--json", code=None).json["jobs"]["to_take"] == 1
    (row,) = connected("proposals", "list", "--json").json["items"]
    assert (row["state"], row["ours"]) == ("accepted", False)
    assert "take it over" in row["why"]
    assert connected("jobs", "list", "--json").json["items"] == []

    taken = connected("proposals", "take-over", "PROP-77").out
    assert "Switch off XPM in Ignition" in taken
    held = connected("jobs", "deploy", "w1", "--yes", "--json", code=4)
    assert "Ignition" in held.error["message"]
    connected("settings", "set", "jobs.ignition_deploys", "no")

    shown = connected("jobs", "preview", "w1", "--json").json
    assert (shown["name"], shown["reference"], shown["goes"]) == ("Verb Compliance 2026", "PROP-77", True)
    assert {problem["code"] for problem in shown["problems"]} == {"service-bare"}
    assert [ref["name"] for ref in shown["templates"]] == names

    done = connected("jobs", "deploy", "w1", "--yes", "--json").json
    assert (done["outcome"], done["calls"]) == ("done", done["estimate"])
    (job,) = done["jobs"]
    assert job["state"] == "deployed"
    assert job["url"].endswith(job["number"])
    reported = connected("jobs", "list").out
    assert job["number"] in reported
    again = connected("jobs", "deploy", "w1", "--yes", "--json", code=2)
    assert "already deployed" in again.error["message"]
    assert sandbox.asked("job.api/add") == 1
    log = connected("log", "--run", done["id"]).out
    assert f"job {job['number']} is deployed" in log


@pytest.mark.soak
async def test_a_run_of_its_own_deploys(
    sandbox: SandboxProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = {**sandbox.environ, "XPM_TUI_USER": "tester", "XPM_TUI_XERO_SCOPES": "both"}
    connect(CommandLine(tmp_path / "home", environ), sandbox, tenant=sandbox.greeting["tenants"][0]["id"])
    connected = CommandLine(tmp_path / "home", environ)
    found = connected("clients", "search", "Bright Sparks", "--json").json["items"]
    connected("clients", "pick", found[0]["uuid"], "--json")
    connected("settings", "set", "jobs.ignition_deploys", "no")
    connected("proposals", "new", "By itself", "c1", "start=2026-12-01", "--json")
    connected("proposals", "accept", "o1", "--json")
    for key, value in environ.items():
        monkeypatch.setenv(key, value)
    before = sandbox.asked("job.api/add")
    with open_practice(find_home(str(tmp_path / "home"), {}), environ=environ) as practice:
        begun = start_background_run(practice, verb=("jobs", "deploy"), extra=["w1", "--yes", "--anyway"])
        run = await wait_for_run(practice, begun)
    assert run.kind == "deploy"
    assert begun.process.wait(60) == 0
    (job,) = connected("jobs", "list", "--json").json["items"]
    assert (job["state"], job["name"]) == ("deployed", "By itself")
    assert sandbox.asked("job.api/add") == before + 1


def test_what_is_impossible_is_reported_by_verbs(connected: Inline) -> None:
    for words, sentence in (
        (("jobs", "preview", "w9"), "There is no job 'w9'"),
        (("jobs", "deploy"), "Name the jobs"),
        (("jobs", "retry", "--job", "J1"), "--sent adopt"),
        (("jobs", "list", "--state", "lost"), "not a state of a job"),
        (("templates", "link"), "Name a service"),
        (("proposals", "take-over"), "Name the proposals"),
        (("proposals", "accept", "o9"), "no proposal 'o9'"),
        (("proposals", "new", "P", "nobody"), "no client 'nobody'"),
    ):
        done = connected(*words, "--json", code=2)
        assert sentence in done.error["message"], done.out
