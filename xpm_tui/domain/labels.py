"""Labels of states, outcomes, marks, rules and choices: a label and a sentence of help for each code.

Codes appear in JSON, settings and the store; labels are for users. Tables, screens, log sentences and
reference pages take them from here; labels of fields are in the field registry, those of settings in the
settings schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Label(NamedTuple):
    """The label of one code.

    ``text`` is used alone, in sentence case. ``glyph`` is a sign that the console puts before it, so that
    colour is never the only indication. ``noun`` is its name in a count (``overwrite``: "3 overwrites"), with
    an irregular plural as ``one/many``. ``reason`` completes a sentence: "phone sent to XPM (edited in XPM)".
    """

    text: str
    help: str
    glyph: str = ""
    noun: str = ""
    reason: str = ""

    @property
    def marked(self) -> str:
        """Return the label after its sign."""
        return f"{self.glyph} {self.text}".lstrip()

    @property
    def inline(self) -> str:
        """Return the label for use within a sentence, without its capital."""
        first, second = self.text[:1], self.text[1:2]
        return self.text if second.isupper() else first.lower() + self.text[1:]


Labels = Mapping[str, Label]
"""A mapping from codes to labels."""


def label(labels: Labels, code: str) -> Label:
    """Return the label of a code; a code of another version is shown as it is."""
    return labels.get(code) or Label(code.replace("-", " ").replace("_", " ").capitalize(), "")


DIRECTIONS: Labels = {
    "from_xpm": Label("From XPM", "XPM is the master: its values overwrite Ignition's."),
    "to_xpm": Label("To XPM", "Ignition is the master: its values overwrite XPM's."),
}
LEVELS: Labels = {
    "everything": Label("Everything", "Names, contacts, addresses, phones, people, groups."),
    "name": Label("Client name only", "The name of each client, and no other field."),
    "nothing": Label("Nothing", "Only links and jobs: no field is synced."),
}
SIDES: Labels = {
    "ignition": Label("Ignition", "The clients, contacts, services and team members of Ignition."),
    "xpm": Label("XPM", "The clients, staff, templates and jobs of Xero Practice Manager."),
}

LINK_STATES: Labels = {
    "linked": Label("Linked", "The client is linked to an XPM client.", "●"),
    "archived": Label("Archived", "The XPM client is archived: sync does not write to it.", "◐"),
    "gone": Label("Gone", "XPM no longer has the linked client.", "✗"),
    "converted": Label(
        "Converted", "The linked prospect became a client in XPM and has a new id there.", "!"
    ),
    "merged": Label("Merged", "The linked XPM client was merged into another one in XPM.", "!"),
    "ambiguous": Label(
        "Ambiguous", "Several clients have its name, or another one is linked to its XPM client.", "!"
    ),
    "ignored": Label("Ignored", "You said that this client has no XPM client.", "–"),
    "unlinked": Label("Unlinked", "No XPM client is linked to this client.", "○"),
}
PICK_OUTCOMES: Labels = {
    "added": Label("Added", "The XPM client was brought in."),
    "linked": Label("Linked to an existing client", "A client of Ignition has the same name."),
    "already": Label("Already there", "The XPM client is linked already."),
    "left": Label("Skipped", "The XPM client was not brought in."),
}
MEMBER_STATES: Labels = {
    "linked": Label("Linked", "The team member is linked to a staff record in XPM.", "●"),
    "gone": Label("Gone", "XPM no longer lists the linked staff record.", "✗"),
    "proposed": Label("Same e-mail", "A staff record in XPM has the same e-mail.", "◇"),
    "maybe": Label("By name", "A staff record in XPM has the same or a similar name: compare the two.", "◇"),
    "unlinked": Label("Unlinked", "The team member is not linked to anyone in XPM.", "○"),
}
MATCHES: Labels = {
    "sure": Label(
        "Sure", "The names are the same except for their form, and nothing contradicts the match.", "✓"
    ),
    "likely": Label("Likely", "Most of the evidence agrees.", "~"),
    "weak": Label("Possible", "Some of the evidence agrees: compare the two before you link them.", "·"),
}

MARKS: Labels = {
    "first": Label("Overwrites", "Replaces a value that was not synced before.", "▲", "overwrite"),
    "drift": Label(
        "Edited in {other}",
        "Replaces an edit made in the other system since the last sync.",
        "≠",
        "edit in the other system/edits in the other system",
    ),
    "conflict": Label(
        "Both changed", "Both sides changed since the last sync; the master wins.", "⇄", "conflict"
    ),
    "clearing": Label("Clears a value", "Empties a value that the master no longer has.", "∅", "clearing"),
    "former": Label(
        "From another client",
        "The value came from an XPM client that was linked before. It is sent once you tick it.",
        "‼",
        "value of another client/values of another client",
    ),
}
MARK_KINDS: Labels = {
    "conflict": Label("Both changed", "It was changed in both systems."),
    "clearing": Label("Clears", "It empties a value.", "▲"),
    "first": Label("Overwrites", "It replaces the value that is there now.", "▲"),
    "drift": Label("Overwrites", "It replaces an edit that was made there.", "▲"),
}
"""What a marked change does to the value that is there now, in a word, for a narrow column."""
RULES: Labels = {
    "fill": Label("Fill in", "{master} has a value and {other} has none.", reason="it was empty"),
    "first": Label(
        "Overwrite",
        "The two differ and were not synced before. {master} is the master: its value replaces {other}'s.",
        reason="not synced before",
    ),
    "update": Label(
        "Update", "It was changed in {master} since the last sync.", reason="changed in {master}"
    ),
    "drift": Label(
        "Edited in {other}",
        "It was edited in {other} since the last sync. {master} is the master and overwrites it.",
        reason="edited in {other}",
    ),
    "conflict": Label(
        "Both changed",
        "It was edited on both sides since the last sync. {master} is the master and wins.",
        reason="both sides changed",
    ),
    "clear": Label(
        "Clear a value",
        "{master} had a value and is now blank. {other}'s value is emptied only if you confirm it.",
        reason="emptied in {master}",
    ),
    "contact": Label("Contact", "The contact is in {master} only.", reason="a contact of {master}"),
    "exact-name": Label(
        "Link by exact name",
        "Exactly one client on each side has this name.",
        reason="the same name on both sides",
    ),
    "undo": Label("Undo", "The change undoes what an earlier run wrote.", reason="undone"),
    "link": Label("Link", "A user linked the two.", reason="linked by a user"),
    "removed": Label(
        "Removed in XPM",
        "The contact was removed in XPM, so it cannot stay the primary contact.",
        reason="removed in XPM",
    ),
    "shared": Label(
        "Shared contact",
        "Several XPM clients share the contact: what is sent for one of them is saved for the others, too.",
        reason="a shared contact",
    ),
    "former": Label(
        "Former client",
        "It came from the XPM client that the client was linked to before.",
        reason="of the former client",
    ),
    "pick": Label("Pick", "A user brought the client in from XPM.", reason="brought in by a user"),
    "create": Label("Create in XPM", "A user asked to create the client in XPM.", reason="created in XPM"),
}
PLAN_STATES: Labels = {
    "draft": Label("Not applied", "The plan can still be applied."),
    "applied": Label("Applied", "A run has applied the plan."),
    "replaced": Label("Replaced", "A newer plan has replaced this one."),
}
CONFLICT_STATES: Labels = {
    "planned": Label("Planned", "The next sync lets the master win.", "⇄"),
    "held": Label("Held for you", "No sync writes it until you decide.", "■"),
    "overwritten": Label("Overwritten", "A run let the master win; you can undo it.", "●"),
    "undone": Label("Undone", "The old value is back, and the field is frozen.", "↶"),
}

RUN_OUTCOMES: Labels = {
    "running": Label("Running", "The run is in progress.", "▶"),
    "done": Label("Done", "Everything that was planned is applied.", "✓"),
    "partial": Label(
        "Partly done", "Some records failed: the log says which. The next sync tries them again.", "!"
    ),
    "held": Label(
        "Held for you",
        "Nothing more is written until you decide: read the reasons, then make a new plan or "
        "release the run.",
        "■",
    ),
    "failed": Label("Failed", "The run ended with an error. Changes that were already applied stay.", "✗"),
    "interrupted": Label(
        "Interrupted",
        "The run was interrupted. The next sync first finds out what was written, then continues.",
        "✗",
    ),
    "stopped": Label(
        "Stopped", "The run was stopped. Resume it, or the next sync continues where it stopped.", "■"
    ),
    "skipped": Label("Skipped", "The daily sync did not start.", "–"),
}
JOB_RUN_OUTCOMES: Labels = {
    **RUN_OUTCOMES,
    "held": Label("Held for you", "Some jobs need your decision: Jobs shows them with the reason.", "■"),
    "partial": Label(
        "Partly done", "Some jobs failed: Jobs shows them with the reason, and you can retry them.", "!"
    ),
    "interrupted": Label(
        "Interrupted",
        "The run was interrupted. Retry in Jobs, or the daily sync, completes the jobs that were started.",
        "✗",
    ),
    "stopped": Label(
        "Stopped",
        "The run was stopped. Retry in Jobs, or the daily sync, completes the jobs that were started.",
        "■",
    ),
}
"""Outcomes of a run that deploys jobs: the labels of every run, with advice for jobs."""
TRIGGERS: Labels = {
    "hand": Label("Manual", "A user started the run."),
    "daily": Label("Scheduled", "The schedule started the run."),
    "resume": Label("Resume", "The run continues one that was interrupted."),
    "release": Label("Release", "The run continues one that was held."),
    "undo": Label("Undo", "The run undoes an earlier one."),
}
INTENT_STATES: Labels = {
    "intent": Label("Intended", "The change is recorded, but not sent yet."),
    "sent": Label("Sent", "The change was sent, but no answer is recorded yet."),
    "done": Label("Done", "XPM applied the change.", reason="XPM had applied it"),
    "failed": Label("Failed", "XPM did not apply the change.", reason="XPM had not applied it"),
    "held": Label(
        "Held for you", "It is not known whether XPM applied the change: you decide.", reason="you decide"
    ),
}
WRITE_KINDS: Labels = {
    "client.update": Label("Update the client", "The client's fields in XPM are changed."),
    "client.add": Label("Create the client", "A client is created in XPM."),
    "contact.update": Label("Update the contact", "A contact of a client in XPM is changed."),
    "contact.add": Label("Add the contact", "A contact is added to a client in XPM."),
    "staff.add": Label("Create the staff record", "A staff record is created in XPM."),
    "job.add": Label("Create the job", "A job is created in XPM."),
    "job.template": Label("Apply the template", "A job template is applied to a job in XPM."),
    "job.assign": Label("Assign people", "People are assigned to a job in XPM."),
    "job.state": Label("Set the state", "The state of a job in XPM is set."),
}
DECISIONS: Labels = {
    "adopt": Label(
        "Adopt", "The record in XPM is the one that was sent.", reason="the record in XPM is the one sent"
    ),
    "again": Label(
        "Send again", "The record is not in XPM: it may be sent again.", reason="it may be sent again"
    ),
    "drop": Label("Drop", "The change is not sent again.", reason="it is not sent again"),
}
CHANGED_SINCE_PLANNED: Labels = {
    "ignition": Label(
        "Edited in Ignition",
        "The value was edited here after the plan was made.",
        reason="edited here after the plan was made",
    ),
    "xpm": Label(
        "Edited in XPM",
        "The value was edited in XPM after the plan was made.",
        reason="edited in XPM after the plan was made",
    ),
    "link": Label(
        "Link changed",
        "The link changed after the plan was made.",
        reason="its link changed after the plan was made",
    ),
    "frozen": Label(
        "Frozen", "The field was frozen after the plan was made.", reason="frozen after the plan was made"
    ),
}
"""Why a planned change was left out when the plan was applied."""

JOB_STATES: Labels = {
    "coming": Label("Coming", "The job is due later.", "○"),
    "due": Label("Due", "The job can be deployed now.", "●"),
    "missed": Label("Missed", "The day of the job has passed, and it was not deployed.", "!"),
    "going": Label("Unfinished", "The deployment of the job was started, but not completed.", "▶"),
    "held": Label("Held for you", "The job needs your decision before it is deployed.", "■"),
    "failed": Label("Failed", "The job could not be deployed; you can retry it.", "✗"),
    "deployed": Label("Deployed", "The job is in XPM.", "✓"),
    "skipped": Label("Skipped", "You skipped the job; you can undo that.", "–"),
    "stopped": Label("Stopped", "The proposal was revoked or changed: nothing is deployed for it.", "–"),
}
PROBLEM_WEIGHTS: Labels = {
    "hold": Label("Must be fixed", "The job is held until this is fixed.", "■"),
    "ask": Label("Must be confirmed", "The job is deployed only if you confirm this.", "?"),
    "note": Label("Note", "The job is deployed anyway.", "·"),
}
PROPOSAL_STATES: Labels = {
    "to take": Label(
        "To take over", "Accepted in Ignition: jobs are deployed from here only once you take it over.", "○"
    ),
    "ours": Label("Active", "Jobs of the proposal are deployed from here.", "●"),
    "changed": Label(
        "Changed", "Changed in Ignition: nothing is deployed until you take it over again.", "!"
    ),
    "renewed": Label(
        "Renewed", "Ignition has the next term: roll it over to create the next term's workflows.", "↻"
    ),
    "draft": Label("Draft", "Jobs are deployed once you accept the proposal.", "·"),
    "revoked": Label("Revoked", "No more jobs are deployed for the proposal.", "–"),
    "sent": Label("Sent", "The client has not accepted the proposal yet.", "·"),
    "accepted": Label("Accepted", "The client accepted the proposal.", "●"),
    "completed": Label("Completed", "All work of the proposal is done.", "✓"),
    "lost": Label("Lost", "The client did not accept the proposal.", "–"),
    "unknown": Label(
        "Unknown", "Ignition's status of the proposal is not known, so it does not count as accepted.", "?"
    ),
}

VERDICTS: Labels = {
    "ok": Label("OK", "The probe found nothing wrong.", "●"),
    "note": Label("Note", "The probe found something worth knowing.", "▲"),
    "trouble": Label("Problem", "The probe found a problem.", "✖"),
    "skipped": Label("Skipped", "The probe could not run, or was not needed.", "○"),
}
SEVERITIES: Labels = {
    "debug": Label("All", "Every event, each call included.", "·"),
    "info": Label("Info and up", "What was done, warnings and errors."),
    "warning": Label("Warnings", "Warnings and errors.", "!"),
    "error": Label("Errors", "Errors only.", "✗"),
}
ORIGINS: Labels = {
    "default": Label("Default", "The setting is not set anywhere.", reason="the default"),
    "file": Label("Your file", "The settings file for all practices.", reason="your settings file"),
    "practice": Label(
        "Practice", "The settings file of the practice.", reason="the practice's settings file"
    ),
    "environment": Label("Environment", "An environment variable.", reason="the environment variable"),
    "option": Label("Option", "The option --set of the command.", reason="the option --set"),
}
RECEIVED_STATES: Labels = {
    "imported": Label("Imported", "The file was imported and changed something.", "✓"),
    "unchanged": Label("Nothing new", "Everything in the file was already here.", "="),
    "outdated": Label("Out of date", "Everything in the file already had newer values.", "○"),
    "duplicate": Label("Duplicate", "A file with the same content was imported before.", "="),
    "partial": Label("Imported in part", "Some rows were refused; the others were imported.", "▲"),
    "failed": Label("Failed", "Nothing of the file was imported.", "✗"),
}
STEP_STATES: Labels = {
    "done": Label("Done", "The step is complete.", "✓"),
    "now": Label("Now", "The step is next.", "▸"),
    "todo": Label("To do", "The step comes later.", "·"),
    "skipped": Label("Skipped", "You skipped the step; you can go back to it.", "–"),
}
FIELD_DIRECTIONS: Labels = {
    "always": Label("Always", "When a client is created, and at every sync."),
    "ongoing": Label("Ongoing", "At every sync."),
    "at creation": Label("At creation", "When a client is created, not afterwards."),
    "never": Label("Never", "Never."),
}
"""When a field is synced in one direction."""

ALL: Mapping[str, tuple[str, Labels]] = {
    "Directions": ("sync.direction", DIRECTIONS),
    "What to sync": ("sync.level", LEVELS),
    "Link states of a client": ("link_state", LINK_STATES),
    "Link states of a team member": ("state", MEMBER_STATES),
    "Certainty of a match": ("level", MATCHES),
    "Marks in a plan": ("mark", MARKS),
    "Rules of a change": ("rule", RULES),
    "States of a conflict": ("state", CONFLICT_STATES),
    "Outcomes of a run": ("outcome", RUN_OUTCOMES),
    "Triggers of a run": ("trigger", TRIGGERS),
    "Kinds of a write to XPM": ("kind", WRITE_KINDS),
    "States of a write to XPM": ("state", INTENT_STATES),
    "States of a job": ("state", JOB_STATES),
    "States of a proposal": ("state", PROPOSAL_STATES),
    "States of a file of the inbox": ("state", RECEIVED_STATES),
    "Verdicts of the doctor": ("verdict", VERDICTS),
    "Origins of a setting": ("origin", ORIGINS),
}
"""The tables of the reference page: heading, the name in JSON, labels."""


def of_sides(text: str, written: str) -> str:
    """Return a label, help or reason with its sides filled in.

    Args:
        text: May name ``{master}`` and ``{other}``.
        written: The side that is written, ``ignition`` or ``xpm``; where it is not known no side is named.
    """
    if "{" not in text:
        return text
    if written not in SIDES:
        return text.replace("{master}", "the master").replace("{other}", "the other system")
    other = SIDES[written].text
    master = SIDES["xpm" if written == "ignition" else "ignition"].text
    return text.replace("{master}", master).replace("{other}", other)
