"""The permission in XPM: a checklist, since it cannot be seen without a login."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button

from xpm_tui.service.connect.connection import Connecting
from xpm_tui.service.connect.permission import ANSWERS, GRANT, Advice, Answer
from xpm_tui.tui.steps.pane import Pane, button
from xpm_tui.tui.widgets.line import Line, ours, span
from xpm_tui.tui.widgets.prose import Prose
from xpm_tui.tui.widgets.words import lines


class PermissionPane(Pane):
    """Where to click, and what is there."""

    STEP = "permission"
    INTRO = (
        "Whoever signs in needs a permission in XPM, else Xero offers no practice at all. "
        "It takes a minute; signing in then tests it."
    )

    def __init__(self) -> None:
        super().__init__()
        self._path = Prose(classes="path")
        self._answers: dict[str, Answer] = {f"answer-{name}": name for name in ANSWERS}

    def body(self) -> ComposeResult:
        """The click path over the three answers."""
        self._path.update(both(GRANT))
        yield self._path
        with Horizontal(classes="buttons"):
            for name, answer in self._answers.items():
                yield button(ANSWERS[answer], name)
        with Horizontal(classes="buttons after"):
            yield button("Go on", "go-on")

    def on_mount(self) -> None:
        """Going on comes with the advice."""
        self.query_one("#go-on").display = False

    @on(Button.Pressed)
    async def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        answer = self._answers.get(event.button.id or "")
        if answer is None:
            self.settled()
            return

        def tell(connecting: Connecting) -> Advice:
            return connecting.permission(answer)

        advice = await self.wizard.ask(tell)
        if answer == "ticked":
            self.settled()
            return
        self._path.update(both(advice))
        go_on = self.query_one("#go-on")
        go_on.display = True
        go_on.focus()


def both(advice: Advice) -> Content:
    """What it means, then the click paths of XPM's new and old screens, one click a line."""
    found: list[Line] = [[ours(advice.sentence, "warn")]] if advice.sentence else []
    for title, path in (("XPM's new screens", advice.path), ("XPM's old screens", advice.old_path)):
        found += [[ours(title, "muted")]] if path else []
        found += [[ours(f" {place}  ", "accent"), span(step)] for place, step in enumerate(path, 1)]
    return lines(found)
