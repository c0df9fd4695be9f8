"""The ways through several screens: plan to review to run, map and undo, jump to a client, connect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.worker import get_current_worker

from xpm_tui.domain import formatting
from xpm_tui.domain.safe_text import visible
from xpm_tui.lazy import lazy_imports
from xpm_tui.tui.app_protocol import Host

with lazy_imports():
    from xpm_tui.application.runs import background, history, open_intents, plans
    from xpm_tui.commands import consequences, registry
    from xpm_tui.domain import errors, fields
    from xpm_tui.tui.dialogs import dialog, progress
    from xpm_tui.tui.screens import clients, jobs, plan_review
    from xpm_tui.tui.screens import run as screens_run
    from xpm_tui.tui.widgets import run_card
    from xpm_tui.tui.wizard import screen as wizard_screen

if TYPE_CHECKING:
    from xpm_tui.application.practice import OpenPractice
    from xpm_tui.application.presenters.views import ClientView, PickView, XpmClientView
    from xpm_tui.domain.plan import Plan
    from xpm_tui.domain.runs import Run

SYNC = ("sync",)
_GOES_ON = {
    "runs.release": "It is planned again, and goes on if none of these counts has grown.",
    "runs.resume": "What it had sent is looked up first, then it goes on where it was.",
}
"""What letting a run go on means."""
_OUTCOMES = {
    "added": "added",
    "linked": "linked to a client you had",
    "already": "there already",
    "left": "left",
}


class Flows(Host):
    """What the console does over more than one screen. Mixed into the app."""

    def plan_and_show(self, only: str = "") -> None:
        """Read XPM, plan, and show the plan; nothing is written to either side."""
        self.work(lambda: self._plan(only), "plan", exclusive=True)

    async def _plan(self, only: str) -> None:

        box = progress.Working("Planning", "Reading XPM and comparing both sides …")
        box.watch_over(get_current_worker())
        await self.push_screen(box)

        async def make(practice: OpenPractice) -> Plan:

            return await plans.make(practice, only=only)

        plan = await progress.done(self.desk.run(make), box)
        await self.refresh_pulse()
        self.show_plan(plan.id)

    def show_plan(self, plan_id: str) -> None:
        """Review a plan; when it is applied, its run comes up."""

        def reviewed(run: str | None) -> None:
            if run:
                self.show_run(run)

        self.push_screen(plan_review.PlanReview(plan_id), reviewed)

    async def start_run(
        self, plan_id: str = "", verb: Sequence[str] = SYNC, extra: Sequence[str] = ()
    ) -> str:
        """Start the run as a process of its own; gives its id as soon as it is in the book."""

        box = progress.Working("Starting", "The run starts in a process of its own …")
        await self.push_screen(box)

        async def start(practice: OpenPractice) -> Run:

            begun = background.detach(practice, plan_id=plan_id, extra=extra, verb=verb)
            return await background.wait_for_run(practice, begun)

        run = await progress.done(self.desk.run(start), box)
        await self.refresh_pulse()
        return run.id

    def release(self, run_id: str = "") -> None:
        """Let a run that ended before its end go on, the newest if none is named: told first, then asked."""
        self.work(lambda: self._release(run_id), "release", exclusive=True)

    async def _release(self, run_id: str) -> None:

        def read(practice: OpenPractice) -> tuple[Run | None, bool]:

            run = history.show(practice, run_id) if run_id else history.newest(practice.snapshot())
            return run, bool(open_intents.waiting(practice))

        run, waiting = await self.desk.ask(read)
        act = registry.by_name(
            run_card.HELD.get(run.outcome, "runs.release") if run is not None else "runs.release"
        )
        if waiting:
            # What XPM never answered has to be settled first: one question after the other.
            self.perform(act, {"run": run_id}, ask=False)
            return
        if run is None or run.outcome not in run_card.HELD:
            self.toast("Nothing is held: the last run went to its end.", "warning")
            return
        said = "\n".join(f"■ {stop.sentence or stop.rule}" for stop in run.stops)
        expected = (
            f"It was to do: {consequences.brief(run.consequences)}." if run.consequences is not None else ""
        )
        question = "\n\n".join(filter(None, (said, expected, _GOES_ON[act.name])))
        box = dialog.Confirm(question, title=f"Run {run.id}", yes="Let it go on", no="Not yet")
        if not await self.push_screen_wait(box):
            return
        new = await self.start_run(verb=act.verb, extra=(run.id,) if act.name == "runs.release" else ())
        if isinstance(self.screen, screens_run.RunScreen):
            self.pop_screen()
        self.show_run(new)

    def undo(self, run: str = "", client: str = "", field: str = "") -> None:
        """Take a run, or the last one that wrote to a client, back: as a plan to look at first."""
        self.work(lambda: self._undo(run, client, field), "undo", exclusive=True)

    async def _undo(self, run: str, client: str, field: str) -> None:
        def plan(practice: OpenPractice) -> tuple[str, int, list[str]]:

            wanted = run or plans.last_write(practice.snapshot(), client)
            if not wanted:
                raise errors.NotFound("No run wrote anything of this client that could be taken back.")
            made, records, left = plans.make_undo(practice, wanted, client=client, field=field)
            told = [f"{view.record} {fields.label(view.field)}: {view.reason}" for view in left]
            return made.id, sum(len(record.changes) for record in records), told

        plan_id, changes, left = await self.desk.ask(plan)
        if left:
            title = f"{formatting.count(len(left), 'value')} changed since, and stay"
            await self.push_screen_wait(dialog.Told(title, "\n".join(left), wide=True))
        if changes:
            self.show_plan(plan_id)
        elif not left:
            self.toast("Nothing of it is left to take back.")

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
            self.toast(told or "XPM has no client to pick.")
        else:
            lines = "\n".join(
                f"#{visible(v.number or '–')}  {visible(v.name)}: {visible(v.reason)}" for v in left
            )
            title = f"{formatting.count(len(left), 'client')} left for you"
            self.push_screen(dialog.Told(title, f"{told}.\n\n{lines}", wide=True))
        self.beat()

    def connect(self) -> None:
        """The wizard; where it ends, its plan comes up."""

        def ended(plan: str | None) -> None:
            self.beat()
            if plan:
                self.show_plan(plan)

        self.push_screen(wizard_screen.Wizard(), ended)
