"""A run in a process of its own, which a hang-up of the console does not touch."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import xpm_tui
from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.runs.history import list_runs, show
from xpm_tui.domain.errors import AppError, Busy
from xpm_tui.domain.runs import Run

SYNC = ("sync",)
_LOOK = 0.05
"""Seconds between two looks for the run that a new process made."""


@dataclass(frozen=True)
class BackgroundRun:
    """The process of a run; ``last`` is the newest run before it."""

    pid: int
    last: str
    process: subprocess.Popen[bytes] = field(repr=False)
    verb: Sequence[str] = SYNC

    def ended(self) -> int | None:
        """Its exit code, or None while it goes on."""
        return self.process.poll()


def detach(
    practice: OpenPractice, *, plan_id: str = "", extra: Sequence[str] = (), verb: Sequence[str] = SYNC
) -> BackgroundRun:
    """Start ``sync``, or another verb that makes a run, in a new session with its streams on the null device.

    Raises:
        Busy: Another run is in progress.
        AppError: The process could not be started.
    """
    practice.writable()
    owner = practice.lock_holder()
    if owner is not None:
        raise Busy(
            f"A run is already in progress, started by {owner.words()}.",
            hint="Wait until it ends, or stop it: xpm-tui runs stop",
        )
    newest = list_runs(practice, 1)
    try:
        process = subprocess.Popen(
            command(practice, plan_id, extra, verb),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=_environ(),
        )
    except OSError as error:
        raise AppError(f"The run could not be started: {error.strerror}.") from error
    return BackgroundRun(process.pid, newest[0].id if newest else "", process, verb)


def command(
    practice: OpenPractice, plan_id: str = "", extra: Sequence[str] = (), verb: Sequence[str] = SYNC
) -> list[str]:
    """The command line that makes a run of this practice, for a process or a timer."""
    words = [sys.executable, "-P", "-m", "xpm_tui"]
    if practice.home.root is not None:
        words += ["--home", str(practice.home.root)]
    words += ["--practice", practice.name, "--as", practice.person, *verb, "--json"]
    if plan_id:
        words += ["--plan", plan_id]
    return [*words, *extra]


async def wait_for_run(practice: OpenPractice, detached: BackgroundRun, seconds: float = 30.0) -> Run:
    """The run that the process made, as soon as it is in the book. Raises ``AppError`` if none comes."""
    waited = 0.0
    while waited < seconds:
        for run in list_runs(practice, 3):
            if run.pid == detached.pid:
                return show(practice, run.id)
        if detached.ended() is not None:
            break
        await practice.clock.sleep(_LOOK)
        waited += _LOOK
    code = detached.ended()
    how = f"it ended with exit code {code}" if code is not None else "it did not start in time"
    words = " ".join(detached.verb)
    raise AppError(f"The run did not start: {how}.", hint=f"Run it yourself to see why: xpm-tui {words}")


def _environ() -> dict[str, str]:
    """``-P`` keeps modules of the folder that we happen to be in out; a checkout is found all the same."""
    parent = str(Path(xpm_tui.__file__).resolve().parents[1])
    if parent != os.getcwd():
        return {**os.environ}
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (parent, os.environ.get("PYTHONPATH"))))}
