"""The demo: starts a sandbox, imports sample files into a home of its own, and opens the console."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xpm_tui.cli.console import ConsoleLauncher, open_console
from xpm_tui.cli.options import Globals
from xpm_tui.domain.errors import AppError, BadInput, Busy
from xpm_tui.files.durable import replace_bytes
from xpm_tui.files.private import expand_path
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application import home
    from xpm_tui.application import practice as application_practice
    from xpm_tui.application.connection import state_machine
    from xpm_tui.application.csv_io import imports
    from xpm_tui.cli import sample_data
    from xpm_tui.sandbox.core import sandbox as core_sandbox

if TYPE_CHECKING:
    from xpm_tui.application.practice import OpenPractice
    from xpm_tui.ignition.forms import FormName
    from xpm_tui.sandbox.core.records import SandboxPractice

PORTS = range(8765, 8770)
"""The ports of the redirect address that the sandbox's app has registered."""


def demo(console: ConsoleLauncher, given: Globals, *, clients: int, seed: int) -> int:
    """Run the demo until the console is left; return the exit code. A temporary home is deleted."""
    if not given.plain:
        console.require_terminal()
    with home_folder(given.home, "xpm-tui-demo-") as folder:
        print("Starting the sandbox and filling the demo practice ...", file=sys.stderr, flush=True)
        with sandbox(folder, clients=clients, seed=seed) as greeting:
            prepare(folder, greeting, clients=clients, seed=seed)
            return open_console(console, given._replace(home=str(folder), practice=""))


def prepare(folder: Path, greeting: dict[str, Any], *, clients: int, seed: int) -> None:
    """Point the practice in ``folder`` at the sandbox; write the sample files there and import them.

    A practice that an earlier demo has connected is connected again, to the new sandbox, and has its files.

    Raises:
        BadInput: The earlier demo had another seed.
    """
    with application_practice.open_practice(home.find_home(str(folder), os.environ), environ={}) as practice:
        identity = application_practice.read_identity(practice.snapshot())
        if identity is not None and identity.tenant not in {each["id"] for each in greeting["tenants"]}:
            raise BadInput(
                "This home holds a demo with another seed. Nothing was changed.",
                hint="Name that --seed, or another --home.",
            )
        for key, value in _settings(greeting).items():
            practice.settings.set(key, value, practice=True)
        if identity is not None:
            asyncio.run(_connect_again(practice, greeting["api_url"], identity.tenant))
            return
        today = practice.clock.now().date()
        for form, text in sample_files(core_sandbox.Sandbox(seed, clients).practice, seed, today).items():
            path = folder / f"ignition-{form}.csv"
            path.write_text(text, encoding="utf-8", newline="")
            imports.import_file(practice, form, path)


async def _connect_again(practice: OpenPractice, api: str, tenant: str) -> None:
    """Sign in to the new sandbox, which knows nothing of the earlier login, and read its lists."""
    machine = state_machine.ConnectionMachine(practice)
    url = machine.begin().url
    machine.paste(await asyncio.to_thread(_consent, api, url))
    await machine.wait()
    await machine.choose(tenant)
    await machine.fill()


def _consent(api: str, authorize_url: str) -> str:
    """Press the button of the sandbox's consent page; return the address that it redirects to."""
    request = urllib.request.Request(
        f"{api}/_sandbox/consent",
        data=json.dumps({"authorize_url": authorize_url}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as reply:
        return str(json.load(reply)["redirect"])


def sample_files(practice: SandboxPractice, seed: int, today: date) -> dict[FormName, str]:
    """Return Ignition's four files for a practice of the sandbox, in the order of their import."""
    clients = sample_data.sample(practice, seed)
    return {
        "team": sample_data.team(),
        "services": sample_data.services(),
        "clients": clients,
        "proposals": sample_data.proposals(clients, seed, today),
    }


def write_sample_files(folder: Path, *, clients: int, seed: int) -> list[Path]:
    """Write Ignition's four sample files for a sandbox of this size and seed, and return their paths.

    Raises:
        BadInput: A different file of that name exists. Nothing was written.
    """
    practice = core_sandbox.Sandbox(seed, clients).practice
    texts = sample_files(practice, seed, datetime.now(UTC).date())
    wanted = {folder / f"{form}.csv": text.encode() for form, text in texts.items()}
    for path, text in wanted.items():
        if path.exists() and path.read_bytes() != text:
            raise BadInput(
                f"{path} exists already. No sample file was written.", hint="Name an empty folder for them."
            )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path, text in wanted.items():
        replace_bytes(path, text)
    return list(wanted)


@contextmanager
def sandbox(folder: Path, *, clients: int, seed: int) -> Iterator[dict[str, Any]]:
    """Start a sandbox that ends with the block and with this process; yield its greeting."""
    with (folder / "sandbox.log").open("wb") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "xpm_tui.sandbox", "--port", "0", "--die-with-parent"),
                *("--clients", str(clients), "--seed", str(seed)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line:
            raise AppError(
                f"The sandbox did not start: it ended with {process.wait(10)}.",
                hint="Start it by itself to see why: xpm-tui sandbox",
            )
        yield json.loads(line)
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def _settings(greeting: dict[str, Any]) -> dict[str, str]:
    return {
        "xero.login_url": greeting["login_url"],
        "xero.identity_url": greeting["identity_url"],
        "xero.api_url": greeting["api_url"],
        "xero.client_id": greeting["client_id"],
        "xero.redirect_port": str(_free_port()),
        "xero.scopes": "both",
    }


def _free_port() -> int:
    """Return a registered port that is free, so that two demos can run at the same time."""
    for port in PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise Busy(
        f"All ports from {PORTS[0]} to {PORTS[-1]} are in use.", hint="Close one of the other demos first."
    )


@contextmanager
def home_folder(chosen: str, prefix: str) -> Iterator[Path]:
    """Yield the given folder, which stays, or a temporary one whose name starts with ``prefix``."""
    if chosen:
        folder = expand_path(chosen)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        yield folder
        return
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
