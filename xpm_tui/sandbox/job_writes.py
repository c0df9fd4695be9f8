"""The endpoints of job.api that write jobs and their tasks."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

from xpm_tui.sandbox.clock import day_of, shift_day
from xpm_tui.sandbox.endpoint import ApplicationError, Call, Fields, Reply, Route
from xpm_tui.sandbox.queries import one_job
from xpm_tui.sandbox.records import Job, JobTask, Milestone, SandboxPractice, TemplateRecord


def add_task(call: Call) -> Reply:
    """Add a task of the practice to a job; the reply has the new UUID (POST job.api/task)."""
    given = call.fields
    job = call.job(given.required("Job"))
    known = call.practice.tasks.get(given.uuid("TaskUUID") or "")
    if known is None:
        raise ApplicationError.identifier("Invalid task identifier")
    task = _applied(JobTask(call.ids.uuid("job task"), known.name, known.uuid), given)
    call.practice.jobs[job.number] = replace(job, tasks=(*job.tasks, task))
    return _uuid("Add", task)


def update_task(call: Call) -> Reply:
    """Update a task of a job (PUT job.api/task) by `UUID`, or by `TaskUUID` as in the documents."""
    given = call.fields
    job, task = _find(call, given.uuid("UUID") or given.uuid("TaskUUID"))
    _put(call, job, _applied(task, given))
    return _uuid("Update", task)


def complete_task(call: Call) -> Reply:
    """Complete a task of a job (PUT job.api/task/{uuid}/complete, without a body)."""
    return _set_completed(call, done=True)


def reopen_task(call: Call) -> Reply:
    """Reopen a task of a job (PUT job.api/task/{uuid}/reopen, without a body)."""
    return _set_completed(call, done=False)


def reorder_tasks(call: Call) -> Reply:
    """Set the order of a job's tasks, unnamed ones last (PUT job.api/reordertasks)."""
    job = call.job(call.fields.required("ID"))
    known = {task.uuid: task for task in job.tasks}
    wanted = [task.uuid("UUID") or "" for task in call.fields.elements("Tasks", "Task")]
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


_DECIMAL = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,6})?")
_NUMBER = re.compile(r"[^\s/?#&<>]{1,50}")


def add_job(call: Call) -> Reply:
    """Create a job in the first state, with what its template adds (POST job.api/add)."""
    given, practice = call.fields, call.practice
    name = given.required("Name").strip()
    if "Description" not in given:
        raise ApplicationError.parameter("Required parameter 'Description' is missing")
    client = call.client(given.required("ClientUUID").strip())
    if client.deleted:
        raise ApplicationError.identifier("Invalid client identifier")
    start, due = _required_day(given, "StartDate"), _required_day(given, "DueDate")
    template = _template(call, given) if given.uuid("TemplateUUID") else None
    contact = given.uuid("ContactUUID")
    if contact is not None and all(link.contact != contact for link in client.contacts):
        raise ApplicationError.identifier("Invalid contact identifier")
    category, budget = _category(call, given), _budget(given)
    number = _own_number(call, given) or practice.take_job_number()
    inherits = call.switches.jobs_inherit_managers
    job = Job(
        number,
        call.ids.uuid("job"),
        name,
        given.text("Description") or "",
        client.uuid,
        practice.states[0].name,
        start,
        due,
        call.now,
        call.visible,
        order_number=given.text("ClientNumber") or "",
        budget=budget,
        category=category,
        contact=contact,
        manager=client.manager if inherits else None,
        partner=client.partner if inherits else None,
    )
    practice.jobs[number] = _with_template(call, job, template) if template else job
    return one_job(call, practice.jobs[number], "Add")


def update_job(call: Call) -> Reply:
    """Update a job, except its client (PUT job.api/update)."""
    given, job = call.fields, _job(call)
    if "Name" in given:
        job = replace(job, name=given.required("Name").strip())
    if "Description" in given:
        job = replace(job, description=given.text("Description") or "")
    if "ClientNumber" in given:
        job = replace(job, order_number=given.text("ClientNumber") or "")
    if "Budget" in given:
        job = replace(job, budget=_budget(given))
    if "CategoryUUID" in given or "CategoryID" in given:
        job = replace(job, category=_category(call, given))
    start, due = given.day("StartDate") or job.start, given.day("DueDate") or job.due
    return _stored(call, replace(job, start=start, due=due), "Update")


def set_job_state(call: Call) -> Reply:
    """Set the state of a job by its Interface Code, which no list shows (PUT job.api/state)."""
    job, code = _job(call), call.fields.required("State").strip()
    state = next((state for state in call.practice.states if state.code == code), None)
    if state is None:
        raise ApplicationError.identifier("Invalid state code")
    completed = day_of(call.now) if state.code == "COMPLETED" else None
    job = replace(job, state=state.name, completed=completed)
    call.practice.jobs[job.number] = job
    return Reply("State") if call.switches.status_only_replies else one_job(call, job, "State")


def assign_staff(call: Call) -> Reply:
    """Assign staff, manager and partner, all or none (PUT job.api/assign)."""
    job = _job(call)
    for change in call.fields.children():
        job = _assign(call, job, change)
    return _stored(call, job, "Assign")


def apply_template(call: Call) -> Reply:
    """Add the tasks of a template to a job (POST job.api/applytemplate)."""
    job, template = _job(call), _template(call, call.fields)
    mode = call.fields.filled("TaskMode") or "AddNew"
    if mode not in ("AddNew", "AppendExisting"):
        raise ApplicationError.parameter("Parameter 'TaskMode' should be 'AddNew' or 'AppendExisting'")
    return _stored(
        call, _with_template(call, job, template, append=mode == "AppendExisting"), "ApplyTemplate"
    )


def delete_job(call: Call) -> Reply:
    """Delete a job (POST job.api/delete: status only, unless switched)."""
    job = _job(call)
    del call.practice.jobs[job.number]
    return Reply("Delete") if call.switches.status_only_replies else one_job(call, job, "Delete")


def _stored(call: Call, job: Job, method: str) -> Reply:
    call.practice.jobs[job.number] = job
    return one_job(call, job, method)


def _job(call: Call) -> Job:
    return call.job(call.fields.required("ID"))


def _assign(call: Call, job: Job, change: Fields) -> Job:
    name, task = change.name, change.attribute("task-uuid")
    if name in ("remove-manager", "remove-partner"):
        return replace(job, manager=None) if name == "remove-manager" else replace(job, partner=None)
    if name not in ("add", "remove", "add-manager", "add-partner"):
        return job
    message = f"Invalid staff identifier for {name} request"
    if name == "remove":
        # Former staff can still be removed.
        uuid = change.attribute("uuid") or ""
        if uuid not in call.practice.staff:
            raise ApplicationError.identifier(message)
    else:
        uuid = call.staff(change.attribute("uuid"), message).uuid
    if name == "add-manager":
        return replace(job, manager=uuid)
    if name == "add-partner":
        return replace(job, partner=uuid)
    if task is not None:
        return _assign_task(job, task, uuid, on=name == "add")
    rest = tuple(other for other in job.assigned if other != uuid)
    return replace(job, assigned=(*rest, uuid) if name == "add" else rest)


def _assign_task(job: Job, task: str, person: str, *, on: bool) -> Job:
    """Assign a person to a task; a person on a task is also assigned to the job."""
    if all(row.uuid != task for row in job.tasks):
        raise ApplicationError.identifier("Invalid task identifier")

    def changed(row: JobTask) -> JobTask:
        rest = tuple(pair for pair in row.assigned if pair[0] != person)
        return replace(row, assigned=(*rest, (person, row.minutes)) if on else rest)

    tasks = tuple(changed(row) if row.uuid == task else row for row in job.tasks)
    people = (*job.assigned, person) if on and person not in job.assigned else job.assigned
    return replace(job, tasks=tasks, assigned=people)


def _with_template(call: Call, job: Job, template: TemplateRecord, *, append: bool = False) -> Job:
    """Return the job with the template's tasks; with `append`, tasks that it already has are extended."""
    tasks = list(job.tasks)
    for new in tasks_of(call.practice, template, job.start, job.due):
        place = next((place for place, row in enumerate(tasks) if row.task == new.task), None)
        if append and place is not None:
            row = tasks[place]
            text = "\n".join(part for part in (row.description, new.description) if part)
            tasks[place] = replace(row, minutes=row.minutes + new.minutes, description=text)
        else:
            tasks.append(new)
    milestones = (*job.milestones, *milestones_of(call.practice, template, job.start))
    return replace(job, tasks=tuple(tasks), milestones=milestones)


def tasks_of(
    practice: SandboxPractice, template: TemplateRecord, start: str, due: str
) -> tuple[JobTask, ...]:
    """Return the tasks that a template adds to a job, without those that the practice has deleted."""
    return tuple(
        JobTask(
            practice.ids.uuid("job task"),
            practice.tasks[task].name,
            task,
            minutes,
            description=practice.tasks[task].description,
            start=start,
            due=due,
        )
        for task, minutes in template.tasks
        if task in practice.tasks
    )


def milestones_of(practice: SandboxPractice, template: TemplateRecord, start: str) -> tuple[Milestone, ...]:
    """Return the milestones that a template adds to a job."""
    return tuple(
        Milestone(practice.ids.uuid("milestone"), shift_day(start, days), text)
        for days, text in template.milestones
    )


def _template(call: Call, given: Fields) -> TemplateRecord:
    found = call.practice.templates.get(given.uuid("TemplateUUID") or "")
    if found is None:
        raise ApplicationError.identifier("Invalid job template identifier")
    return found


def _category(call: Call, given: Fields) -> str | None:
    """Return the category; the documents' sample of an update still has CategoryID."""
    uuid = given.uuid("CategoryUUID") or given.uuid("CategoryID")
    if uuid is not None and uuid not in call.practice.categories:
        raise ApplicationError.identifier("Invalid job category identifier")
    return uuid


def _budget(given: Fields) -> str | None:
    text = given.filled("Budget")
    if text is None:
        return None
    if not _DECIMAL.fullmatch(text):
        raise ApplicationError.parameter("Parameter 'Budget' should be a decimal number")
    return f"{Decimal(text):.2f}"


def _own_number(call: Call, given: Fields) -> str | None:
    number = given.filled("ID")
    if number is None:
        return None
    if not _NUMBER.fullmatch(number):
        raise ApplicationError.parameter("Parameter 'ID' has an invalid value")
    if number in call.practice.jobs:
        if call.switches.duplicate_job_id == "error":
            raise ApplicationError.identifier("Job ID already exists")
        return None
    return number


def _required_day(given: Fields, name: str) -> str:
    given.required(name)
    day = given.day(name)
    assert day is not None
    return day


ROUTES = (
    Route("POST", "job.api/task", "job", add_task, "Add", "Task"),
    Route("PUT", "job.api/task", "job", update_task, "Update", "Task"),
    Route("PUT", "job.api/task/{}/complete", "job", complete_task, "Task"),
    Route("PUT", "job.api/task/{}/reopen", "job", reopen_task, "Task"),
    Route("PUT", "job.api/reordertasks", "job", reorder_tasks, "ReorderTasks", "Job"),
    Route("POST", "job.api/add", "job", add_job, "Add", "Job"),
    Route("PUT", "job.api/update", "job", update_job, "Update", "Job"),
    Route("PUT", "job.api/state", "job", set_job_state, "State", "Job"),
    Route("PUT", "job.api/assign", "job", assign_staff, "Assign", "Job"),
    Route("POST", "job.api/applytemplate", "job", apply_template, "ApplyTemplate", "Job"),
    Route("POST", "job.api/delete", "job", delete_job, "Delete", "Job"),
)
