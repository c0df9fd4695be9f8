"""All acts. Importing this loads no screen, no wire and no book: what an act needs it loads when it runs."""

from __future__ import annotations

from typing import Any

from xpm_tui.commands import (
    clients,
    connection,
    csv_files,
    data,
    deletions,
    deployment,
    doctor,
    inbox,
    job_reports,
    jobs,
    links,
    log,
    maintenance,
    plans,
    practices,
    proposals,
    records,
    renewals,
    runs,
    schedule,
    settings,
    staff,
    sync,
    team,
    templates,
)
from xpm_tui.commands import records as editing
from xpm_tui.commands import settings as policy
from xpm_tui.commands.command import Command

COMMANDS: tuple[Command[Any], ...] = (
    *connection.COMMANDS,
    *clients.COMMANDS,
    *editing.COMMANDS,
    *records.RECORD_COMMANDS,
    *deletions.COMMANDS,
    *links.COMMANDS,
    *csv_files.COMMANDS,
    *inbox.COMMANDS,
    *plans.COMMANDS,
    *policy.POLICY_COMMANDS,
    *sync.COMMANDS,
    *runs.RUN_COMMANDS,
    *sync.RETRY_COMMANDS,
    *log.COMMANDS,
    *schedule.COMMANDS,
    *settings.COMMANDS,
    *team.COMMANDS,
    *staff.COMMANDS,
    *templates.COMMANDS,
    *deployment.COMMANDS,
    *jobs.COMMANDS,
    *job_reports.COMMANDS,
    *proposals.COMMANDS,
    *renewals.COMMANDS,
    *maintenance.COMMANDS,
    *practices.COMMANDS,
    *data.COMMANDS,
    *doctor.COMMANDS,
)

GROUPS: dict[str, str] = {
    "cases": "Known problems: symptoms and what to do.",
    "clients": "Clients: list, link, review, bring in from XPM.",
    "contacts": "Contacts: add, edit, delete.",
    "data": "Data: check, repair, compact, back up, restore.",
    "export": "Write files for Ignition.",
    "import": "Import Ignition's files, or undo the last import.",
    "inbox": "The inbox: files that other programs deliver.",
    "jobs": "Jobs: list, preview, edit, skip, deploy, retry, redeploy, audit, forecast.",
    "policy": "What is synced, field by field; switch fields off and on.",
    "practices": "Practices of this account.",
    "proposals": "Proposals: list, new, accept, take over, revoke.",
    "runs": "Runs: list, show, stop, resume, release.",
    "schedule": "Sync by itself, every 15 minutes to once a day.",
    "services": "Services: list, new, edit, delete.",
    "settings": "Settings: list, get, set, unset.",
    "team": "Team: link to XPM staff, add, create.",
    "templates": "Job templates: list, link, accept, rules and defaults for new jobs.",
}
"""What a group of verbs is about, where the group is no verb itself."""

RENAMED: dict[tuple[str, ...], str] = {("book",): "data", ("proposals", "take"): "take-over"}
"""Earlier words of verbs, with the word that replaced them: they still work, and help does not list them."""

_BY_NAME = {act.name: act for act in COMMANDS}
_BY_VERB = {
    (*act.verb[:-1], last): act for act in COMMANDS if act.verb for last in (act.verb[-1], *act.aliases)
}


def by_name(name: str) -> Command[Any]:
    """The act of that name; raises ``KeyError``."""
    return _BY_NAME[name]


def by_verb(*words: str) -> Command[Any] | None:
    """The act with those words on the command line, earlier words included."""
    today: tuple[str, ...] = ()
    for word in words:
        today += (RENAMED.get((*today, word), word),)
    return _BY_VERB.get(today)


def for_area(area: str) -> tuple[Command[Any], ...]:
    """The acts that have a key in an area of the console, in the order of the footer."""
    return tuple(act for act in COMMANDS if act.key and (area in act.where or "*" in act.where))
