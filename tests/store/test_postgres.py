"""The PostgreSQL engine where it differs from files: lost connections, fencing, notifications, roles."""

from __future__ import annotations

import atexit
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.store.script import Child
from tests.store.test_processes import raised
from tests.store.test_state_machine import Plain, applied, batches, compare
from tests.support.cutting_proxy import CuttingProxy
from tests.support.postgres_server import fresh_practice, private_server, start_server
from tests.support.profile import count
from xpm_tui.domain.errors import (
    BadInput,
    Busy,
    CommitInterrupted,
    ReadOnly,
    RunLockLost,
    StoreChanged,
    StoreUnreachable,
    StoreUnreadable,
)
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.ports import Put, Write
from xpm_tui.domain.tables import CLIENTS, META
from xpm_tui.files.machine import SystemClock
from xpm_tui.store import manifest, postgres, postgres_connection, postgres_tables
from xpm_tui.store.database_store import DatabaseStore
from xpm_tui.store.postgres_connection import DatabaseAddress
from xpm_tui.store.tables import TableSnapshot


def opened(url: str, name: str, **options: Any) -> DatabaseStore:
    return DatabaseStore(url, name, clock=SystemClock(), **{"poll": 0.0, **options})


def client(number: int, name: str = "") -> Put:
    return Put(CLIENTS, Client(id=f"c{number}", name=name or f"Client {number}"))


def names(store: DatabaseStore) -> list[str]:
    return [row.name for row in store.snapshot().rows(CLIENTS)]


def admin(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    cursor = administrator().execute(statement.encode(), values)
    return cursor.fetchall() if cursor.description else []


@cache
def administrator() -> psycopg.Connection[tuple[Any, ...]]:
    made = psycopg.connect(private_server().address(), autocommit=True)
    atexit.register(made.close)
    return made


def end_session(store: DatabaseStore) -> None:
    """Have the server end the session of a store, and wait until it is gone."""
    find = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND classid = 2020633857"
    number = store.engine.number
    admin(f"SELECT pg_terminate_backend(pid) FROM ({find}) AS found", number)
    eventually(lambda: not admin(find, number))


def eventually(is_true: Callable[[], bool], seconds: float = 10.0) -> None:
    until = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < until
        time.sleep(0.005)


@pytest.fixture
def place() -> tuple[str, str]:
    return fresh_practice()


@pytest.fixture
def proxy() -> Iterator[CuttingProxy]:
    folder = Path(tempfile.mkdtemp(prefix="proxy-"))
    made = CuttingProxy(folder, private_server().folder / ".s.PGSQL.5432")
    yield made
    made.close()
    shutil.rmtree(folder)


class DatabaseMachine(RuleBasedStateMachine):
    """The store against a plain dict, with ended sessions, pruning, replacement and reopening in between."""

    def __init__(self) -> None:
        super().__init__()
        self.place = fresh_practice()
        self.store, self.other = opened(*self.place), opened(*self.place)
        self.plain: Plain = {"clients": {}, "links": {}}
        self.commits = 0
        self.saved: list[tuple[TableSnapshot, Plain, int]] = []

    def teardown(self) -> None:
        self.store.close()
        self.other.close()

    @rule(batch=batches, by_other=st.booleans(), ended=st.booleans())
    def commit(self, batch: list[Write], by_other: bool, ended: bool) -> None:
        store = self.other if by_other else self.store
        if ended:
            end_session(store)
        assert store.commit(batch) == self.commits + 1
        self.plain = applied(self.plain, batch)
        self.commits += 1

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = opened(*self.place)

    @rule(by_other=st.booleans())
    def prune(self, by_other: bool) -> None:
        admin("UPDATE xpm_tui.commits SET at = now() - interval '9 days'")
        (self.other if by_other else self.store).compact()

    @rule()
    def replace_everything(self) -> None:
        tables = {name: dict(live.rows) for name, live in self.store.engine.state.tables.items()}
        self.store.engine.write_all(tables)
        self.commits += 1

    @rule()
    def save_a_snapshot(self) -> None:
        self.saved.append((self.store.snapshot(), self.plain, self.commits))

    @precondition(lambda self: self.saved)
    @rule()
    def look_at_an_old_snapshot(self) -> None:
        view, plain, commits = self.saved.pop(0)
        assert view.position == commits
        compare(view, plain)

    @invariant()
    def both_see_the_truth(self) -> None:
        for store in (self.store, self.other):
            assert store.watch() == store.snapshot().position == self.commits
            compare(store.snapshot(), self.plain)


TestDatabase = DatabaseMachine.TestCase
TestDatabase.settings = settings(
    max_examples=count(2, 200, 2000),
    stateful_step_count=count(12, 40),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def test_a_commit_whose_reply_was_lost_is_resolved_by_its_token(
    place: tuple[str, str], proxy: CuttingProxy
) -> None:
    store = opened(proxy.url(), place[1])
    before = store.snapshot()
    rounds = count(3, 30)
    for _ in range(rounds):
        for cut in ("before", "after"):
            proxy.cut = cut
            assert store.transact(lambda now: [client(now.count(CLIENTS) + 1)]) > before.position
    assert proxy.cuts == 2 * rounds
    assert names(store) == [f"Client {n}" for n in range(1, 2 * rounds + 1)], "none lost, none doubled"
    assert not store.read_only
    with opened(*place) as again:
        assert names(again) == names(store)
    store.close()


def test_a_lost_commit_is_not_sent_again_over_what_someone_else_did(
    place: tuple[str, str], proxy: CuttingProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, other = opened(proxy.url(), place[1]), opened(*place)
    resolve = store.engine._resolve

    def late(*lost: Any) -> int:
        other.commit([client(7, f"Theirs {other.watch()}")])
        return resolve(*lost)

    monkeypatch.setattr(store.engine, "_resolve", late)
    proxy.cut = "before"
    with pytest.raises(Busy, match="someone else changed the practice"):
        store.transact(lambda now: [client(1)])
    assert names(store) == ["Theirs 0"]
    proxy.cut = "before"
    since = store.snapshot()
    with pytest.raises(StoreChanged):
        store.commit([client(7, "Ours")], since=since)
    proxy.cut = "before"
    store.commit([client(8)])
    assert [row.id for row in store.snapshot().rows(CLIENTS)] == ["c7", "c8"]
    store.close()
    other.close()


def test_readers_continue_while_the_database_is_away_and_catch_up_afterwards(
    place: tuple[str, str], proxy: CuttingProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "RECONNECT_SECONDS", 0.02)
    monkeypatch.setattr(postgres, "COMMIT_SECONDS", 0.1)
    store, other = opened(proxy.url(), place[1], poll=None), opened(*place)
    store.commit([client(1)])
    proxy.go_away()
    other.commit([client(2)])
    assert names(store) == ["Client 1"]
    eventually(lambda: store.watch() > 0 and store.damage is not None)
    assert isinstance(store.damage, StoreUnreachable)
    assert "You see the data as of" in store.damage.message
    with pytest.raises(StoreUnreachable, match="cannot be reached"):
        store.engine.transact(lambda view: [])
    assert names(store) == ["Client 1"]
    proxy.away = False
    eventually(lambda: names(store) == ["Client 1", "Client 2"])
    assert not store.read_only
    assert store.commit([client(3)]) == 3
    store.close()
    other.close()


@pytest.mark.soak
def test_no_commit_is_lost_when_the_database_is_killed() -> None:
    """SIGKILL to the whole server, again and again, while processes commit; they go on by themselves."""
    own = start_server()
    if isinstance(own, str):
        pytest.skip(own)

    def open_again(*, read_only: bool = False) -> DatabaseStore:
        return opened(own.address(), "p", read_only=read_only)

    def counting(reported: Callable[[int], None]) -> None:
        with open_again() as book:
            for number in range(commits):
                while True:
                    try:
                        book.transact(raised)
                        break
                    except CommitInterrupted:
                        continue  # it certainly had no effect
                book.commit([client(number % 5, f"Client {number}")])
                reported(number + 1)

    open_again().close()
    commits = count(300, 1000)
    children = [Child(counting) for _ in range(3)]
    for _ in range(count(3, 10)):
        for child in children:
            for _ in range(20):
                child.hear()
        own.kill()
    for child in children:
        assert child.end() == 0
        assert child.last == commits
    with open_again() as store:
        row = store.snapshot().get(META, "counter")
        assert row is not None
        assert row.value == 3 * commits, "each commit once"


def test_a_notification_wakes_the_reader_and_nothing_is_asked_otherwise(
    place: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = opened(*place, poll=None), opened(*place)
    assert reader.engine.listens
    assert reader.warnings == ()
    asked: list[int] = []
    real = postgres_tables.read_changes

    def counted(*given: Any) -> Any:
        asked.append(1)
        return real(*given)

    monkeypatch.setattr(postgres_tables, "read_changes", counted)
    for _ in range(200):
        reader.snapshot()
        reader.watch()
    assert asked == [], "a look costs no round trip"
    writer.commit([client(1)])
    eventually(lambda: reader.watch() == 1)
    assert names(reader) == ["Client 1"]
    assert len(asked) == 1
    reader.close()
    writer.close()


def test_where_notifications_are_filtered_changes_are_asked_for(
    place: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_connection.Session, "listen", lambda session, practice: None)
    monkeypatch.setattr(postgres, "POLL_SECONDS", 0.02)
    with opened(*place, poll=None) as reader, opened(*place) as writer:
        assert not reader.engine.listens
        assert "sends no notifications" in reader.warnings[0]
        writer.commit([client(1)])
        eventually(lambda: names(reader) == ["Client 1"])


def test_a_run_that_lost_its_lock_can_no_longer_write(place: tuple[str, str]) -> None:
    first, second = opened(*place), opened(*place)
    lock, successor = first.run_lock("Ana", "sync"), second.run_lock("Ben", "sync")
    lock.acquire()
    first.commit([client(1)])
    with pytest.raises(Busy, match="in use by Ana"):
        successor.acquire()
    with pytest.raises(Busy):
        first.run_lock("Ana", "import").acquire()
    end_session(first)
    # The successor comes before the first notices; when that comes back, it is refused.
    successor.acquire(2.0)
    owner = first.run_owner()
    assert owner is not None
    assert owner.person == "Ben"
    with pytest.raises(RunLockLost):
        first.commit([client(2)])
    second.commit([client(3)])
    lock.close()
    first.commit([client(4)])
    assert names(first) == ["Client 1", "Client 3", "Client 4"]
    successor.close()
    assert first.run_owner() is None
    with first.run_lock("Ana", "sync").hold():
        end_session(first)
        first.commit([client(5)])
        with pytest.raises(Busy):
            second.run_lock("Ben", "sync").acquire()
    first.close()
    second.close()


def test_rows_that_are_not_what_was_written_are_noticed(place: tuple[str, str]) -> None:
    with opened(*place) as store:
        store.commit([client(1), client(2)])
        where = f"practice = {store.engine.id} AND id = 'c1'"
        for damage, words in (
            ("UPDATE xpm_tui.rows SET body = overlay(body PLACING 'x' FROM 10)", "row c1"),
            ("UPDATE xpm_tui.rows SET position = 9", "row c1"),
            ("DELETE FROM xpm_tui.rows", "1 row of the practice, but 2"),
        ):
            admin("BEGIN; CREATE TABLE saved AS SELECT * FROM xpm_tui.rows; COMMIT")
            admin(f"{damage} WHERE {where}")
            with pytest.raises(StoreUnreadable, match=words):
                opened(*place)
            admin(f"DELETE FROM xpm_tui.rows WHERE {where}")
            admin(f"INSERT INTO xpm_tui.rows SELECT * FROM saved WHERE {where}")
            admin("DROP TABLE saved")
        assert names(store) == ["Client 1", "Client 2"]


def test_what_is_newer_or_missing_is_refused(place: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StoreUnreadable, match="no practice"):
        opened(place[0], "nobody", read_only=True)
    with opened(*place) as store:
        store.commit([client(1)])
        monkeypatch.setattr(manifest, "STEPS", [*manifest.STEPS, manifest.STEPS[0]])
        with opened(*place, read_only=True) as reading:
            assert names(reading) == ["Client 1"]
        with opened(*place) as newer:
            assert newer.engine.head.format == manifest.newest()
        monkeypatch.undo()
        with pytest.raises(StoreUnreadable, match="newer version of xpm-tui"):
            opened(*place)
        with pytest.raises(StoreUnreadable, match="newer version of xpm-tui"):
            store.commit([client(2)])
    monkeypatch.setattr("xpm_tui.store.postgres_tables.LAYOUTS", [])
    with pytest.raises(StoreUnreadable, match="layout 1, this one knows 0"):
        opened(*place)


def test_each_problem_of_the_connection_has_a_sentence_without_the_password() -> None:
    server = private_server()
    admin("CREATE DATABASE closed")
    host = f"?host={server.folder}"
    cases: list[tuple[str, type[Exception], str]] = [
        (f"postgresql://nobody:s3cret%40x@/postgres{host}", StoreUnreachable, 'role "nobody" does not exist'),
        (f"postgresql://postgres:s3cret%40x@/nowhere{host}", StoreUnreachable, '"nowhere" does not exist'),
        (
            "postgresql://u:s3cret%40x@127.0.0.1:9/x",
            StoreUnreachable,
            "cannot be reached: connection refused",
        ),
        ("postgresql://u:s3cret@x@h:9z/x", BadInput, "not an address of a PostgreSQL database"),
        ("mysql://u:s3cret@h/x", BadInput, "not an address of a PostgreSQL database"),
        (
            f"postgresql://postgres:s3cret%40x@/postgres?host={server.folder}/no",
            StoreUnreachable,
            "no such file",
        ),
    ]
    for url, kind, words in cases:
        with pytest.raises(kind, match=words) as caught:
            opened(url, "p")
        reported = f"{caught.value} {getattr(caught.value, 'hint', '')}"
        assert "s3cret" not in reported, reported
        assert type(caught.value) is kind
    shown = DatabaseAddress("postgresql://ana:s3cret@db.example:5433/xpm?sslmode=verify-full")
    assert (shown.shown, "s3cret" in repr(shown)) == ("postgresql://ana@db.example:5433/xpm", False)
    assert DatabaseAddress("postgresql://ana@db.example/xpm").options["sslmode"] == "require"


def test_roles_are_people_and_may_only_do_what_they_were_granted(place: tuple[str, str]) -> None:
    url, name = place
    with opened(url, name) as store:
        store.commit([client(1)])
    admin("DROP ROLE IF EXISTS support; CREATE ROLE support LOGIN")
    admin("GRANT USAGE ON SCHEMA xpm_tui TO support")
    admin("GRANT SELECT ON ALL TABLES IN SCHEMA xpm_tui TO support")
    admin("INSERT INTO xpm_tui.people VALUES ('support', 'Sam of support') ON CONFLICT DO NOTHING")
    with opened(url.replace("postgres@", "support@"), name) as reading:
        assert (reading.person, reading.reads_only, names(reading)) == ("Sam of support", True, ["Client 1"])
        with pytest.raises(ReadOnly, match="role support may read this practice"):
            reading.commit([client(2)])
    admin("GRANT INSERT, UPDATE ON xpm_tui.rows, xpm_tui.commits, xpm_tui.practices TO support")
    with opened(url.replace("postgres@", "support@"), name, person="Sam of support") as writing:
        writing.commit([client(2)])
    role, person, machine = admin("SELECT role, person, machine FROM xpm_tui.commits ORDER BY at DESC")[0]
    assert (role, person) == ("support", "Sam of support")
    assert machine
    admin("DROP OWNED BY support; DELETE FROM xpm_tui.people")
