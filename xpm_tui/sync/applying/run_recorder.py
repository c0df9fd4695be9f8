"""The recorder of a run: its counts, its progress in every commit, its events after it, and its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from xpm_tui.domain.errors import AppError
from xpm_tui.domain.events import Event
from xpm_tui.domain.formatting import plural
from xpm_tui.domain.plan import Change, Plan, PlannedRecord
from xpm_tui.domain.ports import Clock, Drop, EventSink, Put, Snapshot, Store, Write, XpmPort
from xpm_tui.domain.runs import Outcome, Run, Written
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import CLIENTS, IMAGES, LINKS, META, PLANNED, PLANS, RUNS, Meta
from xpm_tui.domain.xpm import Quarantined
from xpm_tui.sync.mirror import accept_list, set_aside
from xpm_tui.sync.planning.planner import FIRST_APPLIED, change_counts

UNSENT_NAMED = 3
"""The number of unsendable records that the end of a run names; ``runs retry --list`` has them all."""

FAILED_NAMED = 5
"""The number of refused or unapplied records that the end of a run names."""


class RunRecorder:
    """Counts what happens to the records; ``run`` is what the store has, or is about to have.

    Counts of a run: ``records`` and ``changes`` written, ``moved`` (skipped), ``refused`` by XPM,
    ``unsendable`` (a value of the record cannot be sent), ``set_aside`` (unreadable data from XPM), ``held``
    for the user, ``edited`` and ``altered`` fields in XPM's answers, ``agreed``.
    """

    def __init__(
        self,
        run: Run,
        *,
        store: Store,
        practice: XpmPort | None,
        clock: Clock,
        events: EventSink,
        progress: Callable[[Run], None],
    ) -> None:
        self.run = run
        self.tally: Counter[str] = Counter(run.counts)
        self._store = store
        self._practice = practice
        self._clock = clock
        self._events = events
        self._progress = progress
        self._unsent: list[str] = []
        self._refused: list[str] = []
        self._unapplied: list[str] = []
        self._aside: list[Quarantined] = []
        self._calls = run.calls - (practice.calls if practice is not None else 0)

    def total(self, records: int) -> None:
        """Set the number of records."""
        self.run = msgspec.structs.replace(self.run, total=records)

    def count_done(self) -> None:
        """Count one more record as done, and commit the run's progress."""
        self.transact(lambda _: ((), ()), done=1)

    def transact(
        self, make: Callable[[Snapshot], tuple[Iterable[Write], Iterable[Event]]], *, done: int = 0
    ) -> None:
        """Commit the progress and what ``make`` computes from the newest state, with no commit in between.

        Then the events are emitted. Without writes and without ``done`` there is no commit. If the store
        refuses, nothing is counted.
        """
        before = self.run, self.tally.copy()
        lines: list[Event] = []

        def with_progress(snapshot: Snapshot) -> list[Write]:
            writes, new_events = make(snapshot)
            writes = [*writes]
            lines.extend(new_events)
            if not writes and not done:
                return []
            self.run = self._now(self.run.done + done)
            return [*writes, Put(RUNS, self.run)]

        try:
            self._store.transact(with_progress)
        except BaseException:
            self.run, self.tally = before
            raise
        for event in lines:
            self._events.emit(event)
        self._progress(self.run)

    def count(self, written: Sequence[Written]) -> None:
        """Count one client's changes."""
        self.tally["records"] += bool(written)
        self.tally["changes"] += len(written)

    def count_moved(self, record: PlannedRecord, why: str) -> None:
        """Count a record that has changed since the plan; it is listed, and returns in the next plan."""
        self.tally["moved"] += 1
        self._events.emit(Event(key="sync.moved", record=record.client, uuid=record.uuid, rule=why))

    def count_unsendable(self, record: str, error: AppError) -> None:
        """Count a value that could not be sent; the run's end names record, field and remedy."""
        self.tally["unsendable"] += 1
        self._unsent.append(f"{self._named(record)} was not sent to XPM. {error.message}")

    def count_refused(self, record: str, words: str) -> None:
        """Count a record that XPM refused; the run's end names it with XPM's ``words``."""
        self.tally["refused"] += 1
        self._refused.append(f"{self._named(record)}: {visible(words, 200).rstrip('. ')}")

    def count_unapplied(self, record: str) -> None:
        """Count a change that got no answer and, as a look-up showed, was not applied."""
        self.tally["refused"] += 1
        self._unapplied.append(self._named(record))

    def count_set_aside(self, plan: Plan) -> None:
        """Count XPM's unreadable records that the plan covers; the run skipped them."""
        if plan.undo_of:
            return
        snapshot = self._store.snapshot()
        links = [snapshot.get(LINKS, id_) for id_ in plan.only.split()]
        chosen = {link.uuid for link in links if link is not None}
        self._aside = [
            one
            for found in set_aside(snapshot).values()
            for one in found
            if not plan.only or one.uuid in chosen
        ]
        self.tally["set_aside"] = len(self._aside)

    def emit(self, event: Event) -> None:
        """Emit one event."""
        self._events.emit(event)

    def outcome(self, *, stopped: bool, error: AppError | None = None) -> Outcome:
        """Return the outcome of the whole run."""
        if error is not None:
            return "partial" if self.tally["changes"] else "failed"
        if stopped:
            return "stopped"
        if self.tally["held"]:
            return "held"
        left = ("refused", "unsendable", "set_aside", "waiting")
        return "partial" if any(self.tally[key] for key in left) else "done"

    def end(self, plan: Plan, outcome: Outcome, error: AppError | None, *, reviewed: bool) -> Run:
        """Write the end of the run with its effects on the plan and the practice, in one commit."""
        snapshot = self._store.snapshot()
        self.run = msgspec.structs.replace(
            self._now(self.run.done),
            outcome=outcome,
            ended=self._clock.now(),
            error=error.message if error is not None else self._failures(),
            case=str(error.case or error.code) if error is not None else "",
        )
        writes: list[Write] = [Put(RUNS, self.run)]
        if self.tally["changes"] and snapshot.raw(META, FIRST_APPLIED) is None:
            writes.append(Put(META, Meta(id=FIRST_APPLIED, value=self.run.id)))
        if error is None and outcome != "stopped":
            writes.append(Put(PLANS, msgspec.structs.replace(plan, state="applied")))
            # Only a review of all clients covers the effects of a short list.
            whole = not (plan.only or plan.fields or plan.undo_of)
            writes += accept_list(snapshot) if reviewed and whole else []
        else:
            writes += rest_of_plan(snapshot, plan, self.run.id)
        self._store.commit(writes)
        self._progress(self.run)
        return self.run

    def _named(self, record: str) -> str:
        client = self._store.snapshot().get(CLIENTS, record.partition("/")[0])
        return f"{visible(client.name, 80)} ({record})" if client is not None else record

    def _failures(self) -> str:
        found = (
            _sentence("XPM refused", self._refused),
            _sentence("XPM did not answer and did not apply the changes of", self._unapplied),
            self._unsent_sentence(),
            _sentence(
                "Set aside, because what XPM sent cannot be read:",
                [f"{visible(one.description, 120)}: {visible(one.problem, 160)}" for one in self._aside],
                "status",
            ),
        )
        return " ".join(filter(None, found))

    def _unsent_sentence(self) -> str:
        if not self._unsent:
            return ""
        others = len(self._unsent) - UNSENT_NAMED
        text = " ".join(self._unsent[:UNSENT_NAMED])
        more = f" {others} more could not be sent (xpm-tui runs retry --list)." if others > 0 else ""
        them = plural(len(self._unsent), "it/them")
        return f"{text}{more} Correct {them} (clients edit, contacts edit), then sync again."

    def _now(self, done: int) -> Run:
        return msgspec.structs.replace(
            self.run,
            done=done,
            calls=self._calls + (self._practice.calls if self._practice is not None else 0),
            counts={key: number for key, number in self.tally.items() if number},
        )


def rest_of_plan(snapshot: Snapshot, plan: Plan, run: str) -> list[Write]:
    """Return the writes that leave in a plan only what a run of it that ended early has not written."""
    records = {record.id: record for record in snapshot.find(PLANNED, "plan", plan.id)}
    writes: list[Write] = []
    for image in snapshot.find(IMAGES, "run", run):
        record = records.pop(f"{plan.id}/{image.client}", None)
        if record is None:
            continue
        # A contact that was added here has an id of its own, so records are not compared.
        written = Counter((each.field, each.old, each.new) for each in image.written)
        left: list[Change] = []
        for change in record.changes:
            key = (change.field, change.old, change.new)
            written[key] -= change.ticked
            if not change.ticked or written[key] < 0:
                left.append(change)
        if any(change.ticked for change in left):
            record = records[record.id] = msgspec.structs.replace(record, changes=tuple(left))
            writes.append(Put(PLANNED, record))
        else:
            writes.append(Drop(PLANNED, record.id))
    counts = change_counts(records.values())
    return [*writes, Put(PLANS, msgspec.structs.replace(plan, counts=counts))] if writes else []


def _sentence(what: str, records: Sequence[str], more: str = "runs retry --list") -> str:
    """Return what happened to which records, as a sentence; empty without records."""
    if not records:
        return ""
    others = len(records) - FAILED_NAMED
    rest = [f"and {others:,} more (xpm-tui {more})"] if others > 0 else []
    return f"{what} {'; '.join([*records[:FAILED_NAMED], *rest])}."


def events_of(written: Sequence[Written], client: str, uuid: str) -> Iterator[Event]:
    """Return one event for each written value, without the value: names are filled in when it is shown."""
    for each in written:
        key = "sync.link" if each.field == "link" else "sync.change"
        yield Event(
            key=key,
            record=each.record or client,
            uuid=uuid,
            field=each.field,
            rule=each.rule,
            numbers={"side": each.side},
        )
