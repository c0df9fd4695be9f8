"""The picker: it searches all XPM clients while the user types, and shows what linking would do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets.input import Selection

from xpm_tui.application.clients import links
from xpm_tui.application.clients import queries as clients
from xpm_tui.application.practice import OpenPractice, list_state
from xpm_tui.application.presenters.views import ClientView, EffectView, XpmClientView
from xpm_tui.commands.clients import ReviewClients
from xpm_tui.commands.link_effects import effect_lines
from xpm_tui.commands.links import LinkClient, PickClients
from xpm_tui.commands.registry import by_name
from xpm_tui.domain import formatting, labels
from xpm_tui.domain.tables import XPM_CLIENTS
from xpm_tui.lazy import lazy_imports
from xpm_tui.sync.matching.search_index import PickerIndex
from xpm_tui.tui.dialogs.help import HelpPage
from xpm_tui.tui.screens.base import SearchScreen
from xpm_tui.tui.theme import stylesheet_path
from xpm_tui.tui.widgets.cells import Line, Span, fixed, lines, span, words
from xpm_tui.tui.widgets.comparison import DetailPane
from xpm_tui.tui.widgets.effect_rows import effect_rows
from xpm_tui.tui.widgets.frame import ScreenHeading
from xpm_tui.tui.widgets.inputs import TextField
from xpm_tui.tui.widgets.rows import Rows
from xpm_tui.tui.widgets.search_hits import SearchHits, best_first, compared_lines, facts_of
from xpm_tui.tui.widgets.text import give_room

with lazy_imports():
    from xpm_tui.application.runs import xpm_refresh

if TYPE_CHECKING:
    from xpm_tui.commands.command import Command

MOST = 100
"""The most results that are listed."""
FIRST_CLIENTS = 1_000
"""The number of XPM clients that are searched first if no index was saved; the others follow."""
INVITATION = "Type a name, a city, a code, an e-mail, XPM's number or web address, or a UUID."
NO_MATCH = "No match. Try fewer letters; F4 clears the search."
EFFECT_LINES = (6, 8)
"""The lines on what linking would do, on a low and on a tall screen; long names take more rows."""

TYPING_SECONDS = 0.06
"""Seconds without another key after which the search starts."""


class Picker(SearchScreen[tuple[str, ...]]):
    """A picker that links ``client`` to an XPM client or, without one, adds XPM clients to the practice.

    With ``reviewing``, the link is a decision of the bulk review. The result is the ids of the clients that
    were linked, or None.
    """

    CSS_PATH: ClassVar = stylesheet_path("picker")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Link", priority=True),
        Binding("f5", "all", "Bring in all unambiguous ones"),
    ]
    HELP_PAGE: ClassVar = HelpPage(
        "Picker",
        "What you type replaces the client's own name. Type any part of a name, a city, a code, an "
        "e-mail, XPM's number, its web address or a UUID: a number, address or UUID finds exactly one. "
        "The signs = and ≠ compare e-mail, city and structure with the client's. Rows marked same name "
        "share it with another; what tells them apart is marked. Below you see what linking would do. "
        "Nothing is written to XPM here.",
        [("enter", "link the client under the cursor"), ("F4", "clear the search"), ("esc", "leave")],
    )

    def __init__(self, client: ClientView | None, *, reviewing: bool = False) -> None:
        self._hits = SearchHits()
        placeholder = "name, city, code, e-mail, number, UUID or web address"
        super().__init__(TextField(client.name if client else "", placeholder=placeholder), self._hits)
        self._client = client
        self._reviewing = reviewing
        self._index: PickerIndex | None = None
        title = "Link to XPM" if client is not None else "Bring in a client from XPM"
        self._head = ScreenHeading(title, classes="picker-head")
        self._compare = DetailPane()
        self._compare.add_class("panel", "compare")
        self._compare.border_title = "Compare"
        self._count = 0
        self._shown: EffectView | None = None
        self._effect_rows = 0
        """The most rows of an effect so far: the panel keeps their room, so that the list does not jump."""
        self._is_linking = False
        self._found_by: str | None = None
        """The search text to which the shown results belong."""

    def body(self) -> ComposeResult:
        """Compose the client, the search field, the results and the effect."""
        yield self._head
        yield from self.search_panel("Search by name, number, e-mail, city, or paste an XPM address")
        with Horizontal(classes="halves"):
            yield from self.list_panel("XPM clients")
            yield self._compare
        yield self._effect

    def on_mount(self) -> None:
        """Search for the client's own name first."""
        if self._client is not None:
            self._hits.ours = facts_of(self._client)
            self._hits.linked_to = self._client.link.uuid if self._client.link else ""
        else:
            self._compare.display = False
        self._hits.can_focus = self._compare.can_focus = False
        self._effect.border_title = "If you link these two" if self._client else "If you bring this client in"
        self.field.focus()
        self.field.selection = Selection(0, len(self.field.value))  # typing replaces it
        self._show_heading("reading XPM's clients …")
        self.host.work(lambda: self._start(), "search", exclusive=True, node=self)

    def _show_heading(self, note: str) -> None:
        """Show the client in full, because the results are compared with it, and a note at the right."""
        found: list[Line] = []
        if (client := self._client) is not None:
            facts = (
                client.city or client.postal_city,
                *(each.email for each in client.contacts),
                client.phone,
            )
            known = "  ·  ".join(dict.fromkeys(filter(None, facts))) or "nothing else is known about it"
            found.append([fixed("  Ignition  ", "ignition"), span(client.name, "strong"),
                          span(f"  {client.client_id or client.id}", "muted")])  # fmt: skip
            found.append([fixed("            "), span(known, "muted")])
        self._head.styles.height = 1 + len(found)
        self._head.show_subject((), *found, right=[fixed(note, "muted")])

    async def _start(self) -> None:
        if not await self.host.worker.read(xpm_refresh.is_filled):
            await self.host.worker.run(xpm_refresh.ensure_mirror)

        last = self.host.picker_index

        def find_index(practice: OpenPractice) -> tuple[object, PickerIndex, bool, int, str]:
            """Return an index that can be searched at once, and whether it is complete."""
            snapshot = practice.snapshot()
            count, age = snapshot.count(XPM_CLIENTS), _age(practice)
            mark = snapshot.fingerprint(XPM_CLIENTS)
            if last is not None:
                return mark, last[1], last[0] == mark, count, age
            saved = clients.saved_picker_index(practice)
            if saved is not None:
                return mark, *saved, count, age
            index = PickerIndex.build(islice(snapshot.rows(XPM_CLIENTS), FIRST_CLIENTS))
            return mark, index, count <= FIRST_CLIENTS, count, age

        mark, index, is_complete, self._count, age = await self.host.worker.read(find_index)
        self._index = index
        if is_complete:
            self.host.picker_index = (mark, index)
            self._show_heading(f"XPM data, updated {age}")
        else:
            self.host.work(lambda: self._complete_index(), "index", exclusive=True, node=self)
        await self._search(self.field.value)

    async def _complete_index(self) -> None:
        """Build the whole index in the background, and search again with it."""

        def begin(practice: OpenPractice) -> tuple[object, Iterator[PickerIndex | None]]:
            mark = practice.snapshot().fingerprint(XPM_CLIENTS)
            return mark, clients.picker_index_steps(practice, self._index.entries if self._index else ())

        mark, steps = await self.host.worker.read(begin)
        index: PickerIndex | None = None
        while index is None:
            index = await self.host.worker.read(lambda _: next(steps))
        self._index = index
        self.host.picker_index = (mark, index)
        self._show_heading(f"XPM data, updated {await self.host.worker.read(_age)}")
        self.host.work(lambda: self._search(self.field.value), "search", exclusive=True, node=self)

    @on(TextField.Changed)
    def _typed(self, event: TextField.Changed) -> None:
        event.stop()
        if self._index is not None:
            self.host.work(lambda: self._search_soon(event.value), "search", exclusive=True, node=self)

    async def _search_soon(self, query: str) -> None:
        await asyncio.sleep(TYPING_SECONDS)
        await self._search(query)

    async def _search(self, query: str) -> None:
        index, client = self._index, self._client

        def find(practice: OpenPractice) -> list[XpmClientView]:
            found = clients.search_xpm(practice, query, limit=MOST, index=index)
            return best_first(found, client) if client is not None else found

        views = await self.host.worker.read(find)
        now = self._hits.current if query == self._found_by else None
        self._found_by = query
        self._hits.show(views, start_row(views, now))
        matches = f"the best {MOST}" if len(views) == MOST else formatting.count(len(views), "match/matches")
        empty = NO_MATCH if query.strip() else INVITATION
        self.show_matches(
            f"{matches} in {formatting.count(self._count, 'XPM client')}", "" if views else empty
        )
        if not views:
            self._effect.border_subtitle = ""
            self._compare.show(None, [fixed("Compare")])

    @on(Rows.Moved)
    def _moved(self, event: Rows.Moved) -> None:
        event.stop()
        self._shown = None
        self._show_selected()

    def on_resize(self, event: events.Resize) -> None:
        """Fit the panels to the size; a wide window also compares the two."""
        self._show_selected()

    def _show_selected(self) -> None:
        view = self._hits.current
        if view is not None:
            self.host.work(lambda: self._preview(view), "effect", exclusive=True, node=self)

    async def _preview(self, view: XpmClientView) -> None:
        await asyncio.sleep(TYPING_SECONDS)
        client = self._client
        if client is None:
            self._effect.border_subtitle = f"UUID {view.uuid}"
            self._effect.say(words(pick_line(view)))
            return
        if self._compare.size.width:
            make = lambda columns: compared_lines(client, view, columns)  # noqa: E731
            self._compare.show(make, [fixed("Compare")])
        effect = await self.host.worker.read(links.preview_link, client.id, view.uuid)
        self._shown = effect
        self._effect.border_subtitle = f"UUID {view.uuid}"
        height, columns = EFFECT_LINES[self.has_class("-tall")], self._effect.content_size.width or 76
        most = self.size.height // 2
        rows = effect_rows(effect, columns, height, max(0, most - 2 - height))
        self._effect_rows = max(self._effect_rows, len(rows))
        give_room(self._effect, self._effect_rows, most)
        self._effect.say(lines(rows))

    def action_choose(self) -> None:
        """Choose the selected client if its effect is shown; otherwise, show that."""
        view = self._hits.current
        if view is None or self._is_linking:
            return
        if self.field.value != self._found_by:
            # The results belong to an earlier text: show those of this one, and wait for the next enter.
            self.host.work(lambda: self._search(self.field.value), "search", exclusive=True, node=self)
            return
        run = self._link if self._client is not None else self._pick
        self.host.work(lambda: run(view), "choose", exclusive=True, node=self)

    async def _link(self, view: XpmClientView) -> None:
        assert self._client is not None
        client, effect = self._client, self._shown
        if effect is None or effect.xpm.uuid != view.uuid:
            # Nothing is linked before its effect was shown: show it now, and wait for the next enter.
            await self._preview(view)
            return
        if effect.refused:
            self.host.toast(effect.refused, "warning")
            return
        if self.warn_if_read_only():
            return
        command: Command[Any]
        params: LinkClient | ReviewClients
        if self._reviewing:
            command, params = by_name("clients.review"), ReviewClients(client=(client.id,), link=view.uuid)
        else:
            command, params = by_name("clients.link"), LinkClient(client=client.id, xpm=view.uuid)
        # The preview has no room for the values that came from the former client; the question lists them.
        shown = () if effect.needs_yes or effect.former else effect_lines(effect)
        self._is_linking = True
        try:
            result, _ = await self.host.run_command(command, params, shown=shown)
        except BaseException:
            self._is_linking = False
            raise
        if result.declined:
            self._is_linking = False
            return
        self.host.linked(client, view)
        self.dismiss(result.value if self._reviewing else (client.id,))

    async def _pick(self, view: XpmClientView) -> None:
        result, _ = await self.host.run_command(by_name("clients.pick"), PickClients(xpm=(view.uuid,)))
        summary = "; ".join(
            f"{one.name}: {labels.PICK_OUTCOMES[one.outcome].inline}"
            + (f" ({one.reason})" if one.reason else "")
            for one in result.value
        )
        self.host.toast(summary)
        await self._search(self.field.value)

    def action_all(self) -> None:
        """Add all unambiguous XPM clients; the command asks first, with their number."""
        self.host.work(lambda: self._pick_all(), "choose", exclusive=True, node=self)

    async def _pick_all(self) -> None:
        result, _ = await self.host.run_command(
            by_name("clients.pick"), PickClients(all=True), title="Bring in all"
        )
        if result.declined:
            return
        if all(one.outcome == "left" for one in result.value):
            self.host.toast("All unambiguous XPM clients are here already.")
            return
        self.host.picked(result.value)
        await self._search(self.field.value)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to add all clients only if there is no client to link."""
        return self._client is None if action == "all" else True


def _age(practice: OpenPractice) -> str:
    """Return the age of the mirror."""
    return formatting.ago(list_state(practice.snapshot(), "clients").at, practice.clock.now())


def start_row(views: Sequence[XpmClientView], now: XpmClientView | None) -> int:
    """Return the row for the cursor: that of ``now``, if it is listed, or the first that is not linked."""
    if now is not None:
        place = next((place for place, view in enumerate(views) if view.uuid == now.uuid), None)
        if place is not None:
            return place
    return next((place for place, view in enumerate(views) if not view.linked), 0)


def pick_line(view: XpmClientView) -> list[Span]:
    """Return what adding an XPM client would do."""
    if view.linked:
        return [fixed(" · ", "muted"), fixed("It is here already, and linked.")]
    if view.archived:
        return [fixed(" ! ", "warn"), fixed("It is archived in XPM.")]
    return [fixed(" → ", "accent"), fixed("Brings it in with all its values and links it.")]
