"""Requests and responses as values that know no server or transport, and the log of received requests."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import Enum
from typing import Literal
from urllib.parse import parse_qsl

Host = Literal["login", "identity", "api", "any"]
"""The host of Xero that a request was sent to; `any` if one origin serves all three."""

Headers = tuple[tuple[str, str], ...]

JSON = "application/json"
HTML = "text/html; charset=utf-8"
XML = "text/xml; charset=utf-8"


class Ending(Enum):
    """How the connection ends. The server or transport has to perform it."""

    COMPLETE = "complete"
    """The body is complete."""
    CUT = "cut"
    """Status, headers and the given chunks are sent, then the connection closes with the body incomplete."""
    RESET = "reset"
    """The connection is reset before any byte. The caller cannot know whether the call took effect."""
    HANG = "hang"
    """No byte is sent, and the connection stays open until the caller gives up."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request.

    `path` is unquoted and without query, `query` is as sent without `?`, header names are in lower case.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    host: Host = "any"

    @property
    def parameters(self) -> dict[str, str]:
        """The query's parameters by lower-case name; for a repeated one, the last value."""
        return {name.lower(): value for name, value in parse_qsl(self.query, keep_blank_values=True)}

    @property
    def form(self) -> dict[str, str]:
        """The body as a form; empty if its type is another one."""
        if self.media_type != "application/x-www-form-urlencoded":
            return {}
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    @property
    def media_type(self) -> str:
        """Return the Content-Type without its parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def bearer(self) -> str | None:
        """Return the bearer token of the Authorization header, or None."""
        kind, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if kind.lower() == "bearer" and token.strip() else None


class Body:
    """The chunks of a response, created on demand.

    `close` may be called at any time and more than once. The call counts as in progress until all chunks are
    read or `close` is called.
    """

    def __init__(self, chunks: Iterable[bytes], on_close: Callable[[], None] | None = None) -> None:
        self._chunks = iter(chunks)
        self._on_close = on_close

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._chunks)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Release the body, and report its end once."""
        done, self._on_close = self._on_close, None
        if done is not None:
            done()


@dataclass(frozen=True, slots=True)
class Response:
    """A response; with `ending` RESET or HANG nothing of it reaches the caller.

    Attributes:
        delay: Seconds to wait before the first byte.
        pace: Seconds to wait before each further chunk.
        length: Size of the body in bytes for a Content-Length header, if known in advance.
    """

    status: int
    headers: Headers
    body: Body = field(repr=False)
    length: int | None = None
    ending: Ending = Ending.COMPLETE
    delay: float = 0.0
    pace: float = 0.0

    def header(self, name: str) -> str | None:
        """Return the value of a header, whatever the case of its name, or None."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def with_headers(self, *more: tuple[str, str]) -> Response:
        """Return a copy with more headers."""
        return replace(self, headers=self.headers + more)

    def read(self) -> bytes:
        """Return the whole body at once, for tests and small responses."""
        return b"".join(self.body)


def respond(
    status: int, body: bytes = b"", content_type: str | None = None, *more: tuple[str, str]
) -> Response:
    """Return a response with a complete body."""
    headers: Headers = (("Content-Type", content_type),) if content_type else ()
    return Response(status, headers + more, Body([body] if body else []), len(body))


def respond_json(status: int, value: object, *more: tuple[str, str]) -> Response:
    """Return a response with a JSON body, in ASCII."""
    return respond(status, json.dumps(value, separators=(",", ":")).encode("ascii"), JSON, *more)


MOST_RECORDED = 200_000


def gateway_error(status: int, title: str, detail: str, instance: str, *headers: tuple[str, str]) -> Response:
    """Return an error of the gateway: JSON, even if XML was requested."""
    value: dict[str, object] = {
        "Type": None,
        "Title": title,
        "Status": status,
        "Detail": detail,
        "Instance": instance,
        "Extensions": {},
    }
    return respond_json(status, value, *headers)


BEARER = ("WWW-Authenticate", "Bearer error=invalid_token")


def expired_token_response(when: str, instance: str) -> Response:
    """Return the 401 for a token that expired at `when`, in the gateway's format.

    It is the only error without a Content-Type.
    """
    found = gateway_error(401, "Unauthorized", f"TokenExpired: token expired at {when}", instance, BEARER)
    return replace(found, headers=tuple(pair for pair in found.headers if pair[0] != "Content-Type"))


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
        self._rows: deque[Recorded] = deque(maxlen=MOST_RECORDED)
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
