"""Where the key comes from that locks the saved login, and what each place does not protect against.

In this order: a file named by systemd credentials or ``XPM_TUI_KEY_FILE``; the desktop's keyring (default
home only); a key file of ours. A keyring call may wait for a prompt that nobody sees, so each has a limit.
"""

from __future__ import annotations

import base64
import hashlib
import os
import queue
import secrets
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from xpm_tui.domain.errors import BadInput, CaseId, LoginNeeded
from xpm_tui.domain.formatting import count
from xpm_tui.domain.secret import Secret
from xpm_tui.files.atomic import replace_bytes
from xpm_tui.files.private import ensure_private
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    import keyring.backend
    import keyring.core

T = TypeVar("T")

CREDENTIAL = "xpm-tui-key"
"""Name of the systemd credential (``LoadCredential=``, systemd.exec(5))."""

SERVICE = "xpm-tui"
KEYRING_SECONDS = 5.0
_SHORTEST = 16
_LONGEST = 4096


class KeyringError(Exception):
    """The keyring cannot be used here; the text says why, without any secret."""


def given_key(environ: Mapping[str, str]) -> tuple[bytes, str] | None:
    """A key that the machine's owner provides, and where it came from.

    Raises ``BadInput`` when a key file is named but is missing, short or open to others.
    """
    named = environ.get("XPM_TUI_KEY_FILE", "")
    folder = environ.get("CREDENTIALS_DIRECTORY", "")
    if folder and (Path(folder) / CREDENTIAL).is_file():
        return _read(Path(folder) / CREDENTIAL, check=False), "systemd credential"
    if named:
        return _read(Path(named), check=True), "key file named by XPM_TUI_KEY_FILE"
    return None


def file_key(folder: Path, *, make: bool) -> bytes | None:
    """Our own key file (0600) in the config folder; made when missing and ``make`` is set."""
    path = folder / "token.key"
    if path.exists() or path.is_symlink():
        return _read(path, check=True)
    if not make:
        return None
    ensure_private(folder)
    replace_bytes(path, base64.urlsafe_b64encode(secrets.token_bytes(32)) + b"\n")
    return _read(path, check=True)


def _read(path: Path, *, check: bool) -> bytes:
    try:
        if path.is_symlink() and check:
            raise BadInput(
                f"The key file {path} is a symbolic link.", hint="Use the path of the file itself."
            )
        found = path.stat()
        if check and (found.st_uid != os.geteuid() or found.st_mode & 0o077):
            raise BadInput(
                f"The key file {path} can be read by other accounts.", hint=f"Run: chmod 600 '{path}'"
            )
        with path.open("rb") as stream:
            data = stream.read(_LONGEST).strip()
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        raise BadInput(
            f"The key file {path} cannot be read: {reason}.", hint="Put it back, or sign in again."
        ) from None
    if len(data) < _SHORTEST:
        raise BadInput(
            f"The key file {path} is too short to be a key.", hint=f"It needs {_SHORTEST} bytes or more."
        )
    return hashlib.sha256(b"xpm-tui login\0" + data).digest()


class KeyringKey:
    """The key of one practice in the desktop's keyring (library ``keyring``, recommended back ends only)."""

    def __init__(self, name: str, backend: Any = None, seconds: float = KEYRING_SECONDS) -> None:
        self._name = name
        self._backend = backend
        self._seconds = seconds

    def read(self) -> bytes | None:
        """The key, or None when the keyring has none. Raises ``KeyringError``."""
        found = self._limited(lambda: self._open().get_password(SERVICE, self._name))
        return None if found is None else hashlib.sha256(b"xpm-tui login\0" + found.encode()).digest()

    def make(self) -> bytes:
        """Write a new key, read it back and compare. Raises ``KeyringError``."""
        value = Secret(secrets.token_urlsafe(32))

        def write() -> str | None:
            backend = self._open()
            backend.set_password(SERVICE, self._name, value.reveal())
            found = backend.get_password(SERVICE, self._name)
            return found if found is None else str(found)

        if self._limited(write) != value.reveal():
            raise KeyringError("the keyring accepted the key but did not return it")
        return hashlib.sha256(b"xpm-tui login\0" + value.reveal().encode()).digest()

    def _open(self) -> Any:
        if self._backend is None:
            self._backend = _recommended()
        return self._backend

    def _limited(self, call: Callable[[], T]) -> T:
        answers: queue.SimpleQueue[tuple[bool, Any]] = queue.SimpleQueue()

        def work() -> None:
            try:
                answers.put((True, call()))
            except BaseException as error:
                answers.put((False, error))

        threading.Thread(target=work, name="keyring", daemon=True).start()
        try:
            good, value = answers.get(timeout=self._seconds)
        except queue.Empty:
            raise KeyringError(
                f"the keyring gave no answer within {count(round(self._seconds), 'second')}; it may be locked"
            ) from None
        if good:
            return value  # type: ignore[no-any-return]
        if isinstance(value, KeyringError):
            raise value
        # The library's own words may hold anything: only the kind of error is told.
        raise KeyringError(f"the keyring failed ({type(value).__name__})") from None


def _recommended() -> Any:
    """The best recommended back end, or the one that the environment names.

    Not keyring's own choice: that may silently be a plain-text file, one that keeps nothing, or a chain that
    falls through to either.
    """
    bad = ("keyring.backends.fail", "keyring.backends.null", "keyring.backends.chainer")
    named = keyring.core.load_env()
    found = [named] if named is not None else keyring.backend.get_all_keyring()
    usable = [
        one for one in found if not type(one).__module__.startswith(bad) and keyring.core.recommended(one)
    ]
    if not usable:
        raise KeyringError("this machine has no suitable keyring")
    return max(usable, key=lambda one: one.priority)


def keyring_closed(why: str) -> LoginNeeded:
    """The error for a login whose key lies in a keyring that does not open here."""
    return LoginNeeded(
        f"The saved login cannot be decrypted: {why}.",
        hint="Unlock the keyring, or give the daily sync a key of its own (XPM_TUI_KEY_FILE) and "
        "connect again. The login is kept.",
        case=CaseId.KEYRING,
    )
