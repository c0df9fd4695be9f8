"""A connected practice with a linked client, services that call for templates, and its sandbox, in virtual
time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from tests.application.fixtures import PracticeFixture
from xpm_tui.application.jobs import deployment, proposals, templates
from xpm_tui.application.jobs import queries as jobs
from xpm_tui.application.jobs import services as library
from xpm_tui.application.jobs.views import ProposalRowView
from xpm_tui.application.team import links as team
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.links import Link
from xpm_tui.domain.ports import Put
from xpm_tui.domain.runs import Run
from xpm_tui.domain.tables import CATEGORIES, CLIENTS, LINKS, STAFF, TEMPLATES, XPM_CLIENTS
from xpm_tui.sandbox.records import Job

SETTINGS = {"jobs.ignition_deploys": "no", "practice.timezone": "Pacific/Auckland"}


class JobsFixture(PracticeFixture):
    """A practice in which jobs can be created; ``names`` are templates of the sandbox that have tasks."""

    def __init__(self, folder: Path, *, clients: int = 24, **settings: str) -> None:
        super().__init__(folder, clients=clients)
        for key, value in {**SETTINGS, **{k.replace("__", "."): v for k, v in settings.items()}}.items():
            self.practice.settings.set(key, value, practice=True)

    async def ready(self) -> None:
        """Connect; link one client, two people, and a service to two templates."""
        await self.connect()
        snapshot = self.practice.snapshot()
        self.names = [
            row.name for row in sorted(snapshot.rows(TEMPLATES), key=lambda row: row.name)
            if self.sandbox.practice.templates[row.uuid].tasks
        ]  # fmt: skip
        self.category = next(iter(snapshot.rows(CATEGORIES))).name
        people = [row for row in snapshot.rows(STAFF) if row.email][:3]
        picked = team.pick_staff(self.practice, [row.uuid for row in people], anyway=True)
        self.people = [view.id for view in picked.members]
        self.service = library.new_service(self.practice, "Annual accounts", {}).id
        templates.link_templates(self.practice, self.service, self.names[:2])
        self.clients = [self.link_client(name) for name in self.unique_names()[:6]]
        self.client = self.clients[0]

    def link_client(self, name: str) -> str:
        """Add a client to the store, linked to the one of that name in XPM."""
        snapshot = self.practice.snapshot()
        row = next(row for row in snapshot.find(XPM_CLIENTS, "name", name))
        (id_,) = self.practice.ids.new("c")
        self.practice.store.commit(
            [
                Put(CLIENTS, Client(id=id_, name=name)),
                Put(LINKS, Link(id=id_, uuid=row.uuid, number=row.number)),
            ]
        )
        return id_

    def accepted(
        self, name: str = "Compliance 2026", client: str = "", *,
        services: Sequence[str] = ("Annual accounts",), repeat: str = "", **values: str,
    ) -> ProposalRowView:  # fmt: skip
        """A proposal that was made and accepted here."""
        given = {"start": "2026-07-01", "end": "2027-06-30", **values}
        made = proposals.new_proposal(self.practice, name, client or self.client, services, given)
        (view,) = proposals.accept(self.practice, [made.id], repeat=proposals.parse_repeat(repeat))
        return view

    async def deploy(self, *names: str, **more: Any) -> Run:
        """Deploy what is named, or all that can be."""
        chosen = jobs.choose(self.practice, names, due=not names)
        return await deployment.deploy_jobs(self.practice, chosen, reviewed=True, **more)

    async def retry(self) -> Run:
        """Try again what is held, failed or half-made."""
        return await deployment.deploy_jobs(self.practice, jobs.list_unfinished(self.practice), reviewed=True)

    def made(self, name: str = "Compliance 2026") -> list[Job]:
        """The jobs of that name in the sandbox, whether or not lists show them yet."""
        return [job for job in self.sandbox.practice.jobs.values() if job.name == name]

    def wanted_tasks(self) -> list[str]:
        """The practice's tasks that both templates bring, as often as they bring them."""
        there = {row.name: row for row in self.sandbox.practice.templates.values()}
        return sorted(task for name in self.names[:2] for task, _ in there[name].tasks
                      if task in self.sandbox.practice.tasks)  # fmt: skip

    def tasks_of(self, job: Job) -> list[str]:
        """The practice's tasks on a job."""
        return sorted(task.task for task in job.tasks)

    def forget(self, client: str) -> None:
        """Take the link of a client away."""
        from xpm_tui.domain.ports import Drop

        self.practice.store.commit([Drop(LINKS, client)])

    def change_client(self, client: str, **values: Any) -> None:
        """The mirror's row of a client, as if XPM had said so."""
        snapshot = self.practice.snapshot()
        link = snapshot.get(LINKS, client)
        assert link is not None
        row = snapshot.get(XPM_CLIENTS, link.uuid)
        assert row is not None
        self.practice.store.commit([Put(XPM_CLIENTS, msgspec.structs.replace(row, **values))])
