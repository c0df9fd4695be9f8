"""What a probe found, as values; and the case that stands behind any error."""

from __future__ import annotations

from typing import Literal

import msgspec

from xpm_tui.diagnostics.error_presenter import case_id, present
from xpm_tui.domain.errors import AppError, CaseId
from xpm_tui.domain.runs import Run

Verdict = Literal["ok", "note", "trouble", "skipped"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What one look found. ``evidence`` are plain facts, never a secret; ``exit_code`` only with trouble."""

    verdict: Verdict
    sentence: str
    evidence: tuple[str, ...] = ()
    hint: str = ""
    case: CaseId | None = None
    exit_code: int = 0


class ProbeResult(msgspec.Struct, frozen=True, kw_only=True):
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


def from_error(trouble: AppError, *evidence: str, case: CaseId | None = None) -> Finding:
    """An error as a finding, with the call, Xero's id of it and the case."""
    view = present(trouble)
    return bad(
        view.message,
        *evidence,
        *([view.why] if view.why else []),
        *view.evidence(),
        hint=view.hint,
        case=case or case_id(trouble),
        exit_code=view.exit_code,
    )


def known(text: str) -> CaseId | None:
    """The case of an id as runs and events carry it; None where it names none."""
    try:
        return CaseId(text)
    except ValueError:
        return None


def run_problem(run: Run) -> CaseId | None:
    """The case behind a run's end: the one it kept, else that of what stopped it, else that it is held."""
    words = (run.case, *(stop.rule for stop in run.stops), run.outcome)
    return next((found for found in map(known, words) if found is not None), None)
