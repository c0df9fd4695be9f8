"""Throwing away what the retention settings no longer keep; at most once a day."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from xpm_tui.model.ports import Drop, Snapshot, Write
from xpm_tui.model.tables import IMAGES, INTENTS, RUNS, STOPS
from xpm_tui.service.identity import put, read
from xpm_tui.service.practice import OpenPractice

_ENDED = ("done", "failed")


class Tidied(msgspec.Struct, frozen=True):
    """The day (UTC) of the last time."""

    day: str


def tidy(practice: OpenPractice) -> int:
    """Drop old days of the log, before-images, journal entries and runs; gives how many rows went."""
    snapshot, now = practice.snapshot(), practice.clock.now()
    today = now.date().isoformat()
    before = read(snapshot, "tidied", Tidied)
    if before is not None and before.day == today:
        return 0
    practice.events.drop_older(practice.settings.number("retention.log_days"))
    runs_kept = now - timedelta(days=practice.settings.number("retention.runs_days"))
    images_kept = now - timedelta(days=practice.settings.number("retention.images_days"))
    old_runs = {run.id for run in snapshot.rows(RUNS) if run.ended and run.ended < runs_kept}
    undoable = {run.id for run in snapshot.rows(RUNS) if not run.ended or run.ended >= images_kept}
    writes = _old(snapshot, old_runs, undoable)
    practice.book.commit([*writes, put("tidied", Tidied(today))])
    return len(writes)


def _old(snapshot: Snapshot, old_runs: set[str], undoable: set[str]) -> list[Write]:
    writes: list[Write] = [Drop(RUNS, run) for run in old_runs]
    writes += [Drop(STOPS, stop.id) for stop in snapshot.rows(STOPS) if stop.id in old_runs]
    writes += [Drop(IMAGES, image.id) for image in snapshot.rows(IMAGES) if image.run not in undoable]
    writes += [
        Drop(INTENTS, intent.id)
        for intent in snapshot.rows(INTENTS)
        if intent.state in _ENDED and intent.run not in undoable
    ]
    return writes
