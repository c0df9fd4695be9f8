"""Trouble with the practice and its records.

What only a person can see, to pick from: a page of Xero's never comes back, a wrong list looks right.
"""

from __future__ import annotations

import msgspec

from xpm_tui.diagnostics.known_problems.problem import Case
from xpm_tui.domain.errors import CaseId

CASES = (
    Case(
        id=CaseId.WRONG_PRACTICE,
        title="It is the wrong practice",
        sign="Other clients than expected, or the practice's name is not the one before.",
        cause="Another practice was picked on Xero's page.",
        steps=(
            "Do not sync. Nothing is written before you confirm.",
            "Connect again and pick the right one.",
            "A second practice belongs into its own: xpm-tui practices add NAME",
        ),
    ),
    Case(
        id=CaseId.CLIENT_MISSING,
        title="A client of XPM does not arrive",
        sign="The client is in XPM and is not found here.",
        cause="XPM did not flag its last edit.",
        steps=(
            "Compare everything once: xpm-tui sync --full",
            "Or change one character of the client in XPM, save, and sync.",
        ),
    ),
    Case(
        id=CaseId.EMPTY_LIST,
        title="XPM sends no clients",
        sign="The list is empty although clients are linked.",
        cause="The person who connected lost the right to see clients, or it is another practice.",
        steps=(
            "Nothing was changed.",
            "Look in XPM, signed in as that person, whether clients show.",
            "Connect again as somebody who sees all clients.",
        ),
    ),
    Case(
        id=CaseId.HELD,
        title="A run or a record needs your decision",
        sign="It says held, with what was counted and the limit, or which choice is open.",
        cause="More would change than usual, both sides edited the same field, or only you can choose.",
        steps=(
            "See why: xpm-tui runs show last",
            "See which clients need your decision: xpm-tui clients review",
            "If the numbers are as they should be: xpm-tui runs release. Else nothing was written; change "
            "what is wrong and plan again.",
        ),
    ),
    Case(
        id=CaseId.POLICY_CHANGED,
        title="The direction, level or fields changed after the plan was made",
        sign="The plan is refused.",
        cause="What was reviewed is not what would happen now.",
        steps=("Make the plan again and look at it: xpm-tui plan",),
    ),
    Case(
        id=CaseId.PRACTICE_CHANGED,
        title="The practice changed after the plan was made",
        sign="The plan is refused.",
        cause="Another practice was connected in between.",
        steps=("Make sure that the practice in the header is the right one.", "Make the plan again."),
    ),
    Case(
        id=CaseId.STATE_CODE,
        title="XPM does not know the state code",
        sign='A job was added, then XPM said "Invalid state code".',
        cause="States are set by their Interface Code, not by the name that shows in lists.",
        steps=(
            "In XPM open Admin > Job states and read the Interface Code.",
            "Set it here, or leave it empty for XPM's first state.",
            "Invoices land only on jobs in a state of the Standard type.",
        ),
    ),
)


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One answer: ``key`` for scripts, ``words`` for people; the case that it is, or ``advice`` where it is
    no trouble at all."""

    key: str
    words: str
    case: CaseId | None = None
    advice: str = ""


BROWSER: tuple[Seen, ...] = (
    Seen(
        key="waiting",
        words="A page of Xero that waits for me: to sign in, or to press Allow access",
        advice="Finish there within five minutes. If it took longer, start again and open the new address.",
    ),
    Seen(
        key="localhost",
        words="“localhost refused to connect”, or a blank page",
        advice="That is right over SSH: copy the whole address from the browser's address bar and paste it "
        "here. Or use the ssh line that is shown and begin anew.",
    ),
    Seen(
        key="no-access",
        words='"You don\'t have access to connect any Xero Practice Manager…"',
        case=CaseId.NO_PERMISSION,
    ),
    Seen(key="ticked", words="The same, and the box is ticked in XPM", case=CaseId.STALE_PERMISSION),
    Seen(key="no-box", words="The same, and there is no such box in XPM", case=CaseId.NO_PRIVILEGE_BOX),
    Seen(key="scope", words='"Invalid scope for client" or "invalid_scope"', case=CaseId.SCOPE_NOT_ATTACHED),
    Seen(key="app", words='"Invalid redirect_uri" or "Unknown client"', case=CaseId.UNKNOWN_APP),
    Seen(key="nothing", words="Nothing opens, or it closes at once", case=CaseId.NOTHING_OPENS),
    Seen(key="other-error", words="Another error of Xero's", case=CaseId.OTHER_XERO_ERROR),
)
"""While we wait for a browser, in the order in which they are offered."""

ELSEWHERE: tuple[Seen, ...] = (
    Seen(key="other-clients", words="Other clients than ours", case=CaseId.WRONG_PRACTICE),
    Seen(key="second-stopped", words="One practice works, another one stopped", case=CaseId.SECOND_PRACTICE),
    Seen(
        key="all-stopped",
        words="Every practice has to sign in again, since the same day",
        case=CaseId.MASS_OUTAGE,
    ),
    Seen(key="missing-client", words="A client is in XPM and not here", case=CaseId.CLIENT_MISSING),
)
"""Signs that no probe can see, outside of a browser."""

ALL = (*BROWSER, *ELSEWHERE)
