"""The team: links are proposed, accepted and refused; staff are added; and who connected the practice."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from xpm_tui.application.practice import ListState, OpenPractice, PracticeIdentity, put
from xpm_tui.application.status.summary import summarize
from xpm_tui.application.team import links as team
from xpm_tui.application.team.queries import MemberView, find_connector
from xpm_tui.domain.errors import BadInput, NotFound
from xpm_tui.domain.ignition import Client, TeamMember
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import CLIENTS, STAFF, TEAM, XPM_CLIENTS
from xpm_tui.domain.xpm import RecordReference, Staff, XpmClient

AT = datetime(2026, 5, 4, tzinfo=UTC)
ANA = Staff(uuid="a", name="Āna Reid", email="ana@x.example")


def found(practice: OpenPractice, member: str) -> MemberView:
    """One member, as the list shows it."""
    return next(view for view in team.list_team(practice) if view.id == member)


@pytest.fixture
def filled(practice: OpenPractice) -> OpenPractice:
    practice.ids.new("t", 3)
    practice.store.commit(
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
            Put(XPM_CLIENTS, XpmClient(uuid="x", name="Kowhai", partner=RecordReference("b", "Tom Reid"))),
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
    with pytest.raises(BadInput, match="already linked to Tom Reid"):
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
    assert {view.id for view in done.members} >= {"t1"}
    views = {view.staff.uuid: view for view in team.list_team(filled) if view.staff}
    assert set(views) == {"a", "c", "d"}
    assert views["a"].id == "t1"
    assert not views["c"].access
    assert team.pick_staff(filled, every=True).members == ()


@pytest.mark.parametrize("name", ["Tom Reid", "TOM REID", "Thomas Reid", "T Reid", "Reid, Tom"])
def test_someone_whom_a_member_may_be_is_skipped_until_a_user_says_different(
    filled: OpenPractice, name: str
) -> None:
    filled.store.commit([Put(STAFF, Staff(uuid="b", name=name, email="tom@x.example"))])
    for done in (team.pick_staff(filled, every=True), team.pick_staff(filled, ["b"])):
        assert [(each.staff.uuid, each.member.id) for each in done.skipped] == [("b", "t2")]
        assert all(view.name != name or view.id == "t2" for view in team.list_team(filled))
    (added,) = team.pick_staff(filled, ["b"], different=["t2"]).members
    assert (added.name, added.id not in ("t1", "t2", "t3")) == (name, True)
    team.undo(filled)
    assert len(team.pick_staff(filled, every=True).members) == 1  # the answer is remembered


def test_a_near_member_who_is_linked_elsewhere_blocks_nobody_and_the_same_name_always_does(
    filled: OpenPractice,
) -> None:
    team.link_member(filled, "t2", "c")
    assert [each.staff.uuid for each in team.pick_staff(filled, ["b"]).skipped] == ["b"]
    filled.store.commit([Put(STAFF, Staff(uuid="b", name="Thomas Reid", email="tom@x.example"))])
    assert len(team.pick_staff(filled, ["b"]).members) == 1


def test_costs_name_roles_and_both_sides(filled: OpenPractice) -> None:
    ana, tom, _ = team.list_team(filled)
    assert (ana.partner_of, ana.manager_of) == (1, 1)
    assert ana.costs == "Not sent to XPM: partner of 1 client, manager of 1 client here."
    assert tom.costs == "Not synced to Ignition: 1 client in XPM with Tom Reid."


def test_filters_and_letters_narrow_the_people(filled: OpenPractice) -> None:
    def names(only: str = "", text: str = "") -> list[str]:
        return [row.name for row in team.list_people(filled, only=only, text=text)[0]]

    assert len(names()) == 7
    assert names("proposed") == ["Ana Silva", "Mere Hohaia", "Tom Reid"]
    assert names("left") == ["Left"]
    assert names("xpm-only") == ["Ana da Silva", "One", "Tom Reid", "Two"]
    assert names(text="OLD.example") == ["Tom Reid"]
    team.link_member(filled, "t2", "e")
    assert names("left") == ["Tom Reid"]
    view = found(filled, "t2")
    assert (view.state, "no longer lists" in view.notes[0]) == ("gone", True)
    with pytest.raises(BadInput, match="no filter"):
        names("nonsense")


def test_a_changed_e_mail_and_another_name_are_reported_and_break_nothing(filled: OpenPractice) -> None:
    view = team.link_member(filled, "t2", "a")
    assert view.state == "linked"
    assert any("The e-mail differs: ana@x.example" in note for note in view.notes)
    assert any("XPM calls this person Ana da Silva" in note for note in view.notes)


def test_two_of_one_name_are_reported_on_either_side(filled: OpenPractice) -> None:
    filled.store.commit(
        [Put(STAFF, Staff(uuid="f", name="tom REID")), Put(TEAM, TeamMember(id="t4", name="Tom Reid"))]
    )
    tom = found(filled, "t2")
    assert tom.proposals[0].reason.startswith("the same name, which several people have")
    assert any("2 people with this name" in note for note in tom.notes)
    assert {row.name for row in team.list_people(filled, only="same-name")[0]} == {"Tom Reid", "tom REID"}


def test_what_linking_does_is_said_before(filled: OpenPractice) -> None:
    effect = team.preview_map(filled, "t1", "b")
    assert not effect.refused
    assert any("1 client here" in said for said in effect.says)
    assert any("e-mail addresses differ" in said for said in effect.says)
    team.link_member(filled, "t2", "b")
    assert "already linked to Tom Reid (t2)" in team.preview_map(filled, "t1", "b").refused
    assert team.preview_map(filled, "t2", "b").refused
    assert any("replaces the link to Tom Reid" in said for said in team.preview_map(filled, "t2", "a").says)


def test_the_last_things_are_undone_one_by_one(filled: OpenPractice) -> None:
    team.accept_emails(filled)
    team.pick_staff(filled, ["b"], anyway=True)
    assert [view.id for view in team.list_team(filled)] == ["t1", "t2", "t3", "t4"]
    assert team.undo(filled).back == ("t4",)
    assert team.undo(filled).back == ("t1",)
    assert [view.staff for view in team.list_team(filled)] == [None, None, None]
    with pytest.raises(BadInput, match="nothing left"):
        team.undo(filled)


def test_what_was_changed_since_or_is_in_use_stays(filled: OpenPractice) -> None:
    (picked,) = team.pick_staff(filled, ["b"], anyway=True).members
    filled.store.commit([Put(CLIENTS, Client(id="c2", name="Rimu", manager=picked.id))])
    assert team.undo(filled).stay == (picked.id,)
    team.link_member(filled, "t1", "a")
    filled.store.commit([Put(TEAM, TeamMember(id="t1", name="Ana S.", staff="a"))])
    assert team.undo(filled).stay == ("t1",)
    assert found(filled, "t1").name == "Ana S."


def test_jobs_to_come_count_too(filled: OpenPractice) -> None:
    from datetime import date

    from xpm_tui.domain.ignition import Proposal, Workflow
    from xpm_tui.domain.tables import JOBS, PROPOSALS, WORKFLOWS
    from xpm_tui.domain.xpm import XpmJob

    day = date(2026, 7, 1)
    filled.store.commit(
        [
            Put(PROPOSALS, Proposal(id="o1", name="Kowhai", client="c1")),
            Put(WORKFLOWS, Workflow(id="w1", proposal="o1", name="K", start=day, since=day, staff=("t3",))),
            Put(WORKFLOWS, Workflow(id="w2", proposal="o1", name="K", start=day, since=day, partner="t2")),
            Put(WORKFLOWS, Workflow(id="w3", proposal="o1", name="K", start=day, since=day, stopped="x")),
            Put(JOBS, XpmJob(number="J1", name="J", assigned=(RecordReference("c"),))),
        ]
    )
    ana, tom, mere = team.list_team(filled)
    assert [view.jobs for view in (ana, tom, mere)] == [2, 1, 1]
    assert "on 2 jobs to come" in ana.costs
    assert {view.uuid: view.jobs for view in team.list_staff(filled)}["c"] == 1


@pytest.mark.parametrize(
    ("ours", "theirs"), [("Bob Lee", "Robert Lee"), ("Lee, Anna", "Anna Lee"), ("M\u0101ra Tau", "Maara Tau")]
)
def test_staff_are_proposed_by_what_identity_says_of_the_names(
    filled: OpenPractice, ours: str, theirs: str
) -> None:
    filled.store.commit(
        [Put(TEAM, TeamMember(id="t77", name=ours)), Put(STAFF, Staff(uuid="s77", name=theirs))]
    )
    view = next(view for view in team.list_team(filled) if view.id == "t77")
    assert [(each.uuid, each.sure) for each in view.proposals] == [("s77", False)]
    assert view.proposals[0].reason


def fill(practice: OpenPractice, login: str, *rows: Any, read: bool = True) -> None:
    writes: list[Any] = [put("identity", PracticeIdentity(tenant="t", title="Hill", login=login, since=AT))]
    writes += [put("list:staff", ListState(at=AT, full=AT))] if read else []
    writes += [Put(STAFF if isinstance(row, Staff) else TEAM, row) for row in rows]
    practice.store.commit(writes)


@pytest.mark.parametrize(
    ("login", "rows", "state"),
    [
        ("ana reid", [ANA], "here"),
        ("ANA@x.example", [ANA], "here"),
        ("Bo Li", [ANA], "gone"),
        ("Ana Reid", [Staff(uuid="a", name="Ana Reid", gone=True)], "gone"),
        ("Ana Reid", [ANA, Staff(uuid="b", name="Ana Reid", gone=True)], "here"),
        ("Ana Reid", [ANA, TeamMember(id="t1", name="Tom")], "unlinked"),
        ("Ana Reid", [ANA, TeamMember(id="t1", name="Tom", staff="a")], "here"),
    ],
)
def test_who_connected_is_looked_up(practice: OpenPractice, login: str, rows: list[Any], state: str) -> None:
    fill(practice, login, *rows)
    found = find_connector(practice.snapshot())
    assert found is not None
    assert found.state == state
    problems = {problem.code: problem for problem in summarize(practice).problems}
    assert (f"connector-{state}" in problems) == (state != "here")
    assert bool(found.sentence) == (state != "here")
    if state == "gone":
        assert "connect" in problems["connector-gone"].hint
        assert problems["connector-gone"].exit_code == 0


def test_nothing_is_said_where_nothing_is_known(practice: OpenPractice) -> None:
    assert find_connector(practice.snapshot()) is None
    fill(practice, "")
    assert find_connector(practice.snapshot()) is None
    fill(practice, "Ana Reid", read=False)
    practice.store.commit([put("list:staff", ListState())])
    assert find_connector(practice.snapshot()) is None
