"""Proposals for one client: how sure, in words, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from xpm_tui.service.telling.views import ProposalView
from xpm_tui.tui.widgets.line import Line, Look, Span, fit, ours, span
from xpm_tui.tui.widgets.rows import Rows

LEVELS: dict[str, tuple[str, Look]] = {
    "sure": ("✓ sure", "good"),
    "likely": ("~ likely", "accent"),
    "weak": ("· weak", "muted"),
}


class Proposals(Rows):
    """Three lines each: name and ids, what it is like, the reasons."""

    row_height = 3
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "choose", "Accept")]

    def __init__(self) -> None:
        super().__init__()
        self.proposals: Sequence[ProposalView] = ()

    def show(self, proposals: Sequence[ProposalView]) -> None:
        """Those of another client."""
        self.proposals = proposals
        self.reload(0)

    @property
    def proposal(self) -> ProposalView | None:
        """The one under the cursor."""
        return self.proposals[self.cursor] if 0 <= self.cursor < len(self.proposals) else None

    def count(self) -> int:
        """How many."""
        return len(self.proposals)

    def draw(self, row: int, line: int, columns: int) -> Line:
        """Name and number; UUID and facts; reasons."""
        view = self.proposals[row]
        word, look = LEVELS.get(view.level, (view.level, ""))
        if line == 0:
            state = "  ARCHIVED" if view.archived else "  PROSPECT" if view.prospect else ""
            return [
                ours(f" {word:<9}", look), ours(f"{view.score:>3}  ", "strong"),
                *fit([span(view.name, "strong"), ours(state, "warn")], max(10, columns - 28)),
                ours(" #", "muted"), span(view.number or "–", "strong"),
            ]  # fmt: skip
        if line == 1:
            facts = "  ".join(filter(None, (view.code, view.email, view.city)))
            return [ours(" " * 15), span(view.uuid, "muted"), ours("  "), span(facts)]
        reasons: list[Span] = [ours(" " * 15), span("; ".join(view.reasons), look or "muted")]
        return reasons
