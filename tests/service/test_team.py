"""The team: links proposed, made, refused; staff picked."""

from __future__ import annotations

import pytest

from xpm_tui.model.book import Client, TeamMember
from xpm_tui.model.errors import BadInput, NotFound
from xpm_tui.model.ports import Put
from xpm_tui.model.tables import CLIENTS, STAFF, TEAM, XPM_CLIENTS
from xpm_tui.model.xpm import Named, Staff, XpmClient
from xpm_tui.service import team
from xpm_tui.service.practice import OpenPractice


@pytest.fixture
def filled(practice: OpenPractice) -> OpenPractice:
    practice.ids.new("t", 3)
    practice.book.commit(
        [
            Put(TEAM, TeamMember(id="t1", name="Ana Silva", email="ANA@x.example")),
            Put(TEAM, TeamMember(id="t2", name="Tom Reid", email="tom@old.example")),
            Put(TEAM, TeamMember(id="t3", name="Mere Hohaia", email="both@x.example")),
            Put(STAFF, Staff(uuid="a", name="Ana da Silva", email="ana@x.example")),
            Put(STAFF, Staff(uuid="b", name="Tom Reid", email="tom@x.example")),
            Put(STAFF, Staff(uuid="c", name="One", email="both@x.example")),
            Put(STAFF, Staff(uuid="d", name="Two", email="both@x.example")),
            Put(STAFF, Staff(uuid="e", name="Left", email="left@x.example", gone=True)),
            Put(CLIENTS, Client(id="c1", name="Kowhai", partner="t1", manager="t1")),
            Put(XPM_CLIENTS, XpmClient(uuid="x", name="Kowhai", partner=Named("b", "Tom Reid"))),
        ]
    )
    return practice


def test_an_e_mail_of_one_person_each_is_sure_the_rest_only_proposed(filled: OpenPractice) -> None:
    ana, tom, mere = team.list_team(filled)
    assert [(p.uuid, p.sure) for p in ana.proposals] == [("a", True)]
    assert [(p.uuid, p.sure) for p in tom.proposals] == [("b", False)]
    assert [(p.uuid, p.sure) for p in mere.proposals] == [("c", False), ("d", False)]
    assert ana.clients == 1
    assert "1 client here" in ana.costs
    assert "1 client in XPM" in tom.costs


def test_linking_by_e_mail_takes_the_sure_ones_alone(filled: OpenPractice) -> None:
    assert [view.id for view in team.accept_emails(filled)] == ["t1"]
    assert team.accept_emails(filled) == []
    assert [view.staff.uuid if view.staff else None for view in team.list_team(filled)] == ["a", None, None]


def test_one_person_of_xpm_is_one_person_here(filled: OpenPractice) -> None:
    assert team.link_member(filled, "Tom Reid", "tom@x.example").staff is not None
    with pytest.raises(BadInput, match="is linked to Tom Reid"):
        team.link_member(filled, "t1", "b")
    assert team.unlink_member(filled, "t2").staff is None
    with pytest.raises(BadInput, match="is not linked"):
        team.unlink_member(filled, "t2")


@pytest.mark.parametrize(("member", "staff"), [("t9", "a"), ("t1", "nobody"), ("", "a"), ("t1", "")])
def test_who_is_not_there_is_said(filled: OpenPractice, member: str, staff: str) -> None:
    with pytest.raises(NotFound):
        team.link_member(filled, member, staff)


def test_picking_all_adds_who_is_missing_and_links_who_is_there(filled: OpenPractice) -> None:
    done = team.pick_staff(filled, every=True)
    assert {view.id for view in done} >= {"t1"}
    views = {view.staff.uuid: view for view in team.list_team(filled) if view.staff}
    assert set(views) == {"a", "b", "c", "d"}
    assert views["a"].id == "t1"
    assert not views["c"].access
    assert team.pick_staff(filled, every=True) == []
