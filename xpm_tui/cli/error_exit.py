"""An error that nobody expected: one sentence, and a private file with the places it went through.

The file has no values in it: no locals, no message of the error, because either may carry a name or a secret.

How a command ends that did not run through: its sentence on stderr, or as JSON, and its exit code.
"""

from __future__ import annotations

import asyncio
import errno
import os
import platform
import signal
import sys
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

import xpm_tui
from xpm_tui.cli.conditions import attached, data, sentences
from xpm_tui.cli.output import OutputClosed, dumps, silence
from xpm_tui.cli.runner import Signalled
from xpm_tui.domain.errors import AppError
from xpm_tui.domain.safe_text import visible_lines
from xpm_tui.files.disk import trouble
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application import home
    from xpm_tui.diagnostics import error_presenter

if TYPE_CHECKING:
    from xpm_tui.application.condition import Condition


def crash_sentence(error: BaseException) -> str:
    """What to tell the person, after the file is written."""
    kind = type(error).__name__
    try:
        path = _write(error)
    except OSError:
        return f"Something went wrong inside xpm-tui ({kind}), and no error report could be written."
    return (
        f"Something went wrong inside xpm-tui ({kind}). The report {path} contains nothing secret; "
        "please send it to whoever looks after xpm-tui for you."
    )


def report(error: BaseException) -> str:
    """Versions, and the chain of errors with file, line and source of each step."""
    told = [
        f"xpm-tui {xpm_tui.__version__}, Python {platform.python_version()}, {platform.system()}",
        f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
    ]
    link: BaseException | None = error
    while link is not None:
        told.append(f"{type(link).__module__}.{type(link).__qualname__}")
        for frame in traceback.extract_tb(link.__traceback__):
            place = "/".join(Path(frame.filename).parts[-3:])
            told.append(f"  {place}:{frame.lineno} in {frame.name}: {frame.line or ''}")
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
        if link is not None:
            told.append("which came from")
    return "\n".join(told) + "\n"


def _write(error: BaseException) -> Path:
    name = f"crash-{datetime.now(UTC):%Y%m%d-%H%M%S}-{os.getpid()}.log"
    folder = _folder()
    path = folder / name
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(report(error))
    return path


def _folder() -> Path:
    """The state folder of the home that was asked for, else the folder for temporary files."""
    try:
        chosen = [after for flag, after in zip(sys.argv, sys.argv[1:], strict=False) if flag == "--home"]
        folder = Path(home.find_home(chosen[-1] if chosen else None, os.environ).state)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder
    except Exception:
        return Path(tempfile.gettempdir())


class _Unexpected(AppError):
    code = "unexpected"


class _Usage(AppError):
    code = "usage"
    exit_code = 2


def exit_code(ended: BaseException, *, json: bool) -> int:
    """Say what ``ended`` means to a person or a script; gives the exit code. What is not ours is raised."""
    match ended:
        case AppError():
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
        case OutputClosed() if isinstance(why := ended.__cause__, OSError) and why.errno != errno.EPIPE:
            silence(sys.stdout)
            return _tell(trouble(why, Path("standard output")), json=False)
        case OutputClosed() | BrokenPipeError():
            silence(sys.stdout)
            return 128 + signal.SIGPIPE
        case Exception():
            return _tell(_Unexpected(crash_sentence(ended)), json, attached(ended))
    raise ended


def _usage(wrong: click.ClickException) -> AppError:
    path = wrong.ctx.command_path if isinstance(wrong, click.UsageError) and wrong.ctx else "xpm-tui"
    trouble = _Usage(wrong.format_message(), hint=f"See '{path} --help'.")
    trouble.exit_code = wrong.exit_code
    return trouble


def _tell(trouble: AppError, json: bool, found: tuple[Condition, ...] = ()) -> int:
    # Only an error needs the known problems: loading them costs the start of every command.

    view = error_presenter.present(trouble)
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
