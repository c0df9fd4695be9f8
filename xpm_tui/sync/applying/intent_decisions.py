"""What a person says about a write of which nobody can tell whether XPM made it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec

from xpm_tui.domain.errors import BadInput, NotFound
from xpm_tui.domain.links import ContactLink
from xpm_tui.domain.ports import Put, Snapshot, Write
from xpm_tui.domain.runs import Intent
from xpm_tui.domain.tables import INTENTS, LINKS, STAFF, TEAM, XPM_CLIENTS
from xpm_tui.sync.applying.adoption import adoption_writes, joined
from xpm_tui.sync.applying.run_results import contact_of, joined_elsewhere, reviewed_write_result
from xpm_tui.sync.journal import ADD_CLIENT, ADD_CONTACT, ADD_STAFF, done, failed, is_linked

Choice = Literal["adopt", "again", "drop"]


def held(snapshot: Snapshot) -> list[Intent]:
    """The writes that wait for a person; ``note`` says why each does.

    What was to be made and is linked by now has found its record: nothing is left to ask.
    """
    return [intent for intent in snapshot.find(INTENTS, "state", "held") if not is_linked(snapshot, intent)]


def decision_writes(
    snapshot: Snapshot, intent_id: str, choice: Choice, now: datetime, uuid: str = ""
) -> list[Write]:
    """The writes that carry out what a person decided about a held write.

    ``adopt`` takes an XPM record as the one that was made (``uuid``: the client's, the staff record's, or the
    contact's where a contact was added); ``again`` lets it be sent once more when it is next asked for;
    ``drop`` lets it be, for good. Raises ``NotFound`` and ``BadInput``.
    """
    intent = snapshot.get(INTENTS, intent_id)
    if intent is None or intent.state != "held":
        raise NotFound(
            f"There is no held write with the id {intent_id}.", hint="`runs list` shows what is held."
        )
    if choice == "adopt":
        return [*_adopt(snapshot, intent, uuid, now)]
    if choice == "again":
        return [Put(INTENTS, failed(intent, "to be sent again"))]
    return [Put(INTENTS, failed(intent, "dropped")), *_left_alone(snapshot, intent)]


def _adopt(snapshot: Snapshot, intent: Intent, uuid: str, now: datetime) -> Iterable[Write]:
    if intent.kind == ADD_STAFF:
        return _adopt_staff(snapshot, intent, uuid)
    row = snapshot.get(XPM_CLIENTS, uuid if intent.kind == ADD_CLIENT else intent.uuid)
    if row is None:
        raise NotFound("XPM has no client with this id.", hint="Give the UUID of the client to adopt.")
    if intent.kind == ADD_CLIENT:
        linked = {link.id for link in snapshot.find(LINKS, "uuid", row.uuid)}
        if linked - {intent.record}:
            raise BadInput("Another client is already linked to it.")
        intent = done(intent, row.uuid)
        return [Put(INTENTS, intent), *(() if linked else adoption_writes(snapshot, intent, row, now))]
    if contact_of(row, uuid) is None:
        raise NotFound("This XPM client has no contact with this id.", hint="Give the contact's UUID.")
    if uuid in joined_elsewhere(snapshot, intent.record):
        raise BadInput("Another contact of this client is already linked to it.")
    intent = done(intent, uuid)
    return [Put(INTENTS, intent), *reviewed_write_result(snapshot, intent, row, now).writes]


def _adopt_staff(snapshot: Snapshot, intent: Intent, uuid: str) -> Iterable[Write]:
    person = snapshot.get(STAFF, uuid)
    if person is None:
        raise NotFound("XPM has no staff record with this id.", hint="Give the UUID of the record to adopt.")
    if any(member.id != intent.record for member in snapshot.find(TEAM, "staff", uuid)):
        raise BadInput("Another team member is already linked to it.")
    intent = done(intent, uuid)
    return [Put(INTENTS, intent), *joined(snapshot, intent, person)]


def _left_alone(snapshot: Snapshot, intent: Intent) -> Iterable[Write]:
    """A contact that was dropped stays Ignition's own, so that no plan makes it in XPM again."""
    client, _, contact = intent.record.partition("/")
    link = snapshot.get(LINKS, client)
    if intent.kind == ADD_CONTACT and link is not None:
        others = tuple(joined for joined in link.contacts if joined.contact != contact)
        own = ContactLink(contact=contact, uuid="", removed="xpm", by_user=True)
        yield Put(LINKS, msgspec.structs.replace(link, contacts=(*others, own)))
