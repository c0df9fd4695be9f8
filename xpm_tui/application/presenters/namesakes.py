"""What tells namesakes apart: their e-mails, or else their ids."""

from __future__ import annotations

from collections.abc import Mapping

from xpm_tui.domain.ignition import Client
from xpm_tui.domain.links import Value
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.tables import STAFF, TEAM
from xpm_tui.domain.xpm import XpmClient


def distinguish(
    snapshot: Snapshot,
    ids: tuple[Value, Value],
    names: tuple[Value, Value],
    ours: Client | None,
    theirs: XpmClient | None,
) -> tuple[Value, Value]:
    """Return two names as they are, or with what tells them apart if they are the same for different ids.

    Args:
        snapshot: The store.
        ids: The ids of two contacts, team members or staff records.
        names: Their names.
        ours: The client in Ignition that may have the contacts.
        theirs: The client in XPM that may have them.
    """
    if names[0] != names[1] or ids[0] == ids[1] or not names[0]:
        return names
    emails = {each.uuid: each.email for each in theirs.contacts} if theirs is not None else {}
    emails |= {each.id: each.email for each in ours.contacts} if ours is not None else {}
    old, new = map(str, ids)
    for id_ in (old, new):
        person = snapshot.get(TEAM, id_) or snapshot.get(STAFF, id_)
        emails.setdefault(id_, person.email if person is not None else "")
    marks = _marks({old: emails[old], new: emails[new]})
    return f"{names[0]} {marks[old]}", f"{names[1]} {marks[new]}"


def contact_name(contact: str, ours: Client | None, theirs: XpmClient | None) -> str:
    """Return the name of a client's contact, or else its e-mail or id; empty for the client itself."""
    return contact_names(ours, theirs).get(contact) or contact if contact else ""


def contact_names(ours: Client | None, theirs: XpmClient | None) -> dict[str, str]:
    """Return the names of a client's contacts, or else their e-mails, by their ids on both sides.

    Namesakes on one side are shown with what tells them apart.
    """
    found: dict[str, str] = {}
    for side in (
        {each.uuid: each for each in theirs.contacts} if theirs is not None else {},
        {each.id: each for each in ours.contacts} if ours is not None else {},
    ):
        groups: dict[str, dict[str, str]] = {}
        for id_, contact in side.items():
            groups.setdefault(contact.name or contact.email, {})[id_] = contact.email
        for name, emails in groups.items():
            marks = _marks(emails) if len(emails) > 1 else dict.fromkeys(emails, "")
            found |= {id_: f"{name} {mark}".rstrip() for id_, mark in marks.items()}
    return found


def _marks(emails: Mapping[str, str]) -> dict[str, str]:
    """Return what tells namesakes apart, by their ids: the e-mails if all differ, otherwise the ids."""
    if all(emails.values()) and len(set(emails.values())) == len(emails):
        return {id_: f"<{email}>" for id_, email in emails.items()}
    return {id_: id_ if len(id_) <= 8 else f"XPM {id_[:8]}" for id_ in emails}
