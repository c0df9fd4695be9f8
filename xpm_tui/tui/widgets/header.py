"""The head of every screen: which practice, SANDBOX in words, the heartbeat; under it the areas."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from xpm_tui.domain.formatting import cut, elapsed
from xpm_tui.domain.safe_text import visible
from xpm_tui.tui.app_protocol import Area
from xpm_tui.tui.status_summary import PracticeStatus
from xpm_tui.tui.widgets.cells import Look, Span, ours, width, words
from xpm_tui.tui.widgets.text import TextLabel

_CONDITIONS: dict[str, tuple[str, Look]] = {
    "damaged": ("■ STORE DAMAGED", "bad"),
    "unfinished_import": ("■ import unfinished", "warn"),
    "open_intents": ("■ unknown outcome", "warn"),
}
"""Conditions of the practice, as the head of every screen names them."""


def status_line(practice_status: PracticeStatus, columns: int) -> list[Span]:
    """The whole line in ``columns`` columns: the name is cut before a warning is."""
    right: list[Span] = []

    def add(text: str, look: Look = "") -> None:
        right.extend([ours("  "), ours(text, look)])

    if practice_status.condition:
        add(*_CONDITIONS[practice_status.condition])
    if practice_status.read_only:
        add("READ-ONLY", "warn")
    if practice_status.running:
        add(f"▶ run {visible(practice_status.running)}", "accent")
    if practice_status.held:
        add(f"■ {practice_status.held} held", "warn")
    if not practice_status.known:
        add("opening …", "muted")
    elif not practice_status.connected:
        add("○ not connected", "warn")
    else:
        add(*(("○ login needed", "warn") if practice_status.login_needed else ("● connected", "good")))
        add(
            "never synced"
            if practice_status.hours is None
            else f"synced {elapsed(practice_status.hours * 3_600)}"
        )
    if columns >= 100 and practice_status.minute_left is not None:
        add(f"{practice_status.minute_left}/min", "muted")
    if columns >= 100 and practice_status.day_left is not None:
        add(f"{practice_status.day_left:,} today", "muted")
    mark = [ours("  "), ours(" SANDBOX ", "accent")] if practice_status.sandbox else []
    name_room = columns - width(right) - width(mark) - 2
    name = Span(cut(visible(practice_status.title or "xpm-tui"), name_room), "strong")
    left = [ours(" "), name, *mark]
    gap = max(1, columns - width(left) - width(right) - 1)
    return [*left, ours(" " * gap), *right]


class Tabs(TextLabel):
    """The areas in one line; a click on one goes there."""

    def __init__(self, areas: Sequence[Area], here: str) -> None:
        super().__init__(classes="tabs")
        self._areas = areas
        self._here = here
        self._ends: list[int] = []
        self.tell({})

    def tell(self, counts: Mapping[str, int], room: int = 0) -> None:
        """Show how many items need attention in each area, where the names leave room for the counts.

        The current area is marked with brackets, not by colour alone.
        """
        pieces = self._pieces(counts)
        if 0 < room < width(pieces):
            pieces = self._pieces({})
        self.say(words(pieces))

    def _pieces(self, counts: Mapping[str, int]) -> list[Span]:
        pieces: list[Span] = []
        self._ends = []
        for area in self._areas:
            left, right = "[]" if area.name == self._here else "  "
            look: Look = "head" if area.name == self._here else "muted"
            count = counts.get(area.name, 0)
            number = [ours(f" {count}", "warn")] if count else []
            pieces += [ours(left + area.title, look), *number, ours(right, look)]
            self._ends.append(width(pieces))
        return pieces

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
        self._line.say(words(status_line(*wanted)))
        self._tabs.tell({"clients": self._practice_status.needs_person}, self.size.width)
