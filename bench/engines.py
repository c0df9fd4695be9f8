"""The two engines beside each other: the embedded store, and PostgreSQL on the same machine.

The server is a private one that waits for the disk at each commit, reached through a Unix socket.
"""

from __future__ import annotations

import os

from bench import store, sync
from bench.table import show
from tests.support.postgres_server import start_server

SIZE = 10_000
STORE = {
    "open + first find": "open and find, ms",
    "link set p50": "set a link, ms (p50)",
    "link set p95": "set a link, ms (p95)",
    "batch of 500": "set 500 links, ms",
    "catch up 1": "catch up with 1 commit, ms",
    "catch up 500": "catch up with 500 commits, ms",
}
SYNC = {
    "lists": "read XPM's lists, s",
    "pick": "bring all clients in, s",
    "plan": "plan, s",
    "apply": "apply 10% changes, s",
    "second": "second sync, s",
}


def main() -> None:
    """Print one table."""
    url = os.environ.get("XPM_BENCH_POSTGRES", "")
    if not url:
        server = start_server(durable=True)
        if isinstance(server, str):
            print(server)
            return
        url = server.address()
    stores = [store.apart("ours", SIZE), store.apart("PostgreSQL", SIZE, url)]
    syncs = [sync.apart(SIZE), sync.apart(SIZE, url)]
    rows = [[title, *(found[key] for found in stores)] for key, title in STORE.items()]
    rows += [[title, *(found[key] for found in syncs)] for key, title in SYNC.items()]
    show([f"{SIZE:,} clients", "files", "PostgreSQL"], rows)


if __name__ == "__main__":
    main()
