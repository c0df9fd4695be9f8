"""Throwing away what the retention settings no longer keep; at most once a day."""

from __future__ import annotations

import msgspec

from xpm_tui.book.backup import prune_backups
from xpm_tui.book.retention import outdated
from xpm_tui.service.identity import put, read
from xpm_tui.service.practice import OpenPractice


class Tidied(msgspec.Struct, frozen=True):
    """The day (UTC) of the last time."""

    day: str


def tidy(practice: OpenPractice) -> int:
    """Drop old days of the log, runs and what hangs on them, plans and backups; gives how many rows went."""
    snapshot, now = practice.snapshot(), practice.clock.now()
    today = now.date().isoformat()
    before = read(snapshot, "tidied", Tidied)
    if before is not None and before.day == today:
        return 0
    kept = practice.settings.number
    practice.events.drop_older(kept("retention.log_days"))
    prune_backups(practice.data / "book", kept("retention.backups"))
    writes = outdated(
        snapshot, now=now, runs_days=kept("retention.runs_days"), images_days=kept("retention.images_days")
    )
    practice.book.commit([*writes, put("tidied", Tidied(today))])
    return len(writes)
