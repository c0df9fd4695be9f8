"""The tables of a practice: which frozen value each holds, its key, and what it can be found by."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import msgspec

from xpm_tui.domain import ignition, links, plan, runs, workflows, xpm
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.domain import identity

T = TypeVar("T", bound=msgspec.Struct)


@dataclass(frozen=True, eq=False)
class Table(Generic[T]):
    """A table: ``key`` gives a row's id, each entry of ``indexes`` the values a row is found by."""

    name: str
    row: type[T]
    key: Callable[[T], str]
    indexes: dict[str, Callable[[T], Iterable[str]]] = field(default_factory=dict)


class Meta(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A small fact about the practice, by name; ``value`` is any JSON value."""

    id: str
    value: Any = None


def _id(row: Any) -> str:
    return str(row.id)


def _uuid(row: Any) -> str:
    return str(row.uuid)


def _one(value: str) -> tuple[str, ...]:
    return (value,) if value else ()


META: Table[Meta] = Table("meta", Meta, _id)
CLIENTS: Table[ignition.Client] = Table(
    "clients",
    ignition.Client,
    _id,
    {
        "client_id": lambda c: _one(c.client_id),
        "name": lambda c: _one(identity.exact(c.name)),
        "name_key": lambda c: _one(identity.name_key(c.name)),
    },
)
IMPORTED: Table[ignition.Imported] = Table("imported", ignition.Imported, _id)
TEAM: Table[ignition.TeamMember] = Table("team", ignition.TeamMember, _id, {"staff": lambda t: _one(t.staff)})
SERVICES: Table[ignition.Service] = Table(
    "services", ignition.Service, _id, {"name": lambda s: _one(identity.exact(s.name))}
)
XPM_CLIENTS: Table[xpm.XpmClient] = Table(
    "xpm_clients",
    xpm.XpmClient,
    _uuid,
    {
        "number": lambda c: _one(c.number),
        "code": lambda c: _one(c.code.casefold()),
        "name": lambda c: _one(identity.exact(c.name)),
        "name_key": lambda c: _one(identity.name_key(c.name)),
        "contact_uuid": lambda c: tuple(each.uuid for each in c.contacts if not each.deleted),
    },
)
STAFF: Table[xpm.Staff] = Table("xpm_staff", xpm.Staff, _uuid)
TEMPLATES: Table[xpm.Template] = Table("xpm_templates", xpm.Template, _uuid)
CATEGORIES: Table[xpm.Category] = Table("xpm_categories", xpm.Category, _uuid)
JOBS: Table[xpm.XpmJob] = Table("xpm_jobs", xpm.XpmJob, lambda j: j.number)
MOVES: Table[xpm.Moved] = Table("xpm_moves", xpm.Moved, _id)
LINKS: Table[links.Link] = Table("links", links.Link, _id, {"uuid": lambda link: _one(link.uuid)})
VANISHED: Table[links.Vanished] = Table("vanished", links.Vanished, _id)
BASE: Table[links.Base] = Table("base", links.Base, _id)
PROVENANCE: Table[links.Provenance] = Table("provenance", links.Provenance, _id)
FREEZES: Table[links.Freeze] = Table("freezes", links.Freeze, _id, {"client": lambda f: (f.client,)})
IGNORED: Table[links.Ignored] = Table("ignored", links.Ignored, _id)
APART: Table[links.Apart] = Table("apart", links.Apart, _id, {"client": lambda a: (a.client,)})
PLANS: Table[plan.Plan] = Table("plans", plan.Plan, _id)
PLANNED: Table[plan.PlannedRecord] = Table("planned", plan.PlannedRecord, _id, {"plan": lambda r: (r.plan,)})
RUNS: Table[runs.Run] = Table("runs", runs.Run, _id)
STOPS: Table[runs.StopRequest] = Table("stops", runs.StopRequest, _id)
INTENTS: Table[runs.Intent] = Table(
    "intents", runs.Intent, _id, {"run": lambda i: (i.run,), "state": lambda i: (i.state,)}
)
IMAGES: Table[runs.Image] = Table(
    "images", runs.Image, _id, {"run": lambda i: (i.run,), "client": lambda i: (i.client,)}
)
PROPOSALS: Table[ignition.Proposal] = Table(
    "proposals",
    ignition.Proposal,
    _id,
    {
        "number": lambda p: _one(p.number.casefold()),
        "client": lambda p: tuple({p.client, *(each.client for each in p.services)} - {""}),
    },
)
WORKFLOWS: Table[workflows.Workflow] = Table(
    "workflows", workflows.Workflow, _id, {"proposal": lambda w: _one(w.proposal)}
)
DEPLOYMENTS: Table[workflows.Deployment] = Table(
    "deployments",
    workflows.Deployment,
    _id,
    {"workflow": lambda d: (d.workflow,), "state": lambda d: (d.state,), "number": lambda d: _one(d.number)},
)
IMPORTS: Table[ignition.Import] = Table("imports", ignition.Import, _id)
IMPORT_IMAGES: Table[ignition.ImportImage] = Table("import_images", ignition.ImportImage, _id)

ALL: tuple[Table[Any], ...] = (
    META, CLIENTS, IMPORTED, TEAM, SERVICES, XPM_CLIENTS, STAFF, TEMPLATES, CATEGORIES, JOBS, MOVES, LINKS,
    VANISHED, BASE, PROVENANCE, FREEZES, IGNORED, APART, PLANS, PLANNED, RUNS, STOPS, INTENTS, IMAGES,
    PROPOSALS, IMPORTS, IMPORT_IMAGES, WORKFLOWS, DEPLOYMENTS,
)  # fmt: skip
