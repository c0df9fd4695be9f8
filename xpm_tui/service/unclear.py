"""Writes to XPM of which nobody can tell what became: shown with what they may be, decided by a person."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from xpm_tui.model.errors import NeedsPerson
from xpm_tui.model.events import Event
from xpm_tui.model.names import exact
from xpm_tui.model.ports import Snapshot
from xpm_tui.model.runs import Intent
from xpm_tui.model.tables import XPM_CLIENTS
from xpm_tui.model.text import visible
from xpm_tui.service.lookup import find_xpm
from xpm_tui.service.names import name_of
from xpm_tui.service.practice import OpenPractice
from xpm_tui.service.views import RefView
from xpm_tui.sync.journal import ADD_CLIENT, ADD_CONTACT
from xpm_tui.sync.recover import KINDS
from xpm_tui.sync.release import Choice, held, settle


class UnclearWrite(msgspec.Struct, frozen=True, kw_only=True):
    """One write that waits: what was sent, when, why nobody can tell, and the new XPM records it may be."""

    id: str
    run: str
    record: str
    name: str
    what: str
    why: str
    sent_at: datetime | None
    candidates: tuple[RefView, ...] = ()


_WHAT = {ADD_CLIENT: "a new client", ADD_CONTACT: "a new contact"}


def unclear(practice: OpenPractice) -> list[UnclearWrite]:
    """All writes that wait for a person, of whatever run."""
    snapshot = practice.snapshot()
    return [
        UnclearWrite(
            id=intent.id,
            run=intent.run,
            record=intent.record,
            name=name_of(snapshot, intent.record),
            what=_WHAT.get(intent.kind, "a change"),
            why=intent.note,
            sent_at=intent.sent_at,
            candidates=tuple(_candidates(snapshot, intent)),
        )
        for intent in held(snapshot)
        if intent.kind in KINDS
    ]


def decide(practice: OpenPractice, write: str, choice: Choice, xpm: str = "") -> None:
    """Adopt an XPM record as what was made (``xpm``; left out: the only one it may be), let it be sent again
    when it is next asked for, or drop it.

    Raises ``NotFound``, ``BadInput``, ``Busy`` while a run goes on, and ``NeedsPerson`` where ``adopt`` does
    not say which record and it is not plain.
    """
    practice.writable()
    with practice.lock("deciding about a write").hold():
        snapshot = practice.book.snapshot()
        found = next((each for each in held(snapshot) if each.id == write), None)
        uuid = _adopted(snapshot, found, xpm) if found is not None and choice == "adopt" else ""
        practice.book.commit(settle(snapshot, write, choice, practice.clock.now(), uuid))
    practice.events.emit(
        Event(
            key="sync.decided",
            record=found.record if found is not None else "",
            uuid=uuid,
            rule=choice,
            numbers={"intent": write},
        )
    )


def _adopted(snapshot: Snapshot, intent: Intent, xpm: str) -> str:
    """Which record is meant."""
    if xpm and intent.kind == ADD_CLIENT:
        return find_xpm(snapshot, xpm).uuid
    if xpm:
        return xpm.strip().lower()
    found = [*_candidates(snapshot, intent)]
    if len(found) == 1:
        return found[0].id
    shown = ", ".join(f"{visible(each.name, 60)} ({each.id})" for each in found)
    raise NeedsPerson(
        "Say which XPM record is the one that was made.",
        hint=f"It may be: {shown}." if found else "The mirror shows none that it may be: sync first.",
    )


def _candidates(snapshot: Snapshot, intent: Intent) -> Iterator[RefView]:
    """The records of that name which were not there before it was sent."""
    if intent.kind == ADD_CLIENT:
        for row in snapshot.find(XPM_CLIENTS, "name", exact(str(intent.values.get("name") or ""))):
            if not row.deleted and row.uuid not in intent.before:
                yield RefView(id=row.uuid, name=row.name)
    elif intent.kind == ADD_CONTACT:
        client = snapshot.get(XPM_CLIENTS, intent.uuid)
        for contact in client.contacts if client is not None else ():
            if contact.uuid not in intent.before:
                yield RefView(id=contact.uuid, name=contact.name)
