"""The command line without a console: progress, whole tables, counts, and what the first steps say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.moved_clock import MovedClock
from xpm_tui.application.home import find_home
from xpm_tui.application.practice import OpenPractice, open_practice
from xpm_tui.application.progress import Progress
from xpm_tui.cli.output import TerminalDialogue
from xpm_tui.commands import log
from xpm_tui.commands.effects import LOOK
from xpm_tui.domain.errors import CallsWaiting


class Listener:
    """Talk that keeps what it is given."""

    interactive = False
    call = LOOK

    def __init__(self) -> None:
        self.said: list[str] = []
        self.shown: list[str] = []

    def say(self, sentence: str) -> None:
        self.said.append(sentence)

    def progress(self, sentence: str) -> None:
        self.shown.append(sentence)

    def emit(self, item: Mapping[str, Any], line: str = "") -> None:
        pass

    async def confirm(self, question: str, *, default: bool = False, button: str = "") -> bool | None:
        return None

    async def line(self, prompt: str) -> str | None:
        return None


@pytest.fixture
def practice(tmp_path: Path) -> Iterator[OpenPractice]:
    home = find_home(str(tmp_path / "home"), {})
    with open_practice(home, person="mere", environ={}, clock=MovedClock()) as opened:
        yield opened


@pytest.mark.parametrize(
    ("reported", "wait", "shown"),
    [
        (Progress("lists"), 0, "Reading clients from XPM"),
        (Progress("lists", 1_200), 0, "Reading clients from XPM: 1,200"),
        (Progress("plan"), 0, "Comparing both sides"),
        (Progress("apply", 12, 202, 1, 58), 0, "Syncing: 12 of 202, 1 call, about 60 s left"),
        (Progress("apply", 12, 202, 1, 204), 0, "Syncing: 12 of 202, 1 call, about 3 min left"),
        (Progress("apply", 12, 202, 204, 204), 0, "Syncing: 12 of 202, 204 calls"),
        (Progress("apply", 3, 9), 51, "Syncing: 3 of 9, waits for Xero's limit until "),
    ],
)
async def test_one_line_shows_how_far_a_run_is(
    practice: OpenPractice, reported: Progress, wait: int, shown: str
) -> None:
    talk, heard = Listener(), []
    practice.on_notice = heard.append
    async with log.following(practice, talk, events=False) as report:
        report(reported)
        if wait:
            notice = CallsWaiting("Waiting.")
            notice.until = practice.clock.now() + timedelta(seconds=wait)
            practice.notice(notice)
        await practice.clock.sleep(0.1)
        report(Progress("stop"))
        report(Progress("stop"))
        assert talk.said == [log.STOPPING], "a request to stop is acknowledged at once, and once"
    assert len(heard) == bool(wait), "the notice is passed on"
    assert talk.shown[0].startswith(shown), talk.shown
    assert wait or talk.shown[0] == shown


@pytest.mark.parametrize(("options", "seen"), [({}, True), ({"quiet": True}, False), ({"json": True}, False)])
def test_progress_is_for_terminals_that_want_it(
    options: dict[str, bool], seen: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("xpm_tui.cli.output._terminal", lambda _: True)
    TerminalDialogue(**{"json": False, **options}).progress("Syncing: 3 of 9")
    assert ("Syncing: 3 of 9" in capsys.readouterr().err) is seen
