"""Staff, groups, categories, tasks, templates and states of a sample practice."""

from __future__ import annotations

from random import Random

from xpm_tui.sandbox.core.practice import Practice
from xpm_tui.sandbox.core.records import Group, JobState, Named, Staff, Task, Template
from xpm_tui.sandbox.core.seed import words

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


def add_people(practice: Practice) -> None:
    """Six people, two of one name, and one who left but is still named on old records."""
    for number, (name, email, payroll) in enumerate(STAFF):
        uuid = practice.ids.uuid("staff")
        phone, address = f"03 5550 00{number:02d}", "Level 2\n9 Harbour St, Hobart"
        mobile = f"0491 570 1{number:02d}"
        practice.staff[uuid] = Staff(uuid, name, email, phone, mobile, address, payroll)
    uuid = practice.ids.uuid("staff")
    practice.staff[uuid] = Staff(uuid, LEFT, "gail@harbourhill.example", left=True)
    people = list(practice.staff)
    practice.cases["staff of one name"] = people[3:5]
    practice.cases["staff who left"] = people[6:]


def add_lists(practice: Practice) -> None:
    """Groups, categories, tasks, templates and states."""
    ids = practice.ids
    for name in GROUPS:
        uuid = ids.uuid("group")
        practice.groups[uuid] = Group(uuid, name, taxable=name.startswith("Kowhai"))
    for name in words.CATEGORIES:
        uuid = ids.uuid("category")
        practice.categories[uuid] = Named(uuid, name)
    for name, description in words.TASKS:
        uuid = ids.uuid("task")
        practice.tasks[uuid] = Task(uuid, name, description)
    tasks = list(practice.tasks)
    for name, parts, milestones in TEMPLATES:
        uuid = ids.uuid("template")
        content = tuple((tasks[place], minutes) for place, minutes in parts)
        practice.templates[uuid] = Template(uuid, name, content, milestones)
    practice.cases["templates that are gone"] = [ids.uuid("template")]
    practice.states = tuple(JobState(ids.uuid("state"), name, code, closed) for name, code, closed in STATES)


def add_groups_for_size(practice: Practice, rng: Random, size: int) -> None:
    """Family groups of a larger practice, one to about forty clients."""
    for number in range(size // 40):
        uuid = practice.ids.uuid("group")
        surname = words.SURNAMES[int(rng.random() * len(words.SURNAMES))]
        practice.groups[uuid] = Group(uuid, f"{surname} Group {number + 1}")
