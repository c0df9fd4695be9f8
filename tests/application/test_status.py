"""The status of a practice and of all practices of the account."""

from __future__ import annotations

import os
import socket
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.fake_xpm import FakeXpm, client, wired
from tests.support.moved_clock import MovedClock
from tests.support.postgres_server import fresh_practice
from xpm_tui.application.home import Home, add_practice, find_home
from xpm_tui.application.practice import OpenPractice, PracticeIdentity, SignIn, open_practice, put
from xpm_tui.application.runs.runner import run
from xpm_tui.application.status.practices import account_practices
from xpm_tui.application.status.summary import summarize
from xpm_tui.domain.errors import LoginNeeded
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.links import Freeze
from xpm_tui.domain.ports import Put
from xpm_tui.domain.runs import Run
from xpm_tui.domain.tables import CLIENTS, FREEZES, RUNS


@pytest.fixture
def xpm(practice: OpenPractice, clock: MovedClock) -> FakeXpm:
    identity = PracticeIdentity(tenant="t", title="Hill", since=clock.now(), by="mere", login="Ana Reid")
    names = ["Client 00000", "Client 00001", "Nobody's"]
    practice.store.commit(
        [
            put("identity", identity),
            *(Put(CLIENTS, Client(id=f"c{n}", name=name)) for n, name in enumerate(names)),
            Put(FREEZES, Freeze(id="c1/phone", client="c1", field="phone")),
        ]
    )
    made = FakeXpm(clock, [client(number) for number in range(12)])
    wired(practice, made)
    return made


def test_before_connecting(practice: OpenPractice) -> None:
    summary = summarize(practice)
    assert not summary.connected
    assert [problem.code for problem in summary.problems] == ["not-connected"]
    assert summary.exit_code == 3


async def test_after_a_good_run(practice: OpenPractice, xpm: FakeXpm, clock: MovedClock) -> None:
    await run(practice)
    clock.move(timedelta(hours=2))
    summary = summarize(practice)
    assert (summary.title, summary.login, summary.by, summary.hours) == ("Hill", "Ana Reid", "mere", 2.0)
    assert (summary.clients, summary.xpm_clients, summary.linked, summary.needs_person, summary.frozen) == (
        3,
        12,
        2,
        1,
        1,
    )
    assert (summary.exit_code, summary.problems, summary.last_outcome) == (0, (), "done")
    assert summary.mirror_at == clock.now() - timedelta(hours=2)


async def test_what_needs_a_person_decides_the_exit_code(
    practice: OpenPractice, xpm: FakeXpm, clock: MovedClock
) -> None:
    held = await run(practice, trigger="daily")
    summary = summarize(practice)
    assert (summary.held, summary.exit_code) == ((held.id,), 4)
    xpm.problems["clients"] = LoginNeeded("The login is no longer accepted.")
    with pytest.raises(LoginNeeded):
        await run(practice)
    assert summarize(practice).exit_code == 3
    xpm.problems["clients"] = OSError("broken")
    with pytest.raises(OSError, match="broken"):
        await run(practice)
    assert summarize(practice).exit_code == 1
    del xpm.problems["clients"]
    await run(practice)
    assert summarize(practice).exit_code == 0


async def test_nothing_good_for_too_long(practice: OpenPractice, xpm: FakeXpm, clock: MovedClock) -> None:
    await run(practice)
    clock.move(timedelta(hours=81))
    summary = summarize(practice)
    assert ([problem.code for problem in summary.problems], summary.exit_code) == (["stale"], 1)


async def test_it_is_counted_once_per_state_of_the_store(
    practice: OpenPractice, xpm: FakeXpm, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = 0

    def counted(*_: object) -> str:
        nonlocal looked
        looked += 1
        return "unlinked"

    monkeypatch.setattr("xpm_tui.sync.planning.links.state_of", counted)
    for _ in range(5):
        summarize(practice)
    assert looked == 3


def test_a_read_only_look_writes_nothing(practice: OpenPractice, home: Home) -> None:
    position = practice.store.watch()
    with open_practice(home, environ={}, read_only=True) as looked:
        summarize(looked)
    assert practice.store.watch() == position


def test_a_practice_in_a_database_is_listed_on_a_machine_that_never_opened_it(tmp_path: Path) -> None:
    """Also: who runs it and where, what waits for whom, and that nothing is written by looking."""
    url, name = fresh_practice()
    environ = {"XPM_TUI_STORE_URL": url}
    first, second = (find_home(str(tmp_path / each), {}) for each in ("first", "second"))
    for home in (first, second):
        add_practice(home, name)
    (listed,) = account_practices(second, environ=environ)
    assert listed.problem, "nobody has put it into the database yet"
    with open_practice(first, name, person="mere", environ=environ) as practice:
        known = PracticeIdentity(tenant="t1", title="Hill & Sons Ltd", login="ana@hill.example")
        held = Run(id="r1", started=practice.clock.now(), by="mere", outcome="held", plan="p1")
        practice.store.commit(
            [put("identity", known), put("sign-in", SignIn(at=held.started, by="Ben")), Put(RUNS, held)]
        )
        (listed,) = account_practices(second, environ=environ)
        assert (listed.title, listed.connected, listed.running, listed.machine) == (known.title, True, "", "")
        assert (listed.held_runs, listed.waits_for, listed.minute_left) == (("r1",), "Ben", 59)
        assert listed.needs[0].startswith("Run r1 waits for your decision.")
        here = socket.gethostname()
        going = Run(id="r2", started=held.started, by="mere", host=here, pid=os.getpid(), plan="p2")
        practice.store.commit([Put(RUNS, going)])
        assert account_practices(second, environ=environ)[0].running == "", "it does not hold the lock"
        with practice.lock("sync").hold():
            (listed,) = account_practices(second, environ=environ)
        assert (listed.running, listed.runner, listed.machine) == ("r2", "mere", here)
    assert not (second.practice(name)[1] / "book").exists()
