"""What the choices of a setting are called and mean; settings files and options keep the bare words."""

from __future__ import annotations

from xpm_tui.domain.labels import DIRECTIONS, LEVELS, Label, Labels

YES_NO_LABELS: Labels = {"yes": Label("Yes", ""), "no": Label("No", "")}

SETTING_CHOICES: dict[str, Labels] = {
    "sync.direction": DIRECTIONS,
    "sync.level": LEVELS,
    "sync.on_conflict": {
        "overwrite": Label("Master wins", "The other value is overwritten. You can undo it."),
        "hold": Label("Ask me", "The change waits until you tick it in the plan."),
    },
    "sync.clear": {
        "never": Label("Keep the value", "The other system keeps its value."),
        "ask": Label("Ask me", "The change waits until you tick it in the plan."),
        "yes": Label("Empty it too", "The value is emptied in the other system as well."),
    },
    "schedule.every": {
        "daily": Label("Once a day", "At the time of the daily sync."),
        "1h": Label("Every hour", "Only what has changed, and everything once a day."),
        "30m": Label("Every 30 minutes", "Only what has changed, and everything once a day."),
        "15m": Label("Every 15 minutes", "Only what has changed, and everything once a day."),
    },
    "jobs.budget": {
        "none": Label("No budget", "New jobs have no budget."),
        "proposal": Label("Value of the services", "The budget is the value of the proposal's services."),
    },
    "jobs.per": {
        "proposal": Label("Proposal", "One job for a whole proposal."),
        "project": Label("Project", "One job for each project of a proposal."),
        "entity": Label("Entity", "One job for each entity of a proposal."),
    },
    "jobs.reference": {
        "none": Label("None", "New jobs have no client order number."),
        "client": Label("Client", "The client's number, such as CLI-1012."),
        "proposal": Label("Proposal", "The proposal's number, such as PROP-201."),
    },
    "jobs.ignition_deploys": {
        "unknown": Label("Not known yet", "No jobs are created from here."),
        "yes": Label("Yes", "Ignition creates the jobs, none are created from here."),
        "no": Label("No", "Jobs of the proposals you have taken over are created from here."),
    },
    "jobs.missing_person": {
        "skip": Label("Leave the person out", "The job is created without the person, and a note says so."),
        "hold": Label("Hold the job", "The job is not created until the person is linked."),
    },
    "log.level": {
        "debug": Label("Everything", "Also details that only support needs."),
        "info": Label("Normal", "What was done, warnings and errors."),
        "warning": Label("Warnings", "Warnings and errors only."),
        "error": Label("Errors", "Errors only."),
    },
    "glyphs": {
        "auto": Label("Automatic", "ASCII where the terminal's encoding is not UTF-8."),
        "unicode": Label("Unicode", "Unicode signs and borders."),
        "ascii": Label("ASCII", "Signs and borders of plain ASCII."),
    },
    "cursor": {
        "hidden": Label("Hidden", "The terminal's own cursor is not shown."),
        "shown": Label("Shown", "The terminal's own cursor rests on what has the focus."),
    },
}
"""Labels and meanings by the key of the setting; a choice that is not listed is shown as it is typed."""


def setting_choices(key: str, words: str) -> dict[str, Label]:
    """Return the choices of a setting with their labels; empty where anything may be typed.

    Args:
        key: The setting.
        words: What its kind accepts, such as ``yes | no``.
    """
    codes = words.split(" | ")
    if len(codes) < 2 or any(" " in code for code in codes):
        return {}
    known = SETTING_CHOICES.get(key) or (YES_NO_LABELS if set(codes) == {"yes", "no"} else {})
    return {code: known.get(code) or Label(code, "") for code in codes}
