"""The permission in XPM, which cannot be seen without a login: a checklist that signing in then tests.

Words of Xero Practice Manager: Staff settings, "Authorise 3rd Party Full Access", in newer screens "Connect
third-party add-ons".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from xpm_tui.model.cases import CaseId

Answer = Literal["ticked", "no-box", "just-now"]

ANSWERS: dict[Answer, str] = {
    "ticked": "It is ticked",
    "no-box": "The box is not there",
    "just-now": "Someone ticked it just now",
}

PATH = (
    "In XPM, open Business > Settings > Staff.",
    "Open the staff record of the person who will sign in.",
    'Tick "Authorise 3rd Party Full Access" at the bottom. In newer screens: Permissions > Advanced > '
    '"Connect third-party add-ons".',
    "Save.",
)


@dataclass(frozen=True)
class Advice:
    """What an answer means: a sentence, the clicks, and the case it is."""

    sentence: str
    path: tuple[str, ...] = ()
    case: CaseId | None = None


def advise(answer: Answer) -> Advice:
    """What to do next, by what the person sees in XPM."""
    if answer == "ticked":
        return Advice("Good: signing in will show whether XPM agrees.")
    if answer == "no-box":
        return Advice(
            "The box shows only for an administrator of XPM whose record was saved as one.",
            (
                "In XPM, open Business > Settings > Staff and the person's record.",
                "Tick Administrator and save.",
                "Load the page again: the box is at the bottom now.",
                "Tick it and save.",
            ),
            CaseId.NO_PRIVILEGE_BOX,
        )
    return Advice(
        "XPM may not notice a tick at once. If Xero offers no practice, take it off and put it on.",
        ("Untick the box, save.", "Tick it again, save.", "Sign in anew."),
        CaseId.STALE_PERMISSION,
    )
