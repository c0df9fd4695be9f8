"""The guard: what stops a run before its first write, each stop with its numbers and advice.

Most counts stop only what no user has reviewed. What cannot be right in any case (an empty list, another
practice, a masked value) stops every run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from xpm_tui.domain.errors import CaseId, PlanRefused
from xpm_tui.domain.field_types import is_blank
from xpm_tui.domain.fields import label
from xpm_tui.domain.formatting import count, plural
from xpm_tui.domain.plan import Change, Plan, PlannedRecord
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.runs import Stop
from xpm_tui.domain.secret import looks_masked
from xpm_tui.domain.tables import BASE
from xpm_tui.sync.mirror import list_counts
from xpm_tui.sync.policy import GuardLimits, Policy

_REVIEW_FIRST = "Review the plan, then apply it with `sync --plan {plan}`."
"""What to do next, for a user who is not applying the plan at the moment."""


def refuse_if_outdated(plan: Plan, policy: Policy, tenant: str, scopes: str) -> None:
    """Raise ``PlanRefused`` when the plan was made under other conditions than the present ones.

    These are the policy, the practice and the scopes of the login: with another one, no part of the plan can
    be trusted.
    """
    again = "Make a new plan: `plan`."
    if plan.tenant != tenant:
        raise PlanRefused(
            "This plan was made for another practice.", hint=again, case=CaseId.PRACTICE_CHANGED
        )
    if plan.policy != policy.hash:
        raise PlanRefused(
            "The direction, what to sync or the fields have changed since this plan was made.",
            hint=again,
            case=CaseId.POLICY_CHANGED,
        )
    if plan.scopes != scopes:
        raise PlanRefused(
            "The permissions of the login have changed since this plan was made.",
            hint=again,
            case=CaseId.POLICY_CHANGED,
        )


def check(
    snapshot: Snapshot,
    plan: Plan,
    records: Sequence[PlannedRecord],
    limits: GuardLimits,
    *,
    reviewed: bool,
    scheduled: bool = False,
    new_jobs: int = 0,
) -> tuple[Stop, ...]:
    """Return why the run must not start; empty if it may. Only ticked changes count.

    ``reviewed``: a user has reviewed exactly this plan. ``scheduled``: no user is present.
    """
    stops = list(_unconditional_stops(snapshot, plan, records))
    if not reviewed:
        stops += _counted_stops(snapshot, plan, records, limits)
        if new_jobs > limits.new_jobs:
            stops.append(
                Stop(
                    rule="new-jobs",
                    counted=new_jobs,
                    limit=limits.new_jobs,
                    sentence=(
                        f"{new_jobs} new jobs would be created in XPM; more than {limits.new_jobs} need "
                        "your approval. Review them in Jobs, then deploy them."
                    ),
                )
            )
        if plan.first and scheduled and plan.counts.get("items"):
            stops.append(
                Stop(
                    rule="first-run",
                    counted=plan.counts["items"],
                    sentence="This is the first sync of this practice, and nobody has reviewed it. "
                    + _REVIEW_FIRST.format(plan=plan.id),
                )
            )
    return tuple(stops)


def without_advice(stop: Stop, plan: str) -> str:
    """Return the sentence of a stop without the advice, for a user who is applying the plan."""
    return stop.sentence.replace(_REVIEW_FIRST.format(plan=plan), "").rstrip(" :")


def uncovered_stops(before: Iterable[Stop], now: Iterable[Stop]) -> tuple[Stop, ...]:
    """Return the stops that a release does not cover: new ones, and those with a larger count."""
    released = {stop.rule: stop.counted for stop in before}
    return tuple(stop for stop in now if stop.rule not in released or stop.counted > released[stop.rule])


ALWAYS: Collection[str] = frozenset({"empty-list", "masked"})
"""The rules that no release and no review overrides."""


def _unconditional_stops(snapshot: Snapshot, plan: Plan, records: Iterable[PlannedRecord]) -> Iterable[Stop]:
    lists = list_counts(snapshot)
    if lists.empty:
        yield Stop(
            rule="empty-list",
            limit=lists.accepted or 0,
            sentence=f"XPM listed no clients, but {lists.accepted} before. Possible causes: the login "
            "is for another practice, or a permission is missing. Run `doctor`.",
        )
    masked = [change for change in _ticked(records) if looks_masked(change.new)]
    if masked:
        yield Stop(
            rule="masked",
            counted=len(masked),
            sentence=f"{count(len(masked), 'value')} to write {plural(len(masked), 'is/are')} masked with "
            f"asterisks: XPM hides the real value. Untick {plural(len(masked), 'it/them')}: `plan "
            f"untick {plan.id}`.",
        )


def _counted_stops(
    snapshot: Snapshot, plan: Plan, records: Sequence[PlannedRecord], limits: GuardLimits
) -> Iterable[Stop]:
    advice = _REVIEW_FIRST.format(plan=plan.id)
    lists = list_counts(snapshot)
    if not lists.empty and lists.short(limits):
        yield Stop(
            rule="short-list",
            counted=(lists.accepted or 0) - lists.count,
            limit=lists.accepted or 0,
            sentence=f"XPM listed {count(lists.count, 'client')}, but {lists.accepted} before. "
            f"If that is right: {advice}",
        )
    based = snapshot.count(BASE)
    known = [record for record in records if snapshot.raw(BASE, record.client) is not None]
    touched = sum(1 for record in known if not all(map(_fills, _ticked([record]))))
    limit = max(limits.records_min, int(limits.records_share * based))
    if touched > limit:
        yield Stop(
            rule="many-records",
            counted=touched,
            limit=limit,
            sentence=(
                f"{touched:,} of {count(based, 'client')} that were up to date would change; more than "
                f"{limit} need your approval. {advice}"
            ),
        )
    fields: Counter[str] = Counter()
    emptied: Counter[str] = Counter()
    for record in known:
        own = [change for change in _ticked([record]) if change.field != "link"]
        fields.update({change.field for change in own if not _fills(change)})
        emptied.update({c.field for c in own if c.field != "contact" and is_blank(c.new)})
    for rule, verb, counts, minimum, share in (
        ("many-of-field", "change", fields, limits.field_min, limits.field_share),
        ("many-emptied", "be emptied", emptied, limits.emptied_min, limits.emptied_share),
    ):
        limit = max(minimum, int(share * based))
        for field, counted in counts.items():
            if counted > limit:
                yield Stop(
                    rule=f"{rule}:{field}",
                    counted=counted,
                    limit=limit,
                    sentence=(
                        f"{label(field)} would {verb} for {counted:,} of {count(based, 'client')}; more than "
                        f"{limit} need your approval. {advice}"
                    ),
                )


def _fills(change: Change) -> bool:
    """Return whether a change gives a value to a field that has none, so that nothing is lost.

    A whole contact is more than a value.
    """
    return change.field != "contact" and is_blank(change.old) and not is_blank(change.new)


def _ticked(records: Iterable[PlannedRecord]) -> Iterable[Change]:
    return (change for record in records for change in record.changes if change.ticked)
