"""The n-th call to the disk fails, for every n: the commit is refused as a whole, never half-written."""

from __future__ import annotations

import shutil
from itertools import product
from pathlib import Path

import pytest

from tests.store.faults import FailingDisk, Kind
from tests.store.script import ExpectedState, expected_states, holds, opened, writes
from tests.store.test_kill import assert_good, prepared
from tests.support.profile import count, spread
from xpm_tui.domain.errors import AppError, DiskError, ReadOnly

START = 4
STEPS = 9
FOLDS = (6, 8)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[ExpectedState]:
    return expected_states(tmp_path_factory.mktemp("truth"), STEPS + 2)


@pytest.mark.parametrize(("kind", "lasting"), spread(product(["ENOSPC", "EIO", "short"], [False, True]), 4))
def test_every_call_fails_once(
    tmp_path: Path, expected: list[ExpectedState], kind: Kind, lasting: bool
) -> None:
    start = prepared(tmp_path / "start", START)
    nth, failed = 0, True
    refused = 0
    while failed:
        nth += count(4, 1)
        folder = tmp_path / "book"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(start, folder)
        disk = FailingDisk(nth, kind, lasting=lasting)
        book = opened(folder, disk=disk)
        step = START
        tries = 0
        while step < STEPS and tries < 8:
            tries += 1
            try:
                book.commit(writes(step + 1))
                step += 1
                assert holds(book.snapshot()) == expected[step]
                if step in FOLDS:
                    book.compact()
            except DiskError as error:
                refused += str(folder) in error.message
                # In memory as on disk: as if it had never been asked for.
                assert holds(book.snapshot()) == expected[step]
                reader = opened(folder, read_only=True)
                assert holds(reader.snapshot()) in expected[step : step + 1 + lasting]
                reader.close()
        assert step == STEPS or lasting
        book.close()
        failed = disk.failed
        # On a disk that takes a write and then neither fsync nor cut, the last one may be there, whole.
        assert_good(folder, expected, step, step + lasting)
    print(
        f"\n{nth - 1} calls, failing in turn ({kind}, lasting: {lasting}): {refused} refusals, 0 half-written"
    )
    assert nth > 40


def test_a_full_disk_is_named_and_the_next_commit_works(
    tmp_path: Path, expected: list[ExpectedState]
) -> None:
    disk = FailingDisk(-1, "ENOSPC")
    book = opened(tmp_path / "book", disk=disk)
    book.commit(writes(1))
    disk.nth = disk.done + 1
    with pytest.raises(DiskError, match="no space left on device") as reported:
        book.commit(writes(2))
    assert "Free some space" in reported.value.hint
    assert holds(book.snapshot()) == expected[1]
    book.commit(writes(2))
    assert holds(book.snapshot()) == expected[2]
    book.close()
    with pytest.raises(ReadOnly):
        book.commit(writes(3))


def test_a_write_that_could_be_neither_made_nor_taken_back_is_taken_back_later(
    tmp_path: Path, expected: list[ExpectedState]
) -> None:
    disk = FailingDisk(-1, "EIO")
    folder = tmp_path / "book"
    book = opened(folder, disk=disk)
    book.commit(writes(1))
    # The write gets through, its fsync and the cut fail.
    disk.nth, disk.lasting = disk.done + 2, True
    with pytest.raises(DiskError):
        book.commit(writes(2))
    assert holds(book.snapshot()) == expected[1]
    disk.nth, disk.lasting = -1, False
    assert book.commit(writes(2)) == 2
    assert holds(book.snapshot()) == expected[2]
    book.close()
    assert_good(folder, expected, 2, 2)


def test_an_error_is_what_a_caller_can_catch() -> None:
    assert issubclass(DiskError, AppError)
