"""What XPM answered to a write, laid over what the mirror had: what changed that we did not send."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import msgspec

from xpm_tui.model.links import Value
from xpm_tui.model.xpm import XpmClient, XpmContact
from xpm_tui.sync.view import Values, contact_values, xpm_values


def merge_client(old: XpmClient, reply: XpmClient) -> XpmClient:
    """The reply as a mirror row. What an answer to a write may leave out (groups, contacts, the number of
    the web address, the masked tax number) stays as it was."""
    return msgspec.structs.replace(
        reply,
        groups=reply.groups if reply.groups is not None else old.groups,
        contacts=reply.contacts or old.contacts,
        number=reply.number or old.number,
        web_url=reply.web_url or old.web_url,
        tax_number=reply.tax_number or old.tax_number,
        seen_at=old.seen_at,
    )


def merge_contact(old: XpmClient, reply: XpmContact) -> XpmClient:
    """The mirror row with one contact as the reply has it; a new primary takes the place of the old one."""
    others = [
        msgspec.structs.replace(each, primary=False) if reply.primary and each.primary else each
        for each in old.contacts
    ]
    if any(each.uuid == reply.uuid for each in others):
        contacts = [reply if each.uuid == reply.uuid else each for each in others]
    else:
        contacts = [*others, reply]
    return msgspec.structs.replace(old, contacts=tuple(contacts))


def edited_fields(old: XpmClient, new: XpmClient, sent: Collection[str]) -> list[str]:
    """The client's fields that differ although we did not send them."""
    return _edited(xpm_values(old), xpm_values(new), sent)


def edited_contact_fields(old: XpmContact | None, new: XpmContact, sent: Collection[str]) -> list[str]:
    """The contact's fields that differ although we did not send them."""
    return [] if old is None else _edited(contact_values(old), contact_values(new), sent)


def altered(sent: Mapping[str, Value], row: XpmClient, contact: XpmContact | None) -> list[str]:
    """The fields that XPM kept otherwise than we sent them."""
    values: Values = contact_values(contact) if contact is not None else xpm_values(row)
    return [field for field, value in sent.items() if field in values and values[field] != value]


def contact_of(row: XpmClient, uuid: str) -> XpmContact | None:
    """One contact of a client."""
    return next((contact for contact in row.contacts if contact.uuid == uuid), None)


def _edited(old: Values, new: Values, sent: Iterable[str]) -> list[str]:
    ours = frozenset(sent)
    return [field for field, value in new.items() if field not in ours and old.get(field) != value]
