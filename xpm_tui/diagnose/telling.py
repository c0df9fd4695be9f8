"""A case in words: for a verb, a screen, the bundle and the trouble page."""

from __future__ import annotations

from xpm_tui.diagnose.cases.book_of_cases import case
from xpm_tui.diagnose.cases.case import Case
from xpm_tui.diagnose.finding import case_id
from xpm_tui.model.errors import Trouble, WireTrouble


def told(found: Case) -> list[str]:
    """Its name, sign and cause, and the way out."""
    return [f"{found.id}: {found.title}", "", *nameless(found)]


def nameless(found: Case) -> list[str]:
    """The same under a heading that names it."""
    return [f"Sign: {found.sign}", f"Cause: {found.cause}", "", *way_out(found)]


def way_out(found: Case) -> list[str]:
    """The way out with numbered steps for XPM's new and old screens, and what to tell support."""
    lines = ["Way out" + (" (XPM's new screens):" if found.old_screens else ":"), *numbered(found.steps)]
    if found.old_screens:
        lines += ["Way out (XPM's old screens):", *numbered(found.old_screens)]
    if found.support:
        lines += ["", found.support]
    return lines


def numbered(steps: tuple[str, ...]) -> list[str]:
    """Steps with their numbers."""
    return [f"  {number}. {step}" for number, step in enumerate(steps, 1)]


def for_support(trouble: Trouble) -> list[str]:
    """What Xero's support asks for: the call and its correlation id; nothing where no call was made."""
    if not isinstance(trouble, WireTrouble) or not trouble.asked:
        return []
    facts = {"Call": trouble.asked, "HTTP status": trouble.status, "Correlation id": trouble.correlation}
    told_ = [f"  {name}: {value}" for name, value in facts.items() if value]
    return ["", "For Xero's support (the time is in the log):", *told_]


def case_of(trouble: Trouble) -> Case | None:
    """The case that an error names, or the one of its kind."""
    return case(case_id(trouble) or "")


def in_short(found: Case) -> tuple[str, str]:
    """Two lines: which case and its first step, and where the rest stands."""
    return (
        f"Case {found.id}: {found.title}. {found.steps[0]}",
        f"All steps: xpm-tui cases show {found.id}",
    )
