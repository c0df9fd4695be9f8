"""One run with its log: live while it goes on, whoever started it, and the same afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from xpm_tui.acts.registry import by_name
from xpm_tui.model.runs import Run
from xpm_tui.service import runs
from xpm_tui.service.practice import OpenPractice
from xpm_tui.tui.log_source import Follower
from xpm_tui.tui.screens.dialog import Confirm
from xpm_tui.tui.screens.help import Page
from xpm_tui.tui.styles import style
from xpm_tui.tui.widgets.foot import Foot
from xpm_tui.tui.widgets.log_lines import LogLine
from xpm_tui.tui.widgets.log_pane import LogPane
from xpm_tui.tui.widgets.run_card import run_lines
from xpm_tui.tui.widgets.says import Says
from xpm_tui.tui.widgets.words import lines

if TYPE_CHECKING:
    from xpm_tui.tui.app import Console

HELD = {"held": "runs.release", "interrupted": "runs.resume", "stopped": "runs.resume"}
"""What goes on with a run that ended before its end."""

LINGER = 12
"""Looks without news after which the log of a run that ended is taken for whole."""

LOOK = 0.25
"""Seconds between two looks at a run that goes on."""


class RunScreen(Screen[None]):
    """The card over the log."""

    CSS_PATH: ClassVar = style("run")
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "stop", "Stop"),
        Binding("u", "undo", "Undo"),
        Binding("r", "release", "Release"),
        Binding("escape", "leave", "Back"),
    ]

    def __init__(self, run_id: str) -> None:
        super().__init__()
        self._run_id = run_id
        self._run: Run | None = None
        self._linger = LINGER
        self._looking = False
        self._follower: Follower | None = None
        self._card = Says(classes="run-card", fixed=False)
        self._pane = LogPane(empty="This run has written nothing to the log yet.")

    @property
    def _app(self) -> Console:
        return cast("Console", self.app)

    def compose(self) -> ComposeResult:
        """The card over the log."""
        yield self._card
        yield self._pane
        yield Foot()

    def on_mount(self) -> None:
        """Begin to follow."""
        self.set_interval(LOOK, self._tick)
        self._tick()

    def on_screen_resume(self) -> None:
        """The log has the keys."""
        if self.focused is None:
            self._pane.rows.focus()

    def _tick(self) -> None:
        live = self._run is None or self._run.outcome == "running" or self._linger > 0
        if live and self.is_current and not self._looking:
            self._looking = True
            self._app.work(lambda: self._look(), "follow", node=self)

    async def _look(self) -> None:
        # Never two at a time, and never one cancelled: what was polled would be lost.
        try:
            await self._follow()
        finally:
            self._looking = False

    async def _follow(self) -> None:
        def read(practice: OpenPractice) -> tuple[Run, list[LogLine]]:
            if self._follower is None:
                self._follower = Follower(practice, run=self._run_id)
            # The run is read first: what it wrote before it ended is then in the log for sure.
            run = runs.show(practice, self._run_id)
            return run, self._follower.poll(practice)

        run, news = await self._app.desk.ask(read)
        if news:
            self._pane.feed(news)
        # Other threads of the run may still be writing its last lines when it is already called done.
        self._linger = LINGER if news or run.outcome == "running" else self._linger - 1
        if run != self._run:
            self._run = run
            now = self._app.desk.practice.clock.now()
            self._card.say(lines(run_lines(run, now, self.size.width)))
            self.refresh_bindings()

    @on(LogPane.Jump)
    def _jump(self, event: LogPane.Jump) -> None:
        event.stop()
        self._app.show_client(event.record)

    @on(LogPane.Copy)
    def _copy(self, event: LogPane.Copy) -> None:
        event.stop()
        self.app.copy_to_clipboard(event.line.text)

    @on(LogPane.Export)
    def _export(self, event: LogPane.Export) -> None:
        event.stop()
        path = self._app.save_text(f"log-{self._run_id}.txt", event.text)
        self._app.toast(f"The lines are in {path}")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only a run that goes on can be stopped."""
        if action == "stop":
            return True if self._run is not None and self._run.outcome == "running" else None
        if action == "undo":
            return True if self._run is not None and self._run.outcome != "running" else None
        if action == "release":
            return self._run is not None and self._run.outcome in HELD
        return True

    def action_release(self) -> None:
        """Plan anew what was held, and go on if nothing has grown; a run that was cut off is resumed."""
        if self._run is not None:
            act = by_name(HELD[self._run.outcome])
            reason = act.unavailable(self._app.situation("sync", record=self._run_id))
            if reason:
                self._app.toast(reason, "warning")
            else:
                self._app.perform(act, {"run": self._run_id}, ask=False)

    def action_undo(self) -> None:
        """Take it back: shown first."""
        self._app.undo(run=self._run_id)

    def action_leave(self) -> None:
        """The run does not mind."""
        self.dismiss(None)

    def action_stop(self) -> None:
        """Ask it to stop after its current step."""
        self._app.work(lambda: self._stop(), "stop", exclusive=True, node=self)

    async def _stop(self) -> None:
        question = (
            "Stop this run after its current step?\nNothing is lost: the next sync goes on where it was."
        )
        if await self._app.push_screen_wait(
            Confirm(question, title=f"Run {self._run_id}", yes="Stop", no="Go on")
        ):
            await self._app.desk.ask(runs.request_stop, self._run_id)
            self._app.toast("It stops after its current step.")

    def help_page(self) -> Page:
        """F1."""
        return Page(
            "Run",
            "What this run does, or did. It goes on by itself: leaving this screen or the console does "
            "not end it.",
            [
                *LOG_KEYS,
                ("x", "stop it after its current step"),
                ("u", "take it back: shown first"),
                ("esc", "leave; the run goes on"),
            ],
        )


LOG_KEYS = [
    ("/", "show only lines with these letters"),
    ("l", "least level shown"),
    ("end", "go to the newest line and stay there"),
    ("space", "hold the picture still"),
    ("enter", "jump to the client of the line"),
    ("y", "copy the line"),
    ("w", "save the lines shown to a private file"),
]
