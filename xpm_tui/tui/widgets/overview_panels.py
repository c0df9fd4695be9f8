"""The panels of Overview as lines: next step, clients, connection, attention, calls, changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from xpm_tui.domain import formatting, labels
from xpm_tui.domain.safe_text import Shown, visible
from xpm_tui.tui.widgets import cells
from xpm_tui.tui.widgets.cells import Line, Look, Span, fit, fixed, span, width, wrap

if TYPE_CHECKING:
    from xpm_tui.application.jobs.views import JobCounts, JobRowView
    from xpm_tui.application.status.summary import StatusSummary
    from xpm_tui.domain.runs import Run

DAYS = 14
"""Days in the chart."""
LABEL = 10
"""Width of the labels in Connection, in columns."""


class Step(NamedTuple):
    """The next step: its title, reason, button label, and the command or area that it opens."""

    title: str
    why: str
    button: str = ""
    action: str = ""


def _failed_run(status: StatusSummary) -> str:
    return next((problem.sentence for problem in status.problems if problem.code == "run-failed"), "")


def next_step(status: StatusSummary, now: datetime) -> Step:
    """Return the first step that applies.

    The steps are, in this order: connect, log in, watch a run in progress, decide about a held one, resume a
    stopped one, look at a failed one, conflicts, links, proposals to take over, unticked changes, sync.
    """
    jobs, count = status.jobs, formatting.count
    if not status.connected:
        return Step(
            "Connect this practice to XPM",
            "Nothing can be read from XPM or sent to it yet.",
            "Connect",
            "connect",
        )
    if status.login_needed:
        why = next(each.sentence for each in status.problems if each.code == "login-needed")
        return Step("Sign in to Xero again", why, "Sign in", "connect")
    if status.running:
        why = "It continues by itself, also when you leave the console."
        return Step(f"Run {status.running} is in progress", why, "Watch", f"run {status.running}")
    if status.held:
        why = next((each.sentence for each in status.problems if each.code == "held"), "")
        return Step(
            f"Decide about run {status.held[0]}, which is held for you", why, "Open", f"run {status.held[0]}"
        )
    if status.last_outcome in ("stopped", "interrupted"):
        why = "What it applied stays. Resuming it completes the rest, after a question with the numbers."
        title = f"Resume run {status.last_run}, which was {status.last_outcome}"
        return Step(title, why, "Resume", "runs.resume")
    if failed := _failed_run(status):
        return Step(f"Look at run {status.last_run}, which failed", failed, "Open", f"run {status.last_run}")
    if status.conflicts:
        return Step(
            f"Decide about {count(status.conflicts, 'value')} changed on both sides",
            "The newest plan would overwrite one side with the other.",
            "Compare",
            "conflicts",
        )
    if number := status.needs_person:
        they_are = formatting.plural(number, "it is/they are")
        return Step(
            f"Review {count(number, 'client')} that {formatting.plural(number, 'needs/need')} you",
            f"Until {they_are} linked or ignored, {they_are} not synced.",
            "Review",
            "clients.review",
        )
    if jobs.to_take:
        return Step(
            f"Take over {count(jobs.to_take, 'accepted proposal')}",
            f"{formatting.plural(jobs.to_take, 'Its/Their')} jobs are not created before that.",
            "Review",
            "proposals.list",
        )
    if number := status.waiting:
        them = formatting.plural(number, "it/them")
        return Step(
            f"Tick {count(number, 'change')} that {formatting.plural(number, 'waits/wait')} for you",
            f"The newest plan does not apply {them} until you tick {them}.",
            "Open",
            "sync",
        )
    if status.last_good is None or now - status.last_good > timedelta(days=1):
        ago = formatting.ago(status.last_good, now, never="There has been no sync yet")
        why = ago if status.last_good is None else f"The last successful sync was {ago}"
        return Step("Sync with XPM", f"{why}. You see a plan before anything is written.", "Plan", "plan")
    return Step("All done", f"Nothing needs you. The last sync was {formatting.ago(status.last_good, now)}.")


def step_lines(step: Step, columns: int) -> list[Line]:
    """Return the title with its button at the right, and the reason below."""
    button = [fixed(f" ▸ {step.button}  enter ", "title")] if step.action else []
    sign = fixed("▶ ", "accent") if step.action else fixed("● ", "good")
    title = fit([sign, span(step.title, "strong")], columns - width(button))
    why = wrap([fixed("  "), span(step.why, "muted")], columns)
    if len(why) > 1:
        why = [fit([fixed("  "), span(step.why, "muted")], columns)]
    return [[*title, *button], *why]


def client_numbers(status: StatusSummary) -> tuple[int, int, int, int]:
    """Return how many clients are linked, need attention, are ignored, and none of these."""
    linked, ignored = status.links.get("linked", 0), status.links.get("ignored", 0)
    other = max(0, status.clients - linked - ignored - status.needs_person)
    return linked, status.needs_person, ignored, other


def client_lines(status: StatusSummary, columns: int, height: int) -> list[Line]:
    """Return a stacked bar of the clients and its legend."""
    linked, needs, ignored, other = client_numbers(status)
    parts: list[tuple[int, str, Look, str]] = [
        (linked, "█", "good", "linked"),
        (needs, "▓", "warn", formatting.plural(needs, "needs you/need you")),
        (ignored, "░", "muted", "ignored"),
        (other, "─", "muted", "other"),
    ]
    total = sum(number for number, *_ in parts)
    if not total:
        return [*wrap([fixed("No clients yet: import Ignition's clients with g c I.", "muted")], columns)]
    sizes = shares([number for number, *_ in parts], columns)
    bar = [fixed(sign * size, look) for (_, sign, look, _), size in zip(parts, sizes, strict=True) if size]
    legend: list[Span] = []
    for number, sign, look, word in parts:
        if number:
            gap = "  " if legend else ""
            legend += [fixed(f"{gap}{sign} ", look), fixed(f"{number:,}", "strong"), fixed(f" {word}")]
    return [*[bar] * max(1, height - 1), *wrap(legend, columns)]


def shares(numbers: Sequence[int], columns: int) -> list[int]:
    """Distribute columns in proportion to the numbers; each number above 0 gets at least one."""
    total = sum(numbers)
    sizes = [max(1, number * columns // total) if number else 0 for number in numbers]
    sizes[sizes.index(max(sizes))] += columns - sum(sizes)
    return sizes


def connection_lines(
    status: StatusSummary, level: str, now: datetime, columns: int, height: int
) -> list[Line]:
    """Return facts about both sides; in a small panel each takes one line, the most important first."""
    facts: list[list[Span]] = []

    def fact(label: str, *pieces: Span) -> None:
        facts.append([fixed(f"{label:<{LABEL}}", "muted"), *pieces])

    def aged(count: int, age: str) -> Span:
        whole = f"{formatting.count(count, 'client')}, {age}"
        return span(whole if len(whole) + LABEL <= columns else age)

    if not status.connected:
        fact("XPM", fixed("○ not connected: ", "warn"), fixed("c", "accent"))
    elif status.login_needed:
        fact("Login", fixed("▲ needed: ", "warn"), fixed("c", "accent"), fixed(" signs in"))
    else:
        since = formatting.when_short(status.since)
        signed = f"{since}, by {status.by}" if status.by else since
        fits = len(signed) + LABEL + 2 <= columns
        fact("Connected", fixed("● ", "good"), span(signed if fits else since))
    fact("Syncs", span(level))
    fact("Last sync", span(formatting.ago(status.last_good, now, never="none yet")))
    fact("XPM data", aged(status.xpm_clients, formatting.ago(status.mirror_at, now, never="not read yet")))
    imported = formatting.ago(status.import_at, now, never="")
    fact("Ignition", aged(status.clients, f"import {imported}" if imported else "no import yet"))
    if status.connected:
        overdue = status.scheduled.is_overdue(now)
        fact("Next sync", span(status.scheduled.text(now), "warn" if overdue else ""))
    if status.login:
        fact("Signed in", span(status.login))
    if status.notes:
        fact("Not read", span(f"{formatting.count(len(status.notes), 'list')}: xpm-tui status"))
    rows = [row for each in facts for row in wrap(each, columns)]
    return rows if len(rows) <= height else [fit(each, columns) for each in facts[:height]]


class Attention(NamedTuple):
    """A line of what needs attention, and what Enter on it opens: a command, an area, or nothing."""

    line: Line
    action: str = ""


_COUNTED = frozenset({"jobs-held", "jobs-failed", "inbox-failed", "not-connected"})
"""Problems that are already shown as a number, or as the next step."""


def attention(status: StatusSummary, columns: int) -> list[Attention]:
    """Return what needs the user: a number, words, and the key that leads there."""
    exported = "export.clients"
    facts: list[tuple[int, str, str, Look, str]] = [
        (status.needs_person, "client to link/clients to link", "g c r", "warn", "clients.review"),
        (len(status.held), "run held for you/runs held for you", "g s", "warn", "sync"),
        (status.conflicts, _both("value", "changed on both sides"), "W", "warn", "conflicts"),
        (status.waiting, "change not ticked/changes not ticked", "g s v", "warn", "sync"),
        (status.inbox.failed, _both("inbox file", "failed"), "I", "warn", "inbox.list"),
        (status.inbox.waiting, _both("file", "in the inbox"), "I", "accent", "inbox.list"),
        *_job_facts(status.jobs),
        (status.to_ignition, _both("client", "not in Ignition yet"), "g c X", "accent", exported),
        (status.removed_contacts, _both("contact", "removed in XPM"), "g c", "muted", "clients"),
        (len(status.never_in_ignition), _both("client", "Ignition refuses"), "g c X", "warn", exported),
        (status.frozen, "frozen field/frozen fields", "g c", "muted", "clients"),
    ]
    found: list[Attention] = []

    def sentence(sign: str, look: Look, text: str, action: str = "") -> None:
        for row in wrap([fixed(f"    {sign} ", look), span(text)], columns):
            found.append(Attention(row, action))

    # What keeps data from being current comes first: a sync that stops must be visible without scrolling.
    if status.skipped is not None:
        day = formatting.when_short(status.skipped)
        sentence("▲", "warn", f"The daily sync of {day} was skipped: s syncs now", "plan")
    for problem in status.problems:
        if problem.code not in _COUNTED:
            sentence("▲", "bad", problem.sentence)
    for number, words, key, look, action in facts:
        if number:
            found += _fact_rows(number, formatting.plural(number, words), key, look, action, columns)
    if not found:
        found.append(Attention([fixed(" ● ", "good"), fixed("Nothing needs you.")]))
    if status.notes:
        sentence("–", "muted", f"{formatting.count(len(status.notes), 'list')} not read: xpm-tui status")
    return found


def _both(noun: str, rest: str) -> str:
    """Return the singular and plural of a phrase as ``formatting.plural`` takes them."""
    return f"{noun} {rest}/{formatting.plural(2, noun)} {rest}"


def _fact_rows(
    number: int, words: str, key: str, look: Look, action: str, columns: int
) -> Iterator[Attention]:
    tail = [fixed(f"  {key}", "accent")]
    room = columns - width(tail)
    for place, row in enumerate(wrap([fixed(f"{number:>5,} ", look), fixed(words)], room)):
        yield Attention([*fit(row, room), *([] if place else tail)], action)


def _job_facts(jobs: JobCounts) -> Iterator[tuple[int, str, str, Look, str]]:
    """Return which jobs need the user or are due soon; similar facts share a line."""
    facts: list[tuple[list[tuple[int, str]], Look]] = [
        ([(jobs.failed, "failed"), (jobs.held, "held"), (jobs.going, "unfinished")], "warn"),
        ([(jobs.due, "due"), (jobs.missed, "missed")], "warn"),
        ([(jobs.changed, "stopped by a change")], "warn"),
        ([(jobs.soon, "in the next 14 days")], "muted"),
    ]
    if jobs.to_take:
        yield (
            jobs.to_take,
            "proposal to take over/proposals to take over",
            "g j v",
            "accent",
            "proposals.list",
        )
    for parts, look in facts:
        shown = [(number, word) for number, word in parts if number]
        if shown:
            first, word = shown[0]
            more = "".join(f" · {number:,} {other}" for number, other in shown[1:])
            yield first, f"job {word}{more}/jobs {word}{more}", "g j", look, "jobs"


def call_lines(status: StatusSummary, columns: int) -> list[Line]:
    """Return what is left of Xero's call limits: a gauge and a number for each."""
    left = f"{status.minute_left} of 60 left"
    rows: list[tuple[str, str, float | None]] = [("Minute ", left, status.minute_left / 60)]
    if status.day_left is not None:
        limit = status.day_limit or 5000
        words = f"{status.day_left:,} of {limit:,} left"
        rows.append(("Today  ", words, status.day_left / limit))
    else:
        rows.append(("Today  ", "shown after a first call", None))
    room = max(len(words) for _, words, part in rows if part is not None)
    found: list[Line] = []
    for label, words, part in rows:
        if part is None:
            found.append([fixed(label, "muted"), fixed(words, "muted")])
            continue
        look: Look = "good" if part > 0.2 else "warn"
        bar = formatting.gauge(part, max(4, columns - len(label) - room - 1))
        found.append([fixed(label, "muted"), fixed(bar, look), fixed(f" {words:>{room}}")])
    return found


def written(run: Run) -> int:
    """Return how many changes a run made."""
    return run.counts.get("changes", run.done)


_WORST = ("failed", "interrupted", "held", "partial", "stopped", "running", "done", "skipped")


class ChartDay(NamedTuple):
    """A day of the chart: its changes, and the worst outcome of its runs; empty without any run."""

    day: date
    changes: int = 0
    outcome: str = ""


def chart_days(runs: Sequence[Run], today: date) -> list[ChartDay]:
    """Return the last days, oldest first."""
    found = [ChartDay(today - timedelta(days=ago)) for ago in reversed(range(DAYS))]
    for run in runs:
        place = DAYS - 1 - (today - run.started.astimezone().date()).days
        if 0 <= place < DAYS:
            before = found[place]
            outcome = min(
                (each for each in (before.outcome, run.outcome) if each),
                key=lambda each: _WORST.index(each) if each in _WORST else len(_WORST),
            )
            found[place] = ChartDay(before.day, before.changes + written(run), outcome)
    return found


def chart_words(days: Sequence[ChartDay], columns: int) -> str:
    """Return the chart in words, in full if there is room."""
    total = sum(each.changes for each in days)
    most = max(days, key=lambda each: each.changes)
    short = f"{total:,} in {DAYS} days" if total else f"none in {DAYS} days"
    long = f"{short}, most on {formatting.day(most.day).rpartition(' ')[0]}: {most.changes:,}"
    return long if total and len(long) <= columns else short


def chart_lines(days: Sequence[ChartDay], columns: int, height: int) -> list[Line]:
    """Return a chart with a column per day, the outcome of its runs below, and the day of the month."""
    most = max(each.changes for each in days) or 1
    axis = len(f"{most:,}") + 1
    each_day = max(2, min(7, (columns - axis) // len(days)))
    bars = max(1, height - 2)
    columns_of = [formatting.column(day.changes, most, bars) for day in days]
    found: list[Line] = []
    for row in range(bars):
        label = f"{most:,}" if row == 0 else "0" if row == bars - 1 else ""
        pieces = [fixed(f"{label:>{axis - 1}} ", "muted")]
        for day, signs in zip(days, columns_of, strict=True):
            none = row == bars - 1 and not day.changes and not day.outcome
            sign = "·" if none else signs[row]
            look: Look = "muted" if not day.changes else "accent"
            if day.changes and day.outcome not in ("done", "running", "skipped"):
                look = cells.RUN_OUTCOMES.look(day.outcome)
            pieces.append(fixed((sign * (each_day - 1)).ljust(each_day), look))
        found.append(pieces)
    marks = [fixed(" " * axis)]
    dates = [fixed(" " * axis)]
    for place, day in enumerate(days):
        sign, look = cells.RUN_OUTCOMES.sign(day.outcome) if day.outcome else fixed("·", "muted")
        marks.append(Span(Shown(f"{sign:<{each_day}}"), look))
        has_date = each_day > 2 or place % 2 == len(days) % 2
        if has_date:
            dates.append(fixed(f"{day.day.day:<{each_day if each_day > 2 else 4}}", "muted"))
    return [*found, marks, dates]


def legend(days: Sequence[ChartDay], columns: int) -> str:
    """Return the legend of the marks that occur in the chart, as many as fit."""
    shown = [labels.RUN_OUTCOMES[code].marked for code in _WORST if any(day.outcome == code for day in days)]
    while len("  ".join(shown)) > columns:
        shown.pop()
    return "  ".join(shown)


def run_line(run: Run, columns: int) -> Line:
    """Return how a run ended, when it started and what it changed; if there is room, its outcome in words."""
    changes = formatting.count(written(run), "change")
    room = 12 if columns < 40 else 15
    if len(changes) > room:
        changes = formatting.figure(written(run))
    outcome = cells.RUN_OUTCOMES.draw(run.outcome)
    pieces = [
        fixed(" "), cells.RUN_OUTCOMES.sign(run.outcome), fixed(" "),
        *fit([span(run.id, "strong")], 5), *fit([fixed(formatting.when_short(run.started))], 13),
        *fit([fixed(changes)], room, right=True),
    ]  # fmt: skip
    if width(pieces) + 16 <= columns:
        pieces += [
            fixed("  "),
            *fit([Span(visible(labels.RUN_OUTCOMES[run.outcome].text), outcome.look)], 14),
        ]
    if width(pieces) + WORDS <= columns:
        pieces.append(span(f"  {run_words(run, columns - width(pieces) - 2)}", "muted"))
    return pieces


RUN_COLUMNS, WORDS = 53, 40
"""The width of a run with its outcome, and what it needs beside that to say who started it, in columns."""


def run_words(run: Run, columns: int) -> str:
    """Return who started a run, how, its calls and its scope, as much as fits."""
    about = "Jobs" if run.kind == "deploy" else labels.DIRECTIONS[run.direction].text
    trigger = labels.TRIGGERS[run.trigger].inline if run.trigger in labels.TRIGGERS else run.trigger
    parts = [f"by {run.by}", trigger, formatting.count(run.calls, "call"), about]
    while len(parts) > 1 and len(", ".join(parts)) > columns:
        parts.pop()
    return ", ".join(parts)


def coming_lines(jobs: Sequence[JobRowView], columns: int, height: int) -> list[Line]:
    """Return the next jobs: date, client, name, and whether each needs the user."""
    found: list[Line] = []
    for job in jobs[:height]:
        tail = [fixed("automatic", "muted") if job.automatic else fixed("needs you", "warn")]
        client = job.client.name if job.client else ""
        when = formatting.day_short(job.deploy_on)
        text = [fixed(f"{when:<8}", "muted"), span(job.name), span(f"  {client}", "muted")]
        found.append([*fit(text, columns - width(tail)), *tail])
    if found and len(jobs) > height:
        found[-1] = [fixed(f"… and {len(jobs) - height + 1:,} more: g j", "muted")]
    return found


WHEN = 8
"""Width of the time of an activity, in columns."""


def activity_lines(
    lines: Sequence[tuple[datetime | None, Shown, Look]], now: datetime, columns: int, height: int
) -> list[Line]:
    """Return the newest activity, newest first, wrapped beside its time or, before today, its day."""
    found: list[Line] = [] if lines else [*wrap([fixed("Nothing has happened yet.", "muted")], columns)]
    today = now.astimezone().date()
    for at, text, look in lines:
        day, _, clock = formatting.when_short(at).rpartition(" ")
        when = clock if at is None or at.astimezone().date() == today else day
        for place, row in enumerate(wrap([Span(text, look)], columns - WHEN)):
            found.append([fixed(f"{'' if place else when:<{WHEN}}", "muted"), *row])
        if len(found) >= height:
            break
    return found[:height]
