"""People, clients and services that could be mistaken for another record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.application.test_staff_creation import Says
from tests.deploy.test_changed_proposals import ChangedJobsFixture
from xpm_tui.application.csv_io.imports import import_file
from xpm_tui.application.jobs import proposals, services
from xpm_tui.application.jobs import queries as jobs
from xpm_tui.application.jobs import workflow_edits as job_editing
from xpm_tui.application.team import links as team
from xpm_tui.commands.proposals import NewProposal, new_proposal
from xpm_tui.domain.errors import BadInput, DecisionNeeded
from xpm_tui.domain.ignition import TeamMember
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import (
    CATEGORIES,
    CLIENTS,
    LINKS,
    PROPOSALS,
    STAFF,
    TEAM,
    WORKFLOWS,
    XPM_CLIENTS,
)


@pytest.fixture
async def env(tmp_path: Path) -> Any:
    env = ChangedJobsFixture(tmp_path)
    await env.ready()
    yield env
    env.close()


async def test_a_shared_e_mail_identifies_no_one_even_if_one_person_is_linked(
    env: ChangedJobsFixture,
) -> None:
    snapshot = env.practice.snapshot()
    first = snapshot.get(TEAM, env.people[0])
    assert first is not None
    free = next(row for row in snapshot.rows(STAFF) if not snapshot.find(TEAM, "staff", row.uuid))
    linked = snapshot.get(STAFF, first.staff)
    assert linked is not None
    shared = "office@firm.example"
    env.practice.store.commit(
        [
            Put(STAFF, msgspec.structs.replace(free, email=shared, gone=False)),
            Put(STAFF, msgspec.structs.replace(linked, email=shared)),
            Put(TEAM, msgspec.structs.replace(first, email=shared)),
            Put(TEAM, TeamMember(id="t99", name="Somebody Else", email=shared)),
        ]
    )
    assert [view.id for view in team.email_matches(env.practice)] == []


async def test_of_two_services_with_one_name_neither_is_chosen(env: ChangedJobsFixture) -> None:
    services.new_service(env.practice, "Annual accounts", {}, anyway=True)
    with pytest.raises(BadInput, match="Several"):
        proposals.new_proposal(env.practice, "X", env.client, ["Annual accounts"], {})
    with pytest.raises(BadInput, match="Several"):
        proposals.new_proposal(env.practice, "X", env.client, ["Work: Annual accounts"], {})
    view = proposals.new_proposal(env.practice, "X", env.client, [f"Work: {env.service}"], {})
    assert view.services == ("Annual accounts",)


async def test_a_proposal_of_an_unknown_client_is_not_given_to_its_namesake(env: ChangedJobsFixture) -> None:
    client = env.practice.snapshot().get(CLIENTS, env.client)
    assert client is not None
    env.practice.store.commit([Put(CLIENTS, msgspec.structs.replace(client, client_id="CLI-12"))])
    path = env.practice.state / "p.csv"
    path.write_text(
        "Proposal Number,Proposal Name,Client ID,Client Name,Service Name,Proposal Status\n"
        f'PROP-8,Compliance,CLI-99,"{client.name}",Annual accounts,Accepted\n',
        encoding="utf-8",
    )
    import_file(env.practice, "proposals", path)
    (made,) = env.practice.snapshot().rows(PROPOSALS)
    assert made.client == ""


async def test_a_proposal_revoked_before_it_was_taken_over_is_not_taken_over_with_all(
    env: ChangedJobsFixture,
) -> None:
    env.load()
    proposals.revoke(env.practice, "PROP-7", "client left")
    env.load()
    assert proposals.show_proposal(env.practice, "PROP-7").state == "revoked"
    assert proposals.take_over(env.practice, every=True) == []


async def test_the_last_day_of_the_month_outlasts_an_edit_of_the_recurrence(env: ChangedJobsFixture) -> None:
    made = proposals.new_proposal(env.practice, "X", env.client, ["Annual accounts"], {"start": "2026-06-30"})
    monthly = proposals.parse_repeat("monthly", last_day=True)
    (view,) = proposals.accept(env.practice, [made.id], repeat=monthly)
    (workflow,) = view.workflows
    for word in ("monthly", "quarterly"):
        job_editing.edit_workflow(env.practice, workflow, {"repeat": word})
        row = env.practice.snapshot().get(WORKFLOWS, workflow)
        assert row is not None
        assert row.repeat is not None
        assert row.repeat.last_day


async def test_of_two_categories_with_one_name_neither_is_chosen(env: ChangedJobsFixture) -> None:
    row = next(iter(env.practice.snapshot().rows(CATEGORIES)))
    other = msgspec.structs.replace(row, uuid=row.uuid[:-4] + "0000")
    env.practice.store.commit([Put(CATEGORIES, other)])
    env.accepted()
    with pytest.raises(BadInput, match="Several"):
        job_editing.edit_workflow(env.practice, "w1", {"category": row.name})


async def test_a_skipped_job_gets_no_new_start_without_notice(env: ChangedJobsFixture) -> None:
    env.accepted()
    jobs.skip(env.practice, "w1")
    try:
        shown = job_editing.edit_workflow(env.practice, "w1", {"start": "2026-09-15"})
    except BadInput:
        return
    assert str(shown.start) == "2026-09-15"


def proposal_of_ignition(env: ChangedJobsFixture, state: str) -> None:
    """Ignition's file says that PROP-8 is in this state."""
    client = env.practice.snapshot().get(CLIENTS, env.client)
    assert client is not None
    path = env.practice.state / "proposals.csv"
    path.write_text(
        "Proposal Number,Proposal Name,Client Name,Service Name,Proposal Status\n"
        f'PROP-8,Compliance,"{client.name}",Annual accounts,{state}\n',
        encoding="utf-8",
    )
    import_file(env.practice, "proposals", path)


@pytest.mark.parametrize("state", ["Draft", "Lost", "Completed"])
async def test_a_proposal_that_was_never_accepted_is_not_taken_over_through_a_revocation(
    env: ChangedJobsFixture, state: str
) -> None:
    proposal_of_ignition(env, state)
    proposals.revoke(env.practice, "PROP-8", "")
    with pytest.raises(BadInput):
        proposals.take_over(env.practice, ["PROP-8"])
    assert env.practice.snapshot().count(WORKFLOWS) == 0


async def test_a_proposal_revoked_here_and_lost_in_ignition_is_not_taken_over(
    env: ChangedJobsFixture,
) -> None:
    proposal_of_ignition(env, "Accepted")
    proposals.revoke(env.practice, "PROP-8", "")
    proposal_of_ignition(env, "Lost")
    with pytest.raises(BadInput):
        proposals.take_over(env.practice, ["PROP-8"])


async def test_a_proposal_for_a_client_that_is_only_in_xpm_offers_to_pick_it(env: ChangedJobsFixture) -> None:
    practice = env.practice
    snapshot = practice.snapshot()
    (there,) = snapshot.find(XPM_CLIENTS, "name", env.unique_names()[8])
    params = NewProposal(name="Tax 2027", client=there.number)
    with pytest.raises(DecisionNeeded, match="is only in XPM and has not been brought in yet") as waits:
        await new_proposal(practice, params, Says(None))
    assert f"xpm-tui clients pick {there.number}" in waits.value.hint
    assert (await new_proposal(practice, params, Says(False))).declined
    assert not snapshot.find(LINKS, "uuid", there.uuid)
    made = await new_proposal(practice, params, Says(True))
    assert made.data["client"]["name"] == there.name
    again = await new_proposal(practice, params, Says(None))
    assert again.data["client"] == made.data["client"], "the number of a linked one names its client"
