"""Work templates: which job templates of XPM the services call for. Proposed by name, linked by a person."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from xpm_tui.deploy.coverage import coverage, likely
from xpm_tui.model.book import Service
from xpm_tui.model.errors import BadInput, NotFound
from xpm_tui.model.events import Event
from xpm_tui.model.names import exact
from xpm_tui.model.ports import Put, Snapshot
from xpm_tui.model.tables import SERVICES, TEMPLATES
from xpm_tui.model.text import visible
from xpm_tui.model.xpm import Template
from xpm_tui.service.identity import list_state
from xpm_tui.service.job_views import CoverageView, LikelyView, ServiceLinkView, TemplateView
from xpm_tui.service.library import find_service
from xpm_tui.service.practice import OpenPractice
from xpm_tui.service.views import RefView


def list_templates(practice: OpenPractice) -> tuple[list[TemplateView], list[ServiceLinkView], CoverageView]:
    """XPM's templates by name, the services in order of arrival, and how they cover each other."""
    snapshot = practice.snapshot()
    found = coverage(snapshot)
    rows = sorted(snapshot.rows(TEMPLATES), key=lambda row: row.name.casefold())
    templates = [
        TemplateView(uuid=row.uuid, name=row.name, gone=row.gone, services=found.used.get(row.uuid, 0))
        for row in rows
    ]
    services = [service_view(snapshot, service, rows) for service in snapshot.rows(SERVICES)]
    view = CoverageView(
        bare=tuple(RefView(id=each.id, name=each.name) for each in found.bare),
        gone=tuple(RefView(id=uuid, name=_name(snapshot, uuid)) for uuid in found.gone),
        unused=tuple(RefView(id=row.uuid, name=row.name) for row in found.unused),
        unknown=found.unknown,
        note=list_state(snapshot, "templates").note,
    )
    return templates, services, view


def link_templates(
    practice: OpenPractice,
    service: str,
    templates: Sequence[str] = (),
    *,
    no_job: bool = False,
    add: bool = False,
) -> ServiceLinkView:
    """Say which templates a service calls for, in this order; ``add``: besides those it has. ``no_job``: it
    wants none, by choice. Neither: nobody has chosen yet. Raises ``NotFound`` and ``BadInput``."""
    practice.writable()
    snapshot = practice.snapshot()
    before = find_service(snapshot, service)
    if no_job and templates:
        raise BadInput("A service that wants no job calls for no template: say the one or the other.")
    uuids = [find_template(snapshot, text).uuid for text in templates]
    linked = tuple(dict.fromkeys([*(before.templates if add else ()), *uuids]))
    return _put(practice, msgspec.structs.replace(before, templates=linked, no_job=no_job))


def accept_same(practice: OpenPractice) -> list[ServiceLinkView]:
    """Link every service that nobody has chosen for to the one template of the same name."""
    practice.writable()
    snapshot = practice.snapshot()
    rows = list(snapshot.rows(TEMPLATES))
    done = []
    for service in list(snapshot.rows(SERVICES)):
        same = [each for each in likely(service, rows) if each.same]
        if len(same) == 1 and not service.templates and not service.no_job:
            done.append(_put(practice, msgspec.structs.replace(service, templates=(same[0].uuid,))))
    return done


def find_template(snapshot: Snapshot, text: str) -> Template:
    """A job template by UUID or exact name. Where XPM's list is not open to the login, a typed UUID is
    believed. Raises ``NotFound`` and ``BadInput``."""
    typed = text.strip()
    row = snapshot.get(TEMPLATES, typed.lower())
    if row is not None:
        return row
    hits = [row for row in snapshot.rows(TEMPLATES) if exact(row.name) == exact(typed) and not row.gone]
    if len(hits) == 1:
        return hits[0]
    if hits:
        shown = ", ".join(row.uuid for row in hits)
        raise BadInput(f"'{visible(typed, 80)}' is several templates.", hint=f"Say which: {shown}.")
    bare = typed.replace("-", "")
    if not snapshot.count(TEMPLATES) and len(bare) == 32 and all(c in "0123456789abcdefABCDEF" for c in bare):
        return Template(uuid=typed.lower(), name=typed.lower())
    raise NotFound(
        f"XPM has no job template '{visible(typed, 80)}'.", hint="Look at them: xpm-tui templates list"
    )


def service_view(snapshot: Snapshot, service: Service, rows: list[Template]) -> ServiceLinkView:
    """One service, with proposals where nobody has chosen."""
    open_ = not service.templates and not service.no_job
    found = likely(service, rows) if open_ else []
    return ServiceLinkView(
        id=service.id,
        name=service.name,
        templates=tuple(RefView(id=uuid, name=_name(snapshot, uuid)) for uuid in service.templates),
        no_job=service.no_job,
        proposals=tuple(
            LikelyView(uuid=each.uuid, name=each.name, score=each.score, same=each.same) for each in found
        ),
    )


def _put(practice: OpenPractice, service: Service) -> ServiceLinkView:
    if practice.snapshot().get(SERVICES, service.id) != service:
        practice.book.commit([Put(SERVICES, service)])
        practice.events.emit(
            Event(key="service.templates", record=service.id, numbers={"templates": len(service.templates)})
        )
    snapshot = practice.snapshot()
    return service_view(snapshot, service, list(snapshot.rows(TEMPLATES)))


def _name(snapshot: Snapshot, uuid: str) -> str:
    row = snapshot.get(TEMPLATES, uuid)
    return uuid if row is None else f"{row.name} (gone)" if row.gone else row.name
