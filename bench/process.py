"""Whole processes, measured from their start: what runs them is the same for each that is compared."""

from __future__ import annotations

import resource
from pathlib import Path


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
