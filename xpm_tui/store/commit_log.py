"""The commit log: one append-only file for all tables, with a sealed and fsynced line for each transaction.

A log that ends early looks the same whether its last bytes were never written (a torn write, which was never
acknowledged) or were lost afterwards. The file ``log-end`` therefore records durably how far the log reached:
when a store that was written is closed, at the end of a run, when a generation is installed, and every
:data:`RECORD_EVERY` commits. A log that ends before that record has lost acknowledged commits: the store is
damaged. After the record, a complete commit is kept and a torn one is cut.

Of the commits since the last record (a process that is killed leaves at most ``RECORD_EVERY - 1``), the loss
of whole lines at the very end of the log cannot be noticed. Recording every commit would prevent that, but
cost a second durable write for each. See decision 3 in ``docs/adr``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from io import BufferedReader
from itertools import chain as joined
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from xpm_tui.files.durable import AppendFile, replace_bytes
from xpm_tui.files.machine import DISK, Disk, to_disk_error
from xpm_tui.lazy import pattern
from xpm_tui.store.encoding import EncodedWrite, changes_of, pack, seal_struct, unpack, unseal_struct
from xpm_tui.store.manifest import Manifest, StoreDamaged

_LONGEST = 4096
_HOLE = pattern(rb"\x00{8}")
_PEEK = pattern(rb"\t(\d+) \d+ ([.+])\t[0-9a-f]{8}\n$")


class Mark(NamedTuple):
    """A position in the log: after transaction ``position`` of time ``millis`` with checksum ``chain``."""

    offset: int
    position: int
    chain: int
    millis: int = 0


class Transaction(NamedTuple):
    """A complete transaction and the mark after it."""

    changes: list[EncodedWrite]
    mark: Mark


Tail = Literal["clean", "torn", "whole", "damaged", "short"]
"""What follows the last complete transaction.

``clean``: nothing. ``torn``: a torn write. ``whole``: a transaction without its line end. ``damaged``: bytes
    that
have changed since they were written. ``short``: the log ends before its recorded end.
"""

BROKEN: tuple[Tail, ...] = ("damaged", "short")
"""The tails of a log that has lost data."""


class Scan:
    """Reads transactions after a mark; afterwards, ``mark`` and ``tail`` describe the end."""

    def __init__(self, path: Path, mark: Mark) -> None:
        self.path = path
        self.mark = mark
        self.tail: Tail = "clean"

    def __iter__(self) -> Iterator[Transaction]:
        """Yield the transactions.

        Raises:
            StoreDamaged: The log is missing or cannot be read.
        """
        try:
            stream = self.path.open("rb")
        except FileNotFoundError:
            raise StoreDamaged(self.path, "is missing.", missing=True) from None
        except OSError as error:
            raise to_disk_error(error, self.path, "read") from error
        with stream:
            stream.seek(self.mark.offset)
            offset, chain = self.mark.offset, self.mark.chain
            changes: list[EncodedWrite] = []
            for text in stream:
                offset += len(text)
                line = unpack(text[:-1], chain) if text.endswith(b"\n") else None
                if line is None or line.position != self.mark.position + 1:
                    self.tail = self._tail_state(text, chain, stream)
                    return
                chain = line.chain
                changes += changes_of(line.body)
                if line.last:
                    self.mark = Mark(offset, line.position, chain, line.millis)
                    yield Transaction(changes, self.mark)
                    changes = []
            if changes:
                self.tail = "torn"

    def _tail_state(self, text: bytes, chain: int, rest: BufferedReader) -> Tail:
        if _HOLE.search(text):
            # Blocks that the disk never wrote before a power loss are zeros. A later transaction starts only
            # when this one is durable, so zeros before another transaction are damage.
            return "damaged" if any(map(self._has_later_transaction, joined([text], rest))) else "torn"
        if text.endswith(b"\n") or rest.peek(1):
            return "damaged"
        for ended in (text, text[:-1]):
            line = unpack(ended, chain)
            if line is not None and line.last and line.position == self.mark.position + 1:
                return "whole"
        return "torn"

    def _has_later_transaction(self, text: bytes) -> bool:
        found = _PEEK.search(text)
        return found is not None and int(found[1]) > self.mark.position + 1


class LogHeader(msgspec.Struct, frozen=True, kw_only=True, rename={"store_id": "book"}):
    """The first line of a log: its store and generation, and the checksum that it continues."""

    store_id: str
    generation: int
    position: int
    chain: int


def first_line(head: Manifest) -> bytes:
    """Return the first line of the log of a generation."""
    base = LogHeader(
        store_id=head.store_id, generation=head.generation, position=head.position, chain=head.chain
    )
    return seal_struct(base)


def read_base(path: Path) -> Mark:
    """Return the mark at which a log starts.

    Raises:
        StoreDamaged: The log is missing, or its first line is damaged.
    """
    try:
        with path.open("rb") as stream:
            line = stream.readline(_LONGEST)
    except FileNotFoundError:
        raise StoreDamaged(path, "is missing.", missing=True) from None
    except OSError as error:
        raise to_disk_error(error, path, "read") from error
    base = unseal_struct(line, LogHeader)
    if base is None:
        raise StoreDamaged(path, "has a damaged first line.")
    return Mark(len(line), base.position, base.chain)


class CommitLog:
    """The log of a generation, open for appending."""

    def __init__(self, path: Path, *, disk: Disk = DISK) -> None:
        self.path = path
        self._file = AppendFile(path, disk=disk)

    def append(self, changes: list[EncodedWrite], mark: Mark, millis: int) -> Mark:
        """Append a transaction durably after ``mark`` (the end of the file); return the mark after it.

        Raises:
            DiskError: It cannot be written; the log is unchanged.
        """
        chain = mark.chain

        def lines() -> Iterator[bytes]:
            nonlocal chain
            for line in pack(changes, mark.position + 1, millis, mark.chain):
                chain = int(line[-9:-1], 16)
                yield line

        size = self._file.append(lines())
        return Mark(size, mark.position + 1, chain, millis)

    def cut(self, mark: Mark) -> None:
        """Cut everything after ``mark``. The caller holds the store lock."""
        if self._file.size > mark.offset:
            try:
                self._file.cut(mark.offset)
            except OSError as error:
                raise to_disk_error(error, self.path, "cut back") from error

    def heal(self, mark: Mark) -> None:
        """Add the missing line end to the transaction after ``mark``. The caller holds the store lock."""
        text = os.pread(self._file.fd, self._file.size - mark.offset, mark.offset)
        start = text.rfind(b"\n", 0, -1) + 1
        ended = len(text)
        if not re.search(rb"\t[0-9a-f]{8}$", text[start:]):
            ended -= 1
        self.cut(mark._replace(offset=mark.offset + ended))
        self._file.append(b"\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def peek_position(fd: int, size: int) -> int | None:
    """Return the number of the last commit from a log's last bytes; None if incomplete or missing."""
    found = _PEEK.search(os.pread(fd, 96, max(0, size - 96)))
    return int(found[1]) if found and found[2] == b"." else None


LOG_END = "log-end"
"""The name of the file."""

RECORD_EVERY = 64
"""The number of commits after which the end of the log is recorded again."""


class LogEnd(msgspec.Struct, frozen=True, kw_only=True, rename={"store_id": "book"}):
    """How far the log of a generation reached: commit ``position``, with ``bytes`` bytes."""

    store_id: str
    generation: int
    position: int
    bytes: int

    def is_beyond(self, head: Manifest, mark: Mark) -> bool:
        """Return whether a log that ends at ``mark`` has lost commits; False for another generation."""
        same = self.store_id == head.store_id and self.generation >= head.generation
        return same and mark.position < self.position


def read_log_end(folder: Path) -> LogEnd | None:
    """Return the record of the log's end, or None if there is none.

    Raises:
        StoreDamaged: The record is damaged.
    """
    path = folder / LOG_END
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise to_disk_error(error, path, "read") from error
    end = unseal_struct(data, LogEnd)
    if end is None:
        raise StoreDamaged(path, "is damaged, or was changed by another program.")
    return end


def write_log_end(folder: Path, head: Manifest, mark: Mark, *, disk: Disk = DISK) -> None:
    """Record durably that the log reaches ``mark``; the store lock is held. Raises ``DiskError``."""
    end = LogEnd(
        store_id=head.store_id, generation=head.generation, position=mark.position, bytes=mark.offset
    )
    replace_bytes(folder / LOG_END, seal_struct(end), disk=disk)
