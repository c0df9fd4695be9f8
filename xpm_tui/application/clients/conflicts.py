"""Conflicts: fields edited on both sides, in the newest plan and decided by runs.

Decisions on one client: frozen fields, and that it has no XPM client.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from datetime import datetime

from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.presenters.lookup import find_client
from xpm_tui.application.presenters.presenter import Presenter
from xpm_tui.application.presenters.views import ClientView, ConflictView
from xpm_tui.application.runs.plans import newest_draft
from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.events import Event
from xpm_tui.domain.fields import SYNCED_BY_NAME
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.links import Freeze, Ignored, Pair
from xpm_tui.domain.plan import Change, Plan, PlannedRecord, Side
from xpm_tui.domain.ports import Drop, Put, Snapshot, Write
from xpm_tui.domain.runs import BeforeImage, Run, Written
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import BASE, FREEZES, IGNORED, IMAGES, LINKS, PLANNED, RUNS, XPM_CLIENTS
from xpm_tui.sync.base import base_key, base_pair, live_link, mirror_values, undone_key
from xpm_tui.sync.planning.comparison import WHOLE
from xpm_tui.sync.planning.decisions import because_held, change_reason


def conflicts(practice: OpenPractice) -> list[ConflictView]:
    """Return the conflicts of the newest plan, then those that runs have decided, newest first."""
    snapshot = practice.snapshot()
    teller = _ConflictPresenter(snapshot)
    return [*_planned(snapshot, teller), *_decided(snapshot, teller)]


def _planned(snapshot: Snapshot, teller: _ConflictPresenter) -> Iterator[ConflictView]:
    newest = newest_draft(snapshot)
    if newest is None:
        return
    for record in snapshot.find(PLANNED, "plan", newest.id):
        for change in record.changes:
            if change.conflict:
                yield teller.planned(newest, record, change)


def _decided(snapshot: Snapshot, teller: _ConflictPresenter) -> Iterator[ConflictView]:
    runs = sorted(snapshot.rows(RUNS), key=lambda run: (len(run.id), run.id), reverse=True)
    for run in runs:
        for image in snapshot.find(IMAGES, "run", run.id):
            for written in image.written:
                if written.rule == "conflict":
                    yield teller.decided(run, image, written)


class _ConflictPresenter:
    """Presents the conflicts of one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._presenter = Presenter(snapshot)

    def planned(self, plan: Plan, record: PlannedRecord, change: Change) -> ConflictView:
        """Return a conflict that a plan holds or will write."""
        waits = because_held(change.held) if change.held and not change.ticked else ""
        return self._view(
            "planned" if change.ticked else "held",
            record.client,
            change,
            agreed=self._agreed(record.client, change),
            why=waits or change_reason(change.rule, change.side),
            at=plan.made,
            by=plan.by,
            plan=plan.id,
        )

    def decided(self, run: Run, image: BeforeImage, written: Written) -> ConflictView:
        """Return a conflict that a run has overwritten."""
        undone = undone_key(written.record, written.field) in image.undone
        return self._view(
            "undone" if undone else "overwritten",
            image.client,
            written,
            agreed=written.pair,
            why=change_reason(written.rule, written.side),
            at=run.ended or run.started,
            by=run.by,
            run=run.id,
        )

    def _view(
        self,
        state: str,
        client: str,
        of: Change | Written,
        *,
        agreed: Pair | None,
        why: str,
        at: datetime,
        by: str,
        plan: str | None = None,
        run: str | None = None,
    ) -> ConflictView:
        key = base_key(of.field, of.record.partition("/")[2])
        old, new = self._presenter.value(of.field, of.old), self._presenter.value(of.field, of.new)
        ours, theirs = (old, new) if of.side == "ignition" else (new, old)
        master: Side = "xpm" if of.side == "ignition" else "ignition"
        return ConflictView(
            state=state,
            record=of.record,
            client=client,
            name=self._presenter.ref(client).name,
            field=of.field,
            key=key,
            side=of.side,
            old=old,
            new=new,
            ignition=ours,
            xpm=theirs,
            agreed=self._presenter.value(of.field, agreed.ignition if agreed else None),
            wins=master,
            why=why,
            at=at,
            by=by,
            frozen=bool({of.field, key, "*"} & self._presenter.frozen.get(client, frozenset())),
            plan=plan,
            run=run,
        )

    def _agreed(self, client: str, change: Change) -> Pair | None:
        base, link = self._snapshot.get(BASE, client), self._snapshot.get(LINKS, client)
        row = self._snapshot.get(XPM_CLIENTS, link.uuid) if link is not None else None
        if base is None or link is None or row is None:
            return None
        return base_pair(
            base, base_key(change.field, change.record.partition("/")[2]), mirror_values(row, link)
        )


LONGEST_REASON = 500


def freeze(practice: OpenPractice, client: str, fields: Iterable[str] = (), reason: str = "") -> ClientView:
    """Freeze fields of a client in both directions; without a field, all of them.

    A field is one of the policy, or of one contact only (``k3.contact_email``). Raises ``BadInput``.
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
    practice.store.commit(writes)
    for name in dict.fromkeys(names):
        practice.events.emit(Event(key="client.frozen", record=ours.id, field=name))
    return _view(practice, ours.id)


def unfreeze(practice: OpenPractice, client: str, fields: Iterable[str] = ()) -> tuple[ClientView, int]:
    """Unfreeze fields, including those that an undo froze; without a field, all of them. Returns how many."""
    practice.writable()
    snapshot = practice.snapshot()
    ours = find_client(snapshot, client)
    wanted = {_field(ours, name) for name in fields}
    frozen = snapshot.find(FREEZES, "client", ours.id)
    lifted = [row for row in frozen if not wanted or row.field in wanted]
    if lifted:
        practice.store.commit([Drop(FREEZES, row.id) for row in lifted])
        for row in lifted:
            practice.events.emit(Event(key="client.unfrozen", record=ours.id, field=row.field))
    return _view(practice, ours.id), len(lifted)


def ignore(practice: OpenPractice, client: str, reason: str = "") -> ClientView:
    """Decide that a client has no XPM client.

    Raises ``BadInput`` for a client whose XPM client exists; a link to a lost one does not matter.
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
    practice.store.commit([Put(IGNORED, row)])
    practice.events.emit(Event(key="client.ignored", record=ours.id))
    return _view(practice, ours.id)


def unignore(practice: OpenPractice, client: str) -> ClientView:
    """Undo that: the client needs a link again."""
    practice.writable()
    ours = find_client(practice.snapshot(), client)
    practice.store.commit([Drop(IGNORED, ours.id)])
    practice.events.emit(Event(key="client.unignored", record=ours.id))
    return _view(practice, ours.id)


def _field(client: Client, name: str) -> str:
    typed = name.strip()
    contact, point, field = typed.rpartition(".")
    known = field in SYNCED_BY_NAME and (
        not point or (SYNCED_BY_NAME[field].contact and _has(client, contact))
    )
    if known or typed == WHOLE:
        return typed
    near = difflib.get_close_matches(field.casefold(), SYNCED_BY_NAME, 1, 0.6)
    raise BadInput(
        f"There is no field '{visible(typed, 60)}' that can be frozen.",
        hint=f"Did you mean {near[0]}?" if near else f"The fields are: {', '.join(SYNCED_BY_NAME)}.",
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
