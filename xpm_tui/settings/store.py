"""The current settings with their origin: default, file, practice, environment or option.

Later origins override earlier ones. There are two files (TOML 1.0), one for all practices of this user
account and one for the practice. Changing a setting leaves all other lines and comments of its file as they
are.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from xpm_tui.domain.errors import AppError, BadInput, CaseId
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.secret import Secret
from xpm_tui.files import durable, private
from xpm_tui.files.machine import disk_error
from xpm_tui.lazy import lazy_imports
from xpm_tui.settings import schema
from xpm_tui.settings.kinds import PREFIX, Setting, SettingEntry, format_value

with lazy_imports():
    import tomllib

    import tomlkit
    import tomlkit.exceptions

    from xpm_tui.files import locks


MAXIMUM_SIZE = 1_000_000
"""The maximum size of a settings file in bytes."""
LOCK_SECONDS = 10.0
"""How many seconds to wait for another process that changes the same file."""
T = TypeVar("T")


def read_file(path: Path) -> dict[str, object]:
    """Return the settings of a file by dotted key, as TOML values; empty if there is no file.

    A settings file names commands to run and servers to sign in to, so one that another user account could
    have written is not read.

    Raises:
        BadInput: The file is invalid; the message names it with line and column, if known.
    """
    text = _text(path)
    if not text.strip():
        return {}
    try:
        private.check_chain(path)
    except AppError as unsafe:
        raise BadInput(f"The settings file {path} is not read: {unsafe.message}", hint=unsafe.hint) from None
    try:
        return dict(_flat(tomllib.loads(text), ""))
    except tomllib.TOMLDecodeError as reason:
        raise BadInput(
            f"The settings file {path} cannot be read: {reason}.",
            hint="Correct that line: texts need quotes, and each [section] may occur only once.",
        ) from None


def write_setting(path: Path, key: str, value: Any) -> None:
    """Write one setting to a file (``None`` removes it); other lines and comments stay as they are.

    Raises:
        BadInput: The file is not TOML.
        DiskError: It cannot be written.
        Busy: Another process is changing it.
    """
    private.ensure_private(path.parent)
    # Read, change and replace under one lock; otherwise a setting of another process could be lost.
    lock = path.with_name(f".{path.name}.lock")
    with disk_error(path), locks.brief_lock(lock, LOCK_SECONDS):
        _write(path, key, value)


def _write(path: Path, key: str, value: Any) -> None:
    before = read_file(path)
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
        written = dict(_flat(tomllib.loads(text), ""))
    except (tomlkit.exceptions.TOMLKitError, TypeError, AttributeError, ValueError) as reason:
        raise _cannot_edit(path, key, str(reason)) from None
    wanted = {k: v for k, v in before.items() if k != key}
    if value is not None:
        wanted[key] = list(value) if isinstance(value, tuple) else value
    if written != wanted:
        raise _cannot_edit(path, key, "its layout cannot be edited safely")
    durable.replace_bytes(path, data)


def _cannot_edit(path: Path, key: str, reason: str) -> BadInput:
    return BadInput(
        f"The setting {key} could not be written to {path}: {reason}.",
        hint="The file was not changed. Edit it yourself.",
    )


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MAXIMUM_SIZE + 1)
    except FileNotFoundError:
        return ""
    except OSError as reason:
        raise BadInput(f"The settings file {path} cannot be read: {reason.strerror or reason}.") from None
    if len(raw) > MAXIMUM_SIZE:
        raise BadInput(
            f"The settings file {path} is larger than {MAXIMUM_SIZE} bytes, so it is not a settings file."
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


Origin = Literal["default", "file", "practice", "environment", "option"]


class Item(msgspec.Struct, frozen=True):
    """The current value of a setting; ``shown`` is its text, never that of a secret."""

    entry: SettingEntry
    value: Setting
    origin: Origin

    @property
    def key(self) -> str:
        """Return its dotted key."""
        return self.entry.key

    @property
    def shown(self) -> str:
        """Return the value as it would be typed; for a secret, only whether it is set."""
        return format_value(self.value)


class Settings:
    """The settings of one process. :meth:`set` and :meth:`unset` write a file and take effect immediately.

    :meth:`follow` reads what other processes have written to the files since; ``version`` increases with each
    change. ``problems`` are the errors that a lenient :meth:`load` has skipped.
    """

    def __init__(
        self, global_file: Path, practice_file: Path | None, layers: dict[Origin, dict[str, Setting]]
    ) -> None:
        self._files: dict[Origin, Path | None] = {"file": global_file, "practice": practice_file}
        self._layers = layers
        self._seen: tuple[object, ...] = ()
        self.problems: tuple[BadInput, ...] = ()
        self.version = 0

    @classmethod
    def load(
        cls,
        global_file: Path,
        practice_file: Path | None,
        environ: Mapping[str, str],
        overrides: Mapping[str, str],
        *,
        lenient: bool = False,
    ) -> Settings:
        """Read both files, the environment and the options of the command line.

        ``lenient`` skips errors, so that a broken file can be repaired with the tool itself.

        Raises:
            BadInput: A key does not exist or a value is invalid; the message names file and key.
        """
        settings = cls(global_file, practice_file, {})
        reader = _LayerReader(lenient)
        settings._layers["option"] = reader.texts(overrides, "the options of this command")
        settings._layers["environment"] = reader.environment(environ)
        settings._seen = settings._file_stats()
        for origin, path in settings._files.items():
            settings._layers[origin] = reader.file(path) if path else {}
        settings.problems = tuple(reader.problems)
        return settings

    def follow(self) -> None:
        """Read the files again if they have changed, which two ``stat`` calls find out.

        If a file has become invalid, its settings stay as they were and ``problems`` says why.
        """
        seen = self._file_stats()
        if seen == self._seen:
            return
        reader = _LayerReader(lenient=True)
        layers = dict(self._layers)
        for origin, path in self._files.items():
            known = len(reader.problems)
            found = reader.file(path) if path else {}
            if len(reader.problems) == known:
                layers[origin] = found
        if layers != self._layers:
            self.version += 1
        # Anything written during the read differs from the recorded state, so it is read next time.
        self._layers, self._seen, self.problems = layers, seen, tuple(reader.problems)

    def _file_stats(self) -> tuple[object, ...]:
        return tuple(_stat(path) for path in self._files.values())

    def item(self, key: str) -> Item:
        """Return value and origin of a setting.

        Raises:
            BadInput: The key is unknown; the message names the nearest one.
        """
        entry = schema.entry(key)
        for origin in _ORDER:
            if entry.key in self._layers.get(origin, {}):
                return Item(entry, self._layers[origin][entry.key], origin)
        return Item(entry, entry.default, "default")

    def items(self) -> Iterator[Item]:
        """Yield all settings in the order of the schema."""
        return (self.item(key) for key in schema.BY_KEY)

    def get(self, key: str) -> Setting:
        """Return the current value: text, whole number, yes/no, tuple of names, or :class:`Secret`."""
        return self.item(key).value

    def origin(self, key: str) -> Origin:
        """Return the origin of the current value."""
        return self.item(key).origin

    def text(self, key: str) -> str:
        """Return a setting that is a text, a choice, an address or a time."""
        return self._typed(key, str)

    def number(self, key: str) -> int:
        """Return a setting that is a whole number."""
        return self._typed(key, int)

    def yes(self, key: str) -> bool:
        """Return a setting that is yes or no."""
        return self._typed(key, bool)

    def names(self, key: str) -> tuple[str, ...]:
        """Return a setting that is a list of names."""
        return self._typed(key, tuple)

    def secret(self, key: str) -> Secret:
        """Return a setting that is never shown."""
        return self._typed(key, Secret)

    def _typed(self, key: str, kind: type[T]) -> T:
        value = self.get(key)
        assert isinstance(value, kind), key
        return value

    def set(self, key: str, text: str, *, practice: bool = False) -> Item:
        """Write a setting to the practice's file, or to the one for all practices.

        Returns:
            The current item, whose origin shows if an environment variable, an option or the practice's own
                file overrides it.

        Raises:
            BadInput: The key or value is invalid.
            DiskError: The file cannot be written.
        """
        entry = schema.entry(key)
        value = parse_setting(entry, text, "")
        origin, path = self._place(practice)
        write_setting(path, entry.key, value.reveal() if isinstance(value, Secret) else value)
        self._change(origin, {**self._layers.get(origin, {}), entry.key: value})
        return self.item(entry.key)

    def unset(self, key: str, *, practice: bool = False) -> Item:
        """Remove a setting from a file; return the item that applies instead."""
        entry = schema.entry(key)
        origin, path = self._place(practice)
        write_setting(path, entry.key, None)
        kept = self._layers.get(origin, {})
        self._change(origin, {name: value for name, value in kept.items() if name != entry.key})
        return self.item(entry.key)

    def trial(self, changes: Mapping[str, str | None], *, practice: bool = False) -> Settings:
        """Return the settings as they would be after some changes (None: unset). Nothing is written."""
        found = copy.copy(self)
        layer = dict(self._layers.get(self._place(practice)[0], {}))
        for key, text in changes.items():
            entry = schema.entry(key)
            if text is None:
                layer.pop(entry.key, None)
            else:
                layer[entry.key] = parse_setting(entry, text, "")
        found._change(self._place(practice)[0], layer)
        return found

    def _change(self, origin: Origin, layer: dict[str, Setting]) -> None:
        self._layers = {**self._layers, origin: layer}
        self.version += 1

    def _place(self, practice: bool) -> tuple[Origin, Path]:
        origin: Origin = "practice" if practice else "file"
        path = self._files[origin]
        if path is None:
            raise BadInput("There is no practice yet.", hint="Connect one first: xpm-tui connect")
        return origin, path


def _stat(path: Path | None) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path) if path else None
    except OSError:
        return None
    return (found.st_ino, found.st_size, found.st_mtime_ns) if found else None


_ORDER: tuple[Origin, ...] = ("option", "environment", "practice", "file")


def parse_setting(entry: SettingEntry, text: str, where: str) -> Setting:
    """Return the value of a text; ``where`` names its origin.

    Raises:
        BadInput: It is invalid; the message names the key, the value (unless it is secret) and the origin.
    """
    try:
        return entry.kind.parse(text)
    except ValueError as reason:
        value = "that value" if entry.secret else f'"{visible(text, 60)}"'
        place = f" (in {where})" if where else ""
        raise BadInput(f"{entry.key} cannot be {value}: {reason}{place}.", hint=entry.help) from None


def _from_toml(entry: SettingEntry, value: object, where: str) -> Setting:
    """Return the value of a setting in a TOML file: a text, or the type of the setting."""
    if isinstance(value, str):
        return parse_setting(entry, value, where)
    if isinstance(value, bool):
        kind, text = "boolean", "yes" if value else "no"
    elif isinstance(value, int):
        kind, text = "integer", str(value)
    elif isinstance(value, list) and all(isinstance(word, str) for word in value):
        kind, text = "list", ",".join(value)
    else:
        kind, text = "", ""
    if kind and kind == entry.kind.toml:
        return parse_setting(entry, text, where)
    wanted = _TOML_WORDS[entry.kind.toml]
    raise BadInput(f"{entry.key} has the wrong type: it must be {wanted} (in {where}).", hint=entry.help)


_TOML_WORDS = {
    "text": "a text in quotes",
    "integer": "a whole number",
    "boolean": "true or false",
    "list": "a list of texts",
}


class _LayerReader:
    """Reads the layers of settings one after another; unless it is lenient, it raises the first problem."""

    def __init__(self, lenient: bool) -> None:
        self._lenient = lenient
        self.problems: list[BadInput] = []

    def texts(self, texts: Mapping[str, str], where: str) -> dict[str, Setting]:
        """Return a layer of texts by key."""
        found: dict[str, Setting] = {}
        for key, text in texts.items():
            try:
                entry = schema.entry(key)
                found[entry.key] = parse_setting(entry, text, where)
            except BadInput as problem:
                self._add_problem(problem)
        return found

    def environment(self, environ: Mapping[str, str]) -> dict[str, Setting]:
        """Return the layer of environment variables; empty ones are ignored, misspelt ones are reported."""
        found: dict[str, Setting] = {}
        for name, text in environ.items():
            if not name.startswith(PREFIX) or not text:
                continue
            entry = schema.BY_ENV.get(name)
            try:
                if entry:
                    found[entry.key] = parse_setting(entry, text, f"the environment variable {name}")
                    continue
                section, _, rest = name.removeprefix(PREFIX).casefold().partition("_")
                if rest and section in schema.SECTIONS:
                    raise BadInput(
                        f"The environment variable {visible(name, 80)} names no setting.",
                        hint=schema.nearest_hint(f"{section}.{rest}"),
                    )
            except BadInput as problem:
                self._add_problem(problem)
        return found

    def file(self, path: Path) -> dict[str, Setting]:
        """Return the layer of a settings file; a missing file is empty."""
        found: dict[str, Setting] = {}
        try:
            values = read_file(path)
        except BadInput as problem:
            self._add_problem(problem)
            return found
        for key, value in values.items():
            try:
                entry = schema.BY_KEY.get(key)
                if entry is None:
                    raise BadInput(
                        f"There is no setting {visible(key, 80)} (in {path}).", hint=schema.nearest_hint(key)
                    )
                found[key] = _from_toml(entry, value, str(path))
            except BadInput as problem:
                self._add_problem(problem)
        return found

    def _add_problem(self, problem: BadInput) -> None:
        problem.case = CaseId.SETTINGS
        if not self._lenient:
            raise problem
        self.problems.append(problem)
