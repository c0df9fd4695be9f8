"""Proposals for one client: how sure, in words, and why."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from xpm_tui.service.telling.views import ProposalView
from xpm_tui.tui.widgets import looks
from xpm_tui.tui.widgets.items import Items
from xpm_tui.tui.widgets.line import Line, fit, ours, span, wrap

INDENT = " " * 4


class Proposals(Items[ProposalView]):
    """Four lines each: name and number, UUID and facts, the reasons in two."""

    row_height = 4
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "choose", "Accept")]

    def draw(self, row: int, line: int, columns: int) -> Line:
        """Name and number; UUID and facts; reasons."""
        view = self.items[row]
        word, look = looks.MATCHES.draw(view.level)
        if line == 0:
            state = "  ARCHIVED" if view.archived else "  PROSPECT" if view.prospect else ""
            return [
                ours(f" {word:<9}", look), ours(f"{view.score:>3}  ", "strong"),
                *fit([span(view.name, "strong"), ours(state, "warn")], max(10, columns - 28)),
                ours(" #", "muted"), span(view.number or "–", "strong"),
            ]  # fmt: skip
        if line == 1:
            facts = "  ".join(filter(None, (view.code, view.email, view.city)))
            return [ours(INDENT), span(view.uuid, "muted"), ours("  "), span(facts)]
        reasons = wrap([span("; ".join(view.reasons), look or "muted")], columns - len(INDENT) - 1)
        return [ours(INDENT), *reasons[line - 2]] if line - 2 < len(reasons) else []
