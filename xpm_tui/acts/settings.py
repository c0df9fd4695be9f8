"""Settings: what they are, where each comes from, and changing them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from xpm_tui.acts.act import Act, Column, Result, Table, Talk
from xpm_tui.acts.effects import Effect
from xpm_tui.acts.params import argument, option
from xpm_tui.model import labels
from xpm_tui.model.formatting import listing

if TYPE_CHECKING:
    from xpm_tui.service.practice import OpenPractice
    from xpm_tui.settings.store import Item

Key = Annotated[str, argument("The setting, for example sync.level.", "KEY", completes="setting")]
Everywhere = Annotated[bool, option("For all practices of this account, not for this one alone.")]


class ListSettings(msgspec.Struct, frozen=True):
    """Parameters of ``settings list``."""

    find: Annotated[str, argument("Only those with this text in key or meaning.", "[TEXT]")] = ""
    changed: Annotated[bool, option("Only those that somebody set.")] = False


class GetSetting(msgspec.Struct, frozen=True):
    """Parameters of ``settings get``."""

    key: Key


class SetSetting(msgspec.Struct, frozen=True):
    """Parameters of ``settings set``."""

    key: Key
    value: Annotated[
        str,
        argument("The new value; '-' reads it from stdin, so that no list of processes shows it.", "VALUE"),
    ]
    all_practices: Everywhere = False


class UnsetSetting(msgspec.Struct, frozen=True):
    """Parameters of ``settings unset``."""

    key: Key
    all_practices: Everywhere = False


async def list_settings(practice: OpenPractice, params: ListSettings, talk: Talk) -> Result:
    """All settings in the order of the schema."""
    wanted = params.find.casefold()
    found = [
        item
        for item in practice.settings.items()
        if wanted in f"{item.key} {item.entry.label} {item.entry.help}".casefold()
        and not (params.changed and item.origin == "default")
    ]
    columns = (Column("SETTING", whole=True), Column("VALUE"), Column("FROM", whole=True))
    rows = ((item.key, item.shown, labels.ORIGINS[item.origin].text) for item in found)
    table = Table(columns, rows, "No setting like this.")
    return Result(data={"count": len(found)}, items=[_data(item) for item in found], table=table)


async def get_setting(practice: OpenPractice, params: GetSetting, talk: Talk) -> Result:
    """One setting with its meaning."""
    item = practice.settings.item(params.key)
    lines = listing(
        {
            item.key: item.shown or "(empty)",
            "from": labels.ORIGINS[item.origin].text,
            "values": item.entry.kind.words,
            "variable": item.entry.env,
            "label": item.entry.label,
            "meaning": item.entry.help,
        }
    )
    return Result(data=_data(item), lines=lines)


async def set_setting(practice: OpenPractice, params: SetSetting, talk: Talk) -> Result:
    """Write a setting to a file."""
    from xpm_tui.model.errors import BadInput
    from xpm_tui.model.events import Event

    text = params.value
    if text == "-":
        read = await talk.line(f"{params.key}:")
        if read is None:
            raise BadInput("Nothing came on stdin.", hint="Pipe the value in, or type it and press enter.")
        text = read
    item = practice.settings.set(params.key, text, practice=not params.all_practices)
    practice.events.emit(Event(key="settings.set", numbers={"name": item.key}))
    return Result(data=_data(item), lines=_now(item, params.all_practices))


async def unset_setting(practice: OpenPractice, params: UnsetSetting, talk: Talk) -> Result:
    """Take a setting out of a file."""
    from xpm_tui.model.events import Event

    item = practice.settings.unset(params.key, practice=not params.all_practices)
    practice.events.emit(Event(key="settings.set", numbers={"name": item.key}))
    return Result(data=_data(item), lines=_now(item, params.all_practices))


def _now(item: Item, everywhere: bool) -> list[str]:
    written = "file" if everywhere else "practice"
    told = f"{item.key} is {item.shown or '(empty)'} (from {labels.ORIGINS[item.origin].reason})."
    if item.origin not in (written, "default", "file"):
        return [told, f"What you set is kept, but {labels.ORIGINS[item.origin].reason} wins."]
    return [told]


def _data(item: Item) -> dict[str, Any]:
    from xpm_tui.model.secret import Secret
    from xpm_tui.settings.kinds import written

    default = item.entry.default
    return {
        "key": item.key,
        "value": item.shown if isinstance(item.value, Secret) else item.value,
        "default": written(default) if isinstance(default, Secret) else default,
        "origin": item.origin,
        "values": item.entry.kind.words,
        "variable": item.entry.env,
        "secret": item.entry.secret,
        "label": item.entry.label,
        "help": item.entry.help,
    }


ACTS = (
    Act(
        name="settings.list",
        title="List the settings",
        help="List the settings, each with its value and where it comes from: default, file, practice, "
        "environment or option.",
        params=ListSettings,
        run=list_settings,
        effect=Effect.LOOKS,
        verb=("settings", "list"),
        example="xpm-tui settings list sync",
        default=True,
    ),
    Act(
        name="settings.get",
        title="Show one setting",
        help="Show one setting: value, origin, what may be said, and what it means.",
        params=GetSetting,
        run=get_setting,
        effect=Effect.LOOKS,
        verb=("settings", "get"),
        example="xpm-tui settings get sync.level",
    ),
    Act(
        name="settings.set",
        title="Change a setting",
        help="Change a setting of this practice, or with --all-practices of all that say nothing else.",
        params=SetSetting,
        run=set_setting,
        verb=("settings", "set"),
        example="xpm-tui settings set sync.level name",
        effect=Effect.WRITES_HERE,
    ),
    Act(
        name="settings.unset",
        title="Take a setting back",
        help="Take a setting out of the file, so that the default (or what is set for all practices) holds.",
        params=UnsetSetting,
        run=unset_setting,
        verb=("settings", "unset"),
        example="xpm-tui settings unset sync.level",
        effect=Effect.WRITES_HERE,
    ),
)  # fmt: skip
