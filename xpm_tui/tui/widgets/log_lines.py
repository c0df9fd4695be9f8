"""What the log pane holds: a ring of lines, and the part of it that the filters let through."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from xpm_tui.model.events import Severity
from xpm_tui.model.text import Shown

RANK: dict[Severity, int] = {"debug": 0, "info": 1, "warning": 2, "error": 3}
LEVELS: tuple[Severity, ...] = ("debug", "info", "warning", "error")


class LogLine(NamedTuple):
    """One event as it is shown; ``record`` is the book client to jump to, empty where there is none."""

    at: datetime | None
    level: Severity
    text: Shown
    record: str = ""
    id: str = ""
    run: str = ""


class Ring:
    """The last ``most`` lines. Old ones go by the tenth of it, so that dropping stays cheap."""

    def __init__(self, most: int = 10_000) -> None:
        self.most = most
        self.level: Severity = "info"
        self.text = ""
        self.dropped = 0
        self._all: list[LogLine] = []
        self._seen: list[LogLine] = []

    def __len__(self) -> int:
        return len(self._seen)

    @property
    def held(self) -> int:
        """Lines kept, shown or not."""
        return len(self._all)

    @property
    def shown(self) -> Sequence[LogLine]:
        """Lines that the filters let through, oldest first."""
        return self._seen

    def add(self, lines: Iterable[LogLine]) -> tuple[int, int]:
        """Take new lines; gives how many of them are shown, and how many shown ones fell out in front."""
        fresh = list(lines)
        self._all.extend(fresh)
        passed = [line for line in fresh if self.lets(line)]
        self._seen.extend(passed)
        if len(self._all) <= self.most:
            return len(passed), 0
        away = len(self._all) - self.most + self.most // 10
        gone = sum(1 for line in self._all[:away] if self.lets(line))
        del self._all[:away]
        del self._seen[:gone]
        self.dropped += away
        return len(passed), gone

    def filter(self, level: Severity | None = None, text: str | None = None) -> None:
        """Show other lines of those that are kept."""
        self.level = self.level if level is None else level
        self.text = self.text if text is None else text.casefold()
        self._seen = [line for line in self._all if self.lets(line)]

    def lets(self, line: LogLine) -> bool:
        """Whether the filters let a line through."""
        if RANK[line.level] < RANK[self.level]:
            return False
        return not self.text or self.text in line.text.casefold()

    def clear(self) -> None:
        """Forget all lines; the filters stay."""
        self._all.clear()
        self._seen.clear()
        self.dropped = 0
