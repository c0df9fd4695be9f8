"""The service library, the practice's settings for jobs, and what of them XPM no longer has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from xpm_tui.application import undo_history
from xpm_tui.application.jobs.views import CategoryView, DefaultView
from xpm_tui.application.practice import OpenPractice, list_state
from xpm_tui.application.presenters.views import RefView, ServiceView
from xpm_tui.domain.errors import BadInput, DecisionNeeded, NotFound
from xpm_tui.domain.events import Event
from xpm_tui.domain.formatting import count, plural
from xpm_tui.domain.ignition import SERVICE_ID, Service
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import CATEGORIES, PROPOSALS, SERVICES, TEMPLATES
from xpm_tui.lazy import lazy_imports
from xpm_tui.settings.kinds import billing_categories

with lazy_imports():
    from xpm_tui.application.clients import edits
    from xpm_tui.application.presenters import lookup
    from xpm_tui.deploy import job_spec
    from xpm_tui.domain import identity
    from xpm_tui.ignition import cell_readers

if TYPE_CHECKING:
    from xpm_tui.deploy.job_spec import JobTerms

COLUMNS = ("Description", "Billing Type", "Price")
"""Columns that a service can have even if no file contained them."""


def list_services(practice: OpenPractice) -> list[ServiceView]:
    """Return all services in order of arrival."""
    snapshot = practice.snapshot()
    return [_view(snapshot, service) for service in snapshot.rows(SERVICES)]


def new_service(
    practice: OpenPractice, name: str, values: Mapping[str, str], *, anyway: bool = False
) -> ServiceView:
    """Create a service; ``values`` are columns of Ignition's file by their heading.

    Raises ``BadInput``, also if a service has that name and ``anyway`` is not given.
    """
    practice.writable()
    snapshot = practice.snapshot()
    made = _edited(snapshot, Service(id="", name=""), {"name": name, **values})
    same = snapshot.find(SERVICES, "name", identity.exact(made.name))
    if same and not anyway:
        raise BadInput(
            f"There is already a service '{visible(made.name, 80)}': {same[0].id}.",
            hint="To add another one with the same name, use --anyway.",
        )
    made = msgspec.structs.replace(made, id=practice.ids.new("s")[0])
    undo_history.commit_undoable(practice, snapshot, SERVICES, [made], f"the creation of {made.name}")
    practice.events.emit(Event(key="service.added", record=made.id))
    return _view(practice.snapshot(), made)


def edit_service(practice: OpenPractice, service: str, values: Mapping[str, str]) -> ServiceView:
    """Change the name or a column of a service; an empty text removes the column.

    Raises ``NotFound`` and ``BadInput``.
    """
    practice.writable()
    snapshot = practice.snapshot()
    before = find_service(snapshot, service)
    after = _edited(snapshot, before, values)
    if after != before:
        undo_history.commit_undoable(practice, snapshot, SERVICES, [after], f"the change to {before.name}")
        for name in values:
            field = "name" if name == "name" else "extra"
            practice.events.emit(Event(key="service.edited", record=before.id, field=field))
    return _view(practice.snapshot(), after)


def delete_service(practice: OpenPractice, service: str) -> Service:
    """Delete a service, found by id, Ignition's id or name; ``undo`` restores it.

    Raises ``NotFound``, and ``DecisionNeeded`` if proposals contain it.
    """
    practice.writable()
    snapshot = practice.snapshot()
    found = find_service(snapshot, service)
    using = [
        each.number or each.id
        for each in snapshot.rows(PROPOSALS)
        if any(line.service == found.id for line in each.services)
    ]
    if using:
        named = visible(", ".join(using[:5]), 200)
        raise DecisionNeeded(
            f"{visible(found.name, 80)} ({found.id}) was not deleted: "
            f"{count(len(using), 'proposal')} ({named}) {plural(len(using), 'has/have')} this service."
        )
    undo_history.remove(
        practice, snapshot, SERVICES, [(SERVICES, found, None)], f"the deletion of {found.name}"
    )
    practice.events.emit(Event(key="service.deleted", record=found.id))
    return found


def find_service(snapshot: Snapshot, text: str) -> Service:
    """Return a service by our id, Ignition's, or exact name. Raises ``NotFound`` and ``BadInput``."""
    typed = text.strip()
    found = snapshot.get(SERVICES, typed)
    if found is not None:
        return found
    hits = [each for each in snapshot.rows(SERVICES) if typed and each.extra.get(SERVICE_ID) == typed]
    hits = hits or snapshot.find(SERVICES, "name", identity.exact(typed))
    found = lookup.only_hit(hits, typed, "services", lambda each: each.id)
    if found is not None:
        return found
    raise NotFound(f"There is no service '{visible(typed, 80)}'.", hint="List them: xpm-tui services list")


def _edited(snapshot: Snapshot, service: Service, values: Mapping[str, str]) -> Service:
    extra, name = dict(service.extra), service.name
    known = [*COLUMNS, *(each for row in snapshot.rows(SERVICES) for each in row.extra)]
    headings = {each.casefold(): each for each in known}
    for typed, text in values.items():
        edits.refuse_unusable_text(visible(typed, 60), text)
        if typed == "name":
            name = cell_readers.clean_cell(text)
            continue
        edits.known_field(typed, typed.casefold(), ["name", *headings])
        heading = headings[typed.casefold()]
        if cell_readers.clean_cell(text):
            extra[heading] = cell_readers.clean_cell(text)
        else:
            extra.pop(heading, None)
    if not name:
        raise BadInput("A service must have a name.", field="name")
    return msgspec.structs.replace(service, name=name, extra=extra)


def _view(snapshot: Snapshot, service: Service) -> ServiceView:
    templates = ((uuid, snapshot.get(TEMPLATES, uuid)) for uuid in service.templates)
    return ServiceView(
        id=service.id,
        name=service.name,
        templates=tuple(RefView(id=uuid, name=row.name if row else uuid) for uuid, row in templates),
        no_job=service.no_job,
        fields=dict(service.extra),
    )


IGNITION = (
    "Ignition's own XPM integration may still create the jobs of accepted proposals, so every job "
    "could be created twice. No jobs are created from here."
)
IGNITION_HINT = "Switch off XPM in Ignition, then: xpm-tui settings set jobs.ignition_deploys no"


def terms_of(practice: OpenPractice) -> JobTerms:
    """Return the settings ``jobs.*`` in force."""
    settings = practice.settings
    by_period = settings.origin("jobs.due_days") == "default"
    return msgspec.convert(
        {
            "category": settings.text("jobs.default_category"),
            "category_by_billing": billing_categories(settings.text(BY_BILLING)),
            "budget": settings.text("jobs.budget"),
            "state_code": settings.text("jobs.state_code"),
            "days_early": settings.number("jobs.days_early"),
            "due_days": None if by_period else settings.number("jobs.due_days"),
            "per": settings.text("jobs.per"),
            "name": settings.text("jobs.name"),
            "name_recurring": settings.text("jobs.name_recurring"),
            "reference": settings.text("jobs.reference"),
            "number": settings.text("jobs.number"),
            "missing_person": settings.text("jobs.missing_person"),
            "automatic": settings.yes("jobs.automatic"),
            "ours": settings.text("jobs.ignition_deploys") == "no",
        },
        job_spec.JobTerms,
    )


CATEGORY, BY_BILLING = "jobs.default_category", "jobs.category_by_billing"
_BUDGETS = {"none": "none", "proposal": "the value of the services"}


def categories(practice: OpenPractice) -> list[CategoryView]:
    """Return XPM's job categories by name; those that are gone come last."""
    wanted = identity.exact(practice.settings.text(CATEGORY))
    rows = sorted(practice.snapshot().rows(CATEGORIES), key=lambda row: (row.gone, row.name.casefold()))
    return [
        CategoryView(
            uuid=row.uuid,
            name=row.name,
            gone=row.gone,
            default=bool(wanted) and wanted in (identity.exact(row.name), row.uuid),
        )
        for row in rows
    ]


def defaults(practice: OpenPractice) -> list[DefaultView]:
    """Return the defaults for new jobs, in the order of the form."""
    settings = practice.settings
    early = settings.number("jobs.days_early")
    data = {
        CATEGORY: ("category", settings.text(CATEGORY) or "none"),
        BY_BILLING: ("by billing", settings.text(BY_BILLING) or "none"),
        "jobs.budget": ("budget", _BUDGETS[settings.text("jobs.budget")]),
        "jobs.state_code": ("state", settings.text("jobs.state_code") or "XPM's first"),
        "jobs.days_early": ("deployed", f"{count(early, 'day')} early" if early else "on its date"),
    }
    trouble = {CATEGORY: category_error(practice), BY_BILLING: billing_problem(practice)}
    return [
        DefaultView(
            key=key,
            label=label,
            value=value,
            origin=settings.origin(key),
            trouble=trouble.get(key, ""),
        )
        for key, (label, value) in data.items()
    ]


def category_error(practice: OpenPractice) -> str:
    """Return why the default category cannot be used for a job, as a sentence.

    It is empty if it can be used, and if XPM's list of categories was never read.
    """
    return _category_problem(practice, practice.settings.text(CATEGORY))


def billing_problem(practice: OpenPractice) -> str:
    """Return why a category by billing type cannot be used for a job; empty if all can."""
    names = billing_categories(practice.settings.text(BY_BILLING)).values()
    return next(filter(None, (_category_problem(practice, name) for name in names)), "")


def _category_problem(practice: OpenPractice, wanted: str) -> str:
    snapshot = practice.snapshot()
    if not identity.exact(wanted) or list_state(snapshot, "categories").full is None:
        return ""
    same = [
        row
        for row in snapshot.rows(CATEGORIES)
        if identity.exact(wanted) in (identity.exact(row.name), row.uuid)
    ]
    shown = visible(wanted, 80)
    if not same:
        return f"XPM has no job category {shown}: jobs that would get it are held."
    if all(row.gone for row in same):
        return f"XPM no longer has the job category {shown}: jobs that would get it are held."
    return ""


def describe_missing_templates(snapshot: Snapshot) -> list[str]:
    """Return a sentence on each job template that services use and XPM no longer has."""
    if not snapshot.count(TEMPLATES):
        return []
    users: dict[str, int] = {}
    for service in snapshot.rows(SERVICES):
        for uuid in service.templates:
            users[uuid] = users.get(uuid, 0) + 1
    found = []
    for uuid, number in users.items():
        row = snapshot.get(TEMPLATES, uuid)
        if row is None or row.gone:
            name = visible(row.name if row else uuid, 80)
            found.append(
                f"XPM no longer has the job template {name}: {count(number, 'service')} "
                f"{plural(number, 'uses/use')} it, and their jobs are held."
            )
    return found
