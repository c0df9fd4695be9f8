"""The category and budget rules of services, in addition to the practice's defaults. Pure.

Ignition recommends categories by billing type, which tell contracted from billable work. A service may have a
category of its own, and a rule for its part of the budget.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal

from xpm_tui.domain.ignition import ProposalService, Service
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.tables import SERVICES

NO_BUDGET, VALUE = "none", "value"
"""Budget rules of a service besides an amount: it adds nothing, or its price times its quantity."""


def billing_key(billing: str) -> str:
    """A billing type as it is compared: case, hyphens and underscores do not count."""
    return " ".join(re.split(r"[\s_-]+", billing.casefold())).strip()


def categories_called_for(
    snapshot: Snapshot, by_billing: Mapping[str, str], services: Iterable[ProposalService]
) -> tuple[str, ...]:
    """Return the categories that services call for, as UUIDs or names, each once.

    Those of the services themselves come before those of their billing types; without either it is the
    practice's default that counts, and nothing is returned. Services that want no job say nothing.
    """
    known = {billing_key(billing): category for billing, category in by_billing.items()}
    own: dict[str, None] = {}
    billed: dict[str, None] = {}
    for each in services:
        service = _service(snapshot, each)
        if service is not None and service.no_job:
            continue
        if service is not None and service.category:
            own[service.category] = None
        elif known.get(billing_key(each.billing)):
            billed[known[billing_key(each.billing)]] = None
    return tuple(own or billed)


def budget_parts(
    snapshot: Snapshot, default: str, services: Iterable[ProposalService]
) -> tuple[tuple[ProposalService, ...], Decimal]:
    """Return the services whose value counts towards the budget, and the sum of fixed amounts.

    Args:
        snapshot: The store.
        default: The practice's rule, ``none`` or ``proposal``, for services without a rule.
        services: The services of the job.
    """
    valued: list[ProposalService] = []
    fixed = Decimal(0)
    for each in services:
        service = _service(snapshot, each)
        rule = service.budget if service is not None else ""
        if rule == VALUE or (not rule and default != NO_BUDGET):
            valued.append(each)
        elif rule and rule != NO_BUDGET:
            fixed += Decimal(rule)
    return tuple(valued), fixed


def _service(snapshot: Snapshot, each: ProposalService) -> Service | None:
    return snapshot.get(SERVICES, each.service) if each.service else None
