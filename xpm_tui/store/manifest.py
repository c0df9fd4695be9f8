"""The manifest of a store, which names its files. Replacing it is what activates a new generation.

Migrations of the store's format. New ones are appended and never changed afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec

from xpm_tui.domain.errors import StoreUnreadable
from xpm_tui.files.durable import previous, replace_bytes
from xpm_tui.files.machine import DISK, Disk, trouble
from xpm_tui.store.encoding import seal_struct, unseal

Tables = dict[str, dict[str, bytes]]
Step = Callable[[Tables], Tables]


def _same_rows(tables: Tables) -> Tables:
    """Return the rows unchanged: format 2 only adds checksums of snapshot files and the end of the log."""
    return tables


STEPS: list[Step] = [_same_rows]
"""``STEPS[0]`` migrates format 1 to 2, and so on: rows as JSON bytes by table and id."""


def newest() -> int:
    """Return the format that this version writes."""
    return 1 + len(STEPS)


def migrate(tables: Tables, found: int) -> Tables:
    """Return rows of the format ``found`` in the newest format."""
    for step in STEPS[found - 1 :]:
        tables = step(tables)
    return tables


HEAD = "head"
WAY_OUT = "Check it with: xpm-tui data check. Then: xpm-tui data repair, or xpm-tui data restore FILE."


class TableFile(msgspec.Struct, frozen=True):
    """A snapshot file: its name, rows, bytes, last block's checksum, and the checksum of the whole file.

    ``crc`` is the CRC-32 of all bytes; manifests of format 1 have none.
    """

    file: str
    rows: int
    bytes: int
    chain: int
    crc: int | None = None


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """A generation: its snapshot files contain everything up to commit ``position``, its log what followed.

    ``chain`` is the checksum that the log continues.
    """

    format: int
    book: str
    generation: int
    position: int
    chain: int
    made: datetime
    tables: dict[str, TableFile]

    @property
    def log(self) -> str:
        """The name of its commit log."""
        return f"log.{self.generation}"

    @property
    def bytes(self) -> int:
        """The bytes in all snapshot files."""
        return sum(table.bytes for table in self.tables.values())


class StoreDamaged(StoreUnreadable):
    """A file of the store is damaged or missing."""

    def __init__(self, path: Path, words: str, *, missing: bool = False, hint: str = WAY_OUT) -> None:
        super().__init__(f"{path} {words}", hint=hint)
        self.path = path
        self.missing = missing


def read_manifest(path: Path) -> Manifest | None:
    """Return the manifest in ``path``; None if there is no file.

    Raises:
        StoreDamaged: It is damaged.
        StoreUnreadable: Its format is newer than ours.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise trouble(error, path, "read") from error
    opened = unseal(data[:-1]) if data.endswith(b"\n") else None
    if opened is None:
        raise StoreDamaged(path, "is damaged, or was changed by another program.")
    try:
        head = msgspec.json.decode(opened[0], type=Manifest)
    except msgspec.MsgspecError as error:
        kind = _format(opened[0])
        if kind > newest():
            raise newer(path, kind) from error
        raise StoreDamaged(path, "cannot be read.") from error
    if head.format > newest():
        raise newer(path, head.format)
    return head


def newer(path: Path, found: int) -> StoreUnreadable:
    """Return the error for a store that a newer version has written."""
    return StoreUnreadable(
        f"{path} was written by a newer version of xpm-tui (format {found}, this one knows {newest()}).",
        hint="Update xpm-tui. Nothing was changed.",
    )


def _format(body: bytes) -> int:
    class Only(msgspec.Struct):
        format: int = 0

    try:
        return msgspec.json.decode(body, type=Only).format
    except msgspec.MsgspecError:
        return 0


def write_manifest(folder: Path, head: Manifest, *, disk: Disk = DISK) -> None:
    """Activate a manifest durably; the previous one is kept. Raises ``DiskError``."""
    replace_bytes(folder / HEAD, seal_struct(head), keep_previous=True, disk=disk)


def previous_manifest(folder: Path) -> Path:
    """Return the path of the previous generation's manifest."""
    return previous(folder / HEAD)
