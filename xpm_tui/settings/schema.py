"""Every setting once: key, kind, default and what it means. Files, environment, options, screen and the
reference page are made from this table."""

from __future__ import annotations

from dataclasses import dataclass

from xpm_tui.model.errors import BadInput
from xpm_tui.model.fields import SYNCED
from xpm_tui.model.secret import Secret
from xpm_tui.model.text import visible
from xpm_tui.settings.kinds import (
    CLOCK_TIME,
    JOB_NAME,
    JOB_NUMBER,
    ORIGIN,
    SCOPES,
    SECRET,
    TEXT,
    YES_NO,
    ZONE,
    Kind,
    Setting,
    choice,
    integer,
    several,
)

PREFIX = "XPM_TUI_"
"""What every environment variable of ours begins with."""

FIELDS: tuple[str, ...] = tuple(field.name for field in SYNCED)
"""The fields that sync can be told to leave alone; ``contact``: whether whole contacts come and go."""


@dataclass(frozen=True)
class Entry:
    """One setting. ``help`` is a sentence for the person who meets it on the Settings screen."""

    key: str
    kind: Kind
    default: Setting
    help: str

    @property
    def env(self) -> str:
        """Name of its environment variable."""
        return PREFIX + self.key.upper().replace(".", "_")

    @property
    def secret(self) -> bool:
        """Whether the value is never shown."""
        return isinstance(self.default, Secret)


SECTIONS: dict[str, str] = {
    "xero": "Where Xero is, and which app signs in",
    "sync": "Which side is the master, and what is brought",
    "guard": "When a run that nobody has reviewed stops",
    "gate": "Calls to Xero",
    "schedule": "The daily run",
    "notify": "Being told",
    "jobs": "Work templates and jobs",
    "retention": "How long things are kept",
    "practice": "The practice",
    "log": "The log",
    "": "The console",
}

SCHEMA: tuple[Entry, ...] = (
    Entry("xero.login_url", ORIGIN, "https://login.xero.com", "Where the browser is sent to sign in."),
    Entry("xero.identity_url", ORIGIN, "https://identity.xero.com",
          "Where logins are exchanged and renewed."),
    Entry("xero.api_url", ORIGIN, "https://api.xero.com", "Where Practice Manager and connections are."),
    Entry("xero.client_id", TEXT, "", "Client id of the app that was registered with Xero."),
    Entry("xero.client_secret", SECRET, Secret(),
          "Client secret, for an app of the web-app type only; a PKCE app has none."),
    Entry("xero.scopes", SCOPES, "granular",
          "What the login may do: a preset, or scope names. With granular alone Xero may not "
          "list job templates."),
    Entry("xero.redirect_port", integer(1024, 65535, "port"), 8765,
          "Port of http://localhost:PORT/callback, as registered with the app."),
    Entry("sync.direction", choice("from_xpm", "to_xpm"), "from_xpm",
          "The master: from_xpm lets XPM overwrite Ignition, to_xpm lets Ignition overwrite XPM."),
    Entry("sync.level", choice("everything", "name", "nothing"), "everything",
          "How much is carried on: every field of the policy, the client name alone, or nothing."),
    Entry("sync.on_conflict", choice("overwrite", "hold"), "overwrite",
          "Both sides changed the same field: let the master win (marked, undoable), or wait for a person."),
    Entry("sync.clear", choice("never", "ask", "yes"), "ask",
          "The master emptied a field that was filled: keep the other side, ask, or empty it too."),
    Entry("sync.off", several(FIELDS), (), "Fields that sync leaves alone for every client of the practice."),
    Entry("sync.daily_push", YES_NO, False,
          "To XPM: let the daily run write to XPM by itself, inside the guard. No: it plans and waits."),
    Entry("sync.create_lag", integer(0, 86_400, "seconds"), 300,
          "How long a record that we made may take to show up in XPM before a person is asked."),
    Entry("guard.source_percent", integer(0, 100, "percent"), 90,
          "Stop when the source list has less than this part of the last complete one, and see "
          "source_fewer."),
    Entry("guard.source_fewer", integer(1, 1_000_000, "records"), 5,
          "A shorter source list stops the run only when it has at least this many records fewer."),
    Entry("guard.records_count", integer(0, 1_000_000, "records"), 20,
          "Stop when more agreed records change than this and than records_percent."),
    Entry("guard.records_percent", integer(0, 100, "percent"), 30,
          "The same as a part of all agreed records."),
    Entry("guard.field_count", integer(0, 1_000_000, "records"), 20,
          "Stop when one field changes in more agreed records than this and than field_percent."),
    Entry("guard.field_percent", integer(0, 100, "percent"), 30, "The same as a part of all agreed records."),
    Entry("guard.emptied_count", integer(0, 1_000_000, "records"), 5,
          "Stop when one field is emptied in more agreed records than this and than emptied_percent."),
    Entry("guard.emptied_percent", integer(0, 100, "percent"), 10,
          "The same as a part of all agreed records."),
    Entry("gate.day_reserve", integer(0, 5_000, "calls"), 100,
          "Calls of the day that a run leaves for people and for recovery."),
    Entry("schedule.at", CLOCK_TIME, "06:30", "When the daily run starts, in the practice's time zone."),
    Entry("schedule.require_sign_in", YES_NO, True,
          "Run daily only if someone used the tool during the past 24 hours, as Ignition does."),
    Entry("schedule.full_days", integer(1, 31, "days"), 7,
          "Every so many days the daily run compares everything instead of what XPM says has changed."),
    Entry("notify.command", TEXT, "",
          "Command that is run when a run is held or fails, a login is needed, or nothing has "
          "synced for notify.hours."),
    Entry("notify.hours", integer(1, 8_760, "hours"), 80,
          "No good sync for this long is told as trouble. The default outlasts a weekend."),
    Entry("jobs.default_category", TEXT, "", "Job category of a new job, by name; empty: none."),
    Entry("jobs.budget", choice("none", "proposal"), "none",
          "Budget of a new job: none, or the value of the proposal's services."),
    Entry("jobs.state_code", TEXT, "",
          "Code of the state that a new job is put into; empty: XPM's first state."),
    Entry("jobs.days_early", integer(0, 365, "days"), 0,
          "How early an occurrence is deployed before its date."),
    Entry("jobs.due_days", integer(1, 3_660, "days"), 365,
          "A job without an end is due so long after its start."),
    Entry("jobs.per", choice("proposal", "project"), "proposal",
          "One job for a whole proposal, or one per project."),
    Entry("jobs.name", JOB_NAME, "{proposal}", "Name of a job."),
    Entry("jobs.name_recurring", JOB_NAME, "{proposal} {period}", "Name of a job that comes back."),
    Entry("jobs.number", JOB_NUMBER, "",
          "Job numbers of our own, such as IGN-{workflow}-{date}, by which a job is found again for sure; "
          "empty: XPM gives its next number."),
    Entry("jobs.reference", choice("none", "client", "proposal"), "proposal",
          "Client order number by which Xero's invoices find the job: CLI-n, PROP-n, or none."),
    Entry("jobs.ignition_deploys", choice("unknown", "yes", "no"), "unknown",
          "Whether XPM is still switched on in Ignition. While it may be, nothing is deployed from here."),
    Entry("jobs.automatic", YES_NO, False,
          "Deploy accepted proposals without being asked, from the day of this choice."),
    Entry("jobs.max_new", integer(0, 10_000, "jobs"), 10,
          "More new jobs than this in one run wait for a person."),
    Entry("jobs.missing_person", choice("skip", "hold"), "skip",
          "A partner, manager or staff member is not linked: leave the person out and say so, "
          "or hold the job."),
    Entry("retention.runs_days", integer(1, 36_500, "days"), 730, "How long the history of runs is kept."),
    Entry("retention.images_days", integer(1, 36_500, "days"), 90,
          "How long old values are kept: a run older than this cannot be undone."),
    Entry("retention.log_days", integer(1, 36_500, "days"), 365, "How long the log is kept."),
    Entry("retention.backups", integer(1, 1_000, "backups"), 5, "How many backups of the book are kept."),
    Entry("practice.timezone", ZONE, "", "Time zone of the practice: it decides which day a job is due."),
    Entry("log.level", choice("debug", "info", "warning", "error"), "info",
          "The least that the log writes down."),
    Entry("theme", TEXT, "auto",
          "Theme of the console: auto, dark, light, or the name of one in its palette."),
)  # fmt: skip

BY_KEY: dict[str, Entry] = {entry.key: entry for entry in SCHEMA}
BY_ENV: dict[str, Entry] = {entry.env: entry for entry in SCHEMA}


def entry(key: str) -> Entry:
    """The setting of that key; raises ``BadInput`` that names the nearest one."""
    found = BY_KEY.get(key) or BY_KEY.get(key.strip().casefold().replace("-", "_"))
    if found is None:
        raise BadInput(f"There is no setting {visible(key, 80)}.", hint=nearest(key))
    return found


def nearest(key: str) -> str:
    """A hint: the setting whose key is most like ``key``, or where all of them are listed."""
    import difflib

    key = key.casefold()
    near = difflib.get_close_matches(key, BY_KEY, 1, 0.6)
    if not near:
        tails = {known.rpartition(".")[2]: known for known in BY_KEY}
        near = [tails[tail] for tail in difflib.get_close_matches(key.rpartition(".")[2], tails, 1, 0.7)]
    return f"Did you mean {near[0]}?" if near else "`xpm-tui settings list` shows all of them."
