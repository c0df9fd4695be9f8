"""A run in a few lines: its scope, progress and outcome."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from textual.markup import escape

from xpm_tui.application.runs.consequences import RunForecast
from xpm_tui.application.runs.history import FieldProgress, run_counts
from xpm_tui.diagnostics.error_presenter import problem_title
from xpm_tui.diagnostics.known_problems.registry import find_problem
from xpm_tui.domain import formatting, labels, pace
from xpm_tui.domain.runs import UNKNOWN, Run
from xpm_tui.domain.safe_text import visible
from xpm_tui.tui.widgets import cells
from xpm_tui.tui.widgets.cells import Line, Look, Span, fit, fixed, span, wrap
from xpm_tui.tui.widgets.frame import direction_spans

CUT_SHORT = "It ended early. What was applied stays; the next sync continues from there."

_GOES_ON = frozenset({"held", "interrupted", "stopped", "partial"})
"""Outcomes after which the run can continue."""

STOPPING = "Stopping: nothing more is sent. Waiting for the answer to the current call."
RECORDS_TIMED = 3
"""The number of records after which the time spent is used to estimate the rest."""
SOON = 60.0
"""Below this many seconds the estimated end is not shown."""
NO_FORECAST = RunForecast()

FRAME = 4
"""Columns of a panel's border and padding."""

HELD = {"held": "runs.release", "interrupted": "runs.resume", "stopped": "runs.resume"}
"""How a run that was held or stopped can continue."""


def seconds_left(run: Run, now: datetime, forecast: RunForecast = NO_FORECAST) -> float:
    """Return about how many seconds the run still takes, 0 while unknown.

    The estimate uses the calls for which the run has to wait, or the time spent on its records so far.
    """
    if run.outcome != "running" or forecast.stopping or run.total <= run.done:
        return 0.0
    seconds = forecast.seconds or 0.0
    if run.done >= RECORDS_TIMED and not seconds:
        spent = max(0.0, (now - run.started).total_seconds())
        seconds = spent / run.done * (run.total - run.done)
    return seconds


def forecast_lines(forecast: RunForecast, columns: int) -> list[Line]:
    """Return why a run is waiting, and until when."""
    if forecast.stopping:
        return [*wrap([fixed("■ ", "warn"), fixed(STOPPING)], columns)]
    found: list[Line] = []
    if forecast.waits:
        found += wrap([fixed("◷ ", "accent"), fixed(pace.waiting(forecast.waits))], columns)
    if forecast.beyond_today:
        until = f" It can continue at {formatting.when(forecast.day_until)}." if forecast.day_until else ""
        text = f"Today's calls are not enough for {formatting.count(forecast.beyond_today, 'call')}.{until}"
        found += wrap([fixed("▲ ", "warn"), fixed(text)], columns)
    return found


def _scope(run: Run) -> str:
    """Return the scope of a run: jobs, or the direction of a sync and what is synced."""
    if run.kind == "deploy":
        return "Jobs"
    sides = "XPM ▸ Ignition" if run.direction == "from_xpm" else "Ignition ▸ XPM"
    return f"{sides} · {labels.LEVELS[run.level].text}"


def run_scope(run: Run) -> Line:
    """Return the scope of a run: jobs, or the sides in the order of the sync and what is synced."""
    if run.kind == "deploy":
        return [fixed("Jobs", "strong")]
    return [*direction_spans(run.direction), fixed(f"  {labels.LEVELS[run.level].text}", "muted")]


def frame_text(text: str) -> str:
    """Return a text for the border of a panel, where brackets would be markup."""
    return escape(visible(text))


def run_title(run: Run) -> str:
    """Return the title of a run's panel: its outcome and scope."""
    return f"Run {run.id}: {labels.RUN_OUTCOMES[run.outcome].marked}   {_scope(run)}"


def run_subtitle(run: Run) -> str:
    """Return when a run started, and by whom and where."""
    where = f" on {run.host}" if run.host else ""
    return f"started {formatting.when_short(run.started)} by {run.by}{where}"


def run_lines(run: Run, now: datetime, columns: int, forecast: RunForecast = NO_FORECAST) -> list[Line]:
    """Return progress, waiting time, time left, counts and stops; each line at most ``columns`` wide."""
    found: list[Line] = []
    total = max(run.total, run.done)
    calls = formatting.count(run.calls, "call")
    if run.outcome == "running" and not total:
        found.append([fixed("◷ ", "accent"), fixed("Reading the lists"), fixed(f"   {calls}", "muted")])
    elif run.outcome == "running" or total:
        part = run.done / total if total else 0.0
        noun = "job" if run.kind == "deploy" else "record"
        numbers = f" {run.done:,} of {formatting.count(total, noun)}  {part:>4.0%}  "
        room = max(10, min(60, columns - len(numbers) - len(calls)))
        bar = fixed(formatting.gauge(part, room), cells.RUN_OUTCOMES.look(run.outcome))
        found.append([bar, fixed(numbers, "strong"), fixed(calls, "muted")])
    found += forecast_lines(forecast, columns)
    if (seconds := seconds_left(run, now, forecast)) >= 1:
        left = formatting.duration(seconds, about=True)
        words = f"{left[0].upper()}{left[1:]} left"
        if seconds >= SOON:
            words += f", ends at about {formatting.clock(now + timedelta(seconds=seconds))[:5]}"
        found.append([fixed(words, "strong"), fixed("   waits included" if forecast.waits else "", "muted")])
    if counts := " · ".join(run_counts(run)):
        found += wrap([span(counts, "muted")], columns)
    for stop in run.stops:
        found += wrap([fixed("▲ ", "warn"), span(stop.sentence or stop.rule)], columns)
    if run.error:
        found += wrap([fixed("✕ ", "bad"), span(run.error)], columns)
        known = find_problem(run.case)
        if known is not None:
            found += wrap(
                [fixed("  "), fixed(f"{problem_title(known)}. ", "accent"), fixed(known.steps[0])], columns
            )
    way = labels.JOB_RUN_OUTCOMES if run.kind == "deploy" else labels.RUN_OUTCOMES
    note: list[Span] = []
    if run.error and run.kind != "deploy" and run.outcome in ("partial", "failed"):
        note = [fixed(CUT_SHORT)]
    elif run.outcome == "held" and any(stop.rule == UNKNOWN for stop in run.stops):
        note = [fixed("What it wrote stays. "), fixed("a", "accent"),
                fixed(" looks up the write without an answer, then continues.")]  # fmt: skip
    elif run.outcome == "held" and run.stops and run.kind != "deploy":
        note = [fixed("Nothing is written until then. "), fixed("a", "accent"),
                fixed(" releases it: it is planned again and continues if no count has grown.")]  # fmt: skip
    elif run.outcome in _GOES_ON and not run.stops:
        note = [fixed(way[run.outcome].help)]
    return [*found, *wrap([fixed("→ ", "accent"), *note], columns)] if note else found


FIELD_LABEL = 18
"""Columns of the name of a field."""
FIELDS = 50
"""Columns of the panel that shows the fields."""


def field_lines(fields: Sequence[FieldProgress], columns: int, height: int) -> list[Line]:
    """Return the progress of a run by field: a gauge and its numbers; fields without room are counted."""
    shown = fields if len(fields) <= height else fields[: height - 1]
    numbers = [f"{each.done:,} of {each.total:,}" for each in shown]
    room = max(map(len, numbers), default=0)
    line = max(4, columns - FIELD_LABEL - room - 4)
    found: list[Line] = []
    for each, number in zip(shown, numbers, strict=True):
        whole = each.done >= each.total
        gauge = formatting.gauge(each.done / each.total if each.total else 0.0, line)
        look: Look = "good" if whole else "accent"
        sign = " ✓" if whole else "  "
        name = fit([span(each.label, "muted")], FIELD_LABEL)
        found.append([*name, fixed(f" {gauge}", look), fixed(f" {number:>{room}}"), fixed(sign, "good")])
    if len(shown) < len(fields):
        rest = fields[len(shown) :]
        done, total = sum(each.done for each in rest), sum(each.total for each in rest)
        more = f"and {formatting.count(len(rest), 'more field')}: {done:,} of {total:,}"
        found.append([fixed(more, "muted")])
    return found
