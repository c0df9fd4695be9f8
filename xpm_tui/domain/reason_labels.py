"""Labels of reasons, each with a sentence.

They say why a job is held or has failed, what the audit of jobs finds, and why two values of a linked client
differ and stay as they are. The labels of the editable fields of a job are here, too.
"""

from __future__ import annotations

from xpm_tui.domain.labels import Label, Labels

JOB_CAUSES: Labels = {
    "no-client": Label(
        "No client", "The client of the proposal is not known here.", reason="its client is not known here"
    ),
    "client-ignored": Label(
        "Client ignored", "You said that the client has no XPM client.", reason="its client is ignored"
    ),
    "client-gone": Label(
        "Client gone", "XPM no longer has the client.", reason="XPM no longer has its client"
    ),
    "client-converted": Label(
        "Client converted", "The client has a new id in XPM.", reason="its client has a new id in XPM"
    ),
    "client-merged": Label(
        "Client merged",
        "The client was merged into another one in XPM.",
        reason="its client was merged into another one in XPM",
    ),
    "client-ambiguous": Label(
        "Client ambiguous",
        "It is not clear which client is meant.",
        reason="it is not clear which client is meant",
    ),
    "client-archived": Label(
        "Client archived", "The client is archived in XPM.", reason="its client is archived in XPM"
    ),
    "client-waits": Label(
        "Client unlinked",
        "The client is not linked to an XPM client yet.",
        reason="its client has to be linked first",
    ),
    "client-changed": Label(
        "Client renamed",
        "The client was renamed in XPM since the last sync.",
        reason="its client was renamed in XPM",
    ),
    "client-unread": Label(
        "Client unreadable",
        "The client could not be read from XPM just before the job was created.",
        reason="its client could not be read from XPM",
    ),
    "client-refused": Label(
        "Client refused", "XPM refused to create the client.", reason="XPM refused its client"
    ),
    "entity-unlinked": Label(
        "Entity unlinked",
        "The entity that the job is for is not linked to an XPM client.",
        reason="its entity is not linked",
    ),
    "entity-prospect": Label(
        "Entity is a prospect",
        "The entity that the job is for is a prospect in XPM.",
        reason="its entity is a prospect in XPM",
    ),
    "entity-gone": Label(
        "Entity gone",
        "The proposal has no services for the entity any more.",
        reason="the proposal has no services for its entity any more",
    ),
    "entities": Label(
        "Several clients",
        "The services of the job are for several clients.",
        reason="its services are for several clients",
    ),
    "other-client": Label(
        "Other client",
        "An earlier attempt created the job for another client.",
        reason="an earlier attempt created it for another client",
    ),
    "period-taken": Label(
        "Period taken",
        "The former term already has a job for the period.",
        reason="the former term has a job for its period",
    ),
    "no-name": Label("No name", "The job has no name.", reason="it has no name"),
    "long-name": Label(
        "Name too long", "XPM does not accept a name of this length.", reason="its name is too long"
    ),
    "due-first": Label(
        "Due too early", "The job would be due before it starts.", reason="it would be due before it starts"
    ),
    "after-end": Label(
        "After the end", "The date is after the end of the proposal.", reason="its date is after the end"
    ),
    "bad-budget": Label("Bad budget", "The budget is not a number.", reason="its budget is not a number"),
    "no-template": Label("No template", "The job would have no tasks.", reason="it would have no tasks"),
    "template-gone": Label(
        "Template gone", "XPM no longer has the job template.", reason="XPM no longer has its template"
    ),
    "category-gone": Label(
        "Category gone", "XPM has no such job category.", reason="XPM has no such category"
    ),
    "category-unlisted": Label(
        "Category not listed",
        "The list of XPM's job categories cannot be read with this login.",
        reason="the login cannot read XPM's categories",
    ),
    "category-several": Label(
        "Category ambiguous",
        "XPM has several job categories with this name.",
        reason="XPM has several such categories",
    ),
    "categories-differ": Label(
        "Categories differ",
        "The services of the job have different job categories.",
        reason="its services have different categories",
    ),
    "person-missing": Label(
        "Person unlinked",
        "A team member on the job is not linked to a staff record in XPM.",
        reason="a team member is not linked",
    ),
    "person-gone": Label(
        "Person gone",
        "XPM no longer has a staff member on the job.",
        reason="XPM no longer has a staff member",
    ),
    "reference-taken": Label(
        "Reference taken",
        "Another open job has the same reference.",
        reason="another open job has its reference",
    ),
    "same-job": Label(
        "Same job", "The client already has the same job.", reason="the client already has the same job"
    ),
    "number-taken": Label(
        "Number taken", "XPM already has a job with this number.", reason="XPM already has its number"
    ),
    "state-code": Label(
        "State unknown", "XPM does not know the state of the job.", reason="XPM does not know the state"
    ),
    "job-gone": Label("Job gone", "XPM no longer has the job.", reason="XPM no longer has it"),
    "no-answer": Label("No answer", "XPM failed to answer twice.", reason="XPM failed to answer twice"),
    "stopped": Label("Stopped", "The proposal was revoked.", reason="its proposal was revoked"),
    "ignition": Label(
        "Ignition deploys",
        "Ignition's own XPM integration may create jobs, too.",
        reason="Ignition may create jobs, too",
    ),
    "unknown": Label(
        "Unknown",
        "It is not known whether XPM created the job.",
        reason="it is not known whether XPM created it",
    ),
    "unsendable": Label(
        "Cannot be sent",
        "A value of the job or of its client cannot be sent to XPM as it is.",
        reason="one of its values cannot be sent to XPM",
    ),
    "refused": Label("Refused", "XPM refused the job.", reason="XPM refused it"),
}
"""Why a job is held or failed."""

AUDIT_FINDINGS: Labels = {
    "missing": Label("Missing", "XPM has no job for the proposal or for this occurrence."),
    "unfinished": Label("Unfinished", "The job is in XPM, but a later step of its deployment failed."),
    "wrong-client": Label("Other client", "The job belongs to an XPM client other than the linked one."),
    "wrong-template": Label("Other template", "The tasks of the job are those of another job template."),
    "no-reference": Label("No reference", "The job does not have the reference by which invoices find it."),
    "duplicate-reference": Label("Reference twice", "Several open jobs have the same reference."),
    "duplicate-job": Label("Duplicate job", "The client has the same job twice."),
    "wrong-dates": Label("Other dates", "The job starts or is due on dates other than those agreed."),
    "state": Label("No invoices", "The job is in a state that invoices do not attach to."),
    "person-left": Label("Person left", "The job names someone who is no longer on XPM's staff."),
    "revoked": Label("Revoked", "The job is open, although its proposal was revoked or lost."),
}
"""What the audit of jobs finds."""

JOB_FIELDS: Labels = {
    "name": Label("Name", "What the job is called in XPM."),
    "description": Label("Description", "By default, the services of the proposal."),
    "category": Label("Job category", "The name of a job category of XPM, or its UUID."),
    "budget": Label("Budget", "An amount such as 1200.00."),
    "partner": Label("Partner", "A member of your team, by name or id."),
    "manager": Label("Manager", "A member of your team, by name or id."),
    "staff": Label("Staff", "Members of your team, separated by commas."),
    "reference": Label("Reference", "The client order number, by which Xero's invoices find the job."),
    "templates": Label(
        "Job templates", "Names of job templates, separated by commas, in the order in which to apply them."
    ),
    "due": Label("Due date", "When the job is due."),
    "due_days": Label("Days until due", "How many days after its start each job is due."),
    "days_early": Label("Days early", "How many days before its start the job is created."),
    "state": Label("Job state", "A job state by its Interface Code: XPM, Admin > Job states."),
    "automatic": Label("Automatic", "Whether the daily sync deploys it without asking."),
    "start": Label("Start date", "When the first job starts."),
    "repeat": Label("Recurs", "How often a job is created."),
    "until": Label(
        "Until", "The last day on which it may recur; 'none' for no end, 'default' for the proposal's end."
    ),
    "client": Label("Client", "The client that the job is for: a name, an id or a Client ID."),
}
"""What can be edited of a job before it is created."""


DIFFERENCES: Labels = {
    "blank": Label(
        "Blank in {master}", "{master} has no value and had none before, so {other} keeps its own."
    ),
    "never-cleared": Label(
        "Not cleared",
        "The value was emptied in {master}; this practice never clears a value because of that.",
    ),
    "required": Label("Required", "{master} has no value, and the record must have one in {other}."),
    "unlinked-person": Label("Person not linked", "The person in {master} has no linked record in {other}."),
    "kept-otherwise": Label("Stored differently", "XPM stored a different value from the one that was sent."),
    "settled": Label(
        "Left different", "The two values were different when they were last compared and approved."
    ),
    "frozen": Label("Frozen", "Frozen for this client: sync does not change it."),
    "switched-off": Label("Switched off", "The field is switched off for this practice."),
    "direction": Label("Other direction", "Sync does not write this field to {other}."),
    "creation-only": Label(
        "At creation only",
        "The field is set when the client is created, and not changed by a sync afterwards.",
    ),
    "level-name": Label("Client name only", "What to sync is Client name only."),
    "level-nothing": Label("Nothing is synced", "What to sync is Nothing."),
    "contact-own": Label(
        "Contact of {other}", "The contact is in {other} only: sync does not remove it there."
    ),
    "contact-from-name": Label(
        "From the client's name",
        "The contact was created from the XPM client's own name, so it is not added there.",
    ),
    "contact-dropped": Label("Dropped", "You decided that this contact is not added in XPM."),
    "removed-in-ignition": Label(
        "Removed in Ignition", "The contact was removed in Ignition after a sync, and is not created again."
    ),
    "removed-in-xpm": Label(
        "Removed in XPM", "The contact was removed in XPM after a sync, and is not created again."
    ),
    "primary-unmatched": Label(
        "Primary contact differs", "{master}'s primary contact is not among the contacts in {other}."
    ),
    "unreadable": Label("Not readable", "XPM masks the value or does not report it, so it is not compared."),
    "second-link": Label(
        "Second client",
        "Another client is linked to the same XPM client; nothing is synced over this second link.",
    ),
    "ignored": Label("Ignored", "You said that this client has no XPM client."),
    "link": Label("Link", "Nothing is synced over this link until you decide which client it means."),
    "archived": Label("Archived", "The XPM client is archived: sync does not write to it."),
}
"""Reasons why a difference is not planned; ``{master}`` and ``{other}`` are the sides of the direction."""
