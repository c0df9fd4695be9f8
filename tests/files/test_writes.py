"""Durable writes: complete or not at all, whichever call to the disk fails."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.faults import FailingDisk, Kind
from xpm_tui.domain.errors import DiskError
from xpm_tui.files.durable import AppendFile, previous_path, replace_bytes, temporary_files
from xpm_tui.files.machine import Disk


@pytest.mark.parametrize("kind", ["ENOSPC", "EIO", "short"])
@pytest.mark.parametrize("keep", [False, True])
def test_a_replaced_file_is_the_old_or_the_new_one(tmp_path: Path, kind: Kind, keep: bool) -> None:
    path = tmp_path / "file"
    nth, failed = 0, True
    while failed:
        nth += 1
        path.write_bytes(b"old")
        disk = FailingDisk(nth, kind)
        try:
            assert replace_bytes(path, [b"ne", b"w"], keep_previous=keep, disk=disk) == 3
        except DiskError as error:
            assert str(path) in error.message  # noqa: PT017
        failed = disk.failed
        assert path.read_bytes() in ((b"old", b"new") if failed else (b"new",))
        assert temporary_files(tmp_path) == []
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert nth > 6
    assert previous_path(path).exists() == keep
    if keep:
        assert previous_path(path).read_bytes() in (b"old", b"new")


def test_the_previous_file_is_kept_also_without_hard_links(tmp_path: Path) -> None:
    class NoLinks(Disk):
        def link(self, old: Path, new: Path) -> None:
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    path = tmp_path / "file"
    for data in (b"1", b"2", b"3"):
        replace_bytes(path, data, keep_previous=True, disk=NoLinks())
    assert (path.read_bytes(), previous_path(path).read_bytes()) == (b"3", b"2")


def test_pieces_that_cannot_be_made_leave_the_old_file(tmp_path: Path) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"new"
        raise ValueError("no more")

    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(ValueError, match="no more"):
        replace_bytes(path, pieces())
    assert path.read_bytes() == b"old"
    assert temporary_files(tmp_path) == []


def test_no_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"precious")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(DiskError):
        AppendFile(tmp_path / "link")
    replace_bytes(tmp_path / "link", b"new")
    assert (tmp_path / "target").read_bytes() == b"precious"
    assert not (tmp_path / "link").is_symlink()


@pytest.mark.parametrize("kind", ["ENOSPC", "EIO", "short"])
def test_a_failed_append_is_undone(tmp_path: Path, kind: Kind) -> None:
    nth, failed = 0, True
    while failed:
        nth += 1
        path = tmp_path / f"log{nth}"
        path.write_bytes(b"one\n")
        disk = FailingDisk(nth, kind)
        try:
            with AppendFile(path, disk=disk) as file:
                file.append([b"tw", b"o\n"])
        except DiskError:
            assert path.read_bytes() == b"one\n"
        failed = disk.failed
    assert path.read_bytes() == b"one\ntwo\n"
    assert nth == 5


class Sipping(Disk):
    """Takes three bytes at a time."""

    def write(self, fd: int, data: bytes | memoryview) -> int:
        return super().write(fd, data[:3])


def test_a_kernel_that_takes_a_part_is_given_the_rest(tmp_path: Path) -> None:
    with AppendFile(tmp_path / "log", disk=Sipping()) as file:
        assert file.append(b"0123456789\n") == 11
    assert (tmp_path / "log").read_bytes() == b"0123456789\n"
