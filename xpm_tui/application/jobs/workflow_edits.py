"""Edit a workflow before its jobs are created. Jobs in XPM are never changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

from xpm_tui.application.clients.edits import known_field, refuse_unusable_text
from xpm_tui.application.jobs.proposals import ENDLESS, parse_day, parse_repeat, with_end
from xpm_tui.application.jobs.queries import OPEN, find_job, preview_job, refuse_while_created
from xpm_tui.application.jobs.services import terms_of
from xpm_tui.application.jobs.templates import find_category, find_template
from xpm_tui.application.jobs.views import PreviewView
from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.presenters.lookup import find_client, find_member
from xpm_tui.deploy.calendar import recurrence, recurrence_name
from xpm_tui.deploy.job_spec import BUDGET, LONGEST_NAME, amount, first_given
from xpm_tui.deploy.occurrences import Occurrence, workflow_occurrences
from xpm_tui.domain.errors import BadInput, NotFound
from xpm_tui.domain.events import Event
from xpm_tui.domain.formatting import count
from xpm_tui.domain.identity import exact
from xpm_tui.domain.ignition import Audit, Client, Deployment, Repeat, TeamMember, Workflow
from xpm_tui.domain.ports import Drop, Put, Snapshot, Write
from xpm_tui.domain.reason_labels import JOB_FIELDS
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import CATEGORIES, CLIENTS, DEPLOYMENTS, PROPOSALS, TEAM, WORKFLOWS
from xpm_tui.sync.journal import unanswered

FIELDS = (
    "name", "description", "category", "budget", "partner", "manager", "staff", "reference", "templates",
    "due", "due_days", "days_early", "state", "automatic", "start", "repeat", "until", "client",
)  # fmt: skip
SENT_FIELDS = frozenset({*FIELDS[:4], "reference", "due", "due_days", "start", "repeat", "until", "client"})
"""The fields that are sent with the job itself, so that they cannot be edited once it is in XPM."""
DEFAULT = "default"
"""The typed value with which a field follows the proposal, its services and the settings again."""

_ATTRIBUTES = {"name": "job_name", "state": "state_code"}
_CALENDAR = ("start", "repeat", "until")
_DATES = ("start", "repeat")
"""The fields that move the dates of jobs in XPM; an end may be changed."""
MAX_NAMED = 5
YEAR = 366
"""How many days ahead an edit looks for the jobs that it changes."""


def edit_workflow(practice: OpenPractice, job: str, values: Mapping[str, str]) -> PreviewView:
    """Change fields of a workflow, and return a preview whose ``affected`` and ``effect`` say what changes.

    With the value ``default`` a field follows the proposal and the settings again; an empty value means
    nobody or nothing.

    Raises:
        NotFound: There is no such job.
        BadInput: A value cannot be used or would have no effect, because the job is in XPM already or the
            field does not apply to it.
    """
    practice.writable()
    snapshot = practice.snapshot()
    found = find_job(practice, job)
    workflow = found.workflow
    rows = snapshot.find(DEPLOYMENTS, "workflow", workflow.id)
    after, fields = workflow, []
    for typed, text in values.items():
        field = typed.strip().casefold().replace("-", "_")
        known_field(typed, field, FIELDS)
        fields.append(field)
        _refuse_late_edit(found, job, field, rows)
        refuse_unusable_text(field, text)
        after = _edited(snapshot, after, field, text.strip())
    _check(after, fields)
    moved = (after.start, after.repeat) != (workflow.start, workflow.repeat)
    if after != workflow:
        # While it is unknown whether XPM has the job, another client might get a second one.
        begun = (
            _unfinished_deployments(practice, snapshot, rows)
            if moved or after.client != workflow.client
            else []
        )
        drops = [Drop(DEPLOYMENTS, id_) for id_ in begun] if moved else []
        _store_edited(practice, snapshot, after, ", ".join(values), also=drops)
    view = preview_job(practice, workflow.id)
    if after == workflow:
        return msgspec.structs.replace(
            view, effect=f"Nothing was changed: {workflow.id} already has these values."
        )
    affected, effect = _effect(practice, workflow, after, fields)
    return msgspec.structs.replace(view, affected=affected, effect=effect)


def _refuse_late_edit(found: Occurrence, job: str, field: str, rows: list[Deployment]) -> None:
    """Raise ``BadInput`` for an edit of a job that is in XPM, and of dates that can no longer change."""
    workflow, row = found.workflow, found.deployment
    recurs = workflow.repeat is not None
    made = [row for row in rows if row.state == "deployed"]
    if made and not recurs:
        raise BadInput(
            f"Job {made[0].number} is already in XPM, so it cannot be changed from here.",
            hint="Change it in XPM.",
        )
    names_one_job = job.strip() != workflow.id
    if recurs and row is not None and row.state == "deployed" and (names_one_job or field != "until"):
        raise BadInput(
            f"Job {found.id} is already in XPM ({row.number}), so it cannot be changed from here.",
            hint="Change it in XPM. To change the jobs that are still to come: xpm-tui jobs edit "
            f"{workflow.id}",
        )
    if recurs and names_one_job and row is not None and row.state == "skipped":
        raise BadInput(
            f"Job {found.id} is skipped: it will not be created.",
            hint=f"To create it after all: xpm-tui jobs skip {found.id} --undo",
        )
    there = [each for each in rows if each.number] if not recurs else [row] if names_one_job and row else []
    if field in SENT_FIELDS and there and there[0].number:
        raise BadInput(
            f"{field}: job {there[0].number} is already in XPM, so this cannot be changed from here.",
            hint="Change it in XPM. Templates, people and state can still be changed here.",
        )
    if field in _CALENDAR and not recurs and any(row.state == "skipped" for row in rows):
        raise BadInput(
            f"{field}: the job of workflow {workflow.id} is skipped, so its date cannot be changed.",
            hint=f"Undo that first: xpm-tui jobs skip {workflow.id} --undo",
        )
    if field in _DATES and any(row.number or row.earlier for row in rows):
        raise BadInput(
            f"{field}: workflow {workflow.id} already has jobs in XPM, so its dates cannot be changed."
        )


def _check(after: Workflow, fields: list[str]) -> None:
    """Raise ``BadInput`` for fields that contradict each other or do not apply to this workflow."""
    repeat = after.repeat
    if repeat is not None and repeat.end is not None and repeat.end < after.start:
        raise BadInput(f"The end {repeat.end} is before the start {after.start}.", field="until")
    if repeat is not None and after.due is not None:
        raise BadInput(
            f"due: the job of {after.id} recurs {recurrence_name(repeat)}, so each job has a due date of its "
            "own.",
            hint=f"Set the number of days after which each job is due: xpm-tui jobs edit {after.id} "
            "due_days=20"
            if "due" in fields
            else f"Remove its due date in the same call: xpm-tui jobs edit {after.id} due=default ...",
            field="due",
        )
    if repeat is None and after.due is not None and after.due < after.start:
        raise BadInput(
            f"The job would be due on {after.due}, before it starts on {after.start}.", field="due"
        )
    if repeat is None and after.due is not None and after.due_days is not None and "due_days" in fields:
        raise BadInput(
            f"due_days: the job has a fixed due date, {after.due}, so the number of days has no effect.",
            hint=f"Remove that date first: xpm-tui jobs edit {after.id} due=default",
            field="due_days",
        )


def _effect(
    practice: OpenPractice, before: Workflow, workflow: Workflow, fields: list[str]
) -> tuple[tuple[str, ...], str]:
    """Return the ids of the jobs within a year that an edit changes, and a sentence about them.

    The sentence also names the jobs that are no longer created.
    """
    if workflow.stopped:
        return (), (
            f"No job of {workflow.id} is created for now: {workflow.stopped} The change takes effect "
            "once that is resolved."
        )
    snapshot, terms, now = practice.snapshot(), terms_of(practice), practice.current_day()
    ahead = YEAR + max(0, (max(workflow.start, workflow.since) - now).days)
    shown = list(workflow_occurrences(snapshot, terms, workflow, now, ahead))
    here = [each for each in shown if each.deployment is not None and each.deployment.number]
    late = {each.id for each in here if {*fields} & SENT_FIELDS or each.state not in OPEN}
    found = [each for each in shown if each.state in OPEN and each.id not in late]
    text = f"It changes {count(len(found), 'job')} still to come"
    text += f": {_days([each.day for each in found])}." if found else "."
    there = {each.day for each in shown}
    former = (*workflow_occurrences(snapshot, terms, before, now, ahead),)
    missing = [each.day for each in former if each.state in OPEN and each.day not in there]
    if missing and (before.repeat or workflow.repeat):
        text += f" No longer created: {count(len(missing), 'job')}: {_days(missing)}."
    if workflow.repeat is None and not found and shown and shown[0].state == "skipped":
        text = "This changes no job for now: the job is skipped."
    if late:
        text += f" Jobs that are already in XPM stay as they are: {count(len(late), 'job')}."
    return tuple(each.id for each in found), text


def _days(found: list[date]) -> str:
    days = ", ".join(map(str, found[:MAX_NAMED]))
    return f"{days} and {len(found) - MAX_NAMED} more within a year" if len(found) > MAX_NAMED else days


def _unfinished_deployments(practice: OpenPractice, snapshot: Snapshot, rows: list[Deployment]) -> list[str]:
    """Return the ids of deployments that were held or failed before their job was created.

    If they stayed, they would keep their old dates, and the new dates would be added.

    Raises:
        Busy: A job is being created at the moment.
        BadInput: The outcome of a write is unknown.
    """
    found = [row.id for row in rows if not row.number and row.state != "skipped"]
    for id_ in found:
        refuse_while_created(practice, find_job(practice, id_))
    unknown = next((intent.record for intent in unanswered(snapshot) if intent.record in found), "")
    if unknown:
        raise BadInput(
            f"Job {unknown} was sent to XPM and no answer came, so its dates and client cannot be changed.",
            hint=f"Decide what happened to it: xpm-tui jobs retry {unknown} --sent adopt|again|drop",
        )
    return found


class FieldView(msgspec.Struct, frozen=True, kw_only=True):
    """An editable field: its name for ``edit_workflow``, its label and help, and the present value.

    ``typed`` says that values other than the options are possible.
    """

    name: str
    label: str
    help: str
    value: str
    options: tuple[tuple[str, str], ...] = ()
    typed: bool = False


def editable_fields(practice: OpenPractice, job: str) -> list[FieldView]:
    """Return the editable fields of a job, each with its value as ``edit_workflow`` takes it.

    Raises:
        NotFound: There is no such job.
    """
    snapshot, terms = practice.snapshot(), terms_of(practice)
    found, view = find_job(practice, job), preview_job(practice, job)
    workflow, repeat = found.workflow, found.workflow.repeat
    rows = snapshot.find(DEPLOYMENTS, "workflow", workflow.id)
    if repeat is None:
        name, hidden = (
            view.name,
            {"due_days", "until", *(SENT_FIELDS if any(row.number for row in rows) else ())},
        )
    else:
        name, hidden = workflow.job_name or terms.name_recurring, {"due"}
        hidden |= {*_DATES} if any(row.number or row.earlier for row in rows) else set()
    proposal = snapshot.get(PROPOSALS, workflow.proposal)
    ends = recurrence(workflow, proposal)
    days = terms.due_days if workflow.due_days is None else workflow.due_days
    client = snapshot.get(CLIENTS, view.client.id) if view.client else None

    def person(role: str) -> str:
        typed = getattr(workflow, role)
        return _named(snapshot, first_given(typed, getattr(proposal, role, ""), getattr(client, role, "")))

    there = {
        "name": name,
        "description": view.description,
        "category": view.category,
        "budget": view.budget,
        "partner": person("partner"),
        "manager": person("manager"),
        "staff": ", ".join(_named(snapshot, each) for each in workflow.staff),
        "reference": view.reference if workflow.reference is None else workflow.reference,
        "templates": ", ".join(ref.name for ref in view.templates),
        "due": str(view.due),
        "due_days": "" if days is None else str(days),
        "days_early": str(terms.days_early if workflow.days_early is None else workflow.days_early),
        "state": view.state_code,
        "automatic": "yes" if found.automatic else "no",
        "start": str(workflow.start),
        "repeat": recurrence_name(repeat),
        "until": str(ends.end) if ends is not None and ends.end is not None else "",
        "client": _client_named(snapshot, client),
    }
    return [
        FieldView(
            name=field,
            label=JOB_FIELDS[field].text,
            help=JOB_FIELDS[field].help,
            value=there[field],
            options=_options(snapshot, field, there[field], terms.state_code),
            typed=field == "state",
        )
        for field in FIELDS
        if field not in hidden
    ]


def _options(snapshot: Snapshot, field: str, value: str, code: str) -> tuple[tuple[str, str], ...]:
    """Return what can be chosen for a field, as (value, label); empty if it is typed."""
    if field in ("partner", "manager"):
        team = [member for member in snapshot.rows(TEAM) if member.active]
        known = {_named(snapshot, each.id): _labelled(each, team) for each in team}
        nobody = "Nobody"
    elif field == "category":
        known = {row.name: row.name for row in snapshot.rows(CATEGORIES) if not row.gone}
        nobody = "None"
    elif field == "state":
        # XPM has no list of its codes: these are the ones of the settings and of other jobs.
        codes = (code, *(row.state_code for row in snapshot.rows(WORKFLOWS)))
        known = {each: each for each in codes if each}
        nobody = "XPM's first state"
    else:
        return ()
    if value:
        known.setdefault(value, value)
    return (("", nobody), (DEFAULT, "Default: as in the proposal or the settings"), *sorted(known.items()))


def _labelled(member: TeamMember, team: Sequence[TeamMember]) -> str:
    several = sum(exact(each.name) == exact(member.name) for each in team) > 1
    name = f"{member.name}, {member.email or member.id}" if several else member.name
    return name if member.staff else f"{name} (not linked to XPM)"


def _client_named(snapshot: Snapshot, client: Client | None) -> str:
    """Return a client as a user would type it: its name, or its id if several clients have that name."""
    if client is None:
        return ""
    return client.name if len(snapshot.find(CLIENTS, "name", exact(client.name))) == 1 else client.id


def _named(snapshot: Snapshot, member: str) -> str:
    """Return a team member as a user would type it: the name, or the id if several have that name."""
    row = snapshot.get(TEAM, member) if member else None
    if row is None:
        return member
    same = sum(exact(each.name) == exact(row.name) for each in snapshot.rows(TEAM))
    return row.name if same == 1 else member


def _edited(snapshot: Snapshot, workflow: Workflow, field: str, text: str) -> Workflow:
    if field in _CALENDAR:
        return _calendar(workflow, field, text)
    if field == "automatic":
        if text not in ("yes", "no"):
            raise BadInput(f"automatic: '{visible(text, 40)}' is neither yes nor no.")
        return msgspec.structs.replace(workflow, automatic=text)
    name = _ATTRIBUTES.get(field, field)
    if text.casefold() == DEFAULT:
        return msgspec.structs.replace(workflow, **{name: () if field == "staff" else None})
    return msgspec.structs.replace(workflow, **{name: _value(snapshot, field, text)})


def _value(snapshot: Snapshot, field: str, text: str) -> Any:
    if field in ("partner", "manager"):
        return find_member(snapshot, text).id if text else ""
    if field == "staff":
        return tuple(dict.fromkeys(_listed(text, lambda each: find_member(snapshot, each).id)))
    if field == "templates":
        return tuple(dict.fromkeys(_listed(text, lambda each: find_template(snapshot, each).uuid)))
    if field == "client":
        if not text:
            raise BadInput("A job needs a client.", hint="Name one, or: client=default", field="client")
        return find_client(snapshot, text).id
    if field == "category":
        return find_category(snapshot, text)
    if field == "budget":
        plain = amount(text)
        if text and not BUDGET.fullmatch(plain):
            raise BadInput(f"budget: '{visible(text, 40)}' is not a number.", hint="For example: 1200.00")
        return plain
    if field == "due_days" and not text:
        return None
    if field in ("due_days", "days_early"):
        low = 1 if field == "due_days" else 0
        if not text.isdecimal() or len(text) > 4 or not low <= int(text) <= 3660:
            raise BadInput(f"{field}: '{visible(text, 40)}' is not a number of days from {low} to 3,660.")
        return int(text)
    if field == "due":
        return parse_day(field, text)
    if field == "name" and (not text or len(text) > LONGEST_NAME):
        raise BadInput(f"The name of a job must have 1 to {LONGEST_NAME} characters.", field="name")
    return text


def _calendar(workflow: Workflow, field: str, text: str) -> Workflow:
    if field == "start":
        start = parse_day(field, text)
        if start is None:
            raise BadInput("A workflow must have a start.", field="start")
        return msgspec.structs.replace(workflow, start=start)
    if field == "until":
        if workflow.repeat is None:
            raise BadInput("Only a recurring job can have an end: set repeat= first.", field="until")
        follows = text.casefold() == DEFAULT
        return msgspec.structs.replace(
            workflow, repeat=with_end(workflow.repeat, "" if follows else text or ENDLESS)
        )
    repeat: Repeat | None = parse_repeat(text)
    if repeat is not None and workflow.repeat is not None:
        last_day = workflow.repeat.last_day and repeat.unit == "month"
        repeat = msgspec.structs.replace(
            workflow.repeat, unit=repeat.unit, every=repeat.every, last_day=last_day
        )
    return msgspec.structs.replace(workflow, repeat=repeat)


def _listed(text: str, find: Callable[[str], str]) -> Iterator[str]:
    """Find each name of a comma-separated list; names may contain commas, and the longest one wins."""
    parts, at = text.split(","), 0
    while at < len(parts):
        for end in range(len(parts), at, -1):
            name = ",".join(parts[at:end]).strip()
            if not name:
                break
            try:
                yield find(name)
            except NotFound:
                if end == at + 1:
                    raise
                continue
            break
        at = end


def _store_edited(
    practice: OpenPractice, snapshot: Snapshot, workflow: Workflow, field: str, *, also: Iterable[Write]
) -> None:
    """Store an edited workflow and ``also``. Raises ``StoreChanged`` if it was changed since."""
    line = Audit(at=practice.clock.now(), by=practice.person, what="edited", about=field)
    workflow = msgspec.structs.replace(workflow, audit=(*workflow.audit, line))
    practice.store.commit([Put(WORKFLOWS, workflow), *also], since=snapshot)
    practice.events.emit(Event(key="workflow.edited", record=workflow.id, field=field))
