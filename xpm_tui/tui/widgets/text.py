"""Text widgets with hanging indentation, and a scrollable view of lines; both paint only what differs."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any, ClassVar, Self

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual import events
from textual.content import Content
from textual.css.styles import RenderStyles, RulesMap
from textual.dom import DOMNode
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions, Visual
from textual.widget import Widget
from textual.widgets import Static

from xpm_tui.domain.formatting import hanging_indent, rows
from xpm_tui.tui.widgets.cells import LOOKS, Line, fit


def wrapped_lines(text: Content, columns: int) -> Content:
    """Return the text wrapped to ``columns``, with continuation lines aligned below the text."""
    found: list[Content] = []
    for line in text.split("\n", allow_blank=True):
        indent = Content(" " * hanging_indent(line.plain, columns))
        for place, (start, end) in enumerate(rows(line.plain, columns)):
            found.append(indent + line[start:end] if place else line[start:end])
    return Content("\n").join(found)


class HangingText(Visual):
    """A text that is wrapped for the width it gets; unwrapped lines stay as they are."""

    def __init__(self, text: Content) -> None:
        self.text = text
        self._wrapped: tuple[int, Content] = (0, Content(""))

    def wrapped(self, columns: int, rules: RulesMap) -> Content:
        """Return the text wrapped for a width."""
        if columns <= 0 or rules.get("text_wrap") == "nowrap":
            return self.text
        if self._wrapped[0] != columns:
            self._wrapped = (columns, wrapped_lines(self.text, columns))
        return self._wrapped[1]

    def render_strips(
        self, width: int, height: int | None, style: Style, options: RenderOptions
    ) -> list[Strip]:
        """Return the painted lines."""
        return self.wrapped(width, options.rules).render_strips(width, height, style, options)

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:
        """Return the width of the longest line."""
        return self.text.get_optimal_width(rules, container_width)

    def get_minimal_width(self, rules: RulesMap) -> int:
        """Return the width of the longest word."""
        return self.text.get_minimal_width(rules)

    def get_height(self, rules: RulesMap, width: int) -> int:
        """Return the number of lines for a width; stock content counts unwrapped lines as if they wrapped."""
        if rules.get("text_wrap") == "nowrap":
            return self.text.plain.count("\n") + 1
        return self.wrapped(width, rules).get_height(rules, width)


class StaticText(Static):
    """A stock ``Static`` with hanging indentation."""

    def __init__(self, text: Content | None = None, *, classes: str = "") -> None:
        self._visual = HangingText(text if text is not None else Content(""))
        super().__init__(self._visual, classes=classes)

    def update(self, content: Any = "", *, layout: bool = True) -> None:
        """Show another text."""
        self._visual = HangingText(content if isinstance(content, Content) else Content(content))
        super().update(self._visual, layout=layout)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the text selected with the mouse, as it is on the screen."""
        text = self._visual.wrapped(self.content_size.width, self.styles.get_rules())
        return selection.extract(text.plain), "\n"


class TextLabel(StaticText):
    """A label that is painted only where its text differs.

    ``fixed`` means that the stylesheet sets its height, so another text needs no layout; nor does a text with
    the same number of unwrapped lines. Of unwrapped lines only those that differ are painted.
    """

    def __init__(self, text: Content | None = None, *, fixed: bool = True, classes: str = "") -> None:
        self._text = text if text is not None else Content("")
        self._fixed = fixed
        self._changed: list[Region] = []
        super().__init__(self._text, classes=classes)

    def say(self, text: Content) -> None:
        """Show a text; does nothing if it is the same."""
        old, new = self._text.split("\n", allow_blank=True), text.split("\n", allow_blank=True)
        changed = [y for y, (a, b) in enumerate(zip_longest(old, new)) if not _same(a, b)]
        if not changed:
            return
        self._text = text
        unwrapped = self.styles.text_wrap == "nowrap"
        self._changed = [Region(0, y, self.size.width, 1) for y in changed] if unwrapped else []
        self.update(text, layout=not (self._fixed or (unwrapped and len(old) == len(new))))
        self._changed = []

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> Self:
        """Paint again; while the text is being replaced, only the lines that differ."""
        changed = regions or self._changed
        return super().refresh(*changed, repaint=repaint, layout=layout, recompose=recompose)


def _same(one: Content | None, other: Content | None) -> bool:
    return one is not None and other is not None and one.plain == other.plain and one.spans == other.spans


def title_room(widget: Widget) -> int:
    """Return the columns that the frame of a panel or dialog leaves to its title."""
    return max(0, widget.outer_size.width - 6)


def give_room(panel: Widget, rows: int, most: int) -> None:
    """Make a panel higher than in the stylesheet if its text has more rows, at most ``most`` with its frame.

    Otherwise it keeps its height: a change of the layout paints everything.
    """
    usual = panel.styles.base.height
    least = int(usual.value) if usual is not None else most
    wanted = min(rows + 2, most)
    if wanted > least:
        panel.styles.height = wanted
    elif panel.styles.inline.has_rule("height"):
        panel.styles.height = None


class StyledOnDemand(Widget):
    """A mixin for widgets with many component classes, each of which is styled when it is first drawn.

    Stock Textual styles all of them whenever it styles the widget, which is most of the work for a list. It
    must not be the first base class, from which Textual inherits the default style.
    """

    @classmethod
    def _get_component_classes(cls) -> frozenset[str]:  # type: ignore[override]
        return frozenset()

    def notify_style_update(self) -> None:
        """Drop the styles of the parts, because the theme may have changed."""
        self._component_styles.clear()
        super().notify_style_update()

    def get_component_styles(self, *names: str) -> RenderStyles:
        """Return the styles of parts, which are computed when first needed."""
        for name in names:
            if name not in self._component_styles:
                part = DOMNode(classes=name)
                part._attach(self)
                self.app.stylesheet.apply(part)
                self._component_styles[name] = part.styles
        return super().get_component_styles(*names)


class Lines(ScrollView, StyledOnDemand, can_focus=True):
    """A scrollable list of lines that are rendered only when they are visible.

    A subclass provides the number of lines and renders one of them, so fifty thousand cost as much as fifty.
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

    def line_count(self) -> int:
        """Return the number of lines."""
        raise NotImplementedError

    def line_at(self, index: int, columns: int) -> Line:
        """Return a line, at most ``columns`` wide."""
        raise NotImplementedError

    def overlay(self, index: int) -> RichStyle | None:
        """Return the style to apply over a line, such as that of the cursor."""
        return None

    def measure(self) -> None:
        """Update the number of lines without a layout, which would paint everything."""
        # Never wider than the view: a width that depends on it would cause a second layout.
        size = Size(1, self.line_count())
        if size != self.virtual_size:
            self.set_reactive(Lines.virtual_size, size)
            self._scroll_update(size)

    def repaint(self) -> None:
        """Paint the visible lines that have changed."""
        columns = self.scrollable_content_region.width
        for y in range(self.size.height):
            if self._painted.get(y) != self._strip(y):
                self.refresh(Region(0, y, columns, 1))

    def render_line(self, y: int) -> Strip:
        """Return a line of the view."""
        strip = self._painted[y] = self._strip(y)
        return strip

    def _strip(self, y: int) -> Strip:
        columns, place = self.scrollable_content_region.width, y + self.scroll_offset.y
        base = self.rich_style
        if columns <= 0 or not 0 <= place < self.line_count():
            return Strip.blank(max(0, columns), base)
        overlay = self.overlay(place)
        segments = []
        for text, look in fit(self.line_at(place, columns), columns):
            style = base + self.get_component_rich_style(f"rows--{look}", partial=True) if look else base
            segments.append(Segment(text, style + overlay if overlay else style))
        return Strip(segments, columns).simplify()

    def on_resize(self, _: events.Resize) -> None:
        """Render the lines for the new width."""
        self.measure()
