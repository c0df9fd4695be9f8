"""Probes of the login, its scopes, the connected practice and the calls left."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import ClassVar

from xpm_tui.diagnostics.findings import (
    AsyncCall,
    Finding,
    LoginFacts,
    PersonFacts,
    bad,
    from_error,
    note,
    ok,
    skipped,
)
from xpm_tui.domain.errors import AccessDenied, CaseId, ScopeMissing
from xpm_tui.domain.formatting import count, size, when_utc
from xpm_tui.domain.ports import Allowance
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.xpm import Tenant

FEW_CALLS = 100
"""If fewer calls than this are left today, a note is made."""


def _quoted(name: str) -> str:
    """Return a name that only Xero knows, such as that of another practice, quoted so that it is masked."""
    return '"' + " ".join(name.replace('"', "'").split()) + '"'


@dataclass(frozen=True)
class TokenProbe:
    """Checks whether there is a login that can be decrypted; nothing is sent, renewed or written."""

    read: Callable[[], LoginFacts]
    name: ClassVar[str] = "login"
    title: ClassVar[str] = "The login"
    needs: ClassVar[tuple[str, ...]] = ()

    async def check(self) -> Finding:
        """Decrypt the login."""
        facts = self.read()
        evidence = [f"stored in: {facts.where}"]
        for name, at in (
            ("signed in or renewed", facts.renewed),
            ("valid until", facts.expires),
            ("refused", facts.refused),
        ):
            if at is not None:
                evidence.append(f"{name}: {when_utc(at)}")
        if facts.person:
            evidence.append(f"signed in at Xero: {facts.person}")
        if facts.state == "none":
            return bad(
                "There is no login here.",
                *evidence,
                hint="Run: xpm-tui connect",
                case=CaseId.NOT_CONNECTED,
                exit_code=3,
            )
        if facts.state != "good" and facts.others:
            evidence.append(
                f"other practices here with a login: {facts.others}, refused: {facts.others_refused}"
            )
        if facts.state != "good" and 0 < facts.others == facts.others_refused:
            return bad(
                "Xero no longer accepts the login of any practice here.",
                *evidence,
                hint="Sign in again with each: xpm-tui connect",
                case=CaseId.MASS_OUTAGE,
                exit_code=3,
            )
        if facts.state != "good":
            return bad(
                "Xero no longer accepts the login.",
                *evidence,
                hint="Sign in again: xpm-tui connect",
                case=CaseId.NEEDS_RECONNECT,
                exit_code=3,
            )
        return ok("There is a login, and it works.", *evidence)


@dataclass(frozen=True)
class ScopesProbe:
    """Checks whether all requested scopes were granted."""

    asked: Collection[str]
    given: Callable[[], Collection[str]]
    name: ClassVar[str] = "scopes"
    title: ClassVar[str] = "What the login may do"
    needs: ClassVar[tuple[str, ...]] = ("login",)

    async def check(self) -> Finding:
        """Compare the granted scopes with the requested ones."""
        given = set(self.given())
        evidence = [f"granted: {' '.join(sorted(given)) or 'not known'}"]
        missing = sorted(set(self.asked) - given) if given else []
        if missing:
            evidence.append(f"requested but not granted: {' '.join(missing)}")
        if given and "offline_access" not in given:
            return note(
                "The login cannot be renewed: it ends after half an hour.",
                *evidence,
                hint="Ask for offline_access (every preset does) and connect again.",
                case=CaseId.SCOPE_MISSING,
            )
        if missing:
            return note(
                "The settings ask for more permissions than the login has.",
                *evidence,
                hint="Connect again to get them: xpm-tui connect",
                case=CaseId.SCOPE_MISSING,
            )
        if given and not given & {"practicemanager", "practicemanager.read"}:
            return ok("All requested permissions were granted.", *evidence,
                      "granular scopes alone may not list job templates and categories")  # fmt: skip
        return ok("All requested permissions were granted.", *evidence)


@dataclass(frozen=True)
class ConnectionsProbe:
    """Checks which practices the login can access, with one call, which counts for no practice."""

    tenants: AsyncCall[list[Tenant]]
    known: bool
    name: ClassVar[str] = "connections"
    title: ClassVar[str] = "Practices of the login"
    needs: ClassVar[tuple[str, ...]] = ("tls", "login")

    async def check(self) -> Finding:
        """List the practices. If there is none, a connected practice was disconnected."""
        try:
            found = await self.tenants()
        except AccessDenied as denied:
            return from_error(denied, case=CaseId.DISCONNECTED if self.known else None)
        evidence = [f"{_quoted(each.name) if each.name else 'no name'} ({each.tenant_id})" for each in found]
        return ok(f"The login has access to {count(len(found), 'practice')} in XPM.", *evidence)


@dataclass(frozen=True)
class PracticeProbe:
    """Checks whether this practice is among those that the login can access."""

    tenant: str
    title_before: str
    connected_at: str
    api_now: str
    tenants: AsyncCall[list[Tenant]]
    name: ClassVar[str] = "practice"
    title: ClassVar[str] = "The practice"
    needs: ClassVar[tuple[str, ...]] = ("connections",)

    async def check(self) -> Finding:
        """Compare the ids of practices, because names may change."""
        if not self.tenant:
            return bad(
                "There is a login, but no practice was chosen.",
                hint="Run: xpm-tui connect",
                case=CaseId.NOT_CONNECTED,
                exit_code=3,
            )
        evidence = [f"connected: {self.title_before} ({self.tenant})"]
        if self.connected_at and self.connected_at != self.api_now:
            return bad(
                f"It was connected at {self.connected_at}, but xero.api_url is now {self.api_now}.",
                *evidence,
                hint="Set the address back, or connect again: xpm-tui connect",
                case=CaseId.PRACTICE_CHANGED,
                exit_code=3,
            )
        here = next((each for each in await self.tenants() if each.tenant_id == self.tenant), None)
        if here is None:
            return bad(
                "The practice is no longer connected at Xero.",
                *evidence,
                hint="Someone disconnected it there. Connect again: xpm-tui connect",
                case=CaseId.DISCONNECTED,
                exit_code=3,
            )
        if here.name and here.name != self.title_before:
            return note("The practice now has another name at Xero.", *evidence, f"now: {_quoted(here.name)}")
        return ok("The practice is connected.", *evidence)


@dataclass(frozen=True)
class PermissionProbe:
    """Checks whether the user who connected may use XPM through the API, found out with the first call."""

    first: AsyncCall[int]
    name: ClassVar[str] = "permission"
    title: ClassVar[str] = "The permission in XPM"
    needs: ClassVar[tuple[str, ...]] = ("practice",)

    async def check(self) -> Finding:
        """Make the call; errors other than a missing permission are reported by probes of their own."""
        try:
            await self.first()
        except AccessDenied as denied:
            # The practice is connected, so the cause can only be the user.
            finding = from_error(denied)
            return bad(
                "The practice is connected, but XPM denies access to the person who connected.",
                *finding.evidence,
                hint="The permission was removed, or the person left. Restore it, or connect as someone "
                "else.",
                case=CaseId.NO_PERMISSION,
                exit_code=finding.exit_code,
            )
        except ScopeMissing:
            return ok("XPM answers this login; the list that it may not read is named below.")
        return ok("XPM answers this login.")


@dataclass(frozen=True)
class ConnectorProbe:
    """Checks whether the user who connected is still in XPM: the connection ends with their staff record.

    Uses the list that the last plan or run read; another probe reads the list itself.
    """

    read: Callable[[], PersonFacts]
    name: ClassVar[str] = "person"
    title: ClassVar[str] = "The person who connected"
    needs: ClassVar[tuple[str, ...]] = ()

    async def check(self) -> Finding:
        """Report a person who has left as a note: it becomes a problem only when the login ends."""
        facts = self.read()
        if facts.unknown:
            return skipped(facts.unknown)
        evidence = [
            f"signed in at Xero: {facts.login}",
            f"XPM staff who may be this person: {facts.records}",
        ]
        if facts.read is not None:
            evidence.append(f"XPM's staff list, as of: {when_utc(facts.read)}")
        if facts.sentence:
            return note(facts.sentence, *evidence, hint=facts.hint, case=CaseId.CONNECTING_PERSON)
        return ok(
            f"{visible(facts.login, 80)}, who connected this practice, is among XPM's staff.", *evidence
        )


@dataclass(frozen=True)
class AllowanceProbe:
    """Checks how many calls are left according to the answers so far, without a call."""

    read: Callable[[], Allowance]
    name: ClassVar[str] = "allowance"
    title: ClassVar[str] = "Calls left"
    needs: ClassVar[tuple[str, ...]] = ()

    async def check(self) -> Finding:
        """Read the rate limiter."""
        left = self.read()
        day = "not known yet" if left.day_left is None else f"{left.day_left:,}"
        evidence = [f"this minute: {left.minute_left}", f"today: {day}"]
        evidence.append(
            f"received: {size(left.received_today)} today, {size(left.received_month)} this month"
        )
        if left.day_limit:
            evidence.append(f"per day: {left.day_limit:,}")
        if left.until is not None or left.day_left == 0:
            at = f" until {when_utc(left.until)}" if left.until else ""
            return bad(
                f"The calls of the day are used up{at}.",
                *evidence,
                hint="A run then continues where it stopped.",
                case=CaseId.DAY_LIMIT,
                exit_code=6,
            )
        if left.minute_left <= 0:
            return note("The calls of this minute are used up. More are available soon.", *evidence,
                        case=CaseId.RATE_LIMITED)  # fmt: skip
        if left.day_left is not None and left.day_left < FEW_CALLS:
            return note("Few calls of the day are left.", *evidence, case=CaseId.DAY_LIMIT)
        return ok("Enough calls are left.", *evidence)
