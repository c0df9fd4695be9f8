"""The folder of an inbox: files that other programs deliver are claimed when complete, and moved when done.

Every step is a rename within one file system, so that a kill leaves a file in one place or the other: the
folder itself, ``working``, ``done`` or ``failed``. Only regular files are accepted; symbolic links, folders
and devices stay where they are. Anyone who can write to the folder decides what is imported, so a group may
write to it (the account of an SFTP server), but not everyone.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.safe_text import visible
from xpm_tui.files.durable import replace_bytes
from xpm_tui.files.machine import disk_error, to_disk_error
from xpm_tui.files.private import FOLDER_MODE, check_chain, ensure_private
from xpm_tui.lazy import pattern

WORKING, DONE, FAILED = "working", "done", "failed"
RESULT = ".result.txt"
"""The suffix of the result file beside a file."""

_OWNER = ".xpm-tui-practice"
"""The file that names the practice to which a folder belongs."""
_TOKEN = 12
"""The characters of a claim before the hyphen and the file's own name."""
_LONGEST_NAME = 180
"""The number of bytes that are kept of a file's own name: ids and suffixes are added, and 255 are allowed."""

_UNFINISHED = pattern(
    r"\..*|.*~|.*\.(tmp|temp|part|partial|filepart|crdownload|download|swp|upload|uploading|lock)",
    re.IGNORECASE,
)
"""Names that programs use for a file until it is complete."""
_PREFIX = pattern(r"f\d+(\.\d+)?-")
"""The id that :meth:`InboxFolder.finish` adds before a file's own name."""


@dataclass(frozen=True)
class InboxEntry:
    """A file in one of the folders: ``name`` is its own name, and ``path`` is where it is.

    ``changed`` is when it was last written or renamed, ``modified`` its own modification time; both are
    seconds since 1970.
    """

    path: Path
    name: str
    size: int
    modified: float
    changed: float

    @property
    def claim(self) -> str:
        """Return the name under which it was claimed, if it was."""
        return self.path.name


class InboxFolder:
    """An inbox. Nothing is created before :meth:`prepare`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def exists(self) -> bool:
        """Return whether the folder exists."""
        return self.root.is_dir()

    def check(self, owner: str) -> None:
        """Check that the folder exists, is not writable by everyone, and belongs to this practice.

        Args:
            owner: The identity of the practice, which :meth:`prepare` writes to the folder.

        Raises:
            BadInput: The folder cannot be used; the hint says what to do.
        """
        shown = visible(str(self.root), 300)
        try:
            found = self.root.stat()
        except FileNotFoundError:
            raise BadInput(
                f"The inbox {shown} does not exist.", hint=f"Create it: xpm-tui inbox setup {shown}"
            ) from None
        except OSError as error:
            raise to_disk_error(error, self.root, "read") from error
        if not stat.S_ISDIR(found.st_mode):
            raise BadInput(
                f"The inbox {shown} is not a folder.", hint="Choose another: xpm-tui inbox setup DIR"
            )
        if found.st_mode & stat.S_IWOTH:
            raise BadInput(
                f"Every account on this machine can write to the inbox {shown}.",
                hint=f"Run: chmod o-w {shown}. A group may write to it.",
            )
        check_chain(self.root.parent)
        recorded_owner = self._owner()
        if recorded_owner and recorded_owner != owner:
            raise BadInput(
                f"The inbox {shown} belongs to another practice ({visible(recorded_owner, 200)}).",
                hint="Use one folder per practice: xpm-tui inbox setup DIR. If that practice was moved or "
                f"deleted, delete the file {_OWNER} in the folder.",
            )

    def prepare(self, owner: str, *, create: bool = False) -> None:
        """Create the subfolders, and record the practice to which the inbox belongs.

        Only the process that empties the inbox calls it, and the command that sets the inbox up.

        Raises:
            BadInput: The folder cannot be used.
            DiskError: The folders cannot be created.
        """
        if create and not self.root.exists():
            ensure_private(self.root)
        self.check(owner)
        with disk_error(self.root, "prepared"):
            for name in (WORKING, DONE, FAILED):
                (self.root / name).mkdir(mode=FOLDER_MODE, exist_ok=True)
            for each in self._scandir(self.root / WORKING):
                if each.name[_TOKEN:] == RESULT or each.name.startswith("."):
                    os.unlink(each.path)
            if not self._owner():
                replace_bytes(self.root / _OWNER, owner.encode("utf-8", "surrogateescape"))

    def arrivals(self) -> list[InboxEntry]:
        """Return the delivered files, oldest first, without those named as incomplete."""
        return self._entries(
            self.root, lambda name: not (_UNFINISHED.fullmatch(name) or name.endswith(RESULT))
        )

    def counts(self) -> tuple[int, int, int, int]:
        """Return how many files are waiting, claimed, incomplete and failed.

        Files are only counted, not opened.
        """
        there = [
            each.name
            for each in self._scandir(self.root)
            if each.is_file(follow_symlinks=False) and not each.name.startswith(".")
        ]
        unfinished = sum(bool(_UNFINISHED.fullmatch(name)) for name in there)
        waiting = len(there) - unfinished - sum(name.endswith(RESULT) for name in there)
        claimed = sum(each.name[_TOKEN : _TOKEN + 1] == "-" for each in self._scandir(self.root / WORKING))
        failed = sum(not each.name.endswith(RESULT) for each in self._scandir(self.root / FAILED))
        return waiting, claimed, unfinished, failed

    def claimed(self) -> list[InboxEntry]:
        """Return the files that a process has claimed and not finished, oldest first."""
        return self._entries(self.root / WORKING, lambda name: name[_TOKEN : _TOKEN + 1] == "-")

    def failed(self) -> list[InboxEntry]:
        """Return the files that could not be imported, oldest first."""
        return self._entries(self.root / FAILED, lambda name: not name.endswith(RESULT))

    def claim(self, entry: InboxEntry) -> InboxEntry | None:
        """Claim a file; return None if it is gone or another process has claimed it."""
        token = os.urandom(_TOKEN // 2).hex()
        path = self.root / WORKING / f"{token}-{_short(_own_name(entry.name))}"
        with disk_error(entry.path, "claimed"):
            try:
                os.rename(entry.path, path)
            except FileNotFoundError:
                return None
        if entry.path.parent.name in (DONE, FAILED):
            with suppress(OSError):
                entry.path.with_name(entry.path.name + RESULT).unlink()
        return InboxEntry(path, _own_name(entry.name), entry.size, entry.modified, entry.changed)

    def finish(self, entry: InboxEntry, *, failed: bool, prefix: str, sentence: str) -> Path:
        """Write the result to the folder of finished files, and move the file beside it; return its path."""
        folder = self.root / (FAILED if failed else DONE)
        path = folder / f"{prefix}-{_short(entry.name)}"
        # Written among the claimed files first, where the next start removes what a kill leaves.
        result = self.root / WORKING / f"{entry.claim[:_TOKEN]}{RESULT}"
        replace_bytes(result, f"{sentence}\n".encode("utf-8", "replace"))
        with disk_error(entry.path, "moved"):
            os.rename(result, path.with_name(path.name + RESULT))
            os.rename(entry.path, path)
        return path

    def prune(self, before: float) -> int:
        """Delete the imported files that were finished before a time, with their results.

        Files that failed stay, and so does everything that :meth:`finish` did not put there. What cannot be
        deleted now is tried again the next time.

        Args:
            before: Seconds since 1970.

        Returns:
            How many files were deleted.
        """
        try:
            folder = os.open(self.root / DONE, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return 0
        gone = 0
        try:
            with os.scandir(folder) as entries:
                for each in list(entries):
                    with suppress(OSError):
                        found = each.stat(follow_symlinks=False)
                        # The move to this folder changed ctime; mtime may be whatever the sender set.
                        if (
                            _PREFIX.match(each.name)
                            and stat.S_ISREG(found.st_mode)
                            and found.st_ctime < before
                        ):
                            os.unlink(each.name, dir_fd=folder)
                            gone += not each.name.endswith(RESULT)
        finally:
            os.close(folder)
        return gone

    def place(self, prefix: str) -> Path | None:
        """Return the path of the file that was finished with ``prefix``; None if it was deleted."""
        for folder in (self.root / DONE, self.root / FAILED):
            with suppress(OSError):
                for each in folder.iterdir():
                    if each.name.startswith(f"{prefix}-") and not each.name.endswith(RESULT):
                        return each
        return None

    def entry(self, path: Path) -> InboxEntry | None:
        """Return a file by its path; None if it is not a regular file."""
        try:
            found = path.lstat()
        except (OSError, ValueError):
            return None
        return _entry(path, path.name, found) if stat.S_ISREG(found.st_mode) else None

    def _entries(self, folder: Path, wanted: Callable[[str], bool]) -> list[InboxEntry]:
        try:
            found = list(self._scan(folder, wanted))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise to_disk_error(error, folder, "read") from error
        return sorted(found, key=lambda each: (each.modified, each.name))

    def _scan(self, folder: Path, wanted: Callable[[str], bool]) -> Iterator[InboxEntry]:
        with os.scandir(folder) as entries:
            for each in entries:
                if not wanted(each.name) or not each.is_file(follow_symlinks=False):
                    continue
                with suppress(FileNotFoundError):
                    name = each.name[_TOKEN + 1 :] if folder.name == WORKING else each.name
                    yield _entry(Path(each.path), name, each.stat(follow_symlinks=False))

    @staticmethod
    def _scandir(folder: Path) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as found:
                return list(found)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise to_disk_error(error, folder, "read") from error

    def _owner(self) -> str:
        try:
            with (self.root / _OWNER).open("rb") as file:
                return file.read(4096).decode("utf-8", "surrogateescape").strip()
        except OSError:
            return ""


def open_entry(path: Path) -> BinaryIO:
    """Open a regular file of the inbox for reading, without following symbolic links.

    Raises:
        BadInput: It is not a regular file, or this user account may not read it.
        DiskError: The file cannot be read.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except PermissionError:
        raise BadInput(
            "This account may not read the file.",
            hint="Deliver it so that the group of the inbox may read it (umask 027).",
        ) from None
    except OSError as error:
        raise to_disk_error(error, path, "read") from error
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise BadInput(f"{visible(path.name, 200)} is not a regular file.")
    return os.fdopen(fd, "rb")


def _entry(path: Path, name: str, found: os.stat_result) -> InboxEntry:
    return InboxEntry(path, name, found.st_size, found.st_mtime, max(found.st_mtime, found.st_ctime))


def _own_name(name: str) -> str:
    """Return a file's name without the id that was added to it here."""
    return name[match.end() :] if (match := _PREFIX.match(name)) else name


def _short(name: str) -> str:
    """Return a name shortened so that ids and suffixes can be added; it keeps its own suffix."""
    raw = os.fsencode(name)
    if len(raw) <= _LONGEST_NAME:
        return name
    stem, dot, ending = name.rpartition(".")
    tail = os.fsencode(dot + ending) if stem and len(ending) <= 12 else b""
    return os.fsdecode(raw[: _LONGEST_NAME - len(tail)] + tail)
