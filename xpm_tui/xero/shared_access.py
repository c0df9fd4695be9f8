"""The rate limiter's state and the saved login in the practice's database, for several machines.

They are used in the same way as the files (:mod:`xpm_tui.xero.rate_limiter`,
:mod:`xpm_tui.xero.auth.token_store`). The login is encrypted before it is stored, with a key that is not in
the database. ``status`` reads the state of the limiter, so nothing here loads the HTTP client.
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
    """The rate limiter's state in a record that one machine at a time changes.

    ``clock`` is the clock that all machines use. A call in flight counts as long as the session of its
    process lives, whatever its machine.
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
        """Read, change and write back, with the record locked. Raises ``Busy`` and ``DiskError``."""
        with _as_disk_error(), self._record.change() as record:
            state = self._decoded(record.data, record.alive.__contains__)
            yield state
            record.data = msgspec.json.encode(state)

    def read(self) -> LimiterState:
        """Return the state in the record; an empty one if the database cannot be reached."""
        self.damage = ""
        try:
            record = self._record.read()
        except StoreUnreadable:
            return LimiterState()
        return self._decoded(record.data, record.alive.__contains__)

    def close(self) -> None:
        """Do nothing: the session belongs to the store."""


class SharedTokenStore(TokenStore):
    """The encrypted login in a record that all machines share, without its key.

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
        """Return the lock that lets only one process on all machines renew the login."""
        return self._renewal

    def where(self) -> str:
        """Return where the login is stored and how its key is protected, for users."""
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
            except LoginNeeded as error:
                # If it were written with our key, the other machines could no longer read it.
                raise LoginNeeded(
                    error.message,
                    hint="Copy the key file from the machine where the practice was connected, or end the "
                    "connection there first: xpm-tui disconnect",
                    case=CaseId.KEYRING,
                ) from None
        with _as_disk_error(), self._record.change() as record:
            record.data = data


@contextmanager
def _as_disk_error() -> Iterator[None]:
    """Raise errors of the database as those that callers expect from a file, with the same code."""
    try:
        yield
    except StoreUnreadable as error:
        translated = DiskError(error.message, hint=error.hint)
        translated.code = error.code
        raise translated from error
