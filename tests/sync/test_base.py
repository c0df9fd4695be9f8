"""The last agreed values: stored only where a half differs from the mirror, and updated when it moves."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.sync.fixtures import linked, xpm, xpm_contact
from xpm_tui.domain.links import Base, ContactLink, Pair, Value
from xpm_tui.sync.base import (
    base_pair,
    forget,
    forget_contact,
    mirror_values,
    primary_contact,
    rebase,
    record_agreement,
)

KEYS = st.sampled_from(["name", "phone", "k1.contact_email", "k22.contact_name"])
VALUES = st.sampled_from(["", "a", "b"])
MIRRORS = st.dictionaries(KEYS, VALUES)


def test_a_pair_that_equals_the_mirror_is_not_stored() -> None:
    base = record_agreement(Base(id="c1"), {"phone": Pair("1", "1")}, {"phone": "1"})
    assert base.agreed == ("phone",)
    assert base.pairs == {}
    assert base_pair(base, "phone", {"phone": "1"}) == Pair("1", "1")


def test_a_pair_with_another_half_is_stored() -> None:
    base = record_agreement(Base(id="c1"), {"phone": Pair("1", "")}, {"phone": ""})
    assert base.pairs == {"phone": Pair("1", "")}


def test_when_the_mirror_changes_the_former_pair_is_stored() -> None:
    base = Base(id="c1", agreed=("phone",))
    moved = rebase(base, {"phone": "1"}, {"phone": "2"})
    assert moved.pairs == {"phone": Pair("1", "1")}
    assert rebase(moved, {"phone": "2"}, {"phone": "1"}).pairs == {}


def test_without_changes_the_same_object_is_returned() -> None:
    base = Base(id="c1", agreed=("phone",), pairs={"phone": Pair("1", "")})
    assert rebase(base, {"phone": ""}, {"phone": "", "fax": "3"}) is base
    assert record_agreement(base, {}, {}) is base
    assert forget(base, ["fax"]) is base


@given(st.dictionaries(KEYS, st.builds(Pair, VALUES, VALUES)), MIRRORS, MIRRORS)
def test_rebasing_never_changes_what_was_agreed(
    agreed: dict[str, Pair], before: dict[str, Value], after: dict[str, Value]
) -> None:
    base = record_agreement(Base(id="c1"), agreed, before)
    carried = rebase(base, before, after)
    assert {key: base_pair(carried, key, after) for key in carried.agreed} == agreed
    for key, stored in carried.pairs.items():
        assert key not in after or stored != Pair(after[key], after[key])


def test_a_contact_that_is_gone_from_the_mirror_keeps_its_pairs() -> None:
    base = record_agreement(Base(id="c1"), {"k1.contact_email": Pair("a", "a")}, {"k1.contact_email": "a"})
    assert rebase(base, {"k1.contact_email": "a"}, {}).pairs == {"k1.contact_email": Pair("a", "a")}


def test_forgetting_a_contact_leaves_the_others() -> None:
    base = Base(id="c1", agreed=("name", "k1.contact_name", "k11.contact_name"))
    assert forget_contact(base, "k1").agreed == ("name", "k11.contact_name")


def test_the_mirrors_contacts_are_listed_under_our_ids() -> None:
    row = xpm(contacts=(xpm_contact(1, email="a@b", primary=True), xpm_contact(2, deleted=True)))
    link = linked(contacts=(ContactLink(contact="k1", uuid="x1"), ContactLink(contact="k2", uuid="x2")))
    values = mirror_values(row, link)
    assert values["k1.contact_email"] == "a@b"
    assert values["contact_primary"] == "x1"
    assert not any(key.startswith("k2.") for key in values)


def test_of_several_primaries_the_last_one_counts() -> None:
    assert (
        primary_contact([xpm_contact(1, primary=True), xpm_contact(2, primary=True), xpm_contact(3)]) == "x2"
    )
