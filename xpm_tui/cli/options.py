"""The options of every verb, accepted before or after its words; the last one on the line wins.

The values of the global options, wherever they are on the command line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import click

import xpm_tui
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.cli import completion

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


_KEY = "xpm_tui.globals"


class Globals(NamedTuple):
    """Values of the global options; an option that was not given is empty."""

    home: str = ""
    practice: str = ""
    json: bool = False
    read_only: bool = False
    person: str = ""
    settings: Mapping[str, str] = {}
    plain: bool = False
    quiet: bool = False


def collected(ctx: click.Context) -> Globals:
    """Return the values of all global options given so far."""
    return Globals(**ctx.meta.get(_KEY, {}))


def remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Store an option's value for the command; the last one on the line wins."""
    if not value:
        return
    name = str(param.name)[1:]
    known = ctx.meta.setdefault(_KEY, {})
    if name == "settings":
        value = {**known.get(name, {}), **dict(_pair(ctx, text) for text in value)}
    known[name] = value


def _pair(ctx: click.Context, text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise click.BadParameter(f"'{text}' is not KEY=VALUE.", ctx=ctx, param_hint="--set")
    return key.strip(), value


class GlobalOption(click.Option):
    """An option that all verbs share, listed separately in the help."""


def global_options() -> list[click.Parameter]:
    """Return new options for one command; their values are stored in the context, not passed to it."""
    return [
        _option(
            ["--home"],
            "home",
            metavar="DIR",
            help="Keep configuration, data and state under DIR.",
            type=click.Path(file_okay=False),
        ),
        _option(
            ["--practice"],
            "practice",
            metavar="NAME",
            help="Work on this practice.",
            shell_complete=_practices,
        ),
        _option(["--json"], "json", is_flag=True, help="Print JSON."),
        _option(
            ["--read-only"],
            "read_only",
            is_flag=True,
            help="Read-only: show everything, change nothing.",
        ),
        _option(["--quiet", "-q"], "quiet", is_flag=True, help="Show no progress on the terminal."),
        _option(["--as"], "person", metavar="NAME", help="Your name, for the log."),
        _option(
            ["--set"],
            "settings",
            metavar="KEY=VALUE",
            multiple=True,
            help="Override a setting for this call.",
            shell_complete=_overrides,
        ),
        _option(
            ["--plain"],
            "plain",
            is_flag=True,
            help="Use the console line by line, for screen readers, instead of full screen.",
        ),
        GlobalOption(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_version,
            help="Show the version and exit.",
        ),
    ]


def _option(flags: list[str], name: str, **more: Any) -> GlobalOption:
    return GlobalOption([*flags, f"_{name}"], expose_value=False, is_eager=True, callback=remember, **more)


def _practices(ctx: click.Context, param: click.Parameter, typed: str) -> list[CompletionItem]:
    """Return the names of practices; completion is only imported here."""
    offer = completion.completer("practice")
    return offer(ctx, param, typed) if offer else []


def _overrides(ctx: click.Context, param: click.Parameter, typed: str) -> list[CompletionItem]:
    """Return completions of ``KEY=VALUE``."""
    offer = completion.completer("override")
    return offer(ctx, param, typed) if offer else []


def _version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        click.echo(xpm_tui.VERSION_LINE)
        ctx.exit()
