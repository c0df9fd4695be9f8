"""Records made into views. One teller per snapshot: what it looks up once serves a whole list."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property

from xpm_tui.model.book import Client, Contact
from xpm_tui.model.links import Link, Value
from xpm_tui.model.ports import Snapshot
from xpm_tui.model.tables import CLIENTS, IGNORED, LINKS, STAFF, TEAM, XPM_CLIENTS
from xpm_tui.model.xpm import XpmClient
from xpm_tui.service.telling.views import (
    ClientView,
    ContactView,
    LinkView,
    PersonView,
    RefView,
    XpmClientView,
)
from xpm_tui.sync.planning.links import all_frozen, needs_person, reason, state_of


class Told:
    """Tells the records of one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot

    @cached_property
    def frozen(self) -> dict[str, frozenset[str]]:
        """Frozen fields by client."""
        return all_frozen(self.snapshot)

    @cached_property
    def people(self) -> dict[str, PersonView]:
        """Team members by id."""
        return {
            m.id: PersonView(id=m.id, name=m.name, staff=m.staff or None) for m in self.snapshot.rows(TEAM)
        }

    @cached_property
    def linked(self) -> dict[str, list[str]]:
        """Ids of the clients of the book by the UUID that they are linked to."""
        found: dict[str, list[str]] = defaultdict(list)
        for link in self.snapshot.rows(LINKS):
            found[link.uuid].append(link.id)
        return found

    def client(self, client: Client) -> ClientView:
        """A client of the book."""
        snapshot = self.snapshot
        link = snapshot.get(LINKS, client.id)
        row = snapshot.get(XPM_CLIENTS, link.uuid) if link else None
        state = state_of(snapshot, client, link, row)
        person = needs_person(snapshot, client, state)
        ignored = snapshot.get(IGNORED, client.id)
        return ClientView(
            id=client.id,
            client_id=client.client_id or None,
            name=client.name,
            state=client.state,
            link=self.link(link, state, row) if link else None,
            link_state=state,
            needs=reason(person.reason) if person else "",
            contacts=tuple(self._contact(contact, link) for contact in client.contacts),
            phone=client.phone,
            fax=client.fax,
            website=client.website,
            address=client.address,
            city=client.city,
            region=client.region,
            postcode=client.postcode,
            country=client.country,
            postal_address=client.postal_address,
            postal_city=client.postal_city,
            postal_region=client.postal_region,
            postal_postcode=client.postal_postcode,
            postal_country=client.postal_country,
            tax_registered=client.tax_registered,
            structure=client.structure,
            groups=client.groups,
            partner=self.person(client.partner),
            manager=self.person(client.manager),
            frozen=tuple(sorted(self.frozen.get(client.id, ()))),
            ignored=ignored.reason if ignored else None,
            origin=client.origin,
            extra=client.extra,
        )

    def link(self, link: Link, state: str, row: XpmClient | None) -> LinkView:
        """A link, with the name that its XPM client has in the mirror."""
        return LinkView(
            uuid=link.uuid,
            number=row.number if row and row.number else link.number,
            state=state,  # type: ignore[arg-type]
            name=row.name if row else "",
            origin=link.origin,
            quiet=link.quiet,
            at=link.at,
            by=link.by,
        )

    def xpm(self, row: XpmClient, *, why: str = "", spans: tuple[tuple[int, int], ...] = ()) -> XpmClientView:
        """A client of XPM."""
        return XpmClientView(
            id=row.uuid,
            uuid=row.uuid,
            number=row.number,
            name=row.name,
            archived=row.archived,
            prospect=row.prospect,
            deleted=row.deleted,
            code=row.code,
            structure=row.structure,
            groups=tuple(group.name for group in row.groups or ()),
            partner=row.partner.name if row.partner else "",
            manager=row.manager.name if row.manager else "",
            email=next((c.email for c in row.contacts if c.email and not c.deleted), row.email),
            phone=row.phone,
            city=row.city or row.postal_city,
            url=row.web_url,
            linked=tuple(self.ref(id_) for id_ in self._links_of(row.uuid)),
            why=why,
            spans=spans,
        )

    def ref(self, id_: str) -> RefView:
        """A client of the book in passing."""
        client = self.snapshot.get(CLIENTS, id_)
        return RefView(id=id_, name=client.name if client else "")

    def person(self, id_: str) -> PersonView | None:
        """A team member named by a client; one whom the team does not know keeps the id as name."""
        if not id_:
            return None
        return self.people.get(id_) or PersonView(id=id_, name=id_)

    def person_name(self, id_: str) -> str:
        """Name of a team member or a staff record of XPM; the id itself where nobody has it."""
        member = self.people.get(id_)
        if member:
            return member.name
        staff = self.snapshot.get(STAFF, id_)
        return staff.name if staff else id_

    def value(self, field: str, value: Value) -> Value:
        """A value as a person reads it: people and links by name, the rest as it is."""
        if not isinstance(value, str) or not value:
            return value
        if field in ("partner", "manager"):
            return self.person_name(value)
        if field in ("link", "client"):
            row = self.snapshot.get(XPM_CLIENTS, value)
            return f"{row.number} {row.name}".strip() if row else value
        return value

    def _links_of(self, uuid: str) -> list[str]:
        if "linked" in self.__dict__:
            return self.linked.get(uuid, [])
        return [link.id for link in self.snapshot.find(LINKS, "uuid", uuid)]

    def _contact(self, contact: Contact, link: Link | None) -> ContactView:
        stands = next((c.uuid for c in link.contacts if c.contact == contact.id), "") if link else ""
        return ContactView(
            id=contact.id,
            name=contact.name,
            contact_id=contact.contact_id or None,
            email=contact.email,
            phone=contact.phone,
            mobile=contact.mobile,
            salutation=contact.salutation,
            addressee=contact.addressee,
            primary=contact.primary,
            uuid=stands or None,
        )
