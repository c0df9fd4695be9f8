"""The wizard: connect a practice step by step; it can be left at any step and comes back there."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import ContentSwitcher, Static

from xpm_tui.application.connection.steps import Name, Step
from xpm_tui.tui.dialogs.help import Page
from xpm_tui.tui.theme import style
from xpm_tui.tui.widgets import cells
from xpm_tui.tui.widgets.cells import Line, Span, lines, ours, span
from xpm_tui.tui.widgets.footer import Foot
from xpm_tui.tui.wizard.access import AppPane, PermissionPane
from xpm_tui.tui.wizard.optional_steps import ClientsPane, PlanPane, TeamPane, TemplatesPane
from xpm_tui.tui.wizard.practice import DirectionPane, PracticePane
from xpm_tui.tui.wizard.sign_in import AuthorisePane
from xpm_tui.tui.wizard.step_pane import Holder, Pane


class Wizard(Holder):
    """Gives the id of the first plan, or None when it was left."""

    CSS_PATH: ClassVar = style("wizard")
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "app.focus_next", "Move"),
        Binding("f2", "step(-1)", "Step back"),
        Binding("f3", "step(1)", "Step on"),
        Binding("f1", "app.help", "Help"),
        Binding("escape", "leave", "Leave for later"),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
        Binding("left", "app.focus_previous", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._steps: tuple[Step, ...] = ()
        self._shown = ""
        self._head = Static(classes="wizard-head")
        self._panes: dict[str, Pane] = {
            pane.STEP: pane
            for pane in (
                PermissionPane(), AppPane(), AuthorisePane(), PracticePane(), DirectionPane(), ClientsPane(),
                TeamPane(), TemplatesPane(), PlanPane(),
            )
        }  # fmt: skip

    def compose(self) -> ComposeResult:
        """Where you are, then the step."""
        yield self._head
        with ContentSwitcher(initial=None):
            yield from self._panes.values()
        yield Foot()

    def on_mount(self) -> None:
        """Go on where it was left."""
        self.host.work(lambda: self._on(), "wizard", node=self)

    async def show(self, step: Name) -> None:
        """Look at a step as it is now."""
        await self._on(step)

    async def _on(self, to: str = "") -> None:
        """Look at the steps again; show the one that is due, or the one asked for."""
        self._steps = await self.ask(lambda connecting: connecting.steps())
        now = next((step.name for step in self._steps if step.state == "now"), None)
        wanted = to or now or "plan"
        old = self._panes.get(self._shown)
        if isinstance(old, AuthorisePane) and wanted != self._shown:
            old.leave()
        self._shown = wanted
        step = next(step for step in self._steps if step.name == wanted)
        self.query_one(ContentSwitcher).current = f"step-{wanted}"
        self._draw(step)
        self._panes[wanted].take(step)

    def _draw(self, step: Step) -> None:
        place = next(i for i, each in enumerate(self._steps, 1) if each.name == step.name)
        sandbox = self.host.desk.practice.sandbox
        first: list[Span] = [
            ours(" Connect", "head"),
            *([ours("  "), ours("SANDBOX, not Xero", "accent")] if sandbox else []),
            ours(f"   step {place} of {len(self._steps)}   ", "muted"),
        ]
        for each in self._steps:
            glyph, look = cells.STEP_STATES.sign(each.state)
            first.append(ours(f"[{glyph}]" if each.name == step.name else f" {glyph} ", look))
        second: Line = [ours(" "), span(step.title, "strong")]
        self._head.update(lines([first, second]))

    @on(Pane.Settled)
    def _settled(self, event: Pane.Settled) -> None:
        event.stop()
        self.host.work(lambda: self._after(), "wizard", node=self)

    async def _after(self) -> None:
        await self.host.refresh_pulse()
        order = [step.name for step in self._steps]
        place = order.index(self._shown) if self._shown in order else -1
        await self._on()
        # A step that was done before and was looked at again: go on to the one behind it.
        if self._shown in order[: place + 1] and place + 1 < len(order):
            await self._on(order[place + 1])

    def action_step(self, by: int) -> None:
        """Look at another step; nothing is lost."""
        order = [step.name for step in self._steps]
        if self._shown in order:
            place = max(0, min(len(order) - 1, order.index(self._shown) + by))
            self.host.work(lambda: self._on(order[place]), "wizard", node=self)

    def on_paste(self, event: events.Paste) -> None:
        """A paste that nothing took, since nothing had the focus."""
        pane = self._panes.get(self._shown)
        if isinstance(pane, AuthorisePane):
            pane.pasted(event)

    def action_leave(self) -> None:
        """What was settled is kept."""
        self.dismiss(None)

    def help_page(self) -> Page:
        """F1."""
        return Page(
            "Connect",
            "Nine steps connect a practice; the last four can be skipped and come back. Nothing is "
            "written to either "
            "side here. Leaving keeps what was settled: c on Overview goes on where it was.",
            [
                ("tab, arrows", "move"),
                ("F2, F3", "look at the step before or after"),
                ("esc", "leave for later"),
            ],
        )
