"""The current login, renewed by one task of one process at a time; new tokens are saved before they are used.

Xero rotates the refresh token at every renewal and accepts the previous one for another 30 minutes. A renewal
whose answer was lost is therefore repeated with the old token, and a login is lost only when Xero has refused
it twice. A refused login is kept and marked: needing a login is a state.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from datetime import timedelta
from typing import Literal, Protocol

import msgspec

from xpm_tui.domain.errors import Busy, CaseId, LoginNeeded, XeroUnreachable
from xpm_tui.domain.events import Event
from xpm_tui.domain.ports import Clock, EventSink
from xpm_tui.domain.secret import Secret
from xpm_tui.domain.shared_state import RunLock
from xpm_tui.xero.auth.authorization import Grant
from xpm_tui.xero.auth.token_store import SavedLogin, TokenStore
from xpm_tui.xero.config import WireConfig

LoginState = Literal["none", "good", "needed"]

GRACE = timedelta(minutes=30)
"""How long Xero accepts the previous refresh token (Xero's OAuth 2.0 pages: grace period)."""

MARGIN = timedelta(seconds=120)
"""How long before its expiry a token is renewed."""

_LOCK_SECONDS = 90.0
_LOCK_POLL = 0.05
_TRIES = 3


class TokenRenewer(Protocol):
    """The part of the token endpoint that renewals need."""

    async def refresh(self, refresh: Secret) -> Grant:
        """Renew the tokens.

        Raises:
            LoginNeeded: The refresh token is refused.
            XeroError: Xero cannot be reached, or another error.
        """


class LoginSession:
    """The only source of bearer tokens."""

    def __init__(
        self,
        login_store: TokenStore,
        endpoint: TokenRenewer,
        config: WireConfig,
        *,
        clock: Clock,
        events: EventSink,
        person: str = "",
        jitter: random.Random | None = None,
    ) -> None:
        self._login_store = login_store
        self._endpoint = endpoint
        self._config = config
        self._clock = clock
        self._events = events
        self._jitter = jitter or random.Random()
        self._person = person
        self._renewal_lock: RunLock | None = None
        self._task_lock = asyncio.Lock()
        self._current: SavedLogin | None = None
        self._unsaved: SavedLogin | None = None
        self._replaced: Secret | None = None
        self._renewal: asyncio.Task[SavedLogin] | None = None

    def state(self) -> LoginState:
        """Return whether there is a login; ``needed`` means that Xero has refused it. Only a file is read."""
        saved = self.saved()
        if saved is None or not self._is_ours(saved):
            return "none"
        return "needed" if saved.refused_at is not None else "good"

    def saved(self) -> SavedLogin | None:
        """Return the saved login, for its user, scopes and dates; the tokens are not shown."""
        return self._unsaved if self._is_unsaved() else self._login_store.read()

    def where(self) -> str:
        """Return where the login is stored and how it is protected."""
        return self._login_store.where()

    async def access(self, stale: Secret | None = None) -> Secret:
        """Return a bearer token that is valid for at least two minutes, except ``stale``, which Xero refused.

        Raises:
            LoginNeeded: There is no login.
            XeroUnreachable: The login cannot be renewed now.
            DiskError: New tokens cannot be saved.
            Busy: Another process holds the lock.
        """
        saved = self._current
        if saved is not None and self._is_valid(saved, stale):
            return saved.access
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.create_task(self._renew(stale))
            self._renewal.add_done_callback(_retrieve_exception)
        # Closing a screen must not cancel a renewal halfway, which would lose the new tokens.
        return (await asyncio.shield(self._renewal)).access

    async def keep_alive(self, days: float = 7.0) -> bool:
        """Renew the login if it is ``days`` old (it expires after 60 idle days); return whether it was."""
        saved = self.saved()
        if saved is None or self._clock.now() - saved.renewed_at < timedelta(days=days):
            return False
        await self.access(stale=saved.access)
        return True

    async def keep(self, grant: Grant) -> None:
        """Save the tokens of a sign-in; they replace the previous login."""
        await self._acquire_lock()
        try:
            self._save(self._from(grant, None))
        finally:
            self._release_lock()

    async def forget(self) -> None:
        """Remove the login from this machine, as the user has asked."""
        await self._acquire_lock()
        try:
            self._login_store.forget()
            self._current = self._unsaved = None
        finally:
            self._release_lock()

    async def aclose(self) -> None:
        """Wait for a renewal in progress."""
        if self._renewal is not None and not self._renewal.done():
            with suppress(Exception):
                await asyncio.shield(self._renewal)
        if self._renewal_lock is not None:
            self._renewal_lock.close()

    # -- one renewal -------------------------------------------------------------------------------------

    async def _renew(self, stale: Secret | None) -> SavedLogin:
        await self._acquire_lock()
        try:
            saved = self._stored()
            if self._is_valid(saved, stale):
                self._current = saved
                return saved
            if not saved.refresh:
                raise _login_needed(
                    "The login has expired, and it was made without offline_access, so it cannot be renewed."
                )
            if saved.refused_at is not None and self._clock.now() - saved.refused_at < timedelta(minutes=1):
                raise _login_needed("Xero no longer accepts the login.")
            grant = await self._renewed(saved)
            self._save(self._from(grant, saved))
            self._events.emit(Event(key="token.refreshed", level="debug"))
            assert self._current is not None
            return self._current
        finally:
            self._release_lock()

    def _stored(self) -> SavedLogin:
        if self._unsaved is not None and self._is_unsaved():
            # The disk refused the new tokens before: they must be stored before anything else happens.
            self._save(self._unsaved)
        self._unsaved = None
        saved = self._login_store.read()
        if saved is None:
            raise _login_needed("There is no login yet.")
        if not self._is_ours(saved):
            raise _login_needed("The saved login belongs to another app or another Xero address.")
        return saved

    async def _renewed(self, saved: SavedLogin) -> Grant:
        """Renew with the refresh token, then with the one now in the file, then with the previous one."""
        self._login_store.write(msgspec.structs.replace(saved, renewing_since=self._clock.now()))
        tried = [saved.refresh]
        try:
            return await self._request_grant(saved.refresh)
        except LoginNeeded as error:
            refused = error
        if refused.case is not CaseId.NEEDS_RECONNECT:
            raise refused
        current = self._login_store.read() or saved
        for other in (current.refresh, self._previous_in_grace(saved)):
            if other and other not in tried:
                tried.append(other)
                try:
                    return await self._request_grant(other)
                except LoginNeeded as error:
                    refused = error
        marked = msgspec.structs.replace(saved, renewing_since=None, refused_at=self._clock.now())
        self._login_store.write(marked)
        self._current = None
        self._events.emit(
            Event(
                key="token.failed",
                level="error",
                case=str(refused.case or ""),
                correlation=refused.correlation,
            )
        )
        raise refused

    async def _request_grant(self, refresh: Secret) -> Grant:
        for remaining in reversed(range(_TRIES)):
            try:
                return await self._endpoint.refresh(refresh)
            except XeroUnreachable:
                # Safe to repeat: Xero accepts the same token for 30 minutes after a lost answer.
                if not remaining:
                    raise
                await self._clock.sleep(self._jitter.uniform(0.0, 2.0 ** (_TRIES - remaining)))
        raise AssertionError("unreachable")

    def _previous_in_grace(self, saved: SavedLogin) -> Secret | None:
        if saved.previous is None or saved.previous_until is None:
            return None
        return saved.previous if self._clock.now() < saved.previous_until else None

    def _from(self, grant: Grant, before: SavedLogin | None) -> SavedLogin:
        now = self._clock.now()
        return SavedLogin(
            access=grant.access,
            refresh=grant.refresh,
            expires_at=grant.expires_at,
            renewed_at=now,
            client_id=self._config.client_id,
            identity_url=self._config.identity_url,
            scopes=grant.scopes or (before.scopes if before else ()),
            person=grant.person or (before.person if before else ""),
            auth_event=grant.auth_event or (before.auth_event if before else ""),
            previous=before.refresh if before else None,
            previous_until=now + GRACE if before else None,
        )

    def _save(self, saved: SavedLogin) -> None:
        if saved is not self._unsaved:
            with suppress(LoginNeeded):
                stored = self._login_store.read()
                self._replaced = stored.refresh if stored is not None else None
        self._unsaved = saved
        self._login_store.write(saved)
        self._unsaved = None
        self._current = saved

    def _is_unsaved(self) -> bool:
        """Return whether tokens could not be saved yet, and no one has saved or removed the login since."""
        if self._unsaved is None:
            return False
        try:
            stored = self._login_store.read()
        except LoginNeeded:
            return True
        return (stored.refresh if stored is not None else None) in (self._replaced, self._unsaved.refresh)

    def _is_valid(self, saved: SavedLogin, stale: Secret | None) -> bool:
        return (
            self._is_ours(saved)
            and saved.expires_at - self._clock.now() > MARGIN
            and (stale is None or saved.access != stale)
            and saved.refused_at is None
        )

    def _is_ours(self, saved: SavedLogin) -> bool:
        # A token is only sent to the address for which it was issued.
        return (saved.client_id, saved.identity_url) == (self._config.client_id, self._config.identity_url)

    async def _acquire_lock(self) -> None:
        await self._task_lock.acquire()
        try:
            lock = self._renewal_lock or self._login_store.lock(self._clock, self._person)
            self._renewal_lock = lock
            until = self._clock.monotonic() + _LOCK_SECONDS
            while True:
                try:
                    lock.acquire()
                    return
                except Busy:
                    if self._clock.monotonic() > until:
                        raise
                await self._clock.sleep(_LOCK_POLL)
        except BaseException:
            self._task_lock.release()
            raise

    def _release_lock(self) -> None:
        assert self._renewal_lock is not None
        self._renewal_lock.release()
        self._task_lock.release()


def _retrieve_exception(task: asyncio.Task[SavedLogin]) -> None:
    if not task.cancelled():
        task.exception()


def _login_needed(message: str) -> LoginNeeded:
    return LoginNeeded(message, hint="Sign in: xpm-tui connect.", case=CaseId.NEEDS_RECONNECT)
