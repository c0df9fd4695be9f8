"""How a reply begins: the hardened parser that reads it, and what may come before its first element."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from lxml import etree

from xpm_tui.domain.safe_text import visible

WEB_PAGE = "is a web page, not data: a proxy or an outage page answered in Xero's place"
_LIMIT = 64 * 1024
_MISC = re.compile(rb"\s+|<\?(?!xml[\s?]).*?\?>|<!--(?:(?!--).)*-->", re.DOTALL)
_DECLARATION = re.compile(rb"<\?xml\s[^>]*\?>")
_ENCODING = re.compile(rb"""encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_ROOT = re.compile(rb"<([^\s/><!?]+)[\s/>]")


def pull_parser(tags: Sequence[str]) -> Any:
    """Return a parser that gives the ends of these elements, with everything off that a reply never needs."""
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
    """Look at the beginning of a reply.

    Returns:
        What is wrong with it, the empty text where the root has begun and is the right one, or None where
        more bytes are needed to tell.
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
        return _of_root(root.group(1))
    rest = head[at:]
    if rest[:9].upper() == b"<!DOCTYPE":
        page = b"html" in rest[9:40].lower()
        return WEB_PAGE if page else "has a DOCTYPE, which is refused"
    if len(head) > _LIMIT:
        return "has no first element within its first 64 KB"
    if rest and not rest.startswith(b"<") and not b"\xef\xbb\xbf".startswith(rest):
        return "is no XML: it begins with something else"
    return None


def _of_root(name: bytes) -> str:
    if name == b"Response":
        return ""
    if name.lower() == b"html":
        return WEB_PAGE
    return f"has the root {visible(name.decode('utf-8', 'replace'), 60)}, not Response"
