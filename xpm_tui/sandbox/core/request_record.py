"""The log of received requests."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass

from xpm_tui.sandbox.core.http import Ending, HttpRequest, Response

KEPT = 200_000


@dataclass(frozen=True, slots=True)
class Recorded:
    """A request and its outcome.

    `status` is 0 if no byte of a response was sent; `problem` is the `X-Rate-Limit-Problem` of a 429.
    """

    number: int
    at: float
    method: str
    endpoint: str
    path: str
    query: str
    tenant: str
    status: int
    ending: str
    fault: str
    problem: str
    body: str


class RequestLog:
    """The last 200,000 requests, oldest first."""

    def __init__(self) -> None:
        self._rows: deque[Recorded] = deque(maxlen=KEPT)
        self._count = 0

    def add(
        self, request: HttpRequest, at: float, endpoint: str, response: Response, fault: str, *, private: bool
    ) -> None:
        """Add a request; `private` leaves out query and body, which contain codes, verifiers and tokens."""
        self._count += 1
        silent = response.ending in (Ending.RESET, Ending.HANG)
        row = Recorded(
            number=self._count,
            at=at,
            method=request.method,
            endpoint=endpoint,
            path=request.path,
            query="" if private else request.query,
            tenant=request.headers.get("xero-tenant-id", ""),
            status=0 if silent else response.status,
            ending=response.ending.value,
            fault=fault,
            problem=response.header("X-Rate-Limit-Problem") or "",
            body="" if private else request.body.decode("utf-8", "replace"),
        )
        self._rows.append(row)

    def rows(self, wanted: Callable[[Recorded], bool] = lambda row: True) -> list[Recorded]:
        """Return the recorded requests that are wanted, in order."""
        return [row for row in self._rows if wanted(row)]

    def as_json(self, wanted: Callable[[Recorded], bool] = lambda row: True) -> list[dict[str, object]]:
        """Return the recorded requests that are wanted as JSON objects."""
        return [asdict(row) for row in self.rows(wanted)]

    def clear(self) -> None:
        """Remove all rows; their numbering continues."""
        self._rows.clear()
