"""The saved login: one file, encrypted with AES-256-GCM, which is replaced atomically and read back.

Its key comes from the first of these sources: a file named by systemd credentials or ``XPM_TUI_KEY_FILE``;
the desktop's keyring (only for the default home); a key file of our own. A call to the keyring may wait for a
prompt that nobody sees, so it has a time limit.
"""

from __future__ import annotations

import base64
import hashlib
import os
import queue
import secrets
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from xpm_tui.domain.errors import BadInput, CaseId, DiskError, LoginNeeded, StoreUnreadable
from xpm_tui.domain.formatting import count
from xpm_tui.domain.ports import Clock
from xpm_tui.domain.secret import Secret
from xpm_tui.domain.shared_state import RunLock, SharedState
from xpm_tui.files.durable import replace_bytes
from xpm_tui.files.locks import Lock
from xpm_tui.files.private import ensure_private
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    import cryptography.exceptions
    import cryptography.hazmat.primitives.ciphers.aead
    import keyring.backend
    import keyring.core

T = TypeVar("T")

CREDENTIAL = "xpm-tui-key"
"""The name of the systemd credential (``LoadCredential=``, systemd.exec(5))."""

SERVICE = "xpm-tui"
KEYRING_SECONDS = 5.0
"""Seconds to wait for an answer of the keyring."""
_SHORTEST_KEY = 16
_LONGEST_KEY = 4096


class KeyringError(Exception):
    """The keyring cannot be used; the text says why, without any secret."""


def given_key(environ: Mapping[str, str]) -> tuple[bytes, str] | None:
    """Return the key that the owner of this machine provides, and its source; None if there is none.

    Raises:
        BadInput: A key file is named but is missing, too short, or accessible to other users.
    """
    named = environ.get("XPM_TUI_KEY_FILE", "")
    folder = environ.get("CREDENTIALS_DIRECTORY", "")
    if folder and (Path(folder) / CREDENTIAL).is_file():
        return _read(Path(folder) / CREDENTIAL, check=False), "systemd credential"
    if named:
        return _read(Path(named), check=True), "key file named by XPM_TUI_KEY_FILE"
    return None


def file_key(folder: Path, *, create: bool) -> bytes | None:
    """Return the key in our file (0600) in the config folder; with ``create``, make it if it is missing."""
    path = folder / "token.key"
    if path.exists() or path.is_symlink():
        return _read(path, check=True)
    if not create:
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
            data = stream.read(_LONGEST_KEY).strip()
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        raise BadInput(
            f"The key file {path} cannot be read: {reason}.",
            hint="Restore the file or its permissions, or sign in again.",
        ) from None
    if len(data) < _SHORTEST_KEY:
        raise BadInput(
            f"The key file {path} is too short to be a key.", hint=f"It needs {_SHORTEST_KEY} bytes or more."
        )
    return hashlib.sha256(b"xpm-tui login\0" + data).digest()


class KeyringKey:
    """The key of a practice in the desktop's keyring (library ``keyring``, recommended back ends only)."""

    def __init__(self, name: str, backend: Any = None, seconds: float = KEYRING_SECONDS) -> None:
        self._name = name
        self._backend = backend
        self._seconds = seconds

    def read(self) -> bytes | None:
        """Return the key, or None if the keyring has none.

        Raises:
            KeyringError: The keyring cannot be used.
        """
        found = self._call_with_limit(lambda: self._open().get_password(SERVICE, self._name))
        return None if found is None else hashlib.sha256(b"xpm-tui login\0" + found.encode()).digest()

    def create(self) -> bytes:
        """Write a new key, read it back and return it.

        Raises:
            KeyringError: The keyring cannot be used.
        """
        value = Secret(secrets.token_urlsafe(32))

        def write() -> str | None:
            backend = self._open()
            backend.set_password(SERVICE, self._name, value.reveal())
            found = backend.get_password(SERVICE, self._name)
            return found if found is None else str(found)

        if self._call_with_limit(write) != value.reveal():
            raise KeyringError("the keyring accepted the key but did not return it")
        return hashlib.sha256(b"xpm-tui login\0" + value.reveal().encode()).digest()

    def _open(self) -> Any:
        if self._backend is None:
            self._backend = _recommended()
        return self._backend

    def _call_with_limit(self, call: Callable[[], T]) -> T:
        results: queue.SimpleQueue[tuple[bool, Any]] = queue.SimpleQueue()

        def work() -> None:
            try:
                results.put((True, call()))
            except BaseException as error:
                results.put((False, error))

        threading.Thread(target=work, name="keyring", daemon=True).start()
        try:
            is_answer, value = results.get(timeout=self._seconds)
        except queue.Empty:
            raise KeyringError(
                f"the keyring gave no answer within {count(round(self._seconds), 'second')}; it may be locked"
            ) from None
        if is_answer:
            return value  # type: ignore[no-any-return]
        if isinstance(value, KeyringError):
            raise value
        # The library's messages may contain anything, so only the type of the error is shown.
        raise KeyringError(f"the keyring failed ({type(value).__name__})") from None


def _recommended() -> Any:
    """Return the best recommended back end, or the one that the environment names.

    Keyring's own choice is not used: it may be a plain-text file, one that stores nothing, or a chain of
    both.
    """
    bad = ("keyring.backends.fail", "keyring.backends.null", "keyring.backends.chainer")
    named = keyring.core.load_env()
    found = [named] if named is not None else keyring.backend.get_all_keyring()
    usable = [
        backend
        for backend in found
        if not type(backend).__module__.startswith(bad) and keyring.core.recommended(backend)
    ]
    if not usable:
        raise KeyringError("this machine has no suitable keyring")
    return max(usable, key=lambda backend: backend.priority)


def _locked_keyring(why: str) -> LoginNeeded:
    """Return the error for a login whose key is in a keyring that cannot be opened here."""
    return LoginNeeded(
        f"The saved login cannot be decrypted: {why}.",
        hint="Unlock the keyring, or give the daily sync a key of its own (XPM_TUI_KEY_FILE) and "
        "connect again. The login is kept.",
        case=CaseId.KEYRING,
    )


KeySource = Literal["given", "keyring", "file"]

_ASSOCIATED_DATA = b"xpm-tui login 1"
_WHERE: dict[KeySource, str] = {
    "given": "encrypted file; you provide its key",
    "keyring": "encrypted file; its key is in the keyring of this account",
    "file": "encrypted file; its key is in a file of this account, so anyone who can read this account's "
    "files, or a backup of both folders, can decrypt it",
}


class SavedLogin(msgspec.Struct, frozen=True, kw_only=True):
    """A login as stored.

    Attributes:
        previous: The previous refresh token, which is valid until ``previous_until``.
        renewing_since: When a renewal was started whose result is not known.
        refused_at: When Xero refused the login, which is kept nevertheless.
    """

    access: Secret
    refresh: Secret
    expires_at: datetime
    renewed_at: datetime
    client_id: str
    identity_url: str
    scopes: tuple[str, ...] = ()
    person: str = ""
    auth_event: str = ""
    previous: Secret | None = None
    previous_until: datetime | None = None
    renewing_since: datetime | None = None
    refused_at: datetime | None = None


class _EncryptedLogin(msgspec.Struct, frozen=True, kw_only=True):
    format: int
    key: KeySource
    nonce: str
    data: str
    refused: bool = False


class TokenStore:
    """The store of a login, ``folder/login.bin``.

    All methods are synchronous and short, except for a keyring that hangs (five seconds at most).

    Raises:
        LoginNeeded: The file cannot be read or decrypted.
        DiskError: The file cannot be written.
        BadInput: A key file cannot be used.
    """

    def __init__(
        self,
        folder: Path,
        *,
        config_folder: Path,
        use_keyring: bool,
        environ: Mapping[str, str] | None = None,
        keyring: KeyringKey | None = None,
    ) -> None:
        self.path = folder / "login.bin"
        self._config_folder = config_folder
        self._environ = os.environ if environ is None else environ
        self._keyring = (keyring or KeyringKey(str(folder))) if use_keyring else None
        self._keys: dict[KeySource, bytes] = {}
        self.note = ""

    def __repr__(self) -> str:
        return f"TokenStore({str(self.path)!r})"

    def where(self) -> str:
        """Return where the login is stored and how it is protected, for users."""
        box = self._encrypted()
        if box is None:
            return "no login is saved"
        return _WHERE[box.key] + (f" ({self.note})" if self.note else "")

    def read(self) -> SavedLogin | None:
        """Return the login, or None if there is none."""
        box = self._encrypted()
        if box is None:
            return None
        saved = self._decrypt(box)
        if saved is None:
            raise _undecryptable("it was made with another key, or the file was changed")
        return saved

    def write(self, saved: SavedLogin) -> None:
        """Write the login durably, read it back and compare."""
        self._replace(msgspec.json.encode(self._encrypt(saved)))
        if self.read() != saved:
            raise DiskError(
                f"{self.path} does not hold what was just written to it.",
                hint="Check the disk. The login is still valid for 30 minutes.",
            )

    # A traceback may show local values, so frames with the key or the plain text raise no error.

    def _decrypt(self, box: _EncryptedLogin) -> SavedLogin | None:
        cipher = cryptography.hazmat.primitives.ciphers.aead.AESGCM(self._key_of(box.key))
        try:
            plain = cipher.decrypt(base64.b64decode(box.nonce), base64.b64decode(box.data), _ASSOCIATED_DATA)
            return msgspec.json.decode(plain, type=SavedLogin, dec_hook=_decode)
        except (cryptography.exceptions.InvalidTag, ValueError, msgspec.DecodeError):
            return None

    def _encrypt(self, saved: SavedLogin) -> _EncryptedLogin:
        source, key = self._key_for_writing()
        nonce = os.urandom(12)
        data = cryptography.hazmat.primitives.ciphers.aead.AESGCM(key).encrypt(
            nonce, msgspec.json.encode(saved, enc_hook=_encode), _ASSOCIATED_DATA
        )
        return _EncryptedLogin(
            format=1,
            key=source,
            nonce=base64.b64encode(nonce).decode(),
            data=base64.b64encode(data).decode(),
            refused=saved.refused_at is not None,
        )

    def lock(self, clock: Clock, person: str) -> RunLock:
        """Return the lock that lets only one process renew the login."""
        ensure_private(self.path.parent)
        return Lock(self.path.with_name("login.lock"), clock=clock, person=person, what="renews the login")

    def forget(self) -> None:
        """Delete the file: the login was revoked, or the user has disconnected the practice."""
        self.path.unlink(missing_ok=True)

    def _data(self) -> bytes | None:
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _undecryptable((error.strerror or "it cannot be read").lower()) from None

    def _replace(self, data: bytes) -> None:
        ensure_private(self.path.parent)
        replace_bytes(self.path, data)

    def _encrypted(self) -> _EncryptedLogin | None:
        data = self._data()
        if data is None:
            return None
        try:
            box = msgspec.json.decode(data, type=_EncryptedLogin)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise _undecryptable("the file is damaged") from None
        if box.format != 1:
            raise _undecryptable("it was saved by a newer version of this program")
        return box

    def _key_of(self, source: KeySource) -> bytes:
        found = self._keys.get(source)
        if found is None:
            found = self._fetch(source)
            if found is None:
                raise _undecryptable(f"its key is gone ({_WHERE[source].partition('; ')[2]})")
            self._keys[source] = found
        return found

    def _fetch(self, source: KeySource) -> bytes | None:
        if source == "given":
            given = given_key(self._environ)
            return given[0] if given else None
        if source == "file":
            return file_key(self._config_folder, create=False)
        try:
            return (self._keyring or KeyringKey(str(self.path.parent))).read()
        except KeyringError as error:
            raise _locked_keyring(str(error)) from None

    def _key_for_writing(self) -> tuple[KeySource, bytes]:
        given = given_key(self._environ)
        if given is not None:
            return "given", given[0]
        if self._keyring is not None:
            key = self._keyring_key()
            if key is not None:
                return "keyring", key
        key = file_key(self._config_folder, create=True)
        assert key is not None
        self._keys["file"] = key
        return "file", key

    def _keyring_key(self) -> bytes | None:
        if "keyring" in self._keys:
            return self._keys["keyring"]
        assert self._keyring is not None
        try:
            key = self._keyring.read()
            if key is None:
                key = self._keyring.create()
        except KeyringError as error:
            box = self._encrypted()
            if box is not None and box.key == "keyring":
                raise _locked_keyring(str(error)) from None
            self.note = str(error)
            return None
        self._keys["keyring"] = key
        return key


def is_refused(folder: Path, shared: SharedState | None = None) -> bool:
    """Return whether Xero refused the login in ``folder``, or the shared one. The key is not needed."""
    try:
        data = (folder / "login.bin").read_bytes() if shared is None else shared.record("login").read().data
        return data is not None and msgspec.json.decode(data, type=_EncryptedLogin).refused
    except (OSError, StoreUnreadable, msgspec.DecodeError, UnicodeDecodeError):
        return False


def _encode(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    raise NotImplementedError


def _decode(kind: type, value: Any) -> Any:
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    raise NotImplementedError


def _undecryptable(why: str) -> LoginNeeded:
    return LoginNeeded(
        f"The saved login cannot be decrypted: {why}.",
        hint="Put the key back, or sign in again: xpm-tui connect.",
        case=CaseId.KEYRING,
    )
