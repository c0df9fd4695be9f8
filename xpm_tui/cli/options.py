"""The global options, which every verb accepts before or after its words; the last one on the line wins."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

import xpm_tui
from xpm_tui.cli.console import Globals
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.cli import completion, json_answers

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


_KEY = "xpm_tui.globals"


def collected(ctx: click.Context) -> Globals:
    """Return the values of all global options given so far."""
    return Globals(**ctx.meta.get(_KEY, {}))


def remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Store the value of an option in the context; the last one on the line wins."""
    if not value:
        return
    name = str(param.name)[1:]
    known = ctx.meta.setdefault(_KEY, {})
    if name == "settings":
        value = {**known.get(name, {}), **dict(_setting_pair(ctx, text) for text in value)}
    known[name] = value


def take_fields(
    ctx: click.Context, words: list[str], verb: str, is_verb: Callable[[str], bool] | None = None
) -> list[str]:
    """Store the list of fields after ``--json``, as in gh, and return the other words.

    ``--json=id,name`` is always a list. A separate word is a list if the verb cannot take it as an argument,
    or if it names several fields of which at least one is in the verb's answer.

    Args:
        ctx: The context of the verb; the fields are stored there.
        words: The words after the verb.
        verb: The verb whose answer is printed.
        is_verb: For a group of verbs: returns whether a word is one of them, whose own words then follow.
    """
    rest: list[str] = []
    for at, word in enumerate(words):
        if word == "--" or (is_verb is not None and is_verb(word)):
            return [*rest, *words[at:]]
        head, equals, text = word.partition("=")
        after = words[at + 1 : at + 2]
        if head == "--json" and equals:
            if not json_answers.is_list(text):
                raise click.BadParameter(f"'{text}' is not FIELD,FIELD,...", ctx=ctx, param_hint="--json")
            if is_verb is None and not verb:
                raise click.BadParameter("It has no fields to choose from.", ctx=ctx, param_hint="--json")
            _remember_fields(ctx, text)
        elif word == "--json" and after and _is_fields(ctx, after[0], words, at, verb, is_verb):
            _remember_fields(ctx, after[0])
            return take_fields(ctx, [*rest, word, *words[at + 2 :]], verb, is_verb)
        rest.append(head if head == "--json" else word)
    return rest


def _remember_fields(ctx: click.Context, text: str) -> None:
    ctx.meta.setdefault(_KEY, {})["fields"] = tuple(dict.fromkeys(text.split(",")))


def _is_fields(
    ctx: click.Context,
    text: str,
    words: list[str],
    at: int,
    verb: str,
    is_verb: Callable[[str], bool] | None,
) -> bool:
    if not json_answers.is_list(text) or (is_verb is not None and (not verb or is_verb(text))):
        return False
    if "," in text and not set(text.split(",")).isdisjoint(json_answers.known_fields(verb)):
        return True
    if is_verb is not None:  # a single word may be a mistyped verb
        return "," in text or text in json_answers.known_fields(verb)
    try:
        _, extra, _ = ctx.command.make_parser(ctx).parse_args([*words[:at], *words[at + 1 :]])
    except click.UsageError:
        return False
    return bool(extra)


def _setting_pair(ctx: click.Context, text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise click.BadParameter(f"'{text}' is not KEY=VALUE.", ctx=ctx, param_hint="--set")
    return key.strip(), value


class GlobalOption(click.Option):
    """An option that all verbs share, listed separately in the help."""


class JsonOption(GlobalOption):
    """``--json``, which a list of fields may follow (:func:`take_fields`)."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the option with its list of fields, which click does not know."""
        return "--json [FIELD,...]", self.help or ""


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
        JsonOption(
            ["--json", "_json"],
            is_flag=True,
            expose_value=False,
            is_eager=True,
            callback=remember,
            help="Print JSON; with a list of fields, only these.",
        ),
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
            ["--version", "-V"],
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
    """Return completions of practice names."""
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
