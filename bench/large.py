"""A practice of 50,000 clients, and (``python -m bench.large HOME``) a run that changes all of them."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from bench.store_rows import documents
from tests.support.fake_xpm import FakeXpm, wired
from xpm_tui.application.home import find_home
from xpm_tui.application.practice import ListState, OpenPractice, PracticeIdentity, open_practice, put
from xpm_tui.application.runs import plans, runner
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import BASE, CLIENTS, LINKS, XPM_CLIENTS

SIZE = int(os.environ.get("XPM_TUI_BENCH_CLIENTS", "50000"))
CHUNK = 5_000


def fill(folder: Path, *only: str) -> None:
    """Make the practice: connected, every client linked, the mirror full; or with the named tables only."""
    with _open(folder) as practice:
        for rows in _rows(only):
            practice.store.commit(rows)
        now = practice.clock.now()
        practice.store.commit(
            [
                put("identity", PracticeIdentity(tenant="t", title="Large Practice", since=now, by="bench")),
                put("list:clients", ListState(at=now, full=now, count=SIZE)),
            ]
        )


async def run(folder: Path) -> None:
    """Read XPM, where everybody has another telephone, plan, and write it all into the store."""
    with _open(folder) as practice:
        rows = [
            msgspec.structs.replace(row, phone=f"09 777 {place:05}")
            for place, row in enumerate(practice.snapshot().rows(XPM_CLIENTS))
        ]
        wired(practice, FakeXpm(practice.clock, rows))
        print("begun", flush=True)
        plan = await plans.make(practice)
        print(await runner.run(practice, plan_id=plan.id), flush=True)


def _open(folder: Path) -> OpenPractice:
    return open_practice(find_home(str(folder), {}), person="bench", environ={})


def _rows(only: Sequence[str]) -> Iterator[list[Any]]:
    for table in (CLIENTS, XPM_CLIENTS, LINKS, BASE):
        if only and table.name not in only:
            continue
        for start in range(0, SIZE, CHUNK):
            count = min(CHUNK, SIZE - start)
            yield [Put(table, msgspec.convert(row, table.row)) for row in documents(table.name, count, start)]


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1])))
