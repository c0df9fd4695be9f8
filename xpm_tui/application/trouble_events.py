"""What was told to a person, or by one, goes into the log with its case: support reads it there."""

from __future__ import annotations

from xpm_tui.diagnostics.error_presenter import present
from xpm_tui.diagnostics.known_problems.problem import KnownProblem
from xpm_tui.diagnostics.known_problems.records import ALL, Symptom
from xpm_tui.diagnostics.known_problems.registry import find_problem
from xpm_tui.domain.errors import AppError, NotFound, XeroError
from xpm_tui.domain.events import Event
from xpm_tui.domain.ports import EventSink
from xpm_tui.domain.safe_text import visible


def by_key(key: str) -> Symptom:
    """The answer of that key. Raises ``NotFound``."""
    found = next((each for each in ALL if each.key == key.strip().casefold()), None)
    if found is None:
        raise NotFound(
            f"{visible(key, 40)} is not one of the answers.",
            hint=f"The answers are: {', '.join(each.key for each in ALL)}.",
        )
    return found


def picked(events: EventSink, seen: Symptom) -> KnownProblem | None:
    """A person picked what they see: written to the log; gives its case, None where it is no trouble."""
    if seen.case is None:
        return None
    events.emit(Event(key="trouble.seen", level="warning", rule=seen.key, case=seen.case))
    return find_problem(seen.case)


def failed(events: EventSink, act: str, trouble: AppError) -> None:
    """An act ended in this trouble. Plain bad input is left out, and what is in the log already."""
    view = present(trouble)
    if trouble.logged or (view.problem is None and not isinstance(trouble, XeroError)):
        return
    trouble.logged = True
    events.emit(
        Event(
            key="act.failed",
            level="warning",
            rule=act,
            record=view.record,
            case=view.problem.id if view.problem is not None else view.code,
            call=view.call,
            status=view.status,
            correlation=view.correlation,
        )
    )
