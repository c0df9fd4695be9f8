"""What a run that is resumed, released or retried applies, and what naming a plan means."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from tests.application.test_runner import COUNT, synced, xpm
from tests.support.fake_xpm import FakeXpm, client
from tests.support.moved_clock import MovedClock
from xpm_tui.application.clients import link_review, links, queries
from xpm_tui.application.clients.edits import edit_client
from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.runs import history, plans, runner
from xpm_tui.application.runs import undo_plans as undoing
from xpm_tui.application.runs.plans import Selector
from xpm_tui.application.runs.runner import release, resume, run
from xpm_tui.application.runs.xpm_refresh import refresh
from xpm_tui.commands.effects import READING_CALL
from xpm_tui.commands.maintenance import Undo, undo
from xpm_tui.commands.plans import MakePlan, TickPlan, make_plan, selector, untick_plan
from xpm_tui.commands.runs import ReleaseRun, release_run
from xpm_tui.commands.sync import Sync, sync
from xpm_tui.domain.errors import (
    AppError,
    BadInput,
    Busy,
    NotFound,
    PlanRefused,
    Refused,
    StoreChanged,
    XeroError,
)
from xpm_tui.domain.events import Progress
from xpm_tui.domain.ignition import Client, TeamMember
from xpm_tui.domain.ports import Drop, Put
from xpm_tui.domain.runs import Intent, Run, StopRequest
from xpm_tui.domain.tables import CLIENTS, INTENTS, LINKS, RUNS, STOPS, TEAM
from xpm_tui.domain.xpm import RecordReference
from xpm_tui.sync.journal import ADD_CLIENT, UPDATE_CLIENT

__all__ = ["xpm"]


class Said:
    """A user at a terminal who gives these answers; with none, nobody."""

    def __init__(self, *answers: bool) -> None:
        self.call = READING_CALL
        self.answers = [*answers]
        self.interactive = bool(answers)
        self.said: list[str] = []

    def say(self, sentence: str) -> None:
        self.said.append(sentence)

    def progress(self, sentence: str) -> None:
        pass

    def emit(self, item: Any, line: str = "") -> None:
        pass

    async def confirm(self, question: str, *, default: bool = False, button: str = "") -> bool | None:
        return self.answers.pop(0)

    async def line(self, prompt: str) -> str | None:
        return None


@pytest.fixture
async def pushing(practice: OpenPractice, xpm: FakeXpm) -> FakeXpm:
    """To XPM, in step."""
    practice.settings.set("sync.direction", "to_xpm", practice=True)
    await synced(practice)
    return xpm


def edit(practice: OpenPractice, numbers: Iterable[int], **values: Any) -> None:
    """Someone edits clients in Ignition."""
    snapshot = practice.snapshot()
    for number in numbers:
        found = snapshot.get(CLIENTS, f"c{number}")
        assert found is not None
        values.setdefault("phone", "ours")
        practice.store.commit([Put(CLIENTS, msgspec.structs.replace(found, **values))])


def book_client(practice: OpenPractice, id_: str) -> Client:
    found = practice.snapshot().get(CLIENTS, id_)
    assert found is not None
    return found


def stop_at(practice: OpenPractice, step: int) -> Callable[[Progress], None]:
    def report(progress: Progress) -> None:
        going = history.current_run(practice)
        if progress.phase == "apply" and progress.done == step and going is not None:
            practice.store.commit([Put(STOPS, StopRequest(id=going.id, by="x", at=practice.clock.now()))])

    return report


def ours_there(fake: FakeXpm) -> set[str]:
    """The clients whose phone in XPM is Ignition's."""
    return {row.name[-2:] for row in fake.rows.values() if row.phone == "ours"}


async def cut_off(practice: OpenPractice, plan: str) -> Run:
    stopped = await run(practice, plan_id=plan, report=stop_at(practice, 1))
    assert stopped.outcome == "stopped"
    return stopped


async def test_during_a_run_only_the_client_that_is_being_sent_is_locked(
    practice: OpenPractice, pushing: FakeXpm
) -> None:
    edit(practice, range(4))
    plan = await plans.make(practice)
    said: dict[str, list[str]] = {}

    def report(progress: Progress) -> None:
        going = history.current_run(practice)
        if progress.phase != "apply" or progress.done != 1 or going is None or said:
            return
        sent = Intent(id="i900", run=going.id, kind=UPDATE_CLIENT, record="c2", uuid="u", state="sent")
        practice.store.commit([Put(INTENTS, sent)])
        with pytest.raises(Busy, match=r"is sending .*c2"):
            edit_client(practice, "c2", {"fax": "1"})
        practice.store.commit([Drop(INTENTS, "i900")])
        said.update({id_: edit_client(practice, id_, {"fax": "1"})[1] for id_ in ("c0", "c3", "c9")})

    done = await run(practice, plan_id=plan.id, report=report)
    assert (done.outcome, done.counts["moved"]) == ("done", 1), done
    assert ours_there(pushing) == {"00", "01", "02"}
    assert [bool(said[id_]) for id_ in ("c0", "c3", "c9")] == [False, True, False]
    assert "skips this client" in said["c3"][0]


async def test_resuming_reaches_no_further_than_what_was_cut_off(
    practice: OpenPractice, pushing: FakeXpm
) -> None:
    edit(practice, range(6))
    plan = await plans.make(practice, only=["c0", "c1", "c2", "c3"])
    plans.tick(practice, plan.id, Selector(record="c3"), False)
    await cut_off(practice, plan.id)
    pushing.problems["clients"] = XeroError("No.")
    for _ in range(3):
        with pytest.raises(AppError):
            await resume(practice)
    del pushing.problems["clients"]
    await plans.make(practice)
    done = await resume(practice)
    assert (done.outcome, done.reviewed, done.only) == ("done", True, "c0 c1 c2 c3")
    assert ours_there(pushing) == {"00", "01", "02"}


async def test_resuming_a_sync_of_one_client_that_had_no_plan_yet(
    practice: OpenPractice, pushing: FakeXpm
) -> None:
    edit(practice, range(3))
    pushing.problems["clients"] = XeroError("No.")
    with pytest.raises(AppError):
        await run(practice, only="c2")
    del pushing.problems["clients"]
    await resume(practice)
    assert ours_there(pushing) == {"02"}


async def test_resuming_an_undo_finishes_the_undo(practice: OpenPractice, pushing: FakeXpm) -> None:
    edit(practice, range(6))
    done = await synced(practice)
    plan, _, _ = undoing.make_undo(practice, done.id)
    await cut_off(practice, plan.id)
    assert ours_there(pushing)
    await resume(practice)
    assert not ours_there(pushing)


async def test_releasing_reaches_no_further_than_what_was_held(
    practice: OpenPractice, pushing: FakeXpm
) -> None:
    for key in ("records_count", "field_count", "records_percent", "field_percent"):
        practice.settings.set(f"guard.{key}", "1", practice=True)
    edit(practice, range(2))
    held = await run(practice, only=["c0", "c1"])
    assert held.outcome == "held"
    edit(practice, [0], phone=client(0).phone)
    edit(practice, [9])
    await release(practice, held.id)
    assert ours_there(pushing) == {"01"}


async def test_what_was_held_one_way_is_no_yes_to_the_other(practice: OpenPractice, xpm: FakeXpm) -> None:
    await synced(practice)
    for number in range(25):
        xpm.edit(client(number).uuid, phone=f"moved {number}")
    held = await run(practice)
    assert held.outcome == "held"
    practice.settings.set("sync.direction", "to_xpm", practice=True)
    with pytest.raises(PlanRefused):
        await release(practice, held.id)
    assert "update_client" not in xpm.asked


async def test_a_creation_that_failed_is_no_sync(practice: OpenPractice, pushing: FakeXpm) -> None:
    practice.store.commit([Put(CLIENTS, Client(id="c77", name="New One", state="active"))])
    edit(practice, range(3))
    pushing.problems["add_client"] = Refused("No.")
    with pytest.raises(Refused):
        await links.create_in_xpm(practice, "c77")
    with pytest.raises(BadInput):
        await resume(practice)
    plan = await plans.make(practice)
    plans.tick(practice, plan.id, Selector(record="c2"), False)
    await cut_off(practice, plan.id)
    with pytest.raises(Refused):
        await links.create_in_xpm(practice, "c77")
    await resume(practice)
    assert ours_there(pushing) == {"00", "01"}


async def test_a_creation_that_was_killed_is_not_continued(practice: OpenPractice, xpm: FakeXpm) -> None:
    practice.store.commit([Put(RUNS, Run(id="r900", started=practice.clock.now(), by="mere", total=1))])
    assert history.current_run(practice) is None


async def test_trying_again_keeps_to_the_fields_and_to_the_last_sync(
    practice: OpenPractice, pushing: FakeXpm
) -> None:
    edit(practice, [2], fax="ours")
    plan = await plans.make(practice, fields=["fax"])
    pushing.problems["update_client"] = Refused("No.")
    await run(practice, plan_id=plan.id)
    del pushing.problems["update_client"]
    links.unlink(practice, "c9")
    await runner.retry(practice, runner.failures(practice))
    row = pushing.rows[client(2).uuid]
    assert (row.fax, row.phone) == ("ours", client(2).phone)


async def test_the_last_plan_is_never_an_undo_that_was_refused(
    practice: OpenPractice, xpm: FakeXpm, clock: MovedClock
) -> None:
    first = await synced(practice)
    xpm.edit(client(3).uuid, fax="new", phone="theirs")
    edit(practice, [3], phone="ours")
    await plans.make(practice)
    clock.move(timedelta(seconds=5))
    reported = await undo(practice, Undo(run=first.id), Said(False))
    assert [*reported.lines] == ["Nothing was changed."]
    assert [view.id for view in queries.list_clients(practice, only="conflict")] == ["c3"]
    await sync(practice, Sync(plan="last"), Said())
    assert book_client(practice, "c3").fax == "new"
    assert practice.snapshot().count(LINKS) == COUNT


async def test_the_last_plan_is_the_newest_though_a_clock_ran_ahead(
    practice: OpenPractice, xpm: FakeXpm, clock: MovedClock
) -> None:
    clock.move(timedelta(days=1))
    await plans.make(practice)
    clock.move(timedelta(days=-1))
    new = await plans.make(practice)
    assert plans.load(practice, "last")[0].id == new.id


@pytest.mark.parametrize("word", ["", ":", ":phone", "c1:", "field:", "mark:", "rule:"])
def test_an_empty_part_never_means_everything(word: str) -> None:
    with pytest.raises(BadInput):
        selector(word)


async def test_of_several_words_all_are_followed_or_none(practice: OpenPractice, xpm: FakeXpm) -> None:
    plan = await plans.make(practice)
    with pytest.raises(NotFound, match="c99"):
        await untick_plan(practice, TickPlan(plan=plan.id, what=("c1", "c99")), Said())
    assert plans.load(practice, plan.id)[0] == plan
    reported = await untick_plan(practice, TickPlan(plan=plan.id, what=("c1", "c2:phone", "c1")), Said())
    assert reported.data["changed"] == 3


async def test_a_plan_that_is_being_applied_is_not_ticked(practice: OpenPractice, pushing: FakeXpm) -> None:
    edit(practice, range(3))
    plan = await plans.make(practice)
    refused: list[AppError] = []

    def report(progress: Progress) -> None:
        if progress.phase == "apply" and progress.done == 1:
            with pytest.raises(Busy) as busy:
                plans.tick(practice, plan.id, Selector(record="c2"), False)
            refused.append(busy.value)

    await run(practice, plan_id=plan.id, report=report)
    assert refused


async def test_only_the_plan_that_was_shown_is_applied(practice: OpenPractice, pushing: FakeXpm) -> None:
    class Interrupted(Said):
        async def confirm(self, question: str, *, default: bool = False, button: str = "") -> bool | None:
            plans.tick(practice, "last", Selector(record="c2"), False)
            return True

    edit(practice, range(3))
    with pytest.raises(StoreChanged, match="while you were asked"):
        await sync(practice, Sync(), Interrupted(True))
    assert not ours_there(pushing)


async def test_a_plan_and_a_client_do_not_go_together(practice: OpenPractice, xpm: FakeXpm) -> None:
    plan = await plans.make(practice)
    for wrong in (
        Sync(plan=plan.id, client="c2"),
        Sync(if_due=True, client="c2"),
        Sync(plan="p1", if_due=True),
    ):
        with pytest.raises(BadInput):
            await sync(practice, wrong, Said())
    assert practice.snapshot().count(LINKS) == 0


async def test_a_field_that_does_not_exist_is_not_in_step(practice: OpenPractice, xpm: FakeXpm) -> None:
    with pytest.raises(BadInput, match="phon"):
        await make_plan(practice, MakePlan(field=("phon",)), Said())


async def test_a_person_who_was_unlinked_since_drops_out(practice: OpenPractice, xpm: FakeXpm) -> None:
    practice.store.commit([Put(TEAM, TeamMember(id="t1", name="Ana Reid", staff="staff-1"))])
    await synced(practice)
    xpm.edit(client(3).uuid, partner=RecordReference("staff-1", "Ana Reid"))
    plan = await plans.make(practice)
    practice.store.commit([Put(TEAM, TeamMember(id="t1", name="Ana Reid"))])
    done = await run(practice, plan_id=plan.id)
    assert done.counts["moved"] == 1
    assert book_client(practice, "c3").partner == ""


class TestShortList:
    @pytest.fixture(autouse=True)
    async def short(self, practice: OpenPractice, xpm: FakeXpm) -> Run:
        first = await synced(practice)
        for number in range(10, COUNT):
            del xpm.rows[client(number).uuid]
        xpm.edit(client(1).uuid, phone="new")
        return first

    async def test_a_yes_to_one_client_is_none_to_it(self, practice: OpenPractice) -> None:
        plan = await plans.make(practice, only="c1")
        await run(practice, plan_id=plan.id)
        assert [stop.rule for stop in (await run(practice)).stops] == ["short-list"]

    async def test_nor_is_an_undo(self, practice: OpenPractice, short: Run) -> None:
        await refresh(practice, full=True)
        plan, _, _ = undoing.make_undo(practice, short.id, client="c1", field="phone")
        await run(practice, plan_id=plan.id, trigger="undo", reviewed=True)
        assert [stop.rule for stop in (await run(practice)).stops] == ["short-list"]

    async def test_a_user_who_looks_at_the_plan_is_notified(self, practice: OpenPractice) -> None:
        sentence = "XPM listed 10 clients, but 30 before."
        reported = await make_plan(practice, MakePlan(), Said())
        assert any(sentence in line for line in reported.lines)
        person = Said(False)
        await sync(practice, Sync(), person)
        assert any(sentence in line for line in person.said)


async def test_a_plan_sends_nobody_to_a_review_that_is_empty(
    practice: OpenPractice, pushing: FakeXpm
) -> None:
    edit(practice, [0])
    pushing.edit(client(0).uuid, archived=True)
    reported = await make_plan(practice, MakePlan(), Said())
    assert not link_review.clients_to_review(practice)
    lines = " ".join(reported.lines)
    assert "clients review" not in lines
    assert "both sides agree" not in lines


async def test_a_creation_killed_before_it_sent_anything_leaves_nothing(
    practice: OpenPractice, pushing: FakeXpm
) -> None:
    """To take it up would be a sync of everybody."""
    edit(practice, range(3))
    practice.store.commit([Put(RUNS, Run(id="r900", started=practice.clock.now(), by="mere", total=1))])
    with pytest.raises(BadInput):
        await resume(practice)
    assert ours_there(pushing) == set()


async def test_a_creation_killed_after_a_sync_was_cut_off_does_not_hide_it(
    practice: OpenPractice, pushing: FakeXpm
) -> None:
    edit(practice, range(3))
    plan = await plans.make(practice)
    plans.tick(practice, plan.id, Selector(record="c2"), False)
    await cut_off(practice, plan.id)
    practice.store.commit([Put(RUNS, Run(id="r900", started=practice.clock.now(), by="mere", total=1))])
    await resume(practice)
    assert ours_there(pushing) == {"00", "01"}


async def test_what_is_unknown_is_settled_after_an_undo_too(practice: OpenPractice, pushing: FakeXpm) -> None:
    edit(practice, range(3))
    done = await synced(practice)
    lost = Intent(
        id="i900", run="r1", kind=ADD_CLIENT, record="c77", uuid="", state="held",
        values={"name": "New One"}, sent_at=practice.clock.now(),
    )  # fmt: skip
    practice.store.commit(
        [Put(CLIENTS, Client(id="c77", name="New One", state="active")), Put(INTENTS, lost)]
    )
    plan, _, _ = undoing.make_undo(practice, done.id)
    await run(practice, plan_id=plan.id)
    result = await release_run(practice, ReleaseRun(drop=("i900",)), Said())
    assert result.exit_code == 0
