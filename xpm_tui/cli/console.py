"""The interface of the console for the command line, which does not import it, and the global options."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple, Protocol

from xpm_tui.domain.errors import BadInput
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application import home as application_home
    from xpm_tui.cli import plain_mode

if TYPE_CHECKING:
    from xpm_tui.application.home import Home
    from xpm_tui.application.practice import OpenPractice


class Globals(NamedTuple):
    """Values of the global options; an option that was not given is empty."""

    home: str = ""
    practice: str = ""
    json: bool = False
    read_only: bool = False
    person: str = ""
    settings: Mapping[str, str] = {}
    plain: bool = False
    quiet: bool = False
    fields: tuple[str, ...] = ()


class ConsoleLauncher(Protocol):
    """Starts the full-screen console; the program's entry point provides it."""

    def require_terminal(self) -> None:
        """Check that the console can be shown.

        Raises:
            BadInput: There is no terminal, or a dumb one.
        """

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
        """Show the console until it is left; return the exit code.

        ``opener`` opens something other than the practice of this name, such as a support bundle.
        """


class NoConsole:
    """Replaces the console where only verbs are needed."""

    def require_terminal(self) -> None:
        """Raise ``BadInput``."""
        raise BadInput("The console cannot be opened here.", hint="Use a command: xpm-tui --help")

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
        """Raise ``BadInput``."""
        self.require_terminal()
        return 2


def open_console(console: ConsoleLauncher, given: Globals) -> int:
    """Show the console of the given practice, or the line-by-line console; return the exit code."""
    if given.plain:
        return plain_mode.open_plain(given)
    console.require_terminal()
    return console.open(
        application_home.find_home(given.home or None, os.environ),
        given.practice or None,
        person=application_home.person(given.person or None, os.environ),
        read_only=given.read_only,
        overrides=given.settings,
    )
