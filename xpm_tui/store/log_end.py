"""The recorded end of the commit log, which tells a log that was cut short from a torn write.

Decision. A log that ends early looks the same whether its last bytes were never written (a torn write, which
nobody was told had succeeded) or were lost afterwards. The file ``log-end`` therefore records how far the log
reached: durably, when a store that was written is closed, at the end of a run, when a generation is put in
place, and every :data:`EVERY` commits. A log that ends before that record has lost acknowledged commits:
the store is damaged. What is behind the record is judged as before: a whole commit is kept, a torn one is
cut.

Limit. Of the commits made since the last record, at most ``EVERY - 1`` by a process that was killed, the loss
of whole lines at the very end of the log cannot be seen. Recording every commit would close the gap and cost
a second durable write for each.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from xpm_tui.files.atomic import replace_bytes
from xpm_tui.files.disk import DISK, Disk, trouble
from xpm_tui.store.checksum import seal_struct, unseal
from xpm_tui.store.commit_log import Mark
from xpm_tui.store.manifest import Manifest, StoreDamaged

LOG_END = "log-end"
"""Name of the file."""

EVERY = 64
"""Number of commits after which the end of the log is recorded again."""


class LogEnd(msgspec.Struct, frozen=True, kw_only=True):
    """The log of ``generation`` held ``bytes`` bytes and reached commit ``position``."""

    book: str
    generation: int
    position: int
    bytes: int

    def is_missed_by(self, head: Manifest, mark: Mark) -> bool:
        """Whether a log that ends at ``mark`` has lost commits. An older generation's record says nothing."""
        same = self.book == head.book and self.generation >= head.generation
        return same and mark.position < self.position


def read_log_end(folder: Path) -> LogEnd | None:
    """Return the record of the log's end, or None where there is none.

    Raises:
        StoreDamaged: The record is not as it was written.
    """
    path = folder / LOG_END
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise trouble(error, path, "read") from error
    opened = unseal(data[:-1]) if data.endswith(b"\n") else None
    try:
        return msgspec.json.decode(opened[0] if opened else b"", type=LogEnd)
    except msgspec.MsgspecError as error:
        raise StoreDamaged(path, "is damaged, or was changed by another program.") from error


def write_log_end(folder: Path, head: Manifest, mark: Mark, *, disk: Disk = DISK) -> None:
    """Record durably that the log reaches ``mark``; the book lock is held. Raises ``DiskError``."""
    end = LogEnd(book=head.book, generation=head.generation, position=mark.position, bytes=mark.offset)
    replace_bytes(folder / LOG_END, seal_struct(end), disk=disk)
