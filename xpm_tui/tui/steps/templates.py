"""Work templates: same names accepted, and the question who makes the jobs; or later."""

from __future__ import annotations

from typing import cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, Static

from xpm_tui.model.book import Service
from xpm_tui.model.xpm import Template
from xpm_tui.service import templates
from xpm_tui.service.connection import Connecting, Switched
from xpm_tui.service.practice import OpenPractice
from xpm_tui.service.steps import Step
from xpm_tui.tui import when
from xpm_tui.tui.plain import show
from xpm_tui.tui.screens.dialog import Confirm
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
        self._answer.choose(self.console_app.desk.practice.settings.text("jobs.ignition_deploys"))
        self.query_one("#accept", Button).display = False
        self._answer.focus()
        self.console_app.work(lambda: self._count(), "templates", exclusive=True, node=self)

    async def _count(self) -> None:
        matches = await self.console_app.desk.ask(_same)
        accept = self.query_one("#accept", Button)
        accept.label = show(f"Accept {when.counted(len(matches), 'same name')}")
        accept.display = bool(matches)

    @on(Rows.Chosen)
    def _picked(self, event: Rows.Chosen) -> None:
        event.stop()
        self.query_one("#go-on", Button).focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        job = {"accept": self._accept, "go-on": self._go_on}.get(event.button.id or "", self.skip)
        self.console_app.work(job, "templates", exclusive=True, node=self)

    async def _accept(self) -> None:
        matches = await self.console_app.desk.ask(_same)
        named = [f"{service.name}  =  {template.name}" for service, template in matches]
        shown = "\n".join([*named[:8], *([f"and {len(named) - 8:,} more"] if len(named) > 8 else [])])
        services = when.counted(len(matches), "service")
        question = f"{shown}\n\nLink {services} to the job template of the same name?"
        if await self.app.push_screen_wait(Confirm(question, title="Templates", yes="Link", no="Leave")):
            await self._keep()
            done = await self.console_app.desk.ask(templates.accept_same)
            self.console_app.toast(f"{when.counted(len(done), 'service')} linked.")
            await self.stay()

    async def _go_on(self) -> None:
        await self._keep()
        await self.skip()

    async def _keep(self) -> None:
        answer = cast("Switched", self._answer.chosen)

        def keep(connecting: Connecting) -> None:
            connecting.ignition(answer)

        await self.wizard.ask(keep)


def _same(practice: OpenPractice) -> list[tuple[Service, Template]]:
    return templates.same_names(practice.snapshot())
