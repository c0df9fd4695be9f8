"""The Store port works through the TinyDB tables, and TinyDB's own API sees the same rows, both ways."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tinydb import where
from tinydb.table import Document

from tests.support.postgres_server import Opener, opener
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.links import Link
from xpm_tui.domain.ports import Drop, Put, Snapshot
from xpm_tui.domain.tables import CLIENTS, LINKS
from xpm_tui.store.tables import RowTable, TableSnapshot

READS: dict[str, Callable[[Snapshot], Any]] = {
    "row": lambda s: s.get(CLIENTS, "c1"),
    "raw": lambda s: s.raw(CLIENTS, "c1"),
    "find": lambda s: s.find(CLIENTS, "name", "Kowhai Ltd"),
    "find_ids": lambda s: s.find_ids(CLIENTS, "name", "Kowhai Ltd"),
    "typed_rows": lambda s: list(s.rows(CLIENTS)),
    "ids": lambda s: list(s.ids(CLIENTS)),
    "row_count": lambda s: s.count(CLIENTS),
}
"""Each method of the Snapshot port with the method of the table class that serves it."""


@pytest.fixture(params=["disk", "postgres"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    return opener(request.param, tmp_path)


def counted(patch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the calls of the table class by method."""
    calls: Counter[str] = Counter()

    def counting(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def method(self: RowTable, *args: Any) -> Any:
            calls[name] += 1
            return call(self, *args)

        return method

    for name in (*READS, "change"):
        patch.setattr(RowTable, name, counting(name, getattr(RowTable, name)))
    return calls


_NO_READS = ("position", "fingerprint")
"""What tells of the state, and reads no row."""


def test_every_read_of_the_port_goes_through_the_table_class(
    opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened() as book:
        book.commit([Put(CLIENTS, Client(id="c1", name="Kowhai Ltd"))])
        calls = counted(monkeypatch)
        port = [name for name in vars(Snapshot) if not name.startswith("_") and name not in _NO_READS]
        assert len(READS) == len(port), "a new method of the port needs a line above"
        for name, read in READS.items():
            calls.clear()
            assert read(book.snapshot())
            assert calls == {name: 1}


def test_every_write_of_the_port_goes_through_the_table_class(
    opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = counted(monkeypatch)
    with opened() as book:
        book.commit([Put(CLIENTS, Client(id="c1", name="A")), Put(LINKS, Link(id="c1", uuid="u1"))])
        assert calls["change"] == 2
        seen: list[Snapshot] = []

        def make(now: Snapshot) -> list[Drop]:
            seen.append(now)
            return [Drop(LINKS, "c1")]

        book.transact(make)
        assert calls["change"] == 3
        assert isinstance(seen[0], TableSnapshot)


def test_tinydb_reads_what_the_port_wrote(opened: Opener) -> None:
    with opened() as book:
        clients: Any = book.db.table("clients")
        book.commit([Put(CLIENTS, Client(id=f"c{n}", name=f"Client {n}")) for n in (1, 2, 3)])
        assert clients.get(doc_id="c2") == {"id": "c2", "name": "Client 2"}
        assert clients.search(where("name") == "Client 3") == [{"id": "c3", "name": "Client 3"}]
        assert [row.doc_id for row in clients.all()] == ["c1", "c2", "c3"]
        book.commit([Put(CLIENTS, Client(id="c3", name="Other")), Drop(CLIENTS, "c1")])
        assert clients.search(where("name") == "Client 3") == []
        assert not clients.contains(where("id") == "c1")
        assert len(clients) == 2
        assert book.db.tables() == {"clients"}


def test_the_port_reads_what_tinydb_wrote(opened: Opener) -> None:
    with opened() as book:
        clients: Any = book.db.table("clients")
        before = book.snapshot()
        clients.insert({"id": "c1", "name": "Kowhai Ltd"})
        clients.insert(Document({"id": "c2", "name": "Rata Ltd"}, "c2"))  # type: ignore[arg-type]
        found = book.snapshot().find(CLIENTS, "name", "Rata Ltd")
        assert [client.id for client in found] == ["c2"]
        clients.update({"phone": "1"}, where("name") == "Kowhai Ltd")
        clients.remove(doc_ids=["c2"])
        after = book.snapshot()
        assert [(client.id, client.phone) for client in after.rows(CLIENTS)] == [("c1", "1")]
        clients.truncate()
        assert book.snapshot().count(CLIENTS) == 0
        assert (before.count(CLIENTS), after.count(CLIENTS)) == (0, 1), "snapshots stay as they were"
    with opened() as again:
        assert not list(again.snapshot().rows(CLIENTS))
