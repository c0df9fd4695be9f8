"""Plans: make, find, tick and export them, and delete those no longer needed."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import msgspec

from xpm_tui.application.condition import refuse_damaged
from xpm_tui.application.practice import OpenPractice, PracticeIdentity
from xpm_tui.application.runs.history import current_run, is_sync, list_runs
from xpm_tui.domain.errors import BadInput, Busy, NotFound
from xpm_tui.domain.events import Event, ignore_progress
from xpm_tui.domain.fields import BY_NAME
from xpm_tui.domain.links import Value
from xpm_tui.domain.plan import Change, Plan, PlannedRecord
from xpm_tui.domain.ports import Drop, Put, Snapshot, Write
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import LINKS, PLANNED, PLANS, RUNS
from xpm_tui.lazy import lazy_imports
from xpm_tui.sync.policy import Policy

with lazy_imports():
    import csv

    from xpm_tui.application.presenters import lookup, presenter
    from xpm_tui.application.runs import xpm_refresh
    from xpm_tui.sync.manual import plans as manual_plans
    from xpm_tui.sync.planning import guard, planner


if TYPE_CHECKING:
    from xpm_tui.application.presenters.presenter import SetAsideView
    from xpm_tui.domain.events import Report

FRESH = timedelta(minutes=10)
"""A run that applies a plan of at most this age does not read the lists again."""

HEADINGS = (
    "plan", "record", "client", "field", "side", "old", "new", "old_name", "new_name", "rule", "mark",
    "ticked",
)  # fmt: skip
"""The columns of an exported plan."""

UNSAVED = "p0"
"""The id of a plan that read-only mode made and did not save."""

_KEEP_DRAFTS_FOR = timedelta(hours=1)
_MAX_DRAFTS = 3


class Selector(msgspec.Struct, frozen=True):
    """A selection of changes; an empty part matches any. ``record`` may be a client or a contact."""

    record: str = ""
    field: str = ""
    rule: str = ""
    mark: str = ""

    def typed(self) -> str:
        """Return its typed form: ``c12:phone``, ``rule:first,field:phone``, ``all``."""
        values = {"rule": self.rule, "mark": self.mark, "field": "" if self.record else self.field}
        parts = [f"{name}:{text}" for name, text in values.items() if text]
        of_record = ":".join(filter(None, (self.record, self.field))) if self.record else ""
        return ",".join(filter(None, (of_record, *parts))) or "all"

    def words(self) -> str:
        """Return its typed form, safe to show."""
        return str(visible(self.typed(), 80))

    def picks(self, change: Change) -> bool:
        """Return whether it selects a change."""
        return (
            (not self.record or change.record == self.record or change.record.startswith(self.record + "/"))
            and (not self.field or change.field == self.field)
            and (not self.rule or change.rule == self.rule)
            and (not self.mark or change.mark == self.mark)
        )


async def make(
    practice: OpenPractice,
    *,
    full: bool = False,
    only: Collection[str] | str = "",
    fields: Collection[str] = (),
    refresh: bool = True,
    report: Report = ignore_progress,
) -> Plan:
    """Update the mirror and make a plan. Raises ``LoginNeeded``, ``XeroError``, ``DecisionNeeded``.

    ``full`` requests the complete client list even if it is not necessary.
    """
    identity = practice.connected()
    if practice.read_only:
        return _plan_read_only(practice, identity, only=only, fields=fields, full=full)
    if refresh:
        await xpm_refresh.refresh(practice, full=full, report=report)
    return compute(practice, identity, only=only, fields=fields, full=full)[0]


def _plan_read_only(
    practice: OpenPractice,
    identity: PracticeIdentity,
    *,
    only: Collection[str] | str,
    fields: Collection[str],
    full: bool,
) -> Plan:
    """Plan from the stored mirror without a call to Xero; the plan lasts as long as the practice is open."""
    if not xpm_refresh.is_filled(practice):
        practice.writable("XPM's data has not been read yet, so no plan can be made.")
    position = practice.snapshot().position
    made = plan_trial(practice, practice.policy(), identity, only=only, fields=fields, full=full)
    practice.cache[UNSAVED] = (position, made)
    return made[0]


def plan_trial(
    practice: OpenPractice,
    policy: Policy,
    identity: PracticeIdentity,
    *,
    only: Collection[str] | str = "",
    fields: Collection[str] = (),
    full: bool = True,
    plan_id: str = UNSAVED,
    compared: planner.ComparedClients | None = None,
) -> tuple[Plan, list[PlannedRecord]]:
    """Plan under a policy from the stored data; nothing is saved and no call is made.

    ``compared`` collects the clients on which both sides agree.
    """
    return planner.make_plan(
        practice.snapshot(),
        policy,
        id=plan_id,
        now=practice.clock.now(),
        by=practice.person,
        tenant=identity.tenant,
        scopes=identity.scopes,
        only=only,
        fields=fields,
        full=full,
        compared=compared,
    )


def compute(
    practice: OpenPractice,
    identity: PracticeIdentity,
    *,
    only: Collection[str] | str = "",
    fields: Collection[str] = (),
    full: bool = True,
    compared: planner.ComparedClients | None = None,
) -> tuple[Plan, list[PlannedRecord]]:
    """Plan from store and mirror as they are, and store the plan; see :func:`plan_trial`."""
    (id_,) = practice.ids.new("p")
    plan, records = plan_trial(
        practice,
        practice.policy(),
        identity,
        only=only,
        fields=fields,
        full=full,
        plan_id=id_,
        compared=compared,
    )
    keep_plan(practice, plan, records)
    numbers = {key: plan.counts.get(key, 0) for key in ("items", "records", "waiting")}
    practice.events.emit(
        Event(key="plan.made", numbers={"plan": plan.id, **numbers, "people": len(plan.people)})
    )
    return plan, records


def keep_plan(practice: OpenPractice, plan: Plan, records: Iterable[PlannedRecord]) -> None:
    """Store a plan and delete those that are no longer needed, in one commit."""
    writes: list[Write] = [Put(PLANS, plan), *(Put(PLANNED, record) for record in records)]
    writes += _superseded(practice, plan)
    practice.store.commit(writes)


def latest_plan(practice: OpenPractice) -> Plan | None:
    """Return the newest plan, applied or not; a plan of an undo does not count."""
    snapshot = practice.snapshot()
    return _newest(snapshot, snapshot.rows(PLANS))


def list_plans(practice: OpenPractice, limit: int = 0) -> list[Plan]:
    """Return the stored plans, newest first; at most ``limit``, 0 for all."""
    found = sorted(practice.snapshot().rows(PLANS), key=lambda plan: _number(plan.id), reverse=True)
    return found[: limit or None]


def newest_draft(snapshot: Snapshot) -> Plan | None:
    """Return the newest plan that waits to be applied; a plan of an undo does not count."""
    return _newest(snapshot, (plan for plan in snapshot.rows(PLANS) if plan.state == "draft"))


def _newest(snapshot: Snapshot, plans: Iterable[Plan]) -> Plan | None:
    """Return the plan with the highest number, because clocks may have been wrong.

    What is older than the last plan of all clients that was applied is out of date.
    """
    found = max((plan for plan in plans if not plan.undo_of), key=lambda plan: _number(plan.id), default=None)
    return found if found is not None and _number(found.id) >= _number(_last_applied(snapshot)) else None


def _last_applied(snapshot: Snapshot) -> str:
    """Return the id of the last plan of all clients that a run applied; empty if there is none."""
    for id_ in sorted(snapshot.ids(RUNS), key=_number, reverse=True):
        run = snapshot.get(RUNS, id_)
        if run is None or not run.plan or run.trigger == "undo" or run.only or run.fields:
            continue
        if run.outcome in ("done", "partial"):
            return run.plan
    return ""


def _number(id_: str) -> tuple[int, str]:
    return len(id_), id_


def load(practice: OpenPractice, plan_id: str = "") -> tuple[Plan, list[PlannedRecord]]:
    """Return a plan with its records; empty or ``last`` is the newest one. Raises ``NotFound``."""
    if plan_id == UNSAVED and UNSAVED in practice.cache:
        return cast("tuple[Plan, list[PlannedRecord]]", practice.cache[UNSAVED][1])
    snapshot = practice.snapshot()
    plan = latest_plan(practice) if plan_id in ("", "last") else snapshot.get(PLANS, plan_id)
    if plan is None:
        named = f"plan {visible(plan_id, 40)}" if plan_id not in ("", "last") else "plan yet"
        raise NotFound(f"There is no {named}.", hint="Make one: xpm-tui plan")
    return plan, snapshot.find(PLANNED, "plan", plan.id)


def tick(practice: OpenPractice, plan_id: str, selector: Selector | Iterable[Selector], on: bool) -> int:
    """Tick or untick changes of a draft; return how many changed.

    Raises ``NotFound`` and ``BadInput``, and ``Busy`` while a run applies it: then none of several selectors
    is applied.
    """
    practice.writable()
    snapshot = practice.snapshot()
    plan, records = load(practice, plan_id)
    if plan.state != "draft":
        raise BadInput(f"Plan {plan.id} was already applied.", hint="Make a new one: xpm-tui plan")
    going = current_run(practice)
    if going is not None and going.plan == plan.id:
        raise Busy(
            f"Run {going.id} is already applying plan {plan.id}.", hint="Stop it first: xpm-tui runs stop"
        )
    new: dict[str, PlannedRecord] = {}
    for each in [selector] if isinstance(selector, Selector) else selector:
        if not any(each.picks(change) for record in records for change in record.changes):
            raise NotFound(f"{each.words()} matches nothing in plan {plan.id}.", hint="See: xpm-tui plan")
        ticked = manual_plans.tick(records, on, **msgspec.structs.asdict(each))
        new |= {record.id: record for record in ticked}
        records = [new.get(record.id, record) for record in records]
    if not new:
        return 0
    head = manual_plans.recount(plan, records)
    writes: list[Write] = [Put(PLANS, head), *(Put(PLANNED, record) for record in new.values())]
    practice.store.commit(writes, since=snapshot)
    changed = abs(head.counts.get("items", 0) - plan.counts.get("items", 0))
    key = "plan.ticked" if on else "plan.unticked"
    practice.events.emit(Event(key=key, numbers={"plan": plan.id, "changes": changed}))
    return changed


def set_aside_of(snapshot: Snapshot, plan: Plan) -> tuple[SetAsideView, ...]:
    """Return the records of XPM that a plan covers and cannot change, because they cannot be read."""
    if not plan.only:
        return presenter.set_aside_views(snapshot)
    links = (snapshot.get(LINKS, id_) for id_ in plan.only.split())
    return presenter.set_aside_views(snapshot, {link.uuid for link in links if link is not None})


def refuse_outdated(practice: OpenPractice, plan: Plan) -> None:
    """Raise ``PlanRefused`` if a run would refuse the plan, before the user is asked about it."""
    identity = practice.identity()
    if identity is not None:
        guard.refuse_if_outdated(plan, practice.policy(), identity.tenant, identity.scopes)


def guard_stops(
    practice: OpenPractice, plan: Plan, records: Sequence[PlannedRecord], *, applying: bool = False
) -> list[str]:
    """Return the sentences of the guard on a plan, for the user who reviews it.

    With ``applying`` the user is about to apply the plan, so they do not say how to.
    """
    limits = xpm_refresh.guard_limits(practice.settings)
    found = guard.check(practice.snapshot(), plan, records, limits, reviewed=False)
    return [guard.without_advice(stop, plan.id) if applying else stop.sentence for stop in found]


def export(practice: OpenPractice, plan_id: str = "") -> str:
    """Return the plan as CSV (RFC 4180, LF): raw values, one line per change, UUIDs with a name."""
    refuse_damaged(practice)
    plan, records = load(practice, plan_id)
    snapshot = practice.snapshot()
    out = io.StringIO()
    write = csv.writer(out, lineterminator="\n").writerow
    write(HEADINGS)
    for record in records:
        client = lookup.name_of(snapshot, record.client)
        for change in record.changes:
            names = (_name(snapshot, change.field, value) for value in (change.old, change.new))
            ticked = "yes" if change.ticked else "no"
            write(
                (
                    plan.id, change.record, client, change.field, change.side, _cell(change.old),
                    _cell(change.new), *names, change.rule, change.mark, ticked,
                )
            )  # fmt: skip
    return out.getvalue()


def _cell(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "; ".join(value) if isinstance(value, tuple) else value


def _name(snapshot: Snapshot, field: str, value: Value) -> str:
    """Return the name behind a UUID in a value; empty for other values."""
    row = BY_NAME.get(field)
    named = field == "link" or (row is not None and row.kind == "person")
    return lookup.name_of(snapshot, value) if named and isinstance(value, str) else ""


def _superseded(practice: OpenPractice, new: Plan) -> list[Write]:
    """Return the writes that delete old plans.

    Drafts of the last hour stay, and so do plans of unfinished runs; an undo deletes no newest plan.
    """
    snapshot = practice.snapshot()
    last = [run for run in list_runs(practice) if is_sync(run) and run.plan][:2]
    needed = {run.plan for run in last if run.outcome not in ("done", "skipped")}
    since = new.made - _KEEP_DRAFTS_FOR
    recent = sorted(
        (p for p in snapshot.rows(PLANS) if p.state == "draft" and p.made >= since), key=lambda p: p.made
    )
    needed |= {plan.id for plan in recent[1 - _MAX_DRAFTS :]} | {new.id}
    if new.undo_of and (latest := latest_plan(practice)) is not None:
        needed.add(latest.id)
    writes: list[Write] = []
    for plan in snapshot.rows(PLANS):
        if plan.id not in needed:
            writes.append(Drop(PLANS, plan.id))
            writes += [Drop(PLANNED, row.id) for row in snapshot.find(PLANNED, "plan", plan.id)]
    return writes
