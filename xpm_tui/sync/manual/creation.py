"""One record created in XPM because a user asked for it: sent through the outbox, never sent twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from xpm_tui.domain.errors import AppError, CaseId, DecisionNeeded, UnreadableRecord, UnsendableValue
from xpm_tui.domain.events import Event
from xpm_tui.domain.identity import compare
from xpm_tui.domain.plan import Direction
from xpm_tui.domain.ports import Clock, EventSink, IdSource, Put, Snapshot, Store, Write, XpmPort
from xpm_tui.domain.quarantine import Quarantined
from xpm_tui.domain.runs import Intent, Outcome, Run
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import RUNS, TableSchema
from xpm_tui.domain.xpm import Staff, XpmClient
from xpm_tui.sync.applying.recovery import resolve
from xpm_tui.sync.journal import CALLS, decision
from xpm_tui.sync.mirror import set_aside
from xpm_tui.sync.outbox import Delivery, Message, Outbox, store_commit

Made = TypeVar("Made", XpmClient, Staff)


@dataclass(frozen=True)
class CreationRequest(Generic[Made]):
    """A request to create a record.

    It has the ``message``, the record's ``name`` and ``noun`` for sentences, the mirror's ``table``, and the
    writes that store what XPM created.
    """

    message: Message[Made]
    name: str
    noun: str
    table: TableSchema[Made]
    adopt: Callable[[Snapshot, Intent, Made], Sequence[Write]]


def refuse_unreadable(snapshot: Snapshot, of: str, there: Sequence[Quarantined], name: str) -> None:
    """Refuse to create a record while XPM has one that nobody can read and that may be the same.

    Args:
        snapshot: The store, with what was set aside before of the list ``of``.
        of: The list: ``clients`` or ``staff``.
        there: What was set aside of the reply that was just asked for; here one without a name counts, too.
        name: The name of what is to be created.

    Raises:
        NeedsPerson: There is one.
    """
    before = [one for one in set_aside(snapshot).get(of, ()) if one.name]
    for one in (*there, *before):
        if one.whole and (not one.name or compare(name, one.name).answer != "different"):
            raise DecisionNeeded(
                f"XPM has a record that cannot be read and may be {visible(name, 80)}: {one.called}. "
                f"{one.problem}. Nothing was created.",
                hint=f"{one.remedy} Then try again.",
                case=CaseId.HELD,
            )


class RecordCreator:
    """Creates one record. ``run`` is a run that is in the book already, or the id for one of its own."""

    def __init__(
        self,
        book: Store,
        practice: XpmPort,
        clock: Clock,
        ids: IdSource,
        events: EventSink,
        by: str,
        run: str,
        direction: Direction,
    ) -> None:
        self._book = book
        self._practice = practice
        self._clock = clock
        self._events = events
        self._outbox = Outbox(book, practice, clock, ids, run, store_commit(book, events))
        self._calls = practice.calls
        self._run = book.snapshot().get(RUNS, run)
        self._ours = self._run is None
        if self._run is None:
            self._run = Run(id=run, started=clock.now(), by=by, direction=direction, total=1, reviewed=True)
            book.commit([Put(RUNS, self._run)])

    async def make(self, asked: CreationRequest[Made], create_lag: float, stop: Callable[[], bool]) -> Made:
        """Send it once, and give what XPM created.

        Raises:
            UnsendableValue: A value cannot be sent; nothing was.
            Refused: XPM said no.
            NeedsPerson: Nobody can tell whether XPM created it.
            Trouble: What else ends the run: the wire, the login, the disk.
        """
        try:
            sent = await self._outbox.send(
                asked.message, lambda snapshot, end, row: (asked.adopt(snapshot, end, row), ())
            )
        except AppError as trouble:
            self._end("failed", trouble)
            raise
        row = sent.reply
        if sent.ending == "unknown":
            self._tell("sync.unknown", sent.intent)
            row = await self._look(asked, sent, create_lag, stop)
        elif row is None:
            cause = sent.cause
            if sent.ending == "unsendable" and not isinstance(cause, UnreadableRecord):
                named = f"{visible(asked.name, 80)} ({asked.message.record})"
                cause = UnsendableValue(
                    f"{named} was not created in XPM. {cause.message}",
                    hint=cause.hint,
                    case=cause.case,
                    field=getattr(cause, "field", ""),
                )
            self._end("failed", cause)
            raise cause
        self._tell("sync.created", msgspec.structs.replace(sent.intent, found=row.uuid))
        self._end("done")
        return row

    async def _look(
        self,
        asked: CreationRequest[Made],
        sent: Delivery[Made],
        create_lag: float,
        stop: Callable[[], bool],
    ) -> Made:
        """No answer came: XPM itself is asked until it shows the record, or until waiting makes no sense."""
        try:
            found = await resolve(
                book=self._book,
                practice=self._practice,
                clock=self._clock,
                tell=self._events.emit,
                create_lag=create_lag,
                stop=stop,
            )
        except AppError as worse:
            self._end("held", worse)
            raise
        adopted_as = next((each.found for each in found.done if each.id == sent.intent.id), "")
        row = self._book.snapshot().get(asked.table, adopted_as) if adopted_as else None
        if row is None:
            self._end("held", sent.cause)
            held = msgspec.structs.replace(sent.intent, state="held")
            raise DecisionNeeded(
                f"XPM did not answer {CALLS[held.kind]} for {held.record}, so it is not known whether it "
                f"created the {asked.noun}.",
                hint=f"Look for it in XPM, then decide: {decision(held)}",
                case=sent.cause.case or CaseId.UNKNOWN_OUTCOME,
            ) from sent.cause
        return row

    def _end(self, outcome: Outcome, trouble: AppError | None = None) -> None:
        """The end of the run, where this act was one by itself."""
        if not self._ours or self._run is None:
            return
        run = msgspec.structs.replace(
            self._run,
            outcome=outcome,
            ended=self._clock.now(),
            calls=self._practice.calls - self._calls,
            done=int(outcome == "done"),
            counts={"created": 1} if outcome == "done" else {outcome: 1},
            error=trouble.message if trouble is not None else "",
            case=str(trouble.case or trouble.code) if trouble is not None else "",
        )
        self._book.commit([Put(RUNS, run)])

    def _tell(self, key: str, intent: Intent) -> None:
        self._events.emit(
            Event(key=key, run=intent.run, record=intent.record, uuid=intent.found, rule="create")
        )
