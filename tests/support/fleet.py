"""A fleet for tests and figures: practices in one PostgreSQL, homes that share them, workers, a sandbox.

A home stands for a machine: it has settings, locks and logs of its own, and shares only the database and the
key of the login.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from tests.support.sandbox_process import SandboxProcess
from xpm_tui.application.clients.picks import pick_all
from xpm_tui.application.connection.state_machine import ConnectionMachine
from xpm_tui.application.home import Home, add_practice, find_home
from xpm_tui.application.practice import OpenPractice, open_practice
from xpm_tui.application.runs.history import list_runs
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


@dataclass
class Fleet:
    """``names`` are the practices; ``machine`` opens another home for all of them."""

    folder: Path
    url: str
    sandbox: SandboxProcess
    names: list[str]
    prefix: str = "office"
    workers: list[subprocess.Popen[str]] = field(default_factory=list)

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

    def edit(self, home: Home, name: str, clients: int) -> list[str]:
        """Change clients here: another phone number, and one contact more; return their UUIDs in XPM."""
        changed = []
        with self.open(home, name) as practice:
            snapshot = practice.snapshot()
            linked = [(client, snapshot.get(LINKS, client.id)) for client in snapshot.rows(CLIENTS)]
            writes = []
            for client, link in linked[:clients]:
                assert link is not None
                (contact_id,) = practice.ids.new("k")
                contact = Contact(
                    id=contact_id, name=f"New {link.uuid[:8]}", email=f"{link.uuid}@new.example"
                )
                row = msgspec.structs.replace(
                    client, phone=f"09 {len(client.contacts)}", contacts=(*client.contacts, contact)
                )
                writes.append(Put(CLIENTS, row))
                changed.append(link.uuid)
            practice.store.commit(writes)
        return changed

    def worker(self, home: Home, *words: str) -> subprocess.Popen[str]:
        out = (self.folder / "workers.log").open("a")
        with out:
            process = subprocess.Popen(
                [sys.executable, "-m", "xpm_tui", "--home", str(home.root), "worker", "--json", *words],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                text=True,
                env=self.environ,
                start_new_session=True,
            )
        self.workers.append(process)
        return process

    def kill_worker_of(self, run: int, *, machine: bool) -> Home | None:
        """SIGKILL to the worker that started the process of a run; with ``machine`` also to its runs.

        Returns the home of the worker; None if none of them started it.
        """
        for worker in self.workers:
            children = _children(worker.pid)
            if run in children:
                worker.kill()
                worker.wait(10)
                self.workers.remove(worker)
                for pid in children if machine else ():
                    os.kill(pid, signal.SIGKILL)
                return find_home(str(worker.args[4]), {})  # type: ignore[index]
        return None

    def close(self) -> None:
        for worker in self.workers:
            worker.terminate()
        for worker in self.workers:
            worker.wait(30)

    def runs(self, home: Home, trigger: str = "daily") -> dict[str, list[Run]]:
        """The runs of each practice, newest first."""
        found = {}
        for name in self.names:
            with self.open(home, name, read_only=True) as practice:
                found[name] = [each for each in list_runs(practice) if each.trigger == trigger]
        return found

    def reports(self) -> list[dict[str, Any]]:
        """What the workers reported."""
        lines = (self.folder / "workers.log").read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith('{"practice"')]

    def requests(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.sandbox.control("GET", "requests")["requests"]
        return rows


def _children(pid: int) -> list[int]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    return [int(each) for each in found.stdout.split()]


async def wait_until(is_true: Any, seconds: float) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while not is_true():
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.2)
