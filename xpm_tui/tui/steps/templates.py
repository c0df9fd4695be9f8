"""Work templates: same names accepted, and the question who makes the jobs; or later."""

from __future__ import annotations

from typing import cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, Static

from xpm_tui.model import formatting
from xpm_tui.service.connect.connection import Connecting, Switched
from xpm_tui.service.connect.steps import Step
from xpm_tui.tui.dialogs.accepting import accept_same_names, same_names
from xpm_tui.tui.plain import show
from xpm_tui.tui.steps.pane import button
from xpm_tui.tui.steps.records import SkippablePane
from xpm_tui.tui.widgets.one_of import OneOf
from xpm_tui.tui.widgets.rows import Rows

ANSWERS: tuple[tuple[Switched, str], ...] = (
    ("unknown", "I do not know yet: nothing is deployed from here"),
    ("yes", "Yes: Ignition makes the jobs, nothing is deployed from here"),
    ("no", "No: jobs of proposals that are ours are made from here, when asked"),
)


class TemplatesPane(SkippablePane):
    """Nothing of clients depends on it; jobs do."""

    STEP = "templates"
    INTRO = (
        "Services call for job templates of XPM when their jobs are made. Client sync does not need it. "
        "One by one it is done in Templates (g l)."
    )

    def __init__(self) -> None:
        super().__init__()
        self._answer = OneOf(ANSWERS)

    def body(self) -> ComposeResult:
        """The question, what is clear, go on."""
        yield Static(show("Is XPM still switched on in Ignition?"), classes="label")
        yield self._answer
        with Horizontal(classes="buttons"):
            yield button("Accept the same names", "accept")
            yield button("Keep the answer, go on", "go-on")
            yield button("Later", "later")

    def begin(self, step: Step) -> None:
        """The answer in force; what is clear is counted."""
        self._answer.choose(self.host.desk.practice.settings.text("jobs.ignition_deploys"))
        self.query_one("#accept", Button).display = False
        self._answer.focus()
        self.host.work(lambda: self._count(), "templates", exclusive=True, node=self)

    async def _count(self) -> None:
        matches = await self.host.desk.ask(same_names)
        accept = self.query_one("#accept", Button)
        accept.label = show(f"Accept {formatting.count(len(matches), 'same name')}")
        accept.display = bool(matches)

    @on(Rows.Chosen)
    def _picked(self, event: Rows.Chosen) -> None:
        event.stop()
        self.query_one("#go-on", Button).focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        job = {"accept": self._accept, "go-on": self._go_on}.get(event.button.id or "", self.skip)
        self.host.work(job, "templates", exclusive=True, node=self)

    async def _accept(self) -> None:
        await self._keep()
        if await accept_same_names(self.host):
            await self.stay()

    async def _go_on(self) -> None:
        await self._keep()
        await self.skip()

    async def _keep(self) -> None:
        answer = cast("Switched", self._answer.chosen)

        def keep(connecting: Connecting) -> None:
            connecting.ignition(answer)

        await self.wizard.ask(keep)
