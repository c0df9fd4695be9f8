"""Values in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from xpm_tui.acts.log import moment
from xpm_tui.acts.planning import selector
from xpm_tui.acts.words import ago, count, fields, plain, value
from xpm_tui.model.errors import BadInput
from xpm_tui.model.runs import Run, Stop

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def test_every_field_of_a_record_is_in_its_json() -> None:
    told = plain(Run(id="r1", started=NOW, by="mere", stops=(Stop(rule="x"),)))
    assert told["ended"] is None
    assert told["calls"] == 0
    assert told["outcome"] == "running"
    assert told["stops"] == [{"rule": "x", "counted": 0, "limit": 0, "sentence": ""}]
    assert told["started"] == "2026-05-04T12:00:00Z"


@pytest.mark.parametrize(
    ("told", "shown"), [(None, ""), (True, "yes"), (False, "no"), (("a", "b"), "a, b"), ("x", "x"), ((), "")]
)
def test_values(told: object, shown: str) -> None:
    assert value(told) == shown  # type: ignore[arg-type]


def test_counts() -> None:
    assert [count(n, "client") for n in (0, 1, 1204)] == ["0 clients", "1 client", "1,204 clients"]
    assert count(3, "person/people") == "3 people"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(10, "just now"), (60, "1 minute ago"), (3_600, "1 hour ago"), (7_200, "2 hours ago"),
     (86_400, "24 hours ago"), (172_800, "2 days ago"), (-5, "just now")],
)  # fmt: skip
def test_ago(seconds: int, told: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == told


def test_ago_of_nothing_is_never() -> None:
    assert ago(None) == "never"


def test_fields_line_up_and_leave_out_the_empty() -> None:
    assert fields({"a": "1", "long": "2", "none": ""}) == ["a     1", "long  2"]


@pytest.mark.parametrize(("text", "back"), [("30m", timedelta(minutes=30)), ("3d", timedelta(days=3))])
def test_moments_back(text: str, back: timedelta) -> None:
    assert moment(text, NOW) == NOW - back


@pytest.mark.parametrize("text", ["x", "3y", "2026-13-01", "999999999999d", ""])
def test_no_moment(text: str) -> None:
    with pytest.raises(BadInput, match="is no time"):
        moment(text, NOW)


def test_a_moment_by_date() -> None:
    assert moment("2026-05-01T10:00+12:00", NOW) == datetime(2026, 4, 30, 22, 0, tzinfo=UTC)


def test_selectors() -> None:
    assert selector("c1:phone").record == "c1"
    assert selector("c1:phone").field == "phone"
    assert selector("c1/k2").record == "c1/k2"
    assert selector("mark:clearing").mark == "clearing"
    assert selector("all") == selector("all")
