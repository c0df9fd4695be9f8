"""A text painted only when it says something else, and that moves nothing when its height is fixed."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static


class Says(Static):
    """``fixed``: its height comes from the stylesheet, so another text needs no new layout; nor does one of
    as many lines that are not wrapped.

    A layout repaints the screen: over a slow line that is the difference between one line and all of them.
    """

    def __init__(self, text: Content | None = None, *, fixed: bool = True, classes: str = "") -> None:
        super().__init__(text if text is not None else Content(""), classes=classes)
        self._fixed = fixed
        self._now = text if text is not None else Content("")

    def say(self, text: Content) -> None:
        """Another text, or the same one: then nothing happens."""
        if text.plain == self._now.plain and text.spans == self._now.spans:
            return
        same = self._fixed or (self.styles.text_wrap == "nowrap" and _rows(text) == _rows(self._now))
        self._now = text
        self.update(text, layout=not same)


def _rows(text: Content) -> int:
    return text.plain.count("\n")
