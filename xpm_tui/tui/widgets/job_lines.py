"""Jobs as lines of text (a job in full, its problems and its history), and the activity of a client."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical

from xpm_tui.application.jobs.queries import XpmJobView
from xpm_tui.application.jobs.views import JobRowView, PreviewView, ProblemView
from xpm_tui.commands.consequences import cost
from xpm_tui.domain import formatting
from xpm_tui.domain.labels import WRITE_KINDS
from xpm_tui.domain.reason_labels import AUDIT_FINDINGS
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.xpm import XpmJob
from xpm_tui.tui.widgets import cells
from xpm_tui.tui.widgets.cells import Line, Span, fit, fixed, lines, span
from xpm_tui.tui.widgets.text import TextLabel

if TYPE_CHECKING:
    from xpm_tui.deploy.job_audit import AuditFinding
    from xpm_tui.deploy.occurrences import JobForecast


CLASHES = frozenset({"reference-taken", "reference-ours", "same-job", "same-name", "number-taken"})
"""Problems about jobs that XPM already has."""

BLOCKED: Line = [
    fixed(" ! ", "warn"),
    fixed("No jobs are created: XPM may still be switched on in Ignition. g e, then / ignition"),
]
"""Why nothing can be sent, in one line, and where to change that."""

_NOT_CREATED = ("due", "missed", "coming", "held", "failed", "going")


def state_span(state: str) -> Span:
    """Return the symbol and label of a state."""
    return cells.JOB_STATES.draw(state)


def row_note(view: JobRowView) -> Line:
    """Return what a row of the list shows beside the state."""
    if view.why:
        return [span(view.why, "muted")]
    notes = [view.repeats] if view.repeats != "once" else []
    if view.automatic and view.state in ("coming", "due"):
        notes.append("automatic")
    if view.in_xpm:
        notes.append(f"in XPM: {view.in_xpm}")
    return [span(" · ".join(notes), "muted")]


def head_lines(view: PreviewView) -> list[Line]:
    """Return the name of a job, its state and the reason for it."""
    job = view.job
    first: list[Span] = [
        fixed(" "),
        span(view.name or "(no name)", "strong"),
        fixed(f"  {job.id}  ", "muted"),
    ]
    first.append(state_span(job.state))
    if job.number:
        first.append(span(f"  {job.number}", "strong"))
    found: list[Line] = [first]
    if job.why and job.why not in {problem.sentence for problem in view.problems}:
        found.append([fixed(" → ", "warn"), span(job.why)])
    return found


def problem_lines(problems: Sequence[ProblemView], weights: tuple[str, ...]) -> list[Line]:
    """Return the problems of a job with what to do about each."""
    found: list[Line] = []
    for problem in problems:
        if problem.weight in weights:
            clash = "clash: " if problem.code in CLASHES else ""
            text = f"{problem.sentence} {problem.hint}".rstrip()
            weight = cells.PROBLEM_WEIGHTS.draw(problem.weight)
            found.append([fixed(" "), weight, fixed(": "), fixed(clash), span(text)])
    return found


def panel_title(line: Line, columns: int) -> Line:
    """Return the first line of a record as the title of its panel."""
    title = [piece for place, piece in enumerate(line) if place or piece.text.strip()]
    return cells.fit_names(title, columns) if columns > 0 else title


LABEL = 12
"""Width of a label on a card, in columns."""


def card(facts: Sequence[tuple[str, str]], columns: int) -> list[Line]:
    """Return facts in one or two columns; one that is too long for half a line gets its own."""
    found: list[Line] = []
    half = columns // 2
    waiting: list[Span] = []
    for label, text in facts:
        fact = [fixed(f" {label:<{LABEL}} ", "muted"), span(text or "–")]
        if " " not in text and cells.width(fact) >= columns:
            # An address that is broken cannot be copied: it gets a line without its label.
            found += [*([waiting] if waiting else []), [fact[0]], [span(f" {text}")]]
            waiting = []
        elif not waiting:
            waiting = fact
        elif cells.width(waiting) < half and cells.width(fact) <= columns - half:
            found.append([*fit(waiting, half), *fact])
            waiting = []
        else:
            found.append(waiting)
            waiting = fact
    return [*found, waiting] if waiting else found


def fact_lines(view: PreviewView, columns: int = 76) -> list[Line]:
    """Return the facts about a job as a card: what is sent, its people, and its address in XPM."""
    job = view.job
    fresh = any(problem.code == "client-new" for problem in view.problems)
    until = f", until {formatting.day(view.until)}" if view.until else ""
    facts = [
        ("Client", view.client.name if view.client else "(none)"),
        ("XPM client", view.xpm_client or ("created first" if fresh else "")),
        ("Template", " + ".join(ref.name for ref in view.templates)),
        ("Starts", formatting.day(view.start)),
        ("Due", formatting.day(view.due)),
        ("Created on", formatting.day(job.deploy_on)),
        ("Category", view.category),
        *([] if job.repeats == "once" else [("Repeats", f"{job.repeats}{until}")]),
        ("Budget", view.budget),
        ("State", view.state_code or "XPM's first"),
        ("Partner", view.partner),
        ("Manager", view.manager),
        ("Staff", ", ".join(view.staff)),
        ("Reference", view.reference),
        ("Job number", job.number or view.number or "XPM's next"),
        ("Description", " · ".join(view.description.splitlines())),
    ]
    if job.url:
        facts += [("In XPM", job.in_xpm or "not among its current jobs"), ("Address", job.url)]
    if job.left_out:
        facts.append(("Left out", "; ".join(job.left_out)))
    if job.earlier:
        facts.append(("Old numbers", ", ".join(job.earlier)))
    return card(facts, columns)


def cost_line(view: PreviewView) -> list[Line]:
    """Return how many calls it takes to create a job, and that it cannot be undone; empty if it exists."""
    if view.job.state not in _NOT_CREATED or view.consequences is None:
        return []
    undo = "Cannot be undone: delete the job in XPM." if view.consequences.not_undoable else ""
    return [[fixed(" ◷ ", "accent"), fixed(f"{cost(view.consequences)}. "), fixed(undo, "bad")]]


STEPS = {
    "client_creations": "client.add",
    "job_creations": "job.add",
    "template_additions": "job.template",
    "job_assignments": "job.assign",
    "job_states": "job.state",
}
"""The requests that create a job, in their order, with the kind of write."""


def step_lines(view: PreviewView) -> list[Line]:
    """Return what creating a job sends to XPM, in its order; empty if it exists."""
    if view.job.state not in _NOT_CREATED or view.consequences is None:
        return []
    requests = view.consequences.requests
    numbers = [(WRITE_KINDS[kind].text, getattr(requests, name)) for name, kind in STEPS.items()]
    steps = [(text, number) for text, number in numbers if number]
    found: list[Line] = [[fixed(" What is sent to XPM", "head")]] if steps else []
    for place, (text, number) in enumerate(steps, 1):
        found.append([fixed(f" {place} ", "muted"), fixed(text), fixed(f" ({number})" if number > 1 else "")])
    if steps and (rest := view.consequences.calls - sum(number for _, number in steps)) > 0:
        found.append([fixed(f" · {formatting.count(rest, 'more call')} to read and check", "muted")])
    return found


def history_lines(view: PreviewView) -> list[Line]:
    """Return what was done with the job and by whom, oldest first."""
    return [
        [
            fixed(f" {formatting.when_short(line.at)}  ", "muted"),
            span(f"{line.by}: ", "muted"),
            span(line.sentence),
        ]
        for line in view.audit
    ]


def all_lines(view: PreviewView) -> list[Line]:
    """Return the complete text on a job."""
    problems = problem_lines(view.problems, ("hold", "ask", "note"))
    rule: Line = [fixed(" History", "head")]
    facts = [*fact_lines(view), *cost_line(view)]
    return [*head_lines(view), *problems, [], *facts, [], rule, *history_lines(view)]


def pane_lines(view: PreviewView, columns: int = 76) -> list[Line]:
    """Return the complete text for a small pane, whose title has the first line.

    What blocks the job comes first, and its history ends with the newest line.
    """
    return [
        *head_lines(view)[1:],
        *problem_lines(view.problems, ("hold", "ask")),
        *cost_line(view),
        *fact_lines(view, columns),
        *problem_lines(view.problems, ("note",)),
        *step_lines(view),
        *history_lines(view)[-3:],
    ]


def forecast_line(view: JobForecast, keys: str = "M") -> Line:
    """Return the jobs of the coming months as a small chart, with their number and budget."""
    first, last = (formatting.month_name(each.month)[:3] for each in (view.months[0], view.months[-1]))
    total = formatting.count(view.jobs, "job")
    if float(view.budget):
        total += f" · budget {float(view.budget):,.0f}"
    return [
        fixed(" To come  ", "muted"),
        fixed(formatting.chart([each.jobs for each in view.months]), "accent"),
        fixed(f"  {first}–{last}  ", "muted"),
        fixed(total),
        fixed(f"  {keys}" if keys else "", "muted"),
    ]


def finding_lines(finding: AuditFinding, columns: int = 76) -> list[Line]:
    """Return a finding of the audit: what is wrong, what to do, and what was compared."""
    label = AUDIT_FINDINGS[finding.finding]
    facts = [
        ("Client", finding.client_name), ("Proposal", finding.proposal), ("Occurrence", finding.occurrence),
        ("Job", f"{finding.job} {finding.job_name}".strip()),
    ]  # fmt: skip
    if finding.expected or finding.found:
        facts += [("Expected", finding.expected), ("Found", finding.found)]
    if finding.url:
        facts.append(("Address", finding.url))
    return [
        [fixed(" "), fixed(f"{label.text}  ", "bad"), span(finding.name, "strong"),
         span(f"  {finding.number}", "muted")],
        [fixed(" "), span(finding.sentence)],
        [fixed(" → ", "accent"), span(finding.todo)],
        *card(facts, columns),
    ]  # fmt: skip


def xpm_job_lines(view: XpmJobView, columns: int = 76) -> list[Line]:
    """Return a job of XPM: its title, then the card."""
    facts = [
        ("Client", view.client), ("Reference", view.reference),
        ("Starts", formatting.day(view.start)), ("Due", formatting.day(view.due)),
        ("Category", view.category), ("Budget", view.budget),
        ("Partner", view.partner), ("Manager", view.manager), ("Staff", ", ".join(view.staff)),
        ("Address", view.url), *([("Created by", view.made_by)] if view.made_by else []),
    ]  # fmt: skip
    title: Line = [fixed(" "), span(view.name, "strong"), span(f"  {view.number}", "muted")]
    return [[*title, span(f"  {view.state}")], *card(facts, columns)]


SHOWN = 3
"""The most lines of each section of a client's activity."""
NO_CHANGES: Line = [fixed(" No run has changed this client.", "muted")]
NO_JOBS: Line = [fixed(" No current job.", "muted")]


class ClientActivity(Vertical):
    """A panel with the recent changes and current jobs of a client; shown if there is room."""

    def __init__(self) -> None:
        super().__init__()
        self._history, self._jobs = TextLabel(), TextLabel()
        self._history.border_title, self._jobs.border_title = "History", "Jobs in XPM"

    def compose(self) -> ComposeResult:
        """Compose the history and the jobs."""
        yield self._history
        yield self._jobs

    def clear(self) -> None:
        """Show that no client is selected."""
        self._history.say(lines(()))
        self._jobs.say(lines(()))

    def show(self, history: Sequence[tuple[datetime, str]], jobs: Sequence[XpmJob]) -> None:
        """Show the latest changes with their times, and the jobs, newest first."""
        columns = max(20, self.content_size.width)
        self._history.say(lines([_change(*each, columns) for each in history[:SHOWN]] or [NO_CHANGES]))
        found = [_job(job, columns) for job in jobs[:SHOWN]]
        if len(jobs) > SHOWN:
            rest = formatting.count(len(jobs) - SHOWN + 1, "more job")
            found[-1] = [fixed(f" … and {rest}", "muted")]
        self._jobs.say(lines(found or [NO_JOBS]))


def _change(at: datetime, text: str, columns: int) -> Line:
    return fit([fixed(f" {formatting.when_short(at):<13}", "muted"), span(visible(text))], columns)


def _job(job: XpmJob, columns: int) -> Line:
    state = span(f"  {job.state}", "muted")
    return fit([fixed(" "), span(job.number, "xpm"), fixed("  "), span(job.name), state], columns)
