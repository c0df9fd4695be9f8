"""A job in lines: the exact job, what is the matter with it, what clashes, what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from xpm_tui.application.jobs.queries import XpmJobView
from xpm_tui.application.jobs.views import JobRowView, PreviewView, ProblemView
from xpm_tui.commands.consequences import cost
from xpm_tui.domain import formatting
from xpm_tui.domain.job_labels import AUDIT_FINDINGS
from xpm_tui.tui.widgets import cells
from xpm_tui.tui.widgets.cells import Line, Span, chart, ours, span

if TYPE_CHECKING:
    from xpm_tui.deploy.job_audit import AuditFinding
    from xpm_tui.deploy.job_forecast import JobForecast

CLASHES = frozenset({"reference-taken", "reference-ours", "same-job", "same-name", "number-taken"})
"""Problems that are about jobs which XPM has already."""

BLOCKED: Line = [
    ours(" ! ", "warn"),
    ours("No jobs are created: XPM may still be switched on in Ignition. g e, then / ignition"),
]
"""Why nothing goes out, on one line, and where to change it."""

_WAITS = ("due", "missed", "coming", "held", "failed", "going")


def state_span(state: str) -> Span:
    """A state as glyph and word."""
    return cells.JOB_STATES.draw(state)


def row_note(view: JobRowView) -> Line:
    """What a row of the list says beside its state."""
    if view.why:
        return [span(view.why, "muted")]
    told = [view.repeats] if view.repeats != "once" else []
    if view.automatic and view.state in ("coming", "due"):
        told.append("by itself")
    if view.in_xpm:
        told.append(f"in XPM: {view.in_xpm}")
    return [span(" · ".join(told), "muted")]


def head_lines(view: PreviewView) -> list[Line]:
    """What it is, where it stands and why."""
    job = view.job
    first: list[Span] = [ours(" "), span(view.name or "(no name)", "strong"), ours(f"  {job.id}  ", "muted")]
    first.append(state_span(job.state))
    if job.number:
        first.append(span(f"  {job.number}", "strong"))
    found: list[Line] = [first]
    if job.why and job.why not in {problem.sentence for problem in view.problems}:
        found.append([ours(" → ", "warn"), span(job.why)])
    return found


def problem_lines(problems: Sequence[ProblemView], weights: tuple[str, ...]) -> list[Line]:
    """What is the matter, with the way out."""
    found: list[Line] = []
    for problem in problems:
        if problem.weight in weights:
            clash = "clash: " if problem.code in CLASHES else ""
            told = f"{problem.sentence} {problem.hint}".rstrip()
            weight = cells.PROBLEM_WEIGHTS.draw(problem.weight)
            found.append([ours(" "), weight, ours(": "), ours(clash), span(told)])
    return found


def fact_lines(view: PreviewView) -> list[Line]:
    """The exact job, several facts on a line."""

    def fact(label: str, text: str) -> list[Span]:
        return [ours(f"{label} ", "muted"), span(text or "–"), ours("   ")]

    here = view.client.name if view.client else "(none)"
    job = view.job
    number = job.number or view.number or "XPM's next"
    until = f", until {formatting.day(view.until)}" if view.until else ""
    again = [] if job.repeats == "once" else fact("comes back", f"{job.repeats}{until}")
    fresh = any(problem.code == "client-new" for problem in view.problems)
    there = view.xpm_client or ("made first" if fresh else "")
    found: list[Line] = [
        [ours(" "), *fact("client", here), *fact("in XPM", there)],
        [ours(" "), *fact("from", formatting.day(view.start)), *fact("due", formatting.day(view.due)),
         *fact("goes out", formatting.day(job.deploy_on)), *again],
        [ours(" "), *fact("reference", view.reference), *fact("number", number)],
        [ours(" "), *fact("category", view.category), *fact("budget", view.budget),
         *fact("state", view.state_code or "XPM's first")],
        [ours(" "), *fact("templates", " + ".join(ref.name for ref in view.templates))],
        [ours(" "), *fact("partner", view.partner), *fact("manager", view.manager),
         *fact("staff", ", ".join(view.staff))],
        [ours(" "), *fact("description", " · ".join(view.description.splitlines()))],
    ]  # fmt: skip
    if job.state in _WAITS and view.consequences is not None:
        found.append([ours(" "), *fact("takes", cost(view.consequences))])
    if job.url:
        state = job.in_xpm or "not among its current jobs"
        found.append([ours(" "), *fact("address", job.url), *fact("in XPM", state)])
    if job.left_out:
        found.append([ours(" "), *fact("left out", "; ".join(job.left_out))])
    if job.earlier:
        found.append([ours(" "), *fact("numbers before", ", ".join(job.earlier))])
    return found


def history_lines(view: PreviewView) -> list[Line]:
    """What was done with it, by whom, oldest first."""
    return [
        [
            ours(f" {formatting.when_short(line.at)}  ", "muted"),
            span(f"{line.by}: ", "muted"),
            span(line.sentence),
        ]
        for line in view.audit
    ]


def all_lines(view: PreviewView) -> list[Line]:
    """All of it: for reading."""
    problems = problem_lines(view.problems, ("hold", "ask", "note"))
    rule: Line = [ours(" History", "head")]
    return [*head_lines(view), *problems, [], *fact_lines(view), [], rule, *history_lines(view)]


def pane_lines(view: PreviewView) -> list[Line]:
    """The same for a low pane: what keeps it back comes first, the newest of its history last."""
    return [
        *head_lines(view),
        *problem_lines(view.problems, ("hold", "ask")),
        *fact_lines(view),
        *problem_lines(view.problems, ("note",)),
        *history_lines(view)[-3:],
    ]


def forecast_line(view: JobForecast, keys: str = "M") -> Line:
    """The jobs of the coming months as a small chart, with their number and budget."""
    first, last = (formatting.month_name(each.month)[:3] for each in (view.months[0], view.months[-1]))
    told = formatting.count(view.jobs, "job")
    if float(view.budget):
        told += f" · budget {float(view.budget):,.0f}"
    return [
        ours(" To come  ", "muted"),
        ours(chart([each.jobs for each in view.months]), "accent"),
        ours(f"  {first}–{last}  ", "muted"),
        ours(told),
        ours(f"  {keys}" if keys else "", "muted"),
    ]


def finding_lines(each: AuditFinding) -> list[Line]:
    """A finding of the audit: what is wrong, what to do, and what was compared."""
    label = AUDIT_FINDINGS[each.finding]

    def fact(title: str, text: str) -> list[Span]:
        return [ours(f"{title} ", "muted"), span(text or "–"), ours("   ")]

    found: list[Line] = [
        [ours(" "), ours(f"{label.text}  ", "bad"), span(each.name, "strong"),
         span(f"  {each.number}", "muted")],
        [ours(" "), span(each.sentence)],
        [ours(" → ", "accent"), span(each.todo)],
        [ours(" "), *fact("client", each.client_name), *fact("proposal", each.proposal),
         *fact("occurrence", each.occurrence)],
        [ours(" "), *fact("job", f"{each.job} {each.job_name}".strip())],
    ]  # fmt: skip
    if each.expected or each.found:
        found.append([ours(" "), *fact("expected", each.expected), *fact("found", each.found)])
    if each.url:
        found.append([ours(" "), *fact("address", each.url)])
    return found


def current_lines(view: XpmJobView) -> list[Line]:
    """A job of XPM."""

    def fact(label: str, text: str) -> list[Span]:
        return [ours(f"{label} ", "muted"), span(text or "–"), ours("   ")]

    made: Line = [ours(" made from here: ", "muted"), span(view.made_by)] if view.made_by else []
    return [
        [ours(" "), span(view.name, "strong"), span(f"  {view.number}", "muted"), span(f"  {view.state}")],
        [ours(" "), *fact("client", view.client), *fact("reference", view.reference)],
        [ours(" "), *fact("from", formatting.day(view.start)), *fact("due", formatting.day(view.due))],
        [ours(" "), *fact("category", view.category), *fact("budget", view.budget)],
        [ours(" "), *fact("partner", view.partner), *fact("manager", view.manager),
         *fact("staff", ", ".join(view.staff))],
        [ours(" "), *fact("address", view.url)],
        *([made] if made else []),
    ]  # fmt: skip
