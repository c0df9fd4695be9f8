"""The sync from end to end and in parts: lists, plan, apply, a second run; calls, time, memory.

XPM is the sandbox in this process, so that no socket and no pace of Xero's is measured. Each size runs in an
interpreter of its own, so that peaks of memory do not mix. Sizes: 1,000 and 10,000 (and 50,000 with
``XPM_TUI_PROFILE=soak``).
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.table import show

SIZES = (1_000, 10_000, 50_000) if os.environ.get("XPM_TUI_PROFILE") == "soak" else (1_000, 10_000)
COLUMNS = (
    ("lists in, s", "lists"),
    ("pick all, s", "pick"),
    ("plan, s", "plan"),
    ("changes", "changes"),
    ("apply, s", "apply"),
    ("second run, s", "second"),
    ("client calls, 1st / 2nd run", "client_calls"),
    ("other calls, 2nd run", "others"),
    ("peak above floor, MB", "peak"),
)


def main() -> None:
    """One row a size; the floor of memory is the same process with everything imported and nothing read."""
    rows = []
    for size in SIZES:
        measured = apart(size)
        rows.append((f"{size:,}", *(measured[name] for _, name in COLUMNS)))
    show(("XPM clients", *(title for title, _ in COLUMNS)), rows)


def apart(size: int, url: str = "") -> dict[str, Any]:
    """Measure in an interpreter of its own; ``url`` is a database that is empty."""
    words = [sys.executable, "-m", "bench.sync", str(size), *filter(None, [url])]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


async def measure(size: int, folder: Path, url: str = "") -> dict[str, Any]:
    """Connect, fill the mirror, pick all, let a colleague edit a tenth, plan, apply, and run again."""
    from tests.application.fixtures import PracticeFixture
    from xpm_tui.application.clients.picks import pick_all
    from xpm_tui.application.connection import ConnectionMachine
    from xpm_tui.application.runs import plans, runner
    from xpm_tui.application.runs.xpm_refresh import refresh

    out: dict[str, Any] = {}
    world = PracticeFixture(folder, clients=size, url=url)
    practice, sandbox = world.practice, world.sandbox
    connecting = ConnectionMachine(practice, {})
    await world.sign_in(connecting, tenant=world.tenant)
    await connecting.choose(world.tenant)
    floor = _peak()
    with _timed(out, "lists"):
        await refresh(practice, full=True)
    with _timed(out, "pick"):
        pick_all(practice)
    world.clock.move(timedelta(hours=1))
    for place, client in enumerate(list(sandbox.practice.clients.values())):
        if place % 10 == 0 and not client.deleted:
            sandbox.colleague.edit(client.uuid, {"phone": f"09 555 {place:05d}"}, sandbox.clock.now())
    await refresh(practice, full=True)
    with _timed(out, "plan"):
        plan = await plans.make(practice, refresh=False)
    out["changes"] = plan.counts["items"]
    lists = world.net.asked("client.api/list")
    with _timed(out, "apply"):
        run = await runner.run(practice, plan_id=plan.id)
    assert run.outcome == "done", run
    first = world.net.asked("client.api/list") - lists
    world.clock.move(timedelta(hours=1))
    asked, lists = _asked_of_xpm(sandbox), world.net.asked("client.api/list")
    with _timed(out, "second"):
        await runner.run(practice)
    again = world.net.asked("client.api/list") - lists
    out["client_calls"] = f"{first} / {again}"
    out["others"] = _asked_of_xpm(sandbox) - asked - again
    out["peak"] = _peak() - floor
    return out


def _asked_of_xpm(sandbox: Any) -> int:
    """Calls to Practice Manager so far; renewing the login is none of them."""
    return len(sandbox.log.rows(lambda row: ".api/" in row.endpoint))


@contextmanager
def _timed(out: dict[str, Any], name: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    out[name] = time.perf_counter() - began


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        print(json.dumps(asyncio.run(measure(int(sys.argv[1]), Path(place), *sys.argv[2:]))))
