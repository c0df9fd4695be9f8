"""The Jobs area: the jobs of proposals, XPM's current jobs, and the findings of the audit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from xpm_tui.application.jobs import queries as jobs
from xpm_tui.application.jobs.queries import XpmJobView
from xpm_tui.application.jobs.views import JobCounts, JobRowView
from xpm_tui.application.practice import ListState, OpenPractice
from xpm_tui.commands.command import Situation
from xpm_tui.deploy.job_audit import AuditFinding
from xpm_tui.domain import formatting
from xpm_tui.domain.formatting import cut
from xpm_tui.domain.reason_labels import AUDIT_FINDINGS
from xpm_tui.domain.safe_text import Shown
from xpm_tui.lazy import lazy_imports
from xpm_tui.tui.dialogs.screen_dialogue import ProgressDialog, wait_for_work
from xpm_tui.tui.screens.job_actions import JobCommands
from xpm_tui.tui.theme import stylesheet_path
from xpm_tui.tui.widgets.cells import Line, fixed, span
from xpm_tui.tui.widgets.comparison import DetailPane
from xpm_tui.tui.widgets.job_lines import (
    BLOCKED,
    finding_lines,
    forecast_line,
    head_lines,
    pane_lines,
    panel_title,
    row_note,
    state_span,
    xpm_job_lines,
)
from xpm_tui.tui.widgets.table import Cell, Table, TableColumn
from xpm_tui.tui.widgets.text import title_room

with lazy_imports():
    from xpm_tui.application.jobs import reports

if TYPE_CHECKING:
    from xpm_tui.application.jobs.reports import AuditView
    from xpm_tui.deploy.occurrences import JobForecast

FILTERS: tuple[tuple[str, str], ...] = (
    ("open", "open"), ("due", "due"), ("missed", "missed"), ("held", "held"), ("failed", "failed"),
    ("coming", "coming"), ("deployed", "deployed"), ("left-out", "left out"), ("audit", "audit"),
    ("xpm", "in XPM"), ("", "all"),
)  # fmt: skip
XPM, AUDIT = "xpm", "audit"


class Jobs(JobCommands):
    """The area with its three tables; the filter decides which one is shown."""

    AREA = "jobs"
    ABOUT = (
        "The jobs of accepted proposals: those to create in XPM and those already created. The "
        "selected job is shown below the list or beside it, with what holds it and what "
        "clashes; enter shows everything. d creates jobs: it shows them and the calls first, "
        "and asks. Jobs that are in XPM are never changed from here."
    )
    MORE_KEYS = (
        ("enter", "the job's details: what would be sent, clashes, history"),
        ("/", "filter by letters in name, client or number; esc ends it"),
        ("[ and ]", "saved filters: open, due, missed, held, failed, coming, deployed … and XPM's own"),
    )
    CSS_PATH: ClassVar = [stylesheet_path("filtered"), stylesheet_path("jobs")]
    FILTERS: ClassVar = FILTERS
    FIND = "name, client or number"

    def __init__(self) -> None:
        super().__init__()
        self.detail: DetailPane = DetailPane()
        self._wanted = ""
        self._ours: Table[JobRowView] = Table(
            (
                TableColumn("State", 14),
                TableColumn("Job", 20, grow=3),
                TableColumn("Client", 16, grow=2),
                TableColumn("Starts", 11),
                TableColumn("Number", 8, drop=1, whole=True),
                TableColumn("Note", 20, grow=3, drop=2),
                TableColumn("ID", 14, drop=3, whole=True),
            ),
            self._cells,
            lambda view: view.id,
            id="ours",
        )
        self._theirs: Table[XpmJobView] = Table(
            (
                TableColumn("Job", 8, whole=True),
                TableColumn("Name", 20, grow=2),
                TableColumn("Client", 16, grow=2),
                TableColumn("State", 10, grow=1),
                TableColumn("Due", 11, drop=1),
                TableColumn("Manager", 12, grow=1, drop=2),
            ),
            self._xpm_cells,
            lambda view: view.number,
            id="theirs",
        )

        self._findings: Table[AuditFinding] = Table(
            (
                TableColumn("Finding", 15),
                TableColumn("Proposal", 10, whole=True),
                TableColumn("Client", 16, grow=2),
                TableColumn("Job", 8, whole=True),
                TableColumn("Problem", 24, grow=4, drop=1),
            ),
            self._finding_cells,
            lambda each: f"{each.finding}/{each.proposal}/{each.occurrence}/{each.job}",
            id="findings",
        )
        self._audit: AuditView | None = None
        self._audited_at: datetime | None = None
        self.table: Table[Any] = self._ours

    def tables(self) -> Sequence[Table[Any]]:
        """Return the tables: our jobs, those of XPM, and the findings."""
        return self._ours, self._theirs, self._findings

    def on_mount(self) -> None:
        """Hide the other tables until their filters are chosen."""
        self._theirs.display = self._findings.display = False

    async def load(self) -> None:
        """Read the rows that match the filters."""
        others: dict[str, Table[Any]] = {XPM: self._theirs, AUDIT: self._findings}
        self.table = others.get(self.filter_name, self._ours)
        for table, title in zip(self.tables(), ("Jobs", "Jobs in XPM", "Audit"), strict=True):
            table.display = table is self.table
            table.border_title = title
        if self.filter_name == AUDIT:
            self._load_findings()
        else:
            await (self._load_xpm_jobs() if self.filter_name == XPM else self._load_jobs())
        if self.focused is None or self.focused in [table.rows for table in self.tables()]:
            self.table.focus_rows()

    async def _load_jobs(self) -> None:
        state, text = self.filter_name, self.search_text

        def read(practice: OpenPractice) -> tuple[list[JobRowView], JobCounts, JobForecast]:
            found = jobs.list_jobs(practice, state=state, text=text)
            return found, jobs.counts(practice), reports.forecast_jobs(practice)

        found, counts, forecast = await self.host.worker.ask(read)
        self.show_counts(len(found), len(found))
        coming = [forecast_line(forecast)] if forecast.jobs else []
        self.show_note([*([BLOCKED] if counts.blocked else []), *coming])
        self._ours.say_empty(self._empty_text(counts))
        at = next((view.id for view in found if view.workflow == self._wanted), "")
        self._ours.show(found, at, query=self.criteria)
        self._wanted = ""

    async def _load_xpm_jobs(self) -> None:
        def read(practice: OpenPractice) -> tuple[list[XpmJobView], ListState]:
            return jobs.list_current(practice, self.search_text)

        found, state = await self.host.worker.ask(read)
        now = self.host.worker.practice.clock.now()
        self.show_counts(len(found), len(found))
        age_text = f" XPM data, updated {formatting.ago(state.at, now)}."
        age: list[Line] = [[fixed(age_text, "muted")]] if state.at else []
        self.show_note([[fixed(" ! ", "warn"), span(state.note)]] if state.note else age)
        hint = "No XPM job matches this filter. esc shows all again." if self.search_text else ""
        self._theirs.say_empty(
            hint or state.note or "XPM's jobs have not been read yet. A plan reads them: g s, then n."
        )
        self._theirs.show(found, query=self.criteria)

    def _load_findings(self) -> None:
        """Show the findings of the last audit of this session."""
        found = reports.filter_findings(self._audit, text=self.search_text) if self._audit else []
        self.show_counts(len(found), len(self._audit.findings) if self._audit else 0)
        self.show_note([])
        empty = "r compares the accepted proposals with XPM's jobs, and writes nothing."
        if self._audit is not None:
            now = self.host.worker.practice.clock.now()
            age = formatting.ago(self._audited_at or now, now)
            hint = (
                f" {formatting.count(self._audit.proposals, 'accepted proposal')} compared with "
                f"{formatting.count(self._audit.jobs, 'job')}, {age}."
            )
            self.show_note(
                [[fixed(hint, "muted")], *([span(f" {each}", "warn")] for each in self._audit.unjudged)]
            )
            empty = "Nothing is wrong with the jobs of the accepted proposals."
        if self.search_text and not found:
            empty = "No finding matches this filter. esc shows all again."
        self._findings.say_empty(empty)
        self._findings.show(found, query=self.criteria)

    def _finding_cells(self, finding: AuditFinding) -> list[Line]:
        return [
            [fixed(AUDIT_FINDINGS[finding.finding].text, "warn")],
            [span(finding.number or finding.proposal)],
            [span(finding.client_name)],
            [span(finding.job, "strong")],
            [span(finding.sentence, "muted")],
        ]

    def _empty_text(self, counts: JobCounts) -> str:
        if self.search_text or self._filter_place:
            return "No job matches this filter. esc shows all open jobs."
        if not self.host.practice_status.connected:
            return "There are no jobs to create. Connect first: g o, then c. Then v shows the proposals."
        if counts.to_take:
            proposals = formatting.count(counts.to_take, "accepted proposal")
            keys = formatting.plural(
                counts.to_take, "v shows it, T takes it over/v lists them, T takes one over"
            )
            return f"There are no jobs to create. {proposals} can be taken over: {keys}."
        return (
            "There are no jobs to create. v shows the proposals: n creates one there, I imports Ignition's."
        )

    def _cells(self, view: JobRowView) -> list[Cell]:
        return [
            [state_span(view.state)],
            lambda columns: self._job_name(span(view.name).text, columns),
            [span(view.client.name if view.client else "(not among the clients)")],
            [fixed(formatting.day(view.date))],
            [span(view.number)],
            row_note(view),
            [fixed(view.id, "muted")],
        ]

    def _job_name(self, name: Shown, room: int) -> Line:
        """Return a name, cut in the middle if it is too long: a job's name ends with the month."""
        if 0 < room < formatting.cells(name):
            end = name[-(room // 3) :]
            end = end[end.find(" ") :] if " " in end else end
            name = Shown(cut(name, max(1, room - formatting.cells(end))) + end)
        return self.mark_search(name)

    def _xpm_cells(self, view: XpmJobView) -> list[Line]:
        look: Any = "muted" if view.gone else ""
        ours = [fixed("● ", "good")] if view.made_by else []
        return [
            [span(view.number, look or "strong")],
            [*ours, span(view.name, look)],
            [span(view.client, look)],
            [span("gone" if view.gone else view.state, look)],
            [fixed(formatting.day(view.due) if view.due else "", look)],
            [span(view.manager, look)],
        ]

    def show_details(self, item: JobRowView | XpmJobView | AuditFinding | None) -> None:
        """Show the selected job or finding; clear the details if there is none."""
        if isinstance(item, XpmJobView):
            self._show_panel(xpm_job_lines(item)[0], lambda columns: xpm_job_lines(item, columns)[1:])
        elif isinstance(item, AuditFinding):
            self._show_panel(finding_lines(item)[0], lambda columns: finding_lines(item, columns)[1:])
        elif item is not None:
            self.host.work(lambda: self._show(item), "detail", exclusive=True, node=self)
        else:
            self._show_panel([], None)

    async def _show(self, view: JobRowView) -> None:
        shown = await self.host.worker.ask(jobs.preview_job, view.id)
        if self.table.item is view:
            self._show_panel(head_lines(shown)[0], lambda columns: pane_lines(shown, columns))

    def _show_panel(self, title: Line, make: Callable[[int], list[Line]] | None) -> None:
        """Show a record in the detail pane, with its name in the border."""
        self.detail.show(make, panel_title(title, title_room(self.detail)))

    def open_item(self, item: JobRowView | XpmJobView | AuditFinding) -> None:
        """Show all of the record for reading."""
        if isinstance(item, XpmJobView):
            self.show_job(item.name, xpm_job_lines(item))
        elif isinstance(item, AuditFinding):
            self.show_job(item.name, finding_lines(item))
        else:
            self.host.work(lambda: self.open_job(item.id), "open", exclusive=True, node=self)

    def show_only(self, workflow: str) -> None:
        """Show the jobs of one workflow, without filters."""
        self.clear_filters()
        self._filter_place = next(at for at, (key, _) in enumerate(FILTERS) if not key)
        self._wanted = workflow
        self.refresh_data(force=True)

    def do_jobs_audit(self) -> None:
        """Read XPM's jobs, compare them with the accepted proposals, and show the findings."""
        self.host.work(lambda: self._make_audit(), "audit", exclusive=True, node=self)

    async def _make_audit(self) -> None:
        box = ProgressDialog("Audit", "Comparing the accepted proposals with XPM's jobs …")
        await self.app.push_screen(box)
        await wait_for_work(self._run_audit(), box)
        self._filter_place = next(at for at, (key, _) in enumerate(FILTERS) if key == AUDIT)
        self.refresh_data(force=True)

    async def _run_audit(self) -> None:
        self._audit = (await self.host.run_named("jobs.audit", {})).value
        self._audited_at = self.host.worker.practice.clock.now()

    def do_jobs_forecast(self) -> None:
        """Show the coming months by template."""
        self.host.read_command("jobs.forecast", {}, "Jobs to come")

    # -- commands -------------------------------------------------------------------------------------------

    @property
    def job(self) -> JobRowView | None:
        """The selected job of ours."""
        return self._ours.item if self._ours.display else None

    @property
    def current(self) -> XpmJobView | None:
        """The selected job of XPM."""
        return self._theirs.item if self._theirs.display else None

    @property
    def listed(self) -> list[JobRowView]:
        """Our jobs that match the filters."""
        return list(self._ours.rows.items) if self._ours.display else []

    def situation(self) -> Situation:
        """Return the situation with what is known of the selected job."""
        if (current := self.current) is not None:
            return self.host.situation(self.AREA, record=current.number, state="XPM's")
        view = self.job
        return self.host.situation(
            self.AREA, record=view.id if view else "", state=view.state if view else ""
        )

    def preset(self, command: str) -> dict[str, Any]:
        """Return the selected job as the parameter of commands about a job."""
        return {"job": self.job.id} if self.job and command.startswith("jobs.") else {}
