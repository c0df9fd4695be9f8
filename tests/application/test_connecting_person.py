"""The person who connected: found among XPM's staff, gone, or not in the team; and where that is shown."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from xpm_tui.application.practice import ListState, OpenPractice, PracticeIdentity, put
from xpm_tui.application.status.summary import summarize
from xpm_tui.application.team.queries import find_connector
from xpm_tui.domain.ignition import TeamMember
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import STAFF, TEAM
from xpm_tui.domain.xpm import Staff

AT = datetime(2026, 5, 4, tzinfo=UTC)


def fill(practice: OpenPractice, login: str, *rows: Any, read: bool = True) -> None:
    writes: list[Any] = [put("identity", PracticeIdentity(tenant="t", title="Hill", login=login, since=AT))]
    writes += [put("list:staff", ListState(at=AT, full=AT))] if read else []
    writes += [Put(STAFF if isinstance(row, Staff) else TEAM, row) for row in rows]
    practice.store.commit(writes)


ANA = Staff(uuid="a", name="Āna Reid", email="ana@x.example")


@pytest.mark.parametrize(
    ("login", "rows", "state"),
    [
        ("ana reid", [ANA], "here"),
        ("ANA@x.example", [ANA], "here"),
        ("Bo Li", [ANA], "gone"),
        ("Ana Reid", [Staff(uuid="a", name="Ana Reid", gone=True)], "gone"),
        ("Ana Reid", [ANA, Staff(uuid="b", name="Ana Reid", gone=True)], "here"),
        ("Ana Reid", [ANA, TeamMember(id="t1", name="Tom")], "unlinked"),
        ("Ana Reid", [ANA, TeamMember(id="t1", name="Tom", staff="a")], "here"),
    ],
)
def test_who_connected_is_looked_up(practice: OpenPractice, login: str, rows: list[Any], state: str) -> None:
    fill(practice, login, *rows)
    found = find_connector(practice.snapshot())
    assert found is not None
    assert found.state == state
    problems = {problem.code: problem for problem in summarize(practice).problems}
    assert (f"connector-{state}" in problems) == (state != "here")
    assert bool(found.sentence) == (state != "here")
    if state == "gone":
        assert "connect" in problems["connector-gone"].hint
        assert problems["connector-gone"].exit_code == 0


def test_nothing_is_said_where_nothing_is_known(practice: OpenPractice) -> None:
    assert find_connector(practice.snapshot()) is None
    fill(practice, "")
    assert find_connector(practice.snapshot()) is None
    fill(practice, "Ana Reid", read=False)
    practice.store.commit([put("list:staff", ListState())])
    assert find_connector(practice.snapshot()) is None
