"""The wire: a detailed client list beside a bare lxml.iterparse over the same bytes, and the rate limiter.

Speeds are the best of five turns, taken in turns with the floors; memory is the high-water mark of a process
of its own, beside one that has imported the same and read the file. Sizes: 10,000 and 50,000 clients.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.table import show

CHUNK = 65_536
SPEED_SIZE, MEMORY_SIZE = 10_000, 50_000
TURNS = 5
NOTE = "<Note><Title>Phoned</Title><Text>" + "Will send the papers on Friday. " * 8 + "</Text></Note></Notes>"


def main() -> None:
    """Two tables: speed, then memory; and what the rate limiter costs a call."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("XPM_TUI_BENCH_DIR")) as folder:
        path = Path(folder) / "list.xml"
        _make(path, SPEED_SIZE)
        _speed(path)
        _make(path, MEMORY_SIZE)
        print()
        _memory(path)
        print()
        _limiter(Path(folder))


def _make(path: Path, size: int) -> None:
    from tests.xero import replies

    with path.open("wb") as out:
        out.write(b'<Response api-method="List"><Status>OK</Status><Clients>')
        for n in range(1, size + 1):
            out.write(replies.client(n, f"Kowhai Plumbing {n} Pty Ltd").replace("</Notes>", NOTE).encode())
        out.write(b"</Clients></Response>")


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            yield chunk


def read_ours(path: Path) -> int:
    """Every client as a value of the model."""
    from xpm_tui.xero.client import practice
    from xpm_tui.xero.codec.xml_reader import LIST_LIMIT, Reader

    reader = Reader(practice.CLIENTS, limit=LIST_LIMIT)
    for chunk in _chunks(path):
        reader.feed(chunk)
    reader.close()
    return reader.count


def read_bare(path: Path) -> int:
    """The floor: all elements, nothing made of them."""
    from lxml import etree

    count = 0
    for _, element in etree.iterparse(str(path)):
        count += element.tag == "Client"
        element.clear()
    return count


def read_bare_clients(path: Path) -> int:
    """A lower floor: an event for a whole client only."""
    from lxml import etree

    count = 0
    for _, element in etree.iterparse(str(path), tag="Client"):
        count += 1
        element.clear()
    return count


def read_bytes(path: Path) -> int:
    """The floor of memory: everything imported, the file read in the same pieces."""
    from xpm_tui.xero.client import practice
    from xpm_tui.xero.codec import xml_reader

    assert practice.CLIENTS
    assert xml_reader.LIST_LIMIT
    return sum(1 for _ in _chunks(path))


READERS: dict[str, Callable[[Path], int]] = {
    "ours": read_ours,
    "bare iterparse": read_bare,
    "bare iterparse, tag=Client": read_bare_clients,
    "bytes": read_bytes,
}


def _speed(path: Path) -> None:
    names = [name for name in READERS if name != "bytes"]
    best = dict.fromkeys(names, float("inf"))
    for _ in range(TURNS):
        for name in names:
            since = time.process_time()
            assert READERS[name](path) == SPEED_SIZE
            best[name] = min(best[name], time.process_time() - since)
    size = path.stat().st_size / 1e6
    ours = size / best["ours"]
    show(
        (
            f"{SPEED_SIZE:,} clients, {size:.0f} MB",
            "seconds",
            "MB/s",
            "ours / it (goal: 0.5 of the bare one)",
        ),
        [(name, best[name], size / best[name], ours / (size / best[name])) for name in names],
    )


def _memory(path: Path) -> None:
    peaks = {}
    for name in ("bytes", "ours"):
        done = subprocess.run(
            [sys.executable, "-m", "bench.wire", name, str(path)], capture_output=True, text=True, check=True
        )
        peaks[name] = json.loads(done.stdout)
    size = path.stat().st_size / 1e6
    show(
        (f"{MEMORY_SIZE:,} clients, {size:.0f} MB", "peak, MB", "above the floor, MB (goal: under 60)"),
        [
            ("floor: imported, bytes read", peaks["bytes"], 0.0),
            ("ours", peaks["ours"], peaks["ours"] - peaks["bytes"]),
        ],
    )


def _limiter(folder: Path) -> None:
    from tests.support.virtual import VirtualClock, run_virtual
    from xpm_tui.domain.ports import Priority
    from xpm_tui.xero.rate_limiter import RateLimiter

    calls = 330

    async def push() -> float:
        clock = VirtualClock()
        limiter = RateLimiter(folder / "limiter.json", clock)

        async def worker(count: int) -> None:
            for _ in range(count):
                async with limiter.enter(Priority.BACKGROUND):
                    await clock.sleep(0.3)

        await asyncio.gather(*(worker(calls // 3) for _ in range(3)))
        return clock.monotonic()

    since = time.process_time()
    simulated = run_virtual(push())
    cost = (time.process_time() - since) / calls * 1000
    rate = (calls - 55) / (simulated / 60)
    show(
        (f"rate limiter, a push of {calls} calls", "value"),
        [("calls a minute after the first burst (Xero allows 60)", rate), ("own work a call, ms", cost)],
    )


def _peak() -> float:
    # VmHWM belongs to this program alone; getrusage would count what the parent had before the exec.
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1000
    return 0.0


if __name__ == "__main__":
    READERS[sys.argv[1]](Path(sys.argv[2]))
    print(json.dumps(_peak()))
