"""What linking would do, before it is done: the values that go across, and what to know first."""

from __future__ import annotations

from xpm_tui.model import formatting, labels
from xpm_tui.model.fields import label as field_label
from xpm_tui.model.text import Shown
from xpm_tui.service.telling.views import EffectView
from xpm_tui.tui.widgets import looks
from xpm_tui.tui.widgets.line import Line, Span, ours, span


def effect_lines(effect: EffectView, most: int) -> list[Line]:
    """At most ``most`` lines: refusals and warnings first, then the values."""
    found: list[Line] = []
    if effect.refused:
        found.append([ours(" ✗ ", "bad"), span(effect.refused)])
    if effect.needs_yes:
        found.append([ours(" ! ", "warn"), span(effect.needs_yes)])
    if effect.replaces:
        old = effect.replaces
        found.append([ours(" ! ", "warn"), span(f"Replaces the link to #{old.number} {old.name}"),
                      ours("; what was agreed is forgotten." if effect.drops_base else ".")])  # fmt: skip
    found += [[ours(" ! ", "warn"), span(warning)] for warning in effect.warnings]
    if effect.jobs:
        told = f"{formatting.count(len(effect.jobs), 'job')} in XPM stay behind: {', '.join(effect.jobs)}"
        found.append([ours(" ! ", "warn"), span(told)])
    if effect.quiet:
        found.append([ours(" · ", "muted"), ours("As the second client there it carries no field.")])
    if not effect.refused:
        found += _values(effect, most - len(found))
    return found[:most]


def _values(effect: EffectView, most: int) -> list[Line]:
    changes = effect.changes
    if not changes:
        return [[ours(" ✓ ", "good"), ours("Both sides agree: the next sync would change nothing.")]]
    sides = {change.side for change in changes}
    where = " and ".join(labels.SIDES[side].text for side in labels.SIDES if side in sides)
    head: list[Span] = [
        ours(" → ", "accent"),
        ours(f"The next sync would make {formatting.count(len(changes), 'change')} in {where}:"),
    ]
    found: list[Line] = [head]
    room = max(0, most - 1)
    shown = changes if len(changes) <= room else changes[: max(0, room - 1)]
    for change in shown:
        found.append(
            [
                ours(f"   {field_label(change.field):<16} ", "muted"),
                Span(formatting.value(change.old_shown, limit=60), "muted"),
                ours(" → "),
                Span(formatting.value(change.new_shown, limit=60), "strong"),
                *([ours("  "), looks.MARKS.draw(change.mark, written=change.side)] if change.mark else []),
            ]
        )
    if len(shown) < len(changes):
        found.append([Span(Shown(f"   and {len(changes) - len(shown)} more"), "muted")])
    return found
