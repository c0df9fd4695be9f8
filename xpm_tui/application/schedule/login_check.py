"""Prove that the login opens where a timer runs.

Run as ``python -m xpm_tui.application.schedule.login_check PRACTICE [HOME]``.

Prints one sentence; ends with 0 when the login is there and can be read, else with the trouble's exit code.
Nothing is sent to Xero.
"""

from __future__ import annotations

import asyncio
import os
import sys

from xpm_tui.application.home import find_home
from xpm_tui.application.practice import OpenPractice, open_practice
from xpm_tui.diagnostics.error_presenter import present
from xpm_tui.domain.errors import AppError, LoginNeeded


async def check_login(practice: OpenPractice) -> str:
    """Read the login; raises ``LoginNeeded`` where there is none, or it cannot be opened."""
    practice.connected()
    async with practice.wire() as wire:
        if wire.tokens.state() != "good":
            raise LoginNeeded("The login is missing, or Xero refused it.", hint="Run: xpm-tui connect")
    return f"The login of {practice.name} works."


def main(arguments: list[str]) -> int:
    """Entry point; gives the exit code."""
    if not arguments:
        print("Name a practice.", file=sys.stderr)
        return 2
    home = find_home(arguments[1] if len(arguments) > 1 else None, os.environ)
    try:
        with open_practice(home, arguments[0], read_only=True) as practice:
            print(asyncio.run(check_login(practice)))
    except AppError as trouble:
        print(present(trouble).short(), file=sys.stderr)
        return trouble.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
