"""The command line without a console: progress, whole tables, counts, and what the first steps say."""

from __future__ import annotations

import asyncio
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
from xpm_tui.cli.output import lines as output_lines
from xpm_tui.commands import log
from xpm_tui.commands.command import Result, TextColumn, TextTable
from xpm_tui.commands.effects import LOOK
from xpm_tui.commands.registry import by_name
from xpm_tui.commands.tables import render
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


UUID = "0d6f9e0e-6c7b-4f3b-9b0a-3f1f0c1d2e3f"
FOUND = TextTable(
    (
        TextColumn("XPM NO.", whole=True),
        TextColumn("UUID", whole=True, spare=True),
        TextColumn("NAME", name=True),
        TextColumn("STATE"),
        TextColumn("LINKED TO", whole=True),
    ),
    [("1234567", UUID, "Ngaio Street Veterinary Partnership Limited", "archived in XPM", "c12 c13 c14")] * 3,
    most=2,
)


@pytest.mark.parametrize(
    ("width", "there", "cut"),
    [
        (None, ("1234567", UUID, "Partnership Limited", "archived in XPM", "c12 c13 c14"), ()),
        (160, ("1234567", UUID, "Partnership Limited", "archived in XPM", "c12 c13 c14"), ()),
        (80, ("1234567", "Partnership Limited", "arch", "c12 c13 c14"), (UUID, "archived in XPM")),
        (60, ("1234567", "Ngaio Street Veteri", "arc…", "c12 c13 c14"), (UUID, "Limited")),
        (20, ("1234567", "c12 c13 c14"), ("archived",)),
    ],
)
def test_a_pipe_is_never_cut_and_on_a_terminal_names_last(
    width: int | None, there: tuple[str, ...], cut: tuple[str, ...]
) -> None:
    lines = list(render(FOUND, width))
    assert lines[-1] == "and 1 more: --json lists all of them"
    assert len(lines) == 4
    assert all(text in lines[1] for text in there), lines[1]
    assert not any(text in lines[1] for text in cut), lines[1]


def test_the_width_is_that_of_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    for terminal in (True, False):
        monkeypatch.setattr("xpm_tui.cli.output._terminal", lambda _, answer=terminal: answer)
        assert any(UUID in line for line in output_lines(Result(table=FOUND))) is not terminal


def test_refused_rows_are_named_and_the_rest_counted(practice: OpenPractice, tmp_path: Path) -> None:
    file = tmp_path / "bad.csv"
    file.write_text("Client ID,Client Name,Contact Name\n" + "".join(f"CLI-{n},,Jo\n" for n in range(3_000)))
    command = by_name("import.clients")
    done = asyncio.run(command.run(practice, command.params(file=str(file)), Listener()))
    assert done.trouble is not None
    assert "3,000 rows" in done.trouble.message
    assert "2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 2,990 more" in done.trouble.message
