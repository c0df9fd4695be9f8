"""A plan as it is told: its changes with names, numbers and marks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from xpm_tui.model.book import Client
from xpm_tui.model.links import Value
from xpm_tui.model.plan import Change, PlannedRecord
from xpm_tui.model.ports import Snapshot
from xpm_tui.model.tables import CLIENTS, LINKS, XPM_CLIENTS
from xpm_tui.model.xpm import XpmClient
from xpm_tui.service.telling.tell import Told
from xpm_tui.service.telling.views import ChangeView


def change_views(snapshot: Snapshot, records: Iterable[PlannedRecord]) -> Iterator[ChangeView]:
    """All changes of some records."""
    told = Told(snapshot)
    for record in records:
        for change in record.changes:
            yield change_view(told, record.client, record.uuid, change)


def change_view(told: Told, client: str, uuid: str, change: Change) -> ChangeView:
    """One change of a client that is, or would be, linked to the XPM client ``uuid``."""
    snapshot = told.snapshot
    ours = snapshot.get(CLIENTS, client)
    if not uuid:
        link = snapshot.get(LINKS, client)
        uuid = link.uuid if link else ""
    theirs = snapshot.get(XPM_CLIENTS, uuid) if uuid else None
    return ChangeView(
        record=change.record,
        name=ours.name if ours else theirs.name if theirs else "",
        field=change.field,
        side=change.side,
        old=change.old,
        new=change.new,
        rule=change.rule,
        mark=change.mark,
        conflict=change.conflict,
        ticked=change.ticked,
        held=change.held,
        uuid=uuid or None,
        number=theirs.number if theirs else None,
        old_shown=_shown(told, ours, theirs, change.field, change.old),
        new_shown=_shown(told, ours, theirs, change.field, change.new),
    )


def _shown(told: Told, ours: Client | None, theirs: XpmClient | None, field: str, value: Value) -> Value:
    if field != "contact_primary":
        return told.value(field, value)
    here = {each.id: each.name or each.email for each in ours.contacts} if ours else {}
    there = {each.uuid: each.name or each.email for each in theirs.contacts} if theirs else {}
    return here.get(str(value)) or there.get(str(value)) or value
