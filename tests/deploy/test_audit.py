"""The audit finds every fault, reports no correct job, and writes nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.application.fixtures import PracticeFixture
from tests.deploy.fixtures import JobsFixture
from tests.deploy.test_entities import Family
from tests.support.profile import count
from xpm_tui.application.csv_io import imports
from xpm_tui.application.jobs import proposals, renewals, reports, services, templates
from xpm_tui.application.jobs import queries as jobs
from xpm_tui.application.jobs import workflow_edits as job_editing
from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.links import Link
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import CLIENTS, LINKS, WORKFLOWS, XPM_CLIENTS

SIZE = count(150, 2_000)
PROPOSALS, FAULTS = count(90, 1_600), count(40, 200)


async def audited(tmp_path: Path) -> tuple[PracticeFixture, dict[str, Any]]:
    """A practice with the sandbox's faulty jobs, its clients linked and its services mapped by name."""
    env = PracticeFixture(tmp_path, clients=SIZE)
    cases = await env.control("audit", proposals=PROPOSALS, faults=FAULTS)
    await env.connect()
    for form in ("clients", "services", "proposals"):
        path = tmp_path / f"{form}.csv"
        path.write_text(cases[form], encoding="utf-8")
        imports.import_file(env.practice, form, path)
    snapshot = env.practice.snapshot()
    rows = ((client, snapshot.find(XPM_CLIENTS, "name", client.name)[0]) for client in snapshot.rows(CLIENTS))
    env.practice.store.commit(
        Put(LINKS, Link(id=client.id, uuid=row.uuid, number=row.number)) for client, row in rows
    )
    templates.accept_same(env.practice)
    return env, cases


async def test_every_fault_is_found_and_nothing_else(tmp_path: Path) -> None:
    env, cases = await audited(tmp_path)
    position = env.practice.snapshot().position
    sent = len(env.sandbox.log.as_json(lambda _: True))
    view = await reports.audit_jobs(env.practice)
    wanted = Counter((each["finding"], each["proposal"]) for each in cases["faults"])
    found = Counter((each.finding, each.number) for each in view.findings)
    assert found - wanted == Counter(), "nothing that is sound is reported"
    assert wanted - found == Counter(), "every fault is found"
    jobs = {(each["finding"], each["proposal"]): each["job"] for each in cases["faults"]}
    assert all(each.job == jobs[each.finding, each.number] for each in view.findings if each.job)
    assert all(each.sentence and each.todo for each in view.findings)
    made = env.sandbox.log.as_json(lambda _: True)[sent:]
    assert {each["method"] for each in made} == {"GET"}
    assert env.practice.snapshot().position == position, "nothing is written here either"
    assert view.calls <= 5 + view.counts["missing"]
    taken = [each for each in wanted if each[0] not in ("missing", "revoked")]
    proposals.take_over(env.practice, [number for _, number in taken])
    after = Counter((each.finding, each.number) for each in (await reports.audit_jobs(env.practice)).findings)
    assert not Counter(taken) - after, "what Ignition created is audited after the proposal is taken over"
    rows = reports.audit_csv(view.findings).splitlines()
    assert len(rows) == len(view.findings) + 1
    env.close()


async def test_our_own_deployments_are_compared_with_what_was_sent(tmp_path: Path) -> None:
    env = JobsFixture(tmp_path, clients=50)
    await env.ready()
    xpm = env.sandbox.practice
    left = xpm.cases["staff who left"][0]
    names = [name for name in env.unique_names() if name.replace(" ", "").isalpha() and name.isascii()]
    for place, name in enumerate(names[-11:], 1):
        env.accepted(f"Work {place}", env.link_client(name), start="2026-05-01", end="2027-04-30",
                       number=f"PROP-{place}")  # fmt: skip
    env.accepted("Monthly", repeat="monthly", start="2026-05-10", number="PROP-M")
    env.clock.move(timedelta(days=10))
    await env.deploy(*(f"w{place}" for place in range(1, 11)), "w12")
    first = await reports.audit_jobs(env.practice)
    assert [each.occurrence for each in first.findings] == ["w11/2026-05-01"], "it was not deployed"
    number = {row.workflow: row.number for row in jobs.list_jobs(env.practice, state="deployed")}
    client = xpm.jobs[number["w10"]].client

    def change(workflow: str, **values: Any) -> None:
        xpm.jobs[number[workflow]] = replace(xpm.jobs[number[workflow]], **values)

    del xpm.jobs[number["w1"]]
    change("w2", client=client)
    change("w3", order_number="")
    change("w4", due="2027-05-31")
    change("w5", state="Cancelled")
    change("w6", manager=left)
    twin = replace(xpm.jobs[number["w7"]], number="J999", uuid="99999999-0000-4000-8000-000000000000")
    xpm.jobs["J999"] = replace(twin, order_number="")
    proposals.revoke(env.practice, "PROP-8")
    change("w9", tasks=())
    change("w12", state="Completed", completed="2026-05-20")
    view = await reports.audit_jobs(env.practice)
    assert {(each.finding, each.occurrence.partition("/")[0]) for each in view.findings} == {
        ("missing", "w1"), ("missing", "w11"), ("wrong-client", "w2"), ("no-reference", "w3"),
        ("wrong-dates", "w4"), ("state", "w5"), ("person-left", "w6"), ("duplicate-job", "w7"),
        ("revoked", ""), ("wrong-template", "w9"),
    }  # fmt: skip
    todo = {each.occurrence: each.todo for each in view.findings if each.finding == "missing"}
    assert todo["w1/2026-05-01"] == "Create it again: xpm-tui jobs redeploy w1/2026-05-01"
    env.close()


async def test_the_forecast_counts_each_job_once_in_its_month(tmp_path: Path) -> None:
    env = JobsFixture(tmp_path, jobs__budget="proposal")
    await env.ready()
    practice = env.practice
    services.new_service(practice, "Payroll run", {})
    env.accepted("Yearly", repeat="yearly", start="2026-07-31", end="2029-07-30")
    env.accepted("Monthly", env.clients[1], repeat="monthly", start="2026-05-31", end="2027-02-15",
                   services=("Payroll run",))  # fmt: skip
    env.accepted("Late", env.clients[2], start="2027-05-01", end="2028-05-01")
    job_editing.edit_workflow(practice, "w1", {"budget": "1200.50"})
    env.clock.move(timedelta(days=30))  # 3 June: the job of May was missed
    view = reports.forecast_jobs(practice)
    assert (view.jobs, view.missed, view.budget) == (10, 1, "1200.50")
    assert [each.jobs for each in view.months] == [1, 2, 1, 1, 1, 1, 1, 1, 0, 0, 0, 1]
    assert [each.month for each in view.months][:2] == ["2026-06", "2026-07"]
    rows = {row.name: (row.jobs, row.budget) for row in view.templates}
    first, second = env.names[:2]
    assert rows == {"(no template)": (8, "0.00"), first: (2, "1200.50"), second: (2, "0.00")}
    made = reports.forecast_jobs(practice, months=24)
    assert sum(each.jobs for each in made.months[:12]) == view.jobs
    with pytest.raises(BadInput):
        reports.forecast_jobs(practice, months=37)
    env.close()


async def test_each_entity_and_each_term_is_audited_and_counted_for_its_own_client(tmp_path: Path) -> None:
    env = Family(tmp_path)
    await env.ready()
    practice, theirs = env.practice, env.clients[1]
    names = [env.named(each) for each in env.clients[:3]]
    env.load(names[:2], "2026-05-01", "2026-08-31")
    env.load(names, "2026-05-01", "2026-08-31", number="PROP-91")
    env.clock.move(timedelta(days=1))
    proposals.take_over(practice, ["PROP-90"], repeat=proposals.parse_repeat("monthly"))
    edits = {"name": "Books of {client} {period}"}
    for workflow in ("w1", "w2"):
        job_editing.edit_workflow(practice, workflow, edits)
    await env.deploy("w1", "w2")
    # Ignition's own jobs of PROP-91 are on two of its three clients.
    xpm = env.sandbox.practice
    first, second = sorted(xpm.jobs.values(), key=lambda job: job.number)[-2:]
    for place, job in enumerate((first, second)):
        number = f"J95{place}"
        xpm.jobs[number] = replace(
            job, number=number, uuid=f"99999999-0000-4000-8000-00000000000{place}",
            name=f"Group PROP-91 {place}", order_number="PROP-91" if place else "",
        )  # fmt: skip
    assert {first.client, second.client} == {env.uuid(env.client), env.uuid(theirs)}
    assert (await reports.audit_jobs(practice)).findings == ()
    # The next term is for the third client in place of the second one, and the file names only that.
    env.load([names[0], names[2]], "2026-09-01", "2027-04-30")
    renewals.roll_over(practice, ["PROP-90"], keep=True)
    rows = practice.snapshot().find(WORKFLOWS, "proposal", "o1")
    assert [str(row.term_end) for row in rows] == ["2026-08-31", "2026-08-31", "None", "None"]
    view = await reports.audit_jobs(practice)
    assert (view.findings, view.occurrences) == ((), 2)
    number = next(row.number for row in jobs.list_jobs(practice, state="deployed") if row.workflow == "w2")
    xpm.jobs[number] = replace(xpm.jobs[number], client=env.uuid(env.client))
    (found,) = (await reports.audit_jobs(practice)).findings
    assert (found.finding, found.occurrence, found.client) == ("wrong-client", "w2/2026-06-01", theirs)
    coming = reports.forecast_jobs(practice, months=13)
    # June has its jobs; July and August are of this term, September to April of the next one.
    assert [each.jobs for each in coming.months] == [0, 0, *[2] * 10, 0]
    env.close()
