"""The status of a practice, for headers and for ``status``, from what is stored here.

It includes the calls to Xero that are left, by the record of the rate limiter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import msgspec

from xpm_tui.application.condition import login_problem
from xpm_tui.application.csv_io.exports import ExportState, OmittedRecord, export_state, last_import
from xpm_tui.application.csv_io.inbox import InboxStatus, inbox_status
from xpm_tui.application.derived_data import SavedCount, cached_count
from xpm_tui.application.jobs.views import JobCounts
from xpm_tui.application.practice import LISTS, OpenPractice, list_state, read_identity
from xpm_tui.application.presenters.presenter import SetAsideView, set_aside_views
from xpm_tui.application.runs import history, unattended_runs
from xpm_tui.application.runs.unattended_runs import ScheduledSyncs
from xpm_tui.domain.errors import StoreUnreadable
from xpm_tui.domain.formatting import count, time_span
from xpm_tui.domain.links import LinkState
from xpm_tui.domain.pace import ALL_MINUTE, LIMITER_FILE
from xpm_tui.domain.ports import Allowance, Clock, Snapshot
from xpm_tui.domain.runs import UNKNOWN, Run
from xpm_tui.domain.shared_state import SharedState
from xpm_tui.domain.tables import (
    ALL,
    BASE,
    CLIENTS,
    FREEZES,
    IMAGES,
    IMPORT_IMAGES,
    INBOX,
    INTENTS,
    LINKS,
    META,
    PLANNED,
    PLANS,
    RUNS,
    STAMPS,
    STOPS,
    XPM_CLIENTS,
)
from xpm_tui.lazy import lazy_imports
from xpm_tui.xero.rate_limiter import RateLimiter

with lazy_imports():
    from xpm_tui.application.jobs import queries as job_queries
    from xpm_tui.application.jobs import services
    from xpm_tui.application.runs import open_intents, plans
    from xpm_tui.application.team import queries as team_queries
    from xpm_tui.ignition import pending_changes
    from xpm_tui.sync.planning import contacts
    from xpm_tui.sync.planning import links as link_states
    from xpm_tui.xero import shared_access


def allowance(practice: OpenPractice) -> Allowance:
    """Return the calls that are left; the day's are unknown before the first call."""
    return allowance_at(practice.state, practice.clock, practice.shared)


def allowance_at(state: Path, clock: Clock, shared: SharedState | None = None) -> Allowance:
    """Return the calls that are left, from a practice's state folder or from what its machines share."""
    path = state / LIMITER_FILE
    if shared is None and not path.exists():
        return Allowance(minute_left=ALL_MINUTE)
    gate = RateLimiter(path if shared is None else shared_access.SharedLimiter(shared, clock), clock)
    try:
        return gate.allowance()
    finally:
        gate.close()


EXIT_LOGIN, EXIT_HELD, EXIT_FAILED = 3, 4, 1


class StatusProblem(msgspec.Struct, frozen=True, kw_only=True):
    """A problem to show to the user: what it is, what to do, and the exit code of ``status``."""

    code: str
    sentence: str
    hint: str = ""
    exit_code: int = 0


class StatusSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The status of the practice. Times are UTC; ``hours`` since the last successful sync, or None.

    ``removed_contacts`` are contacts that were removed in XPM and stay here. ``needs_person`` are clients
    that need a decision, ``planned_links`` those that the next plan links automatically. ``links`` counts the
    store's clients by the state of their link, ``jobs`` counts jobs by state. ``minute_left`` and
    ``day_left`` are calls to Xero, None if unknown. ``notes`` are lists that could not be read, which is not
    an error. ``set_aside`` are records of XPM that cannot be read.
    """

    title: str
    folder: str
    sandbox: bool
    connected: bool
    login: str
    since: datetime | None
    by: str
    last_good: datetime | None
    hours: float | None
    last_run: str
    last_outcome: str
    running: str
    jobs: JobCounts
    held: tuple[str, ...]
    clients: int
    xpm_clients: int
    linked: int
    links: dict[str, int]
    needs_person: int
    planned_links: int = 0
    removed_contacts: int
    waiting: int
    conflicts: int
    frozen: int
    to_ignition: int
    never_in_ignition: tuple[OmittedRecord, ...]
    import_at: datetime | None
    mirror_at: datetime | None
    minute_left: int
    day_left: int | None
    day_limit: int | None
    skipped: datetime | None
    scheduled: ScheduledSyncs
    notes: tuple[str, ...]
    set_aside: tuple[SetAsideView, ...]
    inbox: InboxStatus = InboxStatus()
    problems: tuple[StatusProblem, ...]

    @property
    def login_needed(self) -> bool:
        """Return whether someone has to sign in to Xero again."""
        return any(problem.code == "login-needed" for problem in self.problems)

    @property
    def exit_code(self) -> int:
        """Return the exit code of ``status``.

        It is 8 if the store is damaged, 3 if a login is needed, 4 if something is held, and 1 if the last run
        or a file from the inbox failed, or the last run was too long ago.
        """
        codes = {problem.exit_code for problem in self.problems}
        order = (StoreUnreadable.exit_code, EXIT_LOGIN, EXIT_HELD, EXIT_FAILED)
        return next((code for code in order if code in codes), 0)


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What is computed over the whole store, cached until the store changes.

    ``missing`` says which templates and categories the practice uses that XPM no longer has.
    """

    links: dict[str, int]
    needs_person: int
    planned_links: int
    removed_contacts: int
    to_ignition: ExportState
    import_at: datetime | None
    jobs: JobCounts
    missing: tuple[str, ...]


NOT_COUNTED = (META, BASE, PLANS, PLANNED, RUNS, STOPS, INTENTS, IMAGES, IMPORT_IMAGES, INBOX, STAMPS)
"""The tables on which no count depends; a run without changes writes only to these."""

_SAVED = SavedCount(Counts, tuple(table for table in ALL if table not in NOT_COUNTED))


def summarize(practice: OpenPractice) -> StatusSummary:
    """Return the status. It takes O(clients) after a change of the store, and is fast otherwise."""
    snapshot, now = practice.snapshot(), practice.clock.now()
    counts = cached_count(practice, "counts", lambda now_: _counts(practice, now_), _basis(practice), _SAVED)
    runs = history.list_runs(practice)
    ended = next((r for r in runs if r.outcome not in ("running", "skipped") and history.is_sync(r)), None)
    running = history.current_run(practice)
    good = history.last_successful_sync(runs)
    last_good = good.ended if good else None
    hours = round((now - last_good).total_seconds() / 3600, 1) if last_good else None
    identity, known = practice.identity(), read_identity(snapshot)
    plan = plans.latest_plan(practice)
    draft = plan if plan is not None and plan.state == "draft" else None
    left = allowance(practice)
    skipped = unattended_runs.skipped_day(snapshot)
    states = [list_state(snapshot, name) for name in LISTS]
    inbox = inbox_status(practice)
    return StatusSummary(
        title=practice.title,
        folder=practice.name,
        sandbox=practice.sandbox,
        connected=identity is not None,
        login=known.login if known else "",
        since=identity.since if identity else None,
        by=identity.by if identity else "",
        last_good=last_good,
        hours=hours,
        last_run=ended.id if ended else "",
        last_outcome=ended.outcome if ended else "",
        running=running.id if running else "",
        jobs=counts.jobs,
        held=tuple(run.id for run in history.list_held_runs(snapshot)),
        clients=snapshot.count(CLIENTS),
        xpm_clients=snapshot.count(XPM_CLIENTS),
        linked=snapshot.count(LINKS),
        links=counts.links,
        needs_person=counts.needs_person,
        planned_links=counts.planned_links,
        removed_contacts=counts.removed_contacts,
        waiting=draft.counts.get("waiting", 0) if draft else 0,
        conflicts=draft.counts.get("mark:conflict", 0) if draft else 0,
        frozen=snapshot.count(FREEZES),
        to_ignition=counts.to_ignition.clients,
        never_in_ignition=counts.to_ignition.never,
        import_at=counts.import_at,
        mirror_at=states[0].at,
        minute_left=left.minute_left,
        day_left=left.day_left,
        day_limit=left.day_limit,
        skipped=skipped.started if skipped else None,
        scheduled=unattended_runs.scheduled_syncs(practice),
        notes=tuple(dict.fromkeys(state.note for state in states[1:] if state.note)),  # clients: a problem
        set_aside=set_aside_views(snapshot),
        inbox=inbox,
        problems=(
            *_problems(practice, counts, ended, good, now),
            *link_problems(counts.links),
            *job_problems(counts.jobs, runs),
            *inbox_problems(inbox),
        ),
    )


def _basis(practice: OpenPractice) -> tuple[date, list[tuple[str, str, str]]]:
    """Return what else the counts depend on: the day, and the settings about jobs."""
    settings = (item for item in practice.settings.items() if item.key.startswith("jobs."))
    return practice.current_day(), [(item.key, item.shown, item.origin) for item in settings]


def _counts(practice: OpenPractice, snapshot: Snapshot) -> Counts:
    links: Counter[LinkState] = Counter()
    people = planned = removed = 0
    names = link_states.SameNames(snapshot)
    pending = pending_changes.PendingCount(snapshot)
    for client in snapshot.rows(CLIENTS):
        pending.add(client)
        link = snapshot.get(LINKS, client.id)
        row = snapshot.get(XPM_CLIENTS, link.uuid) if link is not None else None
        state = link_states.state_of(snapshot, client, link, row)
        if link is not None and row is not None:
            removed += len(contacts.removed_in_xpm(client, link, row))
        links[state] += 1
        person = link_states.undecided_client(snapshot, client, state)
        if link_states.planned_link(snapshot, client, person, names):
            planned += 1
        else:
            people += person is not None
    return Counts(
        links={str(state): number for state, number in links.items()},
        needs_person=people,
        planned_links=planned,
        removed_contacts=removed,
        to_ignition=export_state(pending),
        import_at=last.at if (last := last_import(snapshot)) else None,
        jobs=job_queries.counts(practice),
        missing=(
            *services.describe_missing_templates(snapshot),
            *filter(None, [services.category_error(practice)]),
        ),
    )


def _problems(
    practice: OpenPractice, counts: Counts, ended: Run | None, good: Run | None, now: datetime
) -> tuple[StatusProblem, ...]:
    snapshot = practice.snapshot()
    found = _store_problems(practice)
    identity = practice.identity()
    if identity is None:
        found.append(
            StatusProblem(
                code="not-connected",
                sentence="This practice is not connected to Xero.",
                hint="Run: xpm-tui connect",
                exit_code=EXIT_LOGIN,
            )
        )
    elif problem := login_problem(practice, identity, [ended] if ended is not None else []):
        found.append(
            StatusProblem(
                code="login-needed",
                sentence=problem.message,
                hint=f"{problem.remedy} Why: xpm-tui doctor",
                exit_code=EXIT_LOGIN,
            )
        )
    for run in history.list_held_runs(snapshot):
        guard = [stop.sentence for stop in run.stops if stop.rule != UNKNOWN]
        # A write without an answer is a separate problem, below.
        why = guard[0] if guard else "" if run.stops else run.error
        found.append(
            StatusProblem(
                code="held",
                sentence=f"Run {run.id} waits for your decision. {why}".strip(),
                hint=f"See: xpm-tui runs show {run.id}",
                exit_code=EXIT_HELD,
            )
        )
    if ended is not None and ended.outcome in history.ENDED_BADLY:
        words = "was interrupted" if ended.outcome == "interrupted" else "failed"
        found.append(
            StatusProblem(
                code="run-failed",
                sentence=f"Run {ended.id} {words}. {ended.error}".strip(),
                hint=f"See: xpm-tui runs show {ended.id}",
                exit_code=EXIT_FAILED,
            )
        )
    found += [
        StatusProblem(
            code=UNKNOWN, sentence=f"No answer from XPM. {each.message}.", hint=f"Decide: {each.decision}"
        )
        for each in open_intents.open_writes(snapshot, going=_current_run_ids(practice))
    ]
    aside = set_aside_views(snapshot)
    if aside:
        found.append(
            StatusProblem(
                code="set-aside",
                sentence=f"{count(len(aside), 'record')} of XPM cannot be read in full: {aside[0].sentence}",
                hint="See all of them: xpm-tui status. Correct them in XPM, then: xpm-tui sync",
            )
        )
    person = team_queries.find_connector(snapshot)
    if person is not None and person.sentence:
        found.append(
            StatusProblem(code=f"connector-{person.state}", sentence=person.sentence, hint=person.hint)
        )
    found += [
        StatusProblem(code="vanished", sentence=sentence, hint="See: xpm-tui templates list")
        for sentence in counts.missing
    ]
    stale = timedelta(hours=practice.settings.number("notify.hours"))
    since = (good.ended if good else None) or (identity.since if identity else None)
    if identity is not None and since is not None and now - since > stale:
        found.append(
            StatusProblem(
                code="stale",
                sentence=f"There has been no successful sync for {time_span((now - since).total_seconds())}.",
                hint="Sync now: xpm-tui sync",
                exit_code=EXIT_FAILED,
            )
        )
    return tuple(found)


def link_problems(links: Mapping[str, int]) -> Iterator[StatusProblem]:
    """Yield problems with linked clients that XPM no longer has; ``links`` counts clients by link state."""
    for state, noun, end, hint in (
        (
            "merged",
            "linked client was/linked clients were",
            "merged into another one in XPM.",
            "Accept the surviving client: xpm-tui clients review",
        ),
        (
            "gone",
            "linked client is/linked clients are",
            "no longer in XPM.",
            "See possible successors: xpm-tui clients review",
        ),
    ):
        if number := links.get(state, 0):
            yield StatusProblem(code=f"links-{state}", sentence=f"{count(number, noun)} {end}", hint=hint)


def inbox_problems(inbox: InboxStatus) -> Iterator[StatusProblem]:
    """Yield problems with the inbox: files that failed, and a folder that cannot be used."""
    if inbox.problem:
        yield StatusProblem(
            code="inbox-unusable",
            sentence=inbox.problem,
            hint="See: xpm-tui inbox status",
            exit_code=EXIT_FAILED,
        )
    if inbox.failed:
        yield StatusProblem(
            code="inbox-failed",
            sentence=f"{count(inbox.failed, 'file')} from the inbox could not be imported.",
            hint="See: xpm-tui inbox list --state failed",
            exit_code=EXIT_FAILED,
        )


def _current_run_ids(practice: OpenPractice) -> set[str]:
    return {run.id for run in history.in_progress(practice)}


def job_problems(jobs: JobCounts, runs: Sequence[Run]) -> Iterator[StatusProblem]:
    """Yield problems with jobs: those that need a decision, and what stopped the last deployment."""

    def make_problem(code: str, sentence: str, hint: str, exit_code: int) -> StatusProblem:
        return StatusProblem(code=code, sentence=sentence.strip(), hint=hint, exit_code=exit_code)

    last = next((run for run in runs if run.kind == "deploy" and run.outcome != "running"), None)
    if last is not None and last.stops and jobs.due:
        sentence = f"Run {last.id} waits for your decision. {last.stops[0].sentence}"
        yield make_problem("deploy-held", sentence, "", EXIT_HELD)
    if last is not None and last.outcome in history.ENDED_BADLY and jobs.going:
        sentence = f"Creating jobs (run {last.id}) was interrupted. {last.error}"
        yield make_problem("deploy-failed", sentence, "Continue: xpm-tui jobs retry --all", EXIT_FAILED)
    for number, state, code, noun in (
        (jobs.held, "held", EXIT_HELD, "job is held/jobs are held"),
        (jobs.failed, "failed", EXIT_FAILED, "job has failed/jobs have failed"),
    ):
        if number:
            hint = f"See: xpm-tui jobs list --state {state}"
            yield make_problem(f"jobs-{state}", f"{count(number, noun)}.", hint, code)


def _store_problems(practice: OpenPractice) -> list[StatusProblem]:
    """Return the problems of the store: damage, which allows only reading, and an unreliable location."""
    found = [
        StatusProblem(code="book-warning", sentence=words, hint="See: xpm-tui locate")
        for words in practice.store.warnings
    ]
    damage = practice.store.damage
    if damage is not None:
        found.insert(
            0,
            StatusProblem(
                code=damage.code,
                sentence=damage.message,
                hint=damage.hint or "See: xpm-tui data check",
                exit_code=damage.exit_code,
            ),
        )
    return found
