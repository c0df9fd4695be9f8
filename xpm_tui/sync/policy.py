"""The policy: which field is synced in which direction, when, and at which level, from the field registry.

A practice restricts it (``off``), and freezes restrict it for a client. Never synced: tax, company and
business numbers, relationships, status, custom fields. The module also has the guard's limits, each of which
is a setting.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from typing import Literal

import msgspec

from xpm_tui.domain.field_types import short_hash
from xpm_tui.domain.fields import SYNCED, Field
from xpm_tui.domain.plan import Direction, Level

OnConflict = Literal["overwrite", "hold"]
Clear = Literal["never", "ask", "yes"]

CLIENT_FIELDS: tuple[Field, ...] = tuple(rule for rule in SYNCED if rule.of == "client" and not rule.whole)
"""The compared fields of a client itself."""

CONTACT_FIELDS: tuple[Field, ...] = tuple(rule for rule in SYNCED if rule.contact)
"""The compared fields of each contact."""

ORDER: dict[str, int] = {rule.name: place for place, rule in enumerate(SYNCED)}


class Policy(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """The policy of a practice: direction, level, and the fields switched off."""

    direction: Direction = "from_xpm"
    level: Level = "everything"
    off: frozenset[str] = frozenset()
    on_conflict: OnConflict = "overwrite"
    clear: Clear = "ask"

    def fields(self, *, creation: bool = False) -> tuple[Field, ...]:
        """Return the synced fields: at creation at any level, afterwards those of the level."""
        return tuple(
            rule
            for rule in SYNCED
            if rule.sync.is_synced(self.direction, creation=creation)
            and (rule.name not in self.off or (creation and rule.required))
            and (creation or self._at_level(rule))
        )

    def new_contact_fields(self, frozen: Collection[str] = ()) -> frozenset[str]:
        """Return the fields that a contact is created with, whatever the level.

        They are those neither switched off nor frozen, and always the name, as no contact is without one.
        """
        wanted = (rule for rule in self.fields(creation=True) if rule.contact)
        return frozenset(rule.name for rule in wanted if rule.required or rule.name not in frozen)

    @cached_property
    def hash(self) -> str:
        """Return a hash that changes whenever a different plan is possible: of the settings and the table."""
        table = [(rule.name, rule.kind, rule.required, rule.sync) for rule in SYNCED]
        settings = (self.direction, self.level, sorted(self.off), self.on_conflict, self.clear, table)
        return short_hash(settings)

    def _at_level(self, rule: Field) -> bool:
        return self.level == "everything" or (self.level == "name" and rule.sync.name_level)


class GuardLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits above which a run needs the user's decision.

    The limit of a count is ``max(min, share of the records)``.
    """

    list_share: float = 0.9
    list_fewer: int = 5
    records_min: int = 20
    records_share: float = 0.3
    field_min: int = 20
    field_share: float = 0.3
    emptied_min: int = 5
    emptied_share: float = 0.1
    new_jobs: int = 10


DEFAULT_LIMITS = GuardLimits()
