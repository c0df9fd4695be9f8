"""The Proposals area, over Jobs: the client of each proposal, its jobs, and what they need.

The dialog that shows the next terms before proposals are rolled over.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, ClassVar, Literal

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Button

from xpm_tui.application.jobs import proposals, renewals
from xpm_tui.application.jobs import queries as jobs
from xpm_tui.application.jobs.deployment import list_due_now
from xpm_tui.application.jobs.renewals import RollOverView
from xpm_tui.application.jobs.services import terms_of
from xpm_tui.application.jobs.views import (
    AgreedView,
    JobCounts,
    JobRowView,
    ProposalChangeView,
    ProposalRowView,
)
from xpm_tui.application.practice import OpenPractice
from xpm_tui.commands import renewals as renewal_commands
from xpm_tui.commands.command import Result, Situation
from xpm_tui.commands.consequences import action
from xpm_tui.commands.consequences import lines as consequence_lines
from xpm_tui.commands.registry import by_name
from xpm_tui.domain import formatting
from xpm_tui.domain.errors import NotFound
from xpm_tui.domain.safe_text import Shown, visible
from xpm_tui.lazy import lazy_imports
from xpm_tui.tui import keymap
from xpm_tui.tui.dialogs.dialog import ChoiceDialog, TextDialog
from xpm_tui.tui.dialogs.form import FormDialog, build
from xpm_tui.tui.dialogs.form_errors import ask_until_accepted
from xpm_tui.tui.dialogs.help import HelpPage
from xpm_tui.tui.screens.base import FilteredArea
from xpm_tui.tui.theme import stylesheet_path
from xpm_tui.tui.widgets import cells
from xpm_tui.tui.widgets.cells import Line, Look, content, fixed, lines, span
from xpm_tui.tui.widgets.comparison import DetailPane
from xpm_tui.tui.widgets.job_lines import BLOCKED, panel_title, state_span
from xpm_tui.tui.widgets.table import Table, TableColumn
from xpm_tui.tui.widgets.text import StaticText, title_room

with lazy_imports():
    from xpm_tui.tui.screens import job_actions

FILTERS = (
    ("", "all"), ("to take", "to take over"), ("ours", "active"), ("changed", "changed"),
    ("renewed", "renewed"), ("draft", "drafts"), ("revoked", "revoked"), ("unknown", "unknown"),
)  # fmt: skip
TAKE_OVER_HELP = (
    "From Ignition: its own integration has usually created the jobs, so none are created from here. If it "
    "has not, press T to take the proposal over: its jobs then wait in Jobs, without those of the past."
)
SHOWN = 300
"""The most proposals whose changes are listed before they are rolled over."""
CHANGE_LOOKS: dict[str, Look] = {"+": "good", "-": "bad", "~": "warn"}
"""The styles of services that were added, removed or repriced."""


class ProposalsArea(FilteredArea):
    """The area: the proposals, and what the selected one asks for."""

    AREA = "proposals"
    TAB = "jobs"
    ABOUT = (
        "The proposals agreed with clients. Jobs of a proposal created here (n) are deployed once you "
        "accept it (a). Jobs of one from Ignition are deployed from here only once you take it over (T), "
        "because Ignition's own integration has usually created them. You choose one job or one per "
        "project, once or recurring. x stops the jobs that are not created yet."
    )
    MORE_KEYS = (
        ("/", "filter by letters in name, number or client; esc ends it"),
        ("[ and ]", "saved filters: to take over, active, changed, renewed, drafts, revoked, unknown"),
        ("esc", "back to the jobs"),
    )
    CSS_PATH: ClassVar = [stylesheet_path("filtered"), stylesheet_path("jobs")]
    FILTERS: ClassVar = FILTERS
    FIND = "name, number or client"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "leave", "Jobs", tooltip="Back to the jobs"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.detail: DetailPane = DetailPane()
        self._counts = JobCounts()
        self.table: Table[ProposalRowView] = Table(
            (
                TableColumn("State", 14),
                TableColumn("Proposal", 20, grow=3),
                TableColumn("Client", 16, grow=2),
                TableColumn("Number", 9, whole=True),
                TableColumn("Start", 11, drop=1),
                TableColumn("Accepted", 11, drop=2),
                TableColumn("Workflows", 10, drop=3),
            ),
            self._cells,
            lambda view: view.id,
            id="proposals",
        )

    async def load(self) -> None:
        """Read the proposals that match the filters."""

        def read(practice: OpenPractice) -> tuple[list[ProposalRowView], JobCounts]:
            return proposals.list_proposals(practice), jobs.counts(practice)

        found, self._counts = await self.host.worker.ask(read)
        wanted = self.search_text.casefold()
        shown = [
            view for view in found
            if view.standing.startswith(self.filter_name)
            and wanted in f"{view.name} {view.number} {client_of(view)}".casefold()
        ]  # fmt: skip
        self.show_counts(len(shown), len(found))
        self.show_note([BLOCKED] if self._counts.blocked else [])
        self.table.say_empty(
            "No proposal matches this filter. esc shows all again." if found
            else "There are no proposals. Press n to create one, or I to import Ignition's file of active "
            "services."
        )  # fmt: skip
        self.table.show(shown, query=self.criteria)
        self.focus_table()

    def _cells(self, view: ProposalRowView) -> list[Line]:
        return [
            [_state(view)],
            self.mark_search(span(view.name).text),
            [span(client_of(view))],
            [span(view.number or view.id, "muted")],
            [fixed(formatting.day(view.start))],
            [fixed(formatting.day(view.accepted), "muted")],
            [span(" ".join(view.workflows), "muted")],
        ]

    def show_details(self, item: ProposalRowView | None) -> None:
        """Show what the proposal asks for; clear the details if there is none."""
        if item is None:
            self.detail.show(None)
        else:
            self.host.work(lambda: self._show(item), "detail", exclusive=True, node=self)

    async def _show(self, view: ProposalRowView) -> None:
        rows = await self._lines(view)
        if self.table.item is view:
            self.detail.show(lambda _: rows[1:], panel_title(rows[0], title_room(self.detail)))

    async def _lines(self, view: ProposalRowView) -> list[Line]:
        def read(
            practice: OpenPractice,
        ) -> tuple[list[AgreedView], list[JobRowView], list[ProposalChangeView]]:
            rows = [row for workflow in view.workflows if (row := _job_row(practice, workflow)) is not None]
            is_changed = view.standing in ("changed", "renewed")
            changes = renewals.list_changes(practice, [view.id]) if is_changed else []
            return proposals.list_agreed_services(practice, view.id), rows, changes

        agreed, rows, changes = await self.host.worker.ask(read)
        found = proposal_lines(view, agreed, rows, self._counts)
        if not changes:
            return found
        head: Line = [fixed(" Changed in Ignition since you accepted it", "head")]
        return [*found[:3], head, *change_lines(changes)[1:], *found[3:]]

    def open_item(self, item: ProposalRowView) -> None:
        """Show all of the proposal for reading."""
        self.host.work(lambda: self._open(item), "open", exclusive=True, node=self)

    async def _open(self, view: ProposalRowView) -> None:
        self.app.push_screen(job_actions.JobDialog(view.name, await self._lines(view)))

    def action_up(self) -> None:
        """Remove the filters, then go back to the jobs."""
        if self.detail.has_focus or self.search_field.display or self.search_text or self._filter_place:
            super().action_up()
        else:
            self.action_leave()

    def action_leave(self) -> None:
        """Go back to the jobs."""
        self.dismiss(None)

    # -- commands -------------------------------------------------------------------------------------------

    @property
    def proposal(self) -> ProposalRowView | None:
        """The selected proposal."""
        return self.table.item

    def situation(self) -> Situation:
        """Return the situation with the state of the selected proposal."""
        view = self.proposal
        return self.host.situation(
            self.AREA, record=view.id if view else "", state=view.standing if view else ""
        )

    def preset(self, command: str) -> dict[str, Any]:
        """Return the selected proposal as the parameter of commands about a proposal."""
        if self.proposal is None or command not in ("proposals.accept", "proposals.take", "proposals.revoke"):
            return {}
        if command == "proposals.revoke":
            return {"proposal": self.proposal.id}
        more = {"wait": True} if command == "proposals.accept" else {"all": False}
        return {"proposals": (self.proposal.id,), **more}

    def do_proposals_changes(self) -> None:
        """Show all changes from Ignition on one screen."""
        self.host.work(lambda: self._show_changes(), "changes", exclusive=True, node=self)

    async def _show_changes(self) -> None:
        found = (await self.host.run_named("proposals.changes", {})).value
        rows = change_lines(found) or [[fixed("Nothing has changed in Ignition.", "muted")]]
        self.app.push_screen(job_actions.JobDialog("Changed in Ignition", rows))

    def do_proposals_rollover(self) -> None:
        """Roll over the selected proposal, or all that have a next term, after showing what is created."""
        if (view := self.proposal) is not None:
            self.host.work(lambda: self._roll_over(view), "rollover", exclusive=True, node=self)

    async def _roll_over(self, view: ProposalRowView) -> None:
        number = self._counts.renewed
        wanted: dict[str, Any] = {"proposals": (view.id,)}
        if number > 1:
            everything = f"All that have a next term: {formatting.count(number, 'proposal')}"
            choices = [("one", f"This one: {view.name}"), ("all", everything)]
            box = ChoiceDialog("Which proposals?", choices, title="Roll over")
            picked: str | None = await self.app.push_screen_wait(box)
            if picked is None:
                return
            wanted = wanted if picked == "one" else {"all": True}
        shown = (await self.host.run_named("proposals.rollover", {**wanted, "dry_run": True})).value
        answer = await self.app.push_screen_wait(RollOverReview(shown))
        if answer:
            agreed = {**wanted, "edits": answer, "yes": True}
            done = (await self.host.run_named("proposals.rollover", agreed)).value
            await self.host.refresh_status()
            workflows = formatting.count(done.new, "workflow")
            self.host.toast(f"{workflows} of the next term created. The jobs are listed in Jobs (v).")

    def do_proposals_accept(self) -> None:
        """Accept the proposal; the form asks for jobs, projects and repetition."""
        self._accept_or_take("proposals.accept")

    def do_proposals_take(self) -> None:
        """Take over a proposal that was accepted in Ignition; one that was stopped continues as before."""
        self._accept_or_take("proposals.take")

    def _accept_or_take(self, name: str) -> None:
        if (view := self.proposal) is not None:
            self.host.work(lambda: self._ask_and_run(name, view), name, exclusive=True, node=self)

    async def _ask_and_run(self, name: str, view: ProposalRowView) -> None:
        """Ask how the jobs are created, and run the command; a proposal with jobs keeps its settings."""
        app, command, preset = self.host, by_name(name), self.preset(name)

        async def run(params: msgspec.Struct) -> tuple[Result, list[str]]:
            return await app.run_command(command, params)

        if view.workflows:
            done: tuple[Result, list[str]] | None = await run(build(command, preset))
        else:
            start = {"per": terms_of(app.worker.practice).per}
            done = await ask_until_accepted(
                app, lambda rejected: FormDialog(command, preset, start, rejected), run
            )
        if done is None:
            return
        result, messages = done
        await app.refresh_status()
        if result.error is not None:
            app.show_result(command, result, messages)
            return
        if await app.worker.ask(list_due_now):
            # Jobs that are due automatically are created by a process of their own, within the guard.
            _, run_id = await app.start_command("jobs.deploy", {"automatic": True}, asks=False)
            if run_id:
                app.show_run(run_id)
                return
        updated = await app.worker.ask(lambda practice: proposals.show_proposal(practice, view.id))
        number = len(updated.workflows)
        waits = f"{formatting.count(number, 'job')} {formatting.plural(number, 'waits/wait')}"
        app.toast(f"{view.name} is deployed from here: {waits} in Jobs (v).")

    def help_page(self) -> HelpPage:
        """Return the help page."""
        return keymap.make_help_page("Proposals", self.ABOUT, self.AREA, self.MORE_KEYS)


def _job_row(practice: OpenPractice, workflow: str) -> JobRowView | None:
    """Return the job of a workflow; None if it no longer has one."""
    with suppress(NotFound):
        return jobs.row_of(practice, workflow)
    return None


def client_of(view: ProposalRowView) -> str:
    """Return the name of the proposal's client."""
    return view.client.name if view.client else "(not among the clients)"


def _state(view: ProposalRowView) -> cells.Span:
    """Return the state of a proposal; a status of Ignition that is not known is shown as it is."""
    states = cells.PROPOSAL_STATES
    if view.standing != "unknown" or not view.status:
        return states.draw(view.standing)
    return span(f"{states.label('unknown').glyph} {view.status}", states.look("unknown"))


def proposal_lines(
    view: ProposalRowView, agreed: list[AgreedView], rows: list[JobRowView], counts: JobCounts
) -> list[Line]:
    """Return the details of a proposal: what prevents its jobs and what to do, its jobs and its services.

    Args:
        view: The proposal.
        agreed: The services agreed in it.
        rows: Its jobs.
        counts: The counts of all jobs, which tell whether Ignition still creates jobs itself.
    """
    found: list[Line] = [
        [
            fixed(" "),
            span(view.name, "strong"),
            span(f"  {view.number or view.id}  ", "muted"),
            _state(view),
        ],
        [
            fixed(" "),
            span(client_of(view)),
            fixed("   "),
            fixed(f"{formatting.day(view.start)} to {formatting.day(view.end)}", "muted"),
        ],
    ]  # fmt: skip
    if view.entities:
        found.append([fixed(" also for "), span(formatting.sequence(view.entities), "muted")])
    if view.standing == "to take":
        found.append([fixed(" → ", "warn"), fixed(TAKE_OVER_HELP)])
    elif view.standing == "draft":
        found.append(
            [fixed(" → ", "accent"), fixed("A draft: a accepts it, and its jobs then appear in Jobs.")]
        )
    elif view.standing == "revoked":
        key = "a" if view.origin == "new" else "T"
        found.append(
            [fixed(" → ", "muted"), fixed(f"Revoked: no more jobs are created for it. {key} continues it.")]
        )
    elif view.why:
        found.append([fixed(" → ", "warn"), span(view.why)])
    if counts.blocked and view.standing in ("to take", "draft", "ours", "changed"):
        found.append([fixed(" ! ", "warn"), fixed("Before that, XPM has to be switched off in Ignition.")])
    for row in rows:
        found.append(
            [fixed(" "), state_span(row.state), span(f"  {row.name}  "),
             fixed(formatting.day(row.date), "muted"),
             span(f"  {row.number}" if row.number else ""), fixed(f"  {row.repeats}  {row.id}", "muted")]
        )  # fmt: skip
        if row.why:
            found.append([fixed("     "), span(row.why, "muted")])
    found.append([fixed(f" {formatting.count(len(agreed), 'service')}", "head")])
    for each in agreed:
        if each.no_job:
            linked = "no job"
        elif each.unknown:
            linked = "not in the library: no template"
        else:
            linked = " + ".join(each.calls_for) or "no template"
        project = "".join(f"{part}: " for part in (each.project, each.client) if part)
        price = f"  {each.price}" if each.price else ""
        found.append([span(f"   {project}{each.name}{price}"), fixed(" → ", "muted"), span(linked, "muted")])
    return found


class RollOverReview(TextDialog[Literal["keep", "drop"]]):
    """The next terms, before they are created. The answer also says whether edits of jobs are kept."""

    def __init__(self, view: RollOverView) -> None:
        super().__init__(classes="wide")
        self.title_text = visible(f"{action(view.consequences)} of the next term?")
        self._view = view

    def box(self) -> ComposeResult:
        """Compose the counts, the differences and the answers."""
        view = self._view
        rows: list[Line] = [[fixed(f"{action(view.consequences)}.", "strong")]]
        rows += [[span(line)] for line in consequence_lines(view.consequences)]
        if view.edited:
            have = formatting.plural(view.edited, "has/have")
            rows.append(
                [fixed(f"{formatting.count(view.edited, 'workflow')} of this term {have} edits.", "warn")]
            )
        with VerticalScroll(classes="words", can_focus=False):
            yield StaticText(lines(rows))
            yield StaticText(lines(change_lines(view.changes[:SHOWN])), classes="batch")
        with Horizontal(classes="buttons -right"):
            yield Button(content(Shown("Cancel  esc")), id="leave")
            if view.edited:
                yield Button(content(Shown("Create, keep edits")), id="keep")
                yield Button(content(Shown("Create, drop edits")), id="drop")
            elif view.new:
                yield Button(content(Shown(action(view.consequences))), id="drop")

    def on_mount(self) -> None:
        """Focus the safe button."""
        self.query_one("#leave", Button).focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(None if event.button.id == "leave" else "keep" if event.button.id == "keep" else "drop")


def change_lines(views: Sequence[ProposalChangeView]) -> list[Line]:
    """Return the changes made in Ignition, by proposal."""
    found: list[Line] = []
    for view in views:
        head, *rest = renewal_commands.change_lines(view)
        found.append([span(head, "strong")])
        found += [[span(line, CHANGE_LOOKS.get(line.strip()[:1], "muted"))] for line in rest]
    return found
