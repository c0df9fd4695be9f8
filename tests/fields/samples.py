"""A value for each field of the registry, as each place has it."""

from __future__ import annotations

from typing import Any

import msgspec

from tests.sync.fixtures import client, contact, linked, member
from tests.xero.replies import clients, uuid
from xpm_tui.domain.fields import Field
from xpm_tui.domain.ignition import Client, TeamMember
from xpm_tui.domain.links import ContactLink, Link, Value
from xpm_tui.domain.xpm import RecordReference, XpmClient
from xpm_tui.xero.client import practice
from xpm_tui.xero.codec.xml_reader import Reader
from xpm_tui.xero.error_body import RequestInfo

STAFF = uuid(901)
MEMBER: TeamMember = member(1, staff=STAFF)
LINK: Link = msgspec.structs.replace(
    linked(), uuid=uuid(1), contacts=(ContactLink(contact="k1", uuid=uuid(2)),)
)


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One value: inside its element of a reply, in XPM's record, in Ignition's, as sync compares it, in a CSV
    file, in the edit form, and as text of an element of a request."""

    reply: str
    theirs: Any
    ours: Any
    canonical: Value
    cell: str
    typed: str
    request: str


def sample(field: Field) -> Sample:
    """A value that no other field and no default has."""
    text = {"email": "new@kowhai.example", "phone": "09 555 0199", "postcode": "0620"}.get(
        field.kind, f"{field.label}, new"
    )
    if field.kind == "choice":
        text = field.choices[-1].value
    found = Sample(reply=text, theirs=text, ours=text, canonical=text, cell=text, typed=text, request=text)
    if field.kind == "flag":
        return Sample(
            reply="Yes", theirs=True, ours=True, canonical=True, cell="yes", typed="yes", request="Yes"
        )
    if field.kind == "names":
        names = ("Alpha", "Beta")
        groups = tuple(RecordReference(uuid(70 + at), name) for at, name in enumerate(names))
        member = field.xpm.member if field.xpm else ""
        return Sample(
            reply="".join(f"<{member}>{_named(each)}</{member}>" for each in groups),
            theirs=groups, ours=names, canonical=names, cell="Alpha; Beta", typed="Alpha; Beta", request="",
        )  # fmt: skip
    if field.kind in ("person", "client"):
        who = RecordReference(STAFF, MEMBER.name)
        return Sample(
            reply=_named(who), theirs=who, ours=MEMBER.id, canonical=STAFF, cell=MEMBER.name,
            typed=MEMBER.id, request=STAFF,
        )  # fmt: skip
    return found


def reply(field: Field, element: str, inner: str) -> bytes:
    """A list with one client, and one contact of it, one of which has the element."""
    own, theirs = {"Name": "Client 1"}, {"Name": "Ann", "Email": "ann@kowhai.example"}
    (own if field.of == "client" else theirs)[element] = inner
    person = f"<Contact><UUID>{uuid(2)}</UUID>{_elements(theirs)}</Contact>"
    return clients(
        f"<Client><UUID>{uuid(1)}</UUID>{_elements(own)}<Contacts>{person}</Contacts>"
        f"{'' if 'Groups' in own else '<Groups/>'}</Client>"
    )


def decoded(field: Field, element: str = "", inner: str | None = None) -> XpmClient:
    """The client of such a reply, by our decoder; without an element, a client that lacks the field."""
    body = (
        reply(field, element, sample(field).reply if inner is None else inner)
        if element
        else reply(field, "Fax" if field.of == "client" else "Salutation", "")
    )
    reader = Reader(practice.CLIENTS, RequestInfo("GET client.api/list"))
    (row,) = [*reader.feed(body)]
    reader.close()
    return row


def book_client(field: Field | None = None) -> Client:
    """The same client in Ignition, with the sample value of a field."""
    values = {field.attribute: sample(field).ours} if field else {}
    own = values if field is None or field.of == "client" else {}
    theirs = {} if field is None or field.of == "client" else values
    ann = contact(1, **{"name": "Ann", "email": "ann@kowhai.example", **theirs})
    return client(**{"name": "Client 1", "contacts": (ann,), **own})


def held(record: Any, field: Field) -> Any:
    """The field's value in a record or view of a client, or in its only contact."""
    holder = record if field.of == "client" else record.contacts[0]
    return getattr(holder, field.attribute)


def _named(who: RecordReference) -> str:
    return f"<UUID>{who.uuid}</UUID><Name>{who.name}</Name>"


def _elements(inner: dict[str, str]) -> str:
    return "".join(f"<{element}>{text}</{element}>" for element, text in inner.items())
