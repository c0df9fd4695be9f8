"""Calls of commands as the command lines that would do the same, quoted for a shell and ready to copy."""

from __future__ import annotations

import shlex
from datetime import datetime
from typing import Any, Literal

import msgspec

from xpm_tui.commands.command import Command, Param, read
from xpm_tui.commands.registry import by_name
from xpm_tui.domain.errors import BadInput
from xpm_tui.settings import schema

PROGRAM = "xpm-tui"
HIDDEN = "VALUE"
"""Stands for a secret setting, which no log may hold."""

ALIKE = {
    "clients.sync": "sync",
    "clients.undo": "undo",
    "clients.address": "clients.show",
    "clients.copy": "clients.show",
    "team.copy": "team.list",
    "templates.copy": "services.list",
    "jobs.address": "jobs.list",
    "jobs.copy": "jobs.list",
}
"""Commands without a verb of their own, each with the command whose verb does the same or shows the same."""

ANSWERS = frozenset(["yes", "review"])
"""Parameters that say how the console asked: on the command line, the user is asked again."""

Outcome = Literal["done", "declined", "failed"]


class LoggedCommand(msgspec.Struct, frozen=True, kw_only=True):
    """One action of the console: when, the command line that does the same, and how it ended.

    ``short`` is the line without the options that name the home and the practice.
    """

    at: datetime
    title: str
    line: str
    short: str
    outcome: Outcome = "done"
    message: str = ""


def command_line(act: Command[Any], params: msgspec.Struct, *, before: tuple[str, ...] = ()) -> str:
    """Return the command line of a call, with every option that differs from its default.

    Args:
        act: The command.
        params: The parameters of the call.
        before: Global options, such as those that name the home and the practice.
    """
    spoken = act if act.verb else by_name(ALIKE[act.name])
    options: list[str] = []
    arguments: list[str] = []
    for param in read(spoken.params):
        value = getattr(params, param.name, param.default)
        if act.name == "clients.undo" and param.name == "run":
            value = "last"
        if param.name in ANSWERS or (not param.required and value == param.default):
            continue
        if param.hint.argument:
            arguments += _texts(param, value)
        elif param.kind is bool:
            options.append(param.flag)
        else:
            options += [word for text in _texts(param, value) for word in (param.flag, text)]
    words = [PROGRAM, *before, *spoken.verb, *options]
    if any(argument.startswith("-") and argument != "-" for argument in arguments):
        words.append("--")
    return shlex.join([*words, *_without_secret(spoken, arguments)])


def _texts(param: Param, value: Any) -> list[str]:
    return [str(each) for each in (value if param.many else (value,)) if each is not None]


def _without_secret(act: Command[Any], arguments: list[str]) -> list[str]:
    """The arguments, without the value of a setting that is never shown."""
    if act.name != "settings.set" or len(arguments) < 2:
        return arguments
    try:
        secret = schema.entry(arguments[0]).secret
    except BadInput:
        return arguments
    return [arguments[0], HIDDEN] if secret else arguments
