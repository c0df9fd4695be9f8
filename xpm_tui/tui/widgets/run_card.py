"""A run in a few lines: what it is, how far it is, what came of it."""

from __future__ import annotations

from datetime import datetime

from xpm_tui.diagnose.cases.book_of_cases import case
from xpm_tui.model.runs import Run
from xpm_tui.tui import when
from xpm_tui.tui.widgets import looks
from xpm_tui.tui.widgets.bar import bar
from xpm_tui.tui.widgets.line import Line, Span, ours, span

WORDS = {
    "held": "Nothing more is written until a person decides: look at the stops, plan again, or release it.",
    "interrupted": "It was cut off. The next sync first finds out what had been written, then goes on.",
    "stopped": "It was stopped. The next sync goes on where it was.",
    "partial": "Some records failed; the log says which. The next sync tries them again.",
}

CUT_SHORT = "It ended early. What is done stays; the next sync goes on where it was."

HELD = {"held": "runs.release", "interrupted": "runs.resume", "stopped": "runs.resume"}
"""What goes on with a run that ended before its end."""

JOB_WORDS = {
    "held": "Some jobs wait for a person: g j shows them, with the reason.",
    "interrupted": "It was cut off. Jobs that were begun are finished by t in Jobs, or by the daily run.",
    "stopped": "It was stopped. Jobs that were begun are finished by t in Jobs, or by the daily run.",
    "partial": "Some jobs failed: g j shows them, with the reason; t tries them again.",
}


def left(run: Run, now: datetime) -> str:
    """About how long it still takes, judged by what is done; empty while that is not known."""
    if run.outcome != "running" or run.done < 3 or run.total <= run.done:
        return ""
    spent = max(0.0, (now - run.started).total_seconds())
    return f"about {when.seconds(spent / run.done * (run.total - run.done))} left"


def run_lines(run: Run, now: datetime, columns: int) -> list[Line]:
    """Head, progress, counts, stops."""
    head: list[Span] = [
        ours(" Run ", "head"), span(run.id, "head"), ours("  "),
        ours(when.OUTCOMES[run.outcome], looks.OUTCOMES[run.outcome]),
        ours("  " + ("Jobs" if run.kind == "deploy"
                     else f"{when.DIRECTIONS[run.direction]} · {when.LEVELS[run.level]}"), "muted"),
        span(f"  by {run.by}" + (f" on {run.host}" if run.host else ""), "muted"),
    ]  # fmt: skip
    found: list[Line] = [head]
    total = max(run.total, run.done)
    if run.outcome == "running" or total:
        room = max(10, min(48, columns - 44))
        part = run.done / total if total else 0.0
        numbers = f" {run.done:,} of {total:,}" if total else " reading the lists"
        found.append(
            [
                ours(" "), ours("▕", "muted"), ours(bar(part, room), looks.OUTCOMES[run.outcome]),
                ours("▏", "muted"),
                ours(numbers, "strong"), ours(f"  {when.counted(run.calls, 'call')}", "muted"),
                ours(f"  {left(run, now)}", "muted"),
            ]
        )  # fmt: skip
    if run.counts:
        told = " · ".join(
            f"{name.replace('_', ' ')} {number:,}" for name, number in sorted(run.counts.items()) if number
        )
        if told:
            found.append([span(" " + told, "muted")])
    for stop in run.stops:
        found.append([ours(" ■ ", "warn"), span(stop.sentence or stop.rule)])
    if run.error:
        found.append([ours(" ✗ ", "bad"), span(run.error)])
        known = case(run.case)
        if known is not None:
            found.append([ours(f"   Case {known.id}: ", "accent"), ours(f"{known.title}. {known.steps[0]}")])
    way = JOB_WORDS if run.kind == "deploy" else WORDS
    if run.error and run.kind != "deploy" and run.outcome in ("partial", "failed"):
        found.append([ours(" → ", "accent"), ours(CUT_SHORT)])
    elif run.outcome == "held" and run.stops and run.kind != "deploy":
        found.append([ours(" → ", "accent"), ours("Nothing is written until then. "), ours("a", "accent"),
                      ours(" releases it: planned anew, and on if no count has grown.")])  # fmt: skip
    elif run.outcome in way and not run.stops:
        found.append([ours(" → ", "accent"), ours(way[run.outcome])])
    return found
