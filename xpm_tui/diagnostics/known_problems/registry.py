"""All known problems, by id and by search."""

from __future__ import annotations

from xpm_tui.diagnostics.known_problems import environment, login, records
from xpm_tui.diagnostics.known_problems.problem import KnownProblem
from xpm_tui.domain.errors import CaseId

CASES: dict[CaseId, KnownProblem] = {
    case.id: case for case in (*login.CASES, *environment.WIRE_CASES, *records.CASES, *environment.CASES)
}


def find_problem(id: str | CaseId) -> KnownProblem | None:  # noqa: A002
    """Return the known problem of an id (``T1``, ``day-limit``); None for an unknown one."""
    try:
        return CASES.get(CaseId(id))
    except ValueError:
        return None


def search_problems(text: str) -> tuple[KnownProblem, ...]:
    """Return the known problems that contain every word of ``text``; matches in their symptom come first."""
    words = [word.strip('",.:;').casefold() for word in text.split()]
    words = [word for word in words if word]

    def has(text: str) -> bool:
        folded = text.casefold()
        return all(word in folded for word in words)

    def all_of(each: KnownProblem) -> str:
        return " ".join((each.id, each.title, each.sign, each.cause, *each.steps, *each.old_screens))

    found = [each for each in CASES.values() if has(all_of(each))]
    return tuple(sorted(found, key=lambda each: not has(each.sign)))
