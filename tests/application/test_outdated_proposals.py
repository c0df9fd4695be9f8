"""Proposed links that are out of date: decisions, archiving, renames and unlinking since are respected."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from tests.support.fake_xpm import FakeXpm, wired
from tests.support.moved_clock import MovedClock
from xpm_tui.application.clients import link_review, links, picks, review_file
from xpm_tui.application.practice import OpenPractice, PracticeIdentity, put
from xpm_tui.application.presenters import lookup
from xpm_tui.application.runs import history, undo_plans
from xpm_tui.application.runs.xpm_refresh import refresh
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import CLIENTS, LINKS, RUNS
from xpm_tui.domain.xpm import XpmClient

NAMES = (
    "Kowhai Plumbing",
    "Rimu Dairy",
    "Harbour Nominees",
    "Lee Family Trust",
    "Anchor Motors",
    "Kea Roofing",
)


def uuid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


def row(number: int, name: str, **values: Any) -> XpmClient:
    return XpmClient(uuid=uuid(number), name=name, number=str(1000 + number), groups=(), **values)


@pytest.fixture
async def xpm(practice: OpenPractice, clock: MovedClock) -> FakeXpm:
    """Six clients on each side, written in capitals in Ignition: all of them sure."""
    practice.store.commit(
        [
            put("identity", PracticeIdentity(tenant="t", title="Hill", scopes="practicemanager")),
            *(Put(CLIENTS, Client(id=f"c{n}", name=name.upper())) for n, name in enumerate(NAMES)),
        ]
    )
    made = FakeXpm(clock, [row(n, name) for n, name in enumerate(NAMES)])
    wired(practice, made)
    await refresh(practice, full=True)
    return made


async def test_only_what_is_still_sure_is_linked(practice: OpenPractice, xpm: FakeXpm) -> None:
    found = link_review.sure_proposals(practice)
    assert len(found) == len(NAMES)
    xpm.edit(uuid(0), archived=True)
    links.link(practice, "c1", uuid(1))
    links.unlink(practice, "c1")
    links.ignore(practice, "c2")
    xpm.edit(uuid(3), name="Somebody Else")
    del xpm.rows[uuid(4)]
    await refresh(practice, full=True)
    assert [view.id for view in links.accept_sure(practice, found)] == ["c5"]


async def test_a_broken_link_is_not_counted_among_the_sure_ones(practice: OpenPractice, xpm: FakeXpm) -> None:
    links.link(practice, "c0", uuid(0))
    del xpm.rows[uuid(0)]
    xpm.rows[uuid(50)] = row(50, NAMES[0])
    await refresh(practice, full=True)
    found = link_review.sure_proposals(practice)
    assert {view.id for view in found} == {"c1", "c2", "c3", "c4", "c5"}
    before = practice.snapshot().count(RUNS)
    assert len(links.accept_sure(practice, found)) == len(found)
    assert practice.snapshot().count(RUNS) == before + 1, "one entry of the history for all of them"
    run = history.find_run(practice, "last")
    assert (run.total, run.done, run.counts) == (len(found), len(found), {"link": len(found)})
    undo = undo_plans.make_undo(practice, run.id)[1]
    assert {record.client for record in undo} == {view.id for view in found}


class TestWhatAProspectBecame:
    @pytest.fixture(autouse=True)
    async def gone(self, practice: OpenPractice, xpm: FakeXpm) -> None:
        practice.store.commit([Put(CLIENTS, Client(id="c0", name=NAMES[0]))])
        xpm.rows[uuid(0)] = row(0, NAMES[0], prospect=True)
        await refresh(practice, full=True)
        links.link(practice, "c0", uuid(0))
        del xpm.rows[uuid(0)]
        xpm.rows[uuid(50)] = row(50, NAMES[0])
        await refresh(practice, full=True)

    def proposed(self, practice: OpenPractice) -> dict[str, str]:
        return {each.id: each.proposal.uuid for each in links.relinks(practice) if each.proposal}

    async def test_is_proposed_where_there_is_one(self, practice: OpenPractice) -> None:
        assert self.proposed(practice) == {"c0": uuid(50)}

    async def test_is_nobody_of_two(self, practice: OpenPractice, xpm: FakeXpm) -> None:
        xpm.rows[uuid(51)] = row(51, NAMES[0])
        await refresh(practice, full=True)
        assert self.proposed(practice) == {}
        assert lookup.show_client(practice, "c0").link_state == "converted"

    async def test_is_none_that_was_taken_apart(self, practice: OpenPractice, xpm: FakeXpm) -> None:
        xpm.rows[uuid(0)] = row(0, NAMES[0])
        await refresh(practice, full=True)
        links.link(practice, "c0", uuid(50))
        links.unlink(practice, "c0")
        links.link(practice, "c0", uuid(0))
        del xpm.rows[uuid(0)]
        await refresh(practice, full=True)
        assert self.proposed(practice) == {}

    async def test_is_not_given_to_two(self, practice: OpenPractice, xpm: FakeXpm) -> None:
        xpm.rows[uuid(60)] = row(60, "Another", prospect=True)
        await refresh(practice, full=True)
        practice.store.commit([Put(CLIENTS, Client(id="c60", name=NAMES[0]))])
        links.link(practice, "c60", uuid(60))
        del xpm.rows[uuid(60)]
        await refresh(practice, full=True)
        xpm.rows[uuid(60)] = row(60, NAMES[0], deleted=True)
        await refresh(practice, full=True)
        assert self.proposed(practice) == {}


def chosen(practice: OpenPractice, path: Path, **choices: str) -> None:
    """A user exports the review and chooses for some clients, each in its first row."""
    text, _ = review_file.export_review(practice)
    rows = list(csv.DictReader(io.StringIO(text)))
    for each in rows:
        each["Choice"] = choices.pop(each["Client"], "")
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


async def test_a_file_does_not_overturn_what_was_settled_since(
    practice: OpenPractice, xpm: FakeXpm, tmp_path: Path
) -> None:
    path = tmp_path / "review.csv"
    chosen(practice, path, c0="link", c1="link", c2="ignore")
    links.link(practice, "c0", uuid(0))
    links.unlink(practice, "c0")
    links.ignore(practice, "c1", "they left us")
    report = review_file.import_review(practice, path)
    assert practice.snapshot().count(LINKS) == 0
    assert ["decided differently since" in each.reason for each in report.refused] == [True] * 2
    chosen(practice, path, c3="ignore")
    review_file.import_review(practice, path)
    rows = path.read_text(encoding="utf-8").replace(",ignore", ",link")
    path.write_text(rows, encoding="utf-8")
    assert [each.choice for each in review_file.import_review(practice, path).items] == ["link"]


async def test_picking_a_client_that_is_ignored(practice: OpenPractice, xpm: FakeXpm) -> None:
    practice.store.commit([Put(CLIENTS, Client(id="c0", name=NAMES[0]))])
    links.ignore(practice, "c0", "not ours")
    assert picks.pick_all(practice)[0].why == "ignored"
    assert picks.pick(practice, ["1000"])[0].outcome == "linked"
    view = lookup.show_client(practice, "c0")
    assert (view.link_state, view.ignored) == ("linked", None)
