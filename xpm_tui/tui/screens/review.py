"""The bulk review: the clients that need a decision, one after another, on screen or in a CSV file."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.worker import Worker

from xpm_tui.application.clients import link_review, links
from xpm_tui.application.clients import queries as clients
from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.presenters import lookup
from xpm_tui.application.presenters.views import (
    ClientView,
    EffectView,
    ProposalView,
    ReviewView,
    XpmClientView,
)
from xpm_tui.commands.clients import ReviewClients
from xpm_tui.commands.registry import by_name
from xpm_tui.domain import formatting
from xpm_tui.domain.errors import BadInput, NotFound
from xpm_tui.lazy import lazy_imports
from xpm_tui.tui.app_protocol import AppProtocol
from xpm_tui.tui.dialogs.help import HelpPage
from xpm_tui.tui.dialogs.pickers import FilePicker, start_folder
from xpm_tui.tui.screens.base import DetailScreen
from xpm_tui.tui.screens.overview import WHOLE
from xpm_tui.tui.theme import stylesheet_path
from xpm_tui.tui.widgets.cells import Line, fit, fixed, lines, span, wrap
from xpm_tui.tui.widgets.comparison import DetailPane
from xpm_tui.tui.widgets.effect_rows import effect_rows
from xpm_tui.tui.widgets.frame import ScreenHeading
from xpm_tui.tui.widgets.rows import Rows
from xpm_tui.tui.widgets.search_hits import INDENT, LinkProposalRows, ReviewQueue, compared_lines
from xpm_tui.tui.widgets.text import StaticText, TextLabel

with lazy_imports():
    from xpm_tui.application.runs import xpm_refresh
    from xpm_tui.tui.screens import picker

if TYPE_CHECKING:
    from xpm_tui.commands.command import Result

LINES_SMALL, LINES_LOW, LINES_TALL, LINES_LONG = 2, 4, 8, 2
"""The lines for what accepting does in windows below 24 lines, in low and tall ones; more for long names."""
CURSOR_SECONDS = 0.06
"""Seconds that the cursor must rest on a match before both sides are read."""
SHOWN = 500
"""The most rows of a file that are listed before it is imported."""


async def export_review_file(app: AppProtocol) -> None:
    """Ask for the name of a file, and write all link proposals to it."""
    about = "A row for each proposal; fill in the column Choice with link, ignore, or an XPM number."
    path = await app.push_screen_wait(
        FilePicker("Save the review", about, start=start_folder(app) + "review.csv", new=True)
    )
    if not path:
        return
    result = await run_review(app, ReviewClients(export=path), "Save the review")
    if result.declined:
        return
    app.folder = str(Path(path).parent)
    clients = formatting.count(result.value, "client")
    app.toast(f"{clients} in {path}\nI imports the file once it is filled in.")


async def run_review(app: AppProtocol, params: ReviewClients, title: str = "Review") -> Result:
    """Run the review command, and return its result."""
    result, _ = await app.run_command(by_name("clients.review"), params, title=title)
    return result


async def import_review_file(app: AppProtocol) -> tuple[str, ...]:
    """Ask for a review file, show what it would do, and import it; return the clients that it decided."""
    about = "The file with the column Choice. What it would do is shown first."
    path = await app.push_screen_wait(
        FilePicker("Import a review", about, start=start_folder(app), suffix=".csv")
    )
    if not path:
        return ()
    app.folder = str(Path(path).parent)
    result = await run_review(app, ReviewClients(take=path, limit=SHOWN), "Import a review")
    if result.declined:
        return ()
    decided: tuple[str, ...] = result.value
    if result.error is not None or not decided:
        app.show_result(by_name("clients.review"), result, [])
    else:
        clients = formatting.count(len(decided), "client")
        them = formatting.plural(len(decided), "it/them all")
        app.toast(f"{clients} decided by the file. u undoes {them}.")
    return decided


class Review(DetailScreen[None]):
    """The review. Enter accepts a proposal, letters do the rest; a decided client leaves the list."""

    CSS_PATH: ClassVar = stylesheet_path("review")
    SAVES = frozenset({"export"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("m", "map", "Pick another", tooltip="Choose another XPM client for this one"),
        Binding("n", "step(1)", "Skip", tooltip="Go to the next client without a decision"),
        Binding("p", "step(-1)", "Back one", tooltip="Go back to the previous client", show=False),
        Binding("i", "ignore", "Not in XPM"),
        Binding("u", "undo", "Undo"),
        Binding("S", "sure", "All sure", tooltip="Link all sure ones, after showing them"),
        Binding("w", "export", "Save CSV", tooltip="Save the list as a CSV file", show=False),
        Binding("I", "take", "Import CSV", tooltip="Import a CSV file that was filled in", show=False),
    ]
    HELP_PAGE: ClassVar = HelpPage(
        "Review",
        "The clients that cannot be linked automatically, one after another, each with its proposed "
        "XPM clients and the reasons. A match is sure, likely or possible; clients with the same name "
        "are never sure. Where XPM merged a linked client into another one, that one comes first, with "
        "what moved there. Nothing is written to XPM here.",
        [
            ("enter", "accept the proposal under the cursor"),
            ("m", "search for another one"),
            ("n, p", "skip it for now, or go back"),
            ("i", "this client is not in XPM"),
            ("u", "undo the last decision, repeatedly; links accepted together are undone together"),
            ("S", "accept all that are sure, after showing them"),
            ("w", "save all proposals as a CSV file with a column for your choice"),
            ("I", "import such a file: what it would do is shown first"),
            ("esc", "back; the review continues here next time"),
        ],
    )

    def __init__(self) -> None:
        super().__init__()
        self._views: list[ReviewView] = []
        self._at = 0
        self._decisions: list[tuple[str, ...]] = []
        """The clients of each decision of this session, the latest at the end."""
        self._worker: Worker[Any] | None = None
        """The worker of the latest decision."""
        self._skipped: set[str] = set()
        self._head = ScreenHeading("Review clients", classes="review-head")
        self._none = StaticText(classes="empty")
        self._proposals = LinkProposalRows()
        self._queue = ReviewQueue()
        self._compare = DetailPane()
        self._compare.add_class("panel", "compare")
        self._effect = TextLabel(classes="panel effect")

    @property
    def _decided_count(self) -> int:
        return sum(map(len, self._decisions))

    @property
    def _view(self) -> ReviewView | None:
        return self._views[self._at] if 0 <= self._at < len(self._views) else None

    def body(self) -> ComposeResult:
        """Compose the client above its proposals, both sides of the selected one, and what accepting does."""
        yield self._head
        with Horizontal(classes="halves"):
            with Vertical(classes="panel -table queue") as queue:
                queue.border_title = "To review"
                yield self._queue
            with Vertical(classes="sides"):
                with Vertical(classes="panel -table matches") as matches:
                    matches.border_title = "Best matches in XPM"
                    yield self._none
                    yield self._proposals
                yield self._compare
                yield self._effect

    def on_mount(self) -> None:
        """Read the clients that need a decision."""
        self._none.display = False
        self._effect.border_title = "If you accept"
        self._head.show_subject([fixed("Looking for matches of each client …", "muted")])
        self.host.work(lambda: self._read(), "review", exclusive=True, node=self)

    def on_resize(self) -> None:
        """Wrap the reason for the new width; a low window has shorter panels."""
        self.set_class(self.size.height < WHOLE, "-small")
        if self._views:
            self._draw()

    async def _read(self, at: str = "") -> None:
        async def read(practice: OpenPractice) -> tuple[list[ReviewView], str]:
            await xpm_refresh.ensure_mirror(practice)
            return link_review.clients_to_review(practice), link_review.review_position(practice)

        wanted = at or (self._view.id if self._view else "")
        self._views, left_at = await self.host.worker.run(read)
        wanted = wanted or left_at
        places = [place for place, view in enumerate(self._views) if view.id == wanted]
        self._at = places[0] if places else min(self._at, max(0, len(self._views) - 1))
        self._draw()
        self._proposals.focus()

    def _draw(self) -> None:
        view = self._view
        self._proposals.display = bool(view and view.proposals)
        self._none.display = not self._proposals.display
        self.refresh_bindings()
        self._compare.display = self._effect.display = view is not None
        levels = Counter(each.proposals[0].level if each.proposals else "" for each in self._views)
        rest = len(self._views) - levels["sure"] - levels["likely"]
        strengths = f"{levels['sure']:,} sure, {levels['likely']:,} likely, {rest:,} possible or none"
        self.query_one(".queue").border_subtitle = strengths if self._views else ""
        if self._queue.items is not self._views or len(self._views) != self._queue.count():
            self._queue.show(self._views, self._at)
        self._queue.cursor = self._at
        if view is None:
            done = (
                f" {formatting.count(self._decided_count, 'client')} decided." if self._decided_count else ""
            )
            self._head.styles.height = 2
            self._head.show_subject((), self._progress_line())
            self._none.update(
                lines([[fixed("✓ ", "good"), fixed(f"No client needs your decision.{done} esc goes back.")]])
            )
            return
        columns = self.size.width or 80
        place = f"{self._at + 1:,} of {len(self._views):,}  "
        first: Line = [
            fixed(place, "muted"), span(view.name, "strong"),
            span(f"  {view.client_id or view.id}", "ignition"),
            span(f"  {view.email or 'no e-mail'}", "muted"),
        ]  # fmt: skip
        reason = wrap([fixed(" ▲ ", "warn"), span(view.reason)], columns)
        self._head.styles.height = 2 + len(reason)
        self._head.show_subject(first, self._progress_line(), *reason)
        self._none.update(
            lines([[fixed("XPM has nothing similar. "), fixed("m", "accent"), fixed(" searches, "),
                    fixed("i", "accent"), fixed(" marks it as not in XPM.")]])
        )  # fmt: skip
        self._proposals.show(view.proposals)
        if not view.proposals:
            self._show_effect(None, None)
        self._compare.show(None, [fixed("Compare with the match under the cursor")])

    def _progress_line(self) -> Line:
        """Return the progress as a bar and in numbers: decided, remaining and skipped."""
        skipped = sum(view.id in self._skipped for view in self._views)
        numbers = (self._decided_count, len(self._views) - skipped, skipped)
        summary = f"  {numbers[0]:,} done  {numbers[1]:,} to go  {numbers[2]:,} skipped"
        room = max(8, min(60, (self.size.width or 80) - len(summary) - 2))
        total = max(1, sum(numbers))
        done = numbers[0] * room // total
        return [fixed(" "), fixed("━" * done, "good"), fixed("─" * (room - done), "muted"), fixed(summary)]

    @on(Rows.Moved)
    def _moved(self, event: Rows.Moved) -> None:
        event.stop()
        if event.rows is self._queue:
            if event.row != self._at and 0 <= event.row < len(self._views):
                self._at = event.row
                self._draw()
            return
        view, proposal = self._view, self._proposals.current
        if view is not None and proposal is not None:
            self.host.work(lambda: self._preview(view, proposal), "effect", exclusive=True, node=self)

    async def _preview(self, view: ReviewView, proposal: ProposalView) -> None:
        def read(practice: OpenPractice) -> tuple[ClientView, XpmClientView, EffectView]:
            return (
                lookup.show_client(practice, view.id),
                clients.show_xpm(practice, proposal.uuid),
                links.preview_link(practice, view.id, proposal.uuid),
            )

        await asyncio.sleep(CURSOR_SECONDS)
        try:
            client, xpm, effect = await self.host.worker.read(read)
        except (NotFound, BadInput):
            return  # someone else has decided it, or XPM no longer has it: accepting it reports that
        if self._view is not view or self._proposals.current is not proposal:
            return
        make = lambda columns: compared_lines(client, xpm, columns)  # noqa: E731
        self._compare.show(make, [fixed("Compare with the match under the cursor")])
        self._show_effect(proposal, effect)

    def _show_effect(self, proposal: ProposalView | None, effect: EffectView | None) -> None:
        """Show what accepting a match does and, where there is room, the reasons for the match in full."""
        columns = self._effect.content_size.width or 76
        low = LINES_SMALL if self.has_class("-small") else LINES_LOW
        most = LINES_TALL if self.has_class("-tall") else low
        found: list[Line] = []
        self._effect.border_subtitle = f"UUID {proposal.uuid}" if proposal is not None else ""
        if proposal is None:
            found.append([fixed(" ○ ", "muted"), fixed("There is no match to accept.")])
        elif len(reasons := "; ".join(proposal.reasons)) > columns - len(INDENT):
            found += wrap([fixed(" ◇ ", "accent"), span(reasons)], columns)
        if effect is not None:
            needed = len(effect_rows(effect, columns, 1 + len(effect.warnings[:1])))
            if len(found) > most - needed:
                found = [*found[: most - needed - 1], fit([*found[most - needed - 1], fixed(" …")], columns)]
            found += effect_rows(effect, columns, most - len(found), LINES_LONG)
        height = max(min(most, LINES_LOW - 1), len(found)) + 2
        if self._effect.styles.height is None or self._effect.styles.height.value != height:
            self._effect.styles.height = height
        self._effect.say(lines(found))

    def why_not(self, action: str) -> str:
        """Return why an action is unavailable."""
        view = self._view
        if action in ("map", "ignore", "step", "sure", "export") and view is None:
            return "No client needs your decision."
        if action == "accept" and not (view and view.proposals):
            return "There is no proposal to accept: m searches, i marks it as not in XPM."
        if action == "undo" and not self._decisions:
            return "There is no decision here to undo."
        return ""

    def action_step(self, by: int) -> None:
        """Go to the next or the previous client without a decision."""
        view = self._view
        if view is not None:
            if by > 0:
                self._skipped.add(view.id)
            self._at = (self._at + by) % len(self._views)
            self._draw()

    @on(Rows.Chosen)
    def _chosen(self, event: Rows.Chosen) -> None:
        event.stop()
        self.action_accept()

    def action_accept(self) -> None:
        """Link to the selected proposal."""
        view, proposal = self._view, self._proposals.current
        if view is not None and proposal is not None and not self._is_linking_refused():
            params = ReviewClients(client=(view.id,), link=proposal.uuid)
            self._run_decision(lambda: self._decide(view, params))

    def _run_decision(self, decide: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a decision unless another one is running: one that was cancelled could not be undone."""
        if self._worker is None or self._worker.is_finished:
            self._worker = self.host.work(decide, "decision", node=self)

    async def _decide(self, view: ReviewView, params: ReviewClients) -> None:
        try:
            result = await run_review(self.host, params)
        except BadInput as error:
            self.host.toast(error.message, "warning")
            client = await self.host.worker.ask(lookup.show_client, view.id)
            if not client.needs:
                self._add_decision(view, ())
            return
        if result.declined:
            self._proposals.focus()
        else:
            self._add_decision(view, result.value)

    def action_map(self) -> None:
        """Link to another XPM client with the picker."""
        view = self._view
        if view is not None:
            self._run_decision(lambda: self._map(view))

    async def _map(self, view: ReviewView) -> None:
        client = await self.host.worker.ask(lookup.show_client, view.id)
        decided = await self.host.push_screen_wait(picker.Picker(client, reviewing=True))
        if decided is not None:
            self._add_decision(view, decided)

    def action_ignore(self) -> None:
        """Mark the client as not in XPM."""
        view = self._view
        if view is not None and not self._is_linking_refused():
            self._run_decision(lambda: self._decide(view, ReviewClients(client=(view.id,), ignore=True)))

    def action_sure(self) -> None:
        """Link all clients whose best proposal is sure, after asking with their number."""
        if not self._is_linking_refused():
            self._run_decision(lambda: self._accept_sure())

    async def _accept_sure(self) -> None:
        result = await run_review(self.host, ReviewClients(accept_sure=True), "All sure ones")
        if result.declined:
            self._proposals.focus()
            return
        if not result.value:
            self.host.show_result(by_name("clients.review"), result, [])
            return
        self._decisions.append(result.value)
        clients = formatting.count(len(result.value), "client")
        them = formatting.plural(len(result.value), "it/them all")
        self.host.toast(f"{clients} linked. u undoes {them}.")
        await self._read()

    def action_undo(self) -> None:
        """Undo the last decision: of one client, or of all sure ones together."""
        if self._decisions and not self._is_linking_refused():
            self._run_decision(lambda: self._undo())

    async def _undo(self) -> None:
        last = self._decisions[-1]
        try:
            result = await run_review(self.host, ReviewClients(client=last, undo=True))
        except BadInput:
            self._decisions.pop()  # it was changed since; after other errors, undo can be tried again
            raise
        self._decisions.pop()
        self.host.show_result(by_name("clients.review"), result, [])
        await self._read(last[0])

    def action_export(self) -> None:
        """Save the review as a CSV file to be filled in."""
        self.host.work(lambda: export_review_file(self.host), "file", exclusive=True, node=self)

    def action_take(self) -> None:
        """Import the decisions of such a file, after showing what it would do."""
        if not self._is_linking_refused():
            self.host.work(lambda: self._import_file(), "file", exclusive=True, node=self)

    async def _import_file(self) -> None:
        decided = await import_review_file(self.host)
        if decided:
            self._decisions.append(decided)
            await self._read()

    def _add_decision(self, view: ReviewView, decided: tuple[str, ...]) -> None:
        """Remember a decision for undo, and remove its client from the list."""
        if decided:
            self._decisions.append(decided)
        if view in self._views:
            self._views.remove(view)
        self._at = min(self._at, max(0, len(self._views) - 1))
        self._draw()

    def _is_linking_refused(self) -> bool:
        """Return whether clients cannot be linked; if so, show why."""
        reason = by_name("clients.link").unavailable(self.host.situation("clients", record="x", linked=True))
        if reason:
            self.host.toast(reason, "warning")
        return bool(reason)

    def action_leave(self) -> None:
        """Close the review; the next one starts at this client."""
        at = self._view.id if self._view else ""
        self.host.work(lambda: self.host.worker.ask(link_review.store_review_position, at), "place")
        self.dismiss(None)
