"""What a shell offers for a value: ids, settings, practices. It never fails and never writes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import click
from click.shell_completion import CompletionItem

from xpm_tui.acts.params import Completes
from xpm_tui.cli.options import collected
from xpm_tui.model.text import visible

MOST = 50

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def completer(kind: Completes) -> Complete | None:
    """The function that click asks, where there is something to offer."""
    if kind in ("", "file"):
        return None

    def complete(ctx: click.Context, param: click.Parameter, typed: str) -> list[CompletionItem]:
        try:
            found = []
            for value, about in _SOURCES[kind](ctx):
                if value.casefold().startswith(typed.casefold()):
                    found.append(CompletionItem(value, help=visible(about, 60)))
                if len(found) >= MOST:
                    break
            return found
        except Exception:  # a shell that waits for its completion wants no error in between
            return []

    return complete


def _settings(ctx: click.Context) -> Iterator[tuple[str, str]]:
    from xpm_tui.settings.schema import SCHEMA

    return ((entry.key, entry.help) for entry in SCHEMA)


def _practices(ctx: click.Context) -> Iterator[tuple[str, str]]:
    from xpm_tui.service.home import find_home, practices

    return ((name, "") for name in practices(find_home(collected(ctx).home or None, os.environ)))


def _table(name: str) -> Callable[[click.Context], Iterator[tuple[str, str]]]:
    def rows(ctx: click.Context) -> Iterator[tuple[str, str]]:
        from xpm_tui.model import tables
        from xpm_tui.service.home import find_home
        from xpm_tui.service.practice import open_practice

        given = collected(ctx)
        home = find_home(given.home or None, os.environ)
        with open_practice(home, given.practice or None, read_only=True, lenient=True) as practice:
            for row in practice.snapshot().rows(getattr(tables, name)):
                yield row.id, getattr(row, "name", "") or getattr(row, "outcome", "")

    return rows


_SOURCES: dict[str, Callable[[click.Context], Iterator[tuple[str, str]]]] = {
    "client": _table("CLIENTS"),
    "member": _table("TEAM"),
    "plan": _table("PLANS"),
    "run": _table("RUNS"),
    "setting": _settings,
    "practice": _practices,
}
