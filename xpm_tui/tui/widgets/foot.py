"""The foot of the screen: made anew only when it has other entries; one that goes dim is painted alone."""

from __future__ import annotations

from textual.screen import Screen
from textual.widgets import Footer
from textual.widgets._footer import FooterKey


class Foot(Footer):
    """Stock, but quiet: the bindings of a screen are looked at after every key, and rarely differ."""

    def __init__(self) -> None:
        super().__init__(compact=True, show_command_palette=False)
        self._shown: dict[tuple[str, str], bool] = {}

    def bindings_changed(self, screen: Screen[object]) -> None:
        """Other entries are made anew, which lays the screen out; of the same ones some may be dim now."""
        found = {
            (active.binding.key, active.binding.description): active.enabled
            for active in screen.active_bindings.values()
            if active.binding.show
        }
        before, self._shown = self._shown, found
        keys = self.query(FooterKey)
        if list(found) != list(before) or len(keys) != len(found):
            super().bindings_changed(screen)
            return
        for key, enabled in zip(keys, found.values(), strict=True):
            key._disabled = not enabled
            key.set_class(not enabled, "-disabled")
