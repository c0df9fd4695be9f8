"""Maintenance of the store by the application: damage is reported, and old data is deleted."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.moved_clock import MovedClock
from xpm_tui.application.home import Home
from xpm_tui.application.practice import OpenPractice, open_practice
from xpm_tui.application.runs.sync_run import apply_retention
from xpm_tui.application.status.summary import summarize
from xpm_tui.domain.errors import StoreUnreadable
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.plan import Plan
from xpm_tui.domain.ports import Put
from xpm_tui.domain.runs import BeforeImage, Run
from xpm_tui.domain.tables import CLIENTS, IMAGES, PLANS, RUNS
from xpm_tui.store import store


def test_a_damaged_store_is_shown_read_only_and_status_says_so(home: Home, clock: MovedClock) -> None:
    with open_practice(home, person="mere", environ={}, clock=clock) as practice:
        for number in range(6):
            practice.store.commit([Put(CLIENTS, Client(id=f"c{number}", name=f"Client {number}"))])
        (log,) = (practice.data / "book").glob("log.*")
        whole = log.read_bytes()
    log.write_bytes(whole[: len(whole) // 2] + b"#" + whole[len(whole) // 2 + 1 :])
    with open_practice(home, person="mere", environ={}, clock=clock) as practice:
        summary = summarize(practice)
        assert summary.exit_code == 8
        assert summary.problems[0].code == "book-unreadable"
        assert summary.problems[0].hint
        assert 0 < summary.clients < 6
        with pytest.raises(StoreUnreadable):
            practice.store.commit([Put(CLIENTS, Client(id="c9", name="No"))])
    assert log.read_bytes() != whole, "the damaged file is left as it is"


def test_a_network_file_system_is_reported_and_stops_nothing(
    practice: OpenPractice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "network_file_system", lambda _: "nfs4")
    summary = summarize(practice)
    reported = [problem for problem in summary.problems if problem.code == "book-warning"]
    assert "nfs4" in reported[0].sentence
    assert reported[0].exit_code == 0


def test_old_runs_images_and_plans_go_once_a_day(practice: OpenPractice, clock: MovedClock) -> None:
    began = clock.now()
    practice.store.commit(
        [
            Put(RUNS, Run(id="r1", started=began, ended=began, by="mere", plan="p1", outcome="done")),
            Put(IMAGES, BeforeImage(id="r1/c1", run="r1", client="c1")),
            *(
                Put(PLANS, Plan(id=f"p{n}", made=began, by="mere", direction="from_xpm", level="everything",
                                tenant="t", policy="x", scopes="y"))
                for n in range(1, 9)
            ),
        ]
    )  # fmt: skip
    assert apply_retention(practice) == 0
    clock.move(timedelta(days=practice.settings.number("retention.runs_days") + 1))
    assert apply_retention(practice) > 0
    snapshot = practice.snapshot()
    assert snapshot.count(RUNS) == snapshot.count(IMAGES) == 0
    assert snapshot.count(PLANS) < 8
    assert apply_retention(practice) == 0
