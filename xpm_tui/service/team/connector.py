"""The person who connected: the connection lives and dies with their record in XPM."""

from __future__ import annotations

from typing import Literal

import msgspec

from xpm_tui.model.names import name_key
from xpm_tui.model.ports import Snapshot
from xpm_tui.model.tables import STAFF, TEAM
from xpm_tui.model.text import visible
from xpm_tui.service.identity import list_state, read_identity

State = Literal["here", "gone", "unlinked"]


class Connector(msgspec.Struct, frozen=True, kw_only=True):
    """Who signed in, and what is the matter with them: ``sentence`` and ``hint`` are empty where nothing is.

    ``staff`` are the UUIDs of the staff records that may be this person.
    """

    login: str
    state: State
    staff: tuple[str, ...] = ()
    sentence: str = ""
    hint: str = ""


def connector(snapshot: Snapshot) -> Connector | None:
    """Look the person up in XPM's staff by e-mail, else by name. None where the login does not tell who it
    was, or XPM's staff were never read."""
    identity = read_identity(snapshot)
    if identity is None or identity.ended is not None or not identity.login:
        return None
    if list_state(snapshot, "staff").full is None:
        return None
    login = identity.login.strip()
    shown = visible(login, 80)
    rows = list(snapshot.rows(STAFF))
    found = [row for row in rows if row.email and row.email.strip().casefold() == login.casefold()]
    found = found or [row for row in rows if name_key(login) and name_key(row.name) == name_key(login)]
    here = [row for row in found if not row.gone]
    uuids = tuple(row.uuid for row in here or found)
    if not here:
        what = "is no longer among" if found else "is not among"
        return Connector(
            login=login,
            state="gone",
            staff=uuids,
            sentence=f"{shown}, who connected this practice, {what} XPM's staff.",
            hint="If this person left or is disabled, the connection ends with them (case T6): connect again "
            "as an admin who stays: xpm-tui connect",
        )
    linked = {member.staff for member in snapshot.rows(TEAM)}
    if snapshot.count(TEAM) and not linked & set(uuids):
        return Connector(
            login=login,
            state="unlinked",
            staff=uuids,
            sentence=f"{shown}, who connected this practice, is linked to nobody of the team.",
            hint="Link them, or pick them into the team: xpm-tui team list",
        )
    return Connector(login=login, state="here", staff=uuids)
