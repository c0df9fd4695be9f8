"""Jobs of a sample practice: in every state, of every age, with numbers of the sequence and of people."""

from __future__ import annotations

from random import Random

from xpm_tui.sandbox.core.clock import DAY, day_of, shift_day
from xpm_tui.sandbox.core.practice import Practice
from xpm_tui.sandbox.core.records import Client, Job, JobTask, Milestone, Note, Template
from xpm_tui.sandbox.core.seed.ordinary import pick

LONG_DESCRIPTION = "Services of the engagement:\n" + "\n".join(
    f"{number}. Preparation & review of schedule {number} <see engagement letter>" for number in range(1, 121)
)


def add_jobs(practice: Practice, rng: Random, now: float) -> None:
    """About one job to two clients, at most 5,000 of them. The first three are recent and open, and the
    very first has a number that the practice chose."""
    clients = [row for row in practice.clients.values() if not row.deleted and not row.prospect]
    if not clients:
        return
    count = min(5000, max(6, len(clients) // 2))
    for place in range(count):
        _add(practice, rng, clients[place * 7 % len(clients)], place, now)
    numbers = list(practice.jobs)
    practice.cases["job with its own number"] = numbers[:1]


def tasks_of(practice: Practice, template: Template, start: str, due: str) -> tuple[JobTask, ...]:
    """The tasks that a template adds to a job; a task that the practice has deleted is not among them."""
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


def milestones_of(practice: Practice, template: Template, start: str) -> tuple[Milestone, ...]:
    """The milestones that a template adds to a job."""
    return tuple(
        Milestone(practice.ids.uuid("milestone"), shift_day(start, days), text)
        for days, text in template.milestones
    )


def _add(practice: Practice, rng: Random, client: Client, place: int, now: float) -> None:
    template = pick(rng, list(practice.templates.values()))
    people = [uuid for uuid, person in practice.staff.items() if not person.left]
    created = now - rng.random() * (30 if place < 3 else 900) * DAY
    start = day_of(created)
    due = shift_day(start, 30 + int(rng.random() * 200))
    closed = due < day_of(now)
    state = pick(
        rng, ("Completed", "Completed", "Cancelled") if closed else ("Planned", "In Progress", "On Hold")
    )
    number = "Y200417" if place == 0 else practice.take_job_number()
    practice.jobs[number] = Job(
        number,
        practice.ids.uuid("job"),
        f"{start[:4]} {template.name}",
        LONG_DESCRIPTION if place == 1 else "first line\nsecond line & more" if place % 3 else "",
        client.uuid,
        state,
        start,
        due,
        created,
        order_number="PO 7781" if place % 5 == 0 else "",
        budget=f"{int(rng.random() * 5000)}.00" if place % 2 else None,
        category=pick(rng, list(practice.categories)) if place % 4 else None,
        completed=due if state == "Completed" else None,
        contact=client.contacts[0].contact if client.contacts else None,
        manager=client.manager,
        partner=client.partner,
        assigned=(pick(rng, people),) if place % 3 else (),
        tasks=tasks_of(practice, template, start, due),
        milestones=milestones_of(practice, template, start),
        notes=(_note(practice, created),) if place % 6 == 0 else (),
    )


def _note(practice: Practice, moment: float) -> Note:
    return Note("Started", "Kick-off done.", "", moment, "Ana Silva", practice.ids.uuid("note"))
