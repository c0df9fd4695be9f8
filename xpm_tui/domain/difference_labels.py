"""Why two values of a linked client differ and stay as they are: a label and a sentence for each reason."""

from __future__ import annotations

from xpm_tui.domain.labels import Label, Labels

DIFFERENCES: Labels = {
    "blank": Label(
        "Blank in {master}", "{master} has no value and had none before, so {other} keeps its own."
    ),
    "never-cleared": Label(
        "Not cleared",
        "The value was emptied in {master}; this practice never clears a value because of that.",
    ),
    "required": Label("Required", "{master} has no value, and the record cannot be without one in {other}."),
    "unlinked-person": Label(
        "Person not linked", "The person in {master} is not linked between your team and XPM's staff."
    ),
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
        "The contact was made from the XPM client's own name, so it is not added there.",
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
