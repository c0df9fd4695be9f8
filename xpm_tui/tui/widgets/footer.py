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


MORE = (("question_mark", "?", "Help", "app.help"), ("colon", ":", "Commands", "app.palette"))
"""What is obeyed everywhere: said where there is room after the screen's own keys."""
MORE_CLASS = "-more"


class KeyFooter(Footer):
    """Stock, but quiet: the bindings of a screen are looked at after every key, and rarely differ.

    With ``more`` the keys of everywhere follow, where all of them fit.
    """

    def __init__(self, *, more: bool = False) -> None:
        super().__init__(compact=True, show_command_palette=False)
        self._shown: dict[tuple[str, str], bool] = {}
        self._more = more
        self._told = False

    def compose(self) -> ComposeResult:
        """The screen's own keys, then those of everywhere."""
        own = list(super().compose())
        yield from own
        self._told = self._fits([key for key in own if isinstance(key, FooterKey)], self.app.size.width)
        if self._told:
            for key, shown, words, action in MORE:
                yield FooterKey(key, shown, words, action, classes=MORE_CLASS).data_bind(
                    compact=Footer.compact
                )

    def _fits(self, own: Sequence[FooterKey], width: int) -> bool:
        """Whether there is room for the keys of everywhere, too: an entry has blanks between and after."""
        entries = [(key.key_display, key.description) for key in own] + [each[1:3] for each in MORE]
        room = sum(len(shown) + len(words) + 2 for shown, words in entries)
        return self._more and bool(own) and room <= width

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
        if self._told != self._fits(self._own, event.size.width):
            await self.recompose()
