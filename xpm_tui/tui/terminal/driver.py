"""The Textual driver of the console, and everything else about its terminal.

The driver sends only the cells that differ, from a thread of its own. Otherwise a hanging connection would
block the console in the middle of a frame, and keys, SIGTERM and SIGHUP would not be handled.

The functions below it find out whether a terminal can show the console, whether it has hung up, and what it
can copy. The tables at the end replace symbols by ASCII for terminals, braille displays and fonts that lack
them. Each symbol is replaced by one character of the same width, so the layout does not change; letters stay
as they are, because names are data.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import re
import select
import signal
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Mapping
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any, TextIO

from textual.drivers.linux_driver import LinuxDriver

from xpm_tui.domain.errors import BadInput, CaseId
from xpm_tui.domain.formatting import cells
from xpm_tui.tui.terminal.input_decoder import InputDecoder
from xpm_tui.tui.terminal.screen_buffer import ScreenBuffer

if TYPE_CHECKING:
    from textual.app import App


QUEUE_BYTES = 32_768
"""The most bytes in the queue. Sending more would take longer than sending a whole new frame."""
WRITE_BYTES = 2_048
"""Bytes that are written to the terminal at once."""
FINISH_SECONDS = 2.0
"""Seconds in which the terminal must accept some bytes while the console waits for it at the end."""


class AsyncWriter:
    """Sends text in order, from a thread of its own. Once the terminal is gone, text is discarded."""

    def __init__(self, file: TextIO, caught_up: Callable[[], None]) -> None:
        """Create the writer.

        Args:
            file: The terminal.
            caught_up: Called on the writer's thread when a queue that was too long has become empty.
        """
        self._file = file
        self._caught_up = caught_up
        self._changed = Condition()
        self._pieces: list[bytes] = []
        self._waiting = self._sent = 0
        self._behind = self._gone = False
        self._thread: Thread | None = None

    @property
    def behind(self) -> bool:
        """Whether the queue was too long and is not yet empty; new frames should then be skipped."""
        return self._behind

    def write(self, text: str) -> None:
        """Queue a text; returns at once."""
        data = text.encode(self._file.encoding, self._file.errors or "replace")
        with self._changed:
            if self._gone or not data:
                return
            self._pieces.append(data)
            self._waiting += len(data)
            self._behind = self._behind or self._waiting > QUEUE_BYTES
            self._changed.notify_all()
            if self._thread is None:
                self._thread = Thread(target=self._run, name="terminal", daemon=True)
                self._thread.start()

    def finish(self) -> None:
        """Wait until everything is sent, or until the terminal accepts nothing for ``FINISH_SECONDS``."""
        with self._changed:
            self._behind = False  # nothing needs to be called back any more
            while self._waiting:
                before = self._sent
                if not self._changed.wait(FINISH_SECONDS) and self._sent == before:
                    return

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._pieces)
                data, self._pieces = b"".join(self._pieces), []
            while data:
                try:
                    sent = os.write(self._file.fileno(), data[:WRITE_BYTES])
                except BlockingIOError:  # another process that shares the terminal made it non-blocking
                    select.select([], [self._file], [])
                    continue
                except (OSError, ValueError):
                    sent, self._gone = len(data), True
                data = data[sent:]
                self._count(sent)
            if self._gone:
                return

    def _count(self, sent: int) -> None:
        with self._changed:
            if self._gone:
                self._pieces, sent = [], self._waiting
            self._waiting -= sent
            self._sent += sent
            caught_up = self._behind and not self._waiting
            self._behind = self._behind and not caught_up
            self._changed.notify_all()
        if caught_up and not self._gone:
            self._caught_up()


SYNC_START, SYNC_END = "\x1b[?2026h", "\x1b[?2026l"
"""The start and end of synchronised output (DEC private mode 2026), which shows a frame at once."""
_NOT_DRAWN = re.compile(
    r"(?:\x1b\[[?<>=][0-9;]*\$?[a-zA-Z]|\x1b\].*?(?:\x07|\x1b\\)|\x1bP.*?\x1b\\|\x07)+", re.DOTALL
)
"""Modes, queries, the clipboard and the bell, which do not change the contents of the screen."""
_ALTERNATE_SCREEN = "\x1b[?1049"
_INPUT_SECONDS = 0.1
"""Seconds between two checks whether incomplete key sequences have timed out, and whether to end."""


class ConsoleDriver(LinuxDriver):
    """Textual's driver for Linux and macOS with an output of its own.

    Frames are drawn into a buffer, and only the cells that the terminal does not show yet are sent. A
    terminal that reads too slowly is sent only the latest frame.
    """

    def __init__(self, app: App[Any], **options: Any) -> None:
        super().__init__(app, **options)
        assert self._file is not None, "there is no console without a terminal"
        self._writer = AsyncWriter(self._file, self._caught_up)
        self._wanted, self._shown = ScreenBuffer(), ScreenBuffer()
        self._in_frame = False
        self._glyphs: AsciiGlyphs | None = None
        self._cursor = False
        self.use_glyphs("auto")

    def use_glyphs(self, wanted: str) -> bool:
        """Send symbols as they are (``unicode``), as ASCII (``ascii``), or as the encoding allows.

        Returns:
            Whether this changes what the terminal shows, so that the whole screen has to be drawn again.
        """
        encoding = self._file.encoding if self._file is not None else ""
        utf8 = encoding.replace("-", "").lower().startswith("utf")
        ascii_only = wanted == "ascii" or (wanted != "unicode" and not utf8)
        if ascii_only == (self._glyphs is not None):
            return False
        self._glyphs = AsciiGlyphs() if ascii_only else None
        self.forget()
        return True

    def show_cursor(self, wanted: bool) -> None:
        """Show or hide the terminal's own cursor; its position is on the focused item in both cases."""
        if wanted != self._cursor:
            self._cursor = wanted
            self.write("\x1b[?25h" if wanted else "\x1b[?25l")

    def start_application_mode(self) -> None:
        """Take over the terminal, at the start and after a suspension."""
        super().start_application_mode()  # type: ignore[no-untyped-call]
        if self._cursor:
            self.write("\x1b[?25h")

    def _sigcont_application(self, *_: object) -> None:
        """Take over the terminal again after a suspension; otherwise only draw again.

        At a hang-up, the kernel sends SIGCONT to a console that was not stopped. Stock Textual would start
        its threads a second time and never end.
        """
        if self._must_signal_resume:
            super()._sigcont_application()
        else:
            self._loop.call_soon_threadsafe(self._draw_again)

    def _draw_again(self) -> None:
        self.forget()
        self._app.refresh()

    def forget(self) -> None:
        """Assume nothing about what the terminal shows, so that the whole next frame is sent."""
        self._wanted, self._shown = ScreenBuffer(), ScreenBuffer()

    def write(self, data: str) -> None:
        """Draw what Textual writes; returns at once."""
        if self._glyphs is not None:
            data = data.translate(self._glyphs)
        if data in (SYNC_START, SYNC_END):
            self._in_frame = data == SYNC_START
        elif _NOT_DRAWN.fullmatch(data):
            if _ALTERNATE_SCREEN in data:
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
        self._wanted.clip(self._app.size.width)
        update = self._wanted.draw_over(self._shown)
        if update:
            self._writer.write(f"{SYNC_START}{update}{SYNC_END}" if self._in_frame else update)

    def _caught_up(self) -> None:
        self._loop.call_soon_threadsafe(self._show)

    def run_input_thread(self) -> None:
        """Read keys until the console ends. No input, however malformed, ends the thread or the console."""
        decoder = InputDecoder(debug=self._debug)
        while not self.exit_event.is_set():
            if select.select([self.fileno], [], [], _INPUT_SECONDS)[0]:
                try:
                    data = os.read(self.fileno, 4096)
                except OSError:
                    data = b""
                if not data:  # the terminal is gone, which is noticed elsewhere
                    self.exit_event.wait(_INPUT_SECONDS)
                for message in decoder.feed(data):
                    self.process_message(message)
            for message in decoder.tick():
                self.process_message(message)

    def _run_input_thread(self) -> None:
        """Report an error of the input thread as any other; stock Textual prints it and exits with code 0."""
        try:
            self.run_input_thread()
        except Exception as error:
            self._app.call_later(self._app._handle_exception, error)

    def close(self) -> None:
        """Wait until the queued output is sent."""
        self._writer.finish()
        super().close()


HANG_UP_SECONDS = 0.5
"""Seconds between two checks whether the terminal still exists, for launchers that ignore SIGHUP."""

SMALLEST_WINDOW = (60, 18)
"""The smallest usable window, in columns and lines."""


def too_small(columns: int, lines: int) -> bool:
    """Return whether a window is too small for the console."""
    return columns < SMALLEST_WINDOW[0] or lines < SMALLEST_WINDOW[1]


def require_terminal(environ: Mapping[str, str]) -> None:
    """Check that a full-screen console can run in this terminal.

    Raises:
        BadInput: It cannot; the hint says what to do.
    """
    # Textual draws on stderr: if that is redirected, the console would run unseen.
    if not all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        raise BadInput(
            "The console needs a terminal on its input, output and error output.",
            hint=(
                "Use a command instead: `xpm-tui status`, `xpm-tui sync`, `xpm-tui --help`. By SSH: `ssh -t`."
            ),
            case=CaseId.TERMINAL,
        )
    if environ.get("TERM", "") in ("", "dumb", "unknown"):
        raise BadInput(
            f"TERM is “{environ.get('TERM', '')}”: this terminal cannot show a full screen.",
            hint=(
                "Set TERM (for example `TERM=xterm-256color`), go line by line (`xpm-tui --plain`), or use "
                "a command: `xpm-tui --help`."
            ),
            case=CaseId.TERMINAL,
        )


def on_hangup(leave: Callable[[str], None]) -> Callable[[], None]:
    """Call ``leave`` with a reason on SIGHUP or SIGTERM.

    Returns:
        A function that removes the handlers.
    """
    loop = asyncio.get_running_loop()
    handled: list[signal.Signals] = []
    for number, why in ((signal.SIGHUP, "hang-up"), (signal.SIGTERM, "asked to end")):
        with contextlib.suppress(ValueError, NotImplementedError, RuntimeError):
            loop.add_signal_handler(number, leave, why)
            handled.append(number)

    def undo() -> None:
        for number in handled:
            with contextlib.suppress(ValueError, RuntimeError):
                loop.remove_signal_handler(number)

    return undo


def has_hung_up(fd: int) -> bool:
    """Return whether the terminal at ``fd`` has hung up."""
    poll = select.poll()
    try:
        poll.register(fd, 0)
        return any(flags & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, flags in poll.poll(0))
    except (OSError, ValueError):
        return True


def copy_sequence(text: str, environ: Mapping[str, str]) -> str:
    """Return the sequence that copies a text to the clipboard (OSC 52, xterm control sequences).

    Within tmux it is wrapped for tmux's passthrough.
    """
    plain = f"\x1b]52;c;{base64.b64encode(text.encode('utf-8', 'surrogatepass')).decode('ascii')}\a"
    if environ.get("TMUX"):
        return plain + "\x1bPtmux;" + plain.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    return plain


def copy_caveat(environ: Mapping[str, str]) -> str:
    """Return a sentence on why a copy may not arrive; empty if nothing is known to prevent it."""
    if environ.get("TMUX"):
        try:
            option = subprocess.run(
                ["tmux", "show", "-s", "set-clipboard"],
                capture_output=True, text=True, timeout=1, check=False,
            ).stdout  # fmt: skip
        except (OSError, subprocess.SubprocessError):
            option = ""
        return "" if option.split()[-1:] == ["on"] else "tmux keeps it: set -s set-clipboard on"
    if environ.get("STY"):
        return "GNU screen may keep it"
    if environ.get("TERM_PROGRAM") == "Apple_Terminal":
        return "macOS Terminal does not take it: select with the mouse"
    return ""


def stdin_fd() -> int:
    """Return the file descriptor that is watched for a hang-up."""
    try:
        return sys.__stdin__.fileno() if sys.__stdin__ is not None else 0
    except (OSError, ValueError):
        return 0


def silence_streams() -> None:
    """Redirect the output streams to /dev/null, because after a hang-up any print would fail."""
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (1, 2):
        with contextlib.suppress(OSError):
            os.dup2(null, fd)
    os.close(null)


ASCII_SIGNS = {
    "●": "*", "◐": "*", "◇": "?", "○": "o", "▲": "!", "‼": "!", "✓": "v", "✕": "x", "✗": "x", "✖": "x",
    "–": "-", "—": "-", "−": "-", "·": ".", "•": "*", "…": "~", "⇄": "%", "❄": "f", "→": ">", "←": "<",
    "↶": "<", "∞": "&", "◷": "@", "=": "=", "≠": "/", "≈": "~", "∅": "0", "×": "x", "▶": ">", "▸": ">",
    "◀": "<", "▾": "-", "▴": "-", "›": ">", "‹": "<", "»": ">", "«": "<", "█": "#", "▓": "+", "░": ".",
    "▒": "+", "━": "#", "▰": "#", "▱": ".", "▌": ">", "▐": "<", "■": "#", "⏎": "^", "“": '"', "”": '"',
    "‘": "'", "’": "'",
}  # fmt: skip
"""The replacements of the console's own symbols."""

_SYMBOLS = frozenset({"Sm", "So", "Sk", "Po", "Pd", "Pi", "Pf", "Ps", "Pe", "Pc"})
"""Unicode categories of symbols; currency signs, letters and digits are not replaced."""


class AsciiGlyphs(dict[int, int]):
    """A table for ``str.translate`` that adds entries on demand."""

    def __missing__(self, code: int) -> int:
        """Return the code of the replacement, and cache it."""
        self[code] = ord(ascii_sign(chr(code)))
        return self[code]


def ascii_sign(sign: str) -> str:
    """Return the ASCII replacement of a symbol.

    Anything else is returned unchanged, and so is a symbol that is not one column wide.
    """
    if sign.isascii() or sign in ASCII_SIGNS:
        return ASCII_SIGNS.get(sign, sign)
    if unicodedata.category(sign) not in _SYMBOLS or cells(sign) != 1:
        return sign
    name = unicodedata.name(sign, "")
    if name.startswith("BOX DRAWINGS"):
        across, down = "HORIZONTAL" in name, "VERTICAL" in name
        corner = across == down or any(side in name for side in (" UP", " DOWN", " LEFT", " RIGHT"))
        return "+" if corner and across == down else "|" if down else "-" if across else "+"
    for word, instead in _BY_NAME.items():
        if word in name:
            return instead
    return "?"


_BY_NAME: Mapping[str, str] = {
    "VERTICAL": "|", "BLOCK": "#", "SHADE": "+", "EIGHTH": "|", "HALF": "#", "HYPHEN": "-", "DASH": "-",
    "LEFTWARDS": "<", "LEFT-POINTING": "<", "RIGHTWARDS": ">", "RIGHT-POINTING": ">", "UPWARDS": "^",
    "UP-POINTING": "^", "DOWNWARDS": "v", "DOWN-POINTING": "v", "APOSTROPHE": "'", "QUOTATION": '"',
    "PRIME": "'", "ACCENT": "'", "CHECK": "v", "BALLOT": "x", "CIRCLE": "o", "SQUARE": "#", "BULLET": "*",
    "BRAILLE": ":", "HORIZONTAL": "-", "EXCLAMATION": "!", "QUESTION": "?", "STAR": "*", "DOT": ".",
}  # fmt: skip
