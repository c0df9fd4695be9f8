"""What the log pane holds: a ring of lines, and the part of it that the filters let through.

The live log: a tail that stays where you are, filters by level and text, and a way to the record.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo
from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Static

from xpm_tui.domain import labels
from xpm_tui.domain.events import Severity
from xpm_tui.domain.formatting import clock, count
from xpm_tui.domain.safe_text import Shown
from xpm_tui.tui.safe_text import content
from xpm_tui.tui.widgets import cells
from xpm_tui.tui.widgets.cells import Line, Span, marked, ours, width, words
from xpm_tui.tui.widgets.inputs import TextField
from xpm_tui.tui.widgets.rows import Rows
from xpm_tui.tui.widgets.text import TextLabel

RANK: dict[Severity, int] = {"debug": 0, "info": 1, "warning": 2, "error": 3}
LEVELS: tuple[Severity, ...] = ("debug", "info", "warning", "error")


class LogLine(NamedTuple):
    """One event as it is shown; ``record`` is the book client to jump to, empty where there is none."""

    at: datetime | None
    level: Severity
    text: Shown
    record: str = ""
    id: str = ""
    run: str = ""


class Ring:
    """The last ``most`` lines. Old ones go by the tenth of it, so that dropping stays cheap."""

    def __init__(self, most: int = 10_000) -> None:
        self.most = most
        self.level: Severity = "info"
        self.text = ""
        self.dropped = 0
        self._all: list[LogLine] = []
        self._seen: list[LogLine] = []

    def __len__(self) -> int:
        return len(self._seen)

    @property
    def held(self) -> int:
        """Lines kept, shown or not."""
        return len(self._all)

    @property
    def shown(self) -> Sequence[LogLine]:
        """Lines that the filters let through, oldest first."""
        return self._seen

    def add(self, lines: Iterable[LogLine]) -> tuple[int, int]:
        """Take new lines; gives how many of them are shown, and how many shown ones fell out in front."""
        fresh = list(lines)
        self._all.extend(fresh)
        passed = [line for line in fresh if self.lets(line)]
        self._seen.extend(passed)
        if len(self._all) <= self.most:
            return len(passed), 0
        away = len(self._all) - self.most + self.most // 10
        gone = sum(1 for line in self._all[:away] if self.lets(line))
        del self._all[:away]
        del self._seen[:gone]
        self.dropped += away
        return len(passed), gone

    def filter(self, level: Severity | None = None, text: str | None = None) -> None:
        """Show other lines of those that are kept."""
        self.level = self.level if level is None else level
        self.text = self.text if text is None else text.casefold()
        self._seen = [line for line in self._all if self.lets(line)]

    def lets(self, line: LogLine) -> bool:
        """Whether the filters let a line through."""
        if RANK[line.level] < RANK[self.level]:
            return False
        return not self.text or self.text in line.text.casefold()

    def clear(self) -> None:
        """Forget all lines; the filters stay."""
        self._all.clear()
        self._seen.clear()
        self.dropped = 0


FLUSH = 0.25
"""Seconds between two paints: four a second is as fast as anybody reads."""


class LogRows(Rows):
    """The lines themselves."""

    def __init__(self, ring: Ring, zone: tzinfo | None = None) -> None:
        super().__init__()
        self.ring = ring
        self.zone = zone

    def count(self) -> int:
        """Lines that the filters let through."""
        return len(self.ring)

    def draw(self, row: int, line: int, columns: int) -> Line:
        """Time, level word, sentence with what was searched for marked."""
        entry = self.ring.shown[row]
        at = clock(entry.at, self.zone)
        word, look = cells.SEVERITIES.sign(entry.level)
        pieces: list[Span] = [ours(f" {at} ", "muted"), ours(f"{word} ", look)]
        needle = self.ring.text
        if needle:
            start = entry.text.casefold().find(needle)
            pieces.extend(marked(entry.text, [(start, start + len(needle))] if start >= 0 else []))
        else:
            pieces.append(Span(entry.text, look if entry.level == "error" else ""))
        return pieces


class LogPane(Vertical):
    """The log of a run, or of the practice. ``feed`` takes lines at any rate; they appear at 4 Hz."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "find", "Filter", tooltip="Show only lines with these letters"),
        Binding("l", "level", "Level", tooltip="Least level shown: all, info, warnings, errors"),
        Binding("end,G", "tail", "Newest", show=False, tooltip="Go to the newest line and stay there"),
        Binding("space", "pause", "Pause", show=False, tooltip="Pause the log; no line is lost"),
        Binding("y", "copy", "Copy line", show=False, tooltip="Send the line to the clipboard"),
        Binding("w", "export", "Save", tooltip="Write the lines shown to a private file"),
        Binding("escape", "unfind", "End the filter", show=False),
    ]

    following: reactive[bool] = reactive(True, repaint=False)
    paused: reactive[bool] = reactive(False, repaint=False)

    class Jump(Message):
        """Somebody wants to see the record of a line, or its run."""

        def __init__(self, line: LogLine) -> None:
            super().__init__()
            self.line = line

    class Copy(Message):
        """Somebody wants the line on the clipboard."""

        def __init__(self, line: LogLine) -> None:
            super().__init__()
            self.line = line

    class Export(Message):
        """Somebody wants the shown lines in a file."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(
        self,
        *,
        most: int = 10_000,
        zone: tzinfo | None = None,
        empty: str = "Nothing has been logged yet.",
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(id=id)
        self.ring = Ring(most)
        self.rows = LogRows(self.ring, zone)
        self._waiting: list[LogLine] = []
        self._unseen = 0
        self._state = TextLabel(classes="log-state")
        self._pill = Static(classes="pill")
        self._find = TextField(placeholder="letters that the line must have", classes="find")
        self._empty = Static(content(Shown(empty)), classes="empty")
        self._whole = TextLabel(classes="whole")

    def compose(self) -> ComposeResult:
        """State line over the rows; the pill says what is waiting below."""
        with Horizontal(classes="log-head"):
            yield self._state
            yield self._pill
        yield self._find
        yield self._empty
        yield self.rows
        yield self._whole

    def on_mount(self) -> None:
        """Start flushing."""
        self._find.display = False
        self.set_interval(FLUSH, self.flush)
        self._tell()

    def feed(self, lines: Iterable[LogLine]) -> None:
        """New lines; painted with the next flush, the first ones at once."""
        self._waiting.extend(lines)
        if self.is_mounted and not self.ring.held:
            self.flush()

    def clear(self) -> None:
        """Begin anew: another run."""
        self._waiting.clear()
        self.ring.clear()
        self._unseen = 0
        self.following = True
        self.rows.reload(0)
        self._tell()

    def flush(self) -> None:
        """Take what is waiting, in one paint; does nothing when nothing came."""
        if not self.screen.is_active:
            return  # under a dialog the whole screen would be sent for it
        if not self._waiting or self.paused:
            if self._waiting:
                self._tell()
            return
        fresh, self._waiting = self._waiting, []
        came, gone = self.ring.add(fresh)
        if self.following:
            self.rows.reload(len(self.ring) - 1)
        else:
            self._unseen += came
            self.rows.reload(max(0, self.rows.cursor - gone))
        self._tell()

    def _tell(self) -> None:
        ring = self.ring
        parts = [count(len(ring), "line"), f"level: {labels.SEVERITIES[ring.level].inline}"]
        if ring.text:
            parts.append(f"of {ring.held:,}")
        if self.paused:
            parts.append("paused: space continues")
        elif self.following:
            parts.append("newest")
        if ring.dropped:
            parts.append(f"{ring.dropped:,} older ones are in the log file")
        self._state.say(content(Shown(" · ".join(parts))))
        waiting = self._unseen + (len(self._waiting) if self.paused else 0)
        self._pill.display = waiting > 0
        if waiting:
            self._pill.update(content(Shown(f" {waiting:,} new · End ")))
        self._empty.display = not ring.held and not self._waiting
        self.rows.display = not self._empty.display
        self._tell_whole()

    def _tell_whole(self) -> None:
        """Show the truncated line under the cursor below the list, except while lines come and go.

        Its space is reserved: a pane that grew would be painted completely when the cursor moves.
        """
        entry = self.line if not self.following or self.paused else None
        room = self.rows.size.width
        told = Content("")
        if entry is not None and 0 < room < width(self.rows.draw(self.rows.cursor, 0, room)):
            word, look = cells.SEVERITIES.sign(entry.level)
            told = words([ours(f" {word} ", look), Span(entry.text)])
        self._whole.say(told)

    @on(Rows.Moved)
    def _moved(self, event: Rows.Moved) -> None:
        event.stop()
        if self.rows.has_focus:
            at_end = self.rows.cursor >= len(self.ring) - 1
            if at_end != self.following:
                self.following = at_end
            if at_end:
                self._unseen = 0
            self._tell()

    @on(Rows.Chosen)
    def _chosen(self, event: Rows.Chosen) -> None:
        event.stop()
        line = self.line
        if line is not None and (line.record or line.run):
            self.post_message(self.Jump(line))

    @property
    def line(self) -> LogLine | None:
        """The line under the cursor."""
        shown = self.ring.shown
        return shown[self.rows.cursor] if 0 <= self.rows.cursor < len(shown) else None

    def action_tail(self) -> None:
        """To the newest line, and stay there."""
        self.paused = False
        self.following = True
        self._unseen = 0
        self.flush()
        self.rows.reload(len(self.ring) - 1)
        self._tell()

    def action_pause(self) -> None:
        """Hold the picture, or go on."""
        self.paused = not self.paused
        self.flush()
        self._tell()

    def action_level(self) -> None:
        """The next least level."""
        self._refilter(level=LEVELS[(LEVELS.index(self.ring.level) + 1) % len(LEVELS)])

    def action_find(self) -> None:
        """Type what lines must have."""
        self._find.display = True
        self._find.focus()

    def action_unfind(self) -> None:
        """Show all lines again."""
        self._find.value = ""
        self._find.display = False
        self.rows.focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Escape is ours only while a filter is open; else it is the screen's way up."""
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
        kept = self.line
        self.ring.filter(level, text)
        shown = self.ring.shown
        place = len(shown) - 1
        if not self.following and kept is not None:
            place = next((i for i, line in enumerate(shown) if line is kept), place)
        self.rows.reload(place)
        self._tell()

    def action_copy(self) -> None:
        """The line under the cursor."""
        if self.line is not None:
            self.post_message(self.Copy(self.line))

    def action_export(self) -> None:
        """The lines that are shown."""
        lines = (
            f"{line.at.isoformat() if line.at else ''}\t{line.level}\t{line.text}" for line in self.ring.shown
        )
        self.post_message(self.Export("\n".join(lines) + "\n"))
