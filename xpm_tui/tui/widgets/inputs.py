"""The input widgets of forms: text fields, drop-down lists, tick boxes, radio lists, and their rows.

In drop-down lists and tick boxes, space changes the value and enter goes on to the next field.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Checkbox, Input, Select, Static
from textual.widgets._select import NoSelection, SelectOverlay
from textual.widgets.option_list import Option

from xpm_tui.domain.safe_text import visible, visible_each
from xpm_tui.tui.widgets.cells import Line, content, fixed, rich, span
from xpm_tui.tui.widgets.rows import Rows
from xpm_tui.tui.widgets.text import StaticText, StyledOnDemand


class ChoiceList(SelectOverlay):
    """The open list of a choice; typing moves to the option that contains the letters earliest."""

    def _find_search_match(self, query: str) -> int | None:
        """Return the position of the option, in whose ``Content`` stock Textual finds nothing."""
        places = [str(option.prompt).casefold().find(query.casefold()) for option in self._options]
        return min(
            (at for at, place in enumerate(places) if place >= 0), key=places.__getitem__, default=None
        )


OTHER = "\0"
"""The value of the option that asks for a value that is not in the list."""


class ChoiceField(Select[str], inherit_bindings=False):
    """A choice between a few options in one widget; its list is mounted when it is first opened."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "show_overlay", show=False),
        Binding("left", "step(-1)", show=False),
        Binding("right", "step(1)", show=False),
        Binding("enter", "app.focus_next", show=False),
    ]

    def compose(self) -> ComposeResult:
        """Compose nothing: the choice is rendered by this widget."""
        return ()

    def render(self) -> Content:
        """Return the chosen option and the symbol of a list."""
        words = next((words for words, value in self._options if value == self.value), "")
        text = words if isinstance(words, Content) else Content(str(words))
        return Content.assemble(text.truncate(max(1, self.size.width - 2), ellipsis=True), (" ▾", "$muted"))

    def _setup_options_renderables(self) -> None:
        """Do nothing: the list is mounted when it is opened."""

    def _watch_value(self, value: str | NoSelection) -> None:
        self._value = value
        if self.is_mounted:
            self.refresh()
            self.post_message(self.Changed(self, value))

    def _watch_expanded(self, expanded: bool) -> None:
        self.set_class(expanded, "-expanded")
        if expanded:
            self.call_later(self._open)

    async def _open(self) -> None:
        """Open the list, with the cursor on the chosen option."""
        if not self.query(ChoiceList):
            overlay = ChoiceList(type_to_search=self._type_to_search)
            overlay.compact = True
            await self.mount(overlay)
            overlay.add_options([Option(words) for words, _ in self._options])
        overlay = self.query_one(ChoiceList)
        overlay.select([value for _, value in self._options].index(self.value))
        overlay.focus(scroll_visible=False)

    def action_show_overlay(self) -> None:
        """Open the list."""
        self.expanded = True

    async def add_choice(self, text: str) -> None:
        """Add a typed value before the option that asked for it, and choose it."""
        if text not in self._legal_values:
            self._options.insert(-1, (Content(visible(text)), text))
            self._legal_values.add(text)
            await self.query(ChoiceList).remove()
        self.value = text

    def action_step(self, by: int) -> None:
        """Choose the next or previous option."""
        keys = [value for _, value in self._options if value != OTHER]
        self.value = keys[(keys.index(self.value) + by) % len(keys)]

    async def _on_click(self, event: events.Click) -> None:
        """Open or close the list."""
        if event.widget is self:
            event.stop()
            self.expanded = not self.expanded


class TickBox(Checkbox, inherit_bindings=False):
    """A tick box whose mark shows its state, because there may be no colours."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "toggle_button", show=False),
        Binding("enter", "app.focus_next", show=False),
    ]

    @property
    def _button(self) -> Content:
        style = self.get_visual_style("toggle--button")
        return Content.styled("[x]" if self.value else "[ ]", style)


class RadioRows(Rows):
    """A short list of (key, label) options; the row under the cursor is the choice, enter confirms it."""

    def __init__(self, options: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self.options = tuple(options)
        self.styles.height = len(self.options)

    @property
    def chosen(self) -> str:
        """The key of the chosen option."""
        return self.options[self.cursor][0] if self.options else ""

    def choose(self, key: str) -> None:
        """Choose the option of a key; the first one if there is none."""
        keys = [each for each, _ in self.options]
        self.set_reactive(Rows.cursor, keys.index(key) if key in keys else 0)
        self.refresh()

    def count(self) -> int:
        """Return the number of options."""
        return len(self.options)

    def draw(self, row: int, line: int, columns: int) -> Line:
        """Return the mark and label of an option."""
        here = row == self.cursor
        return [
            fixed(" (•) " if here else " ( ) ", "accent" if here else "muted"),
            span(self.options[row][1]),
        ]


class TextField(Input, StyledOnDemand):
    """A text field without a blinking cursor (an idle console sends nothing) and without markup.

    Its parts (cursor, placeholder, selection) are styled when they are first painted. Textual would style all
    of them, for every field of a form, each time it styles the field.
    """

    def __init__(
        self,
        value: str = "",
        *,
        placeholder: str = "",
        password: bool = False,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        super().__init__(
            value,
            placeholder=placeholder,
            password=password,
            id=id,
            classes=classes,
            select_on_focus=False,
        )
        # Without a watcher: stock Textual would style the field here, before it has a parent.
        self.set_reactive(Input.compact, True)
        self.add_class("-textual-compact", update=False)
        self.cursor_blink = False

    @property
    def _value(self) -> Text:
        """The text to draw, with control characters made visible."""
        return super()._value if self.password else rich(visible_each(self.value))

    def _on_paste(self, event: events.Paste) -> None:
        """Paste several lines as one; stock Textual would keep only the first line of an address."""
        lines = [line.strip() for line in event.text.splitlines()]
        joined = ("" if self.password or "://" in event.text else " ").join(line for line in lines if line)
        selection = self.selection
        self.replace(joined[:8192], *selection) if not selection.is_empty else self.insert_text_at_cursor(
            joined[:8192]
        )
        event.stop()
        event.prevent_default()

    def action_copy(self) -> None:
        """Copy the selection, unless the field is a password."""
        if not self.password:
            super().action_copy()

    def action_cut(self) -> None:
        """Cut the selection, unless the field is a password."""
        if not self.password:
            super().action_cut()


class FormRow:
    """A label and its field, as two cells of a form, and an error below if there is one."""

    def __init__(self, label: str, filled: Widget) -> None:
        self._label = Static(content(visible(label)), classes="label")
        self.filled = filled
        self._error: tuple[Widget, ...] = ()
        """The message below the field, after a cell that is empty."""

    def __iter__(self) -> Iterator[Widget]:
        yield self._label
        yield self.filled

    def complain(self, sentence: str) -> None:
        """Show an error message and focus the field; an empty sentence removes the message."""
        for widget in self._error:
            widget.remove()
        self._error = ()
        if sentence:
            message = StaticText(content(visible(f"! {sentence}")), classes="error")
            self._error = (Static(classes="label"), message)
            assert isinstance(self.filled.parent, Widget)
            self.filled.parent.mount(*self._error, after=self.filled)
            self.filled.focus()
            self.filled.call_after_refresh(message.scroll_visible, animate=False)
