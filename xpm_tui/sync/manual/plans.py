"""Plans that users change or make: ticks in a plan, which the next plan keeps, and the undo of a run.

An undo restores a value only if it is still the one that the run wrote; the rest is listed. Every field that
it restores or leaves is frozen for that client while the link exists.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import msgspec

from xpm_tui.domain.field_types import is_blank, is_same
from xpm_tui.domain.ignition import Client, Contact
from xpm_tui.domain.links import Base, Value
from xpm_tui.domain.plan import Change, Plan, PlannedRecord, SkippedUndo, UndoReason
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.runs import BeforeImage, Written
from xpm_tui.domain.tables import BASE, CLIENTS, IMAGES, IMPORTED, LINKS, XPM_CLIENTS
from xpm_tui.sync.applying.local_writes import own_contact
from xpm_tui.sync.applying.run_results import UNDO
from xpm_tui.sync.base import PRIMARY, base_key, base_pair, contact_key, mirror_values, undone_key
from xpm_tui.sync.canonical import (
    TeamLinks,
    Values,
    contact_values,
    ignition_fingerprint,
    ignition_values,
    primary_of,
    xpm_fingerprint,
    xpm_values,
)
from xpm_tui.sync.consequences import possible_changes
from xpm_tui.sync.planning.decisions import SHARED_EDITS, UNTICKABLE
from xpm_tui.sync.planning.planner import change_counts
from xpm_tui.sync.policy import Policy

Reviewed = tuple[str, str, Value, Value]
"""What identifies a change across plans: record, field, old, new."""


def tick(
    records: Iterable[PlannedRecord],
    on: bool,
    *,
    record: str = "",
    field: str = "",
    rule: str = "",
    mark: str = "",
) -> list[PlannedRecord]:
    """Tick or untick matching changes; an empty part matches any. ``record`` is a client or a contact.

    Returns the records that changed. A change that cannot be ticked stays as it is. Without its link none of
    a client's values is written, so unticking an exact-name link leaves its values ticked: they are applied
    with the link or not at all. A contact that is not created cannot become the primary one.
    """

    def matches(change: Change) -> bool:
        return (
            (not record or change.record == record or change.record.startswith(f"{record}/"))
            and (not field or change.field == field)
            and (not rule or change.rule == rule)
            and (not mark or change.mark == mark)
        )

    before = [*records]
    after: list[PlannedRecord] = []
    for each in before:
        changes = tuple(
            msgspec.structs.replace(change, ticked=on)
            if change.ticked is not on and matches(change) and not (on and change.held in UNTICKABLE)
            else change
            for change in each.changes
        )
        after.append(msgspec.structs.replace(each, changes=changes))
    after = _untick_rivals(before, after) if on else after
    after = [msgspec.structs.replace(each, changes=_possible(each.changes)) for each in after]
    return [now for was, now in zip(before, after, strict=True) if now.changes != was.changes]


def _untick_rivals(before: Sequence[PlannedRecord], after: Sequence[PlannedRecord]) -> list[PlannedRecord]:
    """Return the records with at most one of different edits of a shared contact ticked.

    It is the one just ticked, or none if several were.
    """
    was = {(c.record, c.field): c.ticked for each in before for c in each.changes}
    groups: dict[tuple[str, str], list[Change]] = {}
    for each in after:
        for change in each.changes:
            if change.held == SHARED_EDITS and not change.follows and change.ticked:
                groups.setdefault((change.shared, change.field), []).append(change)
    off: set[tuple[str, str]] = set()
    for group in groups.values():
        if len(group) > 1:
            new = [change for change in group if not was[change.record, change.field]]
            keep = new[0] if len(new) == 1 else None
            off |= {(change.record, change.field) for change in group if change is not keep}
    if not off:
        return [*after]
    return [
        msgspec.structs.replace(
            each,
            changes=tuple(
                msgspec.structs.replace(c, ticked=False)
                if not c.follows and (c.record, c.field) in off
                else c
                for c in each.changes
            ),
        )
        for each in after
    ]


def _possible(changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """Untick what is impossible without a change that is not ticked."""
    ticked = tuple(change for change in changes if change.ticked)
    left = possible_changes(changes, ticked)
    if left == ticked:
        return changes
    done = {(change.record, change.field, change.follows) for change in left}
    return tuple(
        msgspec.structs.replace(change, ticked=wanted)
        if change.ticked is not (wanted := (change.record, change.field, change.follows) in done)
        and (change.ticked or change.follows)
        else change
        for change in changes
    )


def recount(plan: Plan, records: Sequence[PlannedRecord]) -> Plan:
    """Return the plan's head after its ticks changed; ``records`` are all of its records."""
    return msgspec.structs.replace(plan, counts=change_counts(records))


def keep_review(
    before: Iterable[PlannedRecord], records: Sequence[PlannedRecord]
) -> tuple[list[PlannedRecord], list[PlannedRecord]]:
    """Copy a user's ticks to a new plan; also return the ticked changes that are not reviewed, by record.

    A change that is the same (record, field, old, new) keeps its tick.
    """
    seen = {_same(change): change.ticked for record in before for change in record.changes}
    remaining: list[PlannedRecord] = []
    unseen: list[PlannedRecord] = []
    for record in records:
        changes: list[Change] = []
        new = tuple(each for each in record.changes if each.ticked and _same(each) not in seen)
        if new:
            unseen.append(msgspec.structs.replace(record, changes=new))
        for change in record.changes:
            ticked = seen.get(_same(change))
            changes.append(
                change
                if ticked in (None, change.ticked) or change.held in UNTICKABLE
                else msgspec.structs.replace(change, ticked=ticked)
            )
        remaining.append(msgspec.structs.replace(record, changes=_possible(tuple(changes))))
    return remaining, unseen


def _same(change: Change) -> Reviewed:
    return change.record, change.field, change.old, change.new


def plan_undo(
    snapshot: Snapshot,
    run: str,
    *,
    id: str,  # noqa: A002
    now: datetime,
    by: str,
    tenant: str,
    scopes: str,
    policy: Policy,
    client: str = "",
    field: str = "",
    in_use: frozenset[str] = frozenset(),
) -> tuple[Plan, list[PlannedRecord], tuple[SkippedUndo, ...]]:
    """Plan to undo a run, or one client or one field (``phone``, ``contact_email``, ``link``) of it.

    ``in_use`` are clients that something depends on (a proposal, a job). The plan is applied like any other.
    """
    team = TeamLinks.read(snapshot)
    records: list[PlannedRecord] = []
    skipped: list[SkippedUndo] = []
    for image in snapshot.find(IMAGES, "run", run):
        if client in ("", image.client):
            reader = _UndoReader(snapshot, image, team, field, image.client in in_use)
            changes = tuple(reader.changes())
            skipped += reader.skipped
            if changes:
                records.append(reader.record(id, changes))
    plan = Plan(
        id=id,
        made=now,
        by=by,
        direction=policy.direction,
        level=policy.level,
        tenant=tenant,
        policy=policy.hash,
        scopes=scopes,
        counts=change_counts(records),
        only=client,
        fields=(field,) if field else (),
        undo_of=run,
        left=tuple(skipped),
    )
    return plan, records, tuple(skipped)


class _UndoReader:
    """One before-image, compared with the present state."""

    def __init__(
        self, snapshot: Snapshot, image: BeforeImage, team: TeamLinks, field: str, in_use: bool
    ) -> None:
        self._image = image
        self._team = team
        self._field = field
        self._in_use = in_use
        self._client = snapshot.get(CLIENTS, image.client)
        self._row = snapshot.get(XPM_CLIENTS, image.uuid)
        self._link = snapshot.get(LINKS, image.client)
        self._base = snapshot.get(BASE, image.client) or Base(id=image.client)
        self._imported = snapshot.raw(IMPORTED, image.client) is not None
        self.skipped: list[SkippedUndo] = []

    def record(self, plan: str, changes: tuple[Change, ...]) -> PlannedRecord:
        """Return the row of this client in the undo's plan."""
        return PlannedRecord(
            id=f"{plan}/{self._image.client}",
            plan=plan,
            client=self._image.client,
            uuid=self._image.uuid,
            changes=changes,
            ignition=ignition_fingerprint(self._client, self._team) if self._client is not None else "",
            xpm=xpm_fingerprint(self._row) if self._row is not None else "",
        )

    def changes(self) -> Iterator[Change]:
        """Yield the changes that restore values, the link last; the rest is added to ``skipped``."""
        gone = frozenset(self._image.undone)
        remaining = [w for w in self._image.written if undone_key(w.record, w.field) not in gone]
        for written in sorted(remaining, key=lambda w: w.field in ("link", "client")):
            if self._field not in ("", written.field, base_key(written.field, written.contact)):
                continue
            change = self._restoring_change(written)
            if isinstance(change, SkippedUndo):
                self.skipped.append(change)
            elif change is not None:
                yield change

    def _restoring_change(self, written: Written) -> Change | SkippedUndo | None:
        if self._client is None:
            return SkippedUndo(record=written.record, field=written.field, wanted=written.old, why="missing")
        if written.field == "client":
            return self._client_back(written, self._client)
        if written.field == "link":
            return self._link_back(written)
        if written.field == "contact":
            return self._contact_back(written, self._client)
        if not self._as_linked:
            return self._skip(written, "relinked")
        values = self._values(written, self._client)
        if values is None or written.field not in values:
            return self._skip(written, "missing")
        if written.side == "xpm" and self._row is not None and (self._row.archived or self._row.deleted):
            return self._skip(written, "archived" if self._row.archived else "missing")
        present = values[written.field]
        if is_same(present, written.old):
            return None
        if not is_same(present, written.new):
            return self._skip(written, "edited", present)
        if written.field == PRIMARY and written.side == "xpm":
            return self._primary_back(written)
        return _undo_change(written, present, written.old)

    def _primary_back(self, written: Written) -> Change | SkippedUndo:
        """Restore the primary contact with a call for the contact that was primary before."""
        before = str(written.old or "")
        if not before:
            return self._skip(written, "stays-in-xpm", written.new)
        joined = {each.uuid: each.contact for each in self._link.contacts} if self._link is not None else {}
        back = _undo_change(written, written.new, before)
        return msgspec.structs.replace(back, record=f"{self._image.client}/{joined.get(before) or before}")

    def _client_back(self, written: Written, client: Client) -> Change | SkippedUndo:
        if self._in_use:
            return self._skip(written, "in-use")
        if not self._as_linked:
            return self._skip(written, "relinked")
        if self._edited(client):
            return self._skip(written, "client-edited")
        return _undo_change(written, written.new, None)

    def _link_back(self, written: Written) -> Change | SkippedUndo | None:
        if written.rule == "create" and self._row is not None:
            self.skipped.append(
                SkippedUndo(
                    record=written.record,
                    field="client",
                    present=self._row.uuid,
                    why="stays-in-xpm",
                    address=self._row.web_url,
                )
            )
        present = self._link.uuid if self._link is not None else None
        if present == written.old:
            return None
        if present != written.new:
            return self._skip(written, "relinked", present)
        return _undo_change(written, written.new, written.old)

    def _contact_back(self, written: Written, client: Client) -> Change | SkippedUndo | None:
        if written.side == "xpm":
            return self._skip(written, "stays-in-xpm")
        if written.new is None:
            return self._removed_back(written, client)
        contact = client.contact(written.contact)
        if contact is None:
            return None
        if not self._as_linked:
            return self._skip(written, "relinked")
        if self._contact_edited(contact):
            return self._skip(written, "contact-edited")
        return _undo_change(written, written.new, None)

    def _removed_back(self, written: Written, client: Client) -> Change | SkippedUndo | None:
        """Restore a contact that was removed with the link to a former client."""
        if client.contact(written.contact) is not None:
            return None
        if not self._as_linked:
            return self._skip(written, "relinked")
        return _undo_change(written, None, written.old)

    def _edited(self, client: Client) -> bool:
        """Return whether Ignition has the client by now, or a value from XPM was edited."""
        if client.client_id or self._imported:
            return True
        return any(
            self._changed(key, value) for key, value in ignition_values(client, self._team).items()
        ) or any(self._contact_edited(contact) for contact in client.contacts)

    def _contact_edited(self, contact: Contact) -> bool:
        if contact.contact_id or contact.extra:
            return True
        values = contact_values(contact)
        if self._row is not None:
            own = contact_values(own_contact(contact.id, self._row, values))
            if all(is_blank(value) or is_same(value, own[field]) for field, value in values.items()):
                return False
        return any(self._changed(contact_key(contact.id, field), value) for field, value in values.items())

    def _changed(self, key: str, value: Value) -> bool:
        """Return whether a value differs from the base; without one, from XPM's value."""
        mirror = self._mirror()
        agreed = base_pair(self._base, key, mirror)
        if agreed is not None:
            return not is_same(agreed.ignition, value)
        return not is_blank(value) and not is_same(value, mirror.get(key))

    @property
    def _as_linked(self) -> bool:
        """Return whether the client has the link that the run wrote by, or gets it back with this undo."""
        if self._link is not None:
            return self._link.uuid == self._image.uuid
        gone = frozenset(self._image.undone)
        return self._field in ("", "link") and any(
            each.field == "link"
            and each.old == self._image.uuid
            and undone_key(each.record, each.field) not in gone
            for each in self._image.written
        )

    def _mirror(self) -> Values:
        if self._row is None or self._link is None:
            return {}
        return mirror_values(self._row, self._link)

    def _values(self, written: Written, client: Client) -> Values | None:
        """Return the present values on the side that was written."""
        contact = written.contact
        joined = {each.contact: each.uuid for each in self._link.contacts} if self._link is not None else {}
        if written.field == PRIMARY:
            ours = primary_of(client)
            here = joined.get(ours) or ours
            return {PRIMARY: here if written.side == "ignition" else self._mirror().get(PRIMARY, "")}
        if written.side == "ignition":
            if not contact:
                return ignition_values(client, self._team)
            return next((contact_values(each) for each in client.contacts if each.id == contact), None)
        if self._row is None:
            return None
        if not contact:
            return xpm_values(self._row)
        wanted = joined.get(contact, "")
        return next((contact_values(each) for each in self._row.contacts if each.uuid == wanted), None)

    def _skip(self, written: Written, why: UndoReason, present: Value = None) -> SkippedUndo:
        return SkippedUndo(
            record=written.record, field=written.field, wanted=written.old, present=present, why=why
        )


def _undo_change(written: Written, old: Value, new: Value) -> Change:
    side = "ignition" if written.field == "link" else written.side
    return Change(record=written.record, field=written.field, side=side, rule=UNDO, old=old, new=new)
