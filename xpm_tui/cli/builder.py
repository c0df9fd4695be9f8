"""Generates the click commands: their words, arguments, options, help and examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from xpm_tui.cli.completion import completer
from xpm_tui.cli.options import global_options
from xpm_tui.cli.tree import Positional, Verb, VerbGroup
from xpm_tui.commands.command import Command, Param, read

Perform = Callable[[click.Context, Command[Any], dict[str, Any]], None]


def add_commands(
    root: VerbGroup,
    acts: Sequence[Command[Any]],
    titles: Mapping[str, str],
    perform: Perform,
) -> None:
    """Add a click command for each command with a verb.

    Args:
        root: The group to which they are added.
        acts: The commands.
        titles: The titles of the groups.
        perform: Runs a command.
    """
    spoken = [command for command in acts if command.verb]
    groups: dict[tuple[str, ...], VerbGroup] = {(): root}
    for command in spoken:
        for depth in range(1, len(command.verb)):
            words = command.verb[:depth]
            if words not in groups:
                groups[words] = _group(words, spoken, titles, perform)
                groups[words[:-1]].add_command(groups[words], words[-1])
    for command in spoken:
        if command.verb in groups:
            continue
        parent = groups[command.verb[:-1]]
        parent.add_command(_verb(command, perform), command.verb[-1])
        for alias in command.aliases:
            parent.add_command(_verb(command, perform, other_name_of=command.verb[-1]), alias)


def add_old_names(root: VerbGroup, renamed: Mapping[tuple[str, ...], str]) -> None:
    """Let the earlier words of verbs work.

    Args:
        root: The root of all verbs; groups that it does not have are left out.
        renamed: The earlier words, each with the last word that replaced them.
    """
    for (*above, last), today in renamed.items():
        group: click.Command | None = root
        for word in above:
            group = group.commands.get(word) if isinstance(group, VerbGroup) else None
        if isinstance(group, VerbGroup):
            group.old_names[last] = today


def _group(
    words: tuple[str, ...], acts: Sequence[Command[Any]], titles: Mapping[str, str], perform: Perform
) -> VerbGroup:
    itself = next((command for command in acts if command.verb == words), None)
    alone = itself or next(
        (command for command in acts if command.verb[:-1] == words and command.default), None
    )
    return VerbGroup(
        name=words[-1],
        help=itself.help if itself else titles[" ".join(words)],
        short_help=itself.title if itself else titles[" ".join(words)],
        epilog=alone.example if alone else "",
        parameters=lambda: [*(_params(itself) if itself else []), *global_options()],
        answers=" ".join(alone.verb) if alone else "",
        callback=_callback(alone, perform) if alone else None,
        invoke_without_command=alone is not None,
        no_args_is_help=alone is None,
    )


def _verb(command: Command[Any], perform: Perform, other_name_of: str = "") -> Verb:
    return Verb(
        name=command.verb[-1],
        help=command.help,
        short_help=f"The same as '{other_name_of}'." if other_name_of else command.title,
        epilog=command.example,
        answers=" ".join(command.verb),
        parameters=lambda: [*_params(command), *global_options()],
        callback=_callback(command, perform),
    )


def _callback(command: Command[Any], perform: Perform) -> Callable[..., None]:
    @click.pass_context
    def run(ctx: click.Context, /, **values: Any) -> None:
        if ctx.invoked_subcommand is None:
            perform(ctx, command, values)

    return run


def _params(command: Command[Any]) -> list[click.Parameter]:
    return [_argument(p) if p.hint.argument else _option(p) for p in read(command.params)]


def _argument(param: Param) -> Positional:
    return Positional(
        [param.name],
        text=param.help,
        required=param.required,
        nargs=-1 if param.many else 1,
        metavar=param.hint.placeholder or param.name.upper(),
        type=_type(param),
        shell_complete=completer(param.hint.completes),
    )


SHORT = {"dry_run": ("-n",), "follow": ("-f",), "last": ("-n",), "limit": ("-L",)}
"""Short forms of options by the name of the parameter, those of rclone, gh and tail."""


def _option(param: Param) -> click.Option:
    flags = [*SHORT.get(param.name, ()), param.flag, param.name]
    if param.kind is bool:
        return click.Option(flags, is_flag=True, default=False, help=param.help)
    return click.Option(
        flags,
        required=param.required,
        multiple=param.many,
        metavar=param.hint.placeholder or (None if param.choices else param.name.upper()),
        help=param.help,
        type=_type(param),
        shell_complete=completer(param.hint.completes),
    )


def _type(param: Param) -> click.ParamType[Any] | type:
    if param.choices:
        return click.Choice([choice for choice in param.choices if choice])
    if param.hint.completes == "file":
        return click.Path()
    return param.kind
