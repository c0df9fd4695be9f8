"""Keys from acts: one table feeds the bindings, the footer, the palette and the help."""

from __future__ import annotations

from collections.abc import Sequence

from textual.binding import Binding

from xpm_tui.commands.command import Situation
from xpm_tui.commands.registry import ACTS, for_area
from xpm_tui.tui.dialogs.help import Page
from xpm_tui.tui.dialogs.palette import Entry

MOST_SHOWN = 7
"""Entries of a footer: more are cut off at 80 columns, without a sign."""

COMMAND_LINE = frozenset({"log", "status", "clients.list", "runs.list", "settings.list", "team.list"})
"""Acts that an area shows all the time: as an entry of the palette they would only be a worse copy."""

_SHOWN = {"slash": "/", "colon": ":", "question_mark": "?", "escape": "esc", "delete": "del"}


def shown(key: str) -> str:
    """A key as people read it."""
    return _SHOWN.get(key, key)


def bindings(area: str) -> list[Binding]:
    """The bindings of an area's acts; the first few with a footer word are shown."""
    found: list[Binding] = []
    room = MOST_SHOWN
    for act in for_area(area):
        if not act.key:
            continue
        show = bool(act.footer) and room > 0
        room -= show
        found.append(
            Binding(
                act.key,
                f"act({act.name!r})",
                act.footer or act.title,
                show=show,
                tooltip=act.help,
                id=act.name,
            )
        )
    return found


def entries(area: str, situation: Situation) -> list[Entry]:
    """What the palette offers: acts of the area first, then those of everywhere, each with its reason."""
    here = for_area(area)
    rest = [act for act in ACTS if act not in here and act.name not in COMMAND_LINE]
    rest.sort(key=lambda act: act.name.partition(".")[0] != area)
    return [
        Entry(
            name=act.name,
            title=act.title,
            help=act.help,
            key=shown(act.key) if act in here else "",
            words=" ".join((*act.verb, *act.aliases)),
            reason=act.unavailable(situation),
        )
        for act in (*here, *rest)
    ]


def page(title: str, about: str, area: str, more: Sequence[tuple[str, str]] = ()) -> Page:
    """The help of an area: what it is for, then its keys."""
    keys = [(shown(act.key), act.title) for act in for_area(area) if act.key]
    return Page(title, about, [*keys, *more])
