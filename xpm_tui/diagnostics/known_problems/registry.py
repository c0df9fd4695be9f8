"""All known problems, by id and by search; those of records, and the symptoms that only users can see.

Users choose such symptoms from a list: an error page of Xero never redirects, and a wrong list looks correct.
"""

from __future__ import annotations

import msgspec

from xpm_tui.diagnostics.known_problems import environment, login
from xpm_tui.diagnostics.known_problems.problem import KnownProblem
from xpm_tui.domain.errors import CaseId

RECORD_PROBLEMS = (
    KnownProblem(
        id=CaseId.WRONG_PRACTICE,
        title="It is the wrong practice",
        sign="The clients are not the ones you expect, or the practice has a different name than before.",
        cause="Another practice was chosen on Xero's page.",
        steps=(
            "Do not sync. Nothing is written before you confirm.",
            "Connect again and choose the right one.",
            "Add a second practice as a practice of its own: xpm-tui practices add NAME",
        ),
    ),
    KnownProblem(
        id=CaseId.CLIENT_MISSING,
        title="A client of XPM does not arrive",
        sign="The client is in XPM, but cannot be found here.",
        cause="XPM did not report its last change.",
        steps=(
            "Compare everything once: xpm-tui sync --full",
            "Or change one character of the client in XPM, save, and sync.",
        ),
    ),
    KnownProblem(
        id=CaseId.EMPTY_LIST,
        title="XPM sends no clients",
        sign="The list is empty although clients are linked.",
        cause="The person who connected has lost the permission to see clients, or this is another practice.",
        steps=(
            "Nothing was changed.",
            "Sign in to XPM as that person and check whether you see clients.",
            "Connect again as someone who sees all clients.",
        ),
    ),
    KnownProblem(
        id=CaseId.HELD,
        title="A run or a record needs your decision",
        sign="It is shown as held, with the number and the limit, or with the open decision.",
        cause="More would change than usual, both sides edited the same field, or only you can choose.",
        steps=(
            "See why: xpm-tui runs show last",
            "See which clients need your decision: xpm-tui clients review",
            "If the numbers are right: xpm-tui runs release. If not, nothing was written: correct "
            "what is wrong and make a new plan.",
        ),
    ),
    KnownProblem(
        id=CaseId.POLICY_CHANGED,
        title="The direction, what to sync or the fields changed after the plan was made",
        sign="The plan is refused.",
        cause="The plan that you reviewed is no longer what would be applied.",
        steps=("Make a new plan and review it: xpm-tui plan",),
    ),
    KnownProblem(
        id=CaseId.PRACTICE_CHANGED,
        title="The practice changed after the plan was made",
        sign="The plan is refused.",
        cause="Another practice has been connected since then.",
        steps=("Make sure that the practice in the header is the right one.", "Make a new plan."),
    ),
    KnownProblem(
        id=CaseId.STATE_CODE,
        title="XPM does not know the state code",
        sign='A job was created, then XPM reported "Invalid state code".',
        cause="States are set by their Interface Code, not by the name that lists show.",
        steps=(
            "In XPM open Admin > Job states and read the Interface Code.",
            "Set it here, or leave it empty for XPM's first state.",
            "Invoices are only assigned to jobs in a state of the Standard type.",
        ),
    ),
)


class Symptom(msgspec.Struct, frozen=True, kw_only=True):
    """An answer to what users see.

    ``key`` is for scripts, ``words`` for users; it leads to a known problem, or to ``advice`` if nothing
    is wrong.
    """

    key: str
    words: str
    case: CaseId | None = None
    advice: str = ""


BROWSER: tuple[Symptom, ...] = (
    Symptom(
        key="waiting",
        words="A page from Xero that asks me to sign in, or to press Allow access",
        advice="Finish there within five minutes. If it took longer, start again and open the new address.",
    ),
    Symptom(
        key="localhost",
        words="“localhost refused to connect”, or a blank page",
        advice="That is normal over SSH: copy the whole address from the browser's address bar and paste "
        "it here. Or use the ssh command that is shown and start again.",
    ),
    Symptom(
        key="no-access",
        words='"You don\'t have access to connect any Xero Practice Manager…"',
        case=CaseId.NO_PERMISSION,
    ),
    Symptom(key="ticked", words="The same, but the box is ticked in XPM", case=CaseId.STALE_PERMISSION),
    Symptom(key="no-box", words="The same, but there is no such box in XPM", case=CaseId.NO_PRIVILEGE_BOX),
    Symptom(
        key="scope", words='"Invalid scope for client" or "invalid_scope"', case=CaseId.SCOPE_NOT_ATTACHED
    ),
    Symptom(key="app", words='"Invalid redirect_uri" or "Unknown client"', case=CaseId.UNKNOWN_APP),
    Symptom(key="nothing", words="Nothing opens, or it closes at once", case=CaseId.NOTHING_OPENS),
    Symptom(key="other-error", words="Another error from Xero", case=CaseId.OTHER_XERO_ERROR),
)
"""The symptoms while waiting for a browser, in the order in which they are offered."""

ELSEWHERE: tuple[Symptom, ...] = (
    Symptom(key="other-clients", words="Clients that are not ours", case=CaseId.WRONG_PRACTICE),
    Symptom(
        key="second-stopped", words="One practice works, another one stopped", case=CaseId.SECOND_PRACTICE
    ),
    Symptom(
        key="all-stopped",
        words="Every practice has had to sign in again since the same day",
        case=CaseId.MASS_OUTAGE,
    ),
    Symptom(key="missing-client", words="A client is in XPM, but not here", case=CaseId.CLIENT_MISSING),
)
"""The symptoms outside a browser that no probe can see."""

SYMPTOMS = (*BROWSER, *ELSEWHERE)


KNOWN_PROBLEMS: dict[CaseId, KnownProblem] = {
    case.id: case
    for case in (
        *login.KNOWN_PROBLEMS,
        *environment.WIRE_PROBLEMS,
        *RECORD_PROBLEMS,
        *environment.KNOWN_PROBLEMS,
    )
}


def find_problem(id: str | CaseId) -> KnownProblem | None:  # noqa: A002
    """Return the known problem of an id (``T1``, ``day-limit``); None for an unknown one."""
    try:
        return KNOWN_PROBLEMS.get(CaseId(id))
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

    found = [each for each in KNOWN_PROBLEMS.values() if has(all_of(each))]
    return tuple(sorted(found, key=lambda each: not has(each.sign)))
