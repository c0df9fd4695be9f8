"""A plan's rows on the screen: counts and marks at the groups, old and new value at the changes."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from xpm_tui.application.runs.plans import Selector
from xpm_tui.domain import labels
from xpm_tui.domain.fields import label as field_label
from xpm_tui.domain.formatting import count, cut, value
from xpm_tui.domain.links import Value
from xpm_tui.domain.safe_text import Shown, visible
from xpm_tui.sync.planning.decisions import because_held, change_reason
from xpm_tui.tui.plan_rows import PlanGroup, PlanOutline, PlanRow
from xpm_tui.tui.widgets import cells
from xpm_tui.tui.widgets.cells import Line, Span, fit, ours, span
from xpm_tui.tui.widgets.rows import Rows

TICKS = {"all": "[x]", "none": "[ ]", "some": "[~]"}


WHOLE = 4_000
"""Characters of a value that are shown of the row under the cursor."""


class PlanTree(Rows):
    """The rows; ``space`` asks for a tick, ``enter`` or the arrows open and close."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right", "open(True)", show=False),
        Binding("left", "open(False)", show=False),
        Binding("plus,asterisk", "all(True)", show=False),
        Binding("minus", "all(False)", show=False),
    ]

    class Ticked(Message):
        """Somebody ticks or unticks what ``selector`` names."""

        def __init__(self, selector: Selector, on: bool) -> None:
            super().__init__()
            self.selector = selector
            self.on = on

    def __init__(self, tree: PlanOutline) -> None:
        super().__init__()
        self.plan_tree = tree

    def count(self) -> int:
        """Rows that are open to sight."""
        return len(self.plan_tree.rows)

    @property
    def row(self) -> PlanRow | None:
        """The one under the cursor."""
        rows = self.plan_tree.rows
        return rows[self.cursor] if 0 <= self.cursor < len(rows) else None

    def draw(self, row: int, line: int, columns: int) -> Line:
        """A group or a change."""
        which = self.plan_tree.rows[row]
        return self._change(which, columns) if which.change else self._group(which.group, columns)

    def _group(self, group: PlanGroup, columns: int) -> Line:
        opened = "▾" if group.key in self.plan_tree.open else "▸"
        name: list[Span]
        if group.record:
            name = [span(group.name or group.record, "strong"), span(f"  {group.record}", "muted")]
        elif group.rule in ("exact-name", "contact", "link", "pick", "create"):
            name = [ours(_rule(group), "strong")]
        else:
            name = [
                span(field_label(group.field), "strong"),
                ours(f"  {_rule(group)}", "muted"),
            ]
        tail: list[Span] = []
        for mark, number in group.marks():
            part = f" {number:,}" if number != len(group.changes) else ""
            look = cells.MARKS.look(mark)
            tail += [ours("  "), cells.MARKS.draw(mark, written=_side(group)), ours(part, look)]
        ticked = sum(change.ticked for change in group.changes)
        counts = (
            f"{len(group.changes):,}"
            if ticked == len(group.changes)
            else f"{ticked:,}/{len(group.changes):,}"
        )
        room = max(10, min(46, columns - 40))
        return [
            ours(f" {opened} "),
            ours(f"{TICKS[group.tick]} ", "good" if group.tick != "none" else "warn"),
            *fit(name, room),
            *fit([ours(counts, "strong")], 11, right=True),
            *tail,
        ]

    def _change(self, row: PlanRow, columns: int) -> Line:
        change = row.change
        assert change is not None
        half = max(18, (columns - 12) // 3)
        if row.group.record:
            contact = visible(change.record.partition("/")[2])
            what = cells.named(Shown(field_label(change.field)), contact, half)
        else:
            what = cells.named(visible(change.name), visible(change.record), half)
        marked = change.mark in ("conflict", "clearing", "drift", "former")
        mark = [ours("  "), cells.MARKS.draw(change.mark, written=change.side)] if marked else []
        room = columns - half - 12 - cells.width(mark)
        return [
            ours("     "),
            ours("[x] " if change.ticked else "[ ] ", "good" if change.ticked else "warn"),
            *what,
            ours("  "),
            *_values(change.field, change.old_shown, change.new_shown, room),
            *mark,
            *(
                [ours("  + ", "warn"), span(", ".join(each.name for each in change.also_affects), "warn")]
                if change.also_affects
                else []
            ),
        ]

    def whole(self, columns: int) -> list[Line]:
        """Return the row under the cursor in full.

        It has the record, the value before and after with the difference marked, and why it is planned.
        """
        row = self.row
        reason = cells.wrap(self.reason(), columns)
        if row is None or row.change is None:
            return [*reason]
        change = row.change
        old, new = value(change.old_shown, limit=WHOLE), value(change.new_shown, limit=WHOLE)
        before, after = cells.both(old, new)
        head = [ours(f" {field_label(change.field)}", "head"), span(f"  {change.name}", "strong")]
        head.append(span(f"  {change.record}" + (f"  XPM {change.number}" if change.number else ""), "muted"))
        now = [ours(f"   {'Now in ' + labels.SIDES[change.side].text:<16}", "muted")]
        then = [ours(f"   {'Will become':<16}", "muted")]
        found: list[Line] = [*cells.wrap(head, columns)]
        if change.old_shown is not None or change.field != "link":
            found += cells.wrap([*now, *before], columns)
        return [*found, *cells.wrap([*then, *after], columns), *reason]

    def reason(self) -> Line:
        """Why the row under the cursor is planned, in a sentence."""
        row = self.row
        if row is None:
            return []
        change = row.change or (row.group.changes[0] if row.group.rule else None)
        if change is None:
            return [ours(f" {count(len(row.group.changes), 'change')} of this client.", "muted")]
        side = labels.SIDES[change.side].text
        notes = "".join(f" {note[0].upper()}{note[1:]}." for note in change.notes)
        if change.held and not change.ticked:
            return [ours(" ■ ", "warn"), span(f"{because_held(change.held)}{notes}")]
        wait = "" if change.ticked else " It waits: space ticks it."
        said = f"{change_reason(change.rule, change.side)}{notes}"
        return [ours(f" {side}: ", "accent"), span(said), ours(wait, "warn")]

    def action_choose(self) -> None:
        """Open or close the group; on a change nothing is deeper."""
        row = self.row
        if row is not None and row.change is None:
            self._turn(row.group, None)

    def action_open(self, open_: bool) -> None:
        """Right opens; left closes, from inside too."""
        row = self.row
        if row is not None:
            self._turn(row.group, open_)

    def _turn(self, group: PlanGroup, open_: bool | None) -> None:
        self.plan_tree.toggle(group.key, open_)
        self.reload(self.plan_tree.place(PlanRow(group)))

    def action_all(self, open_: bool) -> None:
        """Open or close all groups."""
        row = self.row
        self.plan_tree.all(open_)
        self.reload(self.plan_tree.place(PlanRow(row.group)) if row else 0)

    def action_tick(self) -> None:
        """Tick or untick: one change, or a whole group."""
        row = self.row
        if row is None:
            return
        if row.change is not None:
            change = row.change
            selector = Selector(record=change.record, field=change.field, rule=change.rule)
            self.post_message(self.Ticked(selector, not change.ticked))
        else:
            self.post_message(self.Ticked(row.group.selector, row.group.tick == "none"))


def _side(group: PlanGroup) -> str:
    """Return the side that all changes of a group write; empty where they write both."""
    sides = {change.side for change in group.changes}
    return next(iter(sides)) if len(sides) == 1 else ""


def _rule(group: PlanGroup) -> str:
    """Return the label of the rule of a group."""
    return labels.of_sides(labels.label(labels.RULES, group.rule).text, _side(group))


def _values(field: str, old: Value, new: Value, room: int) -> Line:
    before, after = value(old), value(new)
    if field == "link" and old is None:
        return [ours("→ ", "accent"), Span(cut(after, room), "strong")]
    return cells.becomes(before, after, room)
