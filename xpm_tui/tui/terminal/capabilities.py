"""What the terminal is and does: whether it can carry a console, when it goes away, what it may copy."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping

from xpm_tui.domain.errors import BadInput, CaseId

WATCH = 0.5
"""Seconds between two looks whether the terminal is still there (for launchers that ignore SIGHUP)."""

LEAST = (60, 18)
"""Columns and lines below which nothing can be shown whole."""


def too_small(columns: int, lines: int) -> bool:
    """Whether nothing can be shown whole."""
    return columns < LEAST[0] or lines < LEAST[1]


def require_terminal(environ: Mapping[str, str]) -> None:
    """Raise ``BadInput`` with the way out where a full-screen console cannot work."""
    # Textual draws on stderr: sent elsewhere, the console would run unseen.
    if not all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        raise BadInput(
            "The console needs a terminal on its input, output and error output.",
            hint="Use a verb instead: `xpm-tui status`, `xpm-tui sync`, `xpm-tui --help`. By SSH: `ssh -t`.",
            case=CaseId.TERMINAL,
        )
    if environ.get("TERM", "") in ("", "dumb", "unknown"):
        raise BadInput(
            f"TERM is “{environ.get('TERM', '')}”: this terminal cannot show a full screen.",
            hint="Set TERM (for example `TERM=xterm-256color`), go line by line (`xpm-tui --plain`), or use a"
            " verb: `xpm-tui --help`.",
            case=CaseId.TERMINAL,
        )


def on_hangup(leave: Callable[[str], None]) -> Callable[[], None]:
    """Call ``leave`` with a reason on SIGHUP or SIGTERM; gives what takes the handlers away again."""
    loop = asyncio.get_running_loop()
    taken: list[signal.Signals] = []
    for number, why in ((signal.SIGHUP, "hang-up"), (signal.SIGTERM, "asked to end")):
        with contextlib.suppress(ValueError, NotImplementedError, RuntimeError):
            loop.add_signal_handler(number, leave, why)
            taken.append(number)

    def undo() -> None:
        for number in taken:
            with contextlib.suppress(ValueError, RuntimeError):
                loop.remove_signal_handler(number)

    return undo


def gone(fd: int) -> bool:
    """Whether the terminal at ``fd`` has hung up."""
    poll = select.poll()
    try:
        poll.register(fd, 0)
        return any(flags & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, flags in poll.poll(0))
    except (OSError, ValueError):
        return True


def copy_sequence(text: str, environ: Mapping[str, str]) -> str:
    """OSC 52 (xterm control sequences), and wrapped once more for tmux with passthrough."""
    plain = f"\x1b]52;c;{base64.b64encode(text.encode('utf-8', 'surrogatepass')).decode('ascii')}\a"
    if environ.get("TMUX"):
        return plain + "\x1bPtmux;" + plain.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    return plain


def copy_caveat(environ: Mapping[str, str]) -> str:
    """Why a copy may not arrive, in a sentence; empty where nothing is known against it."""
    if environ.get("TMUX"):
        try:
            said = subprocess.run(
                ["tmux", "show", "-s", "set-clipboard"],
                capture_output=True, text=True, timeout=1, check=False,
            ).stdout  # fmt: skip
        except (OSError, subprocess.SubprocessError):
            said = ""
        return "" if said.split()[-1:] == ["on"] else "tmux keeps it: set -s set-clipboard on"
    if environ.get("STY"):
        return "GNU screen may keep it"
    if environ.get("TERM_PROGRAM") == "Apple_Terminal":
        return "macOS Terminal does not take it: select with the mouse"
    return ""


def stdin_fd() -> int:
    """The descriptor that is watched."""
    try:
        return sys.__stdin__.fileno() if sys.__stdin__ is not None else 0
    except (OSError, ValueError):
        return 0


def silence_streams() -> None:
    """After a hang-up the first print would raise: let what is still printed go nowhere."""
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (1, 2):
        with contextlib.suppress(OSError):
            os.dup2(null, fd)
    os.close(null)
