"""A run in a few lines: what it is, how far it is, what came of it."""

from __future__ import annotations

from datetime import datetime

from xpm_tui.application.runs.consequences import RunForecast
from xpm_tui.diagnostics.error_presenter import problem_title
from xpm_tui.diagnostics.known_problems.registry import find_problem
from xpm_tui.domain import formatting, labels, pace
from xpm_tui.domain.runs import UNKNOWN, Run
from xpm_tui.tui.widgets import cells
from xpm_tui.tui.widgets.cells import Line, Span, bar, ours, span, wrap

CUT_SHORT = "It ended early. What is done stays; the next sync continues from there."

_GOES_ON = frozenset({"held", "interrupted", "stopped", "partial"})
"""Outcomes that leave something to do."""

STOPPING = "Stopping: nothing more is sent. The call that Xero is answering is still waited for."
RECORDS_TIMED = 3
"""Records after which their time tells how long the rest takes."""
NO_FORECAST = RunForecast()

HELD = {"held": "runs.release", "interrupted": "runs.resume", "stopped": "runs.resume"}
"""What goes on with a run that ended before its end."""


def time_left(run: Run, now: datetime, forecast: RunForecast = NO_FORECAST) -> str:
    """Return about how long the run still takes, or an empty text while that is not known.

    It follows from the calls that the run has to wait for, or from the time that its records took so far.
    """
    if run.outcome != "running" or forecast.stopping or run.total <= run.done:
        return ""
    seconds = forecast.seconds or 0.0
    if run.done >= RECORDS_TIMED and not seconds:
        spent = max(0.0, (now - run.started).total_seconds())
        seconds = spent / run.done * (run.total - run.done)
    return f"{formatting.duration(seconds, about=True)} left" if seconds >= 1 else ""


def forecast_lines(forecast: RunForecast, columns: int) -> list[Line]:
    """Return why a run stands still, and until when."""
    if forecast.stopping:
        return [*wrap([ours(" ■ ", "warn"), ours(STOPPING)], columns)]
    found: list[Line] = []
    if forecast.waits:
        found += wrap([ours(" ◷ ", "accent"), ours(pace.waiting(forecast.waits))], columns)
    if forecast.beyond_today:
        until = f" It can continue at {formatting.when(forecast.day_until)}." if forecast.day_until else ""
        told = f"Today's allowance has no room for {formatting.count(forecast.beyond_today, 'call')}.{until}"
        found += wrap([ours(" ▲ ", "warn"), ours(told)], columns)
    return found


def _scope(run: Run) -> str:
    """Return what a run is about: jobs, or the direction and the level of a sync."""
    if run.kind == "deploy":
        return "Jobs"
    return f"{labels.DIRECTIONS[run.direction].text} · {labels.LEVELS[run.level].text}"


def run_lines(run: Run, now: datetime, columns: int, forecast: RunForecast = NO_FORECAST) -> list[Line]:
    """Head, progress, what it waits for, counts, stops."""
    head: list[Span] = [
        ours(" Run ", "head"), span(run.id, "head"), ours("  "),
        cells.RUN_OUTCOMES.draw(run.outcome),
        ours(f"  {_scope(run)}", "muted"),
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
                ours(" "), ours("▕", "muted"), ours(bar(part, room), cells.RUN_OUTCOMES.look(run.outcome)),
                ours("▏", "muted"),
                ours(numbers, "strong"), ours(f"  {formatting.count(run.calls, 'call')}", "muted"),
                ours(f"  {time_left(run, now, forecast)}", "muted"),
            ]
        )  # fmt: skip
    found += forecast_lines(forecast, columns)
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
        known = find_problem(run.case)
        if known is not None:
            found.append([ours(f"   {problem_title(known)}. ", "accent"), ours(known.steps[0])])
    way = labels.JOB_RUN_OUTCOMES if run.kind == "deploy" else labels.RUN_OUTCOMES
    if run.error and run.kind != "deploy" and run.outcome in ("partial", "failed"):
        found.append([ours(" → ", "accent"), ours(CUT_SHORT)])
    elif run.outcome == "held" and any(stop.rule == UNKNOWN for stop in run.stops):
        found.append([ours(" → ", "accent"), ours("What it wrote stays. "), ours("a", "accent"),
                      ours(" looks up the write without an answer, then continues.")])  # fmt: skip
    elif run.outcome == "held" and run.stops and run.kind != "deploy":
        found.append([ours(" → ", "accent"), ours("Nothing is written until then. "), ours("a", "accent"),
                      ours(" releases it: it is planned again and goes on if no count grew.")])  # fmt: skip
    elif run.outcome in _GOES_ON and not run.stops:
        found.append([ours(" → ", "accent"), ours(way[run.outcome].help)])
    return found
