"""The wizard that connects a practice step by step, and continues where it was left."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, cast

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import ContentSwitcher

from xpm_tui.application.connection import ConnectionMachine
from xpm_tui.application.connection_steps import ConnectionStep, Name
from xpm_tui.domain.safe_text import Shown
from xpm_tui.tui.dialogs.dialog import discard_question
from xpm_tui.tui.dialogs.help import HelpPage
from xpm_tui.tui.theme import stylesheet_path
from xpm_tui.tui.widgets import cells
from xpm_tui.tui.widgets.cells import Line, Look, content, fixed, lines, span
from xpm_tui.tui.widgets.frame import KeyFooter, ScreenHeading
from xpm_tui.tui.widgets.text import TextLabel
from xpm_tui.tui.wizard.optional_steps import ClientsPane, PlanPane, TeamPane, TemplatesPane
from xpm_tui.tui.wizard.required_steps import AppPane, DirectionPane, PermissionPane, PracticePane
from xpm_tui.tui.wizard.sign_in import AuthorisePane, is_redirect
from xpm_tui.tui.wizard.step_pane import StepPane, StepScreen

QUESTIONS: dict[Name, str] = {
    "permission": "Does your XPM login have the permission?",
    "app": "Which Xero app signs in?",
    "authorise": "Sign in to Xero",
    "practice": "Which practice do you want to connect?",
    "direction": "Which side is the master?",
    "clients": "Where do your clients come from?",
    "team": "Who is who in XPM?",
    "templates": "Does Ignition's own XPM integration still create jobs?",
    "plan": "See the first plan?",
}
"""The title of each step, as a question."""


class Wizard(StepScreen):
    """The wizard. The result is the id of the first plan, or None if it was left."""

    CSS_PATH: ClassVar = stylesheet_path("wizard")
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "app.focus_next", "Move"),
        Binding("f2", "step(-1)", "Back"),
        Binding("f3", "step(1)", "Next step"),
        Binding("f1", "app.help", "Help"),
        Binding("escape", "leave", "Close"),
        Binding("pageup", "scroll(-10)", show=False),
        Binding("pagedown", "scroll(10)", show=False),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
        Binding("left", "app.focus_previous", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._steps: tuple[ConnectionStep, ...] = ()
        self._shown = ""
        """The name of the step that is shown."""
        self._head = ScreenHeading("Connect to XPM", classes="wizard-head")
        self._list = TextLabel(classes="panel steps")
        self._panes: dict[str, StepPane] = {
            pane.STEP: pane
            for pane in (
                PermissionPane(), AppPane(), AuthorisePane(), PracticePane(), DirectionPane(), ClientsPane(),
                TeamPane(), TemplatesPane(), PlanPane(),
            )
        }  # fmt: skip

    def compose(self) -> ComposeResult:
        """Compose the heading, the list of steps, and the active step beside it."""
        yield self._head
        with Horizontal(classes="halves"):
            yield self._list
            with ContentSwitcher(initial=None, classes="panel"):
                yield from self._panes.values()
        yield KeyFooter()

    def on_mount(self) -> None:
        """Show the step at which the wizard was left."""
        self.host.work(lambda: self._show_next(), "wizard", node=self)

    async def show(self, step: Name) -> None:
        """Show a step in its current state."""
        await self._show_next(step)

    async def _show_next(self, wanted: str = "") -> None:
        """Read the steps again, and show ``wanted`` or the next step that is not done."""
        self._steps = await self.ask(ConnectionMachine.steps)
        wanted = wanted or next((step.name for step in self._steps if step.state == "now"), "plan")
        shown = self._panes.get(self._shown)
        if isinstance(shown, AuthorisePane) and wanted != self._shown:
            shown.leave()
        self._shown = wanted
        step = next(step for step in self._steps if step.name == wanted)
        self.query_one(ContentSwitcher).current = f"step-{wanted}"
        self._draw(step)
        self._panes[wanted].show_step(step)

    def _draw(self, step: ConnectionStep) -> None:
        place = next(i for i, each in enumerate(self._steps, 1) if each.name == step.name)
        self._head.show_subject(right=[fixed(f"step {place} of {len(self._steps)}", "muted")])
        self._list.border_title = "Steps"
        self._list.say(lines(self._step_lines(step)))
        self.query_one(ContentSwitcher).border_title = content(Shown(QUESTIONS[step.name]))

    def _step_lines(self, step: ConnectionStep) -> list[Line]:
        """Return a line for each step, and how many are done or skipped."""
        found: list[Line] = []
        for place, each in enumerate(self._steps, 1):
            is_shown = each.name == step.name
            glyph, look = cells.STEP_STATES.sign(each.state)
            mark = fixed("▶" if is_shown else glyph, "accent" if is_shown else look)
            style: Look = "head" if is_shown else "" if each.state == "done" else "muted"
            found.append([mark, span(f" {place} {each.short}", style)])
        done = sum(each.state == "done" for each in self._steps)
        skipped = sum(each.state == "skipped" for each in self._steps)
        found += [[], [fixed(f"  {done} of {len(self._steps)} done", "muted")]]
        return [*found, [fixed(f"  {skipped} skipped", "muted")]] if skipped else found

    def on_resize(self) -> None:
        """Draw the heading and the list of steps for the new width."""
        step = next((step for step in self._steps if step.name == self._shown), None)
        if step is not None:
            self._draw(step)

    @on(StepPane.Finished)
    def _finished(self, event: StepPane.Finished) -> None:
        event.stop()
        self.host.work(lambda: self._continue(), "wizard", node=self)

    async def _continue(self) -> None:
        await self.host.refresh_status()
        order = [step.name for step in self._steps]
        place = order.index(self._shown) if self._shown in order else -1
        await self._show_next()
        # A step that was visited again was done before: continue with the one that follows it.
        if self._shown in order[: place + 1] and place + 1 < len(order):
            await self._show_next(order[place + 1])

    def action_scroll(self, by: int) -> None:
        """Scroll a step that is longer than the screen."""
        pane = self._panes.get(self._shown)
        if pane is not None:
            pane.scroll_relative(y=by, animate=False)

    def _discard_and(self, leave: Callable[[], object]) -> None:
        """Call ``leave``; if the step has edits that are not saved, ask first."""
        pane = self._panes.get(self._shown)
        if pane is None or not pane.is_edited():
            leave()
            return

        def answered(discard: bool | None) -> None:
            if discard:
                leave()

        self.app.push_screen(discard_question(), answered)

    def action_step(self, by: int) -> None:
        """Show the next or the previous step."""
        self._discard_and(lambda: self._step(by))

    def _step(self, by: int) -> None:
        order = [step.name for step in self._steps]
        if self._shown in order:
            place = max(0, min(len(order) - 1, order.index(self._shown) + by))
            self.host.work(lambda: self._show_next(order[place]), "wizard", node=self)

    def on_paste(self, event: events.Paste) -> None:
        """Pass a paste to the sign-in step if no widget has the focus."""
        pane = self._panes.get(self._shown)
        if isinstance(pane, AuthorisePane):
            pane.accept_paste(event)

    def accept_paste_below(self, event: events.Paste) -> bool:
        """Accept the address of a sign-in, whatever dialog is open over the sign-in step."""
        pane = self._panes.get(self._shown)
        is_wanted = isinstance(pane, AuthorisePane) and is_redirect(event.text)
        if is_wanted:
            cast("AuthorisePane", pane).accept_paste(event)
        return is_wanted

    def action_leave(self) -> None:
        """Close the wizard; steps that are done stay done."""
        self._discard_and(lambda: self.dismiss(None))

    def help_page(self) -> HelpPage:
        """Return the help page."""
        return HelpPage(
            "Connect",
            "Nine steps connect a practice; you can skip the last four and come back to them. Nothing is "
            "written to Ignition or XPM here. If you leave, c on Overview continues with the next step.",
            [
                ("tab, arrows", "move"),
                ("page up, page down", "scroll a long step"),
                ("F2, F3", "show the previous or the next step"),
                ("esc", "leave; what you saved stays"),
            ],
        )
