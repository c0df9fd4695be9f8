"""The target of the doctor, and the facts that its probes need about this machine, the login and the store.

The target is a practice, even one whose store or settings cannot be opened. Everything here only reads.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import platform
import shutil
import socket
import stat
import sys
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sized
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from xpm_tui import __version__
from xpm_tui.application.home import STORE_FOLDER, Home, practices
from xpm_tui.application.home import person as person_here
from xpm_tui.application.practice import (
    OpenPractice,
    PracticeIdentity,
    find_practice,
    list_state,
    open_practice,
    practice_settings,
)
from xpm_tui.application.runs import history
from xpm_tui.application.runs.plans import latest_plan
from xpm_tui.application.runs.unattended_runs import skipped_day
from xpm_tui.application.team.queries import find_connector
from xpm_tui.application.timer import Scheduler
from xpm_tui.diagnostics.findings import (
    FolderFacts,
    LoginFacts,
    PersonFacts,
    TerminalFacts,
    TimerFacts,
    UnavailableProbe,
)
from xpm_tui.diagnostics.store_probes import LockHolder
from xpm_tui.domain.errors import AppError
from xpm_tui.domain.ports import Clock
from xpm_tui.domain.runs import Intent
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.shared_state import SharedState
from xpm_tui.files.locks import find_lock_error, lock_owner
from xpm_tui.files.machine import SystemClock
from xpm_tui.files.private import check_chain, network_file_system
from xpm_tui.lazy import lazy_imports
from xpm_tui.log.event_log import EventLog
from xpm_tui.settings.store import Settings
from xpm_tui.sync.journal import unanswered

with lazy_imports():
    from xpm_tui.xero.auth import token_store as encryption_keys
    from xpm_tui.xero.client import environment

if TYPE_CHECKING:
    from xpm_tui.xero.auth.token_store import SavedLogin
    from xpm_tui.xero.client.environment import NetworkEnvironment
    from xpm_tui.xero.wiring import Wire


LIBRARIES = (
    "textual", "httpx", "authlib", "tinydb", "lxml", "rapidfuzz", "msgspec", "tomlkit", "keyring",
    "cryptography", "filelock", "click", "platformdirs",
)  # fmt: skip


_LOCALE = ("LANG", "LANGUAGE", "TZ", "PYTHONUTF8", "PYTHONIOENCODING")


class Machine:
    """This machine; tests replace it."""

    async def addresses(self, host: str, port: int) -> tuple[str, ...]:
        """Return the addresses of a host. Raises ``OSError`` if the name is unknown."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return tuple(dict.fromkeys(str(each[4][0]) for each in found))

    def proxies(self) -> Mapping[str, str]:
        """Return the proxies of the environment, without names and passwords."""
        found = self.network().proxies()
        return {
            name.lower().removesuffix("_proxy"): without_credentials(value) for name, value in found.items()
        }

    def network(self) -> NetworkEnvironment:
        """Return the variables of this process for proxies and certificates."""
        return environment.NetworkEnvironment()

    def place(self, name: str, folder: Path) -> FolderFacts:
        """Return the state of one of our folders, or of its nearest existing parent."""
        existing = folder
        while not existing.exists() and existing != existing.parent:
            existing = existing.parent
        return FolderFacts(
            name=name,
            path=str(folder),
            free=shutil.disk_usage(existing).free,
            writable=os.access(existing, os.W_OK | os.X_OK),
            remote=network_file_system(existing),
            shared=existing == folder and bool(stat.S_IMODE(existing.stat().st_mode) & 0o077),
            error=find_lock_error(existing) or _unsafe(existing),
        )

    def holders(self, locks: Mapping[str, Path]) -> tuple[LockHolder, ...]:
        """Return the locks that are held, and by whom."""
        found = {what: lock_owner(path) for what, path in locks.items()}
        return tuple(LockHolder(what, each.words(), each.since) for what, each in found.items() if each)

    def terminal(self, environ: Mapping[str, str]) -> TerminalFacts:
        """Return the state of this process's streams."""
        size = shutil.get_terminal_size((0, 0))
        return TerminalFacts(
            stdin=_is_terminal(0),
            stdout=_is_terminal(1),
            term=environ.get("TERM", ""),
            columns=size.columns,
            lines=size.lines,
            encoding=getattr(sys.stdout, "encoding", "") or "",
            over_ssh="SSH_CONNECTION" in environ,
        )

    def locale(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return the environment variables for language, encoding and time zone."""
        names = sorted(name for name in environ if name in _LOCALE or name.startswith("LC_"))
        return {name: visible(environ[name], 200) for name in names}

    def encoding(self) -> str:
        """Return the text encoding of this process's locale."""
        return getattr(sys.stdout, "encoding", "") or ""

    async def keyring(self, name: str) -> str:
        """Return why the keyring cannot be used, or an empty text. It takes five seconds at most."""
        try:
            await asyncio.to_thread(encryption_keys.KeyringKey(name).read)
        except encryption_keys.KeyringError as error:
            return str(error)
        return ""

    def versions(self) -> Mapping[str, str]:
        """Return the versions of xpm-tui, Python, the system and the libraries; empty for a missing one."""
        found = {
            "xpm-tui": __version__,
            "Python": platform.python_version(),
            platform.system(): platform.release(),
        }
        for name in LIBRARIES:
            try:
                found[name] = importlib.metadata.version(name)
            except importlib.metadata.PackageNotFoundError:
                found[name] = ""
        return found


def _unsafe(folder: Path) -> AppError | None:
    """Return why other accounts could replace the contents of a folder; None if they could not."""
    try:
        check_chain(folder)
    except AppError as unsafe:
        return unsafe
    return None


def without_credentials(address: str) -> str:
    """Return a proxy's address without name and password."""
    return environment.masked(address).replace(environment.MASK, "").rstrip("/")


def _is_terminal(fd: int) -> bool:
    try:
        return os.isatty(fd)
    except OSError:
        return False


class Resolve:
    """Resolves one name when it is called."""

    def __init__(self, machine: Machine, host: str, port: int) -> None:
        self._machine, self._host, self._port = machine, host, port

    async def __call__(self) -> tuple[str, ...]:
        """Return the addresses of the host."""
        return await self._machine.addresses(self._host, self._port)


def skip_probe(kind: Any, why: str) -> UnavailableProbe:
    """Return a probe of that kind that reports only why it is skipped."""
    return UnavailableProbe(kind.name, kind.title, why, kind.needs)


def count_results(ask: Callable[[], Awaitable[Sized]]) -> Callable[[], Awaitable[int]]:
    """Return a function that returns the length of the result of ``ask``."""

    async def count() -> int:
        return len(await ask())

    return count


def person_facts(practice: OpenPractice) -> PersonFacts:
    """Return who connected, compared with the mirror of XPM's staff."""
    snapshot = practice.snapshot()
    identity, seen = practice.identity(), list_state(snapshot, "staff").full
    if identity is None or identity.ended is not None:
        return PersonFacts(unknown="No practice is connected.")
    if not identity.login:
        return PersonFacts(unknown="The login does not show who connected.")
    found = find_connector(snapshot)
    if found is None:
        return PersonFacts(unknown="XPM's staff have not been read yet: the first plan reads them.")
    return PersonFacts(
        login=found.login, gone=found.state == "gone", records=len(found.staff), read=seen,
        sentence=found.sentence, hint=found.hint,
    )  # fmt: skip


async def count_none() -> int:
    """Return 0, for a list that is not read."""
    return 0


def saved_login(subject: DoctorTarget, name: str) -> SavedLogin | None:
    """Return the stored login of a practice of this account; None if there is none or it cannot be read."""
    config, _, state = subject.home.practice(name)
    login_store = encryption_keys.TokenStore(
        state, config_folder=config, use_keyring=subject.home.default, environ=subject.environ
    )
    try:
        return login_store.read()
    except AppError:
        return None


def login_facts(wire: Wire, subject: DoctorTarget) -> LoginFacts:
    """Return what may be shown of the stored login. Raises ``LoginNeeded`` if it cannot be opened."""
    state, saved = wire.tokens.state(), wire.tokens.saved()
    if saved is None:
        return LoginFacts(state=state, where=wire.tokens.where())
    others: list[SavedLogin] = []
    if state != "good":
        # Only in this case, because each login may be in a slow keyring.
        found = (saved_login(subject, name) for name in practices(subject.home) if name != subject.name)
        others = [each for each in found if each is not None]
    return LoginFacts(
        state=state,
        where=wire.tokens.where(),
        person=saved.person,
        scopes=saved.scopes,
        expires=saved.expires_at,
        renewed=saved.renewed_at,
        refused=saved.refused_at,
        others=len(others),
        others_refused=sum(each.refused_at is not None for each in others),
    )


def granted_scopes(wire: Wire, identity: PracticeIdentity | None) -> Collection[str]:
    """Return the scopes that Xero granted, from the stored login or from when the practice connected."""
    saved = wire.tokens.saved()
    if saved is not None and saved.scopes:
        return saved.scopes
    return identity.scopes.split() if identity is not None else ()


def open_intents(practice: OpenPractice) -> tuple[Intent, ...]:
    """Return the writes to XPM that have no outcome yet."""
    return tuple(unanswered(practice.snapshot()))


def running_run(practice: OpenPractice) -> str:
    """Return the id of the run in progress; empty if there is none."""
    run = history.current_run(practice)
    return run.id if run is not None else ""


def draft_facts(practice: OpenPractice) -> tuple[str, bool, bool] | None:
    """Return the id of the current draft, and whether practice and policy are still those of the draft."""
    found, identity = latest_plan(practice), practice.identity()
    if found is None or found.state != "draft":
        return None
    same = identity is not None and found.tenant == identity.tenant
    return found.id, same, found.policy == practice.policy().hash


async def timer_facts(practice: OpenPractice) -> TimerFacts:
    """Return the state of the timer and of the last successful sync."""
    good = history.last_successful_sync(history.list_runs(practice))
    last = good.ended if good is not None else None
    skipped = skipped_day(practice.snapshot())
    try:
        timer = await asyncio.to_thread(lambda: Scheduler(practice).show())
        timer_state = TimerFacts(kind=timer.kind, installed=timer.installed, notes=timer.notes)
    except AppError as error:
        timer_state = TimerFacts(kind="none", installed=False, hint=error.hint, notes=(error.message,))
    return msgspec.structs.replace(
        timer_state,
        last=last,
        hours=(practice.clock.now() - last).total_seconds() / 3600 if last else None,
        skipped=skipped.started if skipped else None,
    )


@dataclass
class DoctorTarget:
    """The practice that the probes examine; ``practice`` is None and ``why`` set if it cannot be opened."""

    home: Home
    name: str
    settings: Settings
    config: Path
    data: Path
    state: Path
    clock: Clock
    person: str
    environ: Mapping[str, str]
    transport: Any
    events: EventLog
    practice: OpenPractice | None = None
    why: AppError | None = None

    @property
    def shared(self) -> SharedState | None:
        """Return what the machines of the practice share; None if there is one machine."""
        return self.practice.shared if self.practice else None

    def notice(self, error: AppError) -> None:
        """Ignore the notice, because a probe reports the problem."""


@contextmanager
def open_target(
    home: Home,
    name: str = "",
    *,
    person: str = "",
    overrides: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
    clock: Clock | None = None,
    transport: Any = None,
) -> Iterator[DoctorTarget]:
    """Open what can be opened, for reading only, and close it after the block.

    Settings that cannot be used are skipped, so that the doctor can report them. Raises ``NotFound`` and
    ``BadInput``.
    """
    environ = os.environ if environ is None else environ
    clock = clock or SystemClock()
    person = person or person_here(None, environ)
    chosen = find_practice(home, name or None)
    config, data, state = home.practice(chosen)
    settings = practice_settings(home, chosen, environ=environ, overrides=overrides)
    practice, why = None, None
    if (data / STORE_FOLDER).exists() or settings.secret("store.url"):
        try:
            practice = open_practice(
                home, chosen, person=person, read_only=True, overrides=overrides, environ=environ,
                clock=clock, transport=transport, lenient=True,
            )  # fmt: skip
        except AppError as error:
            why = error
    events = practice.events if practice else EventLog(state / "log", clock, person)
    try:
        yield DoctorTarget(
            home, chosen, settings, config, data, state, clock, person, environ, transport, events,
            practice, why,
        )  # fmt: skip
    finally:
        events.close()
        if practice is not None:
            practice.close()


def of_practice(practice: OpenPractice) -> DoctorTarget:
    """Return an open practice as a target, for the console."""
    return DoctorTarget(
        practice.home, practice.name, practice.settings, practice.config, practice.data, practice.state,
        practice.clock, practice.person, practice.environ, practice.transport, practice.events, practice,
    )  # fmt: skip
