"""Duplicates on either side: which one is safest to keep, and what to do. Nothing is merged here."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import msgspec

from xpm_tui.domain.identity import name_key
from xpm_tui.domain.names import key_of
from xpm_tui.domain.plan import Side
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.spelling import spellings
from xpm_tui.domain.tables import CLIENTS, JOBS, LINKS, XPM_CLIENTS


class DuplicateRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One of several records that may be the same.

    Attributes:
        id: The id here, or XPM's UUID.
        linked: Records of the other side that are linked to it.
        jobs: Number of XPM's current jobs on it.
    """

    id: str
    name: str
    number: str = ""
    code: str = ""
    linked: tuple[str, ...] = ()
    contacts: int = 0
    jobs: int = 0
    archived: bool = False
    prospect: bool = False


class DuplicateGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Clients of one side whose names are the same, in any form.

    Attributes:
        survivor: The safest record to keep.
        why: The evidence for it.
        steps: What to do manually, in this order.
    """

    side: Side
    key: str
    members: tuple[DuplicateRecord, ...]
    survivor: str
    why: str
    steps: tuple[str, ...]


def duplicates(snapshot: Snapshot) -> list[DuplicateGroup]:
    """Return all duplicates, XPM's first, in order of the name."""
    found = [*_of_side("xpm", _xpm_members(snapshot)), *_of_side("ignition", _ignition_members(snapshot))]
    return sorted(found, key=lambda group: (group.side == "ignition", group.key))


def _of_side(side: Side, members: Iterator[DuplicateRecord]) -> Iterator[DuplicateGroup]:
    groups: defaultdict[str, list[DuplicateRecord]] = defaultdict(list)
    with_macrons: list[tuple[tuple[str, ...], DuplicateRecord]] = []
    for member in members:
        spelt = spellings(key_of(member.name))
        if len(spelt) == 1:
            groups[spelt[0]].append(member)
        else:
            with_macrons.append((spelt, member))
    for spelt, member in with_macrons:
        groups[next((key for key in spelt if key in groups), spelt[0])].append(member)
    for same, group in groups.items():
        if same and len(group) > 1:
            key = min(name_key(member.name) for member in group)
            group.sort(key=_safest_first)
            keep = group[0]
            steps = _xpm_steps(keep, group[1:]) if side == "xpm" else _ignition_steps(keep, group[1:])
            yield DuplicateGroup(
                side=side,
                key=key,
                members=tuple(group),
                survivor=keep.id,
                why=_why(keep, group[1:]),
                steps=tuple(steps),
            )


def _safest_first(member: DuplicateRecord) -> tuple[bool, bool, bool, int, int, int, str]:
    """Return a sort key by what others depend on: links, jobs, contacts, and then age."""
    age = int(member.number) if member.number.isdecimal() else 0
    return (
        not member.linked,
        member.archived,
        member.prospect,
        -member.jobs,
        -member.contacts,
        age,
        member.id.zfill(12),
    )


def _why(keep: DuplicateRecord, others: Sequence[DuplicateRecord]) -> str:
    if keep.linked and not any(other.linked for other in others):
        return "It is the only one that is linked."
    if not keep.archived and all(other.archived for other in others):
        return "The others are archived."
    if not keep.prospect and all(other.prospect or other.archived for other in others):
        return "The others are prospects or archived."
    if keep.jobs > max(other.jobs for other in others):
        return "It has the most current jobs."
    if keep.contacts > max(other.contacts for other in others):
        return "It has the most contacts."
    return "They differ only in age: this is the older one."


def _xpm_steps(keep: DuplicateRecord, others: Sequence[DuplicateRecord]) -> Iterator[str]:
    yield f"Open both in XPM and make sure that they are the same client: {_numbers([keep, *others])}."
    for other in others:
        for client in other.linked:
            if keep.linked:
                yield f"Decide which client of Ignition stays; {client} is linked to number {other.number}."
            else:
                yield f"Link {client} to number {keep.number}: `clients link {client} {keep.number}`."
        if other.jobs:
            yield f"Finish or move the {other.jobs} current jobs of number {other.number} in XPM."
        if other.contacts:
            yield f"Copy what only number {other.number} has (contacts, notes, addresses) to {keep.number}."
        if not other.archived:
            yield f"Archive number {other.number} in XPM."
    yield "Sync, so that Ignition sees it."


def _ignition_steps(keep: DuplicateRecord, others: Sequence[DuplicateRecord]) -> Iterator[str]:
    yield f"Make sure that they are the same client: {', '.join([keep.id, *(other.id for other in others)])}."
    for other in others:
        if other.linked and not keep.linked:
            yield f"After unlinking {keep.id}, link {other.id} to the XPM client of {other.id}."
        elif other.linked:
            yield f"Unlink {other.id}: `clients unlink {other.id}`."
        yield f"Archive {other.id} in Ignition, and ignore it here: `clients ignore {other.id}`."


def _numbers(members: Sequence[DuplicateRecord]) -> str:
    return ", ".join(f"number {member.number}" if member.number else member.id for member in members)


def _xpm_members(snapshot: Snapshot) -> Iterator[DuplicateRecord]:
    linked: defaultdict[str, list[str]] = defaultdict(list)
    for link in snapshot.rows(LINKS):
        linked[link.uuid].append(link.id)
    jobs = Counter(job.client.uuid for job in snapshot.rows(JOBS) if job.client is not None and not job.gone)
    for row in snapshot.rows(XPM_CLIENTS):
        if not row.deleted:
            yield DuplicateRecord(
                id=row.uuid,
                name=row.name,
                number=row.number,
                code=row.code,
                linked=tuple(linked[row.uuid]) if row.uuid in linked else (),
                contacts=len(row.contacts),
                jobs=jobs[row.uuid],
                archived=row.archived,
                prospect=row.prospect,
            )


def _ignition_members(snapshot: Snapshot) -> Iterator[DuplicateRecord]:
    for client in snapshot.rows(CLIENTS):
        link = snapshot.get(LINKS, client.id)
        yield DuplicateRecord(
            id=client.id,
            name=client.name,
            number=link.number if link is not None else "",
            code=client.client_id,
            linked=(link.uuid,) if link is not None else (),
            contacts=len(client.contacts),
        )
