"""Administrators on several machines with one practice in PostgreSQL: two decide, a third watches."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.store.test_postgres import proxy as proxy
from tests.support.cutting_proxy import CuttingProxy
from tests.support.postgres_server import fresh_practice
from tests.tui.fixtures import ConsoleFixture, press, prose_of, settle, text_of, until
from xpm_tui.application.clients import field_policy, link_review, links, queries
from xpm_tui.application.clients.edits import edit_client
from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.runs import runner, undo_plans
from xpm_tui.application.runs.xpm_refresh import refresh
from xpm_tui.domain.errors import AppError, BadInput, StoreChanged
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import CLIENTS, LINKS
from xpm_tui.files.machine import SystemClock
from xpm_tui.store import postgres
from xpm_tui.tui.app import Console
from xpm_tui.tui.dialogs.dialog import ConfirmDialog
from xpm_tui.tui.dialogs.edit import EditDialog
from xpm_tui.tui.screens.clients import Clients

Consoles = Callable[..., Console]


@pytest.fixture
def machines(tmp_path: Path) -> list[ConsoleFixture]:
    """Three homes with the same practice, which the first one has connected and filled from XPM."""
    url, name = fresh_practice()
    first = ConsoleFixture(tmp_path / "ana", url=url, name=name, person="ana")
    found = [first]
    for person in ("ben", "cleo"):
        other = ConsoleFixture(
            tmp_path / person,
            books=False,
            connected=False,
            clock=first.clock,
            url=url,
            name=name,
            person=person,
        )
        other.xpm = first.xpm
        found.append(other)
    with first.open() as practice:
        asyncio.run(refresh(practice, full=True))
    return found


@pytest.fixture
def both(machines: list[ConsoleFixture]) -> Iterator[tuple[OpenPractice, OpenPractice]]:
    """Open the practice on two machines."""
    with machines[0].open() as ana, machines[1].open() as ben:
        yield ana, ben


def agree(*practices: OpenPractice) -> None:
    """Wait until all of them have noticed what one of them wrote."""
    deadline = time.monotonic() + 10
    while len({each.snapshot().position for each in practices}) > 1:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def client(practice: OpenPractice, id_: str) -> Client:
    found = practice.snapshot().get(CLIENTS, id_)
    assert found is not None
    return found


def shows_form(app: Console) -> bool:
    return isinstance(app.screen, EditDialog)


def at_once(*actions: Callable[[], Any]) -> list[Any]:
    """Start all actions at the same moment, and return what each returns or raises."""
    ready = threading.Barrier(len(actions))

    def do(action: Callable[[], Any]) -> Any:
        ready.wait(10)
        try:
            return action()
        except AppError as error:
            return error

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(do, actions))


def test_two_administrators_edit_and_review_at_the_same_time(both: tuple[OpenPractice, OpenPractice]) -> None:
    ana, ben = both
    # Different fields of one client: a refusal is reported, and no value is lost.
    for number in range(5):
        said = at_once(
            partial(edit_client, ana, "c6", {"city": f"Nelson {number}"}),
            partial(edit_client, ben, "c6", {"phone": f"09 {number}"}),
        )
        agree(ana, ben)
        now = client(ana, "c6")
        assert (now.city == f"Nelson {number}") == (not isinstance(said[0], StoreChanged)), said
        assert (now.phone == f"09 {number}") == (not isinstance(said[1], StoreChanged)), said
        assert not all(isinstance(each, AppError) for each in said), said
    # The same field: the value is from a writer that got no error.
    said = at_once(
        lambda: edit_client(ana, "c7", {"city": "Taupo"}), lambda: edit_client(ben, "c7", {"city": "Napier"})
    )
    agree(ana, ben)
    saved = {
        city for city, each in zip(("Taupo", "Napier"), said, strict=True) if not isinstance(each, AppError)
    }
    assert client(ben, "c7").city in saved, said

    # Both accept the same rows: each is linked once, and recorded as the decision of one of them.
    found = [link_review.sure_proposals(each) for each in both]
    assert [view.id for view in found[0]] == [view.id for view in found[1]]
    assert len(found[0]) > 5

    def accept(practice: OpenPractice, views: list[Any]) -> Any:
        return link_review.store_decision(
            practice,
            [view.id for view in views],
            lambda: links.accept_sure(practice, views),
            lambda done: [view.id for view in done],
        )

    (by_ana, ana_decided), (by_ben, ben_decided) = at_once(
        lambda: accept(ana, found[0]), lambda: accept(ben, found[1])
    )
    agree(ana, ben)
    linked = [view.id for view in (*by_ana, *by_ben)]
    assert sorted(linked) == sorted(view.id for view in found[0]), "each once"
    assert {each.after.client for each in ana_decided} == {view.id for view in by_ana}
    assert {each.after.client for each in ben_decided} == {view.id for view in by_ben}
    for person, views in (("ana", by_ana), ("ben", by_ben)):
        for view in views:
            link = ana.snapshot().get(LINKS, view.id)
            assert link is not None
            assert link.by == person

    # Two different clients for the same XPM client: one of them is refused.
    there = queries.show_xpm(ana, "00000000-0000-0000-0000-000000000022").uuid
    ana.store.commit([Put(CLIENTS, Client(id=id_, name="Old Mills")) for id_ in ("c90", "c91")])
    agree(ana, ben)
    said = at_once(lambda: links.link(ana, "c90", there), lambda: links.link(ben, "c91", there))
    agree(ana, ben)
    assert sum(isinstance(each, AppError) for each in said) == 1, said
    assert len(ana.snapshot().find(LINKS, "uuid", there)) == 1

    # One undoes a decision while the other edits the same client: the edit stays.
    mine = (by_ana or by_ben)[0].id
    undoes, edits = (ana, ben) if by_ana else (ben, ana)
    field_policy.freeze(edits, mine, ["city"])
    agree(ana, ben)
    with pytest.raises(BadInput, match="has changed since then, so the decision was not undone"):
        link_review.undo_decision(undoes)
    assert ana.snapshot().get(LINKS, mine) is not None


async def test_an_edit_during_an_undo_stays(both: tuple[OpenPractice, OpenPractice]) -> None:
    ana, ben = both
    links.accept_sure(ana, link_review.sure_proposals(ana))
    done = await runner.run(ana, reviewed=True)
    assert done.outcome == "done"
    was = {row.id: row for row in ana.snapshot().rows(CLIENTS)}
    agree(ana, ben)
    plan, records, _ = undo_plans.make_undo(ben, done.id)
    changed = [
        record.client for record in records if any(change.field == "phone" for change in record.changes)
    ]
    assert len(changed) > 1
    edit_client(ana, changed[0], {"phone": "09 777"})
    agree(ana, ben)
    undone = await runner.run(ben, plan_id=plan.id, trigger="undo", reviewed=True)
    agree(ana, ben)
    assert client(ana, changed[0]).phone == "09 777"
    assert client(ana, changed[1]).phone != was[changed[1]].phone
    assert undone.counts.get("moved") == 1, undone


async def test_a_form_shows_what_someone_else_saved_meanwhile_before_it_replaces_it(
    env: ConsoleFixture, console: Consoles
) -> None:
    app = console(env)
    with env.open() as ben:
        async with app.run_test(size=(100, 30), notifications=True) as pilot:
            await settle(pilot)
            await press(pilot, "g", "c", "slash", "=00006", "enter", "e")
            form = app.screen
            assert isinstance(form, EditDialog)
            form._inputs["phone"].value = "09 111"
            edit_client(ben, "c6", {"phone": "09 999", "city": "Nelson"})
            await press(pilot, "f10")
            again = app.screen
            assert isinstance(again, EditDialog)
            assert "Someone else has changed “Phone” meanwhile. It is now: 09 999." in text_of(app)
            assert client(ben, "c6").phone == "09 999"
            assert again._inputs["city"].value == "Nelson"
            await press(pilot, "f10")
            assert not shows_form(app)
        assert (client(ben, "c6").phone, client(ben, "c6").city) == ("09 111", "Nelson")


@pytest.mark.soak
async def test_a_third_watches_the_run_and_the_edits_live(
    machines: list[ConsoleFixture], console: Consoles
) -> None:
    app = console(machines[2])
    with machines[0].open() as ana, machines[1].open() as ben:
        links.accept_sure(ana, link_review.sure_proposals(ana))
        reached, go_on = asyncio.Event(), asyncio.Event()

        async def hold(call: str) -> None:
            if call == "clients":
                reached.set()
                await go_on.wait()

        async with app.run_test(size=(120, 34), notifications=True) as pilot:
            await settle(pilot)
            assert "never synced" in text_of(app)
            machines[0].xpm.before = hold
            running = asyncio.create_task(runner.run(ana, reviewed=True))
            await reached.wait()
            await until(pilot, "run r2")
            edit_client(ben, "c24", {"name": "Renamed by Ben"})
            await press(pilot, "g", "c")
            await until(pilot, "Renamed by Ben")
            await press(pilot, "g", "o")
            go_on.set()
            assert (await running).outcome == "done"
            await until(pilot, "synced just now")


@pytest.mark.soak
async def test_a_console_says_that_the_database_is_away_and_continues_reading(
    machines: list[ConsoleFixture], console: Consoles, proxy: CuttingProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "RECONNECT_SECONDS", 0.05)
    monkeypatch.setattr(postgres, "COMMIT_SECONDS", 0.1)
    machines[2].url = proxy.url()
    machines[2].clock = SystemClock()  # type: ignore[assignment]  # a commit waits for a while
    app = console(machines[2])
    with machines[0].open() as ana:
        async with app.run_test(size=(120, 34), notifications=True) as pilot:
            await settle(pilot)
            await press(pilot, "g", "c", "slash", "=00006", "enter")
            proxy.go_away()
            edit_client(ana, "c6", {"city": "Nelson"})
            await until(pilot, "DATABASE UNREACHABLE")
            assert "Client 00006" in text_of(app)
            await press(pilot, "e")
            form = app.screen
            if isinstance(form, EditDialog):  # the key may already be dimmed
                form._inputs["phone"].value = "09 1"
                await press(pilot, "f10")
            assert "cannot be reached" in prose_of(app), text_of(app)
            while not isinstance(app.screen, Clients):
                await press(pilot, "escape", *(("enter",) if isinstance(app.screen, ConfirmDialog) else ()))
            proxy.away = False
            await until(pilot, "Nelson")
            assert "UNREACHABLE" not in text_of(app)
        assert client(ana, "c6").phone == ""
