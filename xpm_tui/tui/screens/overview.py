"""Overview: is it connected, is it in step, what waits for a person, what was done lately."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Static

from xpm_tui.domain import formatting, labels
from xpm_tui.domain.safe_text import Shown
from xpm_tui.lazy import lazy_imports
from xpm_tui.tui.safe_text import content
from xpm_tui.tui.screens.area import AreaScreen
from xpm_tui.tui.theme import style
from xpm_tui.tui.widgets import cells
from xpm_tui.tui.widgets.cells import Line, Look, Span, bar, lines, ours, span, wrap
from xpm_tui.tui.widgets.table import Table, TableColumn
from xpm_tui.tui.widgets.text import TextLabel

with lazy_imports():
    from xpm_tui.application.jobs import reports
    from xpm_tui.application.runs import history
    from xpm_tui.application.status import summary
    from xpm_tui.domain import tables
    from xpm_tui.tui.screens import run as screens_run
    from xpm_tui.tui.widgets import job_lines as widget_lines

if TYPE_CHECKING:
    from xpm_tui.application.jobs.views import JobCounts
    from xpm_tui.application.practice import OpenPractice
    from xpm_tui.application.status.summary import StatusSummary
    from xpm_tui.deploy.job_forecast import JobForecast
    from xpm_tui.domain.runs import Run

RUNS = 50
CARD, TALL, TALL_CARD = 12, 36, 16
"""Lines of a card, and from which height on there are more of them."""
LABEL = 10
"""Columns of a card's labels."""
WAITING = ("XPM", "since", "flow", "last good", "mirror", "Ignition", "import")
"""What the first frame has of the connection: the places of what is read after it."""


def written(run: Run) -> int:
    """How many changes a run made."""
    return run.counts.get("changes", run.done)


class Overview(AreaScreen):
    """The first screen."""

    AREA = "overview"
    ABOUT = (
        "Overview shows whether this practice is connected and up to date, what needs you, and "
        "what the last runs did. Enter on a run opens it with its log."
    )
    CSS_PATH: ClassVar = style("overview")

    def __init__(self) -> None:
        super().__init__()
        self._state = TextLabel(lines(_card("Connection", *WAITING)), classes="card", fixed=False)
        self._todo = TextLabel(lines(_card("Needs you", "reading")), classes="card", fixed=False)
        self._meter = TextLabel(classes="meter", fixed=False)
        self._ahead: JobForecast | None = None
        self._read: tuple[StatusSummary, str, str] | None = None
        self._most = 1
        self._runs: Table[Run] = Table(
            (
                TableColumn("RUN", 5),
                TableColumn("STARTED", 12),
                TableColumn("OUTCOME", 14),
                TableColumn("CHANGES", 7, right=True),
                TableColumn("", 10, drop=1),
                TableColumn("CALLS", 5, right=True, drop=2),
                TableColumn("BY", 10, grow=1, drop=3),
                TableColumn("HOW", 14, grow=1, drop=4),
            ),
            self._cells,
            lambda run: run.id,
            id="runs",
        )

    def body(self) -> ComposeResult:
        """Two cards, the allowance, the runs."""
        with Horizontal(classes="cards"):
            yield self._state
            yield self._todo
        yield self._meter
        yield Static(content(Shown(" Runs")), classes="section")
        yield self._runs

    async def look(self) -> None:
        """Heartbeat, policy and history."""

        def read(practice: OpenPractice) -> tuple[StatusSummary, list[Run], str, str, int]:

            policy = practice.policy()
            return (
                summary.summarize(practice),
                history.list_runs(practice, RUNS),
                labels.DIRECTIONS[policy.direction].text,
                labels.LEVELS[policy.level].text,
                practice.snapshot().count(tables.WORKFLOWS),
            )

        beat, runs, direction, level, workflows = await self.host.worker.ask(read)
        self._read = (beat, direction, level)
        self._draw()
        self._meter.display = beat.connected
        self._most = max((written(run) for run in runs), default=1) or 1
        self._runs.say_empty(
            "No sync yet. Press s to make the first plan; it is shown before anything is written."
            if beat.connected
            else "Not connected yet. Press c to connect this practice to XPM."
        )
        self._runs.show(runs)
        if self.focused is None:
            self._runs.rows.focus()
        self._ahead = await self.host.worker.ask(reports.forecast_jobs) if workflows else None
        self._draw()

    def _draw(self) -> None:
        """What was read, for the size of now."""
        if self._read is None:
            return
        beat, direction, level = self._read
        width, height = self.app.size
        room, inner = CARD if height < TALL else TALL_CARD, width // 2 - 2
        state = self._state_lines(beat, direction, level, self.host.worker.practice.clock.now())
        for card, found in ((self._state, state), (self._todo, self._todo_lines(beat))):
            card.say(lines(shortened([row for line in found for row in wrap(line, inner)], room)))
        ahead = self._ahead
        chart = [widget_lines.forecast_line(ahead, "")] if ahead is not None and ahead.jobs else []
        self._meter.say(lines([meter_line(beat, 12 if width >= 100 else 6), *chart]))

    def on_resize(self) -> None:
        """Cards and bars follow the width."""
        self._draw()

    def _state_lines(self, beat: StatusSummary, direction: str, level: str, clock: datetime) -> list[Line]:
        found: list[list[Span]] = [[ours("Connection", "head")]]

        def fact(label: str, *pieces: Span) -> None:
            found.append([ours(f"{label:<{LABEL}}", "muted"), *pieces])

        if beat.connected:
            signed_out = beat.login_needed
            dot = ours("○ ", "warn") if signed_out else ours("● ", "good")
            fact("XPM", dot, span(beat.title, "strong"))
            if signed_out:
                fact("", ours("login needed: ", "warn"), ours("c", "accent"), ours(" signs in again"))
            by = f" by {beat.by}" if beat.by else ""
            fact("since", span(f"{formatting.when_short(beat.since)}{by}"))
        else:
            fact("XPM", ours("○ not connected", "warn"))
            fact("", ours("c", "accent"), ours(" connects it"))
        fact("flow", span(f"{direction} · {level}"))
        fact("last good", span(formatting.ago(beat.last_good, clock, never="no sync yet")))
        fact(
            "mirror",
            span(f"{formatting.count(beat.xpm_clients, 'client')} · {formatting.ago(beat.mirror_at, clock)}"),
        )
        fact("Ignition", span(formatting.count(beat.clients, "client")))
        fact("import", span(formatting.ago(beat.import_at, clock)))
        return list(found)

    def _todo_lines(self, beat: StatusSummary) -> list[Line]:
        found: list[Line] = [[ours("Needs you", "head")]]
        facts: list[tuple[int, str, str, Look]] = [
            (beat.needs_person, "need a link", "g c r", "warn"),
            (len(beat.held), "run held", "g s", "warn"),
            (beat.conflicts, "conflicts planned", "W", "warn"),
            (beat.waiting, "wait for a tick", "g s v", "warn"),
            (beat.to_ignition, "not yet in Ignition", "g c X", "accent"),
            (beat.removed_contacts, "removed in XPM", "g c", "muted"),
            (len(beat.never_in_ignition), "cannot go to Ignition", "g c X", "warn"),
            (beat.frozen, "frozen fields", "g c", "muted"),
        ]
        for number, what, key, look in facts:
            if number:
                found.append(fact_line(number, what, key, look))
        found += job_lines(beat.jobs)
        if beat.skipped is not None:
            day = formatting.when_short(beat.skipped)
            found.append(
                [ours("    ! ", "warn"), ours(f"daily sync of {day} skipped: "), ours("s", "accent")]
            )
        for problem in beat.problems:
            if problem.code in ("jobs-held", "jobs-failed"):
                continue  # counted above
            found.append([ours("! ", "bad"), span(problem.sentence)])
        if beat.notes:
            closed = formatting.count(len(beat.notes), "list")
            found.append([ours("    · ", "muted"), ours(f"{closed} not read: xpm-tui status", "muted")])
        if len(found) == 1 + bool(beat.notes):
            found.insert(1, [ours("✓ ", "good"), ours("Nothing needs you.")])
        return found

    def _cells(self, run: Run) -> list[Line]:
        changes = written(run)
        return [
            [span(run.id, "strong")],
            [ours(formatting.when_short(run.started))],
            [cells.RUN_OUTCOMES.draw(run.outcome)],
            [ours(f"{changes:,}")],
            [ours(bar(changes / self._most, 10), "accent")],
            [ours(f"{run.calls:,}")],
            [span(run.by)],
            [span(run.error or f"{run.trigger} · {run_words(run)}", "muted")],
        ]

    def on_table_chosen(self, event: Table.Chosen) -> None:
        """A run with its log."""
        event.stop()
        self.app.push_screen(screens_run.RunScreen(event.item.id))

    def do_sync(self) -> None:
        """Plan first, in the Sync area."""
        self.host.plan_and_show()

    def do_plan(self) -> None:
        """The same: a plan is shown before it is applied."""
        self.host.plan_and_show()

    def do_connect(self) -> None:
        """The wizard."""
        self.host.connect()


def run_words(run: Run) -> str:
    """What a run was about."""
    return "jobs" if run.kind == "deploy" else labels.DIRECTIONS[run.direction].text


def fact_line(number: int, what: str, key: str, look: Look) -> Line:
    """How many of what wait, and the keys that lead there."""
    return [ours(f"{number:>5,} ", look), ours(f"{what:<21} "), ours(key, "muted")]


def job_lines(jobs: JobCounts) -> list[Line]:
    """What of the jobs needs a person or comes soon; what is alike shares a line."""
    facts: list[tuple[list[tuple[int, str]], str, Look]] = [
        ([(jobs.failed, "failed"), (jobs.held, "held"), (jobs.going, "half-made")], "g j", "warn"),
        ([(jobs.due, "due"), (jobs.missed, "missed")], "g j", "warn"),
        ([(jobs.changed, "stopped by a change")], "g j", "warn"),
        ([(jobs.soon, "in 14 days")], "g j", "muted"),
    ]
    found: list[Line] = []
    for parts, key, look in facts:
        told = [(number, word) for number, word in parts if number]
        if told:
            first, word = told[0]
            more = "".join(f" · {number:,} {other}" for number, other in told[1:])
            found.append(fact_line(first, f"{formatting.plural(first, 'job')} {word}{more}", key, look))
    if jobs.to_take:
        found.append(fact_line(jobs.to_take, "of Ignition to take over", "g j v", "accent"))
    return found


def shortened(found: Sequence[Line], room: int) -> Sequence[Line]:
    """No more lines than fit; the last one says how many are missing."""
    if len(found) <= room:
        return found
    return [*found[: room - 1], [ours(f"    … and {len(found) - room + 1} more: xpm-tui status", "muted")]]


def _card(title: str, *labels: str) -> list[Line]:
    return [[ours(title, "head")], *([ours(f"{label:<{LABEL}}", "muted"), ours("…")] for label in labels)]


def meter_line(beat: StatusSummary, columns: int) -> Line:
    """What is left of the calls to Xero."""
    pieces = [
        ours(" Calls to Xero  ", "muted"),
        ours(f"{beat.minute_left} of 60 this minute "),
        ours(bar(beat.minute_left / 60, columns), "good"),
    ]
    if beat.day_left is not None:
        limit = beat.day_limit or 5000
        left = beat.day_left / limit
        pieces += [
            ours(f"   {beat.day_left:,} of {limit:,} today "),
            ours(bar(left, columns), "good" if left > 0.2 else "warn"),
        ]
    return pieces
