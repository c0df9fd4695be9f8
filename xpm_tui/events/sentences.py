"""One sentence per event key. Names are filled in when a sentence is shown, so other names mask it exactly.

In a template ``{calls:call}`` is a number with its noun ("1 call", "1,204 calls"; ``person/people`` for an
irregular one), ``{record}`` and ``{uuid}`` are given by name, every other word is a part of the event or one
of its numbers. A part that the event does not have reads as "?"; a template is never taken from data.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xpm_tui.events.keys import REASONS, SENTENCES
from xpm_tui.model.events import Event
from xpm_tui.model.formatting import count, scalar
from xpm_tui.model.labels import of_sides

Names = Callable[[str], str]
"""From an id (``c12``, ``c12/k3``, ``t4``, an XPM UUID) to a name; the empty text when it has none."""

_ABSENT = "?"


def sentence(event: Event, names: Names | None = None) -> str:
    """The event in words, for people. Its names are data: show it through the plain-text door only."""
    template = _template(event)
    if template is None:
        return _bare(event, names)
    return _FORMAT.vformat(template, (), _parts(event, names))


def _template(event: Event) -> str | None:
    """The sentence for this rule or this side, where there is one, else the key's own."""
    for variant in (event.rule, event.numbers.get("side")):
        found = SENTENCES.get(f"{event.key}:{variant}") if variant else None
        if found is not None:
            return found
    return SENTENCES.get(event.key)


class _Words(string.Formatter):
    """Inserts values as they are: no attribute or index is ever followed."""

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        return kwargs.get(field_name, _ABSENT), field_name

    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec and isinstance(value, int | float):
            return count(value, format_spec)
        return scalar(value, none=_ABSENT)


_FORMAT = _Words()


def _parts(event: Event, names: Names | None) -> dict[str, object]:
    parts: dict[str, object] = {
        "by": event.by or _ABSENT,
        "run": event.run or _ABSENT,
        "record": _named(event.record, names),
        "uuid": _named(event.uuid, names),
        "field": event.field.replace("_", " ") or _ABSENT,
        "rule": event.rule or _ABSENT,
        "why": _why(event),
        "call": event.call or _ABSENT,
        "status": event.status or _ABSENT,
        "outcome": event.outcome or _ABSENT,
        "case": event.case or _ABSENT,
        "correlation": event.correlation or _ABSENT,
    }
    return {**event.numbers, **parts} if event.numbers else parts


def _why(event: Event) -> str:
    known = REASONS.get(event.key, {})
    found = next((known[code] for code in (event.rule, event.outcome) if code in known), None)
    if found is None:
        return event.rule or _ABSENT
    return of_sides(found.reason, str(event.numbers.get("side", "")))


def _named(id_: str, names: Names | None) -> str:
    if not id_:
        return _ABSENT
    return (names(id_) if names is not None else "") or id_


def _bare(event: Event, names: Names | None) -> str:
    """A key that this version does not know, from a newer one or an older: all that it carries."""
    told = [event.key.replace(".", " ").replace("_", " ")]
    for name, value in _parts(event, names).items():
        if value != _ABSENT and name not in ("by", "run", "why"):
            told.append(f"{name.replace('_', ' ')} {scalar(value, none=_ABSENT)}")
    return told[0] if len(told) == 1 else f"{told[0]}: {', '.join(told[1:])}"
