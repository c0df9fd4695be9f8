"""Starting the console: is there a terminal, open the practice, run, say one sentence at the end."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

HUNG_UP, ENDED = 129, 143
"""Exit codes after SIGHUP and SIGTERM: 128 and the signal's number."""

if TYPE_CHECKING:
    from xpm_tui.service.home import Home


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

    Raises ``BadInput`` without a usable terminal, before anything is opened, and what opening the practice
    raises.
    """
    from xpm_tui.tui import terminal

    terminal.require_terminal(os.environ)

    from xpm_tui.tui.app import SWITCH

    while True:
        code, parting = _one(home, practice, person, read_only, overrides, mouse)
        if code != SWITCH:
            break
        practice = None  # the one that was switched to is the current one
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
    from xpm_tui.service.practice import open_practice
    from xpm_tui.tui.app import Console
    from xpm_tui.tui.desk import Desk

    desk = Desk(lambda: open_practice(home, name, person=person, read_only=read_only, overrides=overrides))
    desk.open()
    try:
        app = Console(desk, guard_terminal=True)
        code = app.run(mouse=mouse)
    finally:
        desk.close()
    return code or app.return_code or 0, app.parting
