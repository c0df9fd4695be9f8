"""The ways through several screens: plan to review to run, map and undo, jump to a client, connect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.worker import get_current_worker

from xpm_tui.model import formatting
from xpm_tui.model.text import visible
from xpm_tui.tui.host import Host

if TYPE_CHECKING:
    from xpm_tui.model.plan import Plan
    from xpm_tui.model.runs import Run
    from xpm_tui.service.practice import OpenPractice
    from xpm_tui.service.telling.views import ClientView, PickView, XpmClientView

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
        from xpm_tui.tui.dialogs.working import Working, done

        box = Working("Planning", "Reading XPM and comparing both sides …")
        box.watch_over(get_current_worker())
        await self.push_screen(box)

        async def make(practice: OpenPractice) -> Plan:
            from xpm_tui.service.runs import plans

            return await plans.make(practice, only=only)

        plan = await done(self.desk.run(make), box)
        await self.refresh_pulse()
        self.show_plan(plan.id)

    def show_plan(self, plan_id: str) -> None:
        """Review a plan; when it is applied, its run comes up."""
        from xpm_tui.tui.screens.plan_review import PlanReview

        def reviewed(run: str | None) -> None:
            if run:
                self.show_run(run)

        self.push_screen(PlanReview(plan_id), reviewed)

    async def start_run(
        self, plan_id: str = "", verb: Sequence[str] = SYNC, extra: Sequence[str] = ()
    ) -> str:
        """Start the run as a process of its own; gives its id as soon as it is in the book."""
        from xpm_tui.tui.dialogs.working import Working, done

        box = Working("Starting", "The run starts in a process of its own …")
        await self.push_screen(box)

        async def start(practice: OpenPractice) -> Run:
            from xpm_tui.service.runs import detach

            begun = detach.detach(practice, plan_id=plan_id, extra=extra, verb=verb)
            return await detach.wait_for_run(practice, begun)

        run = await done(self.desk.run(start), box)
        await self.refresh_pulse()
        return run.id

    def release(self, run_id: str = "") -> None:
        """Let a run that ended before its end go on, the newest if none is named: told first, then asked."""
        self.work(lambda: self._release(run_id), "release", exclusive=True)

    async def _release(self, run_id: str) -> None:
        from xpm_tui.acts.consequences import brief
        from xpm_tui.acts.registry import by_name
        from xpm_tui.tui.dialogs.dialog import Confirm
        from xpm_tui.tui.screens.run import RunScreen
        from xpm_tui.tui.widgets.run_card import HELD

        def read(practice: OpenPractice) -> tuple[Run | None, bool]:
            from xpm_tui.service.runs import history, releasing

            run = history.show(practice, run_id) if run_id else history.newest(practice.snapshot())
            return run, bool(releasing.waiting(practice))

        run, waiting = await self.desk.ask(read)
        act = by_name(HELD.get(run.outcome, "runs.release") if run is not None else "runs.release")
        if waiting:
            # What XPM never answered has to be settled first: one question after the other.
            self.perform(act, {"run": run_id}, ask=False)
            return
        if run is None or run.outcome not in HELD:
            self.toast("Nothing is held: the last run went to its end.", "warning")
            return
        said = "\n".join(f"■ {stop.sentence or stop.rule}" for stop in run.stops)
        expected = f"It was to do: {brief(run.consequences)}." if run.consequences is not None else ""
        question = "\n\n".join(filter(None, (said, expected, _GOES_ON[act.name])))
        box = Confirm(question, title=f"Run {run.id}", yes="Let it go on", no="Not yet")
        if not await self.push_screen_wait(box):
            return
        new = await self.start_run(verb=act.verb, extra=(run.id,) if act.name == "runs.release" else ())
        if isinstance(self.screen, RunScreen):
            self.pop_screen()
        self.show_run(new)

    def undo(self, run: str = "", client: str = "", field: str = "") -> None:
        """Take a run, or the last one that wrote to a client, back: as a plan to look at first."""
        self.work(lambda: self._undo(run, client, field), "undo", exclusive=True)

    async def _undo(self, run: str, client: str, field: str) -> None:
        def plan(practice: OpenPractice) -> tuple[str, int, list[str]]:
            from xpm_tui.model.errors import NotFound
            from xpm_tui.model.fields import label as field_label
            from xpm_tui.service.runs import undoing

            wanted = run or undoing.last_write(practice.snapshot(), client)
            if not wanted:
                raise NotFound("No run wrote anything of this client that could be taken back.")
            made, records, left = undoing.make_undo(practice, wanted, client=client, field=field)
            told = [f"{view.record} {field_label(view.field)}: {view.reason}" for view in left]
            return made.id, sum(len(record.changes) for record in records), told

        plan_id, changes, left = await self.desk.ask(plan)
        if left:
            from xpm_tui.tui.dialogs.dialog import Told

            title = f"{formatting.count(len(left), 'value')} changed since, and stay"
            await self.push_screen_wait(Told(title, "\n".join(left), wide=True))
        if changes:
            self.show_plan(plan_id)
        elif not left:
            self.toast("Nothing of it is left to take back.")

    def show_run(self, run_id: str) -> None:
        """A run with its log."""
        from xpm_tui.tui.screens.run import RunScreen

        self.push_screen(RunScreen(run_id))

    def show_client(self, client: str) -> None:
        """Jump to a client of the book, or to the jobs of a workflow, wherever one is."""
        if client.startswith("w"):
            self.show_jobs(client)
            return
        from xpm_tui.tui.screens.clients import Clients

        self.go("clients")
        screen = self.screen_stack[0]
        if isinstance(screen, Clients):
            while len(self.screen_stack) > 1:
                self.pop_screen()
            screen.show_only(client)

    def show_jobs(self, workflow: str) -> None:
        """Jump to the jobs of a workflow."""
        from xpm_tui.tui.screens.jobs import Jobs

        self.go("jobs")
        screen = self.screen_stack[0]
        if isinstance(screen, Jobs):
            while len(self.screen_stack) > 1:
                self.pop_screen()
            screen.show_only(workflow)

    def linked(self, client: ClientView, view: XpmClientView) -> None:
        """Say what was linked, and how to take it back."""
        from xpm_tui.tui.screens.clients import Clients

        area = self.screen_stack[0]
        told = area.mapped(client.id) if isinstance(area, Clients) else ""
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
            from xpm_tui.tui.dialogs.dialog import Told

            lines = "\n".join(
                f"#{visible(v.number or '–')}  {visible(v.name)}: {visible(v.reason)}" for v in left
            )
            title = f"{formatting.count(len(left), 'client')} left for you"
            self.push_screen(Told(title, f"{told}.\n\n{lines}", wide=True))
        self.beat()

    def connect(self) -> None:
        """The wizard; where it ends, its plan comes up."""
        from xpm_tui.tui.screens.wizard import Wizard

        def ended(plan: str | None) -> None:
            self.beat()
            if plan:
                self.show_plan(plan)

        self.push_screen(Wizard(), ended)
