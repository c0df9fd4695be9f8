"""The work queue in PostgreSQL: Procrastinate behind our port, in a schema of its own.

Jobs are disposable: the name of the schema contains a hash of its definition, so that a version of
Procrastinate with other tables begins with an empty queue instead of changing one that older workers use.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import procrastinate
import psycopg
from procrastinate import exceptions, periodic, schema
from procrastinate.jobs import Job, Status
from psycopg import sql

from xpm_tui.domain.errors import StoreUnreachable, StoreUnreadable
from xpm_tui.domain.shared_state import Perform, QueuedJob, QueueStatus, Timetable, WorkerProcess
from xpm_tui.store.postgres_connection import SCHEMA_LOCK, DatabaseAddress, Session

TASK = "look"
"""The only task: look at a practice, and do what is due."""

MAX_DELAY = 3600.0
"""Seconds after which a missed job of the timetable is left out; the next one has come by then."""

_JOBS = schema.SchemaManager.get_schema()
SCHEMA = f"xpm_tui_work_{hashlib.sha256(_JOBS.encode()).hexdigest()[:8]}"

_WORKERS = """
CREATE TABLE workers (
    id text PRIMARY KEY,
    machine text NOT NULL,
    person text NOT NULL,
    version text NOT NULL,
    practices int NOT NULL,
    since timestamptz NOT NULL,
    seen timestamptz NOT NULL
)
"""
_SEEN = (
    "INSERT INTO workers VALUES (%s, %s, %s, %s, %s, now(), now())"
    " ON CONFLICT (id) DO UPDATE SET practices = excluded.practices, seen = now()"
)
_FORGET = "DELETE FROM workers WHERE id = %s OR seen < now() - interval '1 day'"
_ERRORS = (exceptions.ProcrastinateException, psycopg.Error)

for _name in ("procrastinate", "psycopg", "psycopg.pool"):
    # Errors reach the user once, in the words of this program, and not as a traceback.
    logging.getLogger(_name).addHandler(logging.NullHandler())
    logging.getLogger(_name).propagate = False


class ProcrastinateQueue:
    """The WorkQueue port over Procrastinate.

    ``jobs`` is how many jobs a worker performs at the same time. A worker shows every ``heartbeat`` seconds
    that it is alive, and its jobs are rescued when it has been ``silent`` for that many seconds. A lost
    connection is waited for ``patience`` seconds. ``notice`` is called with the reason when the queue is
    lost, once until it is back.
    """

    def __init__(
        self,
        url: str,
        *,
        jobs: int = 4,
        heartbeat: float = 10.0,
        silent: float = 30.0,
        patience: float = 10.0,
        notice: Callable[[StoreUnreachable], None] = lambda lost: None,
    ) -> None:
        self._address = DatabaseAddress(url)
        self._notice = notice
        self._jobs = jobs
        self._heartbeat = heartbeat
        self._silent = silent
        self._patience = patience
        self._app: procrastinate.App | None = None
        self._perform: Perform = _do_nothing
        self._owed: dict[str, float] = {}
        """The practices to be added to the lost queue, and the times of the event loop at which to begin."""

    async def enqueue(self, practice: str, *, after: float = 0.0) -> bool:
        """Add a job for a practice, to begin in ``after`` seconds; False if one is waiting already."""
        begin = datetime.now(UTC) + timedelta(seconds=after) if after else None
        async with self._opened() as app:
            try:
                await app.configure_task(TASK, schedule_at=begin, **_options(practice)).defer_async()
            except exceptions.AlreadyEnqueued:
                return False
            return True

    async def run(
        self,
        worker: WorkerProcess,
        timetable: Callable[[], Timetable],
        perform: Perform,
        stop: asyncio.Event,
    ) -> None:
        """Perform jobs until ``stop`` is set; see the port."""
        self._perform = perform
        is_reported = False
        asyncio.get_running_loop().set_exception_handler(_report_unexpected)
        while not stop.is_set():
            try:
                async with self._opened() as app:
                    is_reported = False
                    await self._serve(app, worker, timetable, stop)
            except StoreUnreachable as lost:  # the jobs are rescued when it is back
                if not is_reported and not stop.is_set():
                    self._notice(lost)
                is_reported = True
                # With fresh connections: a pool that could not replace a lost one may never try again.
                await self.close()
            await _wait(stop, min(self._heartbeat, 5.0))
        with suppress(StoreUnreachable):  # then the jobs are not finished either, and are rescued
            await self._add_owed()

    async def rescue(self) -> list[str]:
        """Put back the jobs of workers that have shown no sign of life; return their practices."""
        async with self._opened() as app:
            rescued = []
            for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=self._silent):
                with suppress(exceptions.ConnectorException):  # another worker was faster
                    await _put_back(app, job)
                    rescued.append(job.queue)
            return rescued

    async def status(self) -> QueueStatus:
        """Return the workers and jobs."""
        if self._app is None and not await asyncio.to_thread(_create_tables, self._address, create=False):
            return QueueStatus()  # no worker has ever run
        async with self._opened() as app:
            rows = await app.connector.execute_query_all_async("SELECT * FROM workers ORDER BY since, id")
            jobs = await app.job_manager.list_jobs_async(task=TASK)
            return QueueStatus(
                workers=tuple(WorkerProcess(**{**row, **_utc(row)}) for row in rows),
                jobs=tuple(
                    QueuedJob(practice=job.queue, state="running" if job.status == "doing" else "waiting")
                    for job in jobs
                    if job.status in ("doing", "todo")
                ),
            )

    async def close(self) -> None:
        """Close the connections."""
        app, self._app = self._app, None
        if app is not None:
            with suppress(*_ERRORS):
                await app.close_async()

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[procrastinate.App]:
        """Yield the open queue, created if it is missing; errors of the driver become errors of the store."""
        if self._app is None:
            # In a thread, because an unreachable server may block; the heartbeats of other workers continue.
            await asyncio.to_thread(_create_tables, self._address)
            connector = procrastinate.PsycopgConnector(
                kwargs=self._address.options,
                configure=_configure,
                min_size=1,
                max_size=4,
                timeout=self._patience,
            )
            app = procrastinate.App(connector=connector, periodic_defaults={"max_delay": MAX_DELAY})
            app.task(name=TASK, pass_context=True)(self._perform_job)
            try:
                await app.open_async()
            except _ERRORS as error:
                raise self._lost(error) from None
            self._app = app
        try:
            yield self._app
        except _ERRORS as error:
            raise self._lost(error) from None

    def _lost(self, error: Exception) -> StoreUnreadable:
        server = self._address.server
        if isinstance(error.__cause__ or error, psycopg.errors.InsufficientPrivilege):
            return StoreUnreadable(
                f"Your database role lacks a permission for the queue of the workers at {server}.",
                hint="Let all workers use the role that started the first one: see docs/production.md.",
            )
        reason = self._address.clean(str(error.__cause__ or error))
        return StoreUnreachable(
            f"The queue of the workers in the database at {server} cannot be used: {reason}.",
            hint="Check the server and the network; workers connect again by themselves.",
        )

    async def _serve(
        self,
        app: procrastinate.App,
        worker: WorkerProcess,
        timetable: Callable[[], Timetable],
        stop: asyncio.Event,
    ) -> None:
        """Perform jobs until ``stop`` is set or the connection is lost."""
        names: list[str] = []
        self._follow(app, names, timetable())
        working = asyncio.create_task(
            app.run_worker_async(
                queues=names,
                concurrency=self._jobs,
                name=worker.id,
                install_signal_handlers=False,
                delete_jobs="always",
                update_heartbeat_interval=self._heartbeat,
                stalled_worker_timeout=self._silent,
                fetch_job_polling_interval=min(5.0, self._heartbeat),
            )
        )
        try:
            while not stop.is_set() and not working.done():
                new = self._follow(app, names, timetable())
                row = (worker.id, worker.machine, worker.person, worker.version, len(names))
                await _execute(app, _SEEN, *row)
                for name in new:
                    await self.enqueue(name)
                await self._add_owed()
                await self.rescue()
                await _wait(stop, self._heartbeat, working)
        finally:
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working  # the jobs that it performs end first
        await _execute(app, _FORGET, worker.id)

    def _follow(self, app: procrastinate.App, names: list[str], timetable: Timetable) -> list[str]:
        """Adopt a timetable that may have changed; return the practices that are new in it."""
        registry = periodic.PeriodicRegistry()  # type: ignore[no-untyped-call]
        for practice, minutes in timetable.items():
            cron = f"{','.join(map(str, minutes))} * * * *"
            registry.register_task(app.tasks[TASK], cron, practice, _options(practice))
        if timetable:  # an empty registry would end the deferrer permanently
            # Replaced, not changed: the deferrer may be in the middle of the old one.
            app.periodic_registry.periodic_tasks = registry.periodic_tasks
        new = [practice for practice in timetable if practice not in names]
        names[:] = timetable
        return new

    async def _perform_job(self, context: procrastinate.JobContext, timestamp: int = 0) -> None:
        """Perform a job, and add the next one before it ends, so that this cannot get lost in between.

        If the queue is lost, this job cannot end either, and the next one is added when it is back.
        """
        practice = str(context.job.queue)
        after = await self._perform(practice)
        if after is not None:
            self._owed[practice] = asyncio.get_running_loop().time() + after
            with suppress(StoreUnreachable):
                await self._add_owed()

    async def _add_owed(self) -> None:
        """Add the jobs that could not be added so far. Raises ``StoreUnreachable``."""
        for practice, begin in list(self._owed.items()):
            await self.enqueue(practice, after=max(0.0, begin - asyncio.get_running_loop().time()))
            self._owed.pop(practice, None)


def _options(practice: str) -> Any:
    return {"queue": practice, "lock": practice, "queueing_lock": practice}


def _utc(row: dict[str, Any]) -> dict[str, datetime]:
    return {name: row[name].astimezone(UTC) for name in ("since", "seen")}


async def _put_back(app: procrastinate.App, job: Job) -> None:
    try:
        await app.job_manager.retry_job(job)
    except exceptions.UniqueViolation:
        # Another job for the practice is waiting already. It could never begin while this one is "doing".
        await app.job_manager.finish_job(job, status=Status.FAILED, delete_job=True)


async def _execute(app: procrastinate.App, statement: str, *values: Any) -> None:
    async with app.connector.pool.connection() as connection:  # type: ignore[attr-defined]
        await connection.execute(statement, values)


async def _wait(stop: asyncio.Event, seconds: float, other: asyncio.Task[None] | None = None) -> None:
    """Wait for some seconds, or until ``stop`` is set or ``other`` has ended."""
    waiting = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({waiting, *filter(None, [other])}, timeout=seconds, return_when="FIRST_COMPLETED")
    finally:
        waiting.cancel()


def _report_unexpected(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Report an error that nobody handled, except for the loss of the queue, which is reported elsewhere."""
    if not isinstance(context.get("exception"), _ERRORS):
        loop.default_exception_handler(context)


async def _do_nothing(practice: str) -> float | None:
    """Stand in for the work of a queue that performs none."""
    return None


async def _configure(connection: psycopg.AsyncConnection[Any]) -> None:
    """Have the session find the tables of the queue, and end an abandoned transaction."""
    await connection.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(SCHEMA)))
    await connection.commit()


def _create_tables(address: DatabaseAddress, *, create: bool = True) -> bool:
    """Create the tables if they are missing, for everyone to read; return whether they are there."""
    session = Session(address)
    try:
        with session.transaction() as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (SCHEMA_LOCK,))
            found = connection.execute("SELECT to_regnamespace(%s)", (SCHEMA,)).fetchone()
            if not create or (found is not None and found[0] is not None):
                return found is not None and found[0] is not None
            name = sql.Identifier(SCHEMA)
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(name))
            connection.execute(sql.SQL("SET LOCAL search_path TO {}").format(name))
            connection.execute(_JOBS.encode())
            connection.execute(_WORKERS.encode())
            connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO PUBLIC").format(name))
            connection.execute(sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA {} TO PUBLIC").format(name))
            return True
    finally:
        session.close()
