"""The Sync area: the latest plan, the run in progress, the earlier ones, and the live log of the practice.

The screen of a run with its log, which is updated while the run is in progress.
"""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal

from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.presenters.presenter import set_aside_summary, set_aside_views
from xpm_tui.application.runs import history, plans
from xpm_tui.application.runs.consequences import RunForecast, forecast
from xpm_tui.application.runs.history import field_progress
from xpm_tui.commands.command import Situation
from xpm_tui.domain import formatting, labels
from xpm_tui.domain.plan import Plan
from xpm_tui.domain.runs import Run
from xpm_tui.tui.dialogs.help import HelpPage
from xpm_tui.tui.screens.area import AreaScreen
from xpm_tui.tui.screens.base import DetailScreen
from xpm_tui.tui.screens.overview import RUNS, WHOLE, RunList
from xpm_tui.tui.theme import stylesheet_path
from xpm_tui.tui.widgets.cells import Line, fixed, lines, span, wrap
from xpm_tui.tui.widgets.frame import ScreenHeading
from xpm_tui.tui.widgets.rows import Rows
from xpm_tui.tui.widgets.run_log import (
    CONTINUE_COMMANDS,
    FIELDS,
    FRAME,
    LOG_KEYS,
    NO_FORECAST,
    LiveLog,
    field_lines,
    frame_text,
    run_lines,
    run_scope,
    run_subtitle,
    run_title,
    stop_lines,
)
from xpm_tui.tui.widgets.text import TextLabel

WIDE = 110
"""The width from which other panels are shown beside the panel of the run, in columns."""
RUN_LIST = 56
"""Width of the list of runs beside that panel, in columns."""


class SyncArea(AreaScreen):
    """The area: a panel with the latest run and plan, the list of runs, and below them the log."""

    AREA = "sync"
    ABOUT = (
        "A plan shows everything that a sync would do, before anything is written; applying it "
        "starts a run. The run is a separate process: it continues when this console is "
        "closed. Earlier runs are listed, and enter opens one. The log of the practice is shown below, live."
    )
    MORE_KEYS = (
        ("v", "look at the newest plan"),
        ("tab", "to the last syncs: enter opens one, u undoes it"),
        *LOG_KEYS,
    )
    CSS_PATH: ClassVar = stylesheet_path("sync")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "review", "View plan", tooltip="View the newest plan"),
        Binding("slash", "pane('find')", show=False),
        Binding("l", "pane('level')", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._card = TextLabel(classes="sync-card panel", fixed=False)
        self._runs = RunList()
        self._runs.border_title = "Last syncs"
        self._pane = LiveLog(empty="The log of this practice is empty. Press s to make the first plan.")
        self._plan: Plan | None = None
        self._run: Run | None = None
        self._forecast = NO_FORECAST
        self._set_aside = ""
        self._drawn: object = None
        """The facts that are shown: the same ones are not drawn again."""

    def body(self) -> ComposeResult:
        """Compose the panel, the list of runs and the log."""
        with Container(classes="sync-top"):
            yield self._card
            yield self._runs
        yield self._pane

    async def load(self) -> None:
        """Read the latest plan and the runs."""

        def read(practice: OpenPractice) -> tuple[Plan | None, list[Run], RunForecast, str]:
            runs = history.list_runs(practice, RUNS)
            set_aside = set_aside_summary(set_aside_views(practice.snapshot()))
            coming = forecast(practice, runs[0]) if runs else NO_FORECAST
            return plans.latest_plan(practice), runs, coming, set_aside

        selected = self._runs.current
        self._plan, runs, self._forecast, self._set_aside = await self.host.worker.ask(read)
        self._run = runs[0] if runs else None
        at = (place for place, run in enumerate(runs) if selected is not None and run.id == selected.id)
        self._runs.show(runs, next(at, 0))
        self.set_class(len(runs) > 1, "-earlier")
        self.set_class(self._run is not None and self._run.outcome == "running", "-running")
        self._draw()
        if self.focused is None:
            self._pane.rows.focus()

    def on_mount(self) -> None:
        """Start the timer that counts down while a run waits."""
        self.set_interval(1.0, self._count_down)

    def _count_down(self) -> None:
        if self._run is not None and self._run.outcome == "running" and self.is_active:
            self.refresh_data(force=True)

    def _draw(self) -> None:
        facts = (
            self._plan,
            self._run,
            self._forecast.waits,
            self._forecast.stopping,
            self._set_aside,
            self.host.practice_status.connected,
            self.has_class("-earlier"),
            self.size.width,
        )
        if facts == self._drawn:
            return
        self._drawn = facts
        found: list[Line] = []
        beside = self.has_class("-earlier") and self.size.width >= WIDE
        width = self.size.width - FRAME - (RUN_LIST if beside else 0)
        self._card.border_title, self._card.border_subtitle = "Sync", ""
        if self._run is not None:
            self._card.border_title = frame_text(run_title(self._run))
            self._card.border_subtitle = frame_text(run_subtitle(self._run))
            found += run_lines(self._run, self.host.worker.practice.clock.now(), width, self._forecast)
        found += self._plan_lines()
        if self._set_aside:
            message = f"{self._set_aside} See which, and what to correct in XPM: xpm-tui status"
            found += wrap([fixed("▲ ", "warn"), span(message)], width)
        self._card.say(lines(found))

    def _plan_lines(self) -> list[Line]:
        plan = self._plan
        if not self.host.practice_status.connected:
            return [[fixed("○ ", "warn"), fixed("Not connected. "), fixed("g o", "accent"), fixed(", then "),
                     fixed("c", "accent"), fixed(" connects this practice to XPM.")]]  # fmt: skip
        if plan is None:
            return [[fixed("No plan yet. "), fixed("s", "accent"),
                     fixed(" makes one and shows it before anything is written.")]]  # fmt: skip
        if plan.state != "draft":
            return []
        now = self.host.worker.practice.clock.now()
        items, waiting = plan.counts.get("items", 0), plan.counts.get("waiting", 0)
        summary = formatting.count(items, "change") if items else "nothing to change"
        more = f", {waiting:,} not ticked" if waiting else ""
        more += f", {plan.left_different:,} differ and stay" if plan.left_different else ""
        return [[fixed("Plan ", "head"), span(plan.id, "head"), fixed(f"  {summary}{more}"),
                 fixed(f"  made {formatting.ago(plan.made, now)}  ", "muted"),
                 fixed("v", "accent"), fixed(" shows it")]]  # fmt: skip

    def on_resize(self, event: events.Resize) -> None:
        """Fit the progress bar to the width; a low window has no room for the list of runs."""
        self.set_class(event.size.height < WHOLE, "-small")
        self._draw()
        self.call_after_refresh(self._runs.show_words)

    @property
    def _selected(self) -> Run | None:
        """The run to which a key applies: the one under the cursor, while the list has the focus."""
        return self._runs.current if self._runs.has_focus else self._run

    def situation(self) -> Situation:
        """Return the situation with the selected run."""
        run = self._selected
        return self.host.situation(self.AREA, record=run.id if run else "")

    @on(Rows.Moved)
    def _moved(self, event: Rows.Moved) -> None:
        event.stop()
        self._runs.show_words()
        self.refresh_bindings()

    @on(Rows.Chosen)
    def _chosen(self, event: Rows.Chosen) -> None:
        """Show the run under the cursor."""
        event.stop()
        if self._runs.current is not None:
            self.app.push_screen(RunScreen(self._runs.current.id))

    def do_plan(self) -> None:
        """Make a plan and show it."""
        self.host.plan_and_show()

    def do_sync(self) -> None:
        """Make a plan and show it; a sync applies it from there."""
        self.host.plan_and_show()

    def do_undo(self) -> None:
        """Undo the selected run; the undo is shown as a plan first."""
        if self._selected is None:
            self.host.toast("There is no run yet to undo.", "warning")
        else:
            self.host.undo(run=self._selected.id)

    def do_runs_stop(self) -> None:
        """Show the run with its log, and stop it there."""
        screen = RunScreen(self.host.practice_status.running)
        self.app.push_screen(screen)
        screen.call_after_refresh(screen.action_stop)

    def action_review(self) -> None:
        """Review the latest plan."""
        if self._plan is None:
            self.host.toast("There is no plan yet: press s to make one.", "warning")
        else:
            self.host.show_plan(self._plan.id)

    def action_pane(self, action: str) -> None:
        """Run an action of the log, wherever the focus is."""
        getattr(self._pane, f"action_{action}")()


class RunScreen(DetailScreen[None]):
    """A run: a panel with its state, the progress by field, and the log."""

    CSS_PATH: ClassVar = stylesheet_path("run")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "stop", "Stop"),
        Binding("u", "undo", "Undo"),
        Binding("v", "values", "Values", tooltip="Every value that the run wrote, old and new"),
        Binding("a", "release", "Release"),
        Binding("a", "resume", "Resume", tooltip="Find out what it did not complete, and complete it"),
    ]
    HELP_PAGE: ClassVar = HelpPage(
        "Run",
        "What this run does or did. It continues by itself: leaving this screen or the console "
        "does not end it.",
        [
            *LOG_KEYS,
            ("x", "stop it: nothing more is sent"),
            ("u", "undo it, after showing what that does"),
            ("v", "every value that it wrote, old and new, client by client"),
            ("a", "release it when it is held; resume it when it was stopped or interrupted"),
            ("esc", "back; the run continues"),
        ],
    )

    def __init__(self, run_id: str) -> None:
        super().__init__()
        self._run_id = run_id
        self._head = ScreenHeading(f"Run {run_id}", classes="run-head")
        self._card = TextLabel(classes="run-card panel", fixed=False)
        self._fields = TextLabel(classes="run-fields panel")
        self._fields.border_title = "By field"
        self._counted: object = None
        """The run and the size for which the progress by field is shown."""
        self._forecast = NO_FORECAST
        self._pane = LiveLog(run=run_id, empty="The log of this run is still empty.")

    def body(self) -> ComposeResult:
        """Compose the title, the panel of the run with the progress by field beside it, and the log."""
        yield self._head
        with Horizontal(classes="run-top"):
            yield self._card
            yield self._fields
        yield self._pane

    @property
    def _run(self) -> Run | None:
        return self._pane.run

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        """Focus the log."""
        if self.focused is None:
            self._pane.rows.focus()

    @on(LiveLog.StateChanged)
    def _state_changed(self, event: LiveLog.StateChanged) -> None:
        event.stop()
        self._forecast = event.forecast
        self._draw()
        self.refresh_bindings()

    def on_resize(self) -> None:
        """Fit the panels to the size; a large window also shows the progress by field."""
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        run = self._run
        if run is None:
            return
        self._head.show_subject(run_scope(run))
        self._card.border_title = frame_text(labels.RUN_OUTCOMES[run.outcome].marked)
        self._card.border_subtitle = frame_text(run_subtitle(run))
        by_field = self.has_class("-tall") and self.size.width >= WIDE
        columns = self.size.width - FRAME - (FIELDS if by_field else 0)
        now = self.host.worker.practice.clock.now()
        shown = run_lines(run, now, columns, self._forecast)
        self._card.say(lines([*shown, *(stop_lines(run, columns) if by_field else ())]))
        if by_field and (run, self.size) != self._counted:
            self._counted = (run, self.size)
            self.host.work(lambda: self._count(run), "fields", exclusive=True, node=self)

    async def _count(self, run: Run) -> None:
        """Show the progress by field."""
        found = await self.host.worker.read(lambda practice: field_progress(practice, run))
        self._fields.set_class(not found, "-none")
        self._fields.say(lines(field_lines(found, *self._fields.content_size)))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Show the key that releases or resumes the run in the footer only if it applies."""
        run = self._run
        if action in ("release", "resume") and run is not None:
            # A run that created jobs is continued in Jobs, for one job or for all with the same cause.
            if run.kind == "deploy" or CONTINUE_COMMANDS.get(run.outcome) != f"runs.{action}":
                return False
        elif action == "resume":
            return False
        return super().check_action(action, parameters)

    def why_not(self, action: str) -> str:
        """Return why an action is unavailable: a run in progress can be stopped, an ended one undone."""
        in_progress = self._run is None or self._run.outcome == "running"
        if action == "stop" and not in_progress:
            return "The run has ended: there is nothing to stop."
        if action in ("undo", "release", "resume") and in_progress:
            return "The run is in progress: x stops it."
        if action == "undo" and self._run is not None and self._run.kind == "deploy":
            return "This run created jobs: jobs in XPM are never changed from here."
        return ""

    def action_resume(self) -> None:
        """Resume a run that was stopped or interrupted."""
        self.action_release()

    def action_release(self) -> None:
        """Release a held run: its changes are planned again and applied."""
        run = self._run
        command = CONTINUE_COMMANDS.get(run.outcome) if run is not None else None
        if run is not None and command is not None and not self.is_refused(command, record=run.id):
            self.host.release(run.id)

    def action_values(self) -> None:
        """Show the old and new values that the run wrote, client by client."""
        self.host.read_command("runs.show", {"run": self._run_id}, f"Run {self._run_id}")

    def action_undo(self) -> None:
        """Undo the run; the undo is shown as a plan first."""
        self.host.undo(run=self._run_id)

    def action_stop(self) -> None:
        """Stop the run, after asking."""
        self.host.work(lambda: self._stop(), "stop", exclusive=True, node=self)

    async def _stop(self) -> None:
        result = await self.host.run_named("runs.stop", {"run": self._run_id}, title=f"Run {self._run_id}")
        if not result.declined:
            self.host.toast("\n".join(result.lines))
