"""Who is named on a job: team members as staff of XPM, and those who cannot be named."""

from __future__ import annotations

import msgspec

from xpm_tui.model.ports import Snapshot
from xpm_tui.model.tables import STAFF, TEAM


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """Partner, manager and staff as UUIDs of XPM; ``missing`` are sentences about the others."""

    partner: str = ""
    manager: str = ""
    staff: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def named(snapshot: Snapshot, partner: str, manager: str, staff: tuple[str, ...]) -> Named:
    """The staff records behind ids of team members; an empty id is nobody."""
    missing: list[str] = []

    def of(member: str, role: str) -> str:
        person = snapshot.get(TEAM, member) if member else None
        if person is None:
            if member:
                missing.append(f"The {role} {member} is not in the team")
            return ""
        row = snapshot.get(STAFF, person.staff) if person.staff else None
        if row is not None and not row.gone:
            return row.uuid
        why = "is no longer listed in XPM" if person.staff else "is linked to nobody in XPM"
        missing.append(f"{person.name} ({role}) {why}")
        return ""

    found = Named(partner=of(partner, "partner"), manager=of(manager, "manager"))
    people = dict.fromkeys(uuid for each in staff if (uuid := of(each, "staff")))
    return msgspec.structs.replace(found, staff=tuple(people), missing=tuple(missing))
