"""All cases, by id."""

from __future__ import annotations

from xpm_tui.diagnose.cases import login, machine, records, wire
from xpm_tui.diagnose.cases.case import Case
from xpm_tui.model.cases import CaseId

CASES: dict[CaseId, Case] = {
    case.id: case for case in (*login.CASES, *wire.CASES, *records.CASES, *machine.CASES)
}


def case(id: str | CaseId) -> Case | None:  # noqa: A002
    """The case of an id as events and errors carry it (``T1``, ``day-limit``); None for an unknown one."""
    try:
        return CASES.get(CaseId(id))
    except ValueError:
        return None
