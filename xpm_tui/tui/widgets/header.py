"""The head of every screen: the practice, its direction and state; under it the areas."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message

from xpm_tui.domain.formatting import count, cut, elapsed
from xpm_tui.domain.safe_text import visible
from xpm_tui.tui.app_protocol import Area
from xpm_tui.tui.status_summary import PracticeStatus
from xpm_tui.tui.widgets.cells import Look, Span, ours, span, width, words
from xpm_tui.tui.widgets.text import TextLabel

_CONDITIONS: dict[str, tuple[str, Look]] = {
    "damaged": ("✕ STORE DAMAGED", "bad"),
    "unfinished_import": ("▲ import unfinished", "warn"),
    "open_intents": ("▲ unknown outcome", "warn"),
}
"""Conditions of the practice, as the head of every screen names them."""

BETWEEN = "  ·  "
"""What stands between two facts of the head."""
CALLS_FROM, DAY_FROM = 110, 150
"""Widths from which the head has the calls left of the minute, and of the day."""


def direction_spans(direction: str) -> list[Span]:
    """Both sides in the order of the sync, each in its colour."""
    sides = [ours("XPM", "xpm"), ours("Ignition", "ignition")]
    first, second = reversed(sides) if direction == "to_xpm" else sides
    return [first, ours(" ▸ ", "muted"), second]


def _facts(status: PracticeStatus, columns: int) -> list[Span]:
    """What is the case now, the most urgent first."""
    facts: list[Span] = []
    if status.condition:
        facts.append(ours(*_CONDITIONS[status.condition]))
    if status.read_only:
        facts.append(ours("READ-ONLY", "warn"))
    if status.running:
        facts.append(span(f"◷ run {status.running}", "accent"))
    if status.held:
        facts.append(ours(f"▲ {status.held} held", "warn"))
    if not status.known:
        facts.append(ours("opening …", "muted"))
    elif not status.connected:
        facts.append(ours("○ Not connected", "warn"))
    else:
        facts.append(ours("▲ Login needed", "warn") if status.login_needed else ours("● Connected", "good"))
        ago = None if status.hours is None else elapsed(status.hours * 3_600)
        facts.append(ours("never synced" if ago is None else f"synced {ago}"))
    if columns >= CALLS_FROM and status.minute_left is not None and status.known:
        facts.append(ours(f"{count(status.minute_left, 'call')} left this minute", "muted"))
    if columns >= DAY_FROM and status.day_left is not None:
        facts.append(ours(f"{status.day_left:,} left today", "muted"))
    return facts


def status_line(practice_status: PracticeStatus, columns: int) -> Content:
    """The whole line in ``columns`` columns: the direction goes, and the name is cut, before a warning is."""
    right: list[Span] = []
    for fact in _facts(practice_status, columns):
        right += [ours(BETWEEN, "muted"), fact] if right else [fact]
    name = Span(visible(practice_status.title or "xpm-tui"), "strong")
    mark = (
        Content.styled(" SANDBOX ", "bold reverse") + Content(" ") if practice_status.sandbox else Content("")
    )
    room = columns - width(right) - mark.cell_length - 4
    flow = [ours("   "), *direction_spans(practice_status.direction)] if practice_status.direction else []
    if width([name, *flow]) > room:
        flow = []
    left = Content(" ") + mark + words([Span(cut(name.text, room), name.look), *flow])
    gap = max(1, columns - left.cell_length - width(right) - 1)
    return left + Content(" " * gap) + words(right)


HERE = "bold reverse $primary"
"""The tab of the area in front: a solid block, told by reverse where there is no colour."""
GO = "g go to "


class Tabs(TextLabel):
    """The areas in one line; a click on one goes there."""

    def __init__(self, areas: Sequence[Area], here: str) -> None:
        super().__init__(classes="tabs")
        self._areas = areas
        self._here = here
        self._ends: list[int] = []
        self.tell({})

    def tell(self, counts: Mapping[str, int], room: int = 0) -> None:
        """How much needs the user in which area, where the names leave room for that."""
        for told, between in ((counts, " "), (counts, ""), ({}, "")):
            line = self._line(told, between)
            if not 0 < room < line.cell_length:
                break
        spare = room - line.cell_length - len(GO)
        if room >= CALLS_FROM and spare > 0:
            line += (
                Content(" " * spare) + Content.styled("g", "bold $accent") + words([ours(GO[1:], "muted")])
            )
        self.say(line)

    def _line(self, counts: Mapping[str, int], between: str) -> Content:
        line = Content("")
        self._ends = []
        for area in self._areas:
            number = counts.get(area.name, 0)
            if area.name == self._here:
                line += Content.styled(f" {area.title}{f' {number:,}' if number else ''} ", HERE)
            else:
                told = [ours(f" {number:,}", "warn")] if number else []
                line += words([ours(f" {area.title}", "muted"), *told, ours(" ")])
            line += Content(between)
            self._ends.append(line.cell_length)
        return line

    def on_click(self, event: events.Click) -> None:
        """Go there."""
        event.stop()
        place = bisect_right(self._ends, event.x)
        if place < len(self._areas):
            self.post_message(Header.Go(self._areas[place].name))


class Header(Vertical):
    """Two lines: the heartbeat and the areas."""

    class Go(Message):
        """Somebody clicked an area."""

        def __init__(self, area: str) -> None:
            super().__init__()
            self.area = area

    def __init__(self, areas: Sequence[Area], here: str) -> None:
        super().__init__()
        self._practice_status = PracticeStatus()
        self._line = TextLabel(classes="pulse")
        self._tabs = Tabs(areas, here)
        self._drawn: tuple[PracticeStatus, int] | None = None

    def compose(self) -> ComposeResult:
        """Heartbeat over areas."""
        yield self._line
        yield self._tabs

    def tell(self, practice_status: PracticeStatus) -> None:
        """Another heartbeat; nothing is painted when it says the same."""
        self._practice_status = practice_status
        self._draw()

    def on_resize(self) -> None:
        """The name takes what room there is."""
        self._draw()

    def _draw(self) -> None:
        wanted = (self._practice_status, self.size.width)
        if wanted == self._drawn or self.size.width == 0:
            return
        self._drawn = wanted
        self._line.say(status_line(*wanted))
        waiting = self._practice_status
        counts = {"clients": waiting.needs_person, "jobs": waiting.needs_jobs, "sync": waiting.held}
        self._tabs.tell(counts, self.size.width)
