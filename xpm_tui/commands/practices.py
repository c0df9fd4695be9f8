"""Commands for the practices of this account and their folders. Only the list reads their stores."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from xpm_tui.commands.command import (
    AccountContext,
    Dialogue,
    Limit,
    Result,
    TextColumn,
    TextTable,
    argument,
    home_command,
    option,
    require_idle,
)
from xpm_tui.commands.effects import Effect
from xpm_tui.domain.formatting import ago, listing
from xpm_tui.files.machine import SystemClock
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application import home as application_home
    from xpm_tui.application import practice
    from xpm_tui.application.status import practices

if TYPE_CHECKING:
    from xpm_tui.application.status.practices import PracticeView


NeedsYou = Annotated[bool, option("Only practices that need your decision.")]


class Locate(msgspec.Struct, frozen=True):
    """Parameters of ``locate``."""

    what: Annotated[Literal["", "config", "data", "state"], argument("Show only this folder.", "[WHAT]")] = ""


class ListPractices(msgspec.Struct, frozen=True):
    """Parameters of ``practices list``."""

    needs_you: NeedsYou = False
    limit: Limit = 0


class AddPractice(msgspec.Struct, frozen=True):
    """Parameters of ``practices add``."""

    title: Annotated[str, argument("Your name for the practice.", "NAME")]
    switch: Annotated[bool, option("Make it the current practice.")] = False


class SwitchPractice(msgspec.Struct, frozen=True):
    """Parameters of ``practices switch``."""

    name: Annotated[str, argument("The practice.", "NAME", completes="practice")]


async def locate(place: AccountContext, params: Locate, dialogue: Dialogue) -> Result:
    """Show where the files are."""
    home = place.home
    folders = {name: str(getattr(home, name)) for name in ("config", "data", "state")}
    if params.what:
        return Result(data={params.what: folders[params.what]}, lines=[folders[params.what]])
    data = {
        **folders,
        "practices": application_home.practices(home),
        "current": application_home.current(home) or None,
    }
    values = {**folders, "practices": ", ".join(application_home.practices(home)) or "none yet"}
    return Result(data=data, lines=listing(values))


async def list_practices(place: AccountContext, params: ListPractices, dialogue: Dialogue) -> Result:
    """List all practices, with the current one marked."""
    views = practices.account_practices(place.home, person=place.person)
    found = practices_result(views, SystemClock().now(), needs_you=params.needs_you)
    return replace(found, most=params.limit)


def practices_result(views: list[PracticeView], now: datetime, *, needs_you: bool) -> Result:
    """Return the practices as a table, for ``practices list`` and ``status --all``."""
    empty = "Nothing needs your attention." if needs_you and views else "No practice yet: xpm-tui connect"
    views = [view for view in views if view.needs_you or not needs_you]
    columns = (
        TextColumn("", whole=True),
        TextColumn("PRACTICE", whole=True),
        TextColumn("NAME IN XPM", name=True),
        TextColumn("CONNECTED", whole=True),
        TextColumn("LAST SYNC", whole=True),
        TextColumn("RUNNING", whole=True),
        TextColumn("HELD", whole=True),
        TextColumn("NEEDS YOU", name=True),
        TextColumn("WAITS FOR", spare=True),
        TextColumn("CALLS LEFT", whole=True),
        TextColumn("XPM DATA", whole=True),
        TextColumn("LOGIN", spare=True),
    )
    rows = [
        (
            "*" if view.current else "",
            view.name,
            view.problem or view.title,
            "yes" if view.connected else "no",
            ago(view.last_good, now),
            running(view),
            ", ".join(view.held_runs),
            needs(view),
            view.waits_for,
            calls_left(view),
            ago(view.mirror_at, now),
            view.login,
        )
        for view in views
    ]
    items = [
        {
            "id": view.name,
            "name": view.name,
            "current": view.current,
            "xpm_name": view.title,
            "connected": view.connected,
            "last_good": view.last_good,
            "running": view.running,
            "held": list(view.held_runs),
            "login": view.login,
            "machine": view.machine,
            "person": view.runner,
            "minute_left": view.minute_left,
            "day_left": view.day_left,
            "mirror_at": view.mirror_at,
            "needs": list(view.needs),
            "waits_for": view.waits_for,
            "problem": view.problem,
        }
        for view in views
    ]
    return Result(items=items, table=TextTable(columns, rows, empty))


def running(view: PracticeView) -> str:
    """Return the run in progress with its machine and person; empty if there is none."""
    place = f" on {view.machine} ({view.runner})" if view.machine else ""
    return f"{view.running}{place}"


def needs(view: PracticeView) -> str:
    """Return the first thing that waits for a user, and how many more there are."""
    more = f" (and {len(view.needs) - 1} more)" if len(view.needs) > 1 else ""
    return f"{view.needs[0]}{more}" if view.needs else ""


def calls_left(view: PracticeView) -> str:
    """Return the calls to Xero that are left this minute and today; empty if unknown."""
    today = f", {view.day_left:,} today" if view.day_left is not None else ""
    return f"{view.minute_left} this minute{today}" if view.minute_left is not None else ""


async def add_practice(place: AccountContext, params: AddPractice, dialogue: Dialogue) -> Result:
    """Create a folder for another practice; the current one stays current unless requested."""
    home = place.home
    before = application_home.current(home)
    name = application_home.add_practice(home, params.title, renamed=False)
    switch = params.switch or not (before or len(application_home.practices(home)) > 1)
    if switch or before:
        application_home.switch_practice(home, name if switch else before)
    named = "" if name == params.title.strip() else f' "{params.title.strip()}" is written {name} here.'
    if switch:
        lines = [f"{name} was added and is now the current practice.{named} Connect it: xpm-tui connect"]
    else:
        stays = f" {before} is still the current practice." if before else ""
        lines = [
            f"{name} was added.{named}{stays}",
            f"Connect it: xpm-tui connect --practice {name}. "
            f"To make it the current one: xpm-tui practices switch {name}",
        ]
    return Result(data={"id": name, "name": name, "title": params.title, "current": switch}, lines=lines)


async def switch_practice(place: AccountContext, params: SwitchPractice, dialogue: Dialogue) -> Result:
    """Make another practice the current one."""
    home = place.home
    name = application_home.switch_practice(home, practice.find_practice(home, params.name))
    return Result(data={"id": name, "name": name}, lines=[f"{name} is the current practice."])


COMMANDS = (
    home_command(
        name="practices.list",
        title="List practices",
        help="List the practices of this account: name here and in XPM, connection, last successful sync, "
        "where it is running, held runs, open decisions, calls to Xero that are left, age of the XPM "
        "data, login. The current one is marked with a star.",
        params=ListPractices,
        on_home=list_practices,
        effect=Effect.LOOKS,
        example="xpm-tui practices list --needs-you",
        key="f9",
        where=("overview", "settings"),
        default=True,
    ),
    home_command(
        name="practices.add",
        title="Add a practice",
        help="Add a practice. Each practice has its own connection, data and settings. The current practice "
        "stays the current one, unless --switch is given.",
        params=AddPractice,
        on_home=add_practice,
        example='xpm-tui practices add "Harbour branch"',
        effect=Effect.WRITES_HERE,
    ),
    home_command(
        name="practices.switch",
        title="Switch to another practice",
        help="Make another practice the current one.",
        params=SwitchPractice,
        on_home=switch_practice,
        example="xpm-tui practices switch harbour-branch",
        effect=Effect.WRITES_HERE,
        why_not=require_idle,
    ),
    home_command(
        name="locate",
        title="Show where the files are",
        help="Show the folders with the configuration, data and state.",
        params=Locate,
        on_home=locate,
        effect=Effect.LOOKS,
        example="xpm-tui locate data",
    ),
)  # fmt: skip
