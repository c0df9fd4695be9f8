"""What a probe found, as values; and the case that stands behind any error."""

from __future__ import annotations

from typing import Literal

import msgspec

from xpm_tui.model.cases import CaseId
from xpm_tui.model.errors import (
    AccessDenied,
    AllowanceUsedUp,
    BadReply,
    BookUnreadable,
    Busy,
    DiskTrouble,
    LoginNeeded,
    OutcomeUnknown,
    OutOfReach,
    PlanRefused,
    Refused,
    ScopeMissing,
    Trouble,
    WireTrouble,
)
from xpm_tui.model.runs import Run

Verdict = Literal["ok", "note", "trouble", "skipped"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What one look found. ``evidence`` are plain facts, never a secret; ``exit_code`` only with trouble."""

    verdict: Verdict
    sentence: str
    evidence: tuple[str, ...] = ()
    hint: str = ""
    case: CaseId | None = None
    exit_code: int = 0


class Probed(msgspec.Struct, frozen=True, kw_only=True):
    """A probe's finding with its name, and the seconds that it took."""

    name: str
    title: str
    verdict: Verdict
    sentence: str
    evidence: tuple[str, ...] = ()
    hint: str = ""
    case: CaseId | None = None
    exit_code: int = 0
    seconds: float = 0.0


def ok(sentence: str, *evidence: str) -> Finding:
    """All is well."""
    return Finding(verdict="ok", sentence=sentence, evidence=evidence)


def note(sentence: str, *evidence: str, case: CaseId | None = None, hint: str = "") -> Finding:
    """Worth knowing; nothing stands still for it."""
    return Finding(verdict="note", sentence=sentence, evidence=evidence, case=case, hint=hint)


def bad(
    sentence: str, *evidence: str, case: CaseId | None = None, hint: str = "", exit_code: int = 1
) -> Finding:
    """Trouble: something does not work, or soon will not."""
    return Finding(
        verdict="trouble", sentence=sentence, evidence=evidence, case=case, hint=hint, exit_code=exit_code
    )


def skipped(sentence: str) -> Finding:
    """Not looked at, and why."""
    return Finding(verdict="skipped", sentence=sentence)


def from_error(trouble: Trouble, *evidence: str, case: CaseId | None = None) -> Finding:
    """An error as a finding, with the call, Xero's id of it and the case."""
    facts = list(evidence)
    if isinstance(trouble, WireTrouble):
        if trouble.asked:
            facts.append(f"call: {trouble.asked}")
        if trouble.status:
            facts.append(f"HTTP status: {trouble.status}")
        if trouble.correlation:
            facts.append(f"correlation id: {trouble.correlation}")
    if isinstance(trouble, AllowanceUsedUp) and trouble.until is not None:
        facts.append(f"goes on at: {trouble.until:%Y-%m-%d %H:%M} UTC")
    return bad(
        trouble.message,
        *facts,
        hint=trouble.hint,
        case=case or case_id(trouble),
        exit_code=trouble.exit_code,
    )


_BY_KIND: tuple[tuple[type[Trouble], CaseId], ...] = (
    (AllowanceUsedUp, CaseId.DAY_LIMIT),
    (ScopeMissing, CaseId.SCOPE_MISSING),
    (AccessDenied, CaseId.DISCONNECTED),
    (OutcomeUnknown, CaseId.UNKNOWN_OUTCOME),
    (Refused, CaseId.OK_BUT_ERROR),
    (BadReply, CaseId.BAD_REPLY),
    (OutOfReach, CaseId.NO_NETWORK),
    (PlanRefused, CaseId.POLICY_CHANGED),
    (Busy, CaseId.LOCKED),
    (BookUnreadable, CaseId.STORE),
    (DiskTrouble, CaseId.DISK),
)


def known(text: str) -> CaseId | None:
    """The case of an id as runs and events carry it; None where it names none."""
    try:
        return CaseId(text)
    except ValueError:
        return None


def run_case(run: Run) -> CaseId | None:
    """The case behind a run's end: the one it kept, else that of what stopped it, else that it is held."""
    words = (run.case, *(stop.rule for stop in run.stops), run.outcome)
    return next((found for found in map(known, words) if found is not None), None)


def case_id(trouble: Trouble) -> CaseId | None:
    """The case of an error: the one it names, else the one of its kind; None for plain bad input."""
    if trouble.case is not None:
        return trouble.case
    if isinstance(trouble, LoginNeeded):
        # Without a call behind it, nobody asked Xero: there is no login to refuse.
        return CaseId.NEEDS_RECONNECT if trouble.asked or trouble.status else CaseId.NOT_CONNECTED
    return next((case for kind, case in _BY_KIND if isinstance(trouble, kind)), None)
