"""Random practices: one set of clients, edited on both sides independently."""

from __future__ import annotations

from random import Random
from typing import Any, TypeVar

import msgspec

from xpm_tui.domain.ignition import Client, Contact, TeamMember
from xpm_tui.domain.links import ContactLink, Link
from xpm_tui.domain.plan import Direction, Level
from xpm_tui.domain.xpm import RecordReference, XpmClient, XpmContact
from xpm_tui.sync.policy import Clear, OnConflict, Policy

T = TypeVar("T")

TEXTS = ("", "a", "b", "Ma\u0304ori", "Māori", " a ", "******789", "[/]", "x\r\ny")
NAMES = ("Acme", "ACME", "Smith & Co", "Māori", "Ma\u0304ori", "Twin", "Solo", "")
GROUPS = ("Farms", "Arts", "")
OWN_TEXTS = ("phone", "fax", "city", "website", "structure")
CONTACT_TEXTS = ("name", "email", "mobile")
SWITCHES = ("phone", "contact", "contact_primary", "partner")
SHAPES = ("linked", "linked", "linked", "both", "ours", "theirs", "quiet")
DIRECTIONS: tuple[Direction, ...] = ("from_xpm", "to_xpm")
LEVELS: tuple[Level, ...] = ("everything", "everything", "name", "nothing")
CONFLICTS: tuple[OnConflict, ...] = ("overwrite", "hold")
CLEARS: tuple[Clear, ...] = ("never", "ask", "yes")

TEAM = (
    TeamMember(id="t1", name="One", staff="s1"),
    TeamMember(id="t2", name="Two", staff="s2"),
    TeamMember(id="t3", name="Three"),
)


class People(msgspec.Struct, frozen=True):
    """A practice on both sides, before anybody synced it."""

    clients: tuple[Client, ...]
    rows: tuple[XpmClient, ...]
    links: tuple[Link, ...]
    policy: Policy


def practice(dice: Random, size: int) -> People:
    """So many clients: linked, in step or not, unlinked, on one side only, in any order."""
    clients: list[Client] = []
    rows: list[XpmClient] = []
    links: list[Link] = []
    for number in range(1, size + 1):
        shape = dice.choice(SHAPES)
        ours, theirs = _pair(dice, number)
        if shape != "theirs":
            clients.append(ours)
        if shape != "ours":
            rows.append(theirs)
        if shape == "linked":
            links.append(_link(dice, ours, theirs))
        elif shape == "quiet":
            links.append(Link(id=ours.id, uuid=theirs.uuid, quiet=True))
    return People(
        clients=_shuffled(dice, clients),
        rows=_shuffled(dice, rows),
        links=tuple(links),
        policy=Policy(
            direction=dice.choice(DIRECTIONS),
            level=dice.choice(LEVELS),
            off=frozenset({dice.choice(SWITCHES)} if dice.random() < 0.3 else ()),
            on_conflict=dice.choice(CONFLICTS),
            clear=dice.choice(CLEARS),
        ),
    )


def perturbed(dice: Random, client: Client, times: int = 1) -> Client:
    """The client after a user edited it in Ignition, for the first time, the second, and so on."""
    contacts = [
        msgspec.structs.replace(contact, **_some(dice, _contact_values(dice), 1))
        for contact in client.contacts
        if dice.random() > 0.15
    ]
    if dice.random() < 0.25:
        contacts.append(Contact(id=f"k{client.id[1:]}{times}9", **_contact_values(dice)))
    changed = _some(dice, {**_own_values(dice), **_ignition_values(dice)}, 4)
    return msgspec.structs.replace(client, **changed, contacts=_shuffled(dice, contacts))


def perturbed_row(dice: Random, row: XpmClient, times: int = 1) -> XpmClient:
    """The client after a colleague edited it in XPM, for the first time, the second, and so on."""
    contacts = [
        msgspec.structs.replace(contact, **_some(dice, _contact_values(dice), 1))
        for contact in row.contacts
        if dice.random() > 0.15
    ]
    if dice.random() < 0.25:
        contacts.append(XpmContact(uuid=f"x{row.uuid[1:]}-{times}9", **_contact_values(dice)))
    changed = _some(dice, {**_own_values(dice), **_xpm_values(dice)}, 4)
    return msgspec.structs.replace(row, **changed, contacts=_shuffled(dice, contacts))


def _pair(dice: Random, number: int) -> tuple[Client, XpmClient]:
    """One client on both sides: the same at first, then perturbed twice."""
    common: dict[str, Any] = {field: dice.choice(TEXTS) for field in OWN_TEXTS}
    common["name"] = dice.choice(NAMES)
    people = [_contact_values(dice) for _ in range(dice.randint(0, 2))]
    ours = Client(
        id=f"c{number}",
        contacts=tuple(Contact(id=f"k{number}{place}", **each) for place, each in enumerate(people)),
        **common,
        **_ignition_values(dice),
    )
    theirs = XpmClient(
        uuid=f"u{number}",
        contacts=tuple(XpmContact(uuid=f"x{number}-{place}", **each) for place, each in enumerate(people)),
        **common,
        **_xpm_values(dice),
    )
    return perturbed(dice, ours), perturbed_row(dice, theirs)


def _link(dice: Random, ours: Client, theirs: XpmClient) -> Link:
    """A link, with some contacts joined already."""
    joined = [
        ContactLink(contact=here.id, uuid=there.uuid)
        for here, there in zip(ours.contacts, theirs.contacts, strict=False)
        if dice.random() < 0.5
    ]
    return Link(id=ours.id, uuid=theirs.uuid, number=theirs.number, contacts=tuple(joined))


def _own_values(dice: Random) -> dict[str, Any]:
    return {**{field: dice.choice(TEXTS) for field in OWN_TEXTS}, "name": dice.choice(NAMES)}


def _ignition_values(dice: Random) -> dict[str, Any]:
    return {
        "tax_registered": dice.choice((None, True, False)),
        "groups": tuple(dice.sample(GROUPS, dice.randint(0, 2))),
        "partner": dice.choice(("", "t1", "t2", "t3")),
        "manager": dice.choice(("", "t1", "t2", "t3")),
    }


def _xpm_values(dice: Random) -> dict[str, Any]:
    return {
        "tax_registered": dice.choice((None, True, False)),
        "groups": tuple(
            RecordReference(f"g-{name}", name) for name in dice.sample(GROUPS, dice.randint(0, 2))
        ),
        "partner": dice.choice((None, RecordReference("s1"), RecordReference("s2"), RecordReference("s3"))),
        "manager": dice.choice((None, RecordReference("s1"), RecordReference("s2"), RecordReference("s3"))),
        "archived": dice.random() < 0.15,
        "prospect": dice.random() < 0.15,
    }


def _contact_values(dice: Random) -> dict[str, Any]:
    values: dict[str, Any] = {field: dice.choice(TEXTS) for field in CONTACT_TEXTS}
    return {**values, "primary": dice.random() < 0.5}


def _some(dice: Random, values: dict[str, Any], most: int) -> dict[str, Any]:
    return {key: values[key] for key in dice.sample(sorted(values), dice.randint(0, most))}


def _shuffled(dice: Random, items: list[T]) -> tuple[T, ...]:
    return tuple(dice.sample(items, len(items)))
