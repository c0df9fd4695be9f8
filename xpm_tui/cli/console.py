"""The console, opened from the command line."""

from __future__ import annotations

import os

from xpm_tui.cli.options import Globals


def open_console(given: Globals) -> int:
    """Show the console until it is left; gives the exit code. Raises ``BadInput`` without a terminal."""
    from xpm_tui.service.home import find_home, person
    from xpm_tui.tui.start import run_console

    return run_console(
        find_home(given.home or None, os.environ),
        given.practice or None,
        person=person(given.person or None, os.environ),
        read_only=given.read_only,
        overrides=given.settings,
    )
