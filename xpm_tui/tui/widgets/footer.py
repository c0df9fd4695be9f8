"""Keys that cannot be used now are dim in the foot, and say why when they are pressed.

``g``, then a letter: the areas in one line over the foot of the screen.

The foot of the screen: made anew only when it has other entries; one that goes dim is painted alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Footer, Static
from textual.widgets._footer import FooterKey

from xpm_tui.tui.app_protocol import AREAS, AppMixin
from xpm_tui.tui.widgets.cells import Span, ours, words

if TYPE_CHECKING:
    from textual.dom import DOMNode


class KeyExplainer(AppMixin):
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


class KeyRow(Static):
    """Hidden until ``g`` is pressed."""

    def __init__(self) -> None:
        pieces: list[Span] = [ours(" Go to ", "muted")]
        for area in AREAS:
            pieces += [ours(f" {area.letter} ", "accent"), ours(area.title)]
        super().__init__(words(pieces))
        self.display = False


MORE = (("question_mark", "?", "Help", "app.help"), ("colon", ":", "All actions", "app.palette"))
"""What is obeyed everywhere: said where there is room after the screen's own keys."""
MORE_CLASS = "-more"


class KeyFooter(Footer):
    """Stock, but quiet: the bindings of a screen are looked at after every key, and rarely differ.

    With ``more`` the keys of everywhere follow at the right, as far as there is room.
    """

    def __init__(self, *, more: bool = False) -> None:
        super().__init__(compact=True, show_command_palette=False)
        self._shown: dict[tuple[str, str], bool] = {}
        self._more = more
        self._told = (0, 0)

    def compose(self) -> ComposeResult:
        """The screen's own keys, then those of everywhere."""
        own = list(super().compose())
        yield from own
        found, gap = self._told = self._room(
            [key for key in own if isinstance(key, FooterKey)], self.app.size.width
        )
        for place, (key, shown, label, action) in enumerate(MORE[:found]):
            entry = FooterKey(key, shown, label, action, classes=MORE_CLASS).data_bind(compact=Footer.compact)
            if not place:
                entry.styles.margin = (0, 1, 0, gap)
            yield entry

    def _room(self, own: Sequence[FooterKey], width: int) -> tuple[int, int]:
        """Return how many of the general keys have room, and the gap before them.

        An entry has blanks between its key and its label, and after them.
        """
        if not (self._more and own):
            return 0, 0
        spare = width - sum(len(key.key_display) + len(key.description) + 2 for key in own)
        sizes = [len(shown) + len(label) + 2 for _, shown, label, _ in MORE]
        found = next((many for many in range(len(MORE), 0, -1) if sum(sizes[:many]) <= spare), 0)
        return found, max(0, spare - sum(sizes[:found])) if found else 0

    @property
    def _own(self) -> list[FooterKey]:
        return [key for key in self.query(FooterKey) if not key.has_class(MORE_CLASS)]

    def bindings_changed(self, screen: Screen[object]) -> None:
        """Other entries are made anew, which lays the screen out; of the same ones some may be dim now."""
        found = {
            (active.binding.key, active.binding.description): active.enabled
            for active in screen.active_bindings.values()
            if active.binding.show
        }
        before, self._shown = self._shown, found
        keys = self._own
        if list(found) != list(before) or len(keys) != len(found):
            super().bindings_changed(screen)
            return
        for key, enabled in zip(keys, found.values(), strict=True):
            key._disabled = not enabled
            key.set_class(not enabled, "-disabled")

    async def on_resize(self, event: events.Resize) -> None:
        """Another width may have room for more, or no longer."""
        if self._told != self._room(self._own, event.size.width):
            await self.recompose()
