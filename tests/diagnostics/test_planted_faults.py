"""A planted fault is recognised from a masked bundle alone, by its code, and the bundle contains no name."""

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
from xpm_tui.application.timer import Scheduler, Timer
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


def used_up(env: FaultFixture) -> None:
    fault("429-day", "client.api/list", seconds=7200)(env)
    env.verb("plan --json")


def unfinished_import(env: FaultFixture) -> None:
    env.run(env.connect())
    row = Import(id="m9", at=env.clock.now(), file="clients of Ria.csv", state="begun")
    env.practice.store.commit([Put(IMPORTS, row)])


def template_deleted(env: FaultFixture) -> None:
    """As the next refresh of XPM's lists leaves it."""
    env.run(env.connect())
    env.verb("services new Accounts", code=0)
    env.verb('templates link s1 "Annual Accounts"', code=0)
    practice = env.practice
    rows = [row for row in practice.snapshot().rows(TEMPLATES) if row.name == "Annual Accounts"]
    practice.store.commit([Put(TEMPLATES, msgspec.structs.replace(row, gone=True)) for row in rows])


def held_run(env: FaultFixture) -> None:
    many_changes(env)
    env.verb("sync --yes --json", code=4)


def broken_proxy(env: FaultFixture) -> None:
    env.run(env.connect())
    env.command.environ["HTTPS_PROXY"] = "http://ria:proxy-password-7719@[broken"


def no_timer(scheduler: Scheduler) -> Timer:
    raise NotFound("There is neither systemd nor cron here.")


def no_schedule(env: FaultFixture) -> None:
    env.run(env.connect())
    env.patch.setattr(Scheduler, "show", no_timer)
    env.patch.setattr(doctor, "timer_facts", probe_facts.timer_facts)


def schedule_removed(env: FaultFixture) -> None:
    env.run(env.connect())

    async def removed(practice: Any) -> TimerFacts:
        return TimerFacts(kind="cron", installed=False)

    env.patch.setattr(doctor, "timer_facts", removed)


def failed_file(env: FaultFixture) -> None:
    env.run(env.connect())
    folder = env.folder / "in"
    env.verb(f"inbox setup {folder}", code=0)
    (folder / "ria-poe-hunt.json").write_text('{"event": "client.changed", "name": "Ria Poe-Hunt"')
    for name in ("settle", "patience"):
        env.verb(f"settings set inbox.{name}_seconds 0", code=0)
    env.verb("inbox run --json", code=None)


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
def env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultFixture]:
    made = FaultFixture(tmp_path, monkeypatch)

    async def installed(practice: Any) -> TimerFacts:
        return TimerFacts(kind="cron", installed=True)

    monkeypatch.setattr(doctor, "timer_facts", installed)
    yield made
    made.close()


def recognised(env: FaultFixture) -> tuple[set[str], str]:
    """What a bundle says by code, to someone who has nothing else, and all of its text."""
    bundle = env.folder / "support.zip"
    env.disk_is_full = False  # a bundle goes where there is room
    env.verb(f"doctor --json --bundle {bundle}")
    environ = {**env.command.environ, "HOME": str(env.folder / "support")}
    done = type(env.command)(env.folder / "elsewhere", environ)("open", str(bundle), "--json", code=None)
    answer = done.json
    found = {each["code"] for each in answer["status"]["problems"]}
    found |= {str(each["case"]) for each in answer["probes"] if each["verdict"] in ("note", "trouble")}
    found |= {each["state"] for each in answer["conditions"]}
    with zipfile.ZipFile(bundle) as archive:
        parts = [archive.read(name).decode() for name in archive.namelist()]
    return found, "\n".join([*parts, done.out])


def personal(env: FaultFixture) -> Iterator[str]:
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
    for row in env.sandbox.practice.clients.values():
        yield row.name
        yield from (each for each in (row.email, row.phone) if each and len(each) > 5)
    saved = saved_login(of_practice(env.practice), env.practice.name)
    for secret in (saved.access, saved.refresh) if saved is not None else ():
        yield secret.reveal()


@pytest.mark.parametrize("name", spread(FAULTS, 4))
def test_it_is_recognised_from_a_bundle_alone(env: FaultFixture, name: str) -> None:
    make, code = FAULTS[name]
    (env.folder / "c.csv").write_text(CLIENTS, encoding="utf-8")
    env.verb(f"import clients {env.folder / 'c.csv'}", code=0)
    make(env)
    found, text = recognised(env)
    assert code in found, sorted(found)
    leaked = {word for word in personal(env) if word.casefold() in text.casefold()}
    assert not leaked


def test_a_sound_practice_has_none_of_them(env: FaultFixture) -> None:
    connected(env)
    found, _ = recognised(env)
    assert not found & {code for _, code in FAULTS.values()}, found
