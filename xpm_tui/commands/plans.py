"""Commands for plans: what a sync would do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec.structs import replace

from xpm_tui.commands.command import (
    CLIENT_FILTERS,
    ClientFilter,
    Command,
    Dialogue,
    Limit,
    Result,
    TextColumn,
    TextTable,
    argument,
    first_reason,
    option,
    require_connection,
    require_idle,
)
from xpm_tui.commands.consequences import (
    DIFFERENCES_SHOWN,
    difference_lines,
    nothing_planned,
    remaining_count,
)
from xpm_tui.commands.consequences import lines as described
from xpm_tui.commands.effects import Effect
from xpm_tui.commands.log import following
from xpm_tui.commands.tables import to_plain
from xpm_tui.domain import labels
from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.formatting import ago, arrow, count, when, when_short, wrap
from xpm_tui.domain.tables import CLIENTS
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application import practice as practice_module
    from xpm_tui.application.clients import edits, link_review, queries
    from xpm_tui.application.presenters import lookup, presenter
    from xpm_tui.application.runs import consequences, plans
    from xpm_tui.domain import fields

if TYPE_CHECKING:
    from xpm_tui.application.practice import OpenPractice
    from xpm_tui.application.presenters.views import ChangeView
    from xpm_tui.domain.plan import Consequences, Plan, PlannedRecord

PlanId = Annotated[str, argument("The plan: its id, or 'last'.", "PLAN", completes="plan")]
Selection = Annotated[
    tuple[str, ...],
    argument(
        "Which changes: c12, c12:phone, field:phone, rule:NAME, mark:clearing, or all; "
        "'field:phone,rule:NAME' means changes that match both.",
        "WHAT...",
    ),
]


LISTED = 100
"""The number of changes that a terminal lists; the others are counted."""


class MakePlan(msgspec.Struct, frozen=True):
    """Parameters of ``plan``."""

    full: Annotated[
        bool, option("Read everything again and compare all records, not only those that changed.")
    ] = False
    client: Annotated[str, option("Plan only this client.", "CLIENT", completes="client")] = ""
    field: Annotated[tuple[str, ...], option("Plan only these fields.", "FIELD")] = ()
    only: Annotated[
        ClientFilter,
        option(f"Plan only clients that match this filter: {', '.join(CLIENT_FILTERS)}.", "WHICH"),
    ] = ""
    stored: Annotated[bool, option("Plan from the XPM data stored here, without a call to Xero.")] = False


class TickPlan(msgspec.Struct, frozen=True):
    """Parameters of ``plan tick`` and ``plan untick``."""

    plan: PlanId
    what: Selection


class ListPlans(msgspec.Struct, frozen=True):
    """Parameters of ``plan list``."""

    limit: Limit = 50


class OnePlan(msgspec.Struct, frozen=True):
    """Parameters of ``plan show`` and ``plan export``."""

    plan: PlanId = "last"


async def list_plans(practice: OpenPractice, params: ListPlans, dialogue: Dialogue) -> Result:
    """List plans, newest first."""
    zone, found = practice.time_zone(), plans.list_plans(practice)
    columns = (
        TextColumn("PLAN", whole=True),
        TextColumn("STATE", whole=True),
        TextColumn("MADE", whole=True),
        TextColumn("BY", name=True),
        TextColumn("CHANGES", whole=True, right=True),
        TextColumn("WAITING", whole=True, right=True),
        TextColumn("RECORDS", whole=True, right=True),
        TextColumn("UNDOES", whole=True),
    )
    rows = [
        (
            plan.id,
            plan.state,
            when_short(plan.made, zone),
            plan.by,
            *(f"{plan.counts.get(name, 0):,}" for name in ("items", "waiting", "records")),
            plan.undo_of,
        )
        for plan in found
    ]
    items = [
        {
            "id": plan.id,
            "state": plan.state,
            "made": plan.made.isoformat(),
            "by": plan.by,
            "direction": plan.direction,
            "level": plan.level,
            "counts": {**plan.counts, "differences": plan.left_different},
            "only": plan.only,
            "fields": list(plan.fields),
            "undo_of": plan.undo_of,
        }
        for plan in found
    ]
    empty = "There is no plan yet: xpm-tui plan"
    return Result(items=items, table=TextTable(columns, rows, empty), most=params.limit)


async def show_plan(practice: OpenPractice, params: OnePlan, dialogue: Dialogue) -> Result:
    """Show a stored plan."""
    plan, _ = plans.load(practice, params.plan)
    shown = plan_result(practice, plan.id, most=DIFFERENCES_SHOWN if dialogue.interactive else 0)
    return replace(shown, data={**shown.data, "state": plan.state})


async def make_plan(practice: OpenPractice, params: MakePlan, dialogue: Dialogue) -> Result:
    """Refresh the mirror and compute what a sync would do."""
    for field in params.field:
        edits.known_field(field, field, (*fields.SYNCED_BY_NAME, "link"))
    only = [lookup.find_client(practice.snapshot(), params.client).id] if params.client else []
    if params.only:
        listed = [view.id for view in queries.list_clients(practice, only=params.only)]
        only = [id_ for id_ in listed if not only or id_ in only]
        if not only:
            raise BadInput(f"No client matches the filter {params.only}.", hint="See: xpm-tui clients list")
    async with following(practice, dialogue, events=False) as report:
        plan = await plans.make(
            practice,
            full=params.full,
            only=only,
            fields=params.field,
            refresh=not params.stored,
            report=report,
        )

    result = plan_result(practice, plan.id, most=DIFFERENCES_SHOWN if dialogue.interactive else 0)
    if plan.id != plans.UNSAVED:
        return result
    lines = [*result.lines, *age_notes(practice), "This plan was not saved: --read-only saves nothing."]
    data = {
        **result.data,
        "id": "",
        "saved": False,
        "mirror_at": practice_module.list_state(practice.snapshot(), "clients").at,
    }
    return replace(result, data=data, lines=lines)


async def tick_plan(practice: OpenPractice, params: TickPlan, dialogue: Dialogue) -> Result:
    """Tick changes, so that they are applied."""
    return _tick(practice, params, on=True)


async def untick_plan(practice: OpenPractice, params: TickPlan, dialogue: Dialogue) -> Result:
    """Untick changes, so that they are not applied."""
    return _tick(practice, params, on=False)


async def export_plan(practice: OpenPractice, params: OnePlan, dialogue: Dialogue) -> Result:
    """Write the plan as CSV."""
    plan, _ = plans.load(practice, params.plan)
    text = plans.export(practice, plan.id)
    return Result(data={"id": plan.id, "csv": text}, raw=text)


def age_notes(practice: OpenPractice, *, always: bool = False) -> list[str]:
    """Return notes about the age of XPM's data, for calls that did not read it again.

    Only read-only calls have such notes, unless ``always``.
    """
    if not (practice.read_only or always):
        return []

    why = ": --read-only makes no call to Xero" if practice.read_only else ""
    at = practice_module.list_state(practice.snapshot(), "clients").at
    if at is None:
        return [f"XPM has not been read yet{why}."]
    text = f"{when(at, practice.time_zone())} ({ago(at, practice.clock.now())})"
    return [f"XPM data of {text}{why}."]


def plan_result(practice: OpenPractice, plan_id: str, done: str = "", *, most: int = 0) -> Result:
    """Return a stored plan as a result.

    Its ``items`` are ticked, ``waiting`` are not, ``people`` need a decision, and ``differences`` stay as
    they are. The lines are the changes with a summary and the differences, at most ``most`` for each reason
    (0: all); if ``done`` says what was done, they are only that and the summary. ``items``, ``lines`` and
    ``differences`` are iterators that are computed when they are read.
    """
    plan, records = plans.load(practice, plan_id)
    found = consequences.consequences(practice, plan, records)
    snapshot = practice.snapshot()
    changes = list(presenter.change_views(snapshot, records))
    items = [change for change in changes if change.ticked]
    waiting = [change for change in changes if not change.ticked]
    people = link_review.undecided_views(snapshot, plan.people)
    aside = plans.set_aside_of(snapshot, plan)
    clients = snapshot.count(CLIENTS)
    data: dict[str, Any] = {
        "id": plan.id,
        "made": plan.made.isoformat(),
        "direction": plan.direction,
        "level": plan.level,
        "first": plan.first,
        "clients": clients,
        "counts": {**plan.counts, "differences": plan.left_different},
        "calls": found.calls,
        "seconds": found.seconds,
        "consequences": to_plain(found),
        "waiting": [to_plain(change) for change in waiting],
        "people": people,
        "set_aside": [to_plain(view) for view in aside],
    }
    texts = [
        *summary(plan, items, found, clients=clients),
        *(f"  {line}" for line in presenter.set_aside_lines(aside)),
    ]
    if done:
        lines: Iterable[str] = [done, *texts]
    else:
        data["differences"] = (to_plain(view) for view in lookup.plan_differences(practice, plan))
        stops = [f"  guard: {stop}" for stop in plans.guard_stops(practice, plan, records)]
        left = difference_lines(lookup.plan_differences(practice, plan), most)
        listed = [*items, *waiting]
        hidden = len(listed) - LISTED if most else 0
        more = [f"  and {hidden:,} more: xpm-tui plan export {plan.id}"] if hidden > 0 else []
        shown = listed[:LISTED] if hidden > 0 else listed
        lines = chain(change_lines(shown), more, texts, merged_lines(people), left, stops)
    return Result(
        data=data,
        items=(to_plain(change) for change in items),
        lines=lines,
        value=plan,
    )


def merged_lines(people: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the first clients whose XPM client was merged into another one, with the surviving client."""
    merged = [
        f"    {each['id']}  {each['name']}: {each['message']}"
        for each in people
        if each["reason"] == "merged"
    ]
    rest = [f"    and {len(merged) - 5} more"] if len(merged) > 5 else []
    return [*merged[:5], *rest]


def change_lines(changes: Iterable[ChangeView]) -> Iterator[str]:
    """Return the changes by client, one line each, with the field's name for ``plan tick`` if it differs."""
    last = ""
    for change in changes:
        client, _, contact = change.record.partition("/")
        if client != last:
            last = client
            yield f"{client}  {change.name}" + (f"  (XPM {change.number})" if change.number else "")
        mark = labels.MARKS[change.mark].inline if change.mark and not change.came_from else ""
        follows = "saved here" if change.follows else ""
        waits = "" if change.ticked else "waits"
        marks = [labels.of_sides(mark, change.side), follows, *change.notes, waits]
        text = ", ".join(filter(None, marks))
        typed = f"{contact}:{change.field}" if contact.startswith("k") else change.field
        label = fields.label(change.field)
        typed = f" ({typed})" if label.casefold() != typed else ""
        yield f"    {label}{change.whose}{typed}: {arrow(change.old_shown, change.new_shown)}" + (
            f"  [{text}]" if text else ""
        )


def summary(
    plan: Plan, items: list[ChangeView], found: Consequences, *, clients: int = 1, width: int = 78
) -> list[str]:
    """Return a plan in a few lines: the number of changes by field, the consequences, what waits.

    ``clients`` is the number of Ignition's clients stored here: without any, it says how to get some. The
    fields are wrapped at ``width``.
    """
    records = len({change.record.partition("/")[0] for change in items})
    side = "into Ignition" if plan.direction == "from_xpm" else "into XPM"
    lines = [f"Plan {plan.id}: {count(len(items), 'change')} in {count(records, 'client')}, {side}."]
    archived = sum(person.reason == "archived" for person in plan.people)
    if not items and not found.waiting:
        lines = [f"Plan {plan.id}. {nothing_planned(plan, clients=clients)}"]
    by_field = Counter(fields.label(change.field) for change in items)
    if by_field:
        named = (f"{fields.label(name)} {number:,}" for name, number in by_field.most_common())
        lines += wrap(", ".join(named), width, indent="  ")
    if items or found.waiting:
        lines += [f"  {line}" for line in described(found)]
    if found.waiting and plan.id != plans.UNSAVED:
        lines.append(f"  Tick changes: xpm-tui plan tick {plan.id} ...")
    if len(plan.people) > archived:
        needed = count(len(plan.people) - archived, "client needs/clients need")
        lines.append(f"  {needed} your decision: xpm-tui clients review")
    if archived:
        noun = "client archived in XPM has/clients archived in XPM have"
        lines.append(f"  {count(archived, noun)} changes, which are not applied")
    if plan.left_different and (items or found.waiting):
        lines.append(f"  {remaining_count(plan.left_different, more=True)}.")
    return lines


def changes_of(
    practice: OpenPractice, records: list[PlannedRecord]
) -> tuple[list[ChangeView], list[ChangeView]]:
    """Return the changes that would be made, and those that wait."""
    changes = list(presenter.change_views(practice.snapshot(), records))
    made = [change for change in changes if change.ticked]
    return made, [change for change in changes if not change.ticked]


def _tick(practice: OpenPractice, params: TickPlan, *, on: bool) -> Result:
    if not params.what:
        raise BadInput("Name the changes.", hint="For example: c12:phone, or field:phone, or all.")
    plan, _ = plans.load(practice, params.plan)
    changed = plans.tick(practice, plan.id, [selector(word) for word in params.what], on)
    done = plan_result(practice, plan.id, f"{count(changed, 'change')} {'ticked' if on else 'unticked'}.")
    return replace(done, data={**done.data, "changed": changed})


def selector(word: str) -> plans.Selector:
    """Return what ``c12``, ``c12:phone``, ``field:phone``, ``rule:NAME`` or ``all`` selects.

    Several, separated by commas, select what matches all of them. Raises ``BadInput`` if a part is empty or
    occurs twice.
    """
    if word == "all":
        return plans.Selector()
    found: dict[str, str] = {}
    for part in word.split(","):
        head, colon, tail = part.partition(":")
        if not colon:
            values = {"record": head}
        elif head in ("field", "rule", "mark"):
            values = {head: tail}
        else:
            values = {"record": head, "field": tail}
        if not all(values.values()) or values.keys() & found.keys():
            # An empty part would mean any: an empty variable of a script must not tick everything.
            raise BadInput(
                f"'{word}' does not name any changes.", hint="For example: c12:phone, field:phone, or all."
            )
        found |= values
    return plans.Selector(**found)


COMMANDS = (
    Command(
        name="plan",
        title="Make a plan",
        help="Read XPM and show everything that a sync would do. Nothing is written to either side.",
        params=MakePlan,
        run=make_plan,
        example="xpm-tui plan --json",
        key="n",
        where=("sync", "overview"),
        footer="New plan",
        effect=Effect.LOOKS,
        why_not=first_reason(require_connection, require_idle),
    ),
    Command(
        name="plan.tick",
        title="Tick changes of a plan",
        help="Tick changes of a plan, for example clearings. `sync --plan` applies what is ticked.",
        params=TickPlan,
        run=tick_plan,
        example="xpm-tui plan tick last mark:clearing",
        effect=Effect.WRITES_HERE,
    ),
    Command(
        name="plan.untick",
        title="Untick changes of a plan",
        help="Untick changes of a plan. `sync --plan` does not apply them.",
        params=TickPlan,
        run=untick_plan,
        example="xpm-tui plan untick last c12:phone",
        effect=Effect.WRITES_HERE,
    ),
    Command(
        name="plan.list",
        title="List plans",
        help="List the plans that are stored: their state, when and by whom they were made, their counts.",
        params=ListPlans,
        run=list_plans,
        effect=Effect.LOOKS,
        example="xpm-tui plan list",
    ),
    Command(
        name="plan.show",
        title="Show a plan",
        help="Show a stored plan: its changes, what follows from them, and what is held. It reads "
        "nothing from XPM.",
        params=OnePlan,
        run=show_plan,
        effect=Effect.LOOKS,
        example="xpm-tui plan show last",
    ),
    Command(
        name="plan.export",
        title="Export a plan as CSV",
        help="Write a plan as CSV to stdout; in the console, to a file whose path is shown.",
        params=OnePlan,
        run=export_plan,
        effect=Effect.LOOKS,
        example="xpm-tui plan export last > plan.csv",
    ),
)  # fmt: skip
