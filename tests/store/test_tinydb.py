"""TinyDB's own API on our storage: with TinyDB's tables and with ours, the same answers, nothing lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tinydb import Query, TinyDB, where
from tinydb.table import Document

from tests.support.postgres_server import fresh_practice
from xpm_tui.domain.errors import BadInput, Busy
from xpm_tui.domain.tables import CLIENTS
from xpm_tui.files.machine import SystemClock
from xpm_tui.store.database_store import PostgresStorage
from xpm_tui.store.tables import CommitLogStorage, PracticeDB


class Place(NamedTuple):
    """One database on one engine, opened by TinyDB's tables or by ours as often as it is asked for."""

    arguments: tuple[Any, ...]
    options: dict[str, Any]

    def open(self, kind: type[TinyDB] = PracticeDB) -> Any:
        return kind(*self.arguments, **self.options)


@pytest.fixture(params=["disk", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "disk":
        return Place((tmp_path / "book",), {"storage": CommitLogStorage})
    options = {"read_only": False, "clock": SystemClock(), "poll": 0.0, "storage": PostgresStorage}
    return Place(fresh_practice(), options)


@pytest.fixture(params=["TinyDB's tables", "ours"])
def db(request: pytest.FixtureRequest, place: Place) -> Iterator[TinyDB]:
    with place.open(TinyDB if request.param.startswith("TinyDB") else PracticeDB) as opened:
        yield opened


def test_the_whole_api(db: TinyDB, place: Place) -> None:
    notes: Any = db.table("notes")
    first = notes.insert({"text": "call Ana", "done": False})
    second, third = notes.insert_multiple(
        [{"text": "call Bob", "done": True}, {"text": "lunch", "done": False}]
    )
    note = Query()
    assert len(notes) == 3
    assert [row["text"] for row in notes] == ["call Ana", "call Bob", "lunch"]
    assert notes.get(doc_id=second)["text"] == "call Bob"
    assert [row.doc_id for row in notes.get(doc_ids=[first, third])] == [first, third]
    assert notes.get(doc_id="99") is None
    assert {row["text"] for row in notes.search(note.text.matches("call"))} == {"call Ana", "call Bob"}
    assert notes.count(note.done == False) == 2  # noqa: E712
    assert notes.contains(note.text == "lunch")
    notes.update({"done": True}, note.text == "lunch")
    notes.update(lambda row: row.update(text="call Ana now"), doc_ids=[first])
    assert notes.count(where("done") == True) == 2  # noqa: E712
    notes.upsert({"text": "call Bob", "tag": "x"}, note.text == "call Bob")
    notes.upsert({"text": "new", "done": False}, note.text == "new")
    assert notes.get(note.tag == "x")["done"] is True
    assert len(notes) == 4
    notes.remove(note.text == "new")
    notes.remove(doc_ids=[third])
    assert [row["text"] for row in notes.all()] == ["call Ana now", "call Bob"]
    assert db.tables() == {"notes"}
    other = place.open()
    assert [row["text"] for row in other.table("notes")] == ["call Ana now", "call Bob"]
    other.close()
    db.drop_table("notes")
    assert db.tables() == set()
    assert len(db.table("notes")) == 0


def test_what_another_process_wrote_is_seen_and_not_overwritten(db: TinyDB, place: Place) -> None:
    notes: Any = db.table("notes")
    ours = notes.insert({"text": "one"})
    assert notes.search(where("text").exists()) == [{"text": "one"}]
    other = place.open()
    theirs = other.table("notes").insert({"text": "two"})
    assert ours != theirs
    notes.clear_cache()
    assert len(notes.search(where("text").exists())) == 2
    if isinstance(db, PracticeDB):
        third = notes.insert({"text": "three"})
        assert len({ours, theirs, third}) == 3
    else:
        with pytest.raises(ValueError, match="already exists"):
            notes.insert({"text": "three"})  # TinyDB's own table gives a number that is taken.
    assert [row["text"] for row in other.table("notes")][:2] == ["one", "two"]
    other.close()


def test_a_row_that_moved_between_reading_and_writing_is_not_overwritten(place: Place) -> None:
    with place.open(TinyDB) as db:
        notes: Any = db.table("notes")
        number = notes.insert({"text": "one"})
        other = place.open()

        def slow(row: dict[str, Any]) -> None:
            other.table("notes").update({"text": "theirs"}, doc_ids=[str(number)])
            row["text"] = "ours"

        with pytest.raises(Busy, match="has just changed"):
            notes.update(slow)
        assert [row["text"] for row in notes] == ["theirs"]
        other.close()


def test_rows_of_our_tables_are_checked_who_writes_them(place: Place) -> None:
    with place.open() as db:
        check_rows(db)


def check_rows(db: PracticeDB) -> None:
    clients: Any = db.table("clients")
    document = {"id": "c1", "name": "ACME", "contacts": [{"id": "k1", "name": "Ana"}]}
    clients.insert(Document(document, "c1"))  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="does not fit the table clients"):
        clients.insert(Document({"id": "c2", "name": 3}, "c2"))  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="has the id c3, not c4"):
        clients.insert(Document({"id": "c3", "name": "x"}, "c4"))  # type: ignore[arg-type]
    with pytest.raises(BadInput):
        clients.update({"name": "\ud800"}, doc_ids=["c1"])
    clients.update({"name": "ACME Ltd"}, where("name") == "ACME")
    row = db.snapshot().get(CLIENTS, "c1")
    assert row is not None
    assert (row.name, row.contacts[0].name) == ("ACME Ltd", "Ana")


def test_our_table_writes_by_id_without_reading_the_others(tmp_path: Path) -> None:
    with PracticeDB(tmp_path / "book") as db:
        clients = db.table("clients")
        clients.insert_multiple({"id": f"c{n}", "name": f"Client {n}"} for n in range(300))
        assert clients.insert({"id": "c500", "name": "New"}) == "c500"
        before = db.engine.mark
        clients.update({"phone": "1"}, doc_ids=["c7"])
        written = db.engine.mark.offset - before.offset
        assert db.engine.mark.position == before.position + 1
        assert written < 200, "one row, not the table"
        assert clients.get(doc_id="c7") == {"id": "c7", "name": "Client 7", "phone": "1"}


def test_a_failed_update_leaves_nothing_behind(db: TinyDB) -> None:
    notes: Any = db.table("notes")
    notes.insert({"text": "one"})
    with pytest.raises(BadInput):
        notes.insert_multiple([{"text": "two"}, {"text": "\udfff"}])
    with pytest.raises(ZeroDivisionError):
        notes.update(lambda row: row.update(text=1 / 0))
    assert [row["text"] for row in notes] == ["one"]
    assert notes.search(where("text") == "two") == []
