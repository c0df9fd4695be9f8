"""Create one record in XPM on a user's request: it is sent through the outbox, and never twice.

The module also creates staff records for team members, if no one in XPM may be the same person.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from xpm_tui.domain.errors import (
    AppError,
    CaseId,
    DecisionNeeded,
    NotFound,
    UnreadableRecord,
    UnsendableValue,
)
from xpm_tui.domain.events import Event
from xpm_tui.domain.identity import compare, exact
from xpm_tui.domain.ignition import TeamMember
from xpm_tui.domain.plan import Direction
from xpm_tui.domain.ports import Clock, EventSink, IdSource, Put, Snapshot, Store, Write, XpmPort
from xpm_tui.domain.runs import Intent, Outcome, Run
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import BLOCKED_PAIRS, RUNS, STAFF, TEAM, TableSchema
from xpm_tui.domain.xpm import Quarantined, Staff, XpmClient, quarantined_in
from xpm_tui.sync.applying.adoption import STAFF_FIELDS, staff_adoption_writes
from xpm_tui.sync.applying.recovery import resolve
from xpm_tui.sync.base import block_as_different
from xpm_tui.sync.journal import ADD_STAFF, CALLS, decision_command, is_linked, unanswered
from xpm_tui.sync.mirror import list_writes, set_aside
from xpm_tui.sync.outbox import Delivery, Message, Outbox, staff_creation, store_commit

Made = TypeVar("Made", XpmClient, Staff)


@dataclass(frozen=True)
class CreationRequest(Generic[Made]):
    """A request to create a record.

    ``name`` and ``noun`` are used in sentences about the record, and ``table`` is its table in the mirror.
    ``adopt`` returns the writes that store what XPM created.
    """

    message: Message[Made]
    name: str
    noun: str
    table: TableSchema[Made]
    adopt: Callable[[Snapshot, Intent, Made], Sequence[Write]]


def refuse_unreadable(
    snapshot: Snapshot, list_name: str, quarantined: Sequence[Quarantined], name: str
) -> None:
    """Refuse to create a record while XPM has an unreadable one that may be the same.

    Args:
        snapshot: The store, with the records of the list that were set aside earlier.
        list_name: ``clients`` or ``staff``.
        quarantined: The records of the newest reply that were set aside; one without a name counts, too.
        name: The name of what is to be created.

    Raises:
        DecisionNeeded: There is one.
    """
    before = [one for one in set_aside(snapshot).get(list_name, ()) if one.name]
    for one in (*quarantined, *before):
        if one.whole and (not one.name or compare(name, one.name).answer != "different"):
            raise DecisionNeeded(
                f"XPM has a record that cannot be read and may be {visible(name, 80)}: {one.description}. "
                f"{one.problem}. Nothing was created.",
                hint=f"{one.remedy} Then try again.",
                case=CaseId.HELD,
            )


class RecordCreator:
    """Creates one record.

    ``run`` is a run that is already in the store, or the id of a new one; ``calls`` are those that were made
    before the checks of this creation.
    """

    def __init__(
        self,
        store: Store,
        practice: XpmPort,
        clock: Clock,
        ids: IdSource,
        events: EventSink,
        by: str,
        run: str,
        direction: Direction,
        calls: int,
    ) -> None:
        self._store = store
        self._practice = practice
        self._clock = clock
        self._events = events
        self._outbox = Outbox(store, practice, clock, ids, run, store_commit(store, events))
        self._calls = calls
        self._run = store.snapshot().get(RUNS, run)
        self._ours = self._run is None
        if self._run is None:
            self._run = Run(id=run, started=clock.now(), by=by, direction=direction, total=1, reviewed=True)
            store.commit([Put(RUNS, self._run)])

    async def create(
        self, request: CreationRequest[Made], create_lag: float, stop: Callable[[], bool]
    ) -> Made:
        """Send it once, and return what XPM created.

        Raises:
            UnsendableValue: A value cannot be sent; nothing was.
            Refused: XPM refused it.
            DecisionNeeded: It is unknown whether XPM created it.
            AppError: Another error that ends the run: the network, the login, the disk.
        """
        try:
            sent = await self._outbox.send(
                request.message, lambda snapshot, end, row: (request.adopt(snapshot, end, row), ())
            )
        except AppError as error:
            self._end("failed", error)
            raise
        row = sent.reply
        if sent.ending == "unknown":
            self._emit("sync.unknown", sent.intent)
            row = await self._look_up(request, sent, create_lag, stop)
        elif row is None:
            cause = sent.cause
            if sent.ending == "unsendable" and not isinstance(cause, UnreadableRecord):
                named = f"{visible(request.name, 80)} ({request.message.record})"
                cause = UnsendableValue(
                    f"{named} was not created in XPM. {cause.message}",
                    hint=cause.hint,
                    case=cause.case,
                    field=getattr(cause, "field", ""),
                )
            self._end("failed", cause)
            raise cause
        self._emit("sync.created", msgspec.structs.replace(sent.intent, found=row.uuid))
        self._end("done")
        return row

    async def _look_up(
        self,
        request: CreationRequest[Made],
        sent: Delivery[Made],
        create_lag: float,
        stop: Callable[[], bool],
    ) -> Made:
        """Look for a record without an answer until XPM shows it, or until the time is over."""
        try:
            found = await resolve(
                store=self._store,
                practice=self._practice,
                clock=self._clock,
                emit=self._events.emit,
                create_lag=create_lag,
                stop=stop,
            )
        except AppError as error:
            self._end("held", error)
            raise
        adopted_as = next((each.found for each in found.done if each.id == sent.intent.id), "")
        row = self._store.snapshot().get(request.table, adopted_as) if adopted_as else None
        if row is None:
            self._end("held", sent.cause)
            held = msgspec.structs.replace(sent.intent, state="held")
            raise DecisionNeeded(
                f"XPM did not answer {CALLS[held.kind]} for {held.record}, so it is not known whether it "
                f"created the {request.noun}.",
                hint=f"Look for it in XPM, then decide: {decision_command(held)}",
                case=sent.cause.case or CaseId.UNKNOWN_OUTCOME,
            ) from sent.cause
        return row

    def _end(self, outcome: Outcome, error: AppError | None = None) -> None:
        """Write the end of the run, unless the run was given."""
        if not self._ours or self._run is None:
            return
        run = msgspec.structs.replace(
            self._run,
            outcome=outcome,
            ended=self._clock.now(),
            calls=self._practice.calls - self._calls,
            done=int(outcome == "done"),
            counts={"created": 1} if outcome == "done" else {outcome: 1},
            error=error.message if error is not None else "",
            case=str(error.case or error.code) if error is not None else "",
        )
        self._store.commit([Put(RUNS, run)])

    def _emit(self, key: str, intent: Intent) -> None:
        self._events.emit(
            Event(key=key, run=intent.run, record=intent.record, uuid=intent.found, rule="create")
        )


class StaffExists(DecisionNeeded):
    """XPM has staff with that e-mail, or the same or a similar name: ``people``, to be linked instead."""

    code = "staff-there"

    def __init__(self, member: TeamMember, people: Sequence[Staff]) -> None:
        consent = " ".join(f"--different-from {person.uuid}" for person in people)
        super().__init__(
            " ".join(
                f"XPM already has {_named(person)}: {matching_details(member, person)}." for person in people
            ),
            hint=f"Link to that record: xpm-tui team link {member.id} {people[0].uuid}. If it is a "
            f"different person, add {consent}.",
        )
        self.people = people


def matching_details(member: TeamMember, person: Staff) -> str:
    """Return what a member and a person of XPM's staff have in common, in words; empty if nothing."""
    if _same_email(member, person):
        return "the e-mail is the same"
    found = compare(member.name, person.name)
    return "" if found.answer == "different" else found.reasons[0]


def possible_duplicates(snapshot: Snapshot, member: TeamMember, staff: Iterable[Staff]) -> list[Staff]:
    """Return XPM's staff who may be this member: the same e-mail, the same or a similar name.

    People with a similar name who are linked to another member, or who the user said are different people,
    are left out.
    """
    taken = {other.staff for other in snapshot.rows(TEAM) if other.staff and other.id != member.id}
    settled = {pair.uuid for pair in snapshot.find(BLOCKED_PAIRS, "client", member.id)}
    found = []
    for person in staff:
        if person.gone or person.uuid in settled:
            continue
        answer = compare(member.name, person.name).answer
        near = answer == "near" and person.uuid not in taken
        if answer == "same" or near or _same_email(member, person):
            found.append(person)
    return sorted(found, key=lambda person: (not _same_email(member, person), person.name, person.uuid))


def why_blocked(snapshot: Snapshot, member: TeamMember) -> str:
    """Return why this member must not be created in XPM, as a sentence; empty if nothing prevents it."""
    if member.staff:
        return f"{member.name} ({member.id}) is already linked to a staff record in XPM."
    if not exact(member.name):
        return "This team member has no name, and XPM does not accept staff without a name."
    pending = [intent for intent in unanswered(snapshot) if intent.kind == ADD_STAFF]
    if any(intent.record == member.id for intent in pending):
        return "It was already sent to XPM, but no answer came. First find out what happened to it."
    email, name = member.email.strip().casefold(), exact(member.name)
    for intent in pending:
        sent = {field: str(value) for field, value in intent.values.items()}
        same = exact(sent.get("name", "")) == name or (email and sent.get("email", "").casefold() == email)
        if same and not is_linked(snapshot, intent):
            return (
                "Another team member with this name or e-mail was sent to XPM, but no answer came. "
                "First find out what happened to it."
            )
    return ""


def creation_values(member: TeamMember, more: Mapping[str, str]) -> dict[str, str]:
    """Return the values that are sent, without blanks; ``more`` has phone and mobile."""
    found = {"name": exact(member.name), "email": member.email.strip(), **more}
    return {field: exact(found[field]) for field in STAFF_FIELDS if exact(found.get(field, ""))}


async def create_staff(
    member_id: str,
    more: Mapping[str, str],
    *,
    store: Store,
    practice: XpmPort,
    clock: Clock,
    ids: IdSource,
    events: EventSink,
    by: str,
    run: str,
    direction: Direction,
    different: Collection[str] = (),
    anyway: bool = False,
    create_lag: float = 300.0,
    stop: Callable[[], bool] = lambda: False,
) -> Staff:
    """Create a staff record without login in XPM, and link the member to it.

    XPM's staff are read again before anything is sent. ``different`` are the UUIDs of staff who the user says
    are different people, and ``anyway`` says so of all; the answer is stored.

    Raises:
        StaffExists: One of them has the e-mail, or the same or a similar name.
        DecisionNeeded: It must not be created, or it is unknown whether XPM created it.
        Refused: XPM refused it.
    """
    member = store.snapshot().get(TEAM, member_id)
    if member is None:
        raise NotFound(f"There is no team member with the id {member_id}.")
    why = why_blocked(store.snapshot(), member)
    if why:
        raise DecisionNeeded(why, hint="See: xpm-tui team list, xpm-tui runs release")
    calls = practice.calls
    there = await practice.staff()
    if not anyway:
        refuse_unreadable(store.snapshot(), "staff", quarantined_in(there), member.name)
    store.commit(list_writes(store.snapshot(), STAFF, there))
    values = creation_values(member, more)
    people = possible_duplicates(store.snapshot(), member, there)
    left = [person for person in people if person.uuid not in different]
    if left and not anyway:
        raise StaffExists(member, left)
    if people:
        store.commit([block_as_different(member.id, each.uuid, by=by, now=clock.now()) for each in people])
    request = CreationRequest(
        staff_creation(member.id, values, [row.uuid for row in there]),
        name=member.name,
        noun="staff record",
        table=STAFF,
        adopt=staff_adoption_writes,
    )
    creator = RecordCreator(store, practice, clock, ids, events, by, run, direction, calls)
    return await creator.create(request, create_lag, stop)


def _named(person: Staff) -> str:
    return f"{person.name} <{person.email}>" if person.email else person.name


def _same_email(member: TeamMember, person: Staff) -> bool:
    ours = member.email.strip().casefold()
    return bool(ours) and ours == person.email.strip().casefold()
