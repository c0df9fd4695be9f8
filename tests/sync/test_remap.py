"""Linking a client to another XPM client: what came from the former one goes with it, or is shown first."""

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
from xpm_tui.sync.manual.undo import plan_undo
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
    world = SyncFixture(
        [mine or client(name="Rata", fax="09 999")], rows or [rata(), kauri()], links=[linked()]
    )
    world.policy = Policy(**policy)
    await world.sync()
    return world


def relink(world: SyncFixture, uuid: str = "u2", id_: str = "c1", **how: Any) -> str:
    (run,) = world.ids.new("r")
    snapshot, now = world.store.snapshot(), world.clock.now()
    world.store.commit(link(snapshot, id_, uuid, now=now, by="kim", run=run, policy=world.policy, **how))
    return run


def unlinked(world: SyncFixture, id_: str = "c1") -> str:
    (run,) = world.ids.new("r")
    snapshot, now = world.store.snapshot(), world.clock.now()
    world.store.commit(unlink(snapshot, id_, now=now, by="kim", run=run))
    return run


async def undo(world: SyncFixture, run: str) -> Run:
    plan, records, _ = plan_undo(
        world.store.snapshot(), run, id=world.ids.new("p")[0], now=world.clock.now(), by="kim",
        tenant="tenant", scopes="scopes", policy=world.policy,
    )  # fmt: skip
    world.put(PLANS, [plan])
    world.put(PLANNED, records)
    return await world.apply(plan, records, reviewed=True)


async def test_what_came_from_the_former_client_is_listed_and_goes_with_the_link() -> None:
    world = await synced()
    shown = link_effect(world.store.snapshot(), world.policy, "c1", "u2").former
    relink(world)
    ours = world.client()
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
    assert await world.changes() == []
    world.policy = Policy(direction="to_xpm")
    assert {change.field for change in await world.changes()} == {"fax"}


async def test_what_the_user_changed_stays_and_is_sent_only_once_ticked() -> None:
    world = await synced()
    ron = world.client().contacts[1].id
    world.edit(address="9 New Rd")
    world.edit_contact("c1", ron, phone="021 99")
    kept = [each for each in link_effect(world.store.snapshot(), world.policy, "c1", "u2").former if each.why]
    assert [(each.field, each.outcome, each.why) for each in kept] == [
        ("address", "kept", "edited"), ("contact", "kept", "edited"),
    ]  # fmt: skip
    relink(world)
    world.policy = Policy(direction="to_xpm")
    changes = await world.changes()
    held = {change.field: change for change in changes if change.held == "former"}
    assert held.keys() == {"address", "contact"}
    assert {each.came_from for each in held.values()} == {"u1"}
    assert not any(each.ticked for each in held.values())
    await world.sync()
    assert world.practice.rows["u2"].address == ""
    plan, records = world.plan()
    (record,) = records
    ticked = tuple(
        msgspec.structs.replace(c, ticked=True) if c.field == "address" else c for c in record.changes
    )
    record = msgspec.structs.replace(record, changes=ticked)
    world.put(PLANNED, [record])
    await world.apply(plan, [record], reviewed=True)
    assert world.practice.rows["u2"].address == "9 New Rd"
    assert foreign_values(world.store.snapshot(), world.client(), "u2", TeamLinks.of([])).keys() == {
        f"{ron}.contact_name", f"{ron}.contact_mobile",
    }  # fmt: skip


@pytest.mark.parametrize("then", ["sync", "nothing"])
async def test_one_undo_brings_values_contacts_base_and_link_back(then: str) -> None:
    world = await synced()
    before = (world.client(), world.link().contacts, world.base())
    run = relink(world)
    assert world.client() != before[0]
    if then == "sync":
        await world.sync()
    await undo(world, run)
    ours, joined, base = before
    assert (world.client(), world.link().contacts, world.base()) == (ours, joined, base)
    assert world.link().uuid == "u1"
    assert await world.changes() == []


async def test_values_stay_known_while_unlinked_and_undone() -> None:
    world = await synced()
    run = unlinked(world)
    assert world.client().address == "1 Rata St"
    await undo(world, run)
    assert world.base().agreed
    unlinked(world)
    world.store.commit([Drop(BLOCKED_PAIRS, each.id) for each in world.store.snapshot().rows(BLOCKED_PAIRS)])
    world.edit(name="Kauri Joinery")
    assert not any(change.field == "link" for change in await world.changes())
    relink(world)
    assert (world.client().address, world.client().contacts) == ("", ())


async def test_a_frozen_value_and_what_the_user_keeps_stay() -> None:
    world = await synced()
    world.put(FREEZES, [Freeze(id="c1/phone", client="c1", field="phone")])
    relink(world)
    assert world.client().phone == "09 111"
    world = await synced()
    relink(world, keep=True)
    assert (world.client().address, len(world.client().contacts)) == ("1 Rata St", 2)
    world.policy = Policy(direction="to_xpm")
    assert {change.held for change in await world.changes() if change.field not in ("fax",)} == {"former"}


async def test_a_contact_of_both_xpm_clients_stays_and_one_of_ours_keeps_its_own_values() -> None:
    both = xpm_contact(11, name="Rita Rata", email="rita@rata.example", primary=True)
    world = await synced(None, rata(), kauri(contacts=(both,)))
    relink(world)
    (rita,) = world.client().contacts
    assert (rita.email, world.link().contacts[0].uuid) == ("rita@rata.example", "x11")
    mine = client(name="Rata", contacts=(contact(1, name="Rita Rata", phone="03 3"),))
    world = await synced(mine)
    world.edit_contact("c1", "k1", phone="03 3")
    relink(world)
    assert [(each.name, each.email) for each in world.client().contacts] == [("Rita Rata", "")]


async def test_a_converted_prospect_keeps_its_data() -> None:
    world = await synced(client(name="Rata Orchards Ltd"), rata())
    world.practice.edit("u1", prospect=True)
    world.practice.add(xpm(3, "Rata Orchards Ltd"))
    await world.refresh()
    assert link_effect(world.store.snapshot(), world.policy, "c1", "u3").former == ()
    relink(world, "u3")
    assert (world.client().address, len(world.client().contacts)) == ("1 Rata St", 2)
    world.practice.add(kauri())
    await world.refresh()
    relink(world, "u2")
    assert (world.client().address, world.client().contacts) == ("", ())


async def test_a_value_that_was_sent_to_xpm_is_the_clients_own() -> None:
    world = await synced(client(name="Rata", address="5 Own St"), xpm(1), kauri(), direction="to_xpm")
    assert world.practice.rows["u1"].address == "5 Own St"
    relink(world)
    assert world.client().address == "5 Own St"
    change = one(await world.changes(), "address")
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

    world = SyncFixture(
        [
            client(1, "One", phone="own:1", contacts=(contact(1, name="own:k", email="own@k"),)),
            client(2, "Two"),
        ],
        [row(number) for number in (1, 2, 3)],
    )
    await world.refresh()
    runs: list[str] = []
    for _ in range(14):
        id_, uuid = dice.choice(["c1", "c2"]), dice.choice(["u1", "u2", "u3"])
        snapshot = world.store.snapshot()
        now = snapshot.get(LINKS, id_)
        match dice.randrange(9):
            case 0 | 1:
                taken = any(each.id != id_ for each in snapshot.find(LINKS, "uuid", uuid))
                if now is None or now.uuid != uuid:
                    runs.append(relink(world, uuid, id_, quiet=taken, keep=dice.random() < 0.3))
            case 2:
                if now is not None:
                    runs.append(unlinked(world, id_))
            case 3:
                ways: tuple[Direction, ...] = ("from_xpm", "to_xpm")
                world.policy = Policy(direction=dice.choice(ways), level=dice.choice(["everything", "name"]))
            case 4:
                world.edit(id_, **{dice.choice(FIELDS): f"own:{next(serial)}"})
            case 5:
                world.practice.edit(uuid, **{dice.choice(FIELDS): of(uuid)})
            case 6 if runs:
                await undo(world, dice.choice(runs))
            case _:
                await world.sync()
        await world.refresh()
        kept, world.policy = world.policy, Policy(direction="to_xpm")
        for record in world.plan()[1]:
            for change in record.changes:
                if change.side == "xpm" and change.ticked:
                    came = str(change.new).partition(":")[0]
                    assert came in ("own", "One", "Two", "None", record.uuid), (seed, change, record.uuid)
        world.policy = kept
        for theirs in world.practice.rows.values():
            said = [getattr(theirs, field) for field in FIELDS]
            said += [value for each in theirs.contacts for value in (each.name, each.email, each.phone)]
            named = {value.partition(":")[0] for value in said if value}
            assert named <= {"own", "own@k", theirs.uuid}, (seed, theirs)


async def test_a_contact_that_comes_back_with_a_file_is_held() -> None:
    world = await synced()
    relink(world)
    world.edit("c1", contacts=(contact(50, name="Rita R.", email="Rita@rata.example", contact_id="CON-9"),))
    world.policy = Policy(direction="to_xpm")
    change = one(await world.changes(), "contact")
    assert (change.held, change.came_from, change.ticked) == ("former", "u1", False)


async def test_two_swapped_links_swap_the_data_and_both_are_synced() -> None:
    world = SyncFixture(
        [client(1, "Rata"), client(2, "Kauri")],
        [rata(), kauri(website="k.example", contacts=(xpm_contact(21, name="Kim Kauri"),))],
        links=[linked(1), linked(2)],
    )
    await world.sync()
    relink(world, "u2", quiet=True)
    relink(world, "u1", "c2")
    assert [world.link(id_).quiet for id_ in ("c1", "c2")] == [False, False]
    await world.sync()
    assert (world.client("c1").website, world.client("c1").address) == ("k.example", "")
    assert (world.client("c2").website, world.client("c2").address) == ("", "1 Rata St")
    names = [[each.name for each in world.client(id_).contacts] for id_ in ("c1", "c2")]
    assert names == [["Kim Kauri"], ["Rita Rata", "Ron Rata"]]
    world.policy = Policy(direction="to_xpm")
    assert await world.changes() == []
