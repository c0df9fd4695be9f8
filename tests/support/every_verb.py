"""Every verb with a value for each required argument, for tests that scan all output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xpm_tui.commands.command import Command, Param, list_params
from xpm_tui.commands.registry import RENAMED, all_commands

NOT_RUN = {
    "connect": "is run first, by itself",
    "data.move": "needs a PostgreSQL server",
    "schedule.install": "changes the machine's scheduler",
    "schedule.remove": "changes the machine's scheduler",
}
LAST = ("practices.add", "practices.switch", "data.restore", "disconnect", "purge")
"""Commands that end or leave the practice, and so run after all others."""

VALUES = {
    "folder": "in",
    "client": "c1", "contact": "k1", "member": "t1", "service": "s1", "plan": "last", "run": "last",
    "job": "w1", "proposal": "p1", "proposals": "p1", "xpm": "14070003", "query": "john", "field": "fax",
    "name": "Somebody", "title": "Second", "key": "theme", "value": "xpm-dark",
    "values": "name=Somebody", "what": "c1:city", "case": "T1",
}  # fmt: skip
FLAGS = ("yes", "anyway", "all")
"""Options that agree beforehand."""


def command_of(*words: str) -> Command[Any] | None:
    """Return the command with these words on the command line, which may be former ones; None if unknown."""
    current: tuple[str, ...] = ()
    for word in words:
        current += (RENAMED.get((*current, word), word),)
    known = {(*act.verb[:-1], last): act for act in all_commands() for last in (*act.verb[-1:], *act.aliases)}
    return known.get(current)


def verbs() -> list[Command[Any]]:
    """Return all commands that are run, in their order; a new one is included automatically."""
    return [act for act in all_commands() if act.verb and act.name not in NOT_RUN and act.name not in LAST]


def words(act: Command[Any], values: Mapping[str, str] = VALUES, flags: tuple[str, ...] = FLAGS) -> list[str]:
    """Return the verb with a value for each argument that it needs."""
    needed = [param for param in list_params(act.params) if param.required]
    given = [param.flag for param in list_params(act.params) if param.name in flags]
    return [*act.verb, *(_value(act, param, values) for param in needed), *given]


def _value(act: Command[Any], param: Param, values: Mapping[str, str]) -> str:
    if param.name == "file":
        if act.verb[0] == "import":
            return "clients.csv"
        return "backup.zip" if act.verb[0] == "data" else f"{act.verb[-1]}.csv"
    return values[param.name]
