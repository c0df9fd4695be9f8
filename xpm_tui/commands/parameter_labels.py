"""The label of each parameter of a command, and of each of its choices, as forms show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from xpm_tui.commands.command import console_help
from xpm_tui.domain import labels
from xpm_tui.domain.fields import SYNCED, editable
from xpm_tui.domain.reason_labels import AUDIT_FINDINGS
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application.jobs import services

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xpm_tui.commands.command import Command, Completes, Param

PARAMETER_LABELS: dict[str, str] = {
    "templates.rules.category": "Job category",
    "templates.rules.budget": "Added to the budget",
    "jobs.audit.csv": "Save as a CSV file",
    "lookups": "Calls for missing jobs",
    "months": "Months",
    "project_client": "Client of a project",
    "edits": "Edits of this term",
    "accept": "Accept proposals",
    "accept_sure": "Accept sure matches",
    "add": "Add to the others",
    "adopt": "Record that was created",
    "again": "Send again",
    "all": "All of them",
    "all_practices": "For all practices",
    "answer": "What you see",
    "anyway": "Despite warnings",
    "automatic": "Only automatic jobs",
    "data.backup.file": "Backup file",
    "data.restore.file": "Backup file",
    "data.move.to": "Move to",
    "bundle": "Bundle file",
    "by_email": "By e-mail",
    "case": "Known problem",
    "cause": "Only this cause",
    "changed": "Only changed ones",
    "clear": "Remove all templates",
    "check": "Only show what is needed",
    "client": "Client",
    "clients.pick.xpm": "XPM clients",
    "clients.search.limit": "Maximum results",
    "confirm": "Name of the practice",
    "contact": "Contact",
    "detach": "In the background",
    "different_from": "Different from",
    "direction": "Direction",
    "drop": "Do not send again",
    "due": "Only jobs that are due",
    "as_of": "Values as of",
    "encoding": "Encoding",
    "everything": "Revoke the login",
    "export": "Review file to write",
    "export.clients.changed": "Only changed clients",
    "export.clients.client": "Only these clients",
    "every": "How often",
    "export.clients.again": "Also those already sent",
    "field": "Field",
    "file": "File",
    "find": "Text to find",
    "follow": "Follow the log",
    "form": "Form of the file",
    "full": "Read all of XPM",
    "if_due": "Only if it is due",
    "ignore": "Not in XPM",
    "job": "Job",
    "jobs": "Jobs",
    "jobs.retry.all": "All that failed",
    "worker.run.jobs": "Practices at the same time",
    "keep": "Keep former values",
    "kind": "Scheduler",
    "last": "Maximum lines",
    "last_day": "On the last day",
    "level": "What to sync",
    "limit": "Maximum",
    "link": "XPM client",
    "list": "Only list them",
    "log.level": "Minimum level",
    "lossy": "Even if rows are lost",
    "map": "Columns",
    "mark_sent": "Count as sent",
    "member": "Team member",
    "mine": "Only those deployed from here",
    "missed": "Also missed ones",
    "mobile": "Mobile",
    "name": "Name",
    "names": "With names",
    "needs_you": "Only those that need you",
    "no_browser": "Without a browser",
    "no_job": "No job",
    "only": "Only",
    "per": "One job for each",
    "phone": "Phone",
    "plan": "Plan",
    "proposal": "Proposal",
    "proposals": "Proposals",
    "files": "Files",
    "folder": "Folder",
    "query": "Text to find",
    "reason": "Reason",
    "record": "Record",
    "repeat": "Repeats",
    "replace": "Overwrite the file",
    "review": "Save as a plan to review",
    "run": "Run",
    "same_names": "With the same name",
    "sent": "What happened to it",
    "service": "Service",
    "proposals.new.service": "Services",
    "settings.get.key": "Setting",
    "settings.set.key": "Setting",
    "switch": "Make it the current one",
    "settings.unset.key": "Setting",
    "since": "Since",
    "staff": "XPM staff",
    "start": "Starts",
    "doctor.start": "Start with check",
    "state": "State",
    "stored": "Without reading XPM",
    "take": "Review file to read",
    "templates": "Job templates",
    "tenant": "Practice id",
    "title": "Name of the practice",
    "undo": "Undo it",
    "until": "Ends",
    "value": "New value",
    "wait": "Leave it for later",
    "locate.what": "Folder",
    "what": "Changes",
    "words": "Words",
    "xpm": "XPM client",
}
"""Labels by the name of a parameter, or by ``command.parameter`` for a different label there."""

REPEATS = {
    "once": "Once",
    "weekly": "Every week",
    "fortnightly": "Every 2 weeks",
    "four-weekly": "Every 4 weeks",
    "monthly": "Every month",
    "two-monthly": "Every 2 months",
    "quarterly": "Every quarter",
    "half-yearly": "Every 6 months",
    "yearly": "Every year",
}
_CLIENTS = {
    "": "All clients",
    "linked": "Linked",
    "unlinked": "Not linked",
    "needs-link": "Needs a link",
    "broken": "Link broken",
    "same-name": "Name occurs twice",
    "frozen": "Frozen",
    "ignored": "Not in XPM",
    "archived": "Archived in XPM",
    "conflict": "Both changed",
    "removed-contact": "Contact removed in XPM",
}
CHOICE_LABELS: dict[str, dict[str, str]] = {
    "direction": {"": "As it is", **{code: label.text for code, label in labels.DIRECTIONS.items()}},
    "level": {"": "As it is", **{code: label.text for code, label in labels.LEVELS.items()}},
    "repeat": REPEATS,
    "inbox.list.state": {
        "": "Any",
        **{code: label.text for code, label in labels.RECEIVED_STATES.items() if code != "duplicate"},
    },
    "per": {
        "": "As the proposal says",
        "proposal": "Proposal",
        "project": "Project of the proposal",
        "entity": "Entity of the proposal",
    },
    "edits": {"": "Ask me", "keep": "Keep them in the next term", "drop": "Drop them"},
    "form": {"ignition": "For Ignition's import", "spreadsheet": "For a spreadsheet"},
    "every": {
        "": "As it is set",
        "15m": "Every 15 minutes",
        "30m": "Every 30 minutes",
        "1h": "Every hour",
        "daily": "Once a day",
    },
    "kind": {"": "The one that this machine has", "systemd": "systemd", "cron": "cron"},
    "sent": {
        "": "Not decided",
        "adopt": "XPM created it: use that record",
        "again": "XPM did not create it: send it again",
        "drop": "Do not send it again",
    },
    "clients.list.only": _CLIENTS,
    "plan.only": _CLIENTS,
    "jobs.list.state": {
        "": "All jobs",
        "open": "Open",
        **{code: labels.JOB_STATES[code].text for code in ("coming", "due", "missed", "held", "failed")},
        "deployed": labels.JOB_STATES["deployed"].text,
        "left-out": "Not created",
    },
    "jobs.audit.only": {
        "": "Every finding",
        **{code: label.text for code, label in AUDIT_FINDINGS.items()},
    },
    "log.level": {"debug": "Everything", "info": "Information", "warning": "Warnings", "error": "Errors"},
    "team.list.only": {
        "": "All people",
        "needs-link": "Not linked",
        "proposed": "Match proposed",
        "left": "Left XPM",
        "same-name": "Name occurs twice",
        "no-access": "Without access",
        "xpm-only": "Only in XPM",
    },
    "templates.list.only": {
        "": "All services",
        "open": "No template chosen",
        "proposed": "Template proposed",
        "gone": "Template gone",
        "no-job": "No job",
        "unused": "Not used",
        "unknown": "Not in the library",
    },
    "locate.what": {
        "": "All folders",
        "config": "Settings",
        "data": "Data",
        "state": "Logs and sign-in",
    },
}
"""The label of each choice, by the name of the parameter or ``command.parameter``."""

ALL = "(all)"
"""The choice of all fields in a list, which a form never assumes from an empty choice."""

_EVERY_FIELD = {"clients.freeze": "The whole client", "clients.unfreeze": "Everything that is frozen"}
FIELD_LISTS = frozenset({"clients.freeze", "clients.unfreeze", "policy.off", "policy.on", "plan", "undo"})
"""Commands whose parameter ``field`` is chosen from the list of synced fields."""

PLACEHOLDERS = {
    "client": "Client ID, id or exact name",
    "member": "e-mail, id or exact name",
    "plan": "p4, or last",
    "run": "r3, or last",
    "file": "path of the file",
    "DIR": "path of the folder",
    "setting": "part of its name",
    "practice": "name of the practice",
    "DATE": "2026-07-31",
    "WHEN": "2026-07-31, or 3d for 3 days ago",
    "N": "a whole number",
}
"""What an empty field of a form shows, by its placeholder or by what completes it."""


class ValueField(NamedTuple):
    """One field of a record that a command takes as ``field=value``."""

    key: str
    label: str
    help: str
    options: Sequence[tuple[str, str]] = ()
    is_date: bool = False
    completes: Completes = ""


_RECORDS = {
    "clients.new": "client",
    "clients.edit": "client",
    "contacts.add": "contact",
    "contacts.edit": "contact",
}
_YES_NO = (("yes", "Yes"), ("no", "No"))
_OF_PROPOSAL = (
    ValueField("number", "Number", "Ignition's number of the proposal."),
    ValueField("reference", "Reference", "Your own reference."),
    ValueField("start", "Starts", "The first day of the proposal.", is_date=True),
    ValueField("end", "Ends", "The last day of the proposal.", is_date=True),
    ValueField("partner", "Partner", "The partner of the client's jobs.", completes="member"),
    ValueField("manager", "Manager", "The manager of the client's jobs.", completes="member"),
)


def parameter_label(command: Command[Any], param: Param) -> str:
    """Return the label of a parameter in a form."""
    return PARAMETER_LABELS.get(f"{command.name}.{param.name}") or PARAMETER_LABELS[param.name]


def choice_labels(command: Command[Any], param: Param) -> list[tuple[str, str]]:
    """Return each choice of a parameter with its label; empty if its value is typed."""
    own = CHOICE_LABELS.get(f"{command.name}.{param.name}", {})
    known = own or CHOICE_LABELS.get(param.name, {})
    return [(choice, known[choice]) for choice in param.choices or own]


def parameter_help(command: Command[Any], param: Param) -> str:
    """Return the help of a parameter without the codes of its choices, of which a form shows the labels."""
    codes = {code for code, _ in choice_labels(command, param)}
    sentence, _, listed = param.help.partition(": ")
    return f"{sentence}." if codes & set(listed.split(", ")) else console_help(param.help)


def field_choices(command: Command[Any], param: Param, given: Sequence[str]) -> list[tuple[str, str]]:
    """Return the fields that can be chosen, each with its label; empty if it is not a list of fields.

    Args:
        command: The command.
        param: Its parameter.
        given: What the screen has chosen already, for example a field of one contact (``k3.contact_email``).
    """
    if param.name != "field" or command.name not in FIELD_LISTS:
        return []
    optional = command.name in ("plan", "undo")
    found = [("", "Every field" if optional else "Choose a field")]
    found += [(ALL, _EVERY_FIELD[command.name])] if command.name in _EVERY_FIELD else []
    found += [(field.name, field.label) for field in SYNCED]
    known = {key for key, _ in found}
    for key in given:
        contact, _, name = key.rpartition(".")
        label = next((field.label for field in SYNCED if field.name == name), name)
        found += [(key, f"{label} ({contact})" if contact else label)] if key not in known else []
    return found


def value_fields(command: Command[Any]) -> tuple[ValueField, ...]:
    """Return the fields that a command accepts as ``field=value``; empty if they are not known."""
    record = _RECORDS.get(command.name)
    empty = ("", "As it is" if command.name.endswith(".edit") else "Not chosen")
    if record is not None:
        return tuple(
            ValueField(
                field.attribute,
                field.label,
                field.help,
                [empty, *((each.value, each.label) for each in field.choices)]
                if field.choices
                else ((empty, *_YES_NO) if field.kind == "flag" else ()),
                completes="member" if field.kind == "person" else "",
            )
            for field in editable("client" if record == "client" else "contact")
        )
    if command.name in ("team.new", "team.edit"):
        return (
            ValueField("name", "Name", "The name of the team member."),
            ValueField("email", "E-mail", "The address by which Ignition and XPM know the person."),
            ValueField("access", "Access", "Whether the person signs in to Ignition.", (empty, *_YES_NO)),
            ValueField("active", "Active", "Whether the person still works here.", (empty, *_YES_NO)),
        )
    if command.name in ("services.new", "services.edit"):
        name = ValueField("name", "Name", "The name of the service.")
        return (
            name,
            *(ValueField(each.casefold(), each, "A column of Ignition's file.") for each in services.COLUMNS),
        )
    return _OF_PROPOSAL if command.name == "proposals.new" else ()


def placeholder(param: Param) -> str:
    """Return the placeholder of an empty field."""
    bare = param.hint.placeholder.replace("...", "").strip("[]")
    shown = PLACEHOLDERS.get(bare) or PLACEHOLDERS.get(param.hint.completes, "")
    if param.hint.completes == "client" and not param.required and not param.many:
        shown = f"all clients, or one: {shown}"
    return "; ".join(filter(None, (shown, "separate several with commas" * param.many)))
