"""Contacts, team members and services of the book, made and edited by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from xpm_tui.acts.act import Act, Column, NoParams, Result, Table, Talk
from xpm_tui.acts.clients import ClientId
from xpm_tui.acts.editing import pairs
from xpm_tui.acts.effects import Effect
from xpm_tui.acts.params import argument, option
from xpm_tui.acts.team import Member
from xpm_tui.acts.words import plain
from xpm_tui.model.fields import editable

if TYPE_CHECKING:
    from xpm_tui.service.practice import OpenPractice

Values = Annotated[tuple[str, ...], argument("What to put where.", "FIELD=VALUE...")]
MoreValues = Annotated[tuple[str, ...], argument("What to put where.", "[FIELD=VALUE]...")]
Anyway = Annotated[bool, option("Do it also where there is one like it.")]


class AddContact(msgspec.Struct, frozen=True):
    """Parameters of ``contacts add``."""

    client: ClientId
    values: Values
    anyway: Anyway = False


class EditContact(msgspec.Struct, frozen=True):
    """Parameters of ``contacts edit``."""

    client: ClientId
    contact: Annotated[str, argument("The contact: our id, Contact ID, e-mail, or exact name.", "CONTACT")]
    values: Values


class NewMember(msgspec.Struct, frozen=True):
    """Parameters of ``team new``."""

    name: Annotated[str, argument("The person's name.", "NAME")]
    values: MoreValues = ()
    anyway: Anyway = False


class EditMember(msgspec.Struct, frozen=True):
    """Parameters of ``team edit``."""

    member: Member
    values: Values


class NewService(msgspec.Struct, frozen=True):
    """Parameters of ``services new``."""

    name: Annotated[str, argument("The service's name.", "NAME")]
    values: MoreValues = ()
    anyway: Anyway = False


class EditService(msgspec.Struct, frozen=True):
    """Parameters of ``services edit``."""

    service: Annotated[str, argument("The service: our id, Ignition's, or exact name.", "SERVICE")]
    values: Values


async def add_contact(practice: OpenPractice, params: AddContact, talk: Talk) -> Result:
    """One more contact."""
    from xpm_tui.service.clients import contacts

    view, warnings = contacts.add_contact(practice, params.client, pairs(params.values), anyway=params.anyway)
    made = view.contacts[-1]
    lines = [f"{made.id} {made.name or made.email} is a contact of {view.name}.", *warnings]
    return Result(data={**plain(view), "contact": plain(made), "warnings": warnings}, lines=lines)


async def edit_contact(practice: OpenPractice, params: EditContact, talk: Talk) -> Result:
    """Fields of a contact."""
    from xpm_tui.service.clients import contacts

    view, warnings = contacts.edit_contact(practice, params.client, params.contact, pairs(params.values))
    lines = [f"The contact of {view.id} {view.name} is changed.", *warnings]
    return Result(data={**plain(view), "warnings": warnings}, lines=lines)


async def new_member(practice: OpenPractice, params: NewMember, talk: Talk) -> Result:
    """One more member of the team."""
    from xpm_tui.service.team import members

    view = members.new_member(practice, params.name, pairs(params.values), anyway=params.anyway)
    return Result(data=plain(view), lines=[f"{view.id} {view.name} is in the team."])


async def edit_member(practice: OpenPractice, params: EditMember, talk: Talk) -> Result:
    """Fields of a member."""
    from xpm_tui.service.team import members

    view = members.edit_member(practice, params.member, pairs(params.values))
    return Result(data=plain(view), lines=[f"{view.id} {view.name} is changed."])


async def list_services(practice: OpenPractice, params: NoParams, talk: Talk) -> Result:
    """The library."""
    from xpm_tui.service.jobs import library

    views = library.list_services(practice)
    columns = (Column("ID", whole=True), Column("SERVICE"), Column("JOB TEMPLATES"))
    rows = [
        (view.id, view.name, "no job" if view.no_job else ", ".join(ref.name for ref in view.templates))
        for view in views
    ]
    empty = "There are no services yet: xpm-tui import services FILE"
    return Result(items=[plain(view) for view in views], table=Table(columns, rows, empty))


async def new_service(practice: OpenPractice, params: NewService, talk: Talk) -> Result:
    """One more service."""
    from xpm_tui.service.jobs import library

    view = library.new_service(practice, params.name, pairs(params.values), anyway=params.anyway)
    return Result(data=plain(view), lines=[f"{view.id} {view.name} is a service."])


async def edit_service(practice: OpenPractice, params: EditService, talk: Talk) -> Result:
    """Name and columns of a service."""
    from xpm_tui.service.jobs import library

    view = library.edit_service(practice, params.service, pairs(params.values))
    return Result(data=plain(view), lines=[f"{view.id} {view.name} is changed."])


ACTS = (
    Act(
        name="contacts.add",
        title="Add a contact",
        help="Give a client of the book one more contact. The first contact is the primary one.",
        params=AddContact,
        run=add_contact,
        verb=("contacts", "add"),
        example="xpm-tui contacts add c12 name='Ann Lee' email=ann@example.com",
        effect=Effect.WRITES_HERE,
    ),
    Act(
        name="contacts.edit",
        title="Edit a contact",
        help=f"Change fields of a contact: {', '.join(field.attribute for field in editable('contact'))}. "
        "An empty value empties a field.",
        params=EditContact,
        run=edit_contact,
        verb=("contacts", "edit"),
        example="xpm-tui contacts edit c12 ann@example.com mobile='021 555 0101'",
        effect=Effect.WRITES_HERE,
    ),
    Act(
        name="team.new",
        title="Make a team member",
        help="Make a team member. It is a note only: nobody gets a login by it, here or in XPM.",
        params=NewMember,
        run=new_member,
        verb=("team", "new"),
        example="xpm-tui team new 'Bo Li' email=bo@example.com access=no",
        key="n",
        where=("team",),
        footer="New",
        effect=Effect.WRITES_HERE,
    ),
    Act(
        name="team.edit",
        title="Edit a team member",
        help="Change name, email, access or active of a team member.",
        params=EditMember,
        run=edit_member,
        verb=("team", "edit"),
        example="xpm-tui team edit t3 active=no",
        key="e",
        where=("team",),
        footer="Edit",
        effect=Effect.WRITES_HERE,
    ),
    Act(
        name="services.list",
        title="List the services",
        help="List the services of the library and the job templates that each calls for.",
        params=NoParams,
        run=list_services,
        effect=Effect.LOOKS,
        verb=("services", "list"),
        example="xpm-tui services list",
        default=True,
    ),
    Act(
        name="services.new",
        title="Make a service",
        help="Make a service of the library.",
        params=NewService,
        run=new_service,
        verb=("services", "new"),
        example="xpm-tui services new 'Annual accounts' price=1200",
        key="n",
        where=("templates",),
        footer="New",
        effect=Effect.WRITES_HERE,
    ),
    Act(
        name="services.edit",
        title="Edit a service",
        help="Change the name or a column of a service; an empty value takes the column out.",
        params=EditService,
        run=edit_service,
        verb=("services", "edit"),
        example="xpm-tui services edit s4 name='Annual accounts'",
        key="e",
        where=("templates",),
        footer="Edit",
        effect=Effect.WRITES_HERE,
    ),
)  # fmt: skip
