"""A team with XPM staff, and services with job templates, including unusual records."""

from __future__ import annotations

from typing import Any

from textual.pilot import Pilot

from tests.tui.fixtures import HOSTILE, ConsoleFixture, until
from xpm_tui.application.runs.xpm_refresh import refresh
from xpm_tui.domain.ignition import Client, Proposal, ProposalService, Service, TeamMember
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import CLIENTS, PROPOSALS, SERVICES, TEAM
from xpm_tui.domain.xpm import Category, Staff, Template

UUID = "0000{:04}-0000-0000-0000-0000000000{:02}"
STAFF = (
    ("Ana Reid", "ana@hill.example"),
    ("Tom Reid", "tom@hill.example"),
    ("Sam Lee", "sam@hill.example"),
    ("Sam Lee", "samuel@hill.example"),
    ("Gail Former", "gail@hill.example"),
    (HOSTILE[1], "click@hill.example"),
    (HOSTILE[4], "esc@hill.example"),
)
TEAM_ROWS = (
    TeamMember(id="t1", name="Ana Reid", email="ana@hill.example", staff=UUID.format(1, 1)),
    TeamMember(id="t2", name="Tom Reid", email="tom@hill.example"),
    TeamMember(id="t3", name="Sam Lee"),
    TeamMember(id="t4", name="Gail Former", email="gail@hill.example", staff=UUID.format(1, 5)),
    TeamMember(id="t5", name="Bo Li", email="bo@hill.example", access=False),
    TeamMember(id="t6", name=HOSTILE[0], email="acme@hill.example"),
)
TEMPLATES = ("Annual Accounts", "GST Return", "Payroll", "GST Return", HOSTILE[3], "Vanished")
SERVICE_ROWS = (
    Service(id="s1", name="Annual Accounts"),
    Service(id="s2", name="Payroll run"),
    Service(id="s3", name="Advice"),
    Service(id="s4", name="Old work", templates=(UUID.format(2, 6),)),
    Service(id="s5", name="Chat", no_job=True),
    Service(id="s6", name=HOSTILE[5], templates=(UUID.format(2, 5), UUID.format(2, 2))),
)


async def asked(pilot: Pilot[Any], question: str, *keys: str) -> None:
    """Press keys that end in a question, and wait until it is shown.

    While a command asks, the worker thread waits for the answer, so that the console is never at rest.
    """
    for key in keys:
        await pilot.app._press_keys(key[1:] if key.startswith("=") else (key,))
    await until(pilot, question)


async def fill(env: ConsoleFixture) -> None:
    """Read XPM twice; in between, Gail and a template are deleted."""
    env.xpm.people = [
        Staff(uuid=UUID.format(1, place), name=name, email=email, phone="03 1 00")
        for place, (name, email) in enumerate(STAFF, 1)
    ]
    env.xpm.job_templates = [
        Template(uuid=UUID.format(2, place), name=name) for place, name in enumerate(TEMPLATES, 1)
    ]
    env.xpm.job_categories = [Category(uuid=UUID.format(3, 1), name="Compliance")]
    with env.open() as practice:
        await refresh(practice, full=True)
        del env.xpm.people[4]
        del env.xpm.job_templates[5]
        await refresh(practice, full=True)
        rows: list[Any] = [Put(TEAM, row) for row in TEAM_ROWS]
        rows += [Put(SERVICES, row) for row in SERVICE_ROWS]
        rows += [
            Put(CLIENTS, Client(id="c90", name="Kowhai", partner="t2", manager="t3")),
            Put(CLIENTS, Client(id="c91", name="Rimu", partner="t2")),
            Put(
                PROPOSALS,
                Proposal(id="o1", name="Kowhai 2026", client="c90", services=(
                    ProposalService(name="Annual Accounts", service="s1"), ProposalService(name="Unheard of"),
                )),
            ),
        ]  # fmt: skip
        practice.ids.new("t", 6)
        practice.ids.new("s", 6)
        practice.store.commit(rows)
