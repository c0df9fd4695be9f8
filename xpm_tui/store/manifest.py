"""The manifest of a store, which lists its files, and the migrations from one format to the next.

Replacing the manifest makes a new generation the current one. Migrations are only ever appended: ``STEPS``
for the format of the rows, on every engine, and ``LAYOUTS`` for the tables in PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec

from xpm_tui.domain.errors import StoreUnreadable
from xpm_tui.files.durable import previous_path, replace_bytes
from xpm_tui.files.machine import DISK, Disk, to_disk_error
from xpm_tui.store.encoding import seal_struct, unseal

Tables = dict[str, dict[str, bytes]]
Migration = Callable[[Tables], Tables]


def _same_rows(tables: Tables) -> Tables:
    """Return the rows unchanged: format 2 only adds checksums of snapshot files and the end of the log."""
    return tables


STEPS: list[Migration] = [_same_rows]
"""``STEPS[0]`` migrates format 1 to 2, and so on: rows as JSON bytes by table and id."""


def newest() -> int:
    """Return the format that this version writes."""
    return 1 + len(STEPS)


def migrate(tables: Tables, found: int) -> Tables:
    """Return rows of the format ``found`` in the newest format."""
    for step in STEPS[found - 1 :]:
        tables = step(tables)
    return tables


_FIRST_LAYOUT = """
CREATE TABLE xpm_tui.layout (version int NOT NULL);
INSERT INTO xpm_tui.layout VALUES (0);

-- One row per practice: the head of its store. A commit holds the lock on it.
CREATE TABLE xpm_tui.practices (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    book text NOT NULL,
    format int NOT NULL,
    state text NOT NULL DEFAULT '' CHECK (state IN ('', 'loading', 'moved')),
    moved_to text NOT NULL DEFAULT '',
    position bigint NOT NULL DEFAULT 0,
    seq bigint NOT NULL DEFAULT 0,
    row_count bigint NOT NULL DEFAULT 0,
    horizon bigint NOT NULL DEFAULT 0,
    fence bigint NOT NULL DEFAULT 0,
    owner text NOT NULL DEFAULT '',
    made timestamptz NOT NULL DEFAULT now()
);

-- A row without a body is a tombstone: readers that are behind learn from it that the row is gone.
-- seq is the order of arrival, position the commit that wrote the row, crc covers tbl, id, position, body.
CREATE TABLE xpm_tui.rows (
    practice int NOT NULL REFERENCES xpm_tui.practices ON DELETE CASCADE,
    tbl text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    seq bigint NOT NULL,
    crc bigint NOT NULL,
    body bytea,
    PRIMARY KEY (practice, tbl, id)
);
CREATE INDEX rows_position ON xpm_tui.rows (practice, position);
CREATE INDEX rows_tombstones ON xpm_tui.rows (practice, position) WHERE body IS NULL;

-- Which commits took effect, and who made them: a COMMIT whose reply was lost is looked up by its token.
CREATE TABLE xpm_tui.commits (
    practice int NOT NULL REFERENCES xpm_tui.practices ON DELETE CASCADE,
    token text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    role text NOT NULL DEFAULT session_user,
    person text NOT NULL,
    machine text NOT NULL,
    version text NOT NULL,
    PRIMARY KEY (practice, token)
);
CREATE INDEX commits_position ON xpm_tui.commits (practice, position);

-- Small records that all machines change in turn: the calls of the last minute, the encrypted login.
CREATE TABLE xpm_tui.shared (
    practice int NOT NULL REFERENCES xpm_tui.practices ON DELETE CASCADE,
    name text NOT NULL,
    body bytea,
    PRIMARY KEY (practice, name)
);

-- The person to whom a database role belongs. Written by the owner of the schema only.
CREATE TABLE xpm_tui.people (role name PRIMARY KEY, person text NOT NULL);
"""

LAYOUTS: list[str] = [_FIRST_LAYOUT]
"""``LAYOUTS[0]`` leads from an empty schema to layout 1, and so on: SQL, each applied in one transaction."""


HEAD = "head"
REPAIR_HINT = "Check it with: xpm-tui data check. Then: xpm-tui data repair, or xpm-tui data restore FILE."


class TableFile(msgspec.Struct, frozen=True):
    """A snapshot file: its name, the number of its rows and bytes, and its checksums.

    ``chain`` is the checksum of its last block. ``crc`` is the CRC-32 of all bytes; manifests of format 1
    have none.
    """

    file: str
    rows: int
    bytes: int
    chain: int
    crc: int | None = None


class Manifest(msgspec.Struct, frozen=True, kw_only=True, rename={"store_id": "book"}):
    """A generation: its snapshot files contain everything up to commit ``position``, its log what follows.

    ``chain`` is the checksum that the log continues.
    """

    format: int
    store_id: str
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

    def __init__(self, path: Path, words: str, *, missing: bool = False, hint: str = REPAIR_HINT) -> None:
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
        raise to_disk_error(error, path, "read") from error
    opened = unseal(data[:-1]) if data.endswith(b"\n") else None
    if opened is None:
        raise StoreDamaged(path, "is damaged, or was changed by another program.")
    try:
        head = msgspec.json.decode(opened[0], type=Manifest)
    except msgspec.MsgspecError as error:
        version = _format_of(opened[0])
        if version > newest():
            raise _newer_format(path, version) from error
        raise StoreDamaged(path, "cannot be read.") from error
    if head.format > newest():
        raise _newer_format(path, head.format)
    return head


def _newer_format(path: Path, found: int) -> StoreUnreadable:
    """Return the error for a store that a newer version has written."""
    return StoreUnreadable(
        f"{path} was written by a newer version of xpm-tui (format {found}, this one knows {newest()}).",
        hint="Update xpm-tui. Nothing was changed.",
    )


def _format_of(body: bytes) -> int:
    """Return the format of a manifest that cannot be read otherwise; 0 if there is none."""

    class Format(msgspec.Struct):
        format: int = 0

    try:
        return msgspec.json.decode(body, type=Format).format
    except msgspec.MsgspecError:
        return 0


def write_manifest(folder: Path, head: Manifest, *, disk: Disk = DISK) -> None:
    """Activate a manifest durably; the previous one is kept. Raises ``DiskError``."""
    replace_bytes(folder / HEAD, seal_struct(head), keep_previous=True, disk=disk)


def previous_manifest(folder: Path) -> Path:
    """Return the path of the previous generation's manifest."""
    return previous_path(folder / HEAD)
