"""What a person settles for one client: frozen fields, and that it has no XPM client."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.presenters.lookup import find_client
from xpm_tui.application.presenters.presenter import Presenter
from xpm_tui.application.presenters.views import ClientView
from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.events import Event
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.links import Freeze, Ignored
from xpm_tui.domain.ports import Drop, Put, Write
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import FREEZES, IGNORED
from xpm_tui.sync.base import live_link
from xpm_tui.sync.planning.comparison import WHOLE
from xpm_tui.sync.policy import BY_NAME

LONGEST_REASON = 500


def freeze(practice: OpenPractice, client: str, fields: Iterable[str] = (), reason: str = "") -> ClientView:
    """Make sync leave fields of a client alone in both directions; no field named: all of them.

    A field is one of the policy, or of one contact alone (``k3.contact_email``). Raises ``BadInput``.
    """
    practice.writable()
    snapshot = practice.snapshot()
    ours = find_client(snapshot, client)
    names = [_field(ours, name) for name in fields] or [WHOLE]
    writes: list[Write] = [
        Put(
            FREEZES,
            Freeze(
                id=f"{ours.id}/{name}",
                client=ours.id,
                field=name,
                reason=_reason(reason),
                by=practice.person,
                at=practice.clock.now(),
            ),
        )
        for name in dict.fromkeys(names)
    ]
    practice.book.commit(writes)
    for name in dict.fromkeys(names):
        practice.events.emit(Event(key="client.frozen", record=ours.id, field=name))
    return _view(practice, ours.id)


def unfreeze(practice: OpenPractice, client: str, fields: Iterable[str] = ()) -> tuple[ClientView, int]:
    """Lift freezes, those of an undo too; no field named: all of them. Gives how many were lifted."""
    practice.writable()
    snapshot = practice.snapshot()
    ours = find_client(snapshot, client)
    wanted = {_field(ours, name) for name in fields}
    frozen = snapshot.find(FREEZES, "client", ours.id)
    lifted = [row for row in frozen if not wanted or row.field in wanted]
    if lifted:
        practice.book.commit([Drop(FREEZES, row.id) for row in lifted])
        for row in lifted:
            practice.events.emit(Event(key="client.unfrozen", record=ours.id, field=row.field))
    return _view(practice, ours.id), len(lifted)


def ignore(practice: OpenPractice, client: str, reason: str = "") -> ClientView:
    """Settle that a client is not meant to have an XPM client.

    Raises ``BadInput`` for one whose XPM client is there; a link to a lost one does not matter.
    """
    practice.writable()
    snapshot = practice.snapshot()
    ours = find_client(snapshot, client)
    if live_link(snapshot, ours.id) is not None:
        raise BadInput(
            f"{ours.name} ({ours.id}) is linked, so it cannot be ignored.",
            hint=f"Unlink it first: xpm-tui clients unlink {ours.id}",
        )
    row = Ignored(id=ours.id, reason=_reason(reason), by=practice.person, at=practice.clock.now())
    practice.book.commit([Put(IGNORED, row)])
    practice.events.emit(Event(key="client.ignored", record=ours.id))
    return _view(practice, ours.id)


def unignore(practice: OpenPractice, client: str) -> ClientView:
    """Take that back: the client needs a link again."""
    practice.writable()
    ours = find_client(practice.snapshot(), client)
    practice.book.commit([Drop(IGNORED, ours.id)])
    practice.events.emit(Event(key="client.unignored", record=ours.id))
    return _view(practice, ours.id)


def _field(client: Client, name: str) -> str:
    typed = name.strip()
    contact, point, field = typed.rpartition(".")
    known = field in BY_NAME and (not point or (BY_NAME[field].contact and _has(client, contact)))
    if known or typed == WHOLE:
        return typed
    near = difflib.get_close_matches(field.casefold(), BY_NAME, 1, 0.6)
    raise BadInput(
        f"There is no field '{visible(typed, 60)}' that can be frozen.",
        hint=f"Did you mean {near[0]}?" if near else f"The fields are: {', '.join(BY_NAME)}.",
    )


def _has(client: Client, contact: str) -> bool:
    return any(each.id == contact for each in client.contacts)


def _reason(text: str) -> str:
    if len(text) > LONGEST_REASON:
        raise BadInput(f"The reason is longer than {LONGEST_REASON} characters.")
    return text.strip()


def _view(practice: OpenPractice, client: str) -> ClientView:
    snapshot = practice.snapshot()
    return Presenter(snapshot).client(find_client(snapshot, client))
