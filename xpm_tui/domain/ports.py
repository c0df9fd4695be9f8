"""The ports: the interfaces through which sync, deploy and the application layer reach disk, Xero and time.

``PORT_ERRORS`` at the end names every error that each method of each port may raise. The contract tests
(``tests/contracts``) check it: an error that no implementation can raise, or that the outbox does not handle,
fails a test.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date, datetime
from enum import IntEnum
from typing import Any, Protocol, TypeVar

import msgspec

from xpm_tui.domain.errors import (
    AccessDenied,
    AllowanceUsedUp,
    AppError,
    BadInput,
    BadReply,
    Busy,
    DiskError,
    EditConflict,
    LoginNeeded,
    OutcomeUnknown,
    ReadOnly,
    RecordMissing,
    Refused,
    ScopeMissing,
    StoreChanged,
    StoreUnreadable,
    UnreadableRecord,
    UnsendableValue,
    XeroUnreachable,
)
from xpm_tui.domain.events import Event
from xpm_tui.domain.links import Value
from xpm_tui.domain.tables import TableSchema
from xpm_tui.domain.xpm import Category, Quarantined, Staff, Template, XpmClient, XpmContact, XpmJob

T = TypeVar("T", bound=msgspec.Struct)


class Clock(Protocol):
    """Time, so that tests can move it."""

    def now(self) -> datetime:
        """Return the wall-clock time, aware, in UTC."""

    def monotonic(self) -> float:
        """Return seconds that never go backwards, for pacing and time-outs."""

    async def sleep(self, seconds: float) -> None:
        """Wait; can be cancelled."""


class IdSource(Protocol):
    """A source of new ids in the store: a prefix and a number that no process has used before (``c12``)."""

    def new(self, prefix: str, count: int = 1) -> list[str]:
        """Return ``count`` new ids, durable before they are returned."""


class Put(msgspec.Struct, frozen=True):
    """Write a row: the table and the new value."""

    table: Any
    row: Any


class Drop(msgspec.Struct, frozen=True):
    """Remove a row by id; a missing row is not an error."""

    table: Any
    id: str


class PutRaw(msgspec.Struct, frozen=True):
    """Write a row that is already encoded, for one commit with very many rows."""

    table: Any
    id: str
    raw: bytes

    @classmethod
    def of(cls, table: Any, row: Any) -> PutRaw:
        """Encode a row: it needs a fraction of the memory of :class:`Put` until it is committed."""
        return cls(table, table.key(row), _ENCODER.encode(row))


_ENCODER = msgspec.json.Encoder()


Write = Put | PutRaw | Drop


class Snapshot(Protocol):
    """The store and the mirror at one moment; later commits are not visible in it."""

    @property
    def position(self) -> int:
        """Return the number of the last commit in it, which grows by one with each commit."""

    def fingerprint(self, *tables: TableSchema[Any]) -> str:
        """Return a mark that is equal only for the same rows of these tables in the same store.

        It may differ although the rows are the same. It is empty if the store cannot tell.
        """

    def get(self, table: TableSchema[T], id: str) -> T | None:  # noqa: A002
        """Return the row, or None. O(1)."""

    def find(self, table: TableSchema[T], index: str, value: str) -> list[T]:
        """Return rows by an index of the table, in order of id. O(hits)."""

    def find_ids(self, table: TableSchema[Any], index: str, value: str) -> list[str]:
        """Return the ids of the rows that :meth:`find` returns, without decoding any. O(hits)."""

    def rows(self, table: TableSchema[T]) -> Iterator[T]:
        """Yield all rows, decoded one at a time, in order of insertion."""

    def ids(self, table: TableSchema[Any]) -> Collection[str]:
        """Return all ids of a table, without decoding a row."""

    def raw(self, table: TableSchema[Any], id: str) -> bytes | None:  # noqa: A002
        """Return the row's stored bytes, for comparing without decoding."""

    def count(self, table: TableSchema[Any]) -> int:
        """Return the number of rows of a table."""


def changed_tables(tables: Iterable[Any], since: Snapshot, now: Snapshot) -> frozenset[Any]:
    """Return those of some tables that may have changed between the two snapshots."""
    if since.position == now.position:
        return frozenset()
    return frozenset(
        table for table in tables if not (mark := since.fingerprint(table)) or mark != now.fingerprint(table)
    )


class Store(Protocol):
    """The store and the mirror. A commit is all or nothing, across as many tables as it needs.

    Raises ``StoreUnreadable``, ``DiskError``, ``ReadOnly`` and, if another process holds the lock too long,
    ``Busy``.
    """

    def snapshot(self) -> Snapshot:
        """Return a snapshot of the present state, including commits of other processes."""

    def commit(self, writes: Iterable[Write], *, since: Snapshot | None = None) -> int:
        """Make the writes durable, all or none, and return the new position.

        ``since`` is the snapshot that the writes are based on: if one of these rows has changed since, it
        raises ``StoreChanged`` and writes nothing.
        """

    def transact(self, make: Callable[[Snapshot], Iterable[Write]]) -> int:
        """Commit the writes that ``make`` returns for the newest snapshot, with no other commit in between.

        ``make`` is called once and must be quick, because all other writers wait for it.
        """

    def watch(self) -> int:
        """Return the position on disk, read cheaply.

        It differs from a snapshot's position if the store has changed.
        """


class ClientList(Protocol):
    """A streamed client list.

    If it is read to the end without an error, it was complete, except for the records that were set aside. A
    record that occurs twice is set aside, too, although it was yielded the first time: what was done with it
    has to be undone.
    """

    @property
    def asked_at(self) -> datetime:
        """Return the server's time when it began to answer, which is the next bookmark (UTC)."""

    @property
    def quarantined(self) -> tuple[Quarantined, ...]:
        """Return the records, or fields of them, that were set aside so far because they cannot be read."""

    def __aiter__(self) -> AsyncIterator[XpmClient]:
        """Yield the clients, one at a time."""


class XpmPort(Protocol):
    """XPM, as far as the product needs it. Its methods raise ``READ_ERRORS`` and ``WRITE_ERRORS``.

    A write raises ``OutcomeUnknown`` if it may have taken effect, ``Refused`` if XPM refused it, and
    ``UnsendableValue`` (or ``BadInput`` for a malformed id) before anything is sent. Only the outbox
    (:mod:`xpm_tui.sync.outbox`) calls a writing method. ``calls`` counts the calls that were sent. A list may
    be a :class:`~xpm_tui.domain.xpm.Records`, which says which of its records were set aside.
    """

    @property
    def calls(self) -> int:
        """Return the number of Practice Manager calls sent so far by this object."""

    def clients(self, *, modified_since: datetime | None = None) -> AbstractAsyncContextManager[ClientList]:
        """Return all clients, detailed, including archived and deleted ones, in one streamed call."""

    async def client(self, uuid: str) -> XpmClient:
        """Return one client in full."""

    async def search(self, query: str) -> list[XpmClient]:
        """Return clients whose name contains ``query``, ignoring case."""

    async def staff(self) -> list[Staff]:
        """Return all staff."""

    async def add_staff(self, *, name: str, email: str = "", phone: str = "", mobile: str = "") -> Staff:
        """Create a staff record without a login."""

    async def templates(self) -> list[Template]:
        """Return all job templates."""

    async def categories(self) -> list[Category]:
        """Return all job categories."""

    async def current_jobs(self) -> list[XpmJob]:
        """Return all jobs that are neither completed nor cancelled."""

    async def client_jobs(self, client: str, *, detailed: bool = False) -> list[XpmJob]:
        """Return all jobs of a client, in any state; with ``detailed``, including their tasks."""

    async def jobs_created(self, first: date, last: date, *, detailed: bool = False) -> list[XpmJob]:
        """Return the jobs created from one day to another, at most a year later, in any state."""

    async def add_client(self, values: Mapping[str, Value], contacts: Sequence[XpmContact]) -> XpmClient:
        """Create a client; ``values`` by field name with ``name`` among them, people as staff UUIDs."""

    async def update_client(self, uuid: str, name: str, values: Mapping[str, Value]) -> XpmClient:
        """Change only the given fields of a client; an empty text clears a field."""

    async def add_contact(self, client: str, contact: XpmContact) -> XpmContact:
        """Create a contact for a client (its ``uuid`` is ignored)."""

    async def update_contact(self, client: str, uuid: str, values: Mapping[str, Value]) -> XpmContact:
        """Change a contact, addressed together with its client."""


class XpmJobsPort(XpmPort, Protocol):
    """XPM with the calls for jobs, which are addressed by number. Raises the same errors as ``XpmPort``."""

    async def job(self, number: str) -> XpmJob:
        """Return one job with its tasks. Raises ``RecordMissing`` if there is none."""

    async def add_job(
        self,
        *,
        name: str,
        description: str,
        client: str,
        start: date,
        due: date,
        contact: str = "",
        order_number: str = "",
        number: str = "",
        template: str = "",
        category: str = "",
        budget: str = "",
    ) -> XpmJob:
        """Create a job, in the practice's first state, with the tasks of one template."""

    async def apply_template(self, number: str, template: str, *, append: bool = False) -> XpmJob:
        """Add a template's tasks to a job; if it is sent twice, they are added twice."""

    async def assign(
        self,
        number: str,
        *,
        add: Sequence[str] = (),
        remove: Sequence[str] = (),
        manager: str | None = None,
        partner: str | None = None,
    ) -> XpmJob:
        """Set staff, manager and partner by UUID."""

    async def set_job_state(self, number: str, code: str) -> None:
        """Set the state of a job, by the practice's code for it."""


class Priority(IntEnum):
    """The priority of a call: a user at the screen goes before a sync."""

    INTERACTIVE = 0
    BACKGROUND = 1


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """The calls that Xero still allows; None means unknown.

    ``received_today`` and ``received_month`` are the bytes of its replies, by days and months in UTC.
    """

    minute_left: int
    day_left: int | None = None
    day_limit: int | None = None
    until: datetime | None = None
    received_today: int = 0
    received_month: int = 0


class CallLimiter(Protocol):
    """The limiter of all calls: a sliding minute, four at once, and the day's limit."""

    def enter(
        self, priority: Priority, stop: Callable[[], bool] | None = None
    ) -> AbstractAsyncContextManager[None]:
        """Wait until the call may start.

        Raises:
            AllowanceUsedUp: The daily limit is used up; it does not sleep through it.
            RunStopped: ``stop`` says so.
        """

    def allowance(self) -> Allowance:
        """Return the known rest of the allowance."""


class EventSink(Protocol):
    """A destination of events; a failure there never affects the reporting work."""

    def emit(self, event: Event) -> None:
        """Record one event; ``id``, ``at``, ``by`` and ``run`` are filled in if they are empty."""


CALL_ERRORS: tuple[type[AppError], ...] = (
    LoginNeeded,
    ScopeMissing,
    AccessDenied,
    Refused,
    AllowanceUsedUp,
    XeroUnreachable,
    Busy,
    DiskError,
)
"""What any call to Xero may raise. ``Busy`` and ``DiskError`` come from the files of the login and of the
rate limiter, before the request or after the reply."""

READ_ERRORS: tuple[type[AppError], ...] = (*CALL_ERRORS, BadReply)
"""What a call that reads a list may raise."""

RECORD_ERRORS: tuple[type[AppError], ...] = (*READ_ERRORS, RecordMissing, UnreadableRecord, BadInput)
"""What a call that reads one record may raise; ``BadInput`` for a malformed id, before anything is sent."""

WRITE_ERRORS: tuple[type[AppError], ...] = (
    *RECORD_ERRORS,
    UnsendableValue,
    EditConflict,
    OutcomeUnknown,
)
"""What a call that writes may raise. ``BadReply`` only from the read that comes before the write; a reply to
the write itself that cannot be read is ``OutcomeUnknown``."""

WRITES: frozenset[str] = frozenset(
    {
        "add_client",
        "update_client",
        "add_contact",
        "update_contact",
        "add_staff",
        "add_job",
        "apply_template",
        "assign",
        "set_job_state",
    }
)
"""The writing methods of ``XpmJobsPort``."""

OPEN_ERRORS: tuple[type[AppError], ...] = (StoreUnreadable, DiskError)
"""What reading the store may raise."""

COMMIT_ERRORS: tuple[type[AppError], ...] = (*OPEN_ERRORS, Busy, ReadOnly, BadInput)
"""What a commit may raise; ``BadInput`` for a value that does not fit its field or UTF-8. Nothing is written
then."""

PORT_ERRORS: Mapping[type[Any], Mapping[str, tuple[type[AppError], ...]]] = {
    Clock: {"now": (), "monotonic": (), "sleep": ()},
    IdSource: {"new": COMMIT_ERRORS},
    Snapshot: {
        "position": (),
        "get": OPEN_ERRORS,
        "find": OPEN_ERRORS,
        "find_ids": OPEN_ERRORS,
        "rows": OPEN_ERRORS,
        "ids": OPEN_ERRORS,
        "raw": OPEN_ERRORS,
        "count": OPEN_ERRORS,
        "fingerprint": OPEN_ERRORS,
    },
    Store: {
        "snapshot": OPEN_ERRORS,
        "commit": (*COMMIT_ERRORS, StoreChanged),
        "transact": COMMIT_ERRORS,
        "watch": OPEN_ERRORS,
    },
    ClientList: {"asked_at": (), "quarantined": (), "__aiter__": (XeroUnreachable, BadReply, Refused)},
    XpmJobsPort: {
        "calls": (),
        "clients": READ_ERRORS,
        "client": RECORD_ERRORS,
        "search": READ_ERRORS,
        "staff": READ_ERRORS,
        "templates": READ_ERRORS,
        "categories": READ_ERRORS,
        "current_jobs": READ_ERRORS,
        "client_jobs": (*READ_ERRORS, RecordMissing, BadInput),
        "jobs_created": READ_ERRORS,
        "job": RECORD_ERRORS,
        **dict.fromkeys(sorted(WRITES), WRITE_ERRORS),
    },
    CallLimiter: {"enter": (AllowanceUsedUp, Busy, DiskError), "allowance": ()},
    EventSink: {"emit": ()},
}
"""Every error by port and method. ``XpmPort`` raises the same errors as ``XpmJobsPort``."""
