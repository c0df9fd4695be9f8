"""Two kinds of held run: the guard stopped it before its first write, or a write got no answer."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from xpm_tui.commands.sync import run_result
from xpm_tui.domain.runs import UNKNOWN, Run, Stop

OPEN = Stop(
    rule=UNKNOWN, counted=1, sentence="1 write got no answer. Decide: xpm-tui runs release --again i9"
)
MANY = Stop(rule="mass-change", counted=90, limit=50, sentence="90 changes are more than 50.")


@pytest.mark.parametrize(
    ("stops", "counts", "says", "says_not", "next_"),
    [
        (
            (OPEN,),
            {"changes": 5, "records": 3, "held": 1},
            "wrote 5 changes in 3 records",
            "is held",
            "in XPM",
        ),
        ((OPEN,), {"held": 1}, "changed nothing, and waits for your decision", "is held", "in XPM"),
        ((MANY,), {}, "is held. 90 changes are more than 50.", "wrote", "Review the plan"),
        (
            (MANY, OPEN),
            {},
            "is held. 90 changes are more than 50. 1 write got no",
            "wrote",
            "Review the plan",
        ),
    ],
)
def test_each_says_what_was_written_and_what_decides_it(
    stops: tuple[Stop, ...], counts: dict[str, int], says: str, says_not: str, next_: str
) -> None:
    run = Run(
        id="r7",
        started=datetime(2026, 5, 4, tzinfo=UTC),
        by="ana",
        outcome="held",
        stops=stops,
        counts=counts,
    )
    error = run_result(run).error
    assert error is not None
    assert (error.code, error.exit_code) == ("held", 4)
    assert says in error.message
    assert says_not not in error.message
    assert next_ in error.hint
    if OPEN in stops:
        assert "Decide: xpm-tui runs release --again i9" in error.message
