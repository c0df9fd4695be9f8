"""How a command ends that did not run through: its sentence on stderr, or as JSON, and its exit code."""

from __future__ import annotations

import asyncio
import errno
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xpm_tui.cli import crash
from xpm_tui.cli.conditions import attached, data, sentences
from xpm_tui.cli.output import dumps
from xpm_tui.cli.perform import Signalled
from xpm_tui.cli.talk import Gone, silence
from xpm_tui.files.disk import trouble
from xpm_tui.model.errors import Trouble
from xpm_tui.model.text import visible_lines

if TYPE_CHECKING:
    from xpm_tui.service.condition import Condition


class _Unexpected(Trouble):
    code = "unexpected"


class _Usage(Trouble):
    code = "usage"
    exit_code = 2


def exit_code(ended: BaseException, *, json: bool) -> int:
    """Say what ``ended`` means to a person or a script; gives the exit code. What is not ours is raised."""
    match ended:
        case Trouble():
            return _tell(ended, json, attached(ended))
        case click.exceptions.NoArgsIsHelpError():
            click.echo(ended.format_message(), err=True)
            return 2
        case click.ClickException():
            return _tell(_usage(ended), json)
        case Signalled():
            return 128 + ended.number
        case KeyboardInterrupt() | asyncio.CancelledError() | click.Abort():
            click.echo("Stopped.", err=True)
            return 128 + signal.SIGINT
        case Gone() if isinstance(why := ended.__cause__, OSError) and why.errno != errno.EPIPE:
            silence(sys.stdout)
            return _tell(trouble(why, Path("standard output")), json=False)
        case Gone() | BrokenPipeError():
            silence(sys.stdout)
            return 128 + signal.SIGPIPE
        case Exception():
            return _tell(_Unexpected(crash.sentence(ended)), json, attached(ended))
    raise ended


def _usage(wrong: click.ClickException) -> Trouble:
    path = wrong.ctx.command_path if isinstance(wrong, click.UsageError) and wrong.ctx else "xpm-tui"
    trouble = _Usage(wrong.format_message(), hint=f"See '{path} --help'.")
    trouble.exit_code = wrong.exit_code
    return trouble


def _tell(trouble: Trouble, json: bool, found: tuple[Condition, ...] = ()) -> int:
    # Only an error needs the known problems: loading them costs the start of every command.
    from xpm_tui.diagnose.trouble_view import present

    view = present(trouble)
    try:
        for sentence in sentences(found, None if json else trouble):
            print(visible_lines(sentence), file=sys.stderr, flush=True)
        if json:
            print(dumps({"ok": False, **data(found), "error": view.data()}), flush=True)
        else:
            print(f"xpm-tui: {view.text()}", file=sys.stderr)
            sys.stderr.flush()
    except (OSError, ValueError):
        silence(sys.stdout)
        silence(sys.stderr)
    return trouble.exit_code
