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


def by_client(changes: Iterable[ChangeView]) -> list[PlanGroup]:
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
    """The visible part of a plan: its groups, which of them are expanded, and the search filter.

    ``sought`` filters changes by text, ``ids`` maps our client ids to those of Ignition.
    """

    by: By = "rule"
    changes: Sequence[ChangeView] = ()
    sought: str = ""
    ids: Mapping[str, str] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)
    groups: list[PlanGroup] = field(default_factory=list)
    rows: list[PlanRow] = field(default_factory=list)

    def take(self, changes: Sequence[ChangeView]) -> None:
        """Replace the changes, or the same changes with other ticks."""
        self.changes = changes
        found = self.found
        self.groups = group_by_rule(found) if self.by == "rule" else by_client(found)
        self._flatten()

    @property
    def found(self) -> Sequence[ChangeView]:
        """The changes that match the search text, or all without one."""
        terms = self.sought.casefold().split()
        if not terms:
            return self.changes
        texts = ((each, self._search_text(each)) for each in self.changes)
        return [each for each, text in texts if all(term in text for term in terms)]

    def find(self, text: str) -> None:
        """Show only the changes that contain this text, with their groups expanded."""
        self.sought = text.strip()
        self.take(self.changes)
        if self.sought:
            self.all(True)

    def id_of(self, record: str) -> str:
        """Return the id by which users know a record: Ignition's, if the client has one."""
        client, slash, contact = record.partition("/")
        return f"{self.ids.get(client) or client}{slash}{contact}"

    def _search_text(self, change: ChangeView) -> str:
        values = (change.old_shown, change.new_shown)
        named = (change.name, change.record, self.id_of(change.record), change.number or "")
        return " ".join([*named, label(change.field), *(str(value or "") for value in values)]).casefold()

    def turn(self, by: By) -> None:
        """Group by client or by rule."""
        self.by = by
        self.open.clear()
        self.take(self.changes)

    def toggle(self, key: str, open_: bool | None = None) -> None:
        """Expand or collapse a group."""
        wanted = key not in self.open if open_ is None else open_
        (self.open.add if wanted else self.open.discard)(key)
        self._flatten()

    def all(self, open_: bool) -> None:
        """Expand or collapse all groups."""
        self.open = {group.key for group in self.groups} if open_ else set()
        self._flatten()

    def place(self, row: PlanRow) -> int:
        """Return the position of a row: its own, else that of its group, else the first."""
        for wanted in (row.change.selector if row.change else None, None):
            for place, other in enumerate(self.rows):
                if other.group.key == row.group.key and wanted == (other.change and other.change.selector):
                    return place
        return 0

    def _flatten(self) -> None:
        self.rows = []
        for group in self.groups:
            self.rows.append(PlanRow(group))
            if group.key in self.open:
                self.rows.extend(PlanRow(group, change) for change in group.changes)
