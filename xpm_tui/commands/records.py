"""Commands that create and edit records: clients, contacts, team members, services; staff in XPM."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from xpm_tui.commands.command import (
    ClientId,
    Command,
    ContactId,
    Dialogue,
    ListParams,
    MemberId,
    Result,
    ServiceId,
    TextColumn,
    TextTable,
    Yes,
    argument,
    first_reason,
    on_record,
    option,
    require_connection,
    require_idle,
)
from xpm_tui.commands.consequences import lines as consequence_lines
from xpm_tui.commands.effects import Effect, Question, Unconfirmed, confirm_call, effect_or_dry_run
from xpm_tui.commands.tables import table_result, to_plain
from xpm_tui.domain.errors import BadInput, DecisionNeeded
from xpm_tui.domain.fields import editable
from xpm_tui.domain.formatting import listing
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application.clients import edits
    from xpm_tui.application.jobs import services
    from xpm_tui.application.presenters import lookup
    from xpm_tui.application.runs import xpm_refresh
    from xpm_tui.application.team import members
    from xpm_tui.sync import consequences

if TYPE_CHECKING:
    from xpm_tui.application.practice import OpenPractice
    from xpm_tui.application.team.members import StaffPreview


Values = Annotated[
    tuple[str, ...],
    argument("The fields to set: phone=..., city=..., k3.email=... for a contact.", "FIELD=VALUE..."),
]


class EditClient(msgspec.Struct, frozen=True):
    """Parameters of ``clients edit``."""

    client: ClientId
    values: Values


class NewClient(msgspec.Struct, frozen=True):
    """Parameters of ``clients new``."""

    name: Annotated[str, argument("The name of the client.", "NAME")]
    values: Annotated[
        tuple[str, ...], argument("More fields: contact_email=..., phone=....", "[FIELD=VALUE]...")
    ] = ()
    different_from: Annotated[
        tuple[str, ...],
        option(
            "A client with the same or a similar name that is a different client: id, Client ID or "
            "name. Can be repeated.",
            "CLIENT",
            completes="client",
        ),
    ] = ()
    anyway: Annotated[
        bool, option("Treat every client with the same or a similar name as a different one.")
    ] = False


async def edit_client(practice: OpenPractice, params: EditClient, dialogue: Dialogue) -> Result:
    """Change fields of a client, and say what a sync would overwrite."""
    view, warnings = edits.edit_client(practice, params.client, pairs(params.values))
    data = {**to_plain(view), "warnings": warnings}
    return Result(data=data, lines=[f"{view.id} {view.name} was changed.", *warnings])


async def new_client(practice: OpenPractice, params: NewClient, dialogue: Dialogue) -> Result:
    """Create a client in the store, without a call to XPM."""
    view = edits.new_client(
        practice,
        params.name,
        pairs(params.values),
        different=params.different_from,
        anyway=params.anyway,
    )
    return Result(data=to_plain(view), lines=[f"{view.id} {view.name} was added."])


def pairs(words: tuple[str, ...]) -> dict[str, str]:
    """Return ``FIELD=VALUE`` words as a dictionary; raises ``BadInput``."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or not name.strip():
            raise BadInput(f"'{word}' is not FIELD=VALUE.", hint='For example: phone="09 555 0101"')
        found[name.strip()] = text
    return found


RecordsValues = Annotated[tuple[str, ...], argument("The fields to set.", "FIELD=VALUE...")]
MoreValues = Annotated[tuple[str, ...], argument("The fields to set.", "[FIELD=VALUE]...")]
Anyway = Annotated[bool, option("Add it even if there is a similar one.")]


class AddContact(msgspec.Struct, frozen=True):
    """Parameters of ``contacts add``."""

    client: ClientId
    values: RecordsValues
    anyway: Anyway = False


class EditContact(msgspec.Struct, frozen=True):
    """Parameters of ``contacts edit``."""

    client: ClientId
    contact: ContactId
    values: RecordsValues


class NewMember(msgspec.Struct, frozen=True):
    """Parameters of ``team new``."""

    name: Annotated[str, argument("The person's name.", "NAME")]
    values: MoreValues = ()
    different_from: Annotated[
        tuple[str, ...],
        option(
            "A team member with the same or a similar name who is a different person: id, e-mail "
            "or name. Can be repeated.",
            "MEMBER",
            completes="member",
        ),
    ] = ()
    anyway: Annotated[
        bool, option("Treat everybody with the same or a similar name as a different person.")
    ] = False


class EditMember(msgspec.Struct, frozen=True):
    """Parameters of ``team edit``."""

    member: MemberId
    values: RecordsValues


class NewService(msgspec.Struct, frozen=True):
    """Parameters of ``services new``."""

    name: Annotated[str, argument("The service's name.", "NAME")]
    values: MoreValues = ()
    anyway: Anyway = False


class EditService(msgspec.Struct, frozen=True):
    """Parameters of ``services edit``."""

    service: ServiceId
    values: RecordsValues


async def add_contact(practice: OpenPractice, params: AddContact, dialogue: Dialogue) -> Result:
    """Add a contact."""
    view, warnings = edits.add_contact(practice, params.client, pairs(params.values), anyway=params.anyway)
    made = view.contacts[-1]
    lines = [f"{made.id} {made.name or made.email} was added as a contact of {view.name}.", *warnings]
    return Result(data={**to_plain(view), "contact": to_plain(made), "warnings": warnings}, lines=lines)


async def edit_contact(practice: OpenPractice, params: EditContact, dialogue: Dialogue) -> Result:
    """Change fields of a contact."""
    view, warnings = edits.edit_contact(practice, params.client, params.contact, pairs(params.values))
    lines = [f"The contact of {view.id} {view.name} was changed.", *warnings]
    return Result(data={**to_plain(view), "warnings": warnings}, lines=lines)


async def new_member(practice: OpenPractice, params: NewMember, dialogue: Dialogue) -> Result:
    """Add a team member."""
    view = members.new_member(
        practice,
        params.name,
        pairs(params.values),
        different=params.different_from,
        anyway=params.anyway,
    )
    return Result(data=to_plain(view), lines=[f"{view.id} {view.name} was added to the team."])


async def edit_member(practice: OpenPractice, params: EditMember, dialogue: Dialogue) -> Result:
    """Change fields of a team member."""
    view = members.edit_member(practice, params.member, pairs(params.values))
    return Result(data=to_plain(view), lines=[f"{view.id} {view.name} was changed."])


async def list_services(practice: OpenPractice, params: ListParams, dialogue: Dialogue) -> Result:
    """List the service library."""
    views = services.list_services(practice)
    columns = (TextColumn("ID", whole=True), TextColumn("SERVICE", name=True), TextColumn("JOB TEMPLATES"))
    rows = [
        (view.id, view.name, "no job" if view.no_job else ", ".join(ref.name for ref in view.templates))
        for view in views
    ]
    empty = "There are no services yet: xpm-tui import services FILE"
    return table_result(views, TextTable(columns, rows, empty), most=params.limit)


async def new_service(practice: OpenPractice, params: NewService, dialogue: Dialogue) -> Result:
    """Add a service."""
    view = services.new_service(practice, params.name, pairs(params.values), anyway=params.anyway)
    return Result(data=to_plain(view), lines=[f"{view.id} {view.name} was added as a service."])


async def edit_service(practice: OpenPractice, params: EditService, dialogue: Dialogue) -> Result:
    """Change the name or columns of a service."""
    view = services.edit_service(practice, params.service, pairs(params.values))
    return Result(data=to_plain(view), lines=[f"{view.id} {view.name} was changed."])


class CreateStaff(msgspec.Struct, frozen=True):
    """Parameters of ``team create``."""

    member: MemberId
    phone: Annotated[str, option("The person's phone number for XPM.", "NUMBER")] = ""
    mobile: Annotated[str, option("The person's mobile number for XPM.", "NUMBER")] = ""
    different_from: Annotated[
        tuple[str, ...],
        option(
            "Someone in XPM's staff with the same or a similar name who is a different person: "
            "UUID, e-mail or name. Can be repeated; the answer is remembered.",
            "STAFF",
        ),
    ] = ()
    anyway: Annotated[
        bool, option("Treat everybody with the same or a similar name as a different person.")
    ] = False
    dry_run: Annotated[bool, option("Show exactly what would be sent, and send nothing.")] = False
    yes: Yes = False


async def create_staff(practice: OpenPractice, params: CreateStaff, dialogue: Dialogue) -> Result:
    """Show what would be sent, ask, create the record, and link the member."""
    if not params.dry_run:
        await xpm_refresh.ensure_mirror(practice)
    shown = members.preview(practice, params.member, phone=params.phone, mobile=params.mobile)
    lines = preview_lines(shown)
    if params.dry_run:
        return Result(data=to_plain(shown), lines=lines)
    if shown.blocked:
        raise DecisionNeeded(shown.blocked, hint="See: xpm-tui team list")
    member = shown.member
    different = [lookup.find_staff(practice.snapshot(), text).uuid for text in params.different_from]
    left = [] if params.anyway else [twin for twin in shown.twins if twin.uuid not in different]
    attended = dialogue.interactive and not dialogue.call.agreed
    if left and not attended:
        first_ = left[0]
        why = dict(zip((twin.uuid for twin in shown.twins), shown.alike, strict=True))
        taken = f", linked to {first_.member.name}" if first_.member else ""
        consent = " ".join(f"--different-from {twin.uuid}" for twin in left)
        raise DecisionNeeded(
            f"XPM already has {first_.name} <{first_.email}>{taken}: {why[first_.uuid]}. Nothing was sent.",
            hint=f"Link to that record: xpm-tui team link {member.id} {first_.uuid}. If it is a "
            f"different person, add {consent}.",
        )
    different += [twin.uuid for twin in left]
    asked = Question(
        f"Is {member.name} a different person?" if left else f"Create {member.name} in XPM's staff?",
        [*lines, *consequence_lines(consequences.creation_consequences("staff", member.id, member.name))],
        button="Different person: create" if left else "Create the staff record",
    )
    try:
        if not await confirm_call(dialogue, asked):
            return Result(data=to_plain(shown), lines=["Nothing was created."])
    except Unconfirmed as refused:
        return Result(data=to_plain(shown), lines=lines, error=refused)
    made = await members.create_in_xpm(
        practice,
        member.id,
        phone=params.phone,
        mobile=params.mobile,
        different=different,
        anyway=params.anyway,
    )
    message = f"{made.member.id} {made.member.name} was added to XPM's staff and linked: {made.staff.uuid}."
    return Result(data={**to_plain(made.member), "run": made.run}, lines=[message])


def preview_lines(shown: StaffPreview) -> list[str]:
    """Return exactly what would be sent, its limits, and who may be the same person."""
    lines = ["This would be sent to XPM's staff (staff.api/add):", *listing(dict(shown.sent), "  ")]
    lines.append("This is only a record, without login or permissions. Add those in XPM.")
    for twin, why in zip(shown.twins, shown.alike, strict=True):
        lines.append(f"! XPM already has {twin.name} <{twin.email}> {twin.uuid}: {why}")
    if shown.blocked:
        lines.append(f"! {shown.blocked}")
    return lines


COMMANDS = (
    Command(
        name="clients.edit",
        title="Edit a client",
        help="Change fields of a client. An empty value clears a field. If XPM is the master, it warns "
            "that the next sync will overwrite the change. The fields are "
            f"{', '.join(field.attribute for field in editable('client'))}; for a contact, with its id "
            f"in front (k3.email), {', '.join(field.attribute for field in editable('contact'))}.",
        params=EditClient,
        run=edit_client,
        example='xpm-tui clients edit c12 phone="09 555 0101" k3.email=ana@example.com',
        key="e",
        where=("clients",),
        footer="Edit",
        effect=Effect.WRITES_HERE,
        why_not=on_record,
    ),
    Command(
        name="clients.new",
        title="Add a client",
        help="Add a client to Ignition's data here. Nothing is created in XPM.",
        params=NewClient,
        run=new_client,
        example='xpm-tui clients new "Puffin Street Bakery" contact_email=rosa@example.com',
        key="n",
        where=("clients",),
        effect=Effect.WRITES_HERE,
    ),
    Command(
        name="contacts.add",
        title="Add a contact",
        help="Add a contact to a client. The first contact is the primary one.",
        params=AddContact,
        run=add_contact,
        example="xpm-tui contacts add c12 name='Ann Lee' email=ann@example.com",
        effect=Effect.WRITES_HERE,
    ),
    Command(
        name="contacts.edit",
        title="Edit a contact",
        help="Change fields of a contact: "
            f"{', '.join(field.attribute for field in editable('contact'))}. An empty value clears a "
            "field.",
        params=EditContact,
        run=edit_contact,
        example="xpm-tui contacts edit c12 ann@example.com mobile='021 555 0101'",
        effect=Effect.WRITES_HERE,
    ),
    Command(
        name="team.new",
        title="Add a team member",
        help="Add a team member here. This creates no login, neither here nor in XPM.",
        params=NewMember,
        run=new_member,
        example="xpm-tui team new 'Bo Li' email=bo@example.com access=no",
        key="n",
        where=("team",),
        footer="New",
        effect=Effect.WRITES_HERE,
    ),
    Command(
        name="team.edit",
        title="Edit a team member",
        help="Change the name, e-mail, access or active state of a team member.",
        params=EditMember,
        run=edit_member,
        example="xpm-tui team edit t3 active=no",
        key="e",
        where=("team",),
        footer="Edit",
        effect=Effect.WRITES_HERE,
    ),
    Command(
        name="services.list",
        title="List services",
        help="List the services with the job templates that they are linked to.",
        params=ListParams,
        run=list_services,
        effect=Effect.LOOKS,
        example="xpm-tui services list",
        default=True,
    ),
    Command(
        name="services.new",
        title="Add a service",
        help="Add a service to the library.",
        params=NewService,
        run=new_service,
        example="xpm-tui services new 'Annual accounts' price=1200",
        key="n",
        where=("templates",),
        footer="New",
        effect=Effect.WRITES_HERE,
    ),
    Command(
        name="services.edit",
        title="Edit a service",
        help="Change the name or a column of a service; an empty value removes the column.",
        params=EditService,
        run=edit_service,
        example="xpm-tui services edit s4 name='Annual accounts'",
        key="e",
        where=("templates",),
        footer="Edit",
        effect=Effect.WRITES_HERE,
    ),
    Command(
        name="team.create",
        title="Create a team member in XPM's staff",
        help="Create a staff record in XPM for a team member who has none, and link the two. Shows "
        "exactly what is sent and asks first; refuses if XPM already has the e-mail, or the same "
        "or a similar name. This never happens automatically.",
        params=CreateStaff,
        run=create_staff,
        example="xpm-tui team create t3 --dry-run\nxpm-tui team create t3 --mobile '021 555 0101'",
        key="C",
        where=("team",),
        effect=effect_or_dry_run(Effect.IRREVERSIBLE),
        why_not=first_reason(require_connection, require_idle),
    ),
)  # fmt: skip
