"""The line-by-line console, which draws nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import Inline
from xpm_tui.cli.output import TerminalDialogue
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
    typed += ["2", "n", "i", "1", "q"]  # review: the first later, the second ignored, the third linked
    typed += ["3", "nonsense", "r", "1", "1", "a"]  # the plan: read, unticked and ticked again, applied
    typed += ["4", "x"]
    done = connected("--plain")
    assert "\x1b" not in done.out
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


def test_the_wizard_line_by_line_continues_after_a_refusal(command: Inline, typed: list[str]) -> None:
    typed += ["1", "2", "no address", "q", "q"]
    done = command("--plain")
    for words in (
        "Step 1 of 9: The permission in XPM.", "What you need, and how it is known:",
        f"{BY_NAME['tier'].short}.", "administrator", "Step 3 of 9: Sign in to Xero.",
        "/identity/connect/authorize", "belongs to another sign-in attempt", "y: Yes, with a new address",
    ):  # fmt: skip
        assert words in done.out, (words, done.out)


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
