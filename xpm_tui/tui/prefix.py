"""``g`` and the letter after it."""

from __future__ import annotations

from textual.widgets import Input

from xpm_tui.tui.areas import AREAS
from xpm_tui.tui.host import Host
from xpm_tui.tui.screens.area import AreaScreen

KEY = "g"


class Prefix:
    """Judges keys as they come in, before any widget: a fast typist's second key is not lost."""

    def __init__(self, app: Host) -> None:
        self._app = app
        self._waits = False

    def takes(self, key: str) -> bool:
        """Whether the key is the prefix, or the letter that ends it: then nobody else gets it."""
        screen = self._app.screen
        if self._waits:
            self._waits = False
            if isinstance(screen, AreaScreen):
                screen.show_letters(False)
            letter = next((area.name for area in AREAS if area.letter == key), None)
            if letter is not None:
                self._app.go(letter)
            return True
        if key != KEY or not isinstance(screen, AreaScreen) or isinstance(self._app.focused, Input):
            return False
        self._waits = True
        screen.show_letters(True)
        return True
