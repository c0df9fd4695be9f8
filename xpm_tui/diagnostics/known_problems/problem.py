"""The type of a known problem."""

from __future__ import annotations

import msgspec

from xpm_tui.domain.errors import CaseId


class KnownProblem(msgspec.Struct, frozen=True, kw_only=True):
    """A known problem.

    ``sign`` is its symptom, ``cause`` the reason, ``steps`` what to do, in order. Where XPM's old and new
    screens differ, ``steps`` are for the new ones and ``old_screens`` for the old ones. ``support`` says what
    to send to whom if nothing helps.
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
