"""Fixtures of the scenarios: a practice that is connected to the sandbox in the same process."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.support.inprocess import InProcess, addresses, consent, make_sandbox
from tests.support.moved_clock import MovedClock
from xpm_tui.application.connection import ConnectionMachine
from xpm_tui.application.csv_io.exports import ExportState, export_state
from xpm_tui.application.home import find_home
from xpm_tui.application.jobs.deployment import BatchView, preview_batch
from xpm_tui.application.jobs.queries import find_job
from xpm_tui.application.practice import OpenPractice, open_practice
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.plan import Change, PlannedRecord
from xpm_tui.domain.ports import Put, Snapshot
from xpm_tui.domain.tables import CLIENTS
from xpm_tui.domain.xpm import Tenant
from xpm_tui.ignition.pending_changes import PendingCount
from xpm_tui.sandbox.http import HttpRequest
from xpm_tui.sandbox.simulator import Sandbox


def ticked_changes(records: Iterable[PlannedRecord], on: bool = True) -> list[Change]:
    """Return the changes that are ticked, or with ``on=False`` those that are not."""
    return [change for record in records for change in record.changes if change.ticked is on]


def preview_named(practice: OpenPractice, ids: Sequence[str]) -> BatchView:
    """Return the preview of a batch of jobs, by their ids."""
    return preview_batch(practice, [find_job(practice, id_) for id_ in ids])


def count_pending(snapshot: Snapshot) -> ExportState:
    """Return what Ignition does not have yet."""
    pending = PendingCount(snapshot)
    for client in snapshot.rows(CLIENTS):
        pending.add(client)
    return export_state(pending)


class PracticeFixture:
    """A sandbox and a practice that reaches it without a network, both on one clock that the test moves."""

    def __init__(
        self, folder: Path, *, clients: int = 24, seed: int = 1, scopes: str = "both", url: str = ""
    ) -> None:
        self.clock = MovedClock()
        self.sandbox: Sandbox = make_sandbox(self.clock, clients=clients, seed=seed)
        self.net = InProcess(self.sandbox, self.clock)
        self.home = find_home(str(folder / "home"), {})
        self.scopes = scopes
        self.environ = {"XPM_TUI_STORE_URL": url} if url else {}
        self.practice = self.open()

    def open(self, name: str | None = None, *, read_only: bool = False) -> OpenPractice:
        """The practice as another process would open it."""
        return open_practice(
            self.home,
            name,
            person="mere",
            environ=self.environ,
            overrides={**addresses(self.sandbox), "xero.scopes": self.scopes},
            clock=self.clock,
            transport=self.net,
            read_only=read_only,
        )

    async def control(self, what: str, **body: Any) -> Any:
        """Ask ``POST /_sandbox/<what>``."""
        request = HttpRequest(
            "POST",
            f"/_sandbox/{what}",
            headers={"content-type": "application/json"},
            body=json.dumps(body).encode(),
        )
        response = await self.sandbox.handle(request)
        text = response.read()
        assert response.status == 200, text
        return json.loads(text)

    @property
    def tenant(self) -> str:
        """The id of the main practice."""
        return str(next(iter(self.sandbox.tenants)))

    async def sign_in(self, connecting: ConnectionMachine, **choice: Any) -> tuple[Tenant, ...]:
        """Press Allow access and bring the redirect address back."""
        begun = connecting.begin()
        connecting.paste(consent(self.sandbox, begun.url, **choice))
        return await connecting.wait()

    async def connect(self) -> ConnectionMachine:
        """A connected practice with a filled mirror."""
        connecting = ConnectionMachine(self.practice, {})
        await self.sign_in(connecting, tenant=self.tenant)
        await connecting.choose(self.tenant)
        await connecting.fill()
        return connecting

    def store(self, names: Iterable[str]) -> None:
        """Clients of these names come into the store."""
        ids = self.practice.ids.new("c", len(listed := list(names)))
        rows = [Put(CLIENTS, Client(id=id_, name=name)) for id_, name in zip(ids, listed, strict=True)]
        self.practice.store.commit(rows)

    def unique_names(self) -> list[str]:
        """Names that exactly one living, present client of the sandbox has."""
        rows = [row for row in self.sandbox.practice.clients.values() if not row.deleted]
        names = [row.name for row in rows]
        return [r.name for r in rows if names.count(r.name) == 1 and not r.archived and not r.prospect]

    def close(self) -> None:
        """Let go of the files."""
        self.practice.close()
