"""The cost of a sync: calls, and no write where nothing differs."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.application.fixtures import ticked_changes
from tests.simulation import oracle
from tests.simulation.faults import FIGURES
from tests.simulation.practice import Engine
from tests.support.profile import PROFILE, count
from tests.support.virtual import run_virtual
from xpm_tui.application.clients.picks import pick as pick_some
from xpm_tui.application.clients.picks import pick_all
from xpm_tui.application.runs import plans
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import CLIENTS, LINKS

PRACTICES = (12, 250) if PROFILE == "default" else (12, 250, 2_000, 10_000)
SHAPES: tuple[dict[str, object], ...] = (
    {}, {"pretty_xml": True}, {"web_url_place": "beside"}, {"paged_list_business_block": True},
    {"deleted_contacts_listed": True}, {"content_negotiation": "off"},
)  # fmt: skip


async def pulled(engine: Engine) -> None:
    """Every client of the practice is in the store: all the clear ones, then the others one by one."""
    await engine.connect()
    engine.team()
    left = [view for view in pick_all(engine.practice) if view.outcome == "left"]
    clients = engine.sandbox.practice.clients
    unclear = [view.uuid for view in left if not clients[view.uuid].deleted]
    pick_some(engine.practice, unclear, anyway=True)
    assert (await engine.run(reviewed=True)).outcome == "done"


async def push_writes_nothing(engine: Engine) -> None:
    """To XPM, as it stands now: nothing to do, and nothing done."""
    engine.set(sync_direction="to_xpm")
    plan = await plans.make(engine.practice)
    records = plans.load(engine.practice, plan.id)[1]
    assert [*ticked_changes(records)] == []
    done = await engine.run()
    assert done.outcome == "done"
    assert done.calls <= 5
    assert engine.writes() == []


@pytest.mark.parametrize("size", PRACTICES)
def test_pulling_then_pushing_writes_nothing(folder: Path, size: int) -> None:
    async def scenario() -> None:
        engine = Engine(folder, clients=size)
        await pulled(engine)
        assert engine.practice.snapshot().count(LINKS) >= size * 0.8
        assert oracle.differences(engine, to_xpm=False) == []
        await push_writes_nothing(engine)
        FIGURES["clients pulled and pushed without a write"] += engine.practice.snapshot().count(LINKS)
        engine.close()

    run_virtual(scenario())


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: next(iter(shape), "as it is"))
def test_every_shape_of_record_comes_back_as_it_went(folder: Path, shape: dict[str, object]) -> None:
    """The hard cases of the sample in each shape of XML that Xero may send."""

    async def scenario() -> None:
        engine = Engine(folder, clients=24)
        await pulled(engine)
        engine.switch(**shape)
        assert (await engine.run(full=True)).counts.get("changes", 0) == 0
        await push_writes_nothing(engine)
        engine.close()

    run_virtual(scenario())


def test_pushing_then_pulling_changes_nothing(folder: Path) -> None:
    async def scenario() -> None:
        engine = Engine(folder, clients=24)
        await pulled(engine)
        engine.set(sync_direction="to_xpm")
        changed = await edit(engine, 8)
        assert (await engine.run(reviewed=True)).outcome == "done"
        assert len(engine.writes("client.api/update")) == changed
        engine.set(sync_direction="from_xpm")
        store = engine.practice.snapshot()
        before = {id_: store.raw(CLIENTS, id_) for id_ in store.ids(CLIENTS)}
        done = await engine.run(full=True)
        assert (done.outcome, done.counts.get("changes", 0)) == ("done", 0)
        after = engine.practice.snapshot()
        assert {id_: after.raw(CLIENTS, id_) for id_ in after.ids(CLIENTS)} == before
        engine.close()

    run_virtual(scenario())


async def edit(engine: Engine, most: int, contacts: bool = False) -> int:
    """A user edits clients of the store that carry values; gives how many. Contacts too where asked."""
    writes, changed = [], 0
    for client in list(engine.practice.snapshot().rows(CLIENTS)):
        if changed == most:
            break
        if engine.real(client.id).archived:
            continue
        own: dict[str, object] = {"phone": f"ours {client.id}", "city": f"City {client.id}"}
        if contacts and client.contacts:
            first = msgspec.structs.replace(client.contacts[0], mobile=f"021 {client.id}")
            own["contacts"] = (first, *client.contacts[1:])
        writes.append(Put(CLIENTS, msgspec.structs.replace(client, **own)))
        changed += 1
    engine.practice.store.commit(writes)
    return changed


def test_nothing_changed_takes_five_calls_and_one_of_them_for_clients(folder: Path) -> None:
    async def scenario() -> None:
        engine = Engine(folder, clients=60)
        await pulled(engine)
        before = len(engine.sandbox.log.rows(lambda row: ".api/" in row.endpoint))
        lists = engine.net.asked("client.api/list")
        done = await engine.run()
        assert (done.outcome, done.calls) == ("done", 5)
        assert len(engine.sandbox.log.rows(lambda row: ".api/" in row.endpoint)) == before + 5
        assert engine.net.asked("client.api/list") == lists + 1
        engine.close()

    run_virtual(scenario())


@pytest.mark.parametrize("changed", [1, count(40, 1_000)])
def test_a_push_takes_one_call_a_record_and_a_look_every_300(folder: Path, changed: int) -> None:
    async def scenario() -> None:
        engine = Engine(folder, clients=max(60, changed * 5 // 4))
        await pulled(engine)
        engine.set(sync_direction="to_xpm")
        n = await edit(engine, changed, contacts=True)
        assert n == changed
        with_contact = sum(1 for c in _edited(engine) if c.contacts)
        done = await engine.run(reviewed=True)
        assert done.outcome == "done"
        # A shared contact is one record in XPM however many clients have it.
        assert done.calls <= n + with_contact + 5 + -(-n // 300)
        assert len(engine.writes("client.api/update")) == n
        assert engine.sandbox.log.rows(lambda row: row.status == 429) == []
        engine.close()

    def _edited(engine: Engine) -> list[Client]:
        return [c for c in engine.practice.snapshot().rows(CLIENTS) if c.phone.startswith("ours ")]

    run_virtual(scenario())
