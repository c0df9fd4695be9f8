"""A thread with an event loop of its own for the open practice, so that the screen never waits for it.

Reads and writes of the practice run there, one at a time between two awaits. The event loop of the screen
receives immutable values.
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

SWITCH_SECONDS = 0.001
"""The switch interval in seconds, after which a computing thread yields to another; Python's is 5 ms."""


GC_THRESHOLD = 5_000
"""The threshold of the youngest generation of the garbage collector, in objects.

No thread runs during a collection: it takes 35 ms with a threshold of 100,000 objects, and 7 ms with this
one.
"""


def tune_interpreter() -> None:
    """Keep the worker thread from blocking the screen; called once, when the practice is open."""
    sys.setswitchinterval(SWITCH_SECONDS)
    # What was loaded so far stays, so it need not be checked for garbage: that would stop every thread for
    # 50 ms now, and for 0.1 s at each full collection with 50,000 clients.
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, 4, 5_000)
    gc.enable()


class WorkerThread:
    """Runs functions and coroutines on the open practice. ``opener`` opens it, on the worker thread."""

    def __init__(self, opener: Callable[[], OpenPractice]) -> None:
        self._opener = opener
        self._practice: OpenPractice | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._reopening = threading.Lock()
        self.busy = 0
        """The number of calls that have not returned."""

    @cached_property
    def _reads(self) -> concurrent.futures.ThreadPoolExecutor:
        return concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="read")

    @property
    def practice(self) -> OpenPractice:
        """The open practice, for its constant parts: name, title, user and folders."""
        if self._practice is None:
            raise RuntimeError("the worker thread is closed")
        return self._practice

    @property
    def is_open(self) -> bool:
        """Whether the practice is open."""
        return self._practice is not None

    def open(self) -> None:
        """Start the thread and wait until the practice is open. Raises what the opener raises."""
        self._start().result()

    async def opened(self) -> None:
        """Start the thread and open the practice without blocking the calling event loop."""
        await asyncio.wrap_future(self._start())

    def _start(self) -> concurrent.futures.Future[None]:
        """Start the thread; the future is done when the practice is open."""
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

        self._thread = threading.Thread(target=serve, name="practice", daemon=True)
        self._thread.start()
        return done

    async def ask(
        self, function: Callable[Concatenate[OpenPractice, P], R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Return ``function(practice, …)``, called on the worker thread."""

        async def call() -> R:
            return function(self.practice, *args, **kwargs)

        return await self._await_on_thread(call())

    async def read(
        self, function: Callable[Concatenate[OpenPractice, P], R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Return ``function(practice, …)``, called on a second thread on a snapshot of the store.

        It is for reads that a user waits for while typing: counting a large store may occupy the worker
        thread for seconds.
        """

        def call() -> R:
            with self._reopening:
                return function(self.practice, *args, **kwargs)

        self.busy += 1
        try:
            return await asyncio.wrap_future(self._reads.submit(call))
        finally:
            self.busy -= 1

    async def run(
        self, work: Callable[Concatenate[OpenPractice, P], Awaitable[R]], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run a coroutine function on the worker thread; cancelling the wait cancels the work."""

        async def call() -> R:
            return await work(self.practice, *args, **kwargs)

        return await self._await_on_thread(call())

    async def _await_on_thread(self, job: Coroutine[Any, Any, R]) -> R:
        if self._loop is None:
            raise RuntimeError("the worker thread is closed")
        self.busy += 1
        try:
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(job, self._loop))
        finally:
            self.busy -= 1

    async def reopen(self) -> None:
        """Close the practice and open it again, with changed settings."""

        def close_and_open(practice: OpenPractice) -> None:
            with self._reopening:
                practice.close()
                self._practice = self._opener()

        await self.ask(close_and_open)

    def close(self) -> None:
        """Cancel running work, close the practice and end the thread."""
        self._reads.shutdown(cancel_futures=True)
        if self._loop is not None and self._thread is not None and self._thread.is_alive():
            with contextlib.suppress(RuntimeError):  # already stopped: the practice could not be opened
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
