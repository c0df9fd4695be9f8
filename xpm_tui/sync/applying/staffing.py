"""A staff record made in XPM for a member of the team: which one it is, and the link that follows. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from xpm_tui.model.links import Value
from xpm_tui.model.names import exact
from xpm_tui.model.ports import Put, Snapshot, Write
from xpm_tui.model.runs import Intent
from xpm_tui.model.tables import STAFF, TEAM
from xpm_tui.model.xpm import Staff

FIELDS = ("name", "email", "phone", "mobile")
"""What is sent of a person, in this order: a record in XPM, never a login."""


def twins(sent: Mapping[str, Value], rows: Iterable[Staff]) -> list[Staff]:
    """The staff who have the e-mail or the exact name of what is to be sent."""
    email = str(sent.get("email") or "").casefold()
    name = exact(str(sent.get("name") or ""))
    return [
        row for row in rows if exact(row.name) == name or (email and row.email.strip().casefold() == email)
    ]


def may_be(snapshot: Snapshot, intent: Intent, rows: Iterable[Staff]) -> list[Staff]:
    """The records that were not there before, are nobody else's, and have the name or e-mail sent."""
    return [
        row
        for row in twins(intent.values, rows)
        if row.uuid not in intent.before
        and not any(member.id != intent.record for member in snapshot.find(TEAM, "staff", row.uuid))
    ]


def as_sent(intent: Intent, row: Staff) -> bool:
    """Whether the record is equal to what was sent, in all that was sent."""
    return all(
        exact(getattr(row, field)) == exact(str(intent.values.get(field) or ""))
        for field in FIELDS
        if intent.values.get(field)
    )


def joined(snapshot: Snapshot, intent: Intent, row: Staff) -> list[Write]:
    """The writes that link the member of ``intent`` to its record; one who is linked by now stays so."""
    writes: list[Write] = [Put(STAFF, row)]
    member = snapshot.get(TEAM, intent.record)
    if member is not None and not member.staff:
        writes.append(Put(TEAM, msgspec.structs.replace(member, staff=row.uuid)))
    return writes
