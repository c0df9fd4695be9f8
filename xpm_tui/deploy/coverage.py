"""How services and job templates cover each other, and which template a service probably calls for. Pure."""

from __future__ import annotations

from collections import Counter

import msgspec
from rapidfuzz import fuzz

from xpm_tui.domain.identity import name_key
from xpm_tui.domain.ignition import Service
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.tables import PROPOSALS, SERVICES, TEMPLATES
from xpm_tui.domain.xpm import Template

LIKE = 80.0
"""From which likeness of two names, of 100, a template is proposed."""


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """What services and job templates do not cover.

    Attributes:
        bare: Services without templates, though nobody chose that.
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
    """A template that a service may call for, by its name: ``same``: equal but for case and punctuation."""

    uuid: str
    name: str
    score: int
    same: bool


def coverage(snapshot: Snapshot) -> Coverage:
    """Look at all services, templates and proposals. O(all of them)."""
    templates = {row.uuid: row for row in snapshot.rows(TEMPLATES)}
    services = list(snapshot.rows(SERVICES))
    used: Counter[str] = Counter()
    gone: dict[str, tuple[Service, ...]] = {}
    for service in services:
        used.update(service.templates)
        for uuid in service.templates:
            row = templates.get(uuid)
            if templates and (row is None or row.gone):
                gone[uuid] = (*gone.get(uuid, ()), service)
    unknown = {
        each.name for proposal in snapshot.rows(PROPOSALS) for each in proposal.services if not each.service
    }
    return Coverage(
        bare=tuple(service for service in services if not service.templates and not service.no_job),
        gone=gone,
        unused=tuple(row for row in templates.values() if not row.gone and row.uuid not in used),
        used=dict(used),
        unknown=tuple(sorted(unknown)),
    )


def likely(service: Service, templates: list[Template], limit: int = 3) -> list[LikelyTemplate]:
    """The templates that a service probably calls for, best first; by name alone, so never without asking."""
    ours = name_key(service.name)
    found = []
    for row in templates:
        theirs = name_key(row.name)
        score = 100.0 if ours == theirs else min(99.0, fuzz.token_set_ratio(ours, theirs))
        if not row.gone and ours and score >= LIKE:
            found.append(LikelyTemplate(uuid=row.uuid, name=row.name, score=int(score), same=ours == theirs))
    return sorted(found, key=lambda each: (-each.score, each.name))[:limit]
