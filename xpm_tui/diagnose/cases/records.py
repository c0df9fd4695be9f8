"""Trouble with the practice and its records."""

from __future__ import annotations

from xpm_tui.diagnose.cases.case import Case
from xpm_tui.model.cases import CaseId

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
