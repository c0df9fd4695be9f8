"""Links looked over, duplicates told, a client made in XPM."""

from __future__ import annotations

from xpm_tui.events.log import during
from xpm_tui.model.book import Client
from xpm_tui.model.consequences import Consequences
from xpm_tui.model.errors import BadInput
from xpm_tui.model.ports import Snapshot
from xpm_tui.model.tables import XPM_CLIENTS
from xpm_tui.service.clients import linking
from xpm_tui.service.practice import OpenPractice
from xpm_tui.service.runs.stopping import Stopper
from xpm_tui.service.telling.lookup import find_client
from xpm_tui.service.telling.tell import Told
from xpm_tui.service.telling.views import ClientView, CreatedView, RelinkView
from xpm_tui.sync.by_hand.create import create_client, creation_contacts
from xpm_tui.sync.consequences import of_creation
from xpm_tui.sync.matching.match import MatchIndex
from xpm_tui.sync.planning.links import reason
from xpm_tui.sync.planning.relink import relink


def relinks(practice: OpenPractice) -> list[RelinkView]:
    """Every link that is not healthy, and every unlinked client that a rule has a proposal for."""
    snapshot = practice.snapshot()
    told = Told(snapshot)
    found = []
    for each in relink(snapshot):
        if each.healthy:
            continue
        row = snapshot.get(XPM_CLIENTS, each.proposal) if each.proposal else None
        renamed = f"XPM calls it {each.xpm_name}." if each.xpm_name and each.state == "linked" else ""
        found.append(
            RelinkView(
                id=each.client,
                name=told.ref(each.client).name,
                state=each.state,
                uuid=each.uuid or None,
                number=each.number or None,
                message=renamed or reason(each.state),
                proposal=told.xpm(row) if row else None,
            )
        )
    return found


def accept(practice: OpenPractice, found: list[RelinkView]) -> list[ClientView]:
    """Link those that have a proposal to it."""
    return [
        linking.link(practice, each.id, each.proposal.uuid, origin="review")
        for each in found
        if each.proposal is not None
    ]


def creation(practice: OpenPractice, client: str) -> Consequences:
    """What creating a client in XPM would do. Raises ``NotFound``."""
    ours = find_client(practice.snapshot(), client)
    return of_creation("client", ours.id, len(creation_contacts(ours, practice.policy())))


async def create_in_xpm(practice: OpenPractice, client: str) -> CreatedView:
    """Make a client of the book in XPM and link the two.

    See :func:`xpm_tui.sync.by_hand.create.create_client`.
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
        with during(run), stop.listening():
            async with practice.wire() as wire:
                made = await create_client(
                    ours.id,
                    book=practice.book,
                    practice=wire.practice(identity.tenant),
                    clock=practice.clock,
                    ids=practice.ids,
                    events=practice.events,
                    policy=practice.policy(),
                    by=practice.person,
                    run=run,
                    sure=lambda each: _sure(practice.snapshot(), each),
                    create_lag=practice.settings.number("sync.create_lag"),
                    stop=stop,
                )
    snapshot = practice.snapshot()
    told = Told(snapshot)
    return CreatedView(
        client=told.client(find_client(snapshot, ours.id)),
        xpm=told.xpm(made.row),
        left_out=made.left_out,
        run=run,
    )


def _sure(snapshot: Snapshot, client: Client) -> str:
    found = MatchIndex.build(snapshot).propose(client, 1)
    return found[0].uuid if found and found[0].sure else ""
