"""The rate limiter's state and the saved login where several machines share them: in the practice's database.

What is done with them is the same as with files (:mod:`xpm_tui.xero.rate_limiter`,
:mod:`xpm_tui.xero.auth.token_store`); only the place differs. The login is encrypted before it gets there,
with a key that every machine has for itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from xpm_tui.domain.errors import CaseId, DiskError, LoginNeeded, StoreUnreadable
from xpm_tui.domain.ports import Clock
from xpm_tui.domain.shared_state import RunLock, SharedState
from xpm_tui.xero.auth.token_store import TokenStore
from xpm_tui.xero.rate_limiter import LimiterFile, LimiterState

LIMITER, LOGIN = "limiter", "login"
"""Names of the shared records."""


class SharedLimiter(LimiterFile):
    """The rate limiter's state in a record that all machines change in turn.

    ``clock`` is the one that all of them compare by. A call in flight is believed in as long as the session
    of its process lives, on whichever machine.
    """

    def __init__(self, shared: SharedState, clock: Clock) -> None:
        self.path = Path("in the database")
        self.damage = ""
        self._record = shared.record(LIMITER)
        self.process = self._record.process
        with _as_disk_error():
            self.clock = self._clock = shared.clock(clock)

    @contextmanager
    def visit(self) -> Iterator[LimiterState]:
        """Read, change and write back, alone. Raises ``Busy`` and ``DiskError``."""
        with _as_disk_error(), self._record.change() as record:
            state = self._decoded(record.data, record.alive.__contains__)
            yield state
            record.data = msgspec.json.encode(state)

    def read(self) -> LimiterState:
        """What the record says; nothing known where the database cannot be reached."""
        self.damage = ""
        try:
            record = self._record.read()
        except StoreUnreadable:
            return LimiterState()
        return self._decoded(record.data, record.alive.__contains__)

    def close(self) -> None:
        """There is nothing to give back: the session belongs to the store."""


class SharedTokenStore(TokenStore):
    """The encrypted login in a record that all machines share. The key is never there.

    Each machine needs the same key: the one named by ``XPM_TUI_KEY_FILE`` or by systemd credentials, or a
    copy of ``token.key`` in its folder of settings. No keyring is used, because it belongs to one machine.
    """

    def __init__(
        self,
        shared: SharedState,
        folder: Path,
        *,
        config_folder: Path,
        environ: Mapping[str, str] | None = None,
        person: str = "",
    ) -> None:
        super().__init__(folder, config_folder=config_folder, use_keyring=False, environ=environ)
        self._record = shared.record(LOGIN)
        self._renewal = shared.login_lock(person)

    def lock(self, clock: Clock, person: str) -> RunLock:
        """The lock under which one process of all machines renews the login."""
        return self._renewal

    def where(self) -> str:
        """Where the login lies and what guards it, for people."""
        return super().where().replace("encrypted file", "encrypted in the database", 1)

    def forget(self) -> None:
        """Remove the login for all machines."""
        with _as_disk_error(), self._record.change() as record:
            record.data = None

    def _data(self) -> bytes | None:
        with _as_disk_error():
            return self._record.read().data

    def _replace(self, data: bytes) -> None:
        if self._data() is not None:
            try:
                self.read()
            except LoginNeeded as other:
                # Written with our key, the other machines could no longer read it.
                raise LoginNeeded(
                    other.message,
                    hint="Copy the key file from the machine where the practice was connected, or end the "
                    "connection there first: xpm-tui disconnect",
                    case=CaseId.KEYRING,
                ) from None
        with _as_disk_error(), self._record.change() as record:
            record.data = data


@contextmanager
def _as_disk_error() -> Iterator[None]:
    """Raise what is wrong with the database as callers know it of a file."""
    try:
        yield
    except StoreUnreadable as error:
        raise DiskError(error.message, hint=error.hint) from error
