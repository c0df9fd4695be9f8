"""Whole scenarios over the real wire to the sandbox: levels, refusals, renewals, hostile replies."""

from __future__ import annotations

import dataclasses
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import NAMESPACE_DNS, uuid5

import msgspec
import pytest

from tests.application.fixtures import PracticeFixture, ticked_changes
from tests.support.profile import count
from xpm_tui.application.connection import ConnectionMachine
from xpm_tui.application.presenters.lookup import names
from xpm_tui.application.runs import history, plans
from xpm_tui.application.runs.runner import release, run
from xpm_tui.application.status.summary import summarize
from xpm_tui.domain.errors import (
    AllowanceUsedUp,
    AppError,
    BadReply,
    CaseId,
    DecisionNeeded,
    LoginNeeded,
    Refused,
    XeroUnreachable,
)
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import CLIENTS, LINKS, STAFF, TEAM, XPM_CLIENTS
from xpm_tui.log.event_log import EventFilter
from xpm_tui.log.sentences import sentence
from xpm_tui.sandbox.faults import Fault

ADDRESS = ("street", "city", "region", "post_code", "country")
OURS = ("address", "city", "region", "postcode", "country")


@pytest.fixture
def env(tmp_path: Path) -> Iterator[PracticeFixture]:
    made = PracticeFixture(tmp_path)
    yield made
    made.close()


def compare_with_the_truth(env: PracticeFixture) -> int:
    """Every field of level Everything equals the sandbox's own wherever XPM is not blank."""
    snapshot, compared = env.practice.snapshot(), 0
    truth = env.sandbox.practice
    for link in snapshot.rows(LINKS):
        client, real = snapshot.get(CLIENTS, link.id), truth.clients[link.uuid]
        assert client is not None
        pairs = [(client.name, real.name), (client.phone, real.phone), (client.fax, real.fax)]
        pairs += [(client.website, real.website)]
        for prefix, place in (("", real.address), ("postal_", real.postal)):
            pairs += [
                (getattr(client, prefix + mine), getattr(place, theirs))
                for mine, theirs in zip(OURS, ADDRESS, strict=True)
            ]
        if real.tax is not None:
            pairs += [("Yes" if client.tax_registered else "No", real.tax.gst_registered)]
        groups = [truth.groups[uuid].name for uuid in real.groups]
        pairs += [("\n".join(sorted(client.groups)), "\n".join(sorted(groups)))]
        by_id = {contact.id: contact for contact in client.contacts}
        people = {joined.uuid: by_id[joined.contact] for joined in link.contacts}
        for at in real.contacts:
            theirs = truth.contacts[at.contact]
            if not theirs.deleted:
                mine = people[theirs.uuid]
                for field in ("name", "email", "phone", "mobile", "salutation", "addressee"):
                    pairs.append((getattr(mine, field), getattr(theirs, field)))
        for mine_, theirs_ in pairs:
            if theirs_ and theirs_.strip():
                compared += 1
                assert mine_.split() == theirs_.split(), (client.name, theirs_)
    return compared


async def test_everything_is_brought_and_then_nothing_is_left_to_do(env: PracticeFixture) -> None:
    await env.connect()
    env.store(env.unique_names())
    done = await run(env.practice)
    assert (done.outcome, done.calls) == ("done", 5)
    assert env.practice.snapshot().count(LINKS) == len(env.unique_names())
    assert compare_with_the_truth(env) > 100
    plan = await plans.make(env.practice)
    assert (plan.counts["items"], plan.counts["waiting"]) == (0, 0)
    again = await run(env.practice)
    assert (again.outcome, again.counts.get("changes", 0)) == ("done", 0)


@pytest.mark.parametrize("seed", range(count(2, 25)))
async def test_pulling_then_pushing_writes_nothing(tmp_path: Path, seed: int) -> None:
    env = PracticeFixture(tmp_path, seed=seed, clients=24)
    await env.connect()
    env.store(env.unique_names())
    await run(env.practice)
    env.practice.settings.set("sync.direction", "to_xpm", practice=True)
    plan = await plans.make(env.practice)
    assert plan.counts["items"] == 0, list(ticked_changes(plans.load(env.practice)[1]))
    await run(env.practice)
    writes = env.sandbox.log.rows(lambda row: row.method != "GET" and "api/" in row.endpoint)
    assert writes == []
    env.close()


async def test_partner_and_manager_come_for_linked_people_only(env: PracticeFixture) -> None:
    await env.connect()
    env.store(env.unique_names())
    from xpm_tui.domain.ignition import TeamMember

    staff = next(row for row in env.practice.snapshot().rows(STAFF))
    env.practice.store.commit([Put(TEAM, TeamMember(id="t1", name=staff.name, staff=staff.uuid))])
    await run(env.practice)
    snapshot = env.practice.snapshot()
    for link in snapshot.rows(LINKS):
        client, real = snapshot.get(CLIENTS, link.id), env.sandbox.practice.clients[link.uuid]
        assert client is not None
        assert client.partner == ("t1" if real.partner == staff.uuid else "")
        assert client.manager == ("t1" if real.manager == staff.uuid else "")


async def test_a_colleagues_edit_comes_with_the_next_run(env: PracticeFixture) -> None:
    await env.connect()
    env.store(env.unique_names())
    await run(env.practice)
    link = next(env.practice.snapshot().rows(LINKS))
    env.clock.move(timedelta(minutes=20))
    hostile = "ACME [/] Pty \u202e[@click=app.quit]Click[/]"
    await env.control("colleague", client=link.uuid, set={"name": hostile, "phone": "+64 9 000"})
    await run(env.practice)
    client = env.practice.snapshot().get(CLIENTS, link.id)
    assert client is not None
    assert (client.name, client.phone) == (hostile, "+64 9 000")
    events = env.practice.events.read(EventFilter(record=link.id))
    reported = [sentence(event, names(env.practice)) for event in events]
    assert any(hostile in line for line in reported)
    log = b"".join(path.read_bytes() for path in env.practice.events.folder.iterdir())
    assert b"ACME" not in log


async def test_an_expired_token_is_renewed_once_and_silently(env: PracticeFixture) -> None:
    await env.connect()
    env.store(env.unique_names())
    before = env.net.asked("connect/token")
    await env.control("tokens", expire=True)
    done = await run(env.practice)
    assert done.outcome == "done"
    assert env.net.asked("connect/token") == before + 1
    loud = env.practice.events.read(EventFilter(run=done.id, level="warning"))
    assert [event.key for event in loud] == []


async def test_a_login_that_ran_out_by_the_clock_is_renewed_before_it_is_used(env: PracticeFixture) -> None:
    await env.connect()
    before = env.net.asked("connect/token")
    env.clock.move(timedelta(hours=5))
    assert (await run(env.practice)).outcome == "done"
    assert env.net.asked("connect/token") == before + 1
    assert env.sandbox.log.rows(lambda row: row.status == 401) == []


async def test_a_revoked_login_needs_a_person(env: PracticeFixture) -> None:
    await env.connect()
    await env.control("tokens", revoke=True)
    with pytest.raises(LoginNeeded):
        await run(env.practice)
    assert history.find_run(env.practice, "last").exit_code == 3
    assert summarize(env.practice).exit_code == 3
    connecting = ConnectionMachine(env.practice, {})
    await env.sign_in(connecting, tenant=env.tenant)
    await connecting.choose()
    assert (await run(env.practice)).outcome == "done"


@pytest.mark.parametrize(
    ("fault", "error", "case"),
    [
        (Fault("reset", endpoint="client.api/list", every=1), XeroUnreachable, None),
        (Fault("503", endpoint="client.api/list", every=1), XeroUnreachable, None),
        (Fault("cut", endpoint="client.api/list", every=1), XeroUnreachable, None),
        (Fault("broken-xml", endpoint="client.api/list", every=1), BadReply, CaseId.BAD_REPLY),
        (Fault("doctype", endpoint="client.api/list", every=1), BadReply, CaseId.BAD_REPLY),
        (Fault("html", endpoint="client.api/list", every=1), BadReply, CaseId.BAD_REPLY),
        (Fault("deep-xml", endpoint="client.api/list", every=1), BadReply, CaseId.BAD_REPLY),
        (Fault("status-error", endpoint="client.api/list", every=1), Refused, CaseId.OK_BUT_ERROR),
        (Fault("429-day", endpoint="client.api/list", every=1), AllowanceUsedUp, CaseId.DAY_LIMIT),
    ],
    ids=lambda value: value.kind if isinstance(value, Fault) else "",
)
async def test_what_xero_may_answer(
    env: PracticeFixture, fault: Fault, error: type[AppError], case: CaseId | None
) -> None:
    await env.connect()
    env.store(env.unique_names())
    await run(env.practice)
    before = {id_: env.practice.snapshot().raw(CLIENTS, id_) for id_ in env.practice.snapshot().ids(CLIENTS)}
    env.sandbox.faults.add(fault)
    with pytest.raises(error) as reported:
        await run(env.practice)
    if case is not None:
        assert reported.value.case is case
    ended = history.find_run(env.practice, "last")
    assert (ended.outcome, ended.exit_code) == ("failed", reported.value.exit_code)
    assert reported.value.message
    snapshot = env.practice.snapshot()
    assert {id_: snapshot.raw(CLIENTS, id_) for id_ in snapshot.ids(CLIENTS)} == before
    truth = env.sandbox.practice.clients
    assert all(row.deleted == truth[row.uuid].deleted for row in snapshot.rows(XPM_CLIENTS))
    env.sandbox.faults.clear()
    env.clock.move(timedelta(days=1))
    assert (await run(env.practice)).outcome == "done"


async def test_a_full_minute_is_waited_out(env: PracticeFixture) -> None:
    await env.connect()
    env.sandbox.faults.add(Fault("429-minute", endpoint="client.api/list", times=1, seconds=41))
    began = env.clock.now()
    done = await run(env.practice)
    assert done.outcome == "done"
    assert timedelta(seconds=41) <= env.clock.now() - began < timedelta(seconds=60)
    assert done.calls == 6


async def test_an_empty_list_is_held_and_nothing_is_lost(env: PracticeFixture) -> None:
    await env.connect()
    env.store(env.unique_names())
    await run(env.practice)
    env.sandbox.faults.add(Fault("empty-list", endpoint="client.api/list", every=1))
    held = await run(env.practice, reviewed=True)
    assert (held.outcome, held.exit_code, held.stops[0].rule) == ("held", 4, "empty-list")
    assert (await release(env.practice, held.id)).outcome == "held"
    snapshot = env.practice.snapshot()
    assert snapshot.count(LINKS) == len(env.unique_names())
    assert summarize(env.practice).exit_code == 4
    env.sandbox.faults.clear()
    assert (await run(env.practice)).outcome == "done"
    assert summarize(env.practice).exit_code == 0


async def test_half_a_list_is_held_until_a_person_believes_it(env: PracticeFixture) -> None:
    await env.connect()
    env.store(env.unique_names())
    await run(env.practice)
    env.sandbox.faults.add(Fault("half-list", endpoint="client.api/list", every=1))
    held = await run(env.practice)
    assert "short-list" in {stop.rule for stop in held.stops}
    states = summarize(env.practice).links
    assert states.get("gone", 0) == 0


async def test_another_practice_behind_the_same_connection(env: PracticeFixture) -> None:
    await env.connect()
    kept = env.practice.snapshot().count(XPM_CLIENTS)
    strangers = {str(uuid5(NAMESPACE_DNS, uuid)): row for uuid, row in env.sandbox.practice.clients.items()}
    env.sandbox.practice.clients.clear()
    for uuid, row in strangers.items():
        env.sandbox.practice.clients[uuid] = dataclasses.replace(row, uuid=uuid)
    env.sandbox.practice._order = None
    with pytest.raises(DecisionNeeded) as refused:
        await run(env.practice)
    assert refused.value.case is CaseId.WRONG_PRACTICE
    assert history.find_run(env.practice, "last").exit_code == 4
    assert env.practice.snapshot().count(XPM_CLIENTS) == kept


async def test_the_daily_run_asks_for_what_changed(env: PracticeFixture) -> None:
    await env.connect()
    env.store(env.unique_names())
    await run(env.practice)
    env.clock.move(timedelta(days=1))
    link = next(env.practice.snapshot().rows(LINKS))
    await env.control("colleague", client=link.uuid, set={"phone": "1"})
    await run(env.practice, trigger="daily")
    (last,) = env.sandbox.log.rows(lambda row: row.endpoint == "client.api/list")[-1:]
    assert "modifiedsince" in last.query
    client = env.practice.snapshot().get(CLIENTS, link.id)
    assert client is not None
    assert client.phone == "1"
    env.clock.move(timedelta(days=8))
    await run(env.practice, trigger="daily")
    (last,) = env.sandbox.log.rows(lambda row: row.endpoint == "client.api/list")[-1:]
    assert "modifiedsince" not in last.query


async def test_to_xpm_writes_what_differs_and_then_nothing(env: PracticeFixture) -> None:
    await env.connect()
    env.store(env.unique_names())
    await run(env.practice)
    env.practice.settings.set("sync.direction", "to_xpm", practice=True)
    changed = []
    for client in list(env.practice.snapshot().rows(CLIENTS))[:6]:
        contacts = tuple(msgspec.structs.replace(each, mobile="021 1") for each in client.contacts[:1])
        contacts += client.contacts[1:]
        changed.append(
            Put(CLIENTS, msgspec.structs.replace(client, phone=f"ours {client.id}", contacts=contacts))
        )
    env.practice.store.commit(changed)
    done = await run(env.practice)
    assert done.outcome == "done"
    truth = env.sandbox.practice.clients
    snapshot = env.practice.snapshot()
    for put in changed:
        link = snapshot.get(LINKS, put.row.id)
        assert link is not None
        assert truth[link.uuid].phone == f"ours {put.row.id}"
    again = await plans.make(env.practice)
    assert again.counts["items"] == 0


async def test_any_size_takes_one_client_call(tmp_path: Path) -> None:
    env = PracticeFixture(tmp_path, clients=count(120, 10_000))
    await env.connect()
    env.store(env.unique_names())
    before = env.net.asked("client.api/list")
    tracemalloc.start()
    done = await run(env.practice)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (done.outcome, done.calls) == ("done", 5)
    assert env.net.asked("client.api/list") == before + 1
    assert peak < 150e6
    env.close()
