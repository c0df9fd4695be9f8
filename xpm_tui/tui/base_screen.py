"""The base of all screens and dialogs of the console, and the verb that corresponds to each screen.

The verb tells support staff who read a bundle which command shows the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from textual import events
from textual.await_complete import AwaitComplete
from textual.geometry import Size
from textual.reactive import Reactive
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from xpm_tui.domain.formatting import when_utc
from xpm_tui.lazy import lazy_imports
from xpm_tui.tui.app_protocol import AppMixin
from xpm_tui.tui.widgets.cells import show

with lazy_imports():
    from xpm_tui.commands import registry


class BaseScreen(AppMixin):
    """A mixin for every screen: a change of focus does not repaint it, and it dismisses only itself.

    Stock Textual sends the whole screen to the terminal for each change of focus.
    """

    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
    _late: tuple[Any] | None = None
    """The result with which the screen is dismissed as soon as it is active again."""
    _is_new = True
    """Whether no other screen has covered it yet, so that its styles are current."""

    def size_classes(self) -> set[str]:
        """Return the classes for the current size. Textual sets them last, and styles everything again."""
        screen, app = cast("Screen[Any]", self), cast("Screen[Any]", self).app
        columns, rows = app.size
        across = screen._get_breakpoint_classes(columns, app.HORIZONTAL_BREAKPOINTS or [])
        return across | screen._get_breakpoint_classes(rows, app.VERTICAL_BREAKPOINTS or [])

    def _screen_resized(self, size: Size) -> None:
        """Set the classes for a new size before the layout.

        Stock Textual sets them last, after a screen's own ``on_resize``, and sends a screen below a dialog no
        other event: it would be laid out for its old size.
        """
        screen = cast("Screen[Any]", self)
        wanted = self.size_classes()
        changed = not wanted <= screen.classes
        if changed:
            known = [*(screen.app.HORIZONTAL_BREAKPOINTS or ()), *(screen.app.VERTICAL_BREAKPOINTS or ())]
            screen.update_classes({name: name in wanted for _, name in known}, animate=False)
        super()._screen_resized(size)  # type: ignore[misc]
        if changed:
            screen.post_message(events.Resize(size, size))

    async def _compose(self) -> None:
        cast("Screen[Any]", self).add_class(*self.size_classes(), update=False)
        await super()._compose()  # type: ignore[misc]

    def _compositor_refresh(self) -> None:
        """Draw what has changed, and everything only once.

        Stock Textual also draws within a batch of changes, and sends nothing. After it has drawn everything
        for a new layout, it does so again if a whole refresh was due as well.
        """
        screen = cast("Screen[Any]", self)
        if screen.app._batch_count:
            return
        compositor = screen._compositor
        is_whole = screen is screen.app.screen and compositor.size.region in compositor._dirty_regions
        super()._compositor_refresh()  # type: ignore[misc]
        if is_whole:
            screen._repaint_required = False

    def dismiss(self, result: Any = None) -> AwaitComplete:
        """Dismiss this screen with a result.

        Stock Textual removes the active screen, which may be another one by now.
        """
        screen = cast("Screen[Any]", self)
        if screen.is_active:
            done: AwaitComplete = super().dismiss(result)  # type: ignore[misc]
            return done
        self._late = (result,)
        return AwaitComplete()

    def accept_paste_below(self, event: events.Paste) -> bool:
        """Use a paste that came while a dialog was open over this screen; return whether it was used."""
        return False

    def show_verb(self) -> None:
        """In an opened support bundle, show the command line that prints the same as this screen."""
        host, screen = self.host, cast("Screen[Any]", self)
        recording = host.worker.practice.recording if host.ready else None
        if recording is None or not screen.is_mounted or screen.query(".verb-line"):
            return
        line = screen_verb(screen)
        if line:
            masked = "names masked" if recording.masked else "with names"
            text = show(" BUNDLE ", "bold reverse $warning") + show(
                f" {when_utc(recording.made)}, {masked}  "
            )
            text += show(line, "bold $accent")
            screen.mount(Static(text, classes="verb-line"))

    def on_screen_suspend(self) -> None:
        """Style the screen again when it returns to the front."""
        self._is_new = False

    def _on_screen_resume(self, event: events.ScreenResume) -> None:
        # The screens that covered it are gone. Of a new one, only the screen itself may lack its styles.
        event.refresh_styles = not self._is_new
        screen = cast("Screen[Any]", self)
        if self._is_new and screen._css_update_count != screen.app._css_update_count:
            screen.app.stylesheet.apply(screen)
        self.show_verb()
        if self._late is not None:
            (result,), self._late = self._late, None
            self.dismiss(result)


SCREEN_VERBS: dict[str, str | Callable[[Any], str]] = {
    "Overview": "status",
    "Clients": "clients list",
    "TeamArea": "team list",
    "TemplatesArea": "services list",
    "Jobs": "jobs list",
    "SyncArea": "runs list",
    "SettingsArea": "settings list",
    "ProposalsArea": "proposals list",
    "Picker": "clients search TEXT",
    "MapStaffPicker": "team link MEMBER STAFF",
    "AddStaffPicker": "team pick --all",
    "ServiceTemplates": "templates list",
    "Review": "clients review",
    "Conflicts": "conflicts",
    "Differences": lambda screen: f"plan show {screen._plan_id}",
    "Practices": "practices list",
    "PolicyScreen": "policy",
    "RunScreen": lambda screen: f"runs show {screen._run_id}",
    "PlanReview": lambda screen: f"plan show {screen._plan_id}",
    "DoctorScreen": "doctor",
    "BundleScreen": "doctor --bundle FILE",
    "ExportPreview": lambda screen: f"export {screen._form} -",
    "ImportPreview": lambda screen: f"import {screen._form} FILE --dry-run",
    "CommandLog": "log",
    "Inbox": "inbox list",
    "Wizard": "connect",
}
"""Verbs by the class name of the screen; dialogs have none."""


def screen_verb(screen: Screen[Any]) -> str:
    """Return the command line that shows the same as a screen; empty for a dialog."""
    names = [kind.__name__ for kind in type(screen).__mro__]
    found = next((SCREEN_VERBS[name] for name in names if name in SCREEN_VERBS), "")
    words = found(screen) if callable(found) else found
    return f"{registry.PROGRAM} {words}" if words else ""
