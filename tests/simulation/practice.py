"""A practice of the real application over the simulated wire, which can be killed and restarted."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from tests.simulation.faults import CALM, FIGURES, Crash, FaultyTransport, Life
from tests.support.inprocess import InProcess, addresses, consent, make_sandbox
from tests.support.virtual import START, VirtualClock
from xpm_tui.application.connection import ConnectionMachine
from xpm_tui.application.home import find_home
from xpm_tui.application.practice import OpenPractice, open_practice
from xpm_tui.application.runs import plans, runner
from xpm_tui.application.xpm_access import wire_config
from xpm_tui.domain.errors import AppError, LoginNeeded
from xpm_tui.domain.ignition import Client, TeamMember
from xpm_tui.domain.ports import Put
from xpm_tui.domain.runs import Run
from xpm_tui.domain.secret import Secret
from xpm_tui.domain.tables import CLIENTS, INTENTS, LINKS, STAFF, TEAM
from xpm_tui.sandbox.http import HttpRequest
from xpm_tui.sandbox.records import ClientRecord as Real
from xpm_tui.sandbox.simulator import Sandbox
from xpm_tui.xero.auth.authorization import read_answer
from xpm_tui.xero.wiring import open_wire

T = TypeVar("T")


class SkewedClock(VirtualClock):
    """Virtual time as the machine's clock shows it: ``skew`` puts it wrong, as people and batteries do.

    Outside of a loop it stands still.
    """

    skew = timedelta(0)
    _passed = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.monotonic()) + self.skew

    def monotonic(self) -> float:
        with suppress(RuntimeError):
            self._passed = super().monotonic()
        return self._passed


class Engine:
    """Book, log, gate and login in ``folder``; the sandbox outlives every crash. All in virtual time."""

    def __init__(self, folder: Path, *, seed: int = 1, clients: int = 12) -> None:
        self.rng = Random(seed)
        self.seed = seed
        self.truth_clock = SkewedClock()
        self.clock = SkewedClock()
        self.sandbox: Sandbox = make_sandbox(self.truth_clock, clients=clients, seed=seed)
        self.net = InProcess(self.sandbox, self.truth_clock)
        self.way = FaultyTransport(self.net, self.clock, Random(seed + 1), self.colleague)
        self.home = find_home(str(folder / "home"), {})
        self.edited: list[str] = []
        self.practice = self.open()

    @property
    def life(self) -> Life:
        return self.way.life

    def open(self) -> OpenPractice:
        """Start a process again."""
        self.way.life = Life()
        practice = open_practice(
            self.home,
            person="mere",
            environ={},
            overrides={**addresses(self.sandbox), "xero.scopes": "both"},
            clock=self.clock,
            transport=self.way,
        )
        jitter = Random(self.seed + 2)
        practice.wire = lambda: open_wire(  # type: ignore[method-assign]
            wire_config(practice),
            state_folder=practice.state,
            config_folder=practice.config,
            use_keyring=False,
            clock=practice.clock,
            events=practice.events,
            transport=self.way,
            person=practice.person,
            environ={},
            jitter=jitter,
        )
        for name in ("commit", "transact"):
            setattr(practice.store, name, _mortal(self.way.life, getattr(practice.store, name)))
        return practice

    def restart(self) -> None:
        """The process is dead or ends; another one opens the same folders."""
        self.practice.close()
        self.practice = self.open()

    async def connect(self) -> None:
        """Sign in, choose the practice, fill the mirror."""
        connecting = ConnectionMachine(self.practice, {})
        async with self.practice.wire() as wire:
            attempt = wire.login.begin()
            redirect = consent(self.sandbox, attempt.url, tenant=self.tenant)
            code: Secret = read_answer(redirect, attempt)[1]
            await wire.login.redeem(attempt, code)
            connecting.tenants = tuple(await wire.connections.tenants())
        await connecting.choose(self.tenant)
        await connecting.fill()

    @property
    def tenant(self) -> str:
        return str(next(iter(self.sandbox.tenants)))

    def team(self) -> None:
        """Everybody in the mirror's staff is a linked member of the team."""
        staff = list(self.practice.snapshot().rows(STAFF))
        self.practice.store.commit(
            [
                Put(TEAM, TeamMember(id=f"t{place}", name=person.name, staff=person.uuid))
                for place, person in enumerate(staff, 1)
            ]
        )

    def add(self, names: Iterable[str]) -> list[str]:
        """Clients of these names come into the store; gives their ids."""
        listed = list(names)
        ids = self.practice.ids.new("c", len(listed))
        rows = [Put(CLIENTS, Client(id=id_, name=name)) for id_, name in zip(ids, listed, strict=True)]
        self.practice.store.commit(rows)
        return ids

    def unique_names(self) -> list[str]:
        """Names that exactly one living client of the sandbox has."""
        rows = [row for row in self.sandbox.practice.clients.values() if not row.deleted]
        names = [row.name.strip() for row in rows]
        return [
            row.name
            for row in rows
            if names.count(row.name.strip()) == 1 and not (row.archived or row.prospect)
        ]

    def set(self, **values: str) -> None:
        """Settings of the practice, the first ``_`` for the dot."""
        for key, value in values.items():
            self.practice.settings.set(key.replace("_", ".", 1), value, practice=True)

    def client(self, id_: str) -> Client:
        found = self.practice.snapshot().get(CLIENTS, id_)
        assert found is not None
        return found

    def real(self, id_: str) -> Real:
        """The XPM client that a client of the store is linked to, as it truly is."""
        link = self.practice.snapshot().get(LINKS, id_)
        assert link is not None
        return self.sandbox.practice.clients[link.uuid]

    def colleague(self) -> None:
        """Someone edits a client in XPM, of those that ``edited`` may name."""
        rows = [row for row in self.sandbox.practice.clients_in_order() if not (row.archived or row.deleted)]
        row = self.rng.choice(rows)
        value = f"https://c{self.rng.randrange(10_000)}.example"
        field = self.rng.choice(["phone", "fax", "city", "website", "postal_street"])
        self.edited.append(row.uuid)
        self.sandbox.colleague.edit(row.uuid, {field: value}, self.sandbox.clock.now())

    def tell(self, what: str, **body: Any) -> None:
        """The same from where nothing can be awaited: the sandbox answers without waiting."""
        with suppress(StopIteration):
            self.control(what, **body).send(None)

    async def control(self, what: str, **body: Any) -> Any:
        """Ask ``POST /_sandbox/<what>``."""
        headers = {"content-type": "application/json"}
        request = HttpRequest("POST", f"/_sandbox/{what}", headers=headers, body=json.dumps(body).encode())
        response = await self.sandbox.handle(request)
        text = response.read()
        assert response.status == 200, text
        return json.loads(text)

    def switch(self, **values: object) -> None:
        """Switches of the sandbox."""
        self.sandbox.switches = self.sandbox.switches.changed(values)

    async def run(self, **options: Any) -> Run:
        """One run of the service."""
        return await runner.run(self.practice, **options)

    async def survive(self, work: Callable[[], Awaitable[T]]) -> T | AppError | Crash:
        """What came of it; after a crash the process is started again, and a lost login is renewed.

        Xero takes an old login for 30 minutes only: who dies between its answer and the disk, and comes back
        a day later, has to sign in again.
        """
        try:
            return await work()
        except LoginNeeded as needed:
            FIGURES["logins to sign in anew"] += 1
            rates, self.way.rates = self.way.rates, CALM
            await self.connect()
            self.way.rates = rates
            return needed
        except AppError as error:
            return error
        except Crash as crash:
            self.restart()
            return crash

    async def until_idle(self, most: int = 8, **options: Any) -> int:
        """Run again until a plan has nothing left to do; gives how many runs that took."""
        for done in range(most):
            plan = await plans.make(self.practice, full=True)
            if not plan.counts["items"] and not self.unknown():
                return done
            await self.survive(lambda: self.run(reviewed=True, full=True, **options))
            await self.clock.sleep(600)
        raise AssertionError(f"still {plan.counts} after {most} runs")

    def unknown(self) -> list[str]:
        """The writes that have no end."""
        snapshot = self.practice.snapshot()
        return [i.id for state in ("intent", "sent", "held") for i in snapshot.find(INTENTS, "state", state)]

    def writes(self, endpoint: str = "") -> list[Any]:
        """The requests that were to change something in XPM, as the sandbox recorded them."""
        return self.sandbox.log.rows(
            lambda row: row.method != "GET" and ".api/" in row.endpoint and endpoint in row.endpoint
        )

    def trace(self) -> list[tuple[object, ...]]:
        """All that was asked and told, without random ids and times of this machine."""
        reported = [
            (event.key, event.run, event.record, event.uuid, event.field, event.rule, event.outcome)
            for event in self.practice.events.read()
        ]
        return [*self.way.seen, *reported]

    def close(self) -> None:
        self.practice.close()


def _mortal(life: Life, real: Callable[..., int]) -> Callable[..., int]:
    def commit(what: Any, **how: Any) -> int:
        journal = (
            [w.row for w in what if isinstance(w, Put) and w.table is INTENTS] if not callable(what) else []
        )
        name = f"commit {journal[0].kind} {journal[0].state}" if journal else "commit"
        life.step(f"before {name}")
        position = real(what, **how)
        life.step(f"after {name}")
        return position

    return commit


@contextmanager
def fast_folder() -> Iterator[Path]:
    """A folder in memory where there is one: what is simulated here is the process, not the disk."""
    memory = Path("/dev/shm")
    place = tempfile.mkdtemp(prefix="engine-", dir=memory if memory.is_dir() else None)
    try:
        yield Path(place)
    finally:
        shutil.rmtree(place, ignore_errors=True)
