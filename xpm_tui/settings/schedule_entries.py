"""The settings of the schedule and of notifications."""

from __future__ import annotations

from xpm_tui.settings.kinds import CLOCK_TIME, TEXT, YES_NO, SettingEntry, choice, integer

SCHEDULE_ENTRIES: tuple[SettingEntry, ...] = (
    SettingEntry(
        "schedule.every",
        "How often it syncs",
        choice("daily", "1h", "30m", "15m"),
        "daily",
        "How often the scheduled sync runs. After a change, install the schedule again.",
    ),
    SettingEntry(
        "schedule.at",
        "Time of the daily sync",
        CLOCK_TIME,
        "06:30",
        "When the daily sync, or the daily full comparison, starts in the practice's time zone.",
    ),
    SettingEntry(
        "schedule.minute",
        "Minute of the hour",
        integer(0, 59, "minutes"),
        0,
        "At which minute of the hour the schedule starts; installing it keeps several practices apart.",
    ),
    SettingEntry(
        "schedule.require_sign_in",
        "Scheduled sync needs recent use",
        YES_NO,
        True,
        "Run the scheduled sync only if someone has used the tool in the last 24 hours, as Ignition does.",
    ),
    SettingEntry(
        "schedule.full_days",
        "Full comparison, days",
        integer(1, 31, "days"),
        7,
        "After this many days, a daily sync compares everything, not only what XPM reports as changed.",
    ),
    SettingEntry(
        "notify.command",
        "Notification command",
        TEXT,
        "",
        "The command to run when a run is held or fails, a file of the inbox fails, a login is needed, or "
        "there has been no successful sync for the time in “Hours without a sync”.",
    ),
    SettingEntry(
        "notify.hours",
        "Hours without a sync",
        integer(1, 8_760, "hours"),
        80,
        "After this time without a successful sync, you are warned; the default is longer than a weekend.",
    ),
)
