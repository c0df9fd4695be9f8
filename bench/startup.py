"""How long a verb takes to start, beside the bare interpreter."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.process import compiled
from bench.table import show

RUNS = 7


def main() -> None:
    """Median wall time and modules loaded, of whole processes, in turn with the bare interpreter."""
    with tempfile.TemporaryDirectory() as home:
        environment = _env() | compiled(Path(home) / "bytecode")
        commands = {
            "python -c pass (floor)": ["-c", "pass"],
            "xpm-tui --version": ["-m", "xpm_tui", "--version"],
            "xpm-tui --help": ["-m", "xpm_tui", "--help"],
            "xpm-tui --home H status": ["-m", "xpm_tui", "--home", home, "status"],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for turn in range(1 + RUNS):
            for name, args in commands.items():
                began = time.perf_counter()
                subprocess.run([sys.executable, *args], capture_output=True, check=False, env=environment)
                if turn:
                    times[name].append(time.perf_counter() - began)
    floor = statistics.median(times["python -c pass (floor)"])
    show(
        ("command", "median ms", "times the floor"),
        [
            (name, statistics.median(each) * 1000, statistics.median(each) / floor)
            for name, each in times.items()
        ],
    )


def _env() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("XPM_TUI_")}
