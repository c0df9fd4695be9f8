"""Tasks of a job: add, update, complete, reopen, reorder."""

from __future__ import annotations

from dataclasses import replace

from xpm_tui.sandbox.core.call import Call, Route
from xpm_tui.sandbox.core.errors import ApplicationError
from xpm_tui.sandbox.core.fields import Fields
from xpm_tui.sandbox.core.jobs import one_job
from xpm_tui.sandbox.core.records import Job, JobTask
from xpm_tui.sandbox.core.reply import Reply


def added(call: Call) -> Reply:
    """A task of the practice put on a job; answers the UUID of the task on the job."""
    given = call.fields
    job = call.job(given.required("Job"))
    known = call.practice.tasks.get(given.uuid("TaskUUID") or "")
    if known is None:
        raise ApplicationError.identifier("Invalid task identifier")
    task = _applied(JobTask(call.ids.uuid("job task"), known.name, known.uuid), given)
    call.practice.jobs[job.number] = replace(job, tasks=(*job.tasks, task))
    return _uuid("Add", task)


def updated(call: Call) -> Reply:
    """The job's own task, by `UUID`; the documents draw it as `TaskUUID`, so that is taken too."""
    given = call.fields
    job, task = _find(call, given.uuid("UUID") or given.uuid("TaskUUID"))
    _put(call, job, _applied(task, given))
    return _uuid("Update", task)


def completed(call: Call) -> Reply:
    """PUT job.api/task/{uuid}/complete, without a body."""
    return _set_completed(call, done=True)


def reopened(call: Call) -> Reply:
    """PUT job.api/task/{uuid}/reopen, without a body."""
    return _set_completed(call, done=False)


def reordered(call: Call) -> Reply:
    """All tasks of a job in a new order; those not named follow in the old one."""
    job = call.job(call.fields.required("ID"))
    known = {task.uuid: task for task in job.tasks}
    wanted = [task.uuid("UUID") or "" for task in call.fields.each("Tasks", "Task")]
    if not set(wanted) <= set(known):
        raise ApplicationError.identifier("Invalid task identifier")
    order = dict.fromkeys((*wanted, *known))
    job = replace(job, tasks=tuple(known[uuid] for uuid in order))
    call.practice.jobs[job.number] = job
    return one_job(call, job, "ReorderTasks")


def _set_completed(call: Call, *, done: bool) -> Reply:
    job, task = _find(call, call.path[0].lower())
    return one_job(call, _put(call, job, replace(task, completed=done)), "Task")


def _find(call: Call, uuid: str | None) -> tuple[Job, JobTask]:
    for job in call.practice.jobs.values():
        for task in job.tasks:
            if task.uuid == uuid:
                return job, task
    raise ApplicationError.identifier("Invalid task identifier")


def _put(call: Call, job: Job, task: JobTask) -> Job:
    tasks = tuple(task if row.uuid == task.uuid else row for row in job.tasks)
    call.practice.jobs[job.number] = replace(job, tasks=tasks)
    return call.practice.jobs[job.number]


def _applied(task: JobTask, given: Fields) -> JobTask:
    minutes = given.filled("EstimatedMinutes")
    if minutes is not None and not (minutes.isdecimal() and len(minutes) <= 9):
        raise ApplicationError.parameter("Parameter 'EstimatedMinutes' should be a whole number")
    description = given.text("Description")
    return replace(
        task,
        name=given.filled("Label") or task.name,
        minutes=task.minutes if minutes is None else int(minutes),
        description=task.description if description is None else description,
        start=given.day("StartDate") or task.start,
        due=given.day("DueDate") or task.due,
    )


def _uuid(method: str, task: JobTask) -> Reply:
    return Reply(method, (task,), lambda row: f"<UUID>{row.uuid}</UUID>")


ROUTES = (
    Route("POST", "job.api/task", "job", added, "Add", "Task"),
    Route("PUT", "job.api/task", "job", updated, "Update", "Task"),
    Route("PUT", "job.api/task/{}/complete", "job", completed, "Task"),
    Route("PUT", "job.api/task/{}/reopen", "job", reopened, "Task"),
    Route("PUT", "job.api/reordertasks", "job", reordered, "ReorderTasks", "Job"),
)
