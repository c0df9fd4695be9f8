"""The header of every area: the practice, its direction and status, and the tabs of the areas.

The footer of a screen: its keys, dimmed while unavailable, and the line of areas after ``g``.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, Static
from textual.widgets._footer import FooterKey

from xpm_tui.domain.formatting import count, cut, elapsed
from xpm_tui.domain.safe_text import visible
from xpm_tui.tui.app_protocol import AREAS, AppMixin, Area, PracticeStatus
from xpm_tui.tui.widgets.cells import Look, Span, fixed, span, width, words
from xpm_tui.tui.widgets.text import TextLabel

if TYPE_CHECKING:
    from textual.dom import DOMNode


_CONDITIONS: dict[str, tuple[str, Look]] = {
    "damaged": ("✕ STORE DAMAGED", "bad"),
    "unreachable": ("✕ DATABASE UNREACHABLE", "bad"),
    "unfinished_import": ("▲ import unfinished", "warn"),
    "open_intents": ("▲ unknown outcome", "warn"),
}
"""The labels of the practice's conditions in the header."""

BETWEEN = "  ·  "
"""The separator between two facts."""
CALLS_FROM, DAY_FROM = 110, 150
"""The widths from which the calls left of the minute and of the day are shown."""


def direction_spans(direction: str) -> list[Span]:
    """Return both sides in the order of the sync, each in its colour."""
    sides = [fixed("XPM", "xpm"), fixed("Ignition", "ignition")]
    first, second = reversed(sides) if direction == "to_xpm" else sides
    return [first, fixed(" ▸ ", "muted"), second]


def _facts(status: PracticeStatus, columns: int) -> list[Span]:
    """Return the current facts, the most urgent first."""
    facts: list[Span] = []
    if status.condition:
        facts.append(fixed(*_CONDITIONS[status.condition]))
    if status.read_only:
        facts.append(fixed("READ-ONLY", "warn"))
    if status.running:
        facts.append(span(f"◷ run {status.running}", "accent"))
    if status.held:
        facts.append(fixed(f"▲ {status.held} held", "warn"))
    if not status.known:
        facts.append(fixed("opening …", "muted"))
    elif not status.connected:
        facts.append(fixed("○ Not connected", "warn"))
    else:
        facts.append(fixed("▲ Login needed", "warn") if status.login_needed else fixed("● Connected", "good"))
        ago = None if status.hours is None else elapsed(status.hours * 3_600)
        facts.append(fixed("never synced" if ago is None else f"synced {ago}"))
    if columns >= CALLS_FROM and status.minute_left is not None and status.known:
        facts.append(fixed(f"{count(status.minute_left, 'call')} left this minute", "muted"))
    if columns >= DAY_FROM and status.day_left is not None:
        facts.append(fixed(f"{status.day_left:,} left today", "muted"))
    return facts


def status_line(practice_status: PracticeStatus, columns: int) -> Content:
    """Return the status in exactly ``columns`` columns.

    If there is too little room, the direction is left out and the name is cut before any warning.
    """
    right: list[Span] = []
    for fact in _facts(practice_status, columns):
        right += [fixed(BETWEEN, "muted"), fact] if right else [fact]
    name = Span(visible(practice_status.title or "xpm-tui"), "strong")
    mark = (
        Content.styled(" SANDBOX ", "bold reverse") + Content(" ") if practice_status.sandbox else Content("")
    )
    room = columns - width(right) - mark.cell_length - 4
    flow = [fixed("   "), *direction_spans(practice_status.direction)] if practice_status.direction else []
    if width([name, *flow]) > room:
        flow = []
    left = Content(" ") + mark + words([Span(cut(name.text, room), name.look), *flow])
    gap = max(1, columns - left.cell_length - width(right) - 1)
    return left + Content(" " * gap) + words(right)


HERE = "bold reverse $primary"
"""The style of the active tab: reversed, so that it can be recognised without colours."""
GO = "g go to "


class Tabs(TextLabel):
    """The areas in one line; a click on one switches to it."""

    def __init__(self, areas: Sequence[Area], here: str) -> None:
        super().__init__(classes="tabs")
        self._areas = areas
        self._here = here
        self._ends: list[int] = []
        self.show_counts({})

    def show_counts(self, counts: Mapping[str, int], room: int = 0) -> None:
        """Show how many items need the user in each area, where there is room beside the names."""
        for shown, between in ((counts, " "), (counts, ""), ({}, "")):
            line = self._line(shown, between)
            if not 0 < room < line.cell_length:
                break
        spare = room - line.cell_length - len(GO)
        if room >= CALLS_FROM and spare > 0:
            line += (
                Content(" " * spare) + Content.styled("g", "bold $accent") + words([fixed(GO[1:], "muted")])
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
                shown = [fixed(f" {number:,}", "warn")] if number else []
                line += words([fixed(f" {area.title}", "muted"), *shown, fixed(" ")])
            line += Content(between)
            self._ends.append(line.cell_length)
        return line

    def on_click(self, event: events.Click) -> None:
        """Switch to the clicked area."""
        event.stop()
        place = bisect_right(self._ends, event.x)
        if place < len(self._areas):
            self.post_message(Header.Go(self._areas[place].name))


class Header(Vertical):
    """Two lines: the status and the areas."""

    class Go(Message):
        """Posted when an area is clicked."""

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
        """Compose the status and the tabs."""
        yield self._line
        yield self._tabs

    def show_status(self, practice_status: PracticeStatus) -> None:
        """Show another status; nothing is painted if the text stays the same."""
        self._practice_status = practice_status
        self._draw()

    def on_resize(self) -> None:
        """Fit the status to the new width."""
        self._draw()

    def _draw(self) -> None:
        wanted = (self._practice_status, self.size.width)
        if wanted == self._drawn or self.size.width == 0:
            return
        self._drawn = wanted
        self._line.say(status_line(*wanted))
        waiting = self._practice_status
        counts = {"clients": waiting.needs_person, "jobs": waiting.needs_jobs, "sync": waiting.held}
        self._tabs.show_counts(counts, self.size.width)


class KeyExplainer(AppMixin):
    """A mixin for screens and widgets with keys. A subclass says why an action is unavailable."""

    SAVES: ClassVar[frozenset[str]] = frozenset()
    """Actions that write a file, which are unavailable if files cannot be written."""

    def why_not(self, action: str) -> str:
        """Return a sentence on why an action is unavailable now; empty if it is available."""
        return ""

    def _against(self, action: str) -> str:
        refused = self.host.refuses_files() if action in self.SAVES else ""
        return refused or self.why_not(action)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable unavailable actions, which dims them in the footer."""
        if self._against(action):
            return None
        usable: bool | None = super().check_action(action, parameters)  # type: ignore[misc]
        return usable

    def on_key(self, event: events.Key) -> None:
        """Explain why the action of a disabled key is unavailable."""
        bound = cast("DOMNode", self)._bindings.key_to_bindings
        for binding in bound.get(event.key, ()):
            reason = self._against(binding.action.partition("(")[0])
            if reason:
                event.stop()
                event.prevent_default()
                self.host.toast(reason, "warning")


class KeyRow(Static):
    """A line with the keys of the areas, hidden until ``g`` is pressed."""

    def __init__(self) -> None:
        pieces: list[Span] = [fixed(" Go to ", "muted")]
        for area in AREAS:
            pieces += [fixed(f" {area.letter} ", "accent"), fixed(area.title)]
        super().__init__(words(pieces))
        self.display = False


MORE = (("question_mark", "?", "Help", "app.help"), ("colon", ":", "All actions", "app.palette"))
"""Keys that work everywhere, shown if there is room after the screen's own."""
MORE_CLASS = "-more"


class KeyFooter(Footer):
    """A footer that is composed again only if its entries change; one that is disabled is painted alone.

    Textual checks the bindings of a screen after every key, and they rarely differ. With ``more``, the keys
    that work everywhere follow at the right, as far as there is room.
    """

    def __init__(self, *, more: bool = False) -> None:
        super().__init__(compact=True, show_command_palette=False)
        self._shown: dict[tuple[str, str], bool] = {}
        self._more = more
        self._extra_keys = (0, 0)

    def compose(self) -> ComposeResult:
        """Compose the screen's own keys, then those that work everywhere."""
        own = list(super().compose())
        for each in own:
            # Stock keys add the class when they are mounted, which styles them twice.
            each.add_class("-compact", update=False)
        yield from own
        found, gap = self._extra_keys = self._room(
            [key for key in own if isinstance(key, FooterKey)], self.app.size.width
        )
        for place, (key, shown, label, action) in enumerate(MORE[:found]):
            entry = FooterKey(key, shown, label, action, classes=MORE_CLASS).data_bind(compact=Footer.compact)
            if not place:
                entry.styles.margin = (0, 1, 0, gap)
            yield entry

    def _room(self, own: Sequence[FooterKey], width: int) -> tuple[int, int]:
        """Return how many of the general keys fit, and the gap before them.

        Blanks separate an entry's key from its label, and follow the label.
        """
        if not (self._more and own):
            return 0, 0
        spare = width - sum(len(key.key_display) + len(key.description) + 2 for key in own)
        sizes = [len(shown) + len(label) + 2 for _, shown, label, _ in MORE]
        found = next((many for many in range(len(MORE), 0, -1) if sum(sizes[:many]) <= spare), 0)
        return found, max(0, spare - sum(sizes[:found])) if found else 0

    @property
    def _own(self) -> list[FooterKey]:
        return [key for key in self.query(FooterKey) if not key.has_class(MORE_CLASS)]

    def bindings_changed(self, screen: Screen[object]) -> None:
        """Compose the footer again for other entries; for the same ones, update which are disabled."""
        found = {
            (active.binding.key, active.binding.description): active.enabled
            for active in screen.active_bindings.values()
            if active.binding.show
        }
        before, self._shown = self._shown, found
        keys = self._own
        if list(found) != list(before) or len(keys) != len(found):
            super().bindings_changed(screen)
            return
        for key, enabled in zip(keys, found.values(), strict=True):
            key._disabled = not enabled
            key.set_class(not enabled, "-disabled")

    async def on_resize(self, event: events.Resize) -> None:
        """Add or remove general keys for the new width."""
        if self._extra_keys != self._room(self._own, event.size.width):
            await self.recompose()
