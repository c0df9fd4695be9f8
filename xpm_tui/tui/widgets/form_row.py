"""One row of a form: a label, what is filled in, and under it what is wrong with that."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Static

from xpm_tui.model.text import visible
from xpm_tui.tui.plain import content
from xpm_tui.tui.widgets.prose import Prose


class FormRow(Vertical):
    """As high as it has to be: the sentence takes room only where there is one."""

    def __init__(self, label: str, filled: Widget) -> None:
        super().__init__(classes="row")
        self._label = Static(content(visible(label)), classes="label")
        self.filled = filled
        self._wrong = Prose(classes="error")
        self._wrong.display = False

    def compose(self) -> ComposeResult:
        """Label and field beside each other, the sentence under the field."""
        with Horizontal(classes="field"):
            yield self._label
            yield self.filled
        yield self._wrong

    def complain(self, sentence: str) -> None:
        """Say what is wrong, and put the cursor there; an empty sentence takes it away."""
        self._wrong.display = bool(sentence)
        self._wrong.update(content(visible(f"! {sentence}" if sentence else "")))
        if sentence:
            self.filled.focus()
