"""Text to read whose continuation lines stand under the text: steps, facts, sentences with a mark."""

from __future__ import annotations

from typing import Any

from textual.content import Content
from textual.css.styles import RulesMap
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions, Visual
from textual.widgets import Static

from xpm_tui.model.formatting import hanging_indent, rows


def laid(text: Content, columns: int) -> Content:
    """The text in lines of at most ``columns``."""
    found: list[Content] = []
    for line in text.split("\n", allow_blank=True):
        indent = Content(" " * hanging_indent(line.plain, columns))
        for place, (start, end) in enumerate(rows(line.plain, columns)):
            found.append(indent + line[start:end] if place else line[start:end])
    return Content("\n").join(found)


class Hung(Visual):
    """A text that is laid out for the width it gets; as it is where its lines are not wrapped at all."""

    def __init__(self, text: Content) -> None:
        self.text = text
        self._laid: tuple[int, Content] = (0, Content(""))

    def at(self, columns: int, rules: RulesMap) -> Content:
        """For a width."""
        if columns <= 0 or rules.get("text_wrap") == "nowrap":
            return self.text
        if self._laid[0] != columns:
            self._laid = (columns, laid(self.text, columns))
        return self._laid[1]

    def render_strips(
        self, width: int, height: int | None, style: Style, options: RenderOptions
    ) -> list[Strip]:
        """Painted."""
        return self.at(width, options.rules).render_strips(width, height, style, options)

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:
        """That of its longest line."""
        return self.text.get_optimal_width(rules, container_width)

    def get_minimal_width(self, rules: RulesMap) -> int:
        """That of its longest word."""
        return self.text.get_minimal_width(rules)

    def get_height(self, rules: RulesMap, width: int) -> int:
        """Lines for a width."""
        return self.at(width, rules).get_height(rules, width)


class Prose(Static):
    """A stock text, hung."""

    def __init__(self, text: Content | None = None, *, classes: str = "") -> None:
        self._hung = Hung(text if text is not None else Content(""))
        super().__init__(self._hung, classes=classes)

    def update(self, content: Any = "", *, layout: bool = True) -> None:
        """Another text."""
        self._hung = Hung(content if isinstance(content, Content) else Content(content))
        super().update(self._hung, layout=layout)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """What was marked with the mouse, as it stands on the screen."""
        return selection.extract(self._hung.at(self.content_size.width, self.styles.get_rules()).plain), "\n"
