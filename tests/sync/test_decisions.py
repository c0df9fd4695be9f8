"""The decision for one field, for every combination of master, other side and base."""

from __future__ import annotations

import pytest

from xpm_tui.domain.links import Value
from xpm_tui.sync.planning.decisions import Verdict, decide

A, B, C = "a", "b", "c"


@pytest.mark.parametrize(
    ("master", "other", "agreed", "verdict"),
    [
        (A, A, None, "agree"),
        (A, "", None, "fill"),
        (A, B, None, "first"),
        ("", A, None, "agree"),
        ("", "", None, "agree"),
        (A, A, (A, A), "same"),
        (B, B, (A, A), "agree"),
        (B, A, (A, A), "update"),
        (A, B, (A, A), "drift"),
        (A, "", (A, A), "drift"),
        (B, C, (A, A), "conflict"),
        ("", A, (A, A), "clear"),
        ("", B, (A, A), "clear"),
        ("", A, ("", A), "same"),
        ("", B, ("", A), "agree"),
        (B, A, ("", A), "update"),
        (B, C, ("", A), "conflict"),
        (A, B, (A, B), "same"),
        (False, True, (True, True), "update"),
        (None, True, (None, True), "same"),
        (None, True, (True, True), "clear"),
        ((), ("x",), (("x",), ("x",)), "clear"),
    ],
)
def test_each_position_has_one_verdict(
    master: Value, other: Value, agreed: tuple[Value, Value] | None, verdict: Verdict
) -> None:
    assert decide(master, other, agreed) == verdict
