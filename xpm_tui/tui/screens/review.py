"""Bulk review: the clients that need a person, one after the other, each settled with one key."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Static

from xpm_tui.acts.registry import by_name
from xpm_tui.service import clients, keeping, linking
from xpm_tui.service.practice import OpenPractice
from xpm_tui.service.views import ClientView, ReviewView
from xpm_tui.tui import when
from xpm_tui.tui.screens.dialog import Confirm
from xpm_tui.tui.screens.help import Page
from xpm_tui.tui.screens.quiet import Quiet
from xpm_tui.tui.styles import style
from xpm_tui.tui.widgets.foot import Foot
from xpm_tui.tui.widgets.line import Line, ours, span
from xpm_tui.tui.widgets.proposals import Proposals
from xpm_tui.tui.widgets.rows import Rows
from xpm_tui.tui.widgets.says import Says
from xpm_tui.tui.widgets.words import lines

if TYPE_CHECKING:
    from xpm_tui.tui.app import Console


class Review(Quiet, Screen[None]):
    """Enter accepts, the rest are letters. What is settled leaves the list; the rest waits."""

    CSS_PATH: ClassVar = style("review")
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("m", "map", "Pick another"),
        Binding("n", "step(1)", "Next"),
        Binding("p", "step(-1)", "Previous"),
        Binding("i", "ignore", "Ignore"),
        Binding("S", "sure", "All sure"),
        Binding("escape", "leave", "Back"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._views: list[ReviewView] = []
        self._at = 0
        self._settled = 0
        self._head = Says(classes="review-head")
        self._none = Static(classes="empty")
        self._proposals = Proposals()

    @property
    def _app(self) -> Console:
        return cast("Console", self.app)

    @property
    def _view(self) -> ReviewView | None:
        return self._views[self._at] if 0 <= self._at < len(self._views) else None

    def compose(self) -> ComposeResult:
        """The client over its proposals."""
        yield self._head
        yield self._none
        yield self._proposals
        yield Foot()

    def on_mount(self) -> None:
        """Read who needs a person."""
        self._none.display = False
        self._head.say(lines([[ours(" Looking for what each client may be …", "muted")]]))
        self._app.work(lambda: self._read(), "review", exclusive=True, node=self)

    async def _read(self) -> None:
        async def read(practice: OpenPractice) -> list[ReviewView]:
            from xpm_tui.service.refresh import ensure_mirror

            await ensure_mirror(practice)
            return clients.review(practice)

        kept = self._view.id if self._view else ""
        self._views = await self._app.desk.run(read)
        places = [place for place, view in enumerate(self._views) if view.id == kept]
        self._at = places[0] if places else min(self._at, max(0, len(self._views) - 1))
        self._draw()
        self._proposals.focus()

    def _draw(self) -> None:
        view = self._view
        self._proposals.display = bool(view and view.proposals)
        self._none.display = not self._proposals.display
        self.refresh_bindings()
        if view is None:
            done = f" {when.counted(self._settled, 'client')} settled." if self._settled else ""
            self._head.say(lines([[ours(" Review", "head")], []]))
            self._none.update(
                lines([[ours("✓ ", "good"), ours(f"No client needs a person.{done} esc goes back.")]])
            )
            return
        first: Line = [
            ours(" Review ", "head"), ours(f"{self._at + 1:,} of {len(self._views):,}  ", "muted"),
            span(view.name, "strong"), span(f"  {view.id}", "muted"),
            span(f"  {view.client_id}" if view.client_id else "", "muted"),
        ]  # fmt: skip
        second: Line = [
            ours(" "),
            span(view.reason, "warn"),
            span(f"  {view.email}" if view.email else "", "muted"),
        ]
        self._head.say(lines([first, second]))
        self._none.update(
            lines([[ours("Nothing in XPM is like it. "), ours("m", "accent"), ours(" searches, "),
                    ours("i", "accent"),                    ours(" settles that it has none.")]])
        )  # fmt: skip
        self._proposals.show(view.proposals)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Dim what has nothing to do."""
        view = self._view
        if action == "accept":
            return True if view and view.proposals else None
        if action in ("map", "ignore", "step"):
            return True if view else None
        return True

    def action_step(self, by: int) -> None:
        """The next or the one before; nothing is settled."""
        if self._views:
            self._at = (self._at + by) % len(self._views)
            self._draw()

    @on(Rows.Chosen)
    def _chosen(self, event: Rows.Chosen) -> None:
        event.stop()
        self.action_accept()

    def action_accept(self) -> None:
        """Link to the proposal under the cursor."""
        view, proposal = self._view, self._proposals.proposal
        if view is not None and proposal is not None and not self._refused():
            self._app.work(lambda: self._accept(view, proposal.uuid), "settle", exclusive=True, node=self)

    async def _accept(self, view: ReviewView, uuid: str) -> None:
        effect = await self._app.desk.ask(linking.preview_link, view.id, uuid)
        if effect.refused:
            self._app.toast(effect.refused, "warning")
            return
        yes = False
        if effect.needs_yes:
            answer = await self._app.push_screen_wait(Confirm(effect.needs_yes, title="A second client"))
            yes = bool(answer)
            if not yes:
                return
        await self._app.desk.ask(linking.link, view.id, uuid, yes=yes, origin="review")
        self._settled_one(view)

    def action_map(self) -> None:
        """Search for another one."""
        view = self._view
        if view is not None:
            self._app.work(lambda: self._map(view), "settle", exclusive=True, node=self)

    async def _map(self, view: ReviewView) -> None:
        from xpm_tui.tui.screens.picker import Picker

        client: ClientView = await self._app.desk.ask(clients.show_client, view.id)
        if await self._app.push_screen_wait(Picker(client)):
            self._settled_one(view)

    def action_ignore(self) -> None:
        """It is not meant to have one."""
        view = self._view
        if view is not None and not self._refused():
            self._app.work(lambda: self._ignore(view), "settle", exclusive=True, node=self)

    async def _ignore(self, view: ReviewView) -> None:
        await self._app.desk.ask(keeping.ignore, view.id, "settled in review")
        self._settled_one(view)

    def action_sure(self) -> None:
        """All whose first proposal is sure, in one go, with the count."""
        if not self._refused():
            self._app.work(lambda: self._sure(), "settle", exclusive=True, node=self)

    async def _sure(self) -> None:
        found = await self._app.desk.ask(clients.sure_ones)
        if not found:
            self._app.toast("No proposal is sure: each of these needs a look.")
            return
        told = "\n".join(
            f"{view.name}  →  #{view.proposals[0].number} {view.proposals[0].name}" for view in found[:12]
        )
        more = f"\nand {len(found) - 12:,} more" if len(found) > 12 else ""
        question = f"Link {when.counted(len(found), 'client')} to the proposal that is sure?\n\n{told}{more}"
        if await self._app.push_screen_wait(Confirm(question, title="All sure ones", yes="Link them")):
            done = await self._app.desk.ask(linking.accept_sure, found)
            self._settled += len(done)
            self._app.toast(f"{when.counted(len(done), 'client')} linked.")
            await self._read()

    def _settled_one(self, view: ReviewView) -> None:
        self._settled += 1
        if view in self._views:
            self._views.remove(view)
        self._at = min(self._at, max(0, len(self._views) - 1))
        self._draw()

    def _refused(self) -> bool:
        reason = by_name("clients.link").unavailable(self._app.situation("clients", record="x", linked=True))
        if reason:
            self._app.toast(reason, "warning")
        return bool(reason)

    def action_leave(self) -> None:
        """The rest is kept for later: it is what the book says."""
        self.dismiss(None)

    def help_page(self) -> Page:
        """F1."""
        return Page(
            "Review",
            "Clients that no rule can link, one after the other, each with what it may be in XPM and "
            "why. A proposal "
            "is sure, likely or weak; clients of the same name are never sure. Nothing is written to "
            "XPM here.",
            [
                ("enter", "accept the proposal under the cursor"),
                ("m", "search for another one"),
                ("n, p", "next and previous; nothing is settled"),
                ("i", "this client is not meant to have an XPM client"),
                ("S", "accept all that are sure, after showing them"),
                ("esc", "leave; the rest waits"),
            ],
        )
