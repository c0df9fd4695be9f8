"""The command line: arguments in, exit code out, never a traceback.

Exit codes: 0 done, 1 done in part, 2 usage, 3 not connected, 4 held for a person, 5 busy, 6 allowance used
up, 7 Xero out of reach, 8 the book cannot be read; 128 and the signal's number when a signal ended it.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Sequence

import click

from xpm_tui.acts.registry import ACTS, GROUPS
from xpm_tui.cli import crash
from xpm_tui.cli.build import VerbGroup, add_acts
from xpm_tui.cli.console import Console, NoConsole
from xpm_tui.cli.extra import add_extra
from xpm_tui.cli.options import global_options
from xpm_tui.cli.output import dumps, error, spoken
from xpm_tui.cli.perform import Signalled, perform
from xpm_tui.cli.talk import Gone, silence
from xpm_tui.files.private import set_umask
from xpm_tui.model.errors import Trouble

_HELP = """Join Ignition and Xero Practice Manager.

Without a verb the console opens. Every verb takes --json; data goes to stdout, talk to stderr."""


def root(console: Console) -> click.Group:
    """The whole tree of verbs; ``console`` is what opens without one."""
    group = VerbGroup(
        name="xpm-tui",
        help=_HELP,
        epilog="xpm-tui demo\nxpm-tui plan --json",
        params=global_options(),
        invoke_without_command=True,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    add_acts(group, ACTS, GROUPS, perform)
    add_extra(group, console)
    return group


def main(argv: Sequence[str] | None = None, console: Console | None = None) -> int:
    """Run one command; gives the exit code."""
    set_umask()
    words = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = root(console or NoConsole()).main(
            words, prog_name="xpm-tui", complete_var="_XPM_TUI_COMPLETE", standalone_mode=False
        )
        _flush()
    except Trouble as trouble:
        return _tell(trouble, "--json" in words)
    except click.exceptions.NoArgsIsHelpError as wanted:
        click.echo(wanted.format_message(), err=True)
        return 2
    except click.ClickException as wrong:
        return _tell(_usage(wrong), "--json" in words)
    except Signalled as stopped:
        return 128 + stopped.number
    except (KeyboardInterrupt, asyncio.CancelledError, click.Abort):
        click.echo("Stopped.", err=True)
        return 128 + signal.SIGINT
    except (Gone, BrokenPipeError):
        silence(sys.stdout)
        return 128 + signal.SIGPIPE
    except Exception as unexpected:
        return _tell(_Unexpected(crash.sentence(unexpected)), "--json" in words)
    return code if isinstance(code, int) else 0


class _Unexpected(Trouble):
    code = "unexpected"


class _Usage(Trouble):
    code = "usage"
    exit_code = 2


def _usage(wrong: click.ClickException) -> Trouble:
    path = wrong.ctx.command_path if isinstance(wrong, click.UsageError) and wrong.ctx else "xpm-tui"
    trouble = _Usage(wrong.format_message(), hint=f"See '{path} --help'.")
    trouble.exit_code = wrong.exit_code
    return trouble


def _tell(trouble: Trouble, json: bool) -> int:
    try:
        if json:
            print(dumps({"ok": False, "error": error(trouble)}), flush=True)
        else:
            print(f"xpm-tui: {spoken(trouble)}", file=sys.stderr)
            sys.stderr.flush()
    except (OSError, ValueError):
        silence(sys.stdout)
        silence(sys.stderr)
    return trouble.exit_code


def _flush() -> None:
    try:
        sys.stdout.flush()
    except (OSError, ValueError) as broken:
        raise Gone from broken
