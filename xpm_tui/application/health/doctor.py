"""The doctor, which connects the probes to this machine, the login, Xero and the store, and runs them.

It only reads. Without a login it contacts each server once. With one it also reads the connections and makes
five small Practice Manager calls, one for each list. A login is renewed only if it has expired.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from xpm_tui.application.condition import conditions
from xpm_tui.application.health.probe_facts import (
    DoctorTarget,
    Machine,
    Resolve,
    count_none,
    count_results,
    draft_facts,
    granted_scopes,
    login_facts,
    open_intents,
    person_facts,
    running_run,
    skip_probe,
    timer_facts,
)
from xpm_tui.application.home import STORE_FOLDER
from xpm_tui.application.practice import ADDRESSES, LISTS, PracticeIdentity
from xpm_tui.application.presenters.presenter import set_aside_views
from xpm_tui.application.runs import history
from xpm_tui.application.status.summary import allowance_at, link_problems, summarize
from xpm_tui.diagnostics.error_presenter import present
from xpm_tui.diagnostics.findings import (
    CachedCall,
    FolderFacts,
    Probe,
    ProbeResult,
    ServerReply,
    StoreFacts,
    examine,
)
from xpm_tui.diagnostics.login_probes import (
    AllowanceProbe,
    ConnectionsProbe,
    ConnectorProbe,
    PermissionProbe,
    PracticeProbe,
    ScopesProbe,
    TokenProbe,
)
from xpm_tui.diagnostics.machine_probes import (
    CertificatesProbe,
    ClockSkewProbe,
    DiskSpaceProbe,
    KeyringProbe,
    LocaleProbe,
    NameLookupProbe,
    NetworkVariablesProbe,
    ProxyProbe,
    ScheduleProbe,
    SettingsProbe,
    TerminalProbe,
    VersionsProbe,
    XpmListProbe,
)
from xpm_tui.diagnostics.store_probes import (
    CommitLogProbe,
    ConditionProbe,
    LastRunsProbe,
    LinksProbe,
    LocksProbe,
    PlanProbe,
    QuarantineProbe,
    StoreProbe,
)
from xpm_tui.domain.errors import AppError, StoreUnreadable, XeroError
from xpm_tui.domain.ports import Priority
from xpm_tui.lazy import lazy_imports
from xpm_tui.settings.kinds import parse_scopes
from xpm_tui.xero.config import is_loopback

with lazy_imports():
    from xpm_tui.application import xpm_access
    from xpm_tui.store import admin

if TYPE_CHECKING:
    from xpm_tui.xero.client.practice import XeroPractice
    from xpm_tui.xero.wiring import Wire

UNREADABLE_DATA = "The practice's data cannot be read, so it is not known which practice this is."
NO_DATA_YET = "There is no data here yet."
OFFLINE = "Not tried: read-only mode makes no call to Xero."
NOT_OPEN = "The practice could not be opened."


class Doctor:
    """Examines one target.

    ``offline`` skips every probe that calls Xero, because a call may renew the login and is recorded in
    files.
    """

    def __init__(
        self, subject: DoctorTarget, machine: Machine | None = None, *, offline: bool = False
    ) -> None:
        self._offline = offline
        self._target = subject
        self._machine = machine or Machine()
        self._xpm: XeroPractice | None = None
        self._closed = ""

    @property
    def calls(self) -> int:
        """Return the number of Practice Manager calls so far."""
        return self._xpm.calls if self._xpm is not None else 0

    async def examine(self, *, start: str = "") -> AsyncIterator[ProbeResult]:
        """Run all probes in order, or those from ``start`` on, and yield what they find.

        For a support bundle, the stored findings are returned instead. Raises ``NotFound`` for an unknown
        probe.
        """
        practice = self._target.practice
        if practice is not None and practice.recording is not None:
            for found in practice.recording.results:
                yield found
            return
        async with AsyncExitStack() as stack:
            try:
                wire = None if self._offline else await stack.enter_async_context(self._wire())
                self._closed = OFFLINE if self._offline else ""
            except AppError as error:
                wire, self._closed = None, error.message
            probes = [*self._network(wire), *self._login(wire), *self._data(), *self._here(wire)]
            async for each in examine(probes, self._target.clock, start=start):
                yield each

    def _wire(self) -> Wire:
        # A user waits: one retry is enough to distinguish a transient failure from a problem.
        config = replace(xpm_access.wire_config(self._target), retries=1, retry_seconds=15.0)
        return xpm_access.wire(self._target, config)

    # -- the network -------------------------------------------------------------------------------------

    def _network(self, wire: Wire | None) -> list[Probe]:
        origins = tuple(dict.fromkeys(self._target.settings.text(key) for key in ADDRESSES))
        hosts = {urlsplit(origin).hostname or "": urlsplit(origin) for origin in origins}
        environment = self._machine.network()
        proxies = self._machine.proxies()
        resolve = {
            host: Resolve(self._machine, host, parts.port or (443 if parts.scheme == "https" else 80))
            for host, parts in hosts.items()
        }
        names = NameLookupProbe(tuple(hosts), resolve, bool(proxies.keys() & {"https", "http", "all"}))
        variables = NetworkVariablesProbe(
            {**environment.proxies(), **environment.certificates()},
            environment.faults(),
            all(is_loopback(host) for host in hosts),
        )
        if wire is None:
            return [
                variables, names, *(skip_probe(kind, self._closed) for kind in (ProxyProbe, CertificatesProbe,
                    ClockSkewProbe))
            ]  # fmt: skip
        reached = CachedCall(lambda: self._reach(wire, origins))
        return [
            variables,
            names,
            ProxyProbe(proxies, reached),
            CertificatesProbe(reached),
            ClockSkewProbe(reached),
        ]

    async def _reach(self, wire: Wire, origins: tuple[str, ...]) -> tuple[ServerReply, ...]:
        found = []
        for origin in origins:
            try:
                answer = await wire.ping(origin)
            except XeroError as error:
                found.append(ServerReply(origin=origin, error=error))
            else:
                now = self._target.clock.now()
                found.append(
                    ServerReply(
                        origin=origin, status=answer.status, server_time=answer.date, here=now,
                        issuer=answer.issuer,
                    )
                )  # fmt: skip
        return tuple(found)

    # -- the login and what it opens ---------------------------------------------------------------------

    def _login(self, wire: Wire | None) -> list[Probe]:
        settings = self._target.settings
        calls = AllowanceProbe(
            lambda: allowance_at(self._target.state, self._target.clock, self._target.shared)
        )
        practice = self._target.practice
        person: Probe = skip_probe(
            ConnectorProbe, UNREADABLE_DATA if self._target.why is not None else NO_DATA_YET
        )
        if practice is not None:
            person = ConnectorProbe(lambda: person_facts(practice))
        if wire is None:
            kinds = (TokenProbe, ScopesProbe, ConnectionsProbe, PracticeProbe, PermissionProbe)
            return [*(skip_probe(kind, self._closed) for kind in kinds), person, calls]
        tenants = CachedCall(wire.connections.tenants)
        identity = self._identity()
        first: list[Probe] = [
            TokenProbe(lambda: login_facts(wire, self._target)),
            ScopesProbe(parse_scopes(settings.text("xero.scopes")), lambda: granted_scopes(wire, identity)),
            ConnectionsProbe(tenants, identity is not None),
        ]
        if self._target.practice is None and self._target.why is not None:
            return [
                *first,
                skip_probe(PracticeProbe, UNREADABLE_DATA),
                PermissionProbe(count_none),
                person,
                calls,
                *self._lists({}),
            ]
        known = identity or PracticeIdentity(tenant="", title="")
        xpm = self._xpm = wire.practice(known.tenant, Priority.INTERACTIVE)
        since = self._target.clock.now() - timedelta(minutes=1)

        async def clients() -> int:
            async with xpm.clients(modified_since=since) as listing:
                return len([each async for each in listing])

        counts = {"clients": CachedCall(clients)}
        for name, ask in (
            ("staff", xpm.staff),
            ("templates", xpm.templates),
            ("categories", xpm.categories),
            ("jobs", xpm.current_jobs),
        ):
            counts[name] = CachedCall(count_results(ask))
        api = settings.text("xero.api_url")
        return [
            *first,
            PracticeProbe(known.tenant, known.title, known.api, api, tenants),
            PermissionProbe(counts["clients"]),
            person,
            calls,
            *self._lists(counts),
        ]

    def _lists(self, counts: dict[str, CachedCall[int]]) -> list[Probe]:
        return [
            XpmListProbe(
                name,
                name in ("clients", "staff"),
                counts.get(name, CachedCall(count_none)),
                "changed in the last minute" if name == "clients" else "records",
            )
            for name in LISTS
        ]

    def _identity(self) -> PracticeIdentity | None:
        return self._target.practice.identity() if self._target.practice is not None else None

    # -- the store ----------------------------------------------------------------------------------------

    def _data(self) -> list[Probe]:
        subject = self._target
        locks = {
            "run": subject.state / "run.lock",
            "store": subject.data / STORE_FOLDER / "book.lock",
            "login": subject.state / "login.lock",
        }
        held = LocksProbe(
            lambda: self._machine.holders(locks),
            subject.clock.now,
            lambda: self._machine.place("locks", subject.state),
        )
        if subject.practice is None and subject.why is None:
            kinds = (StoreProbe, CommitLogProbe, LastRunsProbe, LinksProbe, PlanProbe, QuarantineProbe)
            store, commits, *rest = (skip_probe(kind, NO_DATA_YET) for kind in kinds)
            return [store, commits, held, *rest]
        facts = CachedCall(self._store)
        practice = subject.practice
        if practice is None:
            closed = (
                skip_probe(kind, NOT_OPEN) for kind in (LastRunsProbe, LinksProbe, PlanProbe, QuarantineProbe)
            )
            return [StoreProbe(facts), skip_probe(CommitLogProbe, NOT_OPEN), held, *closed]
        return [
            StoreProbe(facts),
            CommitLogProbe(facts, lambda: open_intents(practice), lambda: running_run(practice)),
            held,
            LastRunsProbe(
                lambda: tuple(history.list_runs(practice, 20)),
                lambda: tuple(run.id for run in history.list_held_runs(practice.snapshot())),
            ),
            LinksProbe(
                lambda: tuple((each.sentence, each.hint) for each in link_problems(summarize(practice).links))
            ),
            PlanProbe(lambda: draft_facts(practice)),
            QuarantineProbe(lambda: tuple(view.sentence for view in set_aside_views(practice.snapshot()))),
        ]

    async def _store(self) -> StoreFacts:
        report = await asyncio.to_thread(admin.check, self._target.data / STORE_FOLDER)
        texts = {
            level: tuple(finding.text for finding in report.findings if finding.level == level)
            for level in ("error", "warning", "note")
        }
        if not texts["error"] and isinstance(self._target.why, StoreUnreadable):
            texts["error"] = (self._target.why.message,)
        return StoreFacts(
            position=report.position,
            generation=report.generation,
            bytes=report.bytes,
            rows=report.rows,
            errors=texts["error"],
            warnings=texts["warning"],
            notes=texts["note"],
        )

    # -- this machine ------------------------------------------------------------------------------------

    def _here(self, wire: Wire | None) -> list[Probe]:
        subject, machine = self._target, self._machine
        practice = subject.practice
        condition: Probe = skip_probe(
            ConditionProbe, UNREADABLE_DATA if subject.why is not None else NO_DATA_YET
        )
        if practice is not None:
            condition = ConditionProbe(lambda: tuple((c.state, c.message) for c in conditions(practice)))

        def places() -> tuple[FolderFacts, ...]:
            folders = {"settings": subject.config, "data": subject.data, "log and login": subject.state}
            return tuple(machine.place(name, folder) for name, folder in folders.items())

        where = wire.tokens.where if wire is not None else lambda: self._closed
        timer: Probe = skip_probe(ScheduleProbe, NOT_OPEN)
        if practice is not None:
            timer = ScheduleProbe(lambda: timer_facts(practice), subject.settings.number("notify.hours"))
        return [
            condition,
            SettingsProbe(
                tuple(present(each).short() for each in subject.settings.problems),
                bool(subject.settings.text("xero.client_id")),
            ),
            DiskSpaceProbe(places),
            KeyringProbe(subject.home.default, where, lambda: machine.keyring(str(subject.state))),
            TerminalProbe(machine.terminal(subject.environ)),
            LocaleProbe(machine.locale(subject.environ), machine.encoding()),
            timer,
            VersionsProbe(machine.versions()),
        ]
