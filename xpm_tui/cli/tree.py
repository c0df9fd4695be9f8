"""The click classes of the command line, and the tree of verbs that is generated from the commands.

A verb's words, arguments, options, help and examples come from its command.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from xpm_tui.cli.options import GlobalOption, global_options, take_fields
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.cli import completion
    from xpm_tui.commands import command as definition
    from xpm_tui.commands import verb_index

if TYPE_CHECKING:
    from xpm_tui.commands.command import Command, Param


class Positional(click.Argument):
    """An argument with a help text."""

    def __init__(self, declarations: Sequence[str], *, text: str, **more: Any) -> None:
        super().__init__(declarations, **more)
        self.text = text


class Verb(click.Command):
    """A click command whose help lists arguments, own options and global options separately.

    Its parameters are built on demand: there are a hundred commands, and one of them is called.
    """

    def __init__(
        self, *, parameters: Callable[[], list[click.Parameter]], answers: str = "", **more: Any
    ) -> None:
        self.answers = answers
        """The verb whose answer ``--json`` prints."""
        self._parameters: Callable[[], list[click.Parameter]] | None = parameters
        super().__init__(**more)

    @property
    def params(self) -> list[click.Parameter]:
        """The arguments and options, in the order of the help."""
        build, self._parameters = self._parameters, None
        if build is not None:
            self._params = build()
        return self._params

    @params.setter
    def params(self, params: list[click.Parameter]) -> None:
        self._params = params

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words without the fields of ``--json``."""
        return super().parse_args(ctx, take_fields(ctx, args, self.answers))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the three sections that are not empty."""
        params = self.get_params(ctx)
        arguments = [(p.make_metavar(ctx), p.text) for p in params if isinstance(p, Positional)]
        options = [p for p in params if isinstance(p, click.Option)]
        own = [p.get_help_record(ctx) for p in options if not isinstance(p, GlobalOption)]
        shared = [p.get_help_record(ctx) for p in options if isinstance(p, GlobalOption)]
        for title, rows in (("Arguments", arguments), ("Options", own), ("Global options", shared)):
            shown = [row for row in rows if row]
            if shown:
                with formatter.section(title):
                    formatter.write_dl(shown)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the example without wrapping."""
        if self.epilog:
            with formatter.section("Example"):
                for line in self.epilog.splitlines():
                    formatter.write(" " * formatter.current_indent + line + "\n")


HABITS = {"ls": "list", "rm": "delete"}
"""Words of other command lines that a group also accepts, if it has the verb and none of that name."""


class VerbGroup(Verb, click.Group):
    """A group of verbs that may also be a verb itself (``plan``)."""

    def __init__(self, **more: Any) -> None:
        self.old_names: dict[str, str] = {}
        """Earlier names of its verbs with the current ones; they work, but help and completion hide them."""
        super().__init__(**more)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words up to the next verb, without the fields of ``--json``."""
        return click.Group.parse_args(self, ctx, take_fields(ctx, args, self.answers, self.has_verb))

    def has_verb(self, word: str) -> bool:
        """Return whether a word is one of its verbs."""
        return word in self.commands or word in self.old_names or word in HABITS

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of this name, or of the name that replaced it."""
        found = super().get_command(ctx, cmd_name)
        if found is None and cmd_name in self.old_names:
            found = super().get_command(ctx, self.old_names[cmd_name])
        return found or super().get_command(ctx, HABITS.get(cmd_name, ""))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands first, because users look for them."""
        self.format_commands(ctx, formatter)
        Verb.format_options(self, ctx, formatter)


class RootGroup(VerbGroup):
    """The root of all verbs, which are built when they are needed; help takes their titles from the index.

    Args:
        build: Returns all verbs and groups by name; for a word, those of the modules that define it.
        more: Further arguments of ``Verb``.
    """

    def __init__(self, *, build: Callable[[str], Mapping[str, click.Command]], **more: Any) -> None:
        self._build = build
        self._commands: MutableMapping[str, click.Command] = {}
        super().__init__(**more)

    @property
    def commands(self) -> MutableMapping[str, click.Command]:
        """The verbs and groups, by name."""
        if not self._commands:
            self._commands = dict(self._build(""))
            self.old_names.update(verb_index.OLD_NAMES)
        return self._commands

    @commands.setter
    def commands(self, commands: MutableMapping[str, click.Command]) -> None:
        self._commands = commands

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of this name, and load only the modules that define it."""
        name = verb_index.OLD_NAMES.get(cmd_name, cmd_name)
        if self._commands or name not in verb_index.VERBS:
            return super().get_command(ctx, name)
        return self._build(name).get(name)

    def has_verb(self, word: str) -> bool:
        """Return whether a word is the first of a verb, without loading any."""
        return word in verb_index.VERBS or word in verb_index.OLD_NAMES

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the first words of all verbs, in the order of the help."""
        return sorted(verb_index.VERBS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the verbs with their short help."""
        with formatter.section("Commands"):
            formatter.write_dl([(word, title) for word, (title, _) in sorted(verb_index.VERBS.items())])


Perform = Callable[[click.Context, "Command[Any]", dict[str, Any]], None]


def add_commands(
    root: VerbGroup,
    commands: Sequence[Command[Any]],
    titles: Mapping[str, str],
    perform: Perform,
) -> None:
    """Add a click command for each command with a verb.

    Args:
        root: The group to which they are added.
        commands: The commands.
        titles: The titles of the groups.
        perform: Runs a command.
    """
    commands = [command for command in commands if command.verb]
    groups: dict[tuple[str, ...], VerbGroup] = {(): root}
    for command in commands:
        for depth in range(1, len(command.verb)):
            words = command.verb[:depth]
            if words not in groups:
                groups[words] = _group(words, commands, titles, perform)
                groups[words[:-1]].add_command(groups[words], words[-1])
    for command in commands:
        if command.verb in groups:
            continue
        parent = groups[command.verb[:-1]]
        parent.add_command(_verb(command, perform), command.verb[-1])
        for alias in command.aliases:
            parent.add_command(_verb(command, perform, other_name_of=command.verb[-1]), alias)


def add_old_names(root: VerbGroup, renamed: Mapping[tuple[str, ...], str]) -> None:
    """Make the earlier words of verbs work.

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
    words: tuple[str, ...], commands: Sequence[Command[Any]], titles: Mapping[str, str], perform: Perform
) -> VerbGroup:
    itself = next((command for command in commands if command.verb == words), None)
    alone = itself or next(
        (command for command in commands if command.verb[:-1] == words and command.default), None
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
    return [_argument(p) if p.hint.argument else _option(p) for p in definition.list_params(command.params)]


def _argument(param: Param) -> Positional:
    return Positional(
        [param.name],
        text=param.help,
        required=param.required,
        nargs=-1 if param.many else 1,
        metavar=param.hint.placeholder or param.name.upper(),
        type=_type(param),
        shell_complete=completion.completer(param.hint.completes),
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
        shell_complete=completion.completer(param.hint.completes),
    )


def _type(param: Param) -> click.ParamType[Any] | type:
    if param.choices:
        return click.Choice([choice for choice in param.choices if choice])
    if param.hint.completes == "file":
        return click.Path()
    return param.kind
