"""A fleet for tests and figures: practices in one PostgreSQL, homes that share them, workers, a sandbox.

A home stands for a machine: it has settings, locks and logs of its own, and shares only the database and the
key of the login.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from tests.support.sandbox_process import SandboxProcess
from xpm_tui.application.clients.picks import pick_all
from xpm_tui.application.connection import ConnectionMachine
from xpm_tui.application.home import Home, add_practice, find_home
from xpm_tui.application.practice import OpenPractice, open_practice
from xpm_tui.application.runs.runner import run
from xpm_tui.domain.ignition import Contact
from xpm_tui.domain.ports import Put
from xpm_tui.domain.runs import Run
from xpm_tui.domain.tables import CLIENTS, LINKS

SETTINGS = """
[schedule]
at = "00:00"
require_sign_in = false
[practice]
timezone = "UTC"
"""
TO_XPM = f'[sync]\ndirection = "to_xpm"\ndaily_push = true\ncreate_lag = 5\n{SETTINGS}'


@dataclass(frozen=True)
class FleetHost:
    """A machine: its home, its address of the database, and the command that starts a process on it."""

    home: Home
    url: str
    enter: Sequence[str] = ()


@dataclass
class Fleet:
    """``names`` are the practices; ``machine`` opens another home for all of them."""

    folder: Path
    url: str
    sandbox: SandboxProcess
    names: list[str]
    workers: dict[subprocess.Popen[str], FleetHost] = field(default_factory=dict)

    @property
    def environ(self) -> dict[str, str]:
        return {
            **{key: value for key, value in os.environ.items() if not key.startswith("XPM_TUI_")},
            **self.sandbox.environ,
            "XPM_TUI_USER": "tester",
            "XPM_TUI_XERO_SCOPES": "both",
            "XPM_TUI_KEY_FILE": str(self.key),
            "XPM_TUI_STORE_URL": self.url,
        }

    @property
    def key(self) -> Path:
        path = self.folder / "key"
        if not path.exists():
            path.touch(0o600)
            path.write_text("00112233445566778899aabbccddeeff" * 2)
        return path

    def machine(self, name: str, settings: str = SETTINGS) -> Home:
        home = find_home(str(self.folder / name), {})
        home.config.mkdir(mode=0o700, parents=True, exist_ok=True)
        home.settings_file.write_text(settings, encoding="utf-8")
        home.settings_file.chmod(0o600)
        for practice in self.names:
            add_practice(home, practice)
        return home

    def open(self, home: Home, name: str, *, read_only: bool = False) -> OpenPractice:
        return open_practice(home, name, environ=self.environ, read_only=read_only)

    async def connect(self, home: Home) -> None:
        """Connect each practice to a tenant of its own, and bring its clients in."""
        tenants = [each for each in self.sandbox.greeting["tenants"] if each["type"] == "PRACTICEMANAGER"]
        for name, tenant in zip(self.names, tenants, strict=True):
            with self.open(home, name) as practice:
                machine = ConnectionMachine(practice, {})
                begun = machine.begin()
                machine.paste(self.sandbox.consent(begun.url, tenant=tenant["id"]))
                await machine.wait()
                await machine.choose(tenant["id"])
                await machine.fill()
                pick_all(practice)
            self.edit(home, name, 1)  # the first sync is never left to a schedule
            with self.open(home, name) as practice:
                assert (await run(practice, reviewed=True)).outcome == "done"

    def edit(self, home: Home, name: str, clients: int, contacts: int = 1) -> list[str]:
        """Change clients here: another phone number, and contacts more; return the contacts' addresses."""
        added = []
        with self.open(home, name) as practice:
            snapshot = practice.snapshot()
            linked = [(client, snapshot.get(LINKS, client.id)) for client in snapshot.rows(CLIENTS)]
            writes = []
            for client, link in linked[:clients]:
                assert link is not None
                had = len(client.contacts)
                new = [
                    Contact(id=id_, name=f"New {had + at}", email=f"{had + at}-{link.uuid}@new.example")
                    for at, id_ in enumerate(practice.ids.new("k", contacts))
                ]
                row = msgspec.structs.replace(client, phone=f"09 {had}", contacts=(*client.contacts, *new))
                writes.append(Put(CLIENTS, row))
                added += [contact.email for contact in new]
            practice.store.commit(writes)
        return added

    def worker(self, host: FleetHost, *words: str) -> subprocess.Popen[str]:
        out = (self.folder / "workers.log").open("a")
        started = [sys.executable, "-m", "xpm_tui", "--home", str(host.home.root), "worker", "--json", *words]
        with out:
            process = subprocess.Popen(
                [*host.enter, *started],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                text=True,
                env={**self.environ, "XPM_TUI_STORE_URL": host.url},
                start_new_session=True,
            )
        self.workers[process] = host
        return process

    def kill_worker_of(self, run: int, *, machine: bool) -> FleetHost | None:
        """SIGKILL to the worker that started the process of a run; with ``machine`` also to its runs.

        Returns where the worker was; None if none of them started it.
        """
        for worker in self.workers:
            runs = children(worker.pid)
            if run in runs:
                worker.kill()
                worker.wait(10)
                for pid in runs if machine else ():
                    os.kill(pid, signal.SIGKILL)
                return self.workers.pop(worker)
        return None

    def close(self) -> None:
        for worker in self.workers:
            worker.terminate()
        deadline = time.monotonic() + 30
        for worker in self.workers:
            try:
                worker.wait(max(1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                for pid in [*children(worker.pid), worker.pid]:
                    os.kill(pid, signal.SIGKILL)
                worker.wait(10)

    def runs(self, trigger: str = "daily") -> dict[str, list[Run]]:
        """The runs of each practice, oldest first; asked of the database, which may just have been killed."""
        found: dict[str, list[Run]] = {name: [] for name in self.names}
        deadline = time.monotonic() + 30
        while True:
            try:
                with psycopg.connect(self.url) as connection:
                    rows = connection.execute(_RUNS).fetchall()
                break
            except psycopg.OperationalError:
                assert time.monotonic() < deadline
                time.sleep(0.2)
        for name, raw in rows:
            run = msgspec.json.decode(raw, type=Run)
            if run.trigger == trigger and name in found:
                found[name].append(run)
        return {name: sorted(runs, key=lambda run: run.started) for name, runs in found.items()}

    def requests(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.sandbox.control("GET", "requests")["requests"]
        return rows


_RUNS = (
    "SELECT p.name, r.body FROM xpm_tui.rows r JOIN xpm_tui.practices p ON p.id = r.practice"
    " WHERE r.tbl = 'runs' AND r.body IS NOT NULL"
)


def children(pid: int) -> list[int]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    return [int(each) for each in found.stdout.split()]


async def wait_until(is_true: Any, seconds: float) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while not is_true():
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.2)
