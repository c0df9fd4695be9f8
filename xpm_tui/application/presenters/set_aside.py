"""Presentation of XPM records that were set aside because they cannot be read: which, why, what to do."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import msgspec

from xpm_tui.domain.fields import CLIENT
from xpm_tui.domain.formatting import count
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.quarantine import Quarantined, RecordFault
from xpm_tui.domain.safe_text import visible
from xpm_tui.sync.mirror import set_aside

SHOWN = 5
"""How many of them a summary names."""


class SetAsideView(msgspec.Struct, frozen=True, kw_only=True):
    """One record of XPM that was set aside.

    ``list`` is the list it came in, ``record`` what it is known by in a sentence, ``fields`` the labels of
    the fields that are set aside (empty: the record as a whole), ``remedy`` what to correct in XPM, and
    ``effect`` what is not done meanwhile.
    """

    list: str
    record: str
    uuid: str | None
    number: str | None
    name: str | None
    fields: tuple[str, ...]
    problem: str
    remedy: str
    effect: str

    @property
    def sentence(self) -> str:
        """Return the record, what is wrong with it, and what to do."""
        return f"{self.record}: {self.problem}. {self.remedy}"


def set_aside_views(snapshot: Snapshot, only: Collection[str] | None = None) -> tuple[SetAsideView, ...]:
    """Return what is set aside now; ``only`` keeps the XPM clients with these UUIDs, and nothing else."""
    return tuple(
        _view(name, one)
        for name, found in set_aside(snapshot).items()
        for one in found
        if only is None or (name == "clients" and one.uuid in only)
    )


def set_aside_summary(views: Collection[SetAsideView]) -> str:
    """Return how many records were set aside and what follows from it; empty where none was."""
    if not views:
        return ""
    whole = sum(1 for view in views if not view.fields)
    parts = [count(whole, "record")] if whole else []
    parts += [f"fields of {count(len(views) - whole, 'record')}"] if len(views) > whole else []
    verb = "was" if len(views) == whole == 1 else "were"
    return (
        f"Some of what XPM sent cannot be read, so {' and '.join(parts)} {verb} set aside. "
        "Everything else is synced as usual."
    )


def set_aside_lines(views: Collection[SetAsideView], shown: int = SHOWN) -> list[str]:
    """Return a summary with the first records; nothing where none was set aside."""
    if not views:
        return []
    more = len(views) - shown
    return [
        set_aside_summary(views),
        *(f"  {view.sentence}" for view in [*views][:shown]),
        *([f"  and {more:,} more: xpm-tui status"] if more > 0 else []),
    ]


def _view(name: str, one: Quarantined) -> SetAsideView:
    return SetAsideView(
        list=name,
        record=str(visible(one.called, 160)),
        uuid=one.uuid or None,
        number=one.number or None,
        name=str(visible(one.name, 120)) or None,
        fields=() if one.whole else tuple(_labels(one.faults)),
        problem=one.problem,
        remedy=one.remedy,
        effect=one.effect,
    )


def _labels(faults: Iterable[RecordFault]) -> Iterable[str]:
    for fault in faults:
        field = CLIENT.get(fault.attribute)
        yield field.label if field is not None else fault.where
