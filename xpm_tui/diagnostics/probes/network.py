"""Probes of the connection to Xero: names, proxy, certificates, time and lists.

Only the probes of lists need a login and make calls, one small call each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import ClassVar

from xpm_tui.diagnostics.findings import Ask, Finding, ServerReply, bad, from_error, note, ok
from xpm_tui.domain.errors import AccessDenied, AppError, CaseId, ScopeMissing
from xpm_tui.domain.formatting import count, when_exact

SKEW_NOTE, SKEW_TROUBLE = 30.0, 120.0
"""Seconds between this clock and Xero's that are reported, and that are a problem.

A login is renewed two minutes before it expires: with a larger difference it may be used too late or renewed
too early.
"""


@dataclass(frozen=True)
class NetworkVariablesProbe:
    """Whether the proxies and certificates in the environment are valid. ``variables`` have no passwords.

    ``faults`` are the errors that a call to Xero would raise; ``local``: all servers are on this machine,
    which needs none of the variables.
    """

    variables: Mapping[str, str]
    faults: Sequence[AppError]
    local: bool
    name: ClassVar[str] = "environment"
    title: ClassVar[str] = "Network variables"
    needs: ClassVar[tuple[str, ...]] = ()

    async def look(self) -> Finding:
        """Check each variable; nothing is sent."""
        evidence = [f"{name}: {value}" for name, value in self.variables.items()]
        evidence += [fault.message for fault in self.faults[1:]]
        for fault in self.faults:
            if self.local:
                return note(f"{fault.message} No call to Xero could be made.", *evidence, case=fault.case,
                            hint=fault.hint)  # fmt: skip
            return from_error(fault, *evidence)
        return ok("They are valid." if evidence else "No variable is set.", *evidence)


@dataclass(frozen=True)
class NameLookupProbe:
    """Whether the names of Xero's servers can be resolved."""

    hosts: tuple[str, ...]
    resolve: Mapping[str, Ask[tuple[str, ...]]]
    proxied: bool
    name: ClassVar[str] = "names"
    title: ClassVar[str] = "Names of Xero's servers"
    needs: ClassVar[tuple[str, ...]] = ()

    async def look(self) -> Finding:
        """Look up each name."""
        found, lost = [], []
        for host in self.hosts:
            try:
                addresses = await self.resolve[host]()
            except OSError as error:
                lost.append(host)
                found.append(f"{host}: {(error.strerror or 'not found').lower()}")
            else:
                found.append(f"{host}: {', '.join(addresses[:4])}")
        if lost and self.proxied:
            return note("Not every name can be resolved here; the proxy may resolve them.", *found)
        if lost:
            return bad(
                f"The name {lost[0]} cannot be resolved here.",
                *found,
                hint="Check this machine's network and its name service (DNS).",
                case=CaseId.NO_NETWORK,
                exit_code=7,
            )
        return ok("All names can be resolved.", *found)


@dataclass(frozen=True)
class ProxyProbe:
    """Whether a proxy is in use, and whether it can be passed. ``settings`` have no passwords."""

    settings: Mapping[str, str]
    reached: Ask[tuple[ServerReply, ...]]
    name: ClassVar[str] = "proxy"
    title: ClassVar[str] = "Proxy"
    needs: ClassVar[tuple[str, ...]] = ("environment", "names")

    async def look(self) -> Finding:
        """Connect through the proxy, if there is one."""
        evidence = [f"{name}: {value}" for name, value in self.settings.items()]
        for each in await self.reached():
            if each.error is not None and each.error.case is CaseId.PROXY:
                return from_error(each.error, *evidence, f"asked: {each.origin}")
        return ok("No proxy is set." if not evidence else "The proxy allows the connection.", *evidence)


@dataclass(frozen=True)
class CertificatesProbe:
    """Whether the servers answer with a certificate that this machine trusts."""

    reached: Ask[tuple[ServerReply, ...]]
    name: ClassVar[str] = "tls"
    title: ClassVar[str] = "Servers and certificates"
    needs: ClassVar[tuple[str, ...]] = ("environment", "names", "proxy")

    async def look(self) -> Finding:
        """Get any answer from each server."""
        found = await self.reached()
        evidence = [_answer(each) for each in found]
        for each in found:
            if each.error is not None:
                return from_error(each.error, *evidence)
        if all(each.origin.startswith("http://") for each in found):
            return note("The servers answer without encryption: a sandbox on this machine.", *evidence)
        return ok("The servers answer, and their certificates are valid.", *evidence)


def _answer(each: ServerReply) -> str:
    if each.error is not None:
        return f"{each.origin}: no answer"
    signed = f", certificate by {each.issuer}" if each.issuer else ""
    return f"{each.origin}: answered {each.status}{signed}"


@dataclass(frozen=True)
class ClockSkewProbe:
    """Whether this machine's clock agrees with Xero's."""

    reached: Ask[tuple[ServerReply, ...]]
    name: ClassVar[str] = "clock"
    title: ClassVar[str] = "This machine's clock"
    needs: ClassVar[tuple[str, ...]] = ("tls",)

    async def look(self) -> Finding:
        """Compare it with the date of the answers (RFC 9110, section 6.6.1: whole seconds)."""
        off, evidence = 0.0, []
        for each in await self.reached():
            if each.server_time is None or each.here is None:
                continue
            seconds = (each.here - each.server_time).total_seconds()
            evidence.append(f"{each.origin}: {when_exact(each.server_time, UTC)} UTC, {seconds:+.0f} s here")
            off = max(off, abs(seconds))
        if not evidence:
            return note("No server reported its time.")
        hint = "Switch on time synchronisation: timedatectl set-ntp true"
        if off >= SKEW_TROUBLE:
            words = f"This machine's clock is {count(round(off / 60), 'minute')} off."
            return bad(words, *evidence, hint=hint, case=CaseId.CLOCK)
        if off >= SKEW_NOTE:
            words = f"This machine's clock is {count(round(off), 'second')} off."
            return note(words, *evidence, hint=hint, case=CaseId.CLOCK)
        return ok("The clock is right.", *evidence)


@dataclass(frozen=True)
class ClientListProbe:
    """Whether the login can read a list of XPM.

    ``ask`` returns the number of its records; ``vital``: sync needs the list. For the client list, only the
    changes of the last minute are requested.
    """

    list: str
    vital: bool
    ask: Ask[int]
    seen: str = "records"
    needs: ClassVar[tuple[str, ...]] = ("permission",)

    @property
    def name(self) -> str:
        """The name, such as ``list-staff``."""
        return f"list-{self.list}"

    @property
    def title(self) -> str:
        """The title for users."""
        return f"XPM's list of {self.list}"

    async def look(self) -> Finding:
        """Read the list. A list that the scopes do not open is a note, unless sync needs it."""
        try:
            count = await self.ask()
        except (ScopeMissing, AccessDenied) as closed:
            finding = from_error(closed)
            if self.vital:
                return finding
            denied = isinstance(closed, AccessDenied) or closed.case is CaseId.API_NOT_OPEN
            why = f"Xero refused it (HTTP {closed.status})" if denied else "the login lacks its scope"
            return note(
                f"The list of {self.list} cannot be read: {why}. The rest works without it.",
                *finding.evidence,
                case=finding.case,
                hint=finding.hint,
            )
        return ok("It can be read.", f"{self.seen}: {count:,}")
