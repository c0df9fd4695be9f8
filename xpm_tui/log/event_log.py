"""The event log: append-only JSON lines, one file per UTC day, shared by all processes of a practice.

Each line is one ``write`` to a descriptor opened with ``O_APPEND``, so that lines of several processes never
mix (POSIX.1-2017, ``write``). A power loss may lose the last second; no decision depends on it. The log is
read filtered and newest first, or followed while processes append to it; damaged lines are skipped.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import msgspec

from xpm_tui.domain.errors import AppError
from xpm_tui.domain.events import Event, Severity
from xpm_tui.domain.ports import Clock
from xpm_tui.files.private import ensure_private, open_private
from xpm_tui.lazy import lazy_imports
from xpm_tui.log.sentences import sentence

with lazy_imports():
    import secrets

SEVERITIES: tuple[Severity, ...] = ("debug", "info", "warning", "error")
RANK = {name: rank for rank, name in enumerate(SEVERITIES)}


class EventFilter(msgspec.Struct, frozen=True):
    """A filter of events; empty parts match everything. ``level`` is the minimum, ``since`` an aware time.

    ``record`` is a client's id (with its contacts), an XPM UUID or a contact's full id. ``text`` is searched
    in any case in the sentence as it is shown and in the call.
    """

    run: str = ""
    level: Severity = "debug"
    record: str = ""
    text: str = ""
    since: datetime | None = None

    def matches(self, event: Event, names: Callable[[str], str] | None = None) -> bool:
        """Return whether an event matches; ``names`` completes the sentence in which ``text`` is searched."""
        if self.run and event.run != self.run:
            return False
        if RANK[event.level] < RANK[self.level]:
            return False
        if self.since is not None and event.at is not None and event.at < self.since:
            return False
        if self.record and not self._about(event):
            return False
        return not self.text or self._contains_text(event, names)

    def _about(self, event: Event) -> bool:
        return self.record in (event.record, event.uuid, event.record.partition("/")[0])

    def _contains_text(self, event: Event, names: Callable[[str], str] | None) -> bool:
        shown = f"{sentence(event, names)} {event.call} {event.key}"
        return self.text.casefold() in shown.casefold()


EVERYTHING = EventFilter()


BLOCK = 64 * 1024
"""The number of bytes that are read at a time, from either end."""

_decode = msgspec.json.Decoder(Event).decode


def day_files(folder: Path) -> list[Path]:
    """Return the log's files, oldest day first; none if there is no log yet."""
    return sorted(folder.glob("????-??-??.jsonl"))


def newest_first(
    folder: Path, wanted: EventFilter = EVERYTHING, names: Callable[[str], str] | None = None
) -> Iterator[Event]:
    """Yield matching events, newest first, with one block of one file in memory at a time."""
    oldest = wanted.since.astimezone(UTC).date().isoformat() if wanted.since else ""
    for path in reversed(day_files(folder)):
        if path.stem < oldest:
            return
        try:
            with path.open("rb") as file:
                for line in _backwards(file):
                    event = _event(line)
                    if event is not None and wanted.matches(event, names):
                        yield event
        except FileNotFoundError:
            continue  # removed by the retention settings between listing and reading


class Tail:
    """Follows the log across its files. ``poll`` reads only the folder if nothing has happened."""

    def __init__(self, folder: Path, *, last: int = 0) -> None:
        self._folder = folder
        self._read: dict[str, int] = {}
        for path in day_files(folder):
            self._read[path.name] = _whole_lines(path)
        self._before = list(islice(newest_first(folder), last))[::-1]

    def poll(self) -> list[Event]:
        """Return what was added since the last poll, in the order of the files; an incomplete line waits."""
        news, self._before = self._before, []
        seen_ids = {event.id for event in news}  # a line may be written while the last ones are read
        try:
            with os.scandir(self._folder) as entries:
                sizes = {e.name: e.stat().st_size for e in entries if e.name.endswith(".jsonl")}
        except OSError:
            return news
        for name in sorted(sizes):
            done = self._read.get(name, 0)
            if sizes[name] < done:
                done = 0  # emptied or created again, so all of it is new
            if sizes[name] > done:
                done = self._take_new(name, done, news, seen_ids)
            self._read[name] = done
        for name in self._read.keys() - sizes.keys():
            del self._read[name]
        return news

    def _take_new(self, name: str, done: int, news: list[Event], seen_ids: set[str]) -> int:
        try:
            with (self._folder / name).open("rb") as file:
                file.seek(done)
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    done += len(line)
                    event = _event(line)
                    if event is not None and event.id not in seen_ids:
                        news.append(event)
        except OSError:
            pass
        return done


def _event(line: bytes) -> Event | None:
    try:
        return _decode(line)
    except (msgspec.MsgspecError, ValueError):
        return None


def _whole_lines(path: Path) -> int:
    """Return the bytes up to the last line end, so that a line being written now is read later."""
    try:
        with path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            while end > 0:
                start = max(0, end - BLOCK)
                file.seek(start)
                found = file.read(end - start).rfind(b"\n")
                if found >= 0:
                    return start + found + 1
                end = start
    except OSError:
        pass
    return 0


def _backwards(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines, whole or torn, the last first."""
    end = file.seek(0, os.SEEK_END)
    rest = b""
    while end > 0:
        start = max(0, end - BLOCK)
        file.seek(start)
        lines = (file.read(end - start) + rest).split(b"\n")
        rest = lines[0]
        for line in reversed(lines[1:]):
            if line:
                yield line
        end = start
    if rest:
        yield rest


_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: sorts like the number it writes
_RANDOM_BITS = 40

_run: ContextVar[str] = ContextVar("xpm_tui_run", default="")


@contextmanager
def assign_to_run(run: str) -> Iterator[None]:
    """Assign all events that this task and its subtasks emit within the block to ``run``."""
    token = _run.set(run)
    try:
        yield
    finally:
        _run.reset(token)


class EventLog:
    """The event log of a practice. The folder is created with the first event.

    Emitting never fails the work: events that the disk refuses are counted in ``lost``, and reported by one
    event as soon as the disk accepts lines again. ``level`` is the minimum severity that is written.
    """

    def __init__(self, folder: Path, clock: Clock, person: str = "", *, level: Severity = "debug") -> None:
        self.folder = folder
        self.lost = 0
        self._rank = RANK[level]
        self._clock = clock
        self._person = person
        self._fd = -1
        self._day = ""
        self._last = 0
        self._encode = msgspec.json.Encoder().encode

    def emit(self, event: Event) -> None:
        """Append an event; empty ``id``, ``at``, ``by`` and ``run`` are filled in."""
        if RANK[event.level] < self._rank:
            return
        try:
            at = event.at or self._clock.now()
            full = msgspec.structs.replace(
                event,
                at=at,
                id=event.id or self._new_id(at),
                by=event.by or self._person,
                run=event.run or _run.get(),
            )
            self._append(full, at)
        except (OSError, AppError, ValueError, TypeError, msgspec.MsgspecError):
            self.lost += 1
            self.close()

    def read(
        self, wanted: EventFilter = EVERYTHING, names: Callable[[str], str] | None = None
    ) -> Iterator[Event]:
        """Yield events that match ``wanted``, newest first. ``names`` is only used by a text filter."""
        return newest_first(self.folder, wanted, names)

    def tail(self, *, last: int = 0) -> Tail:
        """Follow the log from now on; the first poll also returns the ``last`` events before."""
        return Tail(self.folder, last=last)

    def drop_older(self, days: int) -> int:
        """Remove the files of days more than ``days`` ago; return how many. With 0 days, none are removed."""
        if days <= 0:
            return 0
        limit = (self._clock.now() - timedelta(days=days)).date().isoformat()
        gone = 0
        for path in day_files(self.folder):
            if path.stem < limit:
                path.unlink(missing_ok=True)
                gone += 1
        return gone

    def close(self) -> None:
        """Close the file; the next event opens it again."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            with suppress(OSError):
                os.close(fd)

    def _append(self, event: Event, at: datetime) -> None:
        day = at.date().isoformat()
        if self._fd < 0 or day != self._day or os.fstat(self._fd).st_nlink == 0:
            self._open(day)
        if self.lost:
            report = Event(
                key="log.lost",
                level="warning",
                at=at,
                id=self._new_id(at),
                by=self._person,
                numbers={"events": self.lost},
            )
            self._write(report)
            self.lost = 0
        self._write(event)

    def _write(self, event: Event) -> None:
        line = self._encode(event) + b"\n"
        if os.write(self._fd, line) != len(line):
            raise OSError("the line was cut")  # the next opening adds a line end after the torn piece

    def _open(self, day: str) -> None:
        self.close()
        ensure_private(self.folder)
        self._fd = open_private(self.folder / f"{day}.jsonl", os.O_RDWR | os.O_APPEND | os.O_CREAT)
        self._day = day
        size = os.fstat(self._fd).st_size
        if size and os.pread(self._fd, 1, size - 1) != b"\n":
            os.write(self._fd, b"\n")

    def _new_id(self, at: datetime) -> str:
        """Return an id of milliseconds and random bits: ids sort by time, those of a process by creation."""
        fresh = (int(at.timestamp() * 1000) << _RANDOM_BITS) | secrets.randbits(_RANDOM_BITS - 1)
        self._last = max(fresh, self._last + 1)
        number, text = self._last, ""
        for _ in range(18):
            number, digit = divmod(number, 32)
            text = _ALPHABET[digit] + text
        return text
