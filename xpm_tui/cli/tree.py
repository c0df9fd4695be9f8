"""The click classes of the command line: documented arguments, verbs, groups, and the root."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Any

import click

from xpm_tui.cli.options import GlobalOption, take_fields
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.commands import verb_index


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
        """Parse the words, after the fields of ``--json`` have been taken out."""
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
"""Words of other command lines that a group understands if it has the verb, and no verb of that name."""


class VerbGroup(Verb, click.Group):
    """A group of verbs that may also be a verb itself (``plan``)."""

    def __init__(self, **more: Any) -> None:
        self.old_names: dict[str, str] = {}
        """Earlier names of its verbs with the current ones; they work, but help and completion hide them."""
        super().__init__(**more)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words up to the next verb, after the fields of ``--json`` have been taken out."""
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
    """The root of all verbs, which are built when they are needed. Help takes their titles from the index.

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
        """Return the command of this name; unless all are there, only its own modules are loaded."""
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
