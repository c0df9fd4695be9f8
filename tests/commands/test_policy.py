"""The policy as users see it, and the question before a setting changes the next plan."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from tests.support.moved_clock import MovedClock
from tests.tui.fixtures import ConsoleFixture
from xpm_tui.application.home import find_home
from xpm_tui.application.practice import OpenPractice, open_practice
from xpm_tui.application.runs import plans
from xpm_tui.application.runs.xpm_refresh import refresh
from xpm_tui.commands.command import Dialogue, ListParams
from xpm_tui.commands.effects import AdmittedCall, Effect
from xpm_tui.commands.registry import by_name
from xpm_tui.commands.settings import SetPolicy, SetSetting, SwitchFields, UnsetSetting, show
from xpm_tui.domain.links import Freeze, Link
from xpm_tui.domain.ports import Drop, Put
from xpm_tui.domain.tables import FREEZES, LINKS, META


async def test_the_table_reports_switched_off_and_frozen_fields(tmp_path: Path) -> None:
    with open_practice(
        find_home(str(tmp_path), {}),
        person="mere",
        environ={},
        clock=MovedClock(),
        overrides={"sync.off": "website, fax", "sync.direction": "from_xpm"},
    ) as practice:
        frozen = Freeze(id="c1/phone", client="c1", field="phone", at=datetime(2026, 5, 4, tzinfo=UTC))
        practice.store.commit([Put(FREEZES, frozen)])
        reported = await show(practice, ListParams(), cast(Dialogue, None))
    assert reported.items is not None
    rows = {item["field"]: item for item in reported.items}
    assert rows["website"]["off"]
    assert not rows["website"]["carried"]
    assert rows["name"]["carried"]
    assert rows["phone"]["frozen"] == 1
    assert rows["structure"]["from_xpm"] == {"creation": True, "ongoing": False}
    assert rows["groups"]["to_xpm"] == {"creation": False, "ongoing": False}


class Answering:
    """A user at a terminal who answers every question the same way."""

    interactive = True

    def __init__(self, answer: bool, *, agreed: bool = False) -> None:
        self.call = AdmittedCall(Effect.WRITES_HERE, agreed=agreed)
        self.answer = answer
        self.said: list[str] = []

    def say(self, sentence: str) -> None:
        self.said.append(sentence)

    async def confirm(self, question: str, *, default: bool = False, button: str = "") -> bool:
        self.said.append(question)
        return self.answer


ASKED = [
    ("policy.set", SetPolicy(direction="to_xpm"), "Direction: From XPM → To XPM"),
    ("settings.set", SetSetting(key="sync.direction", value="to_xpm"), "Direction: From XPM → To XPM"),
    ("settings.set", SetSetting(key="sync.level", value="nothing"), "What to sync: Everything → Nothing"),
    ("settings.unset", UnsetSetting(key="sync.off"), "Switched on again: Website"),
    ("policy.off", SwitchFields(field=("phone",)), "Switched off: Phone"),
    ("policy.on", SwitchFields(field=("website",)), "Switched on again: Website"),
]


@pytest.fixture
async def practice(tmp_path: Path) -> Any:
    env = ConsoleFixture(tmp_path)
    with env.open() as opened:
        await refresh(opened, full=True)
        opened.settings.set("sync.off", "website", practice=True)
        yield opened


@pytest.mark.parametrize(("name", "params", "says"), ASKED)
async def test_it_is_saved_only_after_the_first_plan_was_shown(
    practice: OpenPractice, name: str, params: Any, says: str
) -> None:
    before, run = practice.policy(), by_name(name).run
    dialogue: Any = Answering(False)
    assert (await run(practice, params, dialogue)).declined
    assert practice.policy() == before
    assert dialogue.said[0] == says
    assert dialogue.said[-1] == "Save this change?"
    reported = " ".join(dialogue.said)
    await run(practice, params, Answering(True))  # type: ignore[arg-type]
    assert practice.policy() != before
    made = await plans.make(practice, refresh=False)
    items = made.counts.get("items", 0)
    numbers = f"have {items:,} change" if items else "Nothing to change"
    assert numbers in reported, "what was shown is what the plan then has"


async def test_without_a_connection_it_asks_once_clients_are_linked(practice: OpenPractice) -> None:
    practice.store.commit([Drop(META, "identity")])
    params, run = SetPolicy(direction="to_xpm"), by_name("policy.set").run
    practice.store.commit([Put(LINKS, Link(id="c1", uuid="u1"))])
    dialogue: Any = Answering(False)
    assert (await run(practice, params, dialogue)).declined
    assert "Direction: From XPM → To XPM" in dialogue.said
    assert any("is not connected" in line for line in dialogue.said)
    practice.store.commit([Drop(LINKS, id_) for id_ in practice.snapshot().ids(LINKS)])
    assert not (await run(practice, params, Answering(False))).declined  # type: ignore[arg-type]


async def test_what_changes_no_plan_asks_nothing(practice: OpenPractice) -> None:
    for key, value in (("sync.direction", "from_xpm"), ("log.level", "debug")):
        dialogue: Any = Answering(False)
        assert not (
            await by_name("settings.set").run(practice, SetSetting(key=key, value=value), dialogue)
        ).declined
        assert dialogue.said == []
    agreed: Any = Answering(False, agreed=True)
    assert not (await by_name("policy.set").run(practice, SetPolicy(direction="to_xpm"), agreed)).declined
    assert agreed.said == []
