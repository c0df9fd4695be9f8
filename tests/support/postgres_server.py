"""A private PostgreSQL for the tests: a cluster of its own in a temporary folder, on a Unix socket only."""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from functools import cache
from itertools import count
from pathlib import Path
from typing import Protocol

import pytest

from xpm_tui.files.machine import SystemClock
from xpm_tui.store.database_store import DatabaseStore
from xpm_tui.store.store import TableStore, open_store

GIVEN = os.environ.get("XPM_TEST_POSTGRES", "")
"""The address of a server where databases may be created, in place of a private one."""

_FOLDERS = ("/usr/lib/postgresql", "/usr/local/pgsql", "/opt/homebrew/opt/postgresql")
_numbers = count(1)


class PostgresServer:
    """A server that can be killed and started again. ``url`` is the address of its first database."""

    def __init__(
        self, programs: Path, folder: Path, run_as: list[str], network: str = "", *, durable: bool = False
    ) -> None:
        self.programs = programs
        self.folder = folder
        self.data = folder / "data"
        self._as = run_as
        self._call("initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync", "-D")
        with (self.data / "postgresql.conf").open("a") as stream:
            # A killed process loses nothing by it, a power failure would: tests cut no power.
            stream.write(
                f"fsync = {'on' if durable else 'off'}\nmax_connections = 80\nshared_buffers = 16MB\n"
            )
            stream.write(f"listen_addresses = '{'*' if network else ''}'\n")
            stream.write(f"unix_socket_directories = '{folder}'\nautovacuum = off\n")
        if network:
            with (self.data / "pg_hba.conf").open("a") as stream:
                stream.write(f"host all all {network} trust\n")
        self.start()

    def _call(self, program: str, *arguments: str, at_data: bool = True) -> None:
        last = [str(self.data)] if at_data else []
        command = [*self._as, str(self.programs / program), *arguments, *last]
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.folder, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self) -> None:
        log = str(self.folder / "log")
        self._call("pg_ctl", "-w", "-s", "-l", log, "-t", "60", "start", "-D")

    def stop(self) -> None:
        self._call("pg_ctl", "-s", "-m", "immediate", "stop", "-D")

    def kill(self) -> None:
        """SIGKILL to every process of the server, then a start: it recovers from its log."""
        first = int((self.data / "postmaster.pid").read_text().split()[0])
        found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(first)], capture_output=True, text=True)
        for pid in [first, *map(int, found.stdout.split())]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        deadline = time.monotonic() + 10
        while Path(f"/proc/{first}").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        self.start()

    def address(self, database: str = "postgres", user: str = "postgres") -> str:
        return f"postgresql://{user}@/{database}?host={self.folder}"


def _programs() -> Path | None:
    found = shutil.which("initdb")
    if found and shutil.which("pg_ctl", path=str(Path(found).resolve().parent)):
        return Path(found).resolve().parent
    for folder in map(Path, _FOLDERS):
        for programs in sorted(folder.glob("**/bin"), reverse=True):
            if (programs / "initdb").exists():
                return programs
    return None


@cache
def server() -> PostgresServer | str:
    """The server of this test process, started when first asked for; or why there is none."""
    return start_server()


def start_server(network: str = "", *, durable: bool = False) -> PostgresServer | str:
    """Another server, which ends with this process; or why there is none.

    ``network`` are the addresses, such as ``10.77.0.0/16``, whose connections it accepts besides its socket.
    ``durable`` has it wait for the disk, as a server for use does: for measurements.
    """
    programs = _programs()
    if programs is None:
        return "PostgreSQL is not installed on this machine (no initdb was found)"
    folder = Path(tempfile.mkdtemp(prefix="xpm-pg-"))
    run_as: list[str] = []
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root.
        if shutil.which("setpriv") is None:
            return "PostgreSQL does not run as root, and setpriv was not found"
        owner = pwd.getpwnam("nobody")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        run_as = ["setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]
    try:
        made = PostgresServer(programs, folder, run_as, network, durable=durable)
    except (AssertionError, OSError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        return f"PostgreSQL could not be started: {str(error)[-300:]}"
    owner_pid = os.getpid()

    def end() -> None:
        if os.getpid() == owner_pid:
            try:
                made.stop()
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    atexit.register(end)
    return made


def private_server() -> PostgresServer:
    """The server of this test process; skips the test where there is none."""
    found = server()
    if isinstance(found, str):
        pytest.skip(found)
    return found


def fresh_practice() -> tuple[str, str]:
    """The address of a database, and the name of a practice that is not in it yet."""
    url = GIVEN or private_server().address()
    return url, f"p{os.getpid()}-{next(_numbers)}"


class Opener(Protocol):
    """Opens one store, again and again."""

    def __call__(self, *, read_only: bool = False) -> TableStore: ...


def opener(engine: str, folder: Path) -> Opener:
    """What opens the store of this test on an engine: ``disk`` or ``postgres``.

    In PostgreSQL the position is asked for at every look, so that no test waits for a notification.
    """
    if engine == "disk":
        return lambda *, read_only=False: open_store(
            folder / "book", read_only=read_only, clock=SystemClock()
        )
    url, name = fresh_practice()
    return lambda *, read_only=False: DatabaseStore(
        url, name, read_only=read_only, clock=SystemClock(), poll=0.0
    )
