"""Log the problems that were shown to the user, or that a user reported, for support."""

from __future__ import annotations

from xpm_tui.diagnostics.error_presenter import present
from xpm_tui.diagnostics.known_problems.problem import KnownProblem
from xpm_tui.diagnostics.known_problems.registry import SYMPTOMS, Symptom, find_problem
from xpm_tui.domain.errors import AppError, NotFound, XeroError
from xpm_tui.domain.events import Event
from xpm_tui.domain.ports import EventSink
from xpm_tui.domain.safe_text import visible


def by_key(key: str) -> Symptom:
    """Return the answer with that key. Raises ``NotFound``."""
    found = next((each for each in SYMPTOMS if each.key == key.strip().casefold()), None)
    if found is None:
        raise NotFound(
            f"{visible(key, 40)} is not one of the answers.",
            hint=f"The answers are: {', '.join(each.key for each in SYMPTOMS)}.",
        )
    return found


def record_symptom(events: EventSink, seen: Symptom) -> KnownProblem | None:
    """Log a symptom that the user chose; return its known problem, or None."""
    if seen.case is None:
        return None
    events.emit(Event(key="trouble.seen", level="warning", rule=seen.key, case=seen.case))
    return find_problem(seen.case)


def record_failure(events: EventSink, command: str, error: AppError) -> None:
    """Log an error that ended a command, except for invalid input and what is already in the log."""
    view = present(error)
    if error.logged or (view.problem is None and not isinstance(error, XeroError)):
        return
    error.logged = True
    events.emit(
        Event(
            key="act.failed",
            level="warning",
            rule=command,
            record=view.record,
            case=view.problem.id if view.problem is not None else view.code,
            call=view.call,
            status=view.status,
            correlation=view.correlation,
        )
    )
