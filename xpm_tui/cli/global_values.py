"""What the global options said, wherever they stood on the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import click

_KEY = "xpm_tui.globals"


class Globals(NamedTuple):
    """Values of the global options; an empty text means that the option was not given."""

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
    """Keep an option's value for the command; the one nearest to the end of the line wins."""
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
