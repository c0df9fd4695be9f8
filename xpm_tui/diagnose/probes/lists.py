"""Is each list of XPM open to this login? One small call each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xpm_tui.diagnose.finding import Finding, from_error, note, ok
from xpm_tui.diagnose.sight import Ask
from xpm_tui.model.errors import ScopeMissing


@dataclass(frozen=True)
class ListOpen:
    """One list. ``ask`` gives the number of its records; ``vital``: sync cannot do without it.

    The client list is asked for the changes of the last minute only, which shows that it is open.
    """

    list: str
    vital: bool
    ask: Ask[int]
    seen: str = "records"
    needs: ClassVar[tuple[str, ...]] = ("permission",)

    @property
    def name(self) -> str:
        """``list-staff``."""
        return f"list-{self.list}"

    @property
    def title(self) -> str:
        """For people."""
        return f"XPM's list of {self.list}"

    async def look(self) -> Finding:
        """Ask for it. A list that the scopes do not open is a note, unless nothing works without it."""
        try:
            count = await self.ask()
        except ScopeMissing as closed:
            told = from_error(closed)
            if self.vital:
                return told
            return note(
                f"The list of {self.list} is not open to this login; the rest works without it.",
                *told.evidence,
                case=told.case,
                hint=told.hint,
            )
        return ok("It is open.", f"{self.seen}: {count:,}")
