"""What only a person can see, to pick from: a page of Xero's never comes back, a wrong list looks right."""

from __future__ import annotations

import msgspec

from xpm_tui.model.cases import CaseId


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
        advice="Finish there within five minutes. If it took longer, begin anew and open the new address.",
    ),
    Seen(
        key="localhost",
        words="“localhost refused to connect”, or a blank page",
        advice="That is right over SSH: copy the whole address out of the browser's address bar and paste it "
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
