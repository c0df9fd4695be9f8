"""Generates the man page from the commands: ``python -m xpm_tui.cli.manual > man/xpm-tui.1``.

It only uses macros of man(7), so that both groff and mandoc can show it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

import click

import xpm_tui
from xpm_tui.cli.console import NoConsole
from xpm_tui.cli.main import build_root
from xpm_tui.cli.options import GlobalOption
from xpm_tui.cli.tree import Positional
from xpm_tui.settings.schema import SCHEMA

EXITS: tuple[tuple[str, str], ...] = (
    ("0", "Done."),
    ("1", "Partly done: some records failed."),
    ("2", "The command line or a file is invalid."),
    ("3", "Not connected, or a new login is needed."),
    ("4", "Waiting for your decision: the guard, a conflict, a choice to make."),
    ("5", "Another process is using the practice."),
    ("6", "Today's calls are used up. The message says when you can continue."),
    ("7", "Xero cannot be reached."),
    ("8", "The data cannot be read, or the disk cannot be written."),
    ("70", "An internal error of xpm-tui. The message names the file with the details."),
    ("130, 143", "Stopped by a signal. A run that was in progress can be resumed."),
)
"""The exit codes and their meanings."""

ENVIRONMENT: tuple[tuple[str, str], ...] = (
    ("XPM_TUI_HOME", "Keep configuration, data and state under this folder. The option --home overrides it."),
    ("XPM_TUI_USER", "Your name, for the log. The option --as overrides it."),
    ("XPM_TUI_KEY_FILE", "A file with the key that encrypts the login, for machines without a keyring."),
    ("HTTPS_PROXY, NO_PROXY", "The proxy for calls to Xero, and the hosts that do not use it."),
    ("SSL_CERT_FILE", "Certificate authorities to trust, such as that of a company proxy."),
    ("NO_COLOR", "If it is set, the console uses no colours."),
    (
        "XDG_CONFIG_HOME, XDG_DATA_HOME, XDG_STATE_HOME",
        "The folders for the configuration, data and state of an account.",
    ),
)

FILES: tuple[tuple[str, str], ...] = (
    ("~/.config/xpm-tui/settings.toml", "Settings for all practices of this account."),
    (
        "~/.config/xpm-tui/practices/NAME/settings.toml",
        "Settings of one practice, which override those for all practices.",
    ),
    (
        "~/.local/share/xpm-tui/practices/NAME/book/",
        "The data: clients, contacts, links, runs, earlier values.",
    ),
    ("~/.local/state/xpm-tui/practices/NAME/", "The encrypted login, the log, locks and call times."),
)

_ESCAPES = {
    "\\": "\\(rs", "-": "\\-", "'": "\\(aq", '"': "\\(dq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti"
}  # fmt: skip

_DESCRIPTION = (
    "xpm-tui keeps the clients of Ignition and Xero Practice Manager (XPM) in step. Every sync is "
    "planned first: you see each change with its old value, its new value and the rule behind it. "
    "What a run wrote can be undone.",
    "Without a command, the console opens. It works from the keyboard alone, from 80 columns, and "
    "over SSH. Every action of the console is also a command. Data goes to standard output, "
    "messages to standard error; with --json, the last line is one object with the outcome.",
    "Global options can come before or after the words of a command; the last one counts.",
)


def manual_page() -> str:
    """Return the whole page in roff."""
    tree = build_root(NoConsole())
    context = click.Context(tree, info_name="xpm-tui")
    return "".join(f"{line}\n" for line in _page(tree, context))


def _page(tree: click.Group, context: click.Context) -> Iterator[str]:
    yield '.\\" Made from the commands: python -m xpm_tui.cli.manual > man/xpm-tui.1. Do not edit.'
    yield f'.TH XPM\\-TUI 1 "" "xpm\\-tui {xpm_tui.__version__}" "User Commands"'
    yield from (".SH NAME", "xpm\\-tui \\- join Ignition and Xero Practice Manager")
    yield from (".SH SYNOPSIS", ".B xpm\\-tui")
    yield "[\\fIoptions\\fR] [\\fIcommand\\fR [\\fIarguments\\fR]]"
    yield ".SH DESCRIPTION"
    yield from _paragraphs(_DESCRIPTION)
    yield ".SH COMMANDS"
    for name in sorted(tree.commands):
        yield from _command(tree.commands[name], context, (name,))
    yield ".SH GLOBAL OPTIONS"
    yield from _options(tree, context, shared=True)
    yield ".SH EXIT STATUS"
    yield from _terms(EXITS)
    yield ".SH ENVIRONMENT"
    yield from _terms(ENVIRONMENT)
    yield from (".PP", "Every setting has an environment variable, which overrides the files:")
    yield from _terms((entry.env, f"{entry.key}. {entry.help}") for entry in SCHEMA)
    yield ".SH FILES"
    yield from _terms(FILES)
    yield from (".PP", text("'xpm-tui locate' prints the folders that are used here."))
    yield ".SH EXAMPLES"
    yield from _terms(
        (
            ("xpm-tui demo", "Try everything with sample clients and a local Xero."),
            ("xpm-tui plan", "See what a sync would change, and why."),
            ("xpm-tui sync --plan last", "Apply that plan."),
            ("xpm-tui undo last", "Undo the last run."),
            ("xpm-tui doctor", "Find out what is wrong and how to fix it."),
        )
    )


def _command(command: click.Command, above: click.Context, words: tuple[str, ...]) -> Iterator[str]:
    """Yield a group with its verbs as a subsection, or a single verb."""
    context = click.Context(command, info_name=words[-1], parent=above)
    if len(words) == 1:
        yield f'.SS "{text(words[0])}"'
    if isinstance(command, click.Group):
        if command.callback is None:
            yield from _paragraphs([command.help or ""])
        else:
            yield from _verb(command, context, words)
        for name in command.commands:
            yield from _command(command.commands[name], context, (*words, name))
    else:
        yield from _verb(command, context, words)


def _verb(command: click.Command, context: click.Context, words: tuple[str, ...]) -> Iterator[str]:
    places = [p for p in command.get_params(context) if isinstance(p, Positional)]
    usage = " ".join(f"\\fI{text(place.make_metavar(context))}\\fR" for place in places)
    yield ".TP"
    yield f"\\fBxpm\\-tui {text(' '.join(words))}\\fR {usage}".rstrip()
    yield text(command.help or "")
    yield ".RS"
    yield from _terms((place.make_metavar(context), place.text) for place in places)
    yield from _options(command, context, shared=False)
    if command.epilog:
        yield from (".PP", "Example:", ".PP", ".nf", ".RS")
        yield from (text(line) for line in command.epilog.splitlines())
        yield from (".RE", ".fi")
    yield ".RE"


def _options(command: click.Command, context: click.Context, *, shared: bool) -> Iterator[str]:
    for param in command.get_params(context):
        if isinstance(param, click.Option) and isinstance(param, GlobalOption) is shared:
            record = param.get_help_record(context)
            if record and "--help" not in param.opts:
                yield from _terms([record])


def _terms(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    for term, meaning in rows:
        yield from (".TP", f"\\fB{text(term)}\\fR", text(meaning))


def _paragraphs(texts: Iterable[str]) -> Iterator[str]:
    for each in texts:
        yield from (".PP", text(each))


def text(words: str) -> str:
    """Return a text for roff.

    Nothing in it is interpreted as a request or an escape; quotes are unchanged, and non-ASCII characters are
    named.
    """
    escaped = "".join(_ESCAPES.get(c, c if c.isascii() else f"\\[u{ord(c):04X}]") for c in _one_line(words))
    return f"\\&{escaped}" if escaped.startswith(".") else escaped


def _one_line(words: str) -> str:
    return " ".join(words.split())


if __name__ == "__main__":
    sys.stdout.write(manual_page())
