"""Generates sample files of Ignition for a practice of the sandbox: clients, team, services, proposals.

Most clients have the same name as in XPM, some a similar one; some exist only here, and some of XPM's are
missing, so that linking, reviewing and adding all have work to do. The other files contain hard cases: a
person whose e-mail changed, one who left, two of the same name, one whom XPM does not know; services with the
name of a job template, a similar one, or none; proposals that are accepted, sent and drafts.
"""

from __future__ import annotations

import csv
import io
import random
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, timedelta

from xpm_tui.sandbox.core.records import ClientRecord, SandboxPractice

HEADINGS = (
    "Client ID", "Contact ID", "Client Name", "Contact Name", "Contact Email", "Contact Phone", "Phone",
    "Address", "City", "Country", "Client Status", "Proposal Owner",
)  # fmt: skip

_ALWAYS = 12
"""The number of clients at the start of a practice that are hard cases, all of which are in the file."""

_ONLY_HERE = (
    ("Puffin Street Bakery", "Rosa Lind", "rosa@puffinstreet.example", "active"),
    ("Old Mill Ceramics Ltd", "Henk Visser", "henk@oldmill.example", "active"),
    ("Wharf 9 Events", "Ines Duarte", "ines@wharf9.example", "lead"),
    ("Northern Lights Physio", "Aino Laine", "aino@nlphysio.example", "lead"),
    ("Gull Rock Fencing Pty Ltd", "Dale Munro", "dale@gullrock.example", "inactive"),
)


def sample(practice: SandboxPractice, seed: int) -> str:
    """Return the clients file. The same practice and seed produce the same file."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEADINGS)
    writer.writerows(_rows(practice, random.Random(seed)))
    return out.getvalue()


def _rows(practice: SandboxPractice, chance: random.Random) -> Iterator[tuple[str, ...]]:
    number = 1000
    seen: set[str] = set()
    for place, client in enumerate(practice.clients.values()):
        if client.deleted or (client.archived and client.name in seen):
            continue
        seen.add(client.name)
        draw = chance.random()
        if place >= _ALWAYS and draw > 0.85:
            continue
        near = place in (1, 6) if place < _ALWAYS else draw > 0.70
        number += 1
        yield from _client(practice, client, number, chance, near=near)
    for name, contact, email, status in _ONLY_HERE:
        number += 1
        yield (
            f"CLI-{number}",
            f"CON-{number}1",
            name,
            contact,
            email,
            "",
            "",
            "",
            "",
            "",
            status,
            "Ana Silva",
        )


def _client(
    practice: SandboxPractice, client: ClientRecord, number: int, chance: random.Random, *, near: bool
) -> Iterator[tuple[str, ...]]:
    name = _nearly(client.name, chance) if near else client.name
    contacts = [practice.contacts[link.contact] for link in client.contacts]
    people = [(c.name, c.email, c.phone) for c in contacts if not c.deleted and c.name and c.email][:2]
    if not people:
        people = [(f"Accounts {number}", f"accounts@client{number}.example", "")]
    phone = client.phone if chance.random() < 0.7 else _older(client.phone)
    for place, (person, email, direct) in enumerate(people, 1):
        first = place == 1
        yield (
            f"CLI-{number}",
            f"CON-{number}{place}",
            name,
            person,
            email,
            direct,
            phone if first else "",
            client.address.street.replace("\n", ", ") if first and chance.random() < 0.5 else "",
            client.address.city if first else "",
            client.address.country if first else "",
            "active",
            chance.choice(("Ana Silva", "Tom Reid")),
        )


def _older(phone: str) -> str:
    """Return an older phone number, with another last digit."""
    return phone[:-1] + str((int(phone[-1]) + 1) % 10) if phone[-1:].isdigit() else phone


def _nearly(name: str, chance: random.Random) -> str:
    """Return a name as someone else would type it; never the same."""
    ways = list(_WAYS)
    chance.shuffle(ways)
    return next((other for other in (way(name) for way in ways) if other != name), name.upper())


def _plain(name: str) -> str:
    parts = unicodedata.normalize("NFKD", name)
    return unicodedata.normalize("NFC", "".join(c for c in parts if not unicodedata.combining(c)))


def _surname_first(name: str) -> str:
    words = name.split()
    return f"{words[1]}, {words[0]}" if len(words) == 2 and name.replace(" ", "").isalpha() else name


_WAYS: tuple[Callable[[str], str], ...] = (
    lambda name: name.removesuffix("Ltd") + "Limited" if name.endswith("Ltd") else name,
    lambda name: name.replace(" & ", " and "),
    lambda name: name.replace("Superannuation Fund", "Super Fund"),
    lambda name: name.replace(" (Australia)", ""),
    lambda name: name.removesuffix(" Family Trust") + " Trust" if name.endswith("Family Trust") else name,
    _plain,
    _surname_first,
)


TEAM_HEADINGS = ("Name", "Email", "Access", "Status")
SERVICE_HEADINGS = ("Service ID", "Service Name", "Price")
PROPOSAL_HEADINGS = (
    "Proposal Number", "Proposal Name", "Client ID", "Client Name", "Proposal Status", "Accepted Date",
    "Start Date", "End Date", "Service Name", "Billing Type", "Price", "Proposal Manager",
)  # fmt: skip

_TEAM = (
    ("Ana Silva", "ana.silva@harbourhill.example", "yes", "active"),
    ("Tom Reid", "tom.reid@harbourhill.example", "yes", "active"),
    ("Mere Parata", "mere@parata.example", "yes", "active"),
    ("Sam Lee", "samuel.lee@harbourhill.example", "no", "active"),
    ("Gail Former", "gail@harbourhill.example", "no", "active"),
    ("Nia Thompson", "nia.thompson@harbourhill.example", "no", "active"),
)
_SERVICES = (
    ("Annual Accounts", 1800),
    ("GST Return", 240),
    ("Monthly bookkeeping", 450),
    ("Payroll", 120),
    ("Onboarding new clients", 350),
    ("Annual Company Review", 90),
    ("Tax planning meeting", 400),
    ("Xero subscription", 75),
)
_PACKAGES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("Compliance", ("Annual Accounts", "GST Return"), "yearly"),
    ("Bookkeeping", ("Monthly bookkeeping", "Payroll", "Xero subscription"), "monthly"),
    ("Company care", ("Annual Company Review", "Tax planning meeting"), "one-time"),
)
_STATES = ("accepted", "accepted", "accepted", "accepted", "sent", "draft")
PROPOSALS = 18


def team() -> str:
    """Return the file of users."""
    return _text(TEAM_HEADINGS, _TEAM)


def services() -> str:
    """Return the file of services."""
    rows = ((f"SVC-{number}", name, price) for number, (name, price) in enumerate(_SERVICES, 501))
    return _text(SERVICE_HEADINGS, rows)


def proposals(clients: str, seed: int, today: date) -> str:
    """Return the file of proposals, one row per service, for the clients of the file ``clients``.

    Some started recently, some start in the next weeks. The same file, seed and day produce the same file.
    """
    chance = random.Random(seed)
    known = {row["Client ID"]: row["Client Name"] for row in csv.DictReader(io.StringIO(clients))}
    chosen = chance.sample(sorted(known.items()), min(PROPOSALS, len(known)))
    rows: list[Sequence[object]] = []
    for number, (client_id, name) in enumerate(chosen, 2001):
        title, wanted, billing = chance.choice(_PACKAGES)
        start = today + timedelta(days=chance.randrange(-20, 40))
        accepted = min(today, start) - timedelta(days=chance.randrange(1, 30))
        state = chance.choice(_STATES)
        manager = chance.choice(("Ana Silva", "Tom Reid", "Nia Thompson"))
        prices = dict(_SERVICES)
        rows += [
            (f"PROP-{number}", f"{title} {start:%Y}", client_id, name, state,
             accepted.isoformat() if state == "accepted" else "", start.isoformat(),
             (start + timedelta(days=364)).isoformat(), service, billing, prices[service], manager)
            for service in wanted
        ]  # fmt: skip
    return _text(PROPOSAL_HEADINGS, rows)


def _text(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(headings)
    writer.writerows(rows)
    return out.getvalue()
