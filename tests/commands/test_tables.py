"""Records as JSON data; times and selectors as typed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from xpm_tui.commands.log import parse_time
from xpm_tui.commands.plans import selector
from xpm_tui.commands.tables import to_plain
from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.runs import Run, Stop

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def test_every_field_of_a_record_is_in_its_json() -> None:
    reported = to_plain(Run(id="r1", started=NOW, by="mere", stops=(Stop(rule="x"),)))
    assert reported["ended"] is None
    assert reported["calls"] == 0
    assert reported["outcome"] == "running"
    assert reported["stops"] == [{"rule": "x", "counted": 0, "limit": 0, "sentence": ""}]
    assert reported["started"] == "2026-05-04T12:00:00Z"


@pytest.mark.parametrize(("text", "back"), [("30m", timedelta(minutes=30)), ("3d", timedelta(days=3))])
def test_moments_back(text: str, back: timedelta) -> None:
    assert parse_time(text, NOW) == NOW - back


@pytest.mark.parametrize("text", ["x", "3y", "2026-13-01", "999999999999d", ""])
def test_no_moment(text: str) -> None:
    with pytest.raises(BadInput, match="is not a time"):
        parse_time(text, NOW)


def test_a_moment_by_date() -> None:
    assert parse_time("2026-05-01T10:00+12:00", NOW) == datetime(2026, 4, 30, 22, 0, tzinfo=UTC)


def test_selectors() -> None:
    assert selector("c1:phone").record == "c1"
    assert selector("c1:phone").field == "phone"
    assert selector("c1/k2").record == "c1/k2"
    assert selector("mark:clearing").mark == "clearing"
    assert selector("all") == selector("all")
