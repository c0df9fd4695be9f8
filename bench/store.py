"""The store at 1,000, 10,000 and 50,000 clients with links, base and mirror, beside TinyDB and SQLite.

Every row of the tables runs in a process of its own, on the same rows, so peak memory is its own. All writes
are durable where the store can (TinyDB's CachingMiddleware cannot, and says so).
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import msgspec
from tinydb import TinyDB, where
from tinydb.middlewares import CachingMiddleware
from tinydb.storages import JSONStorage

from bench.store_rows import TABLES, documents, link_set, values_of
from bench.table import show
from xpm_tui.domain.links import Base, Link
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import ALL, BASE, LINKS, XPM_CLIENTS
from xpm_tui.files.machine import SystemClock
from xpm_tui.store.database_store import DatabaseStore
from xpm_tui.store.store import DiskStore, open_store

SIZES = (1_000, 10_000, 50_000)
STORES = ("ours", "PostgreSQL", "TinyDB JSONStorage", "TinyDB CachingMiddleware", "SQLite WAL")
OURS = ("ours", "PostgreSQL")
DATABASE = os.environ.get("XPM_BENCH_POSTGRES", "")
"""Address of a database for the second engine; without it that column is left out."""
LOOKUPS = ("name", "number", "code", "name_key", "uuid")


class Store(Protocol):
    """What every store must do."""

    def find(self, index: str, value: str) -> int:
        """How many rows have the value."""

    def scan(self) -> int:
        """Read every row of the mirror."""

    def change(self, numbers: range) -> None:
        """Set the links (and their base) of these clients, as one durable transaction where it can."""

    def snapshot(self) -> None:
        """Take a picture that later writes do not change."""

    def files(self) -> int:
        """Bytes on disk now."""

    def close(self) -> None:
        """Close it."""


class Ours:
    """The store, on files or in a database."""

    def __init__(self, folder: Path, database: str = "") -> None:

        self.folder = folder
        self.store: DiskStore | DatabaseStore = (
            DatabaseStore(database, folder.name, clock=SystemClock())
            if database
            else open_store(folder, clock=SystemClock())
        )

    def find(self, index: str, value: str) -> int:

        table: Any = LINKS if index == "uuid" else XPM_CLIENTS
        return len(self.store.snapshot().find(table, index, value))

    def scan(self) -> int:

        return sum(1 for _ in self.store.snapshot().rows(XPM_CLIENTS))

    def change(self, numbers: range) -> None:

        writes = []
        for number in numbers:
            link, base = link_set(number)
            writes.append(Put(LINKS, msgspec.convert(link, Link)))
            writes.append(Put(BASE, msgspec.convert(base, Base)))
        self.store.commit(writes)

    def snapshot(self) -> None:
        self.store.snapshot()

    def files(self) -> int:
        return sum(path.stat().st_size for path in self.folder.iterdir())

    def close(self) -> None:
        self.store.close()


class Plain:
    """TinyDB with its own storage."""

    def __init__(self, folder: Path, storage: Any) -> None:
        self.path = folder / "db.json"
        self.db = TinyDB(self.path, storage=storage)

    def find(self, index: str, value: str) -> int:
        table = "links" if index == "uuid" else "xpm_clients"
        self.db.table(table).clear_cache()
        return len(self.db.table(table).search(where("keys")[index] == value))

    def scan(self) -> int:
        return sum(1 for _ in self.db.table("xpm_clients"))

    def change(self, numbers: range) -> None:
        for number in numbers:
            link, base = link_set(number)
            self.db.table("links").update(link, doc_ids=[number + 1])
            self.db.table("base").update(base, doc_ids=[number + 1])

    def snapshot(self) -> None:
        json.loads(json.dumps(self.db.storage.read()))

    def files(self) -> int:
        return self.path.stat().st_size

    def close(self) -> None:
        self.db.close()


class Sqlite:
    """An SQLite file in WAL mode, synchronous=FULL, one table each, JSON rows, columns for the indexes."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "db.sqlite"
        self.db = sqlite3.connect(self.path, check_same_thread=False)
        self.db.execute("pragma journal_mode=wal")
        self.db.execute("pragma synchronous=full")

    def find(self, index: str, value: str) -> int:
        table = "links" if index == "uuid" else "xpm_clients"
        rows = self.db.execute(f"select row from {table} where {index} = ?", (value,)).fetchall()
        return len([json.loads(row[0]) for row in rows])

    def scan(self) -> int:
        return sum(1 for row in self.db.execute("select row from xpm_clients") if json.loads(row[0]))

    def change(self, numbers: range) -> None:
        with self.db:
            for number in numbers:
                link, base = link_set(number)
                self.db.execute("update links set row = ? where id = ?", (json.dumps(link), link["id"]))
                self.db.execute("update base set row = ? where id = ?", (json.dumps(base), base["id"]))

    def snapshot(self) -> None:
        self.db.execute("begin")
        self.db.execute("select count(*) from meta").fetchone()
        self.db.rollback()

    def files(self) -> int:
        wal = self.path.with_name("db.sqlite-wal")
        return self.path.stat().st_size + (wal.stat().st_size if wal.exists() else 0)

    def close(self) -> None:
        self.db.close()


def make(store: str, folder: Path, size: int) -> None:
    """Fill a store with the sample rows."""
    if store in OURS:
        known = {table.name: table for table in ALL}
        ours = Ours(folder, DATABASE if store == "PostgreSQL" else "")
        for name in TABLES:
            table = known[name]
            rows = (msgspec.convert(row, table.row, strict=False) for row in documents(name, size))
            ours.store.commit([Put(table, row) for row in rows])
        ours.store.compact()
        ours.close()
    elif store == "SQLite WAL":
        lite = Sqlite(folder)
        for name in ("meta", *TABLES):
            lite.db.execute(f"create table {name} (id text primary key, row text, {', '.join(LOOKUPS)})")
            for index in LOOKUPS:
                lite.db.execute(f"create index {name}_{index} on {name} ({index})")
        with lite.db:
            for name in TABLES:
                rows = ((row, values_of(name, row)) for row in documents(name, size))
                lite.db.executemany(
                    f"insert into {name} values (?, ?, ?, ?, ?, ?, ?)",
                    (
                        (row.get("id") or row["uuid"], json.dumps(row), *(found.get(i) for i in LOOKUPS))
                        for row, found in rows
                    ),
                )
        lite.close()
    else:
        data = {
            name: {
                str(n + 1): {**row, "keys": values_of(name, row)}
                for n, row in enumerate(documents(name, size))
            }
            for name in TABLES
        }
        (folder / "db.json").write_text(json.dumps(data))


def opened(store: str, folder: Path) -> Store:
    """Open a store that was made."""
    if store in OURS:
        return Ours(folder, DATABASE if store == "PostgreSQL" else "")
    if store == "SQLite WAL":
        return Sqlite(folder)
    caching = store.endswith("CachingMiddleware")
    return Plain(folder, CachingMiddleware(JSONStorage) if caching else JSONStorage)  # type: ignore[no-untyped-call]


def measure(store: str, folder: Path, size: int) -> dict[str, float]:
    """All figures of one store, in this process. Times in milliseconds, memory in MB, bytes in KB."""
    slow = store == "TinyDB JSONStorage"
    caching = store == "TinyDB CachingMiddleware"
    floor = _peak()
    found: dict[str, float] = {}
    begin = time.perf_counter()
    db = opened(store, folder)
    db.find("number", "none")
    found["open + first find"] = _ms(begin)
    found["open MB"] = _peak() - floor
    sample = list(range(7, size, max(1, size // (3 if slow else 60))))
    for index in LOOKUPS:
        begin = time.perf_counter()
        db.find(index, "none")
        found[f"first find {index}"] = _ms(begin)
        name = "links" if index == "uuid" else "xpm_clients"
        keys = [values_of(name, next(documents(name, 1, start=n)))[index] for n in sample]
        found[f"find {index}"] = _median(lambda key, i=index: db.find(i, key), keys)  # type: ignore[misc]
    begin = time.perf_counter()
    assert db.scan() == size
    found["scan"] = _ms(begin)
    sets = sample[: 3 if slow else 60]
    before = _written()
    times = sorted(_times(lambda number: db.change(range(number, number + 1)), sets))
    found["link set p50"] = times[len(times) // 2]
    found["link set p95"] = times[min(len(times) - 1, round(len(times) * 0.95))]
    found["link set KB"] = (_written() - before) / 1024 / len(sets)
    begin, before = time.perf_counter(), _written()
    if slow or (caching and size > 1_000):
        count = 1 if slow else 20
        db.change(range(count))
        found["batch of 500"] = _ms(begin) * 500 / count
    else:
        db.change(range(500))
        found["batch of 500"] = _ms(begin)
    found["snapshot"] = min(_times(lambda _: db.snapshot(), list(range(1 if slow else 5))))
    found["stall"] = asyncio.run(_stall(db, 1 if slow else 20))
    if isinstance(db, Ours):
        found |= _catch_up(store, folder, db)
    begin = time.perf_counter()
    db.close()
    found["close"] = _ms(begin)
    found["peak MB"] = _peak() - floor
    if store == "PostgreSQL":
        del found["link set KB"]  # the server writes, not this process
    return found


def _catch_up(store: str, folder: Path, writer: Ours) -> dict[str, float]:
    """How long a reader takes to see one commit of another process, and 500, the commits not counted."""
    reader = opened(store, folder)
    assert isinstance(reader, Ours)
    found = {}
    for commits in (1, 500):
        for number in range(commits):
            writer.change(range(number, number + 1))
        begin = time.perf_counter()
        while reader.store.snapshot().position < writer.store.snapshot().position:
            pass
        found[f"catch up {commits}"] = _ms(begin)
    reader.close()
    return found


async def _stall(db: Store, sets: int) -> float:
    """Longest time that an event loop could do nothing, while a thread changes links (and ours compacts)."""
    worst = 0.0
    done = threading.Event()

    def write() -> None:
        for number in range(sets):
            db.change(range(number, number + 1))
        if isinstance(db, Ours):
            db.store.compact()
        done.set()

    threading.Thread(target=write).start()
    while not done.is_set():
        begin = time.perf_counter()
        await asyncio.sleep(0.001)
        db.find("number", "none") if isinstance(db, Ours) else None
        worst = max(worst, _ms(begin) - 1)
    return worst


def main() -> None:
    """Print one table per size."""
    stores = [store for store in STORES if store != "PostgreSQL" or DATABASE]
    for size in SIZES:
        print(f"{size:,} clients, as many links, bases and XPM clients. Milliseconds where not said.\n")
        found = {store: apart(store, size) for store in stores}
        rows = [[what, *(found[store].get(what, "") for store in stores)] for what in found["ours"]]
        show(["", *stores], rows)
        print()
    print("CachingMiddleware keeps its writes in memory until it is closed: its link sets are not durable.")
    print(
        "TinyDB's batches are measured on 1 or 20 changes and reckoned up, where all 500 would take minutes."
    )


def apart(store: str, size: int, database: str = DATABASE) -> dict[str, float]:
    """Measure a store in processes of its own."""
    folder = Path(tempfile.mkdtemp(prefix="bench-store-"))
    folder.chmod(0o700)
    try:
        for step in ("make", "measure"):
            done = subprocess.run(
                [sys.executable, "-m", "bench.store", step, store, str(folder), str(size)],
                capture_output=True,
                check=True,
                text=True,
                env={**os.environ, "XPM_BENCH_POSTGRES": database},
            )
        return dict(json.loads(done.stdout))
    finally:
        shutil.rmtree(folder)


def _median(work: Callable[[Any], object], keys: list[Any]) -> float:
    times = sorted(_times(work, keys))
    return times[len(times) // 2]


def _times(work: Callable[[Any], object], keys: list[Any]) -> Iterator[float]:
    for key in keys:
        begin = time.perf_counter()
        work(key)
        yield _ms(begin)


def _ms(begin: float) -> float:
    return (time.perf_counter() - begin) * 1000


def _peak() -> float:
    kilo = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilo / 1024 / (1024 if sys.platform == "darwin" else 1)


def _written() -> int:
    """Bytes that this process has asked the kernel to write (Linux; elsewhere 0)."""
    try:
        text = Path("/proc/self/io").read_text()
    except OSError:
        return 0
    return int(dict(line.split(": ") for line in text.splitlines())["wchar"])


if __name__ == "__main__":
    if len(sys.argv) == 5:
        job, which, where_to, number = sys.argv[1:]
        if job == "make":
            make(which, Path(where_to), int(number))
        else:
            print(json.dumps(measure(which, Path(where_to), int(number))))
        sys.stdout.flush()
        os._exit(0)
    main()
