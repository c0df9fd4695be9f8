"""Which events somebody wants to see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from xpm_tui.events.sentences import sentence
from xpm_tui.model.events import Event, Severity

SEVERITIES: tuple[Severity, ...] = ("debug", "info", "warning", "error")
RANK = {name: rank for rank, name in enumerate(SEVERITIES)}


@dataclass(frozen=True)
class EventFilter:
    """Empty parts let everything through; ``level`` is the least one shown, ``since`` an aware time.

    ``record`` is a client's id (its contacts included), an XPM UUID or a contact's full id. ``text`` is
    looked for, in any case, in the sentence as it is shown and in the call.
    """

    run: str = ""
    level: Severity = "debug"
    record: str = ""
    text: str = ""
    since: datetime | None = None

    def lets(self, event: Event, names: Callable[[str], str] | None = None) -> bool:
        """Whether the event is wanted; ``names`` fills in the sentence that ``text`` is looked for in."""
        if self.run and event.run != self.run:
            return False
        if RANK[event.level] < RANK[self.level]:
            return False
        if self.since is not None and event.at is not None and event.at < self.since:
            return False
        if self.record and not self._about(event):
            return False
        return not self.text or self._says(event, names)

    def _about(self, event: Event) -> bool:
        return (
            event.record == self.record
            or event.uuid == self.record
            or event.record.startswith(self.record + "/")
        )

    def _says(self, event: Event, names: Callable[[str], str] | None) -> bool:
        wanted = self.text.casefold()
        shown = f"{sentence(event, names)} {event.call} {event.key}"
        return wanted in shown.casefold()


EVERYTHING = EventFilter()
