"""Which events somebody wants to see.

Reading the log: newest first, or following what all processes append. A broken line is passed over.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import msgspec

from xpm_tui.domain.events import Event, Severity
from xpm_tui.log.sentences import sentence

SEVERITIES: tuple[Severity, ...] = ("debug", "info", "warning", "error")
RANK = {name: rank for rank, name in enumerate(SEVERITIES)}


@dataclass(frozen=True)
class EventFilter:
    """Empty parts let everything through; ``level`` is the least one shown, ``since`` an aware time.

    ``record`` is a client's id (its contacts included), an XPM UUID or a contact's full id. ``text`` is
    looked for, in any case, in the sentence as it is shown and in the call.
    """

    run: str = ""
    level: Severity = "debug"
    record: str = ""
    text: str = ""
    since: datetime | None = None

    def lets(self, event: Event, names: Callable[[str], str] | None = None) -> bool:
        """Whether the event is wanted; ``names`` fills in the sentence that ``text`` is looked for in."""
        if self.run and event.run != self.run:
            return False
        if RANK[event.level] < RANK[self.level]:
            return False
        if self.since is not None and event.at is not None and event.at < self.since:
            return False
        if self.record and not self._about(event):
            return False
        return not self.text or self._says(event, names)

    def _about(self, event: Event) -> bool:
        return (
            event.record == self.record
            or event.uuid == self.record
            or event.record.startswith(self.record + "/")
        )

    def _says(self, event: Event, names: Callable[[str], str] | None) -> bool:
        wanted = self.text.casefold()
        shown = f"{sentence(event, names)} {event.call} {event.key}"
        return wanted in shown.casefold()


EVERYTHING = EventFilter()


BLOCK = 64 * 1024
"""Bytes read at a time, from either end."""

_decode = msgspec.json.Decoder(Event).decode


def day_files(folder: Path) -> list[Path]:
    """The log's files, oldest day first; none when there is no log yet."""
    return sorted(folder.glob("????-??-??.jsonl"))


def newest_first(
    folder: Path, wanted: EventFilter = EVERYTHING, names: Callable[[str], str] | None = None
) -> Iterator[Event]:
    """Wanted events, newest first, one block of one file in memory at a time."""
    oldest = wanted.since.astimezone(UTC).date().isoformat() if wanted.since else ""
    for path in reversed(day_files(folder)):
        if path.stem < oldest:
            return
        try:
            with path.open("rb") as file:
                for line in _backwards(file):
                    event = _event(line)
                    if event is not None and wanted.lets(event, names):
                        yield event
        except FileNotFoundError:
            continue  # its days were over between listing and reading


class Tail:
    """Follows the log across its files. ``poll`` costs one look at the folder when nothing happened."""

    def __init__(self, folder: Path, *, last: int = 0) -> None:
        self._folder = folder
        self._read: dict[str, int] = {}
        self._before: list[Event] = []
        for path in day_files(folder):
            self._read[path.name] = _whole_lines(path)
        if last > 0:
            self._before = self._last(last)

    def poll(self) -> list[Event]:
        """What came since the last poll, in the order of the files; a line not yet whole waits."""
        news, self._before = self._before, []
        told = {event.id for event in news}  # a line may be written while the last ones are looked up
        try:
            with os.scandir(self._folder) as entries:
                sizes = {e.name: e.stat().st_size for e in entries if e.name.endswith(".jsonl")}
        except OSError:
            return news
        for name in sorted(sizes):
            done = self._read.get(name, 0)
            if sizes[name] < done:
                done = 0  # emptied or made anew: what is there now is news
            if sizes[name] > done:
                done = self._take(name, done, news, told)
            self._read[name] = done
        for name in self._read.keys() - sizes.keys():
            del self._read[name]
        return news

    def _take(self, name: str, done: int, news: list[Event], told: set[str]) -> int:
        try:
            with (self._folder / name).open("rb") as file:
                file.seek(done)
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    done += len(line)
                    event = _event(line)
                    if event is not None and event.id not in told:
                        news.append(event)
        except OSError:
            pass
        return done

    def _last(self, count: int) -> list[Event]:
        return list(islice(newest_first(self._folder), count))[::-1]


def _event(line: bytes) -> Event | None:
    try:
        return _decode(line)
    except (msgspec.MsgspecError, ValueError):
        return None


def _whole_lines(path: Path) -> int:
    """Bytes up to the last line end, so that a line being written now is read whole later."""
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
    """Whole and torn lines, last first."""
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
