"""The frame of every screen: a header with the practice, its status and the tabs, and a footer of keys."""

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

from xpm_tui.domain.formatting import cells, count, cut, elapsed
from xpm_tui.domain.safe_text import visible
from xpm_tui.tui.app_protocol import AREAS, AppMixin, Area, PracticeStatus
from xpm_tui.tui.widgets.cells import Line, Look, Span, fit_names, fixed, span, width, words, wrap
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
"""The widths from which the calls left this minute and today are shown."""


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

    If there is too little room, the direction is left out, then the name is cut, and then the least urgent
    facts are left out.
    """
    mark, facts = _sandbox_mark(practice_status), _facts(practice_status, columns)
    right, room = _joined(facts), columns - mark.cell_length - 4
    while len(facts) > 1 and room - width(right) < _name_least(practice_status):
        facts.pop()
        right = _joined(facts)
    room -= width(right)
    flow = [fixed("   "), *direction_spans(practice_status.direction)] if practice_status.direction else []
    name = _practice_name(practice_status, room - width(flow))
    if "…" in name.plain or not name:
        name, flow = _practice_name(practice_status, room), []
    left = Content(" ") + mark + name + words(flow)
    gap = max(1, columns - left.cell_length - width(right) - 1)
    return left + Content(" " * gap) + words(right)


def _joined(facts: Sequence[Span]) -> list[Span]:
    return [piece for fact in facts for piece in (fixed(BETWEEN, "muted"), fact)][1:]


def _name_least(status: PracticeStatus) -> int:
    """Return the room that the name of the practice always has, in columns."""
    return min(NAME_LEAST, cells(visible(status.title or "xpm-tui")))


def _sandbox_mark(status: PracticeStatus) -> Content:
    return Content.styled(" SANDBOX ", "bold reverse") + Content(" ") if status.sandbox else Content("")


def _practice_name(status: PracticeStatus, room: int) -> Content:
    """Return the name of the practice, in its own colour if it has one."""
    look = f"bold $practice-{status.colour}" if status.colour else "bold"
    return Content.styled(cut(visible(status.title or "xpm-tui"), room), look)


NAME_LEAST = 10
"""The room that a name has before it is cut further or left out, in columns."""


def heading(
    status: PracticeStatus,
    title: str,
    subject: Line,
    columns: int,
    *,
    right: Line = (),
    below: Sequence[Line] = (),
) -> Content:
    """Return the heading of a screen over an area: title, subject and practice, with the lines ``below``.

    If there is too little room, ``right`` is left out first, then the name of the practice is cut, then the
    names in the subject, and then its last facts are left out. The marks of a sandbox and of a read-only
    console stay.
    """
    start = Content.styled(f" {title} ", HERE)
    marks = Content("  ") + _sandbox_mark(status)
    if status.read_only:
        marks += words([fixed("READ-ONLY", "warn"), fixed(BETWEEN, "muted")])
    room = columns - start.cell_length - marks.cell_length - 1
    least = _name_least(status)
    if least > room:
        least = 0
    subject = _fit_subject([fixed(" "), *subject], max(0, room - least))
    name = _practice_name(status, max(least, room - width(subject)) if least else 0)
    if right and width(right) + len(BETWEEN) + name.cell_length <= room - width(subject):
        marks = Content("  ") + words([*right, fixed(BETWEEN, "muted")]) + marks[2:]
    end = marks + name + Content(" ")
    start += words(subject)
    room = columns - end.cell_length
    if start.cell_length > room:
        start = start.truncate(room, ellipsis=True)
    first = start + Content(" " * (room - start.cell_length)) + end
    return Content("\n").join([first, *map(words, below)])


SUBJECT_NAME = 7
"""The room to which a name in the subject of a screen is cut before a fact beside it is left out."""


def _fit_subject(subject: Line, columns: int) -> Line:
    """Return a subject in at most ``columns`` columns: names are cut first, then its last facts left out."""
    kept = list(subject)
    while True:
        names = [piece for piece in kept if piece.look == "strong"]
        room = columns - width(kept) + width(names)
        if room >= min(width(names), SUBJECT_NAME * len(names)):
            fitted = iter(fit_names(names, room))
            return [next(fitted) if piece.look == "strong" else piece for piece in kept]
        facts = [place for place, piece in enumerate(kept) if place > 1 and piece.look != "strong"]
        if not facts:
            return fit_names(kept, columns)
        del kept[facts[-1]]


HERE = "bold reverse $primary"
"""The style of the active tab and of a screen's title: reversed, so that it shows without colours."""
GO = "g go to "
"""The hint beside the tabs."""


LINE_ROWS = 2
"""The most rows of a line below the title; a name that is longer is cut in the middle."""


class ScreenHeading(AppMixin, TextLabel):
    """The heading of a screen over an area, fitted to the width: lines that are too long take more rows."""

    def __init__(self, title: str, *, classes: str = "") -> None:
        super().__init__(classes=classes)
        self._title = title
        self._subject: Line = ()
        self._below: Sequence[Line] = ()
        self._right: Line = ()
        self._is_taller = False

    def show_subject(self, subject: Line = (), *below: Line, right: Line = ()) -> None:
        """Show what the screen is about, and more lines below."""
        self._subject, self._below, self._right = subject, below, right
        self._draw()

    def on_resize(self) -> None:
        """Fit the lines to the new width."""
        self._draw()

    def _draw(self) -> None:
        columns = self.size.width or self.app.size.width
        status = self.host.practice_status
        below = [row for line in self._below for row in _rows_below(line, columns)]
        if self._is_taller or len(below) > len(self._below):
            self._is_taller = len(below) > len(self._below)
            self.styles.height = 1 + len(below)
        self.say(heading(status, self._title, self._subject, columns, right=self._right, below=below))


def _rows_below(line: Line, columns: int) -> Sequence[Line]:
    found = wrap(line, columns)
    if len(found) > LINE_ROWS:
        found = wrap(fit_names(line, (columns - NAME_LEAST) * LINE_ROWS), columns)
    return found or [line]


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
        status = self._practice_status
        counts = {"clients": status.needs_person, "jobs": status.needs_jobs, "sync": status.held}
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
REST = "more"
"""The label after the number of keys for which there is no room; the help lists them."""


class KeyFooter(Footer):
    """A footer that is composed again only if its entries change; if one is disabled, only that is painted.

    Textual checks the bindings of a screen after every key, and they rarely differ. With ``more``, the keys
    that work everywhere follow at the right, as far as there is room.
    """

    def __init__(self, *, more: bool = False) -> None:
        super().__init__(compact=True, show_command_palette=False)
        self._shown: dict[tuple[str, str], bool] = {}
        self._more = more
        self._extra_keys = (0, 0, False, 0)

    def compose(self) -> ComposeResult:
        """Compose the screen's own keys, then those that work everywhere."""
        own = list(super().compose())
        keys = [key for key in own if isinstance(key, FooterKey)]
        found, gap, apart, fitting = self._extra_keys = self._room(keys, self.app.size.width)
        for hidden in keys[fitting:]:
            hidden.display = False
        for each in own:
            # Stock keys add the class when they are mounted, which styles them twice.
            each.add_class("-compact", *(("-apart",) if apart else ()), update=False)
        yield from own
        if rest := len(keys) - fitting:
            yield FooterKey("question_mark", f"+{rest}", REST, "app.help", classes=MORE_CLASS).data_bind(
                compact=Footer.compact
            )
        for place, (key, shown, label, action) in enumerate(MORE[:found]):
            entry = FooterKey(key, shown, label, action, classes=MORE_CLASS).data_bind(compact=Footer.compact)
            if not place:
                entry.styles.margin = (0, 1, 0, gap)
            yield entry

    def _room(self, own: Sequence[FooterKey], width: int) -> tuple[int, int, bool, int]:
        """Return how many of the general keys fit, the gap before them, and if there is room between keys.

        The last number is how many of the screen's own keys fit: the others are only counted. A blank
        separates an entry's key from its label, and another follows the label.
        """
        needed = [len(key.key_display) + len(key.description) + 2 for key in own]
        fitting = len(own)
        while fitting and sum(needed[:fitting]) + (len(REST) + 4 if fitting < len(own) else 0) > width:
            fitting -= 1
        spare = width - sum(needed)
        sizes = [len(shown) + len(label) + 2 for _, shown, label, _ in MORE] if self._more and own else []
        found = next((many for many in range(len(sizes), 0, -1) if sum(sizes[:many]) <= spare), 0)
        apart = found == len(sizes) and sum(sizes) + len(own) <= spare
        spare -= len(own) if apart else 0
        return found, max(0, spare - sum(sizes[:found])) if found else 0, apart, fitting

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
