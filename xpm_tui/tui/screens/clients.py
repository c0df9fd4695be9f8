"""Clients: the book's clients, narrowed by letters and by saved filters, with both sides of one beside."""

from __future__ import annotations

import asyncio
from itertools import islice
from time import monotonic
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal

from xpm_tui.application.clients import queries as clients
from xpm_tui.application.clients.edits import people_to_choose, unlinked_people
from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.presenters.presenter import Presenter
from xpm_tui.application.presenters.views import ClientView, PersonView, SideBySide
from xpm_tui.commands.command import Situation
from xpm_tui.commands.registry import by_name
from xpm_tui.domain.fields import label
from xpm_tui.domain.tables import CLIENTS
from xpm_tui.lazy import lazy_imports
from xpm_tui.tui.screens.area import AreaScreen
from xpm_tui.tui.theme import style
from xpm_tui.tui.widgets import cells
from xpm_tui.tui.widgets.cells import Line, Span, marked, ours, span, words
from xpm_tui.tui.widgets.comparison import ComparisonPane
from xpm_tui.tui.widgets.inputs import TextField
from xpm_tui.tui.widgets.table import Table, TableColumn
from xpm_tui.tui.widgets.text import TextLabel

with lazy_imports():
    from xpm_tui.tui import app_protocol
    from xpm_tui.tui.dialogs import edit
    from xpm_tui.tui.screens import picker, review

FILTERS: tuple[tuple[str, str], ...] = (
    ("", "all"),
    ("needs-link", "needs link"),
    ("broken", "broken"),
    ("same-name", "same name"),
    ("conflict", "conflict"),
    ("frozen", "frozen"),
    ("ignored", "ignored"),
    ("archived", "archived"),
)


PAGE = 100
"""Clients that are told before the first paint: more than fit on any screen."""
PIECE = 400
"""Clients that are told at a time after that, so that others get their turn."""
CALM = 5.0
"""Seconds between two readings of a large book while a run moves it."""
LARGE = 2_000
REST = 0.1
"""Seconds that the cursor rests on a client before both its sides are shown: not while a key is held down."""


class Pages:
    """All clients of one moment, told piece by piece. Lives on the desk."""

    def __init__(self, practice: OpenPractice) -> None:
        self._snapshot = practice.snapshot()
        self._told = Presenter(self._snapshot)
        self._ids = iter(tuple(self._snapshot.ids(CLIENTS)))
        self.total = self._snapshot.count(CLIENTS)

    def take(self, practice: OpenPractice, count: int) -> list[ClientView]:
        """The next ``count`` of them."""
        rows = (self._snapshot.get(CLIENTS, id_) for id_ in islice(self._ids, count))
        return [self._told.client(row) for row in rows if row is not None]


class Clients(AreaScreen):
    """The table, the filters, the detail pane."""

    AREA = "clients"
    ABOUT = (
        "Ignition's clients, each with its link to XPM. The details of the selected client are "
        "shown below the list or beside it: its values in Ignition, in XPM and at the last "
        "sync, with the reason for each difference."
    )
    MORE_KEYS = (
        ("/", "filter by letters in name, e-mail or id; esc ends it"),
        ("[ and ]", "saved filters: needs link, broken, same name, conflict, frozen …"),
    )
    CSS_PATH: ClassVar = style("clients")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "find", "Filter", show=False),
        Binding("left_square_bracket", "saved(-1)", show=False),
        Binding("right_square_bracket", "saved(1)", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._find = TextField(placeholder="name, e-mail or id", classes="find")
        self._state = TextLabel(classes="filter")
        self._saved = 0
        self._text = ""
        self._wanted = ""
        self._read_at = -CALM
        self._mapped = self._placed = ""
        self._detail = ComparisonPane()
        self._table: Table[ClientView] = Table(
            (
                TableColumn("CLIENT", 24, grow=3),
                TableColumn("ID", 6),
                TableColumn("IGNITION", 10, grow=1, drop=2),
                TableColumn("LINK", 11),
                TableColumn("XPM NO.", 9, drop=1),
                TableColumn("NEEDS", 18, grow=2, drop=3),
            ),
            self._cells,
            lambda view: view.id,
            id="clients",
        )

    def body(self) -> ComposeResult:
        """Filter line, table, detail."""
        yield self._state
        yield self._find
        with Horizontal(classes="halves"):
            yield self._table
            yield self._detail

    def on_mount(self) -> None:
        """The filter field comes with ``/``."""
        self._find.display = False

    async def look(self) -> None:
        """The clients that the filters let through."""
        saved = FILTERS[self._saved][0]

        def read(practice: OpenPractice) -> tuple[list[ClientView], int]:
            return clients.list_clients(practice, only=saved, text=self._text), practice.snapshot().count(
                CLIENTS
            )

        worker, more = self.host.worker, None
        if saved or self._text:
            views, total = await worker.glance(read)
        else:
            # The first screenful at once, the rest in pieces: fifty thousand take seconds to tell.
            more = await worker.glance(Pages)
            views, total = await worker.glance(more.take, PAGE), more.total
        while more is not None and len(views) < total and (self._wanted or self._table.rows.cursor >= PAGE):
            views = views + await worker.glance(more.take, PIECE)
        self._tell(total if more else len(views), total)
        self._table.say_empty(self._nothing(total))
        self._table.show(views, self._wanted, of=(saved, self._text))
        self._wanted = ""
        self._placed = self.client.id if self.client else ""
        if not views:
            self._detail.clear()
        if self.focused is None:
            self._table.rows.focus()
        while more is not None and (piece := await worker.glance(more.take, PIECE)):
            self._table.extend(piece)

    def refresh_data(self, *, force: bool = False) -> None:
        """A large book is not read again at every step of a run."""
        now = monotonic()
        large = len(self._table.rows.items) > LARGE
        if not force and (not self.is_active or (large and now - self._read_at < CALM)):
            return
        self._read_at = now
        super().refresh_data(force=force)

    def _nothing(self, total: int) -> str:
        if total:
            return "No client matches this filter. esc shows all again."
        if not self.host.practice_status.connected:
            return "There are no clients yet. Connect first (g o, then c): the wizard brings them in."
        return (
            "There are no clients yet. Press p to bring them in from XPM, or I to import Ignition's CSV file."
        )

    def _tell(self, shown: int, total: int) -> None:
        count = f" {shown:,} of {total:,}  " if shown != total else f" {total:,}  "
        pieces: list[Span] = [ours(count, "strong")]
        for place, (_, name) in enumerate(FILTERS):
            here = place == self._saved
            pieces.append(ours(f"[{name}]" if here else f" {name} ", "head" if here else "muted"))
        if self._text:
            pieces += [ours(" with ", "muted"), span(self._text, "accent")]
        self._state.say(words(pieces))

    def _cells(self, view: ClientView) -> list[Line]:
        state = view.link_state
        name = span(view.name).text
        at = name.casefold().find(self._text.casefold()) if self._text else -1
        return [
            marked(name, [(at, at + len(self._text))] if at >= 0 else []),
            [ours(view.id, "muted")],
            [span(view.client_id or "–", "muted")],
            [cells.LINK_STATES.draw(state)],
            [span(view.link.number if view.link else "")],
            [span(view.needs, "warn"), *([ours(" ❄ frozen", "accent")] if view.frozen else [])],
        ]

    @on(Table.Moved, "#clients")
    def _moved(self, event: Table.Moved) -> None:
        event.stop()
        self.refresh_bindings()
        if event.item is not None:
            if event.item.id not in (self._placed, self._mapped):
                self._mapped = ""  # somebody moved on
            self.host.work(lambda: self._show(event.item), "detail", exclusive=True, node=self)

    async def _show(self, view: ClientView) -> None:
        def read(practice: OpenPractice) -> list[SideBySide]:
            return clients.side_by_side(practice, view.id)

        await asyncio.sleep(REST)
        sides = await self.host.worker.glance(read)
        if self._table.item is view:
            self._detail.show(view, sides)

    @on(Table.Chosen, "#clients")
    def _chosen(self, event: Table.Chosen) -> None:
        event.stop()
        self._detail.table.rows.focus()

    # -- filters --------------------------------------------------------------------------------------------

    def action_find(self) -> None:
        """Type what the client must have."""
        self._find.display = True
        self._find.focus()

    def action_saved(self, by: int) -> None:
        """The next saved filter."""
        self._saved, self._mapped = (self._saved + by) % len(FILTERS), ""
        self.refresh_data(force=True)

    @on(TextField.Changed)
    def _typed(self, event: TextField.Changed) -> None:
        event.stop()
        self._text, self._mapped = event.value.strip(), ""  # another list: somebody moved on
        self.host.work(lambda: self.look(), "look", exclusive=True, node=self)

    @on(TextField.Submitted)
    def _typed_out(self, event: TextField.Submitted) -> None:
        event.stop()
        self._table.rows.focus()

    def show_only(self, client: str) -> None:
        """Come from elsewhere to one client: put the cursor there, with all filters off."""
        self._wanted, self._mapped = client, ""
        self._find.value = ""
        self._find.display = False
        self._text, self._saved = "", 0
        self.refresh_data(force=True)

    def action_up(self) -> None:
        """Detail to table, then the filters away."""
        if self._detail.table.rows.has_focus:
            self._table.rows.focus()
        elif self._find.display or self._text or self._saved:
            self._find.value = ""
            self._find.display = False
            self._text, self._saved = "", 0
            self._table.rows.focus()
            self.refresh_data(force=True)

    # -- acts -----------------------------------------------------------------------------------------------

    @property
    def client(self) -> ClientView | None:
        """The one under the cursor."""
        return self._table.item

    @property
    def _meant(self) -> str:
        """Return the client that undo is for.

        It is the one under the cursor; or, right after mapping, the mapped one, where a filter has removed it
        from the list and moved the cursor to the next.
        """
        gone = self._mapped and all(view.id != self._mapped for view in self._table.rows.items)
        return self._mapped if gone else self.client.id if self.client else ""

    def mapped(self, client: str) -> str:
        """Mapped by the picker just now; gives what can be done with it."""
        self._mapped = client
        return "u undoes it." if self._saved or self._text else "u undoes it; s syncs it."

    def situation(self) -> Situation:
        """With what is known of the client under the cursor."""
        view = self.client
        return self.host.situation(
            self.AREA,
            record=view.id if view else "",
            linked=bool(view and view.link),
            state=view.link_state if view else "",
            ignored=bool(view and view.ignored is not None),
            frozen=bool(view and view.frozen),
        )

    def preset(self, act: str) -> dict[str, Any]:
        """Acts on a client are about the one under the cursor."""
        return {"client": self.client.id} if self.client else {}

    def do_clients_link(self) -> None:
        """Map: the picker over this client."""
        if self.client is not None:
            self.app.push_screen(picker.Picker(self.client))

    def do_clients_pick(self) -> None:
        """Pick: the picker without a client."""
        self.app.push_screen(picker.Picker(None))

    def do_clients_review(self) -> None:
        """One client after the other."""
        self.app.push_screen(review.Review())

    def do_clients_sync(self) -> None:
        """Plan this one, and show it."""
        if self.client is not None:
            self.host.plan_and_show(only=self.client.id)

    def do_clients_undo(self) -> None:
        """What the last run wrote to this one, as a plan to look at."""
        if self._meant:
            self.host.undo(client=self._meant)

    def do_clients_edit(self) -> None:
        """All its fields, with what is there now; saving does the act with what differs."""
        if (view := self.client) is not None:
            self.host.work(lambda: self._edit(view), "edit", node=self)

    async def _edit(self, view: ClientView) -> None:

        def read(practice: OpenPractice) -> tuple[list[PersonView], dict[str, str]]:
            return people_to_choose(practice), unlinked_people(practice, view.id)

        people, notes = await self.host.worker.ask(read)
        about = " ".join((self._warning(view), *(f"{label(name)}: {note}" for name, note in notes.items())))
        door = app_protocol.Door(
            "XPM", link_text(view), LINK_HELP, lambda: self.app.push_screen(picker.Picker(view))
        )
        sheet = app_protocol.EditSheet(
            f"Edit {view.name}", about, edit.entries(view, people, notes), door=door
        )
        self.host.perform(by_name("clients.edit"), {"client": view.id}, sheet=sheet)

    def _warning(self, view: ClientView) -> str:
        policy = self.host.worker.practice.policy()
        if view.link is not None and policy.direction == "from_xpm" and policy.level != "nothing":
            return "XPM overwrites what it masters: edit it there, or freeze the field here (f)."
        return "This changes the Ignition client here; a sync then updates XPM if XPM is not the master."

    def do_clients_delete(self) -> None:
        """The contact under the cursor of the detail pane, else the client."""
        if self.client is None:
            return
        side = self._detail.table.item if self._detail.table.rows.has_focus else None
        contact = side.field.partition(".")[0] if side and "." in side.field else ""
        if contact:
            preset = {"client": self.client.id, "contact": contact}
            self.host.perform(by_name("contacts.delete"), preset, ask=False)
        else:
            self.host.perform(by_name("clients.delete"), {"client": self.client.id}, ask=False)

    def do_clients_freeze(self) -> None:
        """The field under the cursor of the detail pane, else all: the form asks."""
        side = self._detail.table.item if self._detail.table.rows.has_focus else None
        start = {"field": (side.field,)} if side else {}
        self.host.perform(by_name("clients.freeze"), self.preset("clients.freeze"), start=start)

    def do_clients_address(self) -> None:
        """A browser is elsewhere over SSH: show the address to select or copy."""
        view = self.client
        if view is None or view.link is None:
            self.host.toast("This client is not linked to XPM: it has no address there.", "warning")
            return
        self.host.read_command("clients.address", self.preset("clients.address"), "In XPM")

    def do_clients_copy(self) -> None:
        """What support asks for."""
        if self.client is not None:
            self.host.copy_command("clients.copy", self.preset("clients.copy"))


LINK_HELP = (
    "The XPM client that this client is linked to (in Ignition: Edit client, Apps, XPM). Enter searches XPM "
    "by name, city, number or web address."
)


def link_text(view: ClientView) -> str:
    """Return what the row XPM of the edit form shows: the link, and that it can be changed."""
    if view.link is None:
        return "○ Not linked. Choose an XPM client …"
    state = "●" if view.link_state == "linked" else "▲"
    known = " ".join(filter(None, (view.link.number, view.link.name)))
    return f"{state} {known or view.link.uuid}. Change …"
