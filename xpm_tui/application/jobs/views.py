"""Views of templates, proposals, workflows and jobs; their field names are those of ``--json`` and stable."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from xpm_tui.application.presenters.views import RefView
from xpm_tui.domain.plan import Consequences


class TemplateView(msgspec.Struct, frozen=True, kw_only=True):
    """A job template of XPM and the number of services that use it; ``gone``: XPM no longer lists it."""

    uuid: str
    name: str
    gone: bool
    services: int


class LikelyView(msgspec.Struct, frozen=True, kw_only=True):
    """A template that is proposed for a service; ``same``: the names differ only in case and punctuation."""

    uuid: str
    name: str
    score: int
    same: bool


class ServiceLinkView(msgspec.Struct, frozen=True, kw_only=True):
    """A service with the templates it uses, or those that its name proposes.

    Attributes:
        gone: The templates among them that XPM no longer has.
        on_proposals: Number of proposals that name the service.
        category: The service's own rule for the category.
        budget: The service's own rule for the budget.
    """

    id: str
    name: str
    templates: tuple[RefView, ...]
    no_job: bool
    proposals: tuple[LikelyView, ...] = ()
    gone: tuple[RefView, ...] = ()
    on_proposals: int = 0
    category: RefView | None = None
    budget: str = ""


class TemplateRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the work templates.

    It is a service, a template that no service uses, or a name on proposals that is not a service
    (``unknown``).
    """

    service: ServiceLinkView | None = None
    template: TemplateView | None = None
    unknown: str = ""

    @property
    def key(self) -> str:
        """Return our id, the UUID, or the name."""
        return self.service.id if self.service else self.template.uuid if self.template else self.unknown

    @property
    def name(self) -> str:
        """Return its name."""
        return self.service.name if self.service else self.template.name if self.template else self.unknown


class CategoryView(msgspec.Struct, frozen=True, kw_only=True):
    """A job category of XPM; ``default``: new jobs get it, by ``jobs.default_category``."""

    uuid: str
    name: str
    gone: bool
    default: bool


class DefaultView(msgspec.Struct, frozen=True, kw_only=True):
    """A default for new jobs: its value in words, its origin, and why it cannot be used, if that is so."""

    key: str
    label: str
    value: str
    origin: str
    trouble: str = ""


class CoverageView(msgspec.Struct, frozen=True, kw_only=True):
    """The gaps between services, job templates and proposals.

    Attributes:
        bare: Services without a template.
        gone: Templates in use that XPM no longer has.
        unused: Templates that no service uses.
        unknown: Names on proposals that are not services.
        note: Why XPM's list could not be read.
    """

    bare: tuple[RefView, ...]
    gone: tuple[RefView, ...]
    unused: tuple[RefView, ...]
    unknown: tuple[str, ...]
    note: str = ""


class ProposalRowView(msgspec.Struct, frozen=True, kw_only=True):
    """A proposal. ``ours``: its jobs are created from here; ``why`` says why they are not.

    ``standing``: draft, to take (accepted in Ignition, not taken over), ours, changed (in Ignition since it
    was accepted here), renewed (Ignition has its next term), revoked (here; it can be taken over or accepted
    again), otherwise Ignition's status; if that is ``unknown``, ``status`` is Ignition's own word.
    ``workflows`` are its workflows, ``entities`` the other clients that its projects are for.
    """

    id: str
    name: str
    number: str
    reference: str
    client: RefView | None
    state: str
    standing: str
    origin: str
    ours: bool
    accepted: date | None
    start: date | None
    end: date | None
    services: tuple[str, ...]
    workflows: tuple[str, ...]
    why: str = ""
    status: str = ""
    entities: tuple[str, ...] = ()

    @property
    def word(self) -> str:
        """Return its state, in Ignition's own word if that is not known."""
        return self.status or self.state


class ServiceChangeView(msgspec.Struct, frozen=True, kw_only=True):
    """A change of one service on a proposal: as accepted, and as in Ignition now.

    The service was ``added``, ``removed`` or ``repriced``, or only its ``dates`` differ. ``client`` is the
    entity that it is for.
    """

    change: str
    name: str
    project: str = ""
    client: str = ""
    old_price: str = ""
    price: str = ""
    old_quantity: str = ""
    quantity: str = ""
    old_billing: str = ""
    billing: str = ""
    old_start: date | None = None
    start: date | None = None
    old_end: date | None = None
    end: date | None = None


class PartChangeView(msgspec.Struct, frozen=True, kw_only=True):
    """A change of another part of a proposal in Ignition."""

    field: str
    label: str
    old: str
    new: str


class RolledView(msgspec.Struct, frozen=True, kw_only=True):
    """A workflow of the next term.

    Attributes:
        workflow: Its id, ``+w1`` while none was assigned; empty if the former workflow only ends.
        follows: The workflow that it continues; empty for an added project or entity.
        edits: Fields that were edited on the former workflow.
    """

    workflow: str
    follows: str
    name: str
    client: RefView | None
    repeats: str
    first: date | None
    ends: date | None = None
    edits: tuple[str, ...] = ()


class ProposalChangeView(msgspec.Struct, frozen=True, kw_only=True):
    """The changes that Ignition has made to a proposal since it was accepted here.

    ``term`` and ``term_end`` are the first and the last day of the next term, if the file has one;
    ``workflows`` are then what a roll-over creates. ``stopped`` are workflows that wait until the change is
    accepted.
    """

    id: str
    number: str
    name: str
    client: RefView | None
    services: tuple[ServiceChangeView, ...]
    parts: tuple[PartChangeView, ...]
    stopped: tuple[str, ...]
    term: date | None = None
    term_end: date | None = None
    workflows: tuple[RolledView, ...] = ()

    @property
    def is_renewal(self) -> bool:
        """Return whether it has a next term."""
        return self.term is not None


class AgreedView(msgspec.Struct, frozen=True, kw_only=True):
    """A service on a proposal: ``calls_for`` names its templates; empty with ``no_job`` or ``unknown``."""

    name: str
    project: str
    price: str
    calls_for: tuple[str, ...]
    client: str = ""
    no_job: bool = False
    unknown: bool = False


class HistoryLineView(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a workflow's history."""

    at: datetime
    by: str
    sentence: str


class JobRowView(msgspec.Struct, frozen=True, kw_only=True):
    """One job, created or still to be created.

    Attributes:
        id: ``<workflow>/<date>``.
        state: coming, due, missed, going, deployed, held, failed, skipped or stopped.
        step: The step that its creation has reached.
        cause: One word for what stops it at that step.
        why: A sentence on what stops it.
        number: XPM's job number.
        url: XPM's web address of the job.
        in_xpm: Its state in XPM; empty if it is not among XPM's current jobs.
    """

    id: str
    name: str
    workflow: str
    proposal: str
    client: RefView | None
    deploy_on: date
    date: date
    state: str
    automatic: bool
    repeats: str
    number: str = ""
    url: str = ""
    in_xpm: str = ""
    step: str = ""
    cause: str = ""
    why: str = ""
    left_out: tuple[str, ...] = ()
    earlier: tuple[str, ...] = ()


class ProblemView(msgspec.Struct, frozen=True, kw_only=True):
    """A problem of a job: ``hold`` holds it, ``ask`` needs confirmation, ``note`` is only shown."""

    code: str
    weight: str
    sentence: str
    hint: str


class PreviewView(msgspec.Struct, frozen=True, kw_only=True):
    """The exact job that would be sent, with names; ``problems`` with it.

    ``calls`` to Xero and ``consequences`` are those of deploying it alone; within a batch, ``calls`` are
    those of the job in addition to the shared ones. ``until`` is the last day on which the job may recur.
    After an edit, ``affected`` are the jobs within a year that it changes, and ``effect`` is a sentence about
    them.
    """

    id: str
    workflow: str
    name: str
    description: str
    client: RefView | None
    xpm_client: str
    start: date
    due: date
    category: str
    budget: str
    reference: str
    number: str
    templates: tuple[RefView, ...]
    partner: str
    manager: str
    staff: tuple[str, ...]
    state_code: str
    calls: int
    goes: bool
    goes_anyway: bool
    problems: tuple[ProblemView, ...]
    job: JobRowView
    audit: tuple[HistoryLineView, ...] = ()
    consequences: Consequences | None = None
    until: date | None = None
    affected: tuple[str, ...] = ()
    effect: str = ""


class JobCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of jobs and proposals for Overview.

    Attributes:
        due: Jobs that are due.
        due_automatic: Those of them that are deployed automatically.
        held: Jobs that wait for a decision.
        failed: Jobs that failed.
        going: Jobs that are not created completely.
        soon: Jobs of the next 14 days.
        missed: Jobs whose date is past.
        changed: Proposals changed in Ignition, so that their waiting jobs were stopped.
        renewed: Proposals with a next term that is to be rolled over.
        to_take: Accepted proposals that are not taken over.
        blocked: Why nothing is deployed, or empty.
    """

    due: int = 0
    due_automatic: int = 0
    held: int = 0
    failed: int = 0
    going: int = 0
    soon: int = 0
    missed: int = 0
    changed: int = 0
    renewed: int = 0
    to_take: int = 0
    blocked: str = ""
