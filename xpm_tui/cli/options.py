"""The options that every verb takes, before or after its words; the one nearest to the end wins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

import xpm_tui
from xpm_tui.cli.global_values import remember
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.cli import completion

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class GlobalOption(click.Option):
    """An option that is the same for every verb, listed apart in help."""


def global_options() -> list[click.Parameter]:
    """Fresh options for one command; their values go to the context, not to the command."""
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
        _option(["--quiet"], "quiet", is_flag=True, help="Show no progress on the terminal."),
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
            help="Console line by line, for screen readers: no full screen.",
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
    """What a shell offers, loaded when one asks."""
    offer = completion.completer("practice")
    return offer(ctx, param, typed) if offer else []


def _overrides(ctx: click.Context, param: click.Parameter, typed: str) -> list[CompletionItem]:
    """``KEY=VALUE`` for a shell."""
    offer = completion.completer("override")
    return offer(ctx, param, typed) if offer else []


def _version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        click.echo(f"xpm-tui {xpm_tui.__version__}")
        ctx.exit()
