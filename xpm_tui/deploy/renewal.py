"""Changes and renewals of a proposal: what differs from the accepted one, and the next workflows. Pure.

A renewal never creates a second job for a period: the former workflow ends on the day before the next one
starts, and jobs that it has created after that day belong to it.
"""

from __future__ import annotations

import calendar as months
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Literal, NamedTuple

import msgspec

from xpm_tui.deploy.calendar import dates_between, last_day, occurrence
from xpm_tui.deploy.job_spec import required_templates, services_of
from xpm_tui.deploy.workflows import Group, missing_groups, name_of
from xpm_tui.domain.identity import exact
from xpm_tui.domain.ignition import Audit, Engagement, Proposal, ProposalService, Repeat, Workflow
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.tables import DEPLOYMENTS, WORKFLOWS

ONE_DAY = timedelta(days=1)
DEFAULT_TERM_DAYS = 365
"""The length of a term, in days, if the proposal has no start."""
EDITS = (
    "job_name", "description", "category", "budget", "partner", "manager", "staff", "reference", "templates",
    "due", "due_days", "days_early", "state_code", "client",
)  # fmt: skip
"""The values of a workflow that a user may have edited, and may keep in the next term."""
_PARTS = ("name", "number", "client", "reference", "start", "end", "partner", "manager")

Kind = Literal["added", "removed", "repriced", "dates"]


class Term(NamedTuple):
    """The term after the accepted one; ``end`` is None if it is open-ended."""

    start: date
    end: date | None


class ServiceDifference(NamedTuple):
    """A service that was added, removed or repriced, or that only has other dates."""

    kind: Kind
    old: ProposalService | None
    new: ProposalService | None


class Roll(NamedTuple):
    """A workflow that is rolled over: the former one with its end, and its successor.

    ``after`` is None if its services are not renewed, ``before`` if Ignition has added a project or an
    entity. ``edits`` names what a user has edited.
    """

    before: Workflow | None
    after: Workflow | None
    edits: tuple[str, ...] = ()


def next_term(proposal: Proposal) -> Term | None:
    """Return the term that Ignition's file has added since the proposal was accepted; None without one.

    The file names its start, or extends the end by at least half a term: then the next one starts on the day
    after the former end.
    """
    was = proposal.before
    if was is None or was.end is None or (proposal.end is not None and proposal.end <= was.end):
        return None
    if proposal.start is not None and proposal.start > was.end:
        return Term(proposal.start, proposal.end)
    later = [each.start for each in proposal.services if each.start is not None and each.start > was.end]
    if later:
        return Term(min(later), proposal.end)
    length = (was.end - was.start).days + 1 if was.start is not None else DEFAULT_TERM_DAYS
    if proposal.end is None or was.end == date.max or 2 * (proposal.end - was.end).days < length:
        return None
    return Term(_after(was), proposal.end)


def is_renewed(proposal: Proposal) -> bool:
    """Return whether one of our proposals has a term whose workflows have not been created."""
    return (
        proposal.before is not None
        and proposal.ours
        and proposal.state == "accepted"
        and next_term(proposal) is not None
    )


def differences(proposal: Proposal) -> list[ServiceDifference]:
    """Return how the services differ from the accepted ones; for a renewal, two terms are compared."""
    was, term = proposal.before, next_term(proposal)
    if was is None:
        return []
    last = term.start - ONE_DAY if term else None
    there = [each for each in was.services if not (was.start and each.end and each.end < was.start)]
    now = [each for each in proposal.services if not (term and each.end and last and each.end <= last)]
    if not term:
        here = {*map(_identity, was.services)} - {*map(_identity, there)}
        now = [each for each in now if _identity(each) not in here]
    left = list(there)
    found: list[ServiceDifference] = []
    for service in now:
        old = next((each for each in left if _identity(each) == _identity(service)), None) or next(
            (each for each in left if _key(each) == _key(service)), None
        )
        if old is None:
            found.append(ServiceDifference("added", None, service))
            continue
        left.remove(old)
        if _priced(old) != _priced(service):
            found.append(ServiceDifference("repriced", old, service))
        elif (old.start, old.end) != (service.start, service.end):
            found.append(ServiceDifference("dates", old, service))
    return [*found, *(ServiceDifference("removed", old, None) for old in left)]


def parts_that_differ(proposal: Proposal) -> list[tuple[str, Any, Any]]:
    """Return what else differs: name, accepted value and current value."""
    was = proposal.before or Engagement()
    pairs = [(name, getattr(was, name), getattr(proposal, name)) for name in _PARTS]
    return [pair for pair in pairs if proposal.before is not None and pair[1] != pair[2]]


def edits_of(workflow: Workflow) -> tuple[str, ...]:
    """Return what a user has edited in a workflow."""
    return tuple(name for name in EDITS if getattr(workflow, name) not in (None, ()))


def plan_rolls(
    snapshot: Snapshot,
    proposal: Proposal,
    *,
    keep: bool,
    today: date,
    now: datetime,
    by: str,
    new_id: Callable[[], str],
) -> list[Roll]:
    """Return the workflows of the next term, made from those of this one.

    Args:
        snapshot: The store.
        proposal: A proposal; without a next term there are no workflows.
        keep: Whether to keep the edits of the workflows in the next term.
        today: The day in the practice's time zone.
        now: The time for the history.
        by: Who does it.
        new_id: Returns the id of a new workflow.
    """
    term = next_term(proposal)
    if term is None:
        return []
    current = [each for each in snapshot.find(WORKFLOWS, "proposal", proposal.id) if each.term_end is None]
    found: list[Roll] = []
    bases: list[Workflow] = []
    for workflow in current:
        first = _first_free(snapshot, workflow, term)
        if first is None:
            # It already belongs to the next term, and only resumes if the change had stopped it.
            bases.append(msgspec.structs.replace(workflow, stopped=""))
            continue
        line = Audit(at=now, by=by, what="rolled", about=str(term.start))
        ended = msgspec.structs.replace(
            workflow,
            term_end=_last(proposal, workflow, term, first),
            stopped="",
            audit=(*workflow.audit, line),
        )
        after = _next(proposal, workflow, term, first, today, keep=keep)
        bases.append(after)
        if required_templates(snapshot, services := services_of(proposal, after))[2] and (
            services or not proposal.services
        ):
            after = msgspec.structs.replace(after, id=new_id(), audit=(line,))
            found.append(Roll(ended, after, edits_of(workflow)))
        else:
            found.append(Roll(ended, None))
    repeats = {workflow.repeat for workflow in current}
    for group in missing_groups(proposal, bases):
        fresh = Workflow(
            id="", proposal=proposal.id, name=name_of(proposal, group), project=group.project or "",
            split=group.project is not None, entity=group.entity, start=term.start, since=today,
            repeat=_open(next(iter(repeats))) if len(repeats) == 1 else None, term_start=term.start,
            automatic=current[0].automatic,
            audit=(Audit(at=now, by=by, what="rolled", about=str(term.start)),),
        )  # fmt: skip
        if required_templates(snapshot, services_of(proposal, fresh))[2]:
            found.append(Roll(None, msgspec.structs.replace(fresh, id=new_id())))
    return found


def _first_free(snapshot: Snapshot, workflow: Workflow, term: Term) -> date | None:
    """Return the first day for which the following workflow may create jobs.

    It is after every period that the former workflow has started. None if the workflow itself belongs to the
    next term.
    """
    if workflow.start >= term.start:
        return None
    first = term.start
    for row in snapshot.find(DEPLOYMENTS, "workflow", workflow.id):
        if row.day >= first:
            if workflow.repeat is None:
                return None
            first = max(first, last_day(workflow.start, workflow.repeat, row.day) + ONE_DAY)
    return first


def _last(proposal: Proposal, workflow: Workflow, term: Term, first: date) -> date:
    """Return the last day of the former workflow.

    It is the accepted end or, if the former one continued past its end, the day before the next workflow
    starts.
    """
    was, repeat = proposal.before, workflow.repeat
    continues = repeat is not None and (repeat.endless or repeat.end is not None)
    if continues or first > term.start or was is None or was.end is None:
        return first - ONE_DAY
    return min(was.end, first - ONE_DAY)


def _next(
    proposal: Proposal, workflow: Workflow, term: Term, first: date, today: date, *, keep: bool
) -> Workflow:
    """Return the workflow of the next term, without its id."""
    was = proposal.before or Engagement()
    start = _moved(workflow.start, was, term.start)
    repeat = _open(workflow.repeat)
    adjoins = was.end is not None and term.start == _after(was)
    if repeat is not None and (repeat.unit == "week" or adjoins or _months(was, term.start) is not None):
        # Its dates continue to count from the same start, so a 31st or 29 February stays one.
        start = workflow.start
    group = Group(workflow.project if workflow.split else None, workflow.entity)
    edits: dict[str, Any] = {name: getattr(workflow, name) for name in EDITS} if keep else {}
    if keep and workflow.due is not None:
        edits["due"] = _moved(workflow.due, was, term.start)
    return msgspec.structs.replace(
        workflow,
        id="",
        name=name_of(proposal, group),
        start=start if repeat is not None else max(start, term.start),
        since=first if repeat is not None else today,
        repeat=repeat,
        follows=workflow.id,
        term_start=term.start,
        stopped="",
        audit=(),
        **({name: () if name == "staff" else None for name in EDITS} | edits),
    )


def _open(repeat: Repeat | None) -> Repeat | None:
    """Return a recurrence for the next term: it ends with the proposal, or never if the user chose so."""
    return None if repeat is None else msgspec.structs.replace(repeat, end=None)


def _after(was: Engagement) -> date:
    """Return the day after a term.

    A term that ends on 28 February of a leap year, a day short, counts until the day before its anniversary.
    """
    assert was.end is not None
    first = was.end + ONE_DAY
    if was.start is None:
        return first
    again = next(
        dates_between(was.start, Repeat(unit="month"), first, min(first, date.max - ONE_DAY) + ONE_DAY), first
    )
    return again if (first.month, first.day) == (2, 29) else first


def _months(was: Engagement, start: date) -> int | None:
    """Return the months between the starts of the accepted and the next term; None if not whole."""
    if was.start is None:
        return 0
    number = (start.year - was.start.year) * 12 + start.month - was.start.month
    return number if occurrence(was.start, Repeat(unit="month"), number) == start else None


def _moved(day: date, was: Engagement, start: date) -> date:
    """Return a day of the accepted term moved to the next one; the last day of a month stays one."""
    number = _months(was, start)
    if was.start is None:
        return day
    if number is None:
        return day + (start - was.start)
    is_last = day.day == months.monthrange(day.year, day.month)[1]
    moved = occurrence(day, Repeat(unit="month", every=max(1, number), last_day=is_last), 1)
    # If the start is the last day of a month, the day in the file counts.
    return start if day == was.start else moved


def _key(service: ProposalService) -> tuple[str, str, str]:
    return exact(service.name), exact(service.project), service.entity


def _identity(service: ProposalService) -> tuple[object, ...]:
    return (*_key(service), service.start, service.end, *_priced(service))


def _priced(service: ProposalService) -> tuple[str, str, str]:
    return service.price, service.quantity, service.billing


def workflows_of(found: Sequence[Roll]) -> Iterator[Workflow]:
    """Yield every workflow to write, the former ones first."""
    yield from (roll.before for roll in found if roll.before is not None)
    yield from (roll.after for roll in found if roll.after is not None)
