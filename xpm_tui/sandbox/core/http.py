"""Requests and responses as values, independent of the server or transport that carries them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
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
