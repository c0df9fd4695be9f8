"""Linking a client to another XPM client: what came from the former one is removed, or shown first."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import pytest

from tests.support.profile import count
from tests.sync.fixtures import SyncFixture, client, contact, linked, one, xpm, xpm_contact
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.links import Freeze
from xpm_tui.domain.plan import Direction
from xpm_tui.domain.ports import Drop
from xpm_tui.domain.runs import Run
from xpm_tui.domain.tables import BLOCKED_PAIRS, FREEZES, LINKS, PLANNED, PLANS
from xpm_tui.domain.xpm import RecordReference, XpmClient
from xpm_tui.sync.base import foreign_values
from xpm_tui.sync.canonical import TeamLinks
from xpm_tui.sync.manual.links import link, link_effect, unlink
from xpm_tui.sync.manual.plans import plan_undo
from xpm_tui.sync.policy import Policy


def rata(number: int = 1) -> XpmClient:
    """The client that the link leaves: it has something in most fields."""
    return xpm(
        number,
        "Rata Orchards Ltd",
        phone="09 111",
        address="1 Rata St",
        postal_address="PO Box 11",
        groups=(RecordReference("g1", "Growers"),),
        contacts=(
            xpm_contact(11, name="Rita Rata", email="rita@rata.example", primary=True),
            xpm_contact(12, name="Ron Rata", mobile="021 12"),
        ),
    )


def kauri(**values: Any) -> XpmClient:
    """The client that is linked then; its address is blank."""
    return xpm(2, "Kauri Joinery", **{"phone": "09 222", **values})


async def synced(mine: Client | None = None, *rows: XpmClient, **policy: Any) -> SyncFixture:
    env = SyncFixture(
        [mine or client(name="Rata", fax="09 999")], rows or [rata(), kauri()], links=[linked()]
    )
    env.policy = Policy(**policy)
    await env.sync()
    return env


def relink(env: SyncFixture, uuid: str = "u2", id_: str = "c1", **how: Any) -> str:
    (run,) = env.ids.new("r")
    snapshot, now = env.store.snapshot(), env.clock.now()
    env.store.commit(link(snapshot, id_, uuid, now=now, by="kim", run=run, policy=env.policy, **how))
    return run


def unlinked(env: SyncFixture, id_: str = "c1") -> str:
    (run,) = env.ids.new("r")
    snapshot, now = env.store.snapshot(), env.clock.now()
    env.store.commit(unlink(snapshot, id_, now=now, by="kim", run=run))
    return run


async def undo(env: SyncFixture, run: str) -> Run:
    plan, records, _ = plan_undo(
        env.store.snapshot(), run, id=env.ids.new("p")[0], now=env.clock.now(), by="kim",
        tenant="tenant", scopes="scopes", policy=env.policy,
    )  # fmt: skip
    env.put(PLANS, [plan])
    env.put(PLANNED, records)
    return await env.apply(plan, records, reviewed=True)


async def test_values_of_the_former_client_are_listed_and_removed_with_the_link() -> None:
    env = await synced()
    shown = link_effect(env.store.snapshot(), env.policy, "c1", "u2").former
    relink(env)
    ours = env.client()
    assert (ours.phone, ours.address, ours.postal_address, ours.groups) == ("09 222", "", "", ())
    assert (ours.name, ours.fax, ours.contacts) == ("Kauri Joinery", "09 999", ())
    outcomes = {(each.field, each.old): each.outcome for each in shown}
    assert outcomes == {
        ("name", "Rata Orchards Ltd"): "replaced",
        ("phone", "09 111"): "replaced",
        ("address", "1 Rata St"): "removed",
        ("postal_address", "PO Box 11"): "removed",
        ("groups", ("Growers",)): "removed",
        ("contact", "Rita Rata"): "removed",
        ("contact", "Ron Rata"): "removed",
    }
    assert await env.changes() == []
    env.policy = Policy(direction="to_xpm")
    assert {change.field for change in await env.changes()} == {"fax"}


async def test_values_that_the_user_changed_stay_and_are_sent_only_when_ticked() -> None:
    env = await synced()
    ron = env.client().contacts[1].id
    env.edit(address="9 New Rd")
    env.edit_contact("c1", ron, phone="021 99")
    kept = [each for each in link_effect(env.store.snapshot(), env.policy, "c1", "u2").former if each.why]
    assert [(each.field, each.outcome, each.why) for each in kept] == [
        ("address", "kept", "edited"), ("contact", "kept", "edited"),
    ]  # fmt: skip
    relink(env)
    env.policy = Policy(direction="to_xpm")
    changes = await env.changes()
    held = {change.field: change for change in changes if change.held == "former"}
    assert held.keys() == {"address", "contact"}
    assert {each.came_from for each in held.values()} == {"u1"}
    assert not any(each.ticked for each in held.values())
    await env.sync()
    assert env.practice.rows["u2"].address == ""
    plan, records = env.plan()
    (record,) = records
    ticked = tuple(
        msgspec.structs.replace(c, ticked=True) if c.field == "address" else c for c in record.changes
    )
    record = msgspec.structs.replace(record, changes=ticked)
    env.put(PLANNED, [record])
    await env.apply(plan, [record], reviewed=True)
    assert env.practice.rows["u2"].address == "9 New Rd"
    assert foreign_values(env.store.snapshot(), env.client(), "u2", TeamLinks.of([])).keys() == {
        f"{ron}.contact_name", f"{ron}.contact_mobile",
    }  # fmt: skip


@pytest.mark.parametrize("then", ["sync", "nothing"])
async def test_one_undo_restores_values_contacts_base_and_link(then: str) -> None:
    env = await synced()
    before = (env.client(), env.link().contacts, env.base())
    run = relink(env)
    assert env.client() != before[0]
    if then == "sync":
        await env.sync()
    await undo(env, run)
    ours, joined, base = before
    assert (env.client(), env.link().contacts, env.base()) == (ours, joined, base)
    assert env.link().uuid == "u1"
    assert await env.changes() == []


async def test_values_stay_known_while_unlinked_and_undone() -> None:
    env = await synced()
    run = unlinked(env)
    assert env.client().address == "1 Rata St"
    await undo(env, run)
    assert env.base().agreed
    unlinked(env)
    env.store.commit([Drop(BLOCKED_PAIRS, each.id) for each in env.store.snapshot().rows(BLOCKED_PAIRS)])
    env.edit(name="Kauri Joinery")
    assert not any(change.field == "link" for change in await env.changes())
    relink(env)
    assert (env.client().address, env.client().contacts) == ("", ())


async def test_frozen_values_and_values_that_the_user_keeps_stay() -> None:
    env = await synced()
    env.put(FREEZES, [Freeze(id="c1/phone", client="c1", field="phone")])
    relink(env)
    assert env.client().phone == "09 111"
    env = await synced()
    relink(env, keep=True)
    assert (env.client().address, len(env.client().contacts)) == ("1 Rata St", 2)
    env.policy = Policy(direction="to_xpm")
    assert {change.held for change in await env.changes() if change.field not in ("fax",)} == {"former"}


async def test_a_contact_of_both_xpm_clients_stays_and_one_of_ours_keeps_its_own_values() -> None:
    both = xpm_contact(11, name="Rita Rata", email="rita@rata.example", primary=True)
    env = await synced(None, rata(), kauri(contacts=(both,)))
    relink(env)
    (rita,) = env.client().contacts
    assert (rita.email, env.link().contacts[0].uuid) == ("rita@rata.example", "x11")
    mine = client(name="Rata", contacts=(contact(1, name="Rita Rata", phone="03 3"),))
    env = await synced(mine)
    env.edit_contact("c1", "k1", phone="03 3")
    relink(env)
    assert [(each.name, each.email) for each in env.client().contacts] == [("Rita Rata", "")]


async def test_a_converted_prospect_keeps_its_data() -> None:
    env = await synced(client(name="Rata Orchards Ltd"), rata())
    env.practice.edit("u1", prospect=True)
    env.practice.add(xpm(3, "Rata Orchards Ltd"))
    await env.refresh()
    assert link_effect(env.store.snapshot(), env.policy, "c1", "u3").former == ()
    relink(env, "u3")
    assert (env.client().address, len(env.client().contacts)) == ("1 Rata St", 2)
    env.practice.add(kauri())
    await env.refresh()
    relink(env, "u2")
    assert (env.client().address, env.client().contacts) == ("", ())


async def test_a_value_that_was_sent_to_xpm_becomes_the_clients_own() -> None:
    env = await synced(client(name="Rata", address="5 Own St"), xpm(1), kauri(), direction="to_xpm")
    assert env.practice.rows["u1"].address == "5 Own St"
    relink(env)
    assert env.client().address == "5 Own St"
    change = one(await env.changes(), "address")
    assert (change.held, change.ticked) == ("", True)


FIELDS = ("phone", "address", "city", "website", "referral_source")


@pytest.mark.parametrize("seed", range(count(25, 400, 2000)))
async def test_no_value_of_one_xpm_client_is_ever_planned_into_another(seed: int) -> None:
    """Links, edits, switches and syncs in any order: each value of XPM names the client that it is of."""
    dice = Random(seed)
    serial = iter(range(100000))

    def of(uuid: str) -> str:
        return f"{uuid}:{next(serial)}" if dice.random() < 0.6 else ""

    def row(number: int) -> XpmClient:
        uuid = f"u{number}"
        people = tuple(
            xpm_contact(10 * number + each, name=f"{uuid}:{next(serial)}", email=of(uuid), phone=of(uuid))
            for each in range(dice.randrange(3))
        )
        return xpm(number, f"{uuid}:name", contacts=people, **{field: of(uuid) for field in FIELDS})

    env = SyncFixture(
        [
            client(1, "One", phone="own:1", contacts=(contact(1, name="own:k", email="own@k"),)),
            client(2, "Two"),
        ],
        [row(number) for number in (1, 2, 3)],
    )
    await env.refresh()
    runs: list[str] = []
    for _ in range(14):
        id_, uuid = dice.choice(["c1", "c2"]), dice.choice(["u1", "u2", "u3"])
        snapshot = env.store.snapshot()
        now = snapshot.get(LINKS, id_)
        match dice.randrange(9):
            case 0 | 1:
                taken = any(each.id != id_ for each in snapshot.find(LINKS, "uuid", uuid))
                if now is None or now.uuid != uuid:
                    runs.append(relink(env, uuid, id_, quiet=taken, keep=dice.random() < 0.3))
            case 2:
                if now is not None:
                    runs.append(unlinked(env, id_))
            case 3:
                ways: tuple[Direction, ...] = ("from_xpm", "to_xpm")
                env.policy = Policy(direction=dice.choice(ways), level=dice.choice(["everything", "name"]))
            case 4:
                env.edit(id_, **{dice.choice(FIELDS): f"own:{next(serial)}"})
            case 5:
                env.practice.edit(uuid, **{dice.choice(FIELDS): of(uuid)})
            case 6 if runs:
                await undo(env, dice.choice(runs))
            case _:
                await env.sync()
        await env.refresh()
        kept, env.policy = env.policy, Policy(direction="to_xpm")
        for record in env.plan()[1]:
            for change in record.changes:
                if change.side == "xpm" and change.ticked:
                    came = str(change.new).partition(":")[0]
                    assert came in ("own", "One", "Two", "None", record.uuid), (seed, change, record.uuid)
        env.policy = kept
        for theirs in env.practice.rows.values():
            said = [getattr(theirs, field) for field in FIELDS]
            said += [value for each in theirs.contacts for value in (each.name, each.email, each.phone)]
            named = {value.partition(":")[0] for value in said if value}
            assert named <= {"own", "own@k", theirs.uuid}, (seed, theirs)


async def test_a_contact_that_comes_back_with_a_file_is_held() -> None:
    env = await synced()
    relink(env)
    env.edit("c1", contacts=(contact(50, name="Rita R.", email="Rita@rata.example", contact_id="CON-9"),))
    env.policy = Policy(direction="to_xpm")
    change = one(await env.changes(), "contact")
    assert (change.held, change.came_from, change.ticked) == ("former", "u1", False)


async def test_two_swapped_links_swap_the_data_and_both_are_synced() -> None:
    env = SyncFixture(
        [client(1, "Rata"), client(2, "Kauri")],
        [rata(), kauri(website="k.example", contacts=(xpm_contact(21, name="Kim Kauri"),))],
        links=[linked(1), linked(2)],
    )
    await env.sync()
    relink(env, "u2", quiet=True)
    relink(env, "u1", "c2")
    assert [env.link(id_).quiet for id_ in ("c1", "c2")] == [False, False]
    await env.sync()
    assert (env.client("c1").website, env.client("c1").address) == ("k.example", "")
    assert (env.client("c2").website, env.client("c2").address) == ("", "1 Rata St")
    names = [[each.name for each in env.client(id_).contacts] for id_ in ("c1", "c2")]
    assert names == [["Kim Kauri"], ["Rita Rata", "Ron Rata"]]
    env.policy = Policy(direction="to_xpm")
    assert await env.changes() == []
