"""A client linked to another XPM client: the preview, the result, and the undo."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.application.test_outdated_proposals import row, uuid
from tests.application.test_resumed_runs import Said
from tests.support.fake_xpm import FakeXpm, wired
from tests.support.moved_clock import MovedClock
from xpm_tui.application.clients import link_review, links, picks, queries
from xpm_tui.application.practice import OpenPractice, PracticeIdentity, put
from xpm_tui.application.presenters import lookup
from xpm_tui.application.runs import plans, runner
from xpm_tui.application.runs.history import values_of_events, written_values
from xpm_tui.application.runs.xpm_refresh import refresh
from xpm_tui.commands.link_effects import outlook
from xpm_tui.commands.links import LinkClient, link_client
from xpm_tui.commands.runs import written_lines
from xpm_tui.domain.ports import Drop, Put
from xpm_tui.domain.tables import BLOCKED_PAIRS, CLIENTS, IMAGES
from xpm_tui.domain.xpm import XpmContact
from xpm_tui.log.event_log import EventFilter
from xpm_tui.log.sentences import sentence


@pytest.fixture
async def xpm(practice: OpenPractice, clock: MovedClock) -> FakeXpm:
    """Tui Glass was brought in from XPM, with its values and its contact; then a user edited the fax."""
    practice.store.commit(
        [put("identity", PracticeIdentity(tenant="t", title="Hill", scopes="practicemanager"))]
    )
    theirs = row(
        0, "Tui Glass", phone="1", city="Taupo", fax="2", contacts=(XpmContact(uuid="x1", name="Ty"),)
    )
    made = FakeXpm(clock, [theirs, row(1, "Weka Glass", phone="9")])
    wired(practice, made)
    await refresh(practice, full=True)
    (picked,) = picks.pick(practice, ["1000"])
    client = practice.snapshot().get(CLIENTS, picked.client or "")
    assert client is not None
    practice.store.commit([Put(CLIENTS, replace(client, fax="3"))])
    return made


def the_client(practice: OpenPractice) -> str:
    return next(iter(practice.snapshot().ids(CLIENTS)))


async def test_the_counts_of_the_preview_are_those_of_the_result(
    practice: OpenPractice, xpm: FakeXpm
) -> None:
    id_ = the_client(practice)
    effect = links.preview_link(practice, id_, "1001")
    assert effect.former_counts == {
        "replaced": 2, "removed": 1, "contacts_removed": 1, "same": 0, "kept": 1,
    }  # fmt: skip
    assert {each.came_from.name for each in effect.former} == {"Tui Glass"}
    links.link(practice, id_, "1001")
    images = [each for each in practice.snapshot().rows(IMAGES) if each.uuid == uuid(1)]
    replaced = sum(effect.former_counts[name] for name in ("replaced", "removed", "contacts_removed"))
    assert sum(each.rule == "former" for each in images[0].written) == replaced
    shown = lookup.show_client(practice, id_)
    assert {field: there.name for field, there in shown.came_from.items()} == {"fax": "Tui Glass"}
    (fax,) = [side for side in queries.side_by_side(practice, id_) if side.field == "fax"]
    assert fax.came_from == "Tui Glass"


class Asked(Said):
    """Presses enter, and records which answer that gives."""

    async def confirm(self, question: str, *, default: bool = False, button: str = "") -> bool | None:
        self.answers.append(default)
        return default


@pytest.mark.parametrize(("number", "linked"), [("1000", True), ("1001", False)])
async def test_enter_links_only_what_has_no_warning(
    practice: OpenPractice, xpm: FakeXpm, number: str, linked: bool
) -> None:
    id_ = the_client(practice)
    links.unlink(practice, id_)
    practice.store.commit([Drop(BLOCKED_PAIRS, row_id) for row_id in practice.snapshot().ids(BLOCKED_PAIRS)])
    dialogue = Asked(True)
    await link_client(practice, LinkClient(id_, number), dialogue)
    assert (lookup.show_client(practice, id_).link is not None) is linked
    assert any("names differ" in line for line in dialogue.said) is not linked


async def test_the_undo_of_a_review_puts_values_and_contacts_back(
    practice: OpenPractice, xpm: FakeXpm
) -> None:
    id_ = the_client(practice)
    before = link_review.current_state(practice.snapshot(), id_)
    link_review.store_decision(practice, [id_], lambda: links.link(practice, id_, "1001"))
    assert lookup.show_client(practice, id_).contacts == ()
    link_review.undo_decision(practice)
    assert link_review.current_state(practice.snapshot(), id_) == before


async def test_a_preview_with_no_change_compares_the_records(practice: OpenPractice, xpm: FakeXpm) -> None:
    id_ = the_client(practice)
    practice.settings.set("sync.level", "nothing", practice=True)
    effect = links.preview_link(practice, id_, "1001")
    assert effect.changes == ()
    assert {"name", "phone"} <= {each.field for each in effect.differences}
    assert outlook(effect).startswith("Nothing would be synced: ")
    assert "fields would still differ (Client name, " in outlook(effect)
    assert effect.warnings[0].startswith("The names differ: ")


async def test_a_finished_run_shows_its_values_client_by_client(practice: OpenPractice, xpm: FakeXpm) -> None:
    id_ = the_client(practice)
    xpm.edit(uuid(0), phone="04 777 1212")
    await refresh(practice, full=True)
    plan = await plans.make(practice)
    run = await runner.run(practice, plan_id=plan.id)
    (found,) = [each for each in written_values(practice, run.id) if each.field == "phone"]
    assert (found.old_shown, found.new_shown, found.side) == ("1", "04 777 1212", "ignition")
    lines = written_lines([found])
    assert lines[1].startswith("  Tui Glass (")
    assert lines[2].endswith(f"Phone in Ignition: {found.old_shown or '–'} → 04 777 1212")
    (event,) = [each for each in practice.events.read(EventFilter(run=run.id)) if each.field == "phone"]
    assert event.record == id_
    reported = sentence(event, None, values_of_events(practice))
    assert "1 → 04 777 1212" in reported
    assert "777" not in sentence(event, None), "masked logs have no values"
