"""What the wizard's panes share: facts and missing things in words, buttons, and a line for what happens."""

from __future__ import annotations

from typing import ClassVar, cast

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import Button

from xpm_tui.diagnose.trouble_view import present, problem_title
from xpm_tui.model.errors import Trouble
from xpm_tui.model.text import Shown
from xpm_tui.service.connect.steps import Name, Step
from xpm_tui.tui.dialogs.trouble import way_out
from xpm_tui.tui.host import Guest
from xpm_tui.tui.plain import content, show
from xpm_tui.tui.steps.holder import Holder
from xpm_tui.tui.widgets.line import Line, ours, span
from xpm_tui.tui.widgets.prose import Prose
from xpm_tui.tui.widgets.words import lines


class Pane(Guest, VerticalScroll, can_focus=False):
    """One step. ``fill`` gets the step's state each time it comes up."""

    STEP: ClassVar[Name]
    INTRO: ClassVar[str] = ""

    class Settled(Message):
        """Something was done: look at the steps again, and go on."""

    def __init__(self) -> None:
        super().__init__(id=f"step-{self.STEP}")
        self._facts = Prose(classes="facts")
        self._said = Prose(classes="said")
        self._out = Button(content(Shown("All steps of the way out")), classes="way-out", action="way_out")
        self._trouble: Trouble | None = None

    @property
    def wizard(self) -> Holder:
        """The screen by its type."""
        return cast("Holder", self.screen)

    def compose(self) -> ComposeResult:
        """Why this step is, what is known, then its own."""
        yield Prose(content(Shown(self.INTRO)), classes="intro")
        yield self._facts
        yield from self.body()
        yield self._said
        yield self._out

    def body(self) -> ComposeResult:
        """The step's own widgets."""
        raise NotImplementedError

    def take(self, step: Step) -> None:
        """The step as it is now."""
        found: list[Line] = [
            [ours("✓ " if step.state == "done" else "· ", "good"), span(f)] for f in step.facts
        ]
        found += [[ours("○ ", "warn"), span(missing)] for missing in step.missing]
        self._facts.update(lines(found))
        self._facts.display = bool(found)
        self._say("")
        self.begin(step)

    def begin(self, step: Step) -> None:
        """It comes up: set the focus, fill fields."""
        self.focus_first()

    def focus_first(self) -> None:
        """The first thing that takes keys."""
        for widget in self.query("Field, OneOf, Button"):
            if widget.display and not widget.disabled:
                widget.focus()
                return

    def _say(self, text: str, style: str = "") -> None:
        self._said.update(show(text, style, 1000))
        self._said.display = bool(text)
        self._out.display = False

    def complain(self, trouble: Trouble) -> None:
        """A trouble in place, with what to do and the way out a key away."""
        view = present(trouble)
        found: list[Line] = [[ours("✗ ", "bad"), span(view.message, "bad")]]
        found += [[ours("  "), span(view.why)]] if view.why else []
        if view.hint:
            found.append([ours("→ ", "accent"), span(view.hint)])
        if view.problem is not None:
            found.append([ours(problem_title(view.problem), "accent")])
            found.append([ours("First: ", "muted"), ours(view.problem.steps[0])])
        self._said.update(lines(found))
        self._said.display = True
        self._trouble = trouble
        self._out.display = view.problem is not None
        # Once it is laid out: what was said last must be in sight, and so must the focus.
        self.call_after_refresh(self._to_the_end)

    def _to_the_end(self) -> None:
        self.scroll_end(animate=False)
        self.call_after_refresh(self._keep_focus)

    def _keep_focus(self) -> None:
        focused = self.screen.focused
        if focused is None:
            self.focus_first()
        elif self in focused.ancestors and not self.region.contains_region(focused.region):
            if self._out.display:
                self._out.focus()
            else:
                focused.scroll_visible(animate=False)

    def action_way_out(self) -> None:
        """The case whole, for XPM's new and old screens."""
        case = present(self._trouble).problem if self._trouble is not None else None
        if case is not None:
            self.app.push_screen(way_out(case, self._trouble))

    def settled(self) -> None:
        """Go on."""
        self.post_message(self.Settled())


def button(words: str, name: str) -> Button:
    """A button of a pane."""
    return Button(content(Shown(words)), id=name)
