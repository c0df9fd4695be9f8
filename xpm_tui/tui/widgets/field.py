"""A text field that is silent when idle, takes pastes of several lines, and never gives a secret away."""

from __future__ import annotations

from rich.text import Text
from textual import events
from textual.widgets import Input

from xpm_tui.model.text import visible_each
from xpm_tui.tui.plain import rich


class Field(Input):
    """Our text field: no blinking cursor (an idle console sends nothing), markup is never read."""

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
        """What is drawn: a hidden character of the value is one sign, and no order to the terminal."""
        return super()._value if self.password else rich(visible_each(self.value))

    def _on_paste(self, event: events.Paste) -> None:
        """Stock fields keep only the first line; a wrapped address is one line to its owner."""
        lines = [line.strip() for line in event.text.splitlines()]
        joined = ("" if self.password or "://" in event.text else " ").join(line for line in lines if line)
        selection = self.selection
        self.replace(joined[:8192], *selection) if not selection.is_empty else self.insert_text_at_cursor(
            joined[:8192]
        )
        event.stop()
        event.prevent_default()

    def action_copy(self) -> None:
        """Copy, except out of a secret."""
        if not self.password:
            super().action_copy()

    def action_cut(self) -> None:
        """Cut, except out of a secret."""
        if not self.password:
            super().action_cut()
