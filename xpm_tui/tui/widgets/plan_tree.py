"""The rows of a plan: counts and marks for groups, old and new values for changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from xpm_tui.application.presenters.views import ChangeView
from xpm_tui.application.runs.plans import Selector
from xpm_tui.domain import labels
from xpm_tui.domain.field_types import is_blank
from xpm_tui.domain.fields import label as field_label
from xpm_tui.domain.formatting import cells as cell_count
from xpm_tui.domain.formatting import count, cut, value
from xpm_tui.domain.safe_text import Shown, visible
from xpm_tui.sync.base import PRIMARY
from xpm_tui.sync.planning.decisions import because_held, change_reason
from xpm_tui.tui.plan_rows import PlanGroup, PlanOutline, PlanRow, client_of
from xpm_tui.tui.widgets import cells
from xpm_tui.tui.widgets.cells import Line, Span, fit, fixed, span
from xpm_tui.tui.widgets.rows import Rows

TICKS = {"all": "[x]", "none": "[ ]", "some": "[-]"}
"""The tick box of a group by how many of its changes are ticked."""
KIND_FROM = 100
"""The width from which each row shows the kind of its change, in columns."""

MEASURED = 200
"""The most changes of a group that are measured for the widths of its columns."""

VALUE_CHARACTERS = 4_000
"""The most characters of a value that are shown for the selected row."""


class PlanTree(Rows):
    """The list of a plan; ``space`` ticks, ``enter`` and the arrows expand and collapse."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right", "open(True)", show=False),
        Binding("left", "open(False)", show=False),
        Binding("plus,asterisk", "all(True)", show=False),
        Binding("minus", "all(False)", show=False),
    ]

    class Ticked(Message):
        """Posted when the user ticks or unticks the changes that the selectors name."""

        def __init__(self, selectors: tuple[Selector, ...], on: bool) -> None:
            super().__init__()
            self.selectors = selectors
            self.on = on

    def __init__(self, outline: PlanOutline) -> None:
        super().__init__()
        self.outline = outline
        self._rooms: dict[tuple[str, int], tuple[tuple[ChangeView, ...], int]] = {}

    def count(self) -> int:
        """Return the number of visible rows."""
        return len(self.outline.rows)

    @property
    def row(self) -> PlanRow | None:
        """The row under the cursor."""
        rows = self.outline.rows
        return rows[self.cursor] if 0 <= self.cursor < len(rows) else None

    def draw(self, row: int, line: int, columns: int) -> Line:
        """Return a line of a group or a change."""
        which = self.outline.rows[row]
        return self._change(row, which, columns) if which.change else self._group(row, which.group, columns)

    def _group(self, place: int, group: PlanGroup, columns: int) -> Line:
        opened = "▾" if group.key in self.outline.expanded else "▸"
        name: list[Span]
        if group.record:
            name = []
        elif group.rule in ("exact-name", "contact", "link", "pick", "create"):
            name = [fixed(_rule(group), "strong")]
        else:
            name = [
                span(field_label(group.field), "strong"),
                fixed(f"  {_rule(group)}", "muted"),
            ]
        tail: list[Span] = []
        for mark, number in group.marks():
            part = f" {number:,}" if number != len(group.changes) else ""
            look = cells.MARKS.look(mark)
            tail += [fixed("  "), cells.MARKS.draw(mark, side=_side(group)), fixed(part, look)]
        permanent = sum(map(is_permanent, group.changes))
        if permanent:
            tail += [fixed(f"  ✕ {'cannot' if permanent == len(group.changes) else f'{permanent:,} cannot'}"
                          " be undone", "bad")]  # fmt: skip
        ticked = sum(change.ticked for change in group.changes)
        counts = (
            f"{len(group.changes):,}"
            if ticked == len(group.changes)
            else f"{ticked:,}/{len(group.changes):,}"
        )
        head: Line = [
            fixed(f" {opened} "), fixed(f"{TICKS[group.tick]} ", "good" if group.tick != "none" else "warn")
        ]  # fmt: skip
        end = [*tail, *fit([fixed(counts, "strong")], max(7, len(counts) + 2), right=True), fixed(" ")]
        room = max(10, columns - cells.width(head) - cells.width(end))
        if group.record:
            others = [row.group.name for row in cells.neighbours(self.outline.rows, place)]
            id_ = visible(self.outline.id_of(group.record))
            return [*head, *cells.named(visible(group.name), id_, room, "strong", others=others), *end]
        return [*head, *fit(name, room), *end]

    def _change(self, place: int, row: PlanRow, columns: int) -> Line:
        change = row.change
        assert change is not None
        id_ = visible(self.outline.id_of(change.record))
        kind = kind_of(change) if columns >= KIND_FROM else []
        room = columns - 10 - (KIND_COLUMNS + 2 if kind else 0)
        half = self._name_room(row.group, room)
        if row.group.record:
            contact = visible(self.outline.contact_of(change.record))
            what = cells.named(Shown(field_label(change.field)), contact, half)
        else:
            names = [each.name for each in self._near(place)]
            what = cells.named(visible(change.name), id_, half, others=names)
        marked = not kind and change.mark in ("conflict", "clearing", "drift", "former")
        mark = [fixed("  "), cells.MARKS.draw(change.mark, side=change.side)] if marked else []
        also: Line = (
            [fixed("  + ", "warn"), span(", ".join(each.name for each in change.also_affects), "warn")]
            if change.also_affects
            else []
        )
        left = room - half - 2 - cells.width(mark)
        values = [*_values(change, left, self._near(place)), *mark, *also]
        return [
            fixed("     "),
            fixed("[x] " if change.ticked else "[ ] ", "good" if change.ticked else "warn"),
            *what,
            fixed("  "),
            *(fit(values, room - half - 2) if kind else values),
            *([fixed("  "), *fit(kind, KIND_COLUMNS, right=True)] if kind else []),
        ]

    def _name_room(self, group: PlanGroup, room: int) -> int:
        """Return the width of the names of a group: more than usual if its values are short."""
        known = self._rooms.get((group.key, room))
        if known is not None and known[0] is group.changes:
            return known[1]
        usual = max(24, room * 2 // 5)
        names = values = 0
        for change in group.changes[:MEASURED]:
            id_ = (self.outline.contact_of if group.record else self.outline.id_of)(change.record)
            name = field_label(change.field) if group.record else change.name
            names = max(names, cell_count(visible(name)) + 2 + cell_count(visible(id_)))
            values = max(values, cells.width(_values(change, 1_000, ())))
        found = max(usual, min(names, room - 2 - values))
        self._rooms[group.key, room] = (group.changes, found)
        return found

    def _near(self, place: int) -> Iterator[ChangeView]:
        """Yield the changes of the rows near a row."""
        rows = cells.neighbours(self.outline.rows, place)
        return (row.change for row in rows if row.change is not None)

    def title(self, columns: int) -> list[Span]:
        """Return the field, client and id of the selected row, or the name of its group."""
        row = self.row
        if row is None:
            return []
        if row.change is None and row.group.record:
            return self._client_title("", row.group.changes[0], columns)
        if row.change is None:
            name = field_label(row.group.field)
            rule = _rule(row.group) if row.group.rule else ""
            if rule.startswith(name) or (rule and name.startswith(rule)):
                name, rule = rule, ""  # "Link by exact name" names its field
            return fit_title([span(name), fixed(f"  {rule}" if rule else "")], columns)
        return self._client_title(f"{field_label(row.change.field)}  ", row.change, columns)

    def _client_title(self, field: str, change: ChangeView, columns: int) -> list[Span]:
        """Return the client of a change with its ids, of which the name is shortened first."""
        record = change.record if field else client_of(change.record)
        number = f"  XPM {change.number}" if change.number else ""
        ids = span(f"  {self.outline.id_of(record)}{number}")
        name = cut(visible(change.name), max(6, columns - cells.width([fixed(field), ids])))
        return fit_title([fixed(field), Span(name), ids], columns)

    def whole(self, columns: int) -> list[Line]:
        """Return the selected row in full: record, both values with the difference marked, and reason."""
        row = self.row
        reason = cells.wrap(self.reason(), columns)
        if row is None or (row.change is None and not row.group.record):
            return [*reason]
        change = row.change or row.group.changes[0]
        if row.change is None:
            return [*self._cut_name(change, 8, columns), *reason]
        old = value(change.old_shown, limit=VALUE_CHARACTERS)
        new = value(change.new_shown, limit=VALUE_CHARACTERS)
        before, after = cells.distinguish_both(old, new)
        now = [fixed(f"Now in {labels.SIDES[change.side].text}"), fixed("  ")]
        room = cells.width(now)
        then = [fixed(f"{'Will become':<{room}}", "muted")]
        found = self._cut_name(change, room, columns)
        if change.contact and change.field != "contact":
            found += cells.wrap([fixed(f"{'Contact':<{room}}", "muted"), span(change.contact)], columns)
        if change.old_shown is not None or change.field != "link":
            found += cells.wrap([fixed(f"{now[0].text:<{room}}", "muted"), *before], columns)
        return [*found, *cells.wrap([*then, *after], columns), *reason]

    def _cut_name(self, change: ChangeView, room: int, columns: int) -> list[Line]:
        """Return the client's name in full, after a label of ``room`` columns, if the title cuts it."""
        if span(change.name).text in "".join(piece.text for piece in self.title(columns)):
            return []
        return [*cells.wrap([fixed(f"{'Client':<{room}}", "muted"), span(change.name)], columns)]

    def of_client(self, columns: int) -> list[Line]:
        """Return all planned changes of the selected client, each with its values."""
        row = self.row
        first = row.change or row.group.changes[0] if row is not None else None
        if first is None or (row is not None and row.change is None and not row.group.record):
            return cells.wrap([fixed("Select a change to see all changes of its client.", "muted")], columns)
        client = client_of(first.record)
        number = [fixed("  "), fixed("∞ ", "xpm"), span(f"XPM {first.number}", "xpm")] if first.number else []
        found: list[Line] = [*cells.wrap([span(first.name, "strong")], columns)]
        found += [
            [span(self.outline.id_of(client), "ignition"), *number],
            [],
            [fixed("In this plan", "head")],
        ]
        for each in self.outline.changes:
            if client_of(each.record) == client:
                tick = fixed("[x] " if each.ticked else "[ ] ", "good" if each.ticked else "warn")
                found += cells.wrap([tick, fixed(f"{field_label(each.field)}  "), *kind_of(each)], columns)
        return found

    def reason(self) -> Line:
        """Return a sentence on why the selected row is planned."""
        row = self.row
        if row is None:
            return []
        if row.change is None and not row.group.rule:
            return [fixed(f"{count(len(row.group.changes), 'change')} for this client.", "muted")]
        changes = row.group.changes if row.change is None else (row.change,)
        change = changes[0]
        notes = "".join(f" {note[0].upper()}{note[1:]}." for note in row.change.notes) if row.change else ""
        unticked = not any(each.ticked for each in changes)
        if unticked and change.held and all(each.held == change.held for each in changes):
            return [fixed("■ ", "warn"), span(f"{because_held(change.held)}{notes}")]
        wait = fixed(" Not ticked: space ticks it." if unticked else "", "warn")
        text = span(f"{change_reason(change.rule, change.side)}{notes}")
        permanent = sum(map(is_permanent, changes))
        if permanent:
            which = "It" if permanent == len(changes) else f"{permanent:,} of {len(changes):,}"
            return [fixed("✕ ", "bad"), text, fixed(f" {which} cannot be undone.", "bad"), wait]
        mark: Span = fixed("● ", "good")
        if change.mark:
            mark = fixed(f"{cells.MARKS.label(change.mark).glyph or '▲'} ", cells.MARKS.look(change.mark))
        return [mark, text, fixed(" It can be undone."), wait]

    def action_choose(self) -> None:
        """Expand or collapse the group; does nothing on a change."""
        row = self.row
        if row is not None and row.change is None:
            self._turn(row.group, None)

    def action_open(self, open_: bool) -> None:
        """Expand a group, or collapse it, also from a change inside it."""
        row = self.row
        if row is not None:
            self._turn(row.group, open_)

    def _turn(self, group: PlanGroup, open_: bool | None) -> None:
        self.outline.toggle(group.key, open_)
        self.reload(self.outline.position(PlanRow(group)))

    def action_all(self, open_: bool) -> None:
        """Expand or collapse all groups."""
        row = self.row
        self.outline.expand_all(open_)
        self.reload(self.outline.position(PlanRow(row.group)) if row else 0)

    def action_tick(self) -> None:
        """Tick or untick one change, or a whole group."""
        row = self.row
        if row is None:
            return
        if row.change is not None:
            change = row.change
            self.post_message(self.Ticked((_selector(change),), not change.ticked))
        elif self.outline.filter_text:
            self.post_message(self.Ticked(tuple(map(_selector, row.group.changes)), row.group.tick == "none"))
        else:
            self.post_message(self.Ticked((row.group.selector,), row.group.tick == "none"))


KIND_COLUMNS = 12
"""Width of the kind of a change, in columns."""


def kind_of(change: ChangeView) -> Line:
    """Return the kind of a change in a word or two."""
    if not change.ticked:
        return [fixed("unticked", "warn")]
    if is_permanent(change):
        return [fixed("✕ permanent", "bad")]
    if change.field == "link":
        return [fixed("saved here", "muted")]
    if change.mark in labels.MARK_KINDS:
        kind = labels.MARK_KINDS[change.mark]
        return [fixed(f"{kind.glyph} {kind.inline}".lstrip(), cells.MARKS.look(change.mark))]
    return [fixed("fills in" if is_blank(change.old_shown) else "updates", "muted")]


def is_permanent(change: ChangeView) -> bool:
    """Return whether a change adds something to XPM that cannot be undone."""
    if change.side != "xpm" or change.rule == "undo":
        return False
    return change.field == "contact" or (change.field == PRIMARY and not change.old)


def fit_title(title: Line, columns: int) -> list[Span]:
    """Return a title in at most ``columns`` columns, without trailing blanks."""
    return list(title) if cells.width(title) <= columns else fit(title, columns)


def _selector(change: ChangeView) -> Selector:
    return Selector(record=change.record, field=change.field, rule=change.rule)


def _side(group: PlanGroup) -> str:
    """Return the side that all changes of a group write; empty if they write both."""
    sides = {change.side for change in group.changes}
    return next(iter(sides)) if len(sides) == 1 else ""


def _rule(group: PlanGroup) -> str:
    """Return the label of the rule of a group."""
    return labels.of_sides(labels.label(labels.RULES, group.rule).text, _side(group))


def _values(change: ChangeView, room: int, near: Iterable[ChangeView]) -> Line:
    before, after = value(change.old_shown), value(change.new_shown)
    others = ((value(each.old_shown), value(each.new_shown)) for each in near)
    if change.field == "link" and change.old_shown is None:
        shown = cells.cut_apart(after, (new for _, new in others), room - 2)
        return [fixed("→ ", "accent"), Span(shown, "strong")]
    return cells.becomes(before, after, room, others)
