"""The line-by-line console, which draws nothing."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import Inline
from xpm_tui.cli import output
from xpm_tui.cli.output import TerminalDialogue
from xpm_tui.commands.command import Result, TextColumn, TextTable
from xpm_tui.diagnostics.connection_requirements import BY_NAME


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Run the console with these lines typed one after the other, then the end of the input."""
    lines: list[str] = []
    reading: list[Iterator[str]] = []

    def next_line(_: TerminalDialogue) -> bytes | None:
        reading[:] = reading or [iter(lines)]
        line = next(reading[0], None)
        return None if line is None else line.encode()

    monkeypatch.setattr(TerminalDialogue, "_next_line", next_line)
    return lines


def test_review_and_plan_line_by_line(connected: Inline, ignition: Path, typed: list[str]) -> None:
    connected("import", "clients", str(ignition), code=1)  # one row has no name
    # review: the first after an invalid answer later, the second ignored, the third linked
    typed += ["2", "no such client", "n", "i", "1", "q"]
    typed += ["3", "nonsense", "r", "1", "1", "a"]  # the plan: read, unticked and ticked again, applied
    typed += ["4", "x"]
    done = connected("--plain")
    assert "\x1b" not in done.out
    assert done.out.count("Client 1 of ") == 2, "it is asked again"
    assert not re.search(r"\b[a-z]+_[a-z]+ \d", done.out), "fields have their labels"
    for words in (
        "to review.", "Client 1 of ", "is ignored and no longer needs a link.", "Which XPM client is it?",
        "What do you want to do with this plan?", "Type r, a, q, or a number from 1 to ",
        ", Link: empty, becomes ", "Change 1 is no longer ticked.", "Change 1 is now ticked.",
        "Type one of: 1, 2, 3, 4, q.",
    ):  # fmt: skip
        assert words in done.out, (words, done.out)
    states = {
        view["name"]: view["link_state"] for view in connected("clients", "list", "--json").json["items"]
    }
    assert "ignored" in states.values()
    assert "linked" in states.values()
    assert connected("runs", "list", "--json").json["items"], "the plan was applied by its command"


def test_read_only_and_without_clients_it_says_so(connected: Inline, typed: list[str]) -> None:
    typed += ["2", "3", "q"]
    done = connected("--plain", "--read-only")
    assert done.out.count("There are no clients from Ignition yet, so there is nothing to compare.") == 2
    assert "This plan was not saved" in done.out


def test_the_wizard_line_by_line_continues_after_a_refusal(command: Inline, typed: list[str]) -> None:
    typed += ["1", "2", "y", "no address", "q", "q"]
    done = command("--plain")
    assert done.out.count("XPM's old screens:") == 2, "how to give the permission, then what to do about it"
    for words in ("Continue?",
        "Step 1 of 9: The permission in XPM.", "What you need, and how it is known:",
        f"{BY_NAME['tier'].short}.", "administrator", "Step 3 of 9: Sign in to Xero.",
        "/identity/connect/authorize", "belongs to another sign-in attempt", "y: Yes, with a new address",
    ):  # fmt: skip
        assert words in done.out, (words, done.out)


def test_its_lines_end_between_words_and_tables_are_read_row_by_row(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(output, "_terminal", lambda _: True)
    monkeypatch.setenv("COLUMNS", "30")
    dialogue = TerminalDialogue(json=False, linear=True)
    address = "http://localhost:8765/callback?code=0123456789&state=0123456789"
    dialogue.data("Exactly one client on each side has this name.")
    dialogue.emit({}, address)
    dialogue.progress("Reading")
    assert capsys.readouterr() == (f"Exactly one client on each\nside has this name.\n{address}\n", "")
    table = TextTable((TextColumn("NO."), TextColumn("NAME"), TextColumn("WHY")), [("1", "Ana Silva", "")])
    assert list(output.lines(Result(table=table), linear=True)) == ["NO. 1, NAME Ana Silva"]


async def test_what_is_said_while_a_question_waits_leaves_the_question_last(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(output, "_terminal", lambda _: True)
    ended = threading.Event()
    monkeypatch.setattr(TerminalDialogue, "_next_line", lambda _: ended.wait(10) and None)
    dialogue = TerminalDialogue(json=False)
    asking = asyncio.create_task(dialogue.line("Address:"))
    await asyncio.sleep(0)
    dialogue.say("That was wrong.")
    assert capsys.readouterr().err == "Address: \nThat was wrong.\nAddress: "
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    dialogue.say("Signed in.")
    assert capsys.readouterr().err == "\nSigned in.\n", "on a line of its own"
    ended.set()


async def test_a_question_that_was_given_up_does_not_swallow_the_next_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A failed sign-in leaves its prompt, and the next line answers the question after it."""
    loop, asked = asyncio.get_running_loop(), asyncio.Event()
    typed: asyncio.Queue[bytes] = asyncio.Queue()

    def next_line(_: TerminalDialogue) -> bytes | None:
        loop.call_soon_threadsafe(asked.set)
        return asyncio.run_coroutine_threadsafe(typed.get(), loop).result(10)

    monkeypatch.setattr(TerminalDialogue, "_next_line", next_line)
    dialogue = TerminalDialogue(json=True)
    given_up = asyncio.create_task(dialogue.line("Address:"))
    await asked.wait()
    given_up.cancel()
    second = asyncio.create_task(dialogue.line("Again?"))
    await asyncio.sleep(0)
    typed.put_nowait(b"y")
    assert await asyncio.wait_for(second, 10) == "y"
