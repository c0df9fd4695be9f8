"""The values that a run wrote, old and new, client by client. The log keeps none: they are in the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

import msgspec

from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.presenters.presenter import Presenter
from xpm_tui.domain import labels
from xpm_tui.domain.events import Event
from xpm_tui.domain.fields import label
from xpm_tui.domain.formatting import arrow
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.links import Value
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.runs import BeforeImage, Written
from xpm_tui.domain.tables import CLIENTS, IMAGES, RUNS, XPM_CLIENTS
from xpm_tui.domain.xpm import XpmClient


class WrittenValueView(msgspec.Struct, frozen=True, kw_only=True):
    """One value that a run wrote: the client, the field, and what stood there before and after.

    ``record`` is the client or one of its contacts, ``contact`` the name of that contact. ``client_id`` is
    Ignition's id of the client, ``number`` XPM's. ``old_shown`` and ``new_shown`` name people and clients
    instead of their ids.
    """

    record: str
    name: str
    contact: str | None
    client_id: str | None
    number: str | None
    field: str
    label: str
    side: str
    old: Value
    new: Value
    old_shown: Value
    new_shown: Value
    rule: str


def written_values(practice: OpenPractice, run: str) -> Iterator[WrittenValueView]:
    """Return what a run wrote, in the order of the clients' ids; nothing for a run that created jobs.

    Args:
        practice: The practice.
        run: The id of the run.
    """
    snapshot = practice.snapshot()
    told = Presenter(snapshot)
    images = snapshot.find(IMAGES, "run", run)
    for image in sorted(images, key=lambda each: (len(each.client), each.client)):
        for written in image.written:
            yield _view(snapshot, told, image, written)


def client_history(practice: OpenPractice, client: str, limit: int) -> list[tuple[datetime, str]]:
    """Return the newest changes of a client by runs: when, and which value became what on which side."""
    snapshot = practice.snapshot()
    told = Presenter(snapshot)
    found: list[tuple[datetime, str]] = []
    images = ((snapshot.get(RUNS, each.run), each) for each in snapshot.find(IMAGES, "client", client))
    known = [(run, image) for run, image in images if run is not None]
    for run, image in sorted(known, key=lambda each: each[0].started, reverse=True):
        for written in image.written:
            view = _view(snapshot, told, image, written)
            side = labels.SIDES[view.side].text if view.side in labels.SIDES else view.side
            values = arrow(view.old_shown, view.new_shown)
            found.append((run.started, f"{view.label}: {values} in {side}, {run.id}"))
            if len(found) == limit:
                return found
    return found


def values_of_events(practice: OpenPractice) -> Callable[[Event], str]:
    """Return what gives the values of an event of the log, ``old → new``; empty for one that has none."""
    known: dict[tuple[str, str], dict[tuple[str, str], str]] = {}

    def values(event: Event) -> str:
        if event.key != "sync.change" or not event.run:
            return ""
        key = (event.run, event.record.partition("/")[0])
        if key not in known:
            known[key] = _texts(practice, *key)
        return known[key].get((event.record, event.field), "")

    return values


def _texts(practice: OpenPractice, run: str, client: str) -> dict[tuple[str, str], str]:
    snapshot = practice.snapshot()
    image = snapshot.get(IMAGES, f"{run}/{client}")
    told = Presenter(snapshot)
    views = [_view(snapshot, told, image, written) for written in image.written] if image is not None else []
    return {(each.record, each.field): arrow(each.old_shown, each.new_shown) for each in views}


def _view(snapshot: Snapshot, told: Presenter, image: BeforeImage, written: Written) -> WrittenValueView:
    contact = written.record.partition("/")[2]
    client, row = snapshot.get(CLIENTS, image.client), snapshot.get(XPM_CLIENTS, image.uuid)
    return WrittenValueView(
        record=written.record or image.client,
        name=client.name if client is not None else row.name if row is not None else "",
        contact=_contact(client, row, contact) if contact else None,
        client_id=(client.client_id or None) if client is not None else None,
        number=(row.number or None) if row is not None else None,
        field=written.field,
        label=label(written.field),
        side=written.side,
        old=written.old,
        new=written.new,
        old_shown=told.value(written.field, written.old),
        new_shown=told.value(written.field, written.new),
        rule=written.rule,
    )


def _contact(client: Client | None, row: XpmClient | None, id_: str) -> str:
    names = {each.id: each.name or each.email for each in client.contacts} if client is not None else {}
    names |= {each.uuid: each.name or each.email for each in row.contacts} if row is not None else {}
    return names.get(id_) or id_
