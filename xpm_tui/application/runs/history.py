"""The history of runs: find runs, ask one to stop, end dead ones, and show the values that a run wrote.

A run is stopped by a signal to its process, or by a request in the store. The values come from the store,
because the log has none.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from xpm_tui.application.derived_data import cached_count
from xpm_tui.application.practice import OpenPractice
from xpm_tui.domain import labels
from xpm_tui.domain.errors import BadInput, Busy, NotFound, RunStopped
from xpm_tui.domain.events import Event
from xpm_tui.domain.fields import label
from xpm_tui.domain.formatting import arrow, count
from xpm_tui.domain.links import Value
from xpm_tui.domain.ports import Drop, Put, Snapshot, Write
from xpm_tui.domain.runs import BeforeImage, Run, StopRequest, Written
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import CLIENTS, IMAGES, INTENTS, PLANNED, PLANS, RUNS, STOPS, XPM_CLIENTS
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application.presenters import namesakes
    from xpm_tui.application.presenters import presenter as presenter_module

if TYPE_CHECKING:
    from xpm_tui.application.presenters.presenter import Presenter


ENDED_BADLY = ("failed", "interrupted")


def list_runs(practice: OpenPractice, limit: int = 0) -> list[Run]:
    """Return the runs, newest first; at most ``limit``, 0 for all."""
    found = sorted(practice.snapshot().rows(RUNS), key=_number, reverse=True)
    return found[:limit] if limit else found


def find_run(practice: OpenPractice, run_id: str) -> Run:
    """Return one run; ``last`` is the newest. Raises ``NotFound``."""
    if run_id == "last":
        newest = list_runs(practice, 1)
        if newest:
            return newest[0]
        raise NotFound("There has been no run yet.", hint="Start one: xpm-tui sync")
    found = practice.snapshot().get(RUNS, run_id)
    if found is None:
        raise NotFound(
            f"There is no run {visible(run_id, 40)}.", hint="`xpm-tui runs list` shows all of them."
        )
    return found


def current_run(practice: OpenPractice) -> Run | None:
    """Return the run in progress, on this machine or another; None if there is none.

    A run whose process is dead does not count, whatever its row says; the next run ends it.
    """
    return next(iter(in_progress(practice)), None)


def in_progress(practice: OpenPractice) -> list[Run]:
    """Return the runs in progress on any machine: those of the process that holds the run lock."""
    running = [run for run in list_runs(practice) if run.outcome == "running" and not is_immediate(run)]
    owner = practice.lock_holder() if running else None
    return [run for run in running if owner is not None and (owner.host, owner.pid) == (run.host, run.pid)]


def newest_sync(snapshot: Snapshot) -> Run | None:
    """Return the sync that ended last, whatever its outcome."""
    ended = [r for r in snapshot.rows(RUNS) if r.outcome not in ("running", "skipped") and is_sync(r)]
    return max(ended, key=_number, default=None)


def list_held_runs(snapshot: Snapshot) -> list[Run]:
    """Return the runs that wait for the user's decision: the newest sync, if it was held."""
    last = newest_sync(snapshot)
    return [last] if last is not None and last.outcome == "held" else []


def active_run(practice: OpenPractice, run_id: str = "") -> Run:
    """Return the run with that id, otherwise the one in progress. Raises ``BadInput`` if it has ended."""
    run = find_run(practice, run_id) if run_id else current_run(practice)
    if run is None or run.outcome != "running":
        raise BadInput("No run is in progress.", hint="`xpm-tui runs list` shows how the last runs ended.")
    return run


def request_stop(practice: OpenPractice, run_id: str = "") -> Run:
    """Ask a run to stop: it makes no further call. Raises ``BadInput`` if none is in progress."""
    practice.writable()
    run = active_run(practice, run_id)
    practice.store.commit([Put(STOPS, StopRequest(id=run.id, by=practice.person, at=practice.clock.now()))])
    practice.events.emit(Event(key="run.stop_asked", run=run.id))
    return run


def refuse_in_flight(practice: OpenPractice, client: str) -> None:
    """Raise ``Busy`` while a run is sending this client to XPM, because the answer belongs to what was sent.

    All other clients may be linked and edited during a run, which skips those that were changed.
    """
    snapshot = practice.snapshot()
    open_ = (each for state in ("intent", "sent") for each in snapshot.find(INTENTS, "state", state))
    sent = [each for each in open_ if each.record.partition("/")[0] == client]
    run = current_run(practice) if sent else None
    if run is not None and any(intent.run == run.id for intent in sent):
        row = snapshot.get(CLIENTS, client)
        name = f"{visible(row.name, 80)} ({client})" if row is not None else client
        raise Busy(
            f"Run {run.id} is sending {name} to XPM, so it cannot be changed at this moment.",
            hint="Try again when XPM has answered. Other clients can be changed meanwhile.",
        )


def skip_warning(practice: OpenPractice, client: str) -> list[str]:
    """Return a sentence if the run in progress was to write this client and now skips it."""
    run, snapshot = current_run(practice), practice.snapshot()
    if run is None or snapshot.get(IMAGES, f"{run.id}/{client}") is not None:
        return []
    planned = (each for each in snapshot.find(PLANNED, "plan", run.plan) if each.client == client)
    if not any(change.ticked for each in planned for change in each.changes):
        return []
    return [
        f"Run {run.id} is in progress and skips this client, because it was changed after the plan was made. "
        "The next sync includes it."
    ]


def end_dead(practice: OpenPractice, *, except_: str = "") -> list[Run]:
    """Mark runs without a process as interrupted; the caller holds the run lock.

    The lock proves that no run is alive, even on another machine, and even if a process id was reused.
    """
    dead = [r for r in practice.snapshot().rows(RUNS) if r.outcome == "running" and r.id != except_]
    ended = [msgspec.structs.replace(run, outcome="interrupted", ended=practice.clock.now()) for run in dead]
    if ended:
        writes: list[Write] = [Put(RUNS, run) for run in ended]
        writes += [Drop(STOPS, run.id) for run in ended]
        practice.store.commit(writes)
        for run in ended:
            practice.events.emit(Event(key="run.interrupted", run=run.id, level="warning"))
    return ended


def last_successful_sync(runs: Sequence[Run]) -> Run | None:
    """Return the newest successful sync; records of XPM that cannot be read do not count as a failure."""
    good = [run for run in runs if _was_successful(run) and run.ended is not None and is_sync(run)]
    return max(good, key=_number, default=None)


RUN_COUNTS: Mapping[str, str] = {
    "changes": "change",
    "agreed": "value already the same/values already the same",
    "moved": "edited in the meantime/edited in the meantime",
    "refused": "refused by XPM/refused by XPM",
    "unsendable": "cannot be sent/cannot be sent",
    "set_aside": "unreadable in XPM/unreadable in XPM",
    "deployed": "job created in XPM/jobs created in XPM",
    "created": "created in XPM/created in XPM",
    "waiting": "waiting/waiting",
    "held": "held for you/held for you",
    "failed": "failed/failed",
}
"""The noun of each count of a run, singular and plural; other counts are not shown."""


def run_counts(run: Run) -> list[str]:
    """Return the counts of a run in words: ``62 changes``, ``2 refused by XPM``."""
    return [count(run.counts[key], noun) for key, noun in RUN_COUNTS.items() if run.counts.get(key)]


def _was_successful(run: Run) -> bool:
    counts = run.counts
    only_aside = counts.get("set_aside", 0) and not (counts.get("refused", 0) or counts.get("unsendable", 0))
    return run.outcome == "done" or bool(run.outcome == "partial" and only_aside)


def is_sync(run: Run) -> bool:
    """Return whether a run is a sync.

    Bringing in clients and linking them also create runs, without a plan, so that they can be undone. So does
    the creation of a record in XPM; its run counts only while the outcome of one of its writes is open.
    """
    if run.kind or run.plan:
        return not run.kind
    return run.outcome != "done" and not (is_immediate(run) and run.outcome == "failed")


def is_immediate(run: Run) -> bool:
    """Return whether a run records an immediate action of a user, without a process of its own."""
    return not run.plan and not run.pid


def _number(run: Run) -> int:
    digits = run.id[1:]
    return int(digits) if digits.isdigit() else 0


T = TypeVar("T")

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(RunStopped):
    """The run was asked to stop before it had begun to write."""


class Stopper:
    """Tells whether a run was asked to stop; calling it is cheap. ``signal`` is the signal received, or 0."""

    def __init__(self, practice: OpenPractice, run: str) -> None:
        self._practice = practice
        self._run = run
        self._asked = False
        self._stage: asyncio.Task[Any] | None = None
        self.signal = 0
        self.on_signal: Callable[[], None] = lambda: None

    def __call__(self) -> bool:
        """Return whether someone asked the run to stop."""
        if not self._asked:
            self._asked = self._practice.snapshot().raw(STOPS, self._run) is not None
        return self._asked

    def check(self) -> None:
        """Raise :class:`Stopped` when asked to stop, in stages that write nothing to XPM."""
        if self():
            raise Stopped

    def hit(self, number: int) -> None:
        """Handle a signal: stop after the current step, or now if nothing is being written to XPM."""
        self._asked = True
        self.signal = number
        self.on_signal()
        if self._stage is not None:
            self._stage.cancel()

    async def carry_out(self, work: Coroutine[Any, Any, T]) -> T:
        """Await work that may be cancelled at any point. Raises :class:`Stopped` if a signal cancelled it."""
        if self._asked:
            work.close()
            raise Stopped
        stage = asyncio.ensure_future(work)
        self._stage = stage
        try:
            return await stage
        except asyncio.CancelledError:
            if self.signal:
                raise Stopped from None
            raise
        finally:
            self._stage = None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Handle the signals within the block, on the main thread, and restore the handlers after it."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        before = {number: signal.getsignal(number) for number in SIGNALS}
        taken = [n for n in SIGNALS if before[n] is not signal.SIG_IGN]
        for number in taken:
            loop.add_signal_handler(number, self.hit, int(number))
        try:
            yield
        finally:
            for number in taken:
                loop.remove_signal_handler(number)
                signal.signal(number, before[number])


class WrittenValueView(msgspec.Struct, frozen=True, kw_only=True):
    """One value that a run wrote: the client, the field, and the values before and after.

    ``record`` is the client or one of its contacts, ``contact`` the name of that contact. ``client_id`` is
    Ignition's id of the client, ``number`` XPM's. ``old_shown`` and ``new_shown`` have names of people and
    clients instead of ids.
    """

    record: str
    name: str
    contact: str | None
    client_id: str | None
    number: str | None
    field: str
    label: str
    side: str
    old: Value
    new: Value
    old_shown: Value
    new_shown: Value
    rule: str


def written_values(practice: OpenPractice, run: str) -> Iterator[WrittenValueView]:
    """Return what a run wrote, in the order of the clients' ids; nothing for a run that created jobs."""
    snapshot = practice.snapshot()
    presenter = presenter_module.Presenter(snapshot)
    images = snapshot.find(IMAGES, "run", run)
    for image in sorted(images, key=lambda each: (len(each.client), each.client)):
        for written in image.written:
            yield _view(snapshot, presenter, image, written)


class FieldProgress(msgspec.Struct, frozen=True, kw_only=True):
    """The number of changes of one field that a run has made, and that it is to make in total."""

    label: str
    done: int
    total: int


def field_progress(practice: OpenPractice, run: Run) -> list[FieldProgress]:
    """Return the progress of a run by field, that with the most changes first; nothing for jobs."""

    def count(snapshot: Snapshot) -> list[FieldProgress]:
        done = Counter(each.field for image in snapshot.find(IMAGES, "run", run.id) for each in image.written)
        totals = Counter(done)
        plan = snapshot.get(PLANS, run.plan) if run.plan else None
        if plan is not None and plan.counts.get("waiting"):
            planned = (each for record in snapshot.find(PLANNED, "plan", plan.id) for each in record.changes)
            totals |= Counter(each.field for each in planned if each.ticked)
        elif plan is not None:
            counted = {key.partition(":")[2]: n for key, n in plan.counts.items() if key.startswith("field:")}
            totals |= Counter(counted)
        found = [FieldProgress(label=label(key), done=done[key], total=n) for key, n in totals.items()]
        return sorted(found, key=lambda each: (-each.total, each.label))

    return cached_count(practice, f"fields {run.id}", count, run.outcome)


def client_history(practice: OpenPractice, client: str, limit: int) -> list[tuple[datetime, str]]:
    """Return the newest changes that runs made to a client, as the time and a sentence."""
    snapshot = practice.snapshot()
    presenter = presenter_module.Presenter(snapshot)
    found: list[tuple[datetime, str]] = []
    images = ((snapshot.get(RUNS, each.run), each) for each in snapshot.find(IMAGES, "client", client))
    known = [(run, image) for run, image in images if run is not None]
    for run, image in sorted(known, key=lambda each: each[0].started, reverse=True):
        for written in image.written:
            view = _view(snapshot, presenter, image, written)
            side = labels.SIDES[view.side].text if view.side in labels.SIDES else view.side
            values = arrow(view.old_shown, view.new_shown)
            found.append((run.started, f"{view.label}: {values} in {side}, {run.id}"))
            if len(found) == limit:
                return found
    return found


def values_of_events(practice: OpenPractice) -> Callable[[Event], str]:
    """Return a function that returns the values of an event, ``old → new``; empty if it has none."""
    known: dict[tuple[str, str], dict[tuple[str, str], str]] = {}

    def values(event: Event) -> str:
        if event.key != "sync.change" or not event.run:
            return ""
        key = (event.run, event.record.partition("/")[0])
        if key not in known:
            known[key] = _texts(practice, *key)
        return known[key].get((event.record, event.field), "")

    return values


def _texts(practice: OpenPractice, run: str, client: str) -> dict[tuple[str, str], str]:
    snapshot = practice.snapshot()
    image = snapshot.get(IMAGES, f"{run}/{client}")
    presenter = presenter_module.Presenter(snapshot)
    views = (
        [_view(snapshot, presenter, image, written) for written in image.written] if image is not None else []
    )
    return {(each.record, each.field): arrow(each.old_shown, each.new_shown) for each in views}


def _view(snapshot: Snapshot, views: Presenter, image: BeforeImage, written: Written) -> WrittenValueView:
    contact = written.record.partition("/")[2]
    client, row = snapshot.get(CLIENTS, image.client), snapshot.get(XPM_CLIENTS, image.uuid)
    old_shown, new_shown = views.both_shown(written.field, written.old, written.new, client, row)
    return WrittenValueView(
        record=written.record or image.client,
        name=client.name if client is not None else row.name if row is not None else "",
        contact=namesakes.contact_name(contact, client, row) or None,
        client_id=(client.client_id or None) if client is not None else None,
        number=(row.number or None) if row is not None else None,
        field=written.field,
        label=label(written.field),
        side=written.side,
        old=written.old,
        new=written.new,
        old_shown=old_shown,
        new_shown=new_shown,
        rule=written.rule,
    )
