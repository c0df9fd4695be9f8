"""All settings, each defined once for files, environment, options, screens and the reference."""

from __future__ import annotations

from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.fields import SYNCED
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.secret import Secret
from xpm_tui.lazy import lazy_imports
from xpm_tui.settings.kinds import (
    BILLING_CATEGORIES,
    CLOCK_TIME,
    DATABASE,
    FIELD_MAPPING,
    FOLDER,
    JOB_NAME,
    JOB_NUMBER,
    ORIGIN,
    SCOPES,
    SECRET,
    TEXT,
    YES_NO,
    ZONE,
    SettingEntry,
    choice,
    integer,
    name_list,
)

with lazy_imports():
    import difflib

FIELDS: tuple[str, ...] = tuple(field.name for field in SYNCED)
"""The fields that can be excluded from sync; ``contact``: whether whole contacts are added and removed."""


SECTIONS: dict[str, str] = {
    "xero": "Xero's addresses, and the app that signs in",
    "sync": "Sync",
    "guard": "Safety limits for a sync nobody has reviewed",
    "gate": "Calls to Xero",
    "schedule": "Scheduled sync",
    "inbox": "The inbox",
    "notify": "Notifications",
    "jobs": "Job templates and jobs",
    "store": "Where the data is stored",
    "retention": "Retention",
    "practice": "The practice",
    "log": "The log",
    "": "The console",
}

SCHEMA: tuple[SettingEntry, ...] = (
    SettingEntry("xero.login_url", "Sign-in address", ORIGIN, "https://login.xero.com",
        "Where the browser is sent to sign in."),
    SettingEntry("xero.identity_url", "Identity address", ORIGIN, "https://identity.xero.com",
        "Where logins are issued and renewed."),
    SettingEntry("xero.api_url", "API address", ORIGIN, "https://api.xero.com",
        "The address of the Practice Manager API and of the list of connections."),
    SettingEntry("xero.client_id", "Client id", TEXT, "",
        "The client id of the app that you registered with Xero."),
    SettingEntry("xero.client_secret", "Client secret", SECRET, Secret(),
        "The client secret, only for apps of the web-app type; a PKCE app has none."),
    SettingEntry("xero.scopes", "Permissions (scopes)", SCOPES, "standard",
        "What the login may do: a preset, or scope names. With granular alone, Xero may not list job "
        "templates and categories; with read_only, nothing can be sent to XPM."),
    SettingEntry("xero.redirect_port", "Redirect port", integer(1024, 65535, "port"), 8765,
        "Port of http://localhost:PORT/callback, as registered with the app."),
    SettingEntry("sync.direction", "Direction", choice("from_xpm", "to_xpm"), "from_xpm",
        "Which system is the master: its values overwrite those of the other system."),
    SettingEntry("sync.level", "What to sync", choice("everything", "name", "nothing"), "everything",
        "Which fields a sync covers: all fields of the policy, the client name only, or none."),
    SettingEntry("sync.on_conflict", "When both sides changed", choice("overwrite", "hold"), "overwrite",
        "Where both sides changed a field: let the master win (marked, can be undone), or hold it for you."),
    SettingEntry("sync.clear", "When the master is emptied", choice("never", "ask", "yes"), "ask",
        "The master emptied a field that had a value: keep the other value, ask you, or empty it too."),
    SettingEntry("sync.off", "Fields switched off", name_list(FIELDS), (),
        "Fields that sync does not change for any client of the practice."),
    SettingEntry("sync.daily_push", "Daily sync writes to XPM", YES_NO, False,
        "In the direction To XPM: whether the daily sync may write to XPM without asking, within the "
        "guard."),
    SettingEntry("sync.create_lag", "Wait for new records", integer(0, 86_400, "seconds"), 300,
        "How long a record that was created in XPM may take to appear there before you are asked."),
    SettingEntry("guard.source_percent", "Shortest list, percent", integer(0, 100, "percent"), 90,
        "Stop when the source list has less than this share of the last complete list; see also “Shortest "
        "list, records”."),
    SettingEntry("guard.source_fewer", "Shortest list, records", integer(1, 1_000_000, "records"), 5,
        "A shorter source list stops the run only when at least this many records are missing."),
    SettingEntry("guard.records_count", "Changed records", integer(0, 1_000_000, "records"), 20,
        "Stop when more synced records change than this, and also more than “Changed records, percent”."),
    SettingEntry("guard.records_percent", "Changed records, percent", integer(0, 100, "percent"), 30,
        "The same limit as a share of all synced records."),
    SettingEntry("guard.field_count", "Changes of a field", integer(0, 1_000_000, "records"), 20,
        "Stop when one field changes in more synced records than this, and also more than “Changes of a "
        "field, percent”."),
    SettingEntry("guard.field_percent", "Changes of a field, percent", integer(0, 100, "percent"), 30,
        "The same limit as a share of all synced records."),
    SettingEntry("guard.emptied_count", "Emptied values", integer(0, 1_000_000, "records"), 5,
        "Stop when one field is emptied in more synced records than this, and also more than “Emptied "
        "values, percent”."),
    SettingEntry("guard.emptied_percent", "Emptied values, percent", integer(0, 100, "percent"), 10,
        "The same limit as a share of all synced records."),
    SettingEntry("gate.day_reserve", "Calls kept in reserve", integer(0, 5_000, "calls"), 100,
        "The calls of the day that a run leaves for other work and for recovery."),
    SettingEntry("schedule.every", "How often it syncs", choice("daily", "1h", "30m", "15m"), "daily",
        "How often the scheduled sync runs. After a change, install the schedule again."),
    SettingEntry("schedule.at", "Time of the daily sync", CLOCK_TIME, "06:30",
        "When the daily sync, or the daily full comparison, starts in the practice's time zone."),
    SettingEntry("schedule.minute", "Minute of the hour", integer(0, 59, "minutes"), 0,
        "At which minute of the hour the schedule starts; installing it keeps several practices apart."),
    SettingEntry("schedule.require_sign_in", "Scheduled sync needs recent use", YES_NO, True,
        "Run the scheduled sync only if someone has used the tool in the last 24 hours, as Ignition does."),
    SettingEntry("schedule.full_days", "Full comparison, days", integer(1, 31, "days"), 7,
        "After this many days, a daily sync compares everything, not only what XPM reports as changed."),
    SettingEntry("notify.command", "Notification command", TEXT, "",
        "The command to run when a run is held or fails, a file of the inbox fails, a login is needed, or "
        "there has been no successful sync for the time in “Hours without a sync”."),
    SettingEntry("notify.hours", "Hours without a sync", integer(1, 8_760, "hours"), 80,
        "After this time without a successful sync, you are warned; the default is longer than a weekend."),
    SettingEntry("inbox.folder", "Inbox folder", FOLDER, "",
        "The folder to which other programs write Ignition's CSV files and events; one for each practice."),
    SettingEntry("inbox.settle_seconds", "Wait for a file, seconds", integer(0, 3_600, "seconds"), 5,
        "How long a file in the inbox must stay unchanged before it is imported."),
    SettingEntry("inbox.patience_seconds", "Wait for a cut file, seconds", integer(0, 86_400, "seconds"), 60,
        "How long to wait for the rest of a file that ends too early before it counts as failed."),
    SettingEntry("inbox.require_line_end", "Require a line end after the last row", YES_NO, True,
        "Refuse a CSV file in the inbox whose last row has no line end, because it may have been cut "
        "short."),
    SettingEntry("inbox.map", "Names of event fields", FIELD_MAPPING, "",
        "Which field each key of an event corresponds to, such as Proposal ref=number; Value=price."),
    SettingEntry("jobs.default_category", "Job category", TEXT, "",
        "The job category of a new job, by name; empty for none."),
    SettingEntry("jobs.category_by_billing", "Job category by billing type", BILLING_CATEGORIES, "",
        "Job categories by the billing type of the services, such as monthly=Bookkeeping; "
        "one-time=Advisory. A service's own category takes precedence; without either, “Job category” "
        "applies."),
    SettingEntry("jobs.budget", "Budget of a job", choice("none", "proposal"), "none",
        "The budget of a new job: none, or the value of the proposal's services."),
    SettingEntry("jobs.state_code", "State of a new job", TEXT, "",
        "The code of the state of a new job; empty for XPM's first state."),
    SettingEntry("jobs.days_early", "Days early", integer(0, 365, "days"), 0,
        "How many days before its date a job is deployed."),
    SettingEntry("jobs.due_days", "Days until due", integer(1, 3_660, "days"), 365,
        "How many days after its start a job is due. If not set, a recurring job is due on the last day of"
        " its period, and any other job at its proposal's end, or after 365 days."),
    SettingEntry("jobs.per", "One job for each", choice("proposal", "project", "entity"), "proposal",
        "One job for a whole proposal, one per project, or one per entity. Where projects are for other "
        "clients, each client gets a job of its own in any case."),
    SettingEntry("jobs.name", "Job name", JOB_NAME, "{proposal}",
        "The name of a job."),
    SettingEntry("jobs.name_recurring", "Name of a recurring job", JOB_NAME, "{proposal} {period}",
        "The name of a job that recurs."),
    SettingEntry("jobs.number", "Job number", JOB_NUMBER, "",
        "Your own job numbers, such as IGN-{workflow}-{date}, by which a job can always be found again; "
        "empty: XPM assigns its next number."),
    SettingEntry("jobs.reference", "Client order number", choice("none", "client", "proposal"), "proposal",
        "The client order number by which Xero's invoices find the job: CLI-n, PROP-n, or none."),
    SettingEntry("jobs.ignition_deploys", "Ignition creates jobs", choice("unknown", "yes", "no"), "unknown",
        "Whether Ignition's own XPM integration still creates jobs. While it may, nothing is deployed "
        "here."),
    SettingEntry("jobs.automatic", "Deploy without asking", YES_NO, False,
        "Whether accepted proposals are deployed without asking, from the day of this choice."),
    SettingEntry("jobs.max_new", "Most new jobs in a run", integer(0, 10_000, "jobs"), 10,
        "A run with more new jobs than this is held for you."),
    SettingEntry("jobs.states_without_invoices", "States without invoices", TEXT, "",
        "Names of job states that are not of XPM's type Standard, separated by commas: the audit reports "
        "jobs in them. XPM does not give the type; completed and cancelled jobs are known."),
    SettingEntry("jobs.missing_person", "When a person is not linked", choice("skip", "hold"), "skip",
        "If a partner, manager or staff member is not linked: create the job without the person and report"
        " it, or hold the job."),
    SettingEntry("store.url", "Database address", DATABASE, Secret(),
        "The PostgreSQL database that holds the practice, where several machines share it. It is not "
        "shown, because it may contain a password. Move existing data with: xpm-tui data move."),
    SettingEntry("retention.runs_days", "Days to keep runs", integer(1, 36_500, "days"), 730,
        "How long the history of runs and of the inbox is kept."),
    SettingEntry("retention.inbox_days", "Days to keep imported files", integer(1, 36_500, "days"), 90,
        "How long imported files stay in the folder done of the inbox. Files that failed stay until they "
        "are imported or you delete them."),
    SettingEntry("retention.images_days", "Days to keep old values", integer(1, 36_500, "days"), 90,
        "How long old values are kept: a run older than this cannot be undone."),
    SettingEntry("retention.log_days", "Days to keep the log", integer(1, 36_500, "days"), 365,
        "How long the log is kept."),
    SettingEntry("retention.backups", "Backups to keep", integer(1, 1_000, "backups"), 5,
        "How many backups of the store are kept."),
    SettingEntry("practice.timezone", "Time zone", ZONE, "",
        "The time zone of the practice: it decides on which day a job is due."),
    SettingEntry("practice.colour", "Colour of the name",
        choice("none", "blue", "pink", "lime", "orange"), "none",
        "The colour in which the console shows the practice's name, so that you notice which one is open."),
    SettingEntry("log.level", "Log level", choice("debug", "info", "warning", "error"), "info",
        "The least severe events that the log records."),
    SettingEntry("theme", "Theme", TEXT, "auto",
        "The theme of the console: auto, dark, light, or the name of a theme in its palette."),
    SettingEntry("glyphs", "Signs and borders", choice("auto", "unicode", "ascii"), "auto",
        "Draw signs and borders with Unicode characters or with plain ASCII ones; auto uses ASCII where "
        "the terminal's encoding is not UTF-8."),
    SettingEntry("cursor", "The terminal's cursor", choice("hidden", "shown"), "hidden",
        "Whether the terminal's own cursor is shown, for screen readers that follow it. It is always at "
        "the focused element."),
)  # fmt: skip
"""Every setting, in the order of the reference: key, label, kind, default and help."""

BY_KEY: dict[str, SettingEntry] = {entry.key: entry for entry in SCHEMA}
BY_ENV: dict[str, SettingEntry] = {entry.env: entry for entry in SCHEMA}


def entry(key: str) -> SettingEntry:
    """Return the setting of a key.

    Raises:
        BadInput: There is none; the message names the nearest key.
    """
    found = BY_KEY.get(key) or BY_KEY.get(key.strip().casefold().replace("-", "_"))
    if found is None:
        raise BadInput(f"There is no setting {visible(key, 80)}.", hint=nearest_hint(key))
    return found


def nearest_hint(key: str) -> str:
    """Return a hint: the setting whose key is most similar, or where all of them are listed."""
    key = key.casefold()
    near = difflib.get_close_matches(key, BY_KEY, 1, 0.6)
    if not near:
        tails = {known.rpartition(".")[2]: known for known in BY_KEY}
        near = [tails[tail] for tail in difflib.get_close_matches(key.rpartition(".")[2], tails, 1, 0.7)]
    return f"Did you mean {near[0]}?" if near else "`xpm-tui settings list` shows all of them."
