"""A Practice Manager call as an endpoint sees it, and a row of the routing table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from xpm_tui.sandbox.core.clock import SequentialIds
from xpm_tui.sandbox.core.http import HttpRequest
from xpm_tui.sandbox.core.records import ClientRecord, Job, SandboxPractice, StaffRecord
from xpm_tui.sandbox.core.reply import ApplicationError, Fields, Reply, read_body
from xpm_tui.sandbox.core.switches import Switches

Family = Literal["client", "job", "staff", "list"]
"""The group of scopes that opens an endpoint; `list` needs a broad one."""


@dataclass(frozen=True)
class Call:
    """A call that has passed the gateway: the request, the practice and the time."""

    request: HttpRequest
    practice: SandboxPractice
    switches: Switches
    now: float
    api_url: str
    path: tuple[str, ...] = ()
    """The values of `{}` in the route, in order."""
    root: str = ""

    @property
    def parameters(self) -> dict[str, str]:
        """The query parameters of the request."""
        return self.request.parameters

    @property
    def ids(self) -> SequentialIds:
        """The practice's generator of ids."""
        return self.practice.ids

    @property
    def visible(self) -> float:
        """The time from which a record created now appears in lists and searches."""
        return self.now + self.switches.create_lag

    @cached_property
    def fields(self) -> Fields:
        """Return the body.

        Raises:
            ApplicationError: It cannot be read.
        """
        return read_body(self.request.body, self.request.media_type, self.root)

    def flag(self, name: str) -> bool:
        """Return whether a query parameter is `true`."""
        return self.parameters.get(name, "").strip().lower() == "true"

    def client(self, uuid: str | None, *, in_path: bool = False) -> ClientRecord:
        """Return a client.

        Raises:
            ApplicationError: There is no client of that UUID.
        """
        found = self.practice.clients.get((uuid or "").lower())
        if found is None:
            raise ApplicationError("Invalid client identifier", "unknown" if in_path else "identifier")
        return found

    def staff(self, uuid: str | None, message: str = "Invalid staff identifier") -> StaffRecord:
        """Return a active member of staff, or raise the API's error for an unknown identifier."""
        found = self.practice.staff.get((uuid or "").lower())
        if found is None or found.left:
            raise ApplicationError.identifier(message)
        return found

    def job(self, number: str | None, *, in_path: bool = False) -> Job:
        """Return a job.

        Raises:
            ApplicationError: There is none; the message is another one for a number `in_path`.
        """
        found = self.practice.jobs.get((number or "").strip())
        if found is None:
            raise ApplicationError("Invalid job identifier", "unknown" if in_path else "identifier")
        return found


@dataclass(frozen=True, slots=True)
class Route:
    """A row of the routing table.

    `path` is below `/practicemanager/3.1/`, with `{}` for one segment. `root` is the root element of the
    body, empty if the call has none.
    """

    method: str
    path: str
    family: Family
    handler: Callable[[Call], Reply]
    api_method: str
    root: str = ""

    @property
    def segments(self) -> tuple[str, ...]:
        """The segments of the path."""
        return tuple(self.path.split("/"))
