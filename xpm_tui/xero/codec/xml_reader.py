"""Streamed reading of Practice Manager replies, hardened: a reply is read right or refused with its place.

No DOCTYPE, hence no entities of a document's own (CWE-776, CWE-611); UTF-8 only; depth (256) and text size
(10 MB) are libxml2's limits, size of a record and of the whole are ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from lxml import etree

from xpm_tui.domain.errors import BadReply, CaseId
from xpm_tui.domain.formatting import count
from xpm_tui.domain.safe_text import visible
from xpm_tui.xero.codec.deserializers import Element, ShapeFault, clean
from xpm_tui.xero.error_body import Asked, refusal

R = TypeVar("R")

REPLY_LIMIT = 64 * 1024 * 1024
"""Most bytes of an ordinary reply."""

LIST_LIMIT = 1024 * 1024 * 1024
"""Most bytes of a streamed list (50,000 detailed clients are about 150 MB)."""

RECORD_LIMIT = 32 * 1024 * 1024
"""Most bytes from the end of one record to the end of the next."""

_PROLOG_LIMIT = 64 * 1024
_MISC = re.compile(rb"\s+|<\?(?!xml[\s?]).*?\?>|<!--(?:(?!--).)*-->", re.DOTALL)
_DECLARATION = re.compile(rb"<\?xml\s[^>]*\?>")
_ENCODING = re.compile(rb"""encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_ROOT = re.compile(rb"<([^\s/><!?]+)[\s/>]")


@dataclass(frozen=True)
class Shape(Generic[R]):
    """Where records stand and how one is made: ``Response/wrapper/element``, no wrapper for a single one.

    ``key`` is what makes a record itself within a list; two with the same key are refused.
    """

    element: str
    build: Callable[[Element, str], R]
    wrapper: str = ""
    key: Callable[[R], str] | None = None


class Reader(Generic[R]):
    """Reads one reply: ``feed`` its bytes and take the records, then ``close``, which proves it complete.

    Raises ``BadReply`` (with the place of the fault) as soon as something cannot be read, ``Refused`` at the
    end when XPM said ERROR. After an error the reader is dead.
    """

    def __init__(
        self, shape: Shape[R] | None, asked: Asked | None = None, *, limit: int = REPLY_LIMIT
    ) -> None:
        self._shape = shape
        self._asked = asked or Asked()
        self._limit = limit
        self._head: bytes | None = b""
        self._total = 0
        self._since = 0
        self._count = 0
        self._keys: set[str] = set()
        self._list: Element = None
        self._ended = False
        self._single: Element = None
        self._beside = ""
        self.status = ""
        self.words = ""
        self.next = ""
        tags = ["Status", "ErrorDescription"]
        if shape is not None:
            tags += [shape.element, *(("Next", shape.wrapper) if shape.wrapper else ("WebUrl",))]
        self._parser = etree.XMLPullParser(
            events=("end",),
            tag=tags,
            encoding="utf-8",
            recover=False,
            resolve_entities=False,
            load_dtd=False,
            no_network=True,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
            collect_ids=False,
        )

    @property
    def count(self) -> int:
        """Records read so far."""
        return self._count

    def feed(self, data: bytes) -> list[R]:
        """Take some bytes of the reply; give the records that they completed."""
        self._total += len(data)
        if self._total > self._limit:
            raise self._fault(f"is larger than {self._limit // (1024 * 1024)} MB")
        if self._head is not None:
            data = self._prolog(self._head + data)
            if not data:
                return []
        self._since += len(data)
        try:
            self._parser.feed(data)
        except etree.XMLSyntaxError as fault:
            raise self._syntax(fault) from None
        records = self._take()
        if self._since > RECORD_LIMIT:
            raise self._fault(f"has a record larger than {RECORD_LIMIT // (1024 * 1024)} MB")
        return records

    def close(self) -> R | None:
        """End of the bytes: gives the single record of a single shape, None for a list."""
        if self._head is not None:
            raise self._fault("is empty" if not self._head.strip() else "ends before its first element")
        try:
            root: Any = self._parser.close()
        except etree.XMLSyntaxError as fault:
            raise self._syntax(fault) from None
        if self.status == "ERROR":
            raise refusal(self.words, self._asked)
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
        del root
        try:
            return shape.build(self._single, self._beside)
        except ShapeFault as fault:
            raise self._misshapen(f"Response/{shape.element}", fault) from None

    # -- the prolog ------------------------------------------------------------------------------------

    def _prolog(self, head: bytes) -> bytes:
        """Look at what comes before the root: hand everything on once the root has begun."""
        self._head = head
        if head.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00<", b"<\x00")):
            raise self._fault("is in UTF-16, not in UTF-8")
        at = 3 if head.startswith(b"\xef\xbb\xbf") else 0
        declared = _DECLARATION.match(head, at)
        if declared is not None:
            named = _ENCODING.search(declared.group())
            if named is not None and named.group(1).lower() not in (b"utf-8", b"utf8", b"us-ascii"):
                raise self._fault(f"is in the encoding {named.group(1).decode('ascii')}, not in UTF-8")
            at = declared.end()
        while misc := _MISC.match(head, at):
            at = misc.end()
        root = _ROOT.match(head, at)
        if root is not None:
            self._check_root(root.group(1))
            self._head = None
            return head
        rest = head[at:]
        if rest[:9].upper() == b"<!DOCTYPE":
            page = b"html" in rest[9:40].lower()
            raise self._html() if page else self._fault("has a DOCTYPE, which is refused")
        if len(head) > _PROLOG_LIMIT:
            raise self._fault("has no first element within its first 64 KB")
        if rest and not rest.startswith(b"<"):
            raise self._fault("is no XML: it begins with something else")
        return b""

    def _check_root(self, name: bytes) -> None:
        if name == b"Response":
            return
        if name.lower() == b"html":
            raise self._html()
        raise self._fault(f"has the root {visible(name.decode('utf-8', 'replace'), 60)}, not Response")

    # -- records -----------------------------------------------------------------------------------------

    def _take(self) -> list[R]:
        out: list[R] = []
        shape = self._shape
        element = shape.element if shape is not None else ""
        wrapped = bool(shape is not None and shape.wrapper)
        events: Any = self._parser.read_events()
        for _, node in events:
            if node.tag == element:
                parent = node.getparent()
                if wrapped and (parent is self._list or self._is_list(parent)):
                    out.append(self._record(node))
                    before = node.getprevious()
                    while before is not None:
                        parent.remove(before)
                        before = node.getprevious()
                else:
                    self._elsewhere(node, parent)
            else:
                self._other(node)
        return out

    def _record(self, node: Element) -> R:
        shape = self._shape
        assert shape is not None
        self._count += 1
        self._since = 0
        try:
            record = shape.build(node, "")
        except ShapeFault as fault:
            raise self._misshapen(self._place(), fault) from None
        if shape.key is not None:
            key = shape.key(record)
            if key in self._keys:
                raise self._fault(f"is there twice ({visible(key, 60)})", self._place())
            self._keys.add(key)
        return record

    def _is_list(self, parent: Element) -> bool:
        assert self._shape is not None
        if parent is None or parent.tag != self._shape.wrapper or _depth(parent) != 1:
            return False
        self._list = parent
        return True

    def _elsewhere(self, node: Element, parent: Element) -> None:
        """A record element that is no member of the list: part of a record, the single one, or misplaced."""
        shape = self._shape
        assert shape is not None
        depth = _depth(node)
        if not shape.wrapper and depth == 1:
            if self._single is not None:
                raise self._fault("is there twice", f"Response/{shape.element}")
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
        raise self._fault("stands where none belongs", f"{shape.element} after record {self._count}")

    def _other(self, node: Element) -> None:
        depth = _depth(node)
        tag = node.tag
        if depth == 1:
            if tag == "Status":
                self.status = (node.text or "").strip().upper()
            elif tag == "ErrorDescription":
                self.words = clean(node.text or "")
            elif tag == "WebUrl":
                self._beside = (node.text or "").strip()
            elif self._shape is not None and tag == self._shape.wrapper:
                self._ended = True
                self._list = None
        elif tag == "Next" and depth == 3 and node.getparent().tag == "Links":
            self.next = (node.text or "").strip()

    # -- faults ------------------------------------------------------------------------------------------

    def _place(self) -> str:
        assert self._shape is not None
        return f"{self._shape.wrapper}/{self._shape.element}[{self._count}]"

    def _misshapen(self, place: str, fault: ShapeFault) -> BadReply:
        return self._fault(fault.problem, f"{place}/{fault.where}")

    def _syntax(self, fault: etree.XMLSyntaxError) -> BadReply:
        line, column = fault.position
        what = visible(str(fault.msg or "not well-formed").split(", line ")[0], 200)
        after = f" after {count(self._count, 'record')}" if self._count else ""
        return self._fault(f"is broken or cut off{after} (line {line}, column {column}: {what})")

    def _html(self) -> BadReply:
        return self._fault("is a web page, not data: a proxy or an outage page answered in Xero's place")

    def _fault(self, problem: str, place: str = "") -> BadReply:
        where = f"at {place}: it " if place else "it "
        return BadReply(
            f"Xero's reply cannot be read: {where}{problem}.",
            hint="Nothing was taken from it. Try again; if it stays, tell support the correlation id.",
            case=CaseId.BAD_REPLY,
            asked=self._asked.call,
            status=self._asked.status,
            correlation=self._asked.correlation,
            repeatable=not self._asked.write,
        )


def _depth(node: Element) -> int:
    return sum(1 for _ in node.iterancestors())


def read_single(shape: Shape[R], body: bytes, asked: Asked | None = None) -> R:
    """Read a whole reply that carries one record. Raises as :class:`Reader` does."""
    reader = Reader(shape, asked)
    reader.feed(body)
    record = reader.close()
    assert record is not None
    return record


def read_list(shape: Shape[R], body: bytes, asked: Asked | None = None) -> tuple[list[R], str]:
    """Read a whole reply that carries a list; gives the records and the address of the next page, if any."""
    reader = Reader(shape, asked)
    records = reader.feed(body)
    reader.close()
    return records, reader.next


def read_status(body: bytes, asked: Asked | None = None) -> None:
    """Read a whole reply of which only the status counts. Raises as :class:`Reader` does."""
    reader: Reader[Any] = Reader(None, asked)
    reader.feed(body)
    reader.close()


def read_words(body: bytes) -> str | None:
    """XPM's words in an ERROR envelope; None when the body is none, or is broken."""
    reader: Reader[Any] = Reader(None)
    try:
        reader.feed(body)
        reader.close()
    except BadReply:
        return None
    except Exception as refused:
        return str(getattr(refused, "words", ""))
    return None
