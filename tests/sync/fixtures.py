"""Both sides in memory, and a user who refreshes, plans and applies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from typing import Any

import msgspec
from msgspec.structs import replace

from tests.support.fake_practice import FakePractice
from tests.support.memory_store import MemoryIds, MemoryStore
from tests.support.moved_clock import MovedClock
from xpm_tui.domain.events import Event
from xpm_tui.domain.ignition import Client, Contact, TeamMember
from xpm_tui.domain.links import Base, Link
from xpm_tui.domain.plan import Change, Plan, PlannedRecord
from xpm_tui.domain.ports import Put
from xpm_tui.domain.runs import Intent, Run
from xpm_tui.domain.tables import (
    BASE,
    CLIENTS,
    IMAGES,
    INTENTS,
    LINKS,
    PLANNED,
    PLANS,
    RUNS,
    TEAM,
    XPM_CLIENTS,
)
from xpm_tui.domain.xpm import Staff, XpmClient, XpmContact
from xpm_tui.sync.applying.executor import apply
from xpm_tui.sync.applying.recovery import Resolved, resolve
from xpm_tui.sync.mirror import ClientsRefreshed, changed_since, refresh_clients
from xpm_tui.sync.planning.planner import make_plan
from xpm_tui.sync.policy import Policy

LAG = 300.0
"""How long XPM may take to list a new record, in seconds."""


def end_interrupted_runs(env: SyncFixture, *runs: str) -> None:
    """End runs whose process is known to be dead."""
    for id_ in runs:
        run = env.store.snapshot().get(RUNS, id_)
        if run is not None and run.outcome == "running":
            env.store.commit([Put(RUNS, replace(run, outcome="interrupted", ended=env.clock.now()))])


async def recover(env: SyncFixture, **options: Any) -> Resolved:
    """Look up the writes without an outcome."""
    return await resolve(
        store=env.store,
        practice=env.practice,
        clock=env.clock,
        emit=env.events.emit,
        create_lag=LAG,
        **options,
    )


def only_intent(env: SyncFixture) -> Intent:
    """Return the only intent."""
    (intent,) = env.store.snapshot().rows(INTENTS)
    return intent


def creation_run(env: SyncFixture) -> Run:
    """Return the run r50, in which a record is created."""
    run = env.store.snapshot().get(RUNS, "r50")
    assert run is not None
    return run


class Events:
    """Keeps the events that were emitted."""

    def __init__(self) -> None:
        self.all: list[Event] = []

    def emit(self, event: Event) -> None:
        self.all.append(event)

    def keys(self) -> list[str]:
        return [event.key for event in self.all]


class SyncFixture:
    """A practice on both sides; ``policy`` may be changed as a user would."""

    def __init__(
        self,
        clients: Iterable[Client] = (),
        rows: Iterable[XpmClient] = (),
        *,
        policy: Policy | None = None,
        links: Iterable[Link] = (),
        team: Iterable[TeamMember] = (),
    ) -> None:
        self.clock = MovedClock()
        self.store = MemoryStore()
        self.ids = MemoryIds()
        for prefix in "ck":
            self.ids.new(prefix, 100)
        self.practice = FakePractice([*rows], self.clock)
        self.events = Events()
        self.policy = policy or Policy()
        self.put(CLIENTS, clients)
        self.put(LINKS, links)
        self.put(TEAM, team)

    def put(self, table: Any, rows: Iterable[Any]) -> None:
        self.store.commit([Put(table, row) for row in rows])

    def client(self, id_: str = "c1") -> Client:
        client = self.store.snapshot().get(CLIENTS, id_)
        assert client is not None
        return client

    def edit(self, id_: str = "c1", **values: Any) -> None:
        """A user edits a client in Ignition."""
        self.put(CLIENTS, [msgspec.structs.replace(self.client(id_), **values)])

    def edit_contact(self, id_: str, contact: str, **values: Any) -> None:
        """A user edits a contact in Ignition."""
        contacts = tuple(
            msgspec.structs.replace(each, **values) if each.id == contact else each
            for each in self.client(id_).contacts
        )
        self.edit(id_, contacts=contacts)

    def link(self, id_: str = "c1") -> Link:
        link = self.store.snapshot().get(LINKS, id_)
        assert link is not None
        return link

    def base(self, id_: str = "c1") -> Base:
        return self.store.snapshot().get(BASE, id_) or Base(id=id_)

    def mirror(self, uuid: str) -> XpmClient:
        row = self.store.snapshot().get(XPM_CLIENTS, uuid)
        assert row is not None
        return row

    async def refresh(self, *, complete: bool = True, accept: bool = False) -> ClientsRefreshed:
        """Read XPM's list into the mirror."""
        mark = None if complete else changed_since(self.store.snapshot())
        async with self.practice.clients(modified_since=mark) as listing:
            return await refresh_clients(
                listing, store=self.store, clock=self.clock, complete=complete, accept=accept
            )

    def plan(
        self, *, only: Collection[str] | str = "", fields: Collection[str] = ()
    ) -> tuple[Plan, list[PlannedRecord]]:
        """Plan over the store as it is."""
        plan, records = make_plan(
            self.store.snapshot(),
            self.policy,
            id=self.ids.new("p")[0],
            now=self.clock.now(),
            by="kim",
            tenant="tenant",
            scopes="scopes",
            only=only,
            fields=fields,
        )
        self.put(PLANS, [plan])
        self.put(PLANNED, records)
        return plan, records

    async def apply(
        self,
        plan: Plan,
        records: list[PlannedRecord],
        *,
        stop: Callable[[], bool] = lambda: False,
        reviewed: bool = False,
    ) -> Run:
        """Apply a plan as a run of its own."""
        run = Run(id=self.ids.new("r")[0], started=self.clock.now(), by="kim", plan=plan.id)
        self.put(RUNS, [run])
        return await apply(
            plan,
            records,
            policy=self.policy,
            run=run,
            store=self.store,
            practice=self.practice,
            clock=self.clock,
            ids=self.ids,
            events=self.events,
            stop=stop,
            reviewed=reviewed,
        )

    async def sync(self, *, complete: bool = True) -> Run:
        """Refresh, plan, apply: what a user does every day."""
        await self.refresh(complete=complete)
        plan, records = self.plan()
        return await self.apply(plan, records)

    def written(self, run: Run) -> Counter[tuple[str, str, str]]:
        """What a run wrote, by field, rule and side."""
        images = [image for image in self.store.snapshot().rows(IMAGES) if image.run == run.id]
        return Counter((w.field, w.rule, w.side) for image in images for w in image.written)

    async def changes(self) -> list[Change]:
        """Refresh and plan: what would change now."""
        await self.refresh()
        return changes_of(self.plan()[1])


def changes_of(records: Iterable[PlannedRecord]) -> list[Change]:
    return [change for record in records for change in record.changes]


def one(changes: Iterable[Change], field: str) -> Change:
    """The only change of a field."""
    (change,) = [change for change in changes if change.field == field]
    return change


def xpm(number: int = 1, name: str = "", **values: Any) -> XpmClient:
    """An XPM client ``u1`` with the web number 1001."""
    values.setdefault("groups", ())
    return XpmClient(uuid=f"u{number}", name=name or f"Client {number}", number=str(1000 + number), **values)


def client(number: int = 1, name: str = "", **values: Any) -> Client:
    """A client ``c1`` of the store, of the same name."""
    return Client(id=f"c{number}", name=name or f"Client {number}", **values)


def contact(number: int, **values: Any) -> Contact:
    return Contact(id=f"k{number}", **values)


def xpm_contact(number: int, **values: Any) -> XpmContact:
    return XpmContact(uuid=f"x{number}", **values)


def linked(number: int = 1, **values: Any) -> Link:
    return Link(id=f"c{number}", uuid=f"u{number}", number=str(1000 + number), **values)


def member(number: int, **values: Any) -> TeamMember:
    return TeamMember(id=f"t{number}", name=f"Member {number}", **values)


def staff(number: int) -> Staff:
    return Staff(uuid=f"s{number}", name=f"Staff {number}")
