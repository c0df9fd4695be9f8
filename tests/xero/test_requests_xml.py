"""Bodies of requests: element names, only given values, nothing that XML cannot carry."""

from __future__ import annotations

from datetime import date

import pytest

from tests.xero.replies import uuid
from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.secret import Masked
from xpm_tui.domain.xpm import XpmContact
from xpm_tui.xero.codec import request_bodies as body


def test_update_sends_uuid_name_and_the_given_fields_only() -> None:
    assert (
        body.update_client(uuid(1), "Ko & Co", {"fax": "", "website": "k.example", "partner": uuid(9)})
        == (
            f"<Client><UUID>{uuid(1)}</UUID><Name>Ko &amp; Co</Name><Fax/><WebSite>k.example</WebSite>"
            f"<AccountManagerUUID>{uuid(9)}</AccountManagerUUID></Client>"
        ).encode()
    )


def test_add_leaves_out_what_is_empty_and_carries_contacts() -> None:
    made = body.add_client(
        {"name": "Kōwhai", "phone": "", "manager": None, "postcode": "0800"},
        [XpmContact(uuid="", name="Jo", email="j@k.example", primary=True), XpmContact(uuid="", name="Al")],
    )
    assert made.decode() == (
        "<Client><Name>Kōwhai</Name><PostCode>0800</PostCode><Contacts>"
        "<Contact><Name>Jo</Name><Email>j@k.example</Email><IsPrimary>Yes</IsPrimary></Contact>"
        "<Contact><Name>Al</Name></Contact></Contacts></Client>"
    )


def test_contact_names_its_client_and_takes_both_spellings_of_a_field() -> None:
    plain = body.update_contact(uuid(1), {"name": "Jo", "email": ""})
    assert plain == body.update_contact(uuid(1), {"contact_name": "Jo", "contact_email": ""})
    assert plain.decode() == (
        f"<Contact><Client><UUID>{uuid(1)}</UUID></Client><Name>Jo</Name><Email/></Contact>"
    )


def test_job_bodies() -> None:
    assert body.job({"Name": "A", "StartDate": date(2026, 7, 1)}) == (
        b"<Job><Name>A</Name><StartDate>20260701</StartDate></Job>"
    )
    assert body.assign("J1", add=[uuid(1)], remove=[uuid(2)], manager=uuid(3), partner="").decode() == (
        f'<Job><ID>J1</ID><add uuid="{uuid(1)}"/><remove uuid="{uuid(2)}"/><add-manager uuid="{uuid(3)}"/>'
        "<remove-partner/></Job>"
    )


@pytest.mark.parametrize("char", ["\x00", "\x1b", "\x0b", "\ufffe", "\ud800"])
def test_text_that_xml_cannot_carry_is_refused_with_the_field(char: str) -> None:
    with pytest.raises(BadInput, match=f"'City'.*U\\+{ord(char):04X}, character 3"):
        body.update_client(uuid(1), "A", {"city": f"ab{char}"})


@pytest.mark.parametrize("value", [Masked("******789"), "******789"])
def test_a_masked_value_is_never_written(value: object) -> None:
    with pytest.raises(BadInput, match="'Phone' holds a masked value"):
        body.update_client(uuid(1), "A", {"phone": value})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("field", "label"),
    [
        ("tax_number", "Tax number"),
        ("groups", "Client groups"),
        ("nonsense", "nonsense"),
        ("archived", "Archived"),
    ],
)
def test_a_field_that_is_never_written_is_refused(field: str, label: str) -> None:
    with pytest.raises(BadInput, match=f"'{label}'") as refused:
        body.update_client(uuid(1), "A", {field: "x"})
    assert refused.value.field == field


def test_names_are_needed() -> None:
    with pytest.raises(BadInput, match="client needs a name"):
        body.add_client({"phone": "1"}, [])
    with pytest.raises(BadInput, match="contact needs a name"):
        body.update_contact(uuid(1), {"email": "x"})
