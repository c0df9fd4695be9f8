"""Styled pieces of text in terminal columns: fitting, wrapping, differences, state labels and bars.

A ``Line`` is a sequence of ``Span``; rows paint it directly, and stock widgets get it as ``Content``. Text
from records never becomes markup: brackets, ``[/]`` and ``[@click=…]`` are shown as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple, TypeVar, get_args

from rich.text import Text
from textual.content import Content

from xpm_tui.domain import labels
from xpm_tui.domain.formatting import cells, cut, hanging_indent, rows
from xpm_tui.domain.labels import Label, Labels
from xpm_tui.domain.safe_text import LIMIT, Shown, visible

Look = Literal[
    "", "strong", "muted", "good", "warn", "bad", "match", "accent", "head", "title", "xpm", "ignition"
]
LOOKS = tuple(look for look in get_args(Look) if look not in ("", "title"))
"""The looks of pieces in rows, each with a class in the stylesheet."""


class Span(NamedTuple):
    """A piece of shown text and its style. A style alone never carries the meaning."""

    text: Shown
    look: Look = ""


Line = Sequence[Span]


def span(text: str, look: Look = "") -> Span:
    """Return any text as a span, with control characters made visible."""
    return Span(visible(text), look)


def fixed(text: str, look: Look = "") -> Span:
    """Return a text of the program, never data, as a span without checking each character."""
    return Span(Shown(text), look)


def width(line: Iterable[Span]) -> int:
    """Return the width of a line in columns."""
    return sum(cells(piece.text) for piece in line)


def fit(line: Line, columns: int, right: bool = False) -> list[Span]:
    """Return the line in exactly ``columns`` columns: cut with an ellipsis, or padded with blanks."""
    done: list[Span] = []
    left = columns
    for index, piece in enumerate(line):
        size = cells(piece.text)
        more = any(later.text for later in line[index + 1 :])
        if size > left or (size == left and more):
            shown = cut(piece.text, left) if size > left else cut(Shown(piece.text + " "), left)
            if shown:
                done.append(Span(shown, piece.look))
                left -= cells(shown)
            break
        done.append(piece)
        left -= size
    blank = Span(Shown(" " * max(0, left)))
    if not blank.text:
        return done
    return [blank, *done] if right else [*done, blank]


def wrap(line: Line, columns: int) -> list[Line]:
    """Return the line wrapped at blanks into lines of at most ``columns``.

    Continuation lines are aligned with the text, after the mark or label of the first line.
    """
    text = "".join(piece.text for piece in line)
    indent = Span(Shown(" " * hanging_indent(text, columns)))
    found = [_between(line, start, end) for start, end in rows(text, columns)]
    return [[indent, *row] if place and indent.text else row for place, row in enumerate(found)]


def _between(line: Line, start: int, end: int) -> list[Span]:
    """Return the pieces of a line between two character offsets."""
    found, at = [], 0
    for text, look in line:
        piece = text[max(0, start - at) : max(0, end - at)]
        if piece:
            found.append(Span(Shown(piece), look))
        at += len(text)
    return found


def marked(text: Shown, spans: Sequence[tuple[int, int]], look: Look = "") -> list[Span]:
    """Return the text with the given (start, end) stretches highlighted as matches."""
    pieces: list[Span] = []
    at = 0
    for start, end in sorted(spans):
        start, end = max(start, at), min(end, len(text))
        if start >= end:
            continue
        if start > at:
            pieces.append(Span(Shown(text[at:start]), look))
        pieces.append(Span(Shown(text[start:end]), "match"))
        at = end
    if at < len(text):
        pieces.append(Span(Shown(text[at:]), look))
    return pieces or [Span(text, look)]


T = TypeVar("T")
NEAR = 10
"""How many rows above and below are compared, so that different texts are not cut to the same one."""


def neighbours(items: Sequence[T], row: int) -> Iterator[T]:
    """Yield the items of the rows near a row."""
    for near in range(max(0, row - NEAR), min(len(items), row + NEAR + 1)):
        if near != row:
            yield items[near]


def cut_apart(text: Shown, others: Iterable[Shown], room: int) -> Shown:
    """Return a text cut to ``room`` columns so that no other text near it would look the same.

    It is cut at its end, in the middle or at its start; if that is not enough, it begins shortly before the
    last difference from another one. Several spaces then become one, because readers cannot count them,
    unless another text differs in nothing else.
    """
    if cells(text) <= room:
        return text
    near = [other for other in dict.fromkeys(others) if other != text]
    single = _single_spaced(text)
    if all(_single_spaced(other) != single for other in near):
        text, near = single, [*map(_single_spaced, near)]
    if cells(text) <= room:
        return text
    near = [other for other in near if cells(other) > room]
    for shorten in (cut, _cut_middle, _cut_start):
        shown = shorten(text, room)
        if not any(shorten(other, room) == shown for other in near):
            return shown
    start = max(difference(text, other)[0] for other in near if cut(other, room) == cut(text, room))
    return cut(Shown("…" + text[max(0, start - room // 4) :]), room)


def _single_spaced(text: Shown) -> Shown:
    return Shown(" ".join(text.split()))


def _cut_middle(text: Shown, room: int) -> Shown:
    head = cut(text, room // 2)
    return Shown(head + _end(text, room - cells(head)))


def _cut_start(text: Shown, room: int) -> Shown:
    return Shown("…" + _end(text, room - 1))


def _end(text: str, room: int) -> str:
    """Return the last characters of a text that fit into ``room`` columns."""
    at = len(text)
    while at > 0 and (room := room - cells(text[at - 1])) >= 0:
        at -= 1
    return text[at:].lstrip()


def fit_names(line: Line, columns: int) -> list[Span]:
    """Return a line in at most ``columns`` columns: its longest texts are cut in the middle first.

    Thus the ids and states beside a name stay whole, and so does the end of the name, where names differ.
    """
    sizes = [cells(piece.text) for piece in line]
    if sum(sizes) <= columns:
        return list(line)
    most = next(
        (most for most in range(max(sizes), 0, -1) if sum(min(size, most) for size in sizes) <= columns), 0
    )
    if most < NAME_ROOM:
        return fit(line, columns)
    return [
        Span(_cut_middle(piece.text, most), piece.look) if size > most else piece
        for piece, size in zip(line, sizes, strict=True)
    ]


def named(
    name: Shown, id_: Shown, columns: int, look: Look = "", gap: int = 2, others: Iterable[str] = ()
) -> list[Span]:
    """Return a name and id in exactly ``columns`` columns.

    The name is shortened first, because the id distinguishes records of the same name; ``others`` are names
    near it that must not look the same.
    """
    if cells(id_) + gap + NAME_ROOM > columns > 2 * NAME_ROOM:
        id_ = _cut_middle(id_, columns // 2 - gap)  # what is shown for an id may be an address or a city
    tail = Span(Shown(" " * gap + id_), "muted") if id_ else Span(Shown(""))
    room = columns - cells(tail.text)
    if room < NAME_ROOM:
        return fit([Span(name, look), tail], columns)
    return fit([Span(cut_apart(name, map(visible, others), room), look), tail], columns)


def distinguish(text: Shown, other: Shown, room: int) -> list[Span]:
    """Return a value shown beside another one, in at most ``room`` columns, with the difference marked.

    If both would be cut to the same text, their common start is left out.
    """
    start, end = difference(text, other)
    if text == other or cells(text) <= room or start + 1 < room:
        return _differing(text, start, end, "") if text != other and text else [Span(cut(text, room))]
    at = max((at + 1 for at in range(start) if text[at] == " " and start - at < room // 2), default=start)
    shown = Shown("…" + text[at:])
    return _differing(shown, start - at + 1, end, "")


def client_name(name: str, search_text: str, details: str, columns: int) -> list[Span]:
    """Return a name with the characters that were searched for marked, and what sets it apart from namesakes.

    The name is shortened before ``details``.
    """
    shown = visible(name)
    at = shown.casefold().find(search_text.casefold()) if search_text else -1
    tail = [span(f"  {details}", "muted")] if details else []
    room = columns - width(tail)
    if tail and room < NAME_ROOM:
        room, tail = columns, []
    return [*marked(cut(shown, room), [(at, at + len(search_text))] if at >= 0 else []), *tail]


NAME_ROOM = 4
"""The width in columns below which a name is not shortened further."""


def difference(old: str, new: str) -> tuple[int, int]:
    """Return the number of characters that two texts have in common at the start and at the end."""
    shorter = min(len(old), len(new))
    start = next((at for at in range(shorter) if old[at] != new[at]), shorter)
    most, end = shorter - start, 0
    while end < most and old[-1 - end] == new[-1 - end]:
        end += 1
    return start, end


def distinguish_both(old: Shown, new: Shown) -> tuple[list[Span], list[Span]]:
    """Return both values in full, with the part that differs marked."""
    start, end = difference(old, new)
    return _differing(old, start, end, "muted"), _differing(new, start, end, "strong")


def becomes(old: Shown, new: Shown, room: int, others: Iterable[tuple[Shown, Shown]] = ()) -> list[Span]:
    """Return the old and new value in at most ``room`` columns, with the part that differs marked.

    If they do not fit, their common start is left out, and the old value is shortened first. ``others`` are
    pairs near them that must not look the same.
    """
    found = _becomes(old, new, room, cut, whole=False)
    if not any("…" in piece.text for piece in found):
        return found
    near = [pair for pair in dict.fromkeys(others) if pair != (old, new)]
    for shorten, whole in ((cut, False), (_cut_middle, False), (_cut_start, False), (_cut_middle, True)):
        found = _becomes(old, new, room, shorten, whole=whole)
        shown = _text(found)
        if not any(_text(_becomes(*pair, room, shorten, whole=whole)) == shown for pair in near):
            return found
    before = cut_apart(old, (each for each, _ in near), max(NAME_ROOM, (room - len(ARROW)) // 2))
    after = cut_apart(new, (each for _, each in near), max(NAME_ROOM, room - len(ARROW) - cells(before)))
    return [Span(before, "muted"), fixed(ARROW), Span(after, "strong")]


def _text(line: Line) -> str:
    return "".join(piece.text for piece in line)


def _becomes(
    old: Shown, new: Shown, room: int, shorten: Callable[[Shown, int], Shown], *, whole: bool
) -> list[Span]:
    start, end = difference(old, new)
    before, after = old, new
    if not whole and cells(old) + cells(new) + len(ARROW) > room and start > 1:
        at = _kept_from(old, new, start, room)
        before, after = Shown("…" + old[at:]), Shown("…" + new[at:])
        start = start - at + 1
    first, second = _halves(before, after, room, shorten)
    return [
        *_differing(first, start, end if first == before else 0, "muted"),
        fixed(ARROW),
        *_differing(second, start, end if second == after else 0, "strong"),
    ]


ARROW = " → "


def _kept_from(old: Shown, new: Shown, start: int, room: int) -> int:
    """Return the index from which two values are shown.

    It is the start of the first word from which both fit, otherwise that of the difference.
    """
    words = [at + 1 for at in range(start) if old[at] == " "]
    fits = (at for at in words if cells(old[at:]) + cells(new[at:]) + len(ARROW) + 2 <= room)
    return next(fits, start)


def _halves(old: Shown, new: Shown, room: int, shorten: Callable[[Shown, int], Shown]) -> tuple[Shown, Shown]:
    room = max(2, room - len(ARROW))
    after = min(cells(new), max(room - cells(old), room * 3 // 5))
    first, second = room - after, after
    return (
        old if cells(old) <= first else shorten(old, first),
        new if cells(new) <= second else shorten(new, second),
    )


def _differing(text: Shown, start: int, end: int, look: Look) -> list[Span]:
    stop = len(text) - end
    return marked(text, [(start, stop)] if start < stop else [], look)


STYLES: dict[Look, str] = {
    "": "",
    "strong": "bold",
    "muted": "$muted",
    "good": "$success",
    "warn": "$warning",
    "bad": "bold $error",
    "match": "bold underline",
    "accent": "$accent",
    "xpm": "$xpm",
    "ignition": "$ignition",
    "head": "bold $primary",
    "title": "bold reverse $primary",
}


def words(line: Line) -> Content:
    """Return one line as content."""
    return Content("").join(
        Content.styled(piece.text, STYLES[piece.look]) if piece.look else Content(piece.text)
        for piece in line
    )


def lines(many: Sequence[Line]) -> Content:
    """Return several lines as content."""
    return Content("\n").join(words(line) for line in many)


class StateStyles(NamedTuple):
    """A table of state labels with a style for each code; the label and symbol express the state, too."""

    labels: Labels
    styles: Mapping[str, Look]

    def look(self, code: str) -> Look:
        """Return the style of a code."""
        return self.styles.get(code, "")

    def label(self, code: str) -> Label:
        """Return the label of a code."""
        return labels.label(self.labels, code)

    def draw(self, code: str, *, side: str = "") -> Span:
        """Return the symbol and label of a code; ``side`` is the one written to, for labels that name it."""
        return span(labels.of_sides(self.label(code).marked, side), self.look(code))

    def sign(self, code: str) -> Span:
        """Return the symbol of a code."""
        return span(self.label(code).glyph or " ", self.look(code))


RUN_OUTCOMES = StateStyles(labels.RUN_OUTCOMES, {
    "running": "accent", "done": "good", "partial": "warn", "held": "warn",
    "failed": "bad", "interrupted": "bad", "stopped": "warn", "skipped": "muted",
})  # fmt: skip
LINK_STATES = StateStyles(labels.LINK_STATES, {
    "linked": "good", "archived": "muted", "gone": "bad", "converted": "warn", "merged": "warn",
    "ambiguous": "warn", "ignored": "muted", "unlinked": "warn",
})  # fmt: skip
RECEIVED_STATES = StateStyles(labels.RECEIVED_STATES, {
    "imported": "good", "unchanged": "muted", "outdated": "muted", "duplicate": "muted", "partial": "warn",
    "failed": "bad",
})  # fmt: skip
MEMBER_STATES = StateStyles(labels.MEMBER_STATES, {
    "linked": "good", "gone": "bad", "proposed": "accent", "maybe": "warn", "unlinked": "warn",
})  # fmt: skip
MATCHES = StateStyles(labels.MATCHES, {"sure": "good", "likely": "accent", "weak": "muted"})
MARKS = StateStyles(labels.MARKS, {"first": "warn", "drift": "warn", "conflict": "bad", "clearing": "bad"})
CONFLICT_STATES = StateStyles(labels.CONFLICT_STATES, {
    "planned": "bad", "held": "warn", "overwritten": "accent", "undone": "muted",
})  # fmt: skip
JOB_STATES = StateStyles(labels.JOB_STATES, {
    "coming": "muted", "due": "accent", "missed": "warn", "going": "warn", "held": "warn",
    "failed": "bad", "deployed": "good", "skipped": "muted", "stopped": "warn",
})  # fmt: skip
PROBLEM_WEIGHTS = StateStyles(labels.PROBLEM_WEIGHTS, {"hold": "bad", "ask": "warn", "note": "muted"})
PROPOSAL_STATES = StateStyles(labels.PROPOSAL_STATES, {
    "to take": "warn", "ours": "good", "changed": "warn", "draft": "accent", "revoked": "muted",
    "unknown": "warn", "renewed": "warn",
})  # fmt: skip
VERDICTS = StateStyles(labels.VERDICTS, {"ok": "good", "note": "warn", "trouble": "bad", "skipped": "muted"})
SEVERITIES = StateStyles(labels.SEVERITIES, {"debug": "muted", "warning": "warn", "error": "bad"})
STEP_STATES = StateStyles(labels.STEP_STATES, {
    "done": "good", "now": "accent", "todo": "muted", "skipped": "muted",
})  # fmt: skip


def content(shown: Shown, style: str = "") -> Content:
    """Return shown text as content for widgets, titles, notifications and tooltips.

    ``style`` comes from our code, never from data.
    """
    return Content.styled(shown, style) if style else Content(shown)


def show(text: str, style: str = "", limit: int = LIMIT) -> Content:
    """Return any text as content, with control characters made visible."""
    return content(visible(text, limit), style)


def rich(shown: Shown) -> Text:
    """Return shown text as Rich text, for the few APIs that still need it."""
    return Text(shown, no_wrap=True, end="")
