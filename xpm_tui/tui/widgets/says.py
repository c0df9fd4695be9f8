"""A text painted only where it says something else, and that moves nothing when its height is fixed."""

from __future__ import annotations

from itertools import zip_longest
from typing import Self

from textual.content import Content
from textual.geometry import Region

from xpm_tui.tui.widgets.prose import Prose


class Says(Prose):
    """``fixed``: its height comes from the stylesheet, so another text needs no new layout; nor does one of
    as many lines that are not wrapped. Of lines that are not wrapped only those that differ are painted.
    """

    def __init__(self, text: Content | None = None, *, fixed: bool = True, classes: str = "") -> None:
        self._now = text if text is not None else Content("")
        self._fixed = fixed
        self._other: list[Region] = []
        super().__init__(self._now, classes=classes)

    def say(self, text: Content) -> None:
        """Another text, or the same one: then nothing happens."""
        old, new = self._now.split("\n", allow_blank=True), text.split("\n", allow_blank=True)
        other = [y for y, (a, b) in enumerate(zip_longest(old, new)) if not _same(a, b)]
        if not other:
            return
        self._now = text
        bare = self.styles.text_wrap == "nowrap"
        self._other = [Region(0, y, self.size.width, 1) for y in other] if bare else []
        self.update(text, layout=not (self._fixed or (bare and len(old) == len(new))))
        self._other = []

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> Self:
        """Paint again; while it says something else, only the lines that differ."""
        return super().refresh(
            *(regions or self._other), repaint=repaint, layout=layout, recompose=recompose
        )  # fmt: skip


def _same(one: Content | None, other: Content | None) -> bool:
    return one is not None and other is not None and one.plain == other.plain and one.spans == other.spans
