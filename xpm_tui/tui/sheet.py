"""The stylesheet of the console: each source is read once."""

from __future__ import annotations

from textual.cache import LRUCache
from textual.css.stylesheet import Stylesheet

SOURCES = 1024
"""More than there are: the stock number is fewer than the sources of a few screens."""


class Sheet(Stylesheet):
    """Stock Textual reads all sources again whenever one more screen brings its own: 40 ms at every first
    visit, and twice before the first frame. What was read stays read as long as no variable changes.
    """

    def __init__(self, variables: dict[str, str]) -> None:
        super().__init__(variables=variables)
        self._parse_cache = LRUCache(SOURCES)

    def set_variables(self, variables: dict[str, str]) -> None:
        """Other colours: then everything is read anew."""
        if variables != self._variables:
            super().set_variables(variables)

    def reparse(self) -> None:
        """Take what has come, or changed, since the last time."""
        self.parse()
