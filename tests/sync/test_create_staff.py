"""Creating a staff record in XPM, and finding out its outcome: exactly one, or held; never two."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.sync.fixtures import LAG, SyncFixture, creation_run, member, only_intent, recover
from xpm_tui.domain.errors import BadInput, DecisionNeeded, NotFound, OutcomeUnknown, Refused, ScopeMissing
from xpm_tui.domain.ignition import TeamMember
from xpm_tui.domain.tables import INTENTS, STAFF, TEAM
from xpm_tui.domain.xpm import Staff
from xpm_tui.sync.applying.recovery import decision_writes, held_intents
from xpm_tui.sync.manual.creation import StaffExists, create_staff

BO = TeamMember(id="t1", name="Bo Li", email="bo@x.example")


def env(*people: Staff, team: tuple[TeamMember, ...] = (BO,)) -> SyncFixture:
    made = SyncFixture(team=team)
    made.practice.people = [*people]
    return made


async def create(env: SyncFixture, member_id: str = "t1", **options: Any) -> Staff:
    more = options.pop("more", {})
    return await create_staff(
        member_id,
        more,
        store=env.store,
        practice=env.practice,
        clock=env.clock,
        ids=env.ids,
        events=env.events,
        by="kim",
        run="r50",
        direction="from_xpm",
        create_lag=LAG,
        **options,
    )


def linked(env: SyncFixture, id_: str = "t1") -> str:
    found = env.store.snapshot().get(TEAM, id_)
    assert found is not None
    return found.staff


def made(env: SyncFixture) -> list[str]:
    return [row.uuid for row in env.practice.people if row.name == "Bo Li"]


async def test_the_values_that_were_shown_are_sent_and_the_member_is_linked() -> None:
    here = env(Staff(uuid="s1", name="Ana"))
    row = await create(here, more={"phone": " 09 1 ", "mobile": ""})
    assert (row.name, row.email, row.phone, row.mobile) == ("Bo Li", "bo@x.example", "09 1", "")
    assert linked(here) == row.uuid
    assert only_intent(here).values == {"name": "Bo Li", "email": "bo@x.example", "phone": "09 1"}
    assert only_intent(here).before == ("s1",)
    assert (creation_run(here).outcome, creation_run(here).counts) == ("done", {"created": 1})
    assert here.store.snapshot().get(STAFF, row.uuid) == row
    with pytest.raises(DecisionNeeded, match="is already linked"):
        await create(here)
    assert len(here.practice.sent) == 1


@pytest.mark.parametrize(
    "twin",
    [
        Staff(uuid="s1", name="Someone", email="BO@x.example"),
        Staff(uuid="s1", name="Bo Li", email="o@x.example"),
        Staff(uuid="s1", name="LI, Bo"),
        Staff(uuid="s1", name="Bo M Li"),
        Staff(uuid="s1", name="B. Li"),
    ],
)
async def test_staff_with_the_same_e_mail_or_name_have_to_be_linked_instead(twin: Staff) -> None:
    here = env(twin)
    with pytest.raises(StaffExists) as there:
        await create(here)
    assert [row.uuid for row in there.value.people] == ["s1"]
    assert "team link t1 s1" in there.value.hint
    assert (here.practice.sent, linked(here)) == ([], "")
    row = await create(here, anyway=True)
    assert (linked(here), row.uuid != "s1") == (row.uuid, True)


async def test_a_staff_record_that_was_just_created_in_xpm_is_found() -> None:
    here = env()
    here.practice.people.append(Staff(uuid="s9", name="Bo Li"))
    with pytest.raises(StaffExists):
        await create(here)
    assert here.store.snapshot().get(STAFF, "s9") is not None


async def test_a_person_without_a_name_or_outside_the_team_is_not_created() -> None:
    here = env(team=(TeamMember(id="t1", name=" "),))
    with pytest.raises(DecisionNeeded, match="no name"):
        await create(here)
    with pytest.raises(NotFound):
        await create(here, "t9")
    assert here.practice.sent == []


async def test_after_a_refusal_the_creation_may_be_tried_again() -> None:
    here = env()
    here.practice.faults = [Refused("No.", words="Name too long")]
    with pytest.raises(Refused):
        await create(here)
    assert (only_intent(here).state, creation_run(here).outcome) == ("failed", "failed")
    await create(here)
    assert len(made(here)) == 1


@pytest.mark.parametrize("lag", [0, 90, 299])
async def test_a_record_without_an_answer_is_looked_up_until_xpm_shows_it(lag: float) -> None:
    here = env()
    here.practice.lag = lag
    here.practice.faults = [OutcomeUnknown("No answer.")]
    row = await create(here)
    assert made(here) == [row.uuid] == [linked(here)]
    assert len(here.practice.sent) == 1


@pytest.mark.parametrize("reached", [True, False])
async def test_a_record_that_does_not_appear_in_time_is_held_and_never_sent_again(reached: bool) -> None:
    here = env()
    here.practice.lag = 10_000
    lost = OutcomeUnknown("No answer.")
    here.practice.faults = [lost]
    here.practice.lost = [] if reached else [lost]
    with pytest.raises(DecisionNeeded, match="staff record"):
        await create(here)
    assert (only_intent(here).state, creation_run(here).outcome) == ("held", "held")
    with pytest.raises(DecisionNeeded, match="no answer came"):
        await create(here)
    assert len(here.practice.sent) == 1


@pytest.mark.parametrize("others", [2, 1])
async def test_several_new_records_or_a_different_one_are_held(others: int) -> None:
    here = env()
    lost = OutcomeUnknown("No answer.")
    here.practice.faults, here.practice.lost = [lost], [lost]
    add = here.practice.add_staff

    async def and_then(**values: Any) -> Staff:
        email = "bo@x.example" if others == 2 else "else@x.example"
        here.practice.people += [Staff(uuid=f"n{n}", name="Bo Li", email=email) for n in range(others)]
        return await add(**values)

    here.practice.add_staff = and_then  # type: ignore[method-assign]
    with pytest.raises(DecisionNeeded):
        await create(here)
    assert (only_intent(here).state, linked(here)) == ("held", "")


async def test_without_access_to_the_list_a_user_decides() -> None:
    here = env()
    lost = OutcomeUnknown("No answer.")
    here.practice.faults = [lost]
    staff = here.practice.staff

    async def closed() -> list[Staff]:
        if here.practice.sent:
            raise ScopeMissing("No.")
        return await staff()

    here.practice.staff = closed  # type: ignore[method-assign]
    with pytest.raises(DecisionNeeded):
        await create(here)
    assert "cannot be read" in only_intent(here).note


@pytest.mark.parametrize("step", ["before sending", "after sending", "before the end"])
@pytest.mark.parametrize("lag", [0, 90, 10_000])
async def test_after_a_kill_there_is_one_record_or_a_held_write(step: str, lag: float) -> None:
    here = env()
    here.practice.lag = lag
    commit = here.store.commit

    def dying(writes: Any, **how: Any) -> int:
        state = next((write.row.state for write in writes if write.table is INTENTS), "")
        if (step, state) in (("before sending", "sent"), ("before the end", "done")):
            raise KeyboardInterrupt
        return commit(writes, **how)

    here.store.commit = dying  # type: ignore[method-assign]
    if step == "after sending":

        async def killed(**_: Any) -> Any:
            raise KeyboardInterrupt

        here.practice.add_staff = killed  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        await create(here)
    here.store.commit = commit  # type: ignore[method-assign]
    found = await recover(here)
    if step == "before sending":
        assert (only_intent(here).state, made(here)) == ("failed", [])
    elif step == "before the end" and lag < LAG:
        assert (only_intent(here).state, made(here), found.changes) == ("done", [linked(here)], 1)
    else:
        assert only_intent(here).state == "held"
    assert len(made(here)) <= 1


async def held_one() -> SyncFixture:
    here = env()
    here.practice.lag = 10_000
    here.practice.faults = [OutcomeUnknown("No answer.")]
    with pytest.raises(DecisionNeeded):
        await create(here)
    here.practice.lag = 0
    return here


async def test_a_user_may_adopt_the_created_record_unless_another_member_has_it() -> None:
    here = await held_one()
    (uuid,) = made(here)
    snapshot, intent = here.store.snapshot(), only_intent(here)
    with pytest.raises(NotFound):
        decision_writes(snapshot, intent.id, "adopt", here.clock.now(), uuid)
    here.put(STAFF, here.practice.people)
    here.put(TEAM, [member(2, staff=uuid)])
    with pytest.raises(BadInput):
        decision_writes(here.store.snapshot(), intent.id, "adopt", here.clock.now(), uuid)
    here.put(TEAM, [member(2)])
    here.store.commit(decision_writes(here.store.snapshot(), intent.id, "adopt", here.clock.now(), uuid))
    assert (linked(here), held_intents(here.store.snapshot())) == (uuid, [])


async def test_a_record_that_was_linked_manually_needs_no_decision() -> None:
    here = await held_one()
    assert len(held_intents(here.store.snapshot())) == 1
    here.put(TEAM, [TeamMember(id="t1", name="Bo Li", staff="s7")])
    assert held_intents(here.store.snapshot()) == []


@pytest.mark.parametrize("choice", ["again", "drop"])
async def test_a_user_may_send_again_or_drop(choice: Any) -> None:
    here = await held_one()
    here.practice.people.clear()
    here.store.commit(decision_writes(here.store.snapshot(), only_intent(here).id, choice, here.clock.now()))
    assert (only_intent(here).state, linked(here)) == ("failed", "")
    await create(here)
    assert len(made(here)) == 1


async def test_without_waiting_the_outcome_stays_unknown() -> None:
    here = env()
    here.practice.lag = 90
    here.practice.faults = [OutcomeUnknown("No answer.")]
    with pytest.raises(DecisionNeeded):
        await create(here, stop=lambda: True)
    assert len((await recover(here, wait=False)).waiting) == 1
    here.clock.move(timedelta(seconds=120))
    assert len((await recover(here, wait=False)).done) == 1
    assert [linked(here)] == made(here)
