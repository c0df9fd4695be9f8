"""A store in memory into which files are imported, as the application does it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.support.memory_store import MemoryIds, MemoryStore
from xpm_tui.domain.ignition import Client, Imported
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import CLIENTS, IMPORTED, TableSchema
from xpm_tui.ignition.client_import import plan_clients
from xpm_tui.ignition.csv_source import CsvSource
from xpm_tui.ignition.import_steps import ImportPlan, plan_undo
from xpm_tui.ignition.parser import ParsedFile, parse

NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
HEAD = "Client ID,Contact ID,Client Name,Contact Name,Contact Email,Contact Phone,Phone,Address,City\n"


def decode(raw: bytes, encoding: str = "") -> tuple[str, str]:
    """Return the text of a CSV file, and its encoding as users see it."""
    with CsvSource.of(raw, encoding) as source:
        return "".join(source.lines()), source.encoding_label


class ImportedStore:
    """A store into which files are imported, with its ids."""

    def __init__(self, *rows: tuple[TableSchema[Any], Any]) -> None:
        self.store = MemoryStore([Put(table, row) for table, row in rows])
        self.ids = MemoryIds()
        self.ids.new("c", 100)
        self.ids.new("k", 100)
        self._batches = 0

    def preview(self, text: str | bytes, **options: Any) -> tuple[ParsedFile, ImportPlan]:
        parsed = parse(text.encode() if isinstance(text, str) else text, "clients", **options)
        return parsed, plan_clients(self.store.snapshot(), parsed, None, NOW)

    def load(self, text: str | bytes, **options: Any) -> ImportPlan:
        """Import a file and commit its writes."""
        parsed = parse(text.encode() if isinstance(text, str) else text, "clients", **options)
        plan = plan_clients(self.store.snapshot(), parsed, self.ids, NOW)
        self._batches += 1
        self.store.commit(plan.writes(self.batch))
        return plan

    @property
    def batch(self) -> str:
        return f"m{self._batches}"

    def undo(self) -> Any:
        plan = plan_undo(self.store.snapshot(), self.batch)
        self.store.commit(plan.writes)
        return plan

    def put(self, *rows: tuple[TableSchema[Any], Any]) -> None:
        self.store.commit([Put(table, row) for table, row in rows])

    def clients(self) -> list[Client]:
        return list(self.store.snapshot().rows(CLIENTS))

    def client(self, client_id: str) -> Client:
        (found,) = self.store.snapshot().find(CLIENTS, "client_id", client_id)
        return found

    def reported(self, id: str) -> Imported:  # noqa: A002
        found = self.store.snapshot().get(IMPORTED, id)
        assert found is not None
        return found
