"""A CSV file that is checked once from end to end and then read line by line.

The first pass checks that it is text, finds its encoding and computes the digest that identifies its content.
At most one line is held in memory.
"""

from __future__ import annotations

import codecs
import hashlib
import io
import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Self

from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.safe_text import visible
from xpm_tui.ignition.csv_text import ENCODINGS, HEAD, find_encoding, judge_encoding, undecodable

LARGEST = 256 * 1024 * 1024
"""The maximum size of a CSV file in bytes."""

LONGEST_LINE = 4 * 1024 * 1024
"""The number of bytes without a line end after which a file is not accepted as CSV."""

STDIN = "-"

_CHUNK = 1 << 20
_ENOUGH = 256 * 1024
"""The number of bytes in lines beyond ASCII that is enough to determine the encoding."""

_KINDS = (
    (stat.S_ISDIR, "is a folder, not a file"),
    (stat.S_ISCHR, "is a device, not a file"),
    (stat.S_ISBLK, "is a device, not a file"),
    (stat.S_ISSOCK, "is a socket, not a file"),
)


class CsvSource:
    """An open CSV file, with the ``digest`` of its content and Python's name of its ``encoding``.

    ``modified`` is when the file was last changed, in seconds since 1970; None for a pipe.
    """

    def __init__(self, file: BinaryIO, name: str, encoding: str = "") -> None:
        self._file = file
        self.name = name
        self.modified = _modified(file)
        self.digest, self.encoding = self._check(encoding)

    @classmethod
    def of(cls, source: bytes | Path, encoding: str = "") -> Self:
        """Open a path (``-`` is standard input) or bytes.

        Raises:
            BadInput: It cannot be read, or is not a CSV file.
        """
        if isinstance(source, bytes):
            return cls(io.BytesIO(source), "The file", encoding)
        file = _open(source)
        try:
            return cls(file, str(source), encoding)
        except BaseException:
            file.close()
            raise

    @property
    def encoding_label(self) -> str:
        """The name of the encoding for users."""
        return ENCODINGS[self.encoding]

    def lines(self) -> Iterator[str]:
        """Yield every line with its line end, from the start."""
        self._file.seek(0)
        text = io.TextIOWrapper(self._file, encoding=self.encoding, newline="")
        try:
            for at, line in enumerate(text):
                yield line if at else line.lstrip("\ufeff")
        except UnicodeDecodeError as wrong:
            raise undecodable(self.encoding, wrong.start) from None
        finally:
            with suppress(ValueError):  # the file was closed by its owner
                text.detach()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check(self, given: str) -> tuple[str, str]:
        head = self._file.read(HEAD)
        encoding = find_encoding(head, given)
        if not encoding.startswith("utf-16") and head.count(b"\0") > len(head) // 20:
            raise BadInput(f"{self.name} is a binary file, not CSV.", hint="Save it as CSV UTF-8.")
        digest, fits = self._read_all(encoding or "utf-8")
        if fits:
            return digest, encoding or "utf-8"
        if encoding:
            raise undecodable(encoding, self._undecodable_position(encoding))
        return digest, judge_encoding(self._beyond_ascii())

    def _read_all(self, encoding: str) -> tuple[str, bool]:
        """Return the digest of the content, and whether all of it can be decoded."""
        digest, size, line = hashlib.blake2b(digest_size=16), 0, 0
        decoder: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder(encoding)()
        self._file.seek(0)
        while True:
            chunk = self._file.read(_CHUNK)
            digest.update(chunk)
            size += len(chunk)
            if size > LARGEST:
                raise _too_large(self.name)
            end = max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
            line = len(chunk) - end if end >= 0 else line + len(chunk)
            if line > LONGEST_LINE:
                raise BadInput(
                    f"{self.name} is not a CSV file: it has no line end for over 4 MB.", hint=_FILE_HINT
                )
            if decoder is not None:
                try:
                    decoder.decode(chunk, final=not chunk)
                except UnicodeDecodeError:
                    decoder = None
            if not chunk:
                return digest.hexdigest(), decoder is not None

    def _undecodable_position(self, encoding: str) -> int:
        """Return the position of the first byte that cannot be decoded."""
        decoder, at = codecs.getincrementaldecoder(encoding)(), 0
        self._file.seek(0)
        while True:
            chunk = self._file.read(_CHUNK)
            undecoded = len(decoder.getstate()[0])
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                return at - undecoded + error.start
            if not chunk:
                return at
            at += len(chunk)

    def _beyond_ascii(self) -> bytes:
        """Return words beyond ASCII, as many as are needed to determine the encoding."""
        self._file.seek(0)
        found, size = [], 0
        for line in self._file:
            if line.isascii():
                continue
            # Split first, then search: a single expression would take quadratic time for a very long word.
            for word in re.findall(rb"[^\x00-\x2c\x3a-\x40]+", line):
                if not word.isascii():
                    found.append(word)
                    size += len(word)
            if size > _ENOUGH:
                break
        return b"\n".join(found)


_FILE_HINT = "Name the CSV file that Ignition exported."


def _too_large(name: str) -> BadInput:
    """Return the error for a file that is too large to be an export of Ignition."""
    return BadInput(
        f"{name} is larger than {LARGEST >> 20} MB, so it is not an export from Ignition.",
        hint="Split it into smaller files and import them one after another.",
    )


def _modified(file: BinaryIO) -> float | None:
    try:
        return os.fstat(file.fileno()).st_mtime
    except OSError:  # the file is in memory
        return None


def _open(path: Path) -> BinaryIO:
    """Open a regular file, or read all of a pipe.

    Raises:
        BadInput: It cannot be read.
    """
    shown = visible(str(path), 300)
    if str(path) == STDIN:
        if sys.stdin is None:
            raise BadInput(
                "Standard input is closed: there is no file.",
                hint="Name a file, or redirect a file to standard input.",
            )
        return _buffered(sys.stdin.buffer.fileno(), "Standard input")
    try:
        # Non-blocking: a pipe without a writer is empty.
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except FileNotFoundError:
        raise BadInput(f"The file {shown} does not exist.", hint=_FILE_HINT) from None
    except (OSError, ValueError) as reason:
        why = getattr(reason, "strerror", None) or reason
        raise BadInput(f"{shown} cannot be read: {why}.", hint=_FILE_HINT) from None
    try:
        found = os.fstat(fd)
        for is_kind, words in _KINDS:
            if is_kind(found.st_mode):
                raise BadInput(f"{shown} {words}.", hint=_FILE_HINT)
        if stat.S_ISFIFO(found.st_mode):
            os.set_blocking(fd, True)
            contents = _buffered(fd, shown)
            os.close(fd)
            return contents
        if found.st_size > LARGEST:
            raise _too_large(shown)
        return os.fdopen(fd, "rb")
    except BaseException:
        os.close(fd)
        raise


def _buffered(fd: int, name: str) -> BinaryIO:
    """Return the contents of a pipe in memory, because they can be read only once."""
    if os.isatty(fd):
        raise BadInput(
            f"{name} is a terminal, not a file.", hint="Name a file, or redirect a file to standard input."
        )
    contents, size = io.BytesIO(), 0
    while chunk := os.read(fd, _CHUNK):
        size += len(chunk)
        if size > LARGEST:
            raise _too_large(name)
        contents.write(chunk)
    contents.seek(0)
    return contents
