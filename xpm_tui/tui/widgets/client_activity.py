"""What happened to a client: its newest changes and its current jobs, below the fields of both sides."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from textual.app import ComposeResult
from textual.containers import Vertical

from xpm_tui.domain import formatting
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.xpm import XpmJob
from xpm_tui.tui.widgets.cells import Line, fit, lines, ours, span
from xpm_tui.tui.widgets.text import TextLabel

SHOWN = 3
"""Lines of each of the two."""
NO_CHANGES: Line = [ours(" No run has changed this client.", "muted")]
NO_JOBS: Line = [ours(" No current job.", "muted")]


class ClientActivity(Vertical):
    """Two sections; its style sheet shows it only where there is room."""

    def __init__(self) -> None:
        super().__init__()
        self._history, self._jobs = TextLabel(), TextLabel()
        self._history.border_title, self._jobs.border_title = "History", "Jobs in XPM"

    def compose(self) -> ComposeResult:
        """The history above the jobs."""
        yield self._history
        yield self._jobs

    def clear(self) -> None:
        """No client is chosen."""
        self._history.say(lines(()))
        self._jobs.say(lines(()))

    def show(self, history: Sequence[tuple[datetime, str]], jobs: Sequence[XpmJob]) -> None:
        """The newest changes, each with its time, and the jobs, the newest first."""
        columns = max(20, self.content_size.width)
        self._history.say(lines([_change(*each, columns) for each in history[:SHOWN]] or [NO_CHANGES]))
        found = [_job(job, columns) for job in jobs[:SHOWN]]
        if len(jobs) > SHOWN:
            rest = formatting.count(len(jobs) - SHOWN + 1, "more job")
            found[-1] = [ours(f" … and {rest}", "muted")]
        self._jobs.say(lines(found or [NO_JOBS]))


def _change(at: datetime, text: str, columns: int) -> Line:
    return fit([ours(f" {formatting.when_short(at):<13}", "muted"), span(visible(text))], columns)


def _job(job: XpmJob, columns: int) -> Line:
    state = span(f"  {job.state}", "muted")
    return fit([ours(" "), span(job.number, "xpm"), ours("  "), span(job.name), state], columns)
