"""Every case id has a sign, a cause and a way out."""

from __future__ import annotations

import pytest

from xpm_tui.diagnose.cases.book_of_cases import CASES, case
from xpm_tui.model.cases import CaseId


@pytest.mark.parametrize("id_", list(CaseId))
def test_every_id_has_its_case(id_: CaseId) -> None:
    found = CASES[id_]
    assert found.id == id_
    assert found.title
    assert found.sign
    assert found.cause
    assert found.steps


def test_the_three_answers_to_a_refused_connection() -> None:
    assert "not ticked" in CASES[CaseId.NO_PERMISSION].cause
    stale = CASES[CaseId.STALE_PERMISSION]
    assert [("off" in s or "on again" in s) for s in stale.steps[1:3]] == [True, True]
    other = CASES[CaseId.OTHER_XERO_ERROR]
    assert "photograph" in other.steps[0]
    assert "Xero support" in other.steps[-1]


def test_an_unknown_id_is_no_error() -> None:
    assert case("T99") is None
    assert case("T1") is CASES[CaseId.NO_PERMISSION]
