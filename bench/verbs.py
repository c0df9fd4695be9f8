"""Verbs of a practice of 50,000 clients, as whole processes: time beside the bare interpreter, and memory.

The first ``status`` and ``clients search`` after a change compute what they need of all clients and save it;
the next ones read it.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import statistics
import tempfile
from pathlib import Path

from bench.large import SIZE, fill
from bench.process import Measured, compiled, measured
from bench.table import show

TURNS = 3
SEARCHED = "Kauri Harbour 1200 Ltd"


def main() -> None:
    """One row a verb: median seconds, processor in turn with the bare interpreter, and megabytes."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for home, tables in (("linked", ()), ("new", ("xpm_clients",))):
            # In a process of its own: the peak of a child is never below the size of its parent.
            maker = multiprocessing.get_context("spawn").Process(target=fill, args=(folder / home, *tables))
            maker.start()
            maker.join()
        environment = _env() | compiled(folder / "bytecode")
        measured(["-m", "xpm_tui", "--home", str(folder / "none"), "status"], environment)
        floor = statistics.median(measured(["-c", "pass"], environment).processor for _ in range(9))
        rows = []
        for title, home, verb, again in (
            ("status, after a change", "linked", ["status"], False),
            ("status (goal: 0.5 s)", "linked", ["status"], True),
            ("clients search, after a change", "linked", ["clients", "search", SEARCHED], False),
            ("clients search (goal: 1 s)", "linked", ["clients", "search", SEARCHED], True),
            ("clients list --json (goal: 3 s, 300 MB)", "linked", ["clients", "list", "--json"], True),
            ("clients pick --all (goal: 10 s, 400 MB)", "new", ["clients", "pick", "--all", "--yes"], False),
        ):
            taken = [_one(folder, home, verb, again, environment) for _ in range(TURNS if again else 1)]
            seconds, processor, peak = map(statistics.median, zip(*taken, strict=True))
            rows.append((title, seconds, processor, processor / floor, peak))
    show((f"with {SIZE:,} clients", "s", "processor, s", "times python -c pass", "peak, MB"), rows)
    print(f"\npython -c pass takes {floor * 1000:.3g} ms of processor here; the goals are for 12 ms.")


def _one(folder: Path, home: str, verb: list[str], again: bool, environment: dict[str, str]) -> Measured:
    used = folder / f"{home}-used"
    if not again:
        shutil.rmtree(used, ignore_errors=True)
        shutil.copytree(folder / home, used)
    return measured(["-m", "xpm_tui", "--home", str(used), *verb], environment)


def _env() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("XPM_TUI_")}


if __name__ == "__main__":
    main()
