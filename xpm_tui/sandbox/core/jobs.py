"""The endpoints of job.api that read jobs, and jobs as XML with elements in Xero's order.

Category and template are written without their UUIDs, as in Xero.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

from xpm_tui.sandbox.core.call import Call, Route
from xpm_tui.sandbox.core.clock import day_of, stamp
from xpm_tui.sandbox.core.records import Job, JobTask, Milestone, Note, SandboxPractice
from xpm_tui.sandbox.core.reply import ApplicationError, Reply, read_day
from xpm_tui.sandbox.core.xml import el, many, opt, ref, true_false


@dataclass(frozen=True, slots=True)
class JobWriter:
    """A writer of the jobs of one practice."""

    practice: SandboxPractice
    detailed: bool = True
    """Whether to include tasks, milestones and notes; `Assigned` is always included."""

    def __call__(self, job: Job) -> str:
        """Return the `<Job>` element."""
        practice = self.practice
        category = practice.categories.get(job.category or "")
        return "".join(
            (
                f"<Job>{el('ID', job.number)}<UUID>{job.uuid}</UUID>{el('Name', job.name)}",
                el("Description", job.description),
                ref("Client", job.client, practice.client_name(job.client)),
                el("ClientOrderNumber", job.order_number),
                opt("Budget", job.budget),
                el("State", job.state),
                opt("Type", category.name if category else None),
                f"<StartDate>{job.start}T00:00:00</StartDate><DueDate>{job.due}T00:00:00</DueDate>",
                f"<CompletedDate>{job.completed}T00:00:00</CompletedDate>" if job.completed else "",
                ref("Contact", job.contact, practice.contact_name(job.contact)) if job.contact else "",
                ref("Manager", job.manager, practice.staff_name(job.manager)) if job.manager else "",
                ref("Partner", job.partner, practice.staff_name(job.partner)) if job.partner else "",
                many("Assigned", (ref("Staff", uuid, practice.staff_name(uuid)) for uuid in job.assigned)),
                self._details(job) if self.detailed else "",
                f"<WebUrl>https://app.practicemanager.xero.com/job/jobview.aspx?id={job.number}</WebUrl></Job>",
            )
        )

    def _details(self, job: Job) -> str:
        return (
            many("Tasks", map(self.task, job.tasks))
            + many("Milestones", map(_milestone, job.milestones))
            + many("Notes", map(_note, job.notes))
        )

    def task(self, row: JobTask) -> str:
        """Return a task of a job as XML."""
        return (
            f"<Task><UUID>{row.uuid}</UUID>{el('Name', row.name)}<TaskUUID>{row.task}</TaskUUID>"
            f"<EstimatedMinutes>{row.minutes}</EstimatedMinutes><ActualMinutes>{row.actual}</ActualMinutes>"
            f"{el('Description', row.description)}<Completed>{true_false(row.completed)}</Completed>"
            f"<Billable>{true_false(row.billable)}</Billable>{el('Folder', row.folder)}"
            f"{_day('StartDate', row.start)}{_day('DueDate', row.due)}{self._assigned(row)}</Task>"
        )

    def _assigned(self, row: JobTask) -> str:
        if not row.assigned:
            return ""
        people = (
            f"<Staff><UUID>{uuid}</UUID>{el('Name', self.practice.staff_name(uuid))}"
            f"<AllocatedMinutes>{minutes}</AllocatedMinutes></Staff>"
            for uuid, minutes in row.assigned
        )
        return many("Assigned", people)


def _day(name: str, day: str | None) -> str:
    return f"<{name}>{day}T00:00:00</{name}>" if day else ""


def _milestone(row: Milestone) -> str:
    return (
        f"<Milestone><UUID>{row.uuid}</UUID><Date>{row.day}T00:00:00</Date>"
        f"{el('Description', row.description)}"
        f"<Completed>{true_false(row.completed)}</Completed><Folder></Folder></Milestone>"
    )


def _note(note: Note) -> str:
    return (
        f"<Note><UUID>{note.uuid}</UUID>{el('Title', note.title)}{el('Text', note.text)}"
        f"{el('Folder', note.folder)}<Date>{stamp(note.moment)}</Date>{el('CreatedBy', note.author)}"
        "<Comments /></Note>"
    )


def one_job(call: Call, job: Job, method: str) -> Reply:
    """Return a reply of one full job."""
    return Reply(method, (job,), JobWriter(call.practice))


def list_current_jobs(call: Call) -> Reply:
    """GET job.api/current: all jobs in an open state."""
    return _jobs(call, "Current", lambda job: _open(call, job), detailed=call.flag("detailed"))


def list_jobs(call: Call) -> Reply:
    """GET job.api/list: jobs created in at most one year; errors come one at a time: from, to, span."""
    first, last = _required_day(call, "from"), _required_day(call, "to")
    begin, end = date.fromisoformat(first), date.fromisoformat(last)
    if end > _year_after(begin):
        raise ApplicationError.parameter("The date range between 'from' and 'to' must be less than one year")
    return _jobs(
        call, "List", lambda job: first <= day_of(job.created) <= last, detailed=call.flag("detailed")
    )


def of_client(call: Call) -> Reply:
    """GET job.api/client/{uuid}: jobs in any state."""
    client = call.client(call.path[0], in_path=True)
    return _jobs(call, "List", lambda job: job.client == client.uuid, detailed=call.flag("detailed"))


def of_staff(call: Call) -> Reply:
    """GET job.api/staff/{uuid}: open jobs to which the person is assigned."""
    person = call.practice.staff.get(call.path[0].lower())
    if person is None:
        raise ApplicationError.unknown("Invalid staff identifier")
    return _jobs(
        call,
        "List",
        lambda job: person.uuid in job.assigned and _open(call, job),
        detailed=call.flag("detailed"),
    )


def get_job(call: Call) -> Reply:
    """GET job.api/get/{number}."""
    return one_job(call, call.job(call.path[0], in_path=True), "Get")


def with_tasks(call: Call) -> Reply:
    """GET job.api/tasks: open jobs with tasks that match `complete`, `due` (by) and `start` (from)."""
    complete = call.parameters.get("complete")
    due, start = _optional_day(call, "due"), _optional_day(call, "start")

    def fits(task: JobTask) -> bool:
        return (
            (complete is None or task.completed == (complete.lower() == "true"))
            and (due is None or (task.due is not None and task.due <= due))
            and (start is None or (task.start is not None and task.start >= start))
        )

    narrowed = (
        replace(job, tasks=tuple(filter(fits, job.tasks)))
        for job in call.practice.jobs_in_order()
        if _open(call, job) and job.visible <= call.now
    )
    return Reply("List", [job for job in narrowed if job.tasks], JobWriter(call.practice), "Jobs")


def _jobs(call: Call, method: str, wanted: Callable[[Job], bool], *, detailed: bool) -> Reply:
    rows = [job for job in call.practice.jobs_in_order() if job.visible <= call.now and wanted(job)]
    return Reply(method, rows, JobWriter(call.practice, detailed), "Jobs")


def _open(call: Call, job: Job) -> bool:
    return not call.practice.state(job.state).closed


def _required_day(call: Call, name: str) -> str:
    return read_day(name, call.parameters.get(name, ""))


def _optional_day(call: Call, name: str) -> str | None:
    text = call.parameters.get(name)
    return read_day(name, text) if text else None


def _year_after(day: date) -> date:
    try:
        return day.replace(year=day.year + 1)
    except ValueError:  # 29 February
        return day.replace(year=day.year + 1, day=28)


ROUTES = (
    Route("GET", "job.api/current", "job", list_current_jobs, "Current"),
    Route("GET", "job.api/list", "job", list_jobs, "List"),
    Route("GET", "job.api/client/{}", "job", of_client, "List"),
    Route("GET", "job.api/staff/{}", "job", of_staff, "List"),
    Route("GET", "job.api/tasks", "job", with_tasks, "List"),
    Route("GET", "job.api/get/{}", "job", get_job, "Get"),
)
