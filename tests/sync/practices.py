"""Random practices: one world, edited on both sides by people who know nothing of each other."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import strategies as st

from xpm_tui.model.book import Client, Contact, TeamMember
from xpm_tui.model.links import ContactLink, Link
from xpm_tui.model.plan import Direction, Level
from xpm_tui.model.xpm import Named, XpmClient, XpmContact
from xpm_tui.sync.policy import Policy

TEXTS = st.sampled_from(["", "a", "b", "Ma\u0304ori", "Māori", " a ", "******789", "[/]", "x\r\ny"])
NAMES = st.sampled_from(["Acme", "ACME", "Smith & Co", "Māori", "Ma\u0304ori", "Twin", "Solo", ""])
FLAGS = st.sampled_from([None, True, False])
PEOPLE = st.sampled_from(["", "1", "2", "3"])
GROUPS = st.lists(st.sampled_from(["Farms", "Arts", ""]), max_size=2).map(tuple)
OWN_TEXTS = ("phone", "fax", "city", "website", "structure")
SWITCHES = ("phone", "contact", "contact_primary", "partner")
CONTACT_TEXTS = ("name", "email", "mobile")

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


@st.composite
def practices(draw: st.DrawFn) -> People:
    """Up to four clients: linked, in step or not, unlinked, on one side only, in any order."""
    clients: list[Client] = []
    rows: list[XpmClient] = []
    links: list[Link] = []
    for number in range(1, draw(st.integers(1, 4)) + 1):
        shape = draw(st.sampled_from(["linked", "linked", "linked", "both", "ours", "theirs", "quiet"]))
        ours, theirs = draw(_pair(number))
        if shape != "theirs":
            clients.append(ours)
        if shape != "ours":
            rows.append(theirs)
        if shape == "linked":
            links.append(draw(_link(ours, theirs)))
        elif shape == "quiet":
            links.append(Link(id=ours.id, uuid=theirs.uuid, quiet=True))
    return People(
        clients=tuple(draw(st.permutations(clients))),
        rows=tuple(draw(st.permutations(rows))),
        links=tuple(links),
        policy=draw(policies()),
    )


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Any way a practice may have set it."""
    directions: list[Direction] = ["from_xpm", "to_xpm"]
    levels: list[Level] = ["everything", "everything", "name", "nothing"]
    return Policy(
        direction=draw(st.sampled_from(directions)),
        level=draw(st.sampled_from(levels)),
        off=draw(st.frozensets(st.sampled_from(SWITCHES), max_size=1)),
        on_conflict=draw(st.sampled_from(["overwrite", "hold"])),
        clear=draw(st.sampled_from(["never", "ask", "yes"])),
    )


@st.composite
def perturbed(draw: st.DrawFn, client: Client, times: int = 1) -> Client:
    """The client after a person edited it in Ignition, for the first time, the second, and so on."""
    changed = {**draw(_own_values()), **draw(_ignition_values())}
    kept = draw(st.sets(st.sampled_from(sorted(changed)), max_size=4))
    contacts = [
        msgspec.structs.replace(contact, **draw(_some(_contact_values())))
        for contact in client.contacts
        if draw(st.integers(0, 5))
    ]
    if not draw(st.integers(0, 3)):
        contacts.append(Contact(id=f"k{client.id[1:]}{times}9", **draw(_contact_values())))
    return msgspec.structs.replace(
        client, **{key: changed[key] for key in kept}, contacts=tuple(draw(st.permutations(contacts)))
    )


@st.composite
def perturbed_row(draw: st.DrawFn, row: XpmClient, times: int = 1) -> XpmClient:
    """The client after a colleague edited it in XPM, for the first time, the second, and so on."""
    changed = {**draw(_own_values()), **draw(_xpm_values())}
    kept = draw(st.sets(st.sampled_from(sorted(changed)), max_size=4))
    contacts = [
        msgspec.structs.replace(contact, **draw(_some(_contact_values())))
        for contact in row.contacts
        if draw(st.integers(0, 5))
    ]
    if not draw(st.integers(0, 3)):
        uuid = f"x{row.uuid[1:]}-{times}9"
        contacts.append(XpmContact(uuid=uuid, **draw(_contact_values())))
    return msgspec.structs.replace(
        row, **{key: changed[key] for key in kept}, contacts=tuple(draw(st.permutations(contacts)))
    )


@st.composite
def _pair(draw: st.DrawFn, number: int) -> tuple[Client, XpmClient]:
    """One client on both sides: the same at first, then perturbed twice."""
    name = draw(NAMES)
    common: dict[str, Any] = {field: draw(TEXTS) for field in OWN_TEXTS}
    people = [draw(_contact_values()) for _ in range(draw(st.integers(0, 2)))]
    ours = Client(
        id=f"c{number}",
        name=name,
        contacts=tuple(Contact(id=f"k{number}{place}", **each) for place, each in enumerate(people)),
        **common,
        **draw(_ignition_values()),
    )
    theirs = XpmClient(
        uuid=f"u{number}",
        name=name,
        contacts=tuple(XpmContact(uuid=f"x{number}-{place}", **each) for place, each in enumerate(people)),
        **common,
        **draw(_xpm_values()),
    )
    return draw(perturbed(ours)), draw(perturbed_row(theirs))


@st.composite
def _link(draw: st.DrawFn, ours: Client, theirs: XpmClient) -> Link:
    """A link, with some contacts joined already."""
    joined = [
        ContactLink(contact=here.id, uuid=there.uuid)
        for here, there in zip(ours.contacts, theirs.contacts, strict=False)
        if draw(st.booleans())
    ]
    return Link(id=ours.id, uuid=theirs.uuid, number=theirs.number, contacts=tuple(joined))


@st.composite
def _own_values(draw: st.DrawFn) -> dict[str, Any]:
    return {**{field: draw(TEXTS) for field in OWN_TEXTS}, "name": draw(NAMES)}


@st.composite
def _ignition_values(draw: st.DrawFn) -> dict[str, Any]:
    partner, manager = draw(PEOPLE), draw(PEOPLE)
    return {
        "tax_registered": draw(FLAGS),
        "groups": draw(GROUPS),
        "partner": f"t{partner}" if partner else "",
        "manager": f"t{manager}" if manager else "",
    }


@st.composite
def _xpm_values(draw: st.DrawFn) -> dict[str, Any]:
    partner, manager = draw(PEOPLE), draw(PEOPLE)
    return {
        "tax_registered": draw(FLAGS),
        "groups": tuple(Named(f"g-{name}", name) for name in draw(GROUPS)),
        "partner": Named(f"s{partner}") if partner else None,
        "manager": Named(f"s{manager}") if manager else None,
        "archived": not draw(st.integers(0, 6)),
        "prospect": not draw(st.integers(0, 6)),
    }


@st.composite
def _contact_values(draw: st.DrawFn) -> dict[str, Any]:
    return {**{field: draw(TEXTS) for field in CONTACT_TEXTS}, "primary": draw(st.booleans())}


@st.composite
def _some(draw: st.DrawFn, values: st.SearchStrategy[dict[str, Any]]) -> dict[str, Any]:
    drawn = draw(values)
    kept = draw(st.sets(st.sampled_from(sorted(drawn)), max_size=1))
    return {key: drawn[key] for key in kept}
