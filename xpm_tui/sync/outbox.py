"""The outbox: the only way to write to XPM.

Every write goes through three durable steps: the *intent* (what will be written), *sent* (durable before the
first byte leaves) and the *outcome*, which is one commit with everything that follows from it. An intent that
was sent and has no outcome is unknown: it is looked up (:mod:`xpm_tui.sync.applying.recovery`), and never
sent again without checking.

The outbox knows messages and outcomes, but no plans, runs or jobs: what follows from a write is passed to it
as a function. No other module calls a writing method of the port;
``tests/sync/test_outbox_is_the_only_way.py`` fails if one does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar, cast

import msgspec

from xpm_tui.domain.errors import (
    AccessDenied,
    AllowanceUsedUp,
    AppError,
    BadInput,
    BadReply,
    Busy,
    DiskError,
    EditConflict,
    LoginNeeded,
    OutcomeUnknown,
    RecordMissing,
    Refused,
    RunStopped,
    ScopeMissing,
    UnreadableRecord,
    UnsendableValue,
    XeroError,
    XeroUnreachable,
)
from xpm_tui.domain.events import Event, Scalar
from xpm_tui.domain.fields import job_label, sent_label, staff_label
from xpm_tui.domain.ignition import JobSpec
from xpm_tui.domain.links import Value
from xpm_tui.domain.ports import Clock, EventSink, IdSource, Put, Snapshot, Store, Write, XpmJobsPort, XpmPort
from xpm_tui.domain.runs import Intent
from xpm_tui.domain.safe_text import is_sendable, refuse_unsendable_values
from xpm_tui.domain.tables import INTENTS, XPM_CLIENTS
from xpm_tui.domain.xpm import Staff, XpmClient, XpmContact, XpmJob
from xpm_tui.sync.canonical import refuse_unread
from xpm_tui.sync.journal import (
    ADD_CLIENT,
    ADD_CONTACT,
    ADD_JOB,
    ADD_STAFF,
    APPLY_TEMPLATE,
    ASSIGN_PEOPLE,
    SET_STATE,
    UPDATE_CLIENT,
    UPDATE_CONTACT,
    mark_done,
    mark_failed,
    payload_hash,
    storable_values,
    withdraw_intent,
)

Reply = TypeVar("Reply")


@dataclass(frozen=True)
class Message(Generic[Reply]):
    """One write: its ``kind``, our ``record``, and how it is sent.

    ``uuid`` is the XPM client's or job's, ``values`` is what is journaled, ``before`` are the existing ids
    for a creation, ``found`` is the contact that is changed. ``texts`` is everything in the request, by
    field, and ``label`` returns the label of a field. ``identify`` returns the id of what the reply shows.
    """

    kind: str
    record: str
    send: Callable[[XpmJobsPort], Awaitable[Reply]]
    identify: Callable[[Reply], str]
    uuid: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)
    before: Sequence[str] = ()
    found: str = ""
    texts: Mapping[str, object] = field(default_factory=dict)
    label: Callable[[str], str] = sent_label

    @property
    def is_sendable(self) -> bool:
        """Return whether XML allows everything in the request."""
        return all(map(is_sendable, self.texts.values()))


Ending = Literal["done", "refused", "unsendable", "unknown", "stopped", "interrupted"]
"""How a write ended.

``done``: XPM made the change. ``refused``: XPM refused it; other records continue. ``unsendable``: nothing
was sent, because a value of this record cannot be; other records continue. ``unknown``: sent without an
answer; other records continue, this one is looked up. ``stopped``: XPM certainly did not act, and other
writes would fail as well, so the run ends. ``interrupted``: the run ends, and XPM may have acted: the write
is looked up.
"""

ENDINGS: Mapping[type[AppError], Ending] = {
    BadInput: "unsendable",
    UnsendableValue: "unsendable",
    Refused: "refused",
    RecordMissing: "refused",
    EditConflict: "refused",
    OutcomeUnknown: "unknown",
    XeroError: "stopped",
    LoginNeeded: "stopped",
    ScopeMissing: "stopped",
    AccessDenied: "stopped",
    AllowanceUsedUp: "stopped",
    XeroUnreachable: "stopped",
    BadReply: "stopped",
    UnreadableRecord: "unsendable",
    # The files of the login and the limiter are also written after a reply.
    Busy: "interrupted",
    DiskError: "interrupted",
}
"""Every error that a write of the port may raise (``ports.WRITE_ERRORS``), and how it ends the write."""


def ending_of(error: AppError) -> Ending:
    """Return how an error ends a write; an unlisted error may have occurred after XPM acted."""
    return next((ENDINGS[kind] for kind in type(error).__mro__ if kind in ENDINGS), "interrupted")


@dataclass(frozen=True)
class Delivery(Generic[Reply]):
    """The outcome of one message: its stored intent, and either XPM's reply (if ``done``) or the error."""

    ending: Ending
    intent: Intent
    reply: Reply | None = None
    error: AppError | None = None

    @property
    def cause(self) -> AppError:
        """Return the error of a write that was not done."""
        assert self.error is not None
        return self.error

    def event(self, key: str, record: str = "", **numbers: Scalar) -> Event:
        """Return the event that names the record, the call and the cause; ``record`` if it is another one."""
        error, intent = self.cause, self.intent
        wire = error if isinstance(error, XeroError) else None
        return Event(
            key=key,
            level="warning",
            run=intent.run,
            record=record or intent.record,
            uuid=intent.uuid,
            field=error.field if isinstance(error, BadInput) else "",
            call=wire.asked if wire else "",
            status=wire.status if wire else 0,
            correlation=wire.correlation if wire else "",
            case=str(error.case or error.code),
            numbers={"intent": intent.id, **numbers},
        )


WritesAfter = Callable[[Snapshot, Intent, Reply], tuple[Iterable[Write], Iterable[Event]]]
"""A function that returns what follows from a write that took effect: writes and events."""
WritesNow = Callable[[Snapshot], tuple[Iterable[Write], Iterable[Event]]]
Commit = Callable[[WritesNow], None]


class Outbox:
    """Sends messages of one run to XPM, one at a time.

    ``commit`` makes a message's outcome durable together with what follows from it, then emits the events:
    :func:`store_commit`, or that of a run which counts its progress.
    """

    def __init__(
        self,
        store: Store,
        practice: XpmPort,
        clock: Clock,
        ids: IdSource,
        run: str,
        commit: Commit,
    ) -> None:
        self._store = store
        self._practice = cast(XpmJobsPort, practice)
        self._clock = clock
        self._ids = ids
        self._run = run
        self._commit = commit

    async def send(self, message: Message[Reply], follow: WritesAfter[Reply]) -> Delivery[Reply]:
        """Send one message, once.

        Args:
            message: What is written, from one of the functions below.
            follow: Returns what follows if XPM made the change; called with the newest snapshot, the intent
                with its outcome, and the reply. Its writes and the outcome are one commit.

        Raises:
            AppError: The write is ``stopped`` or ``interrupted``: continuing is useless for other records.
            RunStopped: The run was asked to stop before the write was sent; its intent is dropped.
        """
        try:
            refuse_unsendable_values(message.texts, label=message.label)
            if message.kind in (UPDATE_CLIENT, ADD_CONTACT, UPDATE_CONTACT):
                fields = message.values if message.kind == UPDATE_CLIENT else ["contact"]
                refuse_unread(self._store.snapshot().get(XPM_CLIENTS, message.uuid), fields)
        except UnsendableValue as error:
            closed = mark_failed(self._intent(message), error.message)
            self._store.commit([Put(INTENTS, closed)])
            return Delivery("unsendable", closed, error=error)
        intent = self._begin(message)
        try:
            reply = await message.send(self._practice)
        except RunStopped:
            self._store.commit([withdraw_intent(intent)])
            raise
        except AppError as error:
            return self._failed_delivery(intent, error)
        end = mark_done(intent, message.identify(reply))

        def settle(snapshot: Snapshot) -> tuple[list[Write], Iterable[Event]]:
            writes, new_events = follow(snapshot, end, reply)
            return [Put(INTENTS, end), *writes], new_events

        self._commit(settle)
        return Delivery("done", end, reply)

    def _failed_delivery(self, intent: Intent, error: AppError) -> Delivery[Any]:
        ending = ending_of(error)
        if ending == "interrupted":
            raise error
        if ending == "unknown":
            return Delivery(ending, intent, error=error)
        closed = mark_failed(intent, getattr(error, "words", "") or error.message)
        self._store.commit([Put(INTENTS, closed)])
        if ending == "stopped":
            raise error
        return Delivery(ending, closed, error=error)

    def _intent(self, message: Message[Any]) -> Intent:
        values = storable_values(message.values)
        return Intent(
            id=self._ids.new("i")[0],
            run=self._run,
            kind=message.kind,
            record=message.record,
            uuid=message.uuid,
            values=values,
            before=tuple(message.before),
            found=message.found,
            payload=payload_hash(values),
        )

    def _begin(self, message: Message[Any]) -> Intent:
        """Store the intent, then that it is sent; each is durable before the next step."""
        intent = self._intent(message)
        self._store.commit([Put(INTENTS, intent)])
        intent = msgspec.structs.replace(intent, state="sent", sent_at=self._clock.now())
        self._store.commit([Put(INTENTS, intent)])
        return intent


def store_commit(store: Store, events: EventSink) -> Commit:
    """Return a commit of the store with what follows from the newest snapshot; it then emits the events."""

    def commit(make: WritesNow) -> None:
        writes, new_events = make(store.snapshot())
        store.commit([*writes])
        for event in new_events:
            events.emit(event)

    return commit


def client_update(record: str, uuid: str, name: str, values: Mapping[str, Value]) -> Message[XpmClient]:
    """Return the message that changes an XPM client; XPM requires ``name``, even if it is unchanged."""
    return Message(
        UPDATE_CLIENT,
        record,
        lambda practice: practice.update_client(uuid, name, values),
        lambda _: "",
        uuid=uuid,
        values=values,
        texts={"name": name, **values},
    )


def client_creation(
    record: str, values: Mapping[str, Value], contacts: Sequence[XpmContact], before: Sequence[str]
) -> Message[XpmClient]:
    """Return the message that creates a client; ``before`` are the UUIDs of clients with the same name."""
    texts: dict[str, object] = {**values}
    for place, each in enumerate(contacts, 1):
        for name, value in msgspec.structs.asdict(each).items():
            texts[f"contact {name}" if place == 1 else f"contact {place} {name}"] = value
    return Message(
        ADD_CLIENT,
        record,
        lambda practice: practice.add_client(values, contacts),
        lambda row: row.uuid,
        values=values,
        before=before,
        texts=texts,
    )


def contact_update(
    record: str, client: str, uuid: str, values: Mapping[str, Value], attributes: Mapping[str, Value]
) -> Message[XpmContact]:
    """Return the message that changes a contact; ``values`` by policy field, ``attributes`` as sent."""
    return Message(
        UPDATE_CONTACT,
        record,
        lambda practice: practice.update_contact(client, uuid, attributes),
        lambda contact: contact.uuid,
        uuid=client,
        values=values,
        found=uuid,
        texts={f"contact {name}": value for name, value in attributes.items()},
    )


def contact_creation(
    record: str, client: str, values: Mapping[str, Value], contact: XpmContact, before: Sequence[str]
) -> Message[XpmContact]:
    """Return the message that creates a contact; ``before`` are the UUIDs of the client's contacts."""
    return Message(
        ADD_CONTACT,
        record,
        lambda practice: practice.add_contact(client, contact),
        lambda made: made.uuid,
        uuid=client,
        values=values,
        before=before,
        texts={f"contact {name}": value for name, value in msgspec.structs.asdict(contact).items()},
    )


def staff_creation(record: str, values: Mapping[str, str], before: Sequence[str]) -> Message[Staff]:
    """Return the message that creates a staff record without a login: name, e-mail, phone and mobile."""
    return Message(
        ADD_STAFF,
        record,
        lambda practice: practice.add_staff(
            name=values["name"],
            email=values.get("email", ""),
            phone=values.get("phone", ""),
            mobile=values.get("mobile", ""),
        ),
        lambda row: row.uuid,
        values=values,
        before=before,
        texts=values,
        label=staff_label,
    )


def job_creation(record: str, client: str, spec: JobSpec, before: Sequence[str]) -> Message[XpmJob]:
    """Return the message that creates a job; ``before`` are the ids of the client's open jobs."""
    values: dict[str, Value] = {
        "name": spec.name,
        "start": spec.start.isoformat(),
        "due": spec.due.isoformat(),
        "reference": spec.reference,
        "number": spec.number,
        "template": spec.templates[0] if spec.templates else "",
        "category": spec.category,
        "budget": spec.budget,
    }
    return Message(
        ADD_JOB,
        record,
        lambda practice: practice.add_job(
            name=spec.name,
            description=spec.description,
            client=client,
            start=spec.start,
            due=spec.due,
            order_number=spec.reference,
            number=spec.number,
            template=spec.templates[0] if spec.templates else "",
            category=spec.category,
            budget=spec.budget,
        ),
        lambda job: job.number,
        uuid=client,
        values=values,
        before=before,
        texts={**values, "description": spec.description},
        label=job_label,
    )


def template_addition(record: str, uuid: str, number: str, template: str, tasks: int) -> Message[XpmJob]:
    """Return the message that adds a template's tasks to a job that has ``tasks`` tasks now."""
    values: dict[str, Value] = {"number": number, "template": template}
    return Message(
        APPLY_TEMPLATE,
        record,
        lambda practice: practice.apply_template(number, template),
        lambda job: number,
        uuid=uuid,
        values=values,
        before=[str(tasks)],
        texts=values,
        label=job_label,
    )


def people_assignment(record: str, uuid: str, number: str, spec: JobSpec) -> Message[XpmJob]:
    """Return the message that sets partner, manager and staff of a job."""
    people: dict[str, Value] = {"partner": spec.partner, "manager": spec.manager, "staff": spec.staff}
    values: dict[str, Value] = {"number": number, **people}
    return Message(
        ASSIGN_PEOPLE,
        record,
        lambda practice: practice.assign(
            number, add=spec.staff, manager=spec.manager or None, partner=spec.partner or None
        ),
        lambda job: number,
        uuid=uuid,
        values=values,
        texts=values,
        label=job_label,
    )


def state_change(record: str, uuid: str, number: str, code: str) -> Message[None]:
    """Return the message that sets a job's state, by the practice's code."""
    values: dict[str, Value] = {"number": number, "state": code}
    return Message(
        SET_STATE,
        record,
        lambda practice: practice.set_job_state(number, code),
        lambda _: number,
        uuid=uuid,
        values=values,
        texts=values,
        label=job_label,
    )
