"""The heartbeat."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.fake_xpm import FakeXpm, client, wired
from tests.support.moved_clock import MovedClock
from xpm_tui.application.home import Home
from xpm_tui.application.practice import OpenPractice, open_practice
from xpm_tui.application.practice_identity import PracticeIdentity, put
from xpm_tui.application.runs.runner import run
from xpm_tui.application.status.summary import summarize
from xpm_tui.domain.errors import LoginNeeded
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.links import Freeze
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import CLIENTS, FREEZES


@pytest.fixture
def xpm(practice: OpenPractice, clock: MovedClock) -> FakeXpm:
    identity = PracticeIdentity(tenant="t", title="Hill", since=clock.now(), by="mere", login="Ana Reid")
    names = ["Client 00000", "Client 00001", "Nobody's"]
    practice.book.commit(
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
    beat = summarize(practice)
    assert not beat.connected
    assert [problem.code for problem in beat.problems] == ["not-connected"]
    assert beat.exit_code == 3


async def test_after_a_good_run(practice: OpenPractice, xpm: FakeXpm, clock: MovedClock) -> None:
    await run(practice)
    clock.move(timedelta(hours=2))
    beat = summarize(practice)
    assert (beat.title, beat.login, beat.by, beat.hours) == ("Hill", "Ana Reid", "mere", 2.0)
    assert (beat.clients, beat.xpm_clients, beat.linked, beat.needs_person, beat.frozen) == (3, 12, 2, 1, 1)
    assert (beat.exit_code, beat.problems, beat.last_outcome) == (0, (), "done")
    assert beat.mirror_at == clock.now() - timedelta(hours=2)


async def test_what_needs_a_person_decides_the_exit_code(
    practice: OpenPractice, xpm: FakeXpm, clock: MovedClock
) -> None:
    held = await run(practice, trigger="daily")
    beat = summarize(practice)
    assert (beat.held, beat.exit_code) == ((held.id,), 4)
    xpm.troubles["clients"] = LoginNeeded("The login is no longer accepted.")
    with pytest.raises(LoginNeeded):
        await run(practice)
    assert summarize(practice).exit_code == 3
    xpm.troubles["clients"] = OSError("broken")
    with pytest.raises(OSError, match="broken"):
        await run(practice)
    assert summarize(practice).exit_code == 1
    del xpm.troubles["clients"]
    await run(practice)
    assert summarize(practice).exit_code == 0


async def test_nothing_good_for_too_long(practice: OpenPractice, xpm: FakeXpm, clock: MovedClock) -> None:
    await run(practice)
    clock.move(timedelta(hours=81))
    beat = summarize(practice)
    assert ([problem.code for problem in beat.problems], beat.exit_code) == (["stale"], 1)


async def test_it_is_counted_once_per_state_of_the_book(
    practice: OpenPractice, xpm: FakeXpm, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = 0

    def counted(*_: object) -> str:
        nonlocal looked
        looked += 1
        return "unlinked"

    monkeypatch.setattr("xpm_tui.application.status.summary.state_of", counted)
    for _ in range(5):
        summarize(practice)
    assert looked == 3


def test_a_read_only_look_writes_nothing(practice: OpenPractice, home: Home) -> None:
    position = practice.book.watch()
    with open_practice(home, environ={}, read_only=True) as looked:
        summarize(looked)
    assert practice.book.watch() == position
