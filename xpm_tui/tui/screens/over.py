"""What the screens over an area share: a foot, a way back, and acts that say why they cannot be done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from xpm_tui.acts.registry import by_name
from xpm_tui.tui.quiet import Quiet
from xpm_tui.tui.widgets.explains import Explains
from xpm_tui.tui.widgets.foot import Foot

R = TypeVar("R")


class OverScreen(Explains, Quiet, Screen[R]):
    """A screen that is left with escape. A child class composes ``body``; ``AREA`` is whose acts it does."""

    AREA: ClassVar[str] = ""
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Back")]

    def body(self) -> ComposeResult:
        """What stands over the foot."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """Body, foot."""
        yield from self.body()
        yield Foot()

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
