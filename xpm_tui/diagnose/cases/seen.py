"""What a browser may show while we wait for it in vain, to pick from: such a page never comes back to us."""

from __future__ import annotations

from xpm_tui.model.cases import CaseId

SEEN: tuple[tuple[CaseId, str], ...] = (
    (CaseId.NO_PERMISSION, '"You don\'t have access to connect any Xero Practice Manager accounts"'),
    (CaseId.STALE_PERMISSION, "The same, although the box is ticked in XPM"),
    (CaseId.NO_PRIVILEGE_BOX, "The same, and there is no such box in XPM"),
    (CaseId.SCOPE_NOT_ATTACHED, '"Invalid scope for client"'),
    (CaseId.UNKNOWN_APP, '"Invalid redirect_uri" or "Unknown client"'),
    (CaseId.NOTHING_OPENS, "Nothing opens at all"),
    (CaseId.OTHER_XERO_ERROR, "Another error of Xero's"),
)
"""Case and the words of its page, in the order in which they are offered."""
