"""The saved login on disk: one encrypted file (AES-256-GCM), replaced whole, read back after writing."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from xpm_tui.domain.errors import CaseId, DiskError, LoginNeeded
from xpm_tui.domain.secret import Secret
from xpm_tui.files.atomic import replace_bytes
from xpm_tui.files.private import ensure_private
from xpm_tui.lazy import lazy_imports
from xpm_tui.xero.auth.encryption_keys import KeyringError, KeyringKey, file_key, given_key, keyring_closed

with lazy_imports():
    import cryptography.exceptions
    import cryptography.hazmat.primitives.ciphers.aead

KeySource = Literal["given", "keyring", "file"]

_BOUND = b"xpm-tui login 1"
_WHERE: dict[KeySource, str] = {
    "given": "encrypted file; you provide its key",
    "keyring": "encrypted file; its key is in the keyring of this account",
    "file": "encrypted file; its key is in a file of this account, so anyone who can read this account's "
    "files, or a backup of both folders, can decrypt it",
}


class SavedLogin(msgspec.Struct, frozen=True, kw_only=True):
    """A login as it is kept. ``previous`` is the refresh token before, good until ``previous_until``.

    ``renewing_since``: a renewal was begun and its end is not known. ``refused_at``: Xero did not take the
    login any more; it is kept all the same.
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


class _Box(msgspec.Struct, frozen=True, kw_only=True):
    format: int
    key: KeySource
    nonce: str
    data: str
    refused: bool = False


class TokenStore:
    """The store of one login, ``folder/login.bin``.

    All methods are synchronous and short, except for a keyring that hangs (five seconds at most).

    Raises:
        LoginNeeded: The file cannot be opened.
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
        return f"Vault({str(self.path)!r})"

    def where(self) -> str:
        """Where the login lies and what guards it, for people."""
        box = self._box()
        if box is None:
            return "no login is saved"
        return _WHERE[box.key] + (f" ({self.note})" if self.note else "")

    def read(self) -> SavedLogin | None:
        """The login, or None when there is none."""
        box = self._box()
        if box is None:
            return None
        saved = self._opened(box)
        if saved is None:
            raise _closed("it was made with another key, or the file was changed")
        return saved

    def write(self, saved: SavedLogin) -> None:
        """Make the login durable, read it back and compare."""
        box = self._sealed(saved)
        ensure_private(self.path.parent)
        replace_bytes(self.path, msgspec.json.encode(box))
        if self.read() != saved:
            raise DiskError(
                f"{self.path} does not hold what was just written to it.",
                hint="Check the disk. The login is still valid for 30 minutes.",
            )

    # Key and plain text live in frames that raise nothing: a traceback may show the locals of every frame.

    def _opened(self, box: _Box) -> SavedLogin | None:
        cipher = cryptography.hazmat.primitives.ciphers.aead.AESGCM(self._key_of(box.key))
        try:
            plain = cipher.decrypt(base64.b64decode(box.nonce), base64.b64decode(box.data), _BOUND)
            return msgspec.json.decode(plain, type=SavedLogin, dec_hook=_decode)
        except (cryptography.exceptions.InvalidTag, ValueError, msgspec.DecodeError):
            return None

    def _sealed(self, saved: SavedLogin) -> _Box:
        source, key = self._key_for_writing()
        nonce = os.urandom(12)
        data = cryptography.hazmat.primitives.ciphers.aead.AESGCM(key).encrypt(
            nonce, msgspec.json.encode(saved, enc_hook=_encode), _BOUND
        )
        return _Box(
            format=1,
            key=source,
            nonce=base64.b64encode(nonce).decode(),
            data=base64.b64encode(data).decode(),
            refused=saved.refused_at is not None,
        )

    def forget(self) -> None:
        """Take the file away: after the login was revoked or the practice disconnected by the person."""
        self.path.unlink(missing_ok=True)

    def _box(self) -> _Box | None:
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _closed((error.strerror or "it cannot be read").lower()) from None
        try:
            box = msgspec.json.decode(data, type=_Box)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise _closed("the file is damaged") from None
        if box.format != 1:
            raise _closed("it was saved by a newer version of this program")
        return box

    def _key_of(self, source: KeySource) -> bytes:
        found = self._keys.get(source)
        if found is None:
            found = self._fetch(source)
            if found is None:
                raise _closed(f"its key is gone ({_WHERE[source].partition('; ')[2]})")
            self._keys[source] = found
        return found

    def _fetch(self, source: KeySource) -> bytes | None:
        if source == "given":
            given = given_key(self._environ)
            return given[0] if given else None
        if source == "file":
            return file_key(self._config_folder, make=False)
        try:
            return (self._keyring or KeyringKey(str(self.path.parent))).read()
        except KeyringError as trouble:
            raise keyring_closed(str(trouble)) from None

    def _key_for_writing(self) -> tuple[KeySource, bytes]:
        given = given_key(self._environ)
        if given is not None:
            return "given", given[0]
        if self._keyring is not None:
            key = self._keyring_key()
            if key is not None:
                return "keyring", key
        key = file_key(self._config_folder, make=True)
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
                key = self._keyring.make()
        except KeyringError as trouble:
            box = self._box()
            if box is not None and box.key == "keyring":
                raise keyring_closed(str(trouble)) from None
            self.note = str(trouble)
            return None
        self._keys["keyring"] = key
        return key


def refused(folder: Path) -> bool:
    """Whether Xero refused the login that lies in ``folder``: told without its key, at a glance."""
    try:
        return msgspec.json.decode((folder / "login.bin").read_bytes(), type=_Box).refused
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return False


def _encode(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    raise NotImplementedError


def _decode(kind: type, value: Any) -> Any:
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    raise NotImplementedError


def _closed(why: str) -> LoginNeeded:
    return LoginNeeded(
        f"The saved login cannot be decrypted: {why}.",
        hint="Put the key back, or sign in again: xpm-tui connect.",
        case=CaseId.KEYRING,
    )
