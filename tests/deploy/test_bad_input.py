"""What cannot be used is told in a sentence, and nothing half-made goes without being named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.deploy.fixtures import JobsFixture
from xpm_tui.application.jobs import proposals, templates
from xpm_tui.application.jobs import queries as jobs
from xpm_tui.application.jobs import workflow_edits as job_editing
from xpm_tui.application.team import links as team
from xpm_tui.domain.errors import BadInput, NotFound
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import CATEGORIES, LINKS, TEAM, TEMPLATES

HOSTILE = "ACME [/] Pty \x1b[31m[@click=app.quit]Click[/] \u202eevil \u0100 \u6f22 \U0001f600"


@pytest.fixture
async def world(tmp_path: Path) -> JobsFixture:
    world = JobsFixture(tmp_path)
    await world.ready()
    return world


def codes(world: JobsFixture, job: str = "w1") -> set[str]:
    return {problem.code for problem in jobs.preview_job(world.practice, job).problems}


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"budget": "a lot"}, "budget: 'a lot' is not a number"),
        ({"due": "2026-06-30"}, "due on 2026-06-30, before it starts on 2026-07-01"),
        ({"due": "next week"}, "'next week' is not a date"),
        ({"name": "x" * 256}, "1 to 255 characters"),
        ({"name": ""}, "1 to 255 characters"),
        ({"category": "Nonsense"}, "no job category 'Nonsense'"),
        ({"templates": "Nonsense"}, "no job template 'Nonsense'"),
        ({"manager": "nobody@example.com"}, "no team member"),
        ({"due_days": "-3"}, "not a number of days"),
        ({"automatic": "maybe"}, "neither yes nor no"),
        ({"repeat": "daily"}, "not a recurrence"),
        ({"until": "2026-01-01"}, "repeat= first"),
        ({"colour": "red"}, "no field 'colour'"),
        ({"description": "a\0b"}, "null character"),
    ],
)
async def test_an_edit_that_cannot_be(world: JobsFixture, values: dict[str, str], sentence: str) -> None:
    world.accepted()
    before = jobs.preview_job(world.practice, "w1")
    with pytest.raises(BadInput) as caught:
        job_editing.edit_workflow(world.practice, "w1", values)
    assert sentence in caught.value.message
    assert jobs.preview_job(world.practice, "w1") == before


async def test_a_name_with_commas_in_a_list_of_names(world: JobsFixture) -> None:
    import msgspec

    first = next(r for r in world.practice.snapshot().rows(TEMPLATES) if r.name == world.names[0])
    comma = msgspec.structs.replace(first, name="Tax return, company, NZ")
    world.practice.store.commit([Put(TEMPLATES, comma)])
    world.accepted()
    typed = f"{world.names[1]}, Tax return, company, NZ"
    shown = job_editing.edit_workflow(world.practice, "w1", {"templates": typed})
    assert [ref.name for ref in shown.templates] == [world.names[1], comma.name]
    with pytest.raises(NotFound, match="no job template 'NZ'"):
        job_editing.edit_workflow(world.practice, "w1", {"templates": f"{world.names[1]}, NZ"})


async def test_unlinked_people_are_left_out_and_told_or_hold_it(world: JobsFixture) -> None:
    world.accepted(manager=world.people[1])
    team.unlink_member(world.practice, world.people[1])
    assert codes(world) == {"person-left-out"}
    world.practice.settings.set("jobs.missing_person", "hold", practice=True)
    assert (await world.deploy("w1")).outcome == "held"
    row = jobs.row_of(world.practice, "w1")
    assert "not linked to anyone" in row.why
    assert world.made() == []
    world.practice.settings.set("jobs.missing_person", "skip", practice=True)
    assert (await world.retry()).outcome == "done"
    row = jobs.row_of(world.practice, "w1")
    assert "not linked to anyone" in row.left_out[0]
    assert world.made()[0].manager is None


async def test_archived_gone_and_prospect_clients(world: JobsFixture) -> None:
    world.accepted()
    world.change_client(world.client, archived=True)
    assert codes(world) == {"client-archived"}
    world.change_client(world.client, archived=False, prospect=True)
    assert codes(world) == {"prospect"}
    assert jobs.preview_job(world.practice, "w1").goes
    world.change_client(world.client, deleted=True)
    assert not jobs.preview_job(world.practice, "w1").goes


async def test_a_template_that_vanished_after_the_preview_is_named(world: JobsFixture) -> None:
    world.accepted()
    assert jobs.preview_job(world.practice, "w1").goes
    second = next(r for r in world.practice.snapshot().rows(TEMPLATES) if r.name == world.names[1])
    await world.control("colleague", delete=second.uuid)
    run = await world.deploy("w1")
    assert run.outcome == "partial"
    row = jobs.row_of(world.practice, "w1")
    (made,) = world.made()
    assert (row.state, row.cause, row.number) == ("failed", "template-gone", made.number)
    assert f"Job {made.number} was created, but a template" in row.why
    job_editing.edit_workflow(world.practice, "w1", {"templates": f"{world.names[0]}, {world.names[2]}"})
    assert (await world.retry()).outcome == "done"
    assert len(world.made()) == 1
    assert jobs.row_of(world.practice, "w1").state == "deployed"


async def test_a_template_or_category_known_to_be_gone_holds(world: JobsFixture) -> None:
    world.accepted()
    import msgspec

    first = next(r for r in world.practice.snapshot().rows(TEMPLATES) if r.name == world.names[0])
    world.practice.store.commit([Put(TEMPLATES, msgspec.structs.replace(first, gone=True))])
    job_editing.edit_workflow(world.practice, "w1", {"category": world.category})
    row = next(r for r in world.practice.snapshot().rows(CATEGORIES) if r.name == world.category)
    world.practice.store.commit([Put(CATEGORIES, msgspec.structs.replace(row, gone=True))])
    assert codes(world) == {"template-gone", "category-gone"}
    assert (await world.deploy("w1", anyway=True)).outcome == "held"
    assert world.made() == []


async def test_a_wrong_state_code_leaves_a_job_that_is_named(world: JobsFixture) -> None:
    world.accepted()
    job_editing.edit_workflow(world.practice, "w1", {"state": "NONSENSE"})
    assert (await world.deploy("w1")).outcome == "partial"
    row = jobs.row_of(world.practice, "w1")
    assert (row.cause, row.step) == ("state-code", "state")
    assert "state could not be set" in row.why
    job_editing.edit_workflow(world.practice, "w1", {"state": "INPROGRESS"})
    assert (await world.retry()).outcome == "done"
    assert [job.state for job in world.made()] == ["In Progress"]


async def test_no_template_needs_a_yes(world: JobsFixture) -> None:
    templates.link_templates(world.practice, world.service)
    world.accepted()
    assert (await world.deploy("w1")).outcome == "held"
    assert jobs.row_of(world.practice, "w1").cause == "no-template"
    assert (await world.deploy("w1", anyway=True)).outcome == "done"
    assert [job.tasks for job in world.made()] == [()]


async def test_a_service_that_wants_no_job_makes_no_workflow(world: JobsFixture) -> None:
    templates.link_templates(world.practice, world.service, no_job=True)
    assert world.accepted().workflows == ()


async def test_references_and_jobs_that_are_there_already(world: JobsFixture) -> None:
    world.accepted("First", number="PROP-1")
    world.accepted("Second", world.clients[1])
    job_editing.edit_workflow(world.practice, "w2", {"reference": "prop-1"})
    assert (await world.deploy("w1")).outcome == "done"
    assert (await world.deploy("w2")).outcome == "held"
    row = jobs.row_of(world.practice, "w2")
    assert row.cause == "reference-taken"
    job_editing.edit_workflow(world.practice, "w2", {"reference": ""})
    assert (await world.retry()).outcome == "done"
    world.accepted("First", number="PROP-3")
    assert "same-job" in codes(world, "w3")
    assert (await world.deploy("w3")).outcome == "held"
    assert len(world.made("First")) == 1


async def test_a_number_that_xpm_has_holds_it(world: JobsFixture) -> None:
    taken = next(iter(world.sandbox.practice.jobs))
    world.accepted()
    world.practice.settings.set("jobs.number", "IGN-{workflow}", practice=True)
    await world.deploy("w1")
    there = world.made()[0]
    world.sandbox.practice.jobs["IGN-W2"] = world.sandbox.practice.jobs.pop(taken)
    world.accepted("Another", world.clients[1])
    run = await world.deploy("w2")
    assert (run.outcome, there.number) in (("held", "IGN-W1"), ("partial", "IGN-W1"))
    assert jobs.row_of(world.practice, "w2").why
    assert world.made("Another") == []


async def test_proposals_that_cannot_be(world: JobsFixture) -> None:
    with pytest.raises(NotFound, match="no service 'Nonsense'"):
        world.accepted(services=("Nonsense",))
    with pytest.raises(BadInput, match="before the start"):
        world.accepted(end="2026-06-01")
    with pytest.raises(NotFound):
        world.accepted(client="c999")
    view = world.accepted("Fine", number="PROP-9")
    with pytest.raises(BadInput, match="already belongs to"):
        world.accepted("Again", number="prop-9")
    with pytest.raises(BadInput, match="already accepted"):
        proposals.accept(world.practice, [view.id])
    with pytest.raises(BadInput, match="already taken over"):
        proposals.take(world.practice, [view.id])


async def test_hostile_names_go_out_as_they_are_or_are_refused(world: JobsFixture) -> None:
    world.accepted(HOSTILE)
    await world.deploy("w1")
    row = jobs.row_of(world.practice, "w1")
    assert row.state in ("deployed", "failed")
    assert row.state == "deployed" or row.why
    assert len([job for job in world.sandbox.practice.jobs.values() if "evil" in job.name]) <= 1


async def test_staff_who_left_since_are_named(world: JobsFixture) -> None:
    world.accepted(manager=world.people[1])
    member = world.practice.snapshot().get(TEAM, world.people[1])
    assert member is not None
    await world.control("colleague", staff=member.staff, set={"left": True})
    run = await world.deploy("w1")
    row = jobs.row_of(world.practice, "w1")
    assert (run.outcome, row.cause, row.step) == ("partial", "person-gone", "assign"), row
    assert f"Job {row.number} was created, but its people" in row.why
    assert world.practice.snapshot().get(LINKS, world.client) is not None
    job_editing.edit_workflow(world.practice, "w1", {"manager": ""})
    assert (await world.retry()).outcome == "done"
