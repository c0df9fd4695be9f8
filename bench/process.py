"""Whole processes, measured from their start: what runs them is the same for each that is compared."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


def compiled(folder: Path) -> dict[str, str]:
    """Environment of processes that start as after an installation: from bytecode, kept in ``folder``.

    A shell may forbid it, and a checkout may have none: then what is measured is the compiler, and only of
    the files that nobody had installed. The first process of each kind fills the folder and is not measured.
    """
    return {"PYTHONPYCACHEPREFIX": str(folder), "PYTHONDONTWRITEBYTECODE": ""}


def spent() -> float:
    """Processor seconds of all processes that were waited for: other people's work disturbs them little."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Measured(NamedTuple):
    """One process: seconds until its end, seconds of processor, and its peak of memory in MB."""

    seconds: float
    processor: float
    peak: float


def measured(args: Sequence[str], environment: Mapping[str, str]) -> Measured:
    """Run the interpreter with these arguments to its end; what it says is thrown away."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *args], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Measured(time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
