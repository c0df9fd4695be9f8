"""The ways through several screens: plan to review to run, map and undo, jump to a client, connect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.worker import get_current_worker

from xpm_tui.domain import formatting
from xpm_tui.domain.safe_text import visible
from xpm_tui.lazy import lazy_imports
from xpm_tui.tui.app_protocol import AppProtocol

with lazy_imports():
    from xpm_tui.application.runs import history, open_intents
    from xpm_tui.commands import registry
    from xpm_tui.domain import fields
    from xpm_tui.tui.dialogs import dialog, progress
    from xpm_tui.tui.screens import clients, jobs, plan_review
    from xpm_tui.tui.screens import run as screens_run
    from xpm_tui.tui.widgets import run_card
    from xpm_tui.tui.wizard import screen as wizard_screen

if TYPE_CHECKING:
    from xpm_tui.application.practice import OpenPractice
    from xpm_tui.application.presenters.views import ClientView, PickView, XpmClientView
    from xpm_tui.domain.runs import Run

_OUTCOMES = {
    "added": "added",
    "linked": "linked to a client you had",
    "already": "there already",
    "left": "left",
}


class Navigation(AppProtocol):
    """What the console does over more than one screen. Mixed into the app."""

    def plan_and_show(self, only: str = "") -> None:
        """Read XPM, plan, and show the plan; nothing is written to either side."""
        self.work(lambda: self._plan(only), "plan", exclusive=True)

    async def _plan(self, only: str) -> None:

        box = progress.ProgressDialog("Planning", "Reading XPM and comparing it with Ignition …")
        box.watch_over(get_current_worker())
        await self.push_screen(box)
        result = await progress.done(self.run_named("plan", {"client": only}), box)
        await self.refresh_status()
        self.show_plan(result.value.id)

    def show_plan(self, plan_id: str) -> None:
        """Review a plan; when it is applied, its run comes up."""

        def reviewed(run: str | None) -> None:
            if run:
                self.show_run(run)

        self.push_screen(plan_review.PlanReview(plan_id), reviewed)

    def release(self, run_id: str = "") -> None:
        """Let a run that ended before its end go on, the newest if none is named: told first, then asked."""
        self.work(lambda: self._release(run_id), "release", exclusive=True)

    async def _release(self, run_id: str) -> None:

        def read(practice: OpenPractice) -> tuple[Run | None, bool]:

            run = history.show(practice, run_id) if run_id else history.newest(practice.snapshot())
            return run, bool(open_intents.waiting(practice))

        run, waiting = await self.worker.ask(read)
        name = run_card.HELD.get(run.outcome, "") if run is not None else ""
        if not name and not waiting:
            self.toast("No run is waiting: the last run finished.", "warning")
            return
        # What XPM never answered is settled first: one question after the other.
        name = "runs.release" if waiting else name
        preset = {"run": run_id} if name == "runs.release" else {}
        result, new = await self.start_command(name, preset, title=f"Run {run.id}" if run is not None else "")
        if not new:
            if not result.declined:
                self.show_result(registry.by_name(name), result, [])
            return
        if isinstance(self.screen, screens_run.RunScreen):
            self.pop_screen()
        self.show_run(new)

    def undo(self, run: str = "", client: str = "", field: str = "") -> None:
        """Take a run, or the last one that wrote to a client, back: as a plan to look at first."""
        self.work(lambda: self._undo(run, client, field), "undo", exclusive=True)

    async def _undo(self, run: str, client: str, field: str) -> None:
        name, preset = "clients.undo", {"client": client}
        if run:
            name, preset = "undo", {"run": run, "client": client, "field": field}
        result = await self.run_named(name, {**preset, "review": True})
        changes, left = list(result.items or ()), result.data["left"]
        freezes = result.data["consequences"].get("freezes")
        if left and (changes or not freezes):
            title = f"{formatting.count(len(left), 'change')} cannot be undone"
            told = (f"{view['record']} {fields.label(view['field'])}: {view['reason']}" for view in left)
            await self.push_screen_wait(dialog.MessageDialog(title, "\n".join(told), wide=True))
        if changes:
            self.show_plan(result.data["plan"])
        elif freezes:
            # Nothing can be restored; what the run wrote can still be kept from the next sync.
            result = await self.run_named(name, {**preset})
            self.show_result(registry.by_name(name), result, [])
        elif not left:
            self.toast("There is nothing left to undo in that run.")

    def show_run(self, run_id: str) -> None:
        """A run with its log."""
        self.push_screen(screens_run.RunScreen(run_id))

    def show_client(self, client: str) -> None:
        """Jump to a client of the book, or to the jobs of a workflow, wherever one is."""
        if client.startswith("w"):
            self.show_jobs(client)
            return

        self.go("clients")
        screen = self.screen_stack[0]
        if isinstance(screen, clients.Clients):
            while len(self.screen_stack) > 1:
                self.pop_screen()
            screen.show_only(client)

    def show_jobs(self, workflow: str) -> None:
        """Jump to the jobs of a workflow."""
        self.go("jobs")
        screen = self.screen_stack[0]
        if isinstance(screen, jobs.Jobs):
            while len(self.screen_stack) > 1:
                self.pop_screen()
            screen.show_only(workflow)

    def linked(self, client: ClientView, view: XpmClientView) -> None:
        """Say what was linked, and how to take it back."""
        area = self.screen_stack[0]
        told = area.mapped(client.id) if isinstance(area, clients.Clients) else ""
        number = view.number or view.uuid
        self.toast(f"{client.name} is linked to {number} {view.name}.\n{told}".strip())
        self.beat()

    def picked(self, done_: Sequence[PickView]) -> None:
        """Say what came of picking; what was left is listed with its reason."""
        counts = {name: sum(view.outcome == name for view in done_) for name in _OUTCOMES}
        told = ", ".join(f"{number:,} {_OUTCOMES[name]}" for name, number in counts.items() if number)
        left = [view for view in done_ if view.outcome == "left"]
        if not left:
            self.toast(told or "XPM has no client to bring in.")
        else:
            lines = "\n".join(
                f"#{visible(v.number or '–')}  {visible(v.name)}: {visible(v.reason)}" for v in left
            )
            title = f"{formatting.count(len(left), 'client')} left for your decision"
            self.push_screen(dialog.MessageDialog(title, f"{told}.\n\n{lines}", wide=True))
        self.beat()

    def connect(self) -> None:
        """The wizard; where it ends, its plan comes up."""

        def ended(plan: str | None) -> None:
            self.beat()
            if plan:
                self.show_plan(plan)

        self.push_screen(wizard_screen.Wizard(), ended)
