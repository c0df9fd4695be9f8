"""``python -m xpm_tui`` and the ``xpm-tui`` command."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from xpm_tui import VERSION_LINE

if TYPE_CHECKING:
    from xpm_tui.application.home import Home
    from xpm_tui.application.practice import OpenPractice


class LazyConsole:
    """The full-screen console, loaded when it is asked for."""

    def require_terminal(self) -> None:
        """Raise ``BadInput`` if it cannot be shown."""
        from xpm_tui.tui.terminal import driver

        driver.require_terminal(os.environ)

    def open(
        self,
        home: Home,
        practice: str | None = None,
        *,
        person: str = "",
        read_only: bool = False,
        overrides: Mapping[str, str] | None = None,
        opener: Callable[[], OpenPractice] | None = None,
    ) -> int:
        """Show it until the user leaves it; return the exit code."""
        from xpm_tui.tui.start import run_console

        return run_console(
            home, practice, person=person, read_only=read_only, overrides=overrides, opener=opener
        )


def fill_standard_streams() -> None:
    """Open the null device for each of the descriptors 0, 1 and 2 that is closed.

    Otherwise the next file that is opened, such as the store's log, would be given that number, and whatever
    reads or writes a standard stream would read or write that file.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _print_version() -> bool:
    """Print the version without loading anything else; return False if it cannot be written."""
    try:
        print(VERSION_LINE, flush=True)
    except (OSError, ValueError):
        return False
    return True


def main() -> None:
    """Run the command line and leave with its exit code."""
    fill_standard_streams()
    if sys.argv[1:] == ["--version"] and _print_version():
        return
    # Hardly any object becomes garbage while the program loads, and collections would take an eighth of the
    # time to the first frame. They begin when the verbs are loaded, or when the console's practice is open.
    gc.disable()
    # Until then there is nothing to clean up either, so Ctrl-C ends the program at once, without a traceback.
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from xpm_tui.cli.main import main as run

    signal.signal(signal.SIGINT, handler)
    sys.exit(run(console=LazyConsole()))


if __name__ == "__main__":
    main()
