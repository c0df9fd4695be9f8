"""The journal of writes to XPM: INTENT, SENT (durable before the first byte), END.

An intent that was sent and has no end is unknown. It is resolved by looking, never by sending again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import msgspec

from xpm_tui.model.links import Value
from xpm_tui.model.ports import Book, Clock, Ids, Put, Snapshot
from xpm_tui.model.runs import Intent
from xpm_tui.model.tables import INTENTS, LINKS, TEAM

UPDATE_CLIENT = "client.update"
ADD_CLIENT = "client.add"
UPDATE_CONTACT = "contact.update"
ADD_CONTACT = "contact.add"
ADD_STAFF = "staff.add"

NOTE_LIMIT = 500
"""How much of XPM's own words is kept with a failed write, in characters."""


class Journal:
    """Writes the first two steps; the end goes into one commit with what the write brought about."""

    def __init__(self, book: Book, clock: Clock, ids: Ids, run: str) -> None:
        self._book = book
        self._clock = clock
        self._ids = ids
        self._run = run

    def intend(
        self,
        kind: str,
        record: str,
        uuid: str,
        values: Mapping[str, Value],
        before: Sequence[str] = (),
        found: str = "",
    ) -> Intent:
        """Say what is going to be written, durably.

        ``uuid`` is the XPM client's, ``before`` the UUIDs that stand there already, ``found`` the UUID of the
        contact where one is changed.
        """
        intent = Intent(
            id=self._ids.new("i")[0],
            run=self._run,
            kind=kind,
            record=record,
            uuid=uuid,
            values=dict(values),
            before=tuple(before),
            found=found,
            payload=payload(values),
        )
        self._book.commit([Put(INTENTS, intent)])
        return intent

    def sent(self, intent: Intent) -> Intent:
        """Say that it may be on its way from now on, durably."""
        intent = msgspec.structs.replace(intent, state="sent", sent_at=self._clock.now())
        self._book.commit([Put(INTENTS, intent)])
        return intent

    def failed(self, intent: Intent, note: str) -> Intent:
        """XPM certainly did not do it, and said why; durable at once."""
        intent = failed(intent, note)
        self._book.commit([Put(INTENTS, intent)])
        return intent


def done(intent: Intent, found: str = "") -> Intent:
    """The end of a write that took effect; ``found`` is the UUID of what it created."""
    return msgspec.structs.replace(intent, state="done", found=found)


def failed(intent: Intent, note: str) -> Intent:
    """The end of a write that certainly did not take effect."""
    return msgspec.structs.replace(intent, state="failed", note=note[:NOTE_LIMIT])


def held(intent: Intent, note: str) -> Intent:
    """Nobody can tell but a person whether it took effect."""
    return msgspec.structs.replace(intent, state="held", note=note[:NOTE_LIMIT])


def without_end(snapshot: Snapshot) -> list[Intent]:
    """The writes that were sent, or wait for a person: nobody knows yet what became of them."""
    return [intent for state in ("sent", "held") for intent in snapshot.find(INTENTS, "state", state)]


def is_linked(snapshot: Snapshot, intent: Intent) -> bool:
    """Whether what was to be made is linked by now: then it has found its record."""
    if intent.kind == ADD_STAFF:
        member = snapshot.get(TEAM, intent.record)
        return member is not None and bool(member.staff)
    return intent.kind == ADD_CLIENT and snapshot.raw(LINKS, intent.record) is not None


def payload(values: Mapping[str, Value]) -> str:
    """A hash of what is sent."""
    said = msgspec.json.encode(sorted(values.items()))
    return hashlib.blake2b(said, digest_size=8).hexdigest()
