"""The policy as a table: each field by direction, time and level, and what is excluded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from xpm_tui.application.practice import OpenPractice
from xpm_tui.domain.fields import SYNCED, Field, label
from xpm_tui.domain.labels import DIRECTIONS, FIELD_DIRECTIONS
from xpm_tui.domain.tables import CLIENTS, FREEZES


class FieldDirection(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a field is synced in one direction: at creation, and afterwards."""

    creation: bool
    ongoing: bool


class PolicyRow(msgspec.Struct, frozen=True, kw_only=True):
    """One field of the policy.

    Attributes:
        levels: Levels that sync the field after creation.
        off: Whether the practice switched it off.
        carried: Whether a sync includes it now.
        frozen: Number of clients for which it is frozen.
    """

    field: str
    label: str
    xpm: str
    from_xpm: FieldDirection
    to_xpm: FieldDirection
    levels: tuple[str, ...]
    off: bool
    carried: bool
    frozen: int


class FrozenView(msgspec.Struct, frozen=True, kw_only=True):
    """A client with a frozen field (``*``: all of them)."""

    client: str
    name: str
    field: str
    reason: str
    by: str
    at: datetime | None


def policy_rows(practice: OpenPractice) -> list[PolicyRow]:
    """Return every field of the policy, in its order."""
    policy, snapshot = practice.policy(), practice.snapshot()
    now = {rule.name for rule in policy.fields()}
    frozen = Counter(_bare(freeze.field) for freeze in snapshot.rows(FREEZES))
    return [
        PolicyRow(
            field=rule.name,
            label=rule.label,
            xpm=rule.element,
            from_xpm=FieldDirection(creation=rule.sync.from_creation, ongoing=rule.sync.from_later),
            to_xpm=FieldDirection(creation=rule.sync.to_creation, ongoing=rule.sync.to_later),
            levels=_levels(rule),
            off=rule.name in policy.off,
            carried=rule.name in now,
            frozen=frozen[rule.name],
        )
        for rule in SYNCED
    ]


def frozen_clients(practice: OpenPractice, field: str = "*") -> list[FrozenView]:
    """Return the clients in which the field is frozen, also in a contact; ``*``: all their fields."""
    snapshot = practice.snapshot()
    found = []
    for freeze in snapshot.rows(FREEZES):
        if _bare(freeze.field) == field:
            client = snapshot.get(CLIENTS, freeze.client)
            found.append(
                FrozenView(
                    client=freeze.client,
                    name=client.name if client else "",
                    field=freeze.field,
                    reason=freeze.reason,
                    by=freeze.by,
                    at=freeze.at,
                )
            )
    return found


def switched(practice: OpenPractice, fields: Iterable[str], on: bool) -> tuple[str, ...]:
    """Return the fields that would be off after switching some on or off, in the order of the policy."""
    named = [name.strip().casefold() for name in fields]
    off = practice.policy().off
    wanted = off.difference(named) if on else off.union(named)
    known = [rule.name for rule in SYNCED if rule.name in wanted]
    # An unknown name is passed to the setting, whose error suggests a similar field.
    return (*known, *(name for name in named if name not in {rule.name for rule in SYNCED}))


def direction_words(way: FieldDirection) -> str:
    """Return one direction of a field in a word or two."""
    if way.ongoing:
        return "always" if way.creation else "ongoing"
    return "at creation" if way.creation else "never"


def sentences(row: PolicyRow) -> Iterator[str]:
    """Return a row as sentences: both directions, the level, and whether it is synced now."""
    for direction, way in (("from_xpm", row.from_xpm), ("to_xpm", row.to_xpm)):
        times = FIELD_DIRECTIONS[direction_words(way)].help
        yield f"{DIRECTIONS[direction].text}: {times[:1].lower()}{times[1:]}"
    if row.off:
        yield "Switched off for this practice: sync does not change it."
    elif row.carried:
        yield "Synced."
    elif len(row.levels) == 0:
        yield "Set once, when the client is created: sync does not change it afterwards."
    else:
        yield "Not synced in this direction with this choice of what to sync."


def _levels(rule: Field) -> tuple[str, ...]:
    if not (rule.sync.from_later or rule.sync.to_later):
        return ()
    return ("everything", "name") if rule.sync.name_level else ("everything",)


def _bare(field: str) -> str:
    return field.rpartition(".")[2]


__all__ = [
    "FieldDirection",
    "FrozenView",
    "PolicyRow",
    "direction_words",
    "frozen_clients",
    "label",
    "policy_rows",
    "sentences",
    "switched",
]  # fmt: skip
