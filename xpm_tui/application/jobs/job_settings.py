"""On what terms a practice deploys, and which day it is there.

What new jobs follow unless their workflow says otherwise, and what of it XPM no longer has.
"""

from __future__ import annotations

from datetime import date

import msgspec

from xpm_tui.application.jobs.views import CategoryView, DefaultView
from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.practice_identity import list_state
from xpm_tui.application.runs.due import time_zone
from xpm_tui.deploy.job_spec import JobTerms
from xpm_tui.domain.formatting import count, plural
from xpm_tui.domain.identity import exact
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import CATEGORIES, SERVICES, TEMPLATES
from xpm_tui.settings.kinds import billing_categories

IGNITION = (
    "Ignition's own XPM integration may still create the jobs of accepted proposals, so every job "
    "could be created twice. No jobs are created from here."
)
IGNITION_HINT = "Switch off XPM in Ignition, then: xpm-tui settings set jobs.ignition_deploys no"


def terms_of(practice: OpenPractice) -> JobTerms:
    """The settings ``jobs.*`` in force."""
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
        JobTerms,
    )


def today(practice: OpenPractice) -> date:
    """The day that it is in the practice's time zone."""
    return practice.clock.now().astimezone(time_zone(practice)).date()


CATEGORY, BY_BILLING = "jobs.default_category", "jobs.category_by_billing"
_BUDGETS = {"none": "none", "proposal": "the value of the services"}


def categories(practice: OpenPractice) -> list[CategoryView]:
    """XPM's job categories by name; those that are gone last."""
    wanted = exact(practice.settings.text(CATEGORY))
    rows = sorted(practice.snapshot().rows(CATEGORIES), key=lambda row: (row.gone, row.name.casefold()))
    return [
        CategoryView(
            uuid=row.uuid,
            name=row.name,
            gone=row.gone,
            default=bool(wanted) and wanted in (exact(row.name), row.uuid),
        )
        for row in rows
    ]


def defaults(practice: OpenPractice) -> list[DefaultView]:
    """The settings in the order in which they are asked for."""
    settings = practice.settings
    early = settings.number("jobs.days_early")
    told = {
        CATEGORY: ("category", settings.text(CATEGORY) or "none"),
        BY_BILLING: ("by billing", settings.text(BY_BILLING) or "none"),
        "jobs.budget": ("budget", _BUDGETS[settings.text("jobs.budget")]),
        "jobs.state_code": ("state", settings.text("jobs.state_code") or "XPM's first"),
        "jobs.days_early": ("deployed", f"{count(early, 'day')} early" if early else "on its date"),
    }
    trouble = {CATEGORY: category_error(practice), BY_BILLING: billing_trouble(practice)}
    return [
        DefaultView(
            key=key,
            label=label,
            value=value,
            origin=settings.origin(key),
            trouble=trouble.get(key, ""),
        )
        for key, (label, value) in told.items()
    ]


def category_error(practice: OpenPractice) -> str:
    """Return why the default category cannot be given to a job, as a sentence.

    Empty where it can be given, and where XPM's list of categories was never read.
    """
    return _category_trouble(practice, practice.settings.text(CATEGORY))


def billing_trouble(practice: OpenPractice) -> str:
    """The same for the categories by billing type: the first that cannot be given."""
    names = billing_categories(practice.settings.text(BY_BILLING)).values()
    return next(filter(None, (_category_trouble(practice, name) for name in names)), "")


def _category_trouble(practice: OpenPractice, wanted: str) -> str:
    snapshot = practice.snapshot()
    if not exact(wanted) or list_state(snapshot, "categories").full is None:
        return ""
    same = [row for row in snapshot.rows(CATEGORIES) if exact(wanted) in (exact(row.name), row.uuid)]
    shown = visible(wanted, 80)
    if not same:
        return f"XPM has no job category {shown}: jobs that would get it are held."
    if all(row.gone for row in same):
        return f"XPM no longer has the job category {shown}: jobs that would get it are held."
    return ""


def vanished(snapshot: Snapshot) -> list[str]:
    """Each job template that services call for and XPM no longer has, in a sentence with their count."""
    if not snapshot.count(TEMPLATES):
        return []
    calls: dict[str, int] = {}
    for service in snapshot.rows(SERVICES):
        for uuid in service.templates:
            calls[uuid] = calls.get(uuid, 0) + 1
    found = []
    for uuid, number in calls.items():
        row = snapshot.get(TEMPLATES, uuid)
        if row is None or row.gone:
            name = visible(row.name if row else uuid, 80)
            found.append(
                f"XPM no longer has the job template {name}: {count(number, 'service')} "
                f"{plural(number, 'calls/call')} for it, and their jobs are held."
            )
    return found
