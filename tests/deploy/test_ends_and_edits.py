"""Recurring jobs end with their proposal and are due in their period; edits apply or are refused."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.deploy.fixtures import JobsFixture
from xpm_tui.application.jobs import proposals
from xpm_tui.application.jobs import queries as jobs
from xpm_tui.application.jobs import workflow_edits as job_editing
from xpm_tui.application.jobs.services import terms_of
from xpm_tui.deploy.calendar import last_day, recurrence
from xpm_tui.deploy.occurrences import workflow_occurrences
from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.ignition import Proposal, Repeat, Workflow
from xpm_tui.domain.tables import WORKFLOWS


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "Australia/Sydney"])
async def test_a_recurrence_ends_with_its_proposal_unless_the_user_says_otherwise(
    tmp_path: Path, zone: str
) -> None:
    env = JobsFixture(tmp_path, practice__timezone=zone)
    await env.ready()
    practice = env.practice

    def dates(workflow: str) -> list[tuple[str, str]]:
        row = practice.snapshot().get(WORKFLOWS, workflow)
        assert row is not None
        found = workflow_occurrences(practice.snapshot(), terms, row, date(2029, 12, 31), 0)
        return [(each.day.isoformat(), jobs.preview_job(practice, each.id).due.isoformat()) for each in found]

    terms = terms_of(practice)
    env.accepted("Monthly", repeat="monthly", start="2026-10-31", end="2027-01-15")
    env.clock.move(timedelta(days=330))  # find_job looks a year ahead
    assert dates("w1") == [
        ("2026-10-31", "2026-11-29"),
        ("2026-11-30", "2026-12-30"),
        ("2026-12-31", "2027-01-15"),  # the period is cut short by the proposal's end
    ]
    env.accepted("Weekly", repeat="weekly", start="2027-06-07", end="2027-06-22")
    assert dates("w2")[1:] == [("2027-06-14", "2027-06-20"), ("2027-06-21", "2027-06-22")]
    shown = job_editing.edit_workflow(practice, "w2", {"until": "2027-06-30"})
    assert (len(dates("w2")), str(shown.until), len(shown.affected)) == (4, "2027-06-30", 4)
    assert job_editing.edit_workflow(practice, "w2", {"until": "none"}).until is None
    assert str(job_editing.edit_workflow(practice, "w2", {"until": "default"}).until) == "2027-06-22"
    practice.settings.set("jobs.due_days", "20", practice=True)
    assert str(jobs.preview_job(practice, "w2").due) == "2027-06-27", "what the practice says counts"
    over = proposals.new_proposal(practice, "Late", env.client, [], {"end": "2027-06-22"}).id
    with pytest.raises(BadInput, match="ends on 2027-06-22, before the first job"):
        proposals.accept(practice, [over], repeat=Repeat(unit="month"), start=date(2027, 7, 1))
    env.close()


def test_the_period_of_a_leap_day_and_the_end_of_the_calendar() -> None:
    leap, yearly = date(2028, 2, 29), Repeat(unit="year")
    assert last_day(leap, yearly, leap) == date(2029, 2, 27)
    assert last_day(leap, yearly, date(2031, 2, 28)) == date(2032, 2, 28)
    assert last_day(date(9999, 6, 1), yearly, date(9999, 6, 1)) == date.max
    workflow = Workflow(id="w1", proposal="o1", name="X", start=leap, since=leap, repeat=yearly)
    ends = Proposal(id="o1", name="X", end=date(2030, 2, 28))
    assert recurrence(workflow, ends) == Repeat(unit="year", end=date(2030, 2, 28))


async def test_an_edit_has_an_effect_or_is_refused(tmp_path: Path) -> None:
    env = JobsFixture(tmp_path)
    await env.ready()
    practice = env.practice
    env.accepted("Monthly", repeat="monthly", start="2026-05-10")
    env.accepted("Once", env.clients[1])
    env.clock.move(timedelta(days=10))
    await env.deploy("w1")
    jobs.skip(practice, "w1/2026-06-10")
    number = jobs.row_of(practice, "w1/2026-05-10").number
    refused = [
        ("w1", {"due": "2026-09-01"}, "recurs monthly, so each job has a due date of its own"),
        ("w1/2026-05-10", {"name": "X"}, "is already in XPM"),
        (number, {"name": "X"}, "is already in XPM"),
        ("w1/2026-06-10", {"name": "X"}, "is skipped: it will not be created"),
        ("w2", {"due": "2026-09-01", "due_days": "9"}, "fixed due date, 2026-09-01"),
        ("w2", {"repeat": "monthly", "due": "2026-09-01"}, "recurs monthly"),
    ]
    before = list(practice.snapshot().rows(WORKFLOWS))
    for job, values, why in refused:
        with pytest.raises(BadInput, match=why):
            job_editing.edit_workflow(practice, job, values)
    assert list(practice.snapshot().rows(WORKFLOWS)) == before
    shown = job_editing.edit_workflow(practice, "w1/2026-07-10", {"name": "Bookkeeping {period}"})
    assert shown.affected[0] == "w1/2026-07-10"
    assert len(shown.affected) == 11, "May is made, June is skipped, and June 2027 is the last one"
    assert "It changes 11 jobs still to come: 2026-07-10, " in shown.effect
    assert "Jobs that are already in XPM stay as they are: 1 job." in shown.effect
    assert jobs.row_of(practice, "w1/2026-09-10").name == "Bookkeeping September 2026"
    same = job_editing.edit_workflow(practice, "w1", {"name": "Bookkeeping {period}"})
    assert (same.affected, same.effect) == ((), "Nothing was changed: w1 already has these values.")
    cut = job_editing.edit_workflow(practice, "w1", {"until": "2026-08-31"})
    assert cut.affected == ("w1/2026-07-10", "w1/2026-08-10")
    assert "No longer created: 9 jobs: 2026-09-10, " in cut.effect, cut.effect
    env.close()
