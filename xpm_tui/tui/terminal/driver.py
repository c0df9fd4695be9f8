"""The terminal driver: only differences are sent, and nothing waits until they are accepted.

Sends output to the terminal from a separate thread, so that a terminal that hangs blocks nothing.

Otherwise a hanging line would block the console in the middle of a frame, deaf to keys, to SIGTERM and to the
hang-up that follows.

The capabilities of the terminal: whether it can show the console, when it goes away, what it can copy.

ASCII replacements for signs, for terminals, braille displays and fonts without them.

Each sign becomes one character of the same width, so that nothing moves. Letters are unchanged, because names
are data. The signs are those of the console's visual system; any other is replaced by its Unicode name.
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


ROOM = 32_768
"""The most bytes that may be queued; more would cost the line more than a whole new frame."""
PIECE = 2_048
"""The number of bytes passed to the terminal at a time."""
PATIENCE = 2.0
"""Seconds to wait at exit for a terminal to accept a piece."""


class AsyncWriter:
    """Sends text from its own thread, in order. Once the terminal is gone, what is written is lost."""

    def __init__(self, file: TextIO, caught_up: Callable[[], None]) -> None:
        """``caught_up`` is called in that thread when the queue is empty after it was full."""
        self._file = file
        self._caught_up = caught_up
        self._changed = Condition()
        self._pieces: list[bytes] = []
        self._waiting = self._taken = 0
        self._behind = self._gone = False
        self._thread: Thread | None = None

    @property
    def behind(self) -> bool:
        """Return whether the queue is so full that no new frames should be added until it is empty."""
        return self._behind

    def write(self, text: str) -> None:
        """Queue a text; returns immediately."""
        data = text.encode(self._file.encoding, self._file.errors or "replace")
        with self._changed:
            if self._gone or not data:
                return
            self._pieces.append(data)
            self._waiting += len(data)
            self._behind = self._behind or self._waiting > ROOM
            self._changed.notify_all()
            if self._thread is None:
                self._thread = Thread(target=self._run, name="terminal", daemon=True)
                self._thread.start()

    def finish(self) -> None:
        """Wait until everything is sent, or the terminal accepts nothing for ``PATIENCE`` seconds."""
        with self._changed:
            self._behind = False  # there is no one left to inform
            while self._waiting:
                before = self._taken
                if not self._changed.wait(PATIENCE) and self._taken == before:
                    return

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._pieces)
                data, self._pieces = b"".join(self._pieces), []
            while data:
                try:
                    sent = os.write(self._file.fileno(), data[:PIECE])
                except BlockingIOError:  # another program on the same terminal may have set it
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
            self._taken += sent
            told = self._behind and not self._waiting
            self._behind = self._behind and not told
            self._changed.notify_all()
        if told and not self._gone:
            self._caught_up()


SYNC_START, SYNC_END = "\x1b[?2026h", "\x1b[?2026l"
"""Between these a terminal that knows them shows nothing, then all at once (DEC private mode 2026)."""
_BESIDE = re.compile(
    r"(?:\x1b\[[?<>=][0-9;]*\$?[a-zA-Z]|\x1b\].*?(?:\x07|\x1b\\)|\x1bP.*?\x1b\\|\x07)+", re.DOTALL
)
"""Modes, queries, clipboard and bell, which do not affect the picture."""
_OTHER_SCREEN = "\x1b[?1049"
_TURN = 0.1
"""Seconds between two checks for incomplete keys and for the end."""


class ConsoleDriver(LinuxDriver):
    """Textual's driver for Linux and macOS with a different output.

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
            self._glyphs = AsciiGlyphs() if ascii_only else None
            self.forget()

    def show_cursor(self, wanted: bool) -> None:
        """Show or hide the terminal's own cursor; in both cases it is at the focused element."""
        if wanted != self._cursor:
            self._cursor = wanted
            self.write("\x1b[?25h" if wanted else "\x1b[?25l")

    def start_application_mode(self) -> None:
        """Take over the terminal, at first and after a suspension."""
        super().start_application_mode()  # type: ignore[no-untyped-call]
        if self._cursor:
            self.write("\x1b[?25h")

    def _sigcont_application(self, *_: object) -> None:
        """Take the terminal over again after a suspension only, otherwise redraw.

        With a hang-up, the kernel sends SIGCONT to a console that was not stopped. Textual would start its
        threads a second time then, and the console would never end.
        """
        if self._must_signal_resume:
            super()._sigcont_application()
        else:
            self._loop.call_soon_threadsafe(self._draw_again)

    def _draw_again(self) -> None:
        self.forget()
        self._app.refresh()

    def forget(self) -> None:
        """Forget what the terminal shows, so that the whole next frame is sent."""
        self._wanted, self._shown = ScreenBuffer(), ScreenBuffer()

    def write(self, data: str) -> None:
        """Show data; returns immediately."""
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
        """Read keys until the console ends. No input ends the thread or the console."""
        decoder = InputDecoder(debug=self._debug)
        while not self.exit_event.is_set():
            if select.select([self.fileno], [], [], _TURN)[0]:
                try:
                    data = os.read(self.fileno, 4096)
                except OSError:
                    data = b""
                if not data:  # the terminal is gone, which the console notices separately
                    self.exit_event.wait(_TURN)
                for message in decoder.feed(data):
                    self.process_message(message)
            for message in decoder.tick():
                self.process_message(message)

    def _run_input_thread(self) -> None:
        """Report an error of the thread as an internal error, where Textual prints and exits with 0."""
        try:
            self.run_input_thread()
        except Exception as error:
            self._app.call_later(self._app._handle_exception, error)

    def close(self) -> None:
        """Wait for what the terminal still accepts."""
        self._writer.finish()
        super().close()


WATCH = 0.5
"""Seconds between two checks whether the terminal still exists (for launchers that ignore SIGHUP)."""

LEAST = (60, 18)
"""The least columns and lines in which anything can be shown whole."""


def too_small(columns: int, lines: int) -> bool:
    """Return whether nothing can be shown whole."""
    return columns < LEAST[0] or lines < LEAST[1]


def require_terminal(environ: Mapping[str, str]) -> None:
    """Raise ``BadInput`` with what to do if a full-screen console cannot work."""
    # Textual draws on stderr: if it is redirected, the console would run invisibly.
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
    """Call ``leave`` with a reason on SIGHUP or SIGTERM; return what removes the handlers."""
    loop = asyncio.get_running_loop()
    taken: list[signal.Signals] = []
    for number, why in ((signal.SIGHUP, "hang-up"), (signal.SIGTERM, "asked to end")):
        with contextlib.suppress(ValueError, NotImplementedError, RuntimeError):
            loop.add_signal_handler(number, leave, why)
            taken.append(number)

    def undo() -> None:
        for number in taken:
            with contextlib.suppress(ValueError, RuntimeError):
                loop.remove_signal_handler(number)

    return undo


def gone(fd: int) -> bool:
    """Return whether the terminal at ``fd`` has hung up."""
    poll = select.poll()
    try:
        poll.register(fd, 0)
        return any(flags & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, flags in poll.poll(0))
    except (OSError, ValueError):
        return True


def copy_sequence(text: str, environ: Mapping[str, str]) -> str:
    """Return OSC 52 (xterm control sequences), wrapped once more for tmux with passthrough."""
    plain = f"\x1b]52;c;{base64.b64encode(text.encode('utf-8', 'surrogatepass')).decode('ascii')}\a"
    if environ.get("TMUX"):
        return plain + "\x1bPtmux;" + plain.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    return plain


def copy_caveat(environ: Mapping[str, str]) -> str:
    """Return why a copy may not arrive, as a sentence; empty if nothing is known against it."""
    if environ.get("TMUX"):
        try:
            said = subprocess.run(
                ["tmux", "show", "-s", "set-clipboard"],
                capture_output=True, text=True, timeout=1, check=False,
            ).stdout  # fmt: skip
        except (OSError, subprocess.SubprocessError):
            said = ""
        return "" if said.split()[-1:] == ["on"] else "tmux keeps it: set -s set-clipboard on"
    if environ.get("STY"):
        return "GNU screen may keep it"
    if environ.get("TERM_PROGRAM") == "Apple_Terminal":
        return "macOS Terminal does not take it: select with the mouse"
    return ""


def stdin_fd() -> int:
    """Return the descriptor that is watched."""
    try:
        return sys.__stdin__.fileno() if sys.__stdin__ is not None else 0
    except (OSError, ValueError):
        return 0


def silence_streams() -> None:
    """Discard further output after a hang-up, because the first print would raise."""
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (1, 2):
        with contextlib.suppress(OSError):
            os.dup2(null, fd)
    os.close(null)


SIGNS = {
    "●": "*", "◐": "*", "◇": "?", "○": "o", "▲": "!", "‼": "!", "✓": "v", "✕": "x", "✗": "x", "✖": "x",
    "–": "-", "—": "-", "−": "-", "·": ".", "•": "*", "…": "~", "⇄": "%", "❄": "f", "→": ">", "←": "<",
    "↶": "<", "∞": "&", "◷": "@", "=": "=", "≠": "/", "≈": "~", "∅": "0", "×": "x", "▶": ">", "▸": ">",
    "◀": "<", "▾": "-", "▴": "-", "›": ">", "‹": "<", "»": ">", "«": "<", "█": "#", "▓": "+", "░": ".",
    "▒": "+", "━": "#", "▰": "#", "▱": ".", "▌": ">", "▐": "<", "■": "#", "⏎": "^", "“": '"', "”": '"',
    "‘": "'", "’": "'",
}  # fmt: skip
"""Signs with a meaning of their own."""

_KINDS = frozenset({"Sm", "So", "Sk", "Po", "Pd", "Pi", "Pf", "Ps", "Pe", "Pc"})
"""Unicode categories of signs; currencies, letters and digits are unchanged."""


class AsciiGlyphs(dict[int, int]):
    """A table for ``str.translate`` that is filled on demand."""

    def __missing__(self, code: int) -> int:
        """Return the code of the replacement of this sign, and store it."""
        self[code] = ord(ascii_sign(chr(code)))
        return self[code]


def ascii_sign(sign: str) -> str:
    """Return the ASCII character for a sign; any other or wider character is returned unchanged."""
    if sign.isascii() or sign in SIGNS:
        return SIGNS.get(sign, sign)
    if unicodedata.category(sign) not in _KINDS or cells(sign) != 1:
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
