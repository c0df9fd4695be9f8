"""The journal of writes to XPM: the kinds of write, and the states of an intent.

Kinds, and the names of values that are stored with them, must not change, because intents of earlier versions
are looked up by them. Only :mod:`xpm_tui.sync.outbox` adds intents; the recoveries of sync and deploy close
those that have no outcome.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from xpm_tui.domain.field_types import short_hash
from xpm_tui.domain.links import Value
from xpm_tui.domain.ports import Drop, Snapshot
from xpm_tui.domain.runs import Intent
from xpm_tui.domain.safe_text import storable
from xpm_tui.domain.tables import INTENTS, TEAM
from xpm_tui.sync.base import live_link

UPDATE_CLIENT = "client.update"
ADD_CLIENT = "client.add"
UPDATE_CONTACT = "contact.update"
ADD_CONTACT = "contact.add"
ADD_STAFF = "staff.add"
ADD_JOB = "job.add"
APPLY_TEMPLATE = "job.template"
ASSIGN_PEOPLE = "job.assign"
SET_STATE = "job.state"

SYNC_KINDS = (UPDATE_CLIENT, ADD_CLIENT, UPDATE_CONTACT, ADD_CONTACT, ADD_STAFF)
JOB_KINDS = (ADD_JOB, APPLY_TEMPLATE, ASSIGN_PEOPLE, SET_STATE)

CALLS: Mapping[str, str] = {
    UPDATE_CLIENT: "PUT client.api/update",
    ADD_CLIENT: "POST client.api/add",
    UPDATE_CONTACT: "PUT client.api/contact",
    ADD_CONTACT: "POST client.api/contact",
    ADD_STAFF: "POST staff.api/add",
    ADD_JOB: "POST job.api/add",
    APPLY_TEMPLATE: "POST job.api/applytemplate",
    ASSIGN_PEOPLE: "PUT job.api/assign",
    SET_STATE: "PUT job.api/state",
}
"""The call of each kind (``reference/xpm-api.md``)."""

NOTE_LIMIT = 500
"""The most characters of XPM's own words that are stored with a failed write."""


def mark_done(intent: Intent, found: str = "") -> Intent:
    """Return the outcome of a write that took effect; ``found`` is the id of what it created or changed."""
    return msgspec.structs.replace(intent, state="done", found=found)


def mark_failed(intent: Intent, note: str) -> Intent:
    """Return the outcome of a write that certainly did not take effect."""
    return msgspec.structs.replace(intent, state="failed", note=note[:NOTE_LIMIT])


def mark_held(intent: Intent, note: str) -> Intent:
    """Return the outcome of a write about which only a user can decide."""
    return msgspec.structs.replace(intent, state="held", note=note[:NOTE_LIMIT])


def unanswered(snapshot: Snapshot) -> list[Intent]:
    """Return the writes that were sent, or are held: their outcome is unknown."""
    return [intent for state in ("sent", "held") for intent in snapshot.find(INTENTS, "state", state)]


def decision_command(intent: Intent) -> str:
    """Return the command that resolves a write: a look-up, or a decision if nothing can be found."""
    is_job = intent.kind in JOB_KINDS
    if intent.state != "held":
        return f"xpm-tui jobs retry {intent.record}" if is_job else "xpm-tui sync"
    if is_job:
        adopt = "--sent adopt --job NUMBER" if intent.kind == ADD_JOB else "--sent adopt"
        return f"xpm-tui jobs retry {intent.record} {adopt}, --sent again or --sent drop"
    return f"xpm-tui runs release --adopt {intent.id}=UUID, --again {intent.id} or --drop {intent.id}"


def is_linked(snapshot: Snapshot, intent: Intent) -> bool:
    """Return whether a created record is linked by now, so that it was found."""
    if intent.kind == ADD_STAFF:
        member = snapshot.get(TEAM, intent.record)
        return member is not None and bool(member.staff)
    return intent.kind == ADD_CLIENT and live_link(snapshot, intent.record) is not None


def withdraw_intent(intent: Intent) -> Drop:
    """Return the write for an intent of which no byte was sent, and none will be."""
    return Drop(INTENTS, intent.id)


def storable_values(values: Mapping[str, Value]) -> dict[str, Value]:
    """Return values with every text in a form that the store takes."""
    return {name: _storable(value) for name, value in values.items()}


def _storable(value: Value) -> Value:
    if isinstance(value, str):
        return storable(value)
    return tuple(storable(text) for text in value) if isinstance(value, tuple | list) else value


def payload_hash(values: Mapping[str, Value]) -> str:
    """Return a hash of what is sent."""
    return short_hash(sorted(values.items()))
