"""How states look; their words and marks are in ``tui.when``, so that colour never says it alone."""

from __future__ import annotations

from xpm_tui.tui.widgets.line import Look

OUTCOMES: dict[str, Look] = {
    "running": "accent", "done": "good", "partial": "warn", "held": "warn",
    "failed": "bad", "interrupted": "bad", "stopped": "warn", "skipped": "muted",
}  # fmt: skip
"""Of a run."""

LINK_STATES: dict[str, Look] = {
    "linked": "good", "archived": "muted", "gone": "bad", "converted": "warn",
    "ambiguous": "warn", "ignored": "muted", "unlinked": "warn",
}  # fmt: skip
"""Of a client's link."""
