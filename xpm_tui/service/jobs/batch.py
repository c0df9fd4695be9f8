"""A batch of jobs before it starts: what would be made, what is kept back, and the calls that it takes."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from xpm_tui.deploy.due import Occurrence
from xpm_tui.deploy.run import going
from xpm_tui.service.jobs.listing import find_job, previews, unfinished
from xpm_tui.service.jobs.views import PreviewView
from xpm_tui.service.practice import OpenPractice

RATE = 55
"""Calls that a run may make in a minute."""


class BatchView(msgspec.Struct, frozen=True, kw_only=True):
    """``new`` jobs would be made and ``begun`` ones finished with ``calls`` calls to Xero; with a person's
    "anyway" the ``asks`` go out, too, and it takes ``calls_anyway``. ``holds`` stay where they are in any
    case. ``earlier``: half-made ones of an earlier run, which every run finishes first. ``number`` is the
    first job number of our own, empty where XPM gives them."""

    jobs: tuple[PreviewView, ...]
    new: int
    begun: int
    asks: int
    holds: int
    calls: int
    calls_anyway: int
    earlier: int = 0
    number: str = ""

    @property
    def minutes(self) -> int:
        """What it takes at least, at Xero's pace."""
        return -(-self.calls // RATE)


def look(practice: OpenPractice, chosen: Sequence[Occurrence]) -> BatchView:
    """What deploying these would do. Asks nothing of XPM."""
    rows = going(practice.snapshot())
    named = {each.id for each in chosen}
    earlier = [find_job(practice, row.id) for row in rows if row.id not in named]
    views, calls = previews(practice, [*earlier, *chosen])
    _, calls_anyway = previews(practice, [*earlier, *chosen], anyway=True)
    shown = views[len(earlier) :]
    goes = [view for view in shown if view.goes]
    begun = sum(bool(view.job.number) for view in goes)
    return BatchView(
        jobs=tuple(shown),
        new=len(goes) - begun,
        begun=begun,
        asks=sum(view.goes_anyway and not view.goes for view in shown),
        holds=sum(not view.goes_anyway for view in shown),
        calls=calls,
        calls_anyway=calls_anyway,
        earlier=len(earlier),
        number=next((view.number for view in goes if view.number and not view.job.number), ""),
    )


def named(practice: OpenPractice, ids: Sequence[str]) -> BatchView:
    """The same for jobs by their ids. Raises ``NotFound``."""
    return look(practice, [find_job(practice, id_) for id_ in ids])


def of_cause(practice: OpenPractice, cause: str = "") -> tuple[str, ...]:
    """Ids of what is held, failed or half-made, of one cause where one is named."""
    return tuple(each.id for each in unfinished(practice, cause=cause))
