"""Proposals of the book, as Ignition's export of active services tells them or as they are made here."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

import msgspec

ProposalState = Literal["", "draft", "sent", "accepted", "completed", "lost", "revoked"]


class ProposalService(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A service within a proposal; ``service`` is our id of it, empty where the library has none of the name.

    ``price`` and ``quantity`` are texts as the file has them. ``end`` is None while it goes on. ``project``
    is the group that it belongs to, where there are several.
    """

    name: str
    service: str = ""
    project: str = ""
    start: date | None = None
    end: date | None = None
    billing: str = ""
    price: str = ""
    quantity: str = ""
    extra: dict[str, str] = msgspec.field(default_factory=dict)


class Proposal(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A proposal (``o5``). ``number`` (``PROP-12``) is Ignition's or typed, never made here.

    ``client`` is our id; empty where the file names a client that the book does not have. ``ours`` says that
    a person made it ours to deploy: Ignition's own connector has usually deployed an imported one.
    """

    id: str
    name: str
    number: str = ""
    client: str = ""
    client_id: str = ""
    client_name: str = ""
    reference: str = ""
    state: ProposalState = ""
    accepted: date | None = None
    start: date | None = None
    end: date | None = None
    services: tuple[ProposalService, ...] = ()
    partner: str = ""
    manager: str = ""
    origin: Literal["import", "new"] = "import"
    ours: bool = False
    created: datetime | None = None
    extra: dict[str, str] = msgspec.field(default_factory=dict)
