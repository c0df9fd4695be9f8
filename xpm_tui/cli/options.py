"""The options that every verb takes, before or after its words; the one nearest to the end wins."""

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
    """What the global options said; an empty text: not given."""

    home: str = ""
    practice: str = ""
    json: bool = False
    read_only: bool = False
    person: str = ""
    settings: Mapping[str, str] = {}


class GlobalOption(click.Option):
    """An option that is the same for every verb, listed apart in help."""


def collected(ctx: click.Context) -> Globals:
    """All global options given so far, wherever they stood."""
    return Globals(**ctx.meta.get(_KEY, {}))


def global_options() -> list[click.Parameter]:
    """Fresh options for one command; their values go to the context, not to the command."""
    return [
        _option(
            ["--home"],
            "home",
            metavar="DIR",
            help="Keep config, data and state under DIR.",
            type=click.Path(file_okay=False),
        ),
        _option(
            ["--practice"],
            "practice",
            metavar="NAME",
            help="Work on this practice.",
            shell_complete=_practices,
        ),
        _option(["--json"], "json", is_flag=True, help="Answer in JSON."),
        _option(
            ["--read-only"],
            "read_only",
            is_flag=True,
            help="Read-only: show everything, change nothing.",
        ),
        _option(["--as"], "person", metavar="NAME", help="Who does this, for the log."),
        _option(["--set"], "settings", metavar="KEY=VALUE", multiple=True, help="Use this setting for once."),
        GlobalOption(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_version,
            help="Show the version and leave.",
        ),
    ]


def _option(flags: list[str], name: str, **more: Any) -> GlobalOption:
    return GlobalOption([*flags, f"_{name}"], expose_value=False, is_eager=True, callback=_remember, **more)


def _practices(ctx: click.Context, param: click.Parameter, typed: str) -> list[CompletionItem]:
    """What a shell offers, loaded when one asks."""

    offer = completion.completer("practice")
    return offer(ctx, param, typed) if offer else []


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
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


def _version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        click.echo(f"xpm-tui {xpm_tui.__version__}")
        ctx.exit()
