"""Clients: brought in now, or later; and what the steps share that can be skipped and come back."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button

from xpm_tui.acts.registry import by_name
from xpm_tui.model.errors import Trouble
from xpm_tui.service.clients import linking
from xpm_tui.service.connect.connection import Connecting
from xpm_tui.service.connect.steps import Name, Step
from xpm_tui.tui.dialogs.form import build
from xpm_tui.tui.steps.pane import Pane, button
from xpm_tui.tui.widgets.field import Field


class SkippablePane(Pane):
    """A step that can wait."""

    async def skip(self) -> None:
        """Leave it for later."""
        name: Name = self.STEP

        def leave(connecting: Connecting) -> None:
            connecting.skip(name)

        await self.wizard.ask(leave)
        self.settled()

    async def stay(self) -> None:
        """Something was done and more is left: look at the step again."""
        await self.host.refresh_pulse()
        await self.wizard.show(self.STEP)


class ClientsPane(SkippablePane):
    """Import Ignition's file, pick from XPM, or later."""

    STEP = "clients"
    INTRO = (
        "Where do the clients of this book come from? Ignition's bulk export (CSV) is best: it keeps "
        "Ignition's "
        "ids. Or pick them from XPM. Nothing is linked by this: the first plan shows what would be."
    )

    def __init__(self) -> None:
        super().__init__()
        self._path = Field(placeholder="path of Ignition's client CSV on this machine")

    def body(self) -> ComposeResult:
        """The file, or the other two."""
        yield self._path
        with Horizontal(classes="buttons"):
            yield button("Import the file", "import")
            yield button("Pick all clear ones from XPM", "pick")
            yield button("Later", "later")

    def begin(self, step: Step) -> None:
        """The file first; done already means go on."""
        if step.state == "done":
            self.query_one("#later", Button).label = "Go on"
            self.query_one("#later").focus()
        else:
            self.focus_first()

    @on(Field.Submitted)
    def _entered(self, event: Field.Submitted) -> None:
        event.stop()
        self.query_one("#import", Button).press()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        jobs = {"import": self._import, "pick": self._pick, "later": self._later}
        self.host.work(jobs[event.button.id or "later"], "clients", exclusive=True, node=self)

    async def _import(self) -> None:
        if not self._path.value.strip():
            self._say("Type the path of the file first.", "$warning")
            self._path.focus()
            return
        act = by_name("import.clients")
        try:
            result, said = await self.host.run_act(act, build(act, {"file": self._path.value.strip()}))
        except Trouble as trouble:
            self.complain(trouble)
            return
        self.host.tell_result(act, result, said)
        self.settled()

    async def _pick(self) -> None:
        self._say("Picking …")
        try:
            self.host.picked(await self.host.desk.ask(linking.pick_all))
        except Trouble as trouble:
            self.complain(trouble)
            return
        self.settled()

    async def _later(self) -> None:
        await self.skip()
