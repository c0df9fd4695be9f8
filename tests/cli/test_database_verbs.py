"""Verbs that need PostgreSQL, on a real server: their answers follow the published schema."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from tests.interface import schemas
from tests.support.command import CommandLine, Done, Inline
from tests.support.postgres_server import fresh_practice


@pytest.mark.soak
def test_a_practice_moves_into_a_database_is_synced_by_a_worker_and_moves_back(
    connected: Inline, tmp_path: Path
) -> None:
    url = fresh_database()
    keys = tmp_path / "key"
    keys.touch(0o600)
    keys.write_text("00112233445566778899aabbccddeeff" * 2)
    connected.environ["XPM_TUI_KEY_FILE"] = str(keys)
    connected("clients", "pick", "--all", "--yes", "--json")
    connected("sync", "--yes", "--json")
    moved = connected("data", "move", "--to", url, "--yes", "--json").json
    assert moved["ok"]
    connected.environ["XPM_TUI_STORE_URL"] = url
    assert connected("clients", "list", "--json").json["count"] > 1
    assert worked(connected)[0]["practice"] == "practice"
    assert connected("worker", "status", "--json").json["ok"]
    assert connected("data", "move", "--to", "files", "--yes", "--json").json["ok"]


def fresh_database() -> str:
    """The address of a new database, because the practices of all tests have the same name."""
    address, name = fresh_practice()
    with psycopg.connect(address, autocommit=True) as server:
        server.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    return urlsplit(address)._replace(path=f"/{name}").geturl()


def worked(command: CommandLine) -> list[dict[str, str]]:
    """Return what a worker reports after its first line until it is stopped."""
    with command.start("worker", "--json") as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
        done = Done(process.returncode, first + out, err)
    schemas.listen(["worker", "--json"], done)
    return [json.loads(line) for line in done.out.splitlines()]
