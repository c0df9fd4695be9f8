"""The command line without a console: progress, whole tables, counts, and hints for the first steps."""

from __future__ import annotations

import asyncio
import io
import json
import shlex
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.shell_completion import ShellComplete

from tests.support.moved_clock import MovedClock
from xpm_tui.application.home import find_home
from xpm_tui.application.practice import OpenPractice, PracticeIdentity, open_practice, put
from xpm_tui.cli.console import NoConsole
from xpm_tui.cli.main import build_root, main
from xpm_tui.cli.output import TerminalDialogue
from xpm_tui.cli.output import lines as output_lines
from xpm_tui.cli.runner import _guarded
from xpm_tui.commands import log
from xpm_tui.commands.command import Result, TextColumn, TextTable
from xpm_tui.commands.effects import READING_CALL
from xpm_tui.commands.registry import by_name
from xpm_tui.commands.tables import render
from xpm_tui.domain.errors import AppError, CallsWaiting
from xpm_tui.domain.events import Progress
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import CLIENTS, XPM_CLIENTS
from xpm_tui.domain.xpm import XpmClient


class Listener:
    """A dialogue that records what it is given."""

    interactive = False
    call = READING_CALL

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
        (Progress("apply", 12, 202, 1, 58), 0, "Syncing: 12 of 202, 1 call, 60 s left"),
        (Progress("apply", 12, 202, 1, 204), 0, "Syncing: 12 of 202, 1 call, 3 min left"),
        (Progress("apply", 12, 202, 204, 204), 0, "Syncing: 12 of 202, 204 calls"),
        (Progress("apply", 3, 9), 51, "Syncing: 3 of 9, waits for Xero's limit until "),
    ],
)
async def test_one_line_shows_how_far_a_run_is(
    practice: OpenPractice, reported: Progress, wait: int, shown: str
) -> None:
    dialogue = Listener()
    heard: list[AppError] = []
    practice.on_notice = heard.append
    async with log.following(practice, dialogue, events=False) as report:
        report(reported)
        if wait:
            notice = CallsWaiting("Waiting.")
            notice.until = practice.clock.now() + timedelta(seconds=wait)
            practice.notice(notice)
        await practice.clock.sleep(0.1)
        report(Progress("stop"))
        report(Progress("stop"))
        assert dialogue.said == [log.STOPPING], "a request to stop is acknowledged at once, and once"
    assert len(heard) == bool(wait), "the notice is passed on"
    assert dialogue.shown[0].startswith(shown), dialogue.shown
    assert wait or dialogue.shown[0] == shown


@pytest.mark.parametrize(
    ("json_", "quiet", "seen"), [(False, False, True), (False, True, False), (True, False, False)]
)
def test_progress_is_for_terminals_that_want_it(
    json_: bool, quiet: bool, seen: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("xpm_tui.cli.output._terminal", lambda _: True)
    TerminalDialogue(json=json_, quiet=quiet).progress("Syncing: 3 of 9")
    assert ("Syncing: 3 of 9" in capsys.readouterr().err) is seen


def test_silent_work_shows_its_time_and_that_it_is_stopping(monkeypatch: pytest.MonkeyPatch) -> None:
    """The work keeps the event loop busy, so only a thread can show it."""
    stream = io.StringIO()
    monkeypatch.setattr("xpm_tui.cli.output._terminal", lambda _: True)
    monkeypatch.setattr("xpm_tui.cli.output._SILENT_SECONDS", 0.0)
    monkeypatch.setattr("xpm_tui.cli.output._PROGRESS_SECONDS", 0.001)
    monkeypatch.setattr("sys.stderr", stream)

    def wait_for(text: str) -> None:
        end = time.monotonic() + 10
        while text not in stream.getvalue():
            assert time.monotonic() < end
            time.sleep(0.001)

    async def busy() -> Result:
        wait_for("Bring in clients: ")
        signal.raise_signal(signal.SIGINT)
        wait_for("Stopping: ")
        return Result(lines=["Done."])

    dialogue = TerminalDialogue(json=False)
    with dialogue.elapsed("Bring in clients"):
        done = asyncio.run(_guarded(busy(), False, dialogue))
    assert done.lines == ["Done."], "what was done before it could stop is reported"
    assert stream.getvalue().endswith("\r"), "the line is removed"
    with TerminalDialogue(json=False, quiet=True).elapsed("Bring in clients"):
        assert not any(thread.name == "elapsed" for thread in threading.enumerate())


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


async def test_refused_rows_are_named_and_the_rest_counted(practice: OpenPractice, tmp_path: Path) -> None:
    file = tmp_path / "bad.csv"
    file.write_text("Client ID,Client Name,Contact Name\n" + "".join(f"CLI-{n},,Jo\n" for n in range(1_500)))
    command = by_name("import.clients")
    done: Result = await command.run(practice, command.params(file=str(file)), Listener())
    assert done.error is not None
    assert "1,500 rows" in done.error.message
    assert "2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 1,490 more" in done.error.message


class Home:
    """Runs verbs in one home and returns their outcomes as data."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self._capsys = capsys

    def __call__(self, line: str, code: int = 0) -> dict[str, Any]:
        self._capsys.readouterr()
        assert main(["--home", str(self.root), "--json", *shlex.split(line)]) == code, line
        messages: dict[str, Any] = json.loads(self._capsys.readouterr().out.splitlines()[-1])
        return messages


@pytest.fixture
def home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Home:
    return Home(tmp_path / "home", capsys)


@pytest.mark.parametrize(
    ("line", "there"),
    [
        ("runs resume", {"resumed": False}),
        ("plan list", {"items": [], "count": 0}),
        ("jobs list --state all", {"items": [], "count": 0}),
        ("practices list", {"items": [], "count": 0}),
        ("cases list", {}),
        ("team list", {"items": [], "count": 0}),
        ("templates list", {"items": [], "count": 0}),
        ("settings list", {}),
        ("policy", {}),
    ],
)
def test_lists_are_counted_and_nothing_to_do_is_no_failure(
    home: Home, line: str, there: dict[str, Any]
) -> None:
    messages = home(line)
    assert there.items() <= messages.items()
    assert "items" not in messages or messages["count"] == len(messages["items"])


def test_a_file_comes_by_standard_input(home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "clients.csv"
    file.write_text("Client ID,Client Name\nCLI-7,Totara Joinery Limited\n")
    with file.open() as stream:
        monkeypatch.setattr("sys.stdin", stream)
        assert home("import clients -")["counts"]["new"] == 1


def test_practices_side_by_side_and_one_by_its_name_in_xpm(home: Home) -> None:
    assert home('practices add "Harbour Branch"')["current"] is True
    added = home("practices add Hill")
    assert (added["name"], added["current"]) == ("hill", False)
    assert "already" in home("practices add hill", code=2)["error"]["message"]
    assert home("locate")["current"] == "harbour-branch"
    with open_practice(find_home(str(home.root), {}), "hill", person="mere") as opened:
        known = PracticeIdentity(tenant="t1", title="Hill & Sons Ltd", login="ana@hill.example")
        opened.store.commit([put("identity", known)])
    fresh = {
        "name": "harbour-branch", "xpm_name": "", "connected": False, "last_good": None, "running": "",
        "held": [], "login": "",
    }  # fmt: skip
    hill = {
        **fresh, "name": "hill", "xpm_name": known.title, "connected": True, "login": known.login,
    }  # fmt: skip
    for line in ("practices list", "status --all"):
        shown = [{key: each[key] for key in fresh} for each in home(line)["items"]]
        assert shown == [fresh, hill], line
    (home.root / "config" / "current").unlink()
    assert "none is the current one" in home("status", code=2)["error"]["message"]
    assert len(home("status --all")["items"]) == 2, "the list of all needs no current one"
    assert home("status --practice 'hill & sons ltd'")["folder"] == "hill"
    assert "There are: harbour-branch, hill." in home("status --practice Nobody", code=2)["error"]["hint"]
    assert home('practices switch "Hill & Sons Ltd"')["name"] == "hill"
    assert home("practices add Third --switch")["current"] is True


@pytest.mark.parametrize(
    ("words", "typed", "offered"),
    [
        (["settings", "set", "sync.direction"], "", ["from_xpm", "to_xpm"]),
        (["settings", "set", "sync.daily_push"], "y", ["yes"]),
        (["settings", "set", "notify.hours"], "", []),
        (["settings", "set", "no.such"], "", []),
        (["status", "--set"], "sync.direction=to", ["sync.direction=to_xpm"]),
    ],
)
def test_values_of_settings_are_offered(words: list[str], typed: str, offered: list[str]) -> None:
    complete = ShellComplete(build_root(NoConsole()), {}, "xpm-tui", "_XPM_TUI_COMPLETE")
    assert [item.value for item in complete.get_completions(words, typed)] == offered


def write(practice: OpenPractice, ours: Sequence[str], theirs: Sequence[str]) -> None:
    """Store clients of both sides by name in a practice that counts as connected."""
    practice.store.commit(
        [
            put("identity", PracticeIdentity(tenant="t1", title="Hill & Sons Ltd")),
            *(Put(CLIENTS, Client(id=f"c{n}", name=name)) for n, name in enumerate(ours, 1)),
            *(
                Put(XPM_CLIENTS, XpmClient(uuid=f"{n:08}{UUID[8:]}", name=name))
                for n, name in enumerate(theirs)
            ),
        ]
    )


@pytest.mark.parametrize(
    ("ours", "theirs", "waiting", "planned", "says"),
    [
        ((), (), [], 0, "There are no clients from Ignition yet"),
        ((), ("Totara Joinery Ltd",), [], 0, "xpm-tui clients pick --all"),
        (
            ("Totara Joinery Ltd", "Rimu Ltd"),
            ("Totara Joinery Ltd",),
            ["c2"],
            1,
            "1 client needs your decision",
        ),
        (("Rimu Ltd", "Rimu Ltd"), ("Rimu Ltd",), ["c1", "c2"], 0, "2 clients need your decision"),
        (("Rimu Ltd", "Rimu Limited"), ("Rimu Ltd",), ["c1", "c2"], 0, "2 clients need your decision"),
    ],
)
async def test_the_first_steps_say_what_waits_and_what_the_plan_links(
    practice: OpenPractice,
    ours: Sequence[str],
    theirs: Sequence[str],
    waiting: list[str],
    planned: int,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def filled(_: OpenPractice) -> None:
        """Mark the lists as read."""

    monkeypatch.setattr("xpm_tui.application.runs.xpm_refresh.ensure_mirror", filled)
    write(practice, ours, theirs)

    async def call(name: str, **values: Any) -> Result:
        command = by_name(name)
        result: Result = await command.run(practice, command.params(**values), Listener())
        return result

    review = await call("clients.review")
    assert [item["id"] for item in review.items or ()] == waiting
    assert review.data["planned"] == planned
    status = await call("status")
    assert (status.data["needs_person"], status.data["planned_links"]) == (len(waiting), planned)
    plan = await call("plan", stored=True)
    assert [each["id"] for each in plan.data["people"]] == waiting, "the three agree"
    assert says in " ".join(" ".join(plan.lines).split())
    if planned:
        (view,) = (await call("clients.review", client=("c1",))).items or ()
        assert view["planned"], "named, it is shown, and as planned"
