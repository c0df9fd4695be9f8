"""A hardened streaming reader of Practice Manager replies.

A record that cannot be read, or that occurs twice, is *quarantined*: it is reported, and the others are read.
A reply is rejected as a whole only if it is damaged as a whole: cut short, malformed, or of another type.

No DOCTYPE is accepted, hence no entities (CWE-776, CWE-611), and UTF-8 only. Depth (256) and text size (10
MB) are limited by libxml2, the size of a record and of the reply by this module.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec
from lxml import etree

from xpm_tui.domain.errors import BadReply, CaseId, UnreadableRecord
from xpm_tui.domain.formatting import count
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.xpm import WHOLE, Quarantined, RecordFault, Records
from xpm_tui.xero.codec.deserializers import Element, ShapeFault, clean, quarantined
from xpm_tui.xero.codec.xml_characters import (
    CharacterFilter,
    invalid_characters,
    problem_before_root,
    pull_parser,
)
from xpm_tui.xero.error_body import RequestInfo, refusal, support_hint

R = TypeVar("R")

REPLY_LIMIT = 64 * 1024 * 1024
"""The maximum bytes of an ordinary reply."""

LIST_LIMIT = 1024 * 1024 * 1024
"""The maximum bytes of a streamed list (50,000 detailed clients are about 150 MB)."""

RECORD_LIMIT = 32 * 1024 * 1024
"""The maximum bytes from the end of one record to the end of the next."""

_REPEATED = "is that of several records of the list"
_KEYS = {"Job": "ID"}


@dataclass(frozen=True)
class Shape(Generic[R]):
    """The place of records in a reply (``Response/wrapper/element``), and the function that builds them.

    A reply of a single record has no ``wrapper``. ``key`` identifies a record within a list: two records with
    the same key are quarantined.
    """

    element: str
    build: Callable[[Element, str], R]
    wrapper: str = ""
    key: Callable[[R], str] | None = None


class Reader(Generic[R]):
    """A streaming reader of one reply.

    Call ``feed`` with its bytes, which returns records, ``finish`` for the last ones, and ``close``, which
    checks that the reply is complete. ``quarantined`` lists the records or fields that were set aside so far.
    If a record turns out to occur twice, the first one has been returned already: then neither counts (see
    ``repeated_keys``).

    Raises ``BadReply`` (with the place of the fault) as soon as the reply as a whole cannot be read, and
    ``Refused`` at the end if XPM reports an error. After an error the reader cannot be used again.
    """

    def __init__(
        self, shape: Shape[R] | None, request: RequestInfo | None = None, *, limit: int = REPLY_LIMIT
    ) -> None:
        self._shape = shape
        self._request_info = request or RequestInfo()
        self._limit = limit
        self._head: bytes | None = b""
        self._total = 0
        self._bytes_since_record = 0
        self._count = 0
        self._keys: set[str] = set()
        self._repeated_keys: set[str] = set()
        self.quarantined: list[Quarantined] = []
        self._filter: CharacterFilter | None = None
        self._closing = f"</{shape.element}>".encode() if shape is not None and shape.wrapper else b""
        self._window: list[bytes] | None = []
        self._window_size = 0
        self._is_midway = False
        self._since_window = self._skip = self._ends = 0
        self._seam = b""
        self._root: Any = None
        self._list: Element = None
        self._ended = False
        self._single: Element = None
        self._outer_url = ""
        self.status = ""
        self.words = ""
        tags = ["Status", "ErrorDescription"]
        if shape is not None:
            tags += [shape.element, shape.wrapper or "WebUrl"]
        self._tags = tags
        self._parser = pull_parser(self._tags)

    @property
    def count(self) -> int:
        """The number of records read so far, including those set aside."""
        return self._count

    @property
    def repeated_keys(self) -> frozenset[str]:
        """The keys of records that occur several times: none of these records counts."""
        return frozenset(self._repeated_keys)

    def feed(self, data: bytes) -> list[R]:
        """Parse bytes of the reply; return the records that they complete."""
        self._total += len(data)
        if self._total > self._limit:
            raise self._fault(f"is larger than {self._limit // (1024 * 1024)} MB")
        if self._head is not None:
            data = self._head + data
            problem = problem_before_root(data)
            if problem:
                raise self._fault(problem)
            self._head = data if problem is None else None
            if problem is None:
                return []
        self._bytes_since_record += len(data)
        records = self._parsed(data) if self._filter is None else self._parse(self._filter.feed(data))
        if self._bytes_since_record > RECORD_LIMIT:
            raise self._fault(f"has a record larger than {RECORD_LIMIT // (1024 * 1024)} MB")
        return records

    def finish(self) -> list[R]:
        """Parse the end of the reply; return the records that the parser has held back."""
        if self._head is not None:
            raise self._fault("is empty" if not self._head.strip() else "ends before its first element")
        records: list[R] = []
        if self._filter is None:
            try:
                self._root = self._parser.close()
            except etree.XMLSyntaxError as fault:
                records = self._filtered(fault)
        if self._filter is not None:
            records += self._parse(self._filter.close())
            try:
                self._root = self._parser.close()
            except etree.XMLSyntaxError as fault:
                raise self._syntax(fault) from None
        return records

    def close(self) -> R | None:
        """Check that the reply is complete; return the single record of a single shape, None for a list.

        A reply that needs :meth:`finish` is rejected without it.
        """
        if self._root is None and self.finish():
            raise self._fault("is broken or cut off")
        if self._filter is not None:
            self._check_outside(self._root)
        if self.status == "ERROR":
            raise refusal(self.words, self._request_info)
        if self.status != "OK":
            problem = "has no Status" if not self.status else "has a Status that is neither OK nor ERROR"
            raise self._fault(problem, "Response/Status")
        shape = self._shape
        if shape is None:
            return None
        if shape.wrapper:
            if not self._ended:
                raise self._fault(f"has no {shape.wrapper}, not even an empty one", "Response")
            return None
        if self._single is None:
            raise self._fault(f"has no {shape.element}", "Response")
        try:
            return shape.build(self._single, self._outer_url)
        except ShapeFault as fault:
            raise self._unreadable(self._single, fault) from None

    # -- the parser ------------------------------------------------------------------------------------

    def _parsed(self, data: bytes) -> list[R]:
        """Parse bytes of a reply without a fault so far; at a fault, filter it from there on.

        The bytes since the last complete record are kept for this. The parser does not raise every error:
        after some it is silent until the end. So the ends of records are counted in the bytes, too.
        """
        if self._window is not None:
            self._window.append(data)
        try:
            self._parser.feed(data)
        except etree.XMLSyntaxError as fault:
            return self._filtered(fault)
        ends, read = self._ends, self._count
        records = self._take_records()
        if not self._closing:
            return records
        seam = self._seam + data
        self._seam = seam[1 - len(self._closing) :]
        missing = seam.count(self._closing) - (self._ends - ends)
        taken = self._count - read
        self._since_window += taken
        if missing > 0:
            return [*records, *self._filtered(None)]
        self._move_window(data, bool(taken) and not missing)
        return records

    def _move_window(self, data: bytes, is_exact: bool) -> None:
        at = data.rfind(self._closing) if is_exact else -1
        if at >= 0 and self._window is not None:
            self._window = [data[at + len(self._closing) :]]
            self._window_size, self._is_midway, self._since_window = len(self._window[0]), True, 0
            return
        self._window_size += len(data)
        if self._window_size > RECORD_LIMIT:
            self._window = None

    def _filtered(self, fault: etree.XMLSyntaxError | None) -> list[R]:
        """Parse again from the last complete record on, with what XML does not allow marked.

        ``fault`` is the parser's error; it is raised if nothing was found that could be marked.
        """
        if self._window is None:
            raise self._syntax(fault)
        self._filter = CharacterFilter()
        self._parser = pull_parser(self._tags)
        self._list = self._single = None
        self._skip = self._since_window
        if self._is_midway:
            assert self._shape is not None
            self._parser.feed(f"<Response><{self._shape.wrapper}>".encode())
        window, self._window = b"".join(self._window), None
        marked = self._filter.feed(window)
        try:
            return self._parse(marked)
        except BadReply:
            if fault is not None and not self._filter.marked:
                raise self._syntax(fault) from None
            raise

    def _parse(self, data: bytes) -> list[R]:
        try:
            self._parser.feed(data)
        except etree.XMLSyntaxError as fault:
            raise self._syntax(fault) from None
        return self._take_records()

    def _check_outside(self, parent: Element) -> None:
        """Reject the reply if something was marked outside of all records."""
        for text in (parent.text, *(child.tail for child in parent)):
            if text and not text.isascii() and (problem := invalid_characters(text)):
                raise self._fault(f"is broken or cut off: outside of its records it has {problem}")

    # -- records -----------------------------------------------------------------------------------------

    def _take_records(self) -> list[R]:
        out: list[R] = []
        shape = self._shape
        element = shape.element if shape is not None else ""
        wrapped = bool(shape is not None and shape.wrapper)
        events: Any = self._parser.read_events()
        for _, node in events:
            if node.tag == element:
                self._ends += 1
                parent = node.getparent()
                if wrapped and (parent is self._list or self._is_list(parent)):
                    record = self._record(node)
                    if record is not None:
                        out.append(record)
                    if self._filter is not None:
                        self._check_outside(parent)
                    before = node.getprevious()
                    while before is not None:
                        parent.remove(before)
                        before = node.getprevious()
                else:
                    self._handle_unlisted(node, parent)
            else:
                self._handle_other(node)
        return out

    def _record(self, node: Element) -> R | None:
        shape = self._shape
        assert shape is not None
        if self._skip:
            self._skip -= 1
            return None
        self._count += 1
        self._bytes_since_record = 0
        try:
            record = shape.build(node, "")
        except ShapeFault as fault:
            found = self._set_aside(node, fault.of(WHOLE))
            # If its key can be read, another record with that key is not valid either.
            self._is_new(found.number if shape.element == "Job" else found.uuid)
            return None
        if shape.key is not None and not self._is_new(shape.key(record)):
            self._repeated_keys.add(shape.key(record))
            self._set_aside(node, RecordFault(WHOLE, _KEYS.get(shape.element, "UUID"), _REPEATED, "twice"))
            return None
        unread = getattr(record, "unread", ())
        if unread:
            self._set_aside(node, *unread)
        return record

    def _is_new(self, key: str) -> bool:
        if not key:
            return True
        if key in self._keys:
            return False
        self._keys.add(key)
        return True

    def _set_aside(self, node: Element, *faults: RecordFault) -> Quarantined:
        found = msgspec.structs.replace(quarantined(node, *faults), place=self._count)
        self.quarantined.append(found)
        return found

    def _is_list(self, parent: Element) -> bool:
        assert self._shape is not None
        if parent is None or parent.tag != self._shape.wrapper or _depth(parent) != 1:
            return False
        self._list = parent
        return True

    def _handle_unlisted(self, node: Element, parent: Element) -> None:
        """Handle a record element that is no list member: part of a record, a single one, or misplaced."""
        shape = self._shape
        assert shape is not None
        depth = _depth(node)
        if not shape.wrapper and depth == 1:
            if self._single is not None:
                raise self._fault("occurs twice", f"Response/{shape.element}")
            self._single = node
            return
        top = 2 if shape.wrapper else 1
        while depth > top:
            node = node.getparent()
            depth -= 1
            if node.tag == shape.element and depth == top:
                return  # inside a record: its own builder reads or ignores it
        if shape.wrapper and parent is not None and parent.tag == shape.element:
            return
        raise self._fault("is in an unexpected place", f"{shape.element} after record {self._count}")

    def _handle_other(self, node: Element) -> None:
        """Handle an element that is not a record; only those directly below the root count."""
        tag = node.tag
        if _depth(node) != 1:
            return
        if tag == "Status":
            self.status = (node.text or "").strip().upper()
        elif tag == "ErrorDescription":
            self.words = clean(node.text or "")
        elif tag == "WebUrl":
            self._outer_url = (node.text or "").strip()
        elif self._shape is not None and tag == self._shape.wrapper:
            if self._filter is not None:
                self._check_outside(node)
            self._ended = True
            self._list = None

    # -- faults ------------------------------------------------------------------------------------------

    def _unreadable(self, node: Element, fault: ShapeFault) -> UnreadableRecord:
        found = quarantined(node, fault.of(WHOLE))
        return UnreadableRecord(
            f"XPM's record of {found.description} cannot be read: {visible(found.problem, 200)}.",
            hint=found.remedy,
            case=CaseId.BAD_REPLY,
            **self._request_info.error_arguments(repeatable=not self._request_info.write),
        )

    def _syntax(self, fault: etree.XMLSyntaxError | None) -> BadReply:
        after = f" after {count(self._count, 'record')}" if self._count else ""
        if fault is None:
            return self._fault(f"is broken or cut off{after}: it has a reference that means nothing")
        line, column = fault.position
        what = visible(str(fault.msg or "not well-formed").split(", line ")[0], 200)
        # After parsing again from the middle, line numbers start there.
        at = "" if self._filter is not None and self._is_midway else f"line {line}, column {column}: "
        return self._fault(f"is broken or cut off{after} ({at}{what})")

    def _fault(self, problem: str, place: str = "") -> BadReply:
        where = f"at {place}: it " if place else "it "
        return BadReply(
            f"Xero's reply cannot be read: {where}{problem}.",
            hint=f"Nothing was taken from it. Try again. {support_hint(self._request_info.correlation)}",
            case=CaseId.BAD_REPLY,
            **self._request_info.error_arguments(repeatable=not self._request_info.write),
        )


def _depth(node: Element) -> int:
    return sum(1 for _ in node.iterancestors())


def read_single(shape: Shape[R], body: bytes, request: RequestInfo | None = None) -> R:
    """Return the record of a whole reply with one record. Raises what :class:`Reader` raises."""
    reader = Reader(shape, request)
    reader.feed(body)
    record = reader.close()
    assert record is not None
    return record


def read_list(shape: Shape[R], body: bytes, request: RequestInfo | None = None) -> Records[R]:
    """Return the records of a whole reply with a list, and those set aside. Raises what the reader raises."""
    reader = Reader(shape, request)
    records = [*reader.feed(body), *reader.finish()]
    reader.close()
    key, repeated = shape.key, reader.repeated_keys
    if repeated and key is not None:
        records = [record for record in records if key(record) not in repeated]
    return Records(records, reader.quarantined)


def read_status(body: bytes, request: RequestInfo | None = None) -> None:
    """Check a whole reply of which only the status matters. Raises what :class:`Reader` raises."""
    reader: Reader[Any] = Reader(None, request)
    reader.feed(body)
    reader.close()


def read_error_description(body: bytes) -> str | None:
    """Return XPM's message in an ERROR envelope; None if there is none or it is malformed."""
    reader: Reader[Any] = Reader(None)
    try:
        reader.feed(body)
        reader.close()
    except BadReply:
        return None
    except Exception as refused:
        return str(getattr(refused, "words", ""))
    return None
