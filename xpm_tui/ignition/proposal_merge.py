"""Merges Ignition's file of a proposal into the stored one, without input or output."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from xpm_tui.domain.identity import exact
from xpm_tui.domain.ignition import Engagement, Proposal, ProposalService

_TEXTS = ("name", "number", "client_id", "client_name")


def job_inputs(proposal: Proposal) -> dict[str, object]:
    """Return what a proposal's jobs are created from, by the words for it."""
    inputs = {name: getattr(proposal, name) for name in ("state", "name", "client", "number", "reference")}
    inputs |= {name: getattr(proposal, name) for name in ("start", "end", "partner", "manager")}
    return inputs | {
        "services": [
            (s.name, s.start, s.end, s.price, s.quantity, s.project, s.client, s.entity)
            for s in proposal.services
        ]
    }


def engagement_of(proposal: Proposal) -> Engagement:
    """Return what the jobs of a proposal are created from now."""
    return Engagement(**{name: getattr(proposal, name) for name in Engagement.__struct_fields__})


def merge_proposal(
    before: Proposal, made: Proposal, ended_before: date | None
) -> tuple[Proposal, list[ProposalService]]:
    """Return the proposal with the values of the file, and the services that the file no longer names.

    A blank cell changes nothing. Of the services that are not named any more, those that ended before
    ``ended_before``, or before their next term, stay as history; without that day all are removed.
    """
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
        # A proposal can have a service several times from the same day; such lines are matched in order.
        at = next((at for at in left if service_key(services[at]) == service_key(service)), None)
        if at is None:
            moved.append(service)
        else:
            left.remove(at)
            services[at] = _merged_service(services[at], service)
    for alike in (_same_part, _may_be_part):
        rest, moved = moved, []
        for service in rest:
            # A service whose dates overlap was moved to another start; one in another year is a separate one.
            at = next(
                (at for at in left if _overlap(services[at], service) and alike(services[at], service)), None
            )
            if at is None:
                moved.append(service)
            else:
                left.remove(at)
                known = _merged_service(services[at], service)
                services[at] = msgspec.structs.replace(known, start=service.start or known.start)
    services += moved
    missing = [
        at
        for at in left
        if ended_before is not None
        and (services[at].end or ended_before) >= ended_before
        and not any(_is_earlier_term(services[at], each) for each in made.services)
    ]
    kept = tuple(each for at, each in enumerate(services) if at not in missing)
    return msgspec.structs.replace(before, **values, services=kept), [services[at] for at in missing]


def service_key(service: ProposalService) -> tuple[str, date | None, str, str]:
    """Return what identifies a service: rows with the same key are of the same project and entity."""
    return exact(service.name), service.start, exact(service.project), service.entity


def _same_part(old: ProposalService, new: ProposalService) -> bool:
    """Return whether two services have the same project and entity."""
    return service_key(old)[2:] == service_key(new)[2:]


def _may_be_part(old: ProposalService, new: ProposalService) -> bool:
    """Return whether two services may have the same project and entity, if one of them is blank."""
    return all(not one or not other or one == other for one, other in zip(
        service_key(old)[2:], service_key(new)[2:], strict=True
    ))  # fmt: skip


def _is_earlier_term(old: ProposalService, new: ProposalService) -> bool:
    """Return whether a service ended before the same one started again."""
    same = exact(old.name) == exact(new.name) and _may_be_part(old, new)
    return same and old.end is not None and new.start is not None and old.end < new.start


def _overlap(old: ProposalService, new: ProposalService) -> bool:
    """Return whether two services of the same name overlap; one without dates overlaps any."""
    if exact(old.name) != exact(new.name):
        return False
    ends_first = old.end is not None and new.start is not None and old.end < new.start
    return not ends_first and not (new.end is not None and old.start is not None and new.end < old.start)


def _merged_service(old: ProposalService, new: ProposalService) -> ProposalService:
    values = {
        name: getattr(new, name)
        for name in (
            "service",
            "end",
            "billing",
            "price",
            "quantity",
            "project",
            "client",
            "client_id",
            "client_name",
        )
        if getattr(new, name)
    }
    return msgspec.structs.replace(old, **values, extra={**old.extra, **new.extra})
