"""Practices of this account, and where their files are. None of this opens a book."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from xpm_tui.commands.command import (
    AccountContext,
    Dialogue,
    NoParams,
    Result,
    TextColumn,
    TextTable,
    argument,
    home_command,
    idle,
)
from xpm_tui.commands.effects import Effect
from xpm_tui.domain.formatting import listing
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application import home as application_home


class Locate(msgspec.Struct, frozen=True):
    """Parameters of ``locate``."""

    what: Annotated[Literal["", "config", "data", "state"], argument("Show only this folder.", "[WHAT]")] = ""


class AddPractice(msgspec.Struct, frozen=True):
    """Parameters of ``practices add``."""

    title: Annotated[str, argument("Your name for the practice.", "NAME")]


class SwitchPractice(msgspec.Struct, frozen=True):
    """Parameters of ``practices switch``."""

    name: Annotated[str, argument("The practice.", "NAME", completes="practice")]


async def locate(place: AccountContext, params: Locate, talk: Dialogue) -> Result:
    """Where everything is."""

    home = place.home
    folders = {name: str(getattr(home, name)) for name in ("config", "data", "state")}
    if params.what:
        return Result(data={params.what: folders[params.what]}, lines=[folders[params.what]])
    data = {
        **folders,
        "practices": application_home.practices(home),
        "current": application_home.current(home) or None,
    }
    told = {**folders, "practices": ", ".join(application_home.practices(home)) or "none yet"}
    return Result(data=data, lines=listing(told))


async def list_practices(place: AccountContext, params: NoParams, talk: Dialogue) -> Result:
    """All practices, the current one marked."""

    home = place.home
    current = application_home.current(home)
    names = application_home.practices(home)
    columns = (TextColumn("", whole=True), TextColumn("PRACTICE", name=True))
    rows = (("*" if name == current else "", name) for name in names)
    items = [{"id": name, "name": name, "current": name == current} for name in names]
    return Result(items=items, table=TextTable(columns, rows, "No practice yet: xpm-tui connect"))


async def add_practice(place: AccountContext, params: AddPractice, talk: Dialogue) -> Result:
    """A folder for one more practice."""

    home = place.home
    name = application_home.switch_practice(home, application_home.add_practice(home, params.title))
    told = f"{name} was added and is now the current practice. Connect it: xpm-tui connect"
    return Result(data={"id": name, "name": name}, lines=[told])


async def switch_practice(place: AccountContext, params: SwitchPractice, talk: Dialogue) -> Result:
    """Another practice from now on."""

    home = place.home
    name = application_home.switch_practice(home, params.name)
    return Result(data={"id": name, "name": name}, lines=[f"{name} is the current practice."])


COMMANDS = (
    home_command(
        name="practices.list",
        title="List practices",
        help="List the practices of this account; the current one is marked with a star.",
        params=NoParams,
        on_home=list_practices,
        effect=Effect.LOOKS,
        verb=("practices", "list"),
        example="xpm-tui practices list",
        key="f9",
        where=("overview", "settings"),
        default=True,
    ),
    home_command(
        name="practices.add",
        title="Add a practice",
        help="Add a practice and make it the current one. Each practice has its own connection, data and "
        "settings.",
        params=AddPractice,
        on_home=add_practice,
        verb=("practices", "add"),
        example='xpm-tui practices add "Harbour branch"',
        effect=Effect.WRITES_HERE,
    ),
    home_command(
        name="practices.switch",
        title="Switch to another practice",
        help="Make another practice the current one.",
        params=SwitchPractice,
        on_home=switch_practice,
        verb=("practices", "switch"),
        example="xpm-tui practices switch harbour-branch",
        effect=Effect.WRITES_HERE,
        why_not=idle,
    ),
    home_command(
        name="locate",
        title="Show where the files are",
        help="Show the folders with the configuration, data and state.",
        params=Locate,
        on_home=locate,
        effect=Effect.LOOKS,
        verb=("locate",),
        example="xpm-tui locate data",
    ),
)  # fmt: skip
