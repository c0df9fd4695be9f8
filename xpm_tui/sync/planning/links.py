"""What state a link is in, which exact name may link by itself, and which clients need a person.

Re-link: the health of every link, and the unlinked looked at again. Only a report; nothing is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec

from xpm_tui.domain import labels
from xpm_tui.domain.identity import exact
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.links import Link, LinkState
from xpm_tui.domain.names import key_of
from xpm_tui.domain.plan import NeedsPerson
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.spelling import spellings
from xpm_tui.domain.tables import APART, CLIENTS, FREEZES, IGNORED, LINKS, PROVENANCE, XPM_CLIENTS
from xpm_tui.domain.xpm import XpmClient
from xpm_tui.sync.base import apart_id
from xpm_tui.sync.canonical import Team
from xpm_tui.sync.provenance import foreign

CARRYING: frozenset[LinkState] = frozenset({"linked", "archived"})
"""The states in which a link carries values (an archived one only From XPM)."""

_PERSON: frozenset[LinkState] = frozenset({"unlinked", "ambiguous", "converted", "gone"})


def reason(code: str) -> str:
    """Why a client needs a person, in a sentence."""
    return labels.label(labels.LINK_STATES, code).help or code


def link_state(snapshot: Snapshot, client: Client) -> LinkState:
    """The state of one client's link. O(1)."""
    link = snapshot.get(LINKS, client.id)
    row = snapshot.get(XPM_CLIENTS, link.uuid) if link is not None else None
    return state_of(snapshot, client, link, row)


def state_of(snapshot: Snapshot, client: Client, link: Link | None, row: XpmClient | None) -> LinkState:
    """The same, for a caller that has the link and its mirror row at hand."""
    if snapshot.raw(IGNORED, client.id) is not None:
        return "ignored"
    if link is None:
        return "ambiguous" if _ambiguous(snapshot, client) else "unlinked"
    if (row is None or row.deleted or row.prospect) and _successors(snapshot, client, link, row):
        return "converted"
    if row is None or row.deleted:
        return "gone"
    if not link.quiet and rivals(snapshot, link):
        return "ambiguous"
    return "archived" if row.archived else "linked"


def successor(snapshot: Snapshot, client: Client, link: Link, row: XpmClient | None) -> str:
    """UUID of the client that a prospect became: same name, no prospect, nobody's yet. Empty where there is
    none, or more than one: then a person has to say which."""
    found = _successors(snapshot, client, link, row)
    return found[0] if len(found) == 1 else ""


def _successors(snapshot: Snapshot, client: Client, link: Link, row: XpmClient | None) -> list[str]:
    name = exact(row.name if row is not None else client.name)
    found = [
        other.uuid
        for other in named(snapshot, name)
        if other.uuid != link.uuid and not other.prospect and not other.archived
    ]
    return [
        uuid
        for uuid in found
        if not snapshot.find(LINKS, "uuid", uuid) and snapshot.raw(APART, apart_id(client.id, uuid)) is None
    ]


def rivals(snapshot: Snapshot, link: Link) -> list[Link]:
    """Other clients' links to the same XPM client that carry values too."""
    return [
        other for other in snapshot.find(LINKS, "uuid", link.uuid) if other.id != link.id and not other.quiet
    ]


def named(snapshot: Snapshot, name: str) -> list[XpmClient]:
    """The XPM clients of exactly this name; deleted ones do not count."""
    if not name:
        return []
    return [row for row in snapshot.find(XPM_CLIENTS, "name", name) if not row.deleted]


class SameNames:
    """Which names several clients of one side have, in whatever form; counted when first asked."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._counts: list[Counter[str]] = []

    def several(self, name: str) -> bool:
        """Whether more than one client of Ignition, or of XPM, has a name that is the same as this one."""
        if not self._counts:
            theirs = (row.name for row in self._snapshot.rows(XPM_CLIENTS) if not row.deleted)
            for names in ((client.name for client in self._snapshot.rows(CLIENTS)), theirs):
                self._counts.append(Counter(key for each in names for key in spellings(key_of(each))))
        return any(count[key] > 1 for count in self._counts for key in spellings(key_of(name)))


def exact_match(snapshot: Snapshot, client: Client, names: SameNames | None = None) -> str:
    """UUID of the XPM client that an unlinked client may be linked to by its name alone, or empty.

    Exactly one client of that name stands on each side, linked or not; XPM's is neither archived nor a
    prospect and nobody's yet; a person neither set this client aside nor took the two apart. With ``names``,
    no second client of either side has the same name in another form. A client that still has values of
    another XPM client is linked by a user, who sees what becomes of them.
    """
    name = exact(client.name)
    found = named(snapshot, name)
    if len(found) != 1 or found[0].archived or found[0].prospect:
        return ""
    uuid = found[0].uuid
    if (
        snapshot.raw(LINKS, client.id) is not None
        or snapshot.raw(IGNORED, client.id) is not None
        or len(snapshot.find(CLIENTS, "name", name)) != 1
        or snapshot.find(LINKS, "uuid", uuid)
        or snapshot.raw(APART, apart_id(client.id, uuid)) is not None
        or (names is not None and names.several(name))
        or _has_values_of_another(snapshot, client, uuid)
    ):
        return ""
    return uuid


def _has_values_of_another(snapshot: Snapshot, client: Client, uuid: str) -> bool:
    known = snapshot.get(PROVENANCE, client.id)
    if known is None or all(each.uuid == uuid for each in known.values.values()):
        return False
    found = foreign(snapshot, client, "", Team.read(snapshot))
    return any(each.uuid != uuid for each in found.values())


def needs_person(snapshot: Snapshot, client: Client, state: LinkState) -> NeedsPerson | None:
    """Whether a person has to look at this client; leads and inactive clients can wait for ever."""
    if state not in _PERSON or client.state in ("lead", "inactive"):
        return None
    uuid = ""
    if state == "converted":
        link = snapshot.get(LINKS, client.id)
        if link is not None:
            uuid = successor(snapshot, client, link, snapshot.get(XPM_CLIENTS, link.uuid))
    elif state == "unlinked":
        uuid = exact_match(snapshot, client)
    return NeedsPerson(client=client.id, reason=state, uuid=uuid)


def frozen_fields(snapshot: Snapshot, client: str) -> frozenset[str]:
    """The fields that sync leaves alone for one client; ``*`` is all of them."""
    return frozenset(freeze.field for freeze in snapshot.find(FREEZES, "client", client))


def all_frozen(snapshot: Snapshot) -> dict[str, frozenset[str]]:
    """The same for every client that has any."""
    fields: dict[str, set[str]] = {}
    for freeze in snapshot.rows(FREEZES):
        fields.setdefault(freeze.client, set()).add(freeze.field)
    return {client: frozenset(names) for client, names in fields.items()}


def _ambiguous(snapshot: Snapshot, client: Client) -> bool:
    name = exact(client.name)
    found = named(snapshot, name)
    return len(found) > 1 or (len(found) == 1 and len(snapshot.find(CLIENTS, "name", name)) > 1)


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
    names = SameNames(snapshot)
    for client in snapshot.rows(CLIENTS):
        yield _one(snapshot, client, names)


def _one(snapshot: Snapshot, client: Client, names: SameNames) -> Relink:
    link = snapshot.get(LINKS, client.id)
    row = snapshot.get(XPM_CLIENTS, link.uuid) if link is not None else None
    state = state_of(snapshot, client, link, row)
    if link is None:
        return Relink(client=client.id, state=state, proposal=exact_match(snapshot, client, names))
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
