"""Starting the console: is there a terminal, open the practice, run, say one sentence at the end."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

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

    from xpm_tui.service.practice import open_practice
    from xpm_tui.tui.app import Console
    from xpm_tui.tui.desk import Desk

    desk = Desk(
        lambda: open_practice(home, practice, person=person, read_only=read_only, overrides=overrides)
    )
    desk.open()
    try:
        app = Console(desk, guard_terminal=True)
        code = app.run(mouse=mouse)
    finally:
        desk.close()
    if code in (129, 143):
        terminal.silence_streams()
        return code
    if app.parting:
        sys.stdout.write(app.parting + "\n")
    return app.return_code or code or 0
