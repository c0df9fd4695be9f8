"""A planted fault is recognised from a masked bundle alone, by its code, and the bundle names nobody."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.diagnostics.fault_fixtures import FaultFixture
from tests.diagnostics.signs import (
    connected,
    control,
    damaged,
    elsewhere,
    fault,
    full_disk,
    granular,
    intent,
    many_changes,
    other_clock,
    person_left,
)
from tests.support.profile import spread
from xpm_tui.application.health import doctor, probe_facts
from xpm_tui.application.health.probe_facts import of_practice, saved_login
from xpm_tui.application.schedule.timer import Scheduler, Timer
from xpm_tui.diagnostics.findings import TimerFacts
from xpm_tui.domain.errors import NotFound
from xpm_tui.domain.ignition import Import
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import IMPORTS, TEMPLATES

CLIENTS = (
    "Client ID,Client Name,Contact Name,Contact Email,Phone\n"
    "501,Matai Hunting Ltd,Ria Poe-Hunt,ria@matai-hunt.nz,09 501 7719\n"
    ",Harakeke Weavers,Al Low,al@harakeke.nz,\n"
)


def used_up(ground: FaultFixture) -> None:
    fault("429-day", "client.api/list", seconds=7200)(ground)
    ground.verb("plan --json")


def unfinished_import(ground: FaultFixture) -> None:
    ground.run(ground.connect())
    row = Import(id="m9", at=ground.clock.now(), file="clients of Ria.csv", state="begun")
    ground.practice.store.commit([Put(IMPORTS, row)])


def template_deleted(ground: FaultFixture) -> None:
    """As the next refresh of XPM's lists leaves it."""
    ground.run(ground.connect())
    ground.verb("services new Accounts", code=0)
    ground.verb('templates link s1 "Annual Accounts"', code=0)
    practice = ground.practice
    rows = [row for row in practice.snapshot().rows(TEMPLATES) if row.name == "Annual Accounts"]
    practice.store.commit([Put(TEMPLATES, msgspec.structs.replace(row, gone=True)) for row in rows])


def held_run(ground: FaultFixture) -> None:
    many_changes(ground)
    ground.verb("sync --yes --json", code=4)


def broken_proxy(ground: FaultFixture) -> None:
    ground.run(ground.connect())
    ground.command.environ["HTTPS_PROXY"] = "http://ria:proxy-password-7719@[broken"


def no_timer(scheduler: Scheduler) -> Timer:
    raise NotFound("There is neither systemd nor cron here.")


def no_schedule(ground: FaultFixture) -> None:
    ground.run(ground.connect())
    ground.patch.setattr(Scheduler, "show", no_timer)
    ground.patch.setattr(doctor, "timer_facts", probe_facts.timer_facts)


def schedule_removed(ground: FaultFixture) -> None:
    ground.run(ground.connect())

    async def removed(practice: Any) -> TimerFacts:
        return TimerFacts(kind="cron", installed=False)

    ground.patch.setattr(doctor, "timer_facts", removed)


def failed_file(ground: FaultFixture) -> None:
    ground.run(ground.connect())
    folder = ground.folder / "in"
    ground.verb(f"inbox setup {folder}", code=0)
    (folder / "ria-poe-hunt.json").write_text('{"event": "client.changed", "name": "Ria Poe-Hunt"')
    for name in ("settle", "patience"):
        ground.verb(f"settings set inbox.{name}_seconds 0", code=0)
    ground.verb("inbox run --json", code=None)


FAULTS: dict[str, tuple[Callable[[FaultFixture], None], str]] = {
    "login revoked": (control("tokens", revoke=True), "T6"),
    "scope missing": (granular, "scope-missing"),
    "another organisation": (elsewhere, "practice-changed"),
    "organisation disconnected": (control("disconnect", tenant="TENANT"), "T9"),
    "no permission in XPM": (control("permission", user="ana", allowed=False), "T1"),
    "connecting person left": (person_left, "connecting-person"),
    "allowance used up": (used_up, "day-limit"),
    "store damaged": (damaged, "damaged"),
    "write without an answer": (intent("update-client", "sent"), "open_intents"),
    "import not finished": (unfinished_import, "unfinished_import"),
    "run held": (held_run, "held"),
    "clock wrong": (other_clock, "clock"),
    "disk full": (full_disk, "disk"),
    "proxy broken": (broken_proxy, "proxy"),
    "no schedule": (no_schedule, "schedule"),
    "schedule removed": (schedule_removed, "schedule"),
    "template deleted": (template_deleted, "vanished"),
    "file of the inbox failed": (failed_file, "inbox-failed"),
}


@pytest.fixture
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultFixture]:
    made = FaultFixture(tmp_path, monkeypatch)

    async def installed(practice: Any) -> TimerFacts:
        return TimerFacts(kind="cron", installed=True)

    monkeypatch.setattr(doctor, "timer_facts", installed)
    yield made
    made.close()


def recognised(ground: FaultFixture) -> tuple[set[str], str]:
    """What a bundle says by code, to someone who has nothing else, and all of its text."""
    bundle = ground.folder / "support.zip"
    ground.disk_is_full = False  # a bundle goes where there is room
    ground.verb(f"doctor --json --bundle {bundle}")
    environ = {**ground.command.environ, "HOME": str(ground.folder / "support")}
    done = type(ground.command)(ground.folder / "elsewhere", environ)(
        "open", str(bundle), "--json", code=None
    )
    answer = done.json
    found = {each["code"] for each in answer["status"]["problems"]}
    found |= {str(each["case"]) for each in answer["probes"] if each["verdict"] in ("note", "trouble")}
    found |= {each["state"] for each in answer["conditions"]}
    with zipfile.ZipFile(bundle) as archive:
        parts = [archive.read(name).decode() for name in archive.namelist()]
    return found, "\n".join([*parts, done.out])


def personal(ground: FaultFixture) -> Iterator[str]:
    """Names and addresses of the practice, and its secrets."""
    yield from (
        "Ria Poe",
        "Poe-Hunt",
        "matai-hunt",
        "501 7719",
        "proxy-password",
        "Matai Hunting",
        "Harakeke",
    )
    for row in ground.sandbox.practice.clients.values():
        yield row.name
        yield from (each for each in (row.email, row.phone) if each and len(each) > 5)
    saved = saved_login(of_practice(ground.practice), ground.practice.name)
    for secret in (saved.access, saved.refresh) if saved is not None else ():
        yield secret.reveal()


@pytest.mark.parametrize("name", spread(FAULTS, 4))
def test_it_is_recognised_from_a_bundle_alone(ground: FaultFixture, name: str) -> None:
    make, code = FAULTS[name]
    (ground.folder / "c.csv").write_text(CLIENTS, encoding="utf-8")
    ground.verb(f"import clients {ground.folder / 'c.csv'}", code=0)
    make(ground)
    found, text = recognised(ground)
    assert code in found, sorted(found)
    leaked = {word for word in personal(ground) if word.casefold() in text.casefold()}
    assert not leaked


def test_a_sound_practice_has_none_of_them(ground: FaultFixture) -> None:
    connected(ground)
    found, _ = recognised(ground)
    assert not found & {code for _, code in FAULTS.values()}, found
