"""A log pane with filters by level and text, a buffer of recent lines, and a jump to the record of a line.

It follows the newest line until the cursor is moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Static

from xpm_tui.domain import labels
from xpm_tui.domain.events import Severity
from xpm_tui.domain.formatting import cells as cell_count
from xpm_tui.domain.formatting import clock, count, cut
from xpm_tui.domain.safe_text import Shown
from xpm_tui.tui.widgets import cells
from xpm_tui.tui.widgets.cells import Line, Span, content, fixed, marked, span, words
from xpm_tui.tui.widgets.inputs import TextField
from xpm_tui.tui.widgets.rows import Rows
from xpm_tui.tui.widgets.text import TextLabel, give_room, wrapped_lines

RANK: dict[Severity, int] = {"debug": 0, "info": 1, "warning": 2, "error": 3}
LEVELS: tuple[Severity, ...] = ("debug", "info", "warning", "error")


class LogLine(NamedTuple):
    """An event as it is shown; ``record`` is the client to which it leads, if any."""

    at: datetime | None
    level: Severity
    text: Shown
    record: str = ""
    id: str = ""
    run: str = ""


class LogBuffer:
    """A buffer of the last ``most`` lines and those that pass the filters.

    Old lines are dropped a tenth at a time, so that dropping stays cheap.
    """

    def __init__(self, most: int = 10_000) -> None:
        self.most = most
        self.level: Severity = "info"
        self.text = ""
        self.dropped = 0
        self._all: list[LogLine] = []
        self._passed: list[LogLine] = []

    def __len__(self) -> int:
        return len(self._passed)

    @property
    def held(self) -> int:
        """The number of lines in the buffer, visible or not."""
        return len(self._all)

    @property
    def shown(self) -> Sequence[LogLine]:
        """The lines that pass the filters, oldest first."""
        return self._passed

    def add(self, lines: Iterable[LogLine]) -> tuple[int, int]:
        """Add lines.

        Returns:
            How many of them pass the filters, and how many visible lines were dropped at the start.
        """
        fresh = list(lines)
        self._all.extend(fresh)
        passed = [line for line in fresh if self.matches(line)]
        self._passed.extend(passed)
        if len(self._all) <= self.most:
            return len(passed), 0
        dropped = len(self._all) - self.most + self.most // 10
        visible = sum(1 for line in self._all[:dropped] if self.matches(line))
        del self._all[:dropped]
        del self._passed[:visible]
        self.dropped += dropped
        return len(passed), visible

    def filter(self, level: Severity | None = None, text: str | None = None) -> None:
        """Change the filters."""
        self.level = self.level if level is None else level
        self.text = self.text if text is None else text.casefold()
        self._passed = [line for line in self._all if self.matches(line)]

    def matches(self, line: LogLine) -> bool:
        """Return whether a line passes the filters."""
        if RANK[line.level] < RANK[self.level]:
            return False
        return not self.text or self.text in line.text.casefold()

    def clear(self) -> None:
        """Remove all lines; the filters stay."""
        self._all.clear()
        self._passed.clear()
        self.dropped = 0


FLUSH_SECONDS = 0.25
"""Seconds between two paints, as fast as anyone can read."""

FOLLOWING = "The newest line is followed. Up selects a line to read it in full."
"""The hint that is shown while no line is selected."""


NAME_LEAST = 12
"""Columns to which a name may be cut, so that the values beside it can be read."""


def short_line(text: Shown, columns: int) -> Shown:
    """Return a sentence on a changed value so that its values fit: no reason, and its name cut."""
    name, colon, rest = text.partition(": ")
    if cell_count(text) <= columns or "→" not in rest:
        return text
    values = rest.rpartition(" (")[0] or rest
    name = cut(Shown(name), max(NAME_LEAST, columns - cell_count(values) - 2))
    return Shown(f"{name}{colon}{values}")


class LogRows(Rows):
    """The rows of the log."""

    DEFAULT_CLASSES = "panel -table"

    def __init__(self, buffer: LogBuffer) -> None:
        super().__init__()
        self.buffer = buffer

    def count(self) -> int:
        """Return the number of lines that pass the filters."""
        return len(self.buffer)

    def draw(self, row: int, line: int, columns: int) -> Line:
        """Return time, level and sentence of a line, with the search text marked."""
        entry = self.buffer.shown[row]
        word, look = cells.SEVERITIES.sign(entry.level)
        pieces: list[Span] = [fixed(f" {clock(entry.at)} ", "muted"), fixed(f"{word} ", look)]
        room = columns - cells.width(pieces)
        near = (short_line(each.text, room) for each in cells.neighbours(self.buffer.shown, row))
        text = cells.cut_apart(short_line(entry.text, room), near, room)
        needle = self.buffer.text
        if needle:
            start = text.casefold().find(needle)
            pieces.extend(marked(text, [(start, start + len(needle))] if start >= 0 else []))
        else:
            pieces.append(Span(text, look if entry.level == "error" else ""))
        return pieces


class LogPane(Vertical):
    """The log of a run or of the practice. ``feed`` accepts lines at any rate; ``flush`` paints them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "find", "Filter", tooltip="Show only lines with this text"),
        Binding("l", "level", "Level", tooltip="Minimum level shown: all, info, warnings, errors"),
        Binding("end,G", "tail", "Newest", show=False, tooltip="Follow the newest line"),
        Binding("space", "pause", "Pause", show=False, tooltip="Pause the log; no line is lost"),
        Binding("y", "copy", "Copy line", show=False, tooltip="Send the line to the clipboard"),
        Binding("w", "export", "Save", tooltip="Write the lines shown to a private file"),
        Binding("escape", "unfind", "End the filter", show=False),
    ]

    following: reactive[bool] = reactive(True, repaint=False)
    paused: reactive[bool] = reactive(False, repaint=False)

    class Jump(Message):
        """Posted when the user asks for the record or run of a line."""

        def __init__(self, line: LogLine) -> None:
            super().__init__()
            self.line = line

    class Copy(Message):
        """Posted when the user copies a line."""

        def __init__(self, line: LogLine) -> None:
            super().__init__()
            self.line = line

    class Export(Message):
        """Posted when the user saves the visible lines to a file."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, *, most: int = 10_000, empty: str = "Nothing has been logged yet.") -> None:
        super().__init__()
        self.buffer = LogBuffer(most)
        self.rows = LogRows(self.buffer)
        self._waiting: list[LogLine] = []
        self._unseen = 0
        self._find = TextField(placeholder="text that the line must contain", classes="find")
        self._empty = Static(content(Shown(empty)), classes="panel empty-log")
        self._whole = TextLabel(classes="panel whole")
        self.rows.border_title = self._empty.border_title = "Log"
        self._whole.border_title = "Selected line"

    def compose(self) -> ComposeResult:
        """Compose the rows, whose border shows the filters, and the selected line."""
        yield self._find
        yield self._empty
        yield self.rows
        yield self._whole

    def on_mount(self) -> None:
        """Start the timer that paints new lines."""
        self._find.display = False
        self.set_interval(FLUSH_SECONDS, self.flush)
        self._show_filters()

    def feed(self, lines: Iterable[LogLine]) -> None:
        """Add lines; they are painted at the next flush, the first ones at once."""
        self._waiting.extend(lines)
        if self.is_mounted and not self.buffer.held:
            self.flush()

    def clear(self) -> None:
        """Remove all lines, for another run."""
        self._waiting.clear()
        self.buffer.clear()
        self._unseen = 0
        self.following = True
        self.rows.reload(0)
        self._show_filters()

    def flush(self) -> None:
        """Paint the queued lines at once; does nothing if there are none."""
        if not self.screen.is_active:
            return  # under a dialog, painting would send the whole screen
        if not self._waiting or self.paused:
            if self._waiting:
                self._show_filters()
            return
        fresh, self._waiting = self._waiting, []
        added, dropped = self.buffer.add(fresh)
        if self.following:
            self.rows.reload(len(self.buffer) - 1)
        else:
            self._unseen += added
            self.rows.reload(max(0, self.rows.cursor - dropped))
        self._show_filters()

    def _show_filters(self) -> None:
        buffer = self.buffer
        parts = [count(len(buffer), "line"), f"level: {labels.SEVERITIES[buffer.level].inline}"]
        if buffer.text:
            parts.append(f"of {buffer.held:,}")
        if self.paused:
            parts.append("paused: space continues")
        elif self.following:
            parts.append("newest")
        if buffer.dropped:
            parts.append(f"{buffer.dropped:,} older ones are in the log file")
        waiting = self._unseen + (len(self._waiting) if self.paused else 0)
        if waiting:
            parts.insert(0, f"{waiting:,} new: End")
        self.rows.border_subtitle = " · ".join(parts)
        self._empty.display = not buffer.held and not self._waiting
        self.rows.display = not self._empty.display
        self._show_selected()

    def _show_selected(self) -> None:
        """Show the selected line in full below the others, unless the newest line is being followed.

        The pane keeps its height unless the line is too long for it: with each change of its height, a move
        of the cursor paints everything.
        """
        entry = self.line if not self.following or self.paused else None
        if self.buffer.held and not self.buffer:
            text, key, does = "No line of this level. ", "l", " shows another level."
            if self.buffer.text:
                text, key, does = f"No line contains “{self.buffer.text}”. ", "esc", " shows all lines again."
            self._whole.say(words([span(text, "warn"), fixed(key, "accent"), fixed(does)]))
        elif entry is None:
            self._whole.say(words([fixed(FOLLOWING, "muted")]))
        else:
            word, look = cells.SEVERITIES.sign(entry.level)
            self._whole.say(words([fixed(f"{word} ", look), Span(entry.text)]))
        wrapped = wrapped_lines(self._whole._text, self._whole.content_size.width or 76)
        give_room(self._whole, len(wrapped.split("\n")), self.size.height // 2)

    @on(Rows.Moved)
    def _moved(self, event: Rows.Moved) -> None:
        event.stop()
        if self.rows.has_focus:
            at_end = self.rows.cursor >= len(self.buffer) - 1
            if at_end != self.following:
                self.following = at_end
            if at_end:
                self._unseen = 0
            self._show_filters()

    @on(Rows.Chosen)
    def _chosen(self, event: Rows.Chosen) -> None:
        event.stop()
        line = self.line
        if line is not None and (line.record or line.run):
            self.post_message(self.Jump(line))

    @property
    def line(self) -> LogLine | None:
        """The line under the cursor."""
        shown = self.buffer.shown
        return shown[self.rows.cursor] if 0 <= self.rows.cursor < len(shown) else None

    def action_tail(self) -> None:
        """Go to the newest line and follow."""
        self.paused = False
        self.following = True
        self._unseen = 0
        self.flush()
        self.rows.reload(len(self.buffer) - 1)
        self._show_filters()

    def action_pause(self) -> None:
        """Pause or resume painting."""
        self.paused = not self.paused
        self.flush()
        self._show_filters()

    def action_level(self) -> None:
        """Switch to the next minimum level."""
        self._refilter(level=LEVELS[(LEVELS.index(self.buffer.level) + 1) % len(LEVELS)])

    def action_find(self) -> None:
        """Start to search."""
        self._find.display = True
        self._find.focus()

    def action_unfind(self) -> None:
        """End the search and show all lines."""
        self._find.value = ""
        self._find.display = False
        self.rows.focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Handle escape only while searching; otherwise it belongs to the screen."""
        return self._find.display if action == "unfind" else True

    @on(TextField.Changed)
    def _find_changed(self, event: TextField.Changed) -> None:
        event.stop()
        self._refilter(text=event.value)

    @on(TextField.Submitted)
    def _find_done(self, event: TextField.Submitted) -> None:
        event.stop()
        self.rows.focus()

    def _refilter(self, level: Severity | None = None, text: str | None = None) -> None:
        selected = self.line
        self.buffer.filter(level, text)
        shown = self.buffer.shown
        place = len(shown) - 1
        if not self.following and selected is not None:
            place = next((i for i, line in enumerate(shown) if line is selected), place)
        self.rows.reload(place)
        self._show_filters()

    def action_copy(self) -> None:
        """Copy the line under the cursor."""
        if self.line is not None:
            self.post_message(self.Copy(self.line))

    def action_export(self) -> None:
        """Save the visible lines to a file."""
        lines = (
            f"{line.at.isoformat() if line.at else ''}\t{line.level}\t{line.text}"
            for line in self.buffer.shown
        )
        self.post_message(self.Export("\n".join(lines) + "\n"))
