"""The console's worker thread: the open practice on its own thread and loop, so that the screen never waits.

Everything that reads or writes the practice runs there, one call at a time between two awaits; the screen's
loop gets frozen values.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import gc
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine
from functools import cached_property
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

if TYPE_CHECKING:
    from xpm_tui.application.practice import OpenPractice

P = ParamSpec("P")
R = TypeVar("R")

TURN = 0.001
"""Seconds after which a computing thread lets another one run; Python's default is 5 ms."""


YOUNG = 5_000
"""The number of new objects between two garbage collections.

The fewer, the shorter each collection, during which all threads stop: 35 ms for a hundred thousand, 7 for
these.
"""


def calm() -> None:
    """Keep the worker thread from blocking the screen; called once, when the practice is open."""
    sys.setswitchinterval(TURN)
    # A garbage collection over everything stops all threads: 0.1 s with fifty thousand clients.
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 4, 5_000)
    gc.enable()


class WorkerThread:
    """Runs the use cases. ``opener`` opens the practice; it is called on the worker thread."""

    def __init__(self, opener: Callable[[], OpenPractice]) -> None:
        self._opener = opener
        self._practice: OpenPractice | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._swapping = threading.Lock()
        self.busy = 0
        """The number of pending calls."""

    @cached_property
    def _glances(self) -> concurrent.futures.ThreadPoolExecutor:
        return concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="glance")

    @property
    def practice(self) -> OpenPractice:
        """Return the open practice, for what never changes: its name, title, person and folders."""
        if self._practice is None:
            raise RuntimeError("the worker thread is closed")
        return self._practice

    @property
    def is_open(self) -> bool:
        """Return whether calls can be made."""
        return self._practice is not None

    def open(self) -> None:
        """Start the thread and open the practice; raises what the opener raises."""
        self._start().result()

    async def opened(self) -> None:
        """Do the same without blocking the caller's loop."""
        await asyncio.wrap_future(self._start())

    def _start(self) -> concurrent.futures.Future[None]:
        """Serve from a new thread; the future is done when the practice is open."""
        done: concurrent.futures.Future[None] = concurrent.futures.Future()
        loop = self._loop = asyncio.new_event_loop()

        def serve() -> None:
            asyncio.set_event_loop(loop)
            try:
                self._practice = self._opener()
            except BaseException as error:
                loop.close()
                done.set_exception(error)
                return
            done.set_result(None)
            try:
                loop.run_forever()
            finally:
                self._end(loop)

        self._thread = threading.Thread(target=serve, name="desk", daemon=True)
        self._thread.start()
        return done

    async def ask(
        self, look: Callable[Concatenate[OpenPractice, P], R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Call ``look(practice, …)`` and wait for its result."""

        async def call() -> R:
            return look(self.practice, *args, **kwargs)

        return await self._there(call())

    async def glance(
        self, look: Callable[Concatenate[OpenPractice, P], R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Call a function that only reads a snapshot, on a second thread.

        Counting a large store takes seconds, and must not delay what a user waits for while typing.
        """

        def call() -> R:
            with self._swapping:
                return look(self.practice, *args, **kwargs)

        self.busy += 1
        try:
            return await asyncio.wrap_future(self._glances.submit(call))
        finally:
            self.busy -= 1

    async def run(
        self, work: Callable[Concatenate[OpenPractice, P], Awaitable[R]], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Do the same for a coroutine function; cancelling the wait cancels the work."""

        async def call() -> R:
            return await work(self.practice, *args, **kwargs)

        return await self._there(call())

    async def _there(self, job: Coroutine[Any, Any, R]) -> R:
        if self._loop is None:
            raise RuntimeError("the worker thread is closed")
        self.busy += 1
        try:
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(job, self._loop))
        finally:
            self.busy -= 1

    async def reopen(self) -> None:
        """Close and open the practice again, because settings have changed."""

        def again(practice: OpenPractice) -> None:
            with self._swapping:
                practice.close()
                self._practice = self._opener()

        await self.ask(again)

    def close(self) -> None:
        """End what is in progress and close the files."""
        self._glances.shutdown(cancel_futures=True)
        if self._loop is not None and self._thread is not None and self._thread.is_alive():
            with contextlib.suppress(RuntimeError):  # closed meanwhile, because it could not be opened
                self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(5)

    def _end(self, loop: asyncio.AbstractEventLoop) -> None:
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if tasks:
            loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        if self._practice is not None:
            self._practice.close()
            self._practice = None
        loop.close()
