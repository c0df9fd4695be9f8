"""Direction and level: which side is the master, and how much is carried."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, RadioButton, RadioSet, Static

from xpm_tui.model.plan import Direction, Level
from xpm_tui.service.connection import Connecting
from xpm_tui.service.steps import Step
from xpm_tui.tui.plain import show
from xpm_tui.tui.steps.pane import Pane, button

DIRECTIONS: tuple[tuple[Direction, str], ...] = (
    ("from_xpm", "From XPM: XPM is the master, its values overwrite Ignition's"),
    ("to_xpm", "To XPM: Ignition is the master, its values overwrite XPM's"),
)
LEVELS: tuple[tuple[Level, str], ...] = (
    ("everything", "Everything: names, contacts, addresses, phones, people, groups"),
    ("name", "Client name: the name alone"),
    ("nothing", "Nothing: only links and jobs"),
)


class DirectionPane(Pane):
    """Two choices and a button. Nothing is written by choosing."""

    STEP = "direction"
    INTRO = (
        "Which side is right where they differ? The other one is overwritten: shown before, undoable after."
    )

    def __init__(self) -> None:
        super().__init__()
        self._direction = RadioSet(*(RadioButton(show(words)) for _, words in DIRECTIONS), compact=True)
        self._level = RadioSet(*(RadioButton(show(words)) for _, words in LEVELS), compact=True)

    def body(self) -> ComposeResult:
        """Direction, level, go on."""
        yield self._direction
        yield Static(show("How much is carried on"), classes="label after")
        yield self._level
        with Horizontal(classes="buttons"):
            yield button("Go on", "go-on")

    def begin(self, step: Step) -> None:
        """What is in force now; go on is the safe one."""
        policy = self.console_app.desk.practice.policy()
        directions, levels = [d for d, _ in DIRECTIONS], [level for level, _ in LEVELS]
        list(self._direction.query(RadioButton))[directions.index(policy.direction)].value = True
        list(self._level.query(RadioButton))[levels.index(policy.level)].value = True
        self.query_one("#go-on").focus()

    @on(Button.Pressed)
    async def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        direction = DIRECTIONS[max(0, self._direction.pressed_index)][0]
        level = LEVELS[max(0, self._level.pressed_index)][0]

        def settle(connecting: Connecting) -> None:
            connecting.direction(direction, level)

        await self.wizard.ask(settle)
        self.settled()
