"""The worker, which runs what is due in the practices that are stored in a database.

Each run has a process of its own, the one that a timer would start, so that no practice can block or break
another one. The queue says only which practice is to be looked at next.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import zlib
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime

import msgspec

import xpm_tui
from xpm_tui.application.home import Home, practices
from xpm_tui.application.practice import practice_settings, refuse_missing_driver
from xpm_tui.application.runs.runner import command_start, process_environ
from xpm_tui.application.runs.unattended_runs import DATABASE_LOST
from xpm_tui.application.scheduled_run import start_minutes
from xpm_tui.domain.errors import AppError, BadInput, Busy
from xpm_tui.domain.shared_state import QueueStatus, WorkerProcess, WorkQueue
from xpm_tui.lazy import lazy_imports
from xpm_tui.settings.store import Settings

with lazy_imports():
    import importlib.util

    from xpm_tui.store import postgres_connection, postgres_queue

NOT_REPORTED = frozenset({"too-early", "running", "done-today", "not-yet"})
"""Reasons for which a look at a practice is not reported, because most looks end with one of them."""


RETRY_SECONDS = 60.0
"""How long a practice waits whose database was lost, or that another machine is syncing."""


class WorkReport(msgspec.Struct, frozen=True, kw_only=True):
    """One look at a practice: how its process ended, and its last message."""

    practice: str
    outcome: str
    exit_code: int
    seconds: float
    run: str = ""
    why: str = ""
    message: str = ""
    code: str = ""

    def sentence(self) -> str:
        """Return it as a line for the worker's output; empty if nothing was to be done."""
        if self.why in NOT_REPORTED:
            return ""
        run = f", run {self.run}" if self.run else ""
        message = f" {self.message}" if self.message else ""
        return f"{self.practice}: {self.outcome}{run}, {self.seconds:.0f} s.{message}"


class QueueView(msgspec.Struct, frozen=True, kw_only=True):
    """The queue in a database: the address without the password, this home's practices in it, the state."""

    database: str
    practices: tuple[str, ...]
    status: QueueStatus


class PracticeWorker:
    """A worker for the practices of a home.

    ``report`` is called after each look at a practice, and ``notice`` when a queue is lost.
    Raises ``BadInput`` if none of them is stored in a database, or the driver is missing.
    """

    def __init__(
        self,
        home: Home,
        *,
        person: str,
        environ: Mapping[str, str],
        jobs: int = 4,
        overrides: Mapping[str, str] | None = None,
        report: Callable[[WorkReport], None] = lambda report: None,
        notice: Callable[[AppError], None] = lambda error: None,
        open_queue: Callable[[str], WorkQueue] | None = None,
    ) -> None:
        self._home = home
        self._person = person
        self._overrides = dict(overrides or {})
        self._environ = environ
        self._report = report
        self._open = open_queue or (
            lambda url: postgres_queue.ProcrastinateQueue(url, jobs=jobs, notice=notice)
        )
        self._settings: dict[str, Settings] = {}
        self._children: set[asyncio.subprocess.Process] = set()
        self._stopping = False
        self.served = self._databases()
        if not self.served:
            raise BadInput(
                "No practice of this account is stored in a database, so a worker has nothing to do.",
                hint="Workers are for practices in PostgreSQL (store.url). "
                "For the others: xpm-tui schedule install",
            )
        refuse_missing_driver()
        if importlib.util.find_spec("procrastinate") is None:
            raise BadInput(
                "Workers need the package Procrastinate, which is not installed.",
                hint="Install it: pip install 'xpm-tui[postgres]'",
            )

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set; then ask the runs to end after their present step, and wait for them.

        It also waits for a database that cannot be reached. Raises ``StoreUnreadable``, for example if the
        database role lacks a permission.
        """
        ending = asyncio.create_task(self._end(stop))
        try:
            await asyncio.gather(*(self._work(url, stop) for url in self.served))
        finally:
            ending.cancel()

    async def status(self) -> list[QueueView]:
        """Return the state of each database's queue. Raises ``StoreUnreadable``."""
        found = []
        for url, names in self.served.items():
            queue = self._open(url)
            try:
                shown = postgres_connection.DatabaseAddress(url).shown
                found.append(QueueView(database=shown, practices=tuple(names), status=await queue.status()))
            finally:
                await queue.close()
        return found

    async def _work(self, url: str, stop: asyncio.Event) -> None:
        queue = self._open(url)
        now = datetime.now(UTC)
        worker = WorkerProcess(
            id=f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}",
            machine=socket.gethostname(),
            person=self._person,
            version=xpm_tui.__version__,
            practices=len(self.served[url]),
            since=now,
            seen=now,
        )

        async def perform(practice: str) -> float | None:
            report = await self._look(practice)
            self._report(report)
            if report.code in DATABASE_LOST or report.why == "running":
                return RETRY_SECONDS  # a run that is still recorded as running may be lost with its machine
            ended_by_us = self._stopping and report.exit_code in _TERMINATED
            return 0 if ended_by_us else None  # another worker begins at once

        try:
            await queue.run(worker, lambda: self._databases().get(url, {}), perform, stop)
        finally:
            await queue.close()

    async def _look(self, practice: str) -> WorkReport:
        """Start the process that runs what is due, and wait for it."""
        begun = asyncio.get_running_loop().time()
        words = command_start(self._home, practice)
        for key, value in self._overrides.items():
            words += ["--set", f"{key}={value}"]
        try:
            process = await asyncio.create_subprocess_exec(
                *words, "sync", "--if-due", "--json",
                stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL, start_new_session=True, env=process_environ(),
            )  # fmt: skip
        except OSError as error:
            return WorkReport(
                practice=practice,
                outcome="failed",
                exit_code=AppError.exit_code,
                seconds=0,
                message=f"Its process could not be started: {error.strerror}.",
            )
        self._children.add(process)
        try:
            if self._stopping:
                _terminate(process)
            out, _ = await process.communicate()
        finally:
            self._children.discard(process)
        seconds = round(asyncio.get_running_loop().time() - begun, 1)
        return _reported(practice, process.returncode or 0, out, seconds)

    async def _end(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._stopping = True
        for process in self._children:
            _terminate(process)

    def _databases(self) -> dict[str, dict[str, Sequence[int]]]:
        """Return the practices in each database, with the minutes of the hour that their settings name."""
        found: dict[str, dict[str, Sequence[int]]] = {}
        for name in practices(self._home):
            if name not in self._settings:
                self._settings[name] = practice_settings(
                    self._home, name, environ=self._environ, overrides=self._overrides
                )
            settings = self._settings[name]
            settings.follow()
            if url := settings.secret("store.url"):
                times = start_minutes(settings.text("schedule.every"), worker_minute(settings, name))
                found.setdefault(url.reveal(), {})[name] = times
        return found


_TERMINATED = (-15, 128 + 15)
"""Exit codes of a process that was asked to end."""


def worker_minute(settings: Settings, practice: str) -> int:
    """Return the minute of the hour for a practice: that of the setting, or one that depends on its name."""
    if settings.origin("schedule.minute") != "default":
        return settings.number("schedule.minute")
    return spread_minute(practice)


def spread_minute(practice: str) -> int:
    """Return a minute of the hour by a practice's name, evenly spread and the same on all machines."""
    return zlib.crc32(practice.encode()) % 60


def _terminate(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()


def _reported(practice: str, code: int, out: bytes, seconds: float) -> WorkReport:
    """Return the report in the last line of the process."""
    last = out.strip().rpartition(b"\n")[2]
    try:
        result = msgspec.json.decode(last, type=dict[str, object])
    except msgspec.DecodeError:
        result = {}
    error = result.get("error")
    failure = error if isinstance(error, dict) else {}
    outcome = (
        "busy" if code == Busy.exit_code else str(result.get("outcome") or ("done" if not code else "failed"))
    )
    return WorkReport(
        practice=practice,
        outcome=outcome,
        exit_code=code,
        seconds=seconds,
        run=str(result.get("id") or ""),
        why=str(result.get("why") or ""),
        message=str(failure.get("message") or result.get("message") or ""),
        code=str(failure.get("code") or ""),
    )
