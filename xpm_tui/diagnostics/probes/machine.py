"""Probes of this machine: settings, disk, keyring, terminal, schedule and versions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from xpm_tui.diagnostics.findings import (
    Ask,
    Finding,
    FolderFacts,
    TerminalFacts,
    TimerFacts,
    bad,
    from_error,
    note,
    ok,
)
from xpm_tui.domain.errors import AppError, CaseId
from xpm_tui.domain.formatting import count, when_utc

MB = 1024 * 1024
LITTLE, TOO_LITTLE = 500 * MB, 20 * MB
"""Free bytes: below the first it is reported, below the second the next commit may fail."""


@dataclass(frozen=True)
class SettingsProbe:
    """Whether all settings are valid. ``problems`` are sentences with setting, value and place."""

    problems: tuple[str, ...]
    client_id: bool
    name: ClassVar[str] = "settings"
    title: ClassVar[str] = "Settings"
    needs: ClassVar[tuple[str, ...]] = ()

    async def look(self) -> Finding:
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
    """Whether there is free space, and whether folders can be written."""

    places: Callable[[], tuple[FolderFacts, ...]]
    name: ClassVar[str] = "disk"
    title: ClassVar[str] = "Disk"
    needs: ClassVar[tuple[str, ...]] = ()

    async def look(self) -> Finding:
        """Ask the system; nothing is written for this."""
        places = self.places()
        evidence = [_place(each) for each in places]
        for each in places:
            if each.error is not None:
                return from_error(each.error, *evidence)
        stuck = [each for each in places if not each.writable or each.free < TOO_LITTLE]
        if stuck:
            why = "is full" if stuck[0].writable else "cannot be written"
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
        if any(each.free < LITTLE for each in places):
            return note("Little space is left.", *evidence, case=CaseId.DISK)
        return ok("There is enough space.", *evidence)


def _place(each: FolderFacts) -> str:
    facts = [f"{each.free // MB:,} MB free", "" if each.writable else "not writable",
             f"on {each.remote}" if each.remote else "", "open to others" if each.shared else ""]  # fmt: skip
    return f"{each.name} {each.path}: {', '.join(filter(None, facts))}"


@dataclass(frozen=True)
class KeyringProbe:
    """How the saved login is protected. ``ask`` returns why the keyring cannot be used, or nothing."""

    wanted: bool
    where: Callable[[], str]
    ask: Ask[str]
    name: ClassVar[str] = "keyring"
    title: ClassVar[str] = "Keyring"
    needs: ClassVar[tuple[str, ...]] = ()

    async def look(self) -> Finding:
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
    """Whether the console can open here."""

    facts: TerminalFacts
    name: ClassVar[str] = "terminal"
    title: ClassVar[str] = "Terminal"
    needs: ClassVar[tuple[str, ...]] = ()

    async def look(self) -> Finding:
        """Report the terminal of this process."""
        seen = self.facts
        notes = [f"TERM: {seen.term or 'not set'}"]
        notes += [f"size: {seen.columns}x{seen.lines}"] if seen.columns else []
        notes.append(f"encoding: {seen.encoding or 'not known'}")
        notes += ["over SSH"] if seen.over_ssh else []
        if not (seen.stdin and seen.stdout):
            return note("Input or output is not a terminal: the console cannot open, commands work.", *notes,
                        case=CaseId.TERMINAL)  # fmt: skip
        if seen.term in ("", "dumb"):
            return note("The terminal is too limited for the console; commands work.", *notes,
                        case=CaseId.TERMINAL)  # fmt: skip
        if 0 < seen.columns < 80 or 0 < seen.lines < 24:
            return note("The terminal is smaller than 80x24.", *notes, case=CaseId.TERMINAL)
        return ok("The console can open here.", *notes)


@dataclass(frozen=True)
class LocaleProbe:
    """The language and encoding of this process. ``variables`` are those of the environment."""

    variables: Mapping[str, str]
    encoding: str
    name: ClassVar[str] = "locale"
    title: ClassVar[str] = "Language and encoding"
    needs: ClassVar[tuple[str, ...]] = ()

    async def look(self) -> Finding:
        """Report the variables, and whether texts are UTF-8."""
        evidence = [f"{name}: {value}" for name, value in self.variables.items()]
        evidence.append(f"encoding: {self.encoding or 'not known'}")
        if self.encoding.replace("-", "").casefold() not in ("utf8", ""):
            return note("This machine's encoding is not UTF-8, so some names cannot be printed.", *evidence,
                        hint="Set a UTF-8 locale: export LC_ALL=C.UTF-8", case=CaseId.TERMINAL)  # fmt: skip
        return ok("The encoding is UTF-8." if self.encoding else "No encoding is set.", *evidence)


@dataclass(frozen=True)
class ScheduleProbe:
    """Whether the daily run takes place."""

    read: Ask[TimerFacts]
    stale: int
    name: ClassVar[str] = "schedule"
    title: ClassVar[str] = "Daily sync"
    needs: ClassVar[tuple[str, ...]] = ()

    async def look(self) -> Finding:
        """Ask the system for its timer, and the store for the last successful sync."""
        facts = await self.read()
        notes = [*facts.notes]
        if facts.last is not None:
            notes.append(f"last successful sync: {when_utc(facts.last)}")
        if facts.skipped is not None:
            notes.append(f"skipped: {when_utc(facts.skipped)}")
        if facts.kind == "none":
            return note(
                "Nothing starts the daily run: xpm-tui can use neither systemd nor cron here.", *notes,
                hint=facts.hint, case=CaseId.SCHEDULE,
            )  # fmt: skip
        if not facts.installed:
            return note("The daily sync is not installed.", *notes, case=CaseId.SCHEDULE,
                        hint="Install it: xpm-tui schedule install")  # fmt: skip
        if facts.hours is not None and facts.hours > self.stale:
            return bad(f"There has been no successful sync for {count(round(facts.hours), 'hour')}.", *notes,
                       case=CaseId.SCHEDULE, hint="Sync now: xpm-tui sync")  # fmt: skip
        return ok(f"The daily sync is installed ({facts.kind}).", *notes)


@dataclass(frozen=True)
class VersionsProbe:
    """Versions of the program, the operating system and the terminal."""

    versions: Mapping[str, str]
    name: ClassVar[str] = "versions"
    title: ClassVar[str] = "Versions"
    needs: ClassVar[tuple[str, ...]] = ()

    async def look(self) -> Finding:
        """Report the versions."""
        lost = [name for name, version in self.versions.items() if not version]
        evidence = [f"{name} {version}" for name, version in self.versions.items() if version]
        if lost:
            return bad(f"A library is missing: {', '.join(lost)}.", *evidence, hint="Install xpm-tui again.")
        return ok("All libraries are installed.", *evidence)
