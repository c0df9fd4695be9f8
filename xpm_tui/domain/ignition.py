"""Records of the book: the Ignition side. All frozen; ids are ours and never change.

Proposals of the book, as Ignition's export of active services tells them or as they are made here.

Imports of Ignition's files: what came in, and what was there before, so that the last can be undone.

Workflows: what a proposal asks to be made in XPM, once or again and again, and what became of it.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

import msgspec

ClientState = Literal["", "lead", "active", "inactive"]
Origin = Literal["import", "pick", "new"]


class Contact(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """A person of a client. ``id`` (``k12``) is ours, ``contact_id`` Ignition's (empty when it has none)."""

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
    """A client of the book. ``id`` (``c12``) is ours, ``client_id`` Ignition's (empty when it has none).

    ``partner`` and ``manager`` are ids of team members, empty for nobody. ``tax_registered`` is None when
    nobody has said. ``extra`` keeps columns that we do not know, by their heading.
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


class Imported(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What Ignition's last file said of one client: by it a cell is known to be an edit, or not.

    ``cells`` are the client's fields, ``contacts`` those of each contact by our contact id; people are ids of
    team members. ``sent`` is when the client last went out by export, ``out`` and ``out_contacts`` what then
    went out that no later file has confirmed. ``at`` is None while no file has told of the client.
    """

    id: str
    at: datetime | None = None
    cells: dict[str, str] = msgspec.field(default_factory=dict)
    contacts: dict[str, dict[str, str]] = msgspec.field(default_factory=dict)
    sent: datetime | None = None
    out: dict[str, str] = msgspec.field(default_factory=dict)
    out_contacts: dict[str, dict[str, str]] = msgspec.field(default_factory=dict)


class TeamMember(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A person of the practice (``t3``). ``staff`` is the UUID of the linked XPM staff record, or empty.

    A member without access has no login in Ignition and may still be given work.
    """

    id: str
    name: str
    email: str = ""
    staff: str = ""
    access: bool = True
    active: bool = True
    extra: dict[str, str] = msgspec.field(default_factory=dict)


class Service(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A service of Ignition's library (``s4``) and the XPM job templates it calls for, by UUID.

    ``no_job`` says that it wants none: a choice, other than not having chosen yet. ``category`` is the UUID
    of the job category, and ``budget`` what it adds to a budget: ``none``, ``value`` (price by quantity) or
    an amount; empty follows the practice.
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
    """A service within a proposal; ``service`` is our id of it, empty where the library has none of the name.

    ``price`` and ``quantity`` are texts as the file has them. ``end`` is None while it goes on. ``project``
    is the group that it belongs to, where there are several. Where its project is for another client than the
    proposal, ``client`` is our id of that entity (empty where the store has none), ``client_id`` and
    ``client_name`` what the file or the user called it.
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
        """The key of its own client, the same in every import; empty where it is for the proposal's."""
        return self.client_id.casefold() or " ".join(self.client_name.casefold().split()) or self.client


class Engagement(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What the jobs of a proposal are made from, as it was at one time."""

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
    """A proposal (``o5``). ``number`` (``PROP-12``) is Ignition's or typed, never made here.

    ``client`` is our id; empty where the file names a client that the book does not have. ``ours`` says that
    a person made it ours to deploy: Ignition's own connector has usually deployed an imported one.
    ``status`` is the file's own word where that is not a known state. ``before`` is what the user last
    accepted, where Ignition has changed the proposal since.
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
    """One import (``m3``). ``fields`` are the fields that the file had a column for.

    ``state`` is ``begun`` until the file is in the store, all of it in one commit, and ``undoing`` until an
    earlier version had undone it; only the last import keeps its images. ``digest`` is that of the file's
    content, by which it is known again. ``own``: a spreadsheet that was written here, which says nothing of
    what Ignition has. ``event`` names the event of the inbox that it was, which says only a part.
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


class ImportImage(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Before-image of one row in one import; ``id`` is ``<import>/<table>/<row>``.

    A row that was changed keeps both its states, ``before`` and ``after``; of one that the import made a
    ``digest`` says whether it has been touched since. ``made`` has the digests of many new rows, by id;
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
    """One file of the inbox (``f3``), known by the ``digest`` of its content.

    It is written in the transaction of its import (``batch``), so that it is imported exactly once.
    ``claim`` is its name in the folder ``working`` during that transaction: a file of that name whose
    transaction was committed only has to be moved. ``as_of`` is the time of what it says, ``copies`` counts
    later files of the same content, of which the last had the claim ``copy_claim``. ``records`` and ``edits``
    are the first ones of what it changed.
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
    """As of when the inbox has told the fields of one record: names of fields by stamp.

    A stamp is a time with a sequence number, written so that texts compare as the stamps do. ``id`` is what
    the sender calls the record (``clients/id:cli-1``): it may come before the record is here.
    """

    id: str
    fields: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)


Unit = Literal["week", "month", "year"]
Automatic = Literal["no", "setting", "yes"]
DeploymentState = Literal["going", "deployed", "held", "failed", "skipped"]
Step = Literal["client", "look", "add", "template", "assign", "state"]


class Repeat(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A recurrence: every ``every`` weeks, months or years from the workflow's start, up to ``end``.

    Without an ``end`` it ends with its proposal; ``endless`` where a user said that it goes on.
    Days that a month does not have become its last day (the 31st, the 29th of February); ``last_day`` means
    the last day of every month whatever the start is.
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
    """What a proposal, or one project of it, asks to be made in XPM (``w3``).

    ``name`` is the proposal's, with the project's after it; ``split``: it is for its
    project's services alone. A field that is None follows the proposal, its
    services and the settings until the job is made; one that is set was typed. ``category`` and ``templates``
    are UUIDs of XPM, ``partner``, ``manager`` and ``staff`` team members. ``since`` is the day on which a
    person accepted or took the proposal: occurrences before it are not ours. ``automatic``: ``setting`` means
    deployed by itself as long as the setting says so. ``stopped`` tells why nothing more is made of it.

    ``entity``: it is for the services of that entity alone, empty for those of the proposal's own client;
    None where entities are not told apart. ``client`` is our id of a client that was chosen for it.
    ``follows`` is the workflow that it was rolled over from; its term is from ``term_start`` to ``term_end``,
    each None where it is the proposal's.
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
    """The exact job: what is sent to XPM. Category, templates and people are UUIDs of XPM.

    ``number`` is a job number of our own, empty where XPM gives its next one.
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
    """What became of one occurrence; ``id`` is ``<workflow>/<day>``, the day being the occurrence's date.

    ``spec`` is what was sent, or is about to be. ``number`` is the job's in XPM: with it the job is there,
    and only what is not yet done is done. ``applied`` are the templates that are on it. ``step`` is where it
    stands, ``cause`` and ``why`` what keeps it there, ``left_out`` people who could not be named. ``earlier``
    are numbers of jobs that XPM no longer had when it was deployed again, ``attempt`` counts those.
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
    """The key of one occurrence of one workflow."""
    return f"{workflow}/{day.isoformat()}"
