"""The input widgets of forms: text fields, drop-down lists, tick boxes, radio lists, and their rows.

In drop-down lists and tick boxes, space changes the value and enter goes on to the next field.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Checkbox, Input, Select, Static

from xpm_tui.domain.safe_text import visible, visible_each
from xpm_tui.tui.safe_text import content, rich
from xpm_tui.tui.widgets.cells import Line, ours, span
from xpm_tui.tui.widgets.rows import Rows
from xpm_tui.tui.widgets.text import StaticText


class ChoiceField(Select[str], inherit_bindings=False):
    """A drop-down list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,down,up", "show_overlay", show=False),
        Binding("enter", "app.focus_next", show=False),
    ]


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

    def __init__(self, options: Sequence[tuple[str, str]], chosen: str = "") -> None:
        super().__init__()
        self.options = tuple(options)
        self.choose(chosen)
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
        return [ours(" (•) " if here else " ( ) ", "accent" if here else "muted"), span(self.options[row][1])]


class TextField(Input):
    """A text field without a blinking cursor, so that an idle console sends nothing, and without markup.

    It accepts pastes of several lines, and a password can be neither copied nor cut.
    """

    def __init__(
        self,
        value: str = "",
        *,
        placeholder: str = "",
        password: bool = False,
        compact: bool = True,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        super().__init__(
            value,
            placeholder=placeholder,
            password=password,
            compact=compact,
            id=id,
            classes=classes,
            select_on_focus=False,
        )
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


class FormRow(Vertical):
    """A label, a field, and below it an error message, which takes a line only if there is one."""

    def __init__(self, label: str, filled: Widget) -> None:
        super().__init__(classes="row")
        self._label = Static(content(visible(label)), classes="label")
        self.filled = filled
        self._wrong = StaticText(classes="error")
        self._wrong.display = False

    def compose(self) -> ComposeResult:
        """Compose the label beside the field, and the error message below."""
        with Horizontal(classes="field"):
            yield self._label
            yield self.filled
        yield self._wrong

    def complain(self, sentence: str) -> None:
        """Show an error message and focus the field; an empty sentence removes the message."""
        self._wrong.display = bool(sentence)
        self._wrong.update(content(visible(f"! {sentence}" if sentence else "")))
        if sentence:
            self.filled.focus()
