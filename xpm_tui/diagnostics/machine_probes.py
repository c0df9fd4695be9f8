"""Probes of this machine and its network: settings, disk, keyring, terminal, schedule, proxy, certificates.

Only the probes of XPM's lists need a login and make calls, one small call each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import ClassVar

from xpm_tui.diagnostics.findings import (
    AsyncCall,
    Finding,
    FolderFacts,
    ServerReply,
    TerminalFacts,
    TimerFacts,
    bad,
    from_error,
    note,
    ok,
)
from xpm_tui.domain.errors import AccessDenied, AppError, CaseId, ScopeMissing
from xpm_tui.domain.formatting import count, time_span, when_exact, when_utc

MB = 1024 * 1024
LOW_SPACE, MINIMUM_SPACE = 500 * MB, 20 * MB
"""Free bytes: below the first, a note is made; below the second, the next commit may fail."""


@dataclass(frozen=True)
class SettingsProbe:
    """Checks whether all settings are valid. ``problems`` are sentences with setting, value and place."""

    problems: tuple[str, ...]
    client_id: bool
    name: ClassVar[str] = "settings"
    title: ClassVar[str] = "Settings"
    needs: ClassVar[tuple[str, ...]] = ()

    async def check(self) -> Finding:
        """Report the problems found when the settings were read."""
        if self.problems:
            return bad(
                f"{len(self.problems)} of the settings cannot be used.",
                *self.problems,
                hint="Until it is corrected, every other command stops with this message.",
                case=CaseId.SETTINGS,
                exit_code=2,
            )
        if not self.client_id:
            return note(
                "No Xero app is named yet.",
                hint="xpm-tui settings set xero.client_id ID, with the id from developer.xero.com",
                case=CaseId.NOT_CONNECTED,
            )
        return ok("All settings can be used.")


@dataclass(frozen=True)
class DiskSpaceProbe:
    """Checks whether there is free space, and whether the folders can be written to."""

    places: Callable[[], tuple[FolderFacts, ...]]
    name: ClassVar[str] = "disk"
    title: ClassVar[str] = "Disk"
    needs: ClassVar[tuple[str, ...]] = ()

    async def check(self) -> Finding:
        """Ask the system about each folder; nothing is written for this."""
        places = self.places()
        evidence = [_place(each) for each in places]
        for each in places:
            if each.error is not None:
                return from_error(each.error, *evidence)
        stuck = [each for each in places if not each.writable or each.free < MINIMUM_SPACE]
        if stuck:
            why = "is full" if stuck[0].writable else "cannot be written to"
            return bad(
                f"The folder of {stuck[0].name} {why}.",
                *evidence,
                hint="Free space, or make this account the owner of the folder. To see where it is: "
                "xpm-tui locate",
                case=CaseId.DISK,
                exit_code=8,
            )
        if any(each.remote for each in places):
            return note("A folder is on a network file system: locks are only as reliable as its server.",
                        *evidence, case=CaseId.DISK)  # fmt: skip
        if any(each.shared for each in places):
            return note("A folder is open to other accounts.", *evidence, hint="Run chmod 700 on it.",
                        case=CaseId.DISK)  # fmt: skip
        if any(each.free < LOW_SPACE for each in places):
            return note("Little space is left.", *evidence, case=CaseId.DISK)
        return ok("There is enough space.", *evidence)


def _place(each: FolderFacts) -> str:
    facts = [f"{each.free // MB:,} MB free", "" if each.writable else "not writable",
             f"on {each.remote}" if each.remote else "", "open to others" if each.shared else ""]  # fmt: skip
    return f"{each.name} {each.path}: {', '.join(filter(None, facts))}"


@dataclass(frozen=True)
class KeyringProbe:
    """Checks how the saved login is protected; ``ask`` returns why the keyring cannot be used, or nothing."""

    wanted: bool
    where: Callable[[], str]
    ask: AsyncCall[str]
    name: ClassVar[str] = "keyring"
    title: ClassVar[str] = "Keyring"
    needs: ClassVar[tuple[str, ...]] = ()

    async def check(self) -> Finding:
        """Ask the keyring within its time limit; nothing is stored in it."""
        evidence: tuple[str, ...]
        try:
            evidence = (f"the login: {self.where()}",)
        except AppError as closed:
            evidence = (f"the login: {closed.message}",)
        if not self.wanted:
            return ok(
                "The keyring is not used with a home folder of your own: the key is in a file.", *evidence
            )
        why = await self.ask()
        if why:
            return note(f"The keyring cannot be used here: {why}.", *evidence, case=CaseId.KEYRING)
        return ok("The keyring answers.", *evidence)


@dataclass(frozen=True)
class TerminalProbe:
    """Checks whether the console can open here."""

    facts: TerminalFacts
    name: ClassVar[str] = "terminal"
    title: ClassVar[str] = "Terminal"
    needs: ClassVar[tuple[str, ...]] = ()

    async def check(self) -> Finding:
        """Report the terminal of this process."""
        seen = self.facts
        notes = [f"TERM: {seen.term or 'not set'}"]
        notes += [f"size: {seen.columns}x{seen.lines}"] if seen.columns else []
        notes.append(f"encoding: {seen.encoding or 'not known'}")
        notes += ["over SSH"] if seen.over_ssh else []
        if not (seen.stdin and seen.stdout):
            return note("Input or output is not a terminal: the console cannot open, but commands work.",
                        *notes, case=CaseId.TERMINAL)  # fmt: skip
        if seen.term in ("", "dumb"):
            return note("The terminal is too limited for the console, but commands work.", *notes,
                        case=CaseId.TERMINAL)  # fmt: skip
        if 0 < seen.columns < 80 or 0 < seen.lines < 24:
            return note("The terminal is smaller than 80x24.", *notes, case=CaseId.TERMINAL)
        return ok("The console can open here.", *notes)


@dataclass(frozen=True)
class LocaleProbe:
    """Checks the language and encoding of this process; ``variables`` are those of the environment."""

    variables: Mapping[str, str]
    encoding: str
    name: ClassVar[str] = "locale"
    title: ClassVar[str] = "Language and encoding"
    needs: ClassVar[tuple[str, ...]] = ()

    async def check(self) -> Finding:
        """Report the variables, and whether the encoding is UTF-8."""
        evidence = [f"{name}: {value}" for name, value in self.variables.items()]
        evidence.append(f"encoding: {self.encoding or 'not known'}")
        if self.encoding.replace("-", "").casefold() not in ("utf8", ""):
            return note("This machine's encoding is not UTF-8, so some names cannot be printed.", *evidence,
                        hint="Set a UTF-8 locale: export LC_ALL=C.UTF-8", case=CaseId.TERMINAL)  # fmt: skip
        return ok("The encoding is UTF-8." if self.encoding else "No encoding is set.", *evidence)


@dataclass(frozen=True)
class ScheduleProbe:
    """Checks whether the daily run takes place."""

    read: AsyncCall[TimerFacts]
    stale: int
    name: ClassVar[str] = "schedule"
    title: ClassVar[str] = "Daily sync"
    needs: ClassVar[tuple[str, ...]] = ()

    async def check(self) -> Finding:
        """Ask the system for its timer, and the store for the last successful sync."""
        facts = await self.read()
        notes = [*facts.notes]
        if facts.last is not None:
            notes.append(f"last successful sync: {when_utc(facts.last)}")
        if facts.skipped is not None:
            notes.append(f"skipped: {when_utc(facts.skipped)}")
        if facts.kind == "none":
            return note(
                "Nothing starts the daily sync: xpm-tui can use neither systemd nor cron here.", *notes,
                hint=facts.hint, case=CaseId.SCHEDULE,
            )  # fmt: skip
        if not facts.installed:
            return note("The daily sync is not installed.", *notes, case=CaseId.SCHEDULE,
                        hint="Install it: xpm-tui schedule install")  # fmt: skip
        if facts.hours is not None and facts.hours > self.stale:
            return bad(f"There has been no successful sync for {time_span(facts.hours * 3600)}.", *notes,
                       case=CaseId.SCHEDULE, hint="Sync now: xpm-tui sync")  # fmt: skip
        return ok(f"The daily sync is installed ({facts.kind}).", *notes)


@dataclass(frozen=True)
class VersionsProbe:
    """Checks the versions of the program, the operating system and the terminal."""

    versions: Mapping[str, str]
    name: ClassVar[str] = "versions"
    title: ClassVar[str] = "Versions"
    needs: ClassVar[tuple[str, ...]] = ()

    async def check(self) -> Finding:
        """Report the versions."""
        lost = [name for name, version in self.versions.items() if not version]
        evidence = [f"{name} {version}" for name, version in self.versions.items() if version]
        if lost:
            return bad(f"A library is missing: {', '.join(lost)}.", *evidence, hint="Install xpm-tui again.")
        return ok("All libraries are installed.", *evidence)


SKEW_NOTE, SKEW_PROBLEM = 30.0, 120.0
"""Differences in seconds between this clock and Xero's: from the first, a note; from the second, a problem.

A login is renewed two minutes before it expires: with a larger difference it may be used too late or renewed
too early.
"""


@dataclass(frozen=True)
class NetworkVariablesProbe:
    """Checks whether the proxies and certificates in the environment are valid.

    ``variables`` have no passwords. ``faults`` are the errors that a call to Xero would raise. ``local`` says
    that all servers are on this machine, which needs none of the variables.
    """

    variables: Mapping[str, str]
    faults: Sequence[AppError]
    local: bool
    name: ClassVar[str] = "environment"
    title: ClassVar[str] = "Network variables"
    needs: ClassVar[tuple[str, ...]] = ()

    async def check(self) -> Finding:
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
    """Checks whether the names of Xero's servers can be resolved."""

    hosts: tuple[str, ...]
    resolve: Mapping[str, AsyncCall[tuple[str, ...]]]
    proxied: bool
    name: ClassVar[str] = "names"
    title: ClassVar[str] = "Names of Xero's servers"
    needs: ClassVar[tuple[str, ...]] = ()

    async def check(self) -> Finding:
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
    """Checks whether a proxy is in use, and whether it can be passed. ``settings`` have no passwords."""

    settings: Mapping[str, str]
    reached: AsyncCall[tuple[ServerReply, ...]]
    name: ClassVar[str] = "proxy"
    title: ClassVar[str] = "Proxy"
    needs: ClassVar[tuple[str, ...]] = ("environment", "names")

    async def check(self) -> Finding:
        """Connect through the proxy, if there is one."""
        evidence = [f"{name}: {value}" for name, value in self.settings.items()]
        for each in await self.reached():
            if each.error is not None and each.error.case is CaseId.PROXY:
                return from_error(each.error, *evidence, f"asked: {each.origin}")
        return ok("No proxy is set." if not evidence else "The proxy allows the connection.", *evidence)


@dataclass(frozen=True)
class CertificatesProbe:
    """Checks whether the servers answer with a certificate that this machine trusts."""

    reached: AsyncCall[tuple[ServerReply, ...]]
    name: ClassVar[str] = "tls"
    title: ClassVar[str] = "Servers and certificates"
    needs: ClassVar[tuple[str, ...]] = ("environment", "names", "proxy")

    async def check(self) -> Finding:
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
    """Checks whether this machine's clock agrees with Xero's."""

    reached: AsyncCall[tuple[ServerReply, ...]]
    name: ClassVar[str] = "clock"
    title: ClassVar[str] = "This machine's clock"
    needs: ClassVar[tuple[str, ...]] = ("tls",)

    async def check(self) -> Finding:
        """Compare the clock with the dates of the answers (RFC 9110, section 6.6.1: whole seconds)."""
        off, evidence = 0.0, []
        for each in await self.reached():
            if each.server_time is None or each.here is None:
                continue
            seconds = (each.here - each.server_time).total_seconds()
            evidence.append(
                f"{each.origin}: {when_exact(each.server_time, UTC)} UTC, this machine {seconds:+.0f} s"
            )
            off = max(off, abs(seconds))
        if not evidence:
            return note("No server reported its time.")
        hint = "Switch on time synchronisation: timedatectl set-ntp true"
        if off >= SKEW_PROBLEM:
            words = f"This machine's clock is {time_span(off)} off."
            return bad(words, *evidence, hint=hint, case=CaseId.CLOCK)
        if off >= SKEW_NOTE:
            words = f"This machine's clock is {count(round(off), 'second')} off."
            return note(words, *evidence, hint=hint, case=CaseId.CLOCK)
        return ok("The clock is right.", *evidence)


@dataclass(frozen=True)
class XpmListProbe:
    """Checks whether the login can read one of XPM's lists.

    ``ask`` returns the number of its records, and ``vital`` says that sync needs the list. Of the client
    list, only the changes of the last minute are requested.
    """

    list: str
    vital: bool
    ask: AsyncCall[int]
    seen: str = "records"
    needs: ClassVar[tuple[str, ...]] = ("permission",)

    @property
    def name(self) -> str:
        """Return the name, such as ``list-staff``."""
        return f"list-{self.list}"

    @property
    def title(self) -> str:
        """Return the title for users."""
        return f"XPM's list of {self.list}"

    async def check(self) -> Finding:
        """Read the list. One that the login may not read is only a note, unless sync needs it."""
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
