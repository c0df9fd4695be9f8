"""Between the console and its terminal: the same picture in fewer bytes, and no wait until it is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from xpm_tui.tui.outlet import Outlet
from xpm_tui.tui.thrift import thrifty

if TYPE_CHECKING:
    from textual.app import App


class CaughtUp(Message):
    """The terminal has taken all that waited: it can be shown what it missed."""


class ConsoleDriver(LinuxDriver):
    """Textual's own for Linux and macOS, with another way out."""

    def __init__(self, app: App[Any], **options: Any) -> None:
        super().__init__(app, **options)
        assert self._file is not None, "there is no console without a terminal"
        self._outlet = Outlet(self._file, lambda: self.send_message(CaughtUp()))

    @property
    def behind(self) -> bool:
        """Whether the terminal takes so little that new pictures should wait for ``CaughtUp``."""
        return self._outlet.behind

    def write(self, data: str) -> None:
        """Send; returns at once."""
        self._outlet.write(thrifty(data))

    def close(self) -> None:
        """Wait for what the terminal still takes."""
        self._outlet.finish()
        super().close()
