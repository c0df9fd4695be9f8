"""What every caller of the store relies on, for the real store and for the one in memory of the tests."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.memory_store import MemoryIds, MemoryStore
from tests.support.postgres_server import Opener, opener
from xpm_tui.domain.errors import ReadOnly, StoreChanged
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.links import Link
from xpm_tui.domain.ports import Drop, IdSource, Put, Store
from xpm_tui.domain.tables import CLIENTS, LINKS
from xpm_tui.store.snapshot import StoreIds


@pytest.fixture(params=["disk", "postgres", "memory"])
def book(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened = MemoryStore() if request.param == "memory" else opener(request.param, tmp_path)()
    yield opened
    opened.close()


@pytest.fixture(params=["disk", "postgres"])
def open_again(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    """Opens the same store, as often as it is called."""
    return opener(request.param, tmp_path)


def client(number: int, name: str = "") -> Put:
    return Put(CLIENTS, Client(id=f"c{number}", name=name or f"Client {number}"))


def names(book: Store) -> list[str]:
    return [row.name for row in book.snapshot().rows(CLIENTS)]


def test_a_commit_is_seen_by_the_next_snapshot_and_by_no_earlier_one(book: Store) -> None:
    empty = book.snapshot()
    assert book.commit([client(1), client(2)]) == empty.position + 1
    before = book.snapshot()
    book.commit([client(1, "Renamed"), Drop(CLIENTS, "c2"), client(3)])
    assert (list(empty.rows(CLIENTS)), empty.count(CLIENTS)) == ([], 0)
    assert [row.name for row in before.rows(CLIENTS)] == ["Client 1", "Client 2"]
    assert before.get(CLIENTS, "c3") is None
    assert names(book) == ["Renamed", "Client 3"]
    assert book.watch() == book.snapshot().position == before.position + 1


def test_nothing_is_written_over_a_row_that_moved_since_the_look(book: Store) -> None:
    book.commit([client(1), client(2)])
    looked = book.snapshot()
    book.commit([client(1, "Theirs")])
    with pytest.raises(StoreChanged, match="c1"):
        book.commit([client(2, "Ours"), client(1, "Ours")], since=looked)
    assert names(book) == ["Theirs", "Client 2"]
    book.commit([client(2, "Ours")], since=looked)
    with pytest.raises(StoreChanged):
        book.commit([Drop(CLIENTS, "c2")], since=looked)
    assert names(book) == ["Theirs", "Ours"]


def test_a_transaction_is_shown_the_newest_state(book: Store) -> None:
    book.commit([client(1)])
    position = book.transact(lambda now: [client(now.count(CLIENTS) + 1)])
    assert position == book.snapshot().position
    assert names(book) == ["Client 1", "Client 2"]


def test_rows_are_found_by_every_index_in_order_of_id(book: Store) -> None:
    book.commit([client(10, "Same"), client(2, "Same"), client(1, "SAME!")])
    book.commit([Put(LINKS, Link(id="c2", uuid="u-1"))])
    snapshot = book.snapshot()
    assert [row.id for row in snapshot.find(CLIENTS, "name", "Same")] == ["c2", "c10"]
    assert [row.id for row in snapshot.find(CLIENTS, "name_key", "same")] == ["c1", "c2", "c10"]
    assert [row.id for row in snapshot.find(LINKS, "uuid", "u-1")] == ["c2"]
    book.commit([client(2, "Other")])
    assert [row.id for row in book.snapshot().find(CLIENTS, "name", "Same")] == ["c10"]
    assert [row.id for row in snapshot.find(CLIENTS, "name", "Same")] == ["c2", "c10"]


def test_no_row_can_be_changed_by_keeping_hold_of_it(book: Store) -> None:
    extra = {"Fee": "10"}
    book.commit([Put(CLIENTS, Client(id="c1", name="A", extra=extra))])
    extra["Fee"] = "11"
    row = book.snapshot().get(CLIENTS, "c1")
    assert row is not None
    row.extra["Fee"] = "12"
    again = book.snapshot().get(CLIENTS, "c1")
    assert again is not None
    assert again.extra == {"Fee": "10"}


def test_ids_are_counted_per_prefix(open_again: Opener) -> None:
    book = open_again()
    kinds: list[IdSource] = [StoreIds(book), MemoryIds()]
    for ids in kinds:
        assert ids.new("c", 2) == ["c1", "c2"]
        assert ids.new("k") == ["k1"]
        assert ids.new("c") == ["c3"]
        assert ids.new("c", 0) == []
    book.close()
    book = open_again()
    assert StoreIds(book).new("c") == ["c4"]
    book.close()


def test_a_store_for_reading_takes_no_write(open_again: Opener) -> None:
    book = open_again()
    book.commit([client(1)])
    reader = open_again(read_only=True)
    with pytest.raises(ReadOnly):
        reader.commit([client(2)])
    book.commit([client(2)])
    assert names(reader) == ["Client 1", "Client 2"]
    reader.close()
    book.close()


def test_all_rows_can_be_read_while_rows_are_added(open_again: Opener) -> None:
    """A look for garbage lets another thread commit, and may begin wherever something is made."""
    with open_again() as book:
        book.commit([client(number) for number in range(500)])
        snapshot = book.snapshot()
        live, kept = snapshot.view._newest("clients"), gc.get_threshold()

        def adds(phase: str, _: dict[str, int]) -> None:
            if phase == "start":
                live[f"x{len(live)}"] = b""

        gc.callbacks.append(adds)
        gc.set_threshold(1)
        try:
            seen = [id_ for id_, raw in snapshot.view.items("clients") if raw]
        finally:
            gc.callbacks.remove(adds)
            gc.set_threshold(*kept)
    assert seen == [f"c{number}" for number in range(500)]
    assert len(live) > 500
