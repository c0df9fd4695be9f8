"""A run's own bookkeeping: its counts, its progress in every commit, its news after the commit, its end.

One client's changes on Ignition's side, as the writes of a commit: record, link, base, image.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

import msgspec

from xpm_tui.domain.errors import AppError
from xpm_tui.domain.events import Event
from xpm_tui.domain.links import Base
from xpm_tui.domain.plan import Change, Plan, PlannedRecord
from xpm_tui.domain.ports import Clock, EventSink, Put, Snapshot, Store, Write, XpmPort
from xpm_tui.domain.quarantine import Quarantined
from xpm_tui.domain.runs import Outcome, Run, Written
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import CLIENTS, LINKS, META, PLANS, RUNS, Meta
from xpm_tui.sync.applying.local_writes import Moved, VerifiedRecord, verify_record, write_book
from xpm_tui.sync.applying.run_results import changed_writes, image_write
from xpm_tui.sync.base import base_key, with_origin
from xpm_tui.sync.canonical import is_blank
from xpm_tui.sync.mirror import accept_list, set_aside
from xpm_tui.sync.planning.comparison import compare
from xpm_tui.sync.planning.decisions import Rules
from xpm_tui.sync.planning.planner import FIRST_APPLIED

UNSENT_NAMED = 3
"""How many records that could not be sent the end of a run names; ``runs retry --list`` names them all."""

FAILED_NAMED = 5
"""How many records that XPM refused, or whose change it had not applied, the end of a run names."""


class RunRecorder:
    """Counts what becomes of the records; ``run`` is always what the book has, or is about to have.

    Counts of a run: ``records`` and ``changes`` written, ``moved`` (dropped out), ``refused`` by XPM,
    ``unsendable`` (a value of the record cannot be sent), ``set_aside`` (XPM sent what nobody can read),
    ``held`` for a person, ``edited`` and ``altered`` fields in XPM's answers, ``agreed``.
    """

    def __init__(
        self,
        run: Run,
        *,
        book: Store,
        practice: XpmPort | None,
        clock: Clock,
        events: EventSink,
        progress: Callable[[Run], None],
    ) -> None:
        self.run = run
        self.tally: Counter[str] = Counter(run.counts)
        self._book = book
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
        """How many records there are to do."""
        self.run = msgspec.structs.replace(self.run, total=records)

    def commit(self, writes: Iterable[Write], *, done: int = 0, news: Iterable[Event] = ()) -> None:
        """Commit some writes together with the run's progress; then tell."""
        self.transact(lambda _: (writes, news), done=done)

    def transact(
        self, make: Callable[[Snapshot], tuple[Iterable[Write], Iterable[Event]]], *, done: int = 0
    ) -> None:
        """The same for what ``make`` thinks out on the newest state: no edit of a person comes in between.

        Nothing thought out and nothing ``done``: no commit. Where the book refuses, nothing of it is counted.
        """
        before = self.run, self.tally.copy()
        told: list[Event] = []

        def with_progress(snapshot: Snapshot) -> list[Write]:
            writes, news = make(snapshot)
            writes = [*writes]
            told.extend(news)
            if not writes and not done:
                return []
            self.run = self._now(self.run.done + done)
            return [*writes, Put(RUNS, self.run)]

        try:
            self._book.transact(with_progress)
        except BaseException:
            self.run, self.tally = before
            raise
        for event in told:
            self._events.emit(event)
        self._progress(self.run)

    def count(self, written: Sequence[Written]) -> None:
        """One client's changes were made."""
        self.tally["records"] += bool(written)
        self.tally["changes"] += len(written)

    def drop(self, record: PlannedRecord, why: str) -> None:
        """A record is no longer as planned: listed, no failure, back in the next plan."""
        self.tally["moved"] += 1
        self._events.emit(Event(key="sync.moved", record=record.client, uuid=record.uuid, rule=why))

    def left_out(self, record: str, error: AppError) -> None:
        """A value of a record could not be sent: the run's end names the record, the field and what to do."""
        self.tally["unsendable"] += 1
        self._unsent.append(f"{self._named(record)} was not sent to XPM. {error.message}")

    def refuse(self, record: str, words: str) -> None:
        """Count a record that XPM refused; the run's end names it with what XPM said, which is ``words``."""
        self.tally["refused"] += 1
        self._refused.append(f"{self._named(record)}: {visible(words, 200).rstrip('. ')}")

    def unapplied(self, record: str) -> None:
        """Count a change that got no answer and, when it was looked up, had not been made."""
        self.tally["refused"] += 1
        self._unapplied.append(self._named(record))

    def set_aside(self, plan: Plan) -> None:
        """Count XPM's unreadable records, as far as the plan covers them: they were left out of the run."""
        if plan.undo_of:
            return
        snapshot = self._book.snapshot()
        links = [snapshot.get(LINKS, id_) for id_ in plan.only.split()]
        chosen = {link.uuid for link in links if link is not None}
        self._aside = [
            one
            for found in set_aside(snapshot).values()
            for one in found
            if not plan.only or one.uuid in chosen
        ]
        self.tally["set_aside"] = len(self._aside)

    def tell(self, event: Event) -> None:
        """One event."""
        self._events.emit(event)

    def outcome(self, *, stopped: bool, trouble: AppError | None = None) -> Outcome:
        """What became of the run as a whole."""
        if trouble is not None:
            return "partial" if self.tally["changes"] else "failed"
        if stopped:
            return "stopped"
        if self.tally["held"]:
            return "held"
        return "partial" if any(self.tally[key] for key in ("refused", "unsendable", "set_aside")) else "done"

    def end(self, plan: Plan, outcome: Outcome, trouble: AppError | None, *, reviewed: bool) -> Run:
        """Write the end of the run and what it means for the plan and the practice, in one commit."""
        snapshot = self._book.snapshot()
        self.run = msgspec.structs.replace(
            self._now(self.run.done),
            outcome=outcome,
            ended=self._clock.now(),
            error=trouble.message if trouble is not None else self._failures(),
            case=str(trouble.case or trouble.code) if trouble is not None else "",
        )
        writes: list[Write] = [Put(RUNS, self.run)]
        if self.tally["changes"] and snapshot.raw(META, FIRST_APPLIED) is None:
            writes.append(Put(META, Meta(id=FIRST_APPLIED, value=self.run.id)))
        if trouble is None and outcome != "stopped":
            writes.append(Put(PLANS, msgspec.structs.replace(plan, state="applied")))
            # Only who looked at all clients has seen what follows from a short list.
            whole = not (plan.only or plan.fields or plan.undo_of)
            writes += accept_list(snapshot) if reviewed and whole else []
        self._book.commit(writes)
        self._progress(self.run)
        return self.run

    def _named(self, record: str) -> str:
        client = self._book.snapshot().get(CLIENTS, record.partition("/")[0])
        return f"{visible(client.name, 80)} ({record})" if client is not None else record

    def _failures(self) -> str:
        found = (
            _sentence("XPM refused", self._refused),
            _sentence("XPM did not answer and did not apply the changes of", self._unapplied),
            self._unsent_sentence(),
            _sentence(
                "Set aside, because what XPM sent cannot be read:",
                [f"{visible(one.called, 120)}: {visible(one.problem, 160)}" for one in self._aside],
                "status",
            ),
        )
        return " ".join(filter(None, found))

    def _unsent_sentence(self) -> str:
        if not self._unsent:
            return ""
        others = len(self._unsent) - UNSENT_NAMED
        told = " ".join(self._unsent[:UNSENT_NAMED])
        more = f" {others} more could not be sent: xpm-tui runs retry --list" if others > 0 else ""
        return f"{told}{more} Correct it (clients edit, contacts edit), then sync again."

    def _now(self, done: int) -> Run:
        return msgspec.structs.replace(
            self.run,
            done=done,
            calls=self._calls + (self._practice.calls if self._practice is not None else 0),
            counts={key: number for key, number in self.tally.items() if number},
        )


def _sentence(what: str, records: Sequence[str], more: str = "runs retry --list") -> str:
    """What happened, to which records; empty where it happened to none."""
    if not records:
        return ""
    others = len(records) - FAILED_NAMED
    rest = [f"and {others:,} more (xpm-tui {more})"] if others > 0 else []
    return f"{what} {'; '.join([*records[:FAILED_NAMED], *rest])}."


class LocalCommit(msgspec.Struct, frozen=True):
    """The writes, what they did, and the record as it stands after them: what is left goes to XPM."""

    writes: tuple[Write, ...]
    written: tuple[Written, ...]
    standing: VerifiedRecord | None


def local_commit(
    snapshot: Snapshot,
    record: PlannedRecord,
    rules: Rules,
    run: Run,
    now: datetime,
    new_contact: Callable[[], str],
) -> LocalCommit | Moved:
    """Make the link, if the record makes one, and write the changes of Ignition's side."""
    standing = verify_record(snapshot, record, rules.team, run, now)
    if not isinstance(standing, VerifiedRecord):
        return standing
    matched = compare(rules, standing.sides).link
    sides = msgspec.structs.replace(standing.sides, link=matched)
    ours = [change for change in standing.changes if change.side == "ignition" and not change.follows]
    made = write_book(sides, ours, rules.team, new_contact, rules.policy.of_new_contact(sides.frozen))
    met = compare(rules, msgspec.structs.replace(sides, client=made.client, link=made.link))
    base = with_origin(met.base, came_from_xpm(made.written, met.base), came=True)
    linked = () if standing.linking is None else (_linked(standing.linking),)
    written = (*linked, *made.written)
    writes: list[Write] = []
    if made.client != sides.client:
        writes.append(Put(CLIENTS, made.client))
    writes += changed_writes(snapshot, met.link, base)
    if written:
        writes.append(image_write(snapshot, run.id, sides.client.id, sides.row.uuid, written))
    after = msgspec.structs.replace(sides, client=made.client, link=met.link, base=base)
    rest = tuple(change for change in standing.changes if change.side == "xpm" or change.follows)
    return LocalCommit(tuple(writes), written, VerifiedRecord(after, rest))


def came_from_xpm(written: Iterable[Written], base: Base) -> list[str]:
    """The base keys of what was written to Ignition from XPM; of a new contact, all its fields."""
    keys: list[str] = []
    for each in written:
        contact = each.record.partition("/")[2]
        if each.field == "contact":
            keys += [key for key in base.agreed if key.startswith(f"{contact}.")]
        elif each.side == "ignition" and not is_blank(each.new):
            keys.append(base_key(each.field, contact))
    return keys


def contacts_wanted(changes: Iterable[Change]) -> int:
    """How many new contact ids these changes take."""
    return sum(
        1 for c in changes if c.ticked and c.field == "contact" and c.side == "ignition" and c.new is not None
    )


def events_of(written: Sequence[Written], client: str, uuid: str) -> Iterator[Event]:
    """One event for each thing that was written. Values are not in it: names are filled in when shown."""
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


def _linked(change: Change) -> Written:
    return Written(record=change.record, field="link", side="ignition", rule=change.rule, new=change.new)
