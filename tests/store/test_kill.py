"""SIGKILL at every step and at random: every acknowledged commit is there, and none is half there."""

from __future__ import annotations

import os
import random
import shutil
import signal
from pathlib import Path

import pytest

from tests.store.faults import KillingDisk, Kind
from tests.store.script import Child, ExpectedState, expected_states, holds, opened, play, writes
from tests.support.profile import count, in_soak
from xpm_tui.store import store

STEPS = 9
START = 4


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[ExpectedState]:
    return expected_states(tmp_path_factory.mktemp("truth"), 400)


def prepared(folder: Path, steps: int) -> Path:
    """A store with a generation behind it and a log with ``steps`` commits."""
    book = opened(folder)
    for step in range(1, steps + 1):
        book.commit(writes(step))
        if step == 2:
            book.compact()
    book.close()
    return folder


@pytest.mark.parametrize("kind", ["EIO", in_soak("short")])
def test_kill_at_every_step_boundary(tmp_path: Path, expected: list[ExpectedState], kind: Kind) -> None:
    start = prepared(tmp_path / "start", START)
    nth = tried = 0
    code = -1
    while code != 0:
        nth += count(8, 1)
        tried += 1
        folder = tmp_path / "book"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(start, folder)
        disk = KillingDisk(nth, kind)
        steps = range(START + 1, STEPS + 1)
        child = Child(lambda reported, f=folder, d=disk, s=steps: play(f, d, s, frozenset({6, 8}), reported))  # type: ignore[misc]
        code = child.end()
        assert code in (0, -signal.SIGKILL)
        acknowledged = child.last or START
        assert_good(folder, expected, acknowledged, acknowledged + 1)
    print(f"\nkilled at {tried - 1} step boundaries ({kind}): 0 acknowledged commits lost")
    assert tried > count(5, 40)


def test_kill_at_random(
    tmp_path: Path, expected: list[ExpectedState], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "SMALLEST_LOG", 3000)
    kills = count(10, 2000)
    seed = 20261122
    chance = random.Random(seed)
    acknowledged = 0
    for _ in range(kills):
        folder = tmp_path / "book"
        shutil.rmtree(folder, ignore_errors=True)
        steps = range(1, 400)
        child = Child(lambda note, f=folder, s=steps: play(f, compaction_disk(), s, frozenset(), note))  # type: ignore[misc]
        for _ in range(chance.randrange(60)):
            child.hear()
        for _ in range(chance.randrange(3000)):
            pass
        child.kill()
        assert child.end() == -signal.SIGKILL
        acknowledged += child.last
        assert_good(folder, expected, child.last, child.last + 1)
    print(f"\n{kills} random kills (seed {seed}): {acknowledged} acknowledged commits, 0 lost")


def compaction_disk() -> KillingDisk:
    """A disk that never fails."""
    return KillingDisk(-1, "EIO")


def assert_good(folder: Path, expected: list[ExpectedState], least: int, most: int) -> None:
    """The store opens, for writing, with all of the commits up to one between ``least`` and ``most``."""
    if not (folder / "head").exists():
        # Killed before the store was made.
        assert least == 0
    book = opened(folder)
    assert book.damage is None
    position = book.snapshot().position
    assert least <= position <= most, f"{least} acknowledged, {position} found"
    assert holds(book.snapshot()) == expected[position]
    book.commit(writes(position + 1))
    assert holds(book.snapshot()) == expected[position + 1]
    book.close()
    assert os.listdir(folder)
