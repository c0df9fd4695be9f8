"""Ignition changes a proposal that was taken over: its jobs are stopped, with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from tests.deploy.fixtures import JobsFixture
from xpm_tui.application.csv_io.imports import ImportReport, import_file, undo_import
from xpm_tui.application.jobs import proposals
from xpm_tui.application.jobs import queries as jobs
from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.tables import CLIENTS, PROPOSALS, WORKFLOWS

HEAD = "Proposal Number,Proposal Name,Client Name,Service Name,Price,Start Date,End Date,Proposal Status\n"


class ChangedJobsFixture(JobsFixture):
    """A world whose Ignition exports one proposal."""

    def load(
        self, end: str = "2027-06-30", state: str = "Accepted", price: str = "1200", *,
        number: str = "PROP-7", more: Sequence[tuple[str, str, str]] = (), heading: str = "Proposal Status",
    ) -> ImportReport:  # fmt: skip
        client = self.practice.snapshot().get(CLIENTS, self.client)
        assert client is not None
        rows = "".join(
            f'{number},{name},"{client.name}",{service},{price},2026-07-01,{until},{state}\n'
            for name, service, until in (("Compliance 2026", "Annual accounts", end), *more)
        )
        path = self.practice.state / "proposals.csv"
        path.write_text(HEAD.replace("Proposal Status", heading) + rows, encoding="utf-8")
        return import_file(self.practice, "proposals", path)


@pytest.fixture
async def env(tmp_path: Path) -> ChangedJobsFixture:
    env = ChangedJobsFixture(tmp_path)
    await env.ready()
    env.load()
    return env


async def test_an_edited_proposal_stops_its_waiting_jobs_until_it_is_taken_over_again(
    env: ChangedJobsFixture,
) -> None:
    proposals.take_over(env.practice, ["PROP-7"])
    assert env.load().counts["stopped"] == 0, "the same file again stops nothing"
    report = env.load(end="2028-06-30")
    assert report.counts["stopped"] == 1
    assert "changed in Ignition: end, services. Stopped: w1." in report.notes[0].reason
    assert "xpm-tui proposals changes o1" in report.notes[0].reason
    row = jobs.row_of(env.practice, "w1")
    assert (row.state, row.why) == ("stopped", "Its proposal was changed in Ignition: end, services.")
    assert jobs.counts(env.practice).changed == 1
    with pytest.raises(BadInput, match="stopped"):
        await env.deploy("w1")
    assert "changed in Ignition: end" in jobs.preview_job(env.practice, "w1").audit[-1].sentence
    proposals.take_over(env.practice, ["PROP-7"])
    shown = jobs.preview_job(env.practice, "w1")
    assert (shown.due.year, shown.job.state, shown.goes) == (2028, "coming", True)
    assert jobs.counts(env.practice).changed == 0
    assert (await env.deploy("w1")).outcome == "done"
    assert env.load(end="2029-06-30").counts["stopped"] == 0, "what is deployed does not wait"
    assert jobs.row_of(env.practice, "w1").state == "deployed"


async def test_a_proposal_that_ignition_revokes_is_no_longer_ours(env: ChangedJobsFixture) -> None:
    proposals.take_over(env.practice, ["PROP-7"])
    assert env.load(state="Revoked").counts["stopped"] == 1
    assert "Ignition says that its proposal is revoked" in jobs.row_of(env.practice, "w1").why
    with pytest.raises(BadInput, match="is revoked: only an accepted proposal"):
        proposals.take_over(env.practice, ["PROP-7"])
    env.load()
    proposals.take_over(env.practice, ["PROP-7"])
    assert jobs.row_of(env.practice, "w1").state == "coming"


async def test_a_proposal_revoked_here_stays_revoked_whatever_the_file_says(env: ChangedJobsFixture) -> None:
    proposals.take_over(env.practice, ["PROP-7"])
    proposals.revoke(env.practice, "PROP-7", "client left")
    env.load(price="1300")
    (row,) = env.practice.snapshot().rows(PROPOSALS)
    assert (row.state, row.ours, row.services[0].price) == ("revoked", True, "1300")
    assert "client left" in jobs.row_of(env.practice, "w1").why
    proposals.take_over(env.practice, ["PROP-7"])
    assert jobs.row_of(env.practice, "w1").state == "coming"


async def test_undoing_the_import_lets_stopped_jobs_continue(env: ChangedJobsFixture) -> None:
    proposals.take_over(env.practice, ["PROP-7"])
    env.load(price="1300")
    assert next(iter(env.practice.snapshot().rows(WORKFLOWS))).stopped
    undo_import(env.practice)
    assert not next(iter(env.practice.snapshot().rows(WORKFLOWS))).stopped


async def test_a_stopped_recurrence_is_one_row_not_one_for_each_date(env: ChangedJobsFixture) -> None:
    proposals.take_over(env.practice, ["PROP-7"], repeat=proposals.parse_repeat("weekly"))
    env.clock.move(timedelta(days=120))
    assert len(jobs.list_jobs(env.practice, state="missed")) > 5
    env.load(price="1300")
    assert [row.state for row in jobs.list_jobs(env.practice)] == ["stopped"]


UNKNOWN = (
    "Void",
    "Not accepted",
    "Unaccepted",
    "Accepted - cancelled",
    "akzeptiert",
    "  ON   hold ",
    "acceptée",
    "?",
)


async def test_a_status_that_is_not_known_is_never_accepted(env: ChangedJobsFixture) -> None:
    for number, word in enumerate(UNKNOWN, 20):
        env.load(state=word, number=f"PROP-{number}")
    env.load(state=" ACCEPTED ", number="PROP-40")
    env.load(state="", number="PROP-41")
    views = {view.number: view for view in proposals.list_proposals(env.practice)}
    for number, word in enumerate(UNKNOWN, 20):
        view = views[f"PROP-{number}"]
        assert (view.state, view.word) == ("unknown", " ".join(word.split())), word
        with pytest.raises(BadInput, match="only an accepted proposal can be taken over"):
            proposals.take_over(env.practice, [view.id])
    assert (views["PROP-40"].state, views["PROP-41"].state) == ("accepted", "unknown")
    assert [v.word for v in proposals.list_proposals(env.practice, state="void")] == ["Void"]
    taken = proposals.take_over(env.practice, every=True)
    assert {view.number for view in taken} == {"PROP-7", "PROP-40"}
    for number, heading in enumerate(("Engagement status", "Statut", "Proposal stage", "Payment Status"), 50):
        report = env.load(state="Storniert", number=f"PROP-{number}", heading=heading)
        view = proposals.show_proposal(env.practice, f"PROP-{number}")
        guessed = [note.reason for note in report.notes if f"Column {heading} is read as" in note.reason]
        paid = heading == "Payment Status"
        assert (view.word, len(guessed)) == (("accepted", 0) if paid else ("Storniert", 1)), heading
    env.load(state="Paused")
    assert jobs.row_of(env.practice, "w1").why == "Ignition says that its proposal is Paused."
    env.load()
    assert proposals.show_proposal(env.practice, "PROP-7").standing == "to take", "asked for again"


async def test_a_missing_service_is_removed_and_a_contradicting_row_refused(
    env: ChangedJobsFixture,
) -> None:
    proposals.take_over(env.practice, ["PROP-7"])
    both = env.load(more=(("Compliance 2026", "Payroll", "2026-12-31"),))
    assert (both.refused, both.counts["changed"]) == ((), 1)
    proposals.take_over(env.practice, ["PROP-7"])
    report = env.load()
    assert (report.counts["same"], report.counts["changed"], report.counts["stopped"]) == (0, 1, 1)
    assert "1 service no longer in the file, removed: Payroll" in report.notes[0].reason
    before = proposals.show_proposal(env.practice, "PROP-7")
    assert before.services == ("Annual accounts",)
    for row, why in (
        (("Compliance 2027", "Payroll", "2027-06-30"), "Proposal Name: Compliance 2027, but row 2"),
        (("Compliance 2026", "Annual accounts", "2027-09-30"), "End Date: 2027-09-30, but row 2"),
    ):
        report = env.load(more=(row,))
        assert [each.row for each in report.refused] == [2, 3]
        assert why in report.refused[1].reason
        assert proposals.show_proposal(env.practice, "PROP-7") == before
