"""The part of the app that deals with its terminal: driver, signals, cursor, glyphs, clipboard and leaving.

After an internal error it ends the console and writes a private report: the stack without any local value.
"""

from __future__ import annotations

import math
import os
import platform
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import textual
from textual import events
from textual.dom import DOMNode
from textual.driver import Driver
from textual.geometry import Offset
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, OptionList

import xpm_tui
from xpm_tui.domain.safe_text import Shown, visible
from xpm_tui.lazy import lazy_imports
from xpm_tui.tui.app_protocol import AppProtocol
from xpm_tui.tui.base_screen import BaseScreen
from xpm_tui.tui.terminal import driver
from xpm_tui.tui.terminal.driver import ConsoleDriver
from xpm_tui.tui.widgets.cells import content
from xpm_tui.tui.widgets.rows import Rows

with lazy_imports():
    from xpm_tui.tui.dialogs import dialog, screen_dialogue


MOST = 256 * 1024
"""Bytes above which the report file is started again."""


def report(error: BaseException, folder: Path, at: datetime) -> Path | None:
    """Append the stack of an error to ``console-errors.log`` (mode 0600) in ``folder``.

    Frames are written as file, line and function. Neither local values nor the error's message are written,
    because they may contain data of a record.

    Returns:
        The path of the file; None if it could not be written.
    """
    lines = [
        f"{at.isoformat()} xpm-tui {xpm_tui.__version__} textual {textual.__version__}"
        f" python {platform.python_version()}"
    ]
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        lines.append(f"  {type(current).__module__}.{type(current).__qualname__}")
        for frame in traceback.extract_tb(current.__traceback__):
            lines.append(f"    {frame.filename}:{frame.lineno} {frame.name}")
        current = current.__cause__ or current.__context__
    path = folder / "console-errors.log"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = os.O_TRUNC if path.exists() and path.stat().st_size > MOST else 0
        fd = os.open(
            path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | fresh, 0o600
        )
        with os.fdopen(fd, "a", encoding="utf-8", errors="backslashreplace") as file:
            file.write("\n".join(lines) + "\n")
    except OSError:
        return None
    return path


INTERNAL_ERROR = 70
"""The exit code after an internal error (EX_SOFTWARE of sysexits.h)."""


class TerminalApp(AppProtocol):
    """A mixin with the app's handling of its terminal."""

    parting: Shown
    """The sentence that is printed after the console has ended."""
    crash_folder: Path | None
    """The folder for the report of an internal error before the practice is open."""
    _guard_terminal: bool
    _undo_signals: Callable[[], None]
    _interrupted = False
    """Whether ctrl+c was pressed in the last seconds."""
    _ready_at = math.inf
    """When the first frame was due, on the clock of events."""

    def get_driver_class(self) -> type[Driver]:
        """Return our driver, if it is derived from the one that Textual has chosen."""
        stock = super().get_driver_class()
        return ConsoleDriver if issubclass(ConsoleDriver, stock) else stock

    def configure_terminal(self) -> None:
        """Use the glyphs and the cursor that the settings ask for."""
        if isinstance(self._driver, ConsoleDriver) and self.worker.is_open:
            settings = self.worker.practice.settings
            self._driver.show_cursor(settings.text("cursor") == "shown")
            if self._driver.use_glyphs(settings.text("glyphs")):
                self.refresh()

    def action_redraw(self) -> None:
        """Send the whole screen to the terminal again."""
        if isinstance(self._driver, ConsoleDriver):
            self._driver.forget()
        self.refresh()

    @property
    def cursor_position(self) -> Offset:
        """The position of the terminal's cursor; screen readers and braille displays follow it."""
        focused = self.focused
        if isinstance(focused, Input):
            # After an arrow key in a search field, the user reads the list that it has moved in.
            focused = next((rows for rows in self.screen.query(Rows) if rows.is_moved_by_field), focused)
        place: DOMNode | None = focused
        while isinstance(place, Widget) and not place.region:
            place = place.parent  # such as the panel of a list that is hidden because it is empty
        if not isinstance(place, Widget) or isinstance(place, Screen):
            return self._first_text()
        region = place.content_region
        if isinstance(place, Input):
            column = place._position_to_cell(place.cursor_position) - place.scroll_offset.x
            return region.offset + Offset(max(0, min(column, region.width - 1)), 0)
        row = 0
        if isinstance(place, Rows):
            row = place.cursor * place.row_height - place.scroll_offset.y
        elif isinstance(place, OptionList) and place.highlighted is not None:
            row = place._index_to_line.get(place.highlighted, 0) - place.scroll_offset.y
        return region.offset + Offset(0, max(0, min(row, region.height - 1)))

    @cursor_position.setter
    def cursor_position(self, place: Offset) -> None:
        """Ignore what Textual's input widgets set."""

    def _first_text(self) -> Offset:
        """Return where the text of a dialog without a focused widget begins; of a screen, its first line."""
        boxes = self.screen.query(".box") if self.screen.is_modal else ()
        return next((box.content_region.offset for box in boxes), Offset(0, 0))

    def on_paste(self, event: events.Paste) -> None:
        """Pass a paste that no dialog has used on to the screens below it, from the top."""
        for screen in reversed(self.screen_stack[:-1]):
            if isinstance(screen, BaseScreen) and screen.accept_paste_below(event):
                return

    # -- signals --------------------------------------------------------------------------------------------

    def guard_terminal(self) -> None:
        """Install handlers that end the console cleanly on SIGHUP and SIGTERM."""
        if self._guard_terminal:
            self._undo_signals = driver.on_hangup(self._hung_up)
            self.set_interval(driver.HANG_UP_SECONDS, self._watch_terminal)

    def on_resize(self, event: events.Resize) -> None:
        """Send the whole screen again, which the terminal may have reflowed; report a window too small.

        App and driver each report the size at the start, before anything was drawn.
        """
        if event.time > self._ready_at:
            self.action_redraw()
        if driver.too_small(*event.size) and not any(
            isinstance(screen, screen_dialogue.TooSmall) for screen in self.screen_stack
        ):
            self.push_screen(screen_dialogue.TooSmall())

    def on_unmount(self) -> None:
        """Restore the signal handlers."""
        self._undo_signals()

    def _hung_up(self, why: str) -> None:
        self.parting = Shown("")
        self.exit(129 if why == "hang-up" else 143)

    def _watch_terminal(self) -> None:
        if driver.has_hung_up(driver.stdin_fd()):
            self._hung_up("hang-up")

    # -- the clipboard --------------------------------------------------------------------------------------

    def copy_to_clipboard(self, text: str) -> None:
        """Send a text to the terminal's clipboard; no terminal confirms that it has arrived."""
        self._clipboard = text
        if self._driver is not None:
            self._driver.write(driver.copy_sequence(text, self.environ))
        self.work(lambda: self._say_copied(), "clipboard", exclusive=True)

    async def _say_copied(self) -> None:
        caveat = await self.worker.ask(lambda _: driver.copy_caveat(self.environ))
        self.toast("Sent to your terminal's clipboard." + (f"\n{caveat}" if caveat else ""))

    # -- leaving, and internal errors -----------------------------------------------------------------------

    def action_interrupt(self) -> None:
        """Leave on the second ctrl+c, for terminals that do not pass on ctrl+q."""
        if self._interrupted:
            self.leave()
            return
        self._interrupted = True
        self.set_timer(5, self._forget_interrupt)
        self.toast("Press ctrl+c again to leave. A run in progress continues by itself.")

    def _forget_interrupt(self) -> None:
        self._interrupted = False

    def action_leave(self) -> None:
        """Leave the console."""
        self.leave()

    def leave(self) -> None:
        """Leave the console; ask first while a run is in progress, which continues without it."""
        if not self.practice_status.running:
            self.exit(0)
            return

        run = visible(self.practice_status.running)

        def answered(yes: bool | None) -> None:
            if yes:
                self.parting = Shown(f"Run {run} continues by itself: xpm-tui runs show {run}")
                self.exit(0)

        if not any(screen.has_class("leaving") for screen in self.screen_stack):
            question = f"Run {run} is in progress.\nIt continues without this console. Leave?"
            box = dialog.ConfirmDialog(question, title="Leave the console", yes="Leave", no="Stay").add_class(
                "leaving"
            )
            self.push_screen(box, answered)

    def _handle_exception(self, error: Exception) -> None:
        """End with the exit code of an internal error, whatever the error was."""
        self._return_code = INTERNAL_ERROR
        if self._exception is not None:
            return  # later errors follow from the first one
        self._exception = error
        self._fatal_error()
        self._exception_event.set()

    def _fatal_error(self) -> None:
        """Write the stack to a private file and print one sentence.

        Stock Textual prints every local value, which may be data of clients.
        """
        error = cast("BaseException", self._exception)
        practice = self.worker.practice if self.worker.is_open else None
        folder = practice.state if practice is not None else self.crash_folder
        at = practice.clock.now() if practice is not None else datetime.now(UTC)
        path = report(error, folder, at) if folder is not None else None
        where = (
            f"The details, without any value or name, are in {path}: send that file to your xpm-tui "
            "support contact."
            if path
            else "No file could be written about it."
        )
        sentence = visible(f"xpm-tui had to close after an internal error. {where}", 4000)
        self._exit_renderables.append(content(sentence).plain)
        self._close_messages_no_wait()
