"""The requirements of a connection: each is checked by what shows it, and all places agree."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.application.fixtures import PracticeFixture
from xpm_tui.application.status.requirement_check import check_requirements
from xpm_tui.cli.output import TerminalDialogue
from xpm_tui.commands.connection import Connect, connect
from xpm_tui.commands.effects import Effect, admit, effect_of
from xpm_tui.commands.registry import by_name
from xpm_tui.diagnostics.connection_requirements import REQUIREMENTS
from xpm_tui.domain.ports import Put
from xpm_tui.domain.runs import Run
from xpm_tui.domain.tables import RUNS
from xpm_tui.tui.wizard.required_steps import requirement_lines

PAGE = Path(__file__).parents[2] / "docs" / "requirements.md"
PARAMS = Connect(check=True)


@pytest.fixture
def env(tmp_path: Path) -> Iterator[PracticeFixture]:
    made = PracticeFixture(tmp_path, clients=12)
    yield made
    made.close()


async def marks(env: PracticeFixture) -> tuple[dict[str, Any], int]:
    dialogue = TerminalDialogue(json=True, call=admit(by_name("connect"), PARAMS, read_only=True))
    result = await connect(env.practice, PARAMS, dialogue)
    assert result.items is not None
    return {str(each["name"]): (each["mark"], each["met"]) for each in result.items}, result.exit_code


async def test_each_requirement_is_marked_by_what_shows_it(
    env: PracticeFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert effect_of(by_name("connect"), PARAMS) is Effect.LOOKS
    found, code = await marks(env)
    assert found["permission"] == found["exemption"] == ("unknown", None)
    assert found["tier"] == found["multi-factor"] == found["calls"] == ("assumed", None)
    assert (found["app"], code) == (("assumed", None), 0)
    await env.connect()
    found, code = await marks(env)
    assert found["permission"] == found["scopes"] == found["calls"] == ("checked", True)
    assert (found["tier"], code) == (("assumed", None), 0)  # a sandbox asks for none
    monkeypatch.setattr(type(env.practice), "sandbox", False)
    assert (await marks(env))[0]["tier"] == ("checked", True)
    now = env.clock.now()
    refused = Run(
        id="r9",
        started=now,
        ended=now,
        by="mere",
        plan="p1",
        pid=1,
        outcome="failed",
        case="api-not-open",
        exit_code=3,
    )
    env.practice.store.commit([Put(RUNS, refused)])
    found, code = await marks(env)
    assert (found["tier"], found["approval"], code) == (("checked", False), ("checked", False), 3)


def test_page_and_wizard_say_the_same(env: PracticeFixture) -> None:
    page = PAGE.read_text(encoding="utf-8")
    shown = str(requirement_lines(check_requirements(env.practice)))
    for each in REQUIREMENTS:
        assert each.short in shown
        assert f"## {each.title}\n\n{each.text}" in page
