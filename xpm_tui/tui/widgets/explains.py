"""Keys that cannot be used now are dim in the foot, and say why when they are pressed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import events

from xpm_tui.tui.host import Guest

if TYPE_CHECKING:
    from textual.dom import DOMNode


class Explains(Guest):
    """Mixed into a screen or a widget with keys. A child class says why an action cannot be done."""

    SAVES: ClassVar[frozenset[str]] = frozenset()
    """Actions that write a file: not where nothing may be written."""

    def why_not(self, action: str) -> str:
        """Why an action cannot be done now, in a sentence; empty when it can."""
        return ""

    def _against(self, action: str) -> str:
        refused = self.host.refuses_files() if action in self.SAVES else ""
        return refused or self.why_not(action)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Dim in the foot what cannot be done now."""
        if self._against(action):
            return None
        usable: bool | None = super().check_action(action, parameters)  # type: ignore[misc]
        return usable

    def on_key(self, event: events.Key) -> None:
        """A dim key explains itself."""
        bound = cast("DOMNode", self)._bindings.key_to_bindings
        for binding in bound.get(event.key, ()):
            reason = self._against(binding.action.partition("(")[0])
            if reason:
                event.stop()
                event.prevent_default()
                self.host.toast(reason, "warning")
