"""The store compared with a plain dict, step by step, with crashes, failing disks and reopening."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.store.faults import FailingDisk
from tests.store.script import opened
from tests.support.profile import count
from xpm_tui.domain.errors import DiskError
from xpm_tui.domain.identity import name_key
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.links import Link
from xpm_tui.domain.ports import Drop, Put, Write
from xpm_tui.domain.tables import CLIENTS, LINKS, TableSchema
from xpm_tui.store.snapshot import StoreIds, id_sort_key
from xpm_tui.store.store import DiskStore
from xpm_tui.store.tables import TableSnapshot

Plain = dict[str, dict[str, Client | Link]]


def applied(plain: Plain, batch: list[Write]) -> Plain:
    """What the tables hold after a commit."""
    after: Plain = {name: dict(rows) for name, rows in plain.items()}
    for write in batch:
        rows = after[write.table.name]
        if isinstance(write, Put):
            rows[write.row.id] = write.row
        else:
            rows.pop(write.id, None)
    return after


keys = st.sampled_from([f"c{n}" for n in range(12)])
names = st.sampled_from(
    ["Same", "same!", "ACME [/] Pty", "Tāne & Söhne", "\x1b[31mred", "日本 \u202e", "a\tb\nc"]
)
puts = st.builds(lambda i, n: Put(CLIENTS, Client(id=i, name=n, extra={"k": n})), keys, names)
links = st.builds(lambda i, u: Put(LINKS, Link(id=i, uuid=u)), keys, st.sampled_from(["u1", "u2"]))
drops = st.builds(lambda t, i: Drop(t, i), st.sampled_from([CLIENTS, LINKS]), keys)
batches = st.lists(st.one_of(puts, links, drops), min_size=1, max_size=6)


class BookMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.tmp = Path(tempfile.mkdtemp())
        self.disk = FailingDisk(-1, "ENOSPC")
        self.book = self.open()
        self.other = opened(self.tmp / "book")
        self.plain: Plain = {"clients": {}, "links": {}}
        self.commits = 0
        self.kept: list[tuple[TableSnapshot, Plain, int]] = []
        self.given = 0

    def open(self) -> DiskStore:
        return opened(self.tmp / "book", disk=self.disk)

    def teardown(self) -> None:
        self.book.close()
        self.other.close()
        shutil.rmtree(self.tmp)

    def take_over(self, batch: list[Write]) -> None:
        self.plain = applied(self.plain, batch)
        self.commits += 1

    @rule(batch=batches, by_other=st.booleans())
    def commit(self, batch: list[Write], by_other: bool) -> None:
        book = self.other if by_other else self.book
        assert book.commit(batch) == self.commits + 1
        self.take_over(batch)

    @rule(batch=batches, nth=st.integers(1, 6), lasting=st.booleans())
    def commit_on_a_failing_disk(self, batch: list[Write], nth: int, lasting: bool) -> None:
        self.disk.nth, self.disk.lasting = self.disk.done + nth, lasting
        try:
            self.book.commit(batch)
        except DiskError:
            pass
        else:
            self.take_over(batch)
        self.disk.nth, self.disk.lasting = -1, False
        # What could not be rolled back then is rolled back now.
        with self.book.db.engine.locked():
            pass

    @rule(prefix=st.sampled_from("ck"), many=st.integers(1, 3))
    def number(self, prefix: str, many: int) -> None:
        given = StoreIds(self.book).new(prefix, many)
        assert len(set(given)) == many
        self.commits += 1

    @rule()
    def crash_and_reopen(self) -> None:
        engine = self.book.db.engine
        engine.close()
        self.kept = [kept for kept in self.kept if kept[0].position >= 0]
        self.book = self.open()

    @rule(cut=st.integers(1, 60))
    def crash_with_a_torn_write(self, cut: int) -> None:
        engine = self.book.db.engine
        engine._recorded = engine.mark.position  # a killed process records nothing
        engine.close()
        log = self.tmp / "book" / f"log.{self.book.generation}"
        if not log.exists():
            return
        line = b'[["clients","c1",{"id":"c1","name":"never acknowledged"}]]\t999 1 .\t00000000'
        newest = max(self.tmp.glob("book/log.*"), key=lambda path: int(path.suffix[1:]))
        with newest.open("ab") as stream:
            stream.write(line[:cut])
        self.book = self.open()

    @rule(by_other=st.booleans())
    def fold(self, by_other: bool) -> None:
        assert (self.other if by_other else self.book).compact()

    @rule()
    def keep_a_snapshot(self) -> None:
        self.kept.append((self.book.snapshot(), self.plain, self.commits))

    @precondition(lambda self: self.kept)
    @rule()
    def look_at_an_old_snapshot(self) -> None:
        for view, plain, commits in self.kept:
            assert view.position == commits
            compare(view, plain)
        self.kept = self.kept[1:]

    @invariant()
    def both_see_the_truth(self) -> None:
        for book in (self.book, self.other):
            assert book.watch() == book.snapshot().position == self.commits
            compare(book.snapshot(), self.plain)


def compare(view: TableSnapshot, plain: Plain) -> None:
    tables: tuple[TableSchema[Any], ...] = (CLIENTS, LINKS)
    for table in tables:
        rows = plain[table.name]
        assert list(view.rows(table)) == list(rows.values())
        assert list(view.ids(table)) == list(rows)
        assert view.count(table) == len(view.ids(table)) == len(rows)
    for each in ("c0", "c5", "nobody"):
        assert view.get(CLIENTS, each) == plain["clients"].get(each)
        assert (each in view.ids(CLIENTS)) == (each in plain["clients"])
    by_name = [row for row in plain["clients"].values() if isinstance(row, Client) and row.name == "Same"]
    assert view.find(CLIENTS, "name", "Same") == sorted(by_name, key=lambda row: id_sort_key(row.id))
    same = [
        i for i, row in plain["clients"].items() if isinstance(row, Client) and name_key(row.name) == "same"
    ]
    assert [row.id for row in view.find(CLIENTS, "name_key", "same")] == sorted(same, key=id_sort_key)
    linked = [i for i, row in plain["links"].items() if isinstance(row, Link) and row.uuid == "u1"]
    assert [row.id for row in view.find(LINKS, "uuid", "u1")] == sorted(linked, key=id_sort_key)
    assert view.find(LINKS, "uuid", "nobody") == []


TestBook = BookMachine.TestCase
TestBook.settings = settings(
    max_examples=count(15, 1000, 5000),
    stateful_step_count=count(25, 50),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
