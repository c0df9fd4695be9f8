"""An error that nobody expected: one sentence, and a private file with the places it went through.

The file has no values in it: no locals, no message of the error, because either may carry a name or a secret.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

import xpm_tui


def sentence(error: BaseException) -> str:
    """What to tell the person, after the file is written."""
    kind = type(error).__name__
    try:
        path = _write(error)
    except OSError:
        return f"Something went wrong inside xpm-tui ({kind}), and no file could be written about it."
    return (
        f"Something went wrong inside xpm-tui ({kind}). Nothing secret is in {path}; "
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
        from xpm_tui.service.home import find_home

        chosen = [after for flag, after in zip(sys.argv, sys.argv[1:], strict=False) if flag == "--home"]
        folder = Path(find_home(chosen[-1] if chosen else None, os.environ).state)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder
    except Exception:
        return Path(tempfile.gettempdir())
