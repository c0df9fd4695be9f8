"""XPM clients found: two lines each, everything that tells one from another, same-name ones marked apart.

Proposals for one client: how sure, in words, and why.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from xpm_tui.application.presenters.views import ClientView, ProposalView, XpmClientView
from xpm_tui.domain.fields import APART
from xpm_tui.domain.formatting import cut
from xpm_tui.domain.identity import name_key
from xpm_tui.domain.safe_text import visible
from xpm_tui.tui.widgets import cells
from xpm_tui.tui.widgets.cells import Line, Look, Span, fit, marked, ours, span, width, wrap
from xpm_tui.tui.widgets.rows import Items

Fact = tuple[str, str]


def facts(view: XpmClientView) -> list[Fact]:
    """What tells clients apart, in a fixed order: (what it is, its text)."""
    told = [(word, getattr(view, attribute)) for word, attribute in APART]
    return [(word, text if isinstance(text, str) else ", ".join(text)) for word, text in told]


def facts_of(client: ClientView) -> dict[str, frozenset[str]]:
    """What a client of Ignition says of the facts that it can share with XPM, in loose form."""
    told = {
        "city": (client.city, client.postal_city),
        "e-mail": tuple(contact.email for contact in client.contacts),
        "structure": (client.structure,),
    }
    found = {word: frozenset(map(name_key, filter(None, texts))) for word, texts in told.items()}
    return {word: texts for word, texts in found.items() if texts}


def differing(views: Sequence[XpmClientView]) -> dict[str, frozenset[str]]:
    """For clients that share a name key with another one here: which facts differ among them, by UUID."""
    groups: dict[str, list[XpmClientView]] = defaultdict(list)
    for view in views:
        groups[name_key(view.name)].append(view)
    found: dict[str, frozenset[str]] = {}
    for group in groups.values():
        if len(group) > 1:
            columns = zip(*(facts(view) for view in group), strict=True)
            apart = frozenset(column[0][0] for column in columns if len({text for _, text in column}) > 1)
            for view in group:
                found[view.uuid] = apart
    return found


class SearchHits(Items[XpmClientView]):
    """The list of the picker."""

    row_height = 2
    driven = True

    def __init__(self) -> None:
        super().__init__()
        self.linked_to = ""
        self.ours: dict[str, frozenset[str]] = {}
        """What the client of Ignition says of each kind of fact, in loose form."""
        self._apart: dict[str, frozenset[str]] = {}

    def show(self, items: Sequence[XpmClientView], at: int = 0) -> None:
        """Other hits, and what tells those of one name apart."""
        self._apart = differing(items)
        super().show(items, at)

    def draw(self, row: int, line: int, columns: int) -> Line:
        """Name, state and number; below it what agrees with the client of Ignition and what does not."""
        view = self.items[row]
        return self._first(view, columns) if line == 0 else self._second(view, columns)

    def _first(self, view: XpmClientView, columns: int) -> Line:
        tags: list[Span] = [ours("  same name", "accent")] if view.uuid in self._apart else []
        state: list[Span] = [ours("∞ linked", "good") if view.linked else ours("○ not linked", "muted")]
        for told, mark in ((view.archived, "– archived"), (view.prospect, "○ prospect")):
            state = [ours(f"{mark}  ", "warn"), *state] if told else state
        number = [ours("  XPM ", "xpm"), *fit([span(view.number or "–", "strong")], NUMBER, right=True)]
        room = columns - width(state) - width(number) - 3
        name = [*marked(cut(visible(view.name), max(8, room - width(tags))), view.spans), *tags]
        return [
            ours("▌" if view.uuid == self.linked_to else " ", "good"), *fit(name, room), ours(" "),
            *state, *number, ours(" "),
        ]  # fmt: skip

    def _second(self, view: XpmClientView, columns: int) -> Line:
        """Facts that do not fit are left out whole and counted; those that decide come first."""
        pieces: list[Span] = [ours("   ")]
        told = self._facts(view)
        if view.linked:
            names = ", ".join(f"{ref.id} {ref.name}" for ref in view.linked)
            told.insert(0, [ours("∞ linked to ", "good"), span(names, "good")])
        if view.why:
            told.append([span(f"({view.why})", "muted")])
        for at, fact in enumerate(told):
            between = [ours("  ·  ", "muted")] if at else []
            left = len(told) - at
            more = 4 if left > 1 else 0
            if at and width(pieces) + width(between) + width(fact) + more > columns:
                return fit([*pieces, ours(f"  +{left}", "muted")], columns)
            pieces += [*between, *fact]
        return fit(pieces, columns)

    def _facts(self, view: XpmClientView) -> list[list[Span]]:
        apart = self._apart.get(view.uuid, frozenset())
        found: list[tuple[int, list[Span]]] = []
        for what, text in facts(view):
            if not text and what not in apart:
                continue
            look: Look = "accent" if what in apart else "muted"
            mine = self.ours.get(what) if text else None
            said = [span((text if what in BARE else f"{what} {text}") if text else f"no {what}", look)]
            if mine:
                same = name_key(text) in mine
                said = [ours("= " if same else "≠ ", "good" if same else "warn"), *said]
            found.append((0 if mine else 1 if what in apart else 2, said))
        return [said for _, said in sorted(found, key=lambda each: each[0])]


BARE = frozenset(("city", "code", "e-mail", "phone", "structure"))
"""Facts that say by themselves what they are."""
NUMBER = 6
INDENT = " " * 4


class LinkProposalRows(Items[ProposalView]):
    """Four lines each: name and number, UUID and facts, the reasons in two."""

    row_height = 4
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "choose", "Accept")]

    def draw(self, row: int, line: int, columns: int) -> Line:
        """Name and number; UUID and facts; reasons."""
        view = self.items[row]
        word, look = cells.MATCHES.draw(view.level)
        if line == 0:
            state = "  ARCHIVED" if view.archived else "  PROSPECT" if view.prospect else ""
            return [
                ours(f" {word:<9}", look), ours(f"{view.score:>3}  ", "strong"),
                *fit([span(view.name, "strong"), ours(state, "warn")], max(10, columns - 28)),
                ours(" #", "muted"), span(view.number or "–", "strong"),
            ]  # fmt: skip
        if line == 1:
            facts = "  ".join(filter(None, (view.code, view.email, view.city)))
            return [ours(INDENT), span(view.uuid, "muted"), ours("  "), span(facts)]
        reasons = wrap([span("; ".join(view.reasons), look or "muted")], columns - len(INDENT) - 1)
        return [ours(INDENT), *reasons[line - 2]] if line - 2 < len(reasons) else []
