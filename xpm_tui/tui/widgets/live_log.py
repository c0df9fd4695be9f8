"""The log as it is written: followed while it is in front, and what a person does with its lines."""

from __future__ import annotations

from textual import on
from textual.message import Message

from xpm_tui.model.runs import Run
from xpm_tui.service.practice import OpenPractice
from xpm_tui.service.runs import history as runs
from xpm_tui.tui.widgets.explains import Explains
from xpm_tui.tui.widgets.log_lines import LogLine
from xpm_tui.tui.widgets.log_pane import LogPane
from xpm_tui.tui.widgets.log_source import Follower

LOOK = 0.25
"""Seconds between two looks at the log while it is in front."""

LINGER = 12
"""Looks without news after which the log of a run that ended is taken for whole."""

LOG_KEYS = (
    ("/", "show only lines with these letters"),
    ("l", "least level shown"),
    ("end", "go to the newest line and stay there"),
    ("space", "hold the picture still"),
    ("enter", "jump to the client of the line, or to its run"),
    ("y", "copy the line"),
    ("w", "save the lines shown to a private file"),
)


class LiveLog(Explains, LogPane):
    """The log of one run (``run``), live, finished or of another process; of the whole practice without.

    Tells the run's state with ``Looked`` whenever that is another one.
    """

    SAVES = frozenset({"export"})

    class Looked(Message):
        """The run stands otherwise than at the last look."""

        def __init__(self, run: Run) -> None:
            super().__init__()
            self.run = run

    def __init__(self, *, run: str = "", empty: str) -> None:
        super().__init__(empty=empty)
        self._run_id = run
        self.run: Run | None = None
        self._linger = LINGER
        self._looking = False
        self._follower: Follower | None = None

    @property
    def _over(self) -> bool:
        """Whether nothing more can come: the run has ended, and its last lines are here."""
        return self.run is not None and self.run.outcome != "running" and self._linger <= 0

    def on_mount(self) -> None:
        """Begin to follow."""
        self.set_interval(LOOK, self._tick)
        self._tick()

    def _tick(self) -> None:
        if self.screen.is_current and not self._looking and not self._over:
            self._looking = True
            self.host.work(lambda: self._look(), "follow", node=self)

    async def _look(self) -> None:
        # Never two at a time, and never one cancelled: what was polled would be lost.
        try:
            await self._follow()
        finally:
            self._looking = False

    async def _follow(self) -> None:
        def read(practice: OpenPractice) -> tuple[Run | None, list[LogLine]]:
            if self._follower is None:
                self._follower = Follower(practice, run=self._run_id)
            # The run is read first: what it wrote before it ended is then in the log for sure.
            run = runs.show(practice, self._run_id) if self._run_id else None
            return run, self._follower.poll(practice)

        run, news = await self.host.desk.ask(read)
        if news:
            self.feed(news)
        if run is None:
            return
        # Other threads of the run may still be writing its last lines when it is already called done.
        self._linger = LINGER if news or run.outcome == "running" else self._linger - 1
        if run != self.run:
            self.run = run
            self.post_message(self.Looked(run))

    @on(LogPane.Jump)
    def _jump(self, event: LogPane.Jump) -> None:
        event.stop()
        if event.line.record:
            self.host.show_client(event.line.record)
        elif event.line.run and event.line.run != self._run_id:
            self.host.show_run(event.line.run)

    @on(LogPane.Copy)
    def _copy(self, event: LogPane.Copy) -> None:
        event.stop()
        self.app.copy_to_clipboard(event.line.text)

    @on(LogPane.Export)
    def _export(self, event: LogPane.Export) -> None:
        event.stop()
        self.host.work(lambda: self._save(event.text), "export", node=self)

    async def _save(self, text: str) -> None:
        path = self.host.save_text(f"log-{self._run_id or 'practice'}.txt", text)
        self.host.toast(f"The lines are in {path}")
