"""Screenshots for support as SVG and text, with names and values masked on request."""

from __future__ import annotations

import html
import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.commands import registry
    from xpm_tui.diagnostics import known_problems, masking
    from xpm_tui.domain import fields, labels, reason_labels, tables
    from xpm_tui.settings import schema

if TYPE_CHECKING:
    from textual.app import App

    from xpm_tui.domain.ports import Snapshot

_WORD = re.compile(r"[^\W\d_]+")
_DIGITS = re.compile(r"\d{3,}")
_TEXT = re.compile(r"(<text([^>]*)>)([^<]*)(</text>)")
_PLACE = re.compile(r'\b(x|y|textLength)="([\d.]+)"')
_CELLS = re.compile(r"\s*[^\w\s,.;:'’&()/-]+\s*|\s\s+|^\s*|\s*$", re.MULTILINE)
"""The separators between the cells of a line."""
_NEXT = re.compile(r"[ \xa0]?[^\w\s│]{0,3}[ \xa0]?")
"""The characters that may be between two words of one text."""


def file_name(at: datetime) -> str:
    """Return the file name without its suffix."""
    return f"screenshot-{at:%Y%m%d-%H%M%S}"


def text(app: App[int]) -> str:
    """Return the active screen as lines of text."""
    width, height = app.size
    lines = app.screen._compositor.render_strips()
    shown = ["".join(segment.text for segment in strip) for strip in lines[:height]]
    return "\n".join(line[:width].rstrip() for line in shown) + "\n"


class RecordWords(NamedTuple):
    """Where xpm-tui's own words occur in texts of records: as a whole text, or next to another word."""

    alone: frozenset[str]
    pairs: frozenset[tuple[str, str]]


NO_WORDS = RecordWords(frozenset(), frozenset())
PERSONAL: tuple[tables.TableSchema[Any], ...] = (
    tables.CLIENTS, tables.XPM_CLIENTS, tables.TEAM, tables.STAFF, tables.SERVICES, tables.PROPOSALS,
    tables.WORKFLOWS, tables.TEMPLATES, tables.CATEGORIES, tables.JOBS,
)  # fmt: skip
"""The tables whose texts are names and values of records."""


class _Collector(masking.RowMask):
    """Collects the texts that a bundle would replace, by the types of the tables."""

    def __init__(self) -> None:
        super().__init__(masking.Mask())
        self.found: set[str] = set()

    def stand_in(self, text: str) -> str:
        self.found.add(text)
        return text


def record_words(snapshot: Snapshot) -> RecordWords:
    """Return where xpm-tui's own words occur in the records, so that names made of them can be masked."""
    collector = _Collector()
    for table in PERSONAL:
        for row in snapshot.rows(table):
            collector.row(table, row)
    return words_of_texts(collector.found)


def words_of_texts(texts: Iterable[str]) -> RecordWords:
    """Return where xpm-tui's own words occur in these texts."""
    known, alone, pairs = _own_words(), set(), set()
    for text in texts:
        words = [word.casefold() for word in _WORD.findall(text)]
        if len(words) == 1 and words[0] in known:
            alone.add(words[0])
        pairs |= {pair for pair in pairwise(words) if not known.isdisjoint(pair)}
    return RecordWords(frozenset(alone), frozenset(pairs))


def masked(shown: str, records: RecordWords = NO_WORDS) -> str:
    """Return a text with all words masked except xpm-tui's own.

    Names may be cut anywhere on a screen, so no list of names would find them. Every word that does not occur
    in the program's own texts is replaced by ``x``, and every number of three or more digits by ``0``. The
    program's words are masked, too, where they occur as in a record: next to the same word, or alone.
    """
    known = _own_words()
    found = [*_WORD.finditer(shown)]
    hidden = {at for at, word in enumerate(found) if word[0].casefold() not in known}
    following: dict[str, list[str]] = defaultdict(list)
    for first, second in records.pairs:
        following[first].append(second)
    for at, (word, after) in enumerate(pairwise(found)):
        if seconds := following.get(word[0].casefold()):
            beside = _NEXT.fullmatch(shown, word.end(), after.start()) is not None
            start, cut = after[0].casefold(), shown.startswith("…", after.end())
            if beside and any(each == start or (cut and each.startswith(start)) for each in seconds):
                hidden |= {at, at + 1}
    hidden |= {
        at for at, word in enumerate(found)
        if shown.startswith("…", word.end()) and word[0].casefold() in following
    }  # fmt: skip
    if records.alone:
        edges = {edge for gap in _CELLS.finditer(shown) for edge in (gap.start(), gap.end())}
        for at, word in enumerate(found):
            if word[0].casefold() in records.alone and {word.start(), word.end()} <= edges:
                hidden.add(at)
    plain = list(shown)
    for at in hidden:
        plain[found[at].start() : found[at].end()] = "x" * len(found[at][0])
    return _DIGITS.sub(lambda digits: "0" * len(digits[0]), "".join(plain))


def masked_picture(svg: str, records: RecordWords = NO_WORDS) -> str:
    """Return an SVG whose texts are masked as by :func:`masked`, each line as a whole."""
    found = [*_TEXT.finditer(svg)]
    places = [{key: float(number) for key, number in _PLACE.findall(each[2])} for each in found]
    texts = [html.unescape(each[3]) for each in found]
    line, starts, end = "", [], (-1.0, -1.0)
    for place, text in zip(places, texts, strict=True):
        here = (place.get("y", 0.0), place.get("x", 0.0))
        if here[0] != end[0]:
            line += "\n"
        elif abs(here[1] - end[1]) > 1:
            line += "  "
        starts.append(len(line))
        line, end = line + text, (here[0], here[1] + place.get("textLength", 0.0))
    line = masked(line, records)
    out, done = [], 0
    for each, start, text in zip(found, starts, texts, strict=True):
        shown = html.escape(line[start : start + len(text)], quote=False).replace("\xa0", "&#160;")
        out += [svg[done : each.start(3)], shown]
        done = each.end(3)
    return "".join([*out, svg[done:]])


@cache
def _own_words() -> frozenset[str]:
    """Return all words that occur in the program's own texts."""
    return frozenset(word.casefold() for each in _own_texts() for word in _WORD.findall(each or ""))


def _own_texts() -> Iterable[str]:
    for command in registry.all_commands():
        yield from (command.title, command.footer)
    for module in (labels, reason_labels):
        for table in vars(module).values():
            known = table.values() if isinstance(table, dict) else ()
            for label in known:
                if isinstance(label, labels.Label):
                    yield from (label.text, label.help)
    for field in fields.FIELDS:
        yield field.label
    for entry in schema.SCHEMA:
        yield entry.label
    for case in known_problems.KNOWN_PROBLEMS.values():
        yield case.title
    yield from _CHROME


_CHROME = (
    "Overview Clients Team Templates Jobs Sync Settings Connection Calls to Xero this minute today Runs",
    "RUN STARTED OUTCOME CHANGES CALLS BY FIELD IGNITION VALUE FROM DEFAULT SETTING CLIENT NAME ROW WHAT ID",
    "connected synced never login needed not opening read only held Help All actions Back Filter Level Save",
    "call calls left today go next step review needs attention changes per day last syncs coming log line",
    "info and up newest lines level of by on at in is was were are with for the a an no yes none",
    "updated linked written because changed empty same name both sides done client clients change changes",
)
"""Words on screens that are not in any registry."""
