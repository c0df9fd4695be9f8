"""A proposal for a group: each entity's job goes to that entity, and one that waits holds no other.

The tables at the end kill and disturb deploying and rolling over at every step: never two jobs for one
period, never one on another client.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.deploy.fixtures import JobsFixture
from tests.deploy.test_killed_deployment import Killed, kill_at
from tests.deploy.test_matrix import attempt
from tests.support.profile import PROFILE, count
from xpm_tui.application.csv_io.imports import ImportReport, import_file
from xpm_tui.application.jobs import deployment as batch
from xpm_tui.application.jobs import proposals, renewals
from xpm_tui.application.jobs import queries as jobs
from xpm_tui.application.jobs import workflow_edits as edits
from xpm_tui.domain.errors import AppError, BadInput
from xpm_tui.domain.identity import compare
from xpm_tui.domain.ignition import Client, Workflow
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import CLIENTS, LINKS, WORKFLOWS
from xpm_tui.sandbox.faults import Fault

HEAD = (
    "Proposal Number,Proposal Name,Client Name,Project Name,Project Client,Service Name,Price,Start Date,"
    "End Date\n"
)
KILLS = [(2, False), (2, True), (9, True), (17, False)]
if PROFILE != "default":
    KILLS = [(commit, after) for commit in range(1, 30) for after in (False, True)]


class Family(JobsFixture):
    """A world with a group engagement: the head, and entities by name."""

    def named(self, client: str) -> str:
        row = self.practice.snapshot().get(CLIENTS, client)
        assert row is not None
        return row.name

    def add(self, name: str) -> str:
        """A client that is not linked."""
        (id_,) = self.practice.ids.new("c")
        self.practice.store.commit([Put(CLIENTS, Client(id=id_, name=name))])
        return id_

    def load(
        self, entities: Sequence[str], start: str = "2026-07-01", end: str = "2027-06-30", *,
        project: str = "", number: str = "PROP-90",
    ) -> ImportReport:  # fmt: skip
        head = f'{number},Group {number},"{self.named(self.client)}",{project}'
        rows = "".join(
            f'{head},"{name}",{service},{price},{start},{end}\n'
            for name in entities
            for service, price in (("Annual accounts", 900), ("Advice", 10))
        )
        path = self.practice.state / "group.csv"
        path.write_text(HEAD + rows, encoding="utf-8")
        return import_file(self.practice, "proposals", path)

    def on_clients(self, start: str = "Group") -> Counter[tuple[str, str]]:
        """The sandbox's jobs by client and first day: each is to be there once."""
        return Counter(
            (job.client, str(job.start))
            for job in self.sandbox.practice.jobs.values()
            if job.name.startswith(start)
        )

    def uuid(self, client: str) -> str:
        link = self.practice.snapshot().get(LINKS, client)
        assert link is not None
        return link.uuid

    def reopen(self) -> None:
        self.practice.close()
        self.practice = self.open()


@pytest.fixture
async def family(tmp_path: Path) -> Family:
    family = Family(tmp_path)
    await family.ready()
    return family


@pytest.mark.parametrize("project", ["", "Annual compliance"], ids=["no project", "one project for all"])
async def test_each_entity_gets_its_own_job_and_a_held_one_holds_no_other(
    family: Family, project: str
) -> None:
    practice = family.practice
    prospect, unlinked = family.clients[2], family.add("Zebulon Quarrington Orchards")
    there = family.sandbox.practice.clients
    there[family.uuid(prospect)] = replace(there[family.uuid(prospect)], prospect=True)
    family.change_client(prospect, prospect=True)
    others = family.unique_names()[6:]
    variants = (f"{name} {more}" for name in others for more in ("Pty Ltd", "Trust", "Limited"))
    near = family.add(
        next(each for each in variants if any(compare(each, n).answer == "near" for n in others))
    )
    names = [
        *map(family.named, (family.client, family.clients[1], prospect, unlinked, near)),
        "Nobody Known Ltd",
    ]
    report = family.load(names, project=project)
    assert any("Client Nobody Known Ltd is unknown here" in note.reason for note in report.notes)
    (view,) = proposals.take_over(practice, ["PROP-90"], per="project" if project else None)
    assert len(view.workflows) == 6
    assert len(view.entities) == 5
    chosen = batch.jobs_of_proposal(practice, "PROP-90")
    shown = batch.preview_batch(practice, chosen)
    assert [job.client.name if job.client else "" for job in shown.jobs] == [*names[:5], ""]
    codes = [next((p.code for p in job.problems if p.weight != "note"), "") for job in shown.jobs]
    assert codes == ["", "", "entity-prospect", "entity-unlinked", "client-waits", "no-client"]
    before = family.net.asked("job.api/add")
    run = await batch.deploy_jobs(practice, chosen, reviewed=True)
    assert (shown.new, shown.calls) == (run.counts["deployed"], run.calls) == (2, shown.calls)
    assert family.net.asked("job.api/add") - before == 2
    assert {*family.on_clients()} == {(family.uuid(each), "2026-07-01") for each in family.clients[:2]}
    again = batch.preview_batch(practice, batch.jobs_of_proposal(practice, "PROP-90"))
    run = await batch.deploy_jobs(
        practice, batch.jobs_of_proposal(practice, "PROP-90"), reviewed=True, anyway=True
    )
    assert (run.counts["deployed"], run.calls) == (2, again.calls_anyway)
    assert run.counts["held"] == 2
    assert {client for client, _ in family.on_clients()} == {
        family.uuid(each) for each in (*family.clients[:3], unlinked)
    }
    assert {*family.on_clients().values()} == {1}
    edits.edit_workflow(practice, view.workflows[5], {"client": family.clients[5]})
    assert jobs.row_of(practice, view.workflows[5]).client.id == family.clients[5]  # type: ignore[union-attr]
    with pytest.raises(BadInput, match="already in XPM"):
        edits.edit_workflow(practice, view.workflows[0], {"client": family.clients[3]})


async def test_a_workflow_for_all_entities_waits_until_its_client_is_chosen(family: Family) -> None:
    family.load([family.named(family.client)])
    (view,) = proposals.take_over(family.practice, ["PROP-90"])
    report = family.load([family.named(each) for each in family.clients[:2]])
    assert report.counts["stopped"] == 1
    (change,) = renewals.list_changes(family.practice)
    assert {(each.change, each.client) for each in change.services} == {
        ("added", family.named(family.clients[1]))
    }
    proposals.take_over(family.practice, ["PROP-90"])
    shown = jobs.preview_job(family.practice, view.workflows[0])
    assert [p.code for p in shown.problems if p.weight == "hold"] == ["entities"]
    edits.edit_workflow(family.practice, view.workflows[0], {"client": family.client})
    assert jobs.preview_job(family.practice, view.workflows[0]).goes


async def test_a_form_names_the_client_of_a_project(family: Family) -> None:
    made = proposals.new_proposal(
        family.practice, "Group form", family.client,
        ["Head: Annual accounts", "Trust: Annual accounts"], {"start": "2026-07-01"},
        [f"Trust: {family.clients[3]}"],
    )  # fmt: skip
    (view,) = proposals.accept(family.practice, [made.id])
    clients = [jobs.row_of(family.practice, each).client for each in view.workflows]
    assert [each.id for each in clients if each] == [family.client, family.clients[3]]
    with pytest.raises(BadInput, match="is not a project of"):
        proposals.new_proposal(family.practice, "X", family.client, [], {}, ["Trust: c1"])


async def test_killed_anywhere_each_entity_has_one_job_for_each_term(tmp_path: Path) -> None:
    family = Family(tmp_path)
    await family.ready()
    family.clock.move(timedelta(days=20))
    group = family.clients[:2]
    killed = 0
    for commit, after in KILLS:
        number = f"PROP-{500 + commit}{int(after)}"
        family.load([family.named(each) for each in group], number=number)
        (view,) = proposals.take_over(family.practice, [number])
        family.load([family.named(each) for each in group], "2027-07-01", "2028-06-30", number=number)
        kill_at(family, commit, after=after)
        with suppress(Killed):
            renewals.roll_over(family.practice, [number], keep=False)
            await family.deploy(*(each.id for each in workflows(family, view.id)))
            killed -= 1
        killed += 1
        family.reopen()
        if renewals.list_changes(family.practice, [number])[0].is_renewal:
            renewals.roll_over(family.practice, [number], keep=False)
        rows = workflows(family, view.id)
        assert Counter(bool(each.follows) for each in rows) == {False: 2, True: 2}
        for _ in range(3):
            for row in [jobs.row_of(family.practice, each.id) for each in rows]:
                if row.cause == "unknown":
                    # Killed before its first byte: the user looks at XPM, where it is not, and says so.
                    await batch.decide_sent(family.practice, row.id, "again")
            found = [jobs.find_job(family.practice, each.id) for each in rows]
            if left := [each for each in found if each.state != "deployed"]:
                await batch.deploy_jobs(family.practice, left, reviewed=True)
            family.clock.move(timedelta(minutes=7))
        days = ("2026-07-01", "2027-07-01")
        made = family.on_clients(f"Group {number}")
        assert made == {(family.uuid(each), day): 1 for each in group for day in days}, (commit, after)
    assert killed == len(KILLS)
    family.close()


def workflows(family: Family, proposal: str) -> list[Workflow]:
    return family.practice.snapshot().find(WORKFLOWS, "proposal", proposal)


BEFORE = ("500", "503", "reset", "hang", "status-error")[:: count(4, 1)]
AFTER = ("500", "reset", "hang")[:: count(2, 1)]
FAULTS = [
    *(Fault(kind, "job.api/add", times=1, seconds=40) for kind in BEFORE),
    *(Fault(kind, "job.api/add", times=1, after=True, seconds=40) for kind in AFTER),
]  # fmt: skip


@pytest.mark.parametrize("mistaken", [False, True], ids=["truth", "user says it is not there"])
async def test_another_client_chosen_after_a_fault_never_gets_a_second_job(
    family: Family, mistaken: bool
) -> None:
    family.sandbox.switches = family.sandbox.switches.changed({"create_lag": 90})
    for at, fault in enumerate(FAULTS):
        name = f"Moved {at}"
        (workflow,) = family.accepted(name, family.client).workflows
        family.sandbox.faults.add(fault)
        await attempt(family, workflow)
        family.sandbox.faults.clear()
        for _ in range(3):
            family.clock.move(timedelta(minutes=7))
            try:
                edits.edit_workflow(family.practice, workflow, {"client": family.clients[1]})
            except (BadInput, AppError):
                family.clock.move(timedelta(minutes=7))
            row = jobs.row_of(family.practice, workflow)
            if row.cause == "unknown":
                there = family.made(name)
                said: batch.SentChoice = "again" if mistaken or not there else "adopt"
                await batch.decide_sent(family.practice, workflow, said, there[0].number if there else "")
            elif row.state != "deployed":
                await attempt(family, workflow)
            assert len(family.made(name)) <= 1, (fault, row)
        (job,) = family.made(name)
        row = jobs.row_of(family.practice, workflow)
        if row.state == "deployed":
            assert row.client is not None
            assert job.client == family.uuid(row.client.id)
        else:
            assert row.cause in ("other-client", "unknown"), (fault, row)
