"""Verbs of a practice of 50,000 clients, as whole processes: time beside the bare interpreter, and memory.

XPM is the sandbox in a process of its own. The practice is made with the verbs themselves: connected, all
clients brought in, synced. A verb "after a change" follows a link that was set: what is counted over all
clients, and was saved at the end of the sync, has to be counted again.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from bench.large import SIZE
from bench.process import Measured, compiled, measured
from bench.table import show
from tests.support.sandbox_process import SandboxProcess, sandbox_process

TURNS = 3
SEARCHED = "Kauri Harbour 1200 Ltd"
EDITED = SIZE // 50
"""How many clients a colleague edits before the sync that is measured."""


def main() -> None:
    """One row a verb: seconds, processor as multiples of the bare interpreter, and megabytes."""
    with (
        tempfile.TemporaryDirectory() as place,
        sandbox_process(clients=SIZE) as sandbox,
    ):
        folder = Path(place)
        home = folder / "home"
        environment = _env() | sandbox.environ | compiled(folder / "bytecode")

        def call(*verb: str) -> Measured:
            return measured(["-m", "xpm_tui", "--home", str(home), *verb], environment)

        call("status")
        floor = statistics.median(measured(["-c", "pass"], environment).processor for _ in range(9))
        _connect(home, sandbox, environment)
        rows = [_row("clients pick --all (goal: 10 s, 400 MB)", [call("clients", "pick", "--all", "--yes")])]
        call("sync", "--yes")
        sandbox.control("POST", "colleague", {"edits": EDITED})
        rows.append(_row(f"sync, {EDITED:,} changed (goal: 15 s, 300 MB)", [call("sync", "--yes")]))
        search, listing = ("clients", "search", SEARCHED), ("clients", "list", "--json")
        rows += [
            _row("status (goal: 0.5 s), after that sync", [call("status")]),
            _row("status", [call("status") for _ in range(TURNS)]),
            _row("clients search (goal: 1 s), for the first time", [call(*search)]),
            _row("clients search", [call(*search) for _ in range(TURNS)]),
            _row("clients list --json (goal: 3 s, 300 MB)", [call(*listing) for _ in range(TURNS)]),
        ]
        call("clients", "unlink", "c7")
        rows.append(_row("status, after a link was removed", [call("status")]))
    table = [(title, seconds, used, used / floor, peak) for title, seconds, used, peak in rows]
    show((f"with {SIZE:,} clients", "s", "processor, s", "times python -c pass", "peak, MB"), table)
    print(f"\npython -c pass takes {floor * 1000:.3g} ms of processor here; the goals are for 12 ms.")


def _row(title: str, taken: list[Measured]) -> tuple[str, float, float, float]:
    seconds, processor, peak = map(statistics.median, zip(*taken, strict=True))
    return title, seconds, processor, peak


def _connect(home: Path, sandbox: SandboxProcess, environment: Mapping[str, str]) -> None:
    """Sign in as a user does who pastes the address at which the browser ends up."""
    words = ["--home", str(home), "connect", "--no-browser", "--json"]
    tenant = next(each["id"] for each in sandbox.greeting["tenants"] if each["type"] == "PRACTICEMANAGER")
    with subprocess.Popen(
        [sys.executable, "-m", "xpm_tui", *words, "--tenant", tenant],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        address = json.loads(process.stdout.readline())["authorize"]
        process.communicate(sandbox.consent(address, tenant=tenant) + "\n")


def _env() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("XPM_TUI_")}


if __name__ == "__main__":
    main()
