"""Dates far in the future, and services that move between proposals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.deploy.test_changed_proposals import HEAD, ChangedJobsFixture
from xpm_tui.application.csv_io.imports import import_file
from xpm_tui.application.jobs import proposals
from xpm_tui.application.jobs import queries as jobs
from xpm_tui.application.jobs import workflow_edits as job_editing
from xpm_tui.deploy.job_spec import budget_of
from xpm_tui.domain.tables import CLIENTS, PROPOSALS


@pytest.fixture
async def env(tmp_path: Path) -> Any:
    env = ChangedJobsFixture(tmp_path)
    await env.ready()
    yield env
    env.close()


@pytest.mark.parametrize("start", ["2030-07-01", "9999-01-31"])
async def test_a_recurrence_of_a_mistyped_year_can_be_fixed(env: ChangedJobsFixture, start: str) -> None:
    made = proposals.new_proposal(env.practice, "X", env.client, ["Annual accounts"], {"start": start})
    proposals.accept(env.practice, [made.id], repeat=proposals.parse_repeat("monthly"))
    jobs.list_jobs(env.practice)
    shown = job_editing.edit_workflow(env.practice, "w1", {"start": "2026-07-01"})
    assert str(shown.start) == "2026-07-01"


async def test_a_service_that_starts_later_is_not_listed_twice(env: ChangedJobsFixture) -> None:
    client = env.practice.snapshot().get(CLIENTS, env.client)
    assert client is not None
    path = env.practice.state / "p.csv"
    for start in ("2026-07-01", "2026-08-01"):
        row = f'PROP-7,Compliance 2026,"{client.name}",Annual accounts,1200,{start},2027-06-30,Accepted\n'
        path.write_text(HEAD + row, encoding="utf-8")
        import_file(env.practice, "proposals", path)
    (row_,) = env.practice.snapshot().rows(PROPOSALS)
    assert budget_of(row_.services) == ("1200.00", "")


async def test_a_service_of_an_earlier_year_stays(env: ChangedJobsFixture) -> None:
    client = env.practice.snapshot().get(CLIENTS, env.client)
    assert client is not None
    path = env.practice.state / "p.csv"
    for start, end in (("2025-07-01", "2026-06-30"), ("2026-07-01", "2027-06-30")):
        row = f'PROP-7,Compliance 2026,"{client.name}",Annual accounts,1200,{start},{end},Accepted\n'
        path.write_text(HEAD + row, encoding="utf-8")
        import_file(env.practice, "proposals", path)
    (row_,) = env.practice.snapshot().rows(PROPOSALS)
    assert len(row_.services) == 2
