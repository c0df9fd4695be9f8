"""Commands that delete what was created here by mistake: clients, contacts, services and team members."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from xpm_tui.commands.command import (
    ClientId,
    Command,
    ContactId,
    Dialogue,
    NoParams,
    OneClient,
    OneMember,
    OneService,
    Result,
    first_reason,
    on_record,
    require_idle,
)
from xpm_tui.commands.effects import Effect, Question, confirm_call
from xpm_tui.commands.tables import to_plain
from xpm_tui.commands.team import undo_result
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application.clients import edits
    from xpm_tui.application.jobs import services
    from xpm_tui.application.presenters import lookup
    from xpm_tui.application.team import members

if TYPE_CHECKING:
    from xpm_tui.application.practice import OpenPractice


class DeleteContact(msgspec.Struct, frozen=True):
    """Parameters of ``contacts delete``."""

    client: ClientId
    contact: ContactId


class _DeletedRecord(Protocol):
    """A record that can be deleted."""

    @property
    def id(self) -> str: ...

    @property
    def name(self) -> str: ...


async def delete_client(practice: OpenPractice, params: OneClient, dialogue: Dialogue) -> Result:
    """Delete a client; a key press is confirmed first."""
    would = edits.delete_client(practice, params.client, dry_run=True)
    if not await _confirm(dialogue, f"{would.name} ({would.id})", would.notes):
        return _declined()
    found = edits.delete_client(practice, would.id)
    return _deleted(found, "clients restore", to_plain(found), found.notes)


async def delete_contact(practice: OpenPractice, params: DeleteContact, dialogue: Dialogue) -> Result:
    """Delete a contact of a client; a key press is confirmed first."""
    would = edits.delete_contact(practice, params.client, params.contact, dry_run=True)
    if not await _confirm(dialogue, f"the contact {would.name} ({would.id})", would.notes):
        return _declined()
    client, _, contact = would.id.partition("/")
    found = edits.delete_contact(practice, client, contact)
    return _deleted(found, "clients restore", to_plain(found), found.notes)


async def restore_client(practice: OpenPractice, params: NoParams, dialogue: Dialogue) -> Result:
    """Restore the client or contact that was deleted last."""
    return undo_result(edits.restore(practice))


async def delete_member(practice: OpenPractice, params: OneMember, dialogue: Dialogue) -> Result:
    """Delete a team member; a key press is confirmed first."""
    found = lookup.find_member(practice.snapshot(), params.member)
    if not await _confirm(dialogue, f"{found.name} ({found.id}) from the team"):
        return _declined()
    members.delete_member(practice, found.id)
    return _deleted(found, "team undo", {"id": found.id, "name": found.name})


async def delete_service(practice: OpenPractice, params: OneService, dialogue: Dialogue) -> Result:
    """Delete a service; a key press is confirmed first."""
    found = services.find_service(practice.snapshot(), params.service)
    if not await _confirm(dialogue, f"the service {found.name} ({found.id})"):
        return _declined()
    services.delete_service(practice, found.id)
    return _deleted(found, "templates undo", {"id": found.id, "name": found.name})


async def _confirm(dialogue: Dialogue, what: str, notes: Sequence[str] = ()) -> bool:
    lines = [*notes, "Nothing is deleted in XPM or in Ignition."]
    return await confirm_call(dialogue, Question(f"Delete {what}?", lines, "Delete", keyed=True))


def _deleted(record: _DeletedRecord, undo: str, data: dict[str, Any], notes: Sequence[str] = ()) -> Result:
    """Return the result of a deletion, with the verb that undoes it."""
    text = f"{record.name} ({record.id}) is deleted. Undo it with: xpm-tui {undo}"
    return Result(data=data, lines=[text, *notes], value=record)


def _declined() -> Result:
    return Result(lines=["Nothing was deleted."], declined=True)


_MISTAKE = (
    "that was created by mistake. If something depends on it, it is not deleted, and you see why. "
    "Nothing is deleted in XPM or Ignition"
)

COMMANDS = (
    Command(
        name="clients.delete",
        title="Delete a client",
        help=f"Delete a client {_MISTAKE}. `clients restore` undoes it.",
        params=OneClient,
        run=delete_client,
        example="xpm-tui clients delete c12",
        key="R",
        where=("clients",),
        effect=Effect.WRITES_HERE,
        why_not=first_reason(on_record, require_idle),
    ),
    Command(
        name="contacts.delete",
        title="Delete a contact",
        help=f"Delete a contact {_MISTAKE}. `clients restore` undoes it.",
        params=DeleteContact,
        run=delete_contact,
        example="xpm-tui contacts delete c12 k3",
        effect=Effect.WRITES_HERE,
        why_not=require_idle,
    ),
    Command(
        name="clients.restore",
        title="Restore the client or contact deleted last",
        help="Restore the client or contact that was deleted last. Repeat it to go further back.",
        params=NoParams,
        run=restore_client,
        example="xpm-tui clients restore",
        effect=Effect.WRITES_HERE,
        why_not=require_idle,
    ),
    Command(
        name="team.delete",
        title="Delete a team member",
        help=f"Delete a team member {_MISTAKE}. `team undo` undoes it.",
        params=OneMember,
        run=delete_member,
        example="xpm-tui team delete t3",
        key="R",
        where=("team",),
        effect=Effect.WRITES_HERE,
        why_not=require_idle,
    ),
    Command(
        name="services.delete",
        title="Delete a service",
        help=f"Delete a service {_MISTAKE}. `templates undo` undoes it.",
        params=OneService,
        run=delete_service,
        example="xpm-tui services delete s4",
        key="R",
        where=("templates",),
        effect=Effect.WRITES_HERE,
        why_not=require_idle,
    ),
)
