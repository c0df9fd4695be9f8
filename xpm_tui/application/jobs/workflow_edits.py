"""Editing a workflow before its job is made. What is in XPM is never touched again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from xpm_tui.application.clients.edits import LONGEST, known_field
from xpm_tui.application.jobs.job_settings import terms_of
from xpm_tui.application.jobs.proposals import day, repeat_of
from xpm_tui.application.jobs.queries import find_job, preview_job, put_workflow, refuse_while_made
from xpm_tui.application.jobs.templates import find_template
from xpm_tui.application.jobs.views import PreviewView
from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.presenters.lookup import find_member
from xpm_tui.deploy.calendar import word
from xpm_tui.deploy.job_spec import BUDGET, LONGEST_NAME, amount, first_of
from xpm_tui.domain.errors import BadInput, NotFound
from xpm_tui.domain.identity import exact
from xpm_tui.domain.ports import Drop, Snapshot
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import CATEGORIES, CLIENTS, DEPLOYMENTS, PROPOSALS, TEAM
from xpm_tui.domain.workflows import Deployment, Repeat, Workflow
from xpm_tui.sync.journal import without_end

FIELDS = (
    "name", "description", "category", "budget", "partner", "manager", "staff", "reference", "templates",
    "due", "due_days", "days_early", "state", "automatic", "start", "repeat", "until",
)  # fmt: skip
SENT = frozenset({*FIELDS[:4], "reference", "due", "due_days", "start", "repeat", "until"})
"""What goes out with the job itself: once it is in XPM, the rest is finished and these stay."""
DEFAULT = "default"
"""Instead of a value: follow the proposal, its services and the settings again."""

_ATTRIBUTES = {"name": "job_name", "state": "state_code"}
_LABELS = {
    "due_days": "due after, days", "days_early": "days early", "state": "state code", "staff": "staff (a, b)",
    "templates": "templates (a, b)", "automatic": "by itself", "repeat": "comes back",
}  # fmt: skip
_CALENDAR = ("start", "repeat", "until")


def edit_workflow(practice: OpenPractice, job: str, values: Mapping[str, str]) -> PreviewView:
    """Change fields of a workflow: the value ``default`` follows proposal and settings again, an empty one is
    nobody or nothing. Raises ``BadInput``, also where the job is in XPM already, and ``NotFound``."""
    practice.writable()
    snapshot = practice.snapshot()
    workflow = find_job(practice, job).workflow
    rows = snapshot.find(DEPLOYMENTS, "workflow", workflow.id)
    made = [row for row in rows if row.state == "deployed"]
    there = [row for row in rows if row.number] if workflow.repeat is None else []
    if made and workflow.repeat is None:
        raise BadInput(
            f"Job {made[0].number} is in XPM already: it is never touched from here again.",
            hint="Change it in XPM.",
        )
    after = workflow
    for typed, text in values.items():
        field = typed.strip().casefold().replace("-", "_")
        known_field(typed, field, FIELDS)
        if there and field in SENT:
            raise BadInput(
                f"{field}: job {there[0].number} is in XPM already, so that stays as it is there.",
                hint="Change it in XPM. Templates, people and state can still be changed here.",
            )
        if field in _CALENDAR and workflow.repeat is None and any(row.state == "skipped" for row in rows):
            raise BadInput(
                f"{field}: the job of workflow {workflow.id} is skipped, so its date stays.",
                hint=f"Take that back first: xpm-tui jobs skip {workflow.id} --undo",
            )
        if field in _CALENDAR and any(row.number or row.earlier for row in rows):
            raise BadInput(f"{field}: jobs of workflow {workflow.id} are in XPM, so its dates stay.")
        if "\0" in text or len(text) > LONGEST:
            raise BadInput(f"{field} is too long, or holds a null character.")
        after = _edited(snapshot, after, field, text.strip())
    if after.repeat is not None and after.repeat.end is not None and after.repeat.end < after.start:
        raise BadInput(f"The end {after.repeat.end} is before the start {after.start}.", field="until")
    if after.repeat is None and after.due is not None and after.due < after.start:
        raise BadInput(
            f"The job would be due on {after.due}, before it starts on {after.start}.", field="due"
        )
    if after != workflow:
        moved = (after.start, after.repeat) != (workflow.start, workflow.repeat)
        begun = _not_made(practice, snapshot, rows) if moved else []
        drops = [Drop(DEPLOYMENTS, id_) for id_ in begun]
        put_workflow(practice, snapshot, after, ", ".join(values), also=drops)
    return preview_job(practice, workflow.id)


def _not_made(practice: OpenPractice, snapshot: Snapshot, rows: list[Deployment]) -> list[str]:
    """Ids of what was held or failed before its job was made: kept, it would stay on its old date, beside the
    new one. Raises ``Busy`` where it is being made just now, ``BadInput`` where nobody can tell."""
    found = [row.id for row in rows if not row.number and row.state != "skipped"]
    for id_ in found:
        refuse_while_made(snapshot, find_job(practice, id_))
    unknown = next((intent.record for intent in without_end(snapshot) if intent.record in found), "")
    if unknown:
        raise BadInput(
            f"Job {unknown} was sent to XPM and no answer came, so its dates stay.",
            hint=f"Say what became of it: xpm-tui jobs retry {unknown} --sent adopt|again|drop",
        )
    return found


class FieldView(msgspec.Struct, frozen=True, kw_only=True):
    """A field that can be edited: its name for ``edit_workflow``, its label, and what is there now."""

    name: str
    label: str
    value: str


def values(practice: OpenPractice, job: str) -> list[FieldView]:
    """What can still be edited of a job, each with the value that ``edit_workflow`` would read back to the
    same. Raises ``NotFound`` and ``BadInput``."""
    snapshot, terms = practice.snapshot(), terms_of(practice)
    found, view = find_job(practice, job), preview_job(practice, job)
    workflow, repeat = found.workflow, found.workflow.repeat
    rows = snapshot.find(DEPLOYMENTS, "workflow", workflow.id)
    if repeat is None:
        name, gone = view.name, {"due_days", "until", *(SENT if any(row.number for row in rows) else ())}
    else:
        name, gone = workflow.job_name or terms.name_recurring, {"due"}
        gone |= {*_CALENDAR} if any(row.number or row.earlier for row in rows) else set()
    proposal = snapshot.get(PROPOSALS, workflow.proposal)
    client = snapshot.get(CLIENTS, view.client.id) if view.client else None

    def person(role: str) -> str:
        typed = getattr(workflow, role)
        return _named(snapshot, first_of(typed, getattr(proposal, role, ""), getattr(client, role, "")))

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
        "due_days": str(terms.due_days if workflow.due_days is None else workflow.due_days),
        "days_early": str(terms.days_early if workflow.days_early is None else workflow.days_early),
        "state": view.state_code,
        "automatic": "yes" if found.automatic else "no",
        "start": str(workflow.start),
        "repeat": word(repeat),
        "until": str(repeat.end) if repeat is not None and repeat.end is not None else "",
    }
    return [
        FieldView(name=field, label=_LABELS.get(field, field.replace("_", " ")), value=there[field])
        for field in FIELDS
        if field not in gone
    ]


def _named(snapshot: Snapshot, member: str) -> str:
    """A team member as a person would type it: by name, or by id where several have that name."""
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
    if field == "category":
        return _category(snapshot, text)
    if field == "budget":
        plain = amount(text)
        if text and not BUDGET.fullmatch(plain):
            raise BadInput(f"budget: '{visible(text, 40)}' is not a number.", hint="Write 1200.00.")
        return plain
    if field in ("due_days", "days_early"):
        low = 1 if field == "due_days" else 0
        if not text.isdecimal() or len(text) > 4 or not low <= int(text) <= 3660:
            raise BadInput(f"{field}: '{visible(text, 40)}' is no number of days from {low} to 3,660.")
        return int(text)
    if field == "due":
        return day(field, text)
    if field == "name" and (not text or len(text) > LONGEST_NAME):
        raise BadInput(f"A job's name has 1 to {LONGEST_NAME} characters.", field="name")
    return text


def _category(snapshot: Snapshot, text: str) -> str:
    if not text:
        return ""
    row = snapshot.get(CATEGORIES, text.lower())
    hits = [row] if row else [
        each for each in snapshot.rows(CATEGORIES) if exact(each.name) == exact(text) and not each.gone
    ]  # fmt: skip
    if not hits:
        names = ", ".join(sorted(each.name for each in snapshot.rows(CATEGORIES) if not each.gone)[:12])
        raise NotFound(f"XPM has no job category '{visible(text, 80)}'.", hint=f"It has: {names or 'none'}.")
    if len(hits) > 1:
        shown = ", ".join(each.uuid for each in hits)
        raise BadInput(f"'{visible(text, 80)}' is several job categories.", hint=f"Say which: {shown}.")
    return hits[0].uuid


def _calendar(workflow: Workflow, field: str, text: str) -> Workflow:
    if field == "start":
        start = day(field, text)
        if start is None:
            raise BadInput("A workflow needs a start.", field="start")
        return msgspec.structs.replace(workflow, start=start)
    if field == "until":
        if workflow.repeat is None:
            raise BadInput("An end is for a job that comes back: say repeat= first.", field="until")
        return msgspec.structs.replace(
            workflow, repeat=msgspec.structs.replace(workflow.repeat, end=day(field, text))
        )
    repeat: Repeat | None = repeat_of(text)
    if repeat is not None and workflow.repeat is not None:
        last_day = workflow.repeat.last_day and repeat.unit == "month"
        repeat = msgspec.structs.replace(repeat, end=workflow.repeat.end, last_day=last_day)
    return msgspec.structs.replace(workflow, repeat=repeat)


def _listed(text: str, find: Callable[[str], str]) -> Iterator[str]:
    """What a list with commas names, where a name may hold commas, too: the longest that is known counts."""
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
