"""Which of XPM's staff: to map a member of the team to, or to pick into the team."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.team import links as team
from xpm_tui.application.team.views import MapEffect, MemberView, StaffPick, StaffView
from xpm_tui.commands import team as team_commands
from xpm_tui.domain import formatting
from xpm_tui.lazy import lazy_imports
from xpm_tui.tui.dialogs.help import HelpPage
from xpm_tui.tui.screens.chooser import Chooser, effect_line
from xpm_tui.tui.widgets.cells import Line, Span, fit, ours, span

with lazy_imports():
    from xpm_tui.application.runs import xpm_refresh


def _unread(practice: OpenPractice) -> str:
    return xpm_refresh.unread_list(practice.snapshot(), "staff")


class StaffPicker(Chooser[StaffView]):
    """Rows: name, state and UUID; below it e-mail, who is linked, what names the person."""

    PLACEHOLDER = "name, e-mail or UUID"
    LISTED = "XPM staff"
    NOTHING = "No match in XPM's staff. Try fewer letters; F4 clears the search."

    def words_of(self, item: StaffView) -> str:
        """Name, e-mail, UUID."""
        return f"{item.name} {item.email} {item.uuid}"

    def key_of(self, item: StaffView) -> str:
        """The UUID."""
        return item.uuid

    def is_taken(self, item: StaffView) -> bool:
        """Linked to a team member, or gone from XPM."""
        return item.member is not None or item.gone

    def draw(self, item: StaffView, line: int, columns: int) -> Line:
        """Two lines that tell people of one name apart."""
        if line == 0:
            same = sum(other.name.casefold() == item.name.casefold() for other in self.items) > 1
            tags: list[Span] = [ours("  ✗ left, or disabled", "bad")] if item.gone else []
            tags += [ours("  =name", "accent")] if same else []
            room = max(20, columns - 38)
            return [ours(" "), *fit([span(item.name, "strong"), *tags], room), span(item.uuid, "muted")]
        pieces: list[Span] = [ours("   "), span(item.email or "no e-mail", "" if item.email else "muted")]
        if item.member is not None:
            pieces += [ours("  ● linked to ", "good"), span(f"{item.member.id} {item.member.name}", "good")]
        named = [formatting.count(item.clients, "client")] if item.clients else []
        named += [formatting.count(item.jobs, "job")] if item.jobs else []
        if named:
            pieces.append(ours(f"  named on {', '.join(named)}", "muted"))
        return pieces


class MapStaffPicker(StaffPicker):
    """Link a member; the proposals stand first. Gives the UUID taken."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "take", "Link to this one", priority=True)]

    def __init__(self, member: MemberView) -> None:
        super().__init__()
        self._member = member
        self._order = {each.uuid: place for place, each in enumerate(member.proposals)}
        self._why = {each.uuid: each.reason for each in member.proposals}

    def head(self) -> list[Line]:
        """The member, and how many there are."""
        member = self._member
        return [
            [ours(" Link ", "muted"), span(member.name, "strong"),
             span(f"  {member.id}  {member.email}", "muted"), ours("  to one of XPM's staff", "muted")],
            [ours(f" {formatting.count(len(self.items), 'person/people')} in XPM, proposals first", "muted")],
        ]  # fmt: skip

    async def load(self) -> Sequence[StaffView]:
        """All staff: proposed, then free, then linked, those who left last."""
        rows = await self.host.worker.ask(team.list_staff)

        def rank(row: StaffView) -> tuple[int, bool, bool]:
            return self._order.get(row.uuid, len(self._order)), row.gone, row.member is not None

        return sorted(rows, key=rank)

    async def effect(self, item: StaffView) -> list[Line]:
        """What linking would do, or why it cannot be."""
        pair = {"member": self._member.id, "staff": item.uuid, "dry_run": True}
        found: MapEffect = (await self.host.run_named("team.link", pair)).value
        why = self._why.get(item.uuid)
        told: list[Line] = [[ours(" ◇ ", "accent"), ours("Proposed: "), span(why), ours(".")]] if why else []
        if found.refused:
            return [*told, [ours(" ✗ ", "bad"), span(found.refused)]]
        return [*told, *([ours(" → ", "accent"), span(sentence)] for sentence in found.says)]

    async def take(self, item: StaffView) -> None:
        """Link, say so, and how to take it back."""
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
        """F1."""
        return HelpPage(
            "Link a team member",
            "Type letters of a name, an e-mail or a UUID. Proposals are listed first, with the reason below; "
            "rows marked =name share their name with another. "
            "What linking would do is shown below. Nothing is written to XPM.",
            [("enter", "map to the person under the cursor"), ("F4", "empty the field"), ("esc", "leave")],
        )


class AddStaffPicker(StaffPicker):
    """Pick staff into the team, one after the other or all."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", "Pick", priority=True),
        Binding("f5", "all", "Bring in all"),
    ]

    def __init__(self, at: str = "") -> None:
        super().__init__()
        self._at = at

    def head(self) -> list[Line]:
        """How many are not in the team."""
        told = f" {formatting.count(len(self.items), 'person/people')} not linked to a team member"
        return [[ours(" Add XPM staff to the team", "strong")], [ours(told, "muted")]]

    async def load(self) -> Sequence[StaffView]:
        """Those who are nobody here and have not left."""
        found = await self.host.worker.ask(team.free_staff)
        if not found:
            self._none_left(await self.host.worker.ask(_unread))
        return found

    def _none_left(self, unread: str = "") -> None:
        # A list that could not be read says nothing of who is in it.
        self.NOTHING = f"{unread or 'All XPM staff are in the team already.'} esc goes back."

    async def begin(self, at: str = "") -> None:
        """The cursor at first on the one that was under it in the area."""
        at, self._at = at or self._at, ""
        await super().begin(at)

    async def effect(self, item: StaffView) -> list[Line]:
        """A member who has the e-mail is linked, else one is made."""

        def same(practice: OpenPractice) -> MemberView | None:
            matches = team.email_matches(practice)
            return next((view for view in matches if view.proposals[0].uuid == item.uuid), None)

        found = await self.host.worker.ask(same)
        if found is not None:
            told: Line = [ours(" → ", "accent"), ours("Links "), span(f"{found.name} ({found.id})", "strong"),
                          ours(", who has the same e-mail.")]  # fmt: skip
        else:
            told = effect_line("→", "Adds a team member without access: no login here or in XPM.")
        return [told, effect_line("→", "Partner and manager can then be synced. Nothing is written to XPM.")]

    async def take(self, item: StaffView) -> None:
        """Pick one and stay."""
        await self._pick({"staff": (item.uuid,)})

    def action_all(self) -> None:
        """Everybody: the command asks with the count."""
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
        told = f"{formatting.count(len(members), 'person/people')} linked: {names}.\nu undoes it."
        if not members:
            told = "Nobody was added."
        for each in done.skipped[:3]:
            told += f"\n{team_commands.skipped_line(each)}"
        if len(done.skipped) > 3:
            told += f"\n{len(done.skipped) - 3:,} more were not added."
        self.host.toast(told)
        await self.begin()

    def help_page(self) -> HelpPage:
        """F1."""
        return HelpPage(
            "Add XPM staff",
            "People of XPM who are not linked to a team member. Picking one links the member who has the "
            "same e-mail, or makes a member without access. Nothing is written to XPM.",
            [
                ("enter", "pick the person under the cursor"),
                ("F5", "add all, after asking"),
                ("esc", "leave"),
            ],
        )
