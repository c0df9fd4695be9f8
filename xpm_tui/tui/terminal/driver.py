"""Between the console and its terminal: only what differs is sent, and nobody waits until it is taken."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from textual.drivers.linux_driver import LinuxDriver

from xpm_tui.tui.terminal.async_writer import Outlet
from xpm_tui.tui.terminal.screen_buffer import Picture

if TYPE_CHECKING:
    from textual.app import App

SYNC_START, SYNC_END = "\x1b[?2026h", "\x1b[?2026l"
"""Between these a terminal that knows them shows nothing, then all at once (DEC private mode 2026)."""
_BESIDE = re.compile(
    r"(?:\x1b\[[?<>=][0-9;]*\$?[a-zA-Z]|\x1b\].*?(?:\x07|\x1b\\)|\x1bP.*?\x1b\\|\x07)+", re.DOTALL
)
"""Modes, questions, the clipboard, the bell: nothing of it is in the picture."""
_OTHER_SCREEN = "\x1b[?1049"


class ConsoleDriver(LinuxDriver):
    """Textual's own for Linux and macOS, with another way out. What it is given to write is drawn, and the
    terminal is sent what it does not show yet. One that takes too little misses all pictures but the last."""

    def __init__(self, app: App[Any], **options: Any) -> None:
        super().__init__(app, **options)
        assert self._file is not None, "there is no console without a terminal"
        self._outlet = Outlet(self._file, self._caught_up)
        self._wanted, self._shown = Picture(), Picture()
        self._bracket = ""

    def forget(self) -> None:
        """The terminal may show anything: all of the next picture is sent."""
        self._wanted, self._shown = Picture(), Picture()

    def write(self, data: str) -> None:
        """Show; returns at once."""
        if data in (SYNC_START, SYNC_END):
            self._bracket = SYNC_END if data == SYNC_START else ""
        elif _BESIDE.fullmatch(data):
            if _OTHER_SCREEN in data:
                self.forget()
            self._outlet.write(data)
        elif self._wanted.draw(data):
            self._show()
        else:
            self.forget()
            self._outlet.write(data)

    def _show(self) -> None:
        if self._outlet.behind:
            return
        news = self._wanted.onto(self._shown)
        if news:
            self._outlet.write(f"{SYNC_START}{news}{SYNC_END}" if self._bracket else news)

    def _caught_up(self) -> None:
        self._loop.call_soon_threadsafe(self._show)

    def close(self) -> None:
        """Wait for what the terminal still takes."""
        self._outlet.finish()
        super().close()
