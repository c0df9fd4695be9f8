"""The events of the inbox: their names and their JSON Schema.

A change that existing senders would notice needs a new version; :data:`VERSION` is the newest, and earlier
ones stay readable.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from xpm_tui.ignition.forms import FORMS, RECORD, SERVICE_FIELDS, CsvForm, FormName

VERSION = 1
"""The version of the events; a file without a version has the first one."""

ENVELOPE = ("version", "event", "at", "sequence", "id")
"""The keys about the event itself; all others are about its record."""


@dataclass(frozen=True)
class EventKind:
    """A kind of event: the form of its record, and the state that it gives a proposal.

    ``rank`` orders events of the same time: a proposal is sent before it is accepted.
    """

    name: str
    form: FormName
    help: str
    also: tuple[str, ...] = ()
    state: str = ""
    rank: int = 0

    @property
    def record(self) -> str:
        """The key of the record in the event: ``client`` or ``proposal``."""
        return self.name.partition(".")[0]


KINDS: tuple[EventKind, ...] = (
    EventKind(
        "client.created", "clients", "A client was created in Ignition.", ("new client", "client added")
    ),
    EventKind(
        "client.changed",
        "clients",
        "A client, or one of its contacts, was changed in Ignition.",
        ("client updated", "client edited", "updated client"),
        rank=1,
    ),
    EventKind(
        "proposal.sent",
        "proposals",
        "A proposal was sent and awaits acceptance.",
        ("awaiting acceptance", "proposal awaiting acceptance"),
        state="Sent",
    ),
    EventKind(
        "proposal.accepted",
        "proposals",
        "A proposal was accepted. Its jobs are created only once you take the proposal over.",
        ("accepted proposal", "proposal signed"),
        state="Accepted",
        rank=1,
    ),
    EventKind(
        "proposal.revoked",
        "proposals",
        "A proposal was revoked. Jobs that have not been deployed yet are stopped.",
        ("revoked proposal", "proposal cancelled", "proposal canceled"),
        state="Revoked",
        rank=2,
    ),
)

SERVICE_KEYS = {"name": "service", "id": "service_id", "entity_name": "entity", "client_name": "entity"}
"""The fields of keys within ``services`` that have another name there."""


def normalise_event(text: str) -> str:
    """Return the name of an event for comparison: in lower case, with one space between words."""
    return " ".join(re.findall(r"[a-z0-9]+", text.casefold()))


EVENT_KINDS: dict[str, EventKind] = {
    normalise_event(name): kind for kind in KINDS for name in (kind.name, *kind.also)
}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of an event."""
    text = {"type": ["string", "number", "boolean", "null"]}
    contact = {
        field.name.removeprefix("contact_"): text
        for field in FORMS["clients"].fields
        if field.name.startswith("contact_")
    }
    client = _fields(FORMS["clients"], text) | {
        "contacts": {
            "type": "array",
            "description": "Several contacts of the client, in place of the contact_ fields.",
            "items": {"type": "object", "properties": contact},
        }
    }
    proposal = _fields(FORMS["proposals"], text) | {
        "services": {
            "type": "array",
            "description": "Services of the proposal. Services that are not named here stay.",
            "items": {"type": "object", "properties": dict.fromkeys(SERVICE_FIELDS, text)},
        }
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Event for the inbox of xpm-tui, version {VERSION}",
        "type": "object",
        "required": ["event", "at"],
        "properties": {
            "version": {"const": VERSION, "description": "The version of this schema."},
            "event": {"enum": [kind.name for kind in KINDS], "description": "What happened."},
            "at": {
                "type": ["string", "integer"],
                "description": "When it happened: ISO 8601 with a time zone, or seconds since 1970.",
            },
            "sequence": {
                "type": "integer",
                "minimum": 0,
                "description": "The order of events that have the same time.",
            },
            "id": {"type": "string", "description": "The sender's id of the event; it is not used."},
            "client": {"type": "object", "properties": client},
            "proposal": {"type": "object", "properties": proposal},
        },
    }


def _fields(form: CsvForm, text: dict[str, Any]) -> dict[str, Any]:
    return {
        field.name: {**text, "description": f"{field.heading}, as in the CSV form."}
        for field in form.fields
        if field.name != RECORD
    }


EXAMPLES: tuple[dict[str, Any], ...] = (
    {
        "version": VERSION,
        "event": "proposal.accepted",
        "at": "2026-05-04T09:05:00+12:00",
        "proposal": {
            "number": "PROP-7",
            "name": "Year 2026",
            "client_id": "101",
            "client_name": "Kowhai Ltd",
            "services": [{"service": "Annual accounts", "price": 1200, "start": "2026-04-01"}],
        },
    },
    {
        "version": VERSION,
        "event": "client.changed",
        "at": "2026-05-04T09:06:10Z",
        "client": {
            "client_id": "101",
            "name": "Kowhai Ltd",
            "phone": "09 555 01",
            "contact_name": "Ann Lee",
            "contact_email": "ann@kowhai.example",
        },
    },
)
"""An event of each record, as shown on the page and in the help."""
