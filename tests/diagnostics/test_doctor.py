"""The doctor finds the symptom of each known problem, produced on the sandbox or the machine."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from tests.application.fixtures import PracticeFixture
from tests.diagnostics.fixtures import FaultyMachine, by_name, examined
from tests.support.inprocess import InProcess, addresses
from tests.support.moved_clock import MovedClock
from xpm_tui.application.health.probe_facts import Machine, open_target, without_credentials
from xpm_tui.application.home import find_home
from xpm_tui.application.practice import ListState, put
from xpm_tui.application.runs import plans
from xpm_tui.diagnostics.findings import FolderFacts, ProbeResult, TerminalFacts, exit_code
from xpm_tui.domain.errors import CaseId
from xpm_tui.domain.ignition import TeamMember
from xpm_tui.domain.ports import Put
from xpm_tui.domain.runs import Intent, Run
from xpm_tui.domain.tables import INTENTS, RUNS, STAFF, TEAM
from xpm_tui.files.locks import Lock
from xpm_tui.sandbox.faults import Fault


@pytest.fixture
def env(tmp_path: Path) -> Iterator[PracticeFixture]:
    made = PracticeFixture(tmp_path)
    yield made
    made.close()


@pytest.fixture
async def connected(env: PracticeFixture) -> PracticeFixture:
    await env.connect()
    return env


def found(results: Mapping[str, ProbeResult], name: str, verdict: str, case: CaseId | None) -> ProbeResult:
    assert (results[name].verdict, results[name].case) == (verdict, case), results[name]
    return results[name]


async def test_all_is_well_with_few_calls_and_no_renewal(connected: PracticeFixture) -> None:
    tokens, calls = connected.net.asked("connect/token"), len(connected.sandbox.log.rows(lambda r: True))
    results, doctor = await examined(connected)
    assert not [each for each in results.values() if each.verdict == "trouble"]
    assert exit_code(list(results.values())) == 0
    assert doctor.calls == 5
    assert [each.title for each in results.values() if len(each.title) > 24] == [], "cut at 80 columns"
    assert connected.net.asked("connect/token") == tokens
    # One look at the server, one for the connections, five lists.
    assert len(connected.sandbox.log.rows(lambda r: True)) - calls == 7


async def test_it_writes_nothing_into_the_store(connected: PracticeFixture) -> None:
    before = connected.practice.snapshot().position
    await examined(connected)
    assert connected.practice.snapshot().position == before


async def test_not_connected(tmp_path: Path, env: PracticeFixture) -> None:
    results, doctor = await examined(env)
    found(results, "login", "trouble", CaseId.NOT_CONNECTED)
    assert exit_code(list(results.values())) == 3
    assert doctor.calls == 0


async def test_permission_taken_away(connected: PracticeFixture) -> None:
    await connected.control("permission", user="ana", allowed=False)
    results, _ = await examined(connected)
    found(results, "practice", "ok", None)
    denied = found(results, "permission", "trouble", CaseId.NO_PERMISSION)
    assert denied.exit_code == 3
    assert "HTTP status: 403" in denied.evidence
    assert results["list-staff"].verdict == "skipped"


async def test_the_person_who_connected(connected: PracticeFixture) -> None:
    snapshot = connected.practice.snapshot()
    login = connected.practice.identity().login  # type: ignore[union-attr]
    results, doctor = await examined(connected)
    assert login in found(results, "person", "ok", None).sentence
    assert list(results).index("person") == list(results).index("permission") + 1
    assert doctor.calls == 5, "it costs no call"
    here = next(row for row in snapshot.rows(STAFF) if row.name == login)

    connected.practice.store.commit([Put(TEAM, TeamMember(id="t1", name="Somebody else"))])
    results, _ = await examined(connected)
    reported = found(results, "person", "note", CaseId.CONNECTING_PERSON)
    assert "not linked to a team member" in reported.sentence
    assert "team" in reported.hint
    connected.practice.store.commit([Put(TEAM, TeamMember(id="t2", name=login, staff=here.uuid))])
    results, _ = await examined(connected)
    found(results, "person", "ok", None)

    connected.practice.store.commit([Put(STAFF, msgspec.structs.replace(here, gone=True))])
    results, _ = await examined(connected)
    reported = found(results, "person", "note", CaseId.CONNECTING_PERSON)
    assert "no longer among" in reported.sentence
    assert "xpm-tui connect" in reported.hint
    assert f"signed in at Xero: {login}" in reported.evidence
    assert exit_code(list(results.values())) == 0, "the login still works"


async def test_who_connected_may_not_be_known(connected: PracticeFixture) -> None:
    connected.practice.store.commit([put("list:staff", ListState())])
    results, _ = await examined(connected)
    assert results["person"].verdict == "skipped"
    assert "not been read yet" in results["person"].sentence
    identity = connected.practice.identity()
    assert identity is not None
    connected.practice.store.commit([put("identity", msgspec.structs.replace(identity, login=""))])
    results, _ = await examined(connected)
    assert results["person"].verdict == "skipped"
    assert "does not show who connected" in results["person"].sentence


async def test_login_revoked(connected: PracticeFixture) -> None:
    await connected.control("tokens", revoke=True)
    results, _ = await examined(connected)
    assert found(results, "connections", "trouble", CaseId.NEEDS_RECONNECT).exit_code == 3
    again, _ = await examined(connected)
    found(again, "login", "trouble", CaseId.NEEDS_RECONNECT)


async def test_disconnected_at_xero(connected: PracticeFixture) -> None:
    await connected.control("disconnect", tenant=connected.tenant)
    results, _ = await examined(connected)
    assert found(results, "connections", "trouble", CaseId.DISCONNECTED).exit_code == 3


@pytest.mark.parametrize(
    ("fault", "case", "code"),
    [
        ("429-minute", CaseId.RATE_LIMITED, 7),
        ("429-day", CaseId.DAY_LIMIT, 6),
        ("503", CaseId.XERO_DOWN, 7),
        ("reset", CaseId.NO_NETWORK, 7),
        ("html", CaseId.BAD_REPLY, 7),
        ("broken-xml", CaseId.BAD_REPLY, 7),
        ("doctype", CaseId.BAD_REPLY, 7),
        ("status-error", CaseId.OK_BUT_ERROR, 1),
        ("401-scope", CaseId.API_NOT_OPEN, 3),
    ],
)
async def test_a_list_that_fails(connected: PracticeFixture, fault: str, case: CaseId, code: int) -> None:
    connected.sandbox.faults.add(Fault(fault, endpoint="staff.api/list", seconds=1))
    results, _ = await examined(connected)
    assert found(results, "list-staff", "trouble", case).exit_code == code
    assert results["list-clients"].verdict == "ok"


async def test_the_day_limit_is_seen_before_any_call(connected: PracticeFixture) -> None:
    connected.sandbox.faults.add(Fault("429-day", endpoint="*.api/*", seconds=7200))
    await examined(connected)
    calls = len(connected.sandbox.log.rows(lambda r: ".api/" in r.endpoint))
    results, _ = await examined(connected)
    assert "until" in found(results, "allowance", "trouble", CaseId.DAY_LIMIT).sentence
    found(results, "permission", "trouble", CaseId.DAY_LIMIT)
    assert len(connected.sandbox.log.rows(lambda r: ".api/" in r.endpoint)) == calls


async def test_granular_scopes_alone_are_a_note(tmp_path: Path) -> None:
    env = PracticeFixture(tmp_path / "granular", scopes="granular")
    await env.connect()
    results, _ = await examined(env)
    found(results, "list-templates", "note", CaseId.SCOPE_MISSING)
    found(results, "list-categories", "note", CaseId.SCOPE_MISSING)
    assert exit_code(list(results.values())) == 0
    env.close()


async def test_more_scopes_asked_for_than_given(tmp_path: Path) -> None:
    env = PracticeFixture(tmp_path / "more", scopes="granular")
    await env.connect()
    env.close()
    env.scopes = "both"
    env.practice = env.open()
    results, _ = await examined(env)
    reported = found(results, "scopes", "note", CaseId.SCOPE_MISSING)
    assert any("practicemanager" in fact and "not granted" in fact for fact in reported.evidence)
    env.close()


@pytest.mark.parametrize(
    ("error", "probe", "case"),
    [
        (httpx.ConnectError("all attempts failed"), "tls", CaseId.NO_NETWORK),
        (httpx.ConnectTimeout("slow"), "tls", CaseId.XERO_DOWN),
        (httpx.ProxyError("407"), "proxy", CaseId.PROXY),
        (ssl.SSLCertVerificationError("certificate verify failed"), "tls", CaseId.TLS),
    ],
)
async def test_the_way_to_xero(env: PracticeFixture, error: Exception, probe: str, case: CaseId) -> None:
    class Fails(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if isinstance(error, ssl.SSLError):
                raise httpx.ConnectError(str(error)) from error
            raise error

    env.practice.transport = Fails()
    results, _ = await examined(env)
    assert found(results, probe, "trouble", case).exit_code == 7
    assert results["clock"].verdict == "skipped"


async def test_a_name_that_nobody_knows(env: PracticeFixture) -> None:
    class NoNames(FaultyMachine):
        async def addresses(self, host: str, port: int) -> tuple[str, ...]:
            raise OSError(-2, "Name or service not known")

    results, _ = await examined(env, NoNames())
    assert found(results, "names", "trouble", CaseId.NO_NETWORK).exit_code == 7

    class ByProxy(NoNames):
        def proxies(self) -> Mapping[str, str]:
            return {"https": without_credentials("http://ana:geheim@proxy.example:3128")}

    results, _ = await examined(env, ByProxy())
    found(results, "names", "note", None)
    assert "https: http://proxy.example:3128" in results["proxy"].evidence


@pytest.mark.parametrize(
    ("ahead", "verdict", "case"),
    [
        (10, "ok", None),
        (45, "note", CaseId.CLOCK),
        (600, "trouble", CaseId.CLOCK),
        (-600, "trouble", CaseId.CLOCK),
    ],
)
async def test_a_clock_that_is_off(
    env: PracticeFixture, ahead: int, verdict: str, case: CaseId | None
) -> None:
    class Dated(InProcess):
        """The sandbox as its server is: with the date of RFC 9110 on every answer."""

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            response = await super().handle_async_request(request)
            response.headers["Date"] = format_datetime(env.clock.now(), usegmt=True)
            return response

    env.practice.transport = Dated(env.sandbox, env.clock)
    env.practice.clock = MovedClock(env.clock.now() + timedelta(seconds=ahead))
    results, _ = await examined(env)
    found(results, "clock", verdict, case)


async def test_the_address_changed_after_connecting(connected: PracticeFixture) -> None:
    connected.close()
    places = {
        key: value.replace("127.0.0.1", "localhost") for key, value in addresses(connected.sandbox).items()
    }
    environ = {f"XPM_TUI_{key.upper().replace('.', '_')}": value for key, value in places.items()}
    environ["XPM_TUI_XERO_IDENTITY_URL"] = addresses(connected.sandbox)["xero.identity_url"]
    with open_target(
        connected.home, environ=environ, clock=connected.clock, transport=connected.net, person="mere"
    ) as patient:
        results = await by_name(patient)
    found(results, "practice", "trouble", CaseId.PRACTICE_CHANGED)


async def test_a_held_lock_is_reported_with_its_holder(env: PracticeFixture) -> None:
    lock = Lock(env.practice.run_lock, clock=env.clock, person="ana", what="sync")
    lock.acquire()
    results, _ = await examined(env)
    reported = found(results, "locks", "note", CaseId.LOCKED)
    assert "ana" in reported.evidence[0]
    env.clock.move(timedelta(hours=7))
    results, _ = await examined(env)
    assert found(results, "locks", "trouble", CaseId.LOCKED).exit_code == 5
    lock.close()


async def test_a_damaged_store(connected: PracticeFixture) -> None:
    connected.close()
    folder = connected.practice.data / "book"
    for path in folder.iterdir():
        if path.is_file() and path.stat().st_size:
            path.write_bytes(b"\x00\xff" * 40)
    with open_target(
        connected.home,
        environ=environment(connected),
        clock=connected.clock,
        transport=connected.net,
        person="mere",
    ) as patient:
        results = await by_name(patient)
    assert found(results, "store", "trouble", CaseId.STORE).exit_code == 8
    # Probes that do not need the store still run.
    found(results, "login", "ok", None)
    found(results, "connections", "ok", None)
    assert results["practice"].verdict == "skipped"
    assert results["list-clients"].verdict == "skipped"


def environment(env: PracticeFixture) -> dict[str, str]:
    return {
        f"XPM_TUI_{key.upper().replace('.', '_')}": value for key, value in addresses(env.sandbox).items()
    } | {"XPM_TUI_XERO_SCOPES": "both"}


@pytest.mark.parametrize(
    ("state", "kind", "case"),
    [
        ("sent", "update-client", CaseId.UNKNOWN_OUTCOME),
        ("held", "update-client", CaseId.UNKNOWN_OUTCOME),
        ("held", "add-client", CaseId.CREATE_LAG),
    ],
)
async def test_writes_without_an_end(env: PracticeFixture, state: str, kind: str, case: CaseId) -> None:
    intent = Intent(id="i1", run="r1", kind=kind, record="c1", state=state)  # type: ignore[arg-type]
    env.practice.store.commit([Put(INTENTS, intent)])
    results, _ = await examined(env)
    reported = found(results, "commits", "note", case)
    assert any("c1" in fact and "r1" in fact for fact in reported.evidence)


@pytest.mark.parametrize(
    ("outcome", "kept", "case"),
    [
        ("failed", "state-code", CaseId.STATE_CODE),
        ("failed", "T13", CaseId.CLIENT_MISSING),
        ("failed", "empty-list", CaseId.EMPTY_LIST),
        ("held", "", CaseId.HELD),
        ("interrupted", "", None),
    ],
)
async def test_how_the_last_run_ended(
    env: PracticeFixture, outcome: Any, kept: str, case: CaseId | None
) -> None:
    run = Run(
        id="r1", started=env.clock.now(), by="ana", ended=env.clock.now(), plan="p1",
        outcome=outcome, case=kept,
    )  # fmt: skip
    env.practice.store.commit([Put(RUNS, run)])
    results, _ = await examined(env)
    assert "runs show r1" in found(results, "runs", "note", case).hint


async def test_a_plan_that_no_longer_fits(connected: PracticeFixture) -> None:
    connected.store(connected.unique_names()[:2])
    await plans.make(connected.practice)
    results, _ = await examined(connected)
    found(results, "plan", "ok", None)
    connected.practice.settings.set("sync.level", "name", practice=True)
    results, _ = await examined(connected)
    found(results, "plan", "note", CaseId.POLICY_CHANGED)


async def test_a_setting_that_cannot_be(tmp_path: Path, env: PracticeFixture) -> None:
    env.home.config.mkdir(parents=True, exist_ok=True)
    env.home.settings_file.write_text("[sync]\nlevel = 'everthing'\n")
    with open_target(env.home, environ={}, clock=env.clock, transport=env.net, person="mere") as patient:
        results = await by_name(patient)
    reported = found(results, "settings", "trouble", CaseId.SETTINGS)
    assert reported.exit_code == 2
    assert "sync.level" in reported.evidence[0]


async def test_the_disk(env: PracticeFixture) -> None:
    class Full(FaultyMachine):
        free, writable = 0, True

        def place(self, name: str, folder: Path) -> FolderFacts:
            return FolderFacts(name=name, path=str(folder), free=self.free, writable=self.writable)

    results, _ = await examined(env, Full())
    assert found(results, "disk", "trouble", CaseId.DISK).exit_code == 8

    class Closed(Full):
        free, writable = 10**12, False

    results, _ = await examined(env, Closed())
    assert "cannot be written" in found(results, "disk", "trouble", CaseId.DISK).sentence

    class Little(Full):
        free = 100 * 2**20

    results, _ = await examined(env, Little())
    found(results, "disk", "note", CaseId.DISK)


@pytest.mark.parametrize(
    "facts",
    [
        TerminalFacts(stdin=False, stdout=True, term="xterm"),
        TerminalFacts(stdin=True, stdout=True, term="dumb"),
        TerminalFacts(stdin=True, stdout=True, term="xterm", columns=40, lines=24),
    ],
)
async def test_the_terminal(env: PracticeFixture, facts: TerminalFacts) -> None:
    class Poor(FaultyMachine):
        def terminal(self, environ: Mapping[str, str]) -> TerminalFacts:
            return facts

    results, _ = await examined(env, Poor())
    found(results, "terminal", "note", CaseId.TERMINAL)


async def test_the_keyring_of_an_account_of_its_own(
    monkeypatch: pytest.MonkeyPatch, env: PracticeFixture
) -> None:
    class Locked(FaultyMachine):
        async def keyring(self, name: str) -> str:
            return "the keyring gave no answer within 5 seconds; it may be locked"

    results, _ = await examined(env, Locked())
    found(results, "keyring", "ok", None)
    monkeypatch.setattr(env.practice, "home", find_home(None, {}))
    results, _ = await examined(env, Locked())
    assert "no answer" in found(results, "keyring", "note", CaseId.KEYRING).sentence


async def test_no_timer(env: PracticeFixture) -> None:
    results, _ = await examined(env)
    schedule = results["schedule"]
    assert schedule.verdict == "note"
    assert schedule.case is CaseId.SCHEDULE


async def test_it_starts_again_from_any_probe(connected: PracticeFixture) -> None:
    results, _ = await examined(connected, start="list-staff")
    assert next(iter(results)) == "list-staff"
    assert results["list-staff"].verdict == "ok"
    assert "names" not in results


def test_a_proxy_is_reported_without_its_password() -> None:
    assert without_credentials("http://ana:geheim@proxy.example:3128/") == "http://proxy.example:3128"
    assert without_credentials("ana:geheim@proxy.example:3128") == "proxy.example:3128"
    assert isinstance(Machine().versions()["Python"], str)
