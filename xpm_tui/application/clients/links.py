"""Create, remove and check links, ignore clients that have no XPM client, and create clients in XPM.

Each change is one commit that can be undone and is logged.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress

from msgspec.structs import replace

from xpm_tui.application.clients.field_policy import checked_reason
from xpm_tui.application.clients.link_review import sure_proposals
from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.presenters.lookup import DifferencePresenter, find_client, find_xpm, show_client
from xpm_tui.application.presenters.presenter import Presenter, change_view, former_view
from xpm_tui.application.presenters.views import ClientView, CreatedView, EffectView, RelinkView, ReviewView
from xpm_tui.application.runs.history import Stopper, refuse_in_flight
from xpm_tui.domain.errors import BadInput, DecisionNeeded, StoreChanged
from xpm_tui.domain.events import Event
from xpm_tui.domain.links import Ignored, LinkOrigin
from xpm_tui.domain.plan import Consequences
from xpm_tui.domain.plan import UndecidedClient as NeedsDecision
from xpm_tui.domain.ports import Drop, Put, Snapshot, Write, changed_tables
from xpm_tui.domain.tables import CLIENTS, IGNORED, LINKS, PROVENANCE, RUNS, XPM_CLIENTS
from xpm_tui.domain.xpm import XpmClient
from xpm_tui.log.event_log import assign_to_run
from xpm_tui.store.encoding import refuse_changed_rows
from xpm_tui.sync.base import live_link
from xpm_tui.sync.consequences import creation_consequences, preserved_values
from xpm_tui.sync.manual import links
from xpm_tui.sync.manual.client_creation import (
    LEFT_OUT,
    CreationBlocked,
    create_client,
    creation_contacts,
    creation_message,
    find_obstacle,
    without_former,
)
from xpm_tui.sync.manual.takeover import FormerValue
from xpm_tui.sync.planning.links import (
    RelinkFinding,
    decision_reason,
    link_state,
    relink,
    survivors,
    undecided_client,
)


def preview_link(practice: OpenPractice, client: str, xpm: str, *, keep: bool = False) -> EffectView:
    """Return what linking these two would do; ``keep`` keeps the values of the former XPM client.

    Raises ``NotFound`` and ``BadInput`` if one of them does not exist.
    """
    snapshot = practice.snapshot()
    ours, theirs = find_client(snapshot, client), find_xpm(snapshot, xpm)
    views = Presenter(snapshot)
    effect = links.link_effect(snapshot, practice.policy(), ours.id, theirs.uuid, keep=keep)
    link = snapshot.get(LINKS, ours.id)
    before = snapshot.get(XPM_CLIENTS, link.uuid) if link else None
    refused = ""
    if theirs.deleted:
        refused = f"{theirs.name} is deleted in XPM: nothing can be linked to it."
    elif link is not None and link.uuid == theirs.uuid:
        refused = f"{ours.name} is already linked to {theirs.name}."
    presenter = DifferencePresenter(snapshot, practice.policy().direction)
    changes = (change_view(views, ours.id, theirs.uuid, change) for change in effect.changes)
    return EffectView(
        client=views.ref(ours.id),
        xpm=views.xpm(theirs),
        replaces=views.link(link, link_state(snapshot, ours), before) if link else None,
        drops_base=link is not None and link.uuid != theirs.uuid,
        quiet=effect.second is not None,
        needs_yes=_second_link_warning(views, ours.id, effect.second.id, theirs) if effect.second else "",
        refused=refused,
        warnings=effect.warnings,
        changes=tuple(sorted(changes, key=lambda change: not change.old)),
        differences=tuple(presenter.side_by_side(theirs.uuid, each) for each in effect.differences),
        jobs=tuple(f"{job.number} {job.name}" for job in effect.jobs_staying),
        former=() if refused else tuple(former_view(views, ours, theirs, each) for each in effect.former),
        former_counts={} if refused else former_counts(effect.former),
    )


def former_counts(former: Iterable[FormerValue]) -> dict[str, int]:
    """Count the values and contacts that came from a former XPM client, by what happens to them."""
    counts = dict.fromkeys(("replaced", "removed", "contacts_removed", "same", "kept"), 0)
    for each in former:
        contact = each.field == "contact" and each.outcome == "removed"
        counts["contacts_removed" if contact else each.outcome] += 1
    return counts


def former_values(practice: OpenPractice, pairs: Iterable[tuple[str, str]]) -> dict[str, dict[str, int]]:
    """Count for each link, by client, what happens to the values of the former XPM client."""
    snapshot, policy = practice.snapshot(), practice.policy()
    return {
        client: former_counts(links.link_effect(snapshot, policy, client, uuid).former)
        for client, uuid in pairs
        if snapshot.raw(PROVENANCE, client) is not None
    }


def link(
    practice: OpenPractice,
    client: str,
    xpm: str,
    *,
    yes: bool = False,
    origin: LinkOrigin = "picked",
    keep: bool = False,
    run: str = "",
) -> ClientView:
    """Link a client to an XPM client, or replace its link; the base of a former link is deleted.

    ``run`` is the run that records it, by default a new one. Values of the former XPM client are replaced or
    removed, unless they were changed since or ``keep`` is given. Raises ``BadInput`` if the link is not
    possible. If another client is linked to the same XPM client, it raises ``DecisionNeeded`` without
    ``yes``; with it, the new link is quiet: nothing is synced for it.
    """
    practice.writable()
    seen = practice.snapshot()
    effect = preview_link(practice, client, xpm)
    if effect.refused:
        raise BadInput(effect.refused)
    if effect.needs_yes and not yes:
        raise DecisionNeeded(effect.needs_yes, hint="To link it anyway, confirm with --yes.")
    client_id, uuid = effect.client.id, effect.xpm.uuid
    _link(practice, client_id, uuid, seen, quiet=effect.quiet, origin=origin, keep=keep, run=run)
    return show_client(practice, effect.client.id)


def unlink(practice: OpenPractice, client: str) -> ClientView:
    """Remove a link and its base; the pair is not proposed again. Raises ``BadInput`` without a link."""
    practice.writable()
    snapshot = practice.snapshot()
    ours = find_client(snapshot, client)
    before = snapshot.get(LINKS, ours.id)
    if before is None:
        raise BadInput(f"{ours.name} ({ours.id}) is not linked.")
    refuse_in_flight(practice, ours.id)
    (run,) = practice.ids.new("r")
    writes = links.unlink(snapshot, ours.id, now=practice.clock.now(), by=practice.person, run=run)
    practice.store.commit(writes, since=snapshot)
    practice.events.emit(Event(key="client.unlinked", run=run, record=ours.id, uuid=before.uuid))
    return show_client(practice, ours.id)


def accept_sure(practice: OpenPractice, found: Sequence[ReviewView]) -> list[ClientView]:
    """Link each client to its first proposal, as one run, if that is still sure and nobody is linked to it.

    The proposals may be old, so both sides are checked again.
    """
    practice.writable()
    clients = practice.snapshot()
    ids = [view.id for view in found if clients.raw(CLIENTS, view.id) is not None]
    still_sure = {view.id: view.proposals[0].uuid for view in sure_proposals(practice, ids)} if ids else {}
    done: list[ClientView] = []
    run = ""
    for view in found:
        uuid = view.proposals[0].uuid
        seen = practice.snapshot()
        if still_sure.get(view.id) == uuid and not seen.find(LINKS, "uuid", uuid):
            with suppress(StoreChanged):  # someone else decided at the same moment
                run = _link(practice, view.id, uuid, seen, quiet=False, origin="review", run=run)
                done.append(show_client(practice, view.id))
    return done


def _link(
    practice: OpenPractice,
    client: str,
    uuid: str,
    seen: Snapshot,
    *,
    quiet: bool,
    origin: LinkOrigin,
    keep: bool = False,
    run: str = "",
) -> str:
    """Link a client, as a part of ``run`` or as a new run; return the id of that run.

    Raises ``StoreChanged`` if someone else has changed one of the rows, or the links of the XPM client since
    the snapshot ``seen`` on which the decision was made.
    """
    refuse_in_flight(practice, client)
    snapshot = practice.snapshot()
    before = snapshot.get(RUNS, run) if run else None
    run = run or practice.ids.new("r")[0]
    writes = links.link(
        snapshot,
        client,
        uuid,
        policy=practice.policy(),
        now=practice.clock.now(),
        by=practice.person,
        run=run,
        origin=origin,
        quiet=quiet,
        keep=keep,
    )
    if before is not None:
        writes = links.join_run(before, writes)
    commit_links(practice, writes, seen, {uuid})
    practice.events.emit(Event(key="client.linked", run=run, record=client, uuid=uuid, rule=origin))
    return run


def commit_links(
    practice: OpenPractice, writes: Sequence[Write], seen: Snapshot, uuids: Collection[str]
) -> None:
    """Commit links to the XPM clients ``uuids``, unless someone else changed what they are based on.

    Raises ``StoreChanged`` if one of the rows has changed since the snapshot ``seen``, or another client was
    linked to one of the same XPM clients since.
    """

    def make(now: Snapshot) -> Sequence[Write]:
        refuse_changed_rows(writes, seen, now)
        if changed_tables({LINKS}, seen, now) and any(
            now.find(LINKS, "uuid", uuid) != seen.find(LINKS, "uuid", uuid) for uuid in uuids
        ):
            raise StoreChanged(
                "Someone else has just linked a client to the same XPM client.",
                hint="Nothing was linked. Check it, then try again.",
            )
        return writes

    practice.store.transact(make)


def _second_link_warning(views: Presenter, client: str, other: str, theirs: XpmClient) -> str:
    ref, snapshot = views.ref(other), views.snapshot
    link = snapshot.get(LINKS, client)
    if link is not None and any(s.uuid == theirs.uuid for s in survivors(snapshot, client, link)):
        return (
            f"{ref.name} ({ref.id}) is already linked to {theirs.name}: two Ignition clients are now one "
            f"client in XPM. Keep {ref.id} and ignore {client} (xpm-tui clients ignore {client}), or "
            f"unlink {ref.id} first. Nothing is synced over a second link."
        )
    return (
        f"{ref.name} ({ref.id}) is already linked to {theirs.name}. Nothing is synced for a second "
        "client that is linked to the same XPM client."
    )


def ignore(practice: OpenPractice, client: str, reason: str = "") -> ClientView:
    """Record the decision that a client has no XPM client.

    Raises ``BadInput`` for a client whose XPM client exists; a link to a lost one does not matter.
    """
    practice.writable()
    snapshot = practice.snapshot()
    ours = find_client(snapshot, client)
    if live_link(snapshot, ours.id) is not None:
        raise BadInput(
            f"{ours.name} ({ours.id}) is linked, so it cannot be ignored.",
            hint=f"Unlink it first: xpm-tui clients unlink {ours.id}",
        )
    row = Ignored(id=ours.id, reason=checked_reason(reason), by=practice.person, at=practice.clock.now())
    practice.store.commit([Put(IGNORED, row)])
    practice.events.emit(Event(key="client.ignored", record=ours.id))
    return show_client(practice, ours.id)


def unignore(practice: OpenPractice, client: str) -> ClientView:
    """Undo the decision that a client has no XPM client: it needs a link again."""
    practice.writable()
    ours = find_client(practice.snapshot(), client)
    practice.store.commit([Drop(IGNORED, ours.id)])
    practice.events.emit(Event(key="client.unignored", record=ours.id))
    return show_client(practice, ours.id)


def relinks(practice: OpenPractice) -> list[RelinkView]:
    """Return each link that has a problem, and each unlinked client that has a proposal."""
    snapshot = practice.snapshot()
    presenter = Presenter(snapshot)
    found = []
    for each in relink(snapshot):
        if each.healthy:
            continue
        row = snapshot.get(XPM_CLIENTS, each.proposal) if each.proposal else None
        renamed = f"XPM calls it {each.xpm_name}." if each.xpm_name and each.state == "linked" else ""
        found.append(
            RelinkView(
                id=each.client,
                name=presenter.ref(each.client).name,
                state=each.state,
                uuid=each.uuid or None,
                number=each.number or None,
                message=renamed or _sentence(snapshot, each),
                proposal=presenter.xpm(row) if row else None,
            )
        )
    return found


def _sentence(snapshot: Snapshot, each: RelinkFinding) -> str:
    """Return what the state of a link means, and which client may have replaced a lost XPM client."""
    client = snapshot.get(CLIENTS, each.client)
    person = undecided_client(snapshot, client, each.state) if client is not None else None
    return decision_reason(snapshot, person or NeedsDecision(client=each.client, reason=each.state))


def accept(practice: OpenPractice, found: list[RelinkView]) -> list[ClientView]:
    """Link the clients to their proposals, and return them."""
    return [
        link(practice, each.id, each.proposal.uuid, origin="review")
        for each in found
        if each.proposal is not None
    ]


def preview_creation(practice: OpenPractice, client: str) -> Consequences:
    """Return what creating a client in XPM would do. Raises ``NotFound``."""
    snapshot, policy = practice.snapshot(), practice.policy()
    ours = find_client(snapshot, client)
    contacts = creation_contacts(without_former(snapshot, ours)[0], policy)
    _, left_out = creation_message(snapshot, ours, policy)
    kept = preserved_values({LEFT_OUT: [f"{ours.id}:{field}" for field in left_out]} if left_out else {})
    found = creation_consequences("client", ours.id, ours.name, len(contacts))
    return replace(found, kept=kept)


def creation_obstacle(
    practice: OpenPractice, client: str, different: Iterable[str] = ()
) -> CreationBlocked | None:
    """Return why a client must not be created in XPM, naming XPM clients that may be the same.

    ``different`` are numbers or UUIDs of XPM clients of which the user says that they are other clients.
    """
    snapshot = practice.snapshot()
    return find_obstacle(snapshot, find_client(snapshot, client), different=_uuids(snapshot, different))


async def create_in_xpm(practice: OpenPractice, client: str, *, different: Iterable[str] = ()) -> CreatedView:
    """Create a client in XPM and link the two.

    ``different`` are numbers or UUIDs of XPM clients of which the user says that they are other clients. See
    :func:`xpm_tui.sync.manual.client_creation.create_client`.
    """
    practice.writable()
    identity = practice.connected()
    ours = find_client(practice.snapshot(), client)
    if ours.state in ("lead", "inactive"):
        raise BadInput(
            f"{ours.name} ({ours.id}) is {ours.state} in Ignition.",
            hint=f"Make it active first: xpm-tui clients edit {ours.id} state=active",
        )
    with practice.lock("creating a client in XPM").hold():
        (run,) = practice.ids.new("r")
        stop = Stopper(practice, run)
        with assign_to_run(run), stop.listening():
            async with practice.wire() as wire:
                made = await create_client(
                    ours.id,
                    store=practice.store,
                    practice=wire.practice(identity.tenant),
                    clock=practice.clock,
                    ids=practice.ids,
                    events=practice.events,
                    policy=practice.policy(),
                    by=practice.person,
                    run=run,
                    different=_uuids(practice.snapshot(), different),
                    create_lag=practice.settings.number("sync.create_lag"),
                    stop=stop,
                )
    snapshot = practice.snapshot()
    presenter = Presenter(snapshot)
    return CreatedView(
        client=presenter.client(find_client(snapshot, ours.id)),
        xpm=presenter.xpm(made.row),
        left_out=made.left_out,
        run=run,
    )


def _uuids(snapshot: Snapshot, different: Iterable[str]) -> list[str]:
    return [find_xpm(snapshot, text).uuid for text in different]
