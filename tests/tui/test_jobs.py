"""Jobs and proposals in the console: what is shown, what keys do, what is refused and why."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Button, Footer

from tests.deploy.fixtures import JobsFixture
from tests.support.profile import in_soak, spread
from tests.tui.fixtures import HOSTILE, TERMINAL, ConsoleFixture, press, prose_of, settle, text_of, until
from xpm_tui.application.csv_io.imports import import_file
from xpm_tui.application.jobs import proposals
from xpm_tui.application.jobs import queries as jobs
from xpm_tui.application.jobs import workflow_edits as job_editing
from xpm_tui.application.jobs.queries import list_jobs
from xpm_tui.application.jobs.views import JobCounts
from xpm_tui.application.practice import ListState, OpenPractice, put
from xpm_tui.application.status.summary import StatusProblem, StatusSummary, summarize
from xpm_tui.application.team import links as team
from xpm_tui.domain.ignition import Client, Proposal, ProposalService
from xpm_tui.domain.ports import Drop, Put
from xpm_tui.domain.runs import BeforeImage, Run, Written
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import (
    CLIENTS,
    IMAGES,
    JOBS,
    LINKS,
    PROPOSALS,
    RUNS,
    SERVICES,
    STAFF,
    TEMPLATES,
    WORKFLOWS,
)
from xpm_tui.domain.xpm import RecordReference, XpmJob
from xpm_tui.sandbox.faults import Fault
from xpm_tui.sandbox.switches import Switches
from xpm_tui.tui.app import Console
from xpm_tui.tui.dialogs.edit import EditDialog
from xpm_tui.tui.screens.job_actions import DeployReview, JobDialog
from xpm_tui.tui.screens.jobs import FILTERS, Jobs
from xpm_tui.tui.screens.proposals import ProposalsArea, RollOverReview
from xpm_tui.tui.screens.sync import RunScreen
from xpm_tui.tui.widgets.inputs import OTHER, ChoiceField
from xpm_tui.tui.widgets.overview_panels import coming_lines
from xpm_tui.tui.widgets.table import filter_names, visible_filters
from xpm_tui.tui.worker_thread import WorkerThread

PLAIN = {"TERM": "xterm-256color", "NO_COLOR": "1"}
FILE = """Proposal Number,Proposal Name,Client Name,Service Name,Price,Start Date,End Date,Proposal Status
PROP-77,Compliance 2027,"{client}",Annual accounts,1200.00,2026-07-01,2027-06-30,Accepted
PROP-77,Compliance 2027,"{client}",Nobody's service,50.00,2026-07-01,2027-06-30,Accepted
"""


@pytest.fixture
async def env(tmp_path: Path) -> JobsFixture:
    env = JobsFixture(tmp_path)
    await env.ready()
    return env


@pytest.fixture
def workers() -> Iterator[list[WorkerThread]]:
    made: list[WorkerThread] = []
    yield made
    for worker in made:
        worker.close()


@pytest.fixture
def over(workers: list[WorkerThread]) -> Callable[..., Console]:
    """Opens a console over the practice of a fixture."""

    def make(env: JobsFixture, *, environ: Any = TERMINAL, read_only: bool = False) -> Console:
        worker = WorkerThread(lambda: env.open(read_only=read_only))
        worker.open()
        workers.append(worker)
        return Console(worker, environ=environ, welcome=False)

    return make


@asynccontextmanager
async def jobs_area(app: Console, *keys: str, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Pilot[Any]]:
    """Open the Jobs area of the console and press some keys."""
    async with app.run_test(size=size, notifications=True) as pilot:
        await settle(pilot)
        await press(pilot, "g", "j", *keys)
        yield pilot


def imported(env: JobsFixture) -> None:
    """Return Ignition's file with one accepted proposal."""
    client = env.practice.snapshot().get(CLIENTS, env.client)
    assert client is not None
    path = env.practice.state / "proposals.csv"
    path.write_text(FILE.format(client=client.name), encoding="utf-8")
    import_file(env.practice, "proposals", path)


def shows(app: Console, kind: type[Screen[Any]]) -> bool:
    """Return whether the active screen is of this kind."""
    return isinstance(app.screen, kind)


def state(env: JobsFixture, job: str = "w1") -> str:
    return jobs.row_of(env.practice, job).state


@pytest.mark.usefixtures("inline")
async def test_the_acceptance_journey(env: JobsFixture, over: Callable[..., Console]) -> None:
    """A proposal is imported, taken over, edited, previewed and deployed: XPM has one job, as shown."""
    imported(env)
    partner, manager, staff = (view.name for view in team.list_team(env.practice)[:3])
    app = over(env)
    async with jobs_area(app) as pilot:
        shown = text_of(app)
        assert "There are no jobs to create. 1 accepted proposal can be taken over" in shown
        await press(pilot, "v")
        shown = text_of(app)
        assert shows(app, ProposalsArea)
        assert "○ To take over" in shown
        assert "its own integration has usually created the jobs" in " ".join(shown.split())
        assert "Nobody's service  50.00 → not in the library" in shown
        await press(pilot, "T", "f10")
        assert "● Active" in text_of(app)
        await press(pilot, "escape")
        assert shows(app, Jobs)
        assert "○ Coming" in text_of(app)
        await press(pilot, "e")
        edit = app.screen
        assert isinstance(edit, EditDialog)
        partners = edit._inputs["partner"]
        assert isinstance(partners, ChoiceField)
        people = [value for _, value in partners._options]
        assert people[:2] == ["", "default"]
        assert {partner, manager} < set(people), "chosen from the team, not typed"
        state = edit._inputs["state"]
        assert isinstance(state, ChoiceField)
        assert [value for _, value in state._options] == ["", "default", OTHER]
        for typed, chosen in (("escape",), ""), (("=REVIEW[/]", "enter"), "REVIEW[/]"):
            state.value = OTHER
            await until(pilot, "Interface Code")
            await press(pilot, *typed)
            assert state.value == chosen
        state.value = ""
        for field, value in (("partner", partner), ("manager", manager), ("staff", staff),
                             ("category", env.category), ("budget", "1200")):  # fmt: skip
            edit._inputs[field].value = value
        await press(pilot, "f10")
        assert shows(app, Jobs), text_of(app)
        await press(pilot, "enter")
        assert shows(app, JobDialog)
        shown = text_of(app)
        assert " + ".join(env.names[:2]) in shown
        assert partner in shown
        assert manager in shown
        await press(pilot, "d")
        assert shows(app, DeployReview), text_of(app)
        assert "Create 1 job" in text_of(app)
        assert "5 calls to Xero, less than a minute." in text_of(app)
        assert app.focused is not None
        assert app.focused.id == "leave", "the safe button has the focus"
        await press(pilot, "right", "enter")
        assert shows(app, RunScreen)
        assert "✓ Done" in text_of(app)
        await press(pilot, "escape", "right_square_bracket")
        for _ in range(5):
            await press(pilot, "right_square_bracket")
        assert "✓ Deployed" in text_of(app)
        await press(pilot, "e")
        assert "This job is deployed: jobs in XPM cannot be changed" in text_of(app)
    (job,) = env.made("Compliance 2027")
    assert (job.start, job.due, job.order_number, job.budget) == (
        "2026-07-01",
        "2027-06-30",
        "PROP-77",
        "1200.00",
    )
    assert env.sandbox.practice.categories[job.category or ""].name == env.category
    assert env.tasks_of(job) == env.wanted_tasks()
    named = {row.uuid: row.name for row in env.practice.snapshot().rows(STAFF)}
    assert [named[job.partner or ""], named[job.manager or ""]] == [partner, manager]
    assert [named[uuid] for uuid in job.assigned] == [staff]
    assert env.net.asked("job.api/add") == 1


@pytest.mark.soak
async def test_an_edit_that_cannot_be_is_said_over_what_was_typed(
    env: JobsFixture, over: Callable[..., Console]
) -> None:
    env.accepted()
    app = over(env)
    async with jobs_area(app, "e") as pilot:
        edit = app.screen
        assert isinstance(edit, EditDialog)
        assert edit._inputs["name"].value == "Compliance 2026"
        edit._inputs["budget"].value = "a lot"
        edit._inputs["name"].value = "Accounts"
        await press(pilot, "f10")
        again = app.screen
        assert isinstance(again, EditDialog)
        assert "budget: 'a lot' is not a number. For example: 1200.00" in text_of(app)
        assert again._inputs["name"].value == "Accounts"
        again._inputs["budget"].value = "950"
        await press(pilot, "f10")
        assert shows(app, Jobs)
    shown = jobs.preview_job(env.practice, "w1")
    assert (shown.name, shown.budget) == ("Accounts", "950")


@pytest.mark.soak
@pytest.mark.usefixtures("inline")
async def test_all_of_one_cause_is_tried_again_at_once(
    env: JobsFixture, over: Callable[..., Console]
) -> None:
    for n in range(3):
        env.accepted(f"Job {n}", env.clients[n])
        job_editing.edit_workflow(env.practice, f"w{n + 1}", {"state": "NONSENSE"})
    await env.deploy("w1", "w2", "w3")
    for n in range(3):
        job_editing.edit_workflow(env.practice, f"w{n + 1}", {"state": "INPROGRESS"})
    app = over(env)
    async with jobs_area(app) as pilot:
        shown = text_of(app)
        assert shown.count("✗ Failed") == 4, "three rows and the head of the pane"
        assert "was created, but its state could not be set" in " ".join(shown.split())
        await press(pilot, "d")
        await press(pilot, "escape", "t")
        assert "All with this cause (state-code): 3 jobs" in text_of(app)
        await press(pilot, "down", "enter")
        assert "Finish 3 jobs" in text_of(app)
        assert "4 calls to Xero, less than a minute." in text_of(app)
        await press(pilot, "right", "enter")
        assert shows(app, RunScreen)
    assert [state(env, f"w{n + 1}") for n in range(3)] == ["deployed"] * 3
    assert env.net.asked("job.api/add") == 3


@pytest.mark.soak
@pytest.mark.usefixtures("inline")
async def test_what_became_of_a_lost_answer_is_asked(env: JobsFixture, over: Callable[..., Console]) -> None:
    env.sandbox.switches = Switches().changed({"create_lag": 5000})
    env.sandbox.faults.add(Fault("reset", "job.api/add", times=1, after=True))
    env.accepted()
    await env.deploy("w1")
    (there,) = env.made()
    app = over(env)
    async with jobs_area(app, "t") as pilot:
        assert "No answer" in text_of(app)
        await press(pilot, "down", "down", "enter", f"={there.number}", "enter")
        assert shows(app, DeployReview), text_of(app)
        await press(pilot, "right", "enter")
        assert shows(app, RunScreen)
    assert state(env) == "deployed"
    assert len(env.made()) == 1


@pytest.mark.soak
@pytest.mark.usefixtures("inline")
async def test_a_job_that_xpm_lost_is_made_again(env: JobsFixture, over: Callable[..., Console]) -> None:
    env.accepted()
    await env.deploy("w1")
    (first,) = env.made()
    app = over(env)
    async with jobs_area(app, "left_square_bracket", "D") as pilot:
        assert f"XPM still has job {first.number}, so no second one is created." in text_of(app)
        await press(pilot, "escape")
        await env.control("colleague", delete=first.number)
        await press(pilot, "D")
        assert "To XPM 1 new job, for 1 client." in " ".join(text_of(app).split()), text_of(app)
        await press(pilot, "enter")
        assert state(env) == "failed", "left: it waits, and is not made by itself"
        await press(pilot, "t", "right", "enter")
        assert shows(app, RunScreen)
    assert jobs.row_of(env.practice, "w1").earlier == (first.number,)


@pytest.mark.soak
@pytest.mark.usefixtures("inline")
async def test_many_are_made_at_once_and_what_asks_is_a_choice_of_its_own(
    env: JobsFixture, over: Callable[..., Console]
) -> None:
    for n in range(4):
        env.accepted(f"Due {n}", env.clients[n], start="2026-05-01", end="2027-04-30")
    job_editing.edit_workflow(env.practice, "w4", {"templates": ""})
    app = over(env)
    async with jobs_area(app, "d") as pilot:
        assert "All shown that are due: 4 jobs" in text_of(app)
        await press(pilot, "down", "enter")
        shown = text_of(app)
        assert "Create 3 jobs" in shown
        assert "10 calls to Xero, less than a minute." in shown
        assert "1 job held until you confirm: with it 12 calls to Xero" in " ".join(shown.split())
        assert "? Due 3" in shown
        await press(pilot, "right", "right", "enter")
        assert shows(app, RunScreen)
    assert [state(env, f"w{n + 1}") for n in range(4)] == ["deployed"] * 4


@pytest.mark.soak
async def test_skipped_and_undone_by_one_key(env: JobsFixture, over: Callable[..., Console]) -> None:
    env.accepted()
    app = over(env)
    async with jobs_area(app, "i") as pilot:
        assert state(env) == "skipped"
        await press(pilot, *["right_square_bracket"] * 7)
        assert "– Skipped" in text_of(app)
        await press(pilot, "i")
    assert state(env) == "coming"


@pytest.mark.soak
async def test_a_key_that_cannot_be_used_says_why(env: JobsFixture, over: Callable[..., Console]) -> None:
    env.accepted()
    app = over(env)
    async with jobs_area(app, "t") as pilot:
        assert "This job is coming: only held, failed or unfinished" in text_of(app)
        await press(pilot, "D")
        assert "This job is coming: it is not created yet." in text_of(app)
    env.practice.settings.set("jobs.ignition_deploys", "unknown", practice=True)
    app = over(env)
    async with jobs_area(app) as pilot:
        assert "! No jobs are created: XPM may still be switched on in Ignition." in text_of(app)
        await press(pilot, "d")
        assert "No in Settings (g e)." in text_of(app)
    assert env.net.asked("job.api/add") == 0


@pytest.mark.soak
async def test_read_only_shows_and_writes_nothing(env: JobsFixture, over: Callable[..., Console]) -> None:
    env.accepted()
    env.practice.settings.set("jobs.ignition_deploys", "no", practice=True)
    before = env.practice.store.watch()
    app = over(env, read_only=True)
    async with jobs_area(app) as pilot:
        assert "Compliance 2026" in text_of(app)
        for key in ("d", "e", "i", "n"):
            await press(pilot, key)
            assert shows(app, Jobs), key
            assert "read-only" in text_of(app)
        await press(pilot, "v", "delete")
        assert shows(app, ProposalsArea)
    assert env.practice.store.watch() == before


@pytest.mark.soak
async def test_renewals_are_shown_and_rolled_over_together(
    env: JobsFixture, over: Callable[..., Console]
) -> None:
    client = env.practice.snapshot().get(CLIENTS, env.client)
    assert client is not None
    path = env.practice.state / "renewed.csv"
    for year, price in ((2026, 1200), (2027, 1350)):
        rest = f'"{client.name}",Annual accounts,{price},{year}-07-01,{year + 1}-06-30,Accepted\n'
        rows = "".join(f"PROP-{at},Care {at},{rest}" for at in (81, 82))
        path.write_text(FILE.splitlines()[0] + "\n" + rows, encoding="utf-8")
        import_file(env.practice, "proposals", path)
        if year == 2026:
            proposals.take_over(env.practice, every=True)
            job_editing.edit_workflow(env.practice, "w1", {"budget": "99"})
    app = over(env)
    async with jobs_area(app, "v") as pilot:
        shown = text_of(app)
        assert "↻ Renewed" in shown
        assert "~ Annual accounts  1200 → 1350" in shown
        await press(pilot, "W")
        assert shows(app, JobDialog)
        assert text_of(app).count("1200 → 1350") >= 2
        await press(pilot, "escape", "N", "down", "enter")
        assert shows(app, RollOverReview)
        shown = text_of(app)
        assert "Create 2 workflows." in shown
        assert "1 workflow of this term has edits" in shown
        assert app.focused is not None
        assert app.focused.id == "leave"
        await press(pilot, "right", "enter")
        assert shows(app, ProposalsArea)
        assert "↻ Renewed" not in text_of(app)
    ids = [each.id for each in env.practice.snapshot().rows(WORKFLOWS) if each.follows]
    made = [jobs.preview_job(env.practice, each) for each in ids]
    assert [(each.budget, str(each.start)) for each in made] == [("99", "2027-07-01"), ("", "2027-07-01")]


@pytest.mark.soak
async def test_a_proposal_made_accepted_revoked(env: JobsFixture, over: Callable[..., Console]) -> None:
    app = over(env)
    async with jobs_area(app, "v") as pilot:
        assert "There are no proposals. Press n to create one" in text_of(app)
        await press(pilot, "a")
        assert "No proposal is selected" in text_of(app)
        await press(pilot, "n", "=Payroll 2026", "enter", f"={env.client}", "enter")
        await press(pilot, *("enter",) * 2, "=2026-05-10", *("enter",) * 4, "=Annual accounts", "f10")
        assert "· Draft" in text_of(app)
        assert "A draft: a accepts it" in text_of(app)
        await press(pilot, "a")
        chosen = app.screen.query_one("#p-repeat")
        chosen.value = "monthly"  # type: ignore[attr-defined]
        await press(pilot, "f10")
        assert "● Active" in text_of(app)
        await press(pilot, "escape")
        assert "Payroll 2026 May 2026" in text_of(app)
        await press(pilot, "v", "delete", "=client left", "enter")
        app.clear_notifications()
        await settle(pilot)
        shown = text_of(app)
        assert "– Revoked" in shown
        assert "a lets it go on" in shown
    assert "client left" in jobs.row_of(env.practice, "w1").why


@pytest.mark.soak
@pytest.mark.usefixtures("inline")
async def test_what_goes_by_itself_does_so_as_a_run(env: JobsFixture, over: Callable[..., Console]) -> None:
    env.practice.settings.set("jobs.automatic", "yes", practice=True)
    given = {"start": "2026-05-04", "end": "2027-05-03"}
    proposals.new_proposal(env.practice, "Payroll 2026", env.client, ["Annual accounts"], given)
    app = over(env)
    async with jobs_area(app, "v", "a", "f10"):
        assert shows(app, RunScreen)
    assert state(env) == "deployed"


async def test_the_card_of_a_job_lists_what_is_sent(env: JobsFixture, over: Callable[..., Console]) -> None:
    env.accepted()
    app = over(env)
    async with jobs_area(app, size=(120, 40)) as pilot:
        await settle(pilot)
        shown = prose_of(app)
        assert "What is sent to XPM" in shown
        assert shown.index("1 Create the job") < shown.index("2 Apply the template")


@pytest.mark.soak
async def test_filters_letters_and_xpms_own_jobs(env: JobsFixture, over: Callable[..., Console]) -> None:
    env.accepted("Later")
    env.accepted("Now", env.clients[1], start="2026-05-01", end="2027-01-01")
    await env.deploy("w2")
    app = over(env)
    async with jobs_area(app, size=(120, 40)) as pilot:
        assert "Later" in text_of(app)
        await press(pilot, "slash", "=zzz", "enter")
        assert "No job matches this filter." in text_of(app)
        await press(pilot, "escape")
        assert "Later" in text_of(app)
        await press(pilot, "left_square_bracket", "left_square_bracket")
        shown = text_of(app)
        assert "In XPM" in shown
        assert "● Now" in shown, "what was made from here is marked"
        await press(pilot, "slash", "=Now", "enter")
        assert "made from here: w2/2026-05-01" in text_of(app)
        await press(pilot, "d")
        assert "This job is XPM's: what is done with is not made" in text_of(app)
        await press(pilot, "o")
        assert env.made("Now")[0].number in text_of(app)


@pytest.mark.soak
async def test_a_client_shows_its_changes_and_its_jobs_where_there_is_room(
    env: JobsFixture, over: Callable[..., Console]
) -> None:
    (run,) = env.practice.ids.new("r")
    client, now = env.clients[1], env.clock.now()
    job = XpmJob(number="J77", name="Audit 2026", state="Planned")
    link = env.practice.snapshot().get(LINKS, client)
    assert link is not None
    city = Written(record=client, field="city", side="ignition", rule="master", old="Hobart", new="Kingston")
    env.practice.store.commit(
        [
            Put(RUNS, Run(id=run, started=now, by="mere", outcome="done")),
            Put(IMAGES, BeforeImage(id=f"{run}/{client}", run=run, client=client, written=(city,))),
            Put(JOBS, msgspec.structs.replace(job, client=RecordReference(uuid=link.uuid))),
        ]
    )
    app = over(env)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await settle(pilot)
        name = next(row.name for row in env.practice.snapshot().rows(CLIENTS) if row.id == client)
        await press(pilot, "g", "c", "slash", f"={name}", "enter")
        await settle(pilot)
        shown = text_of(app)
        assert f"City: Hobart → Kingston in Ignition, {run}" in shown
        assert "J77  Audit 2026  Planned" in shown


async def test_coming_jobs_are_drawn_before_their_panel_has_a_size(env: JobsFixture) -> None:
    env.accepted("Now", env.clients[1], start="2026-05-01", end="2027-01-01")
    env.accepted("Soon", env.clients[2], start="2026-05-09", end="2027-01-01")
    rows = list_jobs(env.practice)
    assert coming_lines(rows, 0, 0) == []
    assert "… and 2 more" in "".join(piece.text for piece in coming_lines(rows, 60, 1)[0])


@pytest.mark.soak
async def test_the_audit_shows_what_is_wrong(env: JobsFixture, over: Callable[..., Console]) -> None:
    env.accepted("Now", env.clients[1], start="2026-05-01", end="2027-01-01")
    app = over(env)
    async with jobs_area(app) as pilot:
        await press(pilot, "r")
        await settle(pilot)
        shown = text_of(app)
        assert "[9 Audit 1]" in shown
        assert "1 accepted proposal compared with" in shown
        assert "xpm-tui jobs deploy w1/2026-05-01" in shown
        await press(pilot, "M")
        assert "1 job in 12 months" in text_of(app)


@pytest.mark.soak
async def test_what_is_empty_says_what_to_press(env: JobsFixture, over: Callable[..., Console]) -> None:
    app = over(env)
    async with jobs_area(app) as pilot:
        assert "There are no jobs to create. v shows the proposals: n creates one there" in text_of(app)
        await press(pilot, "right_square_bracket")
        assert "No job matches this filter. esc shows all open jobs." in text_of(app)
    rows = [each.number for each in env.practice.snapshot().rows(JOBS)]

    note = "The scopes do not open this list."
    env.practice.store.commit(
        [*(Drop(JOBS, number) for number in rows), put("list:jobs", ListState(note=note))]
    )
    app = over(env)
    async with jobs_area(app, "left_square_bracket", "left_square_bracket"):
        assert note in text_of(app)


async def test_not_connected_says_so(tmp_path: Path, console: Callable[..., Console]) -> None:
    app = console(ConsoleFixture(tmp_path / "new", connected=False))
    async with jobs_area(app) as pilot:
        assert "Connect first: g o, then c." in text_of(app)
        await press(pilot, "d")
        assert "not connected to XPM yet" in text_of(app)


async def test_overview_counts_the_jobs(env: JobsFixture, over: Callable[..., Console]) -> None:
    imported(env)
    env.accepted("Due", env.clients[1], start="2026-05-01", end="2027-01-01")
    env.accepted("Weekly", env.clients[2], start="2026-05-06", repeat="weekly")
    env.accepted("Waits", env.clients[3], start="2026-05-01", end="2027-01-01")
    job_editing.edit_workflow(env.practice, "w3", {"templates": ""})
    await env.deploy("w3")
    env.clock.move(timedelta(days=3))
    app = over(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        shown = text_of(app)
        for line in (
            "1 job held",
            "1 job due · 1 missed",
            "2 jobs in the next 14 days",
            "1 proposal to take over",
        ):
            assert line in shown, shown
        assert "g j v" in shown
        assert "Last syncs" in shown


@pytest.mark.soak
@pytest.mark.parametrize("size", [(80, 24), in_soak((160, 60))])
async def test_hostile_names_are_text(
    size: tuple[int, int], env: JobsFixture, over: Callable[..., Console]
) -> None:
    snapshot = env.practice.snapshot()
    template = next(row for row in snapshot.rows(TEMPLATES) if row.name == env.names[0])
    service = snapshot.get(SERVICES, env.service)
    assert service is not None
    rows: list[Any] = [Put(TEMPLATES, msgspec.structs.replace(template, name=HOSTILE[4]))]
    for n, hostile in enumerate(HOSTILE):
        client = f"c9{n}"
        link = snapshot.get(LINKS, env.clients[n % 6])
        assert link is not None
        rows += [
            Put(CLIENTS, Client(id=client, name=hostile)),
            Put(LINKS, msgspec.structs.replace(link, id=client, quiet=True)),
            Put(PROPOSALS, Proposal(id=f"o9{n}", name=hostile, client=client, state="accepted",
                                    services=(ProposalService(name=hostile, service=env.service),))),
        ]  # fmt: skip
    env.practice.store.commit(rows)
    proposals.take_over(env.practice, every=True)
    app = over(env)
    async with jobs_area(app, size=size) as pilot:
        for keys in (
            ("end",),
            ("enter",),
            ("escape", "d", "enter"),
            ("escape", "e"),
            ("escape", "v"),
            ("enter",),
        ):
            await press(pilot, *keys)
            shown = text_of(app)
            assert "\x1b" not in shown
            assert "\u202e" not in shown
            assert "\x9b" not in shown
            if size[0] == 160 and keys in (("end",), ("escape", "v")):
                for hostile in HOSTILE:
                    assert visible(hostile)[:12] in shown, hostile


SCREEN_KEYS: dict[str, Sequence[str]] = {
    "jobs": (),
    "job": ("enter",),
    "deploy": ("d", "down", "enter"),
    "edit-job": ("e",),
    "proposals": ("v",),
    "take-form": ("v", "end", "T"),
    "in-xpm": ("left_square_bracket", "left_square_bracket"),
}


async def filled(env: JobsFixture) -> None:
    """Store jobs in all states, an imported proposal and a clash."""
    env.accepted("Company tax", env.clients[1], start="2026-05-01", end="2027-03-31", number="PROP-12")
    env.accepted("Weekly books", env.clients[2], start="2026-05-06", repeat="weekly")
    env.accepted("No templates", env.clients[3], start="2026-05-02", end="2027-01-01")
    env.accepted("Made already", env.clients[4], start="2026-05-03", end="2027-01-01")
    env.accepted("Wrong state", env.clients[5], start="2026-05-04", end="2027-01-01")
    job_editing.edit_workflow(env.practice, "w3", {"templates": ""})
    job_editing.edit_workflow(env.practice, "w5", {"state": "NONSENSE"})
    await env.deploy("w3", "w4", "w5")
    env.clock.move(timedelta(days=3))
    env.accepted("Another due", env.clients[0], start="2026-05-05", end="2027-01-01")
    imported(env)


@pytest.fixture
def busy(tmp_path: Path) -> JobsFixture:
    """A practice with jobs in all states, for pictures, which are taken outside of any event loop."""
    env = JobsFixture(tmp_path)

    async def fill() -> None:
        await env.ready()
        await filled(env)

    asyncio.run(fill())
    return env


def way_to(name: str) -> Callable[[Pilot[Any]], Any]:
    async def go(pilot: Pilot[Any]) -> None:
        assert isinstance(pilot.app, Console)
        await pilot.app.refresh_status()
        await settle(pilot)
        await press(pilot, "g", "j", *SCREEN_KEYS[name])

    return go


@pytest.mark.parametrize(
    ("name", "size"),
    [
        *spread([(name, (80, 24)) for name in SCREEN_KEYS], 4),
        *(in_soak(name, size) for name in SCREEN_KEYS for size in ((120, 40), (160, 48))),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value[0]}x{value[1]}",
)
def test_picture(
    name: str, size: tuple[int, int], busy: JobsFixture, over: Callable[..., Console], snap_compare: Any
) -> None:
    assert snap_compare(over(busy), terminal_size=size, run_before=way_to(name))


@pytest.mark.parametrize("name", spread(["jobs", "proposals"], 1))
def test_picture_without_colour(
    name: str, busy: JobsFixture, over: Callable[..., Console], snap_compare: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(over(busy, environ=PLAIN), terminal_size=(80, 24), run_before=way_to(name))


@pytest.mark.soak
async def test_nothing_is_cut_at_80_columns(env: JobsFixture, over: Callable[..., Console]) -> None:
    await filled(env)
    app = over(env)
    async with jobs_area(app) as pilot:
        for name, way in SCREEN_KEYS.items():
            await press(pilot, *way)
            for footer in app.screen.query(Footer):
                assert footer.max_scroll_x == 0, name
            for button in app.screen.query(Button):
                assert app.screen.region.contains_region(button.region), (name, button.id)
            for _ in range(4):
                await press(pilot, "escape")
            assert shows(app, Jobs), name


@pytest.mark.soak
async def test_what_is_set_elsewhere_shows_here(env: JobsFixture, over: Callable[..., Console]) -> None:
    """Settings do not change the store, but the area shows their new values."""
    env.accepted()
    env.practice.settings.set("jobs.ignition_deploys", "yes", practice=True)
    app = over(env)
    async with jobs_area(app) as pilot:
        assert "No jobs are created" in text_of(app)
        await press(pilot, "g", "e", "slash", "=ignition_deploys", "enter", "enter", "down", "enter")
        await press(pilot, "g", "j")
        assert "No jobs are created" not in text_of(app)
        await press(pilot, "d")
        assert shows(app, DeployReview)


@pytest.mark.parametrize("room", [20, 30, 48, 70, 120])
def test_the_filter_in_force_is_always_in_sight(room: int) -> None:
    names = filter_names([name for _, name in FILTERS], {0: 1_234})
    assert names[0] == "1 Open 1,234"
    for place in range(len(names)):
        seen = visible_filters(names, place, room)
        assert place in seen
        used = sum(len(names[at]) + 2 for at in seen)
        assert used + (4 if len(seen) < len(names) - 1 else 0) <= max(room, len(names[place]) + 6)


@pytest.mark.soak
@pytest.mark.usefixtures("inline")
async def test_a_line_of_a_runs_log_leads_to_its_job(env: JobsFixture, over: Callable[..., Console]) -> None:
    env.accepted("First", env.clients[1], start="2026-05-01", end="2027-01-01")
    env.accepted("Second", start="2026-05-02", end="2027-01-01")
    await env.deploy("w1", "w2")
    app = over(env)
    async with jobs_area(app, "g", "o", "tab", "tab", "enter") as pilot:
        assert shows(app, RunScreen)
        run = app.screen
        assert isinstance(run, RunScreen)
        run._pane.flush()
        await press(pilot, "u")
        assert "jobs in XPM are never changed" in text_of(app)
        app.clear_notifications()
        await press(pilot, "end", "up", "enter")
        assert shows(app, Jobs)
        shown = text_of(app)
        assert "[All " in shown
        assert "Second  w2/2026-05-02  ✓ Deployed" in shown


@pytest.mark.soak
async def test_each_problem_of_a_job_is_a_sentence_here_too(
    env: JobsFixture, over: Callable[..., Console]
) -> None:
    people = team.list_team(env.practice)
    team.unlink_member(env.practice, people[2].id)
    for n in range(6):
        env.accepted(f"Job {n}", env.clients[n], start="2026-05-04")
    env.change_client(env.clients[0], archived=True)
    env.change_client(env.clients[1], prospect=True)
    job_editing.edit_workflow(env.practice, "w3", {"manager": people[2].id})
    job_editing.edit_workflow(env.practice, "w4", {"name": "x" * 245 + " {client}"})
    job_editing.edit_workflow(env.practice, "w5", {"templates": env.names[2]})
    gone = next(row for row in env.practice.snapshot().rows(TEMPLATES) if row.name == env.names[2])
    env.practice.store.commit([Put(TEMPLATES, msgspec.structs.replace(gone, gone=True))])
    env.practice.store.commit([Put(JOBS, XpmJob(number="IGN-W6", name="Of another"))])
    env.practice.settings.set("jobs.number", "IGN-{workflow}", practice=True)
    sentences = {
        "w1": "is archived. Take it out",
        "w2": "is a prospect in XPM: its id changes",
        "w3": "is not linked to anyone in XPM, and is left out.",
        "w4": "XPM accepts at most 255.",
        "w5": f"XPM no longer has the job template {env.names[2]}.",
        "w6": "clash: XPM has a job IGN-W6 already.",
    }
    app = over(env)
    async with jobs_area(app, size=(160, 48)) as pilot:
        for workflow, sentence in sentences.items():
            await press(pilot, "enter")
            shown = prose_of(app)
            assert f"{workflow}/2026-05-04" in shown
            assert sentence in shown, shown
            await press(pilot, "escape", "down")


async def test_a_full_card_leaves_room_for_the_runs(
    env: JobsFixture, over: Callable[..., Console], monkeypatch: pytest.MonkeyPatch
) -> None:
    def crowded(practice: OpenPractice) -> StatusSummary:
        counts = JobCounts(due=12, held=3, failed=4, going=1, soon=40, missed=5, changed=2, to_take=300)
        error = StatusProblem(code="stale", sentence="There has been no successful sync for 90 hours.")
        return msgspec.structs.replace(
            summarize(practice), jobs=counts, needs_person=9, held=("r1",), conflicts=8, waiting=7,
            to_ignition=6, frozen=5, problems=(error, error, error), skipped=env.clock.now(),
        )  # fmt: skip

    await env.deploy(env.accepted().workflows[0])
    monkeypatch.setattr("xpm_tui.application.status.summary.summarize", crowded)
    app = over(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        shown = text_of(app)
        assert "There has been no successful sync" in shown
        assert "✓ r1 " in shown, shown
        assert "Connect" in shown.splitlines()[-1]
