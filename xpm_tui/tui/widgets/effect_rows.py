"""What linking a client would change, in rows: refusals, warnings, its former client, and values."""

from __future__ import annotations

from itertools import product

from xpm_tui.application.presenters.views import EffectView
from xpm_tui.commands.link_effects import former_line, former_summary, outlook
from xpm_tui.domain import formatting
from xpm_tui.domain.fields import label as field_label
from xpm_tui.domain.safe_text import Shown, visible
from xpm_tui.tui.widgets import cells
from xpm_tui.tui.widgets.cells import Line, Look, Span, fixed, span, wrap

VALUE_CHARACTERS = 60
"""The most characters of a value in what linking would change."""
WHAT_COLUMNS = 30
"""The most columns of what changes, so that its values stay in sight."""


def effect_rows(effect: EffectView, columns: int, most: int, spare: int = 0) -> list[Line]:
    """Return what linking would change in at most ``most`` rows; values that do not fit are counted.

    Lines that wrap, such as those with long names, may take ``spare`` rows more.
    """
    found: list[Line] = []
    for count, brief in product(range(most, 0, -1), (False, True)):
        texts = _effect_lines(effect, count, brief)
        found = [row for line in texts for row in wrap(line, columns)]
        if len(found) <= most + min(spare, len(found) - len(texts)):
            break
    return found[: most + spare]


def _effect_lines(effect: EffectView, most: int, brief: bool) -> list[Line]:
    """Return at most ``most`` lines: refusals and warnings, then the values."""
    found: list[Line] = []
    if effect.refused:
        found.append([fixed(" ✕ ", "bad"), span(effect.refused)])
    if effect.needs_yes:
        found.append([fixed(" ▲ ", "warn"), span(effect.needs_yes)])
    if effect.replaces:
        old = effect.replaces
        found.append([fixed(" ▲ ", "warn"), span(f"Replaces the link to #{old.number} {old.name}"),
                      fixed("; the last synced values are discarded." if effect.drops_base else "."),
                      ])  # fmt: skip
    found += [[fixed(" ▲ ", "warn"), span(warning)] for warning in effect.warnings]
    if effect.jobs:
        stay = formatting.plural(len(effect.jobs), "stays/stay")
        text = f"{formatting.count(len(effect.jobs), 'job')} in XPM {stay} there: {', '.join(effect.jobs)}"
        found.append([fixed(" ▲ ", "warn"), span(text)])
    if effect.quiet:
        found.append([fixed(" · ", "muted"), fixed("This client will be linked, but not synced.")])
    if not effect.refused:
        former = _former(effect, max(2, most - len(found) - 1))
        found += former
        if len(found) < most:
            found += _values(effect, most - len(found), brief)
    return found[:most]


def _former(effect: EffectView, most: int) -> list[Line]:
    """Return what came from the former client and what happens to it."""
    if not effect.former:
        return []
    looks: dict[str, Look] = {"replaced": "warn", "removed": "bad", "same": "muted", "kept": "accent"}
    found: list[Line] = [[fixed(" ▲ ", "warn"), span(former_summary(effect))]]
    room = max(0, most - 1)
    # What stays or is lost comes first: the values of the new client are listed below as well.
    former = sorted(
        effect.former, key=lambda each: ("kept", "removed", "replaced", "same").index(each.outcome)
    )
    shown = former if len(former) <= room else former[: max(0, room - 1)]
    found += [[fixed("   "), span(former_line(each), looks.get(each.outcome, ""))] for each in shown]
    if len(shown) < len(former):
        more = len(former) - len(shown)
        found.append([fixed(f"   and {more} more: enter lists all of them before it links", "muted")])
    return found


def _values(effect: EffectView, most: int, brief: bool) -> list[Line]:
    changes, left = effect.changes, effect.differences
    if not changes and not left:
        return [[fixed(" ✓ ", "good"), span(outlook(effect))]]
    if not changes:
        return [
            [fixed(" ≠ ", "warn"), fixed("Nothing would be synced; what differs stays as it is. ")],
            [fixed("   "), span(left[0].reason, "muted")],
            *_differing(effect, most - 2),
        ][:most]
    planned, _, stay = outlook(effect).partition("; ")
    room = max(0, most - 1 - bool(stay))
    shown = changes if len(changes) <= room else changes[: max(0, room - 1)]
    found: list[Line] = [[fixed(" → ", "accent"), span(f"{planned}{':' if shown else '.'}")]]
    for change in shown:
        what = formatting.cut(visible(field_label(change.field) + change.whose), WHAT_COLUMNS)
        old, new = formatting.both(change.old_shown, change.new_shown, VALUE_CHARACTERS)
        found.append(
            [
                fixed(f"   {what:<16} ", "muted"),
                Span(old, "muted"),
                fixed(" → "),
                Span(new, "strong"),
                *([fixed("  "), cells.MARKS.draw(change.mark, side=change.side)] if change.mark else []),
            ]
        )
    if 0 < len(shown) < len(changes):
        found.append([Span(Shown(f"   and {len(changes) - len(shown)} more"), "muted")])
    if stay:
        found.append([fixed(" ≠ ", "warn"), span(f"{stay.partition(' (')[0] if brief else stay}.")])
    return found


def _differing(effect: EffectView, most: int) -> list[Line]:
    """Return what stays different after the link, both sides side by side."""
    found: list[Line] = []
    for each in effect.differences[: max(0, most)]:
        here, there = formatting.both(each.ignition, each.xpm, VALUE_CHARACTERS)
        found.append(
            [
                fixed("   "),
                span(f"{each.label:<16} ", "muted"),
                Span(here, "strong"),
                fixed(" in Ignition, ", "muted"),
                Span(there, "strong"),
                fixed(" in XPM", "muted"),
            ]
        )
    return found
