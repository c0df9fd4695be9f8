"""Differences that stay, in words: counted by reason, and listed under it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from xpm_tui.domain.formatting import count, value, wrap

if TYPE_CHECKING:
    from xpm_tui.application.presenters.differences import DifferenceView
    from xpm_tui.domain.plan import Plan

SHOWN = 3
"""Differences that a terminal shows of each reason; the others are counted."""


def remaining_count(number: int, *, more: bool = False) -> str:
    """Return how many fields differ and stay as they are; ``more``: besides those that are planned."""
    noun = "other field differs and stays as it is/other fields differ and stay as they are"
    return count(number, noun if more else noun.replace("other ", ""))


NO_CLIENTS = (
    "There are no clients from Ignition yet, so there is nothing to compare. Import Ignition's client file: "
    "xpm-tui import clients FILE. Or bring clients in from XPM: xpm-tui clients pick --all"
)


def nothing_planned(plan: Plan, *, clients: int = 1) -> str:
    """Return what a plan without a change says; ``clients`` are those of Ignition that are stored here."""
    if not clients:
        return NO_CLIENTS
    if plan.left_different:
        return f"Nothing to change. {remaining_count(plan.left_different)}."
    return "Nothing to change." if plan.people else "Nothing to change: both sides agree."


def difference_lines(views: Iterable[DifferenceView], most: int = 0) -> Iterator[str]:
    """Yield the differences under their reasons, the most frequent reason first.

    Args:
        views: The differences.
        most: How many are listed of each reason; 0 lists them all.
    """
    groups: dict[tuple[str, str], list[DifferenceView]] = {}
    counts: dict[tuple[str, str], int] = {}
    for view in views:
        key = (view.rule, view.reason)
        counts[key] = counts.get(key, 0) + 1
        found = groups.setdefault(key, [])
        if not most or len(found) < most:
            found.append(view)
    for key in sorted(groups, key=lambda key: -counts[key]):
        rule, reason = key
        yield from wrap(f"{count(counts[key], 'field')}: {reason} ({rule})", indent="  ")
        if groups[key][0].hint:
            yield f"    {groups[key][0].hint}"
        yield from (f"    {difference_line(view)}" for view in groups[key])
        if counts[key] > len(groups[key]):
            yield f"    and {counts[key] - len(groups[key]):,} more"


def difference_line(view: DifferenceView) -> str:
    """Return one difference on a line."""
    client, _, contact = view.record.partition("/")
    who = f"{client}  {view.name}" + (f"  (XPM {view.number})" if view.number else "")
    of = f" of {contact[:8]}" if contact else ""
    sides = (("Ignition", view.ignition_shown), ("XPM", view.xpm_shown))
    told = ", ".join(f"{side} {value(shown, none='') or '(blank)'}" for side, shown in sides)
    return f"{who}  {view.label}{of}: {told}"
