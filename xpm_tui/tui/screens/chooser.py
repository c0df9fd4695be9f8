"""Base class of screens that choose from a list of XPM records, with the effect of the selected one.

Pickers for XPM's staff: to link a team member, or to add staff to the team.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import Screen
from textual.widgets import Button

from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.team import links as team
from xpm_tui.application.team.links import MapEffect, StaffPick
from xpm_tui.application.team.queries import MemberView, StaffView
from xpm_tui.commands import team as team_commands
from xpm_tui.domain import formatting
from xpm_tui.domain.safe_text import Shown
from xpm_tui.lazy import lazy_imports
from xpm_tui.tui.base_screen import BaseScreen
from xpm_tui.tui.dialogs.help import HelpPage
from xpm_tui.tui.theme import stylesheet_path
from xpm_tui.tui.widgets.cells import Line, Span, content, fit, fixed, lines, span
from xpm_tui.tui.widgets.frame import KeyFooter, ScreenHeading
from xpm_tui.tui.widgets.inputs import TextField
from xpm_tui.tui.widgets.rows import Items, Rows
from xpm_tui.tui.widgets.text import StaticText, TextLabel

with lazy_imports():
    from xpm_tui.application.runs import xpm_refresh


T = TypeVar("T")


class Choices(Items[T]):
    """The items that match the search, two lines each; the screen draws them."""

    row_height = 2
    driven = True
    can_focus = False

    def __init__(self, drawn: Callable[[T, int, int], Line]) -> None:
        super().__init__()
        self._drawn = drawn

    def draw(self, row: int, line: int, columns: int) -> Line:
        """Return a line of an item."""
        return self._drawn(self.items[row], line, columns)


class Chooser(BaseScreen, Screen[str], Generic[T]):
    """A searchable list of items with the effect of the selected one.

    A subclass returns the head, the items, their search text and their lines, describes the effect of an
    item, and applies it. An effect must be shown before it can be applied.
    """

    CSS_PATH: ClassVar = stylesheet_path("chooser")
    AUTO_FOCUS = ""
    PLACEHOLDER: ClassVar[str] = "name"
    TITLE: ClassVar[str] = ""
    LISTED: ClassVar[str] = ""
    NOTHING: str = "No match. Try fewer letters; F4 clears the search."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back"),
        Binding("enter", "take", "Choose", tooltip="Choose the selected one", priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("pageup", "move(-5)", show=False, priority=True),
        Binding("pagedown", "move(5)", show=False, priority=True),
        Binding("f4", "clear", "Clear", tooltip="Clear what was typed"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.items: Sequence[T] = ()
        self.field = TextField(placeholder=self.PLACEHOLDER)
        self.rows = Choices(self.draw)
        self._head = ScreenHeading(self.TITLE, classes="chooser-head")
        self._none = StaticText(classes="empty")
        self._effect = TextLabel(classes="panel effect")
        self._effect.border_title = "If you choose it"
        self.said_of: T | None = None
        """The item whose effect is shown."""

    # -- to be implemented by subclasses --------------------------------------------------------------------

    def head(self) -> list[Line]:
        """Return the subject of the title, for what an item is chosen, and a line on what from."""
        raise NotImplementedError

    async def load(self) -> Sequence[T]:
        """Return all items, in their order without a search."""
        raise NotImplementedError

    def words_of(self, item: T) -> str:
        """Return the text that is searched."""
        raise NotImplementedError

    def key_of(self, item: T) -> str:
        """Return the unique key of an item."""
        raise NotImplementedError

    def is_taken(self, item: T) -> bool:
        """Return whether an item is linked already; the cursor starts on one only if there is no other."""
        return False

    def draw(self, item: T, line: int, columns: int) -> Line:
        """Return a line of an item."""
        raise NotImplementedError

    async def effect(self, item: T) -> list[Line]:
        """Return what choosing the item would do."""
        raise NotImplementedError

    async def take(self, item: T) -> None:
        """Choose the item; called only when its effect has been shown."""
        raise NotImplementedError

    def below(self) -> ComposeResult:
        """Compose widgets below the effect."""
        yield from ()

    # -- the screen -----------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Compose head, field, items and effect."""
        yield self._head
        with Vertical(classes="panel search") as search:
            search.border_title = "Search"
            yield self.field
        with Vertical(classes="panel -table found") as found:
            found.border_title = self.LISTED
            yield self._none
            yield self.rows
        yield self._effect
        yield from self.below()
        yield KeyFooter()

    def on_mount(self) -> None:
        """Focus the field."""
        self.field.focus()
        self.host.work(lambda: self.begin(), "load", exclusive=True, node=self)

    async def begin(self, at: str = "") -> None:
        """Read the items; put the cursor on the one with key ``at``, or keep its position."""
        rows, here = self.rows.items, self.rows.cursor
        before = [self.key_of(item) for item in (*rows[here:], *reversed(rows[:here]))]
        self.items = await self.load()
        left = {self.key_of(item) for item in self.items}
        wanted = at or next((key for key in before if key in left), "")
        self._head.show_subject(*self.head())
        self.search(wanted)

    @property
    def current(self) -> T | None:
        """The selected item."""
        return self.rows.current

    def search(self, at: str = "") -> None:
        """Show the items that contain every search word; names that start with one come first."""
        typed = self.field.value.casefold()
        terms = typed.split()
        found = [item for item in self.items if all(term in self.words_of(item).casefold() for term in terms)]
        if typed:
            found.sort(key=lambda item: not self.words_of(item).casefold().startswith(typed))
        total = f"{len(found):,} of {len(self.items):,}" if typed else f"{len(found):,}"
        self.query_one(".search").border_subtitle = total
        self.rows.display = bool(found)
        self._none.display = not found
        self._none.update(content(Shown(self.NOTHING)))
        free = next((i for i, item in enumerate(found) if not self.is_taken(item)), 0)
        place = next((i for i, item in enumerate(found) if at and self.key_of(item) == at), free)
        if not found:
            self.said_of = None
            self._effect.say(content(Shown("")))
        self.rows.show(found, place)

    @on(TextField.Changed)
    def _typed(self, event: TextField.Changed) -> None:
        event.stop()
        self.search()

    @on(Rows.Moved)
    def _moved(self, event: Rows.Moved) -> None:
        event.stop()
        item, self.said_of = self.current, None
        if item is not None:
            self.host.work(lambda: self.show_effect(item), "effect", exclusive=True, node=self)

    async def show_effect(self, item: T) -> None:
        """Show what choosing the item would do."""
        effect = await self.effect(item)
        if self.current is not None and self.key_of(self.current) == self.key_of(item):
            self.said_of = item
            self._effect.say(lines(effect))

    @on(Rows.Chosen)
    def _chosen(self, event: Rows.Chosen) -> None:
        event.stop()
        self.action_take()

    def action_move(self, by: int) -> None:
        """Move the cursor while the field keeps the focus."""
        self.rows.cursor += by

    def action_clear(self) -> None:
        """Clear the search."""
        self.field.value = ""

    def action_leave(self) -> None:
        """Close without a choice."""
        self.dismiss(None)

    def action_take(self) -> None:
        """Choose the selected item, once its effect is shown."""
        self.host.work(lambda: self._take_shown(), "take", exclusive=True, node=self)

    async def _take_shown(self) -> None:
        item = self.current
        if item is None:
            return
        if self.said_of is None or self.key_of(self.said_of) != self.key_of(item):
            # Nothing is applied that was not shown: show it now, and wait for the next enter.
            await self.show_effect(item)
            return
        if self.warn_if_read_only():
            return
        await self.take(item)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave enter to a button that has the focus."""
        return not (action == "take" and isinstance(self.focused, Button))


def effect_line(text: str) -> Line:
    """Return a line of an effect that is a text of the program."""
    return [fixed(" → ", "accent"), fixed(text)]


def _unread(practice: OpenPractice) -> str:
    return xpm_refresh.unread_list(practice.snapshot(), "staff")


class StaffPicker(Chooser[StaffView]):
    """A list of staff: name, state and UUID, then e-mail, the linked member and reasons."""

    PLACEHOLDER = "name, e-mail or UUID"
    LISTED = "XPM staff"
    NOTHING = "No match in XPM's staff. Try fewer letters; F4 clears the search."

    def words_of(self, item: StaffView) -> str:
        """Return name, e-mail and UUID."""
        return f"{item.name} {item.email} {item.uuid}"

    def key_of(self, item: StaffView) -> str:
        """Return the UUID."""
        return item.uuid

    def is_taken(self, item: StaffView) -> bool:
        """Return whether it is linked to a team member or gone from XPM."""
        return item.member is not None or item.gone

    def draw(self, item: StaffView, line: int, columns: int) -> Line:
        """Return one of two lines, which distinguish people of the same name."""
        if line == 0:
            same = sum(other.name.casefold() == item.name.casefold() for other in self.items) > 1
            tags: list[Span] = [fixed("  ✗ left, or disabled", "bad")] if item.gone else []
            tags += [fixed("  =name", "accent")] if same else []
            room = max(20, columns - 38)
            return [fixed(" "), *fit([span(item.name, "strong"), *tags], room), span(item.uuid, "muted")]
        pieces: list[Span] = [fixed("   "), span(item.email or "no e-mail", "" if item.email else "muted")]
        if item.member is not None:
            pieces += [fixed("  ● linked to ", "good"), span(f"{item.member.id} {item.member.name}", "good")]
        named = [formatting.count(item.clients, "client")] if item.clients else []
        named += [formatting.count(item.jobs, "job")] if item.jobs else []
        if named:
            pieces.append(fixed(f"  named on {', '.join(named)}", "muted"))
        return pieces


class MapStaffPicker(StaffPicker):
    """Links a team member; proposals come first. The result is the UUID."""

    TITLE = "Link to XPM staff"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "take", "Link to this one", priority=True)]

    def __init__(self, member: MemberView) -> None:
        super().__init__()
        self._member = member
        self._order = {each.uuid: place for place, each in enumerate(member.proposals)}
        self._why = {each.uuid: each.reason for each in member.proposals}

    def head(self) -> list[Line]:
        """Return the member and the number of staff."""
        member = self._member
        number = formatting.count(len(self.items), "person/people")
        return [
            [span(member.name, "strong"), span(f"  {member.id}  {member.email}", "muted")],
            [fixed(f" {number} in XPM, proposals first", "muted")],
        ]  # fmt: skip

    async def load(self) -> Sequence[StaffView]:
        """Return all staff: proposed, unlinked, linked, and those who left last."""
        rows = await self.host.worker.ask(team.list_staff)

        def rank(row: StaffView) -> tuple[int, bool, bool]:
            return self._order.get(row.uuid, len(self._order)), row.gone, row.member is not None

        return sorted(rows, key=rank)

    async def effect(self, item: StaffView) -> list[Line]:
        """Return what linking would do, or why it is impossible."""
        pair = {"member": self._member.id, "staff": item.uuid, "dry_run": True}
        found: MapEffect = (await self.host.run_named("team.link", pair)).value
        why = self._why.get(item.uuid)
        rows: list[Line] = (
            [[fixed(" ◇ ", "accent"), fixed("Proposed: "), span(why), fixed(".")]] if why else []
        )
        if found.refused:
            return [*rows, [fixed(" ✗ ", "bad"), span(found.refused)]]
        return [*rows, *([fixed(" → ", "accent"), span(sentence)] for sentence in found.says)]

    async def take(self, item: StaffView) -> None:
        """Link, and show how to undo it."""
        pair = {"member": self._member.id, "staff": item.uuid}
        found: MapEffect = (await self.host.run_named("team.link", {**pair, "dry_run": True})).value
        if found.refused:
            self.host.toast(found.refused, "warning")
            return
        view: MemberView = (await self.host.run_named("team.link", pair)).value
        await self.host.refresh_status()
        self.host.toast(f"{view.name} is {item.name} in XPM.\nu undoes it.")
        self.dismiss(item.uuid)

    def help_page(self) -> HelpPage:
        """Return the help page."""
        return HelpPage(
            "Link a team member",
            "Type letters of a name, an e-mail or a UUID. Proposals are listed first, with the reason below; "
            "rows marked =name share their name with another. "
            "What linking would do is shown below. Nothing is written to XPM.",
            [("enter", "link to the selected person"), ("F4", "clear the search"), ("esc", "leave")],
        )


class AddStaffPicker(StaffPicker):
    """Adds staff to the team, one after the other or all."""

    TITLE = "Add XPM staff to the team"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", "Pick", priority=True),
        Binding("f5", "all", "Bring in all"),
    ]

    def __init__(self, at: str = "") -> None:
        super().__init__()
        self._at = at

    def head(self) -> list[Line]:
        """Return how many are not in the team."""
        total = f" {formatting.count(len(self.items), 'person/people')} not linked to a team member"
        return [[], [fixed(total, "muted")]]

    async def load(self) -> Sequence[StaffView]:
        """Return the staff who are not linked and have not left."""
        found = await self.host.worker.ask(team.free_staff)
        if not found:
            self._none_left(await self.host.worker.ask(_unread))
        return found

    def _none_left(self, unread: str = "") -> None:
        # A list that could not be read says nothing about who is in it.
        self.NOTHING = f"{unread or 'All XPM staff are in the team already.'} esc goes back."

    async def begin(self, at: str = "") -> None:
        """Read the list; put the cursor first on the person who was selected in the area."""
        at, self._at = at or self._at, ""
        await super().begin(at)

    async def effect(self, item: StaffView) -> list[Line]:
        """Return the effect: a member with the same e-mail is linked, otherwise one is created."""

        def same(practice: OpenPractice) -> MemberView | None:
            matches = team.email_matches(practice)
            return next((view for view in matches if view.proposals[0].uuid == item.uuid), None)

        found = await self.host.worker.ask(same)
        if found is not None:
            name = span(f"{found.name} ({found.id})", "strong")
            line: Line = [fixed(" → ", "accent"), fixed("Links "), name, fixed(", who has the same e-mail.")]
        else:
            line = effect_line("Adds a team member without access: no login here or in XPM.")
        return [line, effect_line("Partner and manager can then be synced. Nothing is written to XPM.")]

    async def take(self, item: StaffView) -> None:
        """Add one person and stay."""
        await self._pick({"staff": (item.uuid,)})

    def action_all(self) -> None:
        """Add all; the command asks with the count."""
        if self.items:
            self.host.work(lambda: self._pick({"all": True}), "take", exclusive=True, node=self)

    async def _pick(self, whom: dict[str, Any]) -> None:
        result = await self.host.run_named("team.pick", whom, title="Bring in all")
        if result.declined:
            return
        done: StaffPick = result.value
        await self.host.refresh_status()
        members = done.members
        names = ", ".join(view.name for view in members[:3]) + (" …" if len(members) > 3 else "")
        message = f"{formatting.count(len(members), 'person/people')} linked: {names}.\nu undoes it."
        if not members:
            message = "Nobody was added."
        for each in done.skipped[:3]:
            message += f"\n{team_commands.skipped_line(each)}"
        if len(done.skipped) > 3:
            more = len(done.skipped) - 3
            message += f"\n{more:,} more {formatting.plural(more, 'was/were')} not added."
        self.host.toast(message)
        await self.begin()

    def help_page(self) -> HelpPage:
        """Return the help page."""
        return HelpPage(
            "Add XPM staff",
            "XPM staff who are not linked to a team member. Choosing one links the member who has the same "
            "e-mail, or creates a member without access. Nothing is written to XPM.",
            [
                ("enter", "add the selected person"),
                ("F5", "add all, after asking"),
                ("esc", "leave"),
            ],
        )
