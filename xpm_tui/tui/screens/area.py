"""What all areas share: head and foot, keys from the acts, help, palette, and a fresh look when it moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from xpm_tui.tui.areas import AREAS
from xpm_tui.tui.pulse import Pulse
from xpm_tui.tui.quiet import Quiet
from xpm_tui.tui.widgets.foot import Foot
from xpm_tui.tui.widgets.header import Header
from xpm_tui.tui.widgets.letters import Letters

if TYPE_CHECKING:
    from xpm_tui.acts.act import Act, Situation
    from xpm_tui.tui.dialogs.help import Page


class AreaScreen(Quiet, Screen[None]):
    """A screen with head, body and foot. A child class composes ``body`` and reads its data in ``look``.

    ``TAB`` names the area that a screen over one belongs to.
    """

    AREA: ClassVar[str] = ""
    TAB: ClassVar[str] = ""
    ABOUT: ClassVar[str] = ""
    MORE_KEYS: ClassVar[tuple[tuple[str, str], ...]] = ()
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "up", "Back", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        # Made in the looks of now, for the size of now: stock Textual styles it three times over.
        self._css_update_count = self.app._css_update_count
        self._fresh = True
        (columns, rows), app = self.app.size, self.app
        across = self._get_breakpoint_classes(columns, app.HORIZONTAL_BREAKPOINTS or [])
        self.set_classes(across | self._get_breakpoint_classes(rows, app.VERTICAL_BREAKPOINTS or []))
        self._acts: dict[str, Act[Any]] = {}
        self._seen: object = None

    def body(self) -> ComposeResult:
        """What stands between head and foot."""
        raise NotImplementedError

    async def look(self) -> None:
        """Read what is shown; called when the area comes up and whenever the book has moved."""

    def compose(self) -> ComposeResult:
        """Head, body, foot."""
        yield Header(AREAS, self.TAB or self.AREA)
        yield from self.body()
        yield Foot(more=True)
        yield Letters()

    def on_mount(self) -> None:
        """Keys come with the acts, and those with the practice."""
        if self.host.ready:
            self.take_acts()

    def take_acts(self) -> None:
        """From now on the keys of this area's acts are obeyed, and stand in the foot."""
        from xpm_tui.acts.registry import by_name
        from xpm_tui.tui import keys

        for binding in keys.bindings(self.AREA):
            self._bindings.key_to_bindings.setdefault(binding.key, []).append(binding)
            if binding.id:
                self._acts[binding.id] = by_name(binding.id)
        self.refresh_bindings()

    def show_letters(self, on: bool) -> None:
        """The letters of the areas, over the foot, while ``g`` waits for one."""
        if self.is_mounted:
            self.query_one(Letters).display = on

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        """Come up with the newest heartbeat, and read again if something moved meanwhile."""
        event.refresh_styles = not self._fresh
        self.tell(self.host.pulse)
        self.refresh_data()

    def on_screen_suspend(self) -> None:
        """What changes meanwhile is seen when it comes up again; at a first visit it is told twice to."""
        self._fresh = False

    def tell(self, pulse: Pulse) -> None:
        """Another heartbeat. Under a dialog nothing is painted: all of it would be sent again."""
        if self.is_mounted and self.is_active:
            self.query_one(Header).tell(pulse)

    def refresh_data(self, *, force: bool = False) -> None:
        """Read again, if the book stands elsewhere than at the last look."""
        position = self.host.position
        if not (force or self.is_active):
            return  # under a dialog: read when it is gone
        if force or position != self._seen:
            self._seen = position
            self.host.work(lambda: self._look(), "look", exclusive=True, node=self)

    async def _look(self) -> None:
        await self.look()
        self.refresh_bindings()

    def situation(self) -> Situation:
        """What the acts of this area depend on."""
        return self.host.situation(self.AREA)

    def preset(self, act: str) -> dict[str, Any]:
        """Parameters that this screen knows for an act: the record under the cursor."""
        return {}

    def action_act(self, name: str) -> None:
        """Do an act of this area: by the screen's own way if it has one, else by its form."""
        from xpm_tui.acts.registry import by_name

        act = by_name(name)
        reason = act.unavailable(self.situation())
        if reason:
            self.host.toast(reason, "warning")
            return
        own = getattr(self, "do_" + name.replace(".", "_"), None) or self.host.way(name)
        if own is not None:
            own()
        else:
            self.host.perform(act, self.preset(name), title=act.title)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """An act that cannot be done now is dim in the footer; its key still says why."""
        if action == "act" and parameters and self.is_mounted:
            act = self._acts.get(str(parameters[0]))
            return None if act is not None and act.unavailable(self.situation()) else True
        return True

    def on_key(self, event: Any) -> None:
        """A dim key explains itself."""
        for binding in self._bindings.key_to_bindings.get(event.key, ()):
            if binding.id in self._acts:
                reason = self._acts[binding.id].unavailable(self.situation())
                if reason:
                    event.stop()
                    event.prevent_default()
                    self.host.toast(reason, "warning")

    def action_up(self) -> None:
        """An area is the top: escape does nothing more here."""

    def help_page(self) -> Page:
        """What F1 tells here."""
        from xpm_tui.tui import keys

        title = next(area.title for area in AREAS if area.name == self.AREA)
        return keys.page(title, self.ABOUT, self.AREA, self.MORE_KEYS)
