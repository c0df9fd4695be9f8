"""The effects of linking two records, as sentences for the question, the preview and the result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from xpm_tui.commands.tables import to_plain
from xpm_tui.domain import labels
from xpm_tui.domain.fields import label
from xpm_tui.domain.formatting import arrow, count, value

if TYPE_CHECKING:
    from xpm_tui.application.presenters.views import EffectView, FormerView


def effect_lines(effect: EffectView) -> list[str]:
    """Return what linking two records would do, as the lines of the question."""
    xpm = effect.xpm
    client = effect.client
    lines = [f"{client.id} {client.name}  →  {xpm.number} {xpm.name} ({xpm.uuid})"]
    if effect.replaces:
        lines.append(f"It replaces the link to {effect.replaces.number} {effect.replaces.name}.")
    lines += [effect.refused] if effect.refused else []
    lines += [effect.needs_yes] if effect.needs_yes else []
    lines += former_lines(effect)
    lines += effect.warnings
    lines += [f"Job {job} stays with the former client." for job in effect.jobs]
    lines += [f"{outlook(effect)}{':' if effect.changes else ''}"] if not effect.refused else []
    if effect.changes:
        for change in effect.changes[:12]:
            where = "Ignition" if change.side == "ignition" else "XPM"
            values = arrow(change.old_shown, change.new_shown)
            lines.append(f"  {where}, {label(change.field)}{change.whose}: {values}")
        if len(effect.changes) > 12:
            lines.append(f"  and {len(effect.changes) - 12} more")
    return lines


def outlook(effect: EffectView) -> str:
    """Return what the next sync would do after the link, and how much would still differ."""
    left = effect.differences
    names = ", ".join(dict.fromkeys(each.label for each in left[:4])) + (
        " and others" if len(left) > 4 else ""
    )
    stay = f"{count(len(left), 'field')} would still differ ({names})" if left else ""
    if effect.changes:
        sides = {change.side for change in effect.changes}
        where = " and ".join(labels.SIDES[side].text for side in labels.SIDES if side in sides)
        planned = f"The next sync would make {count(len(effect.changes), 'change')} in {where}"
        replaced = sum(bool(change.old) for change in effect.changes)
        planned += f", and replace {count(replaced, 'value')}" if replaced else ""
        return f"{planned}; {stay}" if stay else planned
    if not stay:
        return "Both records have the same values."
    return f"Nothing would be synced: {stay}. {left[0].reason}"


def former_data(effect: EffectView) -> dict[str, Any]:
    """Return what happens to the data that came from another XPM client, as JSON data."""
    former = [to_plain(each) for each in effect.former]
    return {"former": former, "former_counts": effect.former_counts}


def former_sum(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return the sum of the counts of several clients."""
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return dict(total)


def with_former(line: str, counts: Mapping[str, int]) -> str:
    """Return the line of one client, with the amount of former data that the link changes."""
    values = counts.get("replaced", 0) + counts.get("removed", 0)
    contacts, kept = counts.get("contacts_removed", 0), counts.get("kept", 0)
    parts = [
        count(values, "value") + " replaced or removed" if values else "",
        count(contacts, "contact") + " removed" if contacts else "",
        f"{kept:,} kept" if kept else "",
    ]
    text = ", ".join(filter(None, parts))
    return f"{line} (of the former client: {text})" if text else line


def former_summary(effect: EffectView) -> str:
    """Return what happens to the data that came from another XPM client, as a sentence; empty if none."""
    if not effect.former:
        return ""
    counts = effect.former_counts
    names = list(dict.fromkeys(each.came_from.name for each in effect.former))
    parts = [
        count(counts["replaced"], "value") + " replaced" if counts["replaced"] else "",
        count(counts["removed"], "value") + " removed" if counts["removed"] else "",
        count(counts["contacts_removed"], "contact") + " removed" if counts["contacts_removed"] else "",
        f"{counts['kept']:,} kept" if counts["kept"] else "",
        f"{counts['same']:,} the same in the new client" if counts["same"] else "",
    ]
    text = ", ".join(filter(None, parts))
    return f"{text[0].upper()}{text[1:]}: from {' and '.join(names)}."


def former_lines(effect: EffectView) -> list[str]:
    """Return what happens to each value and contact that came from another XPM client."""
    if not effect.former:
        return []
    return [former_summary(effect), *(f"  {former_line(each)}" for each in effect.former)]


def former_line(each: FormerView) -> str:
    """Return what happens to one value of a former client, as a line."""
    what = each.label if each.field == "contact" or "/" not in each.record else each.label + " of a contact"
    old = value(each.old_shown)
    match each.outcome:
        case "replaced":
            return f"{what}: {arrow(each.old_shown, each.new_shown)}"
        case "removed":
            return f"{what}: {old} is removed"
        case "same":
            return f"{what}: {old} stays: the new client has the same"
    return f"{what}: {old} stays ({each.why}), came from {each.came_from.name}"
