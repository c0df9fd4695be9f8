"""What the screens over an area share: a foot, a way back, and keys that say why they cannot be used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from xpm_tui.acts.act import READ_ONLY
from xpm_tui.acts.registry import by_name
from xpm_tui.tui.quiet import Quiet
from xpm_tui.tui.widgets.foot import Foot

R = TypeVar("R")


class OverScreen(Quiet, Screen[R]):
    """A screen that is left with escape. A child class composes ``body``; ``AREA`` is whose acts it does."""

    AREA: ClassVar[str] = ""
    SAVES: ClassVar[frozenset[str]] = frozenset()
    """Actions that write a file: not where nothing may be written."""
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Back")]

    def body(self) -> ComposeResult:
        """What stands over the foot."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """Body, foot."""
        yield from self.body()
        yield Foot()

    def why_not(self, action: str) -> str:
        """Why an action of this screen cannot be done now, in a sentence; empty when it can."""
        return ""

    def _reason_against(self, action: str) -> str:
        if action in self.SAVES and self.host.desk.practice.read_only:
            return READ_ONLY
        return self.why_not(action)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Dim in the foot what cannot be done now."""
        return None if self._reason_against(action) else True

    def on_key(self, event: events.Key) -> None:
        """A dim key explains itself."""
        for binding in self._bindings.key_to_bindings.get(event.key, ()):
            reason = self._reason_against(binding.action.partition("(")[0])
            if reason:
                event.stop()
                event.prevent_default()
                self.host.toast(reason, "warning")

    def refused(self, act: str, **about: Any) -> bool:
        """Whether an act cannot be done now; then it has said why."""
        reason = by_name(act).unavailable(self.host.situation(self.AREA, **about))
        if reason:
            self.host.toast(reason, "warning")
        return bool(reason)

    def do(
        self,
        act: str,
        preset: Mapping[str, Any],
        *,
        ask: bool = False,
        after: Callable[[], None] | None = None,
        **about: Any,
    ) -> None:
        """Do an act, or say why not."""
        if not self.refused(act, **about):
            self.host.perform(by_name(act), preset, ask=ask, after=after)

    def action_leave(self) -> None:
        """One level up."""
        self.dismiss(None)
