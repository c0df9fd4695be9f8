"""The planner: every change that would be made, for every client, computed without side effects.

The same snapshot and policy give the same plan. Only the snapshot is read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime

import msgspec

from xpm_tui.domain.ignition import Client
from xpm_tui.domain.links import Base, Link
from xpm_tui.domain.plan import Change, Plan, PlannedRecord, UndecidedClient
from xpm_tui.domain.ports import Snapshot, changed_tables
from xpm_tui.domain.tables import (
    BASE,
    BLOCKED_PAIRS,
    CLIENTS,
    FREEZES,
    IGNORED,
    LINKS,
    LOST_CLIENTS,
    META,
    PROVENANCE,
    TEAM,
    XPM_CLIENTS,
)
from xpm_tui.domain.xpm import XpmClient
from xpm_tui.sync.base import foreign_values, frozen_fields
from xpm_tui.sync.canonical import TeamLinks, ignition_fingerprint, xpm_fingerprint
from xpm_tui.sync.journal import ADD_CONTACT, unanswered
from xpm_tui.sync.planning.comparison import (
    WHOLE,
    ClientChanges,
    ClientPair,
    FieldComparison,
    compare,
    compare_quickly,
)
from xpm_tui.sync.planning.contacts import contact_owners, merge_shared_changes
from xpm_tui.sync.planning.decisions import UNKNOWN, Difference, DifferenceReason, Rules
from xpm_tui.sync.planning.links import (
    SYNCED_STATES,
    SameNames,
    exact_match,
    frozen_fields_by_client,
    state_of,
    undecided_client,
)
from xpm_tui.sync.policy import Policy

FIRST_APPLIED = "first_applied"
"""The id of the row of ``META`` that says that a run was applied; its value is that run's id."""


class ClientPlan(msgspec.Struct, frozen=True, gc=False):
    """The planned changes of one client, what still differs, and whether it needs a decision."""

    uuid: str
    changes: tuple[Change, ...] = ()
    differences: tuple[Difference, ...] = ()
    undecided: UndecidedClient | None = None
    in_step: bool = False


class ComparedClients:
    """The linked clients that a plan found in step, so that its run need not compare them again.

    A client counts only while its rows, and everything else that the comparison depends on, are unchanged.
    """

    def __init__(self) -> None:
        self._uuids: dict[str, str] = {}
        self._snapshot: Snapshot | None = None

    def begin(self, snapshot: Snapshot) -> None:
        """Start with the snapshot that is compared."""
        self._snapshot = snapshot
        self._uuids = {}

    def add(self, client: str, uuid: str) -> None:
        """Add a client that is in step, and the XPM client that it is linked to."""
        self._uuids[client] = uuid

    def unchanged(self, now: Snapshot) -> Callable[[str], bool]:
        """Return the function that says whether a client is in step in another snapshot, too."""
        then = self._snapshot
        if then is None or changed_tables(_COMPARED_WITH, then, now):
            return lambda client: False
        tables = changed_tables(_COMPARED, then, now)
        own, theirs = tables - {XPM_CLIENTS}, XPM_CLIENTS in tables

        def unchanged(client: str) -> bool:
            uuid = self._uuids.get(client)
            return (
                uuid is not None
                and all(then.raw(table, client) == now.raw(table, client) for table in own)
                and not (theirs and then.raw(XPM_CLIENTS, uuid) != now.raw(XPM_CLIENTS, uuid))
            )

        return unchanged


_COMPARED = (CLIENTS, LINKS, BASE, XPM_CLIENTS)
_COMPARED_WITH = (TEAM, FREEZES, PROVENANCE, IGNORED, BLOCKED_PAIRS, LOST_CLIENTS)
"""The tables that a comparison of linked clients depends on besides their own rows."""


def make_plan(
    snapshot: Snapshot,
    policy: Policy,
    *,
    id: str,  # noqa: A002
    now: datetime,
    by: str,
    tenant: str,
    scopes: str,
    only: Collection[str] | str = "",
    fields: Collection[str] = (),
    full: bool = True,
    compared: ComparedClients | None = None,
) -> tuple[Plan, list[PlannedRecord]]:
    """Plan everything, or only some clients (ids) or fields (names of the policy).

    ``tenant`` and ``scopes`` say where the plan is valid. The records are those with something to change or
    to decide, in the order of the store. ``compared`` collects the clients that are in step.
    """
    chosen = tuple(only.split()) if isinstance(only, str) else tuple(only)
    planner = _Planner(snapshot, policy, fields)
    undecided: list[UndecidedClient] = []
    left: Counter[str] = Counter()
    found: list[tuple[Client, str]] = []
    changes: dict[str, tuple[Change, ...]] = {}
    if compared is not None:
        compared.begin(snapshot)
    for client in _clients(snapshot, chosen):
        planned = planner.plan(client)
        if compared is not None and planned.in_step:
            compared.add(client.id, planned.uuid)
        if planned.undecided is not None:
            undecided.append(planned.undecided)
        if planned.changes:
            found.append((client, planned.uuid))
            changes[client.id] = planned.changes
        for difference in planned.differences:
            left[difference.why] += 1
    changes = planner.merge_shared(changes)
    records = [
        planner.record(id, client, uuid, changes[client.id]) for client, uuid in found if changes[client.id]
    ]
    counts = change_counts(records)
    plan = Plan(
        id=id,
        made=now,
        by=by,
        direction=policy.direction,
        level=policy.level,
        tenant=tenant,
        policy=policy.hash,
        scopes=scopes,
        counts=counts,
        differences=dict(left),
        people=tuple(undecided),
        first=is_first(snapshot),
        full=full,
        only=" ".join(chosen),
        fields=tuple(fields),
    )
    return plan, records


def list_differences(
    snapshot: Snapshot, policy: Policy, *, only: Collection[str] | str = "", fields: Collection[str] = ()
) -> Iterator[tuple[str, Difference]]:
    """Yield what differs and is not planned, client by client, with the XPM client's UUID.

    ``only`` and ``fields`` narrow it as they do a plan.
    """
    planner = _Planner(snapshot, policy, fields)
    for client in _clients(snapshot, tuple(only.split()) if isinstance(only, str) else tuple(only)):
        planned = planner.plan(client)
        for difference in planned.differences:
            yield planned.uuid, difference


def plan_client(snapshot: Snapshot, policy: Policy, client: Client) -> ClientPlan:
    """Return what a plan would contain for one client."""
    return _Planner(snapshot, policy, ()).plan(client)


def is_first(snapshot: Snapshot) -> bool:
    """Return whether no run of this practice was ever applied."""
    return snapshot.raw(META, FIRST_APPLIED) is None


def change_counts(records: Iterable[PlannedRecord]) -> dict[str, int]:
    """Return the counts of a plan: ``records``, ``items`` (ticked), ``waiting``, by rule, mark and field."""
    counts: Counter[str] = Counter(records=0, items=0, waiting=0)
    for record in records:
        counts["records"] += any(change.ticked for change in record.changes)
        for change in record.changes:
            counts["items" if change.ticked else "waiting"] += 1
            counts[f"rule:{change.rule}"] += 1
            counts[f"field:{change.field}"] += 1
            if change.mark:
                counts[f"mark:{change.mark}"] += 1
    return dict(counts)


def compare_client(
    snapshot: Snapshot, rules: Rules, client: Client, link: Link, row: XpmClient
) -> FieldComparison:
    """Compare one client of the snapshot."""
    base = snapshot.get(BASE, client.id)
    frozen = frozen_fields(snapshot, client.id)
    former = foreign_values(snapshot, client, link.uuid, rules.team)
    return compare(rules, ClientPair(client, row, link, base or Base(id=client.id), frozen, former))


def rules_for(snapshot: Snapshot, policy: Policy, fields: Collection[str] = ()) -> Rules:
    """Return the policy with the snapshot's team and contacts."""
    return Rules.of(
        policy,
        TeamLinks.read(snapshot),
        only=fields,
        shared=lambda uuid: len(contact_owners(snapshot, uuid)) > 1,
    )


def unknown_additions(snapshot: Snapshot) -> frozenset[str]:
    """Return the records of contacts that were sent to XPM and whose outcome is unknown."""
    return frozenset(intent.record for intent in unanswered(snapshot) if intent.kind == ADD_CONTACT)


class _Planner:
    """Plans the clients of one snapshot one after the other."""

    def __init__(self, snapshot: Snapshot, policy: Policy, fields: Collection[str]) -> None:
        self.snapshot = snapshot
        self.policy = policy
        self.rules = rules_for(snapshot, policy, fields)
        self.frozen = frozen_fields_by_client(snapshot)
        self.names = SameNames(snapshot)
        self.linking = not fields or "link" in fields
        self.unknown = unknown_additions(snapshot)

    def plan(self, client: Client) -> ClientPlan:
        """Plan one client."""
        snapshot = self.snapshot
        link = snapshot.get(LINKS, client.id)
        if link is None:
            return self._unlinked(client)
        row = snapshot.get(XPM_CLIENTS, link.uuid)
        state = state_of(snapshot, client, link, row)
        if row is None or row.deleted:
            return ClientPlan(link.uuid, undecided=undecided_client(snapshot, client, state))
        if state not in SYNCED_STATES:
            found = self._compare(client, link, row, "ignored" if state == "ignored" else "link")
            return ClientPlan(link.uuid, (), found.differences, undecided_client(snapshot, client, state))
        found = self._compare(client, link, row)
        if state == "archived" and found.changes and self.policy.direction == "to_xpm":
            undecided = UndecidedClient(client=client.id, reason="archived", uuid=row.uuid)
            found = self._compare(client, link, row, "archived")
            return ClientPlan(link.uuid, (), found.differences, undecided)
        return ClientPlan(link.uuid, found.changes, found.differences, in_step=found.in_step)

    def record(self, plan: str, client: Client, uuid: str, changes: tuple[Change, ...]) -> PlannedRecord:
        """Return the row of one client, with the fingerprints of its records."""
        row = self.snapshot.get(XPM_CLIENTS, uuid)
        return PlannedRecord(
            id=f"{plan}/{client.id}",
            plan=plan,
            client=client.id,
            uuid=uuid,
            changes=changes,
            ignition=ignition_fingerprint(client, self.rules.team),
            xpm=xpm_fingerprint(row) if row is not None else "",
        )

    def merge_shared(self, planned: dict[str, tuple[Change, ...]]) -> dict[str, tuple[Change, ...]]:
        """Return the changes with one change to XPM for each field of a shared contact."""
        if self.rules.side != "xpm":
            return planned
        return merge_shared_changes(
            self.snapshot, self.rules, lambda client: self.frozen.get(client, frozenset()), planned
        )

    def _unlinked(self, client: Client) -> ClientPlan:
        """Plan a link by exact name, with its values in the same plan."""
        snapshot = self.snapshot
        if snapshot.raw(IGNORED, client.id) is not None or WHOLE in self.frozen.get(client.id, ()):
            return ClientPlan("")
        uuid = exact_match(snapshot, client, self.names) if self.linking else ""
        row = snapshot.get(XPM_CLIENTS, uuid) if uuid else None
        if row is not None and row.is_set_aside:
            return ClientPlan("")
        if row is None:
            return ClientPlan(
                "", undecided=undecided_client(snapshot, client, state_of(snapshot, client, None, None))
            )
        linking = Change(
            record=client.id, field="link", side="ignition", rule="exact-name", old=None, new=uuid
        )
        found = self._compare(client, Link(id=client.id, uuid=uuid), row)
        return ClientPlan(uuid, (linking, *found.changes), found.differences)

    def _compare(
        self, client: Client, link: Link, row: XpmClient, blocked: DifferenceReason | None = None
    ) -> ClientChanges:
        base = self.snapshot.get(BASE, client.id) or Base(id=client.id)
        former = foreign_values(self.snapshot, client, link.uuid, self.rules.team)
        sides = ClientPair(client, row, link, base, self.frozen.get(client.id, frozenset()), former)
        found = compare_quickly(self.rules, sides, blocked)
        if not self.unknown:
            return found
        return ClientChanges(tuple(map(self._held_if_unknown, found.changes)), found.differences)

    def _held_if_unknown(self, change: Change) -> Change:
        """Return the change, held if its contact may already have been created: there must not be two."""
        if change.field != "contact" or change.side != "xpm" or change.record not in self.unknown:
            return change
        return msgspec.structs.replace(change, ticked=False, held=UNKNOWN)


def _clients(snapshot: Snapshot, chosen: tuple[str, ...]) -> Iterator[Client]:
    if not chosen:
        yield from snapshot.rows(CLIENTS)
        return
    for id_ in chosen:
        client = snapshot.get(CLIENTS, id_)
        if client is not None:
            yield client
