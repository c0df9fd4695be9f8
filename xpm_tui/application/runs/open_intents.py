"""Writes to XPM with an unknown outcome: show them, look for them in XPM, and record the user's decision.

Every place that mentions such a write takes the record, the call and the decision from here.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from xpm_tui.application.practice import OpenPractice
from xpm_tui.domain import labels
from xpm_tui.domain.errors import NotFound, RecordMissing, UnreadableRecord
from xpm_tui.domain.events import Event
from xpm_tui.domain.formatting import count, plural
from xpm_tui.domain.links import Value
from xpm_tui.domain.ports import Put, Snapshot, Write
from xpm_tui.domain.runs import Intent, IntentState
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import INTENTS, LINKS, RUNS, STAFF, XPM_CLIENTS
from xpm_tui.domain.xpm import XpmClient
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application.presenters import lookup
    from xpm_tui.domain import identity as identity_module
    from xpm_tui.sync import journal, mirror
    from xpm_tui.sync.applying import adoption, recovery, run_results


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A record of XPM that may be what was created; ``number`` is that of a client's web address."""

    uuid: str
    number: str
    name: str
    email: str = ""


class HeldWrite(msgspec.Struct, frozen=True, kw_only=True):
    """A write that is held for a decision.

    Attributes:
        intent: The id of the write.
        record: The id of the record here.
        sent: The values that were sent.
        candidates: Records in XPM that did not exist before the write.
    """

    intent: str
    run: str
    kind: str
    record: str
    name: str
    message: str
    sent_at: datetime | None
    sent: dict[str, Value]
    candidates: tuple[Candidate, ...]


class Decision(msgspec.Struct, frozen=True):
    """A user's decision; ``xpm`` names the record to adopt by its UUID, or a client by number or address."""

    intent: str
    choice: recovery.Choice
    xpm: str = ""


def list_held_writes(practice: OpenPractice) -> list[HeldWrite]:
    """Return the writes that wait for the user's decision, with candidates from the mirror."""
    snapshot = practice.snapshot()
    return [_held_write(snapshot, intent) for intent in _held(snapshot)]


async def look_up(practice: OpenPractice) -> list[HeldWrite]:
    """Return the held writes after one more call for each, because XPM may show the record by now.

    Raises ``LoginNeeded``, ``Busy`` while a run is in progress, and ``XeroError``.
    """
    practice.writable()
    identity = practice.connected()
    intents = _held(practice.snapshot())
    if intents:
        with practice.lock("looking for what was sent").hold():
            async with practice.wire() as wire:
                xpm = wire.practice(identity.tenant)
                for intent in intents:
                    if intent.kind == journal.ADD_STAFF:
                        people = await xpm.staff()
                        practice.store.commit(mirror.list_writes(practice.snapshot(), STAFF, people))
                        continue
                    rows: list[XpmClient]
                    if intent.kind == journal.ADD_CLIENT:
                        rows = await xpm.search(identity_module.exact(str(intent.values.get("name") or "")))
                    else:
                        try:
                            rows = [await xpm.client(intent.uuid)]
                        except (RecordMissing, UnreadableRecord):
                            rows = []
                    snapshot = practice.snapshot()
                    known = [(snapshot.get(XPM_CLIENTS, row.uuid), row) for row in rows]
                    merged = [run_results.merge_client(old, row) if old else row for old, row in known]
                    mirror.commit_rows(practice.store, merged, practice.clock.now())
    return list_held_writes(practice)


def decide(practice: OpenPractice, decision: Decision) -> HeldWrite:
    """Apply one decision, and return the write as it was held.

    The run of a single creation ends with it. Raises ``NotFound`` and ``BadInput``, and ``Busy`` while a run
    is in progress.
    """
    practice.writable()
    with practice.lock("recording the decision on what was sent").hold():
        snapshot, now = practice.snapshot(), practice.clock.now()
        intent = next((each for each in _held(snapshot) if each.id == decision.intent), None)
        if intent is None:
            raise NotFound(
                f"There is no held write with the id {visible(decision.intent, 40)}.",
                hint="`xpm-tui runs release` lists the held writes.",
            )
        view = _held_write(snapshot, intent)
        uuid = _adopts(snapshot, intent, decision.xpm) if decision.choice == "adopt" else ""
        writes = recovery.decision_writes(snapshot, intent.id, decision.choice, now, uuid)
        practice.store.commit([*writes, *_run_ended(snapshot, intent, decision.choice)])
    practice.events.emit(
        Event(key="sync.decided", run=intent.run, record=intent.record, uuid=uuid, rule=decision.choice,
              numbers={"intent": intent.id})
    )  # fmt: skip
    return view


def _held(snapshot: Snapshot) -> list[Intent]:
    """Return the held writes of sync; those of jobs are decided in Jobs."""
    return [intent for intent in recovery.held_intents(snapshot) if intent.kind in journal.SYNC_KINDS]


def _held_write(snapshot: Snapshot, intent: Intent) -> HeldWrite:
    name = lookup.name_of(snapshot, intent.record) or intent.record
    noun = "contact" if "/" in intent.record else "client"
    noun = "staff record" if intent.kind == journal.ADD_STAFF else noun
    return HeldWrite(
        intent=intent.id,
        run=intent.run,
        kind=intent.kind,
        record=intent.record,
        name=name,
        message=f"The {noun} {name} was sent to XPM in run {intent.run}, but no answer came: {intent.note}.",
        sent_at=intent.sent_at,
        sent=dict(intent.values),
        candidates=tuple(_candidates(snapshot, intent)),
    )


def _candidates(snapshot: Snapshot, intent: Intent) -> Sequence[Candidate]:
    """Return the records in XPM that did not exist before the write and are not linked to another record."""
    if intent.kind == journal.ADD_STAFF:
        people = (row for row in snapshot.rows(STAFF) if not row.gone)
        return [
            Candidate(uuid=row.uuid, number="", name=row.name, email=row.email)
            for row in adoption.created_candidates(snapshot, intent, people)
        ]
    if intent.kind == journal.ADD_CLIENT:
        name = identity_module.exact(str(intent.values.get("name") or ""))
        return [
            Candidate(uuid=row.uuid, number=row.number, name=row.name, email=row.email)
            for row in snapshot.find(XPM_CLIENTS, "name", name)
            if row.uuid not in intent.before
            and not row.deleted
            and not snapshot.find(LINKS, "uuid", row.uuid)
        ]
    row, link = snapshot.get(XPM_CLIENTS, intent.uuid), snapshot.get(LINKS, intent.record.partition("/")[0])
    taken = {joined.uuid for joined in link.contacts} if link is not None else set()
    return [
        Candidate(uuid=contact.uuid, number=row.number if row else "", name=contact.name, email=contact.email)
        for contact in (row.present_contacts if row is not None else ())
        if contact.uuid not in intent.before and contact.uuid not in taken
    ]


def _adopts(snapshot: Snapshot, intent: Intent, typed: str) -> str:
    if intent.kind == journal.ADD_CLIENT:
        return lookup.find_xpm(snapshot, typed).uuid
    if intent.kind == journal.ADD_STAFF:
        return lookup.find_staff(snapshot, typed).uuid
    return typed.strip().lower()


def _run_ended(snapshot: Snapshot, intent: Intent, choice: recovery.Choice) -> list[Write]:
    """Return the end of the run of a single creation, which has no plan to continue."""
    run = snapshot.get(RUNS, intent.run)
    others = any(each.run == intent.run and each.id != intent.id for each in recovery.held_intents(snapshot))
    if run is None or run.plan or run.outcome != "held" or others:
        return []
    if choice == "adopt":
        ended = msgspec.structs.replace(
            run, outcome="done", done=run.total, counts={"created": 1}, error="", case="", exit_code=0
        )
    else:
        ended = msgspec.structs.replace(run, outcome="failed", counts={"failed": 1})
    return [Put(RUNS, ended)]


MAX_NAMED_WRITES = 3
"""How many writes one sentence names."""


class OpenWrite(msgspec.Struct, frozen=True, kw_only=True):
    """A write that was sent and got no answer.

    Attributes:
        call: The call to XPM.
        message: What was sent, for which record, and what is known, in one sentence without the decision.
        decision: The command that settles the write.
    """

    intent: str
    run: str
    kind: str
    state: IntentState
    record: str
    name: str
    call: str
    sent_at: datetime | None
    note: str
    message: str
    decision: str


def open_writes(snapshot: Snapshot, *, going: Collection[str] = (), run: str = "") -> list[OpenWrite]:
    """Return the writes whose outcome is not known yet.

    Args:
        snapshot: The store's snapshot to read.
        going: The runs in progress, whose writes may still be answered.
        run: Only writes of this run; empty for all.
    """
    if not snapshot.count(INTENTS):
        return []
    return [
        _shown(snapshot, intent)
        for intent in journal.unanswered(snapshot)
        if intent.run not in going and run in ("", intent.run) and not journal.is_linked(snapshot, intent)
    ]


def summary(writes: list[OpenWrite]) -> str:
    """Return the open writes and how to decide them, without names of clients, for texts that are stored."""
    if not writes:
        return ""
    number = len(writes)
    outcome = plural(number, "its outcome is/their outcomes are")
    head = f"{count(number, 'write')} to XPM got no answer, and {outcome} unknown."
    named = "; ".join(_message(each.kind, each.record, each.note) for each in writes[:MAX_NAMED_WRITES])
    more = f"; and {number - MAX_NAMED_WRITES:,} more" if number > MAX_NAMED_WRITES else ""
    decision = writes[0].decision if number == 1 else "xpm-tui runs show last says how to decide each"
    return f"{head} {named}{more}. Decide: {decision}"


def _message(kind: str, who: str, note: str) -> str:
    what = labels.WRITE_KINDS[kind].text if kind in labels.WRITE_KINDS else kind
    return f"{what} {who}, {journal.CALLS.get(kind, kind)}" + (f": {visible(note, 200)}" if note else "")


def _shown(snapshot: Snapshot, intent: Intent) -> OpenWrite:
    name = lookup.name_of(snapshot, intent.record) or str(intent.values.get("name") or "")
    note = intent.note or ("the next sync looks it up" if intent.state == "sent" else "")
    return OpenWrite(
        intent=intent.id,
        run=intent.run,
        kind=intent.kind,
        state=intent.state,
        record=intent.record,
        name=name,
        call=journal.CALLS.get(intent.kind, intent.kind),
        sent_at=intent.sent_at,
        note=note,
        message=_message(
            intent.kind, f"{visible(name, 80)} ({intent.record})" if name else intent.record, note
        ),
        decision=journal.decision_command(intent),
    )
