"""Ignition's records in the store, the imports that brought them, and the jobs that proposals ask for.

All are frozen; their ids are assigned here and never change. Proposals come from Ignition's export of active
services or are created here. An import keeps what came in and what it replaced, so that the last one can be
undone. A workflow is the job, or the recurring job, that a proposal asks for in XPM; its deployments say what
has been created.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

import msgspec

ClientState = Literal["", "lead", "active", "inactive"]
Origin = Literal["import", "pick", "new"]


class Contact(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """A contact of a client. ``id`` (``k12``) is assigned here, ``contact_id`` by Ignition (or empty)."""

    id: str
    name: str = ""
    contact_id: str = ""
    email: str = ""
    phone: str = ""
    mobile: str = ""
    salutation: str = ""
    addressee: str = ""
    primary: bool = False
    extra: dict[str, str] = msgspec.field(default_factory=dict)


class Client(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """A client in the store. ``id`` (``c12``) is assigned here, ``client_id`` by Ignition (empty if unknown).

    ``partner`` and ``manager`` are ids of team members, or empty. ``tax_registered`` is None if unknown.
    ``extra`` holds unknown columns by their heading.
    """

    id: str
    name: str
    client_id: str = ""
    state: ClientState = ""
    contacts: tuple[Contact, ...] = ()
    phone: str = ""
    fax: str = ""
    website: str = ""
    referral_source: str = ""
    address: str = ""
    city: str = ""
    region: str = ""
    postcode: str = ""
    country: str = ""
    postal_address: str = ""
    postal_city: str = ""
    postal_region: str = ""
    postal_postcode: str = ""
    postal_country: str = ""
    tax_registered: bool | None = None
    structure: str = ""
    groups: tuple[str, ...] = ()
    partner: str = ""
    manager: str = ""
    extra: dict[str, str] = msgspec.field(default_factory=dict)
    origin: Origin = "import"
    created: datetime | None = None

    def contact(self, id_: str) -> Contact | None:
        """Return the contact with this id, or None."""
        return next((contact for contact in self.contacts if contact.id == id_), None)


class Imported(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What Ignition's last file said about a client, by which an edit of a cell is recognised.

    ``cells`` are the client's fields, ``contacts`` those of each contact by our contact id; people are ids of
    team members. ``sent`` is when the client was last exported, ``out`` and ``out_contacts`` the exported
    values that no later file has confirmed. ``at`` is None until a file has contained the client.
    """

    id: str
    at: datetime | None = None
    cells: dict[str, str] = msgspec.field(default_factory=dict)
    contacts: dict[str, dict[str, str]] = msgspec.field(default_factory=dict)
    sent: datetime | None = None
    out: dict[str, str] = msgspec.field(default_factory=dict)
    out_contacts: dict[str, dict[str, str]] = msgspec.field(default_factory=dict)


class TeamMember(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A team member (``t3``). ``staff`` is the UUID of the linked XPM staff record, or empty.

    A member without access has no login in Ignition but can be assigned to clients and jobs.
    """

    id: str
    name: str
    email: str = ""
    staff: str = ""
    access: bool = True
    active: bool = True
    extra: dict[str, str] = msgspec.field(default_factory=dict)


SERVICE_ID = "Service ID"
"""The heading under which ``Service.extra`` has Ignition's id of the service."""


class Service(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A service of Ignition's library (``s4``) and the UUIDs of its XPM job templates.

    ``no_job``: the user decided that it needs no job, as opposed to not having chosen yet. ``category`` is
    the UUID of the job category, and ``budget`` what it adds to a budget: ``none``, ``value`` (price by
    quantity) or an amount; empty follows the practice.
    """

    id: str
    name: str
    templates: tuple[str, ...] = ()
    no_job: bool = False
    category: str = ""
    budget: str = ""
    extra: dict[str, str] = msgspec.field(default_factory=dict)


ProposalState = Literal["", "draft", "sent", "accepted", "completed", "lost", "revoked", "unknown"]


class ProposalService(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A service within a proposal; ``service`` is our id of it, empty if the library has none with its name.

    ``price`` and ``quantity`` are texts as in the file. ``end`` is None while the service continues.
    ``project`` is the project that it belongs to, if the proposal has several. If the project is for a
    different client, ``client`` is our id of that entity (empty if the store has none), and ``client_id`` and
    ``client_name`` are its id and name in the file or as typed.
    """

    name: str
    service: str = ""
    project: str = ""
    client: str = ""
    client_id: str = ""
    client_name: str = ""
    start: date | None = None
    end: date | None = None
    billing: str = ""
    price: str = ""
    quantity: str = ""
    extra: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def entity(self) -> str:
        """Return the key of the service's own client; empty for the proposal's client.

        It is the same in every import.
        """
        return self.client_id.casefold() or " ".join(self.client_name.casefold().split()) or self.client


class Engagement(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The data from which the jobs of a proposal are created, as of one time."""

    name: str = ""
    number: str = ""
    client: str = ""
    reference: str = ""
    start: date | None = None
    end: date | None = None
    services: tuple[ProposalService, ...] = ()
    partner: str = ""
    manager: str = ""


class Proposal(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A proposal (``o5``). ``number`` (``PROP-12``) comes from Ignition or is typed, never generated.

    ``client`` is our id; empty if the file names a client that the store does not have. ``ours``: a user took
    the proposal over, so its jobs are deployed from here; Ignition's own integration has usually deployed
    those of other imported proposals. ``status`` is the file's own word if it is not a known state.
    ``before`` is what the user last accepted, if Ignition has changed the proposal since.
    """

    id: str
    name: str
    number: str = ""
    client: str = ""
    client_id: str = ""
    client_name: str = ""
    reference: str = ""
    state: ProposalState = ""
    status: str = ""
    accepted: date | None = None
    start: date | None = None
    end: date | None = None
    services: tuple[ProposalService, ...] = ()
    partner: str = ""
    manager: str = ""
    origin: Literal["import", "new"] = "import"
    ours: bool = False
    created: datetime | None = None
    before: Engagement | None = None
    extra: dict[str, str] = msgspec.field(default_factory=dict)


class Import(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One import (``m3``). ``fields`` are the fields that have a column in the file.

    ``state`` is ``begun`` until the file is in the store, in one commit, and ``undoing`` while an earlier
    version undoes it; only the last import keeps its images. ``digest`` identifies the content of the file.
    ``own``: a spreadsheet that was written here, which does not say what Ignition has. ``event`` names the
    inbox event, which contains only part of a record. ``as_of`` is the time to which the values apply.
    ``by_hand``: a user imported it, and not the inbox.
    """

    id: str
    at: datetime
    by: str = ""
    form: str = "clients"
    file: str = ""
    encoding: str = ""
    counts: dict[str, int] = msgspec.field(default_factory=dict)
    fields: tuple[str, ...] = ()
    state: Literal["begun", "done", "undoing", "undone"] = "begun"
    digest: str = ""
    own: bool = False
    event: str = ""
    as_of: datetime | None = None
    by_hand: bool = False


class ImportImage(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Before-image of one row in one import; ``id`` is ``<import>/<table>/<row>``.

    A changed row keeps both its states, ``before`` and ``after``; for a row that the import created,
    ``digest`` shows whether it has been changed since. ``made`` has the digests of many new rows, by id;
    ``row`` is empty then.
    """

    id: str
    batch: str
    table: str
    row: str
    digest: str = ""
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    made: dict[str, str] = msgspec.field(default_factory=dict)


ReceivedState = Literal["imported", "unchanged", "outdated", "partial", "failed"]


class ReceivedFile(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One file of the inbox (``f3``), identified by the ``digest`` of its content.

    It is written in the transaction of its import (``batch``), so that it is imported exactly once. ``claim``
    is its name in the folder ``working`` during that transaction: a file with that name whose transaction was
    committed only has to be moved. ``as_of`` is the time to which its values apply, ``copies`` counts later
    files with the same content, the last of which had the claim ``copy_claim``. ``records`` and ``edits`` are
    the first ones that it changed.
    """

    id: str
    name: str
    digest: str
    at: datetime
    by: str = ""
    size: int = 0
    kind: str = ""
    event: str = ""
    as_of: datetime | None = None
    state: ReceivedState = "imported"
    sentence: str = ""
    details: tuple[str, ...] = ()
    batch: str = ""
    claim: str = ""
    copies: int = 0
    copy_claim: str = ""
    counts: dict[str, int] = msgspec.field(default_factory=dict)
    records: tuple[str, ...] = ()
    edits: tuple[tuple[str, str, str, str], ...] = ()


class FieldStamps(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """When the inbox last set each field of one record: field names by stamp.

    A stamp is a time with a sequence number, written so that texts sort as the stamps do. ``id`` is the
    sender's name for the record (``clients/id:cli-1``), because a file may arrive before the record exists
    here. A file that a user imports leaves no stamp for each field: rows ``hand/clients/3f`` have the names
    of its records by import (``m7``).
    """

    id: str
    fields: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)


Unit = Literal["week", "month", "year"]
Automatic = Literal["no", "setting", "yes"]
DeploymentState = Literal["going", "deployed", "held", "failed", "skipped"]
Step = Literal["client", "look", "add", "template", "assign", "state"]


class Repeat(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A recurrence: every ``every`` weeks, months or years from the workflow's start, up to ``end``.

    Without an ``end`` it ends with its proposal; ``endless`` if a user chose no end. Days that a month does
    not have become its last day (the 31st, the 29th of February); ``last_day`` means the last day of every
    month, regardless of the start.
    """

    unit: Unit
    every: int = 1
    end: date | None = None
    last_day: bool = False
    endless: bool = False


class Audit(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One line of a workflow's history; ``what`` is the key of a sentence, ``about`` a field or a number."""

    at: datetime
    by: str
    what: str
    about: str = ""


class Workflow(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The job or jobs that a proposal, or one project of it, asks for in XPM (``w3``).

    ``name`` is the proposal's, followed by the project's; ``split``: it is only for the services of its
    project. A field that is None follows the proposal, its services and the settings until the job is
    created; any other value was entered by a user. ``category`` and ``templates`` are UUIDs of XPM,
    ``partner``, ``manager`` and ``staff`` team members. ``since`` is the day on which a user accepted or took
    over the proposal: earlier occurrences are not deployed from here. ``automatic``: ``setting`` follows the
    setting. ``stopped`` says why no more jobs are created. ``entity``: it is for the services of that entity
    only, empty for those of the proposal's own client; None if entities are not distinguished. ``client`` is
    our id of a client that was chosen for it. ``follows`` is the workflow that it was rolled over from; its
    term is from ``term_start`` to ``term_end``, each None if it is the proposal's.
    """

    id: str
    proposal: str
    name: str
    project: str = ""
    split: bool = False
    entity: str | None = None
    client: str | None = None
    follows: str = ""
    term_start: date | None = None
    term_end: date | None = None
    start: date
    since: date
    repeat: Repeat | None = None
    automatic: Automatic = "no"
    job_name: str | None = None
    description: str | None = None
    category: str | None = None
    budget: str | None = None
    partner: str | None = None
    manager: str | None = None
    staff: tuple[str, ...] = ()
    reference: str | None = None
    templates: tuple[str, ...] | None = None
    due: date | None = None
    due_days: int | None = None
    days_early: int | None = None
    state_code: str | None = None
    stopped: str = ""
    audit: tuple[Audit, ...] = ()


class JobSpec(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The exact job that is sent to XPM. Category, templates and people are UUIDs of XPM.

    ``number`` is the practice's own job number, empty if XPM assigns its next one.
    """

    name: str
    description: str
    start: date
    due: date
    category: str = ""
    budget: str = ""
    reference: str = ""
    number: str = ""
    templates: tuple[str, ...] = ()
    partner: str = ""
    manager: str = ""
    staff: tuple[str, ...] = ()
    state_code: str = ""


class Deployment(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The state of one occurrence; ``id`` is ``<workflow>/<day>``, with the date of the occurrence.

    ``spec`` is what was sent, or is about to be. ``number`` is the job's number in XPM: if it is set, the job
    exists, and only the missing steps are done. ``applied`` are the templates that were applied. ``step`` is
    the step reached, ``cause`` and ``why`` say what prevents the next one, ``left_out`` are people who could
    not be assigned. ``earlier`` are numbers of jobs that XPM no longer had when it was deployed again, and
    ``attempt`` counts them.
    """

    id: str
    workflow: str
    day: date
    state: DeploymentState
    attempt: int = 1
    spec: JobSpec | None = None
    client: str = ""
    number: str = ""
    uuid: str = ""
    url: str = ""
    applied: tuple[str, ...] = ()
    tasks: int = 0
    assigned: bool = False
    state_set: bool = False
    first_state: str = ""
    step: Step = "client"
    cause: str = ""
    why: str = ""
    left_out: tuple[str, ...] = ()
    run: str = ""
    earlier: tuple[str, ...] = ()
    audit: tuple[Audit, ...] = ()


def deployment_id(workflow: str, day: date) -> str:
    """Return the key of one occurrence of one workflow."""
    return f"{workflow}/{day.isoformat()}"
