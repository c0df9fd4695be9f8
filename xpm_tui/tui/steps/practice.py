"""The practice: the only one is taken by itself, several are a choice, another than before needs its name."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Button

from xpm_tui.diagnose.trouble_view import present
from xpm_tui.model import formatting
from xpm_tui.model.cases import CaseId
from xpm_tui.model.errors import NeedsPerson, Trouble
from xpm_tui.model.xpm import Tenant
from xpm_tui.service.connect.connection import Connecting
from xpm_tui.service.connect.steps import Step
from xpm_tui.service.identity import Identity
from xpm_tui.service.runs.refresh import Refreshed
from xpm_tui.tui.dialogs.dialog import Ask
from xpm_tui.tui.plain import show
from xpm_tui.tui.steps.pane import Pane


class PracticePane(Pane):
    """A button per practice; then its lists are read."""

    STEP = "practice"
    INTRO = (
        "One practice of XPM is connected here. Its clients, staff, templates and jobs are then read once."
    )

    def __init__(self) -> None:
        super().__init__()
        self._list = Vertical(classes="choices")
        self._tenants: tuple[Tenant, ...] = ()

    def body(self) -> ComposeResult:
        """The practices."""
        yield self._list

    def begin(self, step: Step) -> None:
        """Ask which there are."""
        self.host.work(lambda: self._offer(step), "practice", exclusive=True, node=self)

    async def _offer(self, step: Step) -> None:
        def tenants(connecting: Connecting) -> tuple[Tenant, ...]:
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
        async def choose(connecting: Connecting) -> Identity:
            return await connecting.choose(tenant.tenant_id, confirm=confirm)

        try:
            await self.wizard.ask_async(choose)
        except NeedsPerson as held:
            if held.case is not CaseId.WRONG_PRACTICE or confirm:
                self.complain(held)
                return
            typed = await self.app.push_screen_wait(
                Ask("\n\n".join(present(held).lines()[:2]), title="Another practice than before")
            )
            if typed:
                await self._choose(tenant, typed)
            return
        except Trouble as trouble:
            self.complain(trouble)
            return
        await self._fill()

    async def _fill(self) -> None:
        self._say("Connected. Reading clients, staff, templates and jobs …")

        async def fill(connecting: Connecting) -> Refreshed:
            return await connecting.fill()

        try:
            read = await self.wizard.ask_async(fill)
        except Trouble as trouble:
            self.complain(trouble)
            return
        self.host.toast(f"Read {formatting.count(read.clients, 'client')} from XPM.")
        self.settled()
