"""Between the console and its terminal: only what differs is sent, and nobody waits until it is taken."""

from __future__ import annotations

import os
import re
import select
from typing import TYPE_CHECKING, Any

from textual.drivers.linux_driver import LinuxDriver

from xpm_tui.lazy import lazy_imports
from xpm_tui.tui.terminal.async_writer import AsyncWriter
from xpm_tui.tui.terminal.input_decoder import InputDecoder
from xpm_tui.tui.terminal.screen_buffer import ScreenBuffer

with lazy_imports():
    from xpm_tui.tui.terminal import ascii_glyphs

if TYPE_CHECKING:
    from textual.app import App

    from xpm_tui.tui.terminal.ascii_glyphs import AsciiGlyphs

SYNC_START, SYNC_END = "\x1b[?2026h", "\x1b[?2026l"
"""Between these a terminal that knows them shows nothing, then all at once (DEC private mode 2026)."""
_BESIDE = re.compile(
    r"(?:\x1b\[[?<>=][0-9;]*\$?[a-zA-Z]|\x1b\].*?(?:\x07|\x1b\\)|\x1bP.*?\x1b\\|\x07)+", re.DOTALL
)
"""Modes, questions, the clipboard, the bell: nothing of it is in the picture."""
_OTHER_SCREEN = "\x1b[?1049"
_TURN = 0.1
"""Seconds between two looks whether keys must no longer wait for more bytes, and whether to end."""


class ConsoleDriver(LinuxDriver):
    """Textual's driver for Linux and macOS with another output.

    What is written is drawn into a buffer, and the terminal is sent only what it does not show yet. A
    terminal that reads too slowly skips all frames but the last.
    """

    def __init__(self, app: App[Any], **options: Any) -> None:
        super().__init__(app, **options)
        assert self._file is not None, "there is no console without a terminal"
        self._writer = AsyncWriter(self._file, self._caught_up)
        self._wanted, self._shown = ScreenBuffer(), ScreenBuffer()
        self._bracket = ""
        self._glyphs: AsciiGlyphs | None = None
        self._cursor = False
        self.use_glyphs("auto")

    def use_glyphs(self, wanted: str) -> None:
        """Send signs as they are (``unicode``), as ASCII (``ascii``), or as the encoding allows."""
        encoding = self._file.encoding if self._file is not None else ""
        utf8 = encoding.replace("-", "").lower().startswith("utf")
        ascii_only = wanted == "ascii" or (wanted != "unicode" and not utf8)
        if ascii_only != (self._glyphs is not None):
            self._glyphs = ascii_glyphs.AsciiGlyphs() if ascii_only else None
            self.forget()

    def show_cursor(self, wanted: bool) -> None:
        """Show the terminal's own cursor, or hide it; it rests on what has the focus either way."""
        if wanted != self._cursor:
            self._cursor = wanted
            self.write("\x1b[?25h" if wanted else "\x1b[?25l")

    def start_application_mode(self) -> None:
        """Take over the terminal, at first and after a suspension."""
        super().start_application_mode()  # type: ignore[no-untyped-call]
        if self._cursor:
            self.write("\x1b[?25h")

    def _sigcont_application(self, *_: object) -> None:
        """Take the terminal over again after a suspension only, else draw.

        With a hang-up, the kernel sends SIGCONT to a console that was not stopped. Stock Textual starts its
        threads a second time then, and the console never ends.
        """
        if self._must_signal_resume:
            super()._sigcont_application()
        else:
            self._loop.call_soon_threadsafe(self._draw_again)

    def _draw_again(self) -> None:
        self.forget()
        self._app.refresh()

    def forget(self) -> None:
        """The terminal may show anything: all of the next picture is sent."""
        self._wanted, self._shown = ScreenBuffer(), ScreenBuffer()

    def write(self, data: str) -> None:
        """Show; returns at once."""
        if self._glyphs is not None:
            data = data.translate(self._glyphs)
        if data in (SYNC_START, SYNC_END):
            self._bracket = SYNC_END if data == SYNC_START else ""
        elif _BESIDE.fullmatch(data):
            if _OTHER_SCREEN in data:
                self.forget()
            self._writer.write(data)
        elif self._wanted.draw(data):
            self._show()
        else:
            self.forget()
            self._writer.write(data)

    def _show(self) -> None:
        if self._writer.behind:
            return
        news = self._wanted.onto(self._shown)
        if news:
            self._writer.write(f"{SYNC_START}{news}{SYNC_END}" if self._bracket else news)

    def _caught_up(self) -> None:
        self._loop.call_soon_threadsafe(self._show)

    def run_input_thread(self) -> None:
        """Read keys until the console ends. Whatever bytes come, neither it nor the console ends by them."""
        decoder = InputDecoder(debug=self._debug)
        while not self.exit_event.is_set():
            if select.select([self.fileno], [], [], _TURN)[0]:
                try:
                    data = os.read(self.fileno, 4096)
                except OSError:
                    data = b""
                if not data:  # the terminal is gone, which the console notices by itself
                    self.exit_event.wait(_TURN)
                for message in decoder.feed(data):
                    self.process_message(message)
            for message in decoder.tick():
                self.process_message(message)

    def _run_input_thread(self) -> None:
        """Stock Textual prints a traceback and ends as if all were well: this is an error like any other."""
        try:
            self.run_input_thread()
        except Exception as error:
            self._app.call_later(self._app._handle_exception, error)

    def close(self) -> None:
        """Wait for what the terminal still takes."""
        self._writer.finish()
        super().close()
