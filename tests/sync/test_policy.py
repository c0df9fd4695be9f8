"""The policy: which field is synced in which direction, when, and at which level."""

from __future__ import annotations

import msgspec
import pytest

from xpm_tui.domain.fields import SYNCED, label
from xpm_tui.domain.ignition import Client, Contact
from xpm_tui.domain.xpm import XpmClient, XpmContact
from xpm_tui.sync.policy import Policy

CONTACT = {f"contact_{part}" for part in ("name", "email", "phone", "mobile", "salutation", "addressee")}
PLACES = {
    f"{prefix}{part}"
    for prefix in ("", "postal_")
    for part in ("address", "city", "region", "postcode", "country")
}
FROM_ONLY = {"website", "referral_source", "tax_registered", "groups"}
BOTH = {"name", "contact", "contact_primary", "phone", "fax", "partner", "manager"} | CONTACT | PLACES


def names(policy: Policy, *, creation: bool = False) -> set[str]:
    return {rule.name for rule in policy.fields(creation=creation)}


def test_from_xpm_everything_brings_all_fields_but_the_structure() -> None:
    assert names(Policy()) == BOTH | FROM_ONLY


def test_to_xpm_everything_sends_what_ignition_masters() -> None:
    assert names(Policy(direction="to_xpm")) == BOTH


def test_level_client_name_syncs_only_the_name() -> None:
    assert names(Policy(level="name")) == {"name"}
    assert names(Policy(level="name", direction="to_xpm")) == {"name"}


def test_level_nothing_syncs_nothing() -> None:
    assert names(Policy(level="nothing")) == set()


@pytest.mark.parametrize("level", ["everything", "name", "nothing"])
def test_creation_brings_everything_whatever_the_level_and_the_structure_with_it(level: str) -> None:
    policy = msgspec.convert({"level": level}, Policy)
    assert names(policy, creation=True) == BOTH | FROM_ONLY | {"structure"}
    to_xpm = msgspec.structs.replace(policy, direction="to_xpm")
    assert names(to_xpm, creation=True) == BOTH | {"structure"}


def test_a_field_can_be_switched_off_except_the_name_at_creation() -> None:
    policy = Policy(off=frozenset({"phone", "name"}))
    assert "phone" not in names(policy) | names(policy, creation=True)
    assert "name" not in names(policy)
    assert "name" in names(policy, creation=True)


def test_the_hash_follows_every_setting() -> None:
    policies = [
        Policy(),
        Policy(direction="to_xpm"),
        Policy(level="name"),
        Policy(off=frozenset({"fax"})),
        Policy(on_conflict="hold"),
        Policy(clear="yes"),
    ]
    assert len({policy.hash for policy in policies}) == len(policies)
    assert Policy().hash == Policy().hash


def test_every_synced_field_is_in_both_records() -> None:
    for rule in SYNCED:
        ours, theirs = (Contact, XpmContact) if rule.of == "contact" else (Client, XpmClient)
        assert rule.attribute in ours.__struct_fields__
        assert rule.attribute in theirs.__struct_fields__


def test_fields_that_are_never_synced_are_in_no_row() -> None:
    elements = {rule.element for rule in SYNCED}
    assert elements.isdisjoint(
        {"TaxNumber", "CompanyNumber", "BusinessNumber", "IsProspect", "Relationships"}
    )


def test_a_contacts_field_is_labelled_like_the_field() -> None:
    assert label("k3.contact_email") == label("contact_email") == "Contact e-mail"
