"""The base of all our screens: no repaint when the focus moves, and a screen dismisses only itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from textual.await_complete import AwaitComplete
from textual.reactive import Reactive
from textual.widget import Widget
from textual.widgets import Static

from xpm_tui.domain.formatting import when_utc
from xpm_tui.lazy import lazy_imports
from xpm_tui.tui.app_protocol import AppMixin
from xpm_tui.tui.safe_text import show

with lazy_imports():
    from xpm_tui.tui import screen_verbs

if TYPE_CHECKING:
    from textual.screen import Screen


class BaseScreen(AppMixin):
    """Mixed into every screen. Textual would send the whole screen for each move of the focus."""

    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
    _late: tuple[Any] | None = None
    """The result to dismiss with as soon as the screen is in front again."""

    def dismiss(self, result: Any = None) -> AwaitComplete:
        """Dismiss this screen. Textual would remove whichever screen is in front by now."""
        screen = cast("Screen[Any]", self)
        if screen.is_active:
            done: AwaitComplete = super().dismiss(result)  # type: ignore[misc]
            return done
        self._late = (result,)
        return AwaitComplete()

    def show_verb(self) -> None:
        """Show, for a support bundle, the command that prints the same as this screen."""
        host, screen = self.host, cast("Screen[Any]", self)
        recording = host.worker.practice.recording if host.ready else None
        if recording is None or not screen.is_mounted or screen.query(".verb-line"):
            return
        line = screen_verbs.screen_verb(screen)
        if line:
            masked = "names masked" if recording.masked else "with names"
            told = show(" BUNDLE ", "bold reverse $warning") + show(
                f" {when_utc(recording.made)}, {masked}  "
            )
            told += show(line, "bold $accent")
            screen.mount(Static(told, classes="verb-line"))

    def on_screen_resume(self, *_: Any, **__: Any) -> None:
        """Handle the removal of a screen above this one."""
        self.show_verb()
        if self._late is not None:
            (result,), self._late = self._late, None
            self.dismiss(result)
