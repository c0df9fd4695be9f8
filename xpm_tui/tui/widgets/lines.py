"""Lines of text in a view that scrolls: only what is in sight is made, only what differs is painted."""

from __future__ import annotations

from typing import ClassVar, Self

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from xpm_tui.tui.widgets.cells import LOOKS, Line, fit


class Lines(ScrollView, can_focus=True):
    """A list of lines that are rendered only when they are visible.

    A child class provides the number of lines and renders one of them, so fifty thousand cost as much as
    fifty.
    """

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"rows--{look}" for look in LOOKS),
        "rows--cursor",
        "rows--cursor-quiet",
    }

    def __init__(self) -> None:
        super().__init__()
        self._painted: dict[int, Strip] = {}

    def length(self) -> int:
        """How many lines there are."""
        raise NotImplementedError

    def made(self, place: int, columns: int) -> Line:
        """One of them, at most ``columns`` wide."""
        raise NotImplementedError

    def over(self, place: int) -> Style | None:
        """What lies over the looks of a line."""
        return None

    def measure(self) -> None:
        """Another length, set without a layout, which would paint all: only the scrollbar must know."""
        # Never wider than the view: a width that followed it would lay the screen out twice.
        size = Size(1, self.length())
        if size != self.virtual_size:
            self.set_reactive(Lines.virtual_size, size)
            self._scroll_update(size)

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> Self:
        """Paint again. A layout has painted all, but leaves it on the list of what is to be painted."""
        if regions and not self._repaint_required:
            self._repaint_regions.clear()
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def repaint(self) -> None:
        """Paint the lines in sight that are not what they were."""
        columns = self.scrollable_content_region.width
        for y in range(self.size.height):
            if self._painted.get(y) != self._strip(y):
                self.refresh(Region(0, y, columns, 1))

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        strip = self._painted[y] = self._strip(y)
        return strip

    def _strip(self, y: int) -> Strip:
        columns, place = self.scrollable_content_region.width, y + self.scroll_offset.y
        base = self.rich_style
        if columns <= 0 or not 0 <= place < self.length():
            return Strip.blank(max(0, columns), base)
        over = self.over(place)
        segments = []
        for text, look in fit(self.made(place, columns), columns):
            style = base + self.get_component_rich_style(f"rows--{look}", partial=True) if look else base
            segments.append(Segment(text, style + over if over else style))
        return Strip(segments, columns).simplify()

    def on_resize(self, _: events.Resize) -> None:
        """Another width means other lines."""
        self.measure()
