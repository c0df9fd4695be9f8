"""A log that has lost acknowledged commits is distinguished from one that ends in a torn write."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.store.script import ExpectedState, expected_states, holds, opened, writes
from tests.store.test_kill import prepared
from tests.support.profile import count
from xpm_tui.domain.errors import StoreUnreadable
from xpm_tui.files.machine import SystemClock
from xpm_tui.store.admin import check, repair
from xpm_tui.store.commit_log import LOG_END, RECORD_EVERY, read_log_end

STEPS = 6


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[ExpectedState]:
    return expected_states(tmp_path_factory.mktemp("truth"), STEPS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return prepared(tmp_path / "book", STEPS)


def cut(folder: Path, size: int) -> None:
    """Cut the log to ``size`` bytes (from the end where negative)."""
    log = folder / "log.2"
    log.write_bytes(log.read_bytes()[:size])


def test_every_log_that_is_shorter_than_recorded_is_damaged(
    folder: Path, expected: list[ExpectedState]
) -> None:
    whole = (folder / "log.2").read_bytes()
    first = whole.index(b"\n") + 1
    for size in range(first, len(whole) - 1, count(11, 1)):
        (folder / "log.2").write_bytes(whole[:size])
        for read_only in (True, False):
            with opened(folder, read_only=read_only) as book:
                assert book.damage is not None
                assert "lost commits" in book.damage.message
                found = book.snapshot()
                assert found.position < STEPS
                assert holds(found) == expected[found.position]
        assert (folder / "log.2").read_bytes() == whole[:size], "left as it is"
    assert not check(folder).ok


def test_a_torn_write_behind_the_recorded_end_is_cut_as_before(
    folder: Path, expected: list[ExpectedState]
) -> None:
    with (folder / "log.2").open("ab") as stream:
        stream.write(b'[["clients","c99",{"id":"c99"')
    with opened(folder) as book:
        assert book.damage is None
        assert holds(book.snapshot()) == expected[STEPS]


def test_commits_of_another_process_that_lose_their_end_are_noticed_by_an_open_reader(folder: Path) -> None:
    with opened(folder, read_only=True) as reader:
        cut(folder, -40)
        reader.snapshot()
        assert reader.damage is not None


def test_the_end_is_recorded_every_n_commits_without_closing(tmp_path: Path) -> None:
    book = opened(tmp_path / "book")
    for step in range(1, RECORD_EVERY + 3):
        book.commit(writes(step))
    end = read_log_end(tmp_path / "book")
    assert end is not None
    assert end.position == RECORD_EVERY
    lines = (tmp_path / "book" / "log.1").read_bytes().splitlines(keepends=True)
    book.record_end()
    end = read_log_end(tmp_path / "book")
    assert end is not None
    assert (end.position, end.bytes) == (RECORD_EVERY + 2, sum(map(len, lines)))
    book.close()


def test_a_repair_goes_back_and_the_store_is_whole_again(folder: Path, expected: list[ExpectedState]) -> None:
    cut(folder, -40)
    with opened(folder) as book:
        assert book.damage is not None
        with pytest.raises(StoreUnreadable):
            book.commit(writes(STEPS))
    done = repair(folder, clock=SystemClock())
    assert done.changed
    assert not done.lossless
    with opened(folder) as book:
        assert book.damage is None
        assert holds(book.snapshot()) == expected[STEPS - 1]


def test_a_garbled_record_is_damage_and_repair_loses_nothing(
    folder: Path, expected: list[ExpectedState]
) -> None:
    data = bytearray((folder / LOG_END).read_bytes())
    data[5] ^= 4
    (folder / LOG_END).write_bytes(bytes(data))
    with opened(folder) as book:
        assert LOG_END in str(book.damage)
    assert repair(folder, clock=SystemClock()).lossless
    with opened(folder) as book:
        assert book.damage is None
        assert holds(book.snapshot()) == expected[STEPS]
