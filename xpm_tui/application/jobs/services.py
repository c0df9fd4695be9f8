"""The library of services, by hand: listed, made, edited, with the job templates that each calls for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from xpm_tui.application import undo_history
from xpm_tui.application.clients.edits import LONGEST, known_field
from xpm_tui.application.presenters.views import RefView, ServiceView
from xpm_tui.domain.errors import BadInput, DecisionNeeded, NotFound
from xpm_tui.domain.events import Event
from xpm_tui.domain.formatting import count, plural
from xpm_tui.domain.identity import exact
from xpm_tui.domain.ignition import Service
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import PROPOSALS, SERVICES, TEMPLATES
from xpm_tui.ignition.cell_readers import plain
from xpm_tui.ignition.library_import import SERVICE_ID

if TYPE_CHECKING:
    from xpm_tui.application.practice import OpenPractice

COLUMNS = ("Description", "Billing Type", "Price")
"""Columns that a service can be given though no file has had them."""


def list_services(practice: OpenPractice) -> list[ServiceView]:
    """All services in order of arrival."""
    snapshot = practice.snapshot()
    return [_view(snapshot, service) for service in snapshot.rows(SERVICES)]


def new_service(
    practice: OpenPractice, name: str, values: Mapping[str, str], *, anyway: bool = False
) -> ServiceView:
    """Make a service; ``values`` are columns of Ignition's file by their heading.

    Raises ``BadInput``, also where one has that name and ``anyway`` is not given.
    """
    practice.writable()
    snapshot = practice.snapshot()
    made = _edited(snapshot, Service(id="", name=""), {"name": name, **values})
    same = snapshot.find(SERVICES, "name", exact(made.name))
    if same and not anyway:
        raise BadInput(
            f"There is already a service '{visible(made.name, 80)}': {same[0].id}.",
            hint="To add another one of the same name, use --anyway.",
        )
    made = msgspec.structs.replace(made, id=practice.ids.new("s")[0])
    undo_history.do(practice, snapshot, SERVICES, [made], f"the creation of {made.name}")
    practice.events.emit(Event(key="service.added", record=made.id))
    return _view(practice.snapshot(), made)


def edit_service(practice: OpenPractice, service: str, values: Mapping[str, str]) -> ServiceView:
    """Change the name or a column of a service; an empty text takes the column out.

    Raises ``NotFound`` and ``BadInput``.
    """
    practice.writable()
    snapshot = practice.snapshot()
    before = find_service(snapshot, service)
    after = _edited(snapshot, before, values)
    if after != before:
        undo_history.do(practice, snapshot, SERVICES, [after], f"the change to {before.name}")
        for name in values:
            field = "name" if name == "name" else "extra"
            practice.events.emit(Event(key="service.edited", record=before.id, field=field))
    return _view(practice.snapshot(), after)


def delete_service(practice: OpenPractice, service: str) -> Service:
    """Delete a service that was created by mistake, found by id, Ignition's id or name; ``undo`` restores it.

    Raises ``NotFound``, and ``DecisionNeeded`` where proposals have it.
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
    """A service by our id, Ignition's, or exact name. Raises ``NotFound`` and ``BadInput``."""
    typed = text.strip()
    found = snapshot.get(SERVICES, typed)
    if found is not None:
        return found
    hits = [each for each in snapshot.rows(SERVICES) if typed and each.extra.get(SERVICE_ID) == typed]
    hits = hits or snapshot.find(SERVICES, "name", exact(typed))
    if len(hits) == 1:
        return hits[0]
    if hits:
        shown = ", ".join(each.id for each in hits)
        raise BadInput(f"Several services match '{visible(typed, 80)}'.", hint=f"Name one of them: {shown}.")
    raise NotFound(f"There is no service '{visible(typed, 80)}'.", hint="List them: xpm-tui services list")


def _edited(snapshot: Snapshot, service: Service, values: Mapping[str, str]) -> Service:
    extra, name = dict(service.extra), service.name
    known = [*COLUMNS, *(each for row in snapshot.rows(SERVICES) for each in row.extra)]
    headings = {each.casefold(): each for each in known}
    for typed, text in values.items():
        if "\0" in text or len(text) > LONGEST:
            raise BadInput(f"{visible(typed, 60)} is too long, or contains a null character.")
        if typed == "name":
            name = plain(text)
            continue
        known_field(typed, typed.casefold(), ["name", *headings])
        heading = headings[typed.casefold()]
        if plain(text):
            extra[heading] = plain(text)
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
