"""Disks that fail on demand, and disks that record every call, for the tests of the store."""

from __future__ import annotations

import errno
import os
import shutil
import signal
from pathlib import Path
from typing import Literal

from xpm_tui.files.machine import Disk

Kind = Literal["ENOSPC", "EIO", "short"]


class FailingDisk(Disk):
    """Fails the ``nth`` call (from 1) that changes the disk; ``lasting``: and every one after it.

    ``short`` takes half of a write, then fails. ``done`` counts the calls, so a loop can go on until clean.
    """

    def __init__(self, nth: int, kind: Kind, *, lasting: bool = False) -> None:
        self.nth, self.kind, self.lasting = nth, kind, lasting
        self.done = 0
        self.failed = False

    def _count(self) -> bool:
        self.done += 1
        hit = self.done == self.nth or (self.lasting and self.done > self.nth)
        self.failed |= hit
        return hit

    def _fail(self) -> OSError:
        code = errno.EIO if self.kind == "EIO" else errno.ENOSPC
        return OSError(code, os.strerror(code))

    def open(self, path: Path, flags: int, mode: int = 0o600) -> int:
        if self._count():
            raise self._fail()
        return super().open(path, flags, mode)

    def write(self, fd: int, data: bytes | memoryview) -> int:
        if self._count():
            if self.kind == "short" and len(data) > 1:
                super().write(fd, data[: len(data) // 2])
            raise self._fail()
        return super().write(fd, data)

    def fsync(self, fd: int) -> None:
        if self._count():
            raise self._fail()
        super().fsync(fd)

    def truncate(self, fd: int, size: int) -> None:
        if self._count():
            raise self._fail()
        super().truncate(fd, size)

    def replace(self, old: Path, new: Path) -> None:
        if self._count():
            raise self._fail()
        super().replace(old, new)

    def link(self, old: Path, new: Path) -> None:
        if self._count():
            raise self._fail()
        super().link(old, new)

    def unlink(self, path: Path) -> None:
        if self._count():
            raise self._fail()
        super().unlink(path)

    def sync_folder(self, folder: Path) -> None:
        if self._count():
            raise self._fail()
        super().sync_folder(folder)


class KillingDisk(FailingDisk):
    """Kills its own process with SIGKILL at the ``nth`` call: before it, or half-way through a write."""

    def _fail(self) -> OSError:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("still alive")


Op = tuple[str, tuple[object, ...]]


class RecordingDisk(Disk):
    """Does everything, and writes down in what order files were made, written, synced and renamed."""

    def __init__(self) -> None:
        self.ops: list[Op] = []
        self._open: dict[int, int] = {}
        self._files = 0
        self.known: dict[str, int] = {}

    def note(self, *args: object) -> None:
        """A mark of the test's own: what is acknowledged from here on."""
        self.ops.append(("note", args))

    def open(self, path: Path, flags: int, mode: int = 0o600) -> int:
        new = not path.exists()
        fd = super().open(path, flags, mode)
        if new:
            self._files += 1
            self.known[path.name] = self._files
            self.ops.append(("create", (path.name, self._files)))
        self._open[fd] = self.known[path.name]
        return fd

    def write(self, fd: int, data: bytes | memoryview) -> int:
        taken = super().write(fd, data)
        end = os.fstat(fd).st_size
        self.ops.append(("write", (self._open[fd], end - taken, bytes(data[:taken]))))
        return taken

    def fsync(self, fd: int) -> None:
        super().fsync(fd)
        self.ops.append(("fsync", (self._open[fd],)))

    def truncate(self, fd: int, size: int) -> None:
        super().truncate(fd, size)
        self.ops.append(("truncate", (self._open[fd], size)))

    def replace(self, old: Path, new: Path) -> None:
        super().replace(old, new)
        self.known[new.name] = self.known.pop(old.name)
        self.ops.append(("replace", (old.name, new.name)))

    def link(self, old: Path, new: Path) -> None:
        super().link(old, new)
        self.known[new.name] = self.known[old.name]
        self.ops.append(("link", (old.name, new.name)))

    def unlink(self, path: Path) -> None:
        super().unlink(path)
        self.ops.append(("unlink", (path.name,)))

    def sync_folder(self, folder: Path) -> None:
        super().sync_folder(folder)
        self.ops.append(("sync_folder", ()))


class PowerLoss:
    """What may be on the disk after the power went at a place in a recorded order.

    Bytes are certain from their fsync on, names from the fsync of the folder on. Whatever came later may be
    there, in part or not at all: ``keep`` decides for each write (all of it, half, none as a hole of zeros
    where something later is there) and ``names`` how many of the changes of names after the last fsync
    arrived, in order.
    """

    def __init__(self, ops: list[Op]) -> None:
        self.ops = ops

    def build(self, folder: Path, upto: int, keep: list[int], names: int) -> None:
        """Make the folder as it may be after the first ``upto`` operations."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        content: dict[int, bytearray] = {}
        loose: dict[int, list[Op]] = {}
        pending: list[Op] = []
        listed: dict[str, int] = {}
        live: dict[str, int] = {}
        for op in self.ops[:upto]:
            match op:
                case ("create", (str() as name, int() as file)):
                    content[file], loose[file] = bytearray(), []
                    live[name] = file
                    pending.append(op)
                case ("write" | "truncate", (int() as file, *_)):
                    loose[file].append(op)
                case ("fsync", (int() as file,)):
                    for each in loose[file]:
                        _do(content[file], each, 2)
                    loose[file] = []
                    # On every journaling file system the fsync of a new file makes its name durable, too,
                    # but nothing may rely on that: names wait for the folder.
                case ("replace" | "link" | "unlink", _):
                    pending.append(op)
                case ("sync_folder", _):
                    for each in pending:
                        _name(listed, each)
                    pending = []
                case _:
                    pass
        for each in pending[:names]:
            _name(listed, each)
        choice = iter(keep)
        for name, file in listed.items():
            data = bytearray(content[file])
            for each in loose[file]:
                _do(data, each, next(choice, 0))
            path = folder / name
            path.write_bytes(bytes(data))
            path.chmod(0o600)


def _do(data: bytearray, op: Op, much: int) -> None:
    kind, args = op
    if kind == "truncate":
        if much:
            del data[int(str(args[1])) :]
        return
    offset, new = int(str(args[1])), args[2]
    assert isinstance(new, bytes)
    if much == 0:
        return
    part = new if much == 2 else new[: len(new) // 2]
    if much == 3:
        # Later blocks arrived, the first did not.
        part = bytes(len(new) // 2) + new[len(new) // 2 :]
    if len(data) < offset:
        data.extend(bytes(offset - len(data)))
    data[offset : offset + len(part)] = part


def _name(listed: dict[str, int], op: Op) -> None:
    kind, args = op
    name = str(args[0])
    if kind == "create":
        listed[name] = int(str(args[1]))
    elif kind == "unlink":
        listed.pop(name, None)
    elif kind == "replace":
        if name in listed:
            listed[str(args[1])] = listed.pop(name)
    elif kind == "link" and name in listed:
        listed[str(args[1])] = listed[name]
