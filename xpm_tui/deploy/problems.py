"""Why a job cannot be made as it stands: a small closed set, each with its sentence and its way out."""

from __future__ import annotations

from typing import Literal

import msgspec

from xpm_tui.model.text import visible

Weight = Literal["hold", "ask", "note"]

_SENTENCES: dict[str, tuple[Weight, str, str]] = {
    "no-client": ("hold", "Its proposal names no client of the book: {about}.",
                  "Import or make the client, then import the proposals again."),
    "client-ignored": ("hold", "{about} is set aside as having no XPM client.",
                       "Lift that first, or skip the job."),
    "client-gone": ("hold", "XPM no longer has the client that {about} is linked to.", "Link it anew."),
    "client-converted": ("hold", "The prospect that {about} is linked to was made a client of another id.",
                         "Link the new one."),
    "client-ambiguous": ("hold", "It is not clear which XPM client {about} is.", "Link it: clients review."),
    "client-archived": ("hold", "The XPM client of {about} is archived.",
                        "Take it out of the archive in XPM, or link another client, then sync."),
    "client-waits": ("hold", "{about}", "Link the client: clients review."),
    "client-new": ("note", "XPM has no client {about} yet: it is made first.", ""),
    "prospect": ("note", "{about} is a prospect in XPM: its id changes when it is made a client.", ""),
    "no-name": ("hold", "The job has no name.", "Give it one: jobs edit ID name=..."),
    "long-name": ("hold", "The job's name has {about} characters; XPM takes no more than 255.",
                  "Shorten it: jobs edit ID name=..."),
    "no-description": ("note", "The job has no description: no service is on the proposal.", ""),
    "due-first": ("hold", "The job would be due before it starts: {about}.",
                  "Set the date: jobs edit ID due=YYYY-MM-DD"),
    "bad-budget": ("hold", "The budget is not a number: {about}.", "Set it: jobs edit ID budget=1200.00"),
    "no-price": ("note", "The budget is left out, because a price is no number: {about}.", ""),
    "no-template": ("ask", "No service on it calls for a job template: the job would have no tasks.",
                    "Link the services (templates link), or say that it is to go out anyway."),
    "service-bare": ("note", "The service {about} calls for no template.", ""),
    "template-gone": ("hold", "XPM no longer has the job template {about}.",
                      "Link another one: templates link, or jobs edit ID templates=..."),
    "category-gone": ("hold", "XPM has no job category {about}.",
                      "Choose another one: jobs edit ID category=..., or the setting jobs.default_category."),
    "category-several": ("hold", "XPM has several job categories {about}.",
                         "Choose one by its UUID: jobs edit ID category=..."),
    "person-left-out": ("note", "{about}, and is left out.", "Link the person: team link."),
    "person-missing": ("hold", "{about}.", "Link the person: team link. Or set jobs.missing_person to skip."),
    "reference-ours": ("note", "The reference {about} is on an open job of this proposal already: left out.",
                       ""),
    "reference-taken": ("ask", "The open job {about} carries this reference already, so invoices would not "
                        "find their way.", "Leave it out (jobs edit ID reference=), or say to go on anyway."),
    "same-job": ("ask", "The client has an open job of this name and start already: {about}. Ignition may "
                 "have made it.", "Skip it (jobs skip), or say that it is to go out anyway."),
    "same-name": ("note", "The client has an open job of this name already: {about}.", ""),
    "number-taken": ("hold", "XPM has a job {about} already.", 
                     "Change the setting jobs.number, or empty it."),
    "stopped": ("hold", "{about}", "Take the proposal again to go on."),
    "not-ours": ("hold", "The proposal is not ours to deploy: {about}.", "Say so: proposals take ID"),
    "ignition": ("hold", "XPM may still be switched on in Ignition, which would make the job, too.",
                 "Switch it off there, then: settings set jobs.ignition_deploys no"),
}  # fmt: skip


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing about a job: ``hold`` keeps it back, ``ask`` too until a person says to go on anyway,
    ``note`` is only told."""

    code: str
    about: str = ""

    @property
    def weight(self) -> Weight:
        """Whether it keeps the job back."""
        return _SENTENCES[self.code][0]

    @property
    def sentence(self) -> str:
        """What is the matter."""
        return _SENTENCES[self.code][1].replace("{about}", str(visible(self.about, 160)))

    @property
    def hint(self) -> str:
        """What to do about it."""
        return _SENTENCES[self.code][2]
