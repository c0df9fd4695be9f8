"""The console's desk: the open practice on a thread and loop of its own, so that the screen never waits.

Whatever reads or writes the practice runs there, one thing after the other between two awaits; the screen's
loop gets frozen values back.
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
"""Seconds after which a thread that computes lets another one have the interpreter; stock is 5 ms."""


YOUNG = 5_000
"""Things made between two looks for garbage; a look at what was made lately is over four times as many.

The fewer, the shorter each look, while which nobody computes: 35 ms over a hundred thousand, 7 over these.
"""


def calm() -> None:
    """Keep what the desk does from holding up the screen: once, when the practice is open."""
    sys.setswitchinterval(TURN)
    # A look for garbage over all that was loaded stops every thread: 0.1 s with fifty thousand clients.
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 4, 5_000)
    gc.enable()


class WorkerThread:
    """Runs the services. ``opener`` opens the practice; it is called on the desk's own thread."""

    def __init__(self, opener: Callable[[], OpenPractice]) -> None:
        self._opener = opener
        self._practice: OpenPractice | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._swapping = threading.Lock()
        self.busy = 0
        """Questions that wait for their answer."""

    @cached_property
    def _glances(self) -> concurrent.futures.ThreadPoolExecutor:
        return concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="glance")

    @property
    def practice(self) -> OpenPractice:
        """The open practice, for what never changes: its name, title, person and folders."""
        if self._practice is None:
            raise RuntimeError("the desk is closed")
        return self._practice

    @property
    def is_open(self) -> bool:
        """Whether questions can be asked."""
        return self._practice is not None

    def open(self) -> None:
        """Start the thread and open the practice; raises what the opener raises."""
        self._start().result()

    async def opened(self) -> None:
        """The same, without holding up the loop of whoever waits."""
        await asyncio.wrap_future(self._start())

    def _start(self) -> concurrent.futures.Future[None]:
        """Serve from a thread of its own; the future is done when the practice is open."""
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
        """Call ``look(practice, …)`` and wait for what it gives."""

        async def call() -> R:
            return look(self.practice, *args, **kwargs)

        return await self._there(call())

    async def glance(
        self, look: Callable[Concatenate[OpenPractice, P], R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """The same beside whatever else the desk does, for a look that only reads a snapshot of the book.

        To count a large book takes seconds: whoever types waits for nothing but what is typed for.
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
        """The same for a coroutine function; cancelling the wait cancels the work."""

        async def call() -> R:
            return await work(self.practice, *args, **kwargs)

        return await self._there(call())

    async def _there(self, job: Coroutine[Any, Any, R]) -> R:
        if self._loop is None:
            raise RuntimeError("the desk is closed")
        self.busy += 1
        try:
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(job, self._loop))
        finally:
            self.busy -= 1

    async def reopen(self) -> None:
        """Settings have changed: close the practice and open it again."""

        def again(practice: OpenPractice) -> None:
            with self._swapping:
                practice.close()
                self._practice = self._opener()

        await self.ask(again)

    def close(self) -> None:
        """End what is going on and let go of the files."""
        self._glances.shutdown(cancel_futures=True)
        if self._loop is not None and self._thread is not None and self._thread.is_alive():
            with contextlib.suppress(RuntimeError):  # closed meanwhile: it could not be opened
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
