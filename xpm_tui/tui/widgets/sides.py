"""One client, both sides: Ignition, XPM, what was last agreed, and the reason for each difference."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from xpm_tui.model import formatting
from xpm_tui.model.text import Shown
from xpm_tui.service.telling.views import ClientView, SideBySide
from xpm_tui.sync.policy import CLIENT_FIELDS
from xpm_tui.tui.plain import content
from xpm_tui.tui.widgets import looks
from xpm_tui.tui.widgets.line import Line, Look, Span, ours, span, wrap
from xpm_tui.tui.widgets.says import Says
from xpm_tui.tui.widgets.table import Column, Table
from xpm_tui.tui.widgets.words import lines

NOTHING = {True: "nothing yet", False: ""}


class Sides(Vertical):
    """The detail pane."""

    def __init__(self) -> None:
        super().__init__()
        self._head = Says(classes="sides-head")
        self._why = Says(classes="sides-why")
        self._linked = False
        self._needs = ""
        self._client: tuple[str, bool] = ("", False)
        self.table: Table[SideBySide] = Table(
            (
                Column("FIELD", 17, grow=0),
                Column("IGNITION", 14, grow=1),
                Column("XPM", 14, grow=1),
                Column("LAST AGREED", 14, grow=1, drop=1),
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
            sides = alone(view)
        told = [side for side in sides if side.reason or _filled(side.ignition) or _filled(side.xpm)]
        # What differs comes first: that is what somebody looks for.
        told.sort(key=lambda side: not side.reason)
        self.table.say_empty(
            "Not linked: m maps it to an XPM client, and both sides stand here." if not view.link
            else "The mirror does not have this XPM client."
        )  # fmt: skip
        self._linked, self._needs = view.link is not None, view.needs
        other, self._client = self._client != (view.id, self._linked), (view.id, self._linked)
        self.table.show(told, told[0].field if other and told else "")
        self._tell(self.table.item)

    def _cells(self, side: SideBySide) -> list[Line]:
        look: Look = "warn" if side.reason else ""
        agreed = formatting.value(side.agreed) if side.has_agreed else Shown(NOTHING[self._linked])
        mark = "❄" if side.frozen else "≠" if side.reason else " "
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
        elif not self._linked:
            told = [ours(" ○ ", "warn"), ours("Not linked: m maps it to an XPM client.")]
        elif side is None:
            told = []
        elif side.reason:
            told = [ours(" ≠ ", "warn"), span(side.reason)]
        elif side.frozen:
            told = [ours(" ❄ ", "accent"), ours("Frozen: sync leaves it alone.")]
        else:
            told = [ours(" Both sides agree.", "muted")]
        self._why.say(lines(wrap(told, self.size.width or 80)))


def alone(view: ClientView) -> list[SideBySide]:
    """What Ignition has of a client that is linked to nothing: its own fields and its contacts'."""
    found = [(rule.name, rule.label, view.shown(rule)) for rule in CLIENT_FIELDS]
    for contact in view.contacts:
        mark = "primary contact" if contact.primary else "contact"
        found.append((contact.id, mark.capitalize(), contact.summary))
    return [
        SideBySide(field=name, label=label, xpm=None, agreed=None, has_agreed=False, ignition=value)
        for name, label, value in found
    ]


def head(view: ClientView) -> list[Line]:
    """Name and ids; then what its link is: what has to be told apart or acted on stands before the name."""
    first: list[Span] = [ours(" "), span(view.name, "strong"), ours(f"  {view.id}", "muted")]
    if view.client_id:
        first.append(span(f"  {view.client_id}", "muted"))
    state = view.link_state
    second: list[Span] = [ours(" "), looks.LINK_STATES.draw(state)]
    if view.link:
        second.append(span(f" #{view.link.number}" if view.link.number else ""))
        if view.link.quiet:
            second.append(ours("  second client there: carries no field", "warn"))
    if view.ignored is not None:
        second.append(span(f"  {view.ignored}", "muted"))
    if view.link:
        second += [span(f"  {view.link.uuid}", "muted"), span(f"  {view.link.name}")]
    return [first, second]


def _filled(value: object) -> bool:
    return value not in (None, "", ())
