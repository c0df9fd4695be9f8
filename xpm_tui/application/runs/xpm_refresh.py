"""Update the mirror from XPM's lists.

The client list is one streamed call, and its failure ends the work. The failure of a smaller list, or a scope
that the login lacks for it, becomes a note on that list. A record that cannot be read is set aside by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from xpm_tui.application.practice import ListState, OpenPractice, list_state, put
from xpm_tui.application.runs.unattended_runs import full_is_due, interval
from xpm_tui.domain.errors import (
    AccessDenied,
    AllowanceUsedUp,
    CaseId,
    DecisionNeeded,
    LoginNeeded,
    ScopeMissing,
    XeroError,
)
from xpm_tui.domain.events import Event, Progress, Report, ignore_progress
from xpm_tui.domain.formatting import count
from xpm_tui.domain.ports import ClientList, Snapshot, Write, XpmPort
from xpm_tui.domain.tables import CATEGORIES, LINKS, STAFF, TEMPLATES, XPM_CLIENTS
from xpm_tui.domain.xpm import Quarantined, XpmClient, quarantined_in
from xpm_tui.lazy import lazy_imports
from xpm_tui.settings.kinds import parse_scopes, scope_advice
from xpm_tui.settings.store import Settings
from xpm_tui.sync.mirror import (
    ClientsRefreshed,
    changed_since,
    job_writes,
    list_writes,
    refresh_clients,
    set_aside,
)
from xpm_tui.sync.policy import GuardLimits

with lazy_imports():
    from xpm_tui.application.runs import successor_search


def guard_limits(settings: Settings) -> GuardLimits:
    """Return the limits at which a run that nobody reviewed needs the user's decision."""
    return GuardLimits(
        list_share=settings.number("guard.source_percent") / 100,
        list_fewer=settings.number("guard.source_fewer"),
        records_min=settings.number("guard.records_count"),
        records_share=settings.number("guard.records_percent") / 100,
        field_min=settings.number("guard.field_count"),
        field_share=settings.number("guard.field_percent") / 100,
        emptied_min=settings.number("guard.emptied_count"),
        emptied_share=settings.number("guard.emptied_percent") / 100,
        new_jobs=settings.number("jobs.max_new"),
    )


SMALL_LISTS_REST = timedelta(minutes=55)
"""The age at which a frequent schedule reads staff, templates, categories and jobs again."""

SLOW_SECONDS = 60.0
"""A complete client list that took longer than this is not read for every run."""

_TITLES = {"staff": "Staff", "templates": "Job templates", "categories": "Job categories", "jobs": "Jobs"}
_SCOPES = {
    "staff": "practicemanager.staff.read",
    "templates": "practicemanager.read",
    "categories": "practicemanager.read",
    "jobs": "practicemanager.job.read",
}


_WITHOUT_LIST = {
    "templates": "Until then, link a template by its UUID: xpm-tui templates link SERVICE UUID.",
    "categories": "Until then, set a category by its UUID: xpm-tui settings set jobs.default_category UUID.",
}
"""How to go on without a list."""


@dataclass(frozen=True)
class UnreadList:
    """A list that could not be read.

    Attributes:
        list: The name of the list.
        sentence: Why it could not be read.
        scope: The scope that would allow reading it, where one is missing.
        advice: How to obtain that scope, and how to go on without it.
    """

    list: str
    sentence: str
    scope: str = ""
    case: CaseId | None = None
    advice: tuple[str, ...] = ()


@dataclass(frozen=True)
class RefreshResult:
    """The result of reading XPM's lists: the records per list, the changed XPM clients, and the calls.

    ``complete`` says that the client list was complete, ``plausible`` that a client missing from it counts as
    gone.
    """

    clients: int
    changed: int
    gone: int
    lists: dict[str, int]
    calls: int
    complete: bool
    plausible: bool
    seconds: float
    notes: tuple[UnreadList, ...]
    set_aside: int = 0


async def refresh(
    practice: OpenPractice, *, full: bool = False, report: Report = ignore_progress
) -> RefreshResult:
    """Update the mirror over a new connection.

    ``full`` requests the complete client list; otherwise it is requested unless the last one took over a
    minute and is not due again. Raises ``LoginNeeded``, ``XeroError`` and, for a list that shares no client
    with the mirror, ``DecisionNeeded``.
    """
    identity = practice.connected()
    practice.writable("This reads XPM's data again, and read-only mode makes no call to Xero.")
    async with practice.wire() as wire:
        return await refresh_lists(practice, wire.practice(identity.tenant), full=full, report=report)


async def refresh_changed(practice: OpenPractice) -> None:
    """Read the XPM clients that changed since the last list. Raises the same errors as :func:`refresh`."""
    identity = practice.connected()
    async with practice.wire() as wire:
        await _clients(practice, wire.practice(identity.tenant), _complete(practice, True), ignore_progress)


async def ensure_mirror(practice: OpenPractice) -> RefreshResult | None:
    """Fill the mirror if it was never filled; return None if it was."""
    return None if is_filled(practice) else await refresh(practice, full=True)


def is_filled(practice: OpenPractice) -> bool:
    """Return whether the mirror was ever filled."""
    snapshot = practice.snapshot()
    return bool(snapshot.count(XPM_CLIENTS) or list_state(snapshot, "clients").full)


async def refresh_lists(
    practice: OpenPractice,
    xpm: XpmPort,
    *,
    full: bool = False,
    lately: bool = False,
    report: Report = ignore_progress,
) -> RefreshResult:
    """Update the mirror over a connection that is already open.

    ``lately`` reads only what has changed if the last complete list is recent enough, and with a frequent
    schedule also skips smaller lists that were read recently.
    """
    began, timed = xpm.calls, practice.clock.monotonic()
    complete = full or _complete(practice, lately)
    clients = await _clients(practice, xpm, complete, report)
    small = await asyncio.gather(
        *(
            _refresh_small_list(practice, name, read, writes)
            for name, read, writes in _small_lists(xpm, practice.clock.now())
            if not (lately and not complete and _is_recent(practice, name))
        )
    )
    read = {name: count for name, count, note in small if note is None}
    if clients.plausible:
        jobs_open = "jobs" in read or not list_state(practice.snapshot(), "jobs").note
        await successor_search.search(practice, xpm, complete=complete, jobs_open=jobs_open)
    return RefreshResult(
        clients=clients.listed,
        changed=clients.changed,
        gone=clients.gone,
        lists=read,
        calls=xpm.calls - began,
        complete=complete,
        plausible=clients.plausible,
        seconds=practice.clock.monotonic() - timed,
        notes=tuple(note for _, _, note in small if note is not None),
        set_aside=sum(map(len, set_aside(practice.snapshot()).values())),
    )


def _is_recent(practice: OpenPractice, name: str) -> bool:
    """Return whether a frequent schedule need not read a small list again."""
    if interval(practice) is None:
        return False
    state = list_state(practice.snapshot(), name)
    age = practice.clock.now() - state.at if state.at is not None and not state.note else SMALL_LISTS_REST
    return timedelta(0) <= age < SMALL_LISTS_REST


def _complete(practice: OpenPractice, lately: bool) -> bool:
    """Return whether to request the complete client list."""
    snapshot = practice.snapshot()
    if changed_since(snapshot) is None or full_is_due(practice):
        return True
    return not lately and list_state(snapshot, "clients").seconds <= SLOW_SECONDS


async def _clients(practice: OpenPractice, xpm: XpmPort, complete: bool, report: Report) -> ClientsRefreshed:
    timed = practice.clock.monotonic()
    snapshot = practice.snapshot()
    before = list_state(snapshot, "clients")
    try:
        async with xpm.clients(modified_since=None if complete else changed_since(snapshot)) as listing:
            watched = _WatchedListing(
                practice, listing, complete, lambda done: report(Progress("lists", done))
            )
            got = await refresh_clients(
                watched,
                store=practice.store,
                clock=practice.clock,
                complete=complete,
                limits=guard_limits(practice.settings),
            )
    except AccessDenied as denied:
        if before.note != denied.message:
            practice.store.commit([put("list:clients", msgspec.structs.replace(before, note=denied.message))])
        raise
    seconds, now = practice.clock.monotonic() - timed, practice.clock.now()
    state = ListState(at=now, full=before.full, count=before.count, seconds=before.seconds)
    if complete:
        state = ListState(at=now, full=now, count=got.listed, seconds=round(seconds, 1))
    practice.store.commit([put("list:clients", state)])
    numbers = {"count": got.listed, "changed": got.changed, "gone": got.gone, "seconds": round(seconds, 1)}
    practice.events.emit(Event(key="list.clients" if complete else "list.changes", numbers={**numbers}))
    _report_set_aside(practice, "clients", got.quarantined)
    if complete and not got.plausible and not got.listed:
        links = practice.snapshot().count(LINKS)
        practice.events.emit(
            Event(key="list.empty", level="error", case=CaseId.EMPTY_LIST, numbers={"links": links})
        )
    return got


class _WatchedListing:
    """A client list whose rows are passed on once one of them shows that it is this practice's.

    The first rows of a complete list are held back until one of them is known. If none is, nothing was stored
    of a list of another practice.
    """

    def __init__(
        self, practice: OpenPractice, listing: ClientList, complete: bool, counted: Callable[[int], None]
    ) -> None:
        self._practice = practice
        self._listing = listing
        self._known = practice.snapshot().ids(XPM_CLIENTS) if complete else ()
        self._counted = counted

    @property
    def asked_at(self) -> datetime:
        """Return the server's time of the list."""
        return self._listing.asked_at

    @property
    def quarantined(self) -> tuple[Quarantined, ...]:
        """Return what was set aside from the list."""
        return self._listing.quarantined

    async def __aiter__(self) -> AsyncIterator[XpmClient]:
        held: list[XpmClient] = []
        is_ours = not self._known
        done = 0
        async for row in self._listing:
            done += 1
            if done % 500 == 0:
                self._counted(done)
            held.append(row)
            is_ours = is_ours or row.uuid in self._known
            if is_ours:
                for each in held:
                    yield each
                held.clear()
        if held:
            self._practice.events.emit(
                Event(key="list.other", level="error", case=CaseId.WRONG_PRACTICE, numbers={"count": done})
            )
            raise DecisionNeeded(
                f"XPM listed {count(done, 'client')}, and none of them was in its previous list: this "
                "looks like another practice. The list was not used.",
                hint="Check the practice's name with: xpm-tui status. To start again with another practice, "
                "add it: xpm-tui practices add NAME",
                case=CaseId.WRONG_PRACTICE,
            )
        self._counted(done)


ListReader = Callable[[], Coroutine[Any, Any, Sequence[Any]]]
ListWriter = Callable[[Snapshot, Sequence[Any]], list[Write]]


def _small_lists(xpm: XpmPort, now: datetime) -> tuple[tuple[str, ListReader, ListWriter], ...]:
    return (
        ("staff", xpm.staff, lambda snapshot, rows: list_writes(snapshot, STAFF, rows)),
        ("templates", xpm.templates, lambda snapshot, rows: list_writes(snapshot, TEMPLATES, rows)),
        ("categories", xpm.categories, lambda snapshot, rows: list_writes(snapshot, CATEGORIES, rows)),
        ("jobs", xpm.current_jobs, lambda snapshot, rows: job_writes(snapshot, rows, now)),
    )


async def _refresh_small_list(
    practice: OpenPractice, name: str, read: ListReader, take: ListWriter
) -> tuple[str, int, UnreadList | None]:
    """Read one list and store it; an error becomes a note, and the previous list stays."""
    try:
        rows = await read()
    except (LoginNeeded, AllowanceUsedUp):
        raise
    except XeroError as error:
        return name, 0, _log_unread(practice, name, error)
    snapshot = practice.snapshot()
    writes = take(snapshot, rows)
    state = ListState(at=practice.clock.now(), full=practice.clock.now(), count=len(rows))
    practice.store.commit([*writes, put(f"list:{name}", state)])
    practice.events.emit(Event(key=f"list.{name}", numbers={"count": len(rows), "changed": len(writes)}))
    _report_set_aside(practice, name, len(quarantined_in(rows)))
    return name, len(rows), None


def _report_set_aside(practice: OpenPractice, name: str, number: int) -> None:
    if number:
        practice.events.emit(
            Event(key="list.set_aside", level="warning", rule=name, numbers={"count": number})
        )


def unread_sentences(notes: Sequence[UnreadList]) -> list[str]:
    """Return the notes as sentences without repetitions; lists with the same missing scope share one."""
    closed: dict[str, list[str]] = {}
    for note in notes:
        closed.setdefault(note.scope, []).append(_TITLES[note.list] if note.scope else note.sentence)
    found = list(dict.fromkeys(closed.pop("", [])))
    for scope, lists in closed.items():
        first, *rest = lists
        listed = " and ".join([first, *(title[:1].lower() + title[1:] for title in rest)])
        found.append(_closed(listed, scope))
        found += dict.fromkeys(sentence for note in notes if note.scope == scope for sentence in note.advice)
    return found


def _closed(lists: str, scope: str) -> str:
    return f"{lists} cannot be listed: the login lacks the scope {scope}."


def _advice(practice: OpenPractice, name: str, scope: str) -> tuple[str, ...]:
    """Return how to get a scope, and how to go on without it."""
    found = scope_advice(scope, parse_scopes(practice.settings.text("xero.scopes")))
    return tuple(filter(None, (found, _WITHOUT_LIST.get(name))))


def _why(practice: OpenPractice, name: str, error: XeroError) -> tuple[str, str]:
    """Return why a list could not be read, as a sentence that names it, and the missing scope."""
    title, scope = _TITLES[name], _SCOPES[name]
    identity = practice.identity()
    granted = identity.scopes if identity is not None else ""
    has_scope = bool(
        {*granted.split()} & {scope, scope.removesuffix(".read"), "practicemanager", "practicemanager.read"}
    )
    id_ = f" Xero's correlation id: {error.correlation}." if error.correlation else ""
    if isinstance(error, ScopeMissing):
        if error.case is not CaseId.API_NOT_OPEN:
            return _closed(title, scope), scope
        return (
            f"{title} cannot be listed: Xero refused the call (HTTP 401), although the login has the scope "
            "for it. Possible causes: the app's developer tier does not include the Practice Manager API, or "
            f"Xero has not approved the app for it.{id_}",
            "",
        )
    if isinstance(error, AccessDenied):
        having = ", although the login has the scope for it" if has_scope else ""
        return (
            f"{title} cannot be listed: Xero denied access to this list (HTTP 403){having}. Possible cause: "
            f"the person who connected the practice lacks the permission for it in XPM.{id_}",
            "",
        )
    return f"{title} could not be read. {error.message}{id_}", ""


def _log_unread(practice: OpenPractice, name: str, error: XeroError) -> UnreadList:
    before = list_state(practice.snapshot(), name)
    reason, scope = _why(practice, name, error)
    advice = _advice(practice, name, scope) if scope else ()
    sentence = " ".join([reason, *advice])
    state = msgspec.structs.replace(before, note=sentence, scope=scope)
    if state != before:
        practice.store.commit([put(f"list:{name}", state)])
    practice.events.emit(
        Event(
            key="list.closed" if scope else "list.failed",
            level="info" if scope else "warning",
            rule=name,
            case=error.case or "",
            correlation=error.correlation,
            status=error.status,
            numbers={"scope": scope} if scope else {},
        )
    )
    return UnreadList(name, sentence, scope, error.case, advice)


def unread_list(snapshot: Snapshot, name: str) -> str:
    """Return why a list was never read, or could not be read, as a sentence; empty if it was read."""
    state = list_state(snapshot, name)
    if state.note:
        return state.note
    return "" if state.at is not None else f"{_TITLES[name]} have not been read from XPM yet."


def refuse_unread(snapshot: Snapshot, name: str) -> None:
    """Raise ``XeroError`` if a list was never read; the message says why."""
    state = list_state(snapshot, name)
    if state.at is None:
        kind = ScopeMissing if state.scope else XeroError
        raise kind(
            f"{unread_list(snapshot, name)} It is not known what XPM has.",
            hint="Read it again: xpm-tui plan --full. To find out what is wrong: xpm-tui doctor",
        )
