"""Screenshots for support as SVG and text, with names and values masked on request."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.commands import registry
    from xpm_tui.diagnostics.known_problems import registry as problems
    from xpm_tui.domain import fields, labels, reason_labels
    from xpm_tui.settings import schema

if TYPE_CHECKING:
    from textual.app import App

_WORD = re.compile(r"[^\W\d_]+")
_DIGITS = re.compile(r"\d{3,}")
_TEXT = re.compile(r"(<text[^>]*>)([^<]*)(</text>)")
_ENTITY = re.compile(r"&#?\w+;")


def file_name(at: datetime) -> str:
    """Return the file name without its suffix."""
    return f"screenshot-{at:%Y%m%d-%H%M%S}"


def picture(app: App[int]) -> str:
    """Return the active screen as SVG."""
    return app.export_screenshot(title="xpm-tui")


def text(app: App[int]) -> str:
    """Return the active screen as lines of text."""
    width, height = app.size
    lines = app.screen._compositor.render_strips()
    shown = ["".join(segment.text for segment in strip) for strip in lines[:height]]
    return "\n".join(line[:width].rstrip() for line in shown) + "\n"


def masked(shown: str) -> str:
    """Return a text with all words masked except xpm-tui's own.

    Names may be cut anywhere on a screen, so no list of names would find them. Every word that does not occur
    in the program's own texts becomes ``x``, and every number of three or more digits becomes ``0``.
    """
    known = _own_words()
    plain = _WORD.sub(lambda word: word[0] if word[0].casefold() in known else "x" * len(word[0]), shown)
    return _DIGITS.sub(lambda digits: "0" * len(digits[0]), plain)


def masked_picture(svg: str) -> str:
    """Return an SVG whose texts are masked as by :func:`masked`."""

    def mask(found: re.Match[str]) -> str:
        parts = _ENTITY.split(found[2])
        entities = _ENTITY.findall(found[2])
        mixed = [masked(parts[0])]
        for entity, part in zip(entities, parts[1:], strict=True):
            mixed += [entity, masked(part)]
        return found[1] + "".join(mixed) + found[3]

    return _TEXT.sub(mask, svg)


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
    for case in problems.KNOWN_PROBLEMS.values():
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
"""Words on screens that are in no registry."""
