"""Proposals: list, create, accept, take over from Ignition, and revoke them.

Jobs are created only for proposals that were taken over or created here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import msgspec

from xpm_tui.application.clients.edits import known_field, refuse_unusable_text
from xpm_tui.application.jobs.services import find_service, terms_of
from xpm_tui.application.jobs.views import AgreedView, ProposalRowView
from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.presenters.lookup import find_client, find_member, only_hit
from xpm_tui.application.presenters.views import RefView
from xpm_tui.deploy.calendar import RECURRENCES
from xpm_tui.deploy.job_spec import Per
from xpm_tui.deploy.renewal import is_renewed
from xpm_tui.deploy.workflows import make_workflows
from xpm_tui.domain.errors import BadInput, NotFound
from xpm_tui.domain.events import Event
from xpm_tui.domain.identity import exact
from xpm_tui.domain.ignition import Audit, Client, Proposal, ProposalService, Repeat
from xpm_tui.domain.labels import PROPOSAL_STATES, label
from xpm_tui.domain.ports import Put, Snapshot, Write
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import CLIENTS, PROPOSALS, SERVICES, TEMPLATES, WORKFLOWS
from xpm_tui.store.snapshot import BlockIds

ENDLESS = "none"
"""The typed value of the last day for a recurrence that continues after the proposal."""
FIELDS = ("number", "reference", "start", "end", "partner", "manager")


def list_proposals(practice: OpenPractice, *, state: str = "", mine: bool = False) -> list[ProposalRowView]:
    """Return the proposals in order of arrival.

    Args:
        practice: The open practice.
        state: Return only this state, which may be a word of Ignition's that is not known here.
        mine: Return only those whose jobs are created from here.
    """
    snapshot = practice.snapshot()
    word = exact(state).casefold()
    rows = (
        row
        for row in snapshot.rows(PROPOSALS)
        if not word or word in (row.state or "unknown", exact(row.status).casefold())
    )
    return [proposal_view(snapshot, row) for row in rows if row.ours or not mine]


def new_proposal(
    practice: OpenPractice,
    name: str,
    client: str,
    services: Sequence[str],
    values: Mapping[str, str],
    entities: Sequence[str] = (),
) -> ProposalRowView:
    """Create a draft proposal.

    Args:
        practice: The open practice.
        name: The name of the proposal.
        client: The client it is for.
        services: Names as in the library; ``PROJECT: SERVICE`` puts a service into a project.
        values: Any of number, reference, start, end, partner and manager.
        entities: ``PROJECT: CLIENT`` for each project that is for another client than ``client``.

    Raises:
        BadInput: A value cannot be used.
        NotFound: A client, service or team member does not exist.
    """
    practice.writable()
    snapshot = practice.snapshot()
    title = _text("name", name)
    if not title:
        raise BadInput("A proposal must have a name.", field="name")
    ours = find_client(snapshot, client)
    parsed: dict[str, object] = {}
    for field, text in values.items():
        known_field(field, field.casefold(), FIELDS)
        if field in ("start", "end"):
            parsed[field] = parse_day(field, text)
        elif field in ("partner", "manager"):
            parsed[field] = find_member(snapshot, text).id if text.strip() else ""
        else:
            parsed[field] = _text(field, text)
    start, end = parsed.get("start"), parsed.get("end")
    if isinstance(start, date) and isinstance(end, date) and end < start:
        raise BadInput(f"The end {end} is before the start {start}.", field="end")
    number = str(parsed.get("number", ""))
    taken = snapshot.find(PROPOSALS, "number", number.casefold()) if number else []
    if taken:
        raise BadInput(f"The number {visible(number, 40)} already belongs to {taken[0].id}.")
    made = msgspec.convert(
        {
            **parsed,
            "id": practice.ids.new("o")[0],
            "name": title,
            "client": ours.id,
            "client_id": ours.client_id,
            "client_name": ours.name,
            "state": "draft",
            "origin": "new",
            "ours": True,
            "created": practice.clock.now(),
        },
        Proposal,
    )
    agreed = tuple(_service(snapshot, text) for text in services)
    made = msgspec.structs.replace(made, services=_with_entities(snapshot, agreed, entities, ours))
    practice.store.commit([Put(PROPOSALS, made)])
    practice.events.emit(Event(key="proposal.added", record=made.id))
    return proposal_view(practice.snapshot(), made)


def accept(
    practice: OpenPractice,
    proposals: Iterable[str],
    *,
    repeat: Repeat | None = None,
    start: date | None = None,
    per: Per | None = None,
) -> list[ProposalRowView]:
    """Accept proposals that were created here: their workflows are created, and jobs can be deployed."""
    snapshot = practice.snapshot()
    found = [find_proposal(snapshot, text) for text in proposals]
    for proposal in found:
        if proposal.origin == "import":
            take = f"To create its jobs from here: xpm-tui proposals take-over {proposal.id}"
            wait = "Once it is accepted there, import the proposals again: xpm-tui import proposals FILE"
            raise BadInput(
                f"{proposal.id} comes from Ignition, so it is accepted there and not here.",
                hint=take if proposal.state == "accepted" else wait,
            )
        if proposal.state == "accepted":
            raise BadInput(f"{proposal.id} is already accepted.", hint="See: xpm-tui jobs list")
    return _create_workflows(practice, found, "accepted", repeat, start, per)


def take_over(
    practice: OpenPractice,
    proposals: Iterable[str] = (),
    *,
    every: bool = False,
    repeat: Repeat | None = None,
    start: date | None = None,
    per: Per | None = None,
) -> list[ProposalRowView]:
    """Take over the jobs of accepted proposals from Ignition; no job of the past is created.

    ``every`` takes over all that are not taken over yet.

    Raises:
        NotFound: There is no such proposal.
        BadInput: A proposal is not accepted, or several have that name.
    """
    snapshot = practice.snapshot()
    if every:
        found = [row for row in snapshot.rows(PROPOSALS) if row.state == "accepted" and not row.ours]
    else:
        found = [find_proposal(snapshot, text) for text in proposals]
    for proposal in found:
        # A proposal that was revoked here can be taken over again, but not one that Ignition revoked.
        if proposal.state != "accepted" and not (proposal.state == "revoked" and proposal.ours):
            raise BadInput(
                f"{proposal.id} is {_state_phrase(proposal)}: only an accepted proposal can be taken over.",
                hint="Once it is accepted in Ignition, import Ignition's proposals again."
                if proposal.origin == "import" else f"Accept it: xpm-tui proposals accept {proposal.id}",
            )  # fmt: skip
        workflows = snapshot.find(WORKFLOWS, "proposal", proposal.id)
        stopped = any(workflow.stopped for workflow in workflows)
        if workflows and not stopped and is_renewed(proposal):
            raise BadInput(
                f"{proposal.id} has a next term, and this one has no jobs left to create.",
                hint=f"Create the next term's workflows: xpm-tui proposals rollover {proposal.id}",
            )
        if proposal.ours and workflows and not stopped and proposal.before is None:
            raise BadInput(f"{proposal.id} was already taken over.", hint="See: xpm-tui jobs list")
    return _create_workflows(practice, found, "taken", repeat, start, per)


def revoke(practice: OpenPractice, proposal: str, reason: str = "") -> ProposalRowView:
    """Stop all jobs of a proposal that are not created yet. Jobs in XPM stay as they are."""
    practice.writable()
    snapshot = practice.snapshot()
    before = find_proposal(snapshot, proposal)
    if before.state == "revoked":
        raise BadInput(f"{before.id} is already revoked.")
    now, why = practice.clock.now(), _text("reason", reason)
    text = f"Its proposal was revoked{f': {why}' if why else ''}."
    # An imported proposal becomes ours, so that the revocation survives the next import. One that was never
    # accepted does not, because taking it over would accept it.
    ours = before.ours or before.state == "accepted"
    after = msgspec.structs.replace(before, state="revoked", status="", ours=ours)
    line = Audit(at=now, by=practice.person, what="revoked", about=why)
    workflows = snapshot.find(WORKFLOWS, "proposal", before.id)
    stopped = [
        Put(WORKFLOWS, msgspec.structs.replace(each, stopped=text, audit=(*each.audit, line)))
        for each in workflows
        if not each.stopped
    ]
    practice.store.commit([Put(PROPOSALS, after), *stopped], since=snapshot)
    practice.events.emit(Event(key="proposal.revoked", record=before.id, numbers={"workflows": len(stopped)}))
    return proposal_view(practice.snapshot(), after)


def find_proposal(snapshot: Snapshot, text: str) -> Proposal:
    """Return a proposal by our id, its number, or its exact name. Raises ``NotFound`` and ``BadInput``."""
    typed = text.strip()
    found = snapshot.get(PROPOSALS, typed)
    if found is not None:
        return found
    hits = snapshot.find(PROPOSALS, "number", typed.casefold()) if typed else []
    hits = hits or [row for row in snapshot.rows(PROPOSALS) if typed and exact(row.name) == exact(typed)]
    found = only_hit(hits, typed, "proposals", lambda row: row.id)
    if found is not None:
        return found
    raise NotFound(f"There is no proposal '{visible(typed, 80)}'.", hint="List them: xpm-tui proposals list")


def parse_repeat(word: str, *, until: str = "", last_day: bool = False) -> Repeat | None:
    """Return the recurrence that a word names; None for ``once`` or nothing.

    It ends with its proposal, on the day ``until``, or never if that is ``none``.

    Raises:
        BadInput: The word or the day cannot be read, or an option does not fit the recurrence.
    """
    typed = word.strip().casefold().replace("_", "-")
    if typed in ("", "once"):
        if until or last_day:
            reason = "An end and the last day of the month are only for recurring jobs."
            raise BadInput(reason, field="until" if until else "last_day")
        return None
    if typed not in RECURRENCES:
        raise BadInput(
            f"'{visible(word, 40)}' is not a recurrence.",
            hint=f"Choose one of: once, {', '.join(RECURRENCES)}.",
        )
    unit, every = RECURRENCES[typed]
    if last_day and unit != "month":
        raise BadInput(
            "The last day of the month is only for jobs that recur monthly, or every few months.",
            field="last_day",
        )
    return with_end(Repeat(unit=unit, every=every, last_day=last_day), until)


def with_end(repeat: Repeat, until: str) -> Repeat:
    """Return the recurrence with an end as typed: a date, ``none``, or nothing to end with the proposal.

    Raises:
        BadInput: The end cannot be read.
    """
    endless = until.strip().casefold() == ENDLESS
    return msgspec.structs.replace(
        repeat, end=None if endless else parse_day("until", until), endless=endless
    )


def parse_day(field: str, text: str) -> date | None:
    """Return a typed date, ``YYYY-MM-DD``; None for an empty text. Raises ``BadInput``."""
    try:
        return date.fromisoformat(text.strip()) if text.strip() else None
    except ValueError:
        raise BadInput(
            f"{field}: '{visible(text, 40)}' is not a date.", hint="For example: 2026-07-31"
        ) from None


def proposal_view(snapshot: Snapshot, row: Proposal) -> ProposalRowView:
    """Return one proposal as a view."""
    client = snapshot.get(CLIENTS, row.client) if row.client else None
    workflows = snapshot.find(WORKFLOWS, "proposal", row.id)
    standing = _standing(row, any(each.stopped for each in workflows))
    named = {s.entity: (snapshot.get(CLIENTS, s.client), s) for s in row.services if s.entity}
    why = "" if standing == "ours" else label(PROPOSAL_STATES, standing).help
    return ProposalRowView(
        id=row.id,
        name=row.name,
        number=row.number,
        reference=row.reference,
        client=RefView(id=client.id, name=client.name) if client else None,
        state=row.state,
        standing=standing,
        origin=row.origin,
        ours=row.ours,
        accepted=row.accepted,
        start=row.start,
        end=row.end,
        services=tuple(service.name for service in row.services),
        workflows=tuple(each.id for each in workflows),
        why=why,
        status=row.status,
        entities=tuple(
            there.name if there else service.client_name or service.client_id
            for there, service in named.values()
        ),
    )


def show_proposal(practice: OpenPractice, proposal: str) -> ProposalRowView:
    """Return one proposal. Raises ``NotFound`` and ``BadInput``."""
    snapshot = practice.snapshot()
    return proposal_view(snapshot, find_proposal(snapshot, proposal))


def list_agreed_services(practice: OpenPractice, proposal: str) -> list[AgreedView]:
    """Return the services of a proposal with their templates. Raises ``NotFound``."""
    snapshot = practice.snapshot()
    found = []
    for each in find_proposal(snapshot, proposal).services:
        service = snapshot.get(SERVICES, each.service) if each.service else None
        rows = (snapshot.get(TEMPLATES, uuid) for uuid in (service.templates if service else ()))
        entity = snapshot.get(CLIENTS, each.client) if each.client else None
        found.append(
            AgreedView(
                name=each.name,
                project=each.project,
                price=each.price,
                calls_for=tuple(row.name if row else "(gone)" for row in rows),
                no_job=service is not None and service.no_job,
                unknown=service is None,
                client=entity.name if entity else each.client_name or each.client_id,
            )
        )
    return found


def _state_phrase(row: Proposal) -> str:
    """Return the state of a proposal as a part of a sentence."""
    return f"'{visible(row.status, 60)}' in Ignition" if row.status else row.state or "without a state"


def _standing(row: Proposal, stopped: bool) -> str:
    """Return the state of the deployment; see ``ProposalRowView``."""
    if row.ours and row.state == "accepted":
        if is_renewed(row):
            return "renewed"
        return "changed" if stopped or row.before is not None else "ours"
    if row.state == "accepted":
        return "to take"
    if row.state == "revoked" and not row.ours:
        return "revoked in Ignition"
    return row.state or "unknown"


def _create_workflows(
    practice: OpenPractice,
    found: Sequence[Proposal],
    what: str,
    repeat: Repeat | None,
    start: date | None,
    per: Per | None,
) -> list[ProposalRowView]:
    """Accept proposals, and create their workflows; ``what`` is the word for it in the history."""
    practice.writable()
    snapshot, terms, ids = practice.snapshot(), terms_of(practice), BlockIds(practice.ids)
    since = practice.current_day()
    writes: list[Write] = []
    events: list[Event] = []
    # A proposal can be named twice, by its id and its number.
    for proposal in {each.id: each for each in found}.values():
        _check_end(proposal, repeat, start, since)
        made = make_workflows(
            snapshot, terms, proposal, since=since, now=practice.clock.now(), by=practice.person,
            new_id=lambda: ids.new("w")[0], what=what, automatic=what == "accepted", repeat=repeat,
            start=start, per=per,
        )  # fmt: skip
        accepted = proposal.accepted if what == "taken" else since
        after = msgspec.structs.replace(
            proposal, ours=True, state="accepted", accepted=accepted or since, before=None
        )
        writes += [Put(PROPOSALS, after), *(Put(WORKFLOWS, workflow) for workflow in made)]
        events.append(Event(key=f"proposal.{what}", record=proposal.id, numbers={"workflows": len(made)}))
    if writes:
        practice.store.commit(writes, since=snapshot)
        for event in events:
            practice.events.emit(event)
    snapshot = practice.snapshot()
    rows = (snapshot.get(PROPOSALS, id_) for id_ in dict.fromkeys(proposal.id for proposal in found))
    return [proposal_view(snapshot, row) for row in rows if row is not None]


def _check_end(proposal: Proposal, repeat: Repeat | None, start: date | None, since: date) -> None:
    """Refuse a recurrence that would end before it begins."""
    if repeat is None:
        return
    if repeat.end is not None and repeat.end < (start or proposal.start or since):
        raise BadInput(f"The end {repeat.end} is before the first job.", field="until")
    follows = repeat.end is None and not repeat.endless and proposal.end is not None
    if follows and start is not None and proposal.end is not None and proposal.end < start:
        raise BadInput(
            f"{proposal.id} ends on {proposal.end}, before the first job on {start}.",
            hint="Give another --start, or the date until which its job recurs: --until DATE, or "
            "--until none.",
        )


def _service(snapshot: Snapshot, typed: str) -> ProposalService:
    """Return a service by name or id, otherwise typed as ``PROJECT: SERVICE``."""
    project, name = "", _text("service", typed)
    try:
        found = find_service(snapshot, name)
    except NotFound as missing:
        if ":" not in name:
            missing.hint = "List them: xpm-tui services list. Create it: xpm-tui services new NAME"
            raise
        project, name = (part.strip() for part in name.split(":", 1))
        found = find_service(snapshot, name)
    return ProposalService(name=found.name, service=found.id, project=project)


def _with_entities(
    snapshot: Snapshot, services: tuple[ProposalService, ...], typed: Sequence[str], head: Client
) -> tuple[ProposalService, ...]:
    """Return the services with the clients of their projects, each typed as ``PROJECT: CLIENT``."""
    clients: dict[str, Client] = {}
    for text in typed:
        line = exact(_text("project_client", text)).casefold()
        projects = {exact(service.project): service.project for service in services if service.project}
        found = next((key for key in projects if line.startswith(f"{key.casefold()}:")), None)
        if found is None:
            raise BadInput(
                f"project_client: '{visible(text, 80)}' is not a project of any service.",
                hint="Write 'PROJECT: CLIENT', and the service as 'PROJECT: SERVICE'.",
                field="project_client",
            )
        clients[found] = find_client(snapshot, exact(text)[len(found) + 1 :])
    return tuple(
        msgspec.structs.replace(
            service, client=client.id, client_id=client.client_id, client_name=client.name
        )
        if (client := clients.get(exact(service.project))) is not None and client.id != head.id
        else service
        for service in services
    )


def _text(field: str, text: str) -> str:
    refuse_unusable_text(field, text)
    return " ".join(text.split())
