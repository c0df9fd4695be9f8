"""Reports of internal errors: a private file with the stack and without any local value."""

from __future__ import annotations

import os
import platform
import traceback
from datetime import datetime
from pathlib import Path

import textual

import xpm_tui

MOST = 256 * 1024
"""Bytes above which the report file is started again."""


def report(error: BaseException, folder: Path, at: datetime) -> Path | None:
    """Append the stack of an error to ``console-errors.log`` (mode 0600) in ``folder``.

    Frames are written as file, line and function. Neither local values nor the error's message are written,
    because they may contain data of a record.

    Returns:
        The path of the file; None if it could not be written.
    """
    lines = [
        f"{at.isoformat()} xpm-tui {xpm_tui.__version__} textual {textual.__version__}"
        f" python {platform.python_version()}"
    ]
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        lines.append(f"  {type(current).__module__}.{type(current).__qualname__}")
        for frame in traceback.extract_tb(current.__traceback__):
            lines.append(f"    {frame.filename}:{frame.lineno} {frame.name}")
        current = current.__cause__ or current.__context__
    path = folder / "console-errors.log"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = os.O_TRUNC if path.exists() and path.stat().st_size > MOST else 0
        fd = os.open(
            path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | fresh, 0o600
        )
        with os.fdopen(fd, "a", encoding="utf-8", errors="backslashreplace") as file:
            file.write("\n".join(lines) + "\n")
    except OSError:
        return None
    return path
