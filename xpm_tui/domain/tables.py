"""The tables of a practice: the value type of each, its key, and its indexes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

import msgspec

from xpm_tui.domain import ignition, links, plan, runs, xpm
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.domain import identity

T = TypeVar("T", bound=msgspec.Struct)


class TableSchema(msgspec.Struct, Generic[T], frozen=True, eq=False):
    """A table: ``key`` returns a row's id, each entry of ``indexes`` the values by which a row is found."""

    name: str
    row: type[T]
    key: Callable[[T], str]
    indexes: dict[str, Callable[[T], Iterable[str]]] = msgspec.field(default_factory=dict)


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


META: TableSchema[Meta] = TableSchema("meta", Meta, _id)
CLIENTS: TableSchema[ignition.Client] = TableSchema(
    "clients",
    ignition.Client,
    _id,
    {
        "client_id": lambda c: _one(c.client_id),
        "name": lambda c: _one(identity.exact(c.name)),
        "name_key": lambda c: _one(identity.name_key(c.name)),
    },
)
IMPORTED: TableSchema[ignition.Imported] = TableSchema("imported", ignition.Imported, _id)
TEAM: TableSchema[ignition.TeamMember] = TableSchema(
    "team", ignition.TeamMember, _id, {"staff": lambda t: _one(t.staff)}
)
SERVICES: TableSchema[ignition.Service] = TableSchema(
    "services", ignition.Service, _id, {"name": lambda s: _one(identity.exact(s.name))}
)
XPM_CLIENTS: TableSchema[xpm.XpmClient] = TableSchema(
    "xpm_clients",
    xpm.XpmClient,
    _uuid,
    {
        "number": lambda c: _one(c.number),
        "code": lambda c: _one(c.code.casefold()),
        "name": lambda c: _one(identity.exact(c.name)),
        "name_key": lambda c: _one(identity.name_key(c.name)),
        "contact_uuid": lambda c: tuple(each.uuid for each in c.present_contacts),
    },
)
STAFF: TableSchema[xpm.Staff] = TableSchema("xpm_staff", xpm.Staff, _uuid)
TEMPLATES: TableSchema[xpm.Template] = TableSchema("xpm_templates", xpm.Template, _uuid)
CATEGORIES: TableSchema[xpm.Category] = TableSchema("xpm_categories", xpm.Category, _uuid)
JOBS: TableSchema[xpm.XpmJob] = TableSchema(
    "xpm_jobs", xpm.XpmJob, lambda j: j.number, {"client": lambda j: _one(j.client.uuid if j.client else "")}
)
MOVES: TableSchema[xpm.Arrival] = TableSchema("xpm_moves", xpm.Arrival, _id)
LINKS: TableSchema[links.Link] = TableSchema("links", links.Link, _id, {"uuid": lambda link: _one(link.uuid)})
LOST_CLIENTS: TableSchema[links.LostClient] = TableSchema("vanished", links.LostClient, _id)
BASE: TableSchema[links.Base] = TableSchema("base", links.Base, _id)
PROVENANCE: TableSchema[links.Provenance] = TableSchema("provenance", links.Provenance, _id)
FREEZES: TableSchema[links.Freeze] = TableSchema(
    "freezes", links.Freeze, _id, {"client": lambda f: (f.client,)}
)
IGNORED: TableSchema[links.Ignored] = TableSchema("ignored", links.Ignored, _id)
BLOCKED_PAIRS: TableSchema[links.BlockedPair] = TableSchema(
    "apart", links.BlockedPair, _id, {"client": lambda a: (a.client,)}
)
PLANS: TableSchema[plan.Plan] = TableSchema("plans", plan.Plan, _id)
PLANNED: TableSchema[plan.PlannedRecord] = TableSchema(
    "planned", plan.PlannedRecord, _id, {"plan": lambda r: (r.plan,)}
)
RUNS: TableSchema[runs.Run] = TableSchema("runs", runs.Run, _id)
STOPS: TableSchema[runs.StopRequest] = TableSchema("stops", runs.StopRequest, _id)
INTENTS: TableSchema[runs.Intent] = TableSchema(
    "intents", runs.Intent, _id, {"run": lambda i: (i.run,), "state": lambda i: (i.state,)}
)
IMAGES: TableSchema[runs.BeforeImage] = TableSchema(
    "images", runs.BeforeImage, _id, {"run": lambda i: (i.run,), "client": lambda i: (i.client,)}
)
PROPOSALS: TableSchema[ignition.Proposal] = TableSchema(
    "proposals",
    ignition.Proposal,
    _id,
    {
        "number": lambda p: _one(p.number.casefold()),
        "client": lambda p: tuple({p.client, *(each.client for each in p.services)} - {""}),
    },
)
WORKFLOWS: TableSchema[ignition.Workflow] = TableSchema(
    "workflows", ignition.Workflow, _id, {"proposal": lambda w: _one(w.proposal)}
)
DEPLOYMENTS: TableSchema[ignition.Deployment] = TableSchema(
    "deployments",
    ignition.Deployment,
    _id,
    {"workflow": lambda d: (d.workflow,), "state": lambda d: (d.state,), "number": lambda d: _one(d.number)},
)
IMPORTS: TableSchema[ignition.Import] = TableSchema(
    "imports", ignition.Import, _id, {"state": lambda i: (i.state,)}
)
IMPORT_IMAGES: TableSchema[ignition.ImportImage] = TableSchema("import_images", ignition.ImportImage, _id)
INBOX: TableSchema[ignition.ReceivedFile] = TableSchema(
    "inbox", ignition.ReceivedFile, _id, {"digest": lambda f: _one(f.digest)}
)
STAMPS: TableSchema[ignition.FieldStamps] = TableSchema("stamps", ignition.FieldStamps, _id)

ALL: tuple[TableSchema[Any], ...] = (
    META, CLIENTS, IMPORTED, TEAM, SERVICES, XPM_CLIENTS, STAFF, TEMPLATES, CATEGORIES, JOBS, MOVES, LINKS,
    LOST_CLIENTS, BASE, PROVENANCE, FREEZES, IGNORED, BLOCKED_PAIRS, PLANS, PLANNED, RUNS, STOPS, INTENTS,
    IMAGES, PROPOSALS, IMPORTS, IMPORT_IMAGES, WORKFLOWS, DEPLOYMENTS, INBOX, STAMPS,
)  # fmt: skip
