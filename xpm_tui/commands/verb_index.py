"""The first words of all verbs: their short help, and the modules of commands that define them.

Made from the commands, so that one verb, or the first screen, starts without loading the others:
``python -m xpm_tui.cli.verb_reference index > xpm_tui/commands/verb_index.py``. Do not edit.
"""

VERBS: dict[str, tuple[str, tuple[str, ...]]] = {
    "cases": (
        "Known problems: symptoms and what to do.",
        ("doctor",),
    ),
    "clients": (
        "Clients: list, link, review, bring in from XPM.",
        ("clients", "records", "deletions", "links", "maintenance"),
    ),
    "completion": (
        "Print completion for bash, zsh or fish",
        (),
    ),
    "conflicts": (
        "List conflicts",
        ("maintenance",),
    ),
    "connect": (
        "Connect to Xero Practice Manager",
        ("connection",),
    ),
    "contacts": (
        "Contacts: add, edit, delete.",
        ("records", "deletions"),
    ),
    "data": (
        "Data: check, repair, compact, back up, restore, move.",
        ("practices",),
    ),
    "demo": (
        "Try it with a sandbox and sample clients",
        (),
    ),
    "disconnect": (
        "Disconnect the practice",
        ("connection",),
    ),
    "doctor": (
        "Diagnose problems",
        ("doctor",),
    ),
    "duplicates": (
        "List duplicates",
        ("maintenance",),
    ),
    "export": (
        "Write files for Ignition.",
        ("csv_files",),
    ),
    "import": (
        "Import Ignition's files, or undo the last import.",
        ("csv_files",),
    ),
    "inbox": (
        "The inbox: files that other programs deliver.",
        ("inbox",),
    ),
    "jobs": (
        "Jobs: list, preview, edit, skip, deploy, retry, redeploy, audit, forecast.",
        ("deployment", "jobs"),
    ),
    "locate": (
        "Show where the files are",
        ("practices",),
    ),
    "log": (
        "Show the log",
        ("log",),
    ),
    "open": (
        "Open a support bundle as a read-only console",
        (),
    ),
    "plan": (
        "Make a plan",
        ("plans",),
    ),
    "policy": (
        "Show what is synced, field by field",
        ("settings",),
    ),
    "practices": (
        "Practices of this account.",
        ("practices",),
    ),
    "proposals": (
        "Proposals: list, new, accept, take over, revoke.",
        ("proposals", "renewals"),
    ),
    "purge": (
        "Delete the practice from this machine",
        ("practices",),
    ),
    "relink": (
        "Check every link",
        ("maintenance",),
    ),
    "runs": (
        "Runs: list, show, stop, resume, release, retry.",
        ("runs",),
    ),
    "sandbox": (
        "Run a local Xero for trials",
        (),
    ),
    "schedule": (
        "Sync automatically, every 15 minutes to once a day.",
        ("schedule",),
    ),
    "schema": (
        "Print the JSON schema of an answer",
        (),
    ),
    "services": (
        "Services: list, new, edit, delete.",
        ("records", "deletions"),
    ),
    "settings": (
        "Settings: list, get, set, unset.",
        ("settings",),
    ),
    "status": (
        "Show status",
        ("connection",),
    ),
    "sync": (
        "Sync now",
        ("sync",),
    ),
    "team": (
        "Team: link to XPM staff, add, create.",
        ("records", "deletions", "team"),
    ),
    "templates": (
        "Job templates: list, link, accept, rules and defaults for new jobs.",
        ("templates",),
    ),
    "undo": (
        "Undo a run",
        ("maintenance",),
    ),
    "worker": (
        "Run a worker",
        ("schedule",),
    ),
}

OLD_NAMES = {"book": "data"}
"""Earlier first words with their replacements."""

AREAS: dict[str, tuple[str, ...]] = {
    "overview": (
        "connection",
        "inbox",
        "plans",
        "sync",
        "maintenance",
        "practices",
    ),
    "clients": (
        "clients",
        "records",
        "deletions",
        "links",
        "csv_files",
        "sync",
        "maintenance",
    ),
    "team": (
        "records",
        "deletions",
        "team",
    ),
    "templates": (
        "records",
        "deletions",
        "templates",
    ),
    "proposals": (
        "csv_files",
        "proposals",
        "renewals",
    ),
    "sync": (
        "plans",
        "settings",
        "sync",
        "runs",
        "maintenance",
    ),
    "settings": (
        "settings",
        "practices",
    ),
    "jobs": (
        "deployment",
        "jobs",
        "proposals",
    ),
}
"""The areas of the console with the modules that define commands with a key there."""
