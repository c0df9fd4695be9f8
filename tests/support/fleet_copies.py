"""``python -m tests.support.fleet_copies``: how long a look at many practices takes."""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg

from tests.support.fleet import Fleet, FleetHost
from tests.support.postgres_server import start_server
from tests.support.sandbox_process import sandbox_process


def copy_practice(url: str, source: str, names: Sequence[str]) -> None:
    """Copy a practice in the database under other names, without its login."""
    with psycopg.connect(url) as connection:
        for name in names:
            connection.execute(
                "INSERT INTO xpm_tui.practices (name, book, format, position, seq, row_count, horizon)"
                " SELECT %s, md5(%s), format, position, seq, row_count, horizon FROM xpm_tui.practices"
                " WHERE name = %s ON CONFLICT DO NOTHING",
                (name, name, source),
            )
            connection.execute(
                "INSERT INTO xpm_tui.rows SELECT t.id, r.tbl, r.id, r.position, r.seq, r.crc, r.body"
                " FROM xpm_tui.rows r JOIN xpm_tui.practices s ON s.id = r.practice AND s.name = %s"
                " JOIN xpm_tui.practices t ON t.name = %s ON CONFLICT DO NOTHING",
                (source, name),
            )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--practices", type=int, default=200)
    parser.add_argument("--clients", type=int, default=12)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    server = start_server()
    assert not isinstance(server, str), server
    names = [f"office-{number}" for number in range(options.practices)]
    with (
        tempfile.TemporaryDirectory(prefix="xpm-fleet-") as folder,
        sandbox_process("--tenants", "2", clients=options.clients) as sandbox,
    ):
        fleet = Fleet(Path(folder), server.address(), sandbox, names[:2])
        home = fleet.machine("home")
        asyncio.run(fleet.connect(home))
        copy_practice(fleet.url, names[0], names[2:])
        fleet.names = names
        home = fleet.machine("home")
        worker = fleet.worker(FleetHost(home, fleet.url), "--jobs", "1")
        time.sleep(8)
        worker.terminate()
        for words in (["status", "--all"], ["practices", "list", "--json"], ["worker", "status"]):
            for _ in range(2):
                begun = time.perf_counter()
                done = subprocess.run(
                    [sys.executable, "-m", "xpm_tui", "--home", str(home.root), *words],
                    env=fleet.environ, capture_output=True, text=True,
                )  # fmt: skip
                print(words, done.returncode, round(time.perf_counter() - begun, 2), len(done.stdout))
        print(done.stdout[-400:], done.stderr[-300:])
        print("home", home.root, fleet.url, fleet.environ["XPM_TUI_KEY_FILE"])
        if options.keep:
            print({k: v for k, v in fleet.environ.items() if k.startswith("XPM_")}, os.getpid())
            sys.stdout.flush()
            time.sleep(1500)
        fleet.close()


if __name__ == "__main__":
    main()
