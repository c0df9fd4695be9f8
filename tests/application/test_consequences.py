"""Consequences computed beforehand agree with the requests that the sandbox recorded."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.application.fixtures import PracticeFixture, preview_named
from tests.deploy.fixtures import JobsFixture
from tests.support.profile import count
from xpm_tui.application.clients import links
from xpm_tui.application.clients.picks import pick_all, preview_pick_all
from xpm_tui.application.csv_io.imports import import_file
from xpm_tui.application.jobs import queries as jobs
from xpm_tui.application.jobs import services
from xpm_tui.application.jobs import workflow_edits as job_editing
from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.runs import plans, runner
from xpm_tui.application.runs import undo_plans as undoing
from xpm_tui.application.runs.consequences import (
    consequences,
    remaining_consequences,
    stored_plan_consequences,
)
from xpm_tui.application.runs.history import list_runs
from xpm_tui.application.team import members
from xpm_tui.domain.events import Progress
from xpm_tui.domain.ignition import Client, Contact, TeamMember
from xpm_tui.domain.plan import WRITES, Consequences, Requests
from xpm_tui.domain.ports import Drop, Put
from xpm_tui.domain.runs import Run, StopRequest
from xpm_tui.domain.tables import BASE, CLIENTS, FREEZES, LINKS, STAFF, STOPS, TEAM, XPM_CLIENTS
from xpm_tui.sync.consequences import creation_consequences

PUSHED = count(60, 400)

ENDPOINTS = {
    "client_updates": ("PUT client.api/update",),
    "contact_updates": ("PUT client.api/contact",),
    "contact_additions": ("POST client.api/contact",),
    "client_creations": ("POST client.api/add",),
    "staff_creations": ("POST staff.api/add",),
    "job_creations": ("POST job.api/add",),
    "template_additions": ("POST job.api/applytemplate",),
    "job_assignments": ("PUT job.api/assign",),
    "job_states": ("PUT job.api/state",),
    "checks": ("GET client.api/list",),
    "contact_reads": ("GET client.api/contact",),
    "searches": ("GET client.api/search",),
    "client_reads": ("GET client.api/get",),
    "job_reads": ("GET job.api/get",),
    "job_lists": ("GET job.api/current",),
    "staff_lists": ("GET staff.api/list",),
}
"""The sandbox's endpoint of each kind of request."""

LISTS = (
    "GET client.api/list", "GET staff.api/list", "GET template.api/list", "GET category.api/list",
    "GET job.api/current",
)  # fmt: skip


def asked(env: PracticeFixture) -> Counter[str]:
    """The sandbox's own record of what came in for the practice."""
    rows = env.sandbox.log.rows(lambda row: "practicemanager" in row.path)
    return Counter(f"{row.method} {'/'.join(row.endpoint.split('/')[:2])}" for row in rows)


def predicted(requests: Requests) -> Counter[str]:
    """Return the record that these requests must lead to."""
    found: Counter[str] = Counter()
    for kind, endpoints in ENDPOINTS.items():
        for endpoint in endpoints:
            found[endpoint] += getattr(requests, kind)
    for endpoint in LISTS:
        found[endpoint] += requests.lists // len(LISTS)
    return +found


def as_predicted(env: PracticeFixture, found: Consequences, run: Run | None = None) -> None:
    """The record equals what was computed: by kind, in all, and as the run counted."""
    assert asked(env) == predicted(found.requests)
    assert found.calls == found.requests.total == sum(asked(env).values())
    if run is not None:
        assert run.calls == found.calls
        assert run.consequences is not None
        assert run.consequences.requests == found.requests


async def settled(folder: Path, *, clients: int = 24) -> PracticeFixture:
    """All clear clients picked, two people linked, and one run from XPM."""
    env = PracticeFixture(folder, clients=clients, seed=2)
    await env.connect()
    pick_all(env.practice)
    for place, staff in enumerate(list(env.practice.snapshot().rows(STAFF))[:2]):
        member = TeamMember(id=f"t{place}", name=staff.name, staff=staff.uuid)
        env.practice.store.commit([Put(TEAM, member)])
    assert (await runner.run(env.practice, reviewed=True)).outcome == "done"
    env.clock.move(timedelta(hours=1))
    return env


def edit(env: PracticeFixture, client: Client, **values: Any) -> None:
    env.practice.store.commit([Put(CLIENTS, msgspec.structs.replace(client, **values))])


async def colleague(env: PracticeFixture, client: Client, **values: str) -> None:
    link = env.practice.snapshot().get(LINKS, client.id)
    assert link is not None
    await env.control("colleague", client=link.uuid, set=values)


def living(practice: OpenPractice) -> list[Client]:
    """Clients with contacts whose XPM client is in use."""
    found = []
    for row in practice.snapshot().rows(CLIENTS):
        link = practice.snapshot().get(LINKS, row.id)
        there = practice.snapshot().get(XPM_CLIENTS, link.uuid) if link is not None else None
        if row.contacts and there is not None and not there.archived and not there.prospect:
            found.append(row)
    return found


async def edited(env: PracticeFixture) -> None:
    """Every kind of change at once: values, contacts, new ones, a clearing, conflicts, links, drift."""
    practice = env.practice
    practice.settings.set("sync.clear", "yes")
    rows = living(practice)
    one, two, three, four, five, *_ = rows
    edit(env, one, city="Ōtaki", phone="09 1")
    (fresh,) = practice.ids.new("k")
    edit(env, two, contacts=(*two.contacts, Contact(id=fresh, name="Zoe New", email="zoe@new.example")))
    first = msgspec.structs.replace(three.contacts[0], mobile="021 000")
    edit(env, three, contacts=(first, *three.contacts[1:]), fax="09 77")
    edit(env, four, phone="", city="Here")
    await colleague(env, four, phone="09 4444")
    edit(env, five, phone="09 555")
    await colleague(env, five, phone="09 999")
    names = [row for row in rows[5:] if row.name in env.unique_names()][:2]
    for row in names:
        practice.store.commit([Drop(CLIENTS, row.id), Drop(LINKS, row.id), Drop(BASE, row.id)])
    env.store([row.name for row in names])


@pytest.mark.parametrize("direction", ["from_xpm", "to_xpm"])
async def test_a_plan_and_its_undo_are_what_the_sandbox_records(direction: str, tmp_path: Path) -> None:
    env = await settled(tmp_path)
    practice = env.practice
    await edited(env)
    practice.settings.set("sync.direction", direction)
    plan = await plans.make(practice, full=True)
    env.sandbox.log.clear()
    found = stored_plan_consequences(practice, plan.id)
    began = env.clock.monotonic()
    done = await runner.run(practice, plan_id=plan.id)
    assert done.outcome == "done"
    as_predicted(env, found, done)
    assert done.counts["changes"] == found.changes > 3
    assert done.counts["records"] == found.xpm.clients + found.here.clients
    assert (found.xpm.changes > 0) == (direction == "to_xpm")
    assert found.replaced.values > 0
    assert env.clock.monotonic() - began < 60 + found.seconds
    assert found.here.links > 0
    assert found.replaced.conflicts > 0
    if direction == "to_xpm":
        kinds = found.requests
        assert min(kinds.client_updates, kinds.contact_updates, kinds.contact_additions, kinds.checks) > 0
        assert found.replaced.clearings > 0
    additions = found.requests.contact_additions
    assert [(each.what, each.number) for each in found.lasting if each.what == "contact"] == (
        [("contact", additions)] if additions else []
    )
    back, records, left = undoing.make_undo(practice, done.id)
    undone = consequences(practice, back, records)
    assert undone.lasting == found.lasting
    assert len(left) == undone.not_undoable
    env.sandbox.log.clear()
    freezes = practice.snapshot().count(FREEZES)
    taken_back = await runner.run(practice, plan_id=back.id, trigger="undo")
    as_predicted(env, undone, taken_back)
    assert taken_back.counts["changes"] == undone.changes
    assert practice.snapshot().count(FREEZES) - freezes == undone.freezes > 0
    env.close()


async def test_what_xml_cannot_carry_is_not_counted_as_sent(tmp_path: Path) -> None:
    env = await settled(tmp_path)
    practice = env.practice
    practice.settings.set("sync.direction", "to_xpm")
    alone, first, fine, *_ = living(practice)
    edit(env, alone, fax="09\x0b1")
    contact = msgspec.structs.replace(first.contacts[0], mobile="021 000")
    edit(env, first, phone="\ufffe", contacts=(contact, *first.contacts[1:]))
    edit(env, fine, phone="09 777")
    plan = await plans.make(practice, full=True)
    env.sandbox.log.clear()
    found = stored_plan_consequences(practice, plan.id)
    done = await runner.run(practice, plan_id=plan.id)
    assert done.outcome == "partial"
    as_predicted(env, found, done)
    assert (done.counts["changes"], done.counts["unsendable"]) == (found.xpm.changes, 2) == (1, 2)
    (kept,) = found.kept
    assert kept.number == 3
    assert set(kept.records) == {
        f"{alone.id}:fax", f"{first.id}:phone", f"{first.id}/{contact.id}:contact_mobile"
    }  # fmt: skip
    assert "XML does not allow" in kept.why


@pytest.mark.soak
async def test_a_long_run_takes_the_time_that_was_computed(tmp_path: Path) -> None:
    env = await settled(tmp_path, clients=PUSHED * 2)
    practice = env.practice
    practice.settings.set("sync.direction", "to_xpm")
    await env.control("switches", latency=0)
    for client in list(practice.snapshot().rows(CLIENTS))[: PUSHED + 20]:
        edit(env, client, city="Ōtaki")
    plan = await plans.make(practice)
    env.sandbox.log.clear()
    found = stored_plan_consequences(practice, plan.id)
    began = env.clock.monotonic()
    done = await runner.run(practice, plan_id=plan.id)
    as_predicted(env, found, done)
    assert found.calls > 55
    assert found.minutes == pytest.approx((env.clock.monotonic() - began) / 60, abs=0.2)
    env.close()


async def test_a_plan_that_is_old_reads_the_lists_and_says_so(tmp_path: Path) -> None:
    env = await settled(tmp_path)
    env.practice.settings.set("sync.direction", "to_xpm")
    client = next(iter(env.practice.snapshot().rows(CLIENTS)))
    edit(env, client, phone="09 1234")
    plan = await plans.make(env.practice)
    env.clock.move(timedelta(minutes=20))
    env.sandbox.log.clear()
    found = stored_plan_consequences(env.practice, plan.id)
    assert found.requests.lists == 5
    as_predicted(env, found, await runner.run(env.practice, plan_id=plan.id))
    env.close()


async def test_an_import_says_what_the_next_sync_sends(tmp_path: Path) -> None:
    env = await settled(tmp_path)
    practice = env.practice
    practice.settings.set("sync.direction", "to_xpm")
    known = [row for row in practice.snapshot().rows(CLIENTS) if row.contacts][:6]
    reported = ["Client ID,Contact ID,Client Name,Contact Name,Contact Email,Contact Phone"]
    for at, row in enumerate(known):
        first, *others = row.contacts
        contacts = (msgspec.structs.replace(first, contact_id=f"9{at}"), *others)
        edit(env, row, client_id=f"8{at}", contacts=contacts)
        reported.append(f'8{at},9{at},"{row.name}","{first.name}",{first.email},09 12{at}')
    reported.append('99,999,"Brand New Ltd","Zoe",zoe@new.example,1')
    file = tmp_path / "clients.csv"
    file.write_text("\n".join(reported) + "\n", encoding="utf-8")
    would = import_file(practice, "clients", file, dry_run=True).consequences
    assert would is not None
    assert would.then is not None
    did = import_file(practice, "clients", file).consequences
    assert (did, would.calls) == (would, 0)
    env.sandbox.log.clear()
    run = await runner.run(practice, reviewed=True)
    as_predicted(env, would.then, run)
    assert run.counts["changes"] == would.then.xpm.changes > 0
    # Two of the six share a contact in XPM and get different numbers: those two edits are held.
    assert (would.here.added, would.then.xpm.clients) == (1, 4)
    env.close()


async def test_a_batch_of_jobs_is_what_the_sandbox_records(tmp_path: Path) -> None:
    env = JobsFixture(tmp_path, jobs__state_code="INPROGRESS")
    await env.ready()
    (fresh,) = env.practice.ids.new("c")
    env.practice.store.commit([Put(CLIENTS, Client(id=fresh, name="Weka Brightwater"))])
    env.accepted("New client 1", fresh)
    env.accepted("New client 2", fresh, partner=env.people[0])
    env.accepted("Twice", env.clients[1])
    env.accepted("Twice", env.clients[1])  # asks: the first of the two takes its name and start
    services.new_service(env.practice, "Bare service", {})
    env.accepted("Bare", env.clients[2], services=("Bare service",))  # asks: no template
    names = ["w1", "w2", "w3", "w4", "w5"]
    for anyway in (False, True):
        env.sandbox.log.clear()
        batch = preview_named(env.practice, [n for n in names if anyway is False or n in ("w4", "w5")])
        found = batch.of(anyway=anyway)
        chosen = names if not anyway else ["w4", "w5"]
        run = await env.deploy(*chosen, anyway=anyway)
        as_predicted(env, found, run)
        assert run.counts["deployed"] == found.xpm.jobs_created
        assert run.counts.get("held", 0) == sum(each.number for each in found.kept)
        assert found.xpm.jobs_created == (2 if anyway else 3)
    env.close()


async def test_jobs_that_xml_cannot_carry_are_not_counted_as_sent(tmp_path: Path) -> None:
    env = JobsFixture(tmp_path, jobs__state_code="INPROGRESS")
    await env.ready()
    practice = env.practice
    bad, fresh = practice.ids.new("c", 2)
    practice.store.commit(
        [
            Put(CLIENTS, Client(id=bad, name="Weka Brightwater", phone="09\x0b1")),
            Put(CLIENTS, Client(id=fresh, name="Kea Brightwater")),
        ]
    )
    env.accepted("Of a client that cannot be created", bad)
    env.accepted("Of the same client", bad)
    env.accepted("Not the job, but its client", fresh)
    env.accepted("Neither", env.clients[0])
    env.accepted("Fine", env.clients[1])
    env.accepted("Fine for the new client", fresh)
    for name in ("w3", "w4"):
        job_editing.edit_workflow(practice, name, {"name": f"{name}\ufffe"})
    names = [f"w{number}" for number in range(1, 7)]
    env.sandbox.log.clear()
    alone = jobs.preview_job(practice, "w4")
    batch = preview_named(practice, names)
    found = batch.consequences
    run = await env.deploy(*names)
    as_predicted(env, found, run)
    assert (run.counts["deployed"], run.counts["failed"]) == (found.xpm.jobs_created, 4) == (2, 4)
    assert (found.xpm.clients_created, found.xpm.clients, found.xpm.changes) == (1, 2, 3)
    (kept,) = found.kept
    assert [each.partition("/")[0] for each in kept.records] == names[:4]
    assert "Not sent to XPM: the job or its client contains" in kept.why
    assert (batch.new, batch.holds, alone.goes, alone.goes_anyway) == (2, 4, False, False)
    assert alone.consequences is not None
    assert (alone.consequences.xpm.changes, alone.consequences.requests.job_creations) == (0, 0)
    env.close()


async def test_a_job_says_the_same_in_its_preview_and_in_its_batch(tmp_path: Path) -> None:
    env = JobsFixture(tmp_path)
    await env.ready()
    env.accepted(manager=env.people[0])
    shown, batch = jobs.preview_job(env.practice, "w1"), preview_named(env.practice, ["w1"])
    assert shown.consequences == batch.consequences
    assert shown.calls == batch.calls == batch.consequences.calls
    job_editing.edit_workflow(env.practice, "w1", {"state": "NONSENSE"})
    await env.deploy("w1")
    job_editing.edit_workflow(env.practice, "w1", {"state": "INPROGRESS"})
    half = preview_named(env.practice, ["w1"]).consequences
    assert (half.xpm.jobs_created, half.xpm.jobs_finished) == (0, 1)
    env.sandbox.log.clear()
    as_predicted(env, half, await env.retry())
    env.close()


async def test_a_creation_is_what_the_sandbox_records(tmp_path: Path) -> None:
    env = await settled(tmp_path)
    env.store(["Weka Brightwater"])
    client = env.practice.snapshot().find(CLIENTS, "name", "Weka Brightwater")[0]
    edit(env, client, structure="Nonsense", contacts=(Contact(id="k99", name="Ann"),))
    found = links.preview_creation(env.practice, client.id)
    env.sandbox.log.clear()
    made = await links.create_in_xpm(env.practice, client.id)
    as_predicted(env, found)
    assert list_runs(env.practice)[0].calls == found.calls
    assert (found.xpm.contacts, made.left_out) == (1, ("structure",))
    assert [each.records for each in found.kept] == [(f"{client.id}:structure",)]
    assert [each.what for each in found.lasting] == ["client"]
    env.practice.store.commit([Put(TEAM, TeamMember(id="t9", name="Weka Takahē", email="w@weka.example"))])
    env.sandbox.log.clear()
    await members.create_in_xpm(env.practice, "t9", phone="", mobile="")
    found = creation_consequences("staff", "t9", "Weka Takahē")
    as_predicted(env, found)
    assert list_runs(env.practice)[0].calls == found.calls
    env.close()


@pytest.mark.parametrize("undoes", [False, True])
async def test_what_is_left_of_a_stopped_run_is_what_the_sandbox_records(
    undoes: bool, tmp_path: Path
) -> None:
    """The question before it is resumed says how much is still sent."""
    env = await settled(tmp_path)
    practice = env.practice
    practice.settings.set("sync.direction", "to_xpm")
    clients = living(practice)[:7]
    for place, client in enumerate(clients):
        edit(env, client, fax=f"09 {place}")
    plan = await plans.make(practice, full=True)
    if undoes:
        done = await runner.run(practice, plan_id=plan.id)
        plan, _, _ = undoing.make_undo(practice, done.id)
        plans.tick(practice, plan.id, plans.Selector(record=clients[-1].id), False)

    def stops(progress: Progress) -> None:
        if progress.phase == "apply" and progress.done == 3:
            going = list_runs(practice)[0]
            practice.store.commit([Put(STOPS, StopRequest(id=going.id, by="ann", at=env.clock.now()))])

    run = await runner.run(practice, plan_id=plan.id, report=stops)
    assert (run.outcome, run.done) == ("stopped", 3)
    left = remaining_consequences(practice, run)
    assert left is not None
    again = stored_plan_consequences(practice, plan.id)
    assert (again.changes, again.requests) == (left.changes, left.requests), "the plan has only the rest"
    env.sandbox.log.clear()
    resumed = await runner.resume(practice)
    assert resumed.counts["changes"] == left.changes == (3 if undoes else 4)
    assert resumed.counts["records"] == resumed.total == left.xpm.clients
    assert "moved" not in resumed.counts
    assert resumed.consequences is not None
    as_predicted(env, resumed.consequences, resumed)
    sent = Counter({kind: n for kind, n in asked(env).items() if not kind.startswith("GET")})
    assert sent == Counter({kind: n for kind, n in predicted(left.requests).items() if kind[:3] != "GET"})
    env.close()


async def test_picking_all_says_how_many_come_in(tmp_path: Path) -> None:
    env = PracticeFixture(tmp_path, clients=40, seed=3)
    await env.connect()
    env.store(env.unique_names()[:3])
    found = preview_pick_all(env.practice)
    did = Counter(view.outcome for view in pick_all(env.practice))
    assert (found.here.added, found.here.links) == (did["added"], did["linked"])
    assert sum(each.number for each in found.kept) == did["left"]
    env.close()


def test_every_write_is_a_request_that_the_record_can_tell() -> None:
    assert set(WRITES) <= set(ENDPOINTS)
    assert {"lists", "lookups"} == set(Requests.__struct_fields__) - set(ENDPOINTS)
