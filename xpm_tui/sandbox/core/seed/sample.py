"""Sample practices of any size: staff, groups, categories, tasks, templates, states and jobs.

Jobs are in every state and of every age; some have numbers that were entered manually.
"""

from __future__ import annotations

from random import Random

from xpm_tui.sandbox.core.clock import DAY, SequentialIds, day_of, shift_day
from xpm_tui.sandbox.core.records import (
    ClientGroup,
    ClientRecord,
    Job,
    JobCategory,
    JobState,
    JobTask,
    Milestone,
    Note,
    SandboxPractice,
    SandboxTenant,
    StaffRecord,
    TaskRecord,
    TemplateRecord,
)
from xpm_tui.sandbox.core.seed import ordinary_clients
from xpm_tui.sandbox.core.seed.hard_cases import HardCases
from xpm_tui.sandbox.core.seed.ordinary_clients import ClientMaker, pick

STATES = (
    ("Planned", "PLANNED", False),
    ("In Progress", "INPROGRESS", False),
    ("Awaiting Client", "CONFIRMED", False),
    ("On Hold", "ONHOLD", False),
    ("Completed", "COMPLETED", True),
    ("Cancelled", "CANCELLED", True),
)
STAFF = (
    ("Ana Silva", "ana.silva@harbourhill.example", "AS"),
    ("Tom Reid", "tom.reid@harbourhill.example", "TR"),
    ("Mere Parata", "mere.parata@harbourhill.example", "MP"),
    ("Sam Lee", "sam.lee@harbourhill.example", "SL1"),
    ("Sam Lee", "samuel.lee@harbourhill.example", "SL2"),
    ("Hēmi Ōtene-Brown", "hemi@harbourhill.example", ""),
)
LEFT = "Gail Former"
GROUPS = ("Kowhai Group", "Smith & Family Group", "Monthly clients", "VIP", "Farms [north]")
TEMPLATES: tuple[tuple[str, tuple[tuple[int, int], ...], tuple[tuple[int, str], ...]], ...] = (
    ("Annual Accounts", ((0, 180), (1, 240), (2, 60), (3, 30)), ((30, "Papers in"), (85, "Draft out"))),
    ("GST Return", ((4, 45), (2, 15)), ()),
    ("Monthly Bookkeeping", ((5, 120), (4, 30)), ()),
    ("Payroll", ((6, 40),), ()),
    ("Onboarding", ((9, 60), (7, 45)), ((7, "Welcome call"),)),
    ("annual company review", ((8, 30),), ()),
    ("Advisory Meeting", ((7, 90),), ()),
    ("Empty template", (), ()),
)


def add_people(practice: SandboxPractice) -> None:
    """Add six members of staff: two of the same name, and one who left but is named on old records."""
    for number, (name, email, payroll) in enumerate(STAFF):
        uuid = practice.ids.uuid("staff")
        phone, address = f"03 5550 00{number:02d}", "Level 2\n9 Harbour St, Hobart"
        mobile = f"0491 570 1{number:02d}"
        practice.staff[uuid] = StaffRecord(uuid, name, email, phone, mobile, address, payroll)
    uuid = practice.ids.uuid("staff")
    practice.staff[uuid] = StaffRecord(uuid, LEFT, "gail@harbourhill.example", left=True)
    people = list(practice.staff)
    practice.cases["staff of one name"] = people[3:5]
    practice.cases["staff who left"] = people[6:]


def add_lists(practice: SandboxPractice) -> None:
    """Add groups, categories, tasks, templates and states."""
    ids = practice.ids
    for name in GROUPS:
        uuid = ids.uuid("group")
        practice.groups[uuid] = ClientGroup(uuid, name, taxable=name.startswith("Kowhai"))
    for name in ordinary_clients.CATEGORIES:
        uuid = ids.uuid("category")
        practice.categories[uuid] = JobCategory(uuid, name)
    for name, description in ordinary_clients.TASKS:
        uuid = ids.uuid("task")
        practice.tasks[uuid] = TaskRecord(uuid, name, description)
    tasks = list(practice.tasks)
    for name, parts, milestones in TEMPLATES:
        uuid = ids.uuid("template")
        content = tuple((tasks[place], minutes) for place, minutes in parts)
        practice.templates[uuid] = TemplateRecord(uuid, name, content, milestones)
    practice.cases["templates that are gone"] = [ids.uuid("template")]
    practice.states = tuple(JobState(ids.uuid("state"), name, code, closed) for name, code, closed in STATES)


def add_groups_for_size(practice: SandboxPractice, rng: Random, size: int) -> None:
    """Add family groups to a larger practice, one per about forty clients."""
    for number in range(size // 40):
        uuid = practice.ids.uuid("group")
        surname = ordinary_clients.SURNAMES[int(rng.random() * len(ordinary_clients.SURNAMES))]
        practice.groups[uuid] = ClientGroup(uuid, f"{surname} Group {number + 1}")


LONG_DESCRIPTION = "Services of the engagement:\n" + "\n".join(
    f"{number}. Preparation & review of schedule {number} <see engagement letter>" for number in range(1, 121)
)


def add_jobs(practice: SandboxPractice, rng: Random, now: float) -> None:
    """Add about one job per two clients, at most 5,000.

    The first three are recent and open, and the very first has a number that the practice chose.
    """
    clients = [row for row in practice.clients.values() if not row.deleted and not row.prospect]
    if not clients:
        return
    count = min(5000, max(6, len(clients) // 2))
    for place in range(count):
        _add(practice, rng, clients[place * 7 % len(clients)], place, now)
    numbers = list(practice.jobs)
    practice.cases["job with its own number"] = numbers[:1]


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


def _add(practice: SandboxPractice, rng: Random, client: ClientRecord, place: int, now: float) -> None:
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


def _note(practice: SandboxPractice, moment: float) -> Note:
    return Note("Started", "Kick-off done.", "", moment, "Ana Silva", practice.ids.uuid("note"))


ALL_HARD_CASES = 60
"""The size from which a practice has the rarer unusual records, too."""
FIRST_HARD_CASES = 12


def make_practice(tenant: SandboxTenant, seed: int, size: int, now: float) -> SandboxPractice:
    """Return a practice of exactly `size` client rows, including archived and deleted ones.

    The same seed and time make the same practice.

    Raises:
        ValueError: The size is negative.
    """
    if size < 0:
        raise ValueError("A practice has no less than 0 clients.")
    rng = Random(f"{seed} practice")
    practice = SandboxPractice(tenant, SequentialIds(seed))
    add_people(practice)
    add_lists(practice)
    add_groups_for_size(practice, rng, size)
    HardCases(practice, now).add(size if size >= ALL_HARD_CASES else min(size, FIRST_HARD_CASES))
    maker = ClientMaker(practice, rng, now)
    while len(practice.clients) < size:
        maker.make()
    if practice.clients:
        add_jobs(practice, rng, now)
    return practice
