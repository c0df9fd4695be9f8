"""The base class of screens that choose an XPM record from a list, with what choosing it would do.

The pickers for XPM's staff: one links a team member, the other adds staff to the team.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Button

from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.team import links as team
from xpm_tui.application.team.links import MapEffect, StaffPick
from xpm_tui.application.team.queries import MemberView, StaffView
from xpm_tui.commands import team as team_commands
from xpm_tui.domain import formatting
from xpm_tui.domain.safe_text import visible
from xpm_tui.lazy import lazy_imports
from xpm_tui.tui.dialogs.help import HelpPage
from xpm_tui.tui.screens.base import SearchScreen
from xpm_tui.tui.theme import stylesheet_path
from xpm_tui.tui.widgets.cells import NAME_ROOM, Line, Span, cut_apart, fit, fixed, lines, span, width
from xpm_tui.tui.widgets.frame import ScreenHeading
from xpm_tui.tui.widgets.inputs import TextField
from xpm_tui.tui.widgets.rows import Items, Rows

with lazy_imports():
    from xpm_tui.application.runs import xpm_refresh


T = TypeVar("T")


UUID_COLUMNS = 36
"""The width of the UUID at the end of an item's first line."""


class Choices(Items[T]):
    """The items that match the search, two lines each. ``draw_item`` draws a line of one."""

    row_height = 2
    driven = True
    can_focus = False

    def __init__(self, draw_item: Callable[[T, int, int], Line]) -> None:
        super().__init__()
        self._draw_item = draw_item

    def draw(self, row: int, line: int, columns: int) -> Line:
        """Return a line of an item."""
        return self._draw_item(self.items[row], line, columns)


class Chooser(SearchScreen[str], Generic[T]):
    """A searchable list of items, with the effect of choosing the selected one.

    A subclass reads the items and draws them, describes the effect of an item, and applies it. Nothing is
    applied before its effect was shown.
    """

    CSS_PATH: ClassVar = stylesheet_path("chooser")
    PLACEHOLDER: ClassVar[str] = "name"
    TITLE: ClassVar[str] = ""
    PANEL: ClassVar[str] = ""
    NO_MATCH: str = "No match. Try fewer letters; F4 clears the search."

    def __init__(self) -> None:
        self.rows = Choices(self.draw)
        super().__init__(TextField(placeholder=self.PLACEHOLDER), self.rows)
        self.items: Sequence[T] = ()
        self._head = ScreenHeading(self.TITLE, classes="chooser-head")
        self._effect.border_title = "If you choose it"
        self.described: T | None = None
        """The item whose effect is shown."""

    # -- to be implemented by subclasses --------------------------------------------------------------------

    def subject_lines(self) -> list[Line]:
        """Return the subject of the title, such as the record to link, and a line about the list."""
        raise NotImplementedError

    async def load(self) -> Sequence[T]:
        """Return all items, in the order in which they are listed without a search."""
        raise NotImplementedError

    def search_text_of(self, item: T) -> str:
        """Return the text that is searched."""
        raise NotImplementedError

    def name_of(self, item: T) -> str:
        """Return the name of an item."""
        raise NotImplementedError

    def key_of(self, item: T) -> str:
        """Return the unique key of an item."""
        raise NotImplementedError

    def is_taken(self, item: T) -> bool:
        """Return whether an item is linked already. The cursor starts on the first one that is not."""
        return False

    def draw(self, item: T, line: int, columns: int) -> Line:
        """Return a line of an item."""
        raise NotImplementedError

    async def effect(self, item: T) -> list[Line]:
        """Return what choosing the item would do."""
        raise NotImplementedError

    async def choose(self, item: T) -> None:
        """Choose the item, whose effect has been shown."""
        raise NotImplementedError

    def below_effect(self) -> ComposeResult:
        """Compose widgets below the effect."""
        yield from ()

    # -- the screen -----------------------------------------------------------------------------------------

    def body(self) -> ComposeResult:
        """Compose the head, the search field, the items and the effect."""
        yield self._head
        yield from self.search_panel("Search")
        yield from self.list_panel(self.PANEL)
        yield self._effect
        yield from self.below_effect()

    def on_mount(self) -> None:
        """Focus the search field, and read the items."""
        self.field.focus()
        self.host.work(lambda: self.reload(), "load", exclusive=True, node=self)

    async def reload(self, at: str = "") -> None:
        """Read the items again.

        Args:
            at: The key of the item to select. By default, the selected item or the nearest one that is left.
        """
        rows, cursor = self.rows.items, self.rows.cursor
        nearest = [self.key_of(item) for item in (*rows[cursor:], *reversed(rows[:cursor]))]
        self.items = await self.load()
        keys = {self.key_of(item) for item in self.items}
        wanted = at or next((key for key in nearest if key in keys), "")
        self._head.show_subject(*self.subject_lines())
        self.search(wanted)

    @property
    def current(self) -> T | None:
        """The selected item."""
        return self.rows.current

    def search(self, at: str = "") -> None:
        """Show the items that contain every word of the search; those that start with it come first."""
        typed = self.field.value.casefold()
        terms = typed.split()
        found = [
            item for item in self.items if all(term in self.search_text_of(item).casefold() for term in terms)
        ]
        if typed:
            found.sort(key=lambda item: not self.search_text_of(item).casefold().startswith(typed))
        number = f"{len(found):,} of {len(self.items):,}" if typed else f"{len(found):,}"
        self.show_matches(number, "" if found else self.NO_MATCH)
        free = next((i for i, item in enumerate(found) if not self.is_taken(item)), 0)
        place = next((i for i, item in enumerate(found) if at and self.key_of(item) == at), free)
        if not found:
            self.described = None
        self.rows.show(found, place)

    @on(TextField.Changed)
    def _typed(self, event: TextField.Changed) -> None:
        event.stop()
        self.search()

    @on(Rows.Moved)
    def _moved(self, event: Rows.Moved) -> None:
        event.stop()
        item, self.described = self.current, None
        if item is not None:
            self.host.work(lambda: self.show_effect(item), "effect", exclusive=True, node=self)

    async def show_effect(self, item: T) -> None:
        """Show what choosing the item would do."""
        effect = await self.effect(item)
        if self.current is not None and self.key_of(self.current) == self.key_of(item):
            self.described = item
            self._effect.say(lines(effect))

    def name_line(self, mark: Line, name: str, tags: Line, id_: str, columns: int) -> Line:
        """Return a mark, a name with tags, and the id at the right; the name is cut so that it differs."""
        room = max(20, columns - width(mark) - UUID_COLUMNS - 1)
        left = max(NAME_ROOM, room - width(tags))
        shown = cut_apart(visible(name), [visible(self.name_of(each)) for each in self.rows.items], left)
        return [*mark, *fit([Span(shown, "strong"), *tags], room), fixed(" "), span(id_, "muted")]

    def action_choose(self) -> None:
        """Choose the selected item if its effect is shown; otherwise, show that."""
        self.host.work(lambda: self._choose_shown(), "choose", exclusive=True, node=self)

    async def _choose_shown(self) -> None:
        item = self.current
        if item is None:
            return
        if self.described is None or self.key_of(self.described) != self.key_of(item):
            # Nothing is applied before it was shown: show it now, and wait for the next enter.
            await self.show_effect(item)
            return
        if self.warn_if_read_only():
            return
        await self.choose(item)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave enter to a button if one has the focus."""
        return not (action == "choose" and isinstance(self.focused, Button))


def effect_line(text: str) -> Line:
    """Return a line of an effect, from a text of the program."""
    return [fixed(" → ", "accent"), fixed(text)]


def _unread_staff(practice: OpenPractice) -> str:
    """Return why XPM's list of staff could not be read; empty if it could."""
    return xpm_refresh.unread_list(practice.snapshot(), "staff")


class StaffPicker(Chooser[StaffView]):
    """A list of XPM staff: name, state and UUID, then e-mail, the linked member, and where they are named."""

    PLACEHOLDER = "name, e-mail or UUID"
    PANEL = "XPM staff"
    NO_MATCH = "No match in XPM's staff. Try fewer letters; F4 clears the search."

    def search_text_of(self, item: StaffView) -> str:
        """Return name, e-mail and UUID."""
        return f"{item.name} {item.email} {item.uuid}"

    def name_of(self, item: StaffView) -> str:
        """Return the person's name."""
        return item.name

    def key_of(self, item: StaffView) -> str:
        """Return the UUID."""
        return item.uuid

    def is_taken(self, item: StaffView) -> bool:
        """Return whether the person is linked to a team member or has left XPM."""
        return item.member is not None or item.gone

    def draw(self, item: StaffView, line: int, columns: int) -> Line:
        """Return the line with name and UUID, or the one that tells people of the same name apart."""
        if line == 0:
            number = sum(other.name.casefold() == item.name.casefold() for other in self.items)
            tags: list[Span] = [fixed("  ✗ left, or disabled", "bad")] if item.gone else []
            tags += [fixed("  =name", "accent")] if number > 1 else []
            return self.name_line([fixed(" ")], item.name, tags, item.uuid, columns)
        pieces: list[Span] = [fixed("   "), span(item.email or "no e-mail", "" if item.email else "muted")]
        if item.member is not None:
            pieces += [fixed("  ● linked to ", "good"), span(f"{item.member.id} {item.member.name}", "good")]
        named = [formatting.count(item.clients, "client")] if item.clients else []
        named += [formatting.count(item.jobs, "job")] if item.jobs else []
        if named:
            pieces.append(fixed(f"  named on {', '.join(named)}", "muted"))
        return pieces


class MapStaffPicker(StaffPicker):
    """A picker that links a team member; proposals come first. The result is the UUID."""

    TITLE = "Link to XPM staff"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "choose", "Link to this one", priority=True)]
    HELP_PAGE: ClassVar = HelpPage(
        "Link a team member",
        "Type letters of a name, an e-mail or a UUID. Proposals are listed first, with the reason below; "
        "rows marked =name share their name with another. "
        "What linking would do is shown below. Nothing is written to XPM.",
        [("enter", "link to the selected person"), ("F4", "clear the search"), ("esc", "leave")],
    )

    def __init__(self, member: MemberView) -> None:
        super().__init__()
        self._member = member
        self._order = {each.uuid: place for place, each in enumerate(member.proposals)}
        self._reasons = {each.uuid: each.reason for each in member.proposals}

    def subject_lines(self) -> list[Line]:
        """Return the member, and the number of staff."""
        member = self._member
        number = formatting.count(len(self.items), "person/people")
        return [
            [span(member.name, "strong"), span(f"  {member.id}  {member.email}", "muted")],
            [fixed(f" {number} in XPM, proposals first", "muted")],
        ]  # fmt: skip

    async def load(self) -> Sequence[StaffView]:
        """Return all staff: first those proposed, then unlinked, linked, and last those who left."""
        rows = await self.host.worker.ask(team.list_staff)

        def rank(row: StaffView) -> tuple[int, bool, bool]:
            return self._order.get(row.uuid, len(self._order)), row.gone, row.member is not None

        return sorted(rows, key=rank)

    async def effect(self, item: StaffView) -> list[Line]:
        """Return what linking would do, or why it is refused."""
        pair = {"member": self._member.id, "staff": item.uuid, "dry_run": True}
        found: MapEffect = (await self.host.run_named("team.link", pair)).value
        reason = self._reasons.get(item.uuid)
        rows: list[Line] = (
            [[fixed(" ◇ ", "accent"), fixed("Proposed: "), span(reason), fixed(".")]] if reason else []
        )
        if found.refused:
            return [*rows, [fixed(" ✗ ", "bad"), span(found.refused)]]
        return [*rows, *([fixed(" → ", "accent"), span(sentence)] for sentence in found.says)]

    async def choose(self, item: StaffView) -> None:
        """Link the member, and say how to undo it."""
        pair = {"member": self._member.id, "staff": item.uuid}
        found: MapEffect = (await self.host.run_named("team.link", {**pair, "dry_run": True})).value
        if found.refused:
            self.host.toast(found.refused, "warning")
            return
        view: MemberView = (await self.host.run_named("team.link", pair)).value
        await self.host.refresh_status()
        self.host.toast(f"{view.name} is {item.name} in XPM.\nu undoes it.")
        self.dismiss(item.uuid)


class AddStaffPicker(StaffPicker):
    """A picker that adds staff to the team, one after another or all at once."""

    TITLE = "Add XPM staff to the team"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Pick", priority=True),
        Binding("f5", "all", "Bring in all"),
    ]
    HELP_PAGE: ClassVar = HelpPage(
        "Add XPM staff",
        "XPM staff who are not linked to a team member. Choosing one links the member who has the same "
        "e-mail, or creates a member without access. Nothing is written to XPM.",
        [
            ("enter", "add the selected person"),
            ("F5", "add all, after asking"),
            ("esc", "leave"),
        ],
    )

    def __init__(self, at: str = "") -> None:
        super().__init__()
        self._at = at

    def subject_lines(self) -> list[Line]:
        """Return the number of staff who are not in the team."""
        total = f" {formatting.count(len(self.items), 'person/people')} not linked to a team member"
        return [[], [fixed(total, "muted")]]

    async def load(self) -> Sequence[StaffView]:
        """Return the staff who are not linked and have not left."""
        found = await self.host.worker.ask(team.free_staff)
        if not found:
            # Only if the list could be read is it true that everyone is in the team.
            unread = await self.host.worker.ask(_unread_staff)
            self.NO_MATCH = f"{unread or 'All XPM staff are in the team already.'} esc goes back."
        return found

    async def reload(self, at: str = "") -> None:
        """Read the list; the first time, select the person who was selected in the area."""
        at, self._at = at or self._at, ""
        await super().reload(at)

    async def effect(self, item: StaffView) -> list[Line]:
        """Return what adding does: it links the member with the same e-mail, or creates one."""

        def find_match(practice: OpenPractice) -> MemberView | None:
            matches = team.email_matches(practice)
            return next((view for view in matches if view.proposals[0].uuid == item.uuid), None)

        found = await self.host.worker.ask(find_match)
        if found is not None:
            name = span(f"{found.name} ({found.id})", "strong")
            line: Line = [fixed(" → ", "accent"), fixed("Links "), name, fixed(", who has the same e-mail.")]
        else:
            line = effect_line("Adds a team member without access: no login here or in XPM.")
        return [line, effect_line("Partner and manager can then be synced. Nothing is written to XPM.")]

    async def choose(self, item: StaffView) -> None:
        """Add one person, and keep the list open for the next."""
        await self._pick({"staff": (item.uuid,)})

    def action_all(self) -> None:
        """Add all staff; the command asks first, with their number."""
        if self.items:
            self.host.work(lambda: self._pick({"all": True}), "choose", exclusive=True, node=self)

    async def _pick(self, params: dict[str, Any]) -> None:
        result = await self.host.run_named("team.pick", params, title="Bring in all")
        if result.declined:
            return
        picked: StaffPick = result.value
        await self.host.refresh_status()
        members = picked.members
        names = ", ".join(view.name for view in members[:3]) + (" …" if len(members) > 3 else "")
        message = f"{formatting.count(len(members), 'person/people')} linked: {names}.\nu undoes it."
        if not members:
            message = "Nobody was added."
        for skipped in picked.skipped[:3]:
            message += f"\n{team_commands.skipped_line(skipped)}"
        if len(picked.skipped) > 3:
            more = len(picked.skipped) - 3
            message += f"\n{more:,} more {formatting.plural(more, 'was/were')} not added."
        self.host.toast(message)
        await self.reload()
