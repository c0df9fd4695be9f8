"""Which client of the book rows are about: by id, by adoption, by exact name, or a new one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from xpm_tui.book.ignition.rows import ClientRow
from xpm_tui.model.book import Client
from xpm_tui.model.names import exact
from xpm_tui.model.ports import Snapshot
from xpm_tui.model.tables import CLIENTS


@dataclass(frozen=True)
class Target:
    """``client`` is None for a new one; ``adopts``: the rows' new id goes to a client that had none.

    ``refused`` says why the rows cannot be taken, ``note`` what a person should look at.
    """

    client: Client | None = None
    adopts: bool = False
    refused: str = ""
    note: str = ""


class Resolver:
    """Finds targets in one snapshot. A client that adopted an id is not offered a second time."""

    def __init__(self, snapshot: Snapshot, groups: Iterable[list[ClientRow]]) -> None:
        self._snapshot = snapshot
        self._adopted: set[str] = set()
        self._named_with_id: dict[str, ClientRow] = {}
        for group in groups:
            if group[0].client_id:
                name = next((row.name for row in group if row.name), "")
                self._named_with_id.setdefault(exact(name), group[0])
        self._by_contact: dict[str, str] | None = None

    def target(self, group: list[ClientRow]) -> Target:
        """The client that a group of rows is about."""
        name = exact(next((row.name for row in group if row.name), ""))
        emails = {row.email for row in group} - {""}
        if group[0].client_id:
            return self._by_id(group[0].client_id, name, emails)
        return self._by_name(name, emails) if name else self._by_contact_id(group[0].contact_id)

    def _by_id(self, client_id: str, name: str, emails: set[str]) -> Target:
        found = self._snapshot.find(CLIENTS, "client_id", client_id)
        if found:
            return Target(found[0])
        if not name:
            return Target(
                refused=f"the book has no client with Client ID {client_id}, and Client Name is blank"
            )
        same = self._snapshot.find(CLIENTS, "name", name)
        free = [client for client in same if not client.client_id and client.id not in self._adopted]
        fits = [client for client in free if emails & _emails(client)]
        if len(fits) == 1:
            self._adopted.add(fits[0].id)
            return Target(fits[0], adopts=True)
        if fits:
            return Target(
                refused=f"{_ids(fits)} have this name and e-mail and no Client ID; give it to the right one: "
                f"xpm-tui clients edit {fits[0].id} client_id={client_id}"
            )
        return Target(note=f"made anew, though {_ids(same)} has the same name") if same else Target()

    def _by_name(self, name: str, emails: set[str]) -> Target:
        same = self._snapshot.find(CLIENTS, "name", name)
        twin = self._named_with_id.get(name)
        if not same and twin is not None:
            return Target(refused=f"its Client ID is blank, and row {twin.number} has the same name with one")
        fits = [client for client in same if emails & _emails(client)]
        free = [client for client in same if not client.client_id]
        if len(fits) == 1:
            return Target(fits[0])
        if len(same) == 1 and free:
            return Target(free[0])
        if not same:
            return Target()
        if len(same) > 1:
            return Target(refused=f"its Client ID is blank, and {_ids(same)} all have this name")
        return Target(
            refused=f"its Client ID is blank, and {same[0].id} has this name with Client ID "
            f"{same[0].client_id}, but not this e-mail"
        )

    def _by_contact_id(self, contact_id: str) -> Target:
        if not contact_id:
            return Target(refused="Client ID and Client Name are both blank")
        if self._by_contact is None:
            self._by_contact = {
                contact.contact_id: client.id
                for client in self._snapshot.rows(CLIENTS)
                for contact in client.contacts
                if contact.contact_id
            }
        client = self._snapshot.get(CLIENTS, self._by_contact.get(contact_id, ""))
        if client is None:
            return Target(refused=f"no client has a contact with Contact ID {contact_id}")
        return Target(client)


def _emails(client: Client) -> set[str]:
    return {contact.email.casefold() for contact in client.contacts if contact.email}


def _ids(clients: list[Client]) -> str:
    shown = ", ".join(client.id for client in clients[:5])
    return shown if len(clients) <= 5 else f"{shown} and {len(clients) - 5} more"
