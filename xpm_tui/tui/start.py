"""Starting the console: is there a terminal, open the practice, run, say one sentence at the end."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

HUNG_UP, ENDED = 129, 143
"""Exit codes after SIGHUP and SIGTERM: 128 and the signal's number."""

if TYPE_CHECKING:
    from xpm_tui.service.home import Home
    from xpm_tui.service.practice import OpenPractice


def run_console(
    home: Home,
    practice: str | None = None,
    *,
    person: str = "",
    read_only: bool = False,
    overrides: Mapping[str, str] | None = None,
    mouse: bool = True,
) -> int:
    """Show the console until it is left; gives the exit code.

    Raises ``BadInput`` without a usable terminal, before anything is shown, and what opening the practice
    raises, after the screen was given back.
    """
    from xpm_tui.tui import terminal

    terminal.require_terminal(os.environ)

    gc.disable()  # until the practice is open: ``calm`` looks for garbage again
    try:
        from xpm_tui.tui.acting import SWITCH

        while True:
            code, parting = _one(home, practice, person, read_only, overrides, mouse)
            if code != SWITCH:
                break
            practice = None  # the one that was switched to is the current one
    finally:
        gc.enable()
    if code in (HUNG_UP, ENDED):
        terminal.silence_streams()
    elif parting:
        sys.stdout.write(parting + "\n")
    return code


def _one(
    home: Home,
    name: str | None,
    person: str,
    read_only: bool,
    overrides: Mapping[str, str] | None,
    mouse: bool,
) -> tuple[int, str]:
    from xpm_tui.tui.app import Console
    from xpm_tui.tui.desk import Desk, calm

    def opened() -> OpenPractice:
        from xpm_tui.service.practice import open_practice

        practice = open_practice(home, name, person=person, read_only=read_only, overrides=overrides)
        calm()
        return practice

    desk = Desk(opened)
    try:
        app = Console(desk, guard_terminal=True)
        code = app.run(mouse=mouse)
    finally:
        desk.close()
    if app.failed is not None:
        raise app.failed
    return code or app.return_code or 0, app.parting
