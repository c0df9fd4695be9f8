"""The policy as one table: what goes which way, when, and what this practice and its clients leave out."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from xpm_tui.acts.act import Act, Column, NoParams, Result, Table, Talk

if TYPE_CHECKING:
    from xpm_tui.service.practice import OpenPractice

_COLUMNS = (
    Column("FIELD"),
    Column("FROM XPM", whole=True),
    Column("TO XPM", whole=True),
    Column("NOW", whole=True),
    Column("FROZEN", whole=True, right=True),
)


async def show(practice: OpenPractice, params: NoParams, talk: Talk) -> Result:
    """Every field of the policy, with what is carried now and for how many clients it is frozen."""
    from xpm_tui.sync.links import all_frozen
    from xpm_tui.sync.policy import FIELDS

    policy = practice.policy()
    now = {rule.name for rule in policy.fields()}
    frozen = Counter(field for fields in all_frozen(practice.snapshot()).values() for field in fields)
    items: list[dict[str, Any]] = [
        {
            "field": rule.name,
            "label": rule.label,
            "xpm": rule.element,
            "from_xpm": {"creation": rule.from_creation, "ongoing": rule.from_ongoing},
            "to_xpm": {"creation": rule.to_creation, "ongoing": rule.to_ongoing},
            "off": rule.name in policy.off,
            "carried": rule.name in now,
            "frozen": frozen[rule.name],
        }
        for rule in FIELDS
    ]
    rows = [
        (
            item["label"],
            _when(**item["from_xpm"]),
            _when(**item["to_xpm"]),
            "carried" if item["carried"] else "switched off" if item["off"] else "not carried",
            str(item["frozen"] or ""),
        )
        for item in items
    ]
    way = "XPM overwrites Ignition" if policy.direction == "from_xpm" else "Ignition overwrites XPM"
    return Result(
        data={"direction": policy.direction, "level": policy.level, "frozen_whole": frozen["*"]},
        items=items,
        table=Table(_COLUMNS, rows),
        lines=[
            f"Now: {way}, level {policy.level}. {frozen['*']} clients are frozen as a whole.",
            "Switch a field off: xpm-tui settings set sync.off website,fax",
            "Freeze it for one client: xpm-tui clients freeze CLIENT phone",
            "Never carried: tax, company and business numbers, relationships, status, custom fields.",
        ],
    )


def _when(*, creation: bool, ongoing: bool) -> str:
    if ongoing:
        return "always" if creation else "ongoing"
    return "at creation" if creation else "never"


ACTS = (
    Act(
        name="policy",
        title="Show what is carried, field by field",
        help="Show the policy as one table: each field both ways, what is carried now, what is frozen.",
        params=NoParams,
        run=show,
        verb=("policy",),
        example="xpm-tui policy --json",
    ),
)
