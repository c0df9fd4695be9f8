"""A screen that is not painted anew when the focus moves: the two widgets that it moves between are."""

from __future__ import annotations

from textual.reactive import Reactive
from textual.widget import Widget

from xpm_tui.tui.host import Guest


class Quiet(Guest):
    """Mixed into every screen of ours. Stock Textual sends the whole screen for each move of the focus."""

    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
