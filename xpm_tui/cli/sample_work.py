"""Sample files of Ignition's team, services and proposals for a demo, next to the sandbox's practice.

Each has its hard cases: a person whose e-mail changed, one who left, two of one name, one whom XPM does not
know; services named as job templates, nearly so, and not at all; proposals accepted, sent and still drafts.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterable, Sequence
from datetime import date, timedelta

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
    """The file of users as text."""
    return _text(TEAM_HEADINGS, _TEAM)


def services() -> str:
    """The file of services as text."""
    rows = ((f"SVC-{number}", name, price) for number, (name, price) in enumerate(_SERVICES, 501))
    return _text(SERVICE_HEADINGS, rows)


def proposals(clients: str, seed: int, today: date) -> str:
    """The file of proposals as text, one row a service, for clients of the file ``clients``.

    Some began lately, some begin in the next weeks. The same file, seed and day give the same.
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
        prices = dict(_SERVICES)
        rows += [
            (f"PROP-{number}", f"{title} {start:%Y}", client_id, name, state,
             accepted.isoformat() if state == "accepted" else "", start.isoformat(),
             (start + timedelta(days=364)).isoformat(), service, billing, prices[service],
             chance.choice(("Ana Silva", "Tom Reid", "Nia Thompson")))
            for service in wanted
        ]  # fmt: skip
    return _text(PROPOSAL_HEADINGS, rows)


def _text(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(headings)
    writer.writerows(rows)
    return out.getvalue()
