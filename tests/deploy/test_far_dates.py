"""Dates that are far away, and services that move."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.deploy.test_changed import HEAD, Office
from xpm_tui.application.csv_io.imports import import_file
from xpm_tui.application.jobs import proposals
from xpm_tui.application.jobs import queries as jobs
from xpm_tui.application.jobs import workflow_edits as job_editing
from xpm_tui.deploy.job_spec import budget_of
from xpm_tui.domain.tables import CLIENTS, PROPOSALS


@pytest.fixture
async def office(tmp_path: Path) -> Any:
    office = Office(tmp_path)
    await office.ready()
    yield office
    office.close()


@pytest.mark.parametrize("start", ["2030-07-01", "9999-01-31"])
async def test_a_recurrence_of_a_mistyped_year_can_be_mended(office: Office, start: str) -> None:
    made = proposals.new_proposal(office.practice, "X", office.client, ["Annual accounts"], {"start": start})
    proposals.accept(office.practice, [made.id], repeat=proposals.repeat_of("monthly"))
    jobs.list_jobs(office.practice)
    shown = job_editing.edit_workflow(office.practice, "w1", {"start": "2026-07-01"})
    assert str(shown.start) == "2026-07-01"


async def test_a_service_that_starts_later_is_not_there_twice(office: Office) -> None:
    client = office.practice.snapshot().get(CLIENTS, office.client)
    assert client is not None
    path = office.practice.state / "p.csv"
    for start in ("2026-07-01", "2026-08-01"):
        row = f'PROP-7,Compliance 2026,"{client.name}",Annual accounts,1200,{start},2027-06-30,Accepted\n'
        path.write_text(HEAD + row, encoding="utf-8")
        import_file(office.practice, "proposals", path)
    (row_,) = office.practice.snapshot().rows(PROPOSALS)
    assert budget_of(row_.services) == ("1200.00", "")


async def test_a_service_of_an_earlier_year_stays(office: Office) -> None:
    client = office.practice.snapshot().get(CLIENTS, office.client)
    assert client is not None
    path = office.practice.state / "p.csv"
    for start, end in (("2025-07-01", "2026-06-30"), ("2026-07-01", "2027-06-30")):
        row = f'PROP-7,Compliance 2026,"{client.name}",Annual accounts,1200,{start},{end},Accepted\n'
        path.write_text(HEAD + row, encoding="utf-8")
        import_file(office.practice, "proposals", path)
    (row_,) = office.practice.snapshot().rows(PROPOSALS)
    assert len(row_.services) == 2
