"""The practice: the only one is taken by itself, several are a choice, another than before needs its name.

Direction and level: which side is the master, and how much is carried.
"""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Static

from xpm_tui.application.connection.state_machine import ConnectionMachine
from xpm_tui.application.connection.steps import ConnectionStep
from xpm_tui.application.practice_identity import PracticeIdentity
from xpm_tui.application.runs.xpm_refresh import RefreshResult
from xpm_tui.diagnostics.error_presenter import present
from xpm_tui.domain import formatting
from xpm_tui.domain.errors import AppError, CaseId, DecisionNeeded
from xpm_tui.domain.labels import DIRECTIONS, LEVELS
from xpm_tui.domain.xpm import Tenant
from xpm_tui.tui.dialogs.dialog import InputDialog
from xpm_tui.tui.safe_text import show
from xpm_tui.tui.widgets.rows import Rows
from xpm_tui.tui.wizard.step_pane import AnswerRows, StepPane, button


class PracticePane(StepPane):
    """A button per practice; then its lists are read."""

    STEP = "practice"
    INTRO = "Its clients, staff, templates and jobs are read once."

    def __init__(self) -> None:
        super().__init__()
        self._list = Vertical(classes="choices")
        self._tenants: tuple[Tenant, ...] = ()

    def body(self) -> ComposeResult:
        """The practices."""
        yield self._list

    def begin(self, step: ConnectionStep) -> None:
        """Ask which there are."""
        self.host.work(lambda: self._offer(step), "practice", exclusive=True, node=self)

    async def _offer(self, step: ConnectionStep) -> None:
        def tenants(connecting: ConnectionMachine) -> tuple[Tenant, ...]:
            return connecting.tenants

        self._tenants = await self.wizard.ask(tenants)
        await self._list.remove_children()
        if step.state == "done" and not self._tenants:
            return
        if len(self._tenants) == 1:
            await self._choose(self._tenants[0])
            return
        await self._list.mount(
            *(
                Button(
                    show(f"{t.name or 'without a name'}   {t.tenant_id}"),
                    id=f"tenant-{place}",
                    classes="wide",
                )
                for place, t in enumerate(self._tenants)
            )
        )
        self.focus_first()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        place = int((event.button.id or "tenant-0").partition("-")[2])
        self.host.work(lambda: self._choose(self._tenants[place]), "practice", exclusive=True, node=self)

    async def _choose(self, tenant: Tenant, confirm: str = "") -> None:
        async def choose(connecting: ConnectionMachine) -> PracticeIdentity:
            return await connecting.choose(tenant.tenant_id, confirm=confirm)

        try:
            await self.wizard.ask_async(choose)
        except DecisionNeeded as held:
            if held.case is not CaseId.WRONG_PRACTICE or confirm:
                self.complain(held)
                return
            typed = await self.app.push_screen_wait(
                InputDialog("\n\n".join(present(held).lines()[:2]), title="A different practice than before")
            )
            if typed:
                await self._choose(tenant, typed)
            return
        except AppError as trouble:
            self.complain(trouble)
            return
        await self._fill()

    async def _fill(self) -> None:
        self._say("Connected. Reading clients, staff, templates and jobs …")

        async def fill(connecting: ConnectionMachine) -> RefreshResult:
            return await connecting.fill()

        try:
            read = await self.wizard.ask_async(fill)
        except AppError as trouble:
            self.complain(trouble)
            return
        self.host.log_named("connect", {})
        self.host.toast(f"Read {formatting.count(read.clients, 'client')} from XPM.")
        self.settled()


class DirectionPane(StepPane):
    """Two choices and a button. Nothing is written by choosing."""

    STEP = "direction"
    INTRO = (
        "Where the two differ, the master's value overwrites the other. You see every change before it is "
        "applied."
    )

    def __init__(self) -> None:
        super().__init__()
        self._direction = AnswerRows(DIRECTIONS)
        self._level = AnswerRows(LEVELS)

    def body(self) -> ComposeResult:
        """Direction, level, go on."""
        yield self._direction
        yield Static(show("What should be synced?", "bold"), classes="label after")
        yield self._level
        with Horizontal(classes="buttons"):
            yield button("Save and continue", "go-on")

    def begin(self, step: ConnectionStep) -> None:
        """What is in force now; go on is the safe one."""
        self._facts.display = False  # the answers below show the same
        policy = self.host.worker.practice.policy()
        self._direction.choose(policy.direction)
        self._level.choose(policy.level)
        self.query_one("#go-on").focus()

    @on(Rows.Chosen)
    def _picked(self, event: Rows.Chosen) -> None:
        event.stop()
        self.screen.focus_next()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.host.work(lambda: self._settle(), "direction", exclusive=True, node=self)

    async def _settle(self) -> None:
        chosen = {"direction": self._direction.chosen, "level": self._level.chosen}
        await self.host.run_named("policy.set", chosen)
        self.settled()
