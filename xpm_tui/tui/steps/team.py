"""The team: who is who in XPM, settled now for those who are clear, or later."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button

from xpm_tui.model import formatting
from xpm_tui.model.errors import Trouble
from xpm_tui.service.connect.steps import Step
from xpm_tui.service.practice import OpenPractice
from xpm_tui.service.team import linking as team
from xpm_tui.tui.dialogs.accepting import accept_emails
from xpm_tui.tui.plain import show
from xpm_tui.tui.steps.pane import button
from xpm_tui.tui.steps.records import SkippablePane


class TeamPane(SkippablePane):
    """Accept the e-mail matches, bring in XPM's staff, or later; one by one it is done in the Team area."""

    STEP = "team"
    INTRO = (
        "Partner and manager of a client are carried only where the person is known on both sides. Bringing "
        "in XPM's staff links those with the same e-mail and adds the others without access: a note, no "
        "login. One by one it is done in Team (g t)."
    )

    def body(self) -> ComposeResult:
        """What is clear, everybody, or later."""
        with Horizontal(classes="buttons"):
            yield button("Accept the e-mail matches", "accept")
            yield button("Bring in XPM's staff", "pick")
            yield button("Later", "later")

    def begin(self, step: Step) -> None:
        """Count what can be done; what cannot is not offered."""
        for name in ("accept", "pick"):
            self.query_one(f"#{name}", Button).display = False
        self.query_one("#later", Button).label = "Go on" if step.state == "done" else "Later"
        self.query_one("#later", Button).focus()
        self.host.work(lambda: self._count(step), "team", exclusive=True, node=self)

    async def _count(self, step: Step) -> None:
        def look(practice: OpenPractice) -> tuple[int, int]:
            free = [row for row in team.list_staff(practice) if row.member is None and not row.gone]
            return len(team.email_matches(practice)), len(free)

        matches, free = await self.host.desk.ask(look)
        accept, pick = self.query_one("#accept", Button), self.query_one("#pick", Button)
        accept.label = show(f"Accept {formatting.count(matches, 'e-mail match')}")
        pick.label = show(f"Bring in XPM's staff ({free:,})")
        accept.display, pick.display = matches > 0, free > 0
        if step.state != "done":
            self.focus_first()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        job = {"pick": self._pick, "accept": self._accept}.get(event.button.id or "", self.skip)
        self.host.work(job, "team", exclusive=True, node=self)

    async def _accept(self) -> None:
        if await accept_emails(self.host):
            await self.stay()

    async def _pick(self) -> None:
        try:
            done = await self.host.desk.ask(team.pick_staff, every=True)
        except Trouble as trouble:
            self.complain(trouble)
            return
        self.host.toast(f"{formatting.count(len(done), 'person/people')} linked to XPM.")
        await self.stay()
