"""Choosing from a short list of XPM: search as you type, what it would do said before enter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import Screen
from textual.widgets import Button

from xpm_tui.domain.safe_text import Shown
from xpm_tui.tui.base_screen import BaseScreen
from xpm_tui.tui.safe_text import content
from xpm_tui.tui.theme import style
from xpm_tui.tui.widgets.cells import Line, lines, ours
from xpm_tui.tui.widgets.footer import KeyFooter
from xpm_tui.tui.widgets.inputs import TextField
from xpm_tui.tui.widgets.rows import Items, Rows
from xpm_tui.tui.widgets.text import StaticText, TextLabel

T = TypeVar("T")


class Choices(Items[T]):
    """What the letters let through, two lines each; the screen above draws them."""

    row_height = 2
    driven = True
    can_focus = False

    def __init__(self, drawn: Callable[[T, int, int], Line]) -> None:
        super().__init__()
        self._drawn = drawn

    def draw(self, row: int, line: int, columns: int) -> Line:
        """One line of one of them."""
        return self._drawn(self.items[row], line, columns)


class Chooser(BaseScreen, Screen[str], Generic[T]):
    """A child class gives the head, the items, how one is drawn and found, what it would do, and does it."""

    CSS_PATH: ClassVar = style("chooser")
    AUTO_FOCUS = ""
    PLACEHOLDER: ClassVar[str] = "name"
    LISTED: ClassVar[str] = ""
    NOTHING: str = "No match. Try fewer letters; F4 clears the search."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back"),
        Binding("enter", "take", "Take", tooltip="Choose the selected one", priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("pageup", "move(-5)", show=False, priority=True),
        Binding("pagedown", "move(5)", show=False, priority=True),
        Binding("f4", "clear", "Clear", tooltip="Clear what was typed"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.items: Sequence[T] = ()
        self.field = TextField(placeholder=self.PLACEHOLDER)
        self.rows = Choices(self.draw)
        self._head = TextLabel(classes="chooser-head")
        self._none = StaticText(classes="empty")
        self._effect = TextLabel(classes="panel effect")
        self._effect.border_title = "If you choose it"
        self.said_of: T | None = None
        """The item whose effect is on the screen."""

    # -- what a child class gives ---------------------------------------------------------------------------

    def head(self) -> list[Line]:
        """Two lines: what is chosen, and from what."""
        raise NotImplementedError

    async def load(self) -> Sequence[T]:
        """All there is to choose from, in the order without letters."""
        raise NotImplementedError

    def words_of(self, item: T) -> str:
        """What letters are looked for in."""
        raise NotImplementedError

    def key_of(self, item: T) -> str:
        """What tells it from all others."""
        raise NotImplementedError

    def is_taken(self, item: T) -> bool:
        """Whether it is linked already: the cursor never starts there while there is another one."""
        return False

    def draw(self, item: T, line: int, columns: int) -> Line:
        """One line of a row."""
        raise NotImplementedError

    async def effect(self, item: T) -> list[Line]:
        """What taking it would do."""
        raise NotImplementedError

    async def take(self, item: T) -> None:
        """Do it; only what has been shown comes here."""
        raise NotImplementedError

    def below(self) -> ComposeResult:
        """More under the effect."""
        yield from ()

    # -- the screen -----------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Head, field, rows, effect."""
        yield self._head
        with Vertical(classes="panel search") as search:
            search.border_title = "Search"
            yield self.field
        with Vertical(classes="panel -table found") as found:
            found.border_title = self.LISTED
            yield self._none
            yield self.rows
        yield self._effect
        yield from self.below()
        yield KeyFooter()

    def on_mount(self) -> None:
        """Type at once."""
        self.field.focus()
        self.host.work(lambda: self.begin(), "load", exclusive=True, node=self)

    async def begin(self, at: str = "") -> None:
        """Read the items; the cursor on the one with key ``at``, else where it was or on the next left."""
        rows, here = self.rows.items, self.rows.cursor
        before = [self.key_of(item) for item in (*rows[here:], *reversed(rows[:here]))]
        self.items = await self.load()
        left = {self.key_of(item) for item in self.items}
        wanted = at or next((key for key in before if key in left), "")
        self._head.say(lines(self.head()))
        self.search(wanted)

    @property
    def current(self) -> T | None:
        """The one under the cursor."""
        return self.rows.current

    def search(self, at: str = "") -> None:
        """Those that have every word that is typed; names that begin with it first."""
        typed = self.field.value.casefold()
        terms = typed.split()
        found = [item for item in self.items if all(term in self.words_of(item).casefold() for term in terms)]
        if typed:
            found.sort(key=lambda item: not self.words_of(item).casefold().startswith(typed))
        told = f"{len(found):,} of {len(self.items):,}" if typed else f"{len(found):,}"
        self.query_one(".search").border_subtitle = told
        self.rows.display = bool(found)
        self._none.display = not found
        self._none.update(content(Shown(self.NOTHING)))
        free = next((i for i, item in enumerate(found) if not self.is_taken(item)), 0)
        place = next((i for i, item in enumerate(found) if at and self.key_of(item) == at), free)
        if not found:
            self.said_of = None
            self._effect.say(content(Shown("")))
        self.rows.show(found, place)

    @on(TextField.Changed)
    def _typed(self, event: TextField.Changed) -> None:
        event.stop()
        self.search()

    @on(Rows.Moved)
    def _moved(self, event: Rows.Moved) -> None:
        event.stop()
        item, self.said_of = self.current, None
        if item is not None:
            self.host.work(lambda: self.tell(item), "effect", exclusive=True, node=self)

    async def tell(self, item: T) -> None:
        """Say what it would do."""
        told = await self.effect(item)
        if self.current is not None and self.key_of(self.current) == self.key_of(item):
            self.said_of = item
            self._effect.say(lines(told))

    @on(Rows.Chosen)
    def _chosen(self, event: Rows.Chosen) -> None:
        event.stop()
        self.action_take()

    def action_move(self, by: int) -> None:
        """The field keeps the focus."""
        self.rows.cursor += by

    def action_clear(self) -> None:
        """Clear the search."""
        self.field.value = ""

    def action_leave(self) -> None:
        """Nothing is taken."""
        self.dismiss(None)

    def action_take(self) -> None:
        """The one under the cursor, once its effect stands there."""
        self.host.work(lambda: self._take(), "take", exclusive=True, node=self)

    async def _take(self) -> None:
        item = self.current
        if item is None:
            return
        if self.said_of is None or self.key_of(self.said_of) != self.key_of(item):
            # Nothing is done that has not been said: say it now, and wait for the next enter.
            await self.tell(item)
            return
        if self.only_shows():
            return
        await self.take(item)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enter belongs to a button that has the focus."""
        return not (action == "take" and isinstance(self.focused, Button))


def effect_line(mark: str, text: str) -> Line:
    """A line of an effect that is only words of ours."""
    return [ours(f" {mark} ", "accent"), ours(text)]
