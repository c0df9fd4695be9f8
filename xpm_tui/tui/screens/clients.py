"""The Clients area: Ignition's clients with filters, and both sides of the selected one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import islice
from time import monotonic
from typing import Any, ClassVar

from textual import on

from xpm_tui.application.clients import queries as clients
from xpm_tui.application.clients.edits import people_to_choose, unlinked_people
from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.presenters import lookup
from xpm_tui.application.presenters.presenter import Presenter
from xpm_tui.application.presenters.views import ClientView, PersonView, SideBySide
from xpm_tui.commands.command import Situation
from xpm_tui.commands.registry import by_name
from xpm_tui.domain import formatting
from xpm_tui.domain.fields import label
from xpm_tui.domain.tables import CLIENTS
from xpm_tui.domain.xpm import XpmJob
from xpm_tui.lazy import lazy_imports
from xpm_tui.tui.screens.base import FilteredArea
from xpm_tui.tui.theme import stylesheet_path
from xpm_tui.tui.widgets import cells
from xpm_tui.tui.widgets.cells import Line, Look, client_name, fixed, span
from xpm_tui.tui.widgets.comparison import ComparisonPane
from xpm_tui.tui.widgets.inputs import TextField
from xpm_tui.tui.widgets.job_lines import SHOWN
from xpm_tui.tui.widgets.table import Cell, Table, TableColumn, natural_key

with lazy_imports():
    from xpm_tui.application.jobs import reports
    from xpm_tui.application.runs import history as written_values
    from xpm_tui.tui import app_protocol
    from xpm_tui.tui.dialogs import edit
    from xpm_tui.tui.screens import picker, review

FILTERS: tuple[tuple[str, str], ...] = (
    ("", "all"),
    ("needs-link", "needs you"),
    ("same-name", "same name"),
    ("conflict", "both changed"),
    ("broken", "broken link"),
    ("frozen", "frozen"),
    ("ignored", "not in XPM"),
    ("archived", "archived"),
)


FIRST_READ = 100
"""The number of clients that are read before the first paint: more than fit on any screen."""
NEXT_READ = 400
"""The number of clients in each read after that, so that other calls can run in between."""
RELOAD_SECONDS = 5.0
"""Seconds between two reads of a large store while a run changes it."""
LARGE = 2_000
"""The number of clients from which a store is large."""
CURSOR_SECONDS = 0.1
"""Seconds that the cursor must rest on a client before its details are read: a key may be held down."""


class ClientReader:
    """All clients of a snapshot, read in parts on the worker thread."""

    def __init__(self, practice: OpenPractice) -> None:
        self._snapshot = practice.snapshot()
        self._presenter = Presenter(self._snapshot)
        self._ids = iter(tuple(self._snapshot.ids(CLIENTS)))
        self.total = self._snapshot.count(CLIENTS)

    def read(self, practice: OpenPractice, count: int) -> list[ClientView]:
        """Return the next ``count`` clients."""
        rows = (self._snapshot.get(CLIENTS, id_) for id_ in islice(self._ids, count))
        return [self._presenter.client(row) for row in rows if row is not None]


class Namesakes:
    """The listed clients by name, and what distinguishes clients of the same name."""

    def __init__(self) -> None:
        self._by_name: dict[str, list[ClientView]] = {}

    def replace(self, views: Iterable[ClientView]) -> None:
        """Replace all clients by others."""
        self._by_name = {}
        self.add(views)

    def add(self, views: Iterable[ClientView]) -> None:
        """Add clients."""
        for view in views:
            self._by_name.setdefault(view.name.casefold(), []).append(view)

    def difference(self, view: ClientView, room: int) -> str:
        """Return what distinguishes a client from its namesakes, if it fits into ``room`` columns.

        That is its city, e-mail address or phone number, otherwise its id; empty for a unique name.
        """
        others = self._by_name.get(view.name.casefold(), [])[:COMPARED]
        if len(others) < 2:
            return ""
        for fact_of in DISTINGUISHING_FACTS:
            fact = fact_of(view)
            is_unique = all(fact_of(other) != fact for other in others if other.id != view.id)
            if fact and is_unique and len(view.name) + len(fact) + 2 <= room:
                return fact
        return view.client_id or view.id


COMPARED = 50
"""The most namesakes that are compared: a row must be drawn quickly."""
DISTINGUISHING_FACTS: tuple[Callable[[ClientView], str], ...] = (
    lambda view: view.city or view.postal_city,
    lambda view: next((each.email for each in view.contacts if each.email), ""),
    lambda view: view.phone,
)
"""The facts that may distinguish namesakes, in the order in which they are tried."""


def _ignition_number(view: ClientView) -> object:
    return natural_key(view.client_id or view.id)


def _xpm_number(view: ClientView) -> object:
    return natural_key(view.link.number if view.link else "")


class Clients(FilteredArea):
    """The area: a table with filters, and the detail pane."""

    AREA = "clients"
    ABOUT = (
        "Ignition's clients, each with its link to XPM. The details of the selected client are "
        "shown below the list or beside it: its values in Ignition, in XPM and at the last "
        "sync, with the reason for each difference."
    )
    MORE_KEYS = (
        ("/", "filter by letters in name, e-mail or id; esc ends it"),
        ("1 to 8, [ and ]", "filters: needs you, same name, both changed, broken link, frozen …"),
        ("< and >", "sort by a column; so does a click on its heading"),
    )
    FILTERS: ClassVar = FILTERS
    FIND = "name, e-mail or id"
    CSS_PATH: ClassVar = [stylesheet_path("filtered"), stylesheet_path("clients")]

    def __init__(self) -> None:
        super().__init__()
        self._wanted = ""
        self._read_at = -RELOAD_SECONDS
        self._last_linked = ""
        """The client that was linked last. Undo applies to it while it is not listed."""
        self._selected_by_load = ""
        self._last_sync: datetime | None = None
        self._namesakes = Namesakes()
        self.detail: ComparisonPane = ComparisonPane()
        self.table: Table[ClientView] = Table(
            (
                TableColumn("Client", 24, grow=3, sort=lambda view: natural_key(view.name)),
                TableColumn("Ignition no.", 12, drop=2, look="ignition", sort=_ignition_number, whole=True),
                TableColumn("Link", 13, sort=lambda view: (view.link_state, not view.frozen)),
                TableColumn("XPM no.", 8, drop=1, look="xpm", sort=_xpm_number, whole=True),
                TableColumn("Synced", 7, drop=3, sort=self._synced_at),
                TableColumn("Needs", 18, grow=2, drop=4, sort=lambda view: (not view.needs, view.needs)),
            ),
            self._cells,
            lambda view: view.id,
            fitted=False,
            id="clients",
        )

    async def load(self) -> None:
        """Read the clients that match the filters."""
        only, text = self.criteria

        def read(practice: OpenPractice) -> tuple[list[ClientView], int]:
            found = clients.list_clients(practice, only=only, text=text)
            return list(found), practice.snapshot().count(CLIENTS)

        worker, reader = self.host.worker, None
        if only or text:
            views, total = await worker.read(read)
        else:
            # The first screenful at once, the rest in parts: 50,000 clients take seconds to read.
            reader = await worker.read(ClientReader)
            views, total = await worker.read(reader.read, FIRST_READ), reader.total
        while reader is not None and len(views) < total and (
            self._wanted or self.table.is_sorted or self.table.rows.cursor >= FIRST_READ
        ):  # fmt: skip
            views = views + await worker.read(reader.read, NEXT_READ)
        status = self.host.practice_status
        counts = {"needs-link": status.needs_person} if status.known else None
        self.show_counts(total if reader else len(views), total, counts)
        self.table.say_empty(self._empty_text(total))
        self._namesakes.replace(views)
        if self._last_sync != status.synced:
            self._last_sync = status.synced
            self.table.rows.repaint()
        self.table.show(views, self._wanted, query=self.criteria)
        self._wanted = ""
        self._selected_by_load = self.client.id if self.client else ""
        if not views:
            self.detail.clear()
        self.focus_table()
        while reader is not None and (views := await worker.read(reader.read, NEXT_READ)):
            self._namesakes.add(views)
            self.table.extend(views)
        if reader is not None:
            self.table.rows.repaint()  # a namesake may have been read later than its row was drawn

    def refresh_data(self, *, force: bool = False) -> None:
        """Read the data again; with a large store, not after every step of a run."""
        now = monotonic()
        large = len(self.table.rows.items) > LARGE
        if not force and (not self.is_active or (large and now - self._read_at < RELOAD_SECONDS)):
            return
        self._read_at = now
        super(FilteredArea, self).refresh_data(force=force)  # clients do not depend on the settings for jobs

    def _empty_text(self, total: int) -> str:
        if total:
            return "No client matches this filter. esc shows all again."
        if not self.host.practice_status.connected:
            return "There are no clients yet. Connect first (g o, then c): the wizard brings them in."
        return (
            "There are no clients yet. Press p to bring them in from XPM, or I to import Ignition's CSV file."
        )

    def _cells(self, view: ClientView) -> list[Cell]:
        look: Look = "warn" if view.needs else cells.LINK_STATES.look(view.link_state)
        label = cells.LINK_STATES.label(view.link_state)
        frozen = fixed("❄ ", "accent") if view.frozen else fixed("")
        return [
            lambda room: client_name(
                view.name, self.search_text, self._namesakes.difference(view, room), room
            ),
            [span(view.client_id or view.id, "" if view.client_id else "muted")],
            [frozen, span(f"{label.glyph} {label.inline}", look)],
            [span(view.link.number if view.link else "")],
            self._synced(view),
            [span(view.needs, "warn"), *([fixed(" ❄ frozen", "accent")] if view.frozen else [])],
        ]

    def _synced_at(self, view: ClientView) -> bool:
        """Return whether the last sync included the client: it was linked before, and XPM still has it."""
        last, link = self._last_sync, view.link
        linked = link is not None and not link.quiet and view.link_state == "linked"
        return bool(last and linked and (link is None or link.at is None or link.at <= last))

    def _synced(self, view: ClientView) -> Line:
        """Return when the client was last compared with XPM, or that it has not been since it was linked."""
        if self._last_sync is not None and self._synced_at(view):
            return [fixed(formatting.when_brief(self._last_sync, self.host.worker.practice.clock.now()))]
        is_new = view.link_state == "linked" and view.link is not None and not view.link.quiet
        return [fixed("not yet", "muted")] if is_new else []

    def show_details(self, item: ClientView | None) -> None:
        """Show both sides of the client."""
        if item is not None:
            if item.id not in (self._selected_by_load, self._last_linked):
                self._last_linked = ""  # the cursor has moved since the client was linked
            self.host.work(lambda: self._show(item), "detail", exclusive=True, node=self)

    async def _show(self, view: ClientView) -> None:
        def read(practice: OpenPractice) -> list[SideBySide]:
            return clients.side_by_side(practice, view.id)

        def activity(practice: OpenPractice) -> tuple[list[tuple[datetime, str]], list[XpmJob]]:
            uuid = view.link.uuid if view.link else ""
            history = written_values.client_history(practice, view.id, SHOWN)
            return history, reports.jobs_of_client(practice, uuid)

        await asyncio.sleep(CURSOR_SECONDS)
        sides = await self.host.worker.read(read)
        if self.table.item is not view:
            return
        self.detail.show(view, sides)
        if self.detail.activity.display:
            found = await self.host.worker.read(activity)
            if self.table.item is view:
                self.detail.activity.show(*found)

    def open_item(self, item: ClientView) -> None:
        """Focus the fields of the client."""
        self.detail.table.focus_rows()

    def action_filter(self, place: int) -> None:
        """Switch to the filter at a position; undo then applies to the selected client again."""
        self._last_linked = ""
        super().action_filter(place)

    @on(TextField.Changed)
    def _list_changes(self) -> None:
        self._last_linked = ""  # with another list, undo applies to the selected client again

    def show_only(self, client: str) -> None:
        """Remove the filters, and select a client."""
        self._wanted, self._last_linked = client, ""
        self.clear_filters()
        self.refresh_data(force=True)

    def action_up(self) -> None:
        """Go from the detail pane to the table or, in the table, remove the filters."""
        if self.detail.table.rows.has_focus:
            self.table.focus_rows()
        else:
            super().action_up()

    # -- commands -------------------------------------------------------------------------------------------

    @property
    def client(self) -> ClientView | None:
        """The selected client."""
        return self.table.item

    @property
    def _client_to_undo(self) -> str:
        """The client to which undo applies.

        It is the selected one or, right after linking, the linked one: the filter may have removed that from
        the list and moved the cursor on.
        """
        listed = {view.id for view in self.table.rows.items}
        if self._last_linked and self._last_linked not in listed:
            return self._last_linked
        return self.client.id if self.client else ""

    def mapped(self, client: str) -> str:
        """Remember the client that was just linked; return the keys that can be used next."""
        self._last_linked = client
        return "u undoes it." if self._filter_place or self.search_text else "u undoes it; s syncs it."

    def situation(self) -> Situation:
        """Return the situation with what is known of the selected client."""
        view = self.client
        return self.host.situation(
            self.AREA,
            record=view.id if view else "",
            linked=bool(view and view.link),
            state=view.link_state if view else "",
            ignored=bool(view and view.ignored is not None),
            frozen=bool(view and view.frozen),
        )

    def preset(self, command: str) -> dict[str, Any]:
        """Return the selected client as the parameter of commands about a client."""
        return {"client": self.client.id} if self.client else {}

    def do_clients_link(self) -> None:
        """Link the client with the picker."""
        if self.client is not None:
            self.app.push_screen(picker.Picker(self.client))

    def do_clients_pick(self) -> None:
        """Add XPM clients with the picker."""
        self.app.push_screen(picker.Picker(None))

    def do_clients_review(self) -> None:
        """Open the bulk review."""
        self.app.push_screen(review.Review())

    def do_clients_sync(self) -> None:
        """Make a plan for the selected client, and show it."""
        if self.client is not None:
            self.host.plan_and_show(only=self.client.id)

    def do_clients_undo(self) -> None:
        """Undo what the last run wrote to the client; the undo is shown as a plan first."""
        if self._client_to_undo:
            self.host.undo(client=self._client_to_undo)

    def do_clients_edit(self) -> None:
        """Edit the fields of the client; those that were changed are saved."""
        if (view := self.client) is not None:
            self.host.work(lambda: self._edit(view), "edit", node=self)

    async def _edit(self, view: ClientView) -> None:
        def read(practice: OpenPractice) -> tuple[list[PersonView], dict[str, str]]:
            return people_to_choose(practice), unlinked_people(practice, view.id)

        people, notes = await self.host.worker.ask(read)
        about = " ".join((self._warning(view), *(f"{label(name)}: {note}" for name, note in notes.items())))
        link = app_protocol.FormLink(
            "XPM", link_text(view), LINK_HELP, lambda: self.app.push_screen(picker.Picker(view))
        )
        sheet = app_protocol.EditSheet(
            f"Edit {view.name}",
            about,
            edit.edit_fields(view, people, notes),
            link=link,
            read=lambda practice: edit.present_values(lookup.show_client(practice, view.id)),
        )
        self.host.perform(by_name("clients.edit"), {"client": view.id}, sheet=sheet)

    def _warning(self, view: ClientView) -> str:
        policy = self.host.worker.practice.policy()
        if view.link is not None and policy.direction == "from_xpm" and policy.level != "nothing":
            return "XPM is the master: a sync replaces edits made here. f freezes a field."
        return "This changes the Ignition client here; a sync then updates XPM if XPM is not the master."

    def do_clients_delete(self) -> None:
        """Delete the contact that is selected in the detail pane, or the client if none is."""
        if self.client is None:
            return
        side = self.detail.table.item if self.detail.table.rows.has_focus else None
        contact = side.field.partition(".")[0] if side and "." in side.field else ""
        if contact:
            preset = {"client": self.client.id, "contact": contact}
            self.host.perform(by_name("contacts.delete"), preset, ask=False)
        else:
            self.host.perform(by_name("clients.delete"), {"client": self.client.id}, ask=False)

    def do_clients_freeze(self) -> None:
        """Freeze the field that is selected in the detail pane; if none is, ask which one."""
        side = self.detail.table.item if self.detail.table.rows.has_focus else None
        start = {"field": (side.field,)} if side else {}
        self.host.perform(by_name("clients.freeze"), self.preset("clients.freeze"), start=start)

    def do_clients_address(self) -> None:
        """Show the client's address in XPM for copying: over SSH, the browser is on another machine."""
        view = self.client
        if view is None or view.link is None:
            self.host.toast("This client is not linked to XPM: it has no address there.", "warning")
            return
        self.host.read_command("clients.address", self.preset("clients.address"), "In XPM")

    def do_clients_copy(self) -> None:
        """Copy the ids that support asks for."""
        if self.client is not None:
            self.host.copy_command("clients.copy", self.preset("clients.copy"))


LINK_HELP = (
    "The XPM client that this client is linked to (in Ignition: Edit client, Apps, XPM). Enter searches XPM "
    "by name, city, number or web address."
)


def link_text(view: ClientView) -> str:
    """Return the text of the row XPM in the edit form, which opens the picker."""
    if view.link is None:
        return "Choose …  ○ not linked"
    state = "●" if view.link_state == "linked" else "▲"
    known = " ".join(filter(None, (view.link.number, view.link.name)))
    return f"Change …  {state} {known or view.link.uuid}"
