"""Lists of XPM clients: search results, link proposals and the review queue, and their comparison.

Clients of the same name are shown with the facts that distinguish them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import zip_longest
from typing import ClassVar

from textual.binding import Binding, BindingType

from xpm_tui.application.presenters.views import ClientView, ProposalView, ReviewView, XpmClientView
from xpm_tui.domain.fields import DISTINGUISHING_DETAILS
from xpm_tui.domain.formatting import cut
from xpm_tui.domain.identity import name_key
from xpm_tui.domain.safe_text import Shown, visible
from xpm_tui.tui.widgets import cells
from xpm_tui.tui.widgets.cells import (
    Line,
    Look,
    Span,
    cut_apart,
    distinguish_both,
    fit,
    fixed,
    marked,
    named,
    neighbours,
    span,
    width,
    wrap,
)
from xpm_tui.tui.widgets.comparison import GAP, LABEL
from xpm_tui.tui.widgets.rows import Items

Fact = tuple[str, str]


def facts(view: XpmClientView) -> list[Fact]:
    """Return the facts that distinguish clients, in a fixed order: (label, text)."""
    values = [(word, getattr(view, attribute)) for word, attribute in DISTINGUISHING_DETAILS]
    return [(word, text if isinstance(text, str) else ", ".join(text)) for word, text in values]


def facts_of(client: ClientView) -> dict[str, frozenset[str]]:
    """Return the facts that an Ignition client shares with XPM clients, normalised for comparison."""
    values = {
        "city": (client.city, client.postal_city),
        "e-mail": tuple(contact.email for contact in client.contacts),
        "structure": (client.structure,),
    }
    found = {word: frozenset(map(name_key, filter(None, texts))) for word, texts in values.items()}
    return {word: texts for word, texts in found.items() if texts}


def differing(views: Sequence[XpmClientView]) -> dict[str, frozenset[str]]:
    """Return which facts differ among listed clients with the same name key, by UUID."""
    groups: dict[str, list[XpmClientView]] = defaultdict(list)
    for view in views:
        groups[name_key(view.name)].append(view)
    found: dict[str, frozenset[str]] = {}
    for group in groups.values():
        if len(group) > 1:
            columns = zip(*(facts(view) for view in group), strict=True)
            different = frozenset(column[0][0] for column in columns if len({text for _, text in column}) > 1)
            for view in group:
                found[view.uuid] = different
    return found


def best_first(views: Sequence[XpmClientView], client: ClientView) -> list[XpmClientView]:
    """Return search results in their order; of those found in the same way, those that agree most first."""
    ours, kinds = facts_of(client), list(dict.fromkeys(view.why for view in views))

    def place(view: XpmClientView) -> tuple[int, int]:
        same = sum(name_key(text) in ours.get(what, ()) for what, text in facts(view) if text)
        return kinds.index(view.why), -(same + (view.name == client.name))

    return sorted(views, key=place)


class SearchHits(Items[XpmClientView]):
    """The results of a search for XPM clients, two lines each."""

    row_height = 2
    driven = True

    def __init__(self) -> None:
        super().__init__()
        self.linked_to = ""
        self.ours: dict[str, frozenset[str]] = {}
        """The facts of the Ignition client by their kind, normalised for comparison."""
        self._distinguishing: dict[str, frozenset[str]] = {}

    def show(self, items: Sequence[XpmClientView], at: int = 0) -> None:
        """Show other results, and the facts that distinguish those of the same name."""
        self._distinguishing = differing(items)
        super().show(items, at)

    def draw(self, row: int, line: int, columns: int) -> Line:
        """Return the name, state and number, or the second line: what agrees with the Ignition client."""
        view = self.items[row]
        return self._name_line(row, view, columns) if line == 0 else self._facts_line(view, columns)

    def _name_line(self, row: int, view: XpmClientView, columns: int) -> Line:
        tags: list[Span] = [fixed("  same name", "accent")] if view.uuid in self._distinguishing else []
        state: list[Span] = [fixed("∞ linked", "good") if view.linked else fixed("○ not linked", "muted")]
        for applies, mark in ((view.archived, "– archived"), (view.prospect, "○ prospect")):
            state = [fixed(f"{mark}  ", "warn"), *state] if applies else state
        number = _number(view)
        room = columns - width(state) - width(number) - 3
        whole, left = visible(view.name), max(8, room - width(tags))
        shown = cut_apart(whole, (visible(each.name) for each in neighbours(self.items, row)), left)
        name = [*(marked(shown, view.spans) if shown == cut(whole, left) else [Span(shown)]), *tags]
        return [
            fixed("▌" if view.uuid == self.linked_to else " ", "good"), *fit(name, room), fixed(" "),
            *state, *number, fixed(" "),
        ]  # fmt: skip

    def _facts_line(self, view: XpmClientView, columns: int) -> Line:
        """Return the facts, decisive ones first; those that do not fit are left out and counted."""
        pieces: list[Span] = [fixed("   ")]
        facts = self._facts(view)
        if view.linked:
            names = ", ".join(f"{ref.id} {ref.name}" for ref in view.linked)
            facts.insert(0, [fixed("∞ linked to ", "good"), span(names, "good")])
        if view.why:
            facts.append([span(f"({view.why})", "muted")])
        for at, fact in enumerate(facts):
            between = [fixed("  ·  ", "muted")] if at else []
            left = len(facts) - at
            more = 4 if left > 1 else 0
            if at and width(pieces) + width(between) + width(fact) + more > columns:
                return fit([*pieces, fixed(f"  +{left}", "muted")], columns)
            pieces += [*between, *fact]
        return fit(pieces, columns)

    def _facts(self, view: XpmClientView) -> list[list[Span]]:
        distinguishing = self._distinguishing.get(view.uuid, frozenset())
        found: list[tuple[int, list[Span]]] = []
        for what, text in facts(view):
            if not text and what not in distinguishing:
                continue
            look: Look = "accent" if what in distinguishing else "muted"
            mine = self.ours.get(what) if text else None
            spans = [span((text if what in UNLABELLED else f"{what} {text}") if text else f"no {what}", look)]
            if mine:
                same = name_key(text) in mine
                spans = [fixed("= " if same else "≠ ", "good" if same else "warn"), *spans]
            found.append((0 if mine else 1 if what in distinguishing else 2, spans))
        return [spans for _, spans in sorted(found, key=lambda each: each[0])]


UNLABELLED = frozenset(("city", "code", "e-mail", "phone", "structure"))
"""Facts that need no label."""
NUMBER = 6
"""Width of XPM's client number; a longer one takes more, because numbers are never cut."""
STEPS = 5
"""Cells of the gauge that shows the strength of a match."""
INDENT = " " * 16
"""The start of the second line of a proposal, below its name."""


def _number(view: XpmClientView | ProposalView) -> Line:
    """Return XPM's client number in full: it distinguishes clients of the same name."""
    number = [span(view.number or "–", "strong")]
    return [fixed("  XPM ", "xpm"), *fit(number, max(NUMBER, width(number)), right=True)]


class LinkProposalRows(Items[ProposalView]):
    """Link proposals, two lines each: strength, name and number; then the reasons."""

    row_height = 2
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "choose", "Accept")]

    def draw(self, row: int, line: int, columns: int) -> Line:
        """Return strength, name and number, or the reasons."""
        view = self.items[row]
        if line == 1:
            return [fixed(INDENT), *fit([span("; ".join(view.reasons), "muted")], columns - len(INDENT))]
        full = max(1, min(STEPS, round(view.score * STEPS / 100)))
        look = cells.MATCHES.look(view.level)
        word = cells.MATCHES.label(view.level).text
        state = [fixed("  – archived" if view.archived else "  ○ prospect" if view.prospect else "", "warn")]
        number = _number(view)
        room = max(8, columns - len(INDENT) - width(state) - width(number) - 2)
        detail = view.city or view.code or view.email
        others = [each.name for each in neighbours(self.items, row)]
        name = named(visible(view.name), visible(detail), room, "strong", others=others)
        return [
            fixed(f" {'▰' * full}{'▱' * (STEPS - full)} ", look), *fit([fixed(word, look)], 9),
            *fit(name, room), *state, *number,
        ]  # fmt: skip


class ReviewQueue(Items[ReviewView]):
    """Clients that need a decision, one line each: the name and the strength of the best match."""

    can_focus = False
    driven = True

    def draw(self, row: int, line: int, columns: int) -> Line:
        """Return the name, with the id if another client has the same name, and the match."""
        view = self.items[row]
        level = view.proposals[0].level if view.proposals else ""
        word = cells.MATCHES.label(level).text if level else "None"
        others = [each.name for each in neighbours(self.items, row)]
        name = named(visible(view.name), visible(view.client_id or view.id), columns - 10, others=others)
        return [fixed(" "), *name, fixed(" "), *fit([fixed(word, cells.MATCHES.look(level))], 8)]


def compared_lines(client: ClientView, xpm: XpmClientView, columns: int) -> list[Line]:
    """Return the distinguishing fields of both sides, with a symbol for each relation, and the UUID."""
    each = max(8, (columns - LABEL - GAP - 1) // 2)
    side, id_ = fixed("Ignition ", "ignition"), span(client.client_id or client.id, "muted")
    ours = [side, id_] if width([side, id_]) <= each else [id_]  # an id is never cut
    found: list[Line] = [
        [
            *fit([], LABEL),
            *fit(ours, each),
            fixed("   "),
            fixed("XPM ", "xpm"),
            span(xpm.number or "–", "muted"),
        ]
    ]
    for label, sign, look, here, there in _compared_fields(client, xpm):
        left, right = visible(", ".join(here) or "–"), visible(", ".join(there) or "–")
        mark = distinguish_in_full if sign in "≠≈" else _unmarked
        rows = zip_longest(wrap(mark(left, right), each), wrap(mark(right, left), each), fillvalue=())
        for at, (row_here, row_there) in enumerate(rows):
            head = [*fit([fixed("" if at else label, "muted")], LABEL), *fit(row_here, each)]
            found.append([*head, fixed("   " if at else f" {sign} ", look), *row_there])
    return [*found, [fixed("UUID  ", "muted"), span(xpm.uuid, "muted")]]


ComparedField = tuple[str, str, Look, Sequence[str], Sequence[str]]
"""Label, symbol and its style, values in Ignition, values in XPM."""
_SIGNS: tuple[tuple[str, Look], ...] = (("≠", "warn"), ("≈", "accent"), ("=", "good"), ("+", "accent"))


def _compared_fields(client: ClientView, xpm: XpmClientView) -> list[ComparedField]:
    """Return label, symbol and values of each field that is not empty: the name first, then differences."""
    found: list[tuple[int, ComparedField]] = []
    for label, mine, theirs in _pairs(client, xpm):
        here, there = tuple(dict.fromkeys(filter(None, mine))), tuple(filter(None, theirs))
        if not here and not there:
            continue
        alike = {name_key(one) for one in here} & {name_key(one) for one in there}
        same = {one.casefold() for one in here} & {one.casefold() for one in there}
        place = 3 if not (here and there) else 2 if same else 1 if alike else 0
        found.append((-1 if label == "Name" else place, (label, *_SIGNS[place], here, there)))
    return [compared for _, compared in sorted(found, key=lambda each: each[0])]


def _unmarked(text: Shown, _: Shown) -> list[Span]:
    return [Span(text)]


def distinguish_in_full(text: Shown, other: Shown) -> list[Span]:
    """Return a value in full, with what differs from another one marked."""
    return distinguish_both(other, text)[1] if text != other else [Span(text)]


def _pairs(client: ClientView, xpm: XpmClientView) -> list[tuple[str, Sequence[str], Sequence[str]]]:
    people = [person.name if person else "" for person in (client.partner, client.manager)]
    return [
        ("Name", (client.name,), (xpm.name,)),
        ("City", (client.city, client.postal_city), (xpm.city,)),
        ("E-mail", [each.email for each in client.contacts], (xpm.email,)),
        ("Phone", (client.phone, *(each.phone for each in client.contacts)), (xpm.phone,)),
        ("Structure", (client.structure,), (xpm.structure,)),
        ("Groups", client.groups, xpm.groups),
        ("Partner", people[:1], (xpm.partner,)),
        ("Manager", people[1:], (xpm.manager,)),
        ("Code", (), (xpm.code,)),
    ]
