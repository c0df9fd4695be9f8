"""A masked bundle opens as the practice that it was written from; other files are refused."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.application.fixtures import PracticeFixture
from tests.diagnostics.fixtures import FaultyMachine
from xpm_tui.application.condition import conditions
from xpm_tui.application.health import bundle
from xpm_tui.application.health.doctor import Doctor
from xpm_tui.application.health.opened_bundle import unpack
from xpm_tui.application.health.probe_facts import of_practice
from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.runs import plans
from xpm_tui.application.runs.runner import run
from xpm_tui.application.status.summary import StatusSummary, summarize
from xpm_tui.diagnostics.masking import LEFT_OUT, Mask, RowMask
from xpm_tui.domain.errors import BadInput, ReadOnly
from xpm_tui.domain.identity import compare
from xpm_tui.domain.tables import ALL, XPM_CLIENTS
from xpm_tui.log.sentences import sentence
from xpm_tui.sandbox.faults import Fault

NAMED = {"title", "login", "by", "never_in_ignition", "problems", "last_error", "set_aside"}
"""What of a summary holds names."""


@pytest.fixture
def env(tmp_path: Path) -> Iterator[PracticeFixture]:
    made = PracticeFixture(tmp_path, clients=12)
    yield made
    made.close()


async def written(env: PracticeFixture, file: Path, *, names: bool = False) -> Path:
    patient = of_practice(env.practice)
    results = [each async for each in Doctor(patient, FaultyMachine()).examine()]
    bundle.write(await bundle.gather(patient, results, names=names), file, patient)
    return file


def reported(practice: OpenPractice) -> dict[str, object]:
    found: StatusSummary = summarize(practice)
    plain: dict[str, object] = msgspec.to_builtins(found, str_keys=True)
    return {name: value for name, value in plain.items() if name not in NAMED}


async def test_support_sees_what_the_user_saw(env: PracticeFixture, tmp_path: Path) -> None:
    await env.connect()
    env.store(env.unique_names()[:12])
    plan = await plans.make(env.practice)
    await run(env.practice, plan_id=plan.id)
    env.practice.settings.set("sync.on_conflict", "hold", practice=True)
    await plans.make(env.practice)
    env.sandbox.faults.add(Fault("500", endpoint="staff.api/list"))  # a planted fault
    file = await written(env, tmp_path / "b.zip")
    opened = unpack(file, tmp_path / "opened")
    with opened.practice() as practice:
        assert reported(practice) == reported(env.practice)
        assert conditions(practice) == conditions(env.practice)
        before, after = env.practice.snapshot(), practice.snapshot()
        for table in ALL:
            if table not in LEFT_OUT:
                assert [table.key(row) for row in after.rows(table)] == [
                    table.key(row) for row in before.rows(table)
                ], table.name
        assert [sentence(event, None) for event in practice.events.read()] == [
            sentence(msgspec.structs.replace(event, by=practice_person(event.by)), None)
            for event in env.practice.events.read()
        ]
        assert practice.settings.item("sync.on_conflict").origin == "practice"
        draft, records = plans.load(practice, "last")
        theirs, their_records = plans.load(env.practice, "last")
        assert (draft.id, draft.counts, len(records)) == (theirs.id, theirs.counts, len(their_records))
        found = [each async for each in Doctor(of_practice(practice)).examine()]
        assert "list-staff" in {each.name for each in found if each.verdict == "trouble"}
        with pytest.raises(ReadOnly):
            practice.writable()
    names = {row.name for row in before.rows(XPM_CLIENTS)}
    assert not names & {row.name for row in after.rows(XPM_CLIENTS)}


def practice_person(by: str) -> str:
    return "person 1" if by else ""


async def test_with_names_they_stay(env: PracticeFixture, tmp_path: Path) -> None:
    await env.connect()
    file = await written(env, tmp_path / "b.zip", names=True)
    with unpack(file, tmp_path / "opened").practice() as practice:
        before = {row.uuid: row for row in env.practice.snapshot().rows(XPM_CLIENTS)}
        for row in practice.snapshot().rows(XPM_CLIENTS):
            assert row.name == before[row.uuid].name
            assert not row.phone or row.phone != before[row.uuid].phone


@pytest.mark.parametrize(
    "pair",
    [
        ("Kowhai Plumbing Ltd", "kowhai plumbing limited"),
        ("Smith & Sons", "Smith and Sons"),
        ("The Rimu Trust", "Rimu Trust"),
        ("Kowhai Plumbing Ltd", "Kowhai Plumbing Trust"),
        ("Ana Silva", "Silva Ana"),
        ("A Silva", "Ana Silva"),
        ("Rimu Farms Ltd", "Totara Farms Ltd"),
    ],
)
def test_names_that_are_alike_stay_so(pair: tuple[str, str]) -> None:
    masked = RowMask(Mask(), key=b"one")
    first, second = map(masked.stand_in, pair)
    assert compare(*pair).answer == compare(first, second).answer, (pair, first, second)
    assert RowMask(Mask()).stand_in(pair[0]) != first
    assert masked.stand_in("+64 (9) 555 0100").startswith("+")
    assert masked.stand_in("09 555") != "09 555"


def test_what_is_no_bundle_is_refused(tmp_path: Path) -> None:
    text, empty, cut = tmp_path / "text.zip", tmp_path / "empty.zip", tmp_path / "cut.zip"
    text.write_text("nothing of the kind")
    with zipfile.ZipFile(empty, "w") as archive:
        archive.writestr("versions.json", "{}")
    with zipfile.ZipFile(cut, "w") as archive:
        archive.writestr("practice.json", json.dumps({"version": "1", "made": "2026-05-04T09:00:00Z"}))
        archive.writestr("doctor.json", "[")
    forged = tmp_path / "forged.zip"
    with zipfile.ZipFile(forged, "w") as archive:
        archive.writestr("practice.json", json.dumps({"version": "1", "made": "2026-05-04T09:00:00Z"}))
        command = {"key": "notify.command", "value": "touch /tmp/forged", "origin": "practice"}
        archive.writestr("settings.json", json.dumps([command]))
        archive.writestr("doctor.json", "[]")
        archive.writestr("records.jsonl", "")
        archive.writestr("events.jsonl", "")
    with unpack(forged, tmp_path / "forged").practice() as practice:
        assert practice.settings.text("notify.command") == ""
    for place, file in enumerate((text, empty, cut, tmp_path / "missing.zip")):
        with pytest.raises(BadInput):
            unpack(file, tmp_path / f"opened-{place}")
