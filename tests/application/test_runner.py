"""One run from end to end over a fake XPM: plan, guard, apply, history, outcomes, exit codes."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from tests.application.test_runs import dead_pid
from tests.support.fake_xpm import FakeXpm, client, wired
from tests.support.moved_clock import MovedClock
from xpm_tui.application.clients import links
from xpm_tui.application.clients.edits import edit_client
from xpm_tui.application.home import Home
from xpm_tui.application.practice import OpenPractice, PracticeIdentity, open_practice, put
from xpm_tui.application.runs import history, plans
from xpm_tui.application.runs.runner import release, resume, run
from xpm_tui.application.runs.unattended_runs import without_secrets
from xpm_tui.domain.errors import (
    AllowanceUsedUp,
    AppError,
    BadInput,
    Busy,
    LoginNeeded,
    PlanRefused,
    ReadOnly,
    RunStopped,
    XeroUnreachable,
)
from xpm_tui.domain.events import Progress
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.links import Link
from xpm_tui.domain.plan import PlannedRecord
from xpm_tui.domain.ports import Drop, Put, Snapshot
from xpm_tui.domain.runs import Run, StopRequest
from xpm_tui.domain.tables import BASE, CLIENTS, INTENTS, LINKS, RUNS, STOPS, XPM_CLIENTS
from xpm_tui.domain.xpm import XpmClient
from xpm_tui.sync.applying import executor
from xpm_tui.sync.planning.comparison import FieldComparison
from xpm_tui.sync.planning.decisions import Rules
from xpm_tui.sync.planning.planner import compare_client

COUNT = 30


@pytest.fixture
def xpm(practice: OpenPractice, clock: MovedClock) -> FakeXpm:
    practice.store.commit(
        [
            put("identity", PracticeIdentity(tenant="t", title="Hill", scopes="practicemanager")),
            *(Put(CLIENTS, Client(id=f"c{n}", name=f"Client {n:05}")) for n in range(COUNT)),
        ]
    )
    made = FakeXpm(clock, [client(number) for number in range(COUNT)])
    wired(practice, made)
    return made


def event_keys(practice: OpenPractice, run_id: str) -> list[str]:
    from xpm_tui.log.event_log import EventFilter

    return [event.key for event in practice.events.read(EventFilter(run=run_id))][::-1]


async def synced(practice: OpenPractice) -> Run:
    return await run(practice, reviewed=True)


async def test_the_first_run_links_and_fills_and_the_second_plans_nothing(
    practice: OpenPractice, xpm: FakeXpm
) -> None:
    first = await run(practice)
    assert (first.outcome, first.exit_code, first.calls) == ("done", 0, 5)
    snapshot = practice.snapshot()
    assert snapshot.count(LINKS) == COUNT
    assert {row.phone for row in snapshot.rows(CLIENTS)} == {f"09 555 {n:04}" for n in range(COUNT)}
    plan = await plans.make(practice)
    assert plan.counts["items"] == 0
    second = await run(practice)
    assert (second.outcome, second.done, second.calls) == ("done", 0, 5)
    assert event_keys(practice, first.id)[0] == "run.started"
    assert event_keys(practice, first.id)[-1] == "run.done"
    assert history.find_run(practice, "last").id == second.id
    assert practice.lock_holder() is None


async def test_what_the_plan_found_in_step_is_not_compared_again(
    practice: OpenPractice, xpm: FakeXpm, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[str] = []

    def compare(
        snapshot: Snapshot, rules: Rules, ours: Client, link: Link, row: XpmClient
    ) -> FieldComparison:
        compared.append(ours.id)
        return compare_client(snapshot, rules, ours, link, row)

    async def edited(_: executor._Apply, records: Sequence[PlannedRecord]) -> None:
        # While the run is in progress, someone edits one client, and another one's base is lost.
        edit_client(practice, "c3", {"city": "Nelson"})
        practice.store.commit([Drop(BASE, "c4")])
        await here(_, records)

    await synced(practice)
    monkeypatch.setattr(executor, "compare_client", compare)
    here = executor._Apply.here
    monkeypatch.setattr(executor._Apply, "here", edited)
    xpm.edit(client(5).uuid, phone="09 999 9999")
    done = await synced(practice)
    assert (done.outcome, sorted(compared)) == ("done", ["c3", "c4", "c5"])
    base = practice.snapshot().get(BASE, "c4")
    assert base is not None
    assert "phone" in base.agreed, "what both sides agree on is stored again"


async def test_a_young_plan_reads_no_list_again(
    practice: OpenPractice, xpm: FakeXpm, clock: MovedClock
) -> None:
    plan = await plans.make(practice)
    xpm.asked.clear()
    clock.move(timedelta(minutes=9))
    done = await run(practice, plan_id=plan.id)
    assert (done.outcome, xpm.asked, done.reviewed) == ("done", [], True)
    with pytest.raises(BadInput, match="already applied"):
        await run(practice, plan_id=plan.id)


async def test_an_old_plan_reads_them_and_what_moved_drops_out(
    practice: OpenPractice, xpm: FakeXpm, clock: MovedClock
) -> None:
    plan = await plans.make(practice)
    clock.move(timedelta(minutes=11))
    xpm.edit(client(4).uuid, phone="09 999 9999")
    done = await run(practice, plan_id=plan.id)
    assert "clients" in xpm.asked[5:]
    assert done.counts["moved"] == 1
    assert practice.snapshot().count(LINKS) == COUNT - 1
    await run(practice)
    found = practice.snapshot().get(CLIENTS, "c4")
    assert found is not None
    assert found.phone == "09 999 9999"


@pytest.mark.parametrize(("key", "value"), [("sync.level", "name"), ("sync.off", "phone")])
async def test_a_plan_of_another_policy_is_refused_whole(
    practice: OpenPractice, xpm: FakeXpm, key: str, value: str
) -> None:
    plan = await plans.make(practice)
    practice.settings.set(key, value, practice=True)
    with pytest.raises(PlanRefused):
        await run(practice, plan_id=plan.id)
    ended = history.find_run(practice, "last")
    assert (ended.outcome, ended.exit_code) == ("failed", 4)
    assert practice.snapshot().count(LINKS) == 0


async def test_levels_name_and_nothing(practice: OpenPractice, xpm: FakeXpm) -> None:
    practice.settings.set("sync.level", "name", practice=True)
    await run(practice)
    assert practice.snapshot().count(LINKS) == COUNT
    assert {row.phone for row in practice.snapshot().rows(CLIENTS)} == {""}
    xpm.edit(client(1).uuid, name="Renamed", phone="1")
    await run(practice)
    assert [(c.name, c.phone) for c in practice.snapshot().rows(CLIENTS) if c.id == "c1"] == [("Renamed", "")]
    practice.settings.set("sync.level", "nothing", practice=True)
    xpm.edit(client(1).uuid, name="Renamed again")
    await run(practice)
    assert [c.name for c in practice.snapshot().rows(CLIENTS) if c.id == "c1"] == ["Renamed"]


async def test_a_second_run_names_who_has_the_practice(
    practice: OpenPractice, xpm: FakeXpm, home: Home, clock: MovedClock
) -> None:
    with open_practice(home, person="tane", environ={}, clock=clock) as other:
        wired(other, xpm)
        lock = other.lock("sync")
        lock.acquire()
        with pytest.raises(Busy, match="tane") as busy:
            await run(practice)
        assert busy.value.exit_code == 5
        assert socket.gethostname() in str(busy.value)
        lock.close()
    assert practice.snapshot().count(RUNS) == 0


async def test_too_many_changes_are_held_and_released(
    practice: OpenPractice, xpm: FakeXpm, clock: MovedClock
) -> None:
    await synced(practice)
    for number in range(25):
        xpm.edit(client(number).uuid, phone=f"moved {number}")
    held = await run(practice)
    assert (held.outcome, held.exit_code) == ("held", 4)
    assert {stop.rule for stop in held.stops} >= {"many-records"}
    assert [r.id for r in history.list_held_runs(practice.snapshot())] == [held.id]
    xpm.edit(client(26).uuid, phone="one more")
    still = await release(practice, held.id)
    assert still.outcome == "held"
    done = await release(practice, still.id)
    assert (done.outcome, done.trigger) == ("done", "release")
    with pytest.raises(BadInput, match=f"run {done.id} has ended since then"):
        await release(practice, held.id)
    with pytest.raises(BadInput, match=f"Run {done.id} is not held: it is done."):
        await release(practice, done.id)


async def test_a_reviewed_run_passes_the_counts(practice: OpenPractice, xpm: FakeXpm) -> None:
    await synced(practice)
    for number in range(25):
        xpm.edit(client(number).uuid, phone=f"moved {number}")
    assert (await run(practice, reviewed=True)).outcome == "done"


async def test_an_empty_list_stops_every_run(practice: OpenPractice, xpm: FakeXpm) -> None:
    await synced(practice)
    kept, xpm.rows = xpm.rows, {}
    held = await run(practice, reviewed=True)
    assert (held.outcome, [stop.rule for stop in held.stops]) == ("held", ["empty-list"])
    assert (await release(practice, held.id)).outcome == "held"
    snapshot = practice.snapshot()
    assert (snapshot.count(LINKS), snapshot.count(CLIENTS)) == (COUNT, COUNT)
    assert not any(row.deleted for row in snapshot.rows(XPM_CLIENTS))
    assert "list.empty" in event_keys(practice, held.id)
    xpm.rows = kept
    assert (await run(practice)).outcome == "done"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (XeroUnreachable("Xero did not answer."), 7),
        (LoginNeeded("The login is no longer accepted."), 3),
        (AllowanceUsedUp("The day's calls are used up."), 6),
    ],
)
async def test_an_error_ends_the_run_and_is_kept_with_it(
    practice: OpenPractice, xpm: FakeXpm, error: AppError, code: int, tmp_path: Path
) -> None:
    reported = tmp_path / "told"
    practice.settings.set(
        "notify.command", f"sh -c 'cat >>{reported}; echo $XPM_TUI_NOTIFY_REASON >>{reported}'", practice=True
    )
    xpm.problems["clients"] = error
    with pytest.raises(type(error)):
        await run(practice)
    ended = history.find_run(practice, "last")
    assert (ended.outcome, ended.exit_code, ended.error) == ("failed", code, error.message)
    assert practice.lock_holder() is None
    assert event_keys(practice, ended.id)[-2:] == ["run.failed", "notify.sent"]
    reason = "login-needed" if code == 3 else "failed"
    assert reported.read_text().splitlines() == [f"Run {ended.id}: failed. {error.message}", reason]


async def test_a_program_error_is_reported_as_one_and_frees_the_lock(
    practice: OpenPractice, xpm: FakeXpm
) -> None:
    xpm.problems["clients"] = KeyError("secret name")
    with pytest.raises(KeyError):
        await run(practice)
    ended = history.find_run(practice, "last")
    assert ended.outcome == "failed"
    assert "secret" not in ended.error
    assert practice.lock_holder() is None


async def test_a_request_stops_it_between_steps(practice: OpenPractice, xpm: FakeXpm) -> None:
    practice.settings.set("sync.direction", "to_xpm", practice=True)
    await synced(practice)
    writes = [
        Put(CLIENTS, Client(id=c.id, name=c.name, phone=f"ours {c.id}", contacts=c.contacts))
        for c in practice.snapshot().rows(CLIENTS)
    ]
    practice.store.commit(writes)
    seen: list[Progress] = []

    def report(progress: Progress) -> None:
        seen.append(progress)
        if progress.phase == "apply" and progress.done == 3:
            for going in filter(None, [history.current_run(practice)]):
                practice.store.commit([Put(STOPS, StopRequest(id=going.id, by="x", at=practice.clock.now()))])

    stopped = await run(practice, reviewed=True, report=report)
    assert (stopped.outcome, stopped.exit_code) == ("stopped", 1)
    assert 3 <= stopped.done < COUNT
    assert practice.snapshot().count(STOPS) == 0
    last = practice.snapshot().get(CLIENTS, f"c{COUNT - 1}")
    assert last is not None
    practice.store.commit([Put(CLIENTS, msgspec.structs.replace(last, phone="edited since"))])
    practice.settings.set("guard.records_percent", "1", practice=True)
    practice.settings.set("guard.records_count", "2", practice=True)
    done = await resume(practice)
    assert (done.outcome, done.trigger) == ("done", "resume"), (
        "the guard counts only what nobody has reviewed"
    )
    assert done.reviewed
    phones = {f"ours c{n}" for n in range(COUNT - 1)} | {"edited since"}
    assert {row.phone for row in xpm.rows.values()} == phones
    assert xpm.asked.count("update_client") == COUNT
    with pytest.raises(BadInput):
        await resume(practice)


async def test_a_stop_while_a_call_waits_leaves_no_intent_and_can_be_resumed(
    practice: OpenPractice, xpm: FakeXpm, monkeypatch: pytest.MonkeyPatch
) -> None:
    practice.settings.set("sync.direction", "to_xpm", practice=True)
    await synced(practice)
    row = practice.snapshot().get(CLIENTS, "c7")
    assert row is not None
    practice.store.commit([Put(CLIENTS, msgspec.structs.replace(row, phone="ours"))])
    locked: list[str] = []

    async def waits(*_: object, **__: object) -> None:
        """As the rate limiter does when the run is asked to stop; meanwhile this one client is locked."""
        for id_ in ("c7", "c8"):
            try:
                links.unlink(practice, id_)
            except Busy as busy:
                locked.append(busy.message)
        raise RunStopped

    with monkeypatch.context() as patched:
        patched.setattr(xpm, "update_client", waits)
        stopped = await run(practice, reviewed=True)
    assert (stopped.outcome, stopped.done, stopped.error) == ("stopped", 0, "")
    assert [*practice.snapshot().rows(INTENTS)] == []
    assert len(locked) == 1, "only what is being sent"
    assert "Client 00007 (c7)" in locked[0]
    assert (await resume(practice)).outcome == "done"
    assert [row.name for row in xpm.rows.values() if row.phone == "ours"] == ["Client 00007"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_cuts_off_what_writes_nothing(
    practice: OpenPractice, xpm: FakeXpm, number: signal.Signals
) -> None:
    before = signal.getsignal(number)

    async def hang() -> Sequence[object]:
        os.kill(os.getpid(), number)
        await asyncio.Event().wait()
        return []

    xpm.staff = hang  # type: ignore[method-assign, assignment]
    stopped = await run(practice)
    assert (stopped.outcome, stopped.exit_code) == ("stopped", 128 + number)
    assert signal.getsignal(number) is before


async def test_what_a_killed_run_left_is_finished(practice: OpenPractice, xpm: FakeXpm) -> None:
    pid = dead_pid()
    dead = Run(id="r900", started=practice.clock.now(), by="mere", host=socket.gethostname(), pid=pid)
    practice.store.commit([Put(RUNS, dead)])
    assert history.current_run(practice) is None
    done = await run(practice)
    assert done.outcome == "done"
    assert history.find_run(practice, "r900").outcome == "interrupted"


async def test_read_only_and_unconnected_practices_run_nothing(
    practice: OpenPractice, home: Home, clock: MovedClock
) -> None:
    with pytest.raises(LoginNeeded):
        await run(practice)
    with open_practice(home, environ={}, clock=clock, read_only=True) as looked, pytest.raises(ReadOnly):
        await run(looked)


async def test_one_client_alone(practice: OpenPractice, xpm: FakeXpm) -> None:
    done = await run(practice, only="c7")
    assert done.outcome == "done"
    assert [link.id for link in practice.snapshot().rows(LINKS)] == ["c7"]


class TestDaily:
    async def test_a_first_run_by_schedule_is_held(self, practice: OpenPractice, xpm: FakeXpm) -> None:
        held = await run(practice, trigger="daily")
        assert (held.outcome, [stop.rule for stop in held.stops]) == ("held", ["first-run"])
        assert (await release(practice, held.id)).outcome == "done"

    async def test_a_push_waits_unless_it_is_switched_on(self, practice: OpenPractice, xpm: FakeXpm) -> None:
        practice.settings.set("sync.direction", "to_xpm", practice=True)
        await synced(practice)
        found = practice.snapshot().get(CLIENTS, "c1")
        assert found is not None
        practice.store.commit([Put(CLIENTS, Client(id="c1", name=found.name, phone="ours"))])
        held = await run(practice, trigger="daily")
        assert [stop.rule for stop in held.stops] == ["daily-push"]
        assert "update_client" not in xpm.asked
        practice.settings.set("sync.daily_push", "yes", practice=True)
        assert (await run(practice, trigger="daily")).outcome == "done"
        assert xpm.rows[client(1).uuid].phone == "ours"


def test_the_notification_command_is_given_no_secret() -> None:
    environ = {
        "PATH": "/usr/bin", "LC_ALL": "en_NZ.UTF-8", "HTTPS_PROXY": "http://gate:1", "no_proxy": "localhost",
        "XPM_TUI_XERO_CLIENT_SECRET": "s", "XPM_TUI_KEY_FILE": "/k", "CREDENTIALS_DIRECTORY": "/run/c",
        "https_proxy": "http://ana:geheim@gate:1", "AWS_SECRET_ACCESS_KEY": "s", "DATABASE_URL": "s",
    }  # fmt: skip
    assert list(without_secrets(environ)) == ["PATH", "LC_ALL", "HTTPS_PROXY", "no_proxy"]
