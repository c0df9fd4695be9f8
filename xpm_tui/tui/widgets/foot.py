"""The foot of the screen: made anew only when it shows something else."""

from __future__ import annotations

from textual.screen import Screen
from textual.widgets import Footer


class Foot(Footer):
    """Stock, but quiet: the bindings of a screen are looked at after every key, and rarely differ."""

    def __init__(self) -> None:
        super().__init__(compact=True, show_command_palette=False)
        self._shown: object = None

    def bindings_changed(self, screen: Screen[object]) -> None:
        """Only another set of entries, or another one of them dim, is worth a paint."""
        found = tuple(
            (active.binding.key, active.binding.description, active.enabled)
            for active in screen.active_bindings.values()
            if active.binding.show
        )
        if found != self._shown:
            self._shown = found
            super().bindings_changed(screen)
