"""Decodes the bytes of a terminal into Textual's key, paste and mouse events.

Textual's own reader decodes strictly and waits for the end of a paste without a limit. A byte of another
encoding would end the program, and a paste whose end was lost would block all keys. This decoder accepts any
input. It depends on no terminal and no thread: it is given bytes and the time.
"""

from __future__ import annotations

import re
from codecs import getincrementaldecoder
from collections.abc import Callable, Generator, Iterable, Iterator
from time import monotonic

from textual import constants, events
from textual._xterm_parser import XTermParser
from textual.message import Message

from xpm_tui.lazy import pattern

PASTE_SECONDS = 5.0
"""Seconds without input after which a paste counts as complete, because its end was lost."""
SEQUENCE_SECONDS = 1.0
"""Seconds without input after which an incomplete sequence or character is dropped."""
LONGEST_SEQUENCE = 256
"""The most bytes of an incomplete sequence; no key has more than a few dozen."""

_PASTE_START, _PASTE_END = b"\x1b[200~", b"\x1b[201~"
_CONTROL = pattern(rb"\x1b\[(?:\[[A-E]|[0-?]*[ -/]*[@-~])")
"""A control sequence (ECMA-48 5.4), or a function key of the Linux console."""
_CONTROL_START = pattern(rb"\x1b\[(?:\[|[0-?]*[ -/]*)\Z")
_RXVT_SHIFT = pattern(rb"\x1b\[[0-9]+\$")
"""Shifted keys of rxvt, whose last byte ends no other sequence."""
_MOUSE_X10 = b"\x1b[M"
_STRING = pattern(rb"\x1b(?:\][0-9]|P[0-9>+!=$|])")
"""The start of a string reply (OSC, DCS), as opposed to Alt with a bracket or a capital P."""
_STRING_END = pattern(rb"\x07|\x1b\\")
_UNDECIDED = (b"\x1b", b"\x1b[", b"\x1b]", b"\x1bP")
"""Bytes that are keys by themselves and also start sequences."""


class InputDecoder:
    """A decoder for the bytes of one terminal.

    Invalid UTF-8 becomes U+FFFD, mouse reports in the old X10 form are understood, and sequences that no
    terminal sends are dropped. ``now`` returns the time in seconds.
    """

    def __init__(self, *, debug: bool = False, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._debug = debug
        self._parser = XTermParser(debug)
        self._utf8 = getincrementaldecoder("utf-8")("replace")
        self._held = b""
        self._pasted: list[bytes] | None = None
        self._last = now()

    def feed(self, data: bytes) -> Iterator[Message]:
        """Yield the events of these bytes, as far as they are complete."""
        self._last = self._now()
        data, self._held = self._held + data, b""
        while data:
            if self._pasted is not None:
                data = yield from self._paste(data)
                continue
            escape = data.find(b"\x1b")
            plain = data if escape < 0 else data[:escape]
            if plain:
                yield from self._parse(self._utf8.decode(plain))
                data = data[len(plain) :]
                continue
            if self._utf8.getstate()[0]:
                yield from self._parse(self._utf8.decode(b"", final=True))
                self._utf8.reset()
            rest = yield from self._sequence(data)
            if rest is None:
                self._held = data
                return
            data = rest

    def tick(self) -> Iterator[Message]:
        """Yield events whose timeout has passed; to be called a few times a second."""
        silent = self._now() - self._last
        if silent >= constants.ESCAPE_DELAY:
            yield from self._give_up_waiting()
        if self._pasted is not None:
            if silent >= PASTE_SECONDS:
                yield from self._end_of_paste(self._held)
                self._held = b""
            return
        if self._utf8.getstate()[0] and silent >= SEQUENCE_SECONDS:
            yield from self._parse(self._utf8.decode(b"", final=True))
            self._utf8.reset()
        if self._held in _UNDECIDED or _RXVT_SHIFT.fullmatch(self._held):
            if silent >= constants.ESCAPE_DELAY:
                keys, self._held = self._held.decode(), b""
                yield from self._parse(keys)
                yield from self._give_up_waiting()
        elif silent >= SEQUENCE_SECONDS:
            self._held = b""

    def _give_up_waiting(self) -> Iterator[Message]:
        """Make Textual's parser treat the bytes that it holds as keys; our clock decides when."""
        if self._parser._timeout_time is not None:
            self._parser._timeout_time = 0.0
            yield from self._guarded(self._parser.tick)

    def _paste(self, data: bytes) -> Generator[Message, None, bytes]:
        """Consume the bytes of a paste; return what follows it."""
        assert self._pasted is not None
        end = data.find(_PASTE_END)
        if end >= 0:
            yield from self._end_of_paste(data[:end])
            return data[end + len(_PASTE_END) :]
        partial = next((n for n in range(len(_PASTE_END) - 1, 0, -1) if data.endswith(_PASTE_END[:n])), 0)
        self._pasted.append(data[: len(data) - partial])
        self._held = data[len(data) - partial :]
        return b""

    def _end_of_paste(self, last: bytes) -> Iterator[Message]:
        pasted = b"".join([*(self._pasted or ()), last])
        self._pasted = None
        if pasted:
            yield events.Paste(pasted.decode("utf-8", "replace").replace("\x00", ""))

    def _sequence(self, data: bytes) -> Generator[Message, None, bytes | None]:
        """Consume one sequence; return the rest, or None if it is incomplete."""
        if data in _UNDECIDED:
            return None
        if data.startswith(_PASTE_START):
            self._pasted = []
            return data[len(_PASTE_START) :]
        if data.startswith(_MOUSE_X10):
            if len(data) < 6:
                return None
            yield from self._parse(_mouse(*data[3:6]))
            return data[6:]
        if data.startswith(b"\x1b["):
            return (yield from self._control(data))
        if _STRING.match(data):
            end = _STRING_END.search(data, 2)
            if end is not None:
                return data[end.end() :]
            return None if len(data) < LONGEST_SEQUENCE else data[LONGEST_SEQUENCE:]
        yield from self._parse("\x1b")
        return data[1:]

    def _control(self, data: bytes) -> Generator[Message, None, bytes | None]:
        """Consume one control sequence; return the rest, or None if it is incomplete."""
        found = _CONTROL.match(data)
        if found is None or _RXVT_SHIFT.fullmatch(data):
            if _CONTROL_START.fullmatch(data) and len(data) < LONGEST_SEQUENCE:
                return None
            start = re.match(rb"\x1b\[[0-?]*[ -/]*", data)
            assert start is not None
            if start.end() == 2:
                yield from self._parse("\x1b[")
            return data[start.end() :]
        yield from self._parse(found[0].decode("ascii"))
        if self._parser._timeout_time is not None:
            # Textual does not know this sequence, and would take the following keys for a part of it.
            self._new_parser()
        return data[found.end() :]

    def _parse(self, text: str) -> Iterator[Message]:
        yield from self._guarded(lambda: self._parser.feed(text) if text else ())

    def _guarded(self, read: Callable[[], Iterable[Message]]) -> Iterator[Message]:
        """Yield the events from Textual's parser; after an error, drop the input and start a new parser."""
        try:
            for message in read():
                if not _empty(message):
                    yield message
        except Exception:
            self._new_parser()

    def _new_parser(self) -> None:
        old, self._parser = self._parser, XTermParser(self._debug)
        for name in ("last_x", "last_y", "mouse_pixels", "terminal_size", "terminal_pixel_size"):
            setattr(self._parser, name, getattr(old, name))


def _mouse(button: int, column: int, row: int) -> str:
    """Return a mouse report in X10's form, with numbers as bytes above 32, in the SGR form."""
    if min(button, column - 1, row - 1) < 32:
        return ""
    button -= 32
    released = button & 3 == 3 and not button & 96
    return f"\x1b[<{button & ~3 if released else button};{column - 32};{row - 32}{'m' if released else 'M'}"


def _empty(message: Message) -> bool:
    """Return whether a message reports a window of size zero."""
    return isinstance(message, events.Resize) and min(message.size) < 1
