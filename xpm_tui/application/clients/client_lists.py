"""Lists of Ignition's clients by filter and text; each client is converted when the list reaches it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.presenters.presenter import Presenter
from xpm_tui.application.presenters.views import ClientView
from xpm_tui.application.runs.plans import newest_draft
from xpm_tui.domain.identity import name_key
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.tables import CLIENTS, PLANNED, XPM_CLIENTS

_BROKEN = ("gone", "converted", "merged", "ambiguous")


class ClientViews(Collection[ClientView]):
    """Clients of one snapshot, in order of arrival. Each is converted when it is reached, and not cached."""

    def __init__(self, snapshot: Snapshot, only: str = "", text: str = "") -> None:
        self._snapshot = snapshot
        self._ids: Sequence[str] | None = None
        if only or text:
            self._ids = [view.id for view in self._chosen(_chooser(snapshot, only), text.casefold())]

    def _chosen(self, wanted: Callable[[ClientView], bool], needle: str) -> Iterator[ClientView]:
        presenter = Presenter(self._snapshot)
        for client in self._snapshot.rows(CLIENTS):
            if not needle or needle in _haystack(client):
                view = presenter.client(client)
                if wanted(view):
                    yield view

    def __iter__(self) -> Iterator[ClientView]:
        presenter, snapshot = Presenter(self._snapshot), self._snapshot
        if self._ids is None:
            yield from map(presenter.client, snapshot.rows(CLIENTS))
            return
        found = (snapshot.get(CLIENTS, id_) for id_ in self._ids)
        yield from (presenter.client(client) for client in found if client is not None)

    def __len__(self) -> int:
        return self._snapshot.count(CLIENTS) if self._ids is None else len(self._ids)

    def __contains__(self, view: object) -> bool:
        return any(view == each for each in self)


def list_clients(practice: OpenPractice, *, only: str = "", text: str = "") -> ClientViews:
    """Return the clients in the store in order of arrival.

    ``only`` restricts to ``linked``, ``unlinked``, ``needs-link``, ``broken``, ``same-name``, ``frozen``,
    ``ignored``, ``archived``, ``conflict`` (in the newest plan) or ``removed-contact`` (one was removed in
    XPM); ``text`` is searched in names, e-mails and ids, ignoring case.
    """
    return ClientViews(practice.snapshot(), only, text)


def _haystack(client: Client) -> str:
    parts = [client.id, client.client_id, client.name]
    for contact in client.contacts:
        parts += (contact.name, contact.email)
    return "\n".join(parts).casefold()


def _chooser(snapshot: Snapshot, only: str) -> Any:
    if only == "same-name":
        keys: Counter[str] = Counter(name_key(client.name) for client in snapshot.rows(CLIENTS))
        theirs = Counter(name_key(row.name) for row in snapshot.rows(XPM_CLIENTS) if not row.deleted)
        return lambda view: keys[name_key(view.name)] > 1 or theirs[name_key(view.name)] > 1
    if only == "conflict":
        clients = _conflicting(snapshot)
        return lambda view: view.id in clients
    choosers: dict[str, Any] = {
        "": lambda view: True,
        "linked": lambda view: view.link is not None,
        "unlinked": lambda view: view.link is None,
        "needs-link": lambda view: bool(view.needs),
        "broken": lambda view: view.link_state in _BROKEN,
        "frozen": lambda view: bool(view.frozen),
        "removed-contact": lambda view: any(each.side == "xpm" for each in view.removed_contacts),
        "ignored": lambda view: view.ignored is not None,
        "archived": lambda view: view.link_state == "archived",
    }
    return choosers[only]


def _conflicting(snapshot: Snapshot) -> frozenset[str]:
    newest = newest_draft(snapshot)
    if newest is None:
        return frozenset()
    return frozenset(
        record.client
        for record in snapshot.find(PLANNED, "plan", newest.id)
        if any(change.conflict for change in record.changes)
    )
