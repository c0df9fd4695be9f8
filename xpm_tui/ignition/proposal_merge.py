"""What Ignition's file says of a proposal that is there already, merged into it. Pure."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from xpm_tui.domain.identity import exact
from xpm_tui.domain.ignition import Proposal, ProposalService

_TEXTS = ("name", "number", "client_id", "client_name")


def material(proposal: Proposal) -> dict[str, object]:
    """What the jobs of a proposal are made from, by the words for it."""
    told = {name: getattr(proposal, name) for name in ("state", "name", "client", "number", "reference")}
    told |= {name: getattr(proposal, name) for name in ("start", "end", "partner", "manager")}
    return told | {"services": [(s.name, s.start, s.end, s.price, s.quantity) for s in proposal.services]}


def merged(
    before: Proposal, made: Proposal, ended_before: date | None
) -> tuple[Proposal, list[ProposalService]]:
    """The proposal with what the file says, where blank says nothing; and the services that go because the
    file no longer names them. Those that ended before that day, or before their next term, stay as
    history; without the day all do."""
    values: dict[str, Any] = {
        name: getattr(made, name)
        for name in (
            *_TEXTS,
            "client",
            "reference",
            "state",
            "accepted",
            "start",
            "end",
            "partner",
            "manager",
        )
        if getattr(made, name)
    }
    if made.state:
        values["status"] = made.status
    services, left, moved = list(before.services), list(range(len(before.services))), []
    for service in made.services:
        # A proposal can have the same service from the same day on several lines: the first is the first.
        at = next((at for at in left if service_key(services[at]) == service_key(service)), None)
        if at is None:
            moved.append(service)
        else:
            left.remove(at)
            services[at] = _merged_service(services[at], service)
    for service in moved:
        # One whose days overlap is the same with another start; one of another year stands beside it.
        at = next((at for at in left if _overlap(services[at], service)), None)
        if at is None:
            services.append(service)
        else:
            left.remove(at)
            merged = _merged_service(services[at], service)
            services[at] = msgspec.structs.replace(merged, start=service.start or merged.start)
    gone = [
        at
        for at in left
        if ended_before is not None
        and (services[at].end or ended_before) >= ended_before
        and not any(_is_earlier_term(services[at], each) for each in made.services)
    ]
    kept = tuple(each for at, each in enumerate(services) if at not in gone)
    return msgspec.structs.replace(before, **values, services=kept), [services[at] for at in gone]


def service_key(service: ProposalService) -> tuple[str, date | None]:
    """What two rows have in common that are the same service."""
    return exact(service.name), service.start


def _is_earlier_term(old: ProposalService, new: ProposalService) -> bool:
    """Whether a service ended before the same one started again."""
    same = exact(old.name) == exact(new.name)
    return same and old.end is not None and new.start is not None and old.end < new.start


def _overlap(old: ProposalService, new: ProposalService) -> bool:
    """Whether two services of one name run at the same time; one without dates does at any."""
    if exact(old.name) != exact(new.name):
        return False
    ends_first = old.end is not None and new.start is not None and old.end < new.start
    return not ends_first and not (new.end is not None and old.start is not None and new.end < old.start)


def _merged_service(old: ProposalService, new: ProposalService) -> ProposalService:
    values = {
        name: getattr(new, name)
        for name in ("service", "end", "billing", "price", "quantity")
        if getattr(new, name)
    }
    return msgspec.structs.replace(old, **values, extra={**old.extra, **new.extra})
