"""The planner alone, over random practices: it ends, loses nothing, never writes a mask, and then is quiet.

After the way Dropbox tests its planner: one world perturbed twice, orders shuffled, plans carried out as if
every step succeeded, again and again until nothing is left to do.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.profile import count
from tests.sync.fixtures import SyncFixture
from tests.sync.practices import TEAM, People, perturbed, perturbed_row, practice
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.plan import Change, Plan, PlannedRecord
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.reason_labels import DIFFERENCES
from xpm_tui.domain.secret import looks_masked
from xpm_tui.domain.tables import CLIENTS, LINKS, PLANNED, PLANS, XPM_CLIENTS
from xpm_tui.domain.xpm import XpmClient
from xpm_tui.sync.canonical import TeamLinks, Values, contact_values, ignition_values, xpm_values
from xpm_tui.sync.manual.plans import plan_undo
from xpm_tui.sync.planning.contacts import match_contacts
from xpm_tui.sync.planning.planner import list_differences
from xpm_tui.sync.policy import Policy

EXAMPLES = settings(max_examples=count(default=100, soak=20_000), deadline=None)
SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.integers(1, 4)


def env_of(people: People) -> SyncFixture:
    return SyncFixture(people.clients, people.rows, links=people.links, policy=people.policy, team=TEAM)


def texts(records: Iterable[Client] | Iterable[XpmClient]) -> dict[str, set[str]]:
    """Every text of every record and of its contacts, by record."""
    found: dict[str, set[str]] = {}
    for record in records:
        id_ = record.id if isinstance(record, Client) else record.uuid
        found[id_] = {value for value in _fields(record) if value}
        for contact in record.contacts:
            found[id_] |= {value for value in _fields(contact) if value}
    return found


def canonical(client: Client) -> object:
    """All that sync reads of a client; of several primaries the first one counts."""
    primary = next((contact.id for contact in client.contacts if contact.primary), "")
    contacts = {contact.id: contact_values(contact) for contact in client.contacts}
    return ignition_values(client, TeamLinks.of(TEAM)), contacts, primary


def _fields(record: object) -> Iterable[str]:
    names: tuple[str, ...] = getattr(record, "__struct_fields__", ())
    return (value for name in names if isinstance(value := getattr(record, name), str))


async def until_idle(env: SyncFixture) -> None:
    """Sync until a plan has no ticked change; two rounds are always enough."""
    for _ in range(2):
        plan, records = await refreshed_plan(env)
        check(env, records)
        if not plan.counts["items"]:
            return
        run = await env.apply(plan, records)
        assert run.outcome == "done"
        assert run.counts.get("moved", 0) == 0
        written = env.written(run)
        planned = Counter((c.field, c.rule, c.side) for record in records for c in record.changes if c.ticked)
        assert written == planned, "what is written is what was planned"
        assert run.counts["changes"] == plan.counts["items"] == written.total()
    plan, records = await refreshed_plan(env)
    assert plan.counts["items"] == 0, [c for record in records for c in record.changes if c.ticked]


async def refreshed_plan(env: SyncFixture) -> tuple[Plan, list[PlannedRecord]]:
    await env.refresh()
    return env.plan()


def check(env: SyncFixture, records: list[PlannedRecord]) -> None:
    """What holds for every plan there is."""
    master = "ignition" if env.policy.direction == "from_xpm" else "xpm"
    carried = {rule.name for rule in env.policy.fields()} | {"link"}
    for record in records:
        seen: set[tuple[str, str]] = set()
        for change in record.changes:
            assert not looks_masked(change.new)
            assert change.field in carried
            saved_here = change.field == "link" or change.rule in ("removed", "shared")
            assert change.side == ("ignition" if saved_here else master)
            assert change.old != change.new
            assert (change.record, change.field) not in seen
            seen.add((change.record, change.field))
            if change.mark == "clearing":
                assert change.ticked == (env.policy.clear == "yes")


@EXAMPLES
@given(SEEDS, SIZES)
def test_any_practice_becomes_stable(seed: int, size: int) -> None:
    asyncio.run(_comes_to_rest(Random(seed), size))


async def _comes_to_rest(dice: Random, size: int) -> None:
    env = env_of(practice(dice, size))
    await until_idle(env)
    for client in [*env.store.snapshot().rows(CLIENTS)]:
        env.put(CLIENTS, [perturbed(dice, client, 2)])
    for row in [*env.practice.rows.values()]:
        env.practice.add(perturbed_row(dice, row, 2))
    await until_idle(env)


@EXAMPLES
@given(SEEDS, SIZES)
def test_the_master_loses_no_value(seed: int, size: int) -> None:
    asyncio.run(_loses_nothing(practice(Random(seed), size)))


async def _loses_nothing(people: People) -> None:
    env = env_of(people)
    ours, theirs = texts(people.clients), texts(people.rows)
    await until_idle(env)
    if people.policy.direction == "from_xpm":
        assert env.practice.sent == []
        assert texts(env.practice.rows.values()) == theirs
    else:
        assert texts(env.store.snapshot().rows(CLIENTS)) == ours
    assert set(env.practice.rows) == {row.uuid for row in people.rows}
    assert env.store.snapshot().count(CLIENTS) == len(people.clients)


@settings(max_examples=count(default=40, soak=10_000), deadline=None)
@given(SEEDS, SIZES)
def test_no_change_of_direction_or_of_what_is_synced_leaves_a_silent_difference(seed: int, size: int) -> None:
    asyncio.run(_switched(Random(seed), size))


async def _switched(dice: Random, size: int) -> None:
    env = env_of(practice(dice, size))
    for turn in range(4):
        env.policy = practice(dice, 1).policy
        await refreshed_plan(env)
        nothing_is_silent(env)
        if dice.random() < 0.7:
            await until_idle(env)
            nothing_is_silent(env)
        if dice.random() < 0.3:
            client = dice.choice([*env.store.snapshot().rows(CLIENTS), None])
            env.put(CLIENTS, [perturbed(dice, client, 3 + turn)] if client else [])


def nothing_is_silent(env: SyncFixture) -> None:
    """What differs is planned or listed, never both; the plan counts what is listed."""
    snapshot = env.store.snapshot()
    plan, records = env.plan()
    listed = [each for _, each in list_differences(snapshot, env.policy)]
    assert Counter(each.why for each in listed) == plan.differences
    # Nothing here was settled by an earlier version, or kept otherwise than it was sent.
    assert {each.why for each in listed} <= DIFFERENCES.keys() - {"settled", "kept-otherwise"}
    planned = {(change.record, change.field) for record in records for change in record.changes}
    reported = Counter((each.record, each.field) for each in listed)
    assert not reported or max(reported.values()) == 1
    assert planned.isdisjoint(reported)
    assert different(snapshot) <= planned | reported.keys()


def different(snapshot: Snapshot) -> set[tuple[str, str]]:
    """All that differs of linked clients, and of those that the plan links: record and field."""
    found: set[tuple[str, str]] = set()
    team = TeamLinks.of(TEAM)
    for link in snapshot.rows(LINKS):
        client, row = snapshot.get(CLIENTS, link.id), snapshot.get(XPM_CLIENTS, link.uuid)
        if client is None or row is None or row.deleted:
            continue
        found |= {(client.id, name) for name in unlike(ignition_values(client, team), xpm_values(row))}
        match = match_contacts(client.contacts, row.contacts, link.contacts)
        joined = {ours.id for ours, _ in match.pairs} | {theirs.uuid for _, theirs in match.pairs}
        for ours, theirs in match.pairs:
            names = unlike(contact_values(ours), contact_values(theirs))
            found |= {(f"{client.id}/{ours.id}", name) for name in names}
        alone = {*(each.id for each in client.contacts), *(each.uuid for each in row.contacts)} - joined
        found |= {(f"{client.id}/{id_}", "contact") for id_ in alone}
    return found


def unlike(ours: Values, theirs: Values) -> set[str]:
    """The fields whose values differ, as far as both sides show them."""
    return {name for name in ours.keys() & theirs.keys() if ours[name] != theirs[name]}


@EXAMPLES
@given(SEEDS, SIZES)
def test_undoing_the_first_run_restores_the_store(seed: int, size: int) -> None:
    asyncio.run(_undone(practice(Random(seed), size)))


async def _undone(people: People) -> None:
    env = env_of(people)
    env.policy = Policy(direction="from_xpm", level=people.policy.level)
    run = await env.sync()
    plan, records, unclear = plan_undo(
        env.store.snapshot(),
        run.id,
        id="p99",
        now=env.clock.now(),
        by="kim",
        tenant="tenant",
        scopes="scopes",
        policy=env.policy,
    )
    env.put(PLANNED, records)
    env.put(PLANS, [plan])
    await env.apply(plan, records)
    assert unclear == ()
    before = {client.id: canonical(client) for client in people.clients}
    assert {client.id: canonical(client) for client in env.store.snapshot().rows(CLIENTS)} == before
    again: list[Change] = [
        change for record in (await refreshed_plan(env))[1] for change in record.changes if change.ticked
    ]
    assert again == []
