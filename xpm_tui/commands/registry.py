"""The registry of all commands, and the command lines that repeat calls made in the console.

Importing it loads no command, no screen, no HTTP and no store: the modules that define commands are loaded
when they are asked for, and a command loads what it needs when it runs.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache
from types import ModuleType
from typing import Any, Literal

import msgspec

from xpm_tui.commands.command import Command, Param, list_params
from xpm_tui.domain.errors import BadInput
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.commands import (
        clients,
        connection,
        csv_files,
        deletions,
        deployment,
        doctor,
        inbox,
        jobs,
        links,
        log,
        maintenance,
        plans,
        practices,
        proposals,
        records,
        renewals,
        runs,
        schedule,
        settings,
        sync,
        team,
        templates,
        verb_index,
    )
    from xpm_tui.settings import schema

_MODULES: tuple[ModuleType, ...] = (
    connection,
    clients,
    records,
    deletions,
    links,
    csv_files,
    inbox,
    plans,
    settings,
    sync,
    runs,
    log,
    schedule,
    team,
    templates,
    deployment,
    jobs,
    proposals,
    renewals,
    maintenance,
    practices,
    doctor,
)
"""The modules that define commands, in the order of the footer and the palette."""

GROUPS: dict[str, str] = {
    "cases": "Known problems: symptoms and what to do.",
    "clients": "Clients: list, link, review, bring in from XPM.",
    "contacts": "Contacts: add, edit, delete.",
    "data": "Data: check, repair, compact, back up, restore, move.",
    "export": "Write files for Ignition.",
    "import": "Import Ignition's files, or undo the last import.",
    "inbox": "The inbox: files that other programs deliver.",
    "jobs": "Jobs: list, preview, edit, skip, deploy, retry, redeploy, audit, forecast.",
    "policy": "What is synced, field by field; switch fields off and on.",
    "practices": "Practices of this account.",
    "proposals": "Proposals: list, new, accept, take over, revoke.",
    "runs": "Runs: list, show, stop, resume, release, retry.",
    "schedule": "Sync automatically, every 15 minutes to once a day.",
    "services": "Services: list, new, edit, delete.",
    "settings": "Settings: list, get, set, unset.",
    "team": "Team: link to XPM staff, add, create.",
    "templates": "Job templates: list, link, accept, rules and defaults for new jobs.",
}
"""The help of groups of verbs that are not commands themselves."""

RENAMED: dict[tuple[str, ...], str] = {("book",): "data", ("proposals", "take"): "take-over"}
"""Former words of verbs with their replacements: they still work, but help does not list them."""


@cache
def all_commands() -> tuple[Command[Any], ...]:
    """Return all commands, in the order of the footer and the palette."""
    return commands_from()


def commands_from(modules: Iterable[str] = ()) -> tuple[Command[Any], ...]:
    """Return the commands that some modules define; no other module of commands is loaded.

    Args:
        modules: The last parts of their names; without any, all modules.
    """
    chosen = frozenset(modules)
    return tuple(
        command
        for module in _MODULES
        if not chosen or module.__name__.rpartition(".")[2] in chosen
        for command in module.COMMANDS
    )


def modules_by_verb() -> dict[str, tuple[str, ...]]:
    """Return the first words of all verbs, each with the modules that define its commands."""
    return _modules_by(lambda command: command.verb[:1])


def modules_by_area() -> dict[str, tuple[str, ...]]:
    """Return the areas of the console, each with the modules that define commands with a key there."""
    return _modules_by(lambda command: command.where if command.key else ())


def _modules_by(words: Callable[[Command[Any]], Iterable[str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for module in _MODULES:
        for command in module.COMMANDS:
            for word in words(command):
                found.setdefault(word, {})[module.__name__.rpartition(".")[2]] = None
    return {word: tuple(modules) for word, modules in found.items()}


@cache
def _by_name() -> dict[str, Command[Any]]:
    return {command.name: command for command in all_commands()}


def by_name(name: str) -> Command[Any]:
    """Return the command with that name; raises ``KeyError``."""
    return _by_name()[name]


def for_area(area: str) -> tuple[Command[Any], ...]:
    """Return the commands that have a key in an area of the console, in the order of the footer."""
    modules = {*verb_index.AREAS.get(area, ()), *verb_index.AREAS.get("*", ())}
    return tuple(
        command
        for command in (commands_from(modules) if modules else ())
        if command.key and (area in command.where or "*" in command.where)
    )


PROGRAM = "xpm-tui"
SECRET_VALUE = "VALUE"
"""The replacement for a secret setting, which must not be logged."""

EQUIVALENTS = {
    "clients.sync": "sync",
    "clients.undo": "undo",
    "clients.address": "clients.show",
    "clients.copy": "clients.show",
    "team.copy": "team.list",
    "templates.copy": "services.list",
    "jobs.address": "jobs.list",
    "jobs.copy": "jobs.list",
}
"""Commands without a verb, each with the command whose verb does or shows the same."""

NOT_REPEATED = frozenset(["yes", "review"])
"""Parameters that record how the console asked; on the command line, the user is asked again."""

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


def command_line(command: Command[Any], params: msgspec.Struct, *, before: tuple[str, ...] = ()) -> str:
    """Return the command line of a call, with every option that differs from its default.

    Args:
        command: The command.
        params: The parameters of the call.
        before: Global options, such as those that name the home and the practice.
    """
    shown = command if command.verb else by_name(EQUIVALENTS[command.name])
    options: list[str] = []
    arguments: list[str] = []
    for param in list_params(shown.params):
        value = getattr(params, param.name, param.default)
        if command.name == "clients.undo" and param.name == "run":
            value = "last"
        if param.name in NOT_REPEATED or (not param.required and value == param.default):
            continue
        if param.hint.argument:
            arguments += _texts(param, value)
        elif param.kind is bool:
            options.append(param.flag)
        else:
            options += [word for text in _texts(param, value) for word in (param.flag, text)]
    words = [PROGRAM, *before, *shown.verb, *options]
    if any(argument.startswith("-") and argument != "-" for argument in arguments):
        words.append("--")
    return shlex.join([*words, *_without_secret(shown, arguments)])


def _texts(param: Param, value: Any) -> list[str]:
    return [str(each) for each in (value if param.many else (value,)) if each is not None]


def _without_secret(command: Command[Any], arguments: list[str]) -> list[str]:
    """Return the arguments without the value of a secret setting."""
    if command.name != "settings.set" or len(arguments) < 2:
        return arguments
    try:
        secret = schema.entry(arguments[0]).secret
    except BadInput:
        return arguments
    return [arguments[0], SECRET_VALUE] if secret else arguments
