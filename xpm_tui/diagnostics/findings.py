"""Probes: their findings, their inputs as immutable values, and the function that runs them.

Probes only read. They run one after another, each with a time limit; those that depend on a failed one are
skipped.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Literal, Protocol, TypeVar

import msgspec

from xpm_tui.diagnostics.error_presenter import case_id, present
from xpm_tui.domain.errors import AppError, CaseId, NotFound, XeroError
from xpm_tui.domain.formatting import count
from xpm_tui.domain.ports import Clock
from xpm_tui.domain.runs import Run
from xpm_tui.domain.safe_text import visible

Verdict = Literal["ok", "note", "trouble", "skipped"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one check. ``evidence`` is facts without secrets; ``exit_code`` is only for problems."""

    verdict: Verdict
    sentence: str
    evidence: tuple[str, ...] = ()
    hint: str = ""
    case: CaseId | None = None
    exit_code: int = 0


class ProbeResult(msgspec.Struct, frozen=True, kw_only=True):
    """A probe's finding with its name and duration in seconds."""

    name: str
    title: str
    verdict: Verdict
    sentence: str
    evidence: tuple[str, ...] = ()
    hint: str = ""
    case: CaseId | None = None
    exit_code: int = 0
    seconds: float = 0.0


def ok(sentence: str, *evidence: str) -> Finding:
    """Return the finding that all is well."""
    return Finding(verdict="ok", sentence=sentence, evidence=evidence)


def note(sentence: str, *evidence: str, case: CaseId | None = None, hint: str = "") -> Finding:
    """Return a finding that is worth knowing and prevents nothing."""
    return Finding(verdict="note", sentence=sentence, evidence=evidence, case=case, hint=hint)


def bad(
    sentence: str, *evidence: str, case: CaseId | None = None, hint: str = "", exit_code: int = 1
) -> Finding:
    """Return the finding of a problem: something does not work, or will soon not work."""
    return Finding(
        verdict="trouble", sentence=sentence, evidence=evidence, case=case, hint=hint, exit_code=exit_code
    )


def skipped(sentence: str) -> Finding:
    """Return the finding of a probe that was skipped; the sentence says why."""
    return Finding(verdict="skipped", sentence=sentence)


def from_error(error: AppError, *evidence: str, case: CaseId | None = None) -> Finding:
    """Return the finding of an error, with its call, Xero's correlation id and its known problem."""
    view = present(error)
    return bad(
        view.message,
        *evidence,
        *([view.why] if view.why else []),
        *view.evidence(),
        hint=view.hint,
        case=case or case_id(error),
        exit_code=view.exit_code,
    )


def known_problem_id(text: str) -> CaseId | None:
    """Return an id from a run or an event as that of a known problem; None if there is no such problem."""
    try:
        return CaseId(text)
    except ValueError:
        return None


def run_problem(run: Run) -> CaseId | None:
    """Return the known problem of how a run ended: the recorded one, that of a stop, or that it is held."""
    words = (run.case, *(stop.rule for stop in run.stops), run.outcome)
    return next((found for found in map(known_problem_id, words) if found is not None), None)


LIMIT = 90.0
"""The time limit of one probe in seconds."""


class Probe(Protocol):
    """A read-only check of this machine, the connection to Xero, the login or the store."""

    @property
    def name(self) -> str:
        """Return the probe's name in one word, for ``--from`` and for scripts."""

    @property
    def title(self) -> str:
        """Return the title for users."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Return the names of the probes on whose success this one depends."""

    async def check(self) -> Finding:
        """Run the check. An ``AppError`` that it raises counts as a problem found."""


@dataclass(frozen=True)
class UnavailableProbe:
    """Takes the place of a probe that cannot run here, and says why."""

    name: str
    title: str
    why: str
    needs: tuple[str, ...] = ()

    async def check(self) -> Finding:
        """Return the reason; nothing is checked."""
        return skipped(self.why)


async def examine(
    probes: Sequence[Probe], clock: Clock, *, start: str = "", limit: float = LIMIT
) -> AsyncIterator[ProbeResult]:
    """Run the probes in order, from ``start`` on; those before it count as successful.

    An exception that a probe raises becomes its finding.

    Raises:
        NotFound: There is no probe ``start``.
    """
    names = [probe.name for probe in probes]
    if start and start not in names:
        raise NotFound(
            f"There is no probe called {visible(start, 40)}.", hint=f"The answers are: {', '.join(names)}."
        )
    failed: dict[str, str] = {}
    for probe in probes[names.index(start) if start else 0 :]:
        cause = next((failed[name] for name in probe.needs if name in failed), "")
        began = clock.monotonic()
        finding = skipped(f'Skipped, because of "{cause}".') if cause else await _run_probe(probe, limit)
        if finding.verdict == "trouble":
            failed[probe.name] = probe.title
        elif finding.verdict == "skipped":
            failed[probe.name] = cause or probe.title
        seconds = round(max(0.0, clock.monotonic() - began), 3)
        about = msgspec.structs.asdict(finding)
        yield ProbeResult(name=probe.name, title=probe.title, seconds=seconds, **about)


async def _run_probe(probe: Probe, limit: float) -> Finding:
    try:
        async with asyncio.timeout(limit):
            return await probe.check()
    except AppError as error:
        return from_error(error)
    except TimeoutError:
        return bad(
            f"It did not finish within {count(round(limit), 'second')}.",
            hint="Try again. If the problem persists, check status.xero.com.",
            case=CaseId.XERO_DOWN if probe.needs else None,
            exit_code=7,
        )
    except Exception as error:
        # The message may contain data, but the type cannot.
        return bad(f"This probe itself failed ({type(error).__name__}).")


def exit_code(results: Sequence[ProbeResult]) -> int:
    """Return 0 if there is no problem, otherwise the exit code of the first one."""
    return next((each.exit_code or 1 for each in results if each.verdict == "trouble"), 0)


T = TypeVar("T")
AsyncCall = Callable[[], Awaitable[T]]


class CachedCall(Generic[T]):
    """Calls a function once and returns the same value, or raises the same error, every time."""

    def __init__(self, ask: AsyncCall[T]) -> None:
        self._ask = ask
        self._values: list[T] = []
        self._failed: list[Exception] = []

    async def __call__(self) -> T:
        """Return the value, or raise the error, of the first call."""
        if self._failed:
            raise self._failed[0]
        if not self._values:
            try:
                self._values.append(await self._ask())
            except Exception as error:
                self._failed.append(error)
                raise
        return self._values[0]


class ServerReply(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of a Xero server to a request without a login; any answer shows that it can be reached.

    ``server_time`` is the date of its answer, ``here`` this machine's time at that moment. ``issuer`` is the
    issuer of its certificate, ``error`` the error, if any.
    """

    origin: str
    status: int = 0
    server_time: datetime | None = None
    here: datetime | None = None
    issuer: str = ""
    error: XeroError | None = None


class LoginFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The saved login without its tokens: its ``state``, and ``where`` it is stored.

    If this login was refused, ``others`` counts the other practices of this user account with a login, and
    ``others_refused`` those of them that Xero refused, too.
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
    """The user who connected the practice, compared with XPM's staff as last read (``read``).

    ``sentence`` and ``hint`` describe a problem, and are empty without one; ``gone`` says that XPM no longer
    has the person. ``unknown`` says why the person could not be looked up; the rest is then empty.
    """

    login: str = ""
    gone: bool = False
    records: int = 0
    read: datetime | None = None
    sentence: str = ""
    hint: str = ""
    unknown: str = ""


class FolderFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One of the program's folders: its free bytes, whether it can be written to, and its file system.

    ``remote`` is the type of a network file system, ``shared`` says that other user accounts can read the
    folder, and ``error`` is why it cannot be used: its file system has no locks, or others could replace it.
    """

    name: str
    path: str
    free: int
    writable: bool
    remote: str = ""
    shared: bool = False
    error: AppError | None = None


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
    """The daily run: whether there is a timer, what the system says about it, and when it last succeeded.

    ``kind`` is ``none`` if the machine has no scheduler; ``hint`` says what to do then.
    """

    kind: str
    installed: bool
    hint: str = ""
    notes: tuple[str, ...] = ()
    last: datetime | None = None
    hours: float | None = None
    skipped: datetime | None = None


class StoreFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The result of reading the whole store: errors and warnings in sentences, and its size."""

    position: int
    generation: int
    bytes: int
    rows: dict[str, int]
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
