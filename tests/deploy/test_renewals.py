"""Ignition renews or changes a proposal: the differences, and the next term's workflows, once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal, cast

import pytest

from tests.deploy.fixtures import JobsFixture
from xpm_tui.application.csv_io.imports import ImportReport, import_file
from xpm_tui.application.jobs import proposals, renewals
from xpm_tui.application.jobs import queries as jobs
from xpm_tui.application.jobs import workflow_edits as edits
from xpm_tui.commands import renewals as verbs
from xpm_tui.commands.command import Dialogue
from xpm_tui.commands.effects import AdmittedCall, Effect
from xpm_tui.domain.errors import BadInput, DecisionNeeded
from xpm_tui.domain.ports import Write
from xpm_tui.domain.tables import CLIENTS, WORKFLOWS

HEAD = "Proposal Number,Proposal Name,Client Name,Service Name,Price,Start Date,End Date,Project,Entity\n"
Row = tuple[str, str, str, str]


class RenewalFixture(JobsFixture):
    """A world whose Ignition exports proposals term by term."""

    def load(self, terms: Sequence[tuple[str, str, str]], *, number: str = "PROP-31", project: str = "",
             entity: str = "", services: Sequence[tuple[str, str]] = (("Annual accounts", "900"),),
             ) -> ImportReport:  # fmt: skip
        """Import rows for ``(name, start, end)`` and each service with its price."""
        client = self.practice.snapshot().get(CLIENTS, self.client)
        assert client is not None
        rows = "".join(
            f'{number},{name},"{client.name}",{service},{price},{start},{end},{project},{entity}\n'
            for name, start, end in terms
            for service, price in services
        )
        path = self.practice.state / "renewals.csv"
        path.write_text(HEAD + rows, encoding="utf-8")
        return import_file(self.practice, "proposals", path)

    def days(self, workflow: str, ahead: int = 900) -> list[date]:
        """The days of a workflow's jobs."""
        from xpm_tui.application.jobs.services import terms_of
        from xpm_tui.deploy.occurrences import workflow_occurrences

        row = self.practice.snapshot().get(WORKFLOWS, workflow)
        assert row is not None
        found = workflow_occurrences(
            self.practice.snapshot(), terms_of(self.practice), row, self.practice.current_day(), ahead
        )
        return [each.day for each in found]


@pytest.fixture
async def env(tmp_path: Path) -> RenewalFixture:
    env = RenewalFixture(tmp_path)
    await env.ready()
    return env


def d(text: str) -> date:
    return date.fromisoformat(text)


TERMS = {
    # repeat, the first term, the next one as the file names it, last day of the first, first day of the next
    "monthly": ("monthly", "2026-06-30 2027-06-29", "2027-06-30 2028-06-29", "2027-05-30", "2027-06-30"),
    "end of month": ("monthly", "2026-08-31 2027-02-27", "2027-02-28 2027-08-30", "2027-01-31", "2027-02-28"),
    "leap day": ("yearly", "2028-02-29 2029-02-27", "2029-02-28 2030-02-27", "2028-02-29", "2029-02-28"),
    "into one": ("once", "2027-03-01 2028-02-28", "2028-02-29 2029-02-28", "2027-03-01", "2028-02-29"),
    "weekly": ("weekly", "2026-09-02 2026-12-15", "2026-12-16 2027-03-30", "2026-12-09", "2026-12-16"),
    "with a gap": ("quarterly", "2026-07-01 2026-12-31", "2027-02-10 2027-08-09", "2026-10-01", "2027-02-10"),
}  # fmt: skip


@pytest.mark.parametrize("case", TERMS)
async def test_the_next_term_begins_where_this_one_ends(env: RenewalFixture, case: str) -> None:
    repeat, this, following, last, first = TERMS[case]
    (start, end), (again, until) = this.split(), following.split()
    env.load([("Care", start, end)])
    proposals.take_over(env.practice, ["PROP-31"], repeat=proposals.parse_repeat(repeat))
    env.clock.move(d(start) - env.clock.now().date())
    env.load([("Care", again, until)])
    (view,) = renewals.list_changes(env.practice)
    assert (view.term, view.term_end) == (d(again), d(until))
    shown = renewals.preview_roll_over(env.practice)
    done = renewals.roll_over(env.practice, keep=False)
    assert (shown.new, shown.consequences) == (done.new, done.consequences) == (1, shown.consequences)
    assert shown.changes[0].workflows[0].first == done.changes[0].workflows[0].first == d(first)
    before, after = env.days("w1"), env.days("w2")
    assert before[-1] == d(last)
    assert after[0] == d(first)
    assert not {*before} & {*after}
    assert all(day <= d(until) for day in after)
    with pytest.raises(BadInput, match="no next term"):
        renewals.roll_over(env.practice, ["PROP-31"], keep=False)
    assert renewals.roll_over(env.practice, keep=False).new == 0
    if case == "end of month":
        assert env.days("w2")[1] == d("2027-03-31"), "the 31st is one again"


async def test_the_difference_names_services_prices_and_dates(env: RenewalFixture) -> None:
    env.load(
        [("Care", "2026-07-01", "2027-06-30")],
        services=[("Annual accounts", "900"), ("Payroll", "50"), ("Advice", "10")],
    )
    proposals.take_over(env.practice, ["PROP-31"])
    env.load(
        [("Care", "2027-07-01", "2028-06-30")],
        services=[("Annual accounts", "950"), ("Advice", "10"), ("Tax return", "300")],
    )
    (view,) = renewals.list_changes(env.practice)
    reported = {(each.change, each.name, each.old_price, each.price) for each in view.services}
    assert reported == {
        ("repriced", "Annual accounts", "900", "950"), ("dates", "Advice", "10", "10"),
        ("added", "Tax return", "", "300"), ("removed", "Payroll", "50", ""),
    }  # fmt: skip
    assert proposals.show_proposal(env.practice, "PROP-31").standing == "renewed"
    assert jobs.counts(env.practice).renewed == 1
    renewals.roll_over(env.practice, ["PROP-31"], keep=False)
    old, new = (jobs.preview_job(env.practice, each) for each in ("w1", "w2"))
    assert {*new.description.splitlines()} == {"Annual accounts", "Advice", "Tax return"}
    assert (old.start, old.due) == (d("2026-07-01"), d("2027-06-30"))
    assert (new.start, new.due) == (d("2027-07-01"), d("2028-06-30"))
    env.load(
        [("Care", "2027-07-01", "2028-06-30")],
        services=[("Annual accounts", "990"), ("Advice", "10"), ("Tax return", "300")],
    )
    (view,) = renewals.list_changes(env.practice)
    assert [(each.change, each.name) for each in view.services] == [("repriced", "Annual accounts")]
    assert not view.is_renewal
    proposals.take_over(env.practice, ["PROP-31"])
    assert renewals.list_changes(env.practice) == []
    assert env.days("w2") == [d("2027-07-01")]


async def test_edits_are_asked_about_once_and_a_due_date_moves_with_the_term(env: RenewalFixture) -> None:
    cases: tuple[tuple[str, Literal["keep", "drop"]], ...] = (("PROP-41", "keep"), ("PROP-42", "drop"))
    for number, keep in cases:
        env.load([(f"Care {number}", "2026-07-01", "2027-02-28")], number=number)
        (view,) = proposals.take_over(env.practice, [number])
        edits.edit_workflow(
            env.practice,
            view.workflows[0],
            {"budget": "77", "due": "2026-12-31", "manager": env.people[1]},
        )
        env.load([(f"Care {number}", "2027-07-01", "2028-02-29")], number=number)
        dialogue = cast(Dialogue, SimpleNamespace(interactive=False, call=AdmittedCall(Effect.WRITES_HERE)))
        with pytest.raises(DecisionNeeded, match="1 workflow of this term has edits"):
            await verbs.roll_over(env.practice, verbs.RollOver((number,)), dialogue)
        done = await verbs.roll_over(env.practice, verbs.RollOver((number,), edits=keep), dialogue)
        assert done.items is not None
        (rolled,) = next(iter(done.items))["workflows"]
        assert rolled["edits"] == ["budget", "manager", "due"]
        made = jobs.preview_job(env.practice, rolled["workflow"])
        expected = ("77", d("2027-12-31")) if keep == "keep" else ("", d("2028-02-29"))
        assert (made.budget, made.due) == expected


async def test_a_job_that_the_next_term_has_already_is_not_created_again(env: RenewalFixture) -> None:
    today = env.clock.now().date()
    first, term = today.replace(day=1), timedelta(days=60)
    end = first + term
    env.load([("Care", str(first), str(end))])
    (view,) = proposals.take_over(env.practice, ["PROP-31"], repeat=proposals.parse_repeat("weekly"))
    (workflow,) = view.workflows
    edits.edit_workflow(env.practice, workflow, {"until": "none"})
    beyond = next(day for day in env.days(workflow) if day > end)
    env.clock.move(beyond - today - timedelta(days=12))
    await env.deploy(f"{workflow}/{beyond}")
    env.load([("Care", str(end + timedelta(days=1)), str(end + term))])
    renewals.roll_over(env.practice, keep=True)
    assert env.days("w1")[-1] == beyond
    assert env.days("w2")[0] == beyond + timedelta(days=7)
    # A change in the middle of the term stops the rest; accepting it does not bring back former periods.
    assert env.load(
        [("Care", str(end + timedelta(days=1)), str(end + term))], services=[("Annual accounts", "1000")]
    ).counts["stopped"]
    proposals.take_over(env.practice, ["PROP-31"])
    assert env.days("w2")[0] == beyond + timedelta(days=7)


async def test_three_hundred_renewals_roll_over_in_one_commit(
    env: RenewalFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = env.practice.snapshot().get(CLIENTS, env.client)
    assert client is not None
    path = env.practice.state / "many.csv"
    for start, end in (("2026-01-01", "2026-12-31"), ("2027-01-01", "2027-12-31")):
        path.write_text(HEAD + "".join(
            f'PROP-{at},Care {at},"{client.name}",Annual accounts,{at},{start},{end},,\n'
            for at in range(1000, 1300)
        ), encoding="utf-8")  # fmt: skip
        import_file(env.practice, "proposals", path)
        if start < "2027":
            proposals.take_over(env.practice, every=True)
    commits: list[int] = []
    commit = env.practice.store.commit

    def counted(writes: Iterable[Write], **more: Any) -> int:
        put = [*writes]
        commits.append(sum(each.table is WORKFLOWS for each in put))
        return commit(put, **more)

    monkeypatch.setattr(env.practice.store, "commit", counted)
    shown = renewals.preview_roll_over(env.practice)
    done = renewals.roll_over(env.practice, keep=False)
    assert (shown.proposals, shown.new) == (done.proposals, done.new) == (300, 300)
    assert [number for number in commits if number] == [600], "all, or none: a crash leaves no half"
    assert sum(bool(each.follows) for each in env.practice.snapshot().rows(WORKFLOWS)) == 300
