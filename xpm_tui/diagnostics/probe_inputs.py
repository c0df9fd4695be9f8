"""What probes are shown: facts gathered by the service, as frozen values and calls that only read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Generic, TypeVar

import msgspec

from xpm_tui.domain.errors import AppError, XeroError

T = TypeVar("T")
Ask = Callable[[], Awaitable[T]]


class Once(Generic[T]):
    """Asks once and gives the same answer, or the same error, to everybody."""

    def __init__(self, ask: Ask[T]) -> None:
        self._ask = ask
        self._told: list[T] = []
        self._failed: list[Exception] = []

    async def __call__(self) -> T:
        """Return the value, or raise the error, of the first call."""
        if self._failed:
            raise self._failed[0]
        if not self._told:
            try:
                self._told.append(await self._ask())
            except Exception as error:
                self._failed.append(error)
                raise
        return self._told[0]


class ServerReply(msgspec.Struct, frozen=True, kw_only=True):
    """One server of Xero, asked without a login: any answer at all shows that it is there.

    ``server_time`` is the date of its answer, ``here`` this machine's time just then. ``issuer`` is who
    signed its certificate, ``trouble`` what stood in the way.
    """

    origin: str
    status: int = 0
    server_time: datetime | None = None
    here: datetime | None = None
    issuer: str = ""
    trouble: XeroError | None = None


class LoginFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The saved login without its tokens: ``state`` as the wire tells it, ``where`` it lies.

    ``others`` counts the other practices of this account that have a login, where this one was refused, and
    ``others_refused`` those of them that Xero refused as well.
    """

    state: str
    where: str
    person: str = ""
    scopes: tuple[str, ...] = ()
    expires: datetime | None = None
    renewed: datetime | None = None
    refused: datetime | None = None
    others: int = 0
    others_refused: int = 0


class PersonFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Who connected the practice, held against XPM's staff as they were read last (``read``).

    ``sentence`` and ``hint`` tell what is the matter, and are empty where nothing is; ``gone`` is that XPM
    has the person no more. ``unknown`` says why nobody could be looked up; then the rest is empty.
    """

    login: str = ""
    gone: bool = False
    records: int = 0
    read: datetime | None = None
    sentence: str = ""
    hint: str = ""
    unknown: str = ""


class FolderFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A folder of ours: bytes free on its disk, whether it can be written, what kind of remote disk it is.

    ``trouble`` is why it cannot be used: its file system has no locks, or other accounts could replace it.
    """

    name: str
    path: str
    free: int
    writable: bool
    remote: str = ""
    shared: bool = False
    trouble: AppError | None = None


class TerminalFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The terminal of this process."""

    stdin: bool
    stdout: bool
    term: str
    columns: int = 0
    lines: int = 0
    encoding: str = ""
    over_ssh: bool = False


class TimerFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The daily run: whether a timer is there, what the system says about it, when it last did its work.

    ``kind`` is ``none`` where the machine has no scheduler for it; ``hint`` says what to do then.
    """

    kind: str
    installed: bool
    hint: str = ""
    notes: tuple[str, ...] = ()
    last: datetime | None = None
    hours: float | None = None
    skipped: datetime | None = None


class StoreFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What reading the whole book gave: errors and warnings in sentences, and its size."""

    position: int
    generation: int
    bytes: int
    rows: dict[str, int]
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
