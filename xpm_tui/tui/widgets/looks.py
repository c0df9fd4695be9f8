"""How the console draws states: label and sign of each code from the one registry, with a style."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xpm_tui.model import labels
from xpm_tui.model.labels import Label, Labels
from xpm_tui.tui.widgets.line import Look, Span, span


@dataclass(frozen=True)
class StateLooks:
    """One table of labels with the style of each of its codes; the label and sign say the state, too."""

    labels: Labels
    styles: Mapping[str, Look]

    def look(self, code: str) -> Look:
        """Return the style of a code."""
        return self.styles.get(code, "")

    def label(self, code: str) -> Label:
        """Return the label of a code."""
        return labels.label(self.labels, code)

    def draw(self, code: str, *, written: str = "") -> Span:
        """Return sign and label of a code; ``written`` is the side written, where a label names it."""
        return span(labels.of_sides(self.label(code).marked, written), self.look(code))

    def sign(self, code: str) -> Span:
        """Return the sign of a code alone."""
        return span(self.label(code).glyph or " ", self.look(code))


RUN_OUTCOMES = StateLooks(labels.RUN_OUTCOMES, {
    "running": "accent", "done": "good", "partial": "warn", "held": "warn",
    "failed": "bad", "interrupted": "bad", "stopped": "warn", "skipped": "muted",
})  # fmt: skip
LINK_STATES = StateLooks(labels.LINK_STATES, {
    "linked": "good", "archived": "muted", "gone": "bad", "converted": "warn",
    "ambiguous": "warn", "ignored": "muted", "unlinked": "warn",
})  # fmt: skip
MEMBER_STATES = StateLooks(labels.MEMBER_STATES, {
    "linked": "good", "gone": "bad", "proposed": "accent", "maybe": "warn", "unlinked": "warn",
})  # fmt: skip
MATCHES = StateLooks(labels.MATCHES, {"sure": "good", "likely": "accent", "weak": "muted"})
MARKS = StateLooks(labels.MARKS, {"first": "accent", "drift": "warn", "conflict": "bad", "clearing": "bad"})
CONFLICT_STATES = StateLooks(labels.CONFLICT_STATES, {
    "planned": "bad", "held": "warn", "overwritten": "accent", "undone": "muted",
})  # fmt: skip
JOB_STATES = StateLooks(labels.JOB_STATES, {
    "coming": "muted", "due": "accent", "missed": "warn", "going": "warn", "held": "warn",
    "failed": "bad", "deployed": "good", "skipped": "muted", "stopped": "warn",
})  # fmt: skip
PROBLEM_WEIGHTS = StateLooks(labels.PROBLEM_WEIGHTS, {"hold": "bad", "ask": "warn", "note": "muted"})
PROPOSAL_STATES = StateLooks(labels.PROPOSAL_STATES, {
    "to take": "warn", "ours": "good", "changed": "warn", "draft": "accent", "revoked": "muted",
})  # fmt: skip
VERDICTS = StateLooks(labels.VERDICTS, {"ok": "good", "note": "warn", "trouble": "bad", "skipped": "muted"})
SEVERITIES = StateLooks(labels.SEVERITIES, {"debug": "muted", "warning": "warn", "error": "bad"})
STEP_STATES = StateLooks(labels.STEP_STATES, {
    "done": "good", "now": "accent", "todo": "muted", "skipped": "muted",
})  # fmt: skip
