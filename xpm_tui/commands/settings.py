"""Commands for settings and the policy: show them with their origins, and change them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from xpm_tui.commands import effects
from xpm_tui.commands.command import (
    Command,
    Dialogue,
    Limit,
    ListParams,
    Result,
    TextColumn,
    TextTable,
    argument,
    option,
    require_idle,
)
from xpm_tui.commands.consequences import lines as described
from xpm_tui.commands.consequences import nothing_planned, remaining_count
from xpm_tui.commands.effects import Effect
from xpm_tui.commands.plans import age_notes
from xpm_tui.commands.tables import to_plain
from xpm_tui.domain import labels
from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.formatting import count, listing
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application import connection
    from xpm_tui.application.clients import field_policy
    from xpm_tui.application.runs import consequences
    from xpm_tui.domain import errors, events, fields, secret, tables
    from xpm_tui.settings import kinds, schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from xpm_tui.application.practice import OpenPractice
    from xpm_tui.domain.plan import Consequences, Plan
    from xpm_tui.settings.store import Item
    from xpm_tui.sync.policy import Policy

Key = Annotated[str, argument("The setting, for example sync.level.", "KEY", completes="setting")]
Everywhere = Annotated[bool, option("For all practices of this account, not only for this one.")]


SkipQuestion = Annotated[bool, option("Do not ask, even if the next plan would change.")]


class ListSettings(msgspec.Struct, frozen=True):
    """Parameters of ``settings list``."""

    find: Annotated[str, argument("Only settings with this text in their key or description.", "[TEXT]")] = ""
    changed: Annotated[bool, option("Only settings that someone has set.")] = False
    limit: Limit = 0


class GetSetting(msgspec.Struct, frozen=True):
    """Parameters of ``settings get``."""

    key: Key


class SetSetting(msgspec.Struct, frozen=True):
    """Parameters of ``settings set``."""

    key: Key
    value: Annotated[
        str,
        argument(
            "The new value; '-' reads it from stdin, so that it does not appear in the list of processes.",
            "VALUE",
            completes="value",
        ),
    ]
    all_practices: Everywhere = False
    yes: SkipQuestion = False


class UnsetSetting(msgspec.Struct, frozen=True):
    """Parameters of ``settings unset``."""

    key: Key
    all_practices: Everywhere = False
    yes: SkipQuestion = False


async def list_settings(practice: OpenPractice, params: ListSettings, dialogue: Dialogue) -> Result:
    """List all settings in the order of the schema."""
    wanted = params.find.casefold()
    found = [
        item
        for item in practice.settings.items()
        if wanted in f"{item.key} {item.entry.label} {item.entry.help}".casefold()
        and not (params.changed and item.origin == "default")
    ]
    columns = (TextColumn("SETTING", whole=True), TextColumn("VALUE"), TextColumn("FROM", whole=True))
    rows = ((item.key, item.shown, labels.ORIGINS[item.origin].text) for item in found)
    table = TextTable(columns, rows, "No setting matches.")
    items = [_data(item) for item in found]
    return Result(data={"count": len(found)}, items=items, table=table, most=params.limit)


async def get_setting(practice: OpenPractice, params: GetSetting, dialogue: Dialogue) -> Result:
    """Show one setting with its meaning."""
    item = practice.settings.item(params.key)
    lines = listing(
        {
            item.key: item.shown or "(empty)",
            "From": labels.ORIGINS[item.origin].text,
            "Values": item.entry.kind.words,
            "Variable": item.entry.env,
            "Label": item.entry.label,
            "Meaning": item.entry.help,
        }
    )
    return Result(data=_data(item), lines=lines)


async def set_setting(practice: OpenPractice, params: SetSetting, dialogue: Dialogue) -> Result:
    """Write a setting to a file."""
    text = params.value
    if text == "-":
        read = await dialogue.line(f"{params.key}:")
        if read is None:
            raise errors.BadInput(
                "No value was given on stdin.", hint="Pipe the value in, or type it and press enter."
            )
        text = read
    everywhere = params.all_practices
    if not await _confirm(practice, {params.key: text}, dialogue, everywhere=everywhere):
        return _unchanged(practice, params.key)
    item = practice.settings.set(params.key, text, practice=not everywhere)
    practice.events.emit(events.Event(key="settings.set", numbers={"name": item.key}))
    return Result(data=_data(item), lines=_current_lines(item, params.all_practices))


async def unset_setting(practice: OpenPractice, params: UnsetSetting, dialogue: Dialogue) -> Result:
    """Remove a setting from a file."""
    if not await _confirm(practice, {params.key: None}, dialogue, everywhere=params.all_practices):
        return _unchanged(practice, params.key)
    item = practice.settings.unset(params.key, practice=not params.all_practices)
    practice.events.emit(events.Event(key="settings.set", numbers={"name": item.key}))
    return Result(data=_data(item), lines=_current_lines(item, params.all_practices))


def _unchanged(practice: OpenPractice, key: str) -> Result:
    item = practice.settings.item(key)
    text = f"Nothing was changed: “{item.entry.label}” is still {_value_label(item.key, item.shown)}."
    return Result(data=_data(item), lines=[text], declined=True)


def _value_label(key: str, text: str) -> str:
    """Return a value as users read it: the label of a choice, or the text."""
    found = kinds.setting_choices(key, schema.BY_KEY[key].kind.words).get(text)
    return found.text if found is not None else text or "empty"


async def _confirm(
    practice: OpenPractice, changes: Mapping[str, str | None], dialogue: Dialogue, *, everywhere: bool = False
) -> bool:
    """Ask before saving settings that change the next plan, with what that plan would do."""
    if not effects.asks(dialogue):
        return True
    before = practice.policy()
    after = practice.policy(practice.settings.trial(changes, practice=not everywhere))
    if after == before:
        return True
    found = consequences.plan_under_policy(practice, after)
    if found is None and not practice.snapshot().count(tables.LINKS):
        return True  # nothing has ever been synced
    lines = [*_policy_changes(before, after), *age_notes(practice, always=True)]
    clients = practice.snapshot().count(tables.CLIENTS)
    lines += _first_plan(*found, clients) if found is not None else [_NOT_CONNECTED]
    lines.append("Saving it changes no records: only a sync does.")
    return await effects.confirm_call(
        dialogue, effects.Question("Save this change?", lines, button="Save the change")
    )


_NOT_CONNECTED = "The practice is not connected, so what the first plan would change is not known."


def _first_plan(plan: Plan, follows: Consequences, clients: int) -> Iterator[str]:
    """Yield what the first plan under a new policy would do to ``clients`` clients."""
    changes = plan.counts.get("items", 0) or follows.waiting
    if changes:
        yield f"The first plan would then have {count(follows.changes, 'change')}:"
        yield from (f"  {line}" for line in described(follows))
    else:
        yield f"The first plan would then be: {nothing_planned(plan, clients=clients)}"
    if plan.left_different and changes:
        yield f"  {remaining_count(plan.left_different, more=True)}."


def _policy_changes(before: Policy, after: Policy) -> Iterator[str]:
    """Name each changed part of the policy, old and new."""
    ways = labels.DIRECTIONS
    if before.direction != after.direction:
        yield f"Direction: {ways[before.direction].text} → {ways[after.direction].text}"
    if before.level != after.level:
        yield f"What to sync: {labels.LEVELS[before.level].text} → {labels.LEVELS[after.level].text}"
    for state, switched in (("off", after.off - before.off), ("on again", before.off - after.off)):
        if switched:
            yield f"Switched {state}: {', '.join(sorted(fields.label(name) for name in switched))}"
    for key, old, new in (
        ("sync.on_conflict", before.on_conflict, after.on_conflict),
        ("sync.clear", before.clear, after.clear),
    ):
        if old != new:
            yield f"{schema.BY_KEY[key].label}: {_value_label(key, old)} → {_value_label(key, new)}"


def _current_lines(item: Item, everywhere: bool) -> list[str]:
    written = "file" if everywhere else "practice"
    shown = _value_label(item.key, item.shown)
    text = f"“{item.entry.label}” is {shown} (from {labels.ORIGINS[item.origin].reason})."
    if item.origin not in (written, "default", "file"):
        return [text, f"Your value is saved, but {labels.ORIGINS[item.origin].reason} overrides it."]
    return [text]


def _data(item: Item) -> dict[str, Any]:
    default = item.entry.default
    return {
        "key": item.key,
        "value": item.shown if isinstance(item.value, secret.Secret) else item.value,
        "default": kinds.format_value(default) if isinstance(default, secret.Secret) else default,
        "origin": item.origin,
        "values": item.entry.kind.words,
        "variable": item.entry.env,
        "secret": item.entry.secret,
        "label": item.entry.label,
        "help": item.entry.help,
    }


_COLUMNS = (
    TextColumn("FIELD"),
    TextColumn("FROM XPM", whole=True),
    TextColumn("TO XPM", whole=True),
    TextColumn("WHAT TO SYNC", whole=True),
    TextColumn("NOW", whole=True),
    TextColumn("FROZEN", whole=True, right=True),
)


class SwitchFields(msgspec.Struct, frozen=True):
    """Parameters of ``policy off`` and ``policy on``."""

    field: Annotated[
        tuple[str, ...],
        argument("The fields, for every client. `xpm-tui policy --json` lists their names.", "FIELD..."),
    ]
    yes: SkipQuestion = False


class SetPolicy(msgspec.Struct, frozen=True):
    """Parameters of ``policy set``."""

    direction: Annotated[
        Literal["", "from_xpm", "to_xpm"],
        option("Which side is the master; by default unchanged."),
    ] = ""
    level: Annotated[
        Literal["", "everything", "name", "nothing"], option("What to sync; by default unchanged.")
    ] = ""
    yes: SkipQuestion = False


async def show(practice: OpenPractice, params: ListParams, dialogue: Dialogue) -> Result:
    """Show every field of the policy, what is synced now, and for how many clients it is frozen."""
    policy, rows = practice.policy(), field_policy.policy_rows(practice)
    cells = [
        (
            row.label,
            labels.FIELD_DIRECTIONS[field_policy.direction_words(row.from_xpm)].text,
            labels.FIELD_DIRECTIONS[field_policy.direction_words(row.to_xpm)].text,
            labels.LEVELS[row.levels[-1]].text if row.levels else "",
            "synced" if row.carried else "switched off" if row.off else "not synced",
            str(row.frozen or ""),
        )
        for row in rows
    ]
    whole = len(field_policy.frozen_clients(practice))
    return Result(
        data={"direction": policy.direction, "level": policy.level, "frozen_whole": whole},
        items=[to_plain(row) for row in rows],
        table=TextTable(_COLUMNS, cells),
        most=params.limit,
        lines=[
            f"Now: {labels.DIRECTIONS[policy.direction].text}, {labels.LEVELS[policy.level].text}. "
            f"{count(whole, 'client is/clients are')} frozen completely.",
            "Switch fields off for every client: xpm-tui policy off website fax",
            "Freeze a field for one client: xpm-tui clients freeze CLIENT phone",
            "Never synced: tax, company and business numbers, relationships, status, custom fields.",
        ],
    )


async def set_policy(practice: OpenPractice, params: SetPolicy, dialogue: Dialogue) -> Result:
    """Set which side is the master, and what to sync."""
    if not (params.direction or params.level):
        raise BadInput("Use --direction, --level, or both.", hint="xpm-tui policy set --direction to_xpm")
    before = practice.policy()
    changes = {"sync.direction": params.direction, "sync.level": params.level}
    if not await _confirm(practice, {key: text for key, text in changes.items() if text}, dialogue):
        message = (
            f"Nothing was changed: still {labels.DIRECTIONS[before.direction].text}, "
            f"{labels.LEVELS[before.level].text}."
        )
        data = {"direction": before.direction, "level": before.level}
        return Result(data=data, lines=[message], declined=True)
    connection.ConnectionMachine(practice).direction(
        params.direction or before.direction, params.level or before.level
    )
    now = practice.policy()
    message = f"Now: {labels.DIRECTIONS[now.direction].text}, {labels.LEVELS[now.level].text}."
    return Result(data={"direction": now.direction, "level": now.level}, lines=[message])


async def switch_off(practice: OpenPractice, params: SwitchFields, dialogue: Dialogue) -> Result:
    """Stop syncing fields of every client."""
    return await _switch(practice, params, dialogue, on=False)


async def switch_on(practice: OpenPractice, params: SwitchFields, dialogue: Dialogue) -> Result:
    """Sync fields again."""
    return await _switch(practice, params, dialogue, on=True)


async def _switch(practice: OpenPractice, params: SwitchFields, dialogue: Dialogue, *, on: bool) -> Result:
    if not params.field:
        raise BadInput("Name the fields.", hint="xpm-tui policy off website")
    off = field_policy.fields_switched_off(practice, params.field, on)
    done = await set_setting(practice, SetSetting(key="sync.off", value=", ".join(off)), dialogue)
    if done.declined:
        return done
    names = ", ".join(fields.label(field.strip().casefold()) for field in params.field)
    text = (
        f"{names}: synced again, where the direction and what to sync include them."
        if on
        else f"{names}: no longer synced."
    )
    return Result(
        data={**done.data, "off": list(off)},
        lines=[text, "An earlier plan can no longer be applied: make a new one.", *list(done.lines)[1:]],
    )


COMMANDS = (
    Command(
        name="policy",
        title="Show what is synced, field by field",
        help="Show the policy as one table: each field in both directions, what is synced now, and what is"
        " frozen.",
        params=ListParams,
        run=show,
        effect=Effect.LOOKS,
        example="xpm-tui policy --json",
        key="P",
        where=("settings", "sync"),
        footer="Fields",
    ),
    Command(
        name="policy.set",
        title="Choose the direction and what to sync",
        help="Choose the direction (which side is the master) and what to sync. "
        "The choice itself changes nothing in Ignition or XPM.",
        params=SetPolicy,
        run=set_policy,
        example="xpm-tui policy set --direction to_xpm --level name",
        effect=Effect.WRITES_HERE,
        why_not=require_idle,
    ),
    Command(
        name="policy.off",
        title="Switch a field off for every client",
        help="Stop syncing fields of every client of this practice, in both directions: the setting "
        "sync.off.",
        params=SwitchFields,
        run=switch_off,
        example="xpm-tui policy off website fax",
        effect=Effect.WRITES_HERE,
        why_not=require_idle,
    ),
    Command(
        name="policy.on",
        title="Switch a field on again",
        help="Sync fields again that were switched off, where the direction and what to sync include them.",
        params=SwitchFields,
        run=switch_on,
        example="xpm-tui policy on website",
        effect=Effect.WRITES_HERE,
        why_not=require_idle,
    ),
    Command(
        name="settings.list",
        title="List settings",
        help="List the settings, each with its value and where the value comes from: default, file, "
        "practice, environment or option.",
        params=ListSettings,
        run=list_settings,
        effect=Effect.LOOKS,
        example="xpm-tui settings list sync",
        default=True,
    ),
    Command(
        name="settings.get",
        title="Show a setting",
        help="Show one setting: its value, where it comes from, the allowed values, and what it means.",
        params=GetSetting,
        run=get_setting,
        effect=Effect.LOOKS,
        example="xpm-tui settings get sync.level",
    ),
    Command(
        name="settings.set",
        title="Change a setting",
        help="Change a setting of this practice. With --all-practices, of every practice that has no "
        "value of its own.",
        params=SetSetting,
        run=set_setting,
        example="xpm-tui settings set sync.level name",
        effect=Effect.WRITES_HERE,
    ),
    Command(
        name="settings.unset",
        title="Reset a setting",
        help="Remove a setting from the file, so that the default (or the value for all practices) "
        "applies.",
        params=UnsetSetting,
        run=unset_setting,
        example="xpm-tui settings unset sync.level",
        effect=Effect.WRITES_HERE,
    ),
)  # fmt: skip
