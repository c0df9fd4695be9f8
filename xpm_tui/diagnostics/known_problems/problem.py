"""The definition of a known problem."""

from __future__ import annotations

import msgspec

from xpm_tui.domain.errors import CaseId


class KnownProblem(msgspec.Struct, frozen=True, kw_only=True):
    """A known problem.

    ``sign`` is what a user sees, ``cause`` why, ``steps`` what to do in order. If XPM's old and new screens
    differ, ``old_screens`` has the steps for the old ones and ``steps`` those for the new. ``support`` says
    what to give to whom if nothing helps.
    """

    id: CaseId
    title: str
    sign: str
    cause: str
    steps: tuple[str, ...]
    old_screens: tuple[str, ...] = ()
    support: str = ""


XERO_SUPPORT = (
    "Contact Xero support with the time, the call and the correlation id. You find them in the log "
    "entry and in the support bundle."
)
