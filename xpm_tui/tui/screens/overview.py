"""The Overview area: the next step, both sides, what needs attention, calls left, runs and activity."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.message import Message

from xpm_tui.domain import formatting, labels
from xpm_tui.domain.safe_text import Shown
from xpm_tui.lazy import lazy_imports
from xpm_tui.tui.screens.area import AreaScreen
from xpm_tui.tui.theme import stylesheet_path
from xpm_tui.tui.widgets.cells import Line, Look, fixed, lines, words, wrap
from xpm_tui.tui.widgets.rows import Items, Rows
from xpm_tui.tui.widgets.text import TextLabel

with lazy_imports():
    from xpm_tui.application.jobs import queries, reports
    from xpm_tui.application.runs import history
    from xpm_tui.application.status import summary
    from xpm_tui.domain import tables
    from xpm_tui.tui.screens import sync
    from xpm_tui.tui.widgets import job_lines, run_log
    from xpm_tui.tui.widgets import overview_panels as panels

if TYPE_CHECKING:
    from xpm_tui.application.jobs.views import JobRowView
    from xpm_tui.application.practice import OpenPractice
    from xpm_tui.application.status.summary import StatusSummary
    from xpm_tui.deploy.occurrences import JobForecast
    from xpm_tui.domain.runs import Run

RUNS = 200
"""The most runs that are read for the chart and the list."""
WHOLE = 24
"""The height of the window from which all panels fit, in lines; in a lower one they scroll."""
SOON = timedelta(days=14)
"""How far ahead the panel "Coming up" looks."""
ACTIVITY = 60
"""The most lines of the log that are read for the panel "Recent activity"."""


class PanelText(TextLabel):
    """A panel with a title and a text."""

    def __init__(self, title: str, name: str) -> None:
        super().__init__(classes=f"panel {name}")
        self.border_title = title

    class Resized(Message):
        """Posted when the panel has another size, so that its text must be laid out again."""

        def can_replace(self, message: Message) -> bool:
            """Return True: one message is enough for all panels."""
            return isinstance(message, PanelText.Resized)

    def on_resize(self) -> None:
        """Report that the size has changed."""
        self.post_message(self.Resized())


class NextStep(PanelText, can_focus=True):
    """The panel with the next step; enter does it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Do the next step", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("up,k", "move(-1)", "Up", show=False),
    ]

    class Chosen(Message):
        """Posted when the user presses enter or clicks."""

    def action_choose(self) -> None:
        """Do the next step."""
        self.post_message(self.Chosen())

    def action_move(self, by: int) -> None:
        """Move the focus to the next or the previous list."""
        if by > 0:
            self.screen.focus_next()
        else:
            self.screen.focus_previous()

    def on_click(self) -> None:
        """Do the next step."""
        self.action_choose()


class AttentionList(Items["panels.Attention"]):
    """The list of what needs attention; enter goes there."""

    DEFAULT_CLASSES = "panel -table"

    def draw(self, row: int, line: int, columns: int) -> Line:
        """Return the line of an item."""
        return self.items[row].line


class RunList(Items["Run"]):
    """The list of the last runs; enter opens one."""

    DEFAULT_CLASSES = "panel -table"

    def draw(self, row: int, line: int, columns: int) -> Line:
        """Return the line of a run."""
        return panels.run_line(self.items[row], columns)

    def show_words(self) -> None:
        """Show in the border who started the run under the cursor, unless its line has room for that."""
        run, room = self.current, self.size.width - 4
        if run is None or room >= panels.WORDS + panels.RUN_COLUMNS:
            self.border_subtitle = ""  # each line says this already
        else:
            self.border_subtitle = run_log.frame_text(panels.run_words(run, room))


class OverviewFacts(NamedTuple):
    """The data of Overview, read from one snapshot."""

    status: StatusSummary
    runs: list[Run]
    level: str
    now: datetime


class Overview(AreaScreen):
    """The area that the console shows first."""

    AREA = "overview"
    ABOUT = (
        "Overview shows the next step, whether this practice is connected and up to date, what needs "
        "you, and what the last syncs did. Enter does the next step; tab goes to the lists, where "
        "Enter opens the line under the cursor."
    )
    MORE_KEYS = (
        ("enter", "do the next step, or open what is under the cursor"),
        ("tab", "to what needs attention, to the last syncs, and back"),
    )
    CSS_PATH: ClassVar = stylesheet_path("overview")
    HAS_CONTROLS: ClassVar = False

    def __init__(self) -> None:
        super().__init__()
        self._panels = Container(classes="panels")
        self._panels.set_class(self.app.size.height < WHOLE, "-small")
        self._next = NextStep("Next step", "next")
        self._clients = PanelText("Clients", "clients")
        self._state = PanelText("Connection", "connection")
        self._attention = AttentionList()
        self._calls = PanelText("Calls to Xero", "calls")
        self._chart = PanelText("Changes per day", "chart")
        self._runs = RunList()
        self._coming: PanelText | None = None
        self._activity: PanelText | None = None
        self._facts: OverviewFacts | None = None
        self._ahead: JobForecast | None = None
        self._jobs: list[JobRowView] = []
        self._news: list[tuple[datetime | None, Shown, Look]] = []
        self._action = ""
        for rows, title in ((self._attention, "Needs attention"), (self._runs, "Last syncs")):
            rows.border_title = title

    def body(self) -> ComposeResult:
        """Compose the panels, in the order of the grid."""
        with self._panels:
            yield self._next
            yield self._clients
            yield self._state
            yield self._attention
            yield self._calls
            yield self._chart
            yield self._runs

    async def load(self) -> None:
        """Read the status, the runs and the coming jobs."""

        def read(practice: OpenPractice) -> tuple[OverviewFacts, int]:
            policy = practice.policy()
            facts = OverviewFacts(
                summary.summarize(practice),
                history.list_runs(practice, RUNS),
                labels.LEVELS[policy.level].text,
                practice.clock.now(),
            )
            return facts, practice.snapshot().count(tables.WORKFLOWS)

        self._facts, workflows = facts, _ = await self.host.worker.ask(read)
        self._runs.show(facts.runs, min(self._runs.cursor, max(0, len(facts.runs) - 1)))
        self._draw()
        if self.focused is None:
            self._next.focus()
        drawn = (self._ahead, self._jobs, self._news)
        if workflows:
            self._ahead, self._jobs = await self.host.worker.ask(_ahead)
        else:
            self._ahead, self._jobs = None, []
        if self.has_class("-vast"):
            self._news = await self.host.worker.ask(_news)
        await self._more_panels()
        if (self._ahead, self._jobs, self._news) != drawn:
            self._draw()

    async def _more_panels(self) -> None:
        """Add the panels that are shown only in a large window."""
        large = self.has_class("-tall") and (self.has_class("-wide") or self.has_class("-vast"))
        if self._jobs and self._coming is None and large:
            self._coming = PanelText("Coming up in 14 days", "coming")
            await self._panels.mount(self._coming, before=self._chart)
            self._panels.add_class("-coming")
        if self.has_class("-vast") and self._activity is None:
            self._activity = PanelText("Recent activity", "activity")
            await self._panels.mount(self._activity, before=self._attention)

    def _draw(self) -> None:
        """Lay out the data for the current size of the panels."""
        facts = self._facts
        if facts is None or not self._next.content_size.width:
            return
        status, now = facts.status, facts.now
        step = panels.next_step(status, now)
        self._action = step.action
        self._next.say(lines(panels.step_lines(step, self._next.content_size.width)))
        width, height = self._clients.content_size
        self._clients.say(lines(panels.client_lines(status, width, height)))
        self._clients.border_subtitle = f"{status.clients:,} in Ignition, {status.xpm_clients:,} in XPM"
        width, height = self._state.content_size
        self._state.say(lines(panels.connection_lines(status, facts.level, now, width, height)))
        self._calls.say(lines(panels.call_lines(status, self._calls.content_size.width)))
        self._draw_attention(status)
        self._draw_runs(facts)
        if self._coming is not None:
            width, height = self._coming.content_size
            self._coming.say(lines(panels.coming_lines(self._jobs, width, height)))
            self._coming.border_subtitle = formatting.count(len(self._jobs), "job")
        if self._activity is not None and self._activity.display:
            width, height = self._activity.content_size
            self._activity.say(lines(panels.activity_lines(self._news, now, width, height)))

    def _draw_attention(self, status: StatusSummary) -> None:
        columns = max(20, self._attention.scrollable_content_region.width)
        found = panels.attention(status, columns)
        ahead = self._ahead
        if ahead is not None and ahead.jobs:
            found += [
                panels.Attention(row, "jobs") for row in wrap(job_lines.forecast_line(ahead, ""), columns)
            ]
        self._attention.show(found, min(self._attention.cursor, len(found) - 1))

    def _draw_runs(self, facts: OverviewFacts) -> None:
        days = panels.chart_days(facts.runs, facts.now.astimezone().date())
        width, height = self._chart.content_size
        self._chart.border_title = f"Changes per day: {panels.chart_words(days, width - 19)}"
        self._chart.border_subtitle = panels.legend(days, width - 2)
        self._panels.set_class(not facts.runs, "-unsynced")
        if facts.runs:
            self._chart.say(lines(panels.chart_lines(days, width, height)))
        elif facts.status.connected:
            text = "No sync yet. Press s to make the first plan; it is shown before anything is written."
            self._chart.say(lines(wrap([fixed(text, "muted")], width)))
        else:
            self._chart.say(words([fixed("No sync yet.", "muted")]))
        self._runs.show_words()

    def on_resize(self, event: events.Resize) -> None:
        """Let the panels scroll in a low window, and add panels in a large one."""
        self._panels.set_class(event.size.height < WHOLE, "-small")
        if self._facts is not None:
            self.call_after_refresh(self.refresh_data, force=True)  # a larger window has more panels

    @on(PanelText.Resized)
    def _resized(self, event: PanelText.Resized) -> None:
        event.stop()
        self._draw()

    @on(Rows.Moved)
    def _moved(self, event: Rows.Moved) -> None:
        event.stop()
        if event.rows is self._runs:
            self._runs.show_words()

    @on(Rows.Chosen)
    def _chosen(self, event: Rows.Chosen) -> None:
        """Show the selected run, or go to what needs attention."""
        event.stop()
        if event.rows is self._runs and self._runs.current is not None:
            self.app.push_screen(sync.RunScreen(self._runs.current.id))
        elif event.rows is self._attention and self._attention.current is not None:
            self._open(self._attention.current.action)

    @on(NextStep.Chosen)
    def _step_chosen(self, event: NextStep.Chosen) -> None:
        event.stop()
        self._open(self._action)

    def _open(self, action: str) -> None:
        """Open the screen of a command, a run, or an area."""
        way = self.host.screen_opener(action) if action else None
        if action.startswith("run "):
            self.host.show_run(action.removeprefix("run "))
        elif way is not None:
            way()
        elif action:
            self.host.go(action)

    def do_sync(self) -> None:
        """Make a plan and show it; a sync applies it from there."""
        self.host.plan_and_show()

    def do_plan(self) -> None:
        """Make a plan; it is shown before it is applied."""
        self.host.plan_and_show()

    def do_connect(self) -> None:
        """Open the wizard."""
        self.host.connect()


def _ahead(practice: OpenPractice) -> tuple[JobForecast, list[JobRowView]]:
    """Return the forecast of the coming months, and the jobs of the next 14 days."""
    until = practice.current_day() + SOON
    jobs = [job for job in queries.list_jobs(practice, state="open") if job.deploy_on <= until]
    return reports.forecast_jobs(practice), jobs


def _news(practice: OpenPractice) -> list[tuple[datetime | None, Shown, Look]]:
    """Return the newest lines of the log."""
    looks: dict[str, Look] = {"warning": "warn", "error": "bad"}
    return [
        (line.at, line.text, looks.get(line.level, "")) for line in run_log.newest_lines(practice, ACTIVITY)
    ]
