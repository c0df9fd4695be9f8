"""Shell completion of values such as ids, settings and practices; it never fails and never writes.

The classes here replace click's where those fall short: ``--option=value`` is one word in zsh and fish, so
completions start with the option, and three words in bash; in fish, descriptions may contain commas.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Literal

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
)

from xpm_tui.cli.options import collected
from xpm_tui.commands.command import Completes
from xpm_tui.domain.safe_text import visible
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application import home as application_home
    from xpm_tui.application import practice as application_practice
    from xpm_tui.domain import tables
    from xpm_tui.settings import kinds, schema

MOST = 50
"""The most completions that are offered."""

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def completer(kind: Completes | Literal["override"]) -> Complete | None:
    """Return click's completion function for a kind of value; None if there are no completions."""
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
        except Exception:  # an error message would disturb the shell while it waits
            return []

    return complete


def _settings(ctx: click.Context) -> Iterator[tuple[str, str]]:
    return ((entry.key, entry.help) for entry in schema.SCHEMA)


def _values(ctx: click.Context) -> Iterator[tuple[str, str]]:
    """Return the values of the setting that was typed before."""
    entry = schema.BY_KEY[str(ctx.params["key"]).strip().casefold()]
    default = kinds.format_value(entry.default)
    return ((name, "the default" if name == default else "") for name in entry.kind.choices)


def _overrides(ctx: click.Context) -> Iterator[tuple[str, str]]:
    """Yield ``KEY=VALUE`` for ``--set``: with each value of a setting if its values are known."""
    for entry in schema.SCHEMA:
        for name in entry.kind.choices or ("",):
            yield f"{entry.key}={name}", entry.help


def _practices(ctx: click.Context) -> Iterator[tuple[str, str]]:
    return (
        (name, "")
        for name in application_home.practices(
            application_home.find_home(collected(ctx).home or None, os.environ)
        )
    )


def _table(name: str) -> Callable[[click.Context], Iterator[tuple[str, str]]]:
    def rows(ctx: click.Context) -> Iterator[tuple[str, str]]:
        given = collected(ctx)
        home = application_home.find_home(given.home or None, os.environ)
        with application_practice.open_practice(
            home, given.practice or None, read_only=True, lenient=True
        ) as practice:
            for row in practice.snapshot().rows(getattr(tables, name)):
                yield row.id, getattr(row, "name", "") or getattr(row, "outcome", "")

    return rows


_SOURCES: dict[str, Callable[[click.Context], Iterator[tuple[str, str]]]] = {
    "client": _table("CLIENTS"),
    "member": _table("TEAM"),
    "plan": _table("PLANS"),
    "run": _table("RUNS"),
    "setting": _settings,
    "value": _values,
    "override": _overrides,
    "practice": _practices,
}


USE = {
    "bash": 'eval "$(xpm-tui completion bash)"',
    "zsh": 'eval "$(xpm-tui completion zsh)"',
    "fish": "xpm-tui completion fish | source",
}
"""The line that enables completion in a shell, now or from its start-up file."""

_FISH = """\
function %(complete_func)s
    set -l word (commandline -ct)
    set -l response (env %(complete_var)s=fish_complete COMP_WORDS=(commandline -cp | string collect) \\
        COMP_CWORD=$word %(prog_name)s)
    set -l before (string match -r -- '^--[^=]*=' $word; or echo "")
    for completion in $response
        set -l parts (string split -m 1 -- "," $completion)
        switch $parts[1]
            case dir
                for path in (__fish_complete_directories $parts[2] "")
                    echo $before$path
                end
            case file
                for path in (__fish_complete_path $parts[2] "")
                    echo $before$path
                end
            case plain
                echo $parts[2]
        end
    end
end
complete --no-files --command %(prog_name)s --arguments "(%(complete_func)s)"
"""


class Bash(BashComplete):
    """Completion for bash, which splits words at ``=``."""

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the previous words, joined again at each ``=``, and the word being typed."""
        args, typed = super().get_completion_args()
        words: list[str] = []
        for word in (*args, typed):
            if words and (word == "=" or words[-1].endswith("=")):
                words[-1] += word
            else:
                words.append(word)
        return words[:-1], words[-1]


class _WholeWordComplete(ShellComplete):
    """Completion for shells that replace the whole word, so that the option is part of it."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
        """Return completions with the option before each value; the shell completes paths itself."""
        option, equals, _ = incomplete.partition("=")
        found = super().get_completions(args, incomplete)
        if not (equals and option.startswith("--")):
            return found
        return [
            CompletionItem(f"{option}={each.value}", each.type, each.help) if each.type == "plain" else each
            for each in found
        ]


class Zsh(_WholeWordComplete, ZshComplete):
    """Completion for zsh."""

    def source(self) -> str:
        """Return click's script, changed so that the path in ``--option=path`` is completed."""
        return super().source().replace("    _path_files", "    compset -P '--*='; _path_files")


class Fish(_WholeWordComplete, FishComplete):
    """Completion for fish: one line per completion, with the description after a tab."""

    source_template = _FISH

    def format_completion(self, item: CompletionItem[str]) -> str:
        """Return kind, value and description, without line breaks, which would start another completion."""
        about = " ".join((item.help or "").split())
        return f"{item.type},{item.value}" + (f"\t{about}" if about else "")


def register() -> None:
    """Register these classes with click."""
    for kind in (Bash, Zsh, Fish):
        add_completion_class(kind)
