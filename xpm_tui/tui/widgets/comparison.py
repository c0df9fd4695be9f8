"""What linking would do, before it is done: the values that go across, and what to know first.

Facts of one record: both sides beside each other, sentences that wrap; with the focus it scrolls.

One client, both sides: Ignition, XPM, what was last agreed, and the reason for each difference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical

from xpm_tui.application.presenters.views import ClientView, EffectView, SideBySide
from xpm_tui.commands.link_effects import former_line, former_summary, outlook
from xpm_tui.domain import formatting
from xpm_tui.domain.fields import label as field_label
from xpm_tui.domain.safe_text import Shown
from xpm_tui.sync.policy import CLIENT_FIELDS
from xpm_tui.tui.safe_text import content
from xpm_tui.tui.widgets import cells
from xpm_tui.tui.widgets.cells import Line, Look, Span, fit, lines, ours, span, wrap
from xpm_tui.tui.widgets.lines import Lines
from xpm_tui.tui.widgets.table import Table, TableColumn
from xpm_tui.tui.widgets.text import TextLabel


def effect_lines(effect: EffectView, most: int) -> list[Line]:
    """At most ``most`` lines: refusals and warnings first, then the values."""
    found: list[Line] = []
    if effect.refused:
        found.append([ours(" ✗ ", "bad"), span(effect.refused)])
    if effect.needs_yes:
        found.append([ours(" ! ", "warn"), span(effect.needs_yes)])
    if effect.replaces:
        old = effect.replaces
        found.append([ours(" ! ", "warn"), span(f"Replaces the link to #{old.number} {old.name}"),
                      ours("; the last synced values are discarded." if effect.drops_base else "."),
                      ])  # fmt: skip
    found += [[ours(" ! ", "warn"), span(warning)] for warning in effect.warnings]
    if effect.jobs:
        told = f"{formatting.count(len(effect.jobs), 'job')} in XPM stay there: {', '.join(effect.jobs)}"
        found.append([ours(" ! ", "warn"), span(told)])
    if effect.quiet:
        found.append([ours(" · ", "muted"), ours("As the second client there, nothing is synced to it.")])
    if not effect.refused:
        former = _former(effect, max(2, most - len(found) - 1))
        found += former
        if len(found) < most:
            found += _values(effect, most - len(found))
    return found[:most]


def _former(effect: EffectView, most: int) -> list[Line]:
    """What came from the former client, and what becomes of it: a sentence, and as much as there is room."""
    if not effect.former:
        return []
    looks: dict[str, Look] = {"replaced": "warn", "removed": "bad", "same": "muted", "kept": "accent"}
    found: list[Line] = [[ours(" ! ", "warn"), span(former_summary(effect))]]
    room = max(0, most - 1)
    # What stays or is lost comes first: the new client's values are seen below, too.
    former = sorted(
        effect.former, key=lambda each: ("kept", "removed", "replaced", "same").index(each.outcome)
    )
    shown = former if len(former) <= room else former[: max(0, room - 1)]
    found += [[ours("   "), span(former_line(each), looks.get(each.outcome, ""))] for each in shown]
    if len(shown) < len(former):
        more = len(former) - len(shown)
        found.append([ours(f"   and {more} more: enter lists all of them before it links", "muted")])
    return found


def _values(effect: EffectView, most: int) -> list[Line]:
    changes, left = effect.changes, effect.differences
    if not changes and not left:
        return [[ours(" ✓ ", "good"), span(outlook(effect))]]
    if not changes:
        return [
            [ours(" ≠ ", "warn"), ours("Nothing would be synced; what differs stays as it is. ")],
            [ours("   "), span(left[0].reason, "muted")],
            *_differing(effect, most - 2),
        ][:most]
    planned, _, stay = outlook(effect).partition("; ")
    found: list[Line] = [[ours(" → ", "accent"), span(f"{planned}:")]]
    room = max(0, most - 1 - bool(stay))
    shown = changes if len(changes) <= room else changes[: max(0, room - 1)]
    for change in shown:
        found.append(
            [
                ours(f"   {field_label(change.field):<16} ", "muted"),
                Span(formatting.value(change.old_shown, limit=60), "muted"),
                ours(" → "),
                Span(formatting.value(change.new_shown, limit=60), "strong"),
                *([ours("  "), cells.MARKS.draw(change.mark, written=change.side)] if change.mark else []),
            ]
        )
    if len(shown) < len(changes):
        found.append([Span(Shown(f"   and {len(changes) - len(shown)} more"), "muted")])
    if stay:
        found.append([ours(" ≠ ", "warn"), span(f"{stay}.")])
    return found


def _differing(effect: EffectView, most: int) -> list[Line]:
    """What stays different after the link, both sides beside each other."""
    return [
        [
            ours("   "),
            span(f"{each.label:<16} ", "muted"),
            Span(formatting.value(each.ignition, limit=60), "strong"),
            ours(" in Ignition, ", "muted"),
            Span(formatting.value(each.xpm, limit=60), "strong"),
            ours(" in XPM", "muted"),
        ]
        for each in effect.differences[: max(0, most)]
    ]


LABEL = 12
GAP = 2


class DetailPane(Lines):
    """The detail pane of an area: ``show`` gets what makes its lines for a width in columns."""

    def __init__(self) -> None:
        super().__init__()
        self._make: Callable[[int], list[Line]] | None = None
        self._lines: list[Line] = []

    def show(self, make: Callable[[int], list[Line]] | None) -> None:
        """Another record, or none."""
        self._make = make
        if self.scroll_offset.y:
            self.scroll_home(animate=False)
        self._draw()

    def length(self) -> int:
        """Lines, wrapped."""
        return len(self._lines)

    def made(self, place: int, columns: int) -> Line:
        """Wrapped already."""
        return self._lines[place]

    def on_resize(self, _: events.Resize) -> None:
        """Columns follow the width."""
        self._draw()

    def _draw(self) -> None:
        width = self.scrollable_content_region.width
        found = self._make(width) if self._make is not None and width > 0 else []
        self._lines = [row for line in found for row in wrap(line, width)]
        self.measure()
        self.repaint()


def side_by_side_line(label: str, here: Line, there: Line, columns: int) -> Line:
    """A label, then what each side has, in columns of the same width."""
    each = max(8, (columns - LABEL - GAP) // 2)
    return [*fit([ours(label, "muted")], LABEL), *fit(here, each), ours(" " * GAP), *fit(there, each)]


def sentence(mark: str, look: Look, text: str) -> list[Span]:
    """A sentence with its mark: it wraps where it does not fit."""
    return [ours(f"{mark} ", look), span(text)]


NOTHING = {True: "nothing yet", False: ""}


class ComparisonPane(Vertical):
    """The detail pane."""

    def __init__(self) -> None:
        super().__init__()
        self._head = TextLabel(classes="sides-head")
        self._why = TextLabel(classes="sides-why")
        self._linked = False
        self._needs = ""
        self._client: tuple[str, bool] = ("", False)
        self.table: Table[SideBySide] = Table(
            (
                TableColumn("FIELD", 17, grow=0),
                TableColumn("IGNITION", 14, grow=1),
                TableColumn("XPM", 14, grow=1),
                TableColumn("LAST AGREED", 14, grow=1, drop=1),
            ),
            self._cells,
            lambda side: side.field,
        )

    def compose(self) -> ComposeResult:
        """Head, fields, the reason for the one under the cursor."""
        yield self._head
        yield self.table
        yield self._why

    def clear(self) -> None:
        """Nothing is chosen."""
        self._head.say(content(Shown("")))
        self._client, self._needs = ("", False), ""
        self._why.say(content(Shown("")))
        self.table.say_empty("")
        self.table.show(())

    def show(self, view: ClientView, sides: Sequence[SideBySide]) -> None:
        """Another client; fields that are blank on both sides are left out."""
        self._head.say(lines(head(view)))
        if not view.link:
            sides = unlinked_lines(view)
        told = [side for side in sides if side.reason or _filled(side.ignition) or _filled(side.xpm)]
        # What differs comes first: that is what somebody looks for.
        told.sort(key=lambda side: not side.reason)
        self.table.say_empty(
            "Not linked: press m to link it to an XPM client; both are then compared here." if not view.link
            else "The XPM data does not include this client."
        )  # fmt: skip
        self._linked, self._needs = view.link is not None, view.needs
        other, self._client = self._client != (view.id, self._linked), (view.id, self._linked)
        self.table.show(told, told[0].field if other and told else "")
        self._tell(self.table.item)

    def _cells(self, side: SideBySide) -> list[Line]:
        look: Look = "warn" if side.reason else ""
        agreed = formatting.value(side.agreed) if side.has_agreed else Shown(NOTHING[self._linked])
        mark = "❄" if side.frozen else "⇄" if side.came_from else "≠" if side.reason else " "
        return [
            [ours(mark + " ", "accent" if side.frozen else look), span(side.label, "muted")],
            [Span(formatting.value(side.ignition), look)],
            [Span(formatting.value(side.xpm), look)],
            [Span(agreed, "muted")],
        ]

    @on(Table.Moved)
    def _moved(self, event: Table.Moved) -> None:
        event.stop()
        self._tell(event.item)

    def on_resize(self) -> None:
        """The sentence below breaks where the pane ends."""
        self._tell(self.table.item)

    def _tell(self, side: SideBySide | None) -> None:
        if self._needs:
            told: Line = [ours(" ! ", "warn"), span(self._needs), ours(" m maps it.")]
        elif not self._client[0]:
            told = []
        elif not self._linked and side is not None and side.came_from:
            told = [ours(" ⇄ ", "accent"), span(f"It came from {side.came_from}.")]
        elif not self._linked:
            told = [ours(" ○ ", "warn"), ours("Not linked: press m to link it to an XPM client.")]
        elif side is None:
            told = []
        elif side.came_from:
            told = [ours(" ⇄ ", "accent"), span(f"It came from {side.came_from}. {side.reason}".rstrip())]
        elif side.reason:
            told = [ours(" ≠ ", "warn"), span(side.reason)]
        elif side.frozen:
            told = [ours(" ❄ ", "accent"), ours("Frozen: no sync changes it.")]
        else:
            told = [ours(" Both have the same value.", "muted")]
        self._why.say(lines(wrap(told, self.size.width or 80)))


def unlinked_lines(view: ClientView) -> list[SideBySide]:
    """What Ignition has of a client that is linked to nothing: its own fields and its contacts'."""
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


def head(view: ClientView) -> list[Line]:
    """Name and ids; then what its link is: what has to be told apart or acted on stands before the name."""
    first: list[Span] = [ours(" "), span(view.name, "strong"), ours(f"  {view.id}", "muted")]
    if view.client_id:
        first.append(span(f"  {view.client_id}", "muted"))
    state = view.link_state
    second: list[Span] = [ours(" "), cells.LINK_STATES.draw(state)]
    if view.link:
        second.append(span(f" #{view.link.number}" if view.link.number else ""))
        if view.link.quiet:
            second.append(ours("  second client there: not synced", "warn"))
    if view.ignored is not None:
        second.append(span(f"  {view.ignored}", "muted"))
    gone = [each.name for each in view.removed_contacts if each.side == "xpm"]
    if gone:
        second.append(span(f"  removed in XPM: {', '.join(gone)}", "warn"))
    if view.link:
        second += [span(f"  {view.link.uuid}", "muted"), span(f"  {view.link.name}")]
    return [first, second]


def _filled(value: object) -> bool:
    return value not in (None, "", ())
