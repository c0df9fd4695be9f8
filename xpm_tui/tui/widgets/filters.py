"""The saved filters of a list on one line: the one in force in brackets, others as far as there is room."""

from __future__ import annotations

from collections.abc import Sequence

from xpm_tui.tui.widgets.line import Span, ours


def filter_spans(names: Sequence[str], place: int, room: int) -> list[Span]:
    """The names around the one at ``place``; ``‹`` and ``›`` where more are to be had with [ and ]."""
    first, last = place, place
    used = len(names[place]) + 4
    while True:
        before = first > 0 and used + len(names[first - 1]) + 2 <= room
        after = last + 1 < len(names) and used + len(names[last + 1]) + 2 <= room
        # What stands before comes first, so that the line begins with the first name where it can.
        if before:
            first -= 1
            used += len(names[first]) + 2
        elif after:
            last += 1
            used += len(names[last]) + 2
        else:
            break
    found = [ours("‹" if first else " ", "muted")]
    for at in range(first, last + 1):
        here = at == place
        found.append(ours(f"[{names[at]}]" if here else f" {names[at]} ", "head" if here else "muted"))
    return [*found, ours("›" if last + 1 < len(names) else " ", "muted")]
