"""Commands for job templates: which XPM job templates the services of the library use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from xpm_tui.commands.command import (
    Command,
    Dialogue,
    Limit,
    ListParams,
    NoParams,
    OneService,
    Result,
    ServiceId,
    TextColumn,
    TextTable,
    YesParams,
    argument,
    option,
)
from xpm_tui.commands.consequences import action, question, shorten_list
from xpm_tui.commands.effects import Effect, PerCall, Question, confirm_call
from xpm_tui.commands.tables import table_result, to_plain
from xpm_tui.commands.team import undo_result
from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.formatting import count
from xpm_tui.domain.labels import ORIGINS
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application import practice as practice_module
    from xpm_tui.application.jobs import services as job_settings
    from xpm_tui.application.jobs import templates as jobs_templates
    from xpm_tui.application.runs import xpm_refresh
    from xpm_tui.sync import consequences

if TYPE_CHECKING:
    from xpm_tui.application.jobs.views import CoverageView, ServiceLinkView
    from xpm_tui.application.practice import OpenPractice

Only = Literal["", "open", "proposed", "gone", "no-job", "unused", "unknown"]


class ListTemplates(msgspec.Struct, frozen=True):
    """Parameters of ``templates list``."""

    only: Annotated[Only, option("Only services that match this filter.", "FILTER")] = ""
    find: Annotated[str, option("Only services with this text in a name, id or UUID.", "TEXT")] = ""
    limit: Limit = 0


class LinkTemplates(msgspec.Struct, frozen=True):
    """Parameters of ``templates link``."""

    service: Annotated[
        str, argument("The service: its id, Ignition's id, or its exact name.", "[SERVICE]")
    ] = ""
    templates: Annotated[
        tuple[str, ...], argument("Job templates in XPM, in order: UUIDs or exact names.", "[TEMPLATE]...")
    ] = ()
    add: Annotated[bool, option("In addition to the templates that are already linked.")] = False
    no_job: Annotated[bool, option("The service needs no job.")] = False
    clear: Annotated[bool, option("Remove its templates, so that nothing is chosen.")] = False
    same_names: Annotated[
        bool, option("Link every service without a choice to the template with the same name.")
    ] = False


class ServiceRules(msgspec.Struct, frozen=True):
    """Parameters of ``templates rules``."""

    service: ServiceId
    category: Annotated[
        str, option("Job category of its jobs, by name or UUID; default: that of the practice.", "CATEGORY")
    ] = ""
    budget: Annotated[
        str,
        option("What it adds to the budget: none, value (its price), an amount, or default.", "RULE"),
    ] = ""


async def list_templates(practice: OpenPractice, params: ListTemplates, dialogue: Dialogue) -> Result:
    """List services with their templates, what is not covered, and the defaults for new jobs."""
    if practice.identity() is not None and not practice.read_only:
        await xpm_refresh.ensure_mirror(practice)
    found, _, cover = jobs_templates.list_templates(practice)
    rows, total, _ = jobs_templates.list_rows(practice, only=params.only, text=params.find)
    services = [row.service for row in rows if row.service is not None]
    empty = "No service matches." if total else "There are no services yet: xpm-tui import services FILE"
    lines = [] if params.only or params.find else _coverage(practice, cover, len(found))
    if params.only in ("unused", "unknown"):
        lines = [f"{row.name}  {row.key if row.template else ''}".rstrip() for row in rows]
    narrowed = {row.template.uuid for row in rows if row.template} if params.only == "unused" else None
    return Result(
        data={
            "templates": [to_plain(view) for view in found if narrowed is None or view.uuid in narrowed],
            "coverage": to_plain(cover),
            "defaults": [to_plain(view) for view in job_settings.defaults(practice)],
        },
        items=[to_plain(view) for view in services],
        table=None if params.only in ("unused", "unknown") else _table(services, empty),
        lines=lines,
        most=params.limit,
    )


def _coverage(practice: OpenPractice, cover: CoverageView, templates: int) -> list[str]:
    known = practice_module.list_state(practice.snapshot(), "templates").at is not None
    of_xpm = f"XPM has {count(templates, 'job template')}; {len(cover.unused):,} not used by any service."
    lines = ["", of_xpm if known else "It is not known which job templates XPM has."]
    lines += [f"  not used: {ref.name} {ref.id}" for ref in cover.unused]
    lines += [f"  gone in XPM, but still used: {ref.name}" for ref in cover.gone]
    lines += [f"  on proposals, but not in the list of services: {name}" for name in cover.unknown]
    lines += [cover.note] if cover.note else []
    text = ", ".join(f"{each.label} {each.value}" for each in job_settings.defaults(practice))
    return [*lines, f"New jobs: {text}.", *filter(None, [job_settings.category_error(practice)])]


async def link_templates(practice: OpenPractice, params: LinkTemplates, dialogue: Dialogue) -> Result:
    """Link one service to job templates, or every service with the name of a template to it."""
    if practice.identity() is not None:
        await xpm_refresh.ensure_mirror(practice)
    if params.same_names:
        if params.service:
            raise BadInput("Name one service, or use --same-names for all of them.")
        return _accepted(jobs_templates.accept_same(practice))
    if not params.service or not (params.templates or params.no_job or params.clear):
        raise BadInput(
            "Name a service with its templates, or use --no-job or --clear.",
            hint='xpm-tui templates link s4 "Annual Accounts"',
        )
    view = jobs_templates.link_templates(
        practice, params.service, params.templates, no_job=params.no_job, add=params.add
    )
    called = ", ".join(ref.name for ref in view.templates)
    text = (
        "needs no job"
        if view.no_job
        else f"uses {called}"
        if called
        else ("is not linked to a job template yet")
    )
    return Result(data=to_plain(view), lines=[f"{view.id} {view.name} {text}."], value=view)


async def service_rules(practice: OpenPractice, params: ServiceRules, dialogue: Dialogue) -> Result:
    """Set category and budget of a service, or show them."""
    if not (params.category or params.budget):
        row = jobs_templates.find_row(practice, params.service)
        view = row.service
        if view is None:
            raise BadInput("This is not a service.", hint="List them: xpm-tui services list")
    else:
        view = jobs_templates.set_rules(
            practice, params.service, category=params.category or None, budget=params.budget or None
        )
    return Result(data=to_plain(view), lines=[f"{view.id} {view.name}: {rules_of(view)}."], value=view)


def rules_of(view: ServiceLinkView) -> str:
    """Return the category and the budget rule of a service in words."""
    rule = {"": "from the practice's settings", "none": "none", "value": "its price by its quantity"}
    category = view.category.name if view.category else "from the practice's settings"
    return f"category {category}, budget {rule.get(view.budget, view.budget)}"


async def accept_same(practice: OpenPractice, params: YesParams, dialogue: Dialogue) -> Result:
    """Link all services with the name of a template, after a question with their number."""
    found = jobs_templates.same_names(practice.snapshot())
    lines = [f"{service.name}  =  {template.name}" for service, template in found]
    links = consequences.link_consequences(services=len(found))
    asked = Question(
        question(links, "to the job template with the same name"),
        shorten_list(lines, 8),
        button=action(links),
    )
    if found and not await confirm_call(dialogue, asked):
        return Result(data={"count": 0}, items=[], lines=["Nothing was linked."])
    return _accepted(jobs_templates.accept_same(practice))


async def no_job(practice: OpenPractice, params: OneService, dialogue: Dialogue) -> Result:
    """Mark the service under the cursor as needing no job."""
    return await link_templates(practice, LinkTemplates(service=params.service, no_job=True), dialogue)


async def clear(practice: OpenPractice, params: OneService, dialogue: Dialogue) -> Result:
    """Clear the choice of the service under the cursor."""
    return await link_templates(practice, LinkTemplates(service=params.service, clear=True), dialogue)


async def copy_service(practice: OpenPractice, params: OneService, dialogue: Dialogue) -> Result:
    """Copy the name and ids of the service."""
    row = jobs_templates.find_row(practice, params.service)
    ids = [ref.id for ref in row.service.templates] if row.service else []
    return Result(data=to_plain(row), lines=["\t".join([row.name, row.key, *ids])])


async def undo(practice: OpenPractice, params: NoParams, dialogue: Dialogue) -> Result:
    """Undo the last change to the services."""
    return undo_result(jobs_templates.undo(practice))


async def job_defaults(practice: OpenPractice, params: ListParams, dialogue: Dialogue) -> Result:
    """Show the defaults for new jobs, and XPM's categories."""
    found, kinds = job_settings.defaults(practice), job_settings.categories(practice)
    columns = (TextColumn("SETTING", whole=True), TextColumn("VALUE"), TextColumn("FROM", whole=True))
    lines = ["", "XPM's job categories:"]
    lines += [
        f"  {each.name}{' (gone)' if each.gone else ''}{' (default)' if each.default else ''}"
        for each in kinds
    ]
    lines += [each.trouble for each in found if each.trouble]
    note = practice_module.list_state(practice.snapshot(), "categories").note
    return Result(
        data={"categories": [to_plain(each) for each in kinds], "note": note},
        items=[to_plain(each) for each in found],
        table=TextTable(columns, ((each.key, each.value, ORIGINS[each.origin].text) for each in found)),
        most=params.limit,
        lines=[*lines, *([note] if note else [])],
        value=(found, kinds),
    )


def _accepted(done: list[ServiceLinkView]) -> Result:
    return table_result(
        done,
        _table(done, "No service without a choice has the same name as a job template."),
        count=len(done),
    )


def _table(services: list[ServiceLinkView], empty: str) -> TextTable:
    columns = (
        TextColumn("ID", whole=True),
        TextColumn("SERVICE", name=True),
        TextColumn("JOB TEMPLATES"),
        TextColumn("NOTE"),
    )
    rows = ((v.id, v.name, ", ".join(ref.name for ref in v.templates), note(v)) for v in services)
    return TextTable(columns, rows, empty)


def note(view: ServiceLinkView) -> str:
    """Return the most important note on a service, in a few words."""
    if view.no_job:
        return "no job, by choice"
    if view.gone:
        return f"{count(len(view.gone), 'template')} gone in XPM"
    if view.templates:
        return rules_of(view) if view.category or view.budget else ""
    return f"maybe {view.proposals[0].name}" if view.proposals else "nothing chosen"


def _rules_effect(params: ServiceRules) -> Effect:
    return Effect.WRITES_HERE if params.category or params.budget else Effect.LOOKS


COMMANDS: tuple[Command[Any], ...] = (
    Command(
        name="templates.list",
        title="List services and job templates",
        help="List the services with the job templates that they are linked to, and the templates that "
        "no service uses or that are gone.",
        params=ListTemplates,
        run=list_templates,
        effect=Effect.LOOKS,
        example="xpm-tui templates list\nxpm-tui templates list --only open",
        default=True,
    ),
    Command(
        name="templates.link",
        title="Link a service to job templates",
        help="Choose which XPM job templates a service uses: none, one or several. The job of a proposal "
        "gets the tasks of all templates of its services, each once.",
        params=LinkTemplates,
        run=link_templates,
        example='xpm-tui templates link s4 "Annual Accounts" "Tax"\nxpm-tui templates link s7 --no-job',
        key="m",
        where=("templates",),
        footer="Link",
        effect=Effect.WRITES_HERE,
    ),
    Command(
        name="templates.accept",
        title="Accept all templates with the same name",
        help=(
            "Link every service without a choice to the job template with the same name. You see the "
            "number and are asked first."
        ),
        params=YesParams,
        run=accept_same,
        example="xpm-tui templates accept --yes",
        key="a",
        where=("templates",),
        footer="Accept all",
        effect=Effect.WRITES_HERE,
    ),
    Command(
        name="templates.no_job",
        title="Choose no job for a service",
        help="Mark a service as needing no job. Such a service counts as decided.",
        params=OneService,
        run=no_job,
        example="xpm-tui templates no-job s7",
        key="0",
        where=("templates",),
        footer="No job",
        effect=Effect.WRITES_HERE,
    ),
    Command(
        name="templates.clear",
        title="Clear the choice for a service",
        help="Remove the templates of a service, or its choice of no job, so that nothing is chosen.",
        params=OneService,
        run=clear,
        example="xpm-tui templates clear s4",
        key="delete",
        where=("templates",),
        effect=Effect.WRITES_HERE,
    ),
    Command(
        name="templates.rules",
        title="Set category and budget of a service",
        help="Choose the job category of a service and what it adds to the budget of its job, in addition to "
        "the practice's defaults. A category by billing type is a setting: “Job category by billing type”.",
        params=ServiceRules,
        run=service_rules,
        example="xpm-tui templates rules s4 --category Advisory --budget 400",
        key="E",
        where=("templates",),
        effect=PerCall(_rules_effect, Effect.WRITES_HERE),
    ),
    Command(
        name="templates.defaults",
        title="Show the defaults for new jobs",
        help="Show the defaults for new jobs, which apply unless a workflow says otherwise: category, "
        "budget, state and days early; and XPM's job categories. In the console you can change them "
        "there.",
        params=ListParams,
        run=job_defaults,
        effect=Effect.LOOKS,
        example="xpm-tui templates defaults",
        key="P",
        where=("templates",),
        footer="Defaults",
    ),
    Command(
        name="templates.undo",
        title="Undo the last change to the services",
        help="Undo the last change to the services: links, choices, edits. Repeat it to go further back.",
        params=NoParams,
        run=undo,
        example="xpm-tui templates undo",
        key="u",
        where=("templates",),
        footer="Undo",
        effect=Effect.WRITES_HERE,
    ),
    Command(
        name="templates.copy",
        console_only=True,
        title="Copy the service's name and ids",
        help="Copy the name and id of the service under the cursor, and the UUIDs of its templates.",
        params=OneService,
        run=copy_service,
        effect=Effect.LOOKS,
        key="y",
        where=("templates",),
    ),
)
