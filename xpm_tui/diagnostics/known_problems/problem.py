"""What a case is."""

from __future__ import annotations

import msgspec

from xpm_tui.domain.errors import CaseId


class KnownProblem(msgspec.Struct, frozen=True, kw_only=True):
    """A known trouble.

    ``sign`` is what a person sees, ``cause`` why, ``steps`` the way out in order. Where XPM's old and new
    screens differ, ``old_screens`` holds the clicks for the old ones and ``steps`` those for the new.
    ``support`` says what to give to whom when nothing helps.
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
