"""The first plan: all that a sync would do, to be looked at before any of it is done."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button

from xpm_tui.model.errors import Trouble
from xpm_tui.model.plan import Plan
from xpm_tui.service.connect.connection import Connecting
from xpm_tui.tui.steps.pane import Pane, button


class PlanPane(Pane):
    """Make it; the review comes up."""

    STEP = "plan"
    INTRO = (
        "Everything is ready. The first plan shows each change before it is made: what is linked, what "
        "replaces "
        "what, and why. Nothing is written until you apply it, and every change can be undone."
    )

    def body(self) -> ComposeResult:
        """Now, or from the Sync area later."""
        with Horizontal(classes="buttons"):
            yield button("Show me the first plan", "plan")
            yield button("Later", "later")

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "later":
            self.wizard.dismiss(None)
        else:
            self.host.work(lambda: self._plan(), "plan", exclusive=True, node=self)

    async def _plan(self) -> None:
        self._say("Comparing both sides …")

        async def make(connecting: Connecting) -> Plan:
            return await connecting.first_plan()

        try:
            plan = await self.wizard.ask_async(make)
        except Trouble as trouble:
            self.complain(trouble)
            return
        self.wizard.dismiss(plan.id)
