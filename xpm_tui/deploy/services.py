"""Job templates, categories and budgets of services. Pure.

Services are compared with job templates, and a template is proposed for a service by its name. A service may
have a category of its own, and a rule for its part of the budget; both extend the practice's defaults.
Ignition recommends categories by billing type, which separate contracted from billable work.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from xpm_tui.domain.identity import name_key
from xpm_tui.domain.ignition import ProposalService, Service
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.tables import PROPOSALS, SERVICES, TEMPLATES
from xpm_tui.domain.xpm import Template
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    import rapidfuzz.fuzz

LIKE = 80.0
"""The least similarity of two names, of 100, for which a template is proposed."""


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """What services and job templates do not cover.

    Attributes:
        bare: Services without templates that nobody marked as needing no job.
        gone: Services by the UUIDs of templates that XPM no longer has.
        unused: Templates that no service uses.
        used: Number of services that use each template.
        unknown: Names of services on proposals that the library does not have.
    """

    bare: tuple[Service, ...]
    gone: dict[str, tuple[Service, ...]]
    unused: tuple[Template, ...]
    used: dict[str, int]
    unknown: tuple[str, ...]


class LikelyTemplate(msgspec.Struct, frozen=True, kw_only=True):
    """A template with a similar name; ``same`` means equal except for case and punctuation."""

    uuid: str
    name: str
    score: int
    same: bool


def coverage(snapshot: Snapshot) -> Coverage:
    """Compare all services, templates and proposals; the time is proportional to their number."""
    templates = {row.uuid: row for row in snapshot.rows(TEMPLATES)}
    services = list(snapshot.rows(SERVICES))
    used: Counter[str] = Counter()
    missing: dict[str, tuple[Service, ...]] = {}
    for service in services:
        used.update(service.templates)
        for uuid in service.templates:
            row = templates.get(uuid)
            if templates and (row is None or row.gone):
                missing[uuid] = (*missing.get(uuid, ()), service)
    unknown = {
        each.name for proposal in snapshot.rows(PROPOSALS) for each in proposal.services if not each.service
    }
    return Coverage(
        bare=tuple(service for service in services if not service.templates and not service.no_job),
        gone=missing,
        unused=tuple(row for row in templates.values() if not row.gone and row.uuid not in used),
        used=dict(used),
        unknown=tuple(sorted(unknown)),
    )


def likely_templates(service: Service, templates: list[Template], limit: int = 3) -> list[LikelyTemplate]:
    """Return the most likely templates of a service, best first. Names alone decide, so ask the user."""
    ours = name_key(service.name)
    found = []
    for row in templates:
        theirs = name_key(row.name)
        score = 100.0 if ours == theirs else min(99.0, rapidfuzz.fuzz.token_set_ratio(ours, theirs))
        if not row.gone and ours and score >= LIKE:
            found.append(LikelyTemplate(uuid=row.uuid, name=row.name, score=int(score), same=ours == theirs))
    return sorted(found, key=lambda each: (-each.score, each.name))[:limit]


NO_BUDGET, VALUE = "none", "value"
"""Budget rules of a service other than an amount: nothing, or its price times its quantity."""


def billing_key(billing: str) -> str:
    """Return a billing type for comparison, without case, hyphens and underscores."""
    return " ".join(re.split(r"[\s_-]+", billing.casefold())).strip()


def required_categories(
    snapshot: Snapshot, by_billing: Mapping[str, str], services: Iterable[ProposalService]
) -> tuple[str, ...]:
    """Return the categories that services need, as UUIDs or names, each once.

    Those of the services themselves come before those of their billing types. If there are none, the result
    is empty and the practice's default applies. Services without jobs do not count.
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
