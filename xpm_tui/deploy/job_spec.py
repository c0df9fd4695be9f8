"""The exact job of an occurrence, from workflow, proposal, services and settings, and its problems."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

import msgspec

from xpm_tui.deploy.calendar import last_day, period, recurrence
from xpm_tui.deploy.services import budget_parts, required_categories
from xpm_tui.domain.identity import exact
from xpm_tui.domain.ignition import Client, JobSpec, Proposal, ProposalService, Service, Workflow
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import CATEGORIES, SERVICES, STAFF, TEAM, TEMPLATES
from xpm_tui.lazy import pattern

Per = Literal["proposal", "project", "entity"]


class JobTerms(msgspec.Struct, frozen=True, kw_only=True):
    """The settings ``jobs.*`` of the practice.

    ``category`` and the values of ``category_by_billing`` are names. ``number`` is a pattern for job numbers,
    empty if XPM assigns them. Without ``due_days``, a recurring job is due at the end of its period, and any
    other job after a year. ``ours`` means that Ignition no longer deploys to XPM, so this tool may.
    """

    category: str = ""
    category_by_billing: dict[str, str] = {}
    budget: Literal["none", "proposal"] = "none"
    state_code: str = ""
    days_early: int = 0
    due_days: int | None = None
    per: Per = "proposal"
    name: str = "{proposal}"
    name_recurring: str = "{proposal} {period}"
    reference: Literal["none", "client", "proposal"] = "proposal"
    number: str = ""
    missing_person: Literal["skip", "hold"] = "skip"
    automatic: bool = False
    ours: bool = False


class JobStaff(msgspec.Struct, frozen=True, kw_only=True):
    """Partner, manager and staff as UUIDs of XPM; ``missing`` says who has no staff record, and why."""

    partner: str = ""
    manager: str = ""
    staff: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def job_staff(snapshot: Snapshot, partner: str, manager: str, staff: tuple[str, ...]) -> JobStaff:
    """Return the staff records of team members; an empty id means no one."""
    missing: list[str] = []

    def of(member: str, role: str) -> str:
        person = snapshot.get(TEAM, member) if member else None
        if person is None:
            if member:
                missing.append(f"The {role} {member} is not in the team")
            return ""
        row = snapshot.get(STAFF, person.staff) if person.staff else None
        if row is not None and not row.gone:
            return row.uuid
        why = "is no longer listed in XPM" if person.staff else "is not linked to anyone in XPM"
        missing.append(f"{person.name} ({role}) {why}")
        return ""

    found = JobStaff(partner=of(partner, "partner"), manager=of(manager, "manager"))
    people = dict.fromkeys(uuid for each in staff if (uuid := of(each, "staff")))
    return msgspec.structs.replace(found, staff=tuple(people), missing=tuple(missing))


Weight = Literal["hold", "ask", "note"]

_SENTENCES: dict[str, tuple[Weight, str, str]] = {
    "no-client": ("hold", "Its proposal names no client that is known here: {about}.",
                  "Import or create the client, then import the proposals again."),
    "client-ignored": ("hold", "{about} is ignored: it has no XPM client.",
                       "Stop ignoring it first, or skip the job."),
    "client-gone": ("hold", "XPM no longer has the client that {about} is linked to.",
                    "Link another one, or create it in XPM: clients review."),
    "client-converted": ("hold", "The prospect that {about} is linked to became a client with another id.",
                         "Link the new one."),
    "client-merged": ("hold", "The XPM client of {about} was merged into another one.",
                      "Accept the surviving one: clients review."),
    "client-ambiguous": ("hold", "It is not clear which XPM client {about} is.", "Link it: clients review."),
    "client-archived": ("hold", "The XPM client of {about} is archived.",
                        "Restore it from the archive in XPM, or link another client, then sync."),
    "client-waits": ("hold", "{about}", "Link the client: clients review."),
    "client-new": ("note", "XPM has no client {about} yet: it is created first.", ""),
    "entity-unlinked": ("ask", "The entity {about} is not linked to an XPM client.",
                        "Link it (clients review), or confirm that it is created in XPM."),
    "entity-prospect": ("ask",
                        "The entity {about} is a prospect in XPM: its id changes when it becomes a client.",
                        "Make it a client in XPM and link it again, or confirm the job."),
    "entity-gone": ("hold", "The proposal has no services for the entity {about} any more.",
                    "Skip the job (jobs skip), or choose its client: jobs edit ID client=..."),
    "entities": ("hold", "Its services are for several clients: {about}.",
                 "Choose the one that gets this job: jobs edit ID client=..."),
    "other-client": ("hold", "An earlier attempt created job {about}, which is not this job's client.",
                     "Delete that job in XPM and sync, or choose its client: jobs edit ID client=..."),
    "period-taken": ("hold", "The former term already has job {about} for this period.",
                     "Skip this job: jobs skip ID"),
    "prospect": ("note", "{about} is a prospect in XPM: its id changes when it becomes a client.", ""),
    "no-name": ("hold", "The job has no name.", "Give it a name: jobs edit ID name=..."),
    "long-name": ("hold", "The job's name has {about} characters; XPM accepts at most 255.",
                  "Shorten it: jobs edit ID name=..."),
    "no-description": ("note", "The job has no description: no service is on the proposal.", ""),
    "due-first": ("hold", "The job would be due before it starts: {about}.",
                  "Set the date: jobs edit ID due=YYYY-MM-DD"),
    "after-end": ("hold", "Its date is after the end of its proposal, or of its recurrence: {about}.",
                  "Skip it (jobs skip), or change the date until which the job recurs: jobs edit "
                      "ID until=DATE"),
    "bad-budget": ("hold", "The budget is not a number: {about}.", "Set it: jobs edit ID budget=1200.00"),
    "no-price": ("note", "The budget is left out, because a price is not a number: {about}.", ""),
    "no-template": ("ask", "None of its services is linked to a job template: the job would have no tasks.",
                    "Link the services (templates link), or deploy it anyway."),
    "service-bare": ("note", "The service {about} has no job template.", ""),
    "template-gone": ("hold", "XPM no longer has the job template {about}.",
                      "Link another one: templates link, or jobs edit ID templates=..."),
    "category-gone": ("hold", "XPM has no job category {about}.",
                      "Choose another one: jobs edit ID category=..., or the setting jobs.default_category."),
    "category-unlisted": ("hold",
                          "The category {about} cannot be looked up: the login cannot read XPM's categories.",
                          "Give its UUID (jobs edit ID category=UUID, or jobs.default_category), or let the "
                          "login read the list: settings set xero.scopes standard, then connect."),
    "category-several": ("hold", "XPM has several job categories {about}.",
                         "Choose one by its UUID: jobs edit ID category=..."),
    "categories-differ": ("ask", "Its services have different job categories: {about}. The job would get the "
                          "first.", "Choose one: jobs edit ID category=..., or create one job per project."),
    "person-left-out": ("note", "{about}, and is left out.", "Link the person: team link."),
    "person-missing": ("hold", "{about}.", "Link the person: team link. Or set jobs.missing_person to skip."),
    "reference-ours": ("note", "An open job of this proposal already has the reference {about}, so it is "
                       "left out.", ""),
    "reference-taken": ("ask", "The open job {about} already has this reference, so invoices might "
                        "attach to the wrong job.",
                        "Remove it (jobs edit ID reference=), or deploy the job anyway."),
    "same-job": ("ask", "The client already has an open job with this name and start: {about}. Ignition "
                 "may have created it.", "Skip it (jobs skip), or deploy it anyway."),
    "same-name": ("note", "The client already has an open job with this name: {about}.", ""),
    "number-taken": ("hold", "XPM already has a job {about}.",
                     "Change the setting jobs.number, or empty it."),
    "stopped": ("hold", "{about}", "Take the proposal over again to continue."),
    "not-ours": ("hold", "The proposal is not taken over: {about}.", "Take it over: proposals take-over ID"),
    "ignition": ("hold", "Ignition's own XPM integration may still create this job, too.",
                 "Switch it off there, then: settings set jobs.ignition_deploys no"),
}  # fmt: skip


class JobProblem(msgspec.Struct, frozen=True, kw_only=True):
    """A problem of a job.

    ``hold`` holds it, ``ask`` holds it until the user confirms it, and ``note`` is only reported.
    """

    code: str
    about: str = ""

    @property
    def weight(self) -> Weight:
        """Return whether it holds the job."""
        return _SENTENCES[self.code][0]

    @property
    def sentence(self) -> str:
        """Return what is wrong."""
        return _SENTENCES[self.code][1].replace("{about}", str(visible(self.about, 160)))

    @property
    def hint(self) -> str:
        """Return what to do about it."""
        return _SENTENCES[self.code][2]


LONGEST_NAME = 255
"""The most characters of a job name in XPM."""
A_YEAR = 365
"""Days from start to due of a one-time job without a due date."""
BUDGET = pattern(r"[0-9]{1,12}(\.[0-9]{1,2})?")
"""A budget in XPM's form: a plain decimal number."""
UUID = pattern(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
"""A category given by UUID, for a login that cannot read XPM's list."""
_AMOUNT = pattern(r"([0-9]{1,3}(?:[,' ][0-9]{3})+|[0-9]+)?(\.[0-9]+)?")


def services_of(proposal: Proposal, workflow: Workflow) -> tuple[ProposalService, ...]:
    """Return the services of the proposal that belong to this workflow, within its own term."""
    first, last = workflow.term_start, workflow.term_end
    return tuple(
        service
        for service in proposal.services
        if (not workflow.split or service.project == workflow.project)
        and (workflow.entity is None or service.entity == workflow.entity)
        and not (first and service.end and service.end < first)
        and not (last and service.start and service.start > last)
    )


def required_templates(
    snapshot: Snapshot, services: tuple[ProposalService, ...]
) -> tuple[list[str], list[str], bool]:
    """Return what a job needs for these services.

    Returns:
        The templates of the services, each once; the names of services without templates; and whether any of
        the services creates a job at all.
    """
    templates: list[str] = []
    bare: list[str] = []
    wanted = not services
    for each in services:
        known: Service | None = snapshot.get(SERVICES, each.service) if each.service else None
        if known is not None and known.no_job:
            continue
        wanted = True
        if known is None or not known.templates:
            bare.append(each.name)
        else:
            templates += known.templates
    return list(dict.fromkeys(templates)), bare, wanted


def make_spec(
    snapshot: Snapshot,
    terms: JobTerms,
    workflow: Workflow,
    proposal: Proposal,
    client: Client | None,
    day: date,
    *,
    attempt: int = 1,
) -> tuple[JobSpec, list[JobProblem]]:
    """Return what would be sent for the occurrence of that day, and its problems."""
    found: list[JobProblem] = []
    services = services_of(proposal, workflow)
    name = _name(terms, workflow, client, services, day)
    if not name:
        found.append(JobProblem(code="no-name"))
    elif len(name) > LONGEST_NAME:
        found.append(JobProblem(code="long-name", about=str(len(name))))
    description = workflow.description
    if description is None:
        description = "\n".join(service.name for service in services if service.name)
    if not description:
        found.append(JobProblem(code="no-description"))
    due = _due(terms, workflow, proposal, day)
    if due < day:
        found.append(JobProblem(code="due-first", about=f"start {day}, due {due}"))
    templates = _templates(snapshot, workflow, services, found)
    people = job_staff(
        snapshot,
        first_given(workflow.partner, proposal.partner, client.partner if client else ""),
        first_given(workflow.manager, proposal.manager, client.manager if client else ""),
        workflow.staff,
    )
    code = "person-missing" if terms.missing_person == "hold" else "person-left-out"
    found += [JobProblem(code=code, about=each) for each in people.missing]
    spec = JobSpec(
        name=name,
        description=description,
        start=day,
        due=due,
        category=_category(snapshot, terms, workflow, services, found),
        budget=_budget(snapshot, terms, workflow, services, found),
        reference=_reference(terms, workflow, proposal),
        number=own_job_number(terms.number, workflow, day, attempt),
        templates=templates,
        partner=people.partner,
        manager=people.manager,
        staff=people.staff,
        state_code=terms.state_code if workflow.state_code is None else workflow.state_code,
    )
    return spec, found


def own_job_number(pattern: str, workflow: Workflow, day: date, attempt: int) -> str:
    """Return an own job number, such as ``IGN-W3-20260701``; empty if XPM assigns it."""
    if not pattern:
        return ""
    made = pattern.replace("{workflow}", workflow.id.upper())
    if "{date}" in made:
        made = made.replace("{date}", f"{day:%Y%m%d}")
    elif workflow.repeat is not None:
        made += f"-{day:%Y%m%d}"
    return made + (f"-{attempt}" if attempt > 1 else "")


def amount(text: str) -> str:
    """Return a typed or exported amount, such as ``$1,200.50``, as a plain number; empty if it is not one.

    A comma that does not separate thousands may be a decimal comma. That cannot be decided, so such a text is
    not an amount.
    """
    plain = re.sub(r"^[$£€]?\s*|\s*(?:[A-Z]{3}|[$£€])?$", "", text.strip())
    return re.sub(r"[,' ]", "", plain) if _AMOUNT.fullmatch(plain) else ""


def budget_of(services: tuple[ProposalService, ...]) -> tuple[str, str]:
    """Return the total of price by quantity of the services, and the first price that is not a number.

    One of the two is empty.
    """
    total = Decimal(0)
    for service in services:
        if not service.price:
            continue
        price = amount(re.sub(r"[()]|^\s*-", "", service.price))
        times = amount(service.quantity or "1")
        if not price:
            return "", service.price
        if not times:
            return "", f"{service.quantity} times {service.price}"
        less = service.price.lstrip().startswith(("-", "("))
        total += (-1 if less else 1) * Decimal(price) * Decimal(times)
    total_text = f"{total:.2f}"
    if total > 0 and not BUDGET.fullmatch(total_text):
        return "", total_text
    return (total_text, "") if total > 0 else ("", "")


def _name(
    terms: JobTerms,
    workflow: Workflow,
    client: Client | None,
    services: tuple[ProposalService, ...],
    day: date,
) -> str:
    usual = terms.name if workflow.repeat is None else terms.name_recurring
    pattern = usual if workflow.job_name is None else workflow.job_name
    words = {
        "proposal": workflow.name,
        "client": client.name if client else "",
        "service": services[0].name if services else "",
        "period": period(day, workflow.repeat),
    }
    return " ".join(re.sub(r"\{(\w+)\}", lambda m: words.get(m[1], m[0]), pattern).split())


def _due(terms: JobTerms, workflow: Workflow, proposal: Proposal, day: date) -> date:
    days = terms.due_days if workflow.due_days is None else workflow.due_days
    if workflow.repeat is None:
        if workflow.due is not None:
            return workflow.due
        end = min((each for each in (proposal.end, workflow.term_end) if each), default=None)
        if workflow.due_days is None and end is not None:
            return end
    elif days is None:
        due = last_day(workflow.start, workflow.repeat, day)
        # The end of the proposal may shorten the last period, but not work that continues after it.
        repeat = recurrence(workflow, proposal)
        follows = repeat is not None and workflow.repeat.end is None and repeat.end is not None
        return min(due, repeat.end) if follows and repeat and repeat.end and day <= repeat.end else due
    return day + min(timedelta(days=A_YEAR if days is None else days), date.max - day)


def _templates(
    snapshot: Snapshot, workflow: Workflow, services: tuple[ProposalService, ...], found: list[JobProblem]
) -> tuple[str, ...]:
    called, bare, _ = required_templates(snapshot, services)
    templates = tuple(dict.fromkeys(called if workflow.templates is None else workflow.templates))
    if workflow.templates is None:
        found += [JobProblem(code="service-bare", about=name) for name in bare]
    if not templates:
        found.append(JobProblem(code="no-template"))
    is_listed = snapshot.count(TEMPLATES) > 0
    for uuid in templates:
        row = snapshot.get(TEMPLATES, uuid)
        if (row is None and is_listed) or (row is not None and row.gone):
            found.append(JobProblem(code="template-gone", about=row.name if row else uuid))
    return templates


def _category(
    snapshot: Snapshot,
    terms: JobTerms,
    workflow: Workflow,
    services: tuple[ProposalService, ...],
    found: list[JobProblem],
) -> str:
    if workflow.category is not None:
        row = snapshot.get(CATEGORIES, workflow.category) if workflow.category else None
        is_listed = snapshot.count(CATEGORIES) > 0
        if workflow.category and ((row is None and is_listed) or (row is not None and row.gone)):
            found.append(JobProblem(code="category-gone", about=row.name if row else workflow.category))
        return workflow.category
    called = required_categories(snapshot, terms.category_by_billing, services) or (terms.category,)
    uuids = [_category_named(snapshot, exact(each), found) for each in called]
    if len({*uuids}) > 1:
        rows = ((uuid, snapshot.get(CATEGORIES, uuid)) for uuid in uuids)
        names = ", ".join(row.name if row is not None else uuid for uuid, row in rows)
        found.append(JobProblem(code="categories-differ", about=names))
    return uuids[0]


def _category_named(snapshot: Snapshot, wanted: str, found: list[JobProblem]) -> str:
    """Return the UUID of a category that is given by name or UUID."""
    if not wanted:
        return ""
    if UUID.fullmatch(wanted):
        row = snapshot.get(CATEGORIES, wanted.lower())
        if row is not None and not row.gone:
            return row.uuid
        if row is None and not snapshot.count(CATEGORIES):
            return wanted.lower()
    rows = [row for row in snapshot.rows(CATEGORIES) if exact(row.name) == wanted and not row.gone]
    if len(rows) != 1:
        missing = "category-gone" if snapshot.count(CATEGORIES) else "category-unlisted"
        found.append(JobProblem(code="category-several" if rows else missing, about=wanted))
    return rows[0].uuid if rows else ""


def _budget(
    snapshot: Snapshot,
    terms: JobTerms,
    workflow: Workflow,
    services: tuple[ProposalService, ...],
    found: list[JobProblem],
) -> str:
    if workflow.budget is not None:
        if workflow.budget and not BUDGET.fullmatch(workflow.budget):
            found.append(JobProblem(code="bad-budget", about=workflow.budget))
        return workflow.budget
    valued, fixed = budget_parts(snapshot, terms.budget, services)
    total, wrong = budget_of(valued)
    if wrong:
        found.append(JobProblem(code="no-price", about=wrong))
        return ""
    whole = Decimal(total or 0) + fixed
    return f"{whole:.2f}" if whole > 0 else ""


def _reference(terms: JobTerms, workflow: Workflow, proposal: Proposal) -> str:
    if workflow.reference is not None:
        return workflow.reference
    return {"none": "", "client": proposal.reference, "proposal": proposal.number}[terms.reference]


def first_given(typed: str | None, *others: str) -> str:
    """Return the typed text, even if it is empty; without one, the first other text that is not empty."""
    return typed if typed is not None else next((each for each in others if each), "")
