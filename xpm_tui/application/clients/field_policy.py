"""Which fields are synced for which clients: the policy as a table, frozen fields, and conflicts.

A conflict is a field that was edited on both sides: in the newest plan, or decided by a run.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.presenters.lookup import find_client, show_client
from xpm_tui.application.presenters.presenter import Presenter
from xpm_tui.application.presenters.views import ClientView, ConflictView
from xpm_tui.application.runs.plans import newest_draft
from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.events import Event
from xpm_tui.domain.fields import SYNCED, SYNCED_BY_NAME, Field
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.labels import DIRECTIONS, FIELD_DIRECTIONS
from xpm_tui.domain.links import Freeze, Pair
from xpm_tui.domain.plan import Change, Plan, PlannedRecord, Side
from xpm_tui.domain.ports import Drop, Put, Snapshot, Write
from xpm_tui.domain.runs import BeforeImage, Run, Written
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import BASE, CLIENTS, FREEZES, IMAGES, LINKS, PLANNED, RUNS, XPM_CLIENTS
from xpm_tui.sync.base import base_key, base_pair, mirror_values, undone_key
from xpm_tui.sync.planning.comparison import WHOLE
from xpm_tui.sync.planning.decisions import because_held, change_reason


class FieldDirection(msgspec.Struct, frozen=True, kw_only=True):
    """The times at which a field is synced in one direction: at creation, and afterwards."""

    creation: bool
    ongoing: bool


class PolicyRow(msgspec.Struct, frozen=True, kw_only=True):
    """One field of the policy.

    Attributes:
        levels: The values of ``sync.level`` with which the field is synced after creation.
        off: Whether the practice has switched the field off.
        carried: Whether a sync includes the field now.
        frozen: Number of clients for which the field is frozen.
    """

    field: str
    label: str
    xpm: str
    from_xpm: FieldDirection
    to_xpm: FieldDirection
    levels: tuple[str, ...]
    off: bool
    carried: bool
    frozen: int


class FrozenView(msgspec.Struct, frozen=True, kw_only=True):
    """A client with a frozen field (``*``: all of them)."""

    client: str
    name: str
    field: str
    reason: str
    by: str
    at: datetime | None


def policy_rows(practice: OpenPractice) -> list[PolicyRow]:
    """Return every field of the policy, in its order."""
    policy, snapshot = practice.policy(), practice.snapshot()
    now = {rule.name for rule in policy.fields()}
    frozen = Counter(_bare(freeze.field) for freeze in snapshot.rows(FREEZES))
    return [
        PolicyRow(
            field=rule.name,
            label=rule.label,
            xpm=rule.element,
            from_xpm=FieldDirection(creation=rule.sync.from_creation, ongoing=rule.sync.from_later),
            to_xpm=FieldDirection(creation=rule.sync.to_creation, ongoing=rule.sync.to_later),
            levels=_levels(rule),
            off=rule.name in policy.off,
            carried=rule.name in now,
            frozen=frozen[rule.name],
        )
        for rule in SYNCED
    ]


def frozen_clients(practice: OpenPractice, field: str = "*") -> list[FrozenView]:
    """Return the clients for which a field is frozen, also in a contact; ``*``: all of their fields are."""
    snapshot = practice.snapshot()
    found = []
    for freeze in snapshot.rows(FREEZES):
        if _bare(freeze.field) == field:
            client = snapshot.get(CLIENTS, freeze.client)
            found.append(
                FrozenView(
                    client=freeze.client,
                    name=client.name if client else "",
                    field=freeze.field,
                    reason=freeze.reason,
                    by=freeze.by,
                    at=freeze.at,
                )
            )
    return found


def fields_switched_off(practice: OpenPractice, fields: Iterable[str], on: bool) -> tuple[str, ...]:
    """Return the fields that would be off once ``fields`` are switched on or off, in the policy's order."""
    named = [name.strip().casefold() for name in fields]
    off = practice.policy().off
    wanted = off.difference(named) if on else off.union(named)
    known = [rule.name for rule in SYNCED if rule.name in wanted]
    # An unknown name is passed to the setting, whose error suggests a similar field.
    return (*known, *(name for name in named if name not in {rule.name for rule in SYNCED}))


def direction_words(synced: FieldDirection) -> str:
    """Return in a word or two when a field is synced in one direction."""
    if synced.ongoing:
        return "always" if synced.creation else "ongoing"
    return "at creation" if synced.creation else "never"


def policy_sentences(row: PolicyRow) -> Iterator[str]:
    """Return a row as sentences: both directions, and whether the field is synced now."""
    for direction, synced in (("from_xpm", row.from_xpm), ("to_xpm", row.to_xpm)):
        times = FIELD_DIRECTIONS[direction_words(synced)].help
        yield f"{DIRECTIONS[direction].text}: {times[:1].lower()}{times[1:]}"
    if row.off:
        yield "Switched off for this practice: sync does not change it."
    elif row.carried:
        yield "Synced."
    elif len(row.levels) == 0:
        yield "Set once, when the client is created: sync does not change it afterwards."
    else:
        yield "Not synced in this direction with this choice of what to sync."


def _levels(rule: Field) -> tuple[str, ...]:
    if not (rule.sync.from_later or rule.sync.to_later):
        return ()
    return ("everything", "name") if rule.sync.name_level else ("everything",)


def _bare(field: str) -> str:
    return field.rpartition(".")[2]


MAX_REASON = 500
"""The most characters of a reason."""


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
                reason=checked_reason(reason),
                by=practice.person,
                at=practice.clock.now(),
            ),
        )
        for name in dict.fromkeys(names)
    ]
    practice.store.commit(writes)
    for name in dict.fromkeys(names):
        practice.events.emit(Event(key="client.frozen", record=ours.id, field=name))
    return show_client(practice, ours.id)


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
    return show_client(practice, ours.id), len(lifted)


def _field(client: Client, name: str) -> str:
    typed = name.strip()
    contact, point, field = typed.rpartition(".")
    known = field in SYNCED_BY_NAME and (
        not point or (SYNCED_BY_NAME[field].contact and any(each.id == contact for each in client.contacts))
    )
    if known or typed == WHOLE:
        return typed
    near = difflib.get_close_matches(field.casefold(), SYNCED_BY_NAME, 1, 0.6)
    raise BadInput(
        f"There is no field '{visible(typed, 60)}' that can be frozen.",
        hint=f"Did you mean {near[0]}?" if near else f"The fields are: {', '.join(SYNCED_BY_NAME)}.",
    )


def checked_reason(text: str) -> str:
    """Return a typed reason without blanks around it. Raises ``BadInput`` if it is too long."""
    if len(text) > MAX_REASON:
        raise BadInput(f"The reason is longer than {MAX_REASON} characters.")
    return text.strip()


def list_conflicts(practice: OpenPractice) -> list[ConflictView]:
    """Return the conflicts of the newest plan, then those that runs have decided, newest first."""
    snapshot = practice.snapshot()
    presenter = _ConflictPresenter(snapshot)
    return [*_planned(snapshot, presenter), *_decided(snapshot, presenter)]


def _planned(snapshot: Snapshot, presenter: _ConflictPresenter) -> Iterator[ConflictView]:
    newest = newest_draft(snapshot)
    if newest is None:
        return
    for record in snapshot.find(PLANNED, "plan", newest.id):
        for change in record.changes:
            if change.conflict:
                yield presenter.planned(newest, record, change)


def _decided(snapshot: Snapshot, presenter: _ConflictPresenter) -> Iterator[ConflictView]:
    runs = sorted(snapshot.rows(RUNS), key=lambda run: (len(run.id), run.id), reverse=True)
    for run in runs:
        for image in snapshot.find(IMAGES, "run", run.id):
            for written in image.written:
                if written.rule == "conflict":
                    yield presenter.decided(run, image, written)


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
