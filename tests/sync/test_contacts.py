"""Matching contacts within one client."""

from __future__ import annotations

from tests.sync.fixtures import contact, xpm_contact
from xpm_tui.domain.links import ContactLink
from xpm_tui.sync.planning.contacts import ContactMatch, match_contacts


def pairs(match: ContactMatch) -> list[tuple[str, str]]:
    return [(ours.id, theirs.uuid) for ours, theirs in match.pairs]


def test_a_stored_link_takes_precedence_over_e_mail_and_name() -> None:
    ours = [contact(1, name="Jo", email="jo@x"), contact(2, name="Al", email="al@x")]
    theirs = [xpm_contact(1, name="Jo", email="jo@x"), xpm_contact(2, name="Al", email="al@x")]
    links = [ContactLink(contact="k1", uuid="x2"), ContactLink(contact="k2", uuid="x1")]
    assert pairs(match_contacts(ours, theirs, links)) == [("k1", "x2"), ("k2", "x1")]


def test_mail_matches_in_any_case_and_before_the_name() -> None:
    ours = [contact(1, name="Al", email="JO@X"), contact(2, name="Jo")]
    theirs = [xpm_contact(1, name="Jo", email="jo@x"), xpm_contact(2, name="Al")]
    match = match_contacts(ours, theirs, [])
    assert pairs(match) == [("k1", "x1")]
    assert match.newly_paired == {"k1"}


def test_a_value_that_two_contacts_of_a_side_share_matches_no_contact() -> None:
    ours = [contact(1, name="Jo", email="office@x"), contact(2, name="Jo", email="office@x")]
    match = match_contacts(ours, [xpm_contact(1, name="Jo", email="office@x")], [])
    assert match.pairs == ()
    assert [each.id for each in match.ours] == ["k1", "k2"]
    assert [each.uuid for each in match.theirs] == ["x1"]


def test_a_contact_removed_in_xpm_is_marked_and_not_new() -> None:
    match = match_contacts([contact(1, name="Jo")], [], [ContactLink(contact="k1", uuid="x1")])
    assert match.ours == ()
    assert match.links == (ContactLink(contact="k1", uuid="x1", removed="xpm"),)


def test_a_contact_removed_in_ignition_is_marked_and_not_new() -> None:
    match = match_contacts([], [xpm_contact(1, name="Jo")], [ContactLink(contact="k1", uuid="x1")])
    assert match.theirs == ()
    assert match.links == (ContactLink(contact="k1", uuid="x1", removed="ignition"),)


def test_a_contact_removed_on_both_sides_is_forgotten() -> None:
    assert match_contacts([], [], [ContactLink(contact="k1", uuid="x1")]).links == ()


def test_a_contact_that_comes_back_is_linked_again() -> None:
    removed = ContactLink(contact="k1", uuid="x1", removed="xpm")
    match = match_contacts([contact(1)], [xpm_contact(1)], [removed])
    assert match.links == (ContactLink(contact="k1", uuid="x1"),)
    assert match.newly_paired == frozenset()


def test_two_contacts_marked_as_one_sides_own_are_not_paired_later() -> None:
    links = [
        ContactLink(contact="k1", uuid="", removed="xpm"),
        ContactLink(contact="", uuid="x1", removed="ignition"),
    ]
    match = match_contacts([contact(1, email="jo@x")], [xpm_contact(1, email="jo@x")], links)
    assert (match.pairs, match.ours, match.theirs) == ((), (), ())


def test_a_contact_created_again_in_xpm_takes_the_place_of_the_removed_one() -> None:
    removed = ContactLink(contact="k1", uuid="x1", removed="xpm")
    match = match_contacts([contact(1, email="jo@x")], [xpm_contact(2, email="jo@x")], [removed])
    assert pairs(match) == [("k1", "x2")]
    assert match.newly_paired == {"k1"}
    assert match.links == (ContactLink(contact="k1", uuid="x2"),)
