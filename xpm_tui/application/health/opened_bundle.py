"""Open a support bundle as a read-only practice, in the state in which it was written.

The parts are written into a folder as a separate home; its clock is fixed at the time of the bundle, so that
"2 h ago" is what the user saw. No practice of this machine is read, and no call is made to Xero.
"""

from __future__ import annotations

import asyncio
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from xpm_tui.application.csv_io.inbox import InboxStatus
from xpm_tui.application.health.bundle import OWN_WORDS
from xpm_tui.application.home import FIRST, STORE_FOLDER, Home, find_home
from xpm_tui.application.practice import OpenPractice, Recording, open_practice
from xpm_tui.diagnostics.findings import ProbeResult
from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.events import Event
from xpm_tui.domain.pace import LIMITER_FILE
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import ALL
from xpm_tui.files.durable import replace_bytes
from xpm_tui.files.machine import disk_error
from xpm_tui.files.private import ensure_private
from xpm_tui.settings.store import Settings
from xpm_tui.store.store import open_store

T = TypeVar("T")

MAX_PART_SIZE = 1024 * 1024 * 1024
"""The most bytes of one unpacked part."""

HIDDEN_APP = "hidden"
"""What replaces the client id, of which a bundle says only whether it is set."""

_UNREADABLE = (
    msgspec.MsgspecError, zipfile.BadZipFile, UnicodeDecodeError, EOFError, RuntimeError, OSError,
)  # fmt: skip
"""The errors of reading a damaged zip file or part of it."""

_ROWS_PER_COMMIT = 5_000


class FixedClock:
    """A clock with a fixed time; waiting takes real time."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        """Return the time of the bundle."""
        return self._at

    def monotonic(self) -> float:
        """Return the seconds of the real clock."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class _Practice(msgspec.Struct, frozen=True):
    """The content of ``practice.json``."""

    version: str
    made: datetime
    masked: bool = True
    conditions: tuple[dict[str, str], ...] = ()
    login_refused: bool = False
    calls: Any = None
    inbox: InboxStatus | None = None


class _Setting(msgspec.Struct, frozen=True):
    """One setting of ``settings.json``."""

    key: str
    value: str
    origin: str


class _Record(msgspec.Struct, frozen=True):
    """One line of ``records.jsonl``."""

    table: str
    row: msgspec.Raw


class OpenedBundle:
    """A bundle that was unpacked into a home; :meth:`practice` opens it, any number of times."""

    def __init__(self, recording: Recording, home: Home, environ: dict[str, str]) -> None:
        self.recording = recording
        self.home = home
        self._environ = environ

    def practice(self) -> OpenPractice:
        """Open the bundle as a practice, for reading only."""
        opened = open_practice(
            self.home, FIRST, person="support", read_only=True, environ=self._environ,
            clock=FixedClock(self.recording.made), lenient=True,
        )  # fmt: skip
        opened.recording = self.recording
        return opened


def unpack(file: Path, folder: Path) -> OpenedBundle:
    """Unpack a bundle into an empty folder.

    Raises:
        BadInput: The file is not a support bundle, is damaged, or comes from a version that wrote no records.
        DiskError: It cannot be read, or the folder cannot be written.
    """
    with disk_error(file):
        if not file.is_file():
            raise BadInput(f"There is no file {file}.", hint="Name a bundle: xpm-tui open FILE")
        try:
            archive = zipfile.ZipFile(file)
        except zipfile.BadZipFile:
            raise _not_a_bundle(file, "it is not a zip file") from None
    with archive:
        parts = _BundleParts(archive, file)
        about = parts.json("practice.json", _Practice)
        results = tuple(parts.json("doctor.json", list[ProbeResult]))
        recording = Recording(
            file=str(file),
            made=about.made,
            version=about.version,
            masked=about.masked,
            conditions=tuple((each["state"], each.get("message", "")) for each in about.conditions)
            or (("sound", ""),),
            results=results,
            inbox=msgspec.to_builtins(about.inbox) if about.inbox is not None else {},
        )
        home = find_home(str(folder), {})
        config, data, state = home.practice(FIRST)
        for each in (config, data, state):
            ensure_private(each)
        environ = _restore_settings(parts, home)
        _restore_records(parts, data / STORE_FOLDER, FixedClock(about.made))
        _restore_log(parts, state / "log")
        if about.calls is not None:
            replace_bytes(state / LIMITER_FILE, msgspec.json.encode(about.calls))
        if about.login_refused:
            box = {"key": "file", "nonce": "", "data": "", "refused": True}
            replace_bytes(state / "login.bin", msgspec.json.encode(box))
    return OpenedBundle(recording, home, environ)


class _BundleParts:
    """The parts of a zip file, each read when it is needed."""

    def __init__(self, archive: zipfile.ZipFile, file: Path) -> None:
        self._archive = archive
        self._file = file

    def json(self, name: str, kind: type[T]) -> T:
        """Return a part as a value."""
        return self._read(name, lambda: msgspec.json.decode(self._bytes(name), type=kind))

    def lines(self, name: str, kind: type[T]) -> Iterator[T]:
        """Return the lines of a part as values."""
        decode = msgspec.json.Decoder(kind).decode
        with self._read(name, lambda: self._archive.open(self._entry(name))) as lines:
            yield from self._read(name, lambda: [decode(line) for line in lines if line.strip()])

    def decoded(self, name: str, raw: bytes | msgspec.Raw, kind: type[T]) -> T:
        """Return a value within a part."""
        return self._read(name, lambda: msgspec.json.decode(raw, type=kind))

    def _entry(self, name: str) -> zipfile.ZipInfo:
        entry = self._archive.getinfo(name)
        if entry.file_size > MAX_PART_SIZE:
            raise _not_a_bundle(self._file, f"{name} is too large")
        return entry

    def _bytes(self, name: str) -> bytes:
        return self._archive.read(self._entry(name))

    def _read(self, name: str, read: Callable[[], T]) -> T:
        try:
            return read()
        except KeyError:
            raise _not_a_bundle(self._file, f"it has no {name}, like those of earlier versions") from None
        except _UNREADABLE:
            raise _not_a_bundle(self._file, f"{name} cannot be read") from None


def _not_a_bundle(file: Path, why: str) -> BadInput:
    return BadInput(
        f"{file} cannot be opened as a support bundle: {why}.",
        hint="Write one on the machine with the problem: xpm-tui doctor --bundle support.zip",
    )


def _restore_settings(parts: _BundleParts, home: Home) -> dict[str, str]:
    """Restore the settings; return those among them that came from environment variables."""
    settings = Settings.load(home.settings_file, home.practice(FIRST)[0] / "settings.toml", {}, {})
    environ: dict[str, str] = {}
    for each in parts.json("settings.json", list[_Setting]):
        value = HIDDEN_APP if (each.key, each.value) == ("xero.client_id", "set") else each.value
        # A bundle may be forged: no setting that could run a command is restored.
        if each.origin == "default" or (each.key in OWN_WORDS and value != HIDDEN_APP):
            continue
        try:
            entry = settings.item(each.key).entry
            if entry.secret:
                continue
            if each.origin in ("file", "practice"):
                settings.set(each.key, value, practice=each.origin == "practice")
            else:
                settings.trial({each.key: value}, practice=True)
                environ[entry.env] = value
        except BadInput:
            continue  # masked, or from another version: it keeps its default
    return environ


def _restore_records(parts: _BundleParts, folder: Path, clock: FixedClock) -> None:
    tables = {table.name: table for table in ALL}
    with open_store(folder, clock=clock) as store:
        writes: list[Put] = []
        for record in parts.lines("records.jsonl", _Record):
            table = tables.get(record.table)
            if table is None:
                continue  # from a later version
            writes.append(Put(table, parts.decoded("records.jsonl", record.row, table.row)))
            if len(writes) >= _ROWS_PER_COMMIT:
                store.commit(writes)
                writes = []
        store.commit(writes)


def _restore_log(parts: _BundleParts, folder: Path) -> None:
    """Write the events into one file for each day, oldest first."""
    events = [event for event in parts.lines("events.jsonl", Event) if event.at is not None]
    ensure_private(folder)
    for day, found in groupby(reversed(events), key=_day):
        replace_bytes(folder / f"{day}.jsonl", _json_lines(found))


def _day(event: Event) -> str:
    assert event.at is not None
    return event.at.astimezone(UTC).date().isoformat()


def _json_lines(events: Iterable[Event]) -> bytes:
    return b"".join(msgspec.json.encode(event) + b"\n" for event in events)
