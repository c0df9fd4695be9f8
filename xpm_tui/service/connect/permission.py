"""The permission in XPM, which cannot be seen without a login: a checklist that signing in then tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from xpm_tui.diagnose.cases.book_of_cases import CASES
from xpm_tui.diagnose.cases.login import NEW_PERMISSION, OLD_PERMISSION
from xpm_tui.model.cases import CaseId

Answer = Literal["ticked", "no-box", "just-now"]

ANSWERS: dict[Answer, str] = {
    "ticked": "It is ticked",
    "no-box": "The box is not there",
    "just-now": "Someone ticked it just now",
}


@dataclass(frozen=True)
class Advice:
    """What an answer means: a sentence, the clicks in XPM's new and old screens, and the case that it is."""

    sentence: str
    path: tuple[str, ...] = ()
    old_path: tuple[str, ...] = ()
    case: CaseId | None = None


GRANT = Advice("", NEW_PERMISSION, OLD_PERMISSION, CaseId.NO_PERMISSION)
"""Before anything was answered: how the permission is given."""

_SENTENCES: dict[Answer, tuple[str, CaseId]] = {
    "no-box": (
        "The box shows only for an administrator of XPM whose record was saved as one.",
        CaseId.NO_PRIVILEGE_BOX,
    ),
    "just-now": (
        "XPM may not notice a tick at once. If Xero offers no practice, take it off and put it on.",
        CaseId.STALE_PERMISSION,
    ),
}


def advise(answer: Answer) -> Advice:
    """What to do next, by what the person sees in XPM."""
    if answer == "ticked":
        return Advice("Good: signing in will show whether XPM agrees.")
    sentence, case = _SENTENCES[answer]
    return Advice(sentence, CASES[case].steps, CASES[case].old_screens, case)
