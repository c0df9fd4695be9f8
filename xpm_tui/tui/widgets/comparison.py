"""Ignition and XPM side by side: a detail pane, and the panel of a client."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical

from xpm_tui.application.presenters.views import ClientView, SideBySide
from xpm_tui.domain import formatting
from xpm_tui.domain.safe_text import Shown, visible
from xpm_tui.sync.policy import CLIENT_FIELDS
from xpm_tui.tui.widgets import cells
from xpm_tui.tui.widgets.cells import (
    Line,
    Look,
    Span,
    content,
    distinguish,
    distinguish_both,
    fit,
    fit_names,
    fixed,
    lines,
    named,
    span,
    width,
    words,
    wrap,
)
from xpm_tui.tui.widgets.job_lines import ClientActivity
from xpm_tui.tui.widgets.table import Cell, Table, TableColumn
from xpm_tui.tui.widgets.text import Lines, TextLabel, title_room

LABEL, GAP = 12, 2
"""Widths in columns: that of the labels, and that of the space between both sides."""


class DetailPane(Lines):
    """The detail pane of an area.

    ``show`` takes a function that returns the lines for a width in columns. With the focus, the pane scrolls.
    """

    def __init__(self) -> None:
        super().__init__()
        self._make: Callable[[int], list[Line]] | None = None
        self._lines: list[Line] = []

    def show(self, make: Callable[[int], list[Line]] | None, title: Line = (), subtitle: Line = ()) -> None:
        """Show another record, or none; ``title`` and ``subtitle`` are for the border of the panel."""
        self._make = make
        self.border_title, self.border_subtitle = words(title), words(subtitle)
        if self.scroll_offset.y:
            self.scroll_home(animate=False)
        self._draw()

    def line_count(self) -> int:
        """Return the number of wrapped lines."""
        return len(self._lines)

    def line_at(self, index: int, columns: int) -> Line:
        """Return one of the wrapped lines."""
        return self._lines[index]

    def on_resize(self, _: events.Resize) -> None:
        """Wrap the lines for the new width."""
        self._draw()

    def _draw(self) -> None:
        width = self.scrollable_content_region.width
        found = self._make(width) if self._make is not None and width > 0 else []
        self._lines = [row for line in found for row in wrap(line, width)]
        self.measure()
        self.repaint()


def side_by_side_lines(label: str, here: Line, there: Line, columns: int) -> list[Line]:
    """Return a label and the values of both sides, wrapped in columns of the same width."""
    each = max(8, (columns - LABEL - GAP) // 2)
    rows = zip_longest(wrap(here, each), wrap(there, each), fillvalue=())
    found: list[Line] = []
    for at, (left, right) in enumerate(rows):
        head = fit([fixed("" if at else label, "muted")], LABEL)
        found.append([*head, *fit(left, each), fixed(" " * GAP), *fit(right, each)])
    return found


def sentence(mark: str, look: Look, text: str) -> list[Span]:
    """Return a sentence with a mark before it, to be wrapped."""
    return [fixed(f"{mark} ", look), span(text)]


LEAST_LINES, MOST_LINES = 3, 8
"""The least and most lines for the full text of the selected row and the reason for its difference."""
SIGNS: dict[str, tuple[str, Look]] = {
    "same": ("=", "muted"),
    "frozen": ("❄", "accent"),
    "both changed": ("⇄", "warn"),
    "XPM changed": ("◂", "xpm"),
    "Ignition changed": ("▸", "ignition"),
    "only in XPM": ("+", "warn"),
    "only in Ignition": ("+", "warn"),
    "differs": ("≠", "warn"),
    "": (" ", ""),
}
"""The symbol between the two sides for each relation."""


def relation(side: SideBySide, linked: bool = True) -> str:
    """Return the relation between the two sides of a field; empty if only one side exists."""
    if side.frozen:
        return "frozen"
    if not linked:
        return ""
    here, there = formatting.value(side.ignition), formatting.value(side.xpm)
    if here == there and not side.reason:
        return "same"
    if side.has_agreed:
        agreed = formatting.value(side.agreed)
        if agreed not in (here, there):
            return "both changed"
        if here != there:
            return "XPM changed" if agreed == here else "Ignition changed"
    if _filled(side.ignition) != _filled(side.xpm):
        return "only in Ignition" if _filled(side.ignition) else "only in XPM"
    return "differs"


class ComparisonPane(Vertical):
    """The detail panel of a client.

    Its border shows the name and ids. Inside are the state of the link, the fields, and the full text of the
    selected row.
    """

    def __init__(self) -> None:
        super().__init__()
        self._head = TextLabel(classes="sides-head")
        self._why = TextLabel(classes="sides-why")
        self.activity = ClientActivity()
        self._linked = False
        self._needs = ""
        self._client: tuple[str, bool] = ("", False)
        self.table: Table[SideBySide] = Table(
            (
                TableColumn("Field", 18, grow=1),
                TableColumn("Ignition", 11, grow=1, look="ignition"),
                TableColumn("", 1),
                TableColumn("XPM", 11, grow=1, look="xpm"),
                TableColumn("Last synced", 11, grow=1, drop=1),
                TableColumn("", 16, drop=2),
            ),
            self._cells,
            lambda side: side.field,
        )

    def compose(self) -> ComposeResult:
        """Compose the state of the link, the fields and the selected row."""
        yield self._head
        yield self.table
        yield self._why
        yield self.activity

    def clear(self) -> None:
        """Show that no client is selected."""
        self.border_title = self.border_subtitle = ""
        self._head.say(content(Shown("")))
        self._client, self._needs = ("", False), ""
        self._why.say(content(Shown("")))
        self.table.say_empty("")
        self.table.show(())
        self.activity.clear()

    def show(self, view: ClientView, sides: Sequence[SideBySide]) -> None:
        """Show a client; fields that are empty on both sides are left out."""
        self.border_title = words(fit_names([span(view.name)], title_room(self) or 74))
        self.border_subtitle = words(ids_of(view))
        self._head.say(words(head_line(view, self.content_size.width or 78)))
        if not view.link:
            sides = unlinked_lines(view)
        filled = [side for side in sides if side.reason or _filled(side.ignition) or _filled(side.xpm)]
        # Fields that differ come first, because users look for them.
        filled.sort(key=lambda side: not side.reason)
        self.table.say_empty(
            "Not linked: press m to link it to an XPM client; both are then compared here." if not view.link
            else "The XPM data does not include this client."
        )  # fmt: skip
        self._linked, self._needs = view.link is not None, view.needs
        is_other, self._client = self._client != (view.id, self._linked), (view.id, self._linked)
        if is_other:
            self.activity.clear()
        self.table.show(filled, filled[0].field if is_other and filled else "")
        self._show_selected(self.table.item)

    def _cells(self, side: SideBySide) -> list[Cell]:
        here, there = formatting.value(side.ignition), formatting.value(side.xpm)
        never = Shown("nothing yet" if self._linked else "")
        agreed = formatting.value(side.agreed) if side.has_agreed else never
        word = relation(side, self._linked)
        sign, look = SIGNS[word]
        if side.came_from and not side.frozen:
            sign, look = "⇄", "accent"
        return [
            lambda room: fit_label(side.label, room),
            lambda room: distinguish(here, there if self._linked else here, room),
            [fixed(sign, look)],
            lambda room: distinguish(there, here if self._linked else there, room),
            [Span(agreed, "muted")],
            [fixed(word, look)],
        ]

    @on(Table.Moved)
    def _moved(self, event: Table.Moved) -> None:
        event.stop()
        self._show_selected(event.item)

    def on_resize(self) -> None:
        """Wrap the text of the selected row for the new width."""
        self._show_selected(self.table.item)

    def _show_selected(self, side: SideBySide | None) -> None:
        columns = max(20, self.content_size.width or 78)
        found: list[Line] = []
        if side is not None and self._client[0]:
            found += [row for line in full_row(side, self._linked) for row in wrap(line, columns)]
        found += wrap(self._reason(side), columns)
        found = found[:MOST_LINES]
        height = max(LEAST_LINES, len(found))
        if self._why.styles.height is None or self._why.styles.height.value != height:
            self._why.styles.height = height
        self._why.say(lines(found))

    def _reason(self, side: SideBySide | None) -> Line:
        if self._needs:
            return [fixed(" ▲ ", "warn"), span(self._needs), fixed(" m links it.")]
        if not self._client[0]:
            return []
        if not self._linked:
            if side is not None and side.came_from:
                return [fixed(" ‼ ", "accent"), span(f"It came from {side.came_from}.")]
            return [fixed(" ○ ", "warn"), fixed("Not linked: press m to link it to an XPM client.")]
        if side is None:
            return []
        sign, look = SIGNS[relation(side)]
        if side.came_from:
            return [fixed(" ‼ ", "accent"), span(f"It came from {side.came_from}. {side.reason}".rstrip())]
        if side.reason:
            return [fixed(f" {sign} ", look), span(side.reason)]
        if side.frozen:
            return [fixed(" ❄ ", "accent"), fixed("Frozen: no sync changes it.")]
        return [fixed(" = ", "muted"), fixed("Both have the same value.", "muted")]


def fit_label(label: str, room: int) -> Line:
    """Return a field's label in ``room`` columns; the contact to which it belongs is never cut."""
    name, mark, contact = label.partition(" (")
    if not mark:
        return [span(label, "muted")]
    return named(visible(name), visible(f"({contact}"), room, "muted", gap=1)


def full_row(side: SideBySide, linked: bool) -> list[Line]:
    """Return a row in full: the value of each side with the difference marked, and the last synced value."""
    here = formatting.value(side.ignition, limit=VALUE_CHARACTERS)
    if not linked:
        return [[fixed(" Ignition ", "ignition"), span(here)]]
    there = formatting.value(side.xpm, limit=VALUE_CHARACTERS)
    agreed = formatting.value(side.agreed, limit=VALUE_CHARACTERS) if side.has_agreed else ""
    if here == there:
        return []
    left, right = distinguish_both(here, there)
    line: list[Span] = [
        fixed(" Ignition ", "ignition"),
        *left,
        fixed("  ▏ ", "muted"),
        fixed("XPM ", "xpm"),
        *right,
    ]
    tail: list[Span] = [fixed("  ▏ last synced ", "muted"), span(agreed)] if agreed else []
    return [[*line, *tail]]


VALUE_CHARACTERS = 400
"""The most characters of a value that are shown for the selected row."""


def unlinked_lines(view: ClientView) -> list[SideBySide]:
    """Return the fields of an unlinked client: its own and its contacts'."""
    found = [
        (rule.name, rule.label, view.shown(rule), view.came_from.get(rule.name)) for rule in CLIENT_FIELDS
    ]
    for contact in view.contacts:
        mark = "primary contact" if contact.primary else "contact"
        found.append((contact.id, mark.capitalize(), contact.summary, contact.came_from))
    return [
        SideBySide(
            field=name,
            label=label,
            xpm=None,
            agreed=None,
            has_agreed=False,
            ignition=value,
            came_from=came.name if came is not None else "",
        )
        for name, label, value, came in found
    ]


def ids_of(view: ClientView) -> Line:
    """Return the id of a client and of the XPM client that it is linked to."""
    found: list[Span] = [span(view.client_id or view.id, "ignition")]
    if view.link:
        found += [fixed(" ∞ ", "muted"), span(f"XPM {view.link.number or '–'}", "xpm")]
    return found


def head_line(view: ClientView, columns: int) -> Line:
    """Return the state of a client's link; states that need the user come before the name.

    The UUID is shown only if all of it fits into ``columns``.
    """
    found: list[Span] = [fixed(" "), cells.LINK_STATES.draw(view.link_state)]
    if view.link and view.link.quiet:
        found.append(fixed("  second client linked: not synced", "warn"))
    if view.ignored is not None:
        found.append(span(f"  {view.ignored}", "muted"))
    missing = [each.name for each in view.removed_contacts if each.side == "xpm"]
    if missing:
        found.append(span(f"  removed in XPM: {', '.join(missing)}", "warn"))
    if view.link:
        found += [fixed("  "), span(view.link.name)]
        uuid = span(f"  {view.link.uuid}", "muted")
        found += [uuid] if width([*found, uuid]) < columns else []
    return found


def _filled(value: object) -> bool:
    return value not in (None, "", ())
