"""The Team area: team members and XPM staff, proposed links, and what is missing without a link."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from xpm_tui.application.practice import ListState, OpenPractice, list_state
from xpm_tui.application.presenters.lookup import find_member
from xpm_tui.application.team import links as team
from xpm_tui.application.team.queries import Connector, MemberView, PersonRow, StaffView, find_connector
from xpm_tui.commands.command import Situation
from xpm_tui.commands.registry import by_name
from xpm_tui.domain import formatting
from xpm_tui.domain.ignition import TeamMember
from xpm_tui.lazy import lazy_imports
from xpm_tui.tui.dialogs.screen_dialogue import accept_emails
from xpm_tui.tui.screens.base import FilteredArea
from xpm_tui.tui.widgets import cells
from xpm_tui.tui.widgets.cells import Line, Look, fixed, span
from xpm_tui.tui.widgets.comparison import DetailPane, sentence, side_by_side_lines
from xpm_tui.tui.widgets.table import Table, TableColumn

with lazy_imports():
    from xpm_tui.commands import parameter_labels
    from xpm_tui.tui import app_protocol
    from xpm_tui.tui.screens import chooser


class TeamArea(FilteredArea):
    """The area: the people, and both sides of the selected one."""

    AREA = "team"
    ABOUT = (
        "The team next to XPM's staff. Partner and manager of clients and jobs are synced only "
        "for people who are linked. People with the same e-mail can be accepted all at once; "
        "people with the same name are only proposed, because names repeat. The selected "
        "person is shown below the list or beside it, with what is missing without a link."
    )
    FILTERS: ClassVar = tuple(
        (name, {"left": "left", "no-access": "no access", "xpm-only": "XPM only"}.get(name, label))
        for name, label in team.FILTERS
    )
    FIND = "name, e-mail, id or UUID"

    def __init__(self) -> None:
        super().__init__()
        self.table: Table[PersonRow] = Table(
            (
                TableColumn("Name", 22, grow=2),
                TableColumn("E-mail", 16, grow=2, drop=1),
                TableColumn("In XPM", 20, grow=2, look="xpm"),
                TableColumn("Clients", 7, right=True, drop=2),
                TableColumn("Jobs", 4, right=True, drop=3),
            ),
            self._cells,
            lambda row: row.key,
            id="people",
        )
        self.detail: DetailPane = DetailPane()

    async def load(self) -> None:
        """Read the people who match the filters."""

        def read(
            practice: OpenPractice, only: str, text: str
        ) -> tuple[list[PersonRow], int, Connector | None, ListState]:
            snapshot = practice.snapshot()
            rows, total = team.list_people(practice, only=only, text=text)
            return rows, total, find_connector(snapshot), list_state(snapshot, "staff")

        rows, total, connector, state = await self.host.worker.ask(read, self.filter_name, self.search_text)
        self.show_counts(len(rows), total)
        self.show_note(self._notes(connector, state))
        self.table.say_empty(self._empty_text(total, state))
        self.table.show(rows, query=self.criteria)
        self.focus_table()

    def _notes(self, connector: Connector | None, state: ListState) -> list[Line]:
        found: list[Line] = []
        if state.note:
            found.append(sentence(" !", "warn", state.note))
        if connector is not None and connector.sentence:
            found.append(sentence(" !", "warn", connector.sentence))
        if not found and state.at is not None:
            now = self.host.worker.practice.clock.now()
            found.append([fixed(f" Staff as in XPM {formatting.ago(state.at, now)}", "muted")])
        return found

    def _empty_text(self, total: int, state: ListState) -> str:
        if total:
            return "No one matches this filter. esc shows all again."
        if not self.host.practice_status.connected:
            return "The team is empty. Connect first (g o, then c), or press n to add a member without XPM."
        if state.at is None:
            return "XPM's staff list has not been read yet. A plan reads it: g s, then n."
        return "The team is empty. Press n to add a member, or : and import Ignition's team file."

    def _cells(self, row: PersonRow) -> list[Line]:
        member, staff = row.member, row.staff
        first = self.mark_search(span(row.name).text)
        if member is not None and not member.access:
            first.append(fixed(" no access", "muted"))
        email = member.email if member else staff.email if staff else ""
        if member is not None:
            counts = (member.clients, member.jobs)
        else:
            counts = (staff.clients, staff.jobs) if staff else (0, 0)
        return [
            first,
            [span(email)],
            in_xpm(row),
            [fixed(f"{counts[0]:,}" if counts[0] else "–", "" if counts[0] else "muted")],
            [fixed(f"{counts[1]:,}" if counts[1] else "–", "" if counts[1] else "muted")],
        ]

    def show_details(self, item: PersonRow | None) -> None:
        """Show both sides of the person; clear the details if there is none."""
        if item is None:
            self.detail.show(None)
            return
        number = [span(item.member.id, "ignition")] if item.member is not None else []
        self.detail.show(lambda columns: person_lines(item, columns), [span(item.name)], number)

    # -- commands -------------------------------------------------------------------------------------------

    @property
    def member(self) -> MemberView | None:
        """The selected member; None for someone who is only in XPM."""
        return self.table.item.member if self.table.item else None

    def situation(self) -> Situation:
        """Return the situation with what is known of the selected person."""
        member = self.member
        return self.host.situation(
            self.AREA, record=member.id if member else "", linked=bool(member and member.staff)
        )

    def preset(self, command: str) -> dict[str, Any]:
        """Return the selected member as the parameter of commands about a member."""
        return {"member": self.member.id} if self.member and command != "team.new" else {}

    def _require_member(self, xpm_only: str) -> MemberView | None:
        """Return the selected member; without one, say why: ``xpm_only`` if the person is only in XPM."""
        if self.member is None:
            self.host.toast(xpm_only if self.table.item else "Select a person first.", "warning")
        return self.member

    def do_team_link(self) -> None:
        """Link the member with the picker."""
        member = self._require_member("This person is only in XPM: p adds them to the team.")
        if member is not None:
            self.app.push_screen(chooser.MapStaffPicker(member))

    def do_team_pick(self) -> None:
        """Add XPM staff with the picker, starting at the selected person."""
        row = self.table.item
        self.app.push_screen(
            chooser.AddStaffPicker(row.staff.uuid if row and row.staff and not row.member else "")
        )

    def do_team_unlink(self) -> None:
        """Unlink the member without asking, because it can be undone."""
        member = self._require_member("This person is only in XPM: there is no link to remove.")
        if member is not None:
            self.host.perform(by_name("team.unlink"), {"member": member.id}, ask=False)

    def do_team_accept(self) -> None:
        """Accept all e-mail matches, after asking with their count."""
        self.host.work(lambda: accept_emails(self.host), "accept", exclusive=True, node=self)

    def do_team_undo(self) -> None:
        """Undo the last change to the team."""
        self.host.perform(by_name("team.undo"), {}, ask=False)

    def do_team_create(self) -> None:
        """Ask for phone and mobile, show what would be sent, and create the staff record."""
        member = self._require_member("This person is in XPM already: p adds them to the team.")
        if member is not None and member.staff is not None:
            self.host.toast(f"{member.name} is linked to XPM's staff already.", "warning")
        elif member is not None:
            self.host.perform(by_name("team.create"), {"member": member.id})

    def do_team_new(self) -> None:
        """Ask for name, e-mail and access in one dialog."""
        start = {"access": "yes"}
        fields = [
            app_protocol.EditField(each.key, each.label, start.get(each.key, ""), _options(each), each.help)
            for each in parameter_labels.value_fields(by_name("team.new"))
            if each.key != "active"
        ]
        about = "This creates no login, neither in Ignition nor in XPM."
        sheet = app_protocol.EditSheet("Add a team member", about, fields, new=True)
        self.host.perform(by_name("team.new"), {}, sheet=sheet)

    def do_team_edit(self) -> None:
        """Edit the fields of the member; those that were changed are saved."""
        member = self._require_member("This person is only in XPM: p adds them to the team, then e edits.")
        if member is None:
            return
        now = _values(member)
        fields = [
            app_protocol.EditField(each.key, each.label, now[each.key], _options(each), each.help)
            for each in parameter_labels.value_fields(by_name("team.edit"))
        ]
        about = "This changes your team here only. XPM's staff and the link stay as they are."
        sheet = app_protocol.EditSheet(
            f"Edit {member.name}",
            about,
            fields,
            read=lambda practice: _values(find_member(practice.snapshot(), member.id)),
        )
        self.host.perform(by_name("team.edit"), {"member": member.id}, sheet=sheet)

    def do_team_copy(self) -> None:
        """Copy the ids that support asks for."""
        row = self.table.item
        if row is not None:
            person = row.member.id if row.member else row.staff.uuid if row.staff else ""
            self.host.copy_command("team.copy", {"member": person})


def _values(member: MemberView | TeamMember) -> dict[str, str]:
    return {
        "name": member.name,
        "email": member.email,
        "access": "yes" if member.access else "no",
        "active": "yes" if member.active else "no",
    }


def _options(field: parameter_labels.ValueField) -> Sequence[tuple[str, str]]:
    """Return the options of a field, without the one for "unchanged": the field shows the present value."""
    return [option for option in field.options if option[0]]


def in_xpm(row: PersonRow) -> Line:
    """Return who a person is in XPM, with a symbol."""
    member, staff = row.member, row.staff
    if member is None:
        gone = staff is not None and staff.gone
        return [fixed("✗ left XPM" if gone else "· only in XPM", "bad" if gone else "muted")]
    sign, look = cells.MEMBER_STATES.sign(member.state).text, cells.MEMBER_STATES.look(member.state)
    if staff is not None:
        left = [fixed(" (left)", "bad")] if staff.gone else []
        return [fixed(f"{sign} ", look), span(staff.name or staff.uuid), *left]
    if member.proposals:
        first = member.proposals[0]
        how = cells.MEMBER_STATES.label("proposed" if first.sure else "maybe").inline
        return [fixed(f"{sign} {how}: ", look), span(first.name)]
    return [fixed(f"{sign} {cells.MEMBER_STATES.label(member.state).inline}", look)]


def person_lines(row: PersonRow, columns: int) -> list[Line]:
    """Return both sides of a person, the proposed links, what is missing without a link, and notes."""
    member, staff = row.member, row.staff
    found: list[Line] = [
        in_xpm(row),
        *side_by_side_lines("", [fixed("Ignition", "ignition")], [fixed("XPM", "xpm")], columns),
    ]

    def add_fact(label: str, ours: str, theirs: str) -> None:
        differs = member and staff and ours.casefold() != theirs.casefold() and label in ("Name", "E-mail")
        look: Look = "warn" if differs else ""
        found.extend(
            side_by_side_lines(label, [span(ours or "–", look)], [span(theirs or "–", look)], columns)
        )

    add_fact("Name", member.name if member else "", staff.name if staff else "")
    add_fact("E-mail", member.email if member else "", staff.email if staff else "")
    phones = ", ".join(filter(None, (staff.phone, staff.mobile))) if staff else ""
    add_fact("Phone", "", phones)
    add_fact("Named on", _named_on(member), _named_on(staff))
    if staff is not None:
        found.append([fixed(f"{'UUID':<12}", "muted"), span(staff.uuid, "muted")])
    if member is not None:
        for each in member.proposals:
            mark: Look = "accent" if each.sure else "warn"
            found.append(sentence("◇", mark, f"{each.name} <{each.email}>: {each.reason}. {each.uuid}"))
    costs = member.costs if member else staff.costs if staff else ""
    if costs:
        found.append(sentence("!", "warn", costs))
    notes = member.notes if member else staff.notes if staff else ()
    found += [sentence("·", "muted", note) for note in notes]
    if member is not None and member.staff is None:
        found.append([fixed("m", "accent"), fixed(" links to XPM staff", "muted"),
                      fixed(", "), fixed("C", "accent"), fixed(" creates one there", "muted")])  # fmt: skip
    elif member is None:
        found.append([fixed("p", "accent"), fixed(" brings this person into the team", "muted")])
    return found


def _named_on(side: MemberView | StaffView | None) -> str:
    """Return on how many clients and jobs a person is named."""
    if side is None:
        return ""
    jobs = "job to come/jobs to come" if isinstance(side, MemberView) else "job"
    found = [formatting.count(side.clients, "client")] if side.clients else []
    return ", ".join([*found, *([formatting.count(side.jobs, jobs)] if side.jobs else [])])
