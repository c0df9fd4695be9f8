"""Which record is meant by what somebody typed: an id, a number, a pasted address, a name."""

from __future__ import annotations

import re

from xpm_tui.model.book import Client, TeamMember
from xpm_tui.model.errors import BadInput, NotFound
from xpm_tui.model.names import exact
from xpm_tui.model.ports import Snapshot
from xpm_tui.model.tables import CLIENTS, STAFF, TEAM, XPM_CLIENTS
from xpm_tui.model.text import visible
from xpm_tui.model.xpm import Staff, XpmClient

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_ADDRESS = re.compile(r"/client/(\d+)(?:[/?#]|\Z)", re.IGNORECASE)


def find_client(snapshot: Snapshot, text: str) -> Client:
    """A client of the book by our id, Ignition's Client ID, or its exact name where only one has it.

    Raises ``NotFound``, and ``BadInput`` naming the ids where several have that name.
    """
    typed = text.strip()
    found = snapshot.get(CLIENTS, typed)
    if found is not None:
        return found
    hits = snapshot.find(CLIENTS, "client_id", typed) or snapshot.find(CLIENTS, "name", exact(typed))
    if len(hits) == 1:
        return hits[0]
    if hits:
        ids = ", ".join(client.id for client in hits[:12])
        raise BadInput(f"'{visible(typed, 80)}' is the name of several clients.", hint=f"Say which: {ids}.")
    raise NotFound(
        f"There is no client '{visible(typed, 80)}' in the book.",
        hint="Look for it: xpm-tui clients list --find TEXT",
    )


def find_xpm(snapshot: Snapshot, text: str) -> XpmClient:
    """A client of XPM by UUID, the number in its web address, the whole address, or its client code.

    A name is not enough, because names repeat. Raises ``NotFound`` and ``BadInput``.
    """
    typed = text.strip()
    uuid = _UUID.search(typed)
    address = _ADDRESS.search(typed)
    if uuid:
        row = snapshot.get(XPM_CLIENTS, uuid.group().lower())
        hits = [row] if row else []
    elif address or typed.isdigit():
        hits = snapshot.find(XPM_CLIENTS, "number", address.group(1) if address else typed)
        hits = hits or snapshot.find(XPM_CLIENTS, "code", typed.casefold())
    else:
        hits = snapshot.find(XPM_CLIENTS, "code", typed.casefold()) if typed else []
    if len(hits) == 1:
        return hits[0]
    if hits:
        shown = ", ".join(row.uuid for row in hits[:5])
        raise BadInput(f"'{visible(typed, 80)}' is there several times in XPM.", hint=f"Say which: {shown}.")
    raise NotFound(
        f"XPM has no client with the number, UUID, address or code '{visible(typed, 80)}'.",
        hint="Look for it: xpm-tui clients search TEXT. If it is new there, make a plan first to read it.",
    )


def find_member(snapshot: Snapshot, text: str) -> TeamMember:
    """A team member by our id, e-mail or exact name. Raises ``NotFound`` and ``BadInput``."""
    typed = text.strip()
    found = snapshot.get(TEAM, typed)
    if found is not None:
        return found
    hits = [m for m in snapshot.rows(TEAM) if typed and m.email.casefold() == typed.casefold()]
    hits = hits or [m for m in snapshot.rows(TEAM) if typed and exact(m.name) == exact(typed)]
    if len(hits) == 1:
        return hits[0]
    if hits:
        raise BadInput(
            f"'{visible(typed, 80)}' is several team members.",
            hint=f"Say which: {', '.join(m.id for m in hits)}.",
        )
    raise NotFound(f"There is no team member '{visible(typed, 80)}'.", hint="Look at them: xpm-tui team list")


def find_staff(snapshot: Snapshot, text: str) -> Staff:
    """A staff record of XPM by UUID, e-mail or exact name. Raises ``NotFound`` and ``BadInput``."""
    typed = text.strip()
    found = snapshot.get(STAFF, typed.lower())
    if found is not None:
        return found
    rows = [row for row in snapshot.rows(STAFF) if not row.gone]
    hits = [row for row in rows if typed and row.email.casefold() == typed.casefold()]
    hits = hits or [row for row in rows if typed and exact(row.name) == exact(typed)]
    if len(hits) == 1:
        return hits[0]
    if hits:
        raise BadInput(
            f"'{visible(typed, 80)}' is several people in XPM.",
            hint=f"Say which: {', '.join(row.uuid for row in hits)}.",
        )
    raise NotFound(f"XPM has no staff member '{visible(typed, 80)}'.", hint="Look at them: xpm-tui team list")
