"""The single presenter of errors: what happened, the observed cause, what to do, and the known problem.

The command line (text and JSON), the console's dialogs and notifications, the log and the doctor all use it;
none of them assembles the parts of an ``AppError`` itself. It also writes known problems as lines of text,
and logs the problems that were shown or that a user reported.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from xpm_tui.diagnostics.known_problems import Symptom, find_problem
from xpm_tui.domain.errors import (
    AccessDenied,
    AllowanceUsedUp,
    AppError,
    BadReply,
    Busy,
    CaseId,
    DiskError,
    KnownProblem,
    LoginNeeded,
    OutcomeUnknown,
    PlanRefused,
    Refused,
    ScopeMissing,
    StoreUnreachable,
    StoreUnreadable,
    XeroError,
    XeroUnreachable,
)
from xpm_tui.domain.events import Event
from xpm_tui.domain.formatting import when_utc
from xpm_tui.domain.ports import EventSink
from xpm_tui.domain.safe_text import visible, visible_lines

_BY_KIND: tuple[tuple[type[AppError], CaseId], ...] = (
    (AllowanceUsedUp, CaseId.DAY_LIMIT),
    (ScopeMissing, CaseId.SCOPE_MISSING),
    (AccessDenied, CaseId.DISCONNECTED),
    (OutcomeUnknown, CaseId.UNKNOWN_OUTCOME),
    (Refused, CaseId.OK_BUT_ERROR),
    (BadReply, CaseId.BAD_REPLY),
    (XeroUnreachable, CaseId.NO_NETWORK),
    (PlanRefused, CaseId.POLICY_CHANGED),
    (Busy, CaseId.LOCKED),
    (StoreUnreadable, CaseId.STORE),
    (DiskError, CaseId.DISK),
)


class ErrorView(msgspec.Struct, frozen=True):
    """An error as it is shown everywhere. Its texts are data: pass them through the safe-text functions.

    ``message`` says what happened, and to which ``record`` if known; ``why`` is the observed cause or empty;
    ``hint`` is what to do next. ``call``, ``status`` and ``correlation`` identify the call to Xero; ``until``
    is when to continue.
    """

    code: str
    message: str
    why: str
    hint: str
    record: str
    problem: KnownProblem | None
    call: str
    status: int
    correlation: str
    until: datetime | None
    exit_code: int

    def lines(self) -> list[str]:
        """Return what happened, why, what to do, the known problem and Xero's id, a line each."""
        return list(filter(None, (self.message, *self._after())))

    def text(self) -> str:
        """Return all lines for a terminal, as safe text: the first one, and the others indented."""
        first, *rest = map(visible_lines, self.lines())
        return "\n".join([first, *(f"  {line}" for text in rest for line in text.split("\n"))])

    def sentence(self) -> str:
        """Return the error on one line, for a notification or a form, without the steps of the problem."""
        known = f"{problem_title(self.problem)}." if self.problem is not None else ""
        return " ".join(filter(None, (self.message, self.why, self.hint, known)))

    def short(self) -> str:
        """Return what happened, why and what to do on one line, without the known problem."""
        return " ".join(filter(None, (self.message, self.why, self.hint)))

    def advice(self, *, titled: bool = True) -> list[str]:
        """Return what follows a message from which a key leads to the known problem.

        Args:
            titled: Whether to name the known problem, for a place that does not name it above.
        """
        title = [f"{problem_title(self.problem)}."] if self.problem and titled else []
        first = [f"First: {self.problem.steps[0]}"] if self.problem else []
        return list(filter(None, (self.why, self.hint, *title, *first)))

    def evidence(self) -> list[str]:
        """Return the facts of the call for the connection check and the bundle, a line each."""
        facts = [f"call: {self.call}"] if self.call else []
        facts += [f"HTTP status: {self.status}"] if self.status else []
        facts += [f"correlation id: {self.correlation}"] if self.correlation else []
        return facts + ([f"can continue at: {when_utc(self.until)}"] if self.until is not None else [])

    def for_support(self) -> list[str]:
        """Return what Xero's support asks for; empty if no call was made."""
        if not self.call:
            return []
        facts = {"Call": self.call, "HTTP status": self.status, "Correlation id": self.correlation}
        known = [f"  {name}: {value}" for name, value in facts.items() if value]
        return ["", "For Xero's support (the time is in the log):", *known]

    def data(self) -> dict[str, Any]:
        """Return the error as JSON data: ``code``, ``message``, ``hint``, and others.

        These are ``record`` and ``why``; ``case`` with ``case_title``, ``steps`` and, if XPM's old screens
        differ, ``old_steps``; ``call``, ``status`` and ``correlation`` of a call to Xero; ``until``.
        """
        data: dict[str, Any] = {"code": self.code, "message": self.message, "hint": self.hint}
        data |= {name: text for name, text in (("record", self.record), ("why", self.why)) if text}
        if self.problem is not None:
            data |= {"case": str(self.problem.id), "case_title": self.problem.title}
            data |= {"steps": list(self.problem.steps)}
            if self.problem.old_screens:
                data["old_steps"] = list(self.problem.old_screens)
        if self.call:
            data |= {"call": self.call, "status": self.status, "correlation": self.correlation}
        return data | ({"until": self.until} if self.until is not None else {})

    def _after(self) -> Iterator[str]:
        yield self.why
        yield self.hint
        if self.problem is not None:
            yield from problem_summary(self.problem)
        if self.correlation:
            yield f"Xero's correlation id: {self.correlation}"


def present(error: AppError) -> ErrorView:
    """Return the view of an error."""
    wire = error if isinstance(error, XeroError) else None
    known = case_id(error)
    return ErrorView(
        code=error.code,
        message=error.message,
        why=error.why or _answer(wire),
        hint=error.hint,
        record=error.record,
        problem=find_problem(known) if known is not None else None,
        call=wire.asked if wire else "",
        status=wire.status if wire else 0,
        correlation=wire.correlation if wire else "",
        until=error.until if isinstance(error, AllowanceUsedUp) else None,
        exit_code=error.exit_code,
    )


def _answer(wire: XeroError | None) -> str:
    """Return the answer of Xero in a sentence, unless the message quotes it already."""
    if wire is None or not wire.words or wire.words in wire.message:
        return ""
    return f"Xero answered: {visible(wire.words)}"


def case_id(error: AppError) -> CaseId | None:
    """Return the known problem of an error: the one it names, or that of its type; None for bad input."""
    if error.case is not None:
        return error.case
    if isinstance(error, LoginNeeded):
        # Without a call, Xero has not refused a login.
        return CaseId.NEEDS_RECONNECT if error.asked or error.status else CaseId.NOT_CONNECTED
    if isinstance(error, StoreUnreachable):
        return None  # nothing is known to be wrong with the data
    return next((case for kind, case in _BY_KIND if isinstance(error, kind)), None)


def problem_title(problem: KnownProblem) -> str:
    """Return the name of a known problem: ``Known problem T6: Xero no longer accepts the login``."""
    return f"Known problem {problem.id}: {problem.title}"


def problem_summary(problem: KnownProblem) -> tuple[str, str]:
    """Return a known problem in two lines: which one with its first step, and where all steps are."""
    return (
        f"{problem_title(problem)}. {problem.steps[0]}",
        f"All steps: xpm-tui cases show {problem.id}",
    )


def problem_lines(found: KnownProblem) -> list[str]:
    """Return a known problem as lines: its name, symptom, cause and what to do."""
    return [f"{found.id}: {found.title}", "", *titled_problem_lines(found)]


def titled_problem_lines(found: KnownProblem) -> list[str]:
    """Return symptom, cause and what to do, for a place whose heading has the name of the problem."""
    return [f"Symptom: {found.sign}", f"Cause: {found.cause}", "", *remedy_lines(found)]


def remedy_lines(found: KnownProblem) -> list[str]:
    """Return what to do, with numbered steps for XPM's new and old screens, and what to send to support."""
    lines = ["What to do" + (" (XPM's new screens):" if found.old_screens else ":"), *numbered(found.steps)]
    if found.old_screens:
        lines += ["What to do (XPM's old screens):", *numbered(found.old_screens)]
    if found.support:
        lines += ["", found.support]
    return lines


def numbered(steps: tuple[str, ...]) -> list[str]:
    """Return the steps with their numbers."""
    return [f"  {number}. {step}" for number, step in enumerate(steps, 1)]


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
