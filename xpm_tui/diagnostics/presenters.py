"""A case in words: for a verb, a screen, the bundle and the trouble page."""

from __future__ import annotations

from xpm_tui.diagnostics.known_problems.problem import KnownProblem


def problem_lines(found: KnownProblem) -> list[str]:
    """Its name, sign and cause, and the way out."""
    return [f"{found.id}: {found.title}", "", *titled_problem_lines(found)]


def titled_problem_lines(found: KnownProblem) -> list[str]:
    """The same under a heading that names it."""
    return [f"Symptom: {found.sign}", f"Cause: {found.cause}", "", *remedy_lines(found)]


def remedy_lines(found: KnownProblem) -> list[str]:
    """The way out with numbered steps for XPM's new and old screens, and what to tell support."""
    lines = ["What to do" + (" (XPM's new screens):" if found.old_screens else ":"), *numbered(found.steps)]
    if found.old_screens:
        lines += ["What to do (XPM's old screens):", *numbered(found.old_screens)]
    if found.support:
        lines += ["", found.support]
    return lines


def numbered(steps: tuple[str, ...]) -> list[str]:
    """Steps with their numbers."""
    return [f"  {number}. {step}" for number, step in enumerate(steps, 1)]
