"""The policy as one table: what goes which way, when, and what this practice and its clients leave out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from xpm_tui.acts.act import Act, Column, NoParams, Result, Table, Talk
from xpm_tui.acts.effects import Effect
from xpm_tui.acts.params import argument
from xpm_tui.acts.settings import SetSetting, set_setting
from xpm_tui.acts.situation import idle
from xpm_tui.acts.words import plain
from xpm_tui.model import labels
from xpm_tui.model.errors import BadInput
from xpm_tui.model.formatting import count

if TYPE_CHECKING:
    from xpm_tui.service.practice import OpenPractice

_COLUMNS = (
    Column("FIELD"),
    Column("FROM XPM", whole=True),
    Column("TO XPM", whole=True),
    Column("WHAT TO SYNC", whole=True),
    Column("NOW", whole=True),
    Column("FROZEN", whole=True, right=True),
)


class SwitchFields(msgspec.Struct, frozen=True):
    """Parameters of ``policy off`` and ``policy on``."""

    field: Annotated[
        tuple[str, ...], argument("The fields, as `xpm-tui policy --json` names them.", "FIELD...")
    ]


async def show(practice: OpenPractice, params: NoParams, talk: Talk) -> Result:
    """Every field of the policy, with what is carried now and for how many clients it is frozen."""
    from xpm_tui.service.policy_table import frozen_clients, policy_rows, told_way

    policy, rows = practice.policy(), policy_rows(practice)
    cells = [
        (
            row.label,
            labels.WAYS[told_way(row.from_xpm)].text,
            labels.WAYS[told_way(row.to_xpm)].text,
            labels.LEVELS[row.levels[-1]].text if row.levels else "",
            "carried" if row.carried else "switched off" if row.off else "not carried",
            str(row.frozen or ""),
        )
        for row in rows
    ]
    whole = len(frozen_clients(practice))
    return Result(
        data={"direction": policy.direction, "level": policy.level, "frozen_whole": whole},
        items=[plain(row) for row in rows],
        table=Table(_COLUMNS, cells),
        lines=[
            f"Now: {labels.DIRECTIONS[policy.direction].text}, {labels.LEVELS[policy.level].text}. "
            f"{count(whole, 'client')} frozen as a whole.",
            "Switch fields off for every client: xpm-tui policy off website fax",
            "Freeze one for one client: xpm-tui clients freeze CLIENT phone",
            "Never carried: tax, company and business numbers, relationships, status, custom fields.",
        ],
    )


async def switch_off(practice: OpenPractice, params: SwitchFields, talk: Talk) -> Result:
    """Leave fields alone for every client."""
    return await _switch(practice, params, talk, on=False)


async def switch_on(practice: OpenPractice, params: SwitchFields, talk: Talk) -> Result:
    """Carry them again."""
    return await _switch(practice, params, talk, on=True)


async def _switch(practice: OpenPractice, params: SwitchFields, talk: Talk, *, on: bool) -> Result:
    from xpm_tui.service.policy_table import label, switched

    if not params.field:
        raise BadInput("Say which fields.", hint="xpm-tui policy off website")
    off = switched(practice, params.field, on)
    done = await set_setting(practice, SetSetting(key="sync.off", value=", ".join(off)), talk)
    names = ", ".join(label(field.strip().casefold()) for field in params.field)
    told = f"{names}: carried again where direction and level do." if on else f"{names}: left alone by sync."
    return Result(
        data={**done.data, "off": list(off)},
        lines=[told, "A plan made before is refused: make it anew.", *list(done.lines)[1:]],
    )


ACTS = (
    Act(
        name="policy",
        title="Show what is carried, field by field",
        help="Show the policy as one table: each field both ways, what is carried now, what is frozen.",
        params=NoParams,
        run=show,
        effect=Effect.LOOKS,
        verb=("policy",),
        example="xpm-tui policy --json",
        key="P",
        where=("settings", "sync"),
        footer="Policy",
    ),
    Act(
        name="policy.off",
        title="Switch a field off for every client",
        help="Leave fields alone for every client of this practice, both ways: the setting sync.off.",
        params=SwitchFields,
        run=switch_off,
        verb=("policy", "off"),
        example="xpm-tui policy off website fax",
        effect=Effect.WRITES_HERE,
        why_not=idle,
    ),
    Act(
        name="policy.on",
        title="Switch a field on again",
        help="Carry fields again that were switched off, where direction and level carry them.",
        params=SwitchFields,
        run=switch_on,
        verb=("policy", "on"),
        example="xpm-tui policy on website",
        effect=Effect.WRITES_HERE,
        why_not=idle,
    ),
)
