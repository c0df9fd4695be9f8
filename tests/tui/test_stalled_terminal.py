"""A terminal that accepts no more output, as over a hanging connection: the console can still be ended."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from tests.support.profile import in_soak
from tests.support.pseudo_terminal import Terminal
from tests.tui.test_hang_up import LEAVING, close, hang_up

ROUNDS = 6
"""Number of visits to two areas, which produce more frames and bytes than any queue takes."""


def terminate(terminal: Terminal) -> None:
    """Send the signal of ``kill``."""
    terminal.process.send_signal(signal.SIGTERM)


def leave(terminal: Terminal) -> None:
    """Type without seeing the screen."""
    terminal.type("\x11")


def stalled(terminal: Terminal) -> None:
    """Press keys one after the other; the terminal shows nothing."""
    terminal.takes(False)
    for keys in ("gc", "gs") * ROUNDS:
        terminal.type(keys)
        terminal.rests()
    assert terminal.read() == b""


@pytest.mark.soak
@pytest.mark.parametrize(
    ("lose", "code"), [in_soak(close, 129), in_soak(hang_up, 129), in_soak(terminate, 143), (leave, 0)]
)
def test_it_can_be_ended_while_its_terminal_takes_nothing(
    terminal: Terminal, lose: Callable[[Terminal], None], code: int
) -> None:
    terminal.started()
    stalled(terminal)
    before = terminal.used()
    lose(terminal)
    ended, used = terminal.ended()
    assert ended == code
    assert used - before < LEAVING


@pytest.mark.soak
def test_the_picture_is_whole_once_the_terminal_takes_more(terminal: Terminal) -> None:
    """The screen is sent again afterwards, as if nothing had been lost."""
    terminal.started()
    terminal.type("gc")
    terminal.shows("Ignition no.")
    terminal.read()
    wanted = terminal.text
    stalled(terminal)
    terminal.type("gc")
    terminal.rests()
    terminal.takes(True)
    terminal.shows("Ignition no.")
    terminal.read()
    assert terminal.text == wanted
