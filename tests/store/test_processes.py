"""Two and eight processes on one store: no commit is lost or repeated, even if some are killed."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.store.script import Child, opened
from tests.support.postgres_server import Opener, opener
from tests.support.profile import count, in_soak
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.ports import Drop, Put, Write
from xpm_tui.domain.tables import CLIENTS, META, Meta
from xpm_tui.store import store
from xpm_tui.store.snapshot import StoreIds
from xpm_tui.store.store import DiskStore
from xpm_tui.store.tables import TableSnapshot


def raised(view: TableSnapshot) -> list[Write]:
    row = view.get(META, "counter")
    return [Put(META, Meta(id="counter", value=(row.value if row else 0) + 1))]


@pytest.fixture(params=["disk", "postgres"])
def open_again(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    """Opens one store, as often as it is called, in whichever process."""
    return opener(request.param, tmp_path)


def work(open_again: Opener, me: int, commits: int) -> Callable[[Callable[[int], None]], None]:
    """A process that counts up, and adds and drops rows of its own."""

    def run(reported: Callable[[int], None]) -> None:
        book = open_again()
        for number in range(1, commits + 1):
            book.transact(raised)
            own = f"p{me}n{number}"
            book.commit([Put(CLIENTS, Client(id=own, name=own)), Drop(CLIENTS, f"p{me}n{number - 3}")])
            assert own in book.snapshot().ids(CLIENTS)
            reported(number)
        book.close()

    return run


@pytest.mark.parametrize("processes", [2, in_soak(8)])
def test_processes_side_by_side(open_again: Opener, processes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "SMALLEST_LOG", 4000)
    open_again().close()
    commits = count(240, 3_000) // processes
    watcher = open_again(read_only=True)
    children = [Child(work(open_again, me, commits)) for me in range(processes)]
    seen = 0
    for child in children:
        assert child.end() == 0
        now = watcher.snapshot()
        assert now.position >= seen
        seen = now.position
    book = open_again()
    for reader in (book, watcher):
        view = reader.snapshot()
        row = view.get(META, "counter")
        assert row is not None
        assert row.value == processes * commits
        kept = {f"p{me}n{n}" for me in range(processes) for n in range(commits - 2, commits + 1)}
        assert set(view.ids(CLIENTS)) == kept
        assert view.position == 2 * processes * commits
    folds = book.generation if isinstance(book, DiskStore) else 0
    watcher.close()
    book.close()
    print(f"\n{processes} processes, {view.position} commits, {folds - 1} new generations: 0 lost, 0 doubled")
    assert folds != 1


@pytest.mark.soak
def test_processes_that_are_killed_at_random(open_again: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "SMALLEST_LOG", 4000)
    open_again().close()
    seed = 20261122
    chance = random.Random(seed)
    reported = begun = 0
    kills = count(16, 200)
    running: list[Child] = []
    for me in range(kills):
        begun += 1
        running.append(Child(work(open_again, me, 1000)))
        if len(running) == 4:
            child = running.pop(chance.randrange(4))
            for _ in range(chance.randrange(1, 20)):
                child.hear()
            child.kill()
            child.end()
            reported += child.last
    for child in running:
        child.kill()
        child.end()
        reported += child.last
    book = open_again()
    assert book.damage is None
    row = book.snapshot().get(META, "counter")
    assert row is not None
    # Each child may have counted once more than it could tell.
    assert reported <= row.value <= reported + begun
    book.close()
    print(
        f"\n{kills} processes killed among others (seed {seed}): {reported} acknowledged, {row.value} counted"
    )


def test_ids_are_never_given_twice(open_again: Opener) -> None:
    open_again().close()

    def take(reported: Callable[[int], None]) -> None:
        book = open_again()
        for _ in range(20):
            for new in StoreIds(book).new("c", 3):
                reported(int(new[1:]))
        book.close()

    children = [Child(take) for _ in range(3)]
    given: list[int] = []
    for child in children:
        while (number := child.hear()) is not None:
            given.append(number)
        assert child.end() == 0
    assert sorted(given) == list(range(1, 181))


def test_another_process_is_seen_through_a_new_generation(tmp_path: Path) -> None:
    folder = tmp_path / "book"
    first, second = opened(folder), opened(folder)
    for number in range(4):
        first.commit([Put(CLIENTS, Client(id=f"c{number}", name="A"))])
        if number % 2:
            first.compact()
        assert second.watch() == number + 1
        assert second.watch() == second.snapshot().position
        assert len(second.snapshot().ids(CLIENTS)) == number + 1
    old = second.snapshot()
    for _ in range(3):
        first.commit([Put(CLIENTS, Client(id="c0", name="B"))])
        first.compact()
    assert second.commit([Put(CLIENTS, Client(id="c9", name="C"))]) == 8
    assert [row.name for row in old.rows(CLIENTS)] == ["A"] * 4
    assert [row.name for row in first.snapshot().rows(CLIENTS)] == ["B", "A", "A", "A", "C"]
    first.close()
    second.close()
