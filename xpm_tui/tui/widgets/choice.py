"""A list to drop down and a box to tick, for forms: space works them, enter goes on to the next field."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Checkbox, Select


class Choice(Select[str], inherit_bindings=False):
    """One of a few words."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,down,up", "show_overlay", show=False),
        Binding("enter", "app.focus_next", show=False),
    ]


class Tick(Checkbox, inherit_bindings=False):
    """Yes or no."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "toggle_button", show=False),
        Binding("enter", "app.focus_next", show=False),
    ]
