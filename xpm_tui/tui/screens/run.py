"""One run with its log: live while it goes on, whoever started it, and the same afterwards."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from xpm_tui.domain.runs import Run
from xpm_tui.tui.dialogs.help import HelpPage
from xpm_tui.tui.screens.base import DetailScreen
from xpm_tui.tui.theme import style
from xpm_tui.tui.widgets.cells import lines
from xpm_tui.tui.widgets.live_log import LOG_KEYS, LiveLog
from xpm_tui.tui.widgets.run_card import FRAME, HELD, frame_text, run_lines, run_subtitle, run_title
from xpm_tui.tui.widgets.text import TextLabel


class RunScreen(DetailScreen[None]):
    """The card over the log."""

    CSS_PATH: ClassVar = style("run")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "stop", "Stop"),
        Binding("u", "undo", "Undo"),
        Binding("v", "values", "Values", tooltip="Every value that the run wrote, old and new"),
        Binding("a", "release", "Release"),
        Binding("a", "resume", "Resume", tooltip="Find out what it left undone, and finish it"),
    ]

    def __init__(self, run_id: str) -> None:
        super().__init__()
        self._run_id = run_id
        self._card = TextLabel(classes="run-card panel", fixed=False)
        self._card.border_title = f"Run {run_id}"
        self._pane = LiveLog(run=run_id, empty="The log of this run is still empty.")

    def body(self) -> ComposeResult:
        """The card over the log."""
        yield self._card
        yield self._pane

    @property
    def _run(self) -> Run | None:
        return self._pane.run

    def on_screen_resume(self) -> None:
        """The log has the keys."""
        if self.focused is None:
            self._pane.rows.focus()

    @on(LiveLog.Looked)
    def _looked(self, event: LiveLog.Looked) -> None:
        event.stop()
        now = self.host.worker.practice.clock.now()
        self._card.border_title = frame_text(run_title(event.run))
        self._card.border_subtitle = frame_text(run_subtitle(event.run))
        self._card.say(lines(run_lines(event.run, now, self.size.width - FRAME, event.forecast)))
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Show in the foot what can be released or resumed; of any other run neither."""
        run = self._run
        if action in ("release", "resume") and run is not None:
            # What a run that made jobs left is continued in Jobs: one job, or all of a cause.
            if run.kind == "deploy" or HELD.get(run.outcome) != f"runs.{action}":
                return False
        elif action == "resume":
            return False
        return super().check_action(action, parameters)

    def why_not(self, action: str) -> str:
        """Only a run that goes on can be stopped, only one that has ended be taken back."""
        going = self._run is None or self._run.outcome == "running"
        if action == "stop" and not going:
            return "The run has ended: there is nothing to stop."
        if action in ("undo", "release", "resume") and going:
            return "The run is going on: x stops it."
        if action == "undo" and self._run is not None and self._run.kind == "deploy":
            return "This run created jobs: jobs in XPM are never changed from here."
        return ""

    def action_resume(self) -> None:
        """Finish a run that was stopped or interrupted."""
        self.action_release()

    def action_release(self) -> None:
        """Plan again what was held, and continue if nothing has grown."""
        run = self._run
        if run is not None and run.outcome in HELD and not self.refused(HELD[run.outcome], record=run.id):
            self.host.release(run.id)

    def action_values(self) -> None:
        """Old and new, client by client, to read or to copy."""
        self.host.read_command("runs.show", {"run": self._run_id}, f"Run {self._run_id}")

    def action_undo(self) -> None:
        """Take it back: shown first."""
        self.host.undo(run=self._run_id)

    def action_stop(self) -> None:
        """Ask it to stop."""
        self.host.work(lambda: self._stop(), "stop", exclusive=True, node=self)

    async def _stop(self) -> None:
        result = await self.host.run_named("runs.stop", {"run": self._run_id}, title=f"Run {self._run_id}")
        if not result.declined:
            self.host.toast("\n".join(result.lines))

    def help_page(self) -> HelpPage:
        """F1."""
        return HelpPage(
            "Run",
            "What this run does or did. It continues by itself: leaving this screen or the console "
            "does not end it.",
            [
                *LOG_KEYS,
                ("x", "stop it: nothing more is sent"),
                ("u", "undo it, after showing what that does"),
                ("v", "every value that it wrote, old and new, client by client"),
                ("a", "release it when it is held; resume it when it was stopped or interrupted"),
                ("esc", "back; the run continues"),
            ],
        )
