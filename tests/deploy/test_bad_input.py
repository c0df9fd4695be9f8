"""Input that cannot be used is reported in a sentence, and incomplete records are named."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.deploy.fixtures import JobsFixture
from xpm_tui.application.jobs import proposals, templates
from xpm_tui.application.jobs import queries as jobs
from xpm_tui.application.jobs import workflow_edits as job_editing
from xpm_tui.application.team import links as team
from xpm_tui.domain.errors import BadInput, NotFound
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import CATEGORIES, LINKS, PROPOSALS, TEAM, TEMPLATES

HOSTILE = "ACME [/] Pty \x1b[31m[@click=app.quit]Click[/] \u202eevil \u0100 \u6f22 \U0001f600"


def codes(env: JobsFixture, job: str = "w1") -> set[str]:
    return {problem.code for problem in jobs.preview_job(env.practice, job).problems}


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
async def test_an_invalid_edit_is_refused(env: JobsFixture, values: dict[str, str], sentence: str) -> None:
    env.accepted()
    before = jobs.preview_job(env.practice, "w1")
    with pytest.raises(BadInput) as caught:
        job_editing.edit_workflow(env.practice, "w1", values)
    assert sentence in caught.value.message
    assert jobs.preview_job(env.practice, "w1") == before


async def test_a_name_with_commas_in_a_list_of_names(env: JobsFixture) -> None:
    import msgspec

    first = next(r for r in env.practice.snapshot().rows(TEMPLATES) if r.name == env.names[0])
    comma = msgspec.structs.replace(first, name="Tax return, company, NZ")
    env.practice.store.commit([Put(TEMPLATES, comma)])
    env.accepted()
    typed = f"{env.names[1]}, Tax return, company, NZ"
    shown = job_editing.edit_workflow(env.practice, "w1", {"templates": typed})
    assert [ref.name for ref in shown.templates] == [env.names[1], comma.name]
    with pytest.raises(NotFound, match="no job template 'NZ'"):
        job_editing.edit_workflow(env.practice, "w1", {"templates": f"{env.names[1]}, NZ"})


async def test_unlinked_people_are_left_out_and_reported_or_hold_the_job(env: JobsFixture) -> None:
    env.accepted(manager=env.people[1])
    team.unlink_member(env.practice, env.people[1])
    assert codes(env) == {"person-left-out"}
    env.practice.settings.set("jobs.missing_person", "hold", practice=True)
    assert (await env.deploy("w1")).outcome == "held"
    row = jobs.row_of(env.practice, "w1")
    assert "not linked to anyone" in row.why
    assert env.made() == []
    env.practice.settings.set("jobs.missing_person", "skip", practice=True)
    assert (await env.retry()).outcome == "done"
    row = jobs.row_of(env.practice, "w1")
    assert "not linked to anyone" in row.left_out[0]
    assert env.made()[0].manager is None


async def test_archived_gone_and_prospect_clients(env: JobsFixture) -> None:
    env.accepted()
    env.change_client(env.client, archived=True)
    assert codes(env) == {"client-archived"}
    env.change_client(env.client, archived=False, prospect=True)
    assert codes(env) == {"prospect"}
    assert jobs.preview_job(env.practice, "w1").goes
    env.change_client(env.client, deleted=True)
    assert not jobs.preview_job(env.practice, "w1").goes


async def test_a_template_that_is_gone_after_the_preview_is_named(env: JobsFixture) -> None:
    env.accepted()
    assert jobs.preview_job(env.practice, "w1").goes
    second = next(r for r in env.practice.snapshot().rows(TEMPLATES) if r.name == env.names[1])
    await env.control("colleague", delete=second.uuid)
    run = await env.deploy("w1")
    assert run.outcome == "partial"
    row = jobs.row_of(env.practice, "w1")
    (made,) = env.made()
    assert (row.state, row.cause, row.number) == ("failed", "template-gone", made.number)
    assert f"Job {made.number} was created, but a template" in row.why
    job_editing.edit_workflow(env.practice, "w1", {"templates": f"{env.names[0]}, {env.names[2]}"})
    assert (await env.retry()).outcome == "done"
    assert len(env.made()) == 1
    assert jobs.row_of(env.practice, "w1").state == "deployed"


async def test_a_template_or_category_known_to_be_gone_holds(env: JobsFixture) -> None:
    env.accepted()
    import msgspec

    first = next(r for r in env.practice.snapshot().rows(TEMPLATES) if r.name == env.names[0])
    env.practice.store.commit([Put(TEMPLATES, msgspec.structs.replace(first, gone=True))])
    job_editing.edit_workflow(env.practice, "w1", {"category": env.category})
    row = next(r for r in env.practice.snapshot().rows(CATEGORIES) if r.name == env.category)
    env.practice.store.commit([Put(CATEGORIES, msgspec.structs.replace(row, gone=True))])
    assert codes(env) == {"template-gone", "category-gone"}
    assert (await env.deploy("w1", anyway=True)).outcome == "held"
    assert env.made() == []


async def test_a_wrong_state_code_leaves_a_job_that_is_named(env: JobsFixture) -> None:
    env.accepted()
    job_editing.edit_workflow(env.practice, "w1", {"state": "NONSENSE"})
    assert (await env.deploy("w1")).outcome == "partial"
    row = jobs.row_of(env.practice, "w1")
    assert (row.cause, row.step) == ("state-code", "state")
    assert "state could not be set" in row.why
    job_editing.edit_workflow(env.practice, "w1", {"state": "INPROGRESS"})
    assert (await env.retry()).outcome == "done"
    assert [job.state for job in env.made()] == ["In Progress"]


async def test_a_job_without_a_template_needs_a_confirmation(env: JobsFixture) -> None:
    templates.link_templates(env.practice, env.service)
    env.accepted()
    assert (await env.deploy("w1")).outcome == "held"
    assert jobs.row_of(env.practice, "w1").cause == "no-template"
    assert (await env.deploy("w1", anyway=True)).outcome == "done"
    assert [job.tasks for job in env.made()] == [()]


async def test_a_service_without_a_job_creates_no_workflow(env: JobsFixture) -> None:
    templates.link_templates(env.practice, env.service, no_job=True)
    assert env.accepted().workflows == ()


async def test_existing_references_and_jobs_are_reported(env: JobsFixture) -> None:
    env.accepted("First", number="PROP-1")
    env.accepted("Second", env.clients[1])
    job_editing.edit_workflow(env.practice, "w2", {"reference": "prop-1"})
    assert (await env.deploy("w1")).outcome == "done"
    assert (await env.deploy("w2")).outcome == "held"
    row = jobs.row_of(env.practice, "w2")
    assert row.cause == "reference-taken"
    job_editing.edit_workflow(env.practice, "w2", {"reference": ""})
    assert (await env.retry()).outcome == "done"
    env.accepted("First", number="PROP-3")
    assert "same-job" in codes(env, "w3")
    assert (await env.deploy("w3")).outcome == "held"
    assert len(env.made("First")) == 1


async def test_a_job_number_that_xpm_has_already_holds_the_job(env: JobsFixture) -> None:
    taken = next(iter(env.sandbox.practice.jobs))
    env.accepted()
    env.practice.settings.set("jobs.number", "IGN-{workflow}", practice=True)
    await env.deploy("w1")
    there = env.made()[0]
    env.sandbox.practice.jobs["IGN-W2"] = env.sandbox.practice.jobs.pop(taken)
    env.accepted("Another", env.clients[1])
    run = await env.deploy("w2")
    assert (run.outcome, there.number) in (("held", "IGN-W1"), ("partial", "IGN-W1"))
    assert jobs.row_of(env.practice, "w2").why
    assert env.made("Another") == []


async def test_invalid_proposals_are_refused(env: JobsFixture) -> None:
    with pytest.raises(NotFound, match="no service 'Nonsense'"):
        env.accepted(services=("Nonsense",))
    with pytest.raises(BadInput, match="before the start"):
        env.accepted(end="2026-06-01")
    with pytest.raises(NotFound):
        env.accepted(client="c999")
    view = env.accepted("Fine", number="PROP-9")
    with pytest.raises(BadInput, match="already belongs to"):
        env.accepted("Again", number="prop-9")
    with pytest.raises(BadInput, match="already accepted"):
        proposals.accept(env.practice, [view.id])
    with pytest.raises(BadInput, match="already taken over"):
        proposals.take_over(env.practice, [view.id])
    row = env.practice.snapshot().get(PROPOSALS, view.id)
    assert row is not None
    for state, hint in (("draft", "import the proposals again"), ("accepted", "take-over")):
        env.practice.store.commit([Put(PROPOSALS, replace(row, origin="import", state=state))])
        with pytest.raises(BadInput, match="accepted there and not here") as refused:
            proposals.accept(env.practice, [view.id])
        assert hint in refused.value.hint


async def test_hostile_names_are_sent_unchanged_or_refused(env: JobsFixture) -> None:
    env.accepted(HOSTILE)
    await env.deploy("w1")
    row = jobs.row_of(env.practice, "w1")
    assert row.state in ("deployed", "failed")
    assert row.state == "deployed" or row.why
    assert len([job for job in env.sandbox.practice.jobs.values() if "evil" in job.name]) <= 1


async def test_staff_who_left_since_are_named(env: JobsFixture) -> None:
    env.accepted(manager=env.people[1])
    member = env.practice.snapshot().get(TEAM, env.people[1])
    assert member is not None
    await env.control("colleague", staff=member.staff, set={"left": True})
    run = await env.deploy("w1")
    row = jobs.row_of(env.practice, "w1")
    assert (run.outcome, row.cause, row.step) == ("partial", "person-gone", "assign"), row
    assert f"Job {row.number} was created, but its people" in row.why
    assert env.practice.snapshot().get(LINKS, env.client) is not None
    job_editing.edit_workflow(env.practice, "w1", {"manager": ""})
    assert (await env.retry()).outcome == "done"
