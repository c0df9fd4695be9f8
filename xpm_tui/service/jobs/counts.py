"""How many jobs wait, are due, held, failed, come soon, were missed: for Overview and ``status``."""

from __future__ import annotations

from collections import Counter

from xpm_tui.deploy.due import SOON, occurrences
from xpm_tui.model.tables import PROPOSALS
from xpm_tui.service.jobs.terms import IGNITION, terms_of, today
from xpm_tui.service.jobs.views import JobCounts
from xpm_tui.service.practice import OpenPractice


def counts(practice: OpenPractice) -> JobCounts:
    """Count. O(workflows and what became of them)."""
    snapshot, terms, day = practice.snapshot(), terms_of(practice), today(practice)
    found = list(occurrences(snapshot, terms, day))
    states = Counter(each.state for each in found)
    changed = {each.workflow.proposal for each in found if each.state == "stopped"}
    proposals = [row for id_ in changed if (row := snapshot.get(PROPOSALS, id_)) is not None]
    return JobCounts(
        due=states["due"],
        due_automatic=sum(each.state == "due" and each.automatic for each in found),
        held=states["held"],
        failed=states["failed"],
        going=states["going"],
        soon=sum(each.state == "coming" and (each.day - day).days <= SOON for each in found),
        missed=states["missed"],
        changed=sum(row.ours and row.state == "accepted" for row in proposals),
        to_take=sum(row.state == "accepted" and not row.ours for row in snapshot.rows(PROPOSALS)),
        blocked="" if terms.ours else IGNITION,
    )
