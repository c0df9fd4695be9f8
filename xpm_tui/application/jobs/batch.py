"""A batch of jobs before it starts: what would be made, what is kept back, and the calls that it takes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import msgspec

from xpm_tui.application.jobs.proposals import find_proposal
from xpm_tui.application.jobs.queries import OPEN, find_job, previews, unfinished
from xpm_tui.application.jobs.views import PreviewView
from xpm_tui.application.practice import OpenPractice
from xpm_tui.deploy.batch import unfinished_occurrences
from xpm_tui.deploy.occurrences import Occurrence
from xpm_tui.domain.consequences import Consequences
from xpm_tui.domain.errors import NotFound
from xpm_tui.domain.tables import WORKFLOWS


class BatchView(msgspec.Struct, frozen=True, kw_only=True):
    """What deploying a batch of jobs would do.

    Attributes:
        new: Jobs that would be created.
        begun: Jobs that would be finished.
        calls: Calls to Xero that ``new`` and ``begun`` take.
        asks: Jobs that go out, too, once a user says to go on anyway.
        calls_anyway: Calls to Xero including the ``asks``.
        holds: Jobs that stay where they are in any case.
        earlier: Half-created jobs of an earlier run, which every run finishes first.
        number: First job number of the practice's own pattern; empty where XPM assigns numbers.
        consequences: Consequences of the whole run, including what an earlier one left.
        consequences_anyway: The same with the ``asks``.
    """

    jobs: tuple[PreviewView, ...]
    new: int
    begun: int
    asks: int
    holds: int
    calls: int
    calls_anyway: int
    consequences: Consequences
    consequences_anyway: Consequences
    earlier: int = 0
    number: str = ""

    @property
    def minutes(self) -> int:
        """What it takes at least, at Xero's pace."""
        return self.consequences.minutes

    def of(self, *, anyway: bool) -> Consequences:
        """The consequences, without or with the jobs that ask first."""
        return self.consequences_anyway if anyway else self.consequences


def preview_batch(practice: OpenPractice, chosen: Sequence[Occurrence]) -> BatchView:
    """What deploying these would do. Asks nothing of XPM."""
    named = {each.id for each in chosen}
    shown, found = previews(practice, chosen)
    _, anyway = previews(practice, chosen, anyway=True)
    goes = [view for view in shown if view.goes]
    begun = sum(bool(view.job.number) for view in goes)
    return BatchView(
        jobs=tuple(shown),
        new=len(goes) - begun,
        begun=begun,
        asks=sum(view.goes_anyway and not view.goes for view in shown),
        holds=sum(not view.goes_anyway for view in shown),
        calls=found.calls,
        calls_anyway=anyway.calls,
        consequences=found,
        consequences_anyway=anyway,
        earlier=sum(row.id not in named for row in unfinished_occurrences(practice.snapshot())),
        number=next((view.number for view in goes if view.number and not view.job.number), ""),
    )


def preview_named(practice: OpenPractice, ids: Sequence[str]) -> BatchView:
    """The same for jobs by their ids. Raises ``NotFound``."""
    return preview_batch(practice, [find_job(practice, id_) for id_ in ids])


def of_cause(practice: OpenPractice, cause: str = "") -> tuple[str, ...]:
    """Ids of what is held, failed or half-made, of one cause where one is named."""
    return tuple(each.id for each in unfinished(practice, cause=cause))


def of_proposal(practice: OpenPractice, proposal: str) -> list[Occurrence]:
    """The next open job of each workflow of a proposal. Raises ``NotFound`` and ``BadInput``."""
    snapshot = practice.snapshot()
    rows = snapshot.find(WORKFLOWS, "proposal", find_proposal(snapshot, proposal).id)
    found = []
    for workflow in rows:
        with suppress(NotFound):
            found.append(find_job(practice, workflow.id))
    return [each for each in found if each.state in OPEN]
