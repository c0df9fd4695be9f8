"""How to produce the symptom of each known problem, and where it appears. A missing row fails the matrix."""

from __future__ import annotations

import errno
import fcntl
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec

from tests.diagnostics.fault_fixtures import FaultFixture
from tests.diagnostics.fixtures import FaultyMachine
from tests.support.inprocess import InProcess
from tests.support.moved_clock import MovedClock
from xpm_tui.application.practice import put
from xpm_tui.diagnostics.findings import FolderFacts, TerminalFacts
from xpm_tui.domain.errors import CaseId
from xpm_tui.domain.ports import Put
from xpm_tui.domain.runs import Intent
from xpm_tui.domain.tables import INTENTS, STAFF, XPM_CLIENTS
from xpm_tui.files.locks import Lock
from xpm_tui.files.machine import Disk
from xpm_tui.sandbox.faults import Fault

Make = Callable[[FaultFixture], None]


def connected(env: FaultFixture) -> None:
    """A practice that works."""
    env.run(env.connect())


@dataclass(frozen=True)
class Met:
    """An act meets it: ``verb`` on the command line, ``act`` with ``preset`` in the console."""

    make: Make
    verb: str = "plan"
    act: str = "plan"
    preset: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Probed:
    """The doctor finds it with ``probe``."""

    make: Make
    probe: str


@dataclass(frozen=True)
class Picked:
    """Only a user sees it, and picks ``answer`` from the list."""

    answer: str
    make: Make = connected


@dataclass(frozen=True)
class Signed:
    """It is met in signing in. ``answer`` is what comes back; ``words`` go with ``connect``; where ``picked``
    is set, the wizard offers the choice itself and the sign is picked from the list."""

    answer: dict[str, Any]
    make: Make = connected
    words: str = ""
    picked: str = ""


@dataclass(frozen=True)
class Closed:
    """No console can open: ``xpm-tui`` says so on its terminal, ``verb`` likewise."""

    make: Make
    verb: str = "clients list"
    environ: dict[str, str] = field(default_factory=dict)


Sign = Met | Probed | Picked | Signed | Closed


def fault(kind: str, endpoint: str = "staff.api/list", **more: Any) -> Make:
    """A fault of the sandbox, once the practice is connected."""

    def make(env: FaultFixture) -> None:
        env.run(env.connect())
        env.sandbox.faults.add(Fault(kind, endpoint=endpoint, **more))

    return make


def granular(env: FaultFixture) -> None:
    """A login that was given the granular scopes only."""
    env.scopes = "granular"
    env.practice.close()
    env.practice = env.open()
    env.run(env.connect())


def control(what: str, **body: Any) -> Make:
    """A word to the sandbox, once the practice is connected."""

    def make(env: FaultFixture) -> None:
        env.run(env.connect())
        given = {name: env.tenant if value == "TENANT" else value for name, value in body.items()}
        env.run(env.control(what, **given))

    return make


def wire(error: Exception) -> Make:
    """Every request fails like this."""

    def make(env: FaultFixture) -> None:
        class Fails(httpx.AsyncBaseTransport):
            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                if isinstance(error, ssl.SSLError):
                    raise httpx.ConnectError(str(error)) from error
                raise error

        env.net = Fails()  # type: ignore[assignment]

    return make


def setting(key: str, value: str, *, after: str = "") -> Make:
    """A setting is changed, once the practice is connected; ``after`` is a verb run before that."""

    def make(env: FaultFixture) -> None:
        env.run(env.connect())
        env.store(env.unique_names()[:3])
        if after:
            env.verb(after, code=0)
        env.verb(f"settings set {key} {value}", code=0)

    return make


def intent(kind: str, state: str) -> Make:
    """A write to XPM that has no end."""

    def make(env: FaultFixture) -> None:
        row = Intent(id="i1", run="r1", kind=kind, record="c1", state=state)  # type: ignore[arg-type]
        env.practice.store.commit([Put(INTENTS, row)])

    return make


def long_unused(env: FaultFixture) -> None:
    fault("unauthorized-client", "connect/token")(env)
    env.clock.move(timedelta(hours=1))


def wrong_secret(env: FaultFixture) -> None:
    env.run(env.connect())
    env.verb("settings set xero.client_secret not-the-secret-of-this-app", code=0)
    env.clock.move(timedelta(hours=1))


def second_practice(env: FaultFixture) -> None:
    """The login opens another one, too: it is allowed in the sign-in that follows."""
    env.run(env.connect())
    second = [t.uuid for t in env.sandbox.tenants.values() if t.kind == "PRACTICEMANAGER"][1]
    env.answer = {"tenant": second}


def wrong_state(env: FaultFixture) -> None:
    """An accepted proposal whose job is to get a state that XPM does not have."""
    env.run(env.connect())
    name = env.unique_names()[0]
    client = next(row for row in env.practice.snapshot().find(XPM_CLIENTS, "name", name))
    for verb in (
        "settings set jobs.ignition_deploys no",
        f"clients pick {client.uuid}",
        "services new Accounts",
        'templates link s1 "Annual Accounts"',
        "proposals new Accounts c1 start=2026-07-01 --service Accounts",
        "proposals accept Accounts",
        "jobs edit w1 state=NONSENSE",
    ):
        env.verb(verb, code=0)


def other_clock(env: FaultFixture) -> None:
    server = env.clock

    class Dated(InProcess):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            response = await super().handle_async_request(request)
            response.headers["Date"] = format_datetime(server.now(), usegmt=True)
            return response

    env.net = Dated(env.sandbox, server)
    env.clock = MovedClock(server.now() + timedelta(minutes=10))


def empty_list(env: FaultFixture) -> None:
    env.run(env.connect())
    env.store(env.unique_names()[:3])
    env.verb("sync --yes --json", code=0)
    env.sandbox.faults.add(Fault("empty-list", endpoint="client.api/list"))


def many_changes(env: FaultFixture) -> None:
    env.run(env.connect())
    env.store(env.unique_names())
    env.verb("sync --yes --json", code=0)
    for key in ("records_count", "records_percent"):
        env.verb(f"settings set guard.{key} 0", code=0)
    env.run(env.control("colleague", edits=5))


def elsewhere(env: FaultFixture) -> None:
    env.run(env.connect())
    identity = env.practice.identity()
    assert identity is not None
    env.practice.store.commit([put("identity", msgspec.structs.replace(identity, api="http://x.example"))])


def damaged(env: FaultFixture) -> None:
    env.practice.close()
    for path in (env.practice.data / "book").iterdir():
        if path.is_file() and path.stat().st_size:
            path.write_bytes(b"\x00\xff" * 40)


def locked(env: FaultFixture) -> None:
    env.run(env.connect())
    lock = Lock(env.practice.run_lock, clock=env.clock, person="ana", what="sync")
    lock.acquire()
    env.at_end(lock.close)


def full_disk(env: FaultFixture) -> None:
    env.run(env.connect())
    really = Disk.write

    def write(self: Disk, fd: int, data: bytes | memoryview) -> int:
        if env.disk_is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return really(self, fd, data)

    class Full(FaultyMachine):
        def place(self, name: str, folder: Path) -> FolderFacts:
            return FolderFacts(name=name, path=str(folder), free=0, writable=True)

    env.patch.setattr(Disk, "write", write)
    env.machine, env.disk_is_full = Full(), True


def no_locks(env: FaultFixture) -> None:
    env.run(env.connect())

    def flock(fd: int, operation: int) -> None:
        if operation != fcntl.LOCK_UN:
            raise OSError(errno.ENOLCK, "No locks available")

    env.patch.setattr(fcntl, "flock", flock)


def key_gone(env: FaultFixture) -> None:
    env.run(env.connect())
    (env.practice.config / "token.key").unlink()


def bad_setting(env: FaultFixture) -> None:
    env.home.config.mkdir(parents=True, exist_ok=True)
    env.home.settings_file.write_text("[sync]\nlevel = 'everthing'\n")


def no_terminal(env: FaultFixture) -> None:
    class Poor(FaultyMachine):
        def terminal(self, environ: Mapping[str, str]) -> TerminalFacts:
            return TerminalFacts(stdin=True, stdout=True, term="dumb")

    env.machine = Poor()


def person_left(env: FaultFixture) -> None:
    env.run(env.connect())
    practice = env.practice
    staff = [msgspec.structs.replace(row, gone=True) for row in practice.snapshot().rows(STAFF)]
    practice.store.commit([Put(STAFF, row) for row in staff])


def nothing(env: FaultFixture) -> None:
    """A new home."""


SIGNS: dict[CaseId, Sign] = {
    CaseId.NO_PERMISSION: Probed(control("permission", user="ana", allowed=False), "permission"),
    CaseId.STALE_PERMISSION: Picked("ticked"),
    CaseId.NO_PRIVILEGE_BOX: Picked("no-box"),
    CaseId.OTHER_XERO_ERROR: Signed({"address": "error=server_error"}),
    CaseId.NOTHING_OPENS: Picked("nothing"),
    CaseId.NEEDS_RECONNECT: Met(control("tokens", revoke=True)),
    CaseId.WRONG_PRACTICE: Signed({}, second_practice, words="--tenant SECOND", picked="other-clients"),
    CaseId.CONNECTING_PERSON: Probed(person_left, "person"),
    CaseId.SECOND_PRACTICE: Signed({}, second_practice, picked="second-stopped"),
    CaseId.DISCONNECTED: Met(control("disconnect", tenant="TENANT")),
    CaseId.RATE_LIMITED: Probed(fault("429-minute", seconds=1), "list-staff"),
    CaseId.OK_BUT_ERROR: Probed(fault("status-error"), "list-staff"),
    CaseId.MASS_OUTAGE: Met(long_unused),
    CaseId.CLIENT_MISSING: Picked("missing-client"),
    CaseId.NOT_CONNECTED: Met(nothing),
    CaseId.CANCELLED: Signed({"deny": True}),
    CaseId.SCOPE_NOT_ATTACHED: Signed(
        {"address": "error=unauthorized_client&error_description=Invalid+scope+for+client"}
    ),
    CaseId.SCOPE_MISSING: Probed(granular, "list-templates"),
    CaseId.API_NOT_OPEN: Probed(fault("401-scope"), "list-staff"),
    CaseId.UNKNOWN_APP: Met(wrong_secret),
    CaseId.STATE_MISMATCH: Signed({"address": "code=x&state=y"}),
    CaseId.NO_NETWORK: Met(fault("reset", "client.api/list")),
    CaseId.PROXY: Probed(wire(httpx.ProxyError("407")), "proxy"),
    CaseId.TLS: Probed(wire(ssl.SSLCertVerificationError("certificate verify failed")), "tls"),
    CaseId.CLOCK: Probed(other_clock, "clock"),
    CaseId.XERO_DOWN: Met(fault("503", "client.api/list")),
    CaseId.BAD_REPLY: Met(fault("html", "client.api/list")),
    CaseId.DAY_LIMIT: Met(fault("429-day", "client.api/list", seconds=7200)),
    CaseId.EMPTY_LIST: Met(empty_list, "sync --yes", "sync", {"yes": True}),
    CaseId.HELD: Met(many_changes, "sync --yes", "sync", {"yes": True}),
    CaseId.UNKNOWN_OUTCOME: Probed(intent("update-client", "sent"), "commits"),
    CaseId.CREATE_LAG: Probed(intent("add-client", "held"), "commits"),
    CaseId.POLICY_CHANGED: Met(
        setting("sync.level", "name", after="plan --json"), "sync --plan last", "sync", {"plan": "last"}
    ),
    CaseId.PRACTICE_CHANGED: Met(elsewhere),
    CaseId.STATE_CODE: Met(
        wrong_state,
        "jobs deploy w1 --anyway --yes",
        "jobs.deploy",
        {"jobs": ("w1",), "anyway": True, "yes": True},
    ),
    CaseId.STORE: Closed(damaged),
    CaseId.LOCKED: Met(locked, "sync --yes", "sync", {"yes": True}),
    CaseId.DISK: Met(full_disk, "clients new Someone", "clients.new", {"name": "Someone"}),
    CaseId.NO_LOCKS: Met(no_locks, "clients new Someone", "clients.new", {"name": "Someone"}),
    CaseId.TERMINAL: Closed(no_terminal, "", {"TERM": "dumb"}),
    CaseId.KEYRING: Met(key_gone),
    CaseId.SETTINGS: Closed(bad_setting),
    CaseId.SCHEDULE: Probed(connected, "schedule"),
}
