"""The base classes of the wizard's screen and of its steps."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar, TypeVar, cast

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.geometry import Size
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Button

from xpm_tui.application.connection import ConnectionMachine
from xpm_tui.application.connection_steps import ConnectionStep, Name
from xpm_tui.application.practice import OpenPractice
from xpm_tui.diagnostics.error_presenter import ErrorView, present, problem_title
from xpm_tui.domain.errors import AppError
from xpm_tui.domain.labels import Label, Labels
from xpm_tui.domain.safe_text import Shown, visible
from xpm_tui.tui.app_protocol import AppMixin
from xpm_tui.tui.base_screen import BaseScreen
from xpm_tui.tui.dialogs.help import problem_steps
from xpm_tui.tui.widgets.cells import Line, Look, Span, content, fixed, lines, show, span, wrap
from xpm_tui.tui.widgets.inputs import RadioRows
from xpm_tui.tui.widgets.text import StaticText

R = TypeVar("R")


class StepScreen(BaseScreen, Screen[str]):
    """The wizard as its steps see it: it runs the state machine of the connection on the worker thread.

    The result is the id of a plan, or None if the wizard was left.
    """

    async def ask(self, function: Callable[[ConnectionMachine], R]) -> R:
        """Call a function of the state machine on the worker thread, and return its result."""
        return await self.host.worker.ask(lambda practice: function(self._machine(practice)))

    async def ask_async(self, function: Callable[[ConnectionMachine], Awaitable[R]]) -> R:
        """Run a coroutine function of the state machine on the worker thread, and return its result."""

        async def call(practice: OpenPractice) -> R:
            return await function(self._machine(practice))

        return await self.host.worker.run(call)

    def _machine(self, practice: OpenPractice) -> ConnectionMachine:
        if self.host.connecting is None:
            self.host.connecting = ConnectionMachine(practice)
        return self.host.connecting

    async def show(self, step: Name) -> None:
        """Show a step in its current state."""
        raise NotImplementedError


class StepPane(AppMixin, VerticalScroll, can_focus=False, inherit_bindings=False):
    """A step of the wizard. A subclass composes ``body``, and fills it in ``prepare``.

    It has no keys of its own: arrows move between the buttons also where the step can be scrolled.
    """

    STEP: ClassVar[Name]
    INTRO: ClassVar[str] = ""
    MESSAGE_FIRST: ClassVar[bool] = False
    """Whether messages are shown above the step's widgets: where these are not fixed below them."""

    class Finished(Message):
        """Posted when the step is done, so that the steps are read again."""

    def __init__(self) -> None:
        super().__init__(id=f"step-{self.STEP}")
        self._facts = StaticText(classes="facts")
        self._message = StaticText(classes="message")
        self._steps_button = Button(content(Shown("All steps")), classes="all-steps", action="show_steps")
        self._shown_error: AppError | None = None
        self._first_answers: list[str] = []
        """The answers that were selected when the step was shown."""

    @property
    def wizard(self) -> StepScreen:
        """The screen, with its type."""
        return cast("StepScreen", self.screen)

    def compose(self) -> ComposeResult:
        """Compose the purpose of the step, what is known, the step's own widgets, and the last message."""
        outcome = (self._message, self._steps_button)
        if self.MESSAGE_FIRST:
            yield from outcome
        yield StaticText(content(Shown(self.INTRO)), classes="intro")
        yield self._facts
        yield from self.body()
        if not self.MESSAGE_FIRST:
            yield from outcome

    def body(self) -> ComposeResult:
        """Compose the step's own widgets."""
        raise NotImplementedError

    def show_step(self, step: ConnectionStep) -> None:
        """Show the current state of the step."""
        found: list[Line] = [
            [fixed("✓ " if step.state == "done" else "· ", "good"), span(f)] for f in step.facts
        ]
        found += [[fixed("○ ", "warn"), span(missing)] for missing in step.missing]
        self._facts.update(lines(found))
        self._facts.display = bool(found)
        self._show_message("")
        self.prepare(step)
        self._first_answers = [rows.chosen for rows in self.query(AnswerRows)]

    def prepare(self, step: ConnectionStep) -> None:
        """Fill in the fields and set the focus, each time the step is shown."""
        self.focus_first()

    def is_edited(self) -> bool:
        """Return whether something was edited or chosen that leaving the step would lose."""
        return self._first_answers != [rows.chosen for rows in self.query(AnswerRows)]

    def focus_first(self) -> None:
        """Focus the first widget that accepts keys."""
        for widget in self.query("TextField, RadioRows, Button"):
            if widget.display and not widget.disabled:
                widget.focus()
                return

    def _show_message(self, text: str, style: str = "") -> None:
        """Show a message in the step; an empty one takes no room."""
        self._message.update(show(text, style, 1000))
        self._message.display = bool(text)
        self._steps_button.display = False
        self._shown_error = None

    def show_error(self, error: AppError) -> None:
        """Show an error in the step, with what to do."""
        view = present(error)
        self._message.update(lines(self.error_lines(view)))
        self._message.display = True
        self._shown_error = error
        self._steps_button.display = view.problem is not None
        # After the layout, both the message and the focused widget must be visible.
        self.call_after_refresh(self._show_message_and_focus)

    def error_lines(self, view: ErrorView) -> list[Line]:
        """Return the lines of an error: what happened, why, and what to do."""
        found: list[Line] = [[fixed("✗ ", "bad"), error_span(view.message, "bad")]]
        found += [[fixed("  "), error_span(view.why)]] if view.why else []
        if view.hint:
            found.append([fixed("→ ", "accent"), error_span(view.hint)])
        if view.problem is not None:
            found.append([fixed(problem_title(view.problem), "accent")])
            found.append([fixed("First: ", "muted"), fixed(view.problem.steps[0])])
        return found

    def _size_updated(
        self, size: Size, virtual_size: Size, container_size: Size, layout: bool = True
    ) -> bool:
        """Keep an error visible: answers may need more lines once there is a scroll bar beside them."""
        changed = super()._size_updated(size, virtual_size, container_size, layout)
        if changed and self._shown_error is not None:
            self.call_after_refresh(self._show_message_and_focus)
        return changed

    def _show_message_and_focus(self) -> None:
        self._scroll_to_message()
        self.call_after_refresh(self._keep_focus)

    def _scroll_to_message(self) -> None:
        """Scroll to the end, but not past the first line of the message."""
        top = min(self._message.virtual_region.y, self.max_scroll_y)
        self.scroll_to(y=top, animate=False, immediate=True)

    def _keep_focus(self) -> None:
        focused = self.screen.focused
        if focused is None:
            self.focus_first()
        elif self in focused.ancestors and not self._is_visible(focused):
            buttons = (self._steps_button, *self.query(Button))
            visible_ones = (each for each in buttons if each.display and self._is_visible(each))
            fallback = self._steps_button if self._steps_button.display else focused
            next(visible_ones, fallback).focus()

    def _is_visible(self, widget: Widget) -> bool:
        """Return whether a widget can be seen as a whole: the buttons that are fixed at the bottom can."""
        docked = [each for each in self.children if each.styles.dock != "none"]
        if widget in docked or widget.parent in docked:
            return not widget.disabled
        bottom = min([each.region.y for each in docked], default=self.region.bottom)
        return self.region.contains_region(widget.region) and widget.region.bottom <= bottom

    def action_show_steps(self) -> None:
        """Show all steps of the known problem."""
        problem = present(self._shown_error).problem if self._shown_error is not None else None
        if problem is not None:
            self.app.push_screen(problem_steps(problem, self._shown_error))

    def finish(self) -> None:
        """Report that the step is done."""
        self.post_message(self.Finished())


def error_span(text: str, look: Look = "") -> Span:
    """Return a sentence of an error, cut so that the buttons of the step remain visible."""
    return Span(visible(text, 350), look)


class AnswerRows(RadioRows):
    """A list of answers, each with its meaning below it; moving the cursor chooses."""

    def __init__(self, answers: Labels) -> None:
        self._answers = answers
        super().__init__([(code, label.text) for code, label in answers.items()])

    def _size_updated(
        self, size: Size, virtual_size: Size, container_size: Size, layout: bool = True
    ) -> bool:
        """Fit the answers here: a widget that is used before its first layout receives no resize event."""
        changed = super()._size_updated(size, virtual_size, container_size, layout)
        if changed:
            self.call_later(self._fit)
        return changed

    def _fit(self) -> None:
        """Give each answer as many lines as the longest meaning needs."""
        columns = self.scrollable_content_region.width
        needed = 1 + max(len(self._meaning(label, columns)) for label in self._answers.values())
        if columns > 0 and needed != self.row_height:
            self.row_height = needed
            self.styles.height = needed * len(self._answers)
            self.measure()
            self.refresh()

    def draw(self, row: int, line: int, columns: int) -> Line:
        """Return the mark and the answer, or a line of its meaning."""
        label = self._answers[self.options[row][0]]
        if line == 0:
            chosen = row == self.cursor
            mark = fixed(" (•) " if chosen else " ( ) ", "accent" if chosen else "muted")
            return [mark, span(label.text, "strong" if chosen else "")]
        meaning = self._meaning(label, columns)
        return [fixed("     "), *meaning[line - 1]] if line <= len(meaning) else []

    def _meaning(self, label: Label, columns: int) -> list[Line]:
        return wrap([span(label.help, "muted")], max(20, columns - 5)) if label.help else []


def button(label: str, name: str) -> Button:
    """Return a button of a step, with its id."""
    return Button(content(Shown(label)), id=name)
