"""Work templates: which job templates of XPM the services of the library call for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from xpm_tui.acts.act import Act, Column, NoParams, Result, Table, Talk
from xpm_tui.acts.params import argument, option
from xpm_tui.acts.situation import idle
from xpm_tui.acts.words import count, listed, plain
from xpm_tui.model.errors import BadInput

if TYPE_CHECKING:
    from xpm_tui.service.job_views import ServiceLinkView
    from xpm_tui.service.practice import OpenPractice


class LinkTemplates(msgspec.Struct, frozen=True):
    """Parameters of ``templates link``."""

    service: Annotated[str, argument("The service: our id, Ignition's, or exact name.", "[SERVICE]")] = ""
    templates: Annotated[
        tuple[str, ...], argument("Job templates in XPM, in order: UUIDs or exact names.", "[TEMPLATE]...")
    ] = ()
    add: Annotated[bool, option("Besides those that it calls for already.")] = False
    no_job: Annotated[bool, option("It wants no job: a choice of its own.")] = False
    clear: Annotated[bool, option("Take its templates away: nobody has chosen then.")] = False
    same_names: Annotated[bool, option("Link every open service to the template of the same name.")] = False


async def list_templates(practice: OpenPractice, params: NoParams, talk: Talk) -> Result:
    """Services with their templates, then what is not covered."""
    from xpm_tui.service import templates
    from xpm_tui.service.refresh import ensure_mirror

    if practice.identity() is not None and not practice.read_only:
        await ensure_mirror(practice)
    found, services, cover = templates.list_templates(practice)
    columns = (Column("ID", whole=True), Column("SERVICE"), Column("JOB TEMPLATES"), Column("NOTE"))
    rows = (
        (view.id, view.name, ", ".join(ref.name for ref in view.templates), _note(view)) for view in services
    )
    lines = [
        "",
        f"XPM has {count(len(found), 'job template')}; {len(cover.unused):,} are called for by nothing.",
    ]
    lines += [f"  not called for: {ref.name} {ref.id}" for ref in cover.unused]
    lines += [f"  gone in XPM, but called for: {ref.name}" for ref in cover.gone]
    lines += [f"  on proposals, but not among the services: {name}" for name in cover.unknown]
    lines += [cover.note] if cover.note else []
    return Result(
        data={"templates": [plain(view) for view in found], "coverage": plain(cover)},
        items=[plain(view) for view in services],
        table=Table(columns, rows, "There are no services yet: xpm-tui import services FILE"),
        lines=lines,
    )


async def link_templates(practice: OpenPractice, params: LinkTemplates, talk: Talk) -> Result:
    """Link one service, or all of the same name."""
    from xpm_tui.service import templates
    from xpm_tui.service.refresh import ensure_mirror

    practice.writable()
    if practice.identity() is not None:
        await ensure_mirror(practice)
    if params.same_names:
        if params.service:
            raise BadInput("Say one service, or --same-names for all of them.")
        done = templates.accept_same(practice)
        columns = (Column("ID", whole=True), Column("SERVICE"), Column("JOB TEMPLATES"))
        rows = [(view.id, view.name, ", ".join(ref.name for ref in view.templates)) for view in done]
        return listed(done, Table(columns, rows, "No open service has a template's name."), count=len(done))
    if not params.service or not (params.templates or params.no_job or params.clear):
        raise BadInput(
            "Say which service, and its templates, --no-job, or --clear.",
            hint='xpm-tui templates link s4 "Annual Accounts"',
        )
    view = templates.link_templates(
        practice, params.service, params.templates, no_job=params.no_job, add=params.add
    )
    called = ", ".join(ref.name for ref in view.templates)
    told = "wants no job" if view.no_job else f"calls for {called}" if called else "calls for nothing yet"
    return Result(data=plain(view), lines=[f"{view.id} {view.name} {told}."])


def _note(view: ServiceLinkView) -> str:
    if view.no_job:
        return "no job, by choice"
    if view.templates:
        return ""
    return f"maybe {view.proposals[0].name}" if view.proposals else "nothing chosen"


ACTS = (
    Act(
        name="templates.list",
        title="List services and job templates",
        help="List the services with the job templates they call for, those that nothing calls for, those "
        "that are gone, and services without any.",
        params=NoParams,
        run=list_templates,
        verb=("templates", "list"),
        example="xpm-tui templates list",
        default=True,
    ),
    Act(
        name="templates.link",
        title="Link a service to job templates",
        help="Say which job templates of XPM a service calls for: none, one or several. A proposal's job "
        "gets the tasks of all its services' templates, each once.",
        params=LinkTemplates,
        run=link_templates,
        verb=("templates", "link"),
        example='xpm-tui templates link s4 "Annual Accounts" "Tax"\nxpm-tui templates link s7 --no-job',
        key="m",
        where=("templates",),
        footer="Map",
        writes=True,
        why_not=idle,
    ),
)  # fmt: skip
