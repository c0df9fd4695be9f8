"""The rows of a plan as an outline: groups with counts, their changes, and which groups are expanded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from xpm_tui.application.presenters.views import ChangeView
from xpm_tui.application.runs.plans import Selector
from xpm_tui.domain.fields import label
from xpm_tui.domain.plan import Mark

Tick = Literal["all", "none", "some"]
By = Literal["rule", "client"]

FIRST_RULES = ("conflict", "clear", "drift", "first")
"""Rules whose groups come first, because they need the most attention."""


@dataclass(frozen=True)
class PlanGroup:
    """A group of changes. ``selector`` names all of them to the plan."""

    key: str
    rule: str
    field: str
    record: str
    name: str
    changes: tuple[ChangeView, ...]
    selector: Selector

    @property
    def tick(self) -> Tick:
        """Whether all, none or some of the changes are ticked."""
        ticked = sum(change.ticked for change in self.changes)
        return "all" if ticked == len(self.changes) else "some" if ticked else "none"

    @property
    def records(self) -> int:
        """The number of clients in the group."""
        return len({client_of(change.record) for change in self.changes})

    def marks(self) -> list[tuple[Mark, int]]:
        """Return the number of changes for each mark."""
        counts: dict[Mark, int] = defaultdict(int)
        for change in self.changes:
            if change.mark:
                counts[change.mark] += 1
        return sorted(counts.items())


class PlanRow(NamedTuple):
    """The heading of a group, or one of its changes if ``change`` is given."""

    group: PlanGroup
    change: ChangeView | None = None


def client_of(record: str) -> str:
    """Return the client's part of a record id: ``c12`` of ``c12/k3``."""
    return record.partition("/")[0]


def group_by_rule(changes: Iterable[ChangeView]) -> list[PlanGroup]:
    """Group changes by rule and field: surprising rules first, then links, then the largest groups."""
    found: dict[tuple[str, str], list[ChangeView]] = defaultdict(list)
    for change in changes:
        found[change.rule, change.field].append(change)
    groups = [
        PlanGroup(f"{rule}:{name}", rule, name, "", "", tuple(some), Selector(rule=rule, field=name))
        for (rule, name), some in found.items()
    ]

    def place(group: PlanGroup) -> tuple[int, int, int, str]:
        early = FIRST_RULES.index(group.rule) if group.rule in FIRST_RULES else len(FIRST_RULES)
        return (group.field != "link", early, -len(group.changes), group.key)

    return sorted(groups, key=place)


def group_by_client(changes: Iterable[ChangeView]) -> list[PlanGroup]:
    """Group changes by client, sorted by name."""
    found: dict[str, list[ChangeView]] = defaultdict(list)
    for change in changes:
        found[client_of(change.record)].append(change)
    groups = [
        PlanGroup(record, "", "", record, some[0].name, tuple(some), Selector(record=record))
        for record, some in found.items()
    ]
    return sorted(groups, key=lambda group: (group.name.casefold(), group.record))


@dataclass
class PlanOutline:
    """The visible part of a plan: its groups, which of them are expanded, and the filter.

    Only changes that contain ``filter_text`` are shown. ``ids`` maps records to the ids that users know.
    """

    by: By = "rule"
    changes: Sequence[ChangeView] = ()
    filter_text: str = ""
    ids: Mapping[str, str] = field(default_factory=dict)
    expanded: set[str] = field(default_factory=set)
    groups: list[PlanGroup] = field(default_factory=list)
    rows: list[PlanRow] = field(default_factory=list)

    def set_changes(self, changes: Sequence[ChangeView]) -> None:
        """Show other changes, or the same changes with other ticks."""
        self.changes = changes
        found = self.matching
        self.groups = group_by_rule(found) if self.by == "rule" else group_by_client(found)
        self._flatten()

    @property
    def matching(self) -> Sequence[ChangeView]:
        """The changes that contain the filter text; all if it is empty."""
        terms = self.filter_text.casefold().split()
        if not terms:
            return self.changes
        texts = ((each, self._search_text(each)) for each in self.changes)
        return [each for each, text in texts if all(term in text for term in terms)]

    def filter(self, text: str) -> None:
        """Show only the changes that contain this text, with their groups expanded."""
        self.filter_text = text.strip()
        self.set_changes(self.changes)
        if self.filter_text:
            self.expand_all(True)

    def id_of(self, record: str) -> str:
        """Return the id by which users know a record; a contact's is that of its client, and its name."""
        return self.ids.get(record) or client_of(record)

    def contact_of(self, record: str) -> str:
        """Return which of a client's contacts a record is; empty if it is the client or its only contact."""
        return self.id_of(record).removeprefix(self.id_of(client_of(record))).strip()

    def _search_text(self, change: ChangeView) -> str:
        values = (change.old_shown, change.new_shown)
        named = (change.name, change.record, self.id_of(change.record), change.number or "")
        return " ".join([*named, label(change.field), *(str(value or "") for value in values)]).casefold()

    def group_by(self, by: By) -> None:
        """Group by client or by rule, with all groups collapsed."""
        self.by = by
        self.expanded.clear()
        self.set_changes(self.changes)

    def toggle(self, key: str, expanded: bool | None = None) -> None:
        """Expand or collapse a group."""
        wanted = key not in self.expanded if expanded is None else expanded
        (self.expanded.add if wanted else self.expanded.discard)(key)
        self._flatten()

    def expand_all(self, expanded: bool) -> None:
        """Expand or collapse all groups."""
        self.expanded = {group.key for group in self.groups} if expanded else set()
        self._flatten()

    def position(self, row: PlanRow) -> int:
        """Return the position of a row: its own, otherwise that of its group, otherwise the first."""
        for wanted in (row.change.selector if row.change else None, None):
            for place, other in enumerate(self.rows):
                if other.group.key == row.group.key and wanted == (other.change and other.change.selector):
                    return place
        return 0

    def _flatten(self) -> None:
        self.rows = []
        for group in self.groups:
            self.rows.append(PlanRow(group))
            if group.key in self.expanded:
                self.rows.extend(PlanRow(group, change) for change in group.changes)
