"""A settings file (TOML 1.0), parsed with the standard library and edited so that comments are kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xpm_tui.domain.errors import AppError, BadInput
from xpm_tui.files import durable, private
from xpm_tui.files.machine import disk_error
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    import tomllib

    import tomlkit
    import tomlkit.exceptions

    from xpm_tui.files import locks

LARGEST = 1_000_000
"""The maximum size of a settings file in bytes."""
PATIENCE = 10.0
"""Seconds to wait for another process that changes the same file."""


def read(path: Path) -> dict[str, object]:
    """Return the file's settings by dotted key, as TOML values; empty if there is no file.

    A settings file names commands to run and servers to sign in to, so one that another user account could
    have written is not read.

    Raises:
        BadInput: The file is invalid; the message names it with line and column, if known.
    """
    text = _text(path)
    if not text.strip():
        return {}
    _check(path)
    try:
        return dict(_flat(tomllib.loads(text), ""))
    except tomllib.TOMLDecodeError as reason:
        raise BadInput(
            f"The settings file {path} cannot be read: {reason}.",
            hint="Correct that line: texts need quotes, and each [section] may occur only once.",
        ) from None


def change(path: Path, key: str, value: Any) -> None:
    """Write one setting (``None`` removes it); all other lines and comments stay as they are.

    Raises:
        BadInput: The file is not TOML.
        DiskError: It cannot be written.
        Busy: Another process is changing it.
    """
    private.ensure_private(path.parent)
    # Read, change and replace under one lock; otherwise the later of two processes would lose a setting.
    beside = path.with_name(f".{path.name}.lock")
    with disk_error(path), locks.brief_lock(beside, PATIENCE):
        _change(path, key, value)


def _change(path: Path, key: str, value: Any) -> None:
    before = read(path)
    try:
        document = tomlkit.parse(_text(path))
        section, _, name = key.rpartition(".")
        table: Any = document
        for part in filter(None, section.split(".")):
            if part not in table:
                if value is None:
                    return
                table[part] = tomlkit.table()
            table = table[part]
        if value is None:
            table.pop(name, None)
        else:
            table[name] = list(value) if isinstance(value, tuple) else value
        text = tomlkit.dumps(document)
        data = text.encode()
    except (tomlkit.exceptions.TOMLKitError, TypeError, AttributeError, UnicodeError) as reason:
        raise _cannot_edit(path, key, str(reason)) from None
    wanted = {k: v for k, v in before.items() if k != key}
    if value is not None:
        wanted[key] = list(value) if isinstance(value, tuple) else value
    if dict(_parsed(text)) != wanted:
        raise _cannot_edit(path, key, "its layout cannot be edited safely")
    durable.replace_bytes(path, data)


def _cannot_edit(path: Path, key: str, reason: str) -> BadInput:
    return BadInput(
        f"The setting {key} could not be written to {path}: {reason}.",
        hint="The file was not changed. Edit it yourself.",
    )


def _parsed(text: str) -> Iterator[tuple[str, object]]:
    try:
        yield from _flat(tomllib.loads(text), "")
    except tomllib.TOMLDecodeError:
        yield "", None


def _check(path: Path) -> None:
    """Raise ``BadInput`` if another user account could have written the file."""
    try:
        private.check_chain(path)
    except AppError as unsafe:
        raise BadInput(f"The settings file {path} is not read: {unsafe.message}", hint=unsafe.hint) from None


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except FileNotFoundError:
        return ""
    except OSError as reason:
        raise BadInput(f"The settings file {path} cannot be read: {reason.strerror or reason}.") from None
    if len(raw) > LARGEST:
        raise BadInput(
            f"The settings file {path} is larger than {LARGEST} bytes, so it is not a settings file."
        )
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as reason:
        raise BadInput(
            f"The settings file {path} is not UTF-8 (byte {reason.start + 1}).", hint="Save it as UTF-8."
        ) from None


def _flat(table: Mapping[str, object], prefix: str) -> Iterator[tuple[str, object]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value
