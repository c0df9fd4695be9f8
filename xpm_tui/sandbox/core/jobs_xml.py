"""A job as XML, in wire order; category and template leave no UUID behind."""

from __future__ import annotations

from dataclasses import dataclass

from xpm_tui.sandbox.core.clock import stamp
from xpm_tui.sandbox.core.practice import Practice
from xpm_tui.sandbox.core.records import Job, JobTask, Milestone, Note
from xpm_tui.sandbox.core.xml import el, many, opt, ref, true_false


@dataclass(frozen=True, slots=True)
class JobWriter:
    """Writes jobs of one practice."""

    practice: Practice
    detailed: bool = True
    """Whether tasks, milestones and notes are given; `Assigned` always is."""

    def __call__(self, job: Job) -> str:
        """The `<Job>` element."""
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
