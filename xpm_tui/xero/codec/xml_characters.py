"""Replaces characters and references that XML does not allow, so that the rest can be parsed.

One control character in an address makes a whole list malformed. Each is replaced by a non-character, which
the parser accepts and which no text may contain, so that only the record with it is set aside. A reply is
filtered only after its parser has failed, so valid replies cost nothing.

The module also contains the hardened parser, and the check of what precedes the root element.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from lxml import etree

from xpm_tui.domain.safe_text import visible

_CONTROL, _SURROGATE, _NONCHARACTER, _REFERENCE = "\ufdd0", "\ufdd1", "\ufdd2", "\ufdd3"
_WORDS = {
    _CONTROL: "a control character",
    _SURROGATE: "half of a surrogate pair",
    _NONCHARACTER: "a code point that is not a character",
    _REFERENCE: "a reference (&...;) that means nothing",
}

_PLANE_ENDS = "".join(chr(plane << 16 | end) for plane in range(17) for end in (0xFFFE, 0xFFFF))
_CONTROL_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_NONCHARACTER_TEXT = re.compile(f"[\ufdd0-\ufdef{_PLANE_ENDS}]")
_ENCODED_SURROGATE = re.compile("\udced[\udca0-\udcbf][\udc80-\udcbf]")
_REFERENCES = re.compile(r"&(?:#(?:x([0-9a-fA-F]{1,32})|([0-9]{1,32}));|((?:amp|lt|gt|quot|apos);))?")
_SECTIONS = {"<![CDATA[": "]]>", "<!--": "-->"}
_SECTION = re.compile(r"<!\[CDATA\[|<!--")
_OPEN_END = re.compile(rb"(?:&#?[0-9A-Za-z]*|<(?:!(?:-|\[(?:C(?:D(?:A(?:TA?)?)?)?)?)?)?|--?|\]\]?)\Z")
_LONGEST = 48
"""The maximum length of a reference in bytes."""


def invalid_characters(text: str) -> str:
    """Return which invalid characters a text beyond ASCII contains, in words; empty if there are none."""
    found = _NONCHARACTER_TEXT.search(text)
    return _WORDS.get(found.group(), _WORDS[_NONCHARACTER]) if found is not None else ""


class CharacterFilter:
    """Marks what XML does not allow in the chunks of a reply; ``marked`` says whether there was anything."""

    def __init__(self) -> None:
        self.marked = False
        self._held = b""
        self._until = ""

    def feed(self, data: bytes) -> bytes:
        """Return the bytes for the parser; an incomplete sequence at the end waits for the next chunk."""
        if self._held:
            data = self._held + data
        at = len(data) - _incomplete_bytes(data)
        self._held, data = data[at:], data[:at]
        return self._filtered(data)

    def close(self) -> bytes:
        """Return the bytes that were still held back, because the reply ends in the middle of a sequence."""
        held, self._held = self._held, b""
        return self._filtered(held)

    def _filtered(self, data: bytes) -> bytes:
        before = data.decode("utf-8", "surrogateescape")
        # Other invalid UTF-8 stays, and the parser rejects it: the reply has another encoding.
        text = _ENCODED_SURROGATE.sub(_SURROGATE, before)
        text = _CONTROL_TEXT.sub(_CONTROL, text)
        text = _NONCHARACTER_TEXT.sub(_noncharacter, text) if not text.isascii() else text
        filtered = "".join(self._with_marked_references(text))
        self.marked = self.marked or filtered != before
        return filtered.encode("utf-8", "surrogateescape")

    def _with_marked_references(self, text: str) -> list[str]:
        """Return the text in pieces, with marked references except in CDATA sections and comments."""
        out: list[str] = []
        at = 0
        while at < len(text):
            if self._until:
                end = text.find(self._until, at)
                if end < 0:
                    out.append(text[at:])
                    break
                end += len(self._until)
                out.append(text[at:end])
                at, self._until = end, ""
                continue
            section = _SECTION.search(text, at)
            end = section.end() if section is not None else len(text)
            out.append(_REFERENCES.sub(_reference, text[at:end]))
            at = end
            if section is not None:
                self._until = _SECTIONS[section.group()]
        return out


def _incomplete_bytes(data: bytes) -> int:
    """Return how many bytes at the end belong to a sequence that the next chunk may complete."""
    found = _OPEN_END.search(data, max(0, len(data) - _LONGEST))
    if found is not None:
        return len(data) - found.start()
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte < 0x80:
            return 0
        if byte >= 0xC0:
            return back if back < (2 if byte < 0xE0 else 3 if byte < 0xF0 else 4) else 0
    return 0


def _noncharacter(found: re.Match[str]) -> str:
    # Marks that were inserted before are non-characters themselves.
    return found.group() if found.group() in (_CONTROL, _SURROGATE) else _NONCHARACTER


def _reference(found: re.Match[str]) -> str:
    hexadecimal, decimal, named = found.groups()
    if named:
        return found.group()
    if not hexadecimal and not decimal:
        return _REFERENCE
    code = int(hexadecimal, 16) if hexadecimal else int(decimal)
    if 0xD800 <= code <= 0xDFFF:
        return _SURROGATE
    if code > 0x10FFFF:
        return _REFERENCE
    character = chr(code)
    if _CONTROL_TEXT.match(character):
        return _CONTROL
    return _NONCHARACTER if _NONCHARACTER_TEXT.match(character) else found.group()


WEB_PAGE = "is a web page, not data: a proxy or an outage page answered in Xero's place"
_LIMIT = 64 * 1024
_MISC = re.compile(rb"\s+|<\?(?!xml[\s?]).*?\?>|<!--(?:(?!--).)*-->", re.DOTALL)
_DECLARATION = re.compile(rb"<\?xml\s[^>]*\?>")
_ENCODING = re.compile(rb"""encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_ROOT = re.compile(rb"<([^\s/><!?]+)[\s/>]")


def pull_parser(tags: Sequence[str]) -> Any:
    """Return a parser for the ends of these elements, without any feature that replies never need."""
    return etree.XMLPullParser(
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


def problem_before_root(head: bytes) -> str | None:
    """Check the start of a reply.

    Returns:
        What is wrong with it, an empty text if the root element is right, or None if more bytes are needed to
        decide.
    """
    if head.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00<", b"<\x00")):
        return "is in UTF-16, not in UTF-8"
    at = 3 if head.startswith(b"\xef\xbb\xbf") else 0
    declared = _DECLARATION.match(head, at)
    if declared is not None:
        named = _ENCODING.search(declared.group())
        if named is not None and named.group(1).lower() not in (b"utf-8", b"utf8", b"us-ascii"):
            return f"is in the encoding {named.group(1).decode('ascii')}, not in UTF-8"
        at = declared.end()
    while misc := _MISC.match(head, at):
        at = misc.end()
    root = _ROOT.match(head, at)
    if root is not None:
        return _problem_of_root(root.group(1))
    rest = head[at:]
    if rest[:9].upper() == b"<!DOCTYPE":
        page = b"html" in rest[9:40].lower()
        return WEB_PAGE if page else "has a DOCTYPE, which is refused"
    if len(head) > _LIMIT:
        return "has no first element within its first 64 KB"
    if rest and not rest.startswith(b"<") and not b"\xef\xbb\xbf".startswith(rest):
        return "is not XML: it begins with something else"
    return None


def _problem_of_root(name: bytes) -> str:
    if name == b"Response":
        return ""
    if name.lower() == b"html":
        return WEB_PAGE
    return f"has the root {visible(name.decode('utf-8', 'replace'), 60)}, not Response"
