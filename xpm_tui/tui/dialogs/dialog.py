"""Base classes of dialogs, and the simple dialogs: confirmation, choice, text input and message.

The safe answer always has the focus.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Sequence
from typing import ClassVar, TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.suggester import SuggestFromList
from textual.widget import Widget
from textual.widgets import Button, Static

from xpm_tui.domain.formatting import cells
from xpm_tui.domain.safe_text import Shown, visible, visible_lines
from xpm_tui.tui.base_screen import BaseScreen
from xpm_tui.tui.theme import stylesheet_path
from xpm_tui.tui.widgets.cells import Line, content, fit_names, fixed, lines, span, words, wrap
from xpm_tui.tui.widgets.inputs import TextField, TickBox
from xpm_tui.tui.widgets.text import StaticText, title_room

R = TypeVar("R")


class DialogBody(VerticalScroll, inherit_bindings=False):
    """The scrollable part of a dialog, without arrow keys of its own."""

    can_focus = False


class KeyHint(Widget):
    """A line with the keys of a dialog, the most important first; those that do not fit are left out."""

    def __init__(self, *keys: str) -> None:
        super().__init__(classes="hint")
        self._keys = keys

    def render(self) -> Content:
        """Return as many keys as fit, none of them cut."""
        found = ""
        for key in self._keys:
            more = f"{found} · {key}" if found else key
            if cells(more) > self.size.width:
                break
            found = more
        return content(Shown(found))


class TitledBox(Vertical):
    """The box of a dialog. A title that is too long is cut in the middle: names differ at their end."""

    def __init__(self, title: Shown) -> None:
        super().__init__(classes="box")
        self._title = title
        self.border_title = content(title)

    def on_resize(self, event: events.Resize) -> None:
        """Fit the title to the width."""
        self.border_title = words(fit_names([span(self._title)], title_room(self)))


class Dialog(BaseScreen, ModalScreen[R]):
    """A box over the active screen. Escape is always the safe answer. A subclass composes ``box``."""

    CSS_PATH: ClassVar = stylesheet_path("dialog")
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back", show=False),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]

    title_text: Shown = Shown("")

    def box(self) -> ComposeResult:
        """Compose the contents of the box."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """Compose the box, with its title in the border."""
        with TitledBox(self.title_text):
            yield from self.box()

    def action_leave(self) -> None:
        """Close the dialog with the safe answer."""
        self.dismiss(None)


class TextDialog(Dialog[R]):
    """A dialog with a text that may be longer than the screen; arrow and page keys scroll."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll(-1)", show=False),
        Binding("down,j", "scroll(1)", show=False),
        Binding("pageup", "scroll(-10)", show=False),
        Binding("pagedown", "scroll(10)", show=False),
    ]

    def action_scroll(self, by: int) -> None:
        """Scroll the text."""
        text = self.query_one(".words", VerticalScroll)
        text.scroll_to(y=text.scroll_y + by, animate=False)


KEY_GUARD_SECONDS = 0.4
"""Seconds in which letters do not answer: the key that opened the dialog may still be held down."""
_RESERVED_LETTERS = frozenset("jkny")
"""Letters that scroll, or that answer every question."""
_LABEL = re.compile(r"^([^\s:][^:]{0,24}):\s+(?=\S)")
_UNDO = re.compile(r"^(The rest|A change) can be undone")
_CALLS = re.compile(r"^(No calls?|[\d,]+ calls?) to Xero")
LABEL_COLUMNS = 14
"""The width of the labels in a confirmation, in columns."""


def confirmation_lines(sentences: Sequence[str], columns: int) -> list[Line]:
    """Return sentences as labels with texts, one below another; what cannot be undone is highlighted."""
    named = [_labelled(sentence) for sentence in sentences]
    room = max([LABEL_COLUMNS, *(len(label) + 2 for label, _ in named)])
    found: list[Line] = []
    for label, text in named:
        if not label:
            found += wrap([span(text)], columns) or [[]]
            continue
        permanent = label.lstrip().startswith("Cannot be undone")
        mark = fixed("✕ ", "bad") if permanent else fixed("")
        pieces = [span(label, "bad" if permanent else "muted"), fixed(" " * (room - len(label)))]
        rest = wrap([mark, span(text, "bad" if permanent else "")], max(20, columns - room))
        found.append([*pieces, *rest[0]])
        found += [[fixed(" " * room), *line] for line in rest[1:]]
    return found


def _labelled(sentence: str) -> tuple[str, str]:
    """Return the label and the text of a sentence; the label is empty if it has none."""
    text = sentence.lstrip()
    indent = sentence[: len(sentence) - len(text)]
    if _CALLS.match(text):
        return f"{indent}Calls", text
    if _UNDO.match(text):
        return f"{indent}Undo", text
    match = _LABEL.match(text)
    return (indent + match[1], text[match.end() :]) if match else ("", sentence)


def answer_letter(label: str) -> str:
    """Return the letter that presses a button: the first of its label that has no other meaning."""
    letters = (letter for letter in label.casefold() if letter.isascii() and letter.isalpha())
    return next((letter for letter in letters if letter not in _RESERVED_LETTERS), "")


QUESTION_FRAME_ROWS = 5
"""The rows of a question besides its text: the frame, the blank line at the top, and the buttons."""


class ConfirmDialog(TextDialog[bool]):
    """A question with two answers.

    The title is the question and names the record. The safe button comes first; the other one is named after
    its action and has a letter of its own. With ``safe``, agreeing is the safe answer.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes", show=False),
        Binding("n", "answer(False)", "No", show=False),
    ]

    def __init__(
        self,
        question: str,
        *,
        title: str = "Continue?",
        yes: str = "Continue",
        no: str = "Cancel",
        safe: bool = False,
        wide: bool = False,
    ) -> None:
        super().__init__(classes="wide" if wide else None)
        self.title_text = visible(title)
        self._question = visible_lines(question)
        self._yes, self._no, self._safe = yes, no, safe
        self._letter = answer_letter(yes)
        self._words = StaticText(content(self._question))
        self._shown_at = time.monotonic()
        self._fitted = 0

    def box(self) -> ComposeResult:
        """Compose the consequences above the answers."""
        with DialogBody(classes="words"):
            yield self._words
        with Horizontal(classes="buttons -right"):
            yield Button(content(Shown(f"{self._no}  esc")), id="no")
            yield Button(content(Shown(f"{self._yes}  {self._letter}".rstrip())), id="yes")

    def on_mount(self) -> None:
        """Focus the safe button."""
        self.query_one("#yes" if self._safe else "#no", Button).focus()
        self.query_one(".box").border_subtitle = "enter chooses the marked button"

    def on_resize(self, event: events.Resize) -> None:
        """Fit labels and texts to the width, and show as many lines as fit above the buttons."""
        self.query_one(".words").styles.max_height = max(
            3, event.size.height * 92 // 100 - QUESTION_FRAME_ROWS
        )
        self._fitted = 0
        # A text that is set now would not take part in the present layout.
        self.call_after_refresh(self._fit)

    def _fit(self) -> None:
        """Fit the sentences to the width, and again if a scroll bar then makes it smaller."""
        columns = self._words.size.width
        if columns > 0 and (columns < self._fitted or not self._fitted):
            self._fitted = columns
            self._words.update(lines(confirmation_lines(self._question.split("\n"), columns)))
            self.call_after_refresh(self._fit)

    def on_key(self, event: events.Key) -> None:
        """Answer by the letter of a button, unless the dialog has just opened."""
        if event.key == self._letter and time.monotonic() - self._shown_at >= KEY_GUARD_SECONDS:
            event.stop()
            self.dismiss(True)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(event.button.id == "yes")

    def action_answer(self, answer: bool) -> None:
        """Answer with a letter."""
        self.dismiss(answer)

    def action_leave(self) -> None:
        """Decline."""
        self.dismiss(False)


class ChoiceDialog(Dialog[str]):
    """A choice of one option, each a button. ``start`` has the focus, or the first. The result is its key."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "app.focus_previous", show=False),
        Binding("down", "app.focus_next", show=False),
    ]

    def __init__(
        self, question: str, choices: Sequence[tuple[str, str]], *, title: str = "", start: str = ""
    ) -> None:
        super().__init__()
        self.title_text = visible(title)
        self._question = visible_lines(question)
        self._choices = list(choices)
        keys = [key for key, _ in self._choices]
        self._start = keys.index(start) if start in keys else 0

    def box(self) -> ComposeResult:
        """Compose the question and the choices, one per line."""
        with DialogBody(classes="words"):
            yield StaticText(content(self._question))
        with DialogBody(classes="choices"):
            for place, (_, words) in enumerate(self._choices):
                yield Button(content(visible(words)), id=f"choice-{place}", classes="wide")

    def on_mount(self) -> None:
        """Focus the option that is chosen at the start."""
        list(self.query(Button))[self._start].focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        place = int((event.button.id or "choice-0").partition("-")[2])
        self.dismiss(self._choices[place][0])


class TicksDialog(Dialog[str]):
    """A choice of several options, which space ticks. The result is their keys with commas, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "app.focus_previous", show=False),
        Binding("down", "app.focus_next", show=False),
        Binding("enter,f10", "save", show=False, priority=True),
    ]

    def __init__(
        self, question: str, options: Sequence[tuple[str, str]], *, title: str, ticked: Collection[str]
    ) -> None:
        super().__init__()
        self.title_text = visible(title)
        self._question = visible_lines(question)
        self._boxes = {
            key: TickBox(content(visible(words)), key in ticked, compact=True) for key, words in options
        }

    def box(self) -> ComposeResult:
        """Compose the question and the boxes."""
        yield StaticText(content(self._question))
        with DialogBody(classes="choices"):
            yield from self._boxes.values()
        yield Static(content(Shown("space ticks · enter saves · esc goes back")), classes="hint")

    def on_mount(self) -> None:
        """Focus the first box."""
        next(iter(self._boxes.values())).focus()

    def action_save(self) -> None:
        """Return what is ticked."""
        self.dismiss(", ".join(key for key, box in self._boxes.items() if box.value))


class InputDialog(Dialog[str]):
    """A field for a line of text. The result is the text, or None.

    ``check`` returns what is wrong with a text, which is shown below the field; empty if nothing is.
    ``suggested`` are texts that complete what is typed: the right arrow takes the one that is shown.
    """

    def __init__(
        self,
        prompt: str,
        *,
        title: str = "",
        value: str = "",
        password: bool = False,
        check: Callable[[str], str] = lambda _: "",
        suggested: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.title_text = visible(title)
        self._prompt = visible_lines(prompt)
        self._field = TextField(value, password=password)
        self._field.suggester = SuggestFromList(suggested, case_sensitive=False) if suggested else None
        self._check = check
        self._error = StaticText(classes="error")

    def box(self) -> ComposeResult:
        """Compose the prompt and the field."""
        with DialogBody(classes="words"):
            yield StaticText(content(self._prompt))
        yield self._field
        yield self._error
        keys = "right completes · " if self._field.suggester else ""
        yield Static(content(Shown(f"{keys}enter saves · esc goes back")), classes="hint")

    def on_mount(self) -> None:
        """Focus the field."""
        self._error.display = False
        self._field.focus()

    @on(TextField.Changed)
    def _typed(self, event: TextField.Changed) -> None:
        event.stop()
        self._error.display = False

    @on(TextField.Submitted)
    def _submitted(self, event: TextField.Submitted) -> None:
        event.stop()
        text = event.value.strip()
        error = self._check(text)
        if not error:
            self.dismiss(text)
            return
        self._error.display = True
        self._error.update(content(visible_lines(error)))


class MessageDialog(TextDialog[None]):
    """A text to read, to select with the mouse and to copy, such as an error with what to do."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("y", "copy", "Copy", show=False)]

    def __init__(
        self, title: str, text: str, *, hint: str = "", bad: bool = False, wide: bool = False
    ) -> None:
        super().__init__(classes=" ".join(("bad",) * bad + ("wide",) * wide))
        self.title_text = visible(title)
        self._text = visible_lines(text)
        self._hint = visible_lines(hint)

    def box(self) -> ComposeResult:
        """Compose the text, what to do next, and a button."""
        with DialogBody(classes="words"):
            yield StaticText(content(self._text))
            if self._hint:
                yield StaticText(content(self._hint), classes="next")
        with Horizontal(classes="buttons"):
            yield Button(content(Shown("Close")), id="ok")
            yield KeyHint("esc closes", "y copies the text")

    def on_mount(self) -> None:
        """Focus the button that closes the dialog."""
        self.query_one(Button).focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(None)

    def action_copy(self) -> None:
        """Copy the whole text."""
        self.app.copy_to_clipboard(f"{self._text}\n{self._hint}".strip())


def discard_question() -> ConfirmDialog:
    """Return a dialog that asks whether to discard edits."""
    return ConfirmDialog(
        "Your changes are not saved.",
        title="Discard your changes?",
        yes="Discard",
        no="Keep editing",
    )
