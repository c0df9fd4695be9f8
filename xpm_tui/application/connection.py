"""Connect a practice: one state machine for the console's wizard and for ``connect``.

Signing in is OAuth 2.0 with PKCE (RFC 6749, RFC 7636). Xero redirects the browser to a listener on this
machine, or the user pastes the address of that page. Nothing is stored until Xero has answered.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec

from xpm_tui.application.connection_steps import (
    Advice,
    Answer,
    ConnectionStep,
    Name,
    connection_draft,
    next_advice,
    skip,
    steps,
    store_answer,
)
from xpm_tui.application.practice import LISTS, OpenPractice, PracticeIdentity, put, read_identity
from xpm_tui.application.runs.xpm_refresh import RefreshResult, refresh
from xpm_tui.diagnostics.error_presenter import record_failure, record_symptom
from xpm_tui.domain.errors import (
    AppError,
    BadInput,
    BadReply,
    CaseId,
    DecisionNeeded,
    LoginNeeded,
    XeroUnreachable,
)
from xpm_tui.domain.events import Event, Report, ignore_progress
from xpm_tui.domain.identity import name_key
from xpm_tui.domain.plan import Direction, Level
from xpm_tui.domain.ports import Drop, Write
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.secret import Secret
from xpm_tui.domain.tables import CATEGORIES, JOBS, LOST_CLIENTS, META, MOVES, STAFF, TEMPLATES, XPM_CLIENTS
from xpm_tui.domain.xpm import Tenant
from xpm_tui.files.locks import find_lock_error
from xpm_tui.files.private import ensure_private
from xpm_tui.lazy import lazy_imports
from xpm_tui.sync.mirror import LISTED, NAMED_PEOPLE, QUARANTINED

with lazy_imports():
    import webbrowser

    from xpm_tui.application import xpm_access
    from xpm_tui.xero.auth import authorization, callback_listener

if TYPE_CHECKING:
    from xpm_tui.diagnostics.known_problems import Symptom
    from xpm_tui.domain.errors import KnownProblem
    from xpm_tui.xero.auth.authorization import Authorization

WAIT_SECONDS = 300.0
"""How long to wait for the browser."""

ErrorHandler = Callable[[AppError], None]


@dataclass(frozen=True)
class PendingLogin:
    """An attempt to sign in: the address to open and, over SSH, the command that forwards the answer."""

    url: str
    port: int
    ssh: str = ""


Switched = Literal["unknown", "yes", "no"]
"""Whether XPM is still switched on in Ignition."""


class ConnectionMachine:
    """Connects one practice step by step; answers are stored, so that it can be interrupted at any point.

    ``answered`` says that a valid answer to the sign-in has arrived, which nothing that follows can undo.
    """

    def __init__(self, practice: OpenPractice, environ: Mapping[str, str] | None = None) -> None:
        self.practice = practice
        self.tenants: tuple[Tenant, ...] = ()
        self._environ = os.environ if environ is None else environ
        self._attempt: Authorization | None = None
        self._answered: Authorization | None = None
        self._is_chosen = False
        self.answered = False
        self._pasted: asyncio.Queue[str | None] = asyncio.Queue()
        self._one_wait = asyncio.Lock()

    def steps(self) -> tuple[ConnectionStep, ...]:
        """Return all steps with their state, facts and what is missing."""
        return steps(self.practice, signed_in=bool(self.tenants) and not self._is_chosen)

    @property
    def now(self) -> Name | None:
        """Return the step to do next; None if there is none."""
        return next((step.name for step in self.steps() if step.state == "now"), None)

    def skip(self, name: Name, *, on: bool = True) -> None:
        """Skip a step, or resume it."""
        skip(self.practice, name, on=on)

    def permission(self, answer: Answer) -> Advice:
        """Store what the user sees in XPM, and return what to do next."""
        store_answer(self.practice, permission=answer)
        return next_advice(answer)

    def app(self, values: Mapping[str, str]) -> None:
        """Save the settings of the app (``xero.*``) for this practice. Raises ``BadInput``."""
        self.practice.writable()
        for key, text in values.items():
            if not key.startswith("xero."):
                raise BadInput(f"{visible(key, 60)} is not a setting of the app.")
            self.practice.settings.set(key, text, practice=True)

    def begin(self) -> PendingLogin:
        """Begin to sign in; another call begins again.

        Raises:
            BadInput: No app is set yet.
            DiskError: The login could not be saved, because this file system has no locks.
        """
        self.practice.writable()
        unusable = find_lock_error(ensure_private(self.practice.state))
        if unusable is not None:
            raise unusable
        config = xpm_access.wire_config(self.practice)
        self._attempt = authorization.begin(config).after(self._attempt)
        self.answered, self._answered = False, None
        self._pasted = asyncio.Queue()
        self.practice.events.emit(Event(key="connect.began"))
        return PendingLogin(
            self._attempt.url, config.redirect_port, _ssh_line(self._environ, config.redirect_port)
        )

    def is_cut(self, text: str) -> bool:
        """Return whether a text begins as the address of an answer, and is not one: it may go on."""
        attempt = self._attempt
        if attempt is None or not text.strip(" \t<\"'").startswith(attempt.redirect_uri):
            return False
        try:
            authorization.read_answer(text, attempt)
        except BadInput:
            return True
        except LoginNeeded:
            return False
        return False

    def paste(self, text: str | None) -> None:
        """Pass a pasted address to :meth:`wait`; None means that nothing more will come."""
        self._pasted.put_nowait(text)

    async def wait(
        self,
        *,
        on_error: ErrorHandler = lambda _: None,
        on_wrong_line: ErrorHandler | None = None,
        limit: float = WAIT_SECONDS,
    ) -> tuple[Tenant, ...]:
        """Wait for the browser and for pasted lines, sign in, and return the practices of the login.

        The first valid answer is exchanged, and the login is saved before anything is cleaned up, even if the
        wait is cancelled meanwhile.

        Args:
            on_error: Called with problems of the listener, after which the wait continues.
            on_wrong_line: Called with the error of an invalid pasted line; ``on_error`` by default.
            limit: The most seconds to wait.

        Raises:
            LoginNeeded: The user cancelled at Xero, Xero reported an error, or there was no answer.
            AccessDenied: The login has access to no practice.
            XeroError: The answer could not be exchanged.
        """
        if self._attempt is None or self._attempt.is_used:
            self.begin()
        attempt = self._attempt
        assert attempt is not None
        practice = self.practice

        async def on_code(code: Secret) -> None:
            answered = self._answered or attempt
            async with practice.wire() as wire:
                try:
                    await wire.login.redeem(answered, code)
                except (XeroUnreachable, BadReply):
                    raise  # Xero has not used the code, so the same address may still work
                except AppError:
                    self._mark_used(answered)
                    raise
                self._mark_used(answered)
                self.tenants = tuple(await wire.connections.tenants())
                self._is_chosen = False

        try:
            async with self._one_wait:  # the previous listener still holds the port while it is closed
                await callback_listener.wait_for_code(
                    attempt,
                    port=practice.settings.number("xero.redirect_port"),
                    paste=self._pasted.get,
                    on_error=on_error,
                    clock=practice.clock,
                    limit=limit,
                    on_wrong_line=on_wrong_line,
                    on_code=on_code,
                    on_answer=self._on_answer,
                )
        except AppError as error:
            record_failure(practice.events, "connect", error)
            raise
        practice.events.emit(Event(key="connect.signed_in", numbers={"tenants": len(self.tenants)}))
        return self.tenants

    def _mark_used(self, attempt: Authorization) -> None:
        if self._attempt is not None:
            self._attempt = self._attempt.mark_used(attempt)

    def _on_answer(self, attempt: Authorization) -> None:
        self.answered, self._answered = True, self._answered or attempt

    async def choose(self, tenant: str = "", *, confirm: str = "") -> PracticeIdentity:
        """Connect the practice with the id ``tenant``, or the only one.

        Raises:
            DecisionNeeded: Several practices are possible, or it is another practice than before and
                ``confirm`` is neither its name nor the last six characters of its id.
        """
        practice = self.practice
        practice.writable()
        chosen = self._chosen(tenant)
        before = read_identity(practice.snapshot())
        other = before is not None and before.tenant != chosen.tenant_id
        if before is not None and other and not _confirms(chosen, confirm):
            raise DecisionNeeded(
                f"This folder belongs to {visible(before.title, 80)}; {_named(chosen)} is another practice.",
                hint=f"To change to it, confirm with its name or {chosen.tenant_id[-6:]}. To keep both, "
                "add it as another practice: xpm-tui practices add NAME",
                case=CaseId.WRONG_PRACTICE,
            )
        async with practice.wire() as wire:
            saved = wire.tokens.saved()
        identity = PracticeIdentity(
            tenant=chosen.tenant_id,
            title=chosen.name or chosen.tenant_id,
            connection=chosen.connection_id,
            since=practice.clock.now(),
            by=practice.person,
            login=saved.person if saved else "",
            scopes=" ".join(sorted(saved.scopes)) if saved else "",
            api=practice.settings.text("xero.api_url"),
        )
        draft = connection_draft(practice)
        titles = {**draft.titles, identity.tenant: identity.title}
        if before is not None:
            titles.setdefault(before.tenant, before.title)
        draft = msgspec.structs.replace(draft, titles=titles)
        writes: list[Write] = [put("identity", identity), put("wizard", draft)]
        if before is not None and other:
            writes += _forget_mirror(practice)
            numbers = {"tenant": identity.tenant, "before": before.tenant}
            practice.events.emit(Event(key="connect.changed", level="warning", numbers={**numbers}))
        practice.store.commit(writes)
        self._is_chosen = True
        practice.events.emit(Event(key="connect.chosen", numbers={"tenant": identity.tenant}))
        return identity

    def direction(self, direction: Direction, level: Level) -> None:
        """Set which side is the master, and what to sync."""
        self.practice.writable()
        for key, text in (("sync.direction", direction), ("sync.level", level)):
            if self.practice.settings.text(key) != text:
                self.practice.settings.set(key, text, practice=True)
        store_answer(self.practice, settled=tuple({*connection_draft(self.practice).settled, "direction"}))
        self.practice.events.emit(Event(key="policy.set", numbers={"direction": direction, "level": level}))

    async def fill(self, *, report: Report = ignore_progress) -> RefreshResult:
        """Read XPM's lists for the first time."""
        return await refresh(self.practice, full=True, report=report)

    def _chosen(self, tenant: str) -> Tenant:
        if not self.tenants:
            raise LoginNeeded("Nobody has signed in yet.", hint="Sign in first: xpm-tui connect")
        if not tenant:
            if len(self.tenants) == 1:
                return self.tenants[0]
            raise DecisionNeeded(
                "The login has access to several practices: " + "; ".join(map(_named, self.tenants)) + ".",
                hint="Choose one: xpm-tui connect --tenant ID",
                case=CaseId.SECOND_PRACTICE,
            )
        for each in self.tenants:
            if tenant.strip().lower() in (each.tenant_id.lower(), each.connection_id.lower()):
                return each
        raise BadInput(
            f"This login has no access to a practice with the id {visible(tenant, 60)}.",
            hint="It has access to: " + "; ".join(map(_named, self.tenants)),
        )

    def record_symptom(self, symptom: Symptom) -> KnownProblem | None:
        """Record what the user sees while no answer comes, and return the known problem."""
        return record_symptom(self.practice.events, symptom)


async def disconnect(practice: OpenPractice, *, everything: bool = False) -> str:
    """Disconnect the practice, or with ``everything`` revoke the login; return a sentence on the result.

    The data on both sides stays. Raises ``XeroError`` if a call to Xero fails.
    """
    practice.writable()
    identity = practice.connected()
    async with practice.wire() as wire:
        if everything:
            await wire.login.revoke()
        else:
            await wire.connections.disconnect(identity.connection)
            await wire.tokens.forget()
    practice.store.commit([put("identity", msgspec.structs.replace(identity, ended=practice.clock.now()))])
    practice.events.emit(Event(key="connect.revoked" if everything else "connect.ended"))
    if everything:
        return "The login was revoked: every practice that used it is disconnected."
    return f"{visible(identity.title, 80)} is disconnected. Clients, links and history are kept."


def open_browser(url: str) -> bool:
    """Open a browser window on a desktop; a text browser would take over this terminal."""
    here = sys.platform == "darwin" or "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ
    if not here or "SSH_CONNECTION" in os.environ:
        return False

    try:
        return webbrowser.open(url)
    except (webbrowser.Error, OSError):
        return False


def _ssh_line(environ: Mapping[str, str], port: int) -> str:
    """Return the ``ssh`` command that forwards the browser's answer to this machine; empty without SSH."""
    address = _ssh_address(environ)
    if address is None:
        return ""
    user, host, ssh_port = address
    port_option = f"-p {ssh_port} " if ssh_port != "22" else ""
    return visible(f"ssh -L {port}:localhost:{port} {port_option}{user}@{host}", 200)


def copy_line(environ: Mapping[str, str], file: str) -> str:
    """Return the ``scp`` command that copies a file to this machine; empty without SSH."""
    address = _ssh_address(environ)
    if address is None:
        return ""
    user, host, ssh_port = address
    port_option = f"-P {ssh_port} " if ssh_port != "22" else ""
    host = f"[{host}]" if ":" in host else host
    return visible(f"scp {port_option}{file} {user}@{host}:", 200)


def _ssh_address(environ: Mapping[str, str]) -> tuple[str, str, str] | None:
    """Return the account, address and port by which this machine was reached over SSH."""
    parts = environ.get("SSH_CONNECTION", "").split()
    if len(parts) != 4:
        return None
    user = environ.get("LOGNAME") or environ.get("USER") or "USER"
    return user, parts[2], parts[3]


def _named(tenant: Tenant) -> str:
    return f"{visible(tenant.name, 80)} ({tenant.tenant_id})" if tenant.name else tenant.tenant_id


def _confirms(tenant: Tenant, typed: str) -> bool:
    text = typed.strip().lower()
    if not text:
        return False
    is_name = bool(tenant.name) and name_key(text) == name_key(tenant.name or "")
    return is_name or text in (tenant.tenant_id.lower()[-6:], tenant.tenant_id.lower())


def _forget_mirror(practice: OpenPractice) -> list[Write]:
    """Return the writes that delete the mirror of another practice; links stay, and are shown as gone."""
    snapshot = practice.snapshot()
    facts = [LISTED, NAMED_PEOPLE, *(f"{kind}{name}" for name in LISTS for kind in ("list:", QUARANTINED))]
    writes: list[Write] = [Drop(META, fact) for fact in facts]
    for table in (XPM_CLIENTS, STAFF, TEMPLATES, CATEGORIES, JOBS, MOVES, LOST_CLIENTS):
        writes += [Drop(table, id_) for id_ in snapshot.ids(table)]
    return writes
