"""The bodies of Practice Manager 3.1 requests. Only given values are sent; an empty element clears a field.

The names differ from those of replies (``WebSite``, ``AccountManagerUUID``, ``ClientNumber``), and dates are
``yyyyMMdd``. Masked values, and text that XML 1.0 does not allow, are rejected with the field's name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from lxml import etree

from xpm_tui.domain.errors import UnsendableValue
from xpm_tui.domain.fields import in_requests, sent_label
from xpm_tui.domain.links import Value
from xpm_tui.domain.safe_text import refuse_unsendable
from xpm_tui.domain.secret import Masked, looks_masked
from xpm_tui.domain.xpm import XpmContact
from xpm_tui.xero.codec.deserializers import Element

CLIENT_ELEMENTS: dict[str, str] = in_requests("client")
"""The elements of a client request by field, in the order of Xero's page, without tax and company numbers."""

CONTACT_ELEMENTS: dict[str, str] = in_requests("contact")
"""The elements of a contact request by field, in the order of Xero's page."""


def add_client(values: Mapping[str, Value], contacts: Sequence[XpmContact]) -> bytes:
    """Return the body of ``POST client.api/add``: ``name`` is required; empty values are left out."""
    if not values.get("name"):
        raise UnsendableValue(
            "A client needs a name before XPM can take it.", hint="Fill in the name.", field="name"
        )
    root = etree.Element("Client")
    _client_fields(root, {field: value for field, value in values.items() if value not in ("", None)})
    if contacts:
        inner = etree.SubElement(root, "Contacts")
        for contact in contacts:
            # If several are primary, XPM uses the last one.
            _contact_fields(etree.SubElement(inner, "Contact"), contact_values(contact), keep_empty=False)
    return _bytes(root)


def update_client(uuid: str, name: str, values: Mapping[str, Value]) -> bytes:
    """Return the body of ``PUT client.api/update``: an empty value clears its field."""
    root = etree.Element("Client")
    _leaf(root, "UUID", uuid, "UUID")
    _client_fields(root, {**values, "name": values.get("name") or name})
    return _bytes(root)


def add_contact(client: str, contact: XpmContact) -> bytes:
    """Return the body of ``POST client.api/contact``: client and name are required."""
    return _contact(client, contact_values(contact), keep_empty=False)


def update_contact(client: str, values: Mapping[str, Value]) -> bytes:
    """Return the body of ``PUT client.api/contact/{uuid}``: name is required; empty values clear fields."""
    return _contact(client, values, keep_empty=True)


def contact_values(contact: XpmContact) -> dict[str, Value]:
    """Return a contact's fields as a mapping, without its UUID."""
    return {field: getattr(contact, field) for field in CONTACT_ELEMENTS}


def contact_field(field: str) -> str:
    """Return the name of a contact's field without its prefix: ``email`` for ``contact_email``."""
    return field.removeprefix("contact_")


def job(root_fields: Mapping[str, str | date]) -> bytes:
    """Return the body of ``job.api/add``, ``state`` or ``applytemplate`` from values by element, in order."""
    root = etree.Element("Job")
    for element, value in root_fields.items():
        _leaf(root, element, value, element)
    return _bytes(root)


def assign(
    number: str,
    *,
    add: Sequence[str] = (),
    remove: Sequence[str] = (),
    manager: str | None = None,
    partner: str | None = None,
) -> bytes:
    """Return the body of ``PUT job.api/assign``, with UUIDs; ``""`` removes the manager or partner."""
    root = etree.Element("Job")
    _leaf(root, "ID", number, "ID")
    for tag, people in (("add", add), ("remove", remove)):
        for uuid in people:
            etree.SubElement(root, tag).set("uuid", _text(uuid, tag))
    for tag, person in (("manager", manager), ("partner", partner)):
        if person:
            etree.SubElement(root, f"add-{tag}").set("uuid", _text(person, tag))
        elif person is not None:
            etree.SubElement(root, f"remove-{tag}")
    return _bytes(root)


def staff(values: Mapping[str, str]) -> bytes:
    """Return the body of ``POST staff.api/add`` from values by element; ``Name`` is required."""
    if not values.get("Name"):
        raise UnsendableValue("A staff record needs a name.", hint="Fill in the name.", field="name")
    root = etree.Element("Staff")
    for element, value in values.items():
        if value:
            _leaf(root, element, value, element)
    return _bytes(root)


def _client_fields(root: Element, values: Mapping[str, Value]) -> None:
    for field in values:
        if field not in CLIENT_ELEMENTS:
            raise UnsendableValue(
                f"The field '{sent_label(field)}' cannot be written to XPM.",
                hint="Leave it out; XPM stays as it is.",
                field=field,
            )
    for field, element in CLIENT_ELEMENTS.items():
        if field in values:
            _leaf(root, element, values[field], field)


def _contact(client: str, values: Mapping[str, Value], *, keep_empty: bool) -> bytes:
    root = etree.Element("Contact")
    _leaf(etree.SubElement(root, "Client"), "UUID", client, "client")
    _contact_fields(root, values, keep_empty=keep_empty)
    return _bytes(root)


def _contact_fields(root: Element, values: Mapping[str, Value], *, keep_empty: bool) -> None:
    given = {contact_field(field): value for field, value in values.items()}
    if not given.get("name"):
        raise UnsendableValue(
            "A contact needs a name before XPM can take it.",
            hint="Fill in the contact's name.",
            field="contact name",
        )
    for field in given:
        if field not in CONTACT_ELEMENTS:
            raise UnsendableValue(
                f"The field '{sent_label(f'contact {field}')}' cannot be written to XPM.",
                hint="Leave it out; XPM stays as it is.",
                field=f"contact {field}",
            )
    for field, element in CONTACT_ELEMENTS.items():
        if field not in given:
            continue
        value = given[field]
        if keep_empty or value not in ("", None, False):
            _leaf(root, element, value, f"contact {field}")


def _leaf(root: Element, element: str, value: Any, field: str) -> None:
    etree.SubElement(root, element).text = _text(value, field) or None


def _text(value: Any, field: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, date):
        return value.strftime("%Y%m%d")
    if isinstance(value, Masked) or looks_masked(value):
        raise UnsendableValue(
            f"The field '{sent_label(field)}' holds a masked value; writing it would destroy the real one.",
            hint="Leave the field out, or type the full value.",
            field=field,
        )
    if not isinstance(value, str):
        raise UnsendableValue(
            f"The field '{sent_label(field)}' holds no text.", hint="XPM takes text there.", field=field
        )
    text = value.replace("\r\n", "\n").replace("\r", "\n")
    refuse_unsendable(text, field, sent_label(field))
    return text


def _bytes(root: Element) -> bytes:
    return etree.tostring(root, encoding="utf-8", xml_declaration=False)
