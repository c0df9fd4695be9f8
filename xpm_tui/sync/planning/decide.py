"""The three-way decision for one field: master, other side, and what they last agreed on. Nothing else.

Like a merge with a common ancestor, except that the master decides: an edit on the other side is overwritten,
but it is known to have been there.
"""

from __future__ import annotations

from typing import Literal

from xpm_tui.model.links import Value
from xpm_tui.sync.view import is_blank

Verdict = Literal["same", "agree", "fill", "first", "update", "drift", "conflict", "clear"]
"""``same``: nothing to do. ``agree``: nothing to write, but both sides are to be remembered as they are.
The others write the master's value: into a blank, over a value never agreed on, after an edit of the master,
over an edit of the other side, over both sides' edits; ``clear`` empties what the master emptied."""


def decide(master: Value, other: Value, agreed: tuple[Value, Value] | None) -> Verdict:
    """What is to become of the other side's value; ``agreed`` is (master, other) at the last agreement."""
    if master == other:
        return "same" if agreed == (master, other) else "agree"
    if agreed is None:
        if is_blank(master):
            return "agree"
        return "fill" if is_blank(other) else "first"
    master_moved, other_moved = master != agreed[0], other != agreed[1]
    if not master_moved and not other_moved:
        return "same"
    if is_blank(master):
        return "clear" if master_moved else "agree"
    if not other_moved:
        return "update"
    return "conflict" if master_moved else "drift"
