"""Re-link: the health of every link, and the unlinked looked at again. Only a report; nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec

from xpm_tui.model.book import Client
from xpm_tui.model.links import LinkState
from xpm_tui.model.names import exact
from xpm_tui.model.ports import Snapshot
from xpm_tui.model.tables import CLIENTS, LINKS, XPM_CLIENTS
from xpm_tui.sync.planning.links import exact_match, state_of, successor


class Relink(msgspec.Struct, frozen=True, kw_only=True):
    """One client in the report: its link and its state, XPM's name where it differs from Ignition's, and the
    XPM client that a rule proposes (the same name, or what a prospect became)."""

    client: str
    state: LinkState
    uuid: str = ""
    number: str = ""
    xpm_name: str = ""
    quiet: bool = False
    proposal: str = ""

    @property
    def healthy(self) -> bool:
        """Nothing to do and nothing to know."""
        return self.state in ("linked", "ignored") and not self.xpm_name


def relink(snapshot: Snapshot) -> list[Relink]:
    """Every client of the book, in order of arrival; the healthy ones too, so that all were looked at."""
    found = [*_each(snapshot)]
    wanted = Counter(each.proposal for each in found)
    # One that two clients may be is nobody's until a person says whose.
    return [
        each if wanted[each.proposal] == 1 else msgspec.structs.replace(each, proposal="") for each in found
    ]


def _each(snapshot: Snapshot) -> Iterator[Relink]:
    for client in snapshot.rows(CLIENTS):
        yield _one(snapshot, client)


def _one(snapshot: Snapshot, client: Client) -> Relink:
    link = snapshot.get(LINKS, client.id)
    row = snapshot.get(XPM_CLIENTS, link.uuid) if link is not None else None
    state = state_of(snapshot, client, link, row)
    if link is None:
        return Relink(client=client.id, state=state, proposal=exact_match(snapshot, client))
    renamed = row is not None and exact(row.name) != exact(client.name)
    return Relink(
        client=client.id,
        state=state,
        uuid=link.uuid,
        number=link.number,
        xpm_name=row.name if row is not None and renamed else "",
        quiet=link.quiet,
        proposal=successor(snapshot, client, link, row) if state == "converted" else "",
    )
