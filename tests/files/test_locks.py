"""Kernel locks: one holder at a time, by name, gone with its process."""

from __future__ import annotations

import os
import signal
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from xpm_tui.domain.errors import Busy, DiskError
from xpm_tui.files.locks import Lock, lock_owner, read_owner
from xpm_tui.files.machine import SystemClock


def lock(path: Path, person: str = "ana", what: str = "sync") -> Lock:
    return Lock(path, clock=SystemClock(), person=person, what=what)


def test_the_second_one_learns_who_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    first, second = lock(path), lock(path, "bob")
    with first.hold():
        assert first.held
        with pytest.raises(
            Busy, match=r"in use by ana on .* \(process \d+\) since \d+ \w{3} \d{4}, \d\d:\d\d UTC: sync"
        ) as reported:
            second.acquire()
        assert reported.value.hint
        with pytest.raises(Busy):
            second.acquire(0.02)
        owner = lock_owner(path)
        assert owner is not None
        assert (owner.person, owner.pid, owner.what) == ("ana", os.getpid(), "sync")
    assert lock_owner(path) is None
    assert read_owner(path) is None
    with second.hold(what="undo"):
        owner = read_owner(path)
        assert owner is not None
        assert (owner.person, owner.what) == ("bob", "undo")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    first.close()
    second.close()
    second.close()


def test_it_may_be_taken_again_by_its_holder(tmp_path: Path) -> None:
    held = lock(tmp_path / "l")
    with held.hold():
        with held.hold():
            pass
        assert [held.held] == [True]
        with pytest.raises(Busy):
            lock(tmp_path / "l").acquire()
    assert [held.held] == [False]
    held.release()


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "l"
    ready, release = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(release[1])
        held = lock(path, "child")
        try:
            held.acquire()
            os.write(ready[1], b".")
            os.read(release[0], 1)  # Until the parent kills it, or is gone.
        finally:
            os._exit(1)
    os.close(ready[1])
    try:
        assert os.read(ready[0], 1) == b"."
        owner = lock_owner(path)
        assert owner is not None
        assert (owner.person, owner.pid) == ("child", pid)
        with pytest.raises(Busy, match="child"):
            lock(path).acquire()
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        for fd in (ready[0], *release):
            os.close(fd)
    assert lock_owner(path) is None, "whatever its name in the file says"
    with lock(path).hold():
        pass


def test_a_hostile_name_is_shown_not_obeyed(tmp_path: Path) -> None:
    held = lock(tmp_path / "l", "\x1b[31m\u202eana", "x" * 9000)
    with held.hold(), pytest.raises(Busy) as reported:
        lock(tmp_path / "l").acquire()
    assert "\x1b" not in reported.value.message
    assert "\u202e" not in reported.value.message
    held.close()


def test_a_lock_file_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DiskError, match="link"):
        lock(tmp_path / "link").acquire()
    assert not (tmp_path / "elsewhere").exists()
    assert lock_owner(tmp_path / "none") is None


def test_nobody_is_read_from_rubbish(tmp_path: Path) -> None:
    (tmp_path / "l").write_bytes(b"\xff{")
    assert read_owner(tmp_path / "l") is None


async def test_the_clock_of_the_machine() -> None:
    clock = SystemClock()
    assert abs((clock.now() - datetime.now(UTC)).total_seconds()) < 60
    before = clock.monotonic()
    await clock.sleep(-5)
    assert clock.monotonic() >= before
    assert clock.now().tzinfo is UTC
