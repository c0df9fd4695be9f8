"""Direction and level: which side is the master, and how much is carried."""

from __future__ import annotations

from typing import cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, Static

from xpm_tui.model.labels import DIRECTIONS, LEVELS, Labels
from xpm_tui.model.plan import Direction, Level
from xpm_tui.service.connect.connection import Connecting
from xpm_tui.service.connect.steps import Step
from xpm_tui.tui.plain import show
from xpm_tui.tui.steps.pane import Pane, button
from xpm_tui.tui.widgets.one_of import OneOf
from xpm_tui.tui.widgets.rows import Rows


def _choices(known: Labels) -> tuple[tuple[str, str], ...]:
    """Return each code with its label and help on one line."""
    return tuple((code, f"{label.text}: {label.help}") for code, label in known.items())


class DirectionPane(Pane):
    """Two choices and a button. Nothing is written by choosing."""

    STEP = "direction"
    INTRO = (
        "Which side is right where they differ? The other one is overwritten: shown before, undoable after."
    )

    def __init__(self) -> None:
        super().__init__()
        self._direction = OneOf(_choices(DIRECTIONS))
        self._level = OneOf(_choices(LEVELS))

    def body(self) -> ComposeResult:
        """Direction, level, go on."""
        yield self._direction
        yield Static(show("What to sync"), classes="label after")
        yield self._level
        with Horizontal(classes="buttons"):
            yield button("Go on", "go-on")

    def begin(self, step: Step) -> None:
        """What is in force now; go on is the safe one."""
        policy = self.host.desk.practice.policy()
        self._direction.choose(policy.direction)
        self._level.choose(policy.level)
        self.query_one("#go-on").focus()

    @on(Rows.Chosen)
    def _picked(self, event: Rows.Chosen) -> None:
        event.stop()
        self.screen.focus_next()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.host.work(lambda: self._settle(), "direction", exclusive=True, node=self)

    async def _settle(self) -> None:
        direction, level = self._direction.chosen, self._level.chosen

        def settle(connecting: Connecting) -> None:
            connecting.direction(cast("Direction", direction), cast("Level", level))

        await self.wizard.ask(settle)
        self.settled()
