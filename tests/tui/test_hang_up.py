"""Consoles as separate processes: the terminal hangs up, a run continues, and a colleague watches it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.application.test_processes import practice, ready, sandbox
from tests.support.profile import in_soak
from tests.support.pseudo_terminal import Terminal, console, fed_by
from tests.support.sandbox_process import SandboxProcess
from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.runs import history

__all__ = ["practice", "sandbox"]

LEAVING = 1.5
"""Processor seconds that a console may use between the loss of its terminal and its end."""


def close(terminal: Terminal) -> None:
    """Close the other end of the pty, as a lost connection does; the kernel reports it."""
    os.close(terminal.master)
    terminal.master = os.open(os.devnull, os.O_RDONLY)


def hang_up(terminal: Terminal) -> None:
    """Send only the signal; the pty stays open."""
    terminal.process.send_signal(signal.SIGHUP)


@pytest.mark.parametrize("lose", [close, in_soak(hang_up)])
def test_without_its_terminal_it_ends_and_does_not_spin(
    terminal: Terminal, lose: Callable[[Terminal], None]
) -> None:
    terminal.started()
    before = terminal.used()
    lose(terminal)
    code, used = terminal.ended()
    assert code == 129
    assert used - before < LEAVING


@pytest.mark.soak
def test_with_its_input_gone_and_its_output_there_it_ends_and_does_not_spin(home: Path) -> None:
    """Run it under another controlling terminal, so that only its input ends and no signal is sent."""
    terminal, typed = fed_by(home)
    try:
        terminal.started()
        before = terminal.used()
        os.close(typed)
        code, used = terminal.ended()
        assert code == 129
        assert used - before < LEAVING
    finally:
        terminal.close()


@pytest.fixture
def consoles(practice: OpenPractice) -> Iterator[Callable[[str], Terminal]]:
    """Opens consoles over the practice of the sandbox, as the named user."""
    opened: list[Terminal] = []

    def make(name: str) -> Terminal:
        assert practice.home.root is not None
        opened.append(console(practice.home.root, "--as", name))
        opened[-1].started()
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def begin(first: Terminal, before_the_answer: Callable[[], object]) -> None:
    """Plan and apply with keys; in between, XPM is slowed down so that no run ends early."""
    first.type("s")
    first.shows("Back")
    first.type("a")
    first.shows(" changes?")
    before_the_answer()
    first.type("y")


@pytest.mark.soak
async def test_a_run_outlives_the_console_that_began_it_and_a_colleague_sees_it(
    practice: OpenPractice, sandbox: SandboxProcess, consoles: Callable[[str], Terminal]
) -> None:
    total = await ready(practice, sandbox, slow=0)
    first, second = consoles("ana"), consoles("bert")
    begin(first, lambda: sandbox.control("POST", "switches", {"latency": 2}))
    second.shows("◷ run")
    second.shows(" ana")
    going = history.current_run(practice)
    assert going is not None
    assert going.by == "ana"
    second.type("gs")
    second.shows(f"Run {going.id}: ▶ Running   Ignition ▸ XPM · Everything")
    second.shows(" by ana on ")
    second.shows(f" of {total} record")
    close(first)
    assert first.ended()[0] == 129
    left = history.current_run(practice)
    assert left is not None, "the hang-up came while the run went on"
    assert left.id == going.id
    sandbox.control("POST", "switches", {"latency": 0})
    second.shows(f"Run {going.id}: ✓ Done")
    made = history.find_run(practice, going.id)
    assert (made.outcome, made.done) == ("done", total)
    third = consoles("cleo")
    third.type("\x1b[Z\r")  # from the next step back to the last of the lists: the runs
    third.shows(f"Run {going.id}: ✓ Done   Ignition ▸ XPM · Everything")
    third.shows(" by ana on ")
