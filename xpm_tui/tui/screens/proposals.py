"""Proposals, over the jobs: whose they are, what they ask for, and what it takes to deploy them."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll

from xpm_tui.acts.act import Situation
from xpm_tui.acts.registry import by_name
from xpm_tui.service import job_counts, jobs, proposals
from xpm_tui.service.job_terms import IGNITION, IGNITION_HINT, terms_of
from xpm_tui.service.job_views import AgreedView, JobCounts, JobRowView, ProposalRowView
from xpm_tui.service.practice import OpenPractice
from xpm_tui.tui import keys, when
from xpm_tui.tui.screens.area import AreaScreen
from xpm_tui.tui.screens.help import Page
from xpm_tui.tui.styles import style
from xpm_tui.tui.widgets.field import Field
from xpm_tui.tui.widgets.filters import filter_spans
from xpm_tui.tui.widgets.job_lines import BLOCKED, day, state_span
from xpm_tui.tui.widgets.line import Line, Look, Span, marked, ours, span
from xpm_tui.tui.widgets.says import Says
from xpm_tui.tui.widgets.table import Column, Table
from xpm_tui.tui.widgets.words import lines, words

FILTERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("all", ()), ("to take", ("to take",)), ("ours", ("ours",)), ("changed", ("changed",)),
    ("drafts", ("draft",)), ("revoked", ("revoked", "revoked in Ignition")),
)  # fmt: skip
LOOKS: dict[str, tuple[str, Look]] = {
    "to take": ("○ to take", "warn"),
    "ours": ("● ours", "good"),
    "changed": ("! changed", "warn"),
    "draft": ("· draft", "accent"),
    "revoked": ("– revoked", "muted"),
}
TAKES = (
    "Ignition's: its own connector has usually made the job already, so nothing is made from here. "
    "Where it has not, T takes it over; its jobs then wait in Jobs, and none of the past is made."
)


class Proposals(AreaScreen):
    """The list, and what one asks for."""

    AREA = "proposals"
    TAB = "jobs"
    ABOUT = (
        "What was agreed with clients. One made here (n) is ours once it is accepted (a). One of Ignition's "
        "is deployed from here only once it is taken over (T): Ignition's own connector has usually made its "
        "job. Both ask for one job, or one per project, once or coming back. x stops what still waits."
    )
    MORE_KEYS = (
        ("/", "filter by letters in name, number or client; esc ends it"),
        ("[ and ]", "saved filters: to take, ours, changed, drafts, revoked"),
        ("esc", "back to the jobs"),
    )
    CSS_PATH: ClassVar = style("jobs")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "find", "Filter", show=False),
        Binding("left_square_bracket", "saved(-1)", show=False),
        Binding("right_square_bracket", "saved(1)", show=False),
        Binding("v", "leave", "Jobs"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._find = Field(placeholder="name, number or client", classes="find")
        self._state = Says(classes="filter")
        self._note = Says(classes="note")
        self._pane = Says(classes="job", fixed=False)
        self._saved = 0
        self._text = ""
        self._counts = JobCounts()
        self._table: Table[ProposalRowView] = Table(
            (
                Column("STATE", 10),
                Column("PROPOSAL", 22, grow=3),
                Column("CLIENT", 18, grow=2),
                Column("NUMBER", 9),
                Column("START", 11, drop=1),
                Column("ACCEPTED", 11, drop=2),
                Column("WORKFLOWS", 10, drop=3),
            ),
            self._cells,
            lambda view: view.id,
            id="proposals",
        )

    def body(self) -> ComposeResult:
        """Filters, what stands in the way, the list, what one asks for."""
        yield self._state
        yield self._note
        yield self._find
        with Horizontal(classes="halves"):
            yield self._table
            with VerticalScroll(classes="pane", can_focus=False):
                yield self._pane

    def on_mount(self) -> None:
        """The filter field comes with ``/``."""
        self._find.display = self._note.display = False

    async def look(self) -> None:
        """What the filters let through."""

        def read(practice: OpenPractice) -> tuple[list[ProposalRowView], JobCounts]:
            return proposals.list_proposals(practice), job_counts.counts(practice)

        found, self._counts = await self.console_app.desk.ask(read)
        name, standings = FILTERS[self._saved]
        wanted = self._text.casefold()
        shown = [view for view in found if not standings or view.standing in standings]
        shown = [
            view for view in shown if wanted in f"{view.name} {view.number} {client_of(view)}".casefold()
        ]
        pieces: list[Span] = [ours(f" {when.counted(len(shown), 'proposal')}  ", "strong")]
        pieces += filter_spans([each for each, _ in FILTERS], self._saved, max(30, self.size.width - 24))
        if self._text:
            pieces += [ours(" with ", "muted"), span(self._text, "accent")]
        self._state.say(words(pieces))
        self._note.display = bool(self._counts.blocked)
        self._note.say(words(BLOCKED))
        self._table.say_empty(
            f"No proposal is under “{name}”. esc shows all again." if found
            else "There are no proposals. n makes one; I imports Ignition's file of active services."
        )  # fmt: skip
        self._table.show(shown)
        if not shown:
            self._pane.say(words([]))
        if self.focused is None:
            self._table.rows.focus()

    def _cells(self, view: ProposalRowView) -> list[Line]:
        name = span(view.name).text
        at = name.casefold().find(self._text.casefold()) if self._text else -1
        word, look = LOOKS.get(view.standing, (f"– {view.standing}", "muted"))
        return [
            [ours(word, look)],
            marked(name, [(at, at + len(self._text))] if at >= 0 else []),
            [span(client_of(view))],
            [span(view.number or view.id, "muted")],
            [ours(day(view.start))],
            [ours(day(view.accepted), "muted")],
            [span(" ".join(view.workflows), "muted")],
        ]

    @on(Table.Moved)
    def _moved(self, event: Table.Moved) -> None:
        event.stop()
        self.refresh_bindings()
        if event.item is not None:
            self.console_app.work(lambda: self._show(event.item), "detail", exclusive=True, node=self)

    async def _show(self, view: ProposalRowView) -> None:
        told = await self._lines(view)
        if self._table.item is view:
            self._pane.say(lines(told))

    async def _lines(self, view: ProposalRowView) -> list[Line]:
        def read(practice: OpenPractice) -> tuple[list[AgreedView], list[JobRowView]]:
            made = [jobs.row_of(practice, workflow) for workflow in view.workflows]
            return proposals.agreed(practice, view.id), made

        agreed, made = await self.console_app.desk.ask(read)
        return proposal_lines(view, agreed, made, self._counts)

    @on(Table.Chosen)
    def _chosen(self, event: Table.Chosen) -> None:
        event.stop()
        self.console_app.work(lambda: self._open(event.item), "open", exclusive=True, node=self)

    async def _open(self, view: ProposalRowView) -> None:
        from xpm_tui.tui.screens.job import JobReading

        self.app.push_screen(JobReading(view.name, await self._lines(view)))

    # -- filters --------------------------------------------------------------------------------------------

    def action_find(self) -> None:
        """Type what the proposal must have."""
        self._find.display = True
        self._find.focus()

    def action_saved(self, by: int) -> None:
        """The next saved filter."""
        self._saved = (self._saved + by) % len(FILTERS)
        self.refresh_data(force=True)

    @on(Field.Changed)
    def _typed(self, event: Field.Changed) -> None:
        event.stop()
        self._text = event.value.strip()
        self.console_app.work(lambda: self.look(), "look", exclusive=True, node=self)

    @on(Field.Submitted)
    def _typed_out(self, event: Field.Submitted) -> None:
        event.stop()
        self._table.rows.focus()

    def action_up(self) -> None:
        """The filters away, then back to the jobs."""
        if self._find.display or self._text or self._saved:
            self._find.value = ""
            self._find.display = False
            self._text, self._saved = "", 0
            self._table.rows.focus()
            self.refresh_data(force=True)
        else:
            self.action_leave()

    def action_leave(self) -> None:
        """Back to the jobs."""
        self.dismiss(None)

    # -- acts -----------------------------------------------------------------------------------------------

    @property
    def proposal(self) -> ProposalRowView | None:
        """The one under the cursor."""
        return self._table.item

    def situation(self) -> Situation:
        """With where the proposal under the cursor stands."""
        view = self.proposal
        return self.console_app.situation(
            self.AREA, record=view.id if view else "", state=view.standing if view else ""
        )

    def preset(self, act: str) -> dict[str, Any]:
        """Acts on a proposal are about the one under the cursor."""
        if self.proposal is None or act not in ("proposals.accept", "proposals.take", "proposals.revoke"):
            return {}
        one = self.proposal.id
        return {"proposal": one} if act == "proposals.revoke" else {"proposals": (one,), "all": False}

    def do_proposals_accept(self) -> None:
        """One job or one per project, once or coming back: the form asks."""
        self._agree("proposals.accept")

    def do_proposals_take(self) -> None:
        """The same for one of Ignition's. One that was stopped goes on as it was."""
        self._agree("proposals.take")

    def _agree(self, name: str) -> None:
        view, act = self.proposal, by_name(name)
        if view is None:
            return
        again = bool(view.workflows)
        per = terms_of(self.console_app.desk.practice).per
        self.console_app.perform(act, self.preset(name), start={"per": per}, ask=not again)

    def help_page(self) -> Page:
        """F1."""
        return keys.page("Proposals", self.ABOUT, self.AREA, self.MORE_KEYS)


def client_of(view: ProposalRowView) -> str:
    """Its client by name."""
    return view.client.name if view.client else "(not in the book)"


def proposal_lines(
    view: ProposalRowView, agreed: list[AgreedView], made: list[JobRowView], counted: JobCounts
) -> list[Line]:
    """What it is, why it is not deployed and what that takes, what it asks for, what came of it."""
    word, look = LOOKS.get(view.standing, (view.standing, "muted"))
    found: list[Line] = [
        [
            ours(" "),
            span(view.name, "strong"),
            span(f"  {view.number or view.id}  ", "muted"),
            ours(word, look),
        ],
        [
            ours(" "),
            span(client_of(view)),
            ours("   "),
            ours(f"{day(view.start)} to {day(view.end)}", "muted"),
        ],
    ]  # fmt: skip
    if view.standing == "to take":
        found.append([ours(" → ", "warn"), ours(TAKES)])
    elif view.standing == "draft":
        found.append([ours(" → ", "accent"), ours("A draft: a accepts it, and its jobs wait in Jobs.")])
    elif view.standing == "revoked":
        key = "a" if view.origin == "new" else "T"
        found.append(
            [ours(" → ", "muted"), ours(f"Revoked: nothing more is made of it. {key} lets it go on.")]
        )
    elif view.why:
        found.append([ours(" → ", "warn"), span(view.why)])
    if counted.blocked and view.standing in ("to take", "draft", "ours", "changed"):
        found.append([ours(" ! ", "warn"), ours(f"{IGNITION} {IGNITION_HINT}.")])
    for row in made:
        found.append(
            [ours(" "), state_span(row.state), span(f"  {row.name}  "), ours(day(row.date), "muted"),
             span(f"  {row.number}" if row.number else ""), ours(f"  {row.repeats}  {row.id}", "muted")]
        )  # fmt: skip
        if row.why:
            found.append([ours("     "), span(row.why, "muted")])
    found.append([ours(f" {when.counted(len(agreed), 'service')}", "head")])
    for each in agreed:
        called = (
            "no job" if each.no_job
            else "not in the library: calls for no template" if each.unknown
            else " + ".join(each.calls_for) or "calls for no template"
        )  # fmt: skip
        project = f"{each.project}: " if each.project else ""
        price = f"  {each.price}" if each.price else ""
        found.append([span(f"   {project}{each.name}{price}"), ours(" → ", "muted"), span(called, "muted")])
    return found
