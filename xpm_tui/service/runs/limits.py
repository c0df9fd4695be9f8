"""The guard's limits, from the settings in force."""

from __future__ import annotations

from xpm_tui.settings.store import Settings
from xpm_tui.sync.limits import GuardLimits


def guard_limits(settings: Settings) -> GuardLimits:
    """From which counts a run that nobody reviewed waits for a person."""
    return GuardLimits(
        list_share=settings.number("guard.source_percent") / 100,
        list_fewer=settings.number("guard.source_fewer"),
        records_min=settings.number("guard.records_count"),
        records_share=settings.number("guard.records_percent") / 100,
        field_min=settings.number("guard.field_count"),
        field_share=settings.number("guard.field_percent") / 100,
        emptied_min=settings.number("guard.emptied_count"),
        emptied_share=settings.number("guard.emptied_percent") / 100,
        new_jobs=settings.number("jobs.max_new"),
    )
